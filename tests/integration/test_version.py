# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_version plans hops over hosts of several editions, and upgrades where it is told to; the guide's tasks are run."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from integration.harness import ROOT, Lab
from integration.scenario import assert_cycle, changes, cycle, fleet, task

HOSTILE = 'O\'Brien – "prod" $x [a-z]'
GUEST = {"boot_seconds": 20, "shutdown_seconds": 10}
FLEET = fleet(
    [
        {"name": "HV2012", "edition": "2012R2"},
        {"name": "HV2016", "edition": "2016", "language": "fr"},
        {"name": "HV2019", "edition": "2019"},
        {"name": "HV2022"},
        {"name": "HV2025", "edition": "2025"},
        {"name": "GONE", "edition": "2019", "services": {"vmms": "Stopped"}},
    ],
    [
        {"name": "old01", "host": "HV2012"},
        {"name": "erp01", "host": "HV2019", "version": "5.0", "state": "Running", "guest": GUEST},
        {"name": HOSTILE, "host": "HV2016", "version": "5.0"},
        {"name": "saved01", "host": "HV2019", "version": "5.0", "state": "Saved"},
        {"name": "point01", "host": "HV2019", "version": "5.0", "checkpoints": [{"name": "before"}]},
        {"name": "late01", "host": "HV2025", "version": "8.0"},
        {"name": "new01", "host": "HV2025"},
    ],
    network={"base": "127.83.1.1"},
)
ALL = ["hv2022", "hv2016", "hv2019", "hv2025"]


def guide(number: int) -> dict[str, Any]:
    """The number-th task of the guide's section."""
    page = (ROOT / "docs" / "cold-migration.md").read_text(encoding="utf-8")
    section = page.partition("## Configuration versions and hops")[2].partition("\n## ")[0]
    tasks = [yaml.safe_load(part.partition("```")[0]) for part in section.split("```yaml\n")[1:]]
    found: dict[str, Any] = tasks[number][0]
    return found


@pytest.fixture(scope="module")
def planned(module_lab: Lab) -> dict[str, Any]:
    """What is only planned or refused, in one run."""
    start = len(module_lab.journal())
    run = module_lab.play(
        [
            {"hosts": "hv2012", "gather_facts": False, "tasks": [
                guide(0),
                task("alone", "vm_version", destination_host="hv2025"),
                task("silent", "vm_version", destination_host="hv2025", via=["gone", "hv2019"]),
                task("unknown", "vm_version", destination_host="hv9"),
            ]},
            {"hosts": "hv2019", "gather_facts": False, "tasks": [
                task("runs", "vm_version", names=["point01", "erp01"], upgrade=True),
                task("saved", "vm_version", names=["point01", "saved01"], upgrade=True, power="restart"),
                task("between", "vm_version", names=["point01"], upgrade=True, target_version="8.0"),
                task("everything", "vm_version", upgrade=True),
            ]},
            {"hosts": "hv2025", "gather_facts": False, "tasks": [
                task("back", "vm_version", names=["new01"], destination_host="hv2022"),
            ]},
        ]
    )  # fmt: skip
    return {"run": run, "changes": changes(module_lab, start)}


def test_the_guide_finds_the_hops(planned: dict[str, Any]) -> None:
    result = planned["run"].one("How do the VMs of this host get to Windows Server 2025?")
    (vm,) = result["vms"]
    assert [(hop["action"], hop["host"], hop["version"]) for hop in vm["hops"]] == [
        ("move", "hv2016", "5.0"), ("upgrade", "hv2016", "8.0"), ("move", "hv2025", "8.0"),
    ]  # fmt: skip
    assert vm["hops"][1]["reason"] == "hv2025 does not run 5.0, but 8.0"
    assert {host["host"]: host["newest"] for host in result["hosts"]} == {
        "hv2012": None, "hv2016": "8.0", "hv2019": "9.0", "hv2022": "10.0", "hv2025": "12.0",
    }  # fmt: skip
    assert [finding["subject"] for finding in result["findings"]] == ["gone"]
    assert planned["changes"] == []


def test_no_way_is_data(planned: dict[str, Any]) -> None:
    (vm,) = planned["run"].one("alone")["vms"]
    assert (vm["possible"], [finding["id"] for finding in vm["findings"]]) == (False, ["no_version_hops"])
    (vm,) = planned["run"].one("silent")["vms"]
    assert [hop["host"] for hop in vm["hops"]] == ["hv2019", "hv2019", "hv2025"]
    (vm,) = planned["run"].one("back")["vms"]
    assert "Nothing takes a version back" in vm["findings"][0]["remedy"]


@pytest.mark.parametrize(
    ("name", "kind", "finding"),
    [
        ("unknown", "invalid_request", None),
        ("everything", "invalid_request", None),
        ("runs", "not_possible", "vm_not_off"),
        ("saved", "not_possible", "vm_state_prevents_power_off"),
        ("between", "not_possible", "no_version_hops"),
    ],
)
def test_refused_before_the_first_change(planned: dict[str, Any], name: str, kind: str, finding: str | None) -> None:
    result = planned["run"].one(name)
    assert (result["error"]["kind"], result["changed"]) == (kind, False)
    assert [one["id"] for one in result.get("findings", [])] == ([finding] if finding else [])
    assert "\n" not in result["msg"]


@pytest.fixture(scope="module")
def upgraded(module_lab: Lab, planned: dict[str, Any]) -> dict[str, Any]:
    """What is upgraded, in one run."""
    run = module_lab.play(
        [
            {"hosts": "hv2019", "gather_facts": False, "tasks": [
                *cycle("point", "vm_version", names=["point01"], upgrade=True),
                guide(1),
            ]},
            {"hosts": "hv2016", "gather_facts": False, "tasks": [
                *cycle("french", "vm_version", names=[HOSTILE], upgrade=True, destination_host="hv2025"),
            ]},
            {"hosts": "hv2025", "gather_facts": False, "tasks": [
                *cycle("chosen", "vm_version", names=["late01"], upgrade=True, target_version="10.0"),
            ]},
        ]
    )  # fmt: skip
    state = module_lab.state()
    vms = {vm["name"]: vm for host in state["hosts"].values() for vm in host.get("vms", {}).values()}
    return {"run": run, "vms": vms, "sent": module_lab.commands("Update-VMVersion")}


def test_upgrades_are_done_once_and_said_to_be_for_good(upgraded: dict[str, Any]) -> None:
    for prefix, host, to in (("point", "hv2019", "9.0"), ("french", "hv2016", "8.0"), ("chosen", "hv2025", "10.0")):
        apply = assert_cycle(upgraded["run"], prefix, host)
        (vm,) = apply["vms"]
        assert (vm["upgraded_to"], vm["changed"], vm["restarted"]) == (to, True, False)
        assert upgraded["vms"][vm["name"]]["version"] == to
        assert "taken back" in str(apply["diff"])
    assert "an upgrade can't be taken back" in upgraded["run"].output.replace("\n", " ")
    assert len(upgraded["sent"]) == 4, "three cycles and the guide's task, each upgraded once"
    points = upgraded["run"].one("point: apply")["vms"][0]["findings"]
    assert [finding["id"] for finding in points] == ["checkpoints_keep_version"]


def test_the_guide_takes_a_running_vm_down_and_up_again(upgraded: dict[str, Any]) -> None:
    result = upgraded["run"].one("Upgrade what has arrived and can't go on as it is")
    (vm,) = result["vms"]
    assert (vm["changed"], vm["restarted"], vm["upgraded_to"]) == (True, True, "9.0")
    assert (upgraded["vms"]["erp01"]["state"], upgraded["vms"]["erp01"]["version"]) == ("Running", "9.0")
    assert upgraded["vms"]["saved01"]["version"] == "5.0"
