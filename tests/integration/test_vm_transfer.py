# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_transfer brings exports to another host, by share, by web or by hand, and believes nothing but hashes."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from integration import packages
from integration.harness import ROOT, Lab, Run
from integration.scenario import (
    PASSWORDS,
    WRONG,
    assert_cycle,
    assert_no_secret,
    cycle,
    fleet,
    keep_passwords,
    sent,
    task,
)

HOSTILE = "O'Brien – 测试 $x [a-z]"
IDS = {"off01": "0c0f0e00-0000-4000-8000-000000000001", HOSTILE: "0c0f0e00-0000-4000-8000-000000000002"}
MOVER = {"name": "mover", "password": "Lab-Mover-1!"}
FLEET = fleet(
    [
        {
            "name": "HV01",
            "accounts": [{"name": "Administrator", "password": PASSWORDS["Administrator"]}, MOVER],
            "shares": [
                {"name": "out", "path": "D:\\Exports", "access": ["LAB\\admin"]},
                {"name": "Exports", "path": "D:\\Exports", "access": [{"account": "mover", "right": "read"}]},
            ],
        },
        {
            "name": "HV02",
            "language": "fr",
            "faults": [{"action": "damage_copy", "path": "*\\a.vhdx.*.part", "times": 1}],
        },
        {"name": "HV03", "volumes": {"D": {"size_gb": 100}, "E": {"size_gb": 1}}},
    ],
    [
        {
            "name": name,
            "host": "HV01",
            "id": vm_id,
            "disks": [{"path": f"C:\\VMs\\{vm_id}\\a.vhdx", "file_size_gb": 4, "size_gb": 40}],
        }
        for name, vm_id in IDS.items()
    ]
    + [{"name": name, "host": "HV01"} for name in ("erp01", "web01")],
    speed=3000,
)  # fmt: skip
EXPORTS, SOURCE, PATH = "D:\\Exports", "\\\\HV01\\out", "D:\\Imports"
SIGNED = {"username": "LAB\\admin", "password": "{{ passwords.admin }}"}
FETCH = {"source": SOURCE, "path": PATH, **SIGNED}


@pytest.fixture(scope="module")
def exported(module_lab: Lab) -> Run:
    keep_passwords(module_lab)
    return module_lab.tasks("hv01", task("export", "vm_export", names=list(IDS), path=EXPORTS))


@pytest.fixture(scope="module")
def fetched(exported: Run, module_lab: Lab) -> Run:
    assert exported.one("export")["_status"] == "ok", exported.output
    return module_lab.tasks(
        "hv02",
        *cycle("smb", "vm_transfer", names=list(IDS), **FETCH),
        task("password", "vm_transfer", **{**FETCH, "password": "{{ passwords.wrong }}"}),
        task("share", "vm_transfer", **{**FETCH, "source": "\\\\HV01\\nothing"}),
        task("host", "vm_transfer", **{**FETCH, "source": "\\\\HV09\\out"}),
        task("rights", "vm_transfer", **{**FETCH, "username": "LAB\\reader", "password": "{{ passwords.reader }}"}),
        task("folder", "vm_transfer", **{**FETCH, "source": f"{SOURCE}\\nothing"}),
        task("hop", "vm_transfer", source=SOURCE, path=PATH),
        task("name", "vm_transfer", names=["nobody"], **FETCH),
        task("half", "vm_transfer", **{**FETCH, "username": None}),
    )


def test_trees_come_whole_once_and_foretold(fetched: Run, module_lab: Lab) -> None:
    done = assert_cycle(fetched, "smb", "hv02", but=("vms",))
    assert [(vm["outcome"], vm["files_kept"]) for vm in done["vms"]] == [("transferred", 0)] * 2
    for step in ("check", "again"):
        counts = [(vm["files_fetched"], vm["files_kept"]) for vm in fetched.one(f"smb: {step}")["vms"]]
        whole = [(vm["files_fetched"], 0) for vm in done["vms"]]
        assert counts == (whole if step == "check" else [(0, count) for count, _none in whole])
    files = sum(vm["files_fetched"] for vm in done["vms"])
    assert sent(module_lab)["Copy-Item"] == files + 1, "the one that a fault had damaged came again"


def tree(lab: Lab, host: str, folder: str, directory: Path) -> dict[str, bytes]:
    """Return the files below a folder of a host."""
    shutil.rmtree(directory, ignore_errors=True)
    lab.control("save", host, folder, str(directory))
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_what_arrives_is_what_was_exported_and_nothing_else(fetched: Run, module_lab: Lab, tmp_path: Path) -> None:
    assert fetched.code == 0
    exports, imports = tree(module_lab, "HV01", EXPORTS, tmp_path), tree(module_lab, "HV02", PATH, tmp_path)
    assert imports == exports


@pytest.mark.parametrize(
    ("name", "kind", "finding"),
    [
        ("password", "not_possible", "route_credentials_refused"),
        ("share", "not_possible", "route_share_missing"),
        ("host", "not_possible", "route_unreachable"),
        ("rights", "not_possible", "route_access_denied"),
        ("folder", "not_possible", "route_path_missing"),
        ("hop", "not_possible", "second_hop_impossible"),
        ("name", "not_found", None),
        ("half", "invalid_request", None),
    ],
)
def test_refused_in_one_line_by_code_on_a_french_host(fetched: Run, name: str, kind: str, finding: str | None) -> None:
    found = fetched.one(name)
    assert (found["_status"], found["changed"], found["error"]["kind"]) == ("ignored", False, kind)
    assert "\n" not in found["msg"]
    assert [one["id"] for one in found.get("findings", [])] == ([finding] if finding else [])


def test_no_password_is_shown_anywhere(fetched: Run, module_lab: Lab) -> None:
    assert WRONG not in json.dumps(fetched.results)
    assert_no_secret(module_lab, fetched.output)


@pytest.fixture(scope="module")
def mended(fetched: Run, module_lab: Lab) -> dict[str, Any]:
    """What a run does with a damaged disk, a short configuration and a missing one, and with what a killed run left."""
    folder = f"{PATH}\\{IDS['off01']}\\off01"
    module_lab.control("damage", "HV02", f"{folder}\\Virtual Hard Disks\\a.vhdx")
    module_lab.control("cut", "HV02", f"{folder}\\Virtual Machines\\{IDS['off01'].upper()}.vmcx", "0.5")
    before = len(module_lab.commands("Copy-Item"))
    run = module_lab.tasks("hv02", task("mend", "vm_transfer", names=["off01"], **FETCH))
    return {"run": run, "copied": module_lab.commands("Copy-Item")[before:]}


def test_a_corrupted_byte_and_a_short_file_are_fetched_again_alone(mended: dict[str, Any]) -> None:
    (vm,) = mended["run"].one("mend")["vms"]
    assert (vm["outcome"], vm["files_fetched"]) == ("transferred", 2)
    assert vm["files_kept"] > 0
    names = sorted(str(one["parameters"]["LiteralPath"]).rpartition("\\")[2].lower() for one in mended["copied"])
    assert names == [f"{IDS['off01']}.vmcx", "a.vhdx"]


@pytest.fixture(scope="module")
def elsewhere(exported: Run, module_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same exports by web and by hand, on a third host."""
    saved = tmp_path_factory.mktemp("saved")
    module_lab.control("save", "HV01", EXPORTS, str(saved))
    broken = tmp_path_factory.mktemp("broken")
    shutil.copytree(saved, broken, dirs_exist_ok=True)
    disk = next((broken / IDS["off01"]).rglob("a.vhdx"))
    disk.write_bytes(disk.read_bytes()[:-1] + b"?")
    next((broken / IDS["off01"]).rglob("*.vmcx")).unlink()
    module_lab.control("bring", "HV03", str(broken), "D:\\ByHand")
    by_hand = {"method": "external", "path": "D:\\ByHand", "ids": [IDS["off01"]]}
    with packages.served(saved, f"127.72.{os.getpid() % 250}.1") as web:
        first = module_lab.tasks(
            "hv03",
            task("web", "vm_transfer", method="http", source=web, ids=list(IDS.values()), path=PATH),
            task("nothing there", "vm_transfer", method="http", source=web, ids=[IDS["off01"][:-1] + "9"], path=PATH),
            task("no room", "vm_transfer", method="http", source=web, ids=[IDS["off01"]], path="E:\\Imports"),
            task("broken", "vm_transfer", **by_hand),
            task("not brought", "vm_transfer", method="external", path="D:\\Nothing"),
        )
    module_lab.control("bring", "HV03", str(saved), "D:\\ByHand")
    second = module_lab.tasks("hv03", task("whole", "vm_transfer", **by_hand))
    return Run(max(first.code, second.code), first.output + second.output, [*first.results, *second.results])


def test_files_come_from_a_web_server(elsewhere: Run, module_lab: Lab, tmp_path: Path) -> None:
    one, other = elsewhere.one("web")["vms"]
    assert one["outcome"] == "transferred"
    assert [finding["id"] for finding in other["findings"]] == ["web_name_has_brackets"]
    imported = tree(module_lab, "HV03", f"{PATH}\\{IDS['off01']}", tmp_path)
    assert imported == tree(module_lab, "HV01", f"{EXPORTS}\\{IDS['off01']}", tmp_path)
    assert [one["id"] for one in elsewhere.one("nothing there")["findings"]] == ["export_missing"]
    assert [one["id"] for one in elsewhere.one("no room")["findings"]] == ["space_insufficient"]


def test_what_people_bring_is_verified_and_named_file_by_file(elsewhere: Run) -> None:
    broken = elsewhere.one("broken")
    assert (broken["changed"], broken["error"]["kind"]) == (False, "not_possible")
    found = {one["id"]: one["evidence"] for one in broken["vms"][0]["findings"]}
    assert ".vmcx" in found["file_missing"]
    assert "a.vhdx" in (found.get("file_hash_differs") or found["file_size_differs"])
    assert [one["id"] for one in elsewhere.one("not brought")["vms"][0]["findings"]] == ["tree_not_brought"]
    whole = elsewhere.one("whole")
    assert (whole["_status"], whole["changed"], whole["vms"][0]["outcome"]) == ("ok", False, "already_there")


def guide_tasks() -> list[dict[str, Any]]:
    """Return the tasks that the guide shows about exports and transfers, in its order."""
    page = (ROOT / "docs/cold-migration.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    shown = [task for block in blocks for task in (yaml.safe_load(block) or []) if isinstance(task, dict)]
    return [task for task in shown if {"hyperv.mobility.vm_export", "hyperv.mobility.vm_transfer"} & set(task)]


def test_the_guides_own_tasks_work(fetched: Run, module_lab: Lab) -> None:
    export, absent, fetch, brought = guide_tasks()
    plays = [
        {"hosts": host, "gather_facts": False, "tasks": tasks}
        for host, tasks in (("hv01", [export]), ("hv02", [fetch, brought]), ("hv01", [absent]))
    ]
    run = module_lab.play(plays, extra={"mover_password": MOVER["password"]})
    assert run.code == 0, run.output
    outcomes = [[vm["outcome"] for vm in run.one(one["name"])["vms"]] for one in (export, fetch, absent)]
    assert outcomes == [["exported"] * 2, ["transferred"] * 2, ["removed"] * 2]
    assert MOVER["password"] not in run.output
    assert fetched.code == 0
