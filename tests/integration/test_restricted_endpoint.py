# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks over a restricted endpoint that shows what docs/restricted-endpoints.md lists for them, and no more."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from integration.harness import ROOT, Lab, Run
from integration.scenario import changes, fleet, task

pytestmark = pytest.mark.exhaustive

PAGE = (ROOT / "docs" / "restricted-endpoints.md").read_text(encoding="utf-8")
KEEPER = {"name": "keeper", "password": "Lab-Keep3r!", "groups": ["Users"]}


def listed(row: str) -> list[str]:
    """Return the commands of the page's row that begins so."""
    line = next(line for line in PAGE.splitlines() if line.startswith(f"| {row}"))
    return re.findall(r"`([A-Z][A-Za-z]+-[A-Za-z]+|C:\\[^`]+)`", line.split("|")[2])


def endpoint(*commands: str) -> dict[str, Any]:
    return {"users": ["keeper"], "visible": sorted({*commands})}


READING = [*listed("every task"), *listed("reading hosts"), *listed("reading VMs")]
FLEET = fleet(
    [
        {
            "name": "HV01",
            "accounts": [{"name": "Administrator", "password": "Lab-Passw0rd!"}, KEEPER],
            "winrm": {"https": True, "scheme": "https", "auth": "basic", "user": "keeper"},
            "endpoints": {
                "reader": endpoint(*READING),
                "keeper": endpoint(*READING, *listed("`vm_processor`")),
                "guests": endpoint(
                    *listed("every task"), *listed("`vm_integration_service`"), *listed("`vm_failover_ip`")
                ),
                "wiring": endpoint(*listed("every task"), *listed("`vm_network_adapter`")),
                "blind": endpoint(*[name for name in READING if name != "Get-VMSwitch"]),
            },
        }
    ],
    [
        {"name": "off01", "host": "HV01"},
        {"name": "run01", "host": "HV01", "state": "Running"},
        {
            "name": "copy01",
            "host": "HV01",
            "state": "Running",
            "dvd": True,
            "adapters": [{"switch": "External"}],
            "replication": {"replica_server": "HV09"},
        },
    ],
)
COMPATIBLE = {"compatibility_for_migration_enabled": True}


@pytest.fixture(scope="module")
def through(module_lab: Lab) -> Callable[..., Run]:
    def run(name: str, *tasks: dict[str, Any]) -> Run:
        return module_lab.tasks("hv01", *tasks, ansible_psrp_configuration_name=name)

    return run


def test_the_page_is_read() -> None:
    assert {"Get-VM", "Get-VMHost", "Write-Output", "C:\\Windows\\System32\\whoami.exe"} <= set(READING)


def test_the_default_endpoint_is_not_for_this_account(module_lab: Lab) -> None:
    found = module_lab.tasks("hv01", task("info", "vm_info")).one("info")
    assert found["unreachable"] is True, found
    assert found["error"]["kind"] == "authentication_failed"


def test_reading_needs_what_the_page_lists(through: Callable[..., Run], module_lab: Lab) -> None:
    start = len(module_lab.journal())
    run = through("reader", task("info", "vm_host_info"), task("vms", "vm_info"))
    assert [line["status"] for line in run.results] == ["ok", "ok"], run.output
    assert run.one("info")["host"]["name"] == "HV01"
    assert {vm["name"] for vm in run.one("vms")["vms"]} == {"off01", "run01", "copy01"}
    used = {line["endpoint"] for line in module_lab.journal()[start:] if line["event"] == "pipeline"}
    assert used == {"reader"}


def test_setting_processors_needs_what_the_page_lists(through: Callable[..., Run]) -> None:
    setting = task("set", "vm_processor", names=["off01"], **COMPATIBLE)
    restarting = task("restart", "vm_processor", names=["run01"], power="restart", **COMPATIBLE)
    for expected in (True, False):
        run = through("keeper", setting, restarting)
        assert [run.one(name)["changed"] for name in ("set", "restart")] == [expected, expected]


def test_guests_and_their_failover_addresses_need_what_the_page_lists(through: Callable[..., Run]) -> None:
    address = {"failback": {"ipv4": {"address": "10.2.0.11", "prefix": 24}, "test_switch": "External"}}
    none = {"failback": {"clear": "both"}}
    run = through(
        "guests",
        task("services", "vm_integration_service", names=["copy01"], services={"guest_service_interface": True}),
        task("address", "vm_failover_ip", vms=[{"name": "copy01", "adapters": [address]}]),
        task("clear", "vm_failover_ip", vms=[{"name": "copy01", "adapters": [none]}]),
    )
    assert [run.one(name).get("changed") for name in ("services", "address", "clear")] == [True] * 3, run.output
    (vm,) = run.one("services")["vms"]
    assert (vm["guest"]["exchange_read"], vm["guest"]["system"], vm["findings"]) == (True, "windows", [])


def test_adapters_and_addresses_need_what_the_page_lists(through: Callable[..., Run]) -> None:
    wish = {"vlan_id": 7, "ipv4": {"address": "10.7.0.5/24", "gateway": ""}}
    for expected in (True, False):
        found = through("wiring", task("set", "vm_network_adapter", names=["run01"], adapters=[wish])).one("set")
        assert (found["_status"], found["changed"]) == ("ok", expected), found


def test_a_command_that_is_not_shown_is_named(through: Callable[..., Run], module_lab: Lab) -> None:
    start = len(module_lab.journal())
    refused = through("reader", task("set", "vm_processor", names=["off01"], count=4)).one("set")
    assert refused["msg"].startswith("Set-VMProcessor: the session has no such command")
    assert refused["error"]["error_id"] == "CommandNotFoundException"
    seen = through("blind", task("info", "vm_host_info")).one("info")["host"]
    assert seen["switches"] is None
    # The lab's endpoints show no external programs (its README), so whoami is missing in every one of them.
    assert seen["unread"] == ["switches: CommandNotFoundException", "rights: CommandNotFoundException"]
    assert [sent["command"] for sent in changes(module_lab, start)] == ["Hyper-V\\Set-VMProcessor"]
    counts = {vm["processors"] for vm in module_lab.state()["hosts"]["HV01"]["vms"].values()}
    assert counts == {2}
