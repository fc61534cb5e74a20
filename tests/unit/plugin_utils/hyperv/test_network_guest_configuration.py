# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What guests report of their addresses, and what they are told."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.network.guest_configuration import (
    GuestConfiguration,
    order_for,
    without_gateway,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.network.named import networks_of
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.network.wishes import AdapterWish, parse_wishes
from unit.plugin_utils.hyperv.fake_network import properties


def reported(*addresses: str, dhcp: bool = False, **more: Any) -> GuestConfiguration:
    return GuestConfiguration.from_wire(
        {
            "InstanceID": "Microsoft:GuestNetwork\\V\\A",
            "DHCPEnabled": dhcp,
            "IPAddresses": [one.partition("/")[0] for one in addresses],
            "Subnets": [one.partition("/")[2] for one in addresses],
            **more,
        }
    )


def wish(**given: Any) -> AdapterWish:
    (found,) = parse_wishes([given], networks_of(None, host="x"), where="adapters")
    return found


def test_what_guests_report_in_their_own_spellings() -> None:
    found = reported("10.1.0.5/255.255.255.0", "fd00:0::5//64", "fe80::1%4/64", "169.254.3.4/255.255.0.0", "junk/24")
    assert found.addresses == ("10.1.0.5/24", "fd00::5/64")
    assert found.only(6).addresses == ("fd00::5/64",)
    assert GuestConfiguration.from_wire({"InstanceID": "x", "IPAddresses": "10.1.0.5", "Subnets": None}).addresses == (
        "10.1.0.5/32",
    )


GATED = {"address": "10.1.0.5/24", "gateway": "10.1.0.1"}


@pytest.mark.parametrize(
    ("now", "wanted", "same"),
    [
        (reported("10.1.0.5/24", "fd00::5/64"), {"ipv4": {"address": "10.1.0.5/24"}}, True),
        (reported("10.1.0.5/25"), {"ipv4": {"address": "10.1.0.5/24"}}, False),
        (reported("10.1.0.5/24", "10.1.0.6/24"), {"ipv4": {"address": "10.1.0.5/24"}}, False),
        (reported("10.1.0.5/24", dhcp=True), {"ipv4": {"address": "10.1.0.5/24"}}, False),
        (reported("10.1.0.5/24", dhcp=True), {"ipv4": {"dhcp": True}}, True),
        (reported(dhcp=True), {"ipv4": {"dhcp": True}}, True),
        (reported("10.1.0.5/24"), {"ipv4": {"dhcp": True}}, False),
        (reported("10.1.0.5/24", DefaultGateways=["10.1.0.1"]), {"ipv4": GATED}, True),
        (reported("10.1.0.5/24"), {"ipv4": GATED}, False),
        (reported("10.1.0.5/24", DNSServers=["10.1.0.2"]), {"ipv4": {"address": "10.1.0.5/24", "dns": []}}, False),
        (reported("fd00::5/64", "fd00::aaaa/64"), {"ipv6": {"address": "fd00::5/64"}}, True),
        (reported("fd00::aaaa/64"), {"ipv6": {"address": "fd00::5/64"}}, False),
        (reported("fd00::5/64", DNSServers=["fd00::1"]), {"ipv6": {"address": "fd00::5/64", "dns": ["::2"]}}, False),
        (None, {"ipv4": {"address": "10.1.0.5/24"}}, False),
    ],
)  # fmt: skip
def test_only_what_differs_is_told(now: GuestConfiguration | None, wanted: Any, same: bool) -> None:
    assert (order_for("Microsoft:V\\A", wish(**wanted), now) is None) is same


def test_a_guest_with_the_lease_of_another_network_asks_again() -> None:
    networks = networks_of({"lan": {"switch": "LAN", "subnet": "10.2.0.0/24"}}, host="x")
    (named,) = parse_wishes([{"network": "lan", "ipv4": {"dhcp": True}}], networks, where="adapters")
    old, new = reported("10.1.0.5/24", dhcp=True), reported("10.2.0.5/24", dhcp=True)
    assert order_for("Microsoft:V\\A", named, new) is None
    assert order_for("Microsoft:V\\A", named, old) is not None
    assert order_for("Microsoft:V\\A", named, new, moved=True) is not None
    static = wish(ipv4={"address": "10.2.0.5/24"})
    assert order_for("Microsoft:V\\A", static, reported("10.2.0.5/24"), moved=True) is None


def test_what_a_wish_does_not_say_stays_as_far_as_it_fits() -> None:
    now = reported("10.1.0.5/24", "fd00::5/64", DefaultGateways=["10.1.0.1", "fd00::1"], DNSServers=["10.9.9.9"])
    near = order_for("Microsoft:V\\A", wish(ipv4={"address": "10.1.0.7/24"}), now)
    far = order_for("Microsoft:V\\A", wish(ipv4={"address": "10.2.0.7/24"}), now)
    assert without_gateway(wish(ipv4={"address": "10.1.0.7/24"}), now) == []
    ((family, dropped),) = without_gateway(wish(ipv4={"address": "10.2.0.7/24"}), now)
    assert (family.address, dropped) == ("10.2.0.7/24", ("10.1.0.1",))
    assert near is not None
    assert far is not None
    assert (near.gateways, near.dns) == (("10.1.0.1",), ("10.9.9.9",))
    assert (far.gateways, far.dns) == ((), ("10.9.9.9",))
    both = order_for("Microsoft:V\\A", wish(ipv4={"address": "10.2.0.7/24"}, ipv6={"address": "fd00::7/64"}), now)
    assert both is not None
    assert properties(both.as_xml())["ProtocolIFType"] == "4098"
    assert properties(both.as_xml())["Subnets"] == ["255.255.255.0", "64"]
    assert properties(both.as_xml())["DefaultGateways"] == ["fd00::1"]


@pytest.mark.parametrize(
    ("now", "wanted", "lost"),
    [
        (None, {"ipv4": {"address": "10.2.0.7/24"}}, 1),
        (None, {"ipv4": {"address": "10.2.0.7/24", "gateway": ""}}, 0),
        (None, {"ipv4": {"address": "10.2.0.7/24", "gateway": "10.2.0.1"}}, 0),
        (None, {"ipv4": {"dhcp": True}}, 0),
        (reported(dhcp=True), {"ipv4": {"address": "10.2.0.7/24"}}, 1),  # no lease yet
        (reported("10.1.0.5/24", dhcp=True), {"ipv4": {"address": "10.2.0.7/24"}}, 0),
        (reported("10.1.0.5/24"), {"ipv4": {"address": "10.2.0.7/24"}}, 0),
        (reported("fd00::5/64", DefaultGateways=["fe80::1"]), {"ipv6": {"address": "fd01::5/64"}}, 0),
        (reported("fd00::5/64", DefaultGateways=["fd00::1"]), {"ipv6": {"address": "fd01::5/64"}}, 1),
    ],
)
def test_an_address_that_would_leave_a_guest_without_its_gateway(now: Any, wanted: Any, lost: int) -> None:
    assert len(without_gateway(wish(**wanted), now)) == lost


def test_a_gateway_can_be_taken_away_on_purpose() -> None:
    now = reported("10.1.0.5/24", DefaultGateways=["10.1.0.1"])
    none = wish(ipv4={"address": "10.1.0.5/24", "gateway": ""})
    order = order_for("Microsoft:V\\A", none, now)
    assert order is not None
    assert order.gateways == ()
    assert order_for("Microsoft:V\\A", none, reported("10.1.0.5/24")) is None


def test_what_is_no_address_is_left_out() -> None:
    now = reported("10.1.0.5/24", DefaultGateways=["*", "10.1.0.1", None], DNSServers=["", "dns1", "fd00:0::2"])
    assert (now.gateways, now.dns) == (("10.1.0.1",), ("fd00::2",))
    order = order_for("Microsoft:V\\A", wish(ipv4={"address": "10.1.0.7/24"}), now)
    assert order is not None
    assert order.gateways == ("10.1.0.1",)


def test_a_link_local_gateway_fits_every_subnet() -> None:
    now = reported("fd00::5/64", DefaultGateways=["fe80::1%3"])
    order = order_for("Microsoft:V\\A", wish(ipv6={"address": "fd01::7/64"}), now)
    assert order is not None
    assert order.gateways == ("fe80::1",)
