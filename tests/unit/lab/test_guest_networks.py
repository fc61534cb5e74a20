# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of simulated machines: adapters' settings, MAC ranges, uplinks, DHCP, addresses given from outside."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hyperv_lab.hyperv import cim_classes, cmdlets_wmi, guest_networks, mac_pool
from hyperv_lab.hyperv import fleet as fleets
from hyperv_lab.hyperv.cim import CIMV2, METHODS, VIRTUALIZATION
from hyperv_lab.hyperv.cim import PROVIDERS as CLASSES
from hyperv_lab.hyperv.schema import FleetError
from hyperv_lab.hyperv.wmi import ManagementObject
from unit.lab.cmdlet_runner import run

_ = cim_classes, cmdlets_wmi, CIMV2
LAN = {
    "name": "LAN",
    "networks": [
        {"vlan": 10, "subnet": "10.1.0.0/24", "dhcp": True, "gateway": "10.1.0.1", "dns": ["10.1.0.2"]},
        {"subnet": "10.9.0.0/24"},
    ],
}
DARK, INTERNAL = {"name": "Dark", "uplink": "down"}, {"name": "In", "type": "Internal"}


def fleet(*vms: dict[str, Any], speed: float = 100_000, **host: Any) -> Any:
    """Return a host with a wired switch; its guests are up at once."""
    content = {
        "hosts": [{"name": "A", "switches": [LAN, DARK, INTERNAL], **host}],
        "vms": [{"host": "A", "guest": {"boot_seconds": 0}, **vm} for vm in vms],
    }  # fmt: skip
    return fleets.parse(content, speed=speed).hosts["A"]


def one(host: Any) -> Any:
    return next(iter(host.vms.values()))


def vlan_of(host: Any) -> tuple[str, int, int, str]:
    setting = one(host).adapters[0].vlan_setting
    return setting.operation_mode.name, setting.access_vlan, setting.native_vlan, setting.allowed_text


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"Access": True, "VlanId": 20}, ("Access", 20, 0, "")),
        ({"Untagged": True}, ("Untagged", 0, 0, "")),
        ({"Trunk": True, "AllowedVlanIdList": "5,1-3,4", "NativeVlanId": 0}, ("Trunk", 0, 0, "1-5")),
    ],
)
def test_vlan_modes_are_exclusive(given: Any, expected: Any) -> None:
    host = fleet({"name": "vm", "state": "Running", "adapters": [{"switch": "LAN", "vlan": 10}]})
    setting = run(host, "Set-VMNetworkAdapterVlan", one(host).adapters[0], Passthru=True, **given).one()
    assert setting.operation_mode.name == expected[0]
    assert vlan_of(host) == expected


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"Access": True},
        {"VlanId": 3},
        {"Access": True, "VlanId": 4095},
        {"Access": True, "VlanId": 0},
        {"Untagged": True, "VlanId": 3},
        {"Untagged": True, "Access": True, "VlanId": 3},
        {"Trunk": True, "NativeVlanId": 3},
        {"Trunk": True, "NativeVlanId": 3, "AllowedVlanIdList": "3-1"},
        {"Trunk": True, "NativeVlanId": 3, "AllowedVlanIdList": "one"},
    ],
)
def test_a_vlan_mode_takes_exactly_its_ids(given: Any) -> None:
    host = fleet({"name": "vm", "adapters": [{"switch": "LAN", "vlan": 10}]})
    result = run(host, "Set-VMNetworkAdapterVlan", one(host).adapters[0], **given)
    assert result.error() == ("InvalidParameter", "InvalidArgument")
    assert vlan_of(host) == ("Access", 10, 0, "")


def test_private_modes_and_host_adapters_are_not_played() -> None:
    host = fleet({"name": "vm"})
    mode = run(host, "Set-VMNetworkAdapterVlan", VMName="vm", Isolated=True, PrimaryVlanId=1, SecondaryVlanId=2)
    own = run(host, "Set-VMNetworkAdapterVlan", ManagementOS=True, Untagged=True)
    assert mode.error() == own.error() == ("NotSupported", "InvalidOperation")


def test_a_mac_address_is_set_while_the_machine_is_off() -> None:
    host = fleet({"name": "off"}, {"name": "on", "state": "Running"})
    off, on = host.vms.values()
    run(host, "Set-VMNetworkAdapter", off.adapters[0], StaticMacAddress="00-15-5d-01-02-0a")
    assert (off.adapters[0].mac_address, off.adapters[0].dynamic_mac) == ("00155D01020A", False)
    run(host, "Set-VMNetworkAdapter", off.adapters[0], DynamicMacAddress=True)
    assert (off.adapters[0].mac_address, off.adapters[0].dynamic_mac) == (mac_pool.NEVER, True)
    before = on.adapters[0].mac_address
    refused = run(host, "Set-VMNetworkAdapter", on.adapters[0], StaticMacAddress="00155D01020B")
    assert refused.error() == ("InvalidState", "InvalidOperation")
    assert on.adapters[0].mac_address == before
    run(host, "Set-VMNetworkAdapter", on.adapters[0], TestReplicaSwitchName="in", DhcpGuard="On")
    assert (on.adapters[0].test_replica_switch, on.adapters[0].dhcp_guard.name) == ("In", "On")


@pytest.mark.parametrize("mac", ["010000000001", "000000000000", "0015", "00155D01020G"])
def test_addresses_that_no_machine_can_have_are_refused(mac: str) -> None:
    host = fleet({"name": "vm"})
    result = run(host, "Set-VMNetworkAdapter", VMName="vm", StaticMacAddress=mac)
    assert result.error() == ("InvalidParameter", "InvalidArgument")


def test_a_fresh_host_has_256_addresses_of_its_own() -> None:
    host = fleet({"name": "a"}, {"name": "b"}, network={"addresses": ["10.20.3.4/16"]})
    assert (host.settings.mac_minimum, host.settings.mac_maximum) == ("00155D030400", "00155D0304FF")
    assert [vm.adapters[0].mac_address for vm in host.vms.values()] == ["00155D030400", "00155D030401"]


def start(host: Any, vm: Any) -> Any:
    return run(host, "Start-VM", vm)


def test_a_dynamic_address_comes_with_the_first_start() -> None:
    host = fleet({"name": "a"}, {"name": "b", "adapters": [{"switch": "LAN", "mac": "never"}]})
    adapter = list(host.vms.values())[1].adapters[0]
    assert adapter.mac_address == mac_pool.NEVER
    assert not start(host, adapter.owner).errors
    assert adapter.mac_address == f"{int(host.settings.mac_minimum, 16) + 1:012X}"


def test_a_full_range_ends_the_start() -> None:
    limits = {"mac_minimum": "00155D000000", "mac_maximum": "00155D000000"}
    new = {"name": "new", "adapters": [{"switch": "LAN", "mac": "never"}]}
    host = fleet({"name": "a"}, new, settings=limits, language="fr")
    result = start(host, list(host.vms.values())[1])
    assert result.error() == ("OperationFailed", "NotSpecified")
    assert "0x800701E7" in result.errors[0].message
    assert list(host.vms.values())[1].state == "Off"


def test_a_start_on_a_host_with_another_range_gives_a_new_address() -> None:
    host = fleet({"name": "a"}, {"name": "s", "adapters": [{"mac": "00155D999999"}]})
    dynamic, static = (vm.adapters[0] for vm in host.vms.values())
    dynamic.mac_address = "00155D777777"
    for adapter in (dynamic, static):
        assert not start(host, adapter.owner).errors
    assert mac_pool.holds(host, dynamic.mac_address)
    assert static.mac_address == "00155D999999"


def test_physical_adapters_say_whether_they_are_up() -> None:
    host = fleet(edition="2019")
    found = run(host, "Get-NetAdapter", Physical=True).output
    assert [(one.values["InterfaceDescription"], one.values["InterfaceOperationalStatus"]) for one in found] == [
        ("Intel(R) Ethernet Controller X710", 1),
        ("Intel(R) Ethernet Controller X710 #2", 2),
    ]
    assert run(host, "Get-VMSwitch", Name="Dark").one().adapter_description.endswith("#2")
    assert run(host, "Get-NetAdapter", Name="none").error()[1] == "ObjectNotFound"


def test_a_guest_with_dhcp_gets_an_address_of_its_switch_and_vlan() -> None:
    wired = {"switch": "LAN", "vlan": 10, "dhcp": True}
    host = fleet({"name": "a", "adapters": [wired]}, {"name": "b", "adapters": [{**wired, "vlan": None}]})
    first, second = host.vms.values()
    for vm in (first, second):
        assert not start(host, vm).errors
    assert first.adapters[0].addresses == ("10.1.0.100",)
    assert first.adapters[0].configuration.gateways == ("10.1.0.1",)
    assert second.adapters[0].addresses == (), "the untagged network has no DHCP server"
    assert host.fleet.clock.wait(lambda: list(first.adapters[0].ip_addresses) == ["10.1.0.100"], seconds=60)
    run(host, "Connect-VMNetworkAdapter", first.adapters[0], SwitchName="In")
    run(host, "Connect-VMNetworkAdapter", first.adapters[0], SwitchName="LAN")
    assert first.adapters[0].addresses == ("10.1.0.100",), "the same address again"


def test_two_guests_never_get_the_same_address() -> None:
    wired = {"switch": "LAN", "vlan": 10}
    taken = {"name": "a", "adapters": [{**wired, "addresses": ["10.1.0.100"]}]}
    host = fleet(taken, {"name": "b", "adapters": [{**wired, "dhcp": True}]})
    second = list(host.vms.values())[1]
    start(host, second)
    assert second.adapters[0].addresses == ("10.1.0.101",)


def instance(vm: Any, *, leave_out: str = "", **changed: Any) -> str:
    """Return the embedded instance of a machine's first adapter."""
    values: dict[str, Any] = {
        "InstanceID": guest_networks.key_of(vm, vm.adapters[0]),
        "ProtocolIFType": "4096",
        "DHCPEnabled": "FALSE",
        "IPAddresses": ["10.1.0.7"],
        "Subnets": ["255.255.255.0"],
        "DefaultGateways": ["10.1.0.1"],
        "DNSServers": ["10.1.0.2"],
        **changed,
    }
    parts = []
    for name, value in values.items():
        if name == leave_out:
            continue
        if isinstance(value, list):
            inner = "".join(f"<VALUE>{item}</VALUE>" for item in value)
            parts.append(
                f'<PROPERTY.ARRAY NAME="{name}" TYPE="string"><VALUE.ARRAY>{inner}</VALUE.ARRAY></PROPERTY.ARRAY>'
            )
        else:
            parts.append(f'<PROPERTY NAME="{name}" TYPE="string"><VALUE>{value}</VALUE></PROPERTY>')
    return f'<INSTANCE CLASSNAME="{guest_networks.NAME}">{"".join(parts)}</INSTANCE>'


def give(host: Any, vm: Any, text: str) -> Any:
    service = run(
        host, "Get-WmiObject", Namespace="root\\virtualization\\v2", Class="Msvm_VirtualSystemManagementService"
    )
    machine = run(
        host, "Get-WmiObject", Namespace="root\\virtualization\\v2", Class="Msvm_ComputerSystem",
        Filter=f"Name = '{str(vm.id).upper()}'",
    ).one()  # fmt: skip
    return service.one().ps_call("SetGuestNetworkAdapterConfiguration", [machine.path, text])


def shown(host: Any) -> dict[str, Any]:
    found = CLASSES[VIRTUALIZATION, guest_networks.NAME.lower()](host)
    return dict(found[0].values)


def failed_as_completed(host: Any) -> bool:
    jobs = CLASSES[VIRTUALIZATION, "msvm_concretejob"](host)
    ends = [(int(job.values["JobState"]), int(job.values["ErrorCode"])) for job in jobs]
    return (guest_networks.COMPLETED, guest_networks.INVALID_STATE) in ends


def job_state(host: Any) -> int:
    (job,) = CLASSES[VIRTUALIZATION, "msvm_concretejob"](host)
    return int(job.values["JobState"])


@pytest.mark.parametrize(
    ("guest", "applied"),
    [
        ({}, True),
        ({"services": {"kvp": "stopped"}}, False),
        ({"services": {"kvp": "outdated"}}, False),
        ({"system": "linux", "services": {"kvp": "outdated"}}, True),
    ],
)
def test_an_address_given_from_outside_arrives_if_the_guest_takes_it(guest: Any, applied: bool) -> None:
    old = {"switch": "LAN", "vlan": 10, "addresses": ["10.1.0.5", "fd00::5"]}
    host = fleet({"name": "vm", "state": "Running", "guest": {"boot_seconds": 0, **guest}, "adapters": [old]})
    vm = one(host)
    result = give(host, vm, instance(vm))
    assert result.notes["ReturnValue"] == guest_networks.STARTED
    assert "Msvm_ConcreteJob.InstanceID=" in result.notes["Job"]
    assert host.fleet.clock.wait(lambda: job_state(host) != guest_networks.RUNNING, seconds=60)
    assert job_state(host) == (guest_networks.COMPLETED if applied else guest_networks.EXCEPTION)
    if not applied:
        give(host, vm, instance(vm))
        assert host.fleet.clock.wait(lambda: failed_as_completed(host), seconds=60)
    expected = ("10.1.0.7", "fd00::5") if applied else ("10.1.0.5", "fd00::5")
    assert vm.adapters[0].addresses == expected
    assert host.fleet.clock.wait(lambda: not applied or bool(shown(host)["IPAddresses"]), seconds=60)
    if applied:
        assert shown(host)["Subnets"] == ["255.255.255.0", "64"]
        assert shown(host)["ProtocolIFType"] == 4098
        assert shown(host)["DefaultGateways"] == ["10.1.0.1"]


def test_a_guest_that_is_told_to_ask_gets_an_address() -> None:
    adapter = {"switch": "LAN", "vlan": 10, "addresses": ["10.1.0.5"]}
    host = fleet({"name": "vm", "state": "Running", "adapters": [adapter]})
    give(host, one(host), instance(one(host), DHCPEnabled="TRUE", IPAddresses=[], Subnets=[]))
    assert one(host).adapters[0].addresses == ("10.1.0.100",)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"leave_out": "DHCPEnabled"}, 32773),
        ({"leave_out": "InstanceID"}, 32773),
        ({"InstanceID": "Microsoft:GuestNetwork\\x"}, 32773),
        ({"IPAddresses": ["10.1"]}, 32773),
        ({"Subnets": []}, 32773),
        ({"ProtocolIFType": "5"}, 32773),
        ({"DefaultGateways": [f"10.1.0.{n}" for n in range(1, 7)]}, 32773),
        ({}, 32775),
    ],
)
def test_what_the_host_refuses_at_once(changed: Any, code: int) -> None:
    host = fleet({"name": "vm", "adapters": [{"switch": "LAN", "addresses": ["10.1.0.5"]}]})
    assert give(host, one(host), instance(one(host), **changed)).notes["ReturnValue"] == code
    assert give(host, one(host), "<nothing").notes["ReturnValue"] == 32773
    assert one(host).adapters[0].addresses == ("10.1.0.5",)


def test_a_legacy_adapter_takes_no_address_and_is_not_shown() -> None:
    adapter = {"switch": "LAN", "legacy": True, "addresses": ["10.1.0.5"]}
    host = fleet({"name": "vm", "state": "Running", "adapters": [adapter]})
    assert CLASSES[VIRTUALIZATION, guest_networks.NAME.lower()](host) == []
    give(host, one(host), instance(one(host)))
    assert one(host).adapters[0].addresses == ("10.1.0.5",)


def test_methods_by_position_are_those_that_are_known() -> None:
    host = fleet({"name": "vm"})
    service = run(
        host, "Get-WmiObject", Namespace="root\\virtualization\\v2", Class="Msvm_VirtualSystemManagementService"
    )
    for name, arguments in (("DestroySystem", []), ("SetGuestNetworkAdapterConfiguration", ["x"])):
        with pytest.raises(KeyError):
            service.one().ps_call(name, arguments)
    assert isinstance(service.one(), ManagementObject)


def test_a_list_in_the_arguments_of_a_cim_method_is_refused() -> None:
    host = fleet({"name": "vm", "state": "Running"})
    (service,) = CLASSES[VIRTUALIZATION, "msvm_virtualsystemmanagementservice"](host)
    arguments = {"ComputerSystem": str(one(host).id), "NetworkConfiguration": [instance(one(host))]}
    result = run(
        host, "Invoke-CimMethod", service, MethodName="SetGuestNetworkAdapterConfiguration", Arguments=arguments
    )
    assert result.error()[0] == "HRESULT 0x80041005"
    assert ("msvm_virtualsystemmanagementservice", "setguestnetworkadapterconfiguration") in METHODS


@pytest.mark.parametrize(
    ("host", "adapter", "word"),
    [
        ({"switches": [{"name": "X", "uplink": "half"}]}, {}, "half"),
        ({"switches": [{"name": "X", "networks": [{"subnet": "10.1"}]}]}, {}, "10.1"),
        ({"switches": [{"name": "X", "networks": [{"subnet": "10.1.0.0/24", "vlan": 4095}]}]}, {}, "4095"),
        ({"settings": {"mac_minimum": "00155D0000FF", "mac_maximum": "00155D000000"}}, {}, "mac_minimum"),
        ({"settings": {"mac_minimum": "x"}}, {}, "'x'"),
        ({}, {"mac": "x"}, "'x'"),
        ({}, {"vlan": 4095}, "4095"),
    ],
)
def test_fleet_files_that_can_not_be(host: Any, adapter: Any, word: str) -> None:
    with pytest.raises(FleetError, match=word):
        fleet({"name": "vm", "adapters": [adapter]}, **host)


def test_a_checkpoint_keeps_vlan_and_trunk() -> None:
    host = fleet({"name": "vm", "adapters": [{"switch": "LAN", "trunk": {"native": 5, "allowed": [5, 6, 7, 9]}}],
                  "checkpoints": [{}]})  # fmt: skip
    adapter = one(host).snapshots[0].adapters[0]
    assert adapter.vlan_setting.allowed_text == "5-7,9"
    assert dataclasses.astuple(adapter.trunk) == (5, (5, 6, 7, 9))
