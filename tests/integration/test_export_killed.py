# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_export and vm_transfer killed in the middle, and run again: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from integration.harness import Lab, kill
from integration.scenario import fleet, keep_passwords, task

VM = "0c0f0e00-0000-4000-8000-000000000001"
SLOW_GB = 40
"""At the lab's rates some two hundred simulated seconds: a moment to kill a run in."""
pytestmark = pytest.mark.exhaustive  # it has to kill in time: once, on the version that everything runs on
FLEET = fleet(
    [{"name": "HV01"}, {"name": "HV02"}],
    [
        {
            "name": "web01",
            "host": "HV01",
            "id": VM,
            "disks": [{"path": "C:\\VMs\\a.vhdx", "file_size_gb": SLOW_GB, "size_gb": 100}],
        }
    ],
    speed=18,
)
EXPORT = {"names": ["web01"], "path": "D:\\Exports"}
FETCH = {
    "names": ["web01"],
    "source": "\\\\HV01\\D$\\Exports",
    "path": "D:\\Imports",
    "username": "LAB\\admin",
    "password": "{{ passwords.admin }}",
}
LONGEST_SECONDS = 60.0


def killed(lab: Lab, host: str, module: str, arguments: dict[str, Any], begun: Callable[[], bool]) -> None:
    """Start a task, and kill it with its workers as soon as something has begun in the lab."""
    play = [{"hosts": host, "gather_facts": False, "tasks": [task("killed", module, **arguments)]}]
    process = lab.start(lab.playbook(play))
    deadline = time.monotonic() + LONGEST_SECONDS
    while not begun():
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)
    kill(process)


def sent(lab: Lab, command: str, path: str = "") -> list[dict[str, Any]]:
    return [one for one in lab.commands(command) if path in json.dumps(one["parameters"])]


@pytest.fixture(scope="module")
def lab(module_lab: Lab) -> Lab:
    keep_passwords(module_lab)
    return module_lab


@pytest.fixture(scope="module")
def export(lab: Lab) -> dict[str, Any]:
    """The results of the runs after one that was killed while the host exported, and one while it took hashes."""
    killed(lab, "hv01", "vm_export", EXPORT, lambda: bool(lab.commands("Export-VM")))
    first = lab.tasks("hv01", task("again", "vm_export", **EXPORT), task("third", "vm_export", **EXPORT))
    count = len(sent(lab, "Get-FileHash", "a.vhdx"))
    killed(
        lab, "hv01", "vm_export", {**EXPORT, "force_new": True},
        lambda: len(sent(lab, "Get-FileHash", "a.vhdx")) > count,
    )  # fmt: skip
    second = lab.tasks("hv01", task("hashes", "vm_export", **EXPORT), task("fourth", "vm_export", **EXPORT))
    return {name: run.one(name) for run, names in ((first, ("again", "third")), (second, ("hashes", "fourth")))
            for name in names}  # fmt: skip


def test_the_host_goes_on_and_the_next_run_takes_what_it_made(export: dict[str, Any], lab: Lab) -> None:
    assert export["again"]["vms"][0]["outcome"] == "attached", export["again"]
    assert export["third"]["changed"] is False
    assert export["hashes"]["vms"][0]["outcome"] == "attached"
    assert export["fourth"]["changed"] is False
    assert len(lab.commands("Export-VM")) == 2, "once for the first run, once for the new export that was asked for"


@pytest.fixture(scope="module")
def transfer(export: dict[str, Any], lab: Lab) -> dict[str, Any]:
    assert export["fourth"]["_status"] == "ok"
    killed(lab, "hv02", "vm_transfer", FETCH, lambda: bool(sent(lab, "Copy-Item", "a.vhdx")))
    small = len(sent(lab, "Copy-Item", ".vmcx"))
    run = lab.tasks("hv02", task("again", "vm_transfer", **FETCH))
    lab.control("advance", "600")
    last = lab.tasks("hv02", task("sweep", "vm_transfer", **FETCH), task("last", "vm_transfer", **FETCH))
    names = ("sweep", "last")
    return {"again": run.one("again"), "small": small, **{name: last.one(name) for name in names}}


def test_only_what_had_not_come_comes_and_no_part_stays(transfer: dict[str, Any], lab: Lab, tmp_path: Path) -> None:
    (vm,) = transfer["again"]["vms"]
    assert vm["outcome"] == "transferred", vm
    assert len(sent(lab, "Copy-Item", ".vmcx")) == 1, "the small file that had come was kept"
    assert transfer["last"]["changed"] is False
    lab.control("save", "HV02", "D:\\Imports", str(tmp_path / "imports"))
    lab.control("save", "HV01", "D:\\Exports", str(tmp_path / "exports"))
    trees = [
        {str(path.relative_to(tmp_path / side)): path.read_bytes() for path in (tmp_path / side).rglob("*.*")}
        for side in ("imports", "exports")
    ]
    assert trees[0] == trees[1]
