# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses for a failover by themselves: what can be none is refused before anything is sent."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import InvalidRequest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.guest import failover
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.guest.addresses import parse_wishes
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.guest.copies import FailoverSetting
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.fake_session import FakeSession, request
from unit.plugin_utils.hyperv.fake_guests import IPV4, IPV6, Pair
from unit.plugin_utils.hyperv.fake_host import WEB


@pytest.mark.parametrize(
    ("adapters", "words"),
    [
        ([{}], ["nothing is asked"]),
        ([], ["adapters is empty"]),
        ([{"name": "a", "id": "b", "ipv4": IPV4}], ["name, id"]),
        ([{"ipv4": IPV4}, {"name": "a", "ipv6": IPV6}], ["told apart"]),
        ([{"name": "a", "ipv4": IPV4}, {"name": "A", "ipv6": IPV6}], ["told apart"]),
        ([{"clear": "both", "ipv6": IPV6}], ["clear: both"]),
        ([{"mac_address": "00:15", "ipv4": IPV4}], ["00:15"]),
        ([{"test_switch": " "}], ["test_switch"]),
        ([{"failback": {}}], ["failback", "nothing is asked"]),
        ([{"ipv4": IPV4, "failback": {"ipv4": {**IPV4, "prefix": 32}}}], ["failback", "prefix 32"]),
        ([{"name": "a", "ipv4": IPV4}, {"name": "b", "ipv4": IPV4}], ["10.2.0.11", "name 'a'", "name 'b'"]),
        ([{"name": n, "failback": {"ipv4": IPV4}} for n in "ab"], ["10.2.0.11", "name 'a'", "name 'b'"]),
        ([{"ipv4": {"address": "10.2.0.11"}}], ["subnet_mask or prefix"]),
        ([{"ipv4": {**IPV4, "subnet_mask": "255.255.255.0"}}], ["only one"]),
        ([{"ipv4": {"address": "10.2.0.11", "subnet_mask": "255.0.255.0"}}], ["255.0.255.0"]),
        ([{"ipv4": {"address": "10.2.0.11", "subnet_mask": "0.0.0.0"}}], ["0.0.0.0"]),
        ([{"ipv4": {"address": "10.2.0.11", "subnet_mask": "0.0.0.255"}}], ["0.0.0.255"]),
        ([{"ipv4": {**IPV4, "prefix": 32}}], ["prefix 32", "1 to 31"]),
        ([{"ipv4": {**IPV4, "prefix": 0}}], ["prefix 0"]),
        ([{"ipv4": {**IPV4, "address": "10.2.0.0"}}], ["network's own", "10.2.0.0/24"]),
        ([{"ipv4": {**IPV4, "address": "10.2.0.255"}}], ["broadcast"]),
        ([{"ipv4": {**IPV4, "address": "10.2.0.256"}}], ["10.2.0.256"]),
        ([{"ipv4": {**IPV4, "address": "127.0.0.1"}}], ["127.0.0.1"]),
        ([{"ipv4": {**IPV4, "address": "224.0.0.1"}}], ["224.0.0.1"]),
        ([{"ipv4": {**IPV4, "address": "169.254.1.1"}}], ["link-local"]),
        ([{"ipv4": {**IPV4, "gateway": "10.3.0.1"}}], ["10.3.0.1", "10.2.0.0/24"]),
        ([{"ipv4": {**IPV4, "gateway": "10.2.0.255"}}], ["broadcast"]),
        ([{"ipv4": {**IPV4, "gateway": "10.2.0.11"}}], ["itself"]),
        ([{"ipv4": {**IPV4, "dns": ["a"]}}], ["'a'"]),
        ([{"ipv4": {**IPV4, "dns": ["10.0.0.1", "10.0.0.2", "10.0.0.3"]}}], ["two at most"]),
        ([{"ipv4": {**IPV4, "dns": ["10.0.0.1", "10.0.0.1"]}}], ["10.0.0.1"]),
        ([{"ipv4": {**IPV4, "address": "2001:db8::1"}}], ["no ipv4 address"]),
        ([{"ipv6": {**IPV6, "address": "10.2.0.11"}}], ["no ipv6 address"]),
        ([{"ipv6": {**IPV6, "prefix": 128}}], ["1 to 127"]),
        ([{"ipv6": {**IPV6, "address": "fe80::5"}}], ["link-local"]),
        ([{"ipv6": {**IPV6, "address": "2001:db8::1%eth0"}}], ["eth0"]),
        ([{"ipv6": {**IPV6, "address": "2001:db8:2::"}}], ["network's own"]),
        ([{"ipv6": {**IPV6, "gateway": "2001:db8:3::1"}}], ["2001:db8:3::1"]),
    ],
)
def test_impossible_requests_send_nothing(adapters: list[dict[str, Any]], words: list[str]) -> None:
    session = FakeSession()
    with pytest.raises(InvalidRequest) as caught:
        failover.operate(request(session, vms=[{"name": "web", "adapters": adapters}]))
    assert [word for word in words if word not in caught.value.msg] == []
    assert not session.invocations


@pytest.mark.parametrize(
    "vms",
    [
        [{"adapters": [{"ipv4": IPV4}]}],
        [{"name": "a", "id": WEB, "adapters": [{"ipv4": IPV4}]}],
        [{"id": "x", "adapters": [{"ipv4": IPV4}]}],
        [{"name": "a", "adapters": [{"ipv4": IPV4}]}, {"name": "A", "adapters": [{"ipv6": IPV6}]}],
        [{"name": "a", "adapters": [{"ipv4": IPV4}]}, {"name": "b", "adapters": [{"ipv4": IPV4}]}],
    ],
)
def test_machines_have_to_be_told_apart_and_addresses_belong_to_one(vms: list[dict[str, Any]]) -> None:
    with pytest.raises(InvalidRequest):
        parse_wishes({"vms": vms})


def test_a_subnet_of_two_uses_both_addresses() -> None:
    wishes = parse_wishes(
        {"vms": [{"name": "a", "adapters": [{"ipv4": {"address": "10.2.0.0", "prefix": 31, "gateway": "10.2.0.1"}}]}]}
    )
    assert wishes[0].adapters[0].addresses[0].subnet_mask == "255.255.255.254"


def test_addresses_are_compared_as_addresses() -> None:
    raw = {
        "IPv6Address": "2001:0DB8:0002::0011",
        "IPv6SubnetPrefixLength": "64",
        "IPv4Address": "",
        "IPv4SubnetMask": "",
    }
    setting = FailoverSetting.from_wire(raw)
    assert setting.ipv4 is None
    assert setting.ipv6 is not None
    assert (setting.ipv6.address, setting.ipv6.prefix) == ("2001:db8:2::11", 64)
    assert FailoverSetting.from_wire({"IPv4Address": "0.0.0.0"}) == FailoverSetting()


def test_one_switch_for_tests_of_all_adapters() -> None:
    vms = [{"name": "a", "adapters": [{"name": "x"}, {"name": "y", "test_switch": "Other"}]}]
    (wish,) = parse_wishes({"vms": vms, "test_switch": "Test"})
    assert [one.test_switch for one in wish.adapters] == ["Test", "Other"]


IPV4_WISHES = st.builds(
    lambda net, number, prefix, gateway, dns: {
        "address": f"10.{net}.0.{number}",
        "prefix": prefix,
        **({"gateway": f"10.{net}.0.1"} if gateway else {}),
        **({"dns": [f"10.9.0.{one}" for one in dns]} if dns else {}),
    },
    st.integers(1, 3),
    st.integers(2, 250),
    st.integers(8, 24),
    st.booleans(),
    st.lists(st.integers(1, 9), max_size=2, unique=True),
)


@settings(max_examples=20, deadline=None)
@given(wishes=st.lists(IPV4_WISHES | st.just(None), min_size=1, max_size=4))
def test_whatever_is_asked_one_after_the_other_each_is_done_once_and_foretold(wishes: list[Any]) -> None:
    pair = Pair()
    for wish in wishes:
        asked = {"ipv4": wish} if wish is not None else {"clear": "ipv4"}
        foreseen, done = pair.run(asked, check_mode=True), pair.run(asked)
        assert (foreseen.changed, foreseen.diff, foreseen.values) == (done.changed, done.diff, done.values)
        assert not pair.run(asked).changed
        found = pair.set_on(pair.replica)
        assert found.get("IPv4Address") == (wish["address"] if wish is not None else None)
        if "IPv4DefaultGateway" in found:
            subnet = ipaddress.ip_network(f"{found['IPv4Address']}/{found['IPv4SubnetMask']}", strict=False)
            assert ipaddress.ip_address(found["IPv4DefaultGateway"]) in subnet
