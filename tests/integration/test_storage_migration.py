# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_storage_migration: everything or parts, live slots, what hinders, a killed run that is attached to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from integration.harness import Lab, Run
from integration.moving import by_name, finding_ids
from integration.scenario import changes, fleet, task

HOSTILE = 'O\'Brien – "prod" $x [a-z];'
ROOT = Path(__file__).resolve().parents[2]
E2 = "E:\\VMs"
NAMESAKES = [f"{number}2345678-1234-1234-1234-123456789abc" for number in (1, 2)]


def disk(path: str, **more: Any) -> dict[str, Any]:
    """Return a disk of a fleet file."""
    return {"path": path, "size_gb": 20, "file_size_gb": 1, **more}


FLEET = fleet(
    [
        {"name": "HV01", "volumes": {"D": {"size_gb": 500}, "E": {"size_gb": 300}, "F": {"size_gb": 2}}},
        {"name": "HV02", "language": "fr", "volumes": {"D": {"size_gb": 500}, "E": {"size_gb": 300}}},
        {"name": "OLD1", "edition": "2012R2", "volumes": {"D": {"size_gb": 500}, "E": {"size_gb": 300}}},
    ],
    [
        *({"name": f"web{n}", "host": "HV01", "state": "Running", "disks": [disk(f"D:\\w{n}\\web{n}.vhdx")]}
          for n in range(4)),
        {"name": HOSTILE, "host": "HV01", "checkpoints": [{"name": "old"}]},
        {"name": "parts", "host": "HV01", "state": "Running", "disks": [disk("D:\\p\\a.vhdx"), disk("D:\\p\\b.vhdx")]},
        {"name": "raw", "host": "HV01", "disks": [disk("D:\\r\\raw.vhdx"), {"pass_through": 3}]},
        {"name": "big", "host": "HV01", "disks": [disk("D:\\b\\big.vhdx", file_size_gb=10)]},
        {"name": "twin1", "host": "HV01", "disks": [disk("D:\\1\\disk.vhdx")]},
        {"name": "twin2", "host": "HV01", "disks": [disk("D:\\2\\disk.vhdx")]},
        *({"name": name, "host": "HV01", "disks": [disk(f"D:\\g\\{name}.vhdx", parent="D:\\g\\golden.vhdx")]}
          for name in ("clone", "other clone")),
        *({"name": "twin", "host": "HV01", "id": vm_id} for vm_id in NAMESAKES),
        {"name": "saved", "host": "HV01", "state": "Running", "disks": [disk("D:\\s\\s.vhdx")],
         "backup": {"start_after": 0, "seconds": 900}},
        {"name": "broken", "host": "HV01", "state": "Running", "disks": [disk("D:\\x\\x.vhdx")],
         "faults": [{"phase": "storage", "error": 0x80070070, "times": 9}]},
        {"name": "français", "host": "HV02", "state": "Running"},
        {"name": "old", "host": "OLD1"},
    ],
)  # fmt: skip
WEBS = [f"web{n}" for n in range(4)]


def move(title: str, *names: str, check: bool = False, **options: Any) -> dict[str, Any]:
    """Return the task that moves the storage of machines."""
    found: dict[str, Any] = task(title, "vm_storage_migration", check=check, names=list(names), **options)
    return found


def vhd(source: str, target: str) -> dict[str, str]:
    """Return where a disk goes."""
    return {"source_file_path": source, "destination_file_path": target}


PARTS: dict[str, Any] = {"virtual_machine_path": "E:\\config", "vhds": [vhd("D:\\p\\b.vhdx", "E:\\disks\\b.vhdx")]}


@pytest.fixture(scope="module")
def run(module_lab: Lab) -> Run:
    """Everything on the first host, in one play."""
    everything: dict[str, Any] = {"destination_storage_path": E2, "folder_per_vm": True}
    return module_lab.tasks(
        "hv01",
        move("webs: check", *WEBS, check=True, **everything),
        move("webs", *WEBS, remove_empty_source_folders=True, **everything),
        move("webs: again", *WEBS, **everything),
        move("hostile", HOSTILE, **everything),
        move("parts", "parts", **PARTS),
        move("parts: again", "parts", **PARTS),
        move("clone", "clone", "other clone", remove_source_unmanaged_vhds=True, **everything),
        move("pass-through", "raw", **everything),
        move("no room", "big", destination_storage_path="F:\\VMs"),
        move("no drive", "big", destination_storage_path="Q:\\VMs"),
        move("same names", "twin1", "twin2", destination_storage_path=E2),
        task("namesakes", "vm_storage_migration", ids=NAMESAKES, **everything),
        task("one namesake", "vm_storage_migration", ids=NAMESAKES[:1], **everything),
        move("backup", "saved", **everything),
        move("one fails", "broken", "twin1", destination_storage_path=E2),
        move("stranger", "big", vhds=[vhd("D:\\other\\c.vhdx", "E:\\c.vhdx")]),
        move("nowhere", "big"),
        move("both", "big", destination_storage_path=E2, virtual_machine_path=E2),
        move("relative", "big", destination_storage_path="VMs"),
        task("nobody", "vm_storage_migration", destination_storage_path=E2),
    )


def row(run: Run, title: str) -> dict[str, Any]:
    """Return the only VM's row of a task."""
    (found,) = by_name(run.one(title)).values()
    return found


def test_all_of_several_running_machines(run: Run, module_lab: Lab) -> None:
    check, done, again = (run.one(title) for title in ("webs: check", "webs", "webs: again"))
    assert (check["changed"], done["changed"], again["changed"]) == (True, True, False), run.output
    assert {name: one["outcome"] for name, one in by_name(done).items()} == dict.fromkeys(WEBS, "moved"), done
    assert set(again["summary"].items()) >= {("already_there", 4), ("moved", 0)}
    state = module_lab.state()
    vms = {vm["name"]: vm for vm in state["hosts"]["HV01"]["vms"].values()}
    for name in WEBS:
        assert vms[name]["disks"] == [f"{E2}\\{name}\\Virtual Hard Disks\\{name}.vhdx"]
        assert (vms[name]["path"], vms[name]["state"], vms[name]["power_ons"]) == (f"{E2}\\{name}", "Running", 0)
    folders = state["hosts"]["HV01"]["volumes"]["D:"]["folders"]
    assert not [folder for folder in folders if folder.lower().startswith(("d:\\w0", "d:\\hyper-v\\web0"))]


def test_never_more_than_the_slots(run: Run, module_lab: Lab) -> None:
    assert run.results
    moves = module_lab.state()["storage_migrations"]
    for one in moves:
        at_once = [m for m in moves if m["started"] <= one["started"] < m["finished"]]
        assert len(at_once) <= 2
    assert all(sum(m["vm"] == name and m["outcome"] == "moved" for m in moves) == 1 for name in WEBS)


def test_a_hostile_name_and_its_checkpoint(run: Run, module_lab: Lab) -> None:
    assert row(run, "hostile")["outcome"] == "moved", run.one("hostile")
    (vm,) = [vm for vm in module_lab.state()["hosts"]["HV01"]["vms"].values() if vm["name"] == HOSTILE]
    assert all(path.startswith(E2) for path in (vm["path"], *vm["disks"]))


def test_parts_alone(run: Run, module_lab: Lab) -> None:
    done = row(run, "parts")
    assert done["moved"]["after"] == {"virtual_machine_path": "E:\\config", "b.vhdx": "E:\\disks\\b.vhdx"}
    assert run.one("parts: again")["changed"] is False
    (vm,) = [vm for vm in module_lab.state()["hosts"]["HV01"]["vms"].values() if vm["name"] == "parts"]
    assert vm["disks"] == ["D:\\p\\a.vhdx", "E:\\disks\\b.vhdx"]
    assert vm["path"] == "E:\\config"


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("clone", "parent_shared"),
        ("pass-through", "pass_through_disk"),
        ("no room", "space_insufficient"),
        ("no drive", "drive_missing"),
    ],
)
def test_what_hinders_is_found(run: Run, title: str, expected: str) -> None:
    assert run.one(title)["changed"] is False
    for found in by_name(run.one(title)).values():
        assert found["outcome"] == "failed"
        assert expected in finding_ids(found, "blocking"), found


def test_two_disks_never_meet(run: Run) -> None:
    rows = by_name(run.one("same names"))
    assert finding_ids(rows["twin2"], "blocking") == {"target_shared"}, rows
    assert rows["twin1"]["outcome"] == "moved"


def test_a_backup_is_waited_for_and_one_failure_stops_no_other(run: Run) -> None:
    assert row(run, "backup")["outcome"] == "moved", run.one("backup")
    rows = by_name(run.one("one fails"))
    assert (rows["broken"]["outcome"], rows["twin1"]["outcome"]) == ("failed", "already_there")
    assert rows["broken"]["error"]["hresult"] == "0x80070070"
    assert run.one("one fails")["changed"] is False, "a refused move has moved nothing"


def test_a_folder_does_not_depend_on_what_else_is_chosen(run: Run) -> None:
    both, alone = run.one("namesakes"), run.one("one namesake")
    assert (both["changed"], alone["changed"]) == (True, False), alone


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("stranger", "no disk of the chosen"),
        ("nowhere", "say where the storage goes"),
        ("both", "contradict"),
        ("relative", "not absolute"),
        ("nobody", "give names, ids or select"),
    ],
)
def test_bad_input_is_one_line(run: Run, title: str, said: str) -> None:
    result = run.one(title)
    assert (result["_status"], result["changed"]) == ("ignored", False)
    assert said in result["msg"]
    assert "\n" not in result["msg"]


@pytest.mark.exhaustive
@pytest.mark.parametrize("host", ["hv02", "old1"])
def test_other_hosts_behave_the_same_by_the_guides_own_task(module_lab: Lab, host: str) -> None:
    (play,) = (found for found in guide_plays() if "vm_storage_migration" in str(found))
    given = play["tasks"][0]["hyperv.mobility.vm_storage_migration"]
    start = len(module_lab.journal())
    steps = [task(title, "vm_storage_migration", **given) for title in ("apply", "again")]
    run = module_lab.tasks(host, *steps)
    assert [run.one(title, host)["changed"] for title in ("apply", "again")] == [True, False], run.output
    moved = [one for one in changes(module_lab, start) if one["command"].endswith("Move-VMStorage")]
    assert len(moved) == 1


def guide_plays() -> list[dict[str, Any]]:
    """Return the plays that the user guide shows."""
    page = (ROOT / "docs/user-guide.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return [play for block in blocks for play in (yaml.safe_load(block) or []) if isinstance(play, dict)]


SLOW = fleet(
    [{"name": "HV01", "volumes": {"D": {"size_gb": 500, "rate_mb": 15}, "E": {"size_gb": 300}}}],
    [
        {
            "name": "web",
            "host": "HV01",
            "state": "Running",
            "disks": [disk("D:\\w\\web.vhdx", size_gb=60, file_size_gb=40)],
        }
    ],
    speed=60,
)


@pytest.mark.exhaustive
def test_a_run_after_a_lost_one_attaches(start_lab: Any) -> None:
    lab = start_lab(SLOW)
    impatient = lab.tasks("hv01", move("first", "web", destination_storage_path=E2, timeout_seconds=3))
    assert impatient.one("first")["_status"] == "ignored"
    assert "run again to attach" in impatient.one("first")["msg"]
    assert f"web D:\\Hyper-V\\web > {E2} " in impatient.output
    second = lab.tasks("hv01", move("second", "web", destination_storage_path=E2))
    assert row(second, "second")["outcome"] == "attached", second.output
    assert [one["outcome"] for one in lab.state()["storage_migrations"]] == ["moved"]
