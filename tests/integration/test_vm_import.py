# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_import makes VMs of exported files on other hosts: in place, as copies, with what was asked for corrected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from integration.harness import ROOT, Lab
from integration.scenario import assert_cycle, changes, cycle, fleet, sent, task

HOSTILE = "O'Brien – prod $x [a-z]"
FLEET = fleet(
    [
        {"name": "HV01", "edition": "2019", "switches": ["LAN", "Backup"], "cpu": {"model": "skylake", "cores": 16}},
        {"name": "HV02", "language": "fr", "switches": ["Production"], "cpu": {"model": "milan", "cores": 4}},
        {"name": "OLD1", "edition": "2012R2", "switches": ["LAN"]},
        {"name": "MID1", "edition": "2016", "switches": ["LAN"]},
    ],
    [
        {"name": "erp01", "host": "HV01", "version": "9.0",
         "adapters": [{"switch": "LAN", "mac": "00155D010203"}, {"switch": "Backup", "name": "second"}]},
        {"name": HOSTILE, "host": "HV01", "version": "9.0", "adapters": []},
        {"name": "iso01", "host": "HV01", "version": "9.0", "adapters": [], "dvd": "D:\\ISO\\tools.iso"},
        {"name": "big01", "host": "HV01", "version": "9.0", "adapters": [], "processors": 24},
        {"name": "saved01", "host": "HV01", "version": "9.0", "adapters": [], "state": "Saved"},
        {"name": "old01", "host": "HV01", "version": "5.0", "adapters": []},
        {"name": "apart01", "host": "HV01", "version": "9.0", "adapters": []},
        {"name": "point01", "host": "HV01", "version": "9.0", "adapters": [], "checkpoints": [{"name": "before"}]},
        {"name": "broken01", "host": "HV01", "version": "9.0", "adapters": []},
        {"name": "twin01", "host": "HV02"},
    ],
    network={"base": "127.83.2.1"},
)  # fmt: skip
EXPORTED = ["erp01", HOSTILE, "iso01", "big01", "old01", "apart01", "point01", "broken01"]
MAP = {"LAN": "Production"}


def machines(lab: Lab, host: str) -> dict[str, dict[str, Any]]:
    """Return the machines of a host by name."""
    return {vm["name"]: vm for vm in lab.state()["hosts"][host]["vms"].values()}


@pytest.fixture(scope="module")
def brought(module_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Export on HV01, and carry the trees to the other hosts; gives each VM's folder there by name."""
    run = module_lab.tasks(
        "hv01",
        task("export", "vm_export", names=EXPORTED, path="D:\\Exports"),
        task("saved", "vm_export", names=["saved01"], path="D:\\Exports", capture="CaptureSavedState"),
    )
    assert [run.one(name)["_status"] for name in ("export", "saved")] == ["ok", "ok"], run.output
    carried = tmp_path_factory.mktemp("carried")
    module_lab.control("save", "HV01", "D:\\Exports", str(carried))
    for host in ("HV02", "OLD1", "MID1"):
        module_lab.control("bring", host, str(carried), "D:\\In")
    return {name: f"D:\\In\\{vm['id']}" for name, vm in machines(module_lab, "HV01").items()}


def configuration(folder: str, name: str) -> str:
    """Return the configuration file of a brought tree."""
    return f"{folder}\\{name}\\Virtual Machines\\{folder.rpartition(chr(92))[2].upper()}.vmcx"


def apart(lab: Lab, folder: str, name: str, targets: dict[str, str], work: Path) -> None:
    """Put parts of a brought tree into folders of their own on HV02, as people do by hand."""
    for part, target in targets.items():
        (work / part).mkdir()
        lab.control("save", "HV02", f"{folder}\\{name}\\{part}", str(work / part))
        lab.control("bring", "HV02", str(work / part), target)


def guide() -> dict[str, Any]:
    """The task of the guide's section, for check mode and for real."""
    page = (ROOT / "docs" / "cold-migration.md").read_text(encoding="utf-8")
    section = page.partition("## Importing")[2].partition("\n## ")[0]
    (found,) = yaml.safe_load(section.split("```yaml\n")[1].partition("```")[0])
    return {**found, "diff": True}


def findings(result: dict[str, Any], severity: str = "blocking") -> list[str]:
    return sorted({one["id"] for one in result.get("findings", []) if one["severity"] == severity})


@pytest.fixture(scope="module")
def refused(module_lab: Lab, brought: dict[str, str]) -> dict[str, Any]:
    """Everything that is refused, in one run."""
    start = len(module_lab.journal())
    erp = brought["erp01"]
    module_lab.control("damage", "HV02", configuration(brought["broken01"], "broken01"))
    run = module_lab.play(
        [
            {"hosts": "hv02", "gather_facts": False, "tasks": [
                task("relative", "vm_import", path="In\\erp01"),
                task("nothing", "vm_import", path="D:\\Nothing"),
                task("several", "vm_import", path="D:\\In"),
                task("version", "vm_import", path=brought["old01"]),
                task("switch", "vm_import", path=erp, disconnect_missing_switches=False, switch_map=MAP),
                task("switch, check", "vm_import", check=True, path=erp, disconnect_missing_switches=False),
                task("mapping", "vm_import", path=erp, switch_map={"LAN": "Nowhere"}),
                task("iso", "vm_import", path=brought["iso01"]),
                task("processors", "vm_import", path=brought["big01"]),
                task("broken", "vm_import", path=brought["broken01"]),
                task("drive", "vm_import", path=erp, mode="restore", vhd_destination_path="Q:\\V"),
            ]},
            {"hosts": "old1", "gather_facts": False, "tasks": [task("newer", "vm_import", path=erp)]},
            {"hosts": "mid1", "gather_facts": False, "tasks": [
                task("newer, without its list", "vm_import", path=f"{erp}\\erp01"),
            ]},
        ]
    )  # fmt: skip
    return {
        "run": run,
        "state": module_lab.state(),
        "changes": changes(module_lab, start),
        "sent": sent(module_lab, start),
    }


@pytest.mark.parametrize(
    ("name", "kind", "found"),
    [
        ("relative", "invalid_request", []),
        ("nothing", "not_found", []),
        ("several", "ambiguous", []),
        ("version", "not_possible", ["configuration_version_unsupported"]),
        ("switch", "not_possible", ["switch_missing"]),
        ("switch, check", "not_possible", ["switch_missing"]),
        ("mapping", "not_possible", ["switch_missing"]),
        ("iso", "not_possible", ["compare_vm_40010"]),
        ("broken", "not_possible", ["import_refused"]),
        ("drive", "not_possible", ["drive_missing"]),
        ("newer", "not_possible", ["configuration_version_unsupported"]),
        ("newer, without its list", "not_possible", ["configuration_version_unsupported"]),
    ],
)
def test_refused_in_one_line(refused: dict[str, Any], name: str, kind: str, found: list[str]) -> None:
    result = refused["run"].one(name)
    assert result["_status"] == "ignored", result
    assert (result["error"]["kind"], result["changed"]) == (kind, False), result["msg"]
    assert findings(result) == found, result["findings"]
    assert "\n" not in result["msg"]


def test_what_is_refused_leaves_nothing_behind(refused: dict[str, Any]) -> None:
    assert "processors_exceed_host" in findings(refused["run"].one("processors"))
    assert "2016 or 2019" in refused["run"].one("version")["findings"][0]["remedy"]
    assert refused["sent"]["Import-VM"] == 0
    assert set(refused["state"]["hosts"]["HV02"]["vms"]) == {
        vm["id"] for vm in refused["state"]["hosts"]["HV02"]["vms"].values() if vm["name"] == "twin01"
    }
    assert not refused["state"]["hosts"]["HV02"]["planned"]


@pytest.fixture(scope="module")
def done(module_lab: Lab, brought: dict[str, str], refused: dict[str, Any], tmp_path_factory: Any) -> dict[str, Any]:
    """What is imported, in one run."""
    own = tmp_path_factory.mktemp("erp01")
    module_lab.control("save", "HV01", brought["erp01"].replace("D:\\In", "D:\\Exports"), str(own))
    module_lab.control("bring", "HV02", str(own), "D:\\Incoming\\erp01")
    for name, part in (("apart01", "Virtual Hard Disks"), ("point01", "Snapshots")):
        targets = {
            each: f"D:\\Apart\\{name}\\{each}" for each in ("Virtual Machines", "Virtual Hard Disks", "Snapshots")
        }
        targets[part] = f"D:\\Elsewhere\\{name}"
        apart(module_lab, brought[name], name, targets, tmp_path_factory.mktemp(name))
    copy = {"mode": "copy", "generate_new_id": True, "virtual_machine_path": "D:\\VMs\\copy",
            "vhd_destination_path": "D:\\VMs\\copy\\Disks"}  # fmt: skip
    folder = {"virtual_machine_path": "D:\\VMs\\old01", "vhd_destination_path": "D:\\VMs\\old01\\Disks"}
    run = module_lab.play(
        [
            {"hosts": "hv02", "gather_facts": False, "tasks": [
                {**guide(), "name": "guide: check", "check_mode": True},
                {**guide(), "name": "guide: apply"},
                {**guide(), "name": "guide: again"},
                task("elsewhere", "vm_import", path=brought["erp01"]),
                *cycle("hostile", "vm_import", path=brought[HOSTILE]),
                *cycle("copy", "vm_import", path=brought[HOSTILE], **copy),
                task("disks", "vm_import", path="D:\\Apart\\apart01", vhd_source_path="D:\\Elsewhere\\apart01"),
                task("points", "vm_import", path="D:\\Apart\\point01", snapshot_source_path="D:\\Elsewhere\\point01"),
                task("iso fixed", "vm_import", path=brought["iso01"], eject_iso=True),
                task("big fixed", "vm_import", path=brought["big01"], limit_processors=True),
                task("saved fixed", "vm_import", path=brought["saved01"], remove_saved_state=True),
            ]},
            {"hosts": "old1", "gather_facts": False, "tasks": [
                *cycle("old", "vm_import", path=brought["old01"], mode="restore", **folder),
            ]},
        ]
    )  # fmt: skip
    state = module_lab.state()
    return {"run": run, "state": state, "vms": state["hosts"]["HV02"]["vms"], "sources": machines(module_lab, "HV01")}


def test_the_guide_imports_where_the_files_lie(done: dict[str, Any]) -> None:
    apply = assert_cycle(done["run"], "guide", "hv02")
    assert (apply["outcome"], apply["path"]) == ("imported", "D:\\Incoming\\erp01\\erp01")
    assert apply["id"] == done["sources"]["erp01"]["id"]
    assert [(one["switch"], one["connected"]) for one in apply["adapters"]] == [("Production", True), (None, False)]
    assert [one["fix"] for one in apply["fixes"]] == ["switch_mapped", "adapter_disconnected"]
    assert "arrives_disconnected" in findings(apply, "warning")
    vm = done["vms"][apply["id"]]
    assert (vm["state"], vm["power_ons"], vm["adapters"][0]["mac"]) == ("Off", 0, "00155D010203")
    assert done["run"].one("guide: again")["outcome"] == "already_there"
    assert findings(done["run"].one("elsewhere")) == ["id_registered_elsewhere"]


@pytest.mark.parametrize(
    ("task_name", "name", "fixes"),
    [
        ("disks", "apart01", ["disk_found_elsewhere"]),
        ("points", "point01", []),
        ("iso fixed", "iso01", ["iso_ejected"]),
        ("big fixed", "big01", ["processors_limited"]),
        ("saved fixed", "saved01", ["saved_state_removed"]),
    ],
)
def test_what_is_asked_for_is_corrected(done: dict[str, Any], task_name: str, name: str, fixes: list[str]) -> None:
    result = done["run"].one(task_name)
    assert (result["_status"], result["changed"], result["outcome"]) == ("ok", True, "imported"), result
    assert (result["id"], result["name"]) == (done["sources"][name]["id"], name)
    assert [one["fix"] for one in result["fixes"]] == fixes
    vm = done["vms"][result["id"]]
    assert (vm["name"], vm["state"], vm["power_ons"]) == (name, "Off", 0)
    assert vm["processors"] <= 8
    assert all("Elsewhere" in disk for disk in vm["disks"]) is (name == "apart01")
    assert [point["name"] for point in vm["checkpoints"]] == (["before"] if name == "point01" else [])


def test_a_name_that_is_hard_to_handle(done: dict[str, Any]) -> None:
    apply = assert_cycle(done["run"], "hostile", "hv02")
    assert (apply["name"], apply["id"]) == (HOSTILE, done["sources"][HOSTILE]["id"])


def test_a_copy_has_its_own_id_and_files(done: dict[str, Any]) -> None:
    run = done["run"]
    apply, again = run.one("copy: apply"), run.one("copy: again")
    assert (run.one("copy: check")["changed"], apply["changed"], again["changed"]) == (True, True, False)
    assert apply["id"] not in (done["sources"][HOSTILE]["id"], None)
    assert again["id"] == apply["id"]
    assert [disk.rpartition("\\")[0] for disk in apply["disks"]] == ["D:\\VMs\\copy\\Disks"]
    assert "name_taken" in findings(apply, "warning")


def test_the_oldest_edition_restores_its_own_version(done: dict[str, Any]) -> None:
    apply = assert_cycle(done["run"], "old", "old1")
    assert (apply["id"], apply["version"]) == (done["sources"]["old01"]["id"], "5.0")
    assert apply["path"] == done["state"]["hosts"]["OLD1"]["vms"][apply["id"]]["path"] == "D:\\VMs\\old01"
    assert not done["state"]["hosts"]["OLD1"]["planned"]
    assert not done["state"]["hosts"]["HV02"]["planned"]
