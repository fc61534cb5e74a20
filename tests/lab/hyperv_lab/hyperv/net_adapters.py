# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network adapters of a host itself and the addresses on them: Get-NetAdapter, Get-NetIPAddress."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..powershell.values import Byte, UInt32, UInt64
from .cim import CimInstance

if TYPE_CHECKING:
    from .host import Host
    from .switch import Switch, Uplink

STANDARD = "ROOT/StandardCimv2"
FIRST_PHYSICAL, FIRST_OWN = 4, 40
"""Indexes of interfaces: the first physical adapter's, and the host's adapter of the first switch."""


def _own_of(host: Host) -> list[Switch]:
    return [s for s in host.switches.values() if s.allow_management_os and s.switch_type.name != "Private"]


def net_adapters(host: Host) -> list[CimInstance]:
    """Return the physical adapters of a host, and its own on each switch it shares."""
    uplinks = [uplink for switch in host.switches.values() for uplink in switch.uplinks]
    found = [_physical(uplink) for uplink in (*uplinks, *host.network.links.values())]
    found += [_own(host, switch, number) for number, switch in enumerate(_own_of(host))]
    return [CimInstance(STANDARD, "MSFT_NetAdapter", values) for values in found]


def _physical(uplink: Uplink) -> dict[str, Any]:
    name = f"Ethernet {uplink.number}" if uplink.number > 1 else "Ethernet"
    values = _values(FIRST_PHYSICAL + uplink.number, name, bits=uplink.bits, up=uplink.up)
    return {**values, "InterfaceDescription": uplink.description, "Virtual": False, "HardwareInterface": True}


def _own(host: Host, switch: Switch, number: int) -> dict[str, Any]:
    """Return the host's adapter of a switch: as fast as the links beneath it."""
    bits = sum(uplink.bits for uplink in switch.uplinks if uplink.up) or 10_000_000_000
    values = _values(FIRST_OWN + number, f"vEthernet ({switch.name})", bits=bits, up=switch.carries)
    title = "Carte Ethernet virtuelle Hyper-V" if host.language == "fr" else "Hyper-V Virtual Ethernet Adapter"
    values.update(InterfaceDescription=title + (f" #{number + 1}" if number else ""))
    return {**values, "Virtual": True, "HardwareInterface": False}


def _values(index: int, name: str, *, bits: int, up: bool) -> dict[str, Any]:
    """Return the members that matter, with the numbers of MSFT_NetAdapter: 1 up or connected, 2 down or not."""
    state = 1 if up else 2
    speed = UInt64(bits if up else 0)
    return {
        "Name": name,
        "InterfaceDescription": "",
        "InterfaceAlias": name,
        "ifIndex": UInt32(index),
        "InterfaceIndex": UInt32(index),
        "Status": "Up" if up else "Disconnected",
        "InterfaceOperationalStatus": UInt32(state),
        "InterfaceAdminStatus": UInt32(1),
        "MediaConnectState": UInt32(state),
        "Speed": speed,
        "TransmitLinkSpeed": speed,
        "ReceiveLinkSpeed": speed,
    }


def net_addresses(host: Host) -> list[CimInstance]:
    """Return the addresses of a host: on a physical adapter of their own, else on the host's of its first switch."""
    names = {int(one.values["InterfaceIndex"]): str(one.values["Name"]) for one in net_adapters(host)}
    rows: list[tuple[str, int, int, str]] = []
    for address in host.network.addresses:
        link = host.network.links.get(str(address.ip))
        index = FIRST_PHYSICAL + link.number if link else FIRST_OWN if FIRST_OWN in names else FIRST_PHYSICAL + 1
        rows.append((str(address.ip), address.network.prefixlen, index, names.get(index, "Ethernet")))
    rows.append(("127.0.0.1", 8, 1, "Loopback Pseudo-Interface 1"))
    return [
        CimInstance(
            STANDARD,
            "MSFT_NetIPAddress",
            {
                "IPAddress": address,
                "PrefixLength": Byte(prefix),
                "InterfaceIndex": UInt32(index),
                "ifIndex": UInt32(index),
                "InterfaceAlias": alias,
                "AddressFamily": "IPv6" if ":" in address else "IPv4",
                "PrefixOrigin": "WellKnown" if address == "127.0.0.1" else "Manual",
                "AddressState": "Preferred",
            },
        )
        for address, prefix, index, alias in rows
    ]
