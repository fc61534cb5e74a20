# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of a fleet file: switches with their uplinks and what is behind them, MAC ranges, adapters of machines."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from . import mac_pool
from .devices import Trunk
from .fleet_guests import read_addresses, read_failover
from .schema import FleetError, Section
from .switch import Network, Switch, Uplink, WiredNetwork

if TYPE_CHECKING:
    from .devices import NetworkAdapter
    from .host import Host

LAST_VLAN = 4094
GIGABIT = 1_000_000_000


def read_switches(host: Host, section: Section) -> None:
    """Give a host its switches. An external one has an uplink (``uplinks`` of them), up unless the file says down."""
    number = 0
    for item in section.any("switches", ["External"]):
        part = Section(item if isinstance(item, dict) else {"name": item}, f"{section.where}.switches")
        kind = part.choice("type", ("Private", "Internal", "External"), "External")
        switch = Switch(host, part.text("name"), kind)
        bits = int(part.number("link_gb", 10) * GIGABIT)
        up = part.choice("uplink", ("up", "down"), "up") == "up"
        for _uplink in range(part.whole("uplinks", 1, least=1) if kind == "External" else 0):
            number += 1
            switch.uplinks.append(Uplink(number, up, bits))
        switch.teaming = len(switch.uplinks) > 1
        switch.wired = tuple(_wired(entry) for entry in part.sections("networks"))
        part.close()
        host.switches[switch.name.lower()] = switch


def read_network(host: Host, part: Section, index: int, number: int) -> None:
    """Give a host its line and addresses: one with ``link_gb`` is on an adapter of its own; raise FleetError."""
    host.network = Network(rate=part.number("rate_mb", 1000.0, least=0.001))
    row, column = divmod(index, 250)
    physical = sum(len(switch.uplinks) for switch in host.switches.values())
    for item in part.any("addresses", [f"10.{20 + row}.0.{column + 1}/16"]):
        entry = Section(item if isinstance(item, dict) else {"address": item}, f"{part.where}.addresses")
        text = entry.text("address")
        try:
            address = ipaddress.ip_interface(text.format(n=number, i=index))
        except (ValueError, KeyError, IndexError) as problem:
            raise FleetError(f"{part.where}.addresses: {text!r} is no address with a prefix length") from problem
        host.network.addresses.append(address)
        if entry.has("link_gb"):
            physical += 1
            bits = int(entry.number("link_gb") * GIGABIT)
            up = entry.choice("link", ("up", "down"), "up") == "up"
            host.network.links[str(address.ip)] = Uplink(physical, up, bits)
        entry.close()
    part.close()


def _wired(entry: Section) -> WiredNetwork:
    text = entry.text("subnet")
    try:
        network = WiredNetwork(
            vlan=_vlan(entry, "vlan"),
            subnet=ipaddress.IPv4Network(text),
            dhcp=entry.flag("dhcp"),
            gateway=entry.text("gateway", ""),
            dns=tuple(entry.texts("dns")),
        )
    except ValueError as problem:
        raise FleetError(f"{entry.where}.subnet: {text!r} is no IPv4 network") from problem
    entry.close()
    return network


def _vlan(entry: Section, key: str) -> int | None:
    number: int | None = entry.whole(key, None, least=1)
    if number is not None and number > LAST_VLAN:
        raise FleetError(f"{entry.where}.{key}: {number} is above {LAST_VLAN}")
    return number


def read_mac_range(host: Host, part: Section) -> None:
    """Give a host the range of dynamic MAC addresses: of the file, or that of a fresh host."""
    low, high = mac_pool.default_range(host)
    host.settings.mac_minimum = _mac(part, "mac_minimum", low)
    host.settings.mac_maximum = _mac(part, "mac_maximum", high)
    host.settings.mac_range_given = part.has("mac_minimum") or part.has("mac_maximum")
    if int(host.settings.mac_minimum, 16) > int(host.settings.mac_maximum, 16):
        raise FleetError(f"{part.where}.mac_minimum: {host.settings.mac_minimum} is above mac_maximum")


def _mac(entry: Section, key: str, default: str) -> str:
    given: str = entry.text(key, default)
    plain = re.sub(r"[-:]", "", given).upper()
    if not re.fullmatch(r"[0-9A-F]{12}", plain):
        raise FleetError(f"{entry.where}.{key}: {given!r} is no MAC address")
    return plain


def read_adapter(adapter: NetworkAdapter, entry: Section) -> None:
    """Give an adapter its name, MAC address, VLAN and what the guest has on it.

    Without ``mac`` the address is dynamic and was given when the machine was first started; ``mac: never`` means that
    it was not started yet.
    """
    adapter.name = entry.text("name", adapter.name)
    adapter.is_legacy = entry.flag("legacy")
    mac = entry.text("mac", "")
    adapter.dynamic_mac = mac in ("", "never")
    if not adapter.dynamic_mac:
        adapter.mac_address = _mac(entry, "mac", "")
    elif mac != "never":
        adapter.mac_address = _given(adapter)
    adapter.vlan = _vlan(entry, "vlan")
    if entry.has("trunk"):
        part = entry.section("trunk")
        numbers = sorted({int(number) for number in part.any("allowed", [])})
        adapter.trunk = Trunk(part.whole("native", 0), tuple(numbers))
        part.close()
    else:
        entry.any("trunk")
    adapter.configuration = read_addresses(entry)
    adapter.failover = read_failover(entry)
    adapter.mandatory = tuple(each.upper() for each in entry.texts("mandatory_features"))
    adapter.test_replica_switch = entry.text("test_switch", "")


def _given(adapter: NetworkAdapter) -> str:
    """Return the next address of the host's range; a range that the file doesn't give grows with the machines."""
    settings = adapter.host.settings
    mac = f"{int(settings.mac_minimum, 16) + settings.mac_given:012X}"
    settings.mac_given += 1
    if int(mac, 16) > int(settings.mac_maximum, 16):
        if settings.mac_range_given:
            return f"00155DFF{settings.mac_given & 0xFFFF:04X}"
        settings.mac_maximum = f"{int(settings.mac_maximum, 16) + mac_pool.USUAL:012X}"
    return mac
