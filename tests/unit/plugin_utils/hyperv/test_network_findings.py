# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Named networks of two hosts, and what speaks against addresses, MAC addresses and VLANs."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import InvalidRequest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.network import findings
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.network.findings import MacPool, Neighbour
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.network.named import change_of, networks_of
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.network.wishes import FamilyWish

WEB, DB = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
HOSTILE = 'O\'Brien – "prod" $x 测试 [a-z]'
HERE: dict[str, dict[str, Any]] = {
    "lan": {"switch": "LAN", "vlan": 10, "subnet": "10.1.0.0/24", "gateway": "10.1.0.1", "dns": ["10.1.0.2"]},
    "backup": {"switch": "Back", "subnet": "10.9.0.0/24"},
}
POOL = MacPool(minimum="00155D000100", maximum="00155D0001FF")


def ids(found: Any) -> list[str]:
    return [one.id for one in found]


def test_a_network_is_read_as_it_is_written() -> None:
    lan = networks_of(HERE, host="hv01")["lan"]
    assert lan.as_plain() == HERE["lan"] | {"name": "lan"}
    assert lan.carries("lan", 10)
    assert not lan.carries("LAN", None)
    assert lan.holds("10.1.0.7/24")
    assert not lan.holds("10.2.0.7")
    assert not lan.holds("fd00::1")
    assert networks_of(None, host="hv01") == {}


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ([], "[]"),
        ({"lan": "LAN"}, "'LAN'"),
        ({"lan": {"vlan": 1}}, "switch is missing"),
        ({"lan": {"switch": "LAN", "vlan": 4095}}, "4095"),
        ({"lan": {"switch": "LAN", "vlan": "ten"}}, "'ten'"),
        ({"lan": {"switch": "LAN", "vlan": True}}, "True"),
        ({"lan": {"switch": "LAN", "subnet": "10.1.0.0"}}, "10.1.0.0"),
        ({"lan": {"switch": "LAN", "subnet": "10.1.0.7/24"}}, "10.1.0.7/24"),
        ({"lan": {"switch": "LAN", "gateway": "10.1"}}, "10.1"),
        ({"lan": {"switch": "LAN", "subnet": "10.1.0.0/24", "gateway": "10.2.0.1"}}, "10.2.0.1"),
        ({"lan": {"switch": "LAN", "vlans": 1}}, "vlans"),
        ({"a": {"switch": "LAN", "vlan": 1}, "b": {"switch": "lan", "vlan": 1}}, "a and b are"),
    ],
)
def test_what_can_be_no_network_is_refused_with_its_value(value: Any, word: str) -> None:
    with pytest.raises(InvalidRequest, match="hyperv_networks of hv01") as problem:
        networks_of(value, host="hv01")
    assert word in problem.value.msg


def test_gateways_of_networks_are_kept_in_one_spelling() -> None:
    given = {"a": {"switch": "A", "subnet": "fd00::/64", "gateway": "FD00:0::1"}}
    assert networks_of(given, host="x")["a"].gateway == "fd00::1"
    given = {"a": {"switch": "A", "subnet": "fd00::/64", "gateway": "FE80::1"}}
    assert networks_of(given, host="x")["a"].gateway == "fe80::1"


@pytest.mark.parametrize(
    ("there", "needs"),
    [
        ({"lan": {"switch": "Other", "vlan": 10, "subnet": "10.1.0.0/24"}}, False),  # a stretched network
        ({"lan": {"switch": "LAN", "vlan": 20, "subnet": "10.1.0.0/24"}}, True),  # another VLAN
        ({"lan": {"switch": "LAN", "vlan": 10, "subnet": "10.2.0.0/24"}}, True),  # another subnet
        ({"office": {"switch": "Prod", "vlan": 10, "subnet": "10.2.0.0/24"}}, True),  # by the switch it comes to
        ({"office": {"switch": "Prod", "vlan": 11, "subnet": "10.2.0.0/24"}}, False),  # nobody says what it is
        ({}, False),
    ],
)
def test_which_networks_need_a_new_address(there: Any, needs: bool) -> None:
    source, destination = networks_of(HERE, host="a"), networks_of(there, host="b")
    change = change_of("net", "LAN", 10, source, destination, switch_map={"lan": "Prod"})
    assert change.needs_address is needs
    found = list(findings.address_needed("web01", change, []))
    assert ids(found) == (["address_needed"] if needs else [])
    assert list(findings.address_needed("web01", change, [FamilyWish(address="10.2.0.5/24")])) == []


def test_address_needed_says_what_to_ask_for() -> None:
    there = {"lan": {"switch": "LAN", "vlan": 20, "subnet": "10.2.0.0/24"}}
    change = change_of("net", "LAN", 10, networks_of(HERE, host="a"), networks_of(there, host="b"))
    (found,) = findings.address_needed(HOSTILE, change, [])
    assert found.subject == HOSTILE
    assert "10.2.0.0/24 (VLAN 20)" in found.remedy
    assert "portable subnet that is routed to VLAN 20" in found.remedy


def test_subnets_of_one_vlan_are_told_apart_by_the_guests_address() -> None:
    both = {"lan": {"switch": "LAN", "vlan": 20, "subnet": "10.2.0.0/24"}}
    both["portable"] = {"switch": "LAN", "vlan": 20, "subnet": "10.50.0.0/28"}
    networks = networks_of(both, host="a")
    for addresses, name in (((), "lan"), (("10.50.0.3",), "portable"), (("fe80::1", "10.2.0.9"), "lan")):
        change = change_of("net", "LAN", 20, networks, networks, addresses=addresses)
        assert change.source is not None
        assert change.source.name == name


def test_the_network_of_the_same_name_wins_over_the_switch() -> None:
    there = {"lan": {"switch": "X", "vlan": 7, "subnet": "10.7.0.0/24"}, "old": {"switch": "LAN", "vlan": 10}}
    change = change_of("net", "LAN", 10, networks_of(HERE, host="a"), networks_of(there, host="b"))
    assert change.destination is not None
    assert change.destination.name == "lan"


@pytest.mark.parametrize(
    ("address", "gateway", "expected"),
    [
        ("10.1.0.5/24", "10.1.0.1", []),
        ("10.1.0.0/24", None, ["ip_address_not_usable"]),
        ("10.1.0.255/24", None, ["ip_address_not_usable"]),
        ("10.1.0.0/31", None, []),
        ("224.0.0.5/24", None, ["ip_address_not_usable"]),
        ("127.0.0.5/8", None, ["ip_address_not_usable"]),
        ("10.1.0.5/24", "10.1.1.1", ["gateway_outside_subnet"]),
        ("10.1.0.5/24", "10.1.0.5", ["ip_address_not_usable"]),
        ("fd00::5/64", "fd00::1", []),
        ("fd00::/64", None, []),
        ("ff02::5/64", None, ["ip_address_not_usable"]),
        ("fd00::5/64", "fe80::1", []),
        ("fd00::5/64", "fd01::1", ["gateway_outside_subnet"]),
        ("10.1.0.5/24", "169.254.0.1", ["gateway_outside_subnet"]),
        ("10.1.0.5/24", "", []),
    ],
)
def test_form_of_an_address(address: str, gateway: str | None, expected: list[str]) -> None:
    assert ids(findings.address_form("web01", FamilyWish(address=address, gateway=gateway))) == expected


def test_an_address_of_another_subnet_than_its_network() -> None:
    lan = networks_of(HERE, host="a")["lan"]
    assert ids(findings.address_form("w", FamilyWish(address="10.1.0.5/25"), lan)) == ["ip_address_outside_subnet"]
    assert ids(findings.address_form("w", FamilyWish(address="10.2.0.5/24"), lan)) == ["ip_address_outside_subnet"]
    assert ids(findings.address_form("w", FamilyWish(address="fd00::5/64"), lan)) == []
    assert ids(findings.address_form("w", FamilyWish(dhcp=True), lan)) == []


def test_conflicts_are_those_of_other_adapters() -> None:
    own = Neighbour(host="a", vm_id=WEB, vm_name="web", adapter_id="1", mac="00155D000101", addresses=("10.1.0.5",))
    copy = Neighbour(host="b", vm_id=WEB, vm_name="web", adapter_id="1", mac="00155D000101", addresses=("10.1.0.5",))
    second = Neighbour(host="a", vm_id=WEB, vm_name="web", adapter_id="2", mac="00155D000101", addresses=("fd00::0:5",))
    other = Neighbour(host="a", vm_id=DB, vm_name=HOSTILE, adapter_id="3", mac="00155d000101", addresses=("10.1.0.5",))
    all_of_them = (own, copy, second, other)
    taken = list(findings.mac_conflicts("web", WEB, "1", "00155D000101", all_of_them))
    assert [found.evidence.count(DB) for found in taken] == [0, 1]
    assert ids(findings.mac_conflicts("web", WEB, "", "00155D000101", all_of_them)) == ["mac_address_taken"]
    (conflict,) = findings.address_conflicts("web", WEB, "1", "10.1.0.5/24", all_of_them)
    assert HOSTILE in conflict.evidence
    assert ids(findings.address_conflicts("web", WEB, "1", "fd00::5/64", all_of_them)) == ["ip_address_taken"]


def test_mac_addresses_of_groups_are_invalid() -> None:
    assert ids(findings.mac_invalid("w", "010000000001")) == ["mac_address_invalid"]
    assert ids(findings.mac_invalid("w", findings.NO_MAC)) == ["mac_address_invalid"]
    assert ids(findings.mac_invalid("w", "00155D000001")) == []


def test_a_mac_address_changes_only_while_the_machine_is_off() -> None:
    assert ids(findings.mac_change_needs_off("w", "Saved", "dynamic")) == ["mac_change_needs_off"]
    assert ids(findings.mac_change_needs_off("w", "Off", "dynamic")) == []


@pytest.mark.parametrize(
    ("taken", "needed", "expected"),
    [
        (10, 1, []),
        (231, 1, ["mac_pool_nearly_exhausted"]),
        (256, 0, ["mac_pool_nearly_exhausted"]),
        (256, 1, ["mac_pool_exhausted"]),
        (255, 2, ["mac_pool_exhausted"]),
    ],
)
def test_pool_of_mac_addresses(taken: int, needed: int, expected: list[str]) -> None:
    used = [f"00155D0001{n:02X}" for n in range(taken)] + [findings.NO_MAC, "00155D999999", ""]
    assert ids(findings.mac_pool("hv01", POOL, used, needed=needed)) == expected
    assert ids(findings.mac_pool("hv01", MacPool(minimum="", maximum=""), used, needed=needed)) == []


def test_a_dynamic_address_of_another_pool_may_change() -> None:
    assert ids(findings.mac_will_change("w", "hv01", "00155D000201", POOL)) == ["mac_address_will_change"]
    assert ids(findings.mac_will_change("w", "hv01", "00155D000101", POOL)) == []
    assert ids(findings.mac_will_change("w", "hv01", findings.NO_MAC, POOL)) == []


def test_an_address_of_a_network_that_the_adapter_is_not_in() -> None:
    networks = networks_of(HERE, host="a").values()
    wrong = findings.vlan_of_other_network("w", "10.1.0.5/24", "LAN", None, networks)
    assert ids(wrong) == ["vlan_differs_from_network"]
    assert ids(findings.vlan_of_other_network("w", "10.1.0.5/24", "LAN", 10, networks)) == []
    assert ids(findings.vlan_of_other_network("w", "10.77.0.5/24", "LAN", None, networks)) == []
