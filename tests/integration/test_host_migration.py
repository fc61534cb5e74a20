# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_host_migration makes hosts able to receive moves, proves it, and refuses what never could."""

from __future__ import annotations

from typing import Any

import pytest
from integration.harness import Lab
from integration.scenario import assert_cycle, changes, cycle, fleet, shells, task

USUAL = {"connection": "psrp", "scheme": "http", "auth": "ntlm", "https": False}
DESIRED = ("FRESH", "FRENCH", "OLDEST", "RIGHTS")
FLEET = fleet(
    [
        {"name": "FRESH"},
        {"name": "FRENCH", "language": "fr"},
        {"name": "OLDEST", "edition": "2012R2"},
        {"name": "RIGHTS", "winrm": {**USUAL, "user": "LAB\\hvadmin"}},
        {"name": "READER", "winrm": {**USUAL, "user": "LAB\\reader"}},
        {"name": "NONET"},
        {"name": "WRONG"},
        {"name": "STOPPED", "services": {"vmms": "Stopped"}},
        {"name": "SHUT", "firewall": {"VIRT-MIGL-In-TCP-NoScope": False}},
        {"name": "BARE", "features": {"Hyper-V": "Available", "Hyper-V-PowerShell": "Available"}},
    ],
    groups={"desired": list(DESIRED)},
)

NETWORKS: list[dict[str, Any]] = [
    {"subnet": "10.20.0.0/16", "priority": 5},
    {"subnet": "192.168.7.0/24"},
    {"subnet": "fd00:20::/64"},
]
SETTINGS: dict[str, Any] = {
    "authentication_type": "Kerberos",
    "performance_option": "SMB",
    "maximum_virtual_machine_migrations": 5,
    "maximum_storage_migrations": 6,
    "networks": NETWORKS,
}
PROVEN = ("ready", "listener_addresses")


@pytest.fixture(scope="module")
def desired(module_lab: Lab) -> dict[str, Any]:
    """The states that hosts are brought into one after the other: the runs, and the fleet after each."""
    steps = {
        "settings": cycle("settings", "vm_host_migration", **SETTINGS),
        "purge": cycle(
            "purge",
            "vm_host_migration",
            networks=[{"subnet": "10.20.0.0/16", "priority": 1}],
            purge_networks=True,
            use_any_network=False,
        ),
        "any": cycle("any", "vm_host_migration", use_any_network=True, purge_networks=True),
        "disabled": cycle("disabled", "vm_host_migration", state="disabled"),
    }
    found: dict[str, Any] = {}
    for name, tasks in steps.items():
        start = len(module_lab.journal())
        found[name] = {
            "run": module_lab.tasks("desired", *tasks),
            "state": module_lab.state()["hosts"],
            "journal": slice(start, len(module_lab.journal())),
        }
    return found


@pytest.mark.parametrize("host", DESIRED)
def test_a_fresh_host_is_enabled_with_networks(desired: dict[str, Any], host: str) -> None:
    done = assert_cycle(desired["settings"]["run"], "settings", host.lower(), but=PROVEN)
    assert done["ready"] is True
    assert done["computer_name"] == host
    assert done["diff"]["before"]["state"] == "disabled"
    migration = desired["settings"]["state"][host]["migration"]
    assert done["listener_addresses"] == migration["listening"] != []
    assert migration["enabled"] is True
    assert migration["authentication"] == "Kerberos"
    assert migration["performance"] == "SMB"
    assert (migration["slots"], migration["storage_slots"]) == (5, 6)
    listed = {network["subnet"]: network["priority"] for network in migration["networks"]}
    assert set(listed) == {item["subnet"] for item in NETWORKS}
    assert listed["10.20.0.0/16"] == 5
    again = desired["settings"]["run"].one("settings: again", host.lower())
    assert again["ready"] is True


@pytest.mark.parametrize("host", DESIRED)
def test_networks_that_are_not_listed_go(desired: dict[str, Any], host: str) -> None:
    assert_cycle(desired["purge"]["run"], "purge", host.lower(), but=PROVEN)
    migration = desired["purge"]["state"][host]["migration"]
    assert migration["networks"] == [{"subnet": "10.20.0.0/16", "priority": 1}]
    assert migration["authentication"] == "Kerberos", "what is not given stays as it is"
    assert migration["slots"] == 5


@pytest.mark.parametrize("host", DESIRED)
def test_any_network(desired: dict[str, Any], host: str) -> None:
    done = assert_cycle(desired["any"]["run"], "any", host.lower(), but=PROVEN)
    migration = desired["any"]["state"][host]["migration"]
    assert migration["any_network"] is True
    assert migration["networks"] == []
    assert done["listener_addresses"] == migration["listening"] != []


@pytest.mark.parametrize("host", DESIRED)
def test_disabled(desired: dict[str, Any], host: str) -> None:
    done = assert_cycle(desired["disabled"]["run"], "disabled", host.lower(), but=PROVEN)
    assert done["ready"] is False
    migration = desired["disabled"]["state"][host]["migration"]
    assert migration["enabled"] is False
    assert migration["listening"] == []


def test_one_session_for_each_host_and_task(module_lab: Lab, desired: dict[str, Any]) -> None:
    lines = module_lab.journal()[desired["settings"]["journal"]]
    opened = [line["host"] for line in lines if line["event"] == "shell_opened"]
    assert {host: opened.count(host) for host in DESIRED} == dict.fromkeys(DESIRED, 3)


def test_each_change_is_sent_once(module_lab: Lab, desired: dict[str, Any]) -> None:
    sent = [
        command["command"].rpartition("\\")[2]
        for line in module_lab.journal()[desired["settings"]["journal"]]
        if line["host"] == "FRENCH"
        for statement in line.get("statements", [])
        for command in statement
    ]
    asked = [name for name in sent if not name.startswith(("Get-", "Select-", "ConvertTo-", "Write-"))]
    assert asked == ["Set-VMHost", *["Add-VMMigrationNetwork"] * 3, "Enable-VMMigration"]


@pytest.fixture(scope="module")
def refused(module_lab: Lab) -> dict[str, Any]:
    """What is refused: the run, and the fleet before and after."""
    before = module_lab.state()["hosts"]
    start = len(module_lab.journal())
    plays = [
        ("nonet", [task("no network", "vm_host_migration", authentication_type="Kerberos")]),
        ("reader", [task("no rights", "vm_host_migration", use_any_network=True)]),
        ("bare", [task("no role", "vm_host_migration", use_any_network=True)]),
        (
            "nonet",
            [
                task("no network, check", "vm_host_migration", check=True, authentication_type="Kerberos"),
                task("inside a network", "vm_host_migration", networks=[{"subnet": "10.20.0.5/16"}]),
                task("no subnet", "vm_host_migration", networks=[{"subnet": "Ethernet 2"}]),
                task("doubled", "vm_host_migration", networks=[{"subnet": "10.20.0.0/16"}, {"subnet": "10.20.0.0/16"}]),
                task("negative", "vm_host_migration", maximum_storage_migrations=-1, use_any_network=True),
                task("contradiction", "vm_host_migration", purge_networks=True, use_any_network=False),
                task("choice", "vm_host_migration", performance_option="SMBTransport"),
                task("patience", "vm_host_migration", ready_timeout_seconds=-5, use_any_network=True),
            ],
        ),
    ]
    run = module_lab.play([{"hosts": hosts, "gather_facts": False, "tasks": tasks} for hosts, tasks in plays])
    return {"run": run, "before": before, "after": module_lab.state()["hosts"], "changes": changes(module_lab, start)}


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("no network", "not_possible", ["nonet"]),
        ("no network, check", "not_possible", ["nonet"]),
        ("no rights", "not_possible", ["reader"]),
        ("no role", "not_possible", ["bare"]),
        ("inside a network", "invalid_request", ["10.20.0.5/16", "10.20.0.0/16"]),
        ("no subnet", "invalid_request", ["Ethernet 2"]),
        ("doubled", "invalid_request", ["10.20.0.0/16"]),
        ("negative", "invalid_request", ["maximum_storage_migrations", "-1"]),
        ("contradiction", "invalid_request", ["purge_networks"]),
        ("choice", "invalid_request", ["performance_option", "SMBTransport"]),
        ("patience", "invalid_request", ["ready_timeout_seconds", "-5"]),
    ],
)
def test_refused_in_one_line_before_the_first_change(
    refused: dict[str, Any], name: str, kind: str, words: list[str]
) -> None:
    result = refused["run"].one(name)
    assert result["_status"] == "ignored"
    assert result["changed"] is False
    assert result["error"]["kind"] == kind
    assert "\n" not in result["msg"]
    assert not [word for word in words if word not in result["msg"]], result["msg"]


def test_findings_of_refusals(refused: dict[str, Any]) -> None:
    run = refused["run"]
    assert [item["id"] for item in run.one("no network")["findings"]] == ["no_migration_network"]
    for name in ("no rights", "no role"):
        (finding,) = run.one(name)["findings"]
        assert finding["id"] == "host_settings_unreadable"
        assert finding["evidence"]
        assert "\n" not in finding["evidence"]


def test_refusals_change_nothing(refused: dict[str, Any]) -> None:
    assert refused["changes"] == []
    for host in ("NONET", "READER", "BARE"):
        assert refused["after"][host]["migration"] == refused["before"][host]["migration"]


def test_a_host_without_an_address_in_its_networks_is_not_called_ready(module_lab: Lab) -> None:
    arguments = {"networks": [{"subnet": "172.31.0.0/16"}], "ready_timeout_seconds": 1}
    run = module_lab.tasks(
        "wrong", task("first", "vm_host_migration", **arguments), task("second", "vm_host_migration", **arguments)
    )
    first, second = run.one("first"), run.one("second")
    for result in (first, second):
        assert result["error"]["kind"] == "timed_out"
        assert "172.31.0.0/16" in result["msg"]
    assert (first["changed"], second["changed"]) == (True, False)
    assert module_lab.state()["hosts"]["WRONG"]["migration"]["listening"] == []


def test_a_stopped_service_is_started(module_lab: Lab) -> None:
    arguments = {"networks": [{"subnet": "10.20.0.0/16"}], "authentication_type": "Kerberos"}
    run = module_lab.tasks("stopped", *cycle("stopped", "vm_host_migration", **arguments))
    check, apply, again = (run.one(f"stopped: {step}") for step in ("check", "apply", "again"))
    assert (check["changed"], apply["changed"], again["changed"]) == (True, True, False), apply
    assert apply["ready"] is again["ready"] is True
    assert apply["computer_name"] == "STOPPED"
    host = module_lab.state()["hosts"]["STOPPED"]
    assert host["services"]["vmms"] == "Running"
    assert host["migration"]["authentication"] == "Kerberos"


def test_the_firewall_is_opened_where_it_is_shut(module_lab: Lab) -> None:
    arguments = {"use_any_network": True}
    run = module_lab.tasks(
        "shut",
        task("left", "vm_host_migration", firewall_rule=False, **arguments),
        *cycle("opened", "vm_host_migration", **arguments),
    )
    assert run.one("left")["changed"] is True
    assert_cycle(run, "opened", "shut", but=PROVEN)
    assert run.one("opened: apply")["diff"]["before"]["firewall_rule_enabled"] is False
    assert "VIRT-MIGL-In-TCP-NoScope" not in module_lab.state()["hosts"]["SHUT"]["firewall_disabled"]


def test_no_more_sessions_than_tasks(module_lab: Lab, desired: dict[str, Any], refused: dict[str, Any]) -> None:
    """Over everything above: each task opened one session at most."""
    tasks = sum(1 for step in desired.values() for _ in step["run"].results) + len(refused["run"].results)
    others = 2 + 3 + 4
    assert sum(shells(module_lab).values()) <= tasks + others
