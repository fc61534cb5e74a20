# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own command line, as people use it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from integration.harness import LAB, Lab, await_ready, base_address, lab_environment

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


def test_a_lab_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    fleet = tmp_path / "fleet.yml"
    fleet.write_text(yaml.safe_dump(FLEET), encoding="utf-8")
    words = [*LAB, "serve", str(fleet), "--workdir", str(tmp_path), "--base", base_address(), "--with-parent"]
    starter = f"import os, subprocess; subprocess.Popen([*{words!r}, str(os.getpid())]).wait()"
    parent = subprocess.Popen(
        [sys.executable, "-c", starter],
        env=lab_environment(),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    await_ready(parent, tmp_path)
    parent.kill()
    deadline = time.monotonic() + 20
    while (tmp_path / "control.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    parent.communicate(timeout=10)
