# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role prepare and its playbook: from fresh hosts to hosts that receive moves, and safe under every option."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from integration.harness import Lab, Run
from integration.scenario import assert_no_secret, changes, fleet, keep_passwords, shells

SERVICE = "Microsoft Virtual System Migration Service"
HOSTS = ("HV01", "HV02", "HV03")
BARE = {"Hyper-V": "Available", "Hyper-V-PowerShell": "Available"}
FRESH = fleet(
    [
        {"name": "HV01"},
        {"name": "HV02", "language": "fr", "features": BARE},
        {"name": "HV03", "edition": "2019"},
        {"name": "ADMIN01"},
    ],
    directory={"ad_hosts": ["ADMIN01"]},
    groups={"fleet": list(HOSTS)},
)
FLEET = FRESH
STOPPED = {"name": "HV02", "services": {"vmms": "Stopped"}}
WANTED: dict[str, Any] = {
    "prepare_hosts": "fleet",
    "prepare_reboot": True,
    "prepare_networks": [{"subnet": "10.20.0.0/16", "priority": 1}],
    "prepare_maximum_virtual_machine_migrations": 4,
    "prepare_performance_option": "SMB",
    "prepare_delegation_host": "admin01",
    "prepare_domain_username": "LAB\\admin",
    "prepare_domain_password": "{{ passwords.admin }}",
}


def recap(run: Run) -> dict[str, dict[str, int]]:
    """Return the play's recap: host -> counter -> number."""
    lines = re.findall(r"^(\S+)\s+: (ok=\d+ .*)$", run.output, re.MULTILINE)
    return {host: {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", text)} for host, text in lines}


def prepare(lab: Lab, *arguments: str, **extra: Any) -> Run:
    """Run the collection's playbook."""
    keep_passwords(lab)
    return lab.play("prepare.yml", *arguments, extra={**WANTED, **extra})


@pytest.fixture(scope="module")
def prepared(module_lab: Lab) -> dict[str, Any]:
    """Check mode, the real run and the second run on a fresh fleet."""
    found: dict[str, Any] = {}
    for name, arguments in (("check", ("--check", "--diff")), ("first", ()), ("second", ()), ("third", ("--check",))):
        start = len(module_lab.journal())
        found[name] = {
            "run": prepare(module_lab, *arguments),
            "state": module_lab.state(),
            "shells": shells(module_lab, start),
            "changes": changes(module_lab, start),
        }
    return found


def test_check_mode_changes_nothing_and_foretells(prepared: dict[str, Any]) -> None:
    check, first = prepared["check"], prepared["first"]
    assert check["changes"] == []
    for host in HOSTS:
        assert check["state"]["hosts"][host]["migration"]["enabled"] is False
    told, did = recap(check["run"]), recap(first["run"])
    assert told["hv01"]["changed"] == did["hv01"]["changed"]
    assert told["hv03"]["changed"] == did["hv03"]["changed"]
    assert all(counters["failed"] == counters["unreachable"] == 0 for counters in told.values())
    assert check["run"].code == 0, check["run"].output[-3000:]


def test_hosts_are_ready_afterwards(prepared: dict[str, Any]) -> None:
    first = prepared["first"]
    assert first["run"].code == 0, first["run"].output[-3000:]
    for host in HOSTS:
        migration = first["state"]["hosts"][host]["migration"]
        assert migration["listening"] != []
        assert migration["authentication"] == "Kerberos"
        assert migration["performance"] == "SMB"
        assert migration["slots"] == 4
        assert migration["networks"] == [{"subnet": "10.20.0.0/16", "priority": 1}]
        assert migration["any_network"] is False
        delegation = first["state"]["delegation"][host]
        assert delegation["protocol_transition"] is True
        assert len(delegation["delegates_to"]) == 8
        assert host not in " ".join(delegation["delegates_to"]).upper()
    assert first["state"]["hosts"]["HV02"]["boots"] == prepared["check"]["state"]["hosts"]["HV02"]["boots"] + 1
    assert first["state"]["hosts"]["HV01"]["boots"] == prepared["check"]["state"]["hosts"]["HV01"]["boots"]
    assert first["state"]["hosts"]["ADMIN01"]["migration"]["enabled"] is False


def test_the_second_run_changes_nothing_in_few_sessions(prepared: dict[str, Any]) -> None:
    for name in ("second", "third"):
        again = prepared[name]
        assert again["run"].code == 0
        assert again["changes"] == []
        for counters in recap(again["run"]).values():
            assert counters["changed"] == 0
            assert counters["ok"] <= 4
        assert all(number <= 4 for number in again["shells"].values()), again["shells"]
        assert again["state"]["delegation"] == prepared["first"]["state"]["delegation"]


def test_the_domain_password_is_seen_nowhere(module_lab: Lab, prepared: dict[str, Any]) -> None:
    assert_no_secret(module_lab, *(step["run"].output for step in prepared.values()))


@pytest.mark.parametrize(
    ("extra", "word"),
    [
        ({"prepare_authentication_type": "NTLM"}, "prepare_authentication_type"),
        ({"prepare_networks": "10.20.0.0/16, any"}, "prepare_networks"),
        ({"prepare_networks": [{"priority": 1}]}, "subnet"),
        ({"prepare_maximum_storage_migrations": "many"}, "prepare_maximum_storage_migrations"),
    ],
)
def test_wrong_arguments_prepare_nobody(module_lab: Lab, extra: dict[str, Any], word: str) -> None:
    start = len(module_lab.journal())
    run = prepare(module_lab, **extra)
    assert run.code != 0
    assert word in run.output
    assert module_lab.journal()[start:] == []


def test_an_unknown_delegation_host_is_named(module_lab: Lab) -> None:
    start = len(module_lab.journal())
    run = prepare(module_lab, prepare_delegation_host="admin09")
    assert run.code != 0
    assert "admin09" in run.output
    assert changes(module_lab, start) == []


def test_tags_limit_and_serial(start_lab: Callable[..., Lab]) -> None:
    lab = start_lab(FRESH)
    only = prepare(lab, "--tags", "migration", "--limit", "hv01")
    assert only.code == 0, only.output[-3000:]
    state = lab.state()
    assert state["hosts"]["HV01"]["migration"]["listening"] != []
    assert state["hosts"]["HV03"]["migration"]["enabled"] is False
    assert all(item["delegates_to"] == [] for item in state["delegation"].values())
    assert set(shells(lab)) == {"HV01"}
    serial = [
        {
            "hosts": "fleet",
            "gather_facts": False,
            "serial": 1,
            "roles": [{"role": "hyperv.mobility.prepare"}],
            "vars": {key: value for key, value in WANTED.items() if key != "prepare_hosts"},
        }
    ]
    run = lab.play(serial)
    assert run.code == 0, run.output[-3000:]
    state = lab.state()
    for host in HOSTS:
        assert state["hosts"][host]["migration"]["listening"] != []
        assert len(state["delegation"][host]["delegates_to"]) == 8, "every pair, though hosts came one by one"
    assert all(counters["changed"] == 0 for counters in recap(lab.play(serial)).values())
    one = prepare(lab, "--limit", "hv01")
    assert one.code == 0, one.output[-3000:]
    assert all(counters["changed"] == 0 for counters in recap(one).values())


def test_a_host_that_is_down_stops_nobody_else(start_lab: Callable[..., Lab]) -> None:
    lab = start_lab(FRESH | {"hosts": [*FRESH["hosts"][:1], STOPPED, *FRESH["hosts"][2:]]})
    start = len(lab.journal())
    checked = prepare(lab, "--check")
    assert checked.code == 0, checked.output[-3000:]
    assert changes(lab, start) == []
    lab.control("fault", "HV03", '{"action": "drop", "probability": 1.0, "times": 100000}')
    run = prepare(lab, prepare_feature="false", prepare_hosts="hv01:hv03")
    assert run.code != 0
    state = lab.state()
    assert state["hosts"]["HV01"]["migration"]["listening"] != []
