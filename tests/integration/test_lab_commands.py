# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own command line, as people use it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from integration.harness import LAB, Lab, lab_environment

pytestmark = pytest.mark.lab
FLEET = {"hosts": [{"name": "HV1"}], "vms": [{"name": "web", "host": "HV1"}]}


def command(*words: str) -> tuple[int, str, str]:
    """Run one of the lab's commands; return its status, output and complaint."""
    environment = lab_environment()
    done = subprocess.run([*LAB, *words], env=environment, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def test_state_and_orders(start_lab: Callable[..., Lab]) -> None:
    there = ("--workdir", str(start_lab(FLEET).workdir))
    status, output, _complaint = command("state", *there)
    assert (status, list(json.loads(output)["hosts"])) == (0, ["HV1"])
    assert command("control", *there, "shells")[:2] == (0, "{}\n")
    status, _output, complaint = command("control", *there, "restart", "HV9")
    assert (status, complaint) == (1, "Refused: there is no host 'HV9'\n")


def test_where_no_lab_runs(tmp_path: Path) -> None:
    status, output, complaint = command("state", "--workdir", str(tmp_path))
    assert (status, output) == (2, "")
    assert complaint.startswith(f"no lab runs in {tmp_path}: ")
