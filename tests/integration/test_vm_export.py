# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_export makes exports that are whole, knows its own, and touches nothing else."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from integration.harness import Lab, Run
from integration.scenario import PASSWORDS, assert_cycle, assert_no_secret, cycle, fleet, sent, task

HOSTILE = "O'Brien – 测试 $x [a-z]"
KEEPER = {"name": "keeper", "password": "Lab-Keep3r!", "groups": ["Users"]}
ENDPOINT = {
    "users": ["keeper"],
    "visible": ["Get-VM", "Set-Variable", "Select-Object", "Write-Output", "ConvertTo-Json"],
}
TWINS = ["0c0f0e00-0000-4000-8000-000000000001", "0c0f0e00-0000-4000-8000-000000000002"]
KEPT = "D:\\Kept"
BASE = f"{KEPT}\\{TWINS[0]}\\twin\\Virtual Hard Disks\\base.vhdx"
"""In an export that the VM linked is based on."""
FLEET = fleet(
    [
        {
            "name": "CRED1",
            "language": "fr",
            "winrm": {"auth": "credssp"},
        },
        {"name": "OLD1", "edition": "2012R2"},
        {
            "name": "HV02",
            "shares": [
                {"name": "mine", "path": "D:\\Mine", "access": ["LAB\\admin"]},
                {"name": "ours", "path": "D:\\Ours", "access": ["LAB\\admin", "LAB\\CRED1$"]},
            ],
        },
        {"name": "HV01", "language": "fr", "volumes": {"D": {"size_gb": 2000, "free_gb": 1000}, "E": {"size_gb": 1}}},
        {
            "name": "JEA1",
            "accounts": [{"name": "Administrator", "password": PASSWORDS["Administrator"]}, KEEPER],
            "winrm": {"https": True, "scheme": "https", "auth": "basic", "user": "keeper"},
            "endpoints": {"narrow": ENDPOINT},
        },
    ],
    [
        {"name": "off01", "host": "HV01", "disks": [{"path": "C:\\VMs\\off01\\a.vhdx", "file_size_gb": 4}]},
        {"name": HOSTILE, "host": "HV01"},
        {"name": "twin", "host": "HV01", "id": "0c0f0e00-0000-4000-8000-000000000001"},
        {"name": "twin", "host": "HV01", "id": "0c0f0e00-0000-4000-8000-000000000002"},
        {"name": "run01", "host": "HV01", "state": "Running"},
        {"name": "linked", "host": "HV01", "disks": [{"path": "C:\\VMs\\linked.vhdx", "parent": BASE}]},
        {"name": "off09", "host": "JEA1"},
        {"name": "cred01", "host": "CRED1"},
        {"name": "old01", "host": "OLD1"},
    ],
    speed=3000,
)  # fmt: skip
PATH = "D:\\Exports"


@pytest.fixture(scope="module")
def exported(module_lab: Lab) -> Run:
    names = ["off01", HOSTILE]
    return module_lab.tasks(
        "hv01",
        *cycle("several", "vm_export", names=names, ids=TWINS, path=PATH),
        task("running", "vm_export", names=["run01", "off01"], path=PATH),
        task("live", "vm_export", names=["run01"], path=PATH, capture="CaptureSavedState"),
        task("live again", "vm_export", names=["run01"], path=PATH, capture="CaptureSavedState"),
        task("no room", "vm_export", names=["off01"], path="E:\\Exports"),
        task("no drive", "vm_export", names=["off01"], path="Q:\\Exports"),
        task("twins", "vm_export", names=["twin"], path=PATH),
        task("relative", "vm_export", names=["off01"], path="Exports"),
        task("nothing chosen", "vm_export", path=PATH),
    )


def test_exports_are_made_once_and_foretold(exported: Run, module_lab: Lab) -> None:
    done = assert_cycle(exported, "several", "hv01", but=("vms",))
    assert [vm["outcome"] for vm in done["vms"]] == ["exported"] * 4
    again = exported.one("several: again")["vms"]
    assert [vm["outcome"] for vm in again] == ["already_exported"] * 4
    assert [vm["outcome"] for vm in exported.one("several: check")["vms"]] == ["exported"] * 4
    assert sent(module_lab)["Export-VM"] == 5
    assert len({vm["path"] for vm in done["vms"]}) == 4, "VMs of one name don't meet"


def test_the_manifest_says_what_the_files_are(exported: Run, module_lab: Lab, tmp_path: Path) -> None:
    module_lab.control("save", "HV01", PATH, str(tmp_path))
    for vm in exported.one("several: apply")["vms"]:
        manifest = json.loads((tmp_path / vm["id"] / "manifest.json").read_text(encoding="ascii"))
        assert (manifest["state"], manifest["vm_id"], manifest["vm_name"]) == ("complete", vm["id"], vm["name"])
        assert vm["files"] == len(manifest["files"]) >= 2
        assert f"{vm['path']}\\{manifest['configuration_file']}" == vm["configuration_file"]
        for file in manifest["files"]:
            there = (tmp_path / vm["id"] / file["path"].replace("\\", "/")).read_bytes()
            assert hashlib.sha256(there).hexdigest() == file["sha256"]
        if vm["name"] == "off01":
            assert 4 * 1024**3 in [file["size"] for file in manifest["files"]]


def test_what_runs_is_refused_or_captured_and_nothing_is_stopped(exported: Run, module_lab: Lab) -> None:
    refused = exported.one("running")
    assert [vm["outcome"] for vm in refused["vms"]] == ["failed", "already_exported"]
    assert [one["id"] for one in refused["findings"]] == ["vm_not_off"]
    live = exported.one("live")["vms"][0]
    assert (live["outcome"], live["capture"]) == ("exported", "CaptureSavedState")
    assert exported.one("live again")["changed"] is False
    vms = module_lab.state()["hosts"]["HV01"]["vms"].values()
    assert {vm["name"]: vm["state"] for vm in vms}["run01"] == "Running"


@pytest.mark.parametrize(
    ("name", "kind", "finding"),
    [
        ("no room", "not_possible", "space_insufficient"),
        ("no drive", "not_possible", "export_path_unreachable"),
        ("twins", "ambiguous", None),
        ("relative", "invalid_request", None),
        ("nothing chosen", "invalid_request", None),
    ],
)
def test_refused_in_one_line(exported: Run, name: str, kind: str, finding: str | None) -> None:
    found = exported.one(name)
    assert (found["_status"], found["changed"], found["error"]["kind"]) == ("ignored", False, kind)
    assert "\n" not in found["msg"]
    assert [one["id"] for one in found.get("findings", [])] == ([finding] if finding else [])


@pytest.fixture(scope="module")
def elsewhere(module_lab: Lab) -> Run:
    """Exports from other hosts: restricted, of 2012 R2, and to shares."""
    narrow = {"ansible_psrp_configuration_name": "narrow"}
    plays = {
        "jea1": [task("narrow", "vm_export", names=["off09"], path=PATH)],
        "old1": [*cycle("old", "vm_export", names=["old01"], path=PATH)],
        "hv01": [task("hop", "vm_export", names=["off01"], path="\\\\HV02\\ours\\e")],
        "cred1": [
            task("mine", "vm_export", names=["cred01"], path="\\\\HV02\\mine\\e"),
            *cycle("ours", "vm_export", names=["cred01"], path="\\\\HV02\\ours\\e"),
        ],
    }
    return module_lab.play(
        [
            {"hosts": host, "gather_facts": False, "tasks": tasks, "vars": narrow if host == "jea1" else {}}
            for host, tasks in plays.items()
        ]
    )


def test_a_restricted_endpoint_is_told_what_it_lacks(elsewhere: Run) -> None:
    assert [one["id"] for one in elsewhere.one("narrow")["findings"]] == ["file_commands_hidden"]


def test_a_host_of_2012_r2_exports_too(elsewhere: Run) -> None:
    done = assert_cycle(elsewhere, "old", "old1", but=("vms",))
    assert done["vms"][0]["configuration_file"].lower().endswith(".xml")


def test_a_share_is_written_by_the_hosts_own_account(elsewhere: Run, module_lab: Lab) -> None:
    assert [one["id"] for one in elsewhere.one("hop")["findings"]] == ["export_path_unreachable"]
    refused = elsewhere.one("mine")["vms"][0]
    assert (refused["outcome"], refused["error"]["hresult"]) == ("failed", "0x80070005")
    assert "computer account" in refused["error"]["remedy"]
    assert [one["id"] for one in refused["findings"]] == ["export_by_computer_account"]
    assert_cycle(elsewhere, "ours", "cred1", but=("vms",))


@pytest.fixture(scope="module")
def changed(exported: Run, module_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Run:
    copy = str(tmp_path_factory.mktemp("export"))
    module_lab.control("save", "HV01", f"{PATH}\\{TWINS[0]}", copy)
    module_lab.control("bring", "HV01", copy, f"{KEPT}\\{TWINS[0]}")
    off01 = next(vm["id"] for vm in exported.one("several: apply")["vms"] if vm["name"] == "off01")
    return module_lab.tasks(
        "hv01",
        task("force", "vm_export", names=["off01"], path=PATH, force_new=True),
        task("absent: check", "vm_export", check=True, names=["off01"], path=PATH, state="absent"),
        task("absent", "vm_export", names=["off01", HOSTILE], path=PATH, state="absent"),
        task("absent again", "vm_export", ids=[off01], path=PATH, state="absent"),
        task("based on", "vm_export", ids=TWINS[:1], path=KEPT, state="absent"),
    )


def test_exports_stay_until_they_are_asked_to_go(changed: Run, module_lab: Lab) -> None:
    assert changed.one("force")["vms"][0]["outcome"] == "exported"
    assert changed.one("absent: check")["changed"] is True
    assert [vm["outcome"] for vm in changed.one("absent")["vms"]] == ["removed"] * 2
    assert changed.one("absent again")["changed"] is False
    assert module_lab.control("file", "HV01", f"{PATH}\\{TWINS[0]}\\manifest.json")["size"] > 0
    assert_no_secret(module_lab, changed.output)


def test_an_export_that_a_differencing_disk_is_based_on_stays(changed: Run, module_lab: Lab) -> None:
    (kept,) = changed.one("based on")["vms"]
    assert (kept["outcome"], [one["id"] for one in kept["findings"]]) == ("failed", ["files_in_use"])
    assert "linked" in kept["findings"][0]["evidence"]
    assert module_lab.control("file", "HV01", BASE)["size"] > 0
