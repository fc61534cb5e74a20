# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wanted of adapters: options in, frozen wishes or one sentence out."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import InvalidRequest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.network.named import networks_of
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.network.wishes import (
    AdapterWish,
    FamilyWish,
    VlanWish,
    parse_wishes,
    ranges,
    reported_vlan_ids,
    vlan_ids,
    with_defaults,
)

NETWORKS = networks_of(
    {
        "lan": {
            "switch": "LAN",
            "vlan": 10,
            "subnet": "10.1.0.0/24",
            "gateway": "10.1.0.1",
            "dns": ["10.1.0.2", "::1"],
        },
        "flat": {"switch": "LAN"},
    },
    host="hv01",
)


def wish(**given: Any) -> AdapterWish:
    (found,) = parse_wishes([given], NETWORKS, where="adapters")
    return found


def test_a_network_gives_switch_vlan_and_what_nobody_said() -> None:
    found = wish(network="lan", ipv4={"address": "10.1.0.5"})
    assert (found.switch, found.vlan) == ("LAN", VlanWish(mode="Access", vlan_id=10))
    assert found.ipv4 == FamilyWish(address="10.1.0.5/24", gateway="10.1.0.1", dns=("10.1.0.2",))
    assert wish(network="lan", ipv4={"address": "10.1.0.5", "gateway": "10.1.0.9", "dns": []}).ipv4 == FamilyWish(
        address="10.1.0.5/24", gateway="10.1.0.9", dns=()
    )
    assert wish(network="lan", ipv6={"address": "fd00::5/64"}).ipv6 == FamilyWish(address="fd00::5/64", dns=("::1",))
    assert wish(network="flat").vlan == VlanWish(mode="Untagged")


def test_what_is_not_said_is_not_wanted() -> None:
    found = wish(name="net", ipv4={"address": "10.1.0.5/24"})
    assert (found.switch, found.vlan, found.static_mac, found.ipv6) == (None, None, None, None)
    assert found.ipv4 == FamilyWish(address="10.1.0.5/24")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"vlan_id": 7}, VlanWish(mode="Access", vlan_id=7)),
        ({"vlan_mode": "untagged"}, VlanWish(mode="Untagged")),
        (
            {"allowed_vlan_ids": "10-12,20", "native_vlan_id": 0},
            VlanWish(mode="Trunk", allowed=frozenset({10, 11, 12, 20})),
        ),
    ],
)
def test_vlan(given: Any, expected: VlanWish) -> None:
    assert wish(**given).vlan == expected


@pytest.mark.parametrize("given", ["00-15-5d-01-02-03", "00:15:5D:01:02:03", "00155D010203"])
def test_a_mac_address_is_one_in_any_spelling(given: str) -> None:
    assert wish(mac_address=given).static_mac == "00155D010203"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "nothing is asked"),
        ({"name": "x"}, "nothing is asked"),
        ({"name": "", "vlan_id": 1}, "adapters[0].name is empty"),
        ({"switch": ""}, "connected: false"),
        ({"switch": "LAN", "connected": False}, "contradict"),
        ({"network": "lan", "connected": False}, "contradict"),
        ({"network": "wan"}, "'wan'"),
        ({"network": "lan", "switch": "Other"}, "Other"),
        ({"network": "lan", "vlan_id": 11}, "access 11"),
        ({"vlan_mode": "access"}, "vlan_id"),
        ({"vlan_mode": "untagged", "vlan_id": 3}, "untagged"),
        ({"vlan_mode": "trunk", "vlan_id": 3}, "trunk"),
        ({"vlan_mode": "trunk", "native_vlan_id": 3}, "allowed_vlan_ids"),
        ({"allowed_vlan_ids": "5-3", "native_vlan_id": 0}, "5-3"),
        ({"allowed_vlan_ids": "1-4095", "native_vlan_id": 0}, "4095"),
        ({"allowed_vlan_ids": "1-3"}, "native_vlan_id"),
        ({"vlan_id": 0}, "0"),
        ({"vlan_id": 4095}, "4095"),
        ({"vlan_mode": "private"}, "private"),
        ({"mac_address": "00155D"}, "00155D"),
        ({"mac_address": "00155D010203", "dynamic_mac_address": True}, "contradict"),
        ({"ipv4": {}}, "dhcp: true"),
        ({"ipv4": {"dhcp": True, "address": "10.0.0.1/8"}}, "dhcp: true"),
        ({"ipv4": {"dhcp": True, "gateway": "10.0.0.1"}}, "come by DHCP"),
        ({"ipv4": {"address": "10.1.0.5"}}, "prefix length"),
        ({"ipv4": {"address": "10.1.0.500/24"}}, "10.1.0.500/24"),
        ({"ipv4": {"address": "fd00::1/64"}}, "IPv4"),
        ({"ipv6": {"address": "10.1.0.5/24"}}, "IPv6"),
        ({"ipv4": {"address": "10.1.0.5/24", "gateway": "fd00::1"}}, "fd00::1"),
        ({"ipv4": {"address": "10.1.0.5/24", "dns": ["name.test"]}}, "name.test"),
        ({"ipv4": {"address": "10.1.0.5/24"}, "ipv6": {"dhcp": True}}, "both be DHCP"),
        ({"ipv4": {"adress": "10.1.0.5/24"}}, "adress"),
        ({"vlan": 3}, "vlan"),
        ({"connected": "maybe"}, "connected: 'maybe'"),
        ({"ipv4": {"dhcp": "2"}}, "dhcp: '2'"),
        ({"dynamic_mac_address": "never"}, "dynamic_mac_address: 'never'"),
        ({"ipv4": {"dhcp": "no"}}, "dhcp: true"),
        ({"connected": "on"}, "switch or network"),
        ({"switch": "LAN", "connected": "False"}, "contradict"),
    ],
)
def test_what_can_not_be_is_refused_before_anything_is_sent(given: Any, words: str) -> None:
    with pytest.raises(InvalidRequest) as problem:
        wish(**given)
    assert problem.value.msg.startswith("adapters[0]")
    assert words in problem.value.msg
    assert "\n" not in problem.value.msg


def test_no_adapter_at_all() -> None:
    with pytest.raises(InvalidRequest, match="adapters"):
        parse_wishes([], NETWORKS, where="adapters")


def test_lists_of_vlans_read_as_they_are_written() -> None:
    assert ranges(vlan_ids("20, 10-12,11", "x")) == "10-12,20"


@pytest.mark.parametrize("word", [False, "False", "false", "no", "off", "0", 0])
def test_a_text_that_says_no_is_not_true(word: Any) -> None:
    assert wish(connected=word).connected is False
    assert wish(dynamic_mac_address=word, vlan_id=1).dynamic_mac is False
    assert wish(ipv4={"dhcp": word, "address": "10.1.0.5/24"}).ipv4 == FamilyWish(address="10.1.0.5/24")


@pytest.mark.parametrize("word", [True, "True", "yes", "on", "1", 1])
def test_a_text_that_says_yes_is_true(word: Any) -> None:
    assert wish(connected=word, switch="LAN").connected is True
    assert wish(ipv4={"dhcp": word}).ipv4 == FamilyWish(dhcp=True)


def test_a_network_found_later_gives_what_nobody_said() -> None:
    late = with_defaults(wish(ipv4={"address": "10.1.0.5/24"}, ipv6={"address": "fd00::5/64"}), NETWORKS["lan"])
    assert late.ipv4 == FamilyWish(address="10.1.0.5/24", gateway="10.1.0.1", dns=("10.1.0.2",))
    assert late.ipv6 == FamilyWish(address="fd00::5/64", dns=("::1",))
    none = wish(ipv4={"address": "10.1.0.5/24", "gateway": "", "dns": []})
    assert with_defaults(none, NETWORKS["lan"]) == none
    assert with_defaults(wish(ipv4={"dhcp": True}), NETWORKS["lan"]) == wish(ipv4={"dhcp": True})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0-4094", range(1, 4095)),
        ("1-4095", range(1, 4095)),
        ("10, 20-21", (10, 20, 21)),
        ("", ()),
        ("all", None),
        ("1-99999999", None),
    ],
)
def test_what_hosts_report_of_vlans_is_not_judged(text: str, expected: Any) -> None:
    assert reported_vlan_ids(text) == (None if expected is None else frozenset(expected))
