# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input is one sentence that names it, before anything is changed; hostile names travel unharmed."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from integration.harness import Lab, Run
from integration.moving import by_name, everywhere, nothing_changed, one_line, ready, residents, show
from integration.scenario import sent, task

TWIN = "twin"
HOSTILE = (
    'O\'Brien – "prod" $x; `whoami` | Remove-VM',
    "[x]*?",
    "测试机器 é ü",
    "two\nlines",
    "$(Get-VM)",
    "n" * 100,
    "5f3a1c52-8f0e-4d0b-9d5e-0123456789ab",
    "CON",
    "a/b\\c:d",
)
FLEET = ready(
    [
        {"name": "HV01"},
        {"name": "HV02"},
        {"name": "HV03", "faults": [{"probability": 1.0, "action": "drop", "times": 100000}]},
    ],
    [
        {"name": "vm01", "host": "HV01", "state": "Running"},
        {"name": TWIN, "host": "HV01"},
        {"name": TWIN, "host": "HV01"},
        *({"name": name, "host": "HV01", "memory_mb": 64} for name in HOSTILE),
    ],
)
GOOD: dict[str, Any] = {"names": ["vm01"], "destination_host": "hv02"}
A_DISK = {"source_file_path": "D:\\a.vhdx", "destination_file_path": "E:\\a.vhdx"}

BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown name": ({"names": ["vm01", "nobody"]}, "not_found", "'nobody'"),
    "unknown id": (
        {"names": None, "ids": ["11111111-2222-3333-4444-555555555555"]},
        "not_found",
        "11111111-2222-3333-4444-555555555555",
    ),
    "no id": ({"names": None, "ids": ["vm01"]}, "invalid_request", "'vm01'"),
    "ambiguous name": ({"names": [TWIN]}, "ambiguous", "'twin'"),
    "empty name": ({"names": [" "]}, "invalid_request", "names"),
    "nothing asked": ({"names": None}, "invalid_request", "names, ids"),
    "empty list": ({"names": []}, "invalid_request", "names, ids"),
    "select nothing": ({"names": None, "select": "[?name=='zzz']"}, "not_found", "zzz"),
    "wrong expression": ({"names": None, "select": "[?name=="}, "invalid_request", "'[?name=='"),
    "wrong result": ({"names": None, "select": "[].name"}, "invalid_request", "'[].name'"),
    "unknown host": ({"destination_host": "hv99"}, "invalid_request", "'hv99'"),
    "itself": ({"destination_host": "hv01"}, "invalid_request", "'hv01'"),
    "itself by another name": ({"destination_host": "alias01"}, "invalid_request", "'alias01'"),
    "no windows host": ({"destination_host": "penguin"}, "invalid_request", "penguin"),
    "relative path": ({"destination_storage_path": "VMs"}, "invalid_request", "'VMs'"),
    "forbidden path": ({"destination_storage_path": "D:\\a<b"}, "invalid_request", "a<b"),
    "reserved path": ({"destination_storage_path": "D:\\nul\\x"}, "invalid_request", "nul"),
    "empty path": ({"destination_storage_path": ""}, "invalid_request", "destination_storage_path"),
    "device path": ({"virtual_machine_path": "\\\\.\\PhysicalDrive0\\x"}, "invalid_request", "PhysicalDrive0"),
    "path out of its folder": ({"destination_storage_path": "D:\\VMs\\..\\Windows"}, "invalid_request", ".."),
    "new file name": (
        {"vhds": [A_DISK | {"destination_file_path": "E:\\b.vhdx"}]},
        "invalid_request",
        "b.vhdx",
    ),
    "twice the same disk": ({"vhds": [A_DISK, A_DISK]}, "invalid_request", "a.vhdx"),
    "disk without target": ({"vhds": [{"source_file_path": "D:\\a.vhdx"}]}, "invalid_request", "destination_file_path"),
    "all and parts": (
        {"destination_storage_path": "D:\\V", "virtual_machine_path": "D:\\W"},
        "invalid_request",
        "virtual_machine_path",
    ),
    "no storage, and a path": (
        {"include_storage": False, "destination_storage_path": "D:\\V"},
        "invalid_request",
        "include_storage",
    ),
    "no storage, and disks": ({"include_storage": False, "vhds": [A_DISK]}, "invalid_request", "vhds"),
    "parents removed and kept": (
        {"remove_source_unmanaged_vhds": True, "retain_vhd_copies_on_source": True},
        "invalid_request",
        "retain_vhd_copies_on_source",
    ),
    "parents removed with a map": (
        {"remove_source_unmanaged_vhds": True, "switch_map": {"a": "b"}},
        "invalid_request",
        "switch_map",
    ),
    "map to nothing": ({"switch_map": {"External": ""}}, "invalid_request", "'External'"),
    "map to a list": ({"switch_map": {"External": ["a"]}}, "invalid_request", "'External'"),
    "negative wait": ({"wait_for_backup_seconds": -1}, "invalid_request", "wait_for_backup_seconds"),
    "negative limit": ({"timeout_seconds": -5}, "invalid_request", "timeout_seconds"),
    "negative retries": ({"retries": -1}, "invalid_request", "retries"),
    "negative shutdown": ({"shutdown_timeout_seconds": -1}, "invalid_request", "shutdown_timeout_seconds"),
    "no concurrency": ({"concurrency": "0"}, "invalid_request", "concurrency"),
    "negative concurrency": ({"concurrency": "-2"}, "invalid_request", "concurrency"),
    "odd concurrency": ({"concurrency": "many"}, "invalid_request", "'many'"),
    "unknown option": ({"destination": "hv02"}, "invalid_request", "destination"),
    "unknown choice": ({"power": "yes"}, "invalid_request", "power"),
    "unreachable destination": ({"destination_host": "hv03"}, "connection_lost", "hv03"),
}


def host_variables(inventory: Any, host: str) -> dict[str, Any]:
    """Return the variables of a host in the lab's inventory, wherever in the tree it stands."""
    found: dict[str, Any] = {}
    for group in inventory.values():
        found |= (group.get("hosts") or {}).get(host) or {}
        found |= group.get("vars") or {}
        found |= host_variables(group.get("children") or {}, host)
    return found


@pytest.fixture(scope="module")
def refused(module_lab: Lab) -> tuple[Run, list[dict[str, Any]]]:
    """Every wrong task in one play, and the journal it left."""
    tasks = [
        task(name, "vm_migration", **{k: v for k, v in (GOOD | given).items() if v is not None})
        for name, (given, _, _) in BAD.items()
    ]
    known = yaml.safe_load(module_lab.inventory.read_text(encoding="utf-8"))
    more = {"hosts": {"alias01": host_variables(known, "hv01"), "penguin": {"ansible_connection": "ssh"}}}
    second = module_lab.workdir / "second.yml"
    second.write_text(yaml.safe_dump({"all": more}), encoding="utf-8")
    run = module_lab.play([{"hosts": "hv01", "gather_facts": False, "tasks": tasks}], "-i", str(second))
    return run, module_lab.journal()


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence_that_names_it(refused: Any, name: str) -> None:
    run, _ = refused
    _, kind, named = BAD[name]
    result = run.one(name)
    assert result["_status"] in {"ignored", "unreachable"}, result
    one_line(result["msg"])
    assert named in result["msg"], result["msg"]
    assert result["error"]["kind"] == kind, result
    assert result["changed"] is False


def test_nothing_was_changed(module_lab: Lab, refused: Any) -> None:
    nothing_changed(module_lab)
    assert not sent(module_lab)["Compare-VM"]
    state = module_lab.state()
    assert not state["moves"]
    assert "vm01" in residents(state, "HV01")


def test_an_ambiguous_name_lists_the_ids(module_lab: Lab, refused: Any) -> None:
    run, _ = refused
    ids = {vm["id"] for vm in module_lab.state()["hosts"]["HV01"]["vms"].values() if vm["name"] == TWIN}
    result = run.one("ambiguous name")
    assert len(ids) == 2
    assert all(found in result["msg"] for found in ids)
    assert {one["id"] for one in result["error"]["candidates"]} == ids


def test_hostile_names_travel_unharmed(module_lab: Lab, refused: Any) -> None:
    assert refused
    before = module_lab.state()
    arguments = {"names": list(HOSTILE), "destination_host": "hv02"}
    run = module_lab.tasks(
        "hv01",
        task("check", "vm_migration", check=True, **arguments),
        task("move", "vm_migration", **arguments),
        task("again", "vm_migration", **arguments),
    )
    assert {row["outcome"] for row in run.one("check")["vms"]} == {"moved"}, show(run)
    rows = by_name(run.one("move"))
    assert {name: rows[name]["outcome"] for name in HOSTILE} == dict.fromkeys(HOSTILE, "moved"), show(run)
    assert run.one("again")["changed"] is False
    assert {row["outcome"] for row in run.one("again")["vms"]} == {"already_there"}
    after = module_lab.state()
    assert set(residents(after, "HV02")) == set(HOSTILE)
    assert everywhere(before) == everywhere(after)
    folders = [vm["path"] for vm in residents(after, "HV02").values()]
    assert len(set(folders)) == len(folders)


def test_twins_by_id_have_rows_and_places_of_their_own(module_lab: Lab, refused: Any) -> None:
    assert refused
    ids = sorted(vm["id"] for vm in module_lab.state()["hosts"]["HV01"]["vms"].values() if vm["name"] == TWIN)
    run = module_lab.tasks(
        "hv01", task("move", "vm_migration", keywords={"diff": True}, ids=ids, destination_host="hv02")
    )
    result = run.one("move")
    assert sorted(row["id"] for row in result["vms"]) == ids
    assert result["summary"]["moved"] == 2, show(run)
    assert result["diff"]["after"] == {f"{TWIN} ({one})": "hv02" for one in ids}
    state = module_lab.state()
    paths = {state["hosts"]["HV02"]["vms"][one]["path"] for one in ids}
    assert len(paths) == 2
