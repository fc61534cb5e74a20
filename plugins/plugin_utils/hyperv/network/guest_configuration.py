# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses in guests: what a guest reports, and the embedded instance that tells it others (facts, 8).

Msvm_GuestNetworkAdapterConfiguration is both. Its argument form is CIM-XML, written here as data, since nothing in a
pipeline of commands makes one.
"""

from __future__ import annotations

import ipaddress
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from ..wire_values import flag, many, text
from .findings import is_address, plain_address
from .named import reaches_everywhere

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .named import Network
    from .wishes import AdapterWish, FamilyWish

CLASS: Final = "Msvm_GuestNetworkAdapterConfiguration"
_PREFIX, _KEY = "Microsoft:", "Microsoft:GuestNetwork\\"
_IPV4, _IPV6, _BOTH = 4096, 4097, 4098
"""ProtocolIFType; 0 is what a guest shows that reports nothing."""


def key_of(adapter_id: str) -> str:
    """Return the InstanceID that belongs to an adapter's Id (both seen on hosts in public tools)."""
    return _KEY + adapter_id.removeprefix(_PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestConfiguration:
    """What a guest reports of one adapter. ``addresses`` have prefix lengths; link-local ones are left out."""

    PROPERTIES: ClassVar = (
        "InstanceID", "ProtocolIFType", "DHCPEnabled", "IPAddresses", "Subnets", "DefaultGateways", "DNSServers",
    )  # fmt: skip

    key: str
    dhcp: bool = False
    addresses: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> GuestConfiguration:
        """Return the configuration that a projected instance describes. Addresses and subnets go by position.

        The guest writes it: what is no address is left out.
        """
        found = [text(one) for one in many(raw.get("IPAddresses"))]
        subnets = [text(one) for one in many(raw.get("Subnets"))]
        pairs = zip(found, [*subnets, *[""] * len(found)], strict=False)
        return cls(
            key=text(raw.get("InstanceID")),
            dhcp=bool(flag(raw.get("DHCPEnabled"))),
            addresses=tuple(one for one in (_with_prefix(*pair) for pair in pairs) if one and not _is_local(one)),
            gateways=_addresses(raw.get("DefaultGateways")),
            dns=_addresses(raw.get("DNSServers")),
        )

    def only(self, version: int) -> GuestConfiguration:
        """Return the part of one family."""
        return GuestConfiguration(
            key=self.key,
            dhcp=self.dhcp,
            addresses=_of(version, self.addresses),
            gateways=_of(version, self.gateways),
            dns=_of(version, self.dns),
        )


def _with_prefix(address: str, subnet: str) -> str:
    """Return address and prefix length; Windows writes masks and lengths, Linux lengths with a slash ("/64")."""
    try:
        return str(ipaddress.ip_interface(f"{plain_address(address)}/{subnet.lstrip('/')}" if subnet else address))
    except ValueError:
        return ""


def _addresses(values: Any) -> tuple[str, ...]:
    found = (plain_address(text(one)) for one in many(values))
    return tuple(one for one in found if is_address(one))


def _is_local(address: str) -> bool:
    return ipaddress.ip_interface(address).ip.is_link_local


def _of(version: int, values: Iterable[str]) -> tuple[str, ...]:
    return tuple(one for one in values if ipaddress.ip_interface(one).version == version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a guest is told about one adapter: one DHCP setting, and the families that it is about."""

    adapter_id: str
    dhcp: bool
    versions: tuple[int, ...]
    addresses: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()

    def described(self) -> dict[str, Any]:
        """Return it for results and diffs."""
        return {
            "dhcp": self.dhcp,
            "addresses": list(self.addresses),
            "gateways": list(self.gateways),
            "dns": list(self.dns),
        }

    def as_xml(self) -> str:
        """Return the embedded instance: masks for IPv4, prefix lengths for IPv6, both as texts (facts, 8)."""
        root = ET.Element("INSTANCE", CLASSNAME=CLASS)
        interfaces = [ipaddress.ip_interface(one) for one in self.addresses]
        protocol = _BOTH if len(self.versions) > 1 else _IPV4 if self.versions == (4,) else _IPV6
        _value(root, "InstanceID", "string", key_of(self.adapter_id))
        _value(root, "ProtocolIFType", "uint16", str(protocol))
        _value(root, "DHCPEnabled", "boolean", "TRUE" if self.dhcp else "FALSE")
        _values(root, "IPAddresses", [str(one.ip) for one in interfaces])
        _values(
            root, "Subnets", [str(one.netmask if one.version == 4 else one.network.prefixlen) for one in interfaces]
        )
        _values(root, "DefaultGateways", self.gateways)
        _values(root, "DNSServers", self.dns)
        return ET.tostring(root, encoding="unicode")


def _value(root: ET.Element, name: str, kind: str, value: str) -> None:
    part = ET.SubElement(root, "PROPERTY", NAME=name, TYPE=kind)
    ET.SubElement(part, "VALUE").text = value


def _values(root: ET.Element, name: str, values: Iterable[str]) -> None:
    part = ET.SubElement(ET.SubElement(root, "PROPERTY.ARRAY", NAME=name, TYPE="string"), "VALUE.ARRAY")
    for value in values:
        ET.SubElement(part, "VALUE").text = value


def order_for(
    adapter_id: str, wish: AdapterWish, now: GuestConfiguration | None, *, moved: bool = False
) -> Order | None:
    """Return what the guest has to be told, None where what it reports is what is wanted.

    A guest that uses DHCP and comes to another switch or VLAN (``moved``), or reports no address of the named network,
    is told to ask again: it may keep the lease of the network it comes from.

    What a wish doesn't say stays as the guest reports it: gateways as far as they fit the new address (see
    ``without_gateway``), DNS servers.
    """
    wanted = [(version, family) for version, family in ((4, wish.ipv4), (6, wish.ipv6)) if family is not None]
    if not wanted:
        return None
    known = now or GuestConfiguration(key=key_of(adapter_id))
    fits = all(_fits(known.only(version), family, version) for version, family in wanted)
    stale = wanted[0][1].dhcp and (moved or not holds_lease(known.addresses, wish.network))
    if now is not None and fits and not stale:
        return None
    parts = [_part(known.only(version), family) for version, family in wanted]
    return Order(
        adapter_id=adapter_id,
        dhcp=wanted[0][1].dhcp,
        versions=tuple(version for version, _family in wanted),
        addresses=tuple(one for part in parts for one in part.addresses),
        gateways=tuple(one for part in parts for one in part.gateways),
        dns=tuple(one for part in parts for one in part.dns),
    )


def holds_lease(addresses: Iterable[str], network: Network | None) -> bool:
    """Whether one of the addresses is of the named network; True where its subnet is not known."""
    return network is None or not network.subnet or any(network.holds(address) for address in addresses)


def _fits(now: GuestConfiguration, wish: FamilyWish, version: int) -> bool:
    """Whether a family is as wanted; with DHCP, whatever it got.

    An IPv6 guest may have addresses, gateways and DNS servers from routers beside those it was told.
    """
    if wish.dhcp or now.dhcp:
        return wish.dhcp and now.dhcp
    gateways = None if wish.gateway is None else tuple(filter(None, (wish.gateway,)))
    pairs = ((now.addresses, (wish.address,)), (now.gateways, gateways), (now.dns, wish.dns))
    if version == 6:
        return all(wanted is None or set(wanted) <= set(has) for has, wanted in pairs)
    return all(wanted is None or has == wanted for has, wanted in pairs)


def without_gateway(wish: AdapterWish, now: GuestConfiguration | None) -> list[tuple[FamilyWish, tuple[str, ...]]]:
    """Return the addresses that would leave the guest without the gateway it has, or may have, and those it has.

    ``now`` None is a guest that reports nothing (yet); one that waits for its lease may get a gateway with it.
    """
    found = []
    for version, family in ((4, wish.ipv4), (6, wish.ipv6)):
        if family is None or family.dhcp or family.gateway is not None:
            continue
        has = () if now is None else now.only(version).gateways
        silent = now is None or (now.dhcp and not now.only(version).addresses)
        subnet = ipaddress.ip_interface(family.address).network
        if (has or silent) and not any(_suits(one, subnet) for one in has):
            found.append((family, has))
    return found


def _suits(gateway: str, subnet: Any) -> bool:
    address = ipaddress.ip_address(gateway)
    return address in subnet or reaches_everywhere(address)


def _part(now: GuestConfiguration, wish: FamilyWish) -> GuestConfiguration:
    """Return what one family is to be."""
    if wish.dhcp:
        return GuestConfiguration(key=now.key, dhcp=True)
    subnet = ipaddress.ip_interface(wish.address).network
    fitting = tuple(one for one in now.gateways if _suits(one, subnet))
    return GuestConfiguration(
        key=now.key,
        addresses=(wish.address,),
        gateways=fitting if wish.gateway is None else tuple(filter(None, (wish.gateway,))),
        dns=now.dns if wish.dns is None else wish.dns,
    )
