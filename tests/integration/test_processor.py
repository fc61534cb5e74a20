# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_processor sets what is asked for, and takes nobody's machine down unasked."""

from __future__ import annotations

from typing import Any

import pytest
from integration.harness import Lab, Run
from integration.scenario import assert_cycle, changes, cycle, fleet, shells, task

HOSTILE = 'O\'Brien – "prod" $x [a-z]'
GUEST = {"boot_seconds": 40, "shutdown_seconds": 20}
LINUX = {**GUEST, "system": "linux", "heartbeat": "OkApplicationsUnknown"}
FLEET = fleet(
    [{"name": "HV01"}, {"name": "HV02", "language": "fr"}, {"name": "OLD1", "edition": "2012R2"}],
    [
        {"name": "off01", "host": "HV01"},
        {"name": "run01", "host": "HV01", "state": "Running", "guest": GUEST},
        {"name": "run02", "host": "HV01", "state": "Running", "guest": GUEST},
        {"name": "linux", "host": "HV01", "state": "Running", "guest": LINUX},
        {"name": HOSTILE, "host": "HV01", "state": "Running", "guest": GUEST},
        {"name": "deaf01", "host": "HV01", "state": "Running", "guest": {"ignores_shutdown": True}},
        {"name": "deaf02", "host": "HV01", "state": "Running", "guest": {"ignores_shutdown": True}},
        {"name": "locked01", "host": "HV01", "state": "Running", "guest": {"locked": True}},
        {"name": "mute01", "host": "HV01", "state": "Running", "integration_services": ["heartbeat", "time"]},
        {"name": "saved01", "host": "HV01", "state": "Saved"},
        {"name": "paused01", "host": "HV01", "state": "Paused"},
        {"name": "weight01", "host": "HV01", "state": "Running"},
        {"name": "french01", "host": "HV02", "state": "Running", "guest": GUEST},
        {"name": "old01", "host": "OLD1"},
    ],
)  # fmt: skip
COMPATIBLE = {"compatibility_for_migration_enabled": True}


def machines(lab: Lab, host: str = "HV01") -> dict[str, dict[str, Any]]:
    """Return the machines of a host by name."""
    return {vm["name"]: vm for vm in lab.state()["hosts"][host]["vms"].values()}


@pytest.fixture(scope="module")
def refused(module_lab: Lab) -> dict[str, Any]:
    """Everything that is refused, in one run."""
    before = module_lab.state()
    start = len(module_lab.journal())
    run = module_lab.tasks(
        "hv01",
        task("runs", "vm_processor", names=["off01", "run01", "run02"], **COMPATIBLE),
        task("runs, check", "vm_processor", check=True, names=["off01", "run01"], **COMPATIBLE),
        task("saved", "vm_processor", names=["run01", "saved01"], power="restart", **COMPATIBLE),
        task("paused", "vm_processor", names=["paused01"], power="restart", **COMPATIBLE),
        task("no shutdown service", "vm_processor", names=["mute01"], power="restart", **COMPATIBLE),
        task("no machine", "vm_processor", **COMPATIBLE),
        task("no setting", "vm_processor", names=["off01"]),
        task("unknown", "vm_processor", names=["off01", "off09"], **COMPATIBLE),
        task("empty selection", "vm_processor", select="[?name=='none']", **COMPATIBLE),
        task("weight", "vm_processor", names=["off01"], relative_weight=10001),
        task("count", "vm_processor", names=["off01"], count=0),
        task("time", "vm_processor", names=["off01"], shutdown_timeout_seconds=-1, **COMPATIBLE),
        task("mode", "vm_processor", names=["off01"], compatibility_for_migration_mode="MinimumFeatureSet"),
    )
    return {"run": run, "before": before, "after": module_lab.state(), "changes": changes(module_lab, start)}


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("runs", "not_possible", ["hv01", "run01"]),
        ("runs, check", "not_possible", ["hv01", "run01"]),
        ("saved", "not_possible", ["saved01", "Saved"]),
        ("paused", "not_possible", ["paused01", "Paused"]),
        ("no shutdown service", "not_possible", ["mute01"]),
        ("no machine", "invalid_request", ["names"]),
        ("no setting", "invalid_request", ["compatibility_for_migration_enabled"]),
        ("unknown", "not_found", ["off09"]),
        ("empty selection", "not_found", ["none"]),
        ("weight", "invalid_request", ["relative_weight", "10001"]),
        ("count", "invalid_request", ["count", "0"]),
        ("time", "invalid_request", ["shutdown_timeout_seconds", "-1"]),
        ("mode", "not_possible", ["hv01"]),
    ],
)
def test_refused_in_one_line(refused: dict[str, Any], name: str, kind: str, words: list[str]) -> None:
    result = refused["run"].one(name)
    assert result["_status"] == "ignored"
    assert result["changed"] is False
    assert result["error"]["kind"] == kind
    assert "\n" not in result["msg"]
    assert not [word for word in words if word not in result["msg"]], result["msg"]


def test_refusals_come_before_the_first_change(refused: dict[str, Any]) -> None:
    assert refused["changes"] == []
    assert refused["after"]["hosts"]["HV01"]["vms"] == refused["before"]["hosts"]["HV01"]["vms"]
    assert {item["id"] for item in refused["run"].one("runs")["findings"]} == {"vm_not_off"}
    assert len(refused["run"].one("runs")["findings"]) == 2, "every machine that hinders is named"
    assert [item["id"] for item in refused["run"].one("saved")["findings"]] == ["vm_state_prevents_power_off"]
    assert [item["id"] for item in refused["run"].one("no shutdown service")["findings"]] == [
        "shutdown_service_disabled"
    ]


@pytest.fixture(scope="module")
def done(module_lab: Lab, refused: dict[str, Any]) -> dict[str, Any]:
    """What is done to machines, in one run."""
    before = {**machines(module_lab), **machines(module_lab, "HV02")}
    start = len(module_lab.journal())
    several = ["off01", "run01", "linux", HOSTILE]
    plays = [
        ("hv01", cycle("several", "vm_processor", names=several, power="restart", **COMPATIBLE)),
        ("hv02", cycle("french", "vm_processor", select="[?state=='Running']", power="restart", **COMPATIBLE)),
        ("hv01", cycle("weight", "vm_processor", names=["weight01"], relative_weight=300, maximum=50)),
        ("old1", cycle("old", "vm_processor", names=["old01"], count=4, **COMPATIBLE)),
    ]
    run = module_lab.play([{"hosts": hosts, "gather_facts": False, "tasks": tasks} for hosts, tasks in plays])
    after = {**machines(module_lab), **machines(module_lab, "HV02"), **machines(module_lab, "OLD1")}
    return {"run": run, "before": before, "after": after, "journal": module_lab.journal()[start:]}


def test_machines_are_restarted_and_answer_again(done: dict[str, Any]) -> None:
    run: Run = done["run"]
    check, apply, again = (run.one(f"several: {step}") for step in ("check", "apply", "again"))
    assert (check["changed"], apply["changed"], again["changed"]) == (True, True, False), apply
    assert check["diff"] == apply["diff"]
    restarted = {vm["name"]: vm["restarted"] for vm in apply["vms"]}
    assert restarted == {"off01": False, "run01": True, "linux": True, HOSTILE: True}
    assert {vm["name"] for vm in check["vms"]} == set(restarted)
    for name, was_restarted in restarted.items():
        before, after = done["before"][name], done["after"][name]
        assert after["compatibility"] is True
        assert after["state"] == before["state"]
        assert after["heartbeat"] == before["heartbeat"]
        assert after["power_ons"] == before["power_ons"] + was_restarted
        assert after["id"] == before["id"]
    assert done["after"]["run02"] == done["before"]["run02"], "a machine that was not chosen is left alone"


def test_a_french_host_behaves_the_same(done: dict[str, Any]) -> None:
    apply = assert_cycle(done["run"], "french", "hv02", but=("vms",))
    (vm,) = apply["vms"]
    assert (vm["name"], vm["changed"], vm["restarted"], vm["error"]) == ("french01", True, True, None)
    assert done["after"]["french01"]["compatibility"] is True
    assert done["after"]["french01"]["state"] == "Running"


def test_what_may_change_while_running_needs_no_restart(done: dict[str, Any]) -> None:
    apply = assert_cycle(done["run"], "weight", "hv01")
    (vm,) = apply["vms"]
    assert (vm["needs_off"], vm["restarted"]) == (False, False)
    assert done["after"]["weight01"]["power_ons"] == done["before"]["weight01"]["power_ons"]


def test_the_oldest_edition(done: dict[str, Any]) -> None:
    assert_cycle(done["run"], "old", "old1")
    assert (done["after"]["old01"]["processors"], done["after"]["old01"]["compatibility"]) == (4, True)


def test_no_power_is_cut(done: dict[str, Any]) -> None:
    stops = [
        command
        for line in done["journal"]
        for statement in line.get("statements", [])
        for command in statement
        if command["command"].endswith("Stop-VM")
    ]
    assert len(stops) == 4
    assert not [stop for stop in stops if {"TurnOff", "Force"} & set(stop.get("parameters", {}))]


def test_one_session_for_each_task(module_lab: Lab, done: dict[str, Any]) -> None:
    opened = [line["host"] for line in done["journal"] if line["event"] == "shell_opened"]
    assert {host: opened.count(host) for host in set(opened)} == {"HV01": 6, "HV02": 3, "OLD1": 3}
    assert shells(module_lab)


def test_a_deaf_guest_is_not_turned_off(module_lab: Lab, done: dict[str, Any]) -> None:
    before = machines(module_lab)
    deaf, forced = (
        {"names": names, "power": "restart", "shutdown_timeout_seconds": 3, **COMPATIBLE}
        for names in (["deaf01", "run02"], ["deaf02", "locked01"])
    )
    start = len(module_lab.journal())
    run = module_lab.tasks(
        "hv01",
        task("deaf", "vm_processor", **deaf),
        task("forced", "vm_processor", force=True, **forced),
    )
    left, after = run.one("deaf"), machines(module_lab)
    assert left["_status"] == "ignored"
    assert left["error"]["kind"] in ("timed_out", "remote_error")
    assert "deaf01" in left["msg"]
    assert "\n" not in left["msg"]
    assert after["deaf01"]["power_ons"] == before["deaf01"]["power_ons"]
    assert after["deaf01"]["state"] == "Running"
    assert after["deaf01"]["compatibility"] is False
    by_name = {vm["name"]: vm for vm in left["vms"]}
    assert by_name["deaf01"]["error"]["kind"]
    assert by_name["run02"]["error"] is None
    assert by_name["run02"]["changed"] is True
    assert after["run02"]["compatibility"] is True, "one machine's failure does not stop the others"
    turned_off = run.one("forced")
    assert turned_off["_status"] == "ok", turned_off["msg"]
    assert after["deaf02"]["compatibility"] is True
    assert after["deaf02"]["state"] == "Running"
    assert after["deaf02"]["power_ons"] == before["deaf02"]["power_ons"] + 1
    assert after["locked01"]["compatibility"] is True
    cut = [command for command in changes(module_lab, start) if "TurnOff" in command.get("parameters", {})]
    assert len(cut) == 1, "only the deaf one's power is cut, the locked one goes down in order"
