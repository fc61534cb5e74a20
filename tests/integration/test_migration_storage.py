# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where files go: a folder, parts, a share; parents of differencing disks; ISOs; folders left empty."""

from __future__ import annotations

from typing import Any

import pytest
from integration.harness import Lab, Run
from integration.moving import by_name, finding_ids, ready, residents, show
from integration.scenario import task

SHARE = "\\\\fs01\\vms"


def disk(path: str, **more: Any) -> dict[str, Any]:
    """Return a disk of a fleet file."""
    return {"path": path, "size_gb": 20, "file_size_gb": 1, **more}


FLEET = ready(
    [
        {"name": "HV01", "switches": ["External", "Old", "Inside"]},
        {"name": "HV02", "switches": ["External", "Inside"]},
    ],
    [
        {"name": "together", "host": "HV01", "disks": [disk("D:\\t\\one.vhdx"), disk("D:\\u\\two.vhdx")]},
        {"name": "parts", "host": "HV01", "state": "Running",
         "disks": [disk("D:\\p\\one.vhdx"), disk("D:\\p\\two.vhdx")]},
        {"name": "half", "host": "HV01", "disks": [disk("D:\\h\\one.vhdx"), disk("D:\\h\\two.vhdx")]},
        {"name": "on a share", "host": "HV01", "state": "Running", "path": f"{SHARE}\\on a share",
         "disks": [disk(f"{SHARE}\\on a share\\disk.vhdx")]},
        {"name": "local", "host": "HV01"},
        {"name": "child", "host": "HV01", "disks": [disk("D:\\c\\child.vhdx", parent="D:\\c\\parent.vhdx")]},
        {"name": "orphan", "host": "HV01", "disks": [disk("D:\\o\\child.vhdx", parent="D:\\o\\parent.vhdx")]},
        *({"name": name, "host": "HV01", "disks": [disk(f"D:\\g\\{name}.vhdx", parent="D:\\g\\golden.vhdx")]}
          for name in ("clone", "other clone")),
        {"name": "iso", "host": "HV01", "state": "Running", "dvd": "D:\\iso\\setup.iso",
         "checkpoints": [{"name": "with iso"}]},
        {"name": "swapped", "host": "HV01", "state": "Running",
         "adapters": [{"switch": "External"}, {"switch": "Inside", "name": "second"}]},
        {"name": "mapped", "host": "HV01", "state": "Running",
         "adapters": [{"switch": "Old"}, {"switch": "External", "name": "second"}]},
        {"name": "tidy", "host": "HV01", "path": "D:\\Hyper-V\\tidy"},
        {"name": "root", "host": "HV01", "path": "C:\\ProgramData\\Microsoft\\Windows\\Hyper-V",
         "disks": [disk("C:\\Users\\Public\\Documents\\Hyper-V\\Virtual Hard Disks\\root.vhdx")]},
        {"name": "greeting", "host": "HV01", "state": "Running", "adapters": [{"switch": "External",
         "addresses": ["10.20.1.5"]}]},
    ],
    shares=[{"path": SHARE, "size_gb": 1000, "free_gb": 800, "rate_mb": 2000}],
)  # fmt: skip


def move(title: str, vm: str, **options: Any) -> dict[str, Any]:
    """Return the task that moves one machine."""
    found: dict[str, Any] = task(title, "vm_migration", names=[vm], destination_host="hv02", **options)
    return found


def pair(name: str) -> dict[str, str]:
    """Return where a disk of "parts" goes."""
    return {"source_file_path": f"D:\\p\\{name}.vhdx", "destination_file_path": f"D:\\disks\\{name}.vhdx"}


@pytest.fixture(scope="module")
def run(module_lab: Lab) -> Run:
    """All moves, in one play."""
    return module_lab.tasks(
        "hv01",
        move("together", "together", destination_storage_path="D:\\VMs\\together"),
        move("parts", "parts", virtual_machine_path="D:\\config", snapshot_file_path="D:\\snapshots",
             smart_paging_file_path="C:\\paging", vhds=[pair("one"), pair("two")]),
        move("half", "half", vhds=[{"source_file_path": "D:\\h\\one.vhdx", "destination_file_path": "D:\\one.vhdx"}],
             virtual_machine_path="D:\\half"),
        move("on a share", "on a share", include_storage=False),
        move("local", "local", include_storage=False),
        move("no drive", "local", destination_storage_path="Q:\\VMs"),
        move("child", "child", retain_vhd_copies_on_source=True),
        move("orphan", "orphan", remove_source_unmanaged_vhds=True),
        move("clone", "clone", remove_source_unmanaged_vhds=True),
        move("iso blocks", "iso"),
        move("iso ejected", "iso", eject_iso=True),
        move("no map", "mapped"),
        move("map to nowhere", "mapped", switch_map={"Old": "Nowhere"}),
        move("mapped", "mapped", switch_map={"Old": "External"}),
        move("swapped", "swapped", switch_map={"external": "Inside", "Inside": "External"}),
        move("tidy", "tidy", remove_empty_source_folders=True),
        move("root", "root", remove_empty_source_folders=True),
        move("greeting", "greeting", verify={"heartbeat": True, "network": True}),
    )  # fmt: skip


@pytest.fixture(scope="module")
def there(module_lab: Lab, run: Run) -> dict[str, Any]:
    """The lab's state after all moves."""
    assert run.results, show(run)
    return module_lab.state()


def row(run: Run, title: str) -> dict[str, Any]:
    """Return the only VM's row of a task."""
    (found,) = by_name(run.one(title)).values()
    return found


@pytest.mark.parametrize(
    "title",
    [
        "together",
        "parts",
        "on a share",
        "child",
        "orphan",
        "iso ejected",
        "mapped",
        "swapped",
        "tidy",
        "root",
        "greeting",
    ],
)
def test_moves_with_no_warning(run: Run, title: str) -> None:
    found = row(run, title)
    assert found["outcome"] == "moved", found
    assert not finding_ids(found, "warning"), found
    assert not finding_ids(found, "blocking"), found


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("half", {"vhd_without_target"}),
        ("local", {"storage_not_shared"}),
        ("no drive", {"drive_missing"}),
        ("clone", {"parent_shared"}),
        ("iso blocks", {"iso_missing"}),
        ("no map", {"switch_missing"}),
        ("map to nowhere", {"switch_missing"}),
    ],
)
def test_what_cannot_go_is_found(run: Run, title: str, expected: set[str]) -> None:
    found = row(run, title)
    assert found["outcome"] == "failed"
    assert finding_ids(found, "blocking") == expected, found


def test_everything_under_one_folder(there: dict[str, Any]) -> None:
    vm = residents(there, "HV02")["together"]
    assert vm["path"].startswith("D:\\VMs\\together")
    assert all(path.startswith("D:\\VMs\\together\\") for path in vm["disks"])


def test_each_part_to_its_place(there: dict[str, Any]) -> None:
    vm = residents(there, "HV02")["parts"]
    assert vm["path"].startswith("D:\\config")
    assert sorted(vm["disks"]) == ["D:\\disks\\one.vhdx", "D:\\disks\\two.vhdx"]


def test_a_machine_on_a_share_stays_on_it(there: dict[str, Any]) -> None:
    vm = residents(there, "HV02")["on a share"]
    assert vm["disks"] == [f"{SHARE}\\on a share\\disk.vhdx"]


def test_parents_of_differencing_disks(there: dict[str, Any]) -> None:
    left = there["hosts"]["HV01"]["volumes"]["D:"]["files"]
    assert "D:\\c\\parent.vhdx" in left
    assert "D:\\o\\parent.vhdx" not in left


def test_isos_are_ejected(there: dict[str, Any]) -> None:
    assert residents(there, "HV02")["iso"]["dvds"] == [""]


def test_switches_are_mapped(there: dict[str, Any]) -> None:
    adapters = residents(there, "HV02")["mapped"]["adapters"]
    assert [(adapter["switch"], adapter["connected"]) for adapter in adapters] == [("External", True)] * 2
    swapped = residents(there, "HV02")["swapped"]["adapters"]
    assert [adapter["switch"] for adapter in swapped] == ["Inside", "External"]


def test_empty_folders_go_and_configured_roots_stay(there: dict[str, Any]) -> None:
    volumes = there["hosts"]["HV01"]["volumes"]
    folders = [folder.lower() for volume in volumes.values() for folder in volume["folders"]]
    assert not [folder for folder in folders if folder.startswith("d:\\hyper-v\\tidy")]
    assert "c:\\programdata\\microsoft\\windows\\hyper-v" in folders
    assert "c:\\users\\public\\documents\\hyper-v\\virtual hard disks" in folders
    assert "d:\\t" in folders, "folders stay unless their removal was asked for"
