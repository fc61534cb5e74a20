# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests of the lab: which services run in them, what they tell the host, and what they take from it."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hyperv_lab.hyperv import fleet as fleets
from hyperv_lab.hyperv import power
from hyperv_lab.hyperv.guest import DISC_SECONDS, IPV4, SERVICES_DISC, UPDATE_SECONDS, IpConfiguration
from hyperv_lab.hyperv.schema import FleetError
from hyperv_lab.hyperv.state import describe
from unit.lab.cmdlet_runner import get, run

KVP = "2A34B1C2-FD73-4043-8A5B-DD2159BC743F"
OTHER = IpConfiguration(addresses=("10.9.0.7",), subnets=("255.255.0.0",), gateways=("10.9.0.1",), dns=("10.9.0.2",))


def still(guest: dict[str, Any] | None = None, *, edition: str = "2022", **more: Any) -> Any:
    """Return the host of one running machine, in a fleet whose clock stands."""
    adapters = [{"switch": "External", "addresses": ["10.1.0.7", "fe80::7"], "gateways": ["10.1.0.1"]}]
    vm = {"name": "v", "host": "A", "state": "Running", "adapters": adapters, "guest": guest or {}, **more}
    return fleets.parse({"hosts": [{"name": "A", "edition": edition}], "vms": [vm]}, speed=0).hosts["A"]


def only(host: Any) -> Any:
    (vm,) = host.vms.values()
    return vm


def service(host: Any, key: str = KVP) -> Any:
    found = run(host, "Get-VMIntegrationService", VMName=["v"]).output
    return next(each for each in found if get(each, "Id").endswith(key))


def told(host: Any) -> dict[str, str]:
    """Return the pairs of the only machine, as a reader of the XML texts finds them."""
    instance = run(host, "Get-CimInstance", Namespace="root/virtualization/v2", ClassName="Msvm_KvpExchangeComponent")
    items = [ET.fromstring(text) for text in instance.one().values["GuestIntrinsicExchangeItems"]]
    values = [{p.get("NAME"): p.findtext("VALUE") or "" for p in item} for item in items]
    return {value["Name"]: value["Data"] for value in values}


@pytest.mark.parametrize(
    ("system", "state", "exchanges", "takes"),
    [
        ("windows", "running", True, True),
        ("windows", "stopped", False, False),
        ("windows", "missing", False, False),
        ("windows", "outdated", True, False),
        ("linux", "outdated", True, True),
        ("linux", "stopped", False, False),
    ],
)
def test_what_the_exchange_in_the_guest_decides(system: str, state: str, exchanges: bool, takes: bool) -> None:
    host = still({"system": system, "services": {"kvp": state}})
    vm = only(host)
    adapter = vm.adapters[0]
    assert vm.exchanges_pairs is exchanges
    assert bool(get(adapter, "IPAddresses")) is exchanges
    assert bool(told(host)) is exchanges
    assert vm.apply_addresses(adapter, OTHER) is takes
    assert adapter.addresses == (("10.9.0.7",) if takes else ("10.1.0.7", "fe80::7"))
    assert get(vm, "Heartbeat").name != "NoContact"


def test_switching_the_component_on_the_host_takes_effect_at_once() -> None:
    host = still()
    vm = only(host)
    assert run(host, "Disable-VMIntegrationService", service(host)).errors == []
    assert not vm.exchanges_pairs
    assert not vm.apply_addresses(vm.adapters[0], OTHER)
    assert told(host) == {}
    assert run(host, "Enable-VMIntegrationService", service(host)).errors == []
    assert vm.exchanges_pairs
    assert told(host)["NetworkAddressIPv4"] == "10.1.0.7"


def test_a_legacy_adapter_takes_no_address_and_one_family_leaves_the_other() -> None:
    vm = only(still())
    adapter = vm.adapters[0]
    adapter.is_legacy = True
    assert not vm.apply_addresses(adapter, OTHER)
    adapter.is_legacy = False
    assert vm.apply_addresses(adapter, IpConfiguration(addresses=("10.9.0.7",), subnets=("255.0.0.0",), protocol=IPV4))
    assert adapter.addresses == ("10.9.0.7", "fe80::7")
    assert adapter.configuration.subnets == ("255.0.0.0", "64")
    assert adapter.configuration.gateways == ()
    assert list(get(adapter, "IPAddresses")) == []
    vm.host.fleet.clock.advance(5)
    assert list(get(adapter, "IPAddresses")) == ["10.9.0.7", "fe80::7"]


def test_statuses_by_edition() -> None:
    outdated = service(still({"services": {"kvp": "outdated"}}))
    assert get(outdated, "PrimaryOperationalStatus").name == "Ok"
    assert get(outdated, "SecondaryOperationalStatus").number == 32775
    assert get(outdated, "SecondaryStatusDescription")
    older = service(still({"services": {"kvp": "outdated"}}, edition="2012R2"))
    assert [status.name for status in get(older, "OperationalStatus")] == ["Degraded", "ProtocolMismatch"]
    stopped = service(still({"services": {"kvp": "stopped"}}))
    assert get(stopped, "PrimaryOperationalStatus").name == "NoContact"
    assert get(stopped, "SecondaryOperationalStatus") is None
    assert get(stopped, "Enabled") is True
    off = service(still({"services": {"kvp": "outdated"}}, state="Off"))
    for name in ("PrimaryOperationalStatus", "SecondaryOperationalStatus", "SecondaryStatusDescription"):
        assert get(off, name) is None


def test_the_machines_own_member_has_descriptions_only() -> None:
    (*_services, kvp, _shutdown, _time, _vss) = get(only(still()), "VMIntegrationService")
    assert get(kvp, "PrimaryOperationalStatus") is None
    assert get(kvp, "PrimaryStatusDescription") == "OK"


def test_the_versions_text_is_no_help() -> None:
    assert get(only(still({"services": {"kvp": "outdated"}})), "IntegrationServicesState") == ""
    assert str(get(only(still()), "IntegrationServicesVersion")) == "0.0"
    assert get(only(still(edition="2012R2")), "IntegrationServicesState") == "Up to date"
    behind = only(still({"services": {"vss": "outdated"}}, edition="2012R2"))
    assert get(behind, "IntegrationServicesState") == "Update required"
    assert get(only(still({"system": "linux"}, edition="2012R2")), "IntegrationServicesState") == "Update required"


def test_heartbeat_and_shutdown_have_services_of_their_own() -> None:
    deaf = still({"services": {"heartbeat": "stopped", "shutdown": "missing"}})
    assert get(only(deaf), "Heartbeat").name == "NoContact"
    assert only(deaf).exchanges_pairs
    assert not only(deaf).in_contact("shutdown")
    assert get(only(still({"system": "linux"})), "Heartbeat").name == "OkApplicationsUnknown"


def test_what_the_pairs_say() -> None:
    windows = told(still({"version": "2012R2", "services": {"kvp": "outdated"}}))
    assert windows["OSName"].startswith("Windows Server 2012 R2")
    assert windows["OSVersion"] == "6.3.9600"
    assert windows["IntegrationServicesVersion"] == "6.2.9200.16384"
    assert windows["NetworkAddressIPv6"] == "fe80::7"
    linux = told(still({"system": "linux", "version": "Debian 12.1", "kernel": "6.1.0-18-amd64"}))
    assert (linux["OSName"], linux["OSMajorVersion"]) == ("Debian", "12.1")
    assert (linux["OSVersion"], linux["OSBuildNumber"]) == ("6.1.0", "6.1.0-18-amd64")
    assert told(still(state="Off")) == {}


def test_the_component_is_the_machines() -> None:
    host = still()
    vm = only(host)
    found = run(
        host,
        "Get-CimInstance",
        Namespace="root/virtualization/v2",
        ClassName="Msvm_KvpExchangeComponent",
        Filter=f"SystemName = '{vm.id}'",
    )
    assert found.one().values["DeviceID"].lower() == get(service(host), "Id").lower()


def test_the_update_service_brings_them_on_newer_hosts_only() -> None:
    for edition, update, brought in (("2022", True, True), ("2022", False, False), ("2012R2", True, False)):
        host = still({"services": {"kvp": "missing"}, "update_service": update}, edition=edition)
        host.fleet.clock.advance(UPDATE_SECONDS - 1)
        assert not only(host).exchanges_pairs
        host.fleet.clock.advance(20)
        assert only(host).exchanges_pairs is brought
    linux = still({"system": "linux", "services": {"kvp": "missing"}})
    linux.fleet.clock.advance(10 * UPDATE_SECONDS)
    assert not only(linux).exchanges_pairs


def test_what_came_while_nobody_looked_stays_and_a_stopped_service_stays_stopped() -> None:
    host = still({"services": {"kvp": "missing", "vss": "stopped"}})
    host.fleet.clock.advance(UPDATE_SECONDS + 20)
    power.turn_off(only(host))
    host.fleet.clock.advance(5)
    state = describe(host.fleet)["hosts"]["A"]["vms"][str(only(host).id)]
    assert state["services"]["kvp"] == {"host": True, "guest": "running"}
    assert state["services"]["vss"]["guest"] == "stopped"
    assert [event.kind for event in host.fleet.events].count("guest_services_renewed") == 1


@pytest.mark.parametrize(("somebody", "brought"), [(True, True), (False, False)])
def test_the_services_disc_of_2012_r2(somebody: bool, brought: bool) -> None:
    guest = {"services": {"kvp": "outdated"}, "installs_disc": somebody, "update_service": "off"}
    host = still(guest, edition="2012R2", dvd=True)
    host.fleet.clock.advance(3600)
    drive = run(host, "Get-VMDvdDrive", VMName=["v"]).one()
    assert run(host, "Set-VMDvdDrive", drive, Path=SERVICES_DISC).errors == []
    host.fleet.clock.advance(DISC_SECONDS - 1)
    assert only(host).service_state("kvp") == "outdated"
    host.fleet.clock.advance(2)
    assert run(host, "Set-VMDvdDrive", drive, Path=None).errors == []
    assert (only(host).service_state("kvp") == "running") is brought


def test_newer_hosts_have_no_services_disc() -> None:
    host = still(dvd=True)
    refused = run(host, "Set-VMDvdDrive", VMName="v", Path=SERVICES_DISC)
    assert [error.error_id for error in refused.errors] == ["OperationFailed"]


@pytest.mark.parametrize(
    ("machine", "place"),
    [
        ({"guest": {"services": {"kvp": "broken"}}}, "guest.services.kvp: 'broken' is none of running"),
        ({"guest": {"services": {"mail": "running"}}}, "unknown key 'mail'"),
        ({"guest": {"update_service": "maybe"}}, "update_service: must be on or off"),
        ({"adapters": [{"addresses": ["10.1.0"]}]}, "adapters[0].addresses: '10.1.0' is no address"),
        ({"adapters": [{"addresses": ["10.1.0.7"], "subnets": ["255.0.0.0", "64"]}]}, "one for each address"),
    ],
)
def test_mistakes_in_a_fleet_file(machine: dict[str, Any], place: str) -> None:
    with pytest.raises(FleetError, match=place.replace("[", r"\[")):
        still(**machine)
