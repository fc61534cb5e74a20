# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab serves 1,000 hosts in one process, in less than 1 GB."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from integration.harness import Lab
from integration.scenario import fleet, shells, task

pytestmark = pytest.mark.lab

HOSTS = 1000
USED = 39
LIMIT_KB = 1024 * 1024


def peak_kb(pid: int) -> int:
    """Return the most memory that a process ever had, in KB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def test_a_thousand_hosts_in_less_than_a_gigabyte(start_lab: Callable[..., Lab]) -> None:
    if not os.path.exists("/proc/self/status"):  # noqa: PTH110
        pytest.skip("this system does not show the memory of a process in /proc")
    lab = start_lab(
        fleet(
            [{"count": HOSTS, "name": "HV{n:04}"}],
            [{"per_host": 10, "name": "{host}-vm{n}", "state": "Running"}],
            groups={"used": ["HV000*", "HV001*", "HV002*", "HV003*"]},
        )
    )
    assert len(lab.state()["hosts"]) == HOSTS
    run = lab.tasks("used", task("read", "vm_info"))
    assert run.code == 0, run.output[-3000:]
    read = run.of("read")
    assert len(read) == USED
    assert all(len(result["vms"]) == 10 for result in read)
    assert len(shells(lab)) == USED
    assert peak_kb(lab.process.pid) < LIMIT_KB
