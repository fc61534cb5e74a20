# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_network_adapter over a small host: what differs is set, by Id, and the guests are told and waited for."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    Ambiguous,
    InvalidRequest,
    NotFound,
    NotPossible,
    RemoteError,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.network import operation
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.command import ON
from unit.fake_session import FakeClock, Refused, request
from unit.plugin_utils.hyperv.fake_host import DB, HOSTILE, WEB
from unit.plugin_utils.hyperv.fake_network import FIRST, SECOND, Network, adapter, machine, properties


def test_everything_at_once_and_nothing_the_second_time() -> None:
    host = Network(machine(adapter(WEB, name=HOSTILE, SwitchName="", Connected=False)))
    wish = {"name": HOSTILE.upper(), "network": "lan", "ipv4": {"address": "10.1.0.5"}}
    foreseen = host.run(wish, check=True)
    assert foreseen.changed
    assert host.told == []
    done = host.run(wish)
    assert done.diff == foreseen.diff
    assert done.failure is None
    card = host.vms[0]["adapters"][0]
    assert (card["SwitchName"], card["VlanSetting"]["AccessVlanId"]) == ("LAN", 10)
    assert properties(host.told[0]) == {
        "InstanceID": f"Microsoft:GuestNetwork\\{WEB.upper()}\\{FIRST}", "ProtocolIFType": "4096",
        "DHCPEnabled": "FALSE", "IPAddresses": ["10.1.0.5"], "Subnets": ["255.255.255.0"],
        "DefaultGateways": ["10.1.0.1"], "DNSServers": ["10.1.0.2"],
    }  # fmt: skip
    (shown,) = done.values["vms"][0]["adapters"]
    assert shown["ip_addresses"] == ["10.1.0.5"]
    assert shown["after"]["vlan"] == "access 10"
    again = host.run(wish)
    assert (again.changed, len(host.told)) == (False, 1)
    assert again.diff is not None
    assert again.diff.before == again.diff.after == {}


def test_adapters_go_by_their_id_and_the_vlan_comes_before_the_switch() -> None:
    host = Network(machine(adapter(WEB, SwitchName="")))
    host.run({"network": "lan"})
    names = [item.name for statements in host.session.invocations for line in statements for item in line.commands]
    changing = [name for name in names if name.startswith(("Set-VMN", "Connect-"))]
    assert changing == ["Set-VMNetworkAdapterVlan", "Connect-VMNetworkAdapter"]
    filters = [sent for sent in host.session.sent("Where-Object") if sent.get("EQ")]
    assert {sent["Value"] for sent in filters} == {f"Microsoft:{WEB.upper()}\\{FIRST}"}


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"vlan_id": 7}, {"Access": True, "VlanId": 7}),
        (
            {"allowed_vlan_ids": "9,5-7", "native_vlan_id": 5},
            {"Trunk": True, "AllowedVlanIdList": "5-7,9", "NativeVlanId": 5},
        ),
    ],
)  # fmt: skip
def test_vlan_modes(wish: Any, expected: dict[str, Any]) -> None:
    host = Network(machine())
    assert host.run(wish).changed
    (sent,) = host.session.sent("Set-VMNetworkAdapterVlan")
    assert {name: True if value is ON else value for name, value in sent.items() if name != "ErrorAction"} == expected
    assert not host.run(wish).changed
    assert host.run({"vlan_mode": "untagged"}).changed


def test_mac_addresses_of_a_machine_that_is_off() -> None:
    host = Network(machine(state="Off"))
    assert host.run({"mac_address": "02:15:5d:00:00:07", "match_mac_address": "00155D000101"}).changed
    assert not host.run({"mac_address": "02155D000007", "match_mac_address": "00155D000101"}).changed
    assert host.run({"dynamic_mac_address": True}).changed
    assert not host.run({"dynamic_mac_address": True}).changed
    assert host.run({"connected": False}).changed
    assert not host.run({"connected": False}).changed


@pytest.mark.parametrize(
    ("state", "wish", "ids"),
    [
        ("Running", {"mac_address": "02155D000007"}, ["mac_change_needs_off"]),
        ("Off", {"mac_address": "00155D000102"}, ["mac_address_taken"]),
        ("Off", {"ipv4": {"dhcp": True}}, ["guest_not_running"]),
        ("Running", {"ipv4": {"address": "10.1.0.9/24"}, "network": "lan"}, ["ip_address_taken"]),
        ("Running", {"ipv4": {"address": "10.1.0.7/24"}}, ["vlan_differs_from_network"]),
        ("Running", {"switch": "Dark"}, ["switch_uplink_down"]),
        ("Running", {"switch": "WAN"}, ["switch_missing"]),
    ],
)
def test_findings_before_the_first_change(state: str, wish: Any, ids: list[str]) -> None:
    other = machine(adapter(DB, MacAddress="00155D000102", IPAddresses=["10.1.0.9"]), vm_id=DB, name="db01")
    host = Network(machine(state=state), other)
    for check in (True, False):
        with pytest.raises(NotPossible) as problem:
            host.run(wish, check=check)
        assert [one.id for one in problem.value.findings] == ids
    assert not [line for line in host.session.machine.invocations if "Set-VMN" in str(line) or "Connect-" in str(line)]


def test_neighbours_on_other_hosts_count_where_they_are_looked_at() -> None:
    host, there = (
        Network(machine(state="Off")),
        Network(machine(adapter(DB, MacAddress="02155D000007"), vm_id=DB, name="d")),
    )
    there.session.host = "hv02"
    wish = {"mac_address": "02155D000007"}
    asked = request(host.session, there.session, names=["web01"], adapters=[wish], conflict_hosts=["hv02"])
    with pytest.raises(NotPossible, match="hv02"):
        operation.operate(asked, clock=FakeClock())
    assert host.run(wish).changed
    with pytest.raises(InvalidRequest, match="hv99"):
        host.run(wish, conflict_hosts=["hv99"])


def test_a_guest_that_does_not_run_can_be_left_for_later() -> None:
    host = Network(machine(state="Off"))
    done = host.run({"network": "lan", "ipv4": {"address": "10.1.0.5"}}, guest_not_running="skip")
    assert done.changed
    assert host.told == []
    assert [one["id"] for one in done.values["vms"][0]["findings"]] == ["guest_not_running"]
    assert not host.run({"network": "lan", "ipv4": {"address": "10.1.0.5"}}, guest_not_running="skip").changed


def test_a_guest_that_is_still_starting_gets_time_to_answer() -> None:
    host = Network(machine())
    host.silent.add(WEB)
    wish = {"ipv4": {"address": "10.77.0.5/24", "gateway": "10.77.0.1"}}
    with pytest.raises(NotPossible) as problem:
        host.run(wish, wait_seconds=0)
    assert [one.id for one in problem.value.findings] == ["key_value_exchange_silent"]
    clock = FakeClock(on_sleep=lambda _seconds: host.silent.clear())
    assert host.run(wish, clock=clock).changed
    assert clock.now > 0


def test_a_guest_that_does_not_report_is_an_error_that_says_what_it_reports() -> None:
    host = Network(machine(adapter(WEB, IPAddresses=["10.9.0.1", "fe80::1"])))
    host.reports = False
    clock = FakeClock()
    done = host.run({"ipv4": {"address": "10.77.0.5/24", "gateway": "10.77.0.1"}}, clock=clock, wait_seconds=20)
    assert done.changed
    assert done.failure is not None
    assert done.failure.kind == "timed_out"
    assert "10.77.0.5" in done.failure.msg
    assert "it reports: 10.9.0.1, fe80::1" in done.failure.msg
    assert clock.now == pytest.approx(20, abs=3)


@pytest.mark.parametrize("code", [32768, 32769, 32773, 32775, 5])
def test_what_the_host_refuses_is_told_by_its_number(code: int) -> None:
    host = Network(machine())
    host.returns = {"ReturnValue": code, "Job": None}
    done = host.run({"ipv4": {"address": "10.77.0.5/24", "gateway": "10.77.0.1"}})
    assert isinstance(done.failure, RemoteError)
    assert str(code) in done.failure.msg
    assert not done.changed


def test_a_job_that_fails_and_one_that_is_gone() -> None:
    host = Network(machine())
    host.job_states = [4, 10]
    done = host.run({"ipv4": {"address": "10.77.0.5/24", "gateway": "10.77.0.1"}})
    assert done.failure is not None
    assert "JobState 10" in done.failure.msg
    host = Network(machine())
    host.job_error = 32775
    done = host.run({"ipv4": {"address": "10.77.0.5/24", "gateway": "10.77.0.1"}})
    assert done.failure is not None
    assert "JobState 7 and ErrorCode 32775" in done.failure.msg
    host = Network(machine())
    host.job_states = [3, 0]
    assert host.run({"ipv4": {"address": "10.77.0.5/24", "gateway": "10.77.0.1"}}).failure is None


def test_a_link_lost_while_the_guest_is_told_counts_as_a_change() -> None:
    host = Network(machine())
    told = [number for number, line in enumerate(_lines_of(host)) if "ForEach-Object" in line]
    host = Network(machine())
    host.session.machine.lose_connection_at = told[0]
    done = host.run({"ipv4": {"address": "10.77.0.5/24", "gateway": "10.77.0.1"}})
    assert done.failure is not None
    assert (done.failure.kind, done.changed) == ("connection_lost", True)


def _lines_of(host: Network) -> list[str]:
    host.run({"ipv4": {"address": "10.77.0.5/24", "gateway": "10.77.0.1"}})
    return [str(line) for line in host.session.machine.invocations]


def test_one_machine_s_failure_does_not_stop_the_others() -> None:
    host = Network(
        machine(state="Off"), machine(adapter(DB, MacAddress="00155D000102"), vm_id=DB, name="db01", state="Off")
    )
    host.refuse_set = Refused("OperationFailed,Microsoft.HyperV.PowerShell.Commands.SetVMNetworkAdapter", "non")
    done = host.run({"dynamic_mac_address": True, "vlan_id": 4}, names=["web01", "db01"])
    assert not done.changed
    assert [one["error"]["kind"] for one in done.values["vms"]] == ["remote_error", "remote_error"]


def test_which_adapter_is_meant() -> None:
    host = Network(machine(adapter(WEB, name="net"), adapter(WEB, SECOND, name="NET", MacAddress="00155D000102")))
    with pytest.raises(Ambiguous, match="00155D000102"):
        host.run({"name": "net", "vlan_id": 4})
    with pytest.raises(NotFound, match="'other'"):
        host.run({"name": "other", "vlan_id": 4})
    with pytest.raises(InvalidRequest, match="two entries"):
        host.run({"id": FIRST, "vlan_id": 4}, {"match_mac_address": "00-15-5D-00-01-01", "vlan_id": 5})
    assert host.run({"id": SECOND.lower(), "vlan_id": 4}).changed
    assert [one["VlanSetting"]["AccessVlanId"] for one in host.vms[0]["adapters"]] == [0, 4]


def test_one_address_is_not_given_to_several_machines() -> None:
    host = Network(machine(), machine(adapter(DB), vm_id=DB, name="db01"))
    with pytest.raises(InvalidRequest, match=r"10\.77\.0\.5"):
        host.run({"ipv4": {"address": "10.77.0.5/24", "gateway": "10.77.0.1"}}, names=["web01", "db01"])
    with pytest.raises(InvalidRequest, match="no virtual machine"):
        host.run({"vlan_id": 4}, names=None)


def test_a_full_range_has_no_address_for_another_dynamic_adapter() -> None:
    taken = [
        adapter(
            DB, f"{n:08X}-0000-0000-0000-000000000000", MacAddress=f"00155D0001{n:02X}", DynamicMacAddressEnabled=True
        )
        for n in range(256)
    ]
    host = Network(
        machine(adapter(WEB, MacAddress="02155D000001"), state="Off"), machine(*taken, vm_id=DB, name="db01")
    )
    with pytest.raises(NotPossible) as problem:
        host.run({"dynamic_mac_address": True})
    assert [one.id for one in problem.value.findings] == ["mac_pool_exhausted"]


def report(host: Network, *gateways: str) -> None:
    """Have the guest of web01 report an address and these gateways."""
    key = f"Microsoft:GuestNetwork\\{WEB.upper()}\\{FIRST}"
    host.configurations[key] = {
        "InstanceID": key, "DHCPEnabled": False, "IPAddresses": ["10.1.0.5"], "Subnets": ["255.255.255.0"],
        "DefaultGateways": list(gateways), "DNSServers": ["10.1.0.9"],
    }  # fmt: skip


def test_a_guest_does_not_lose_its_gateway_silently() -> None:
    host = Network(machine())
    clock = FakeClock()
    with pytest.raises(NotPossible) as stopped:
        host.run({"ipv4": {"address": "10.77.0.5/24"}}, clock=clock)
    assert [one.id for one in stopped.value.findings] == ["gateway_unknown"]
    assert clock.now >= 30, "a guest that still starts may yet report"
    report(host, "10.1.0.1")
    with pytest.raises(NotPossible, match=r"10\.1\.0\.1 does not fit"):
        host.run({"ipv4": {"address": "10.77.0.5/24"}})
    assert host.told == []
    host.run({"ipv4": {"address": "10.77.0.5/24", "gateway": ""}})
    assert properties(host.told[0])["DefaultGateways"] == []


def test_what_a_guest_reports_once_it_answers_stays() -> None:
    host = Network(machine(adapter(WEB, VlanSetting={"OperationMode": "Access", "AccessVlanId": 10})))
    host.silent.add(WEB)

    def answer(_now: float) -> None:
        if host.silent:
            host.silent.clear()
            report(host, "10.1.0.1")

    host.run({"ipv4": {"address": "10.1.0.7/24"}}, clock=FakeClock(on_sleep=answer))
    told = properties(host.told[0])
    assert (told["DefaultGateways"], told["DNSServers"]) == (["10.1.0.1"], ["10.1.0.9"])


def test_a_guest_whose_network_can_not_be_read_is_told_nothing() -> None:
    host = Network(machine())
    host.unreadable = True
    with pytest.raises(RemoteError):
        host.run({"ipv4": {"address": "10.1.0.7/24", "gateway": "10.1.0.1"}})
    assert host.told == []
    assert host.run({"vlan_id": 12}).changed, "nobody is told anything"


@pytest.mark.parametrize(
    "vlan",
    [
        {"OperationMode": "Trunk", "NativeVlanId": 10, "AllowedVlanIdListString": "0-4094"},
        {"OperationMode": "Trunk", "NativeVlanId": 10, "AllowedVlanIdListString": "everything"},
        {"OperationMode": "Private"},
        None,
    ],
)
def test_an_adapter_whose_vlan_is_not_a_plain_one_is_not_refused(vlan: Any) -> None:
    host = Network(machine(adapter(WEB, VlanSetting=vlan)))
    host.run({"ipv4": {"address": "10.1.0.7/24", "gateway": "10.1.0.1"}})
    assert len(host.told) == 1


def test_a_trunk_of_another_native_vlan_is_in_another_network() -> None:
    trunk = {"OperationMode": "Trunk", "NativeVlanId": 11, "AllowedVlanIdListString": "10-20"}
    with pytest.raises(NotPossible) as stopped:
        Network(machine(adapter(WEB, VlanSetting=trunk))).run({"ipv4": {"address": "10.1.0.7/24"}})
    assert [one.id for one in stopped.value.findings] == ["vlan_differs_from_network"]
