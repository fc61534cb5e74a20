# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses that an adapter gets after a failover: VMNetworkAdapterFailoverSetting (facts on Hyper-V, 7.2)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ..powershell.values import OBJECT, EnumValue, LiveObject
from . import enums
from .guest import BOTH, IPV4, IPV6, IpConfiguration
from .live import PREFIX

if TYPE_CHECKING:
    from .devices import NetworkAdapter


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyAddress:
    """One family's part of a failover setting; ``subnet`` is a mask (IPv4) or a prefix length (IPv6), as text."""

    address: str = ""
    subnet: str = ""
    gateway: str = ""
    preferred_dns: str = ""
    alternate_dns: str = ""

    def configuration(self, protocol: int) -> IpConfiguration:
        """Return what a guest is told."""
        return IpConfiguration(
            addresses=(self.address,),
            subnets=(self.subnet,),
            gateways=(self.gateway,) if self.gateway else (),
            dns=tuple(one for one in (self.preferred_dns, self.alternate_dns) if one),
            protocol=protocol,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FailoverAddresses:
    """What one side of a replication keeps for an adapter. Empty: the machine comes up with the primary's addresses."""

    ipv4: FamilyAddress = FamilyAddress()
    ipv6: FamilyAddress = FamilyAddress()

    def configurations(self) -> list[IpConfiguration]:
        """Return what a guest is told after a failover, one for each family that is set."""
        both = ((self.ipv4, IPV4), (self.ipv6, IPV6))
        return [family.configuration(protocol) for family, protocol in both if family.address]

    @property
    def protocol(self) -> int:
        """Return ProtocolIFType."""
        return {(True, True): BOTH, (True, False): IPV4, (False, True): IPV6, (False, False): 0}[
            bool(self.ipv4.address), bool(self.ipv6.address)
        ]


NO_ADDRESSES = FailoverAddresses()


def wrong(family: FamilyAddress, version: int) -> str | None:
    """Return what of a family's part can't be, None where all is well: each of address and subnet needs the other."""
    if bool(family.address) != bool(family.subnet):
        return f"IPv{version}Address '{family.address}', {family.subnet!r}"
    for text in (family.address, family.gateway, family.preferred_dns, family.alternate_dns):
        try:
            known = not text or ipaddress.ip_address(text).version == version
        except ValueError:
            known = False
        if not known:
            return text
    return None if not family.subnet or _is_subnet(family.subnet, version) else family.subnet


def _is_subnet(text: str, version: int) -> bool:
    if version == 6:
        return text.isdecimal() and int(text) <= 128
    try:
        bits = int(ipaddress.IPv4Address(text))
    except ValueError:
        return False
    inverse = bits ^ 0xFFFFFFFF
    return bits != 0 and inverse & (inverse + 1) == 0


class FailoverSetting(LiveObject):
    """VMNetworkAdapterFailoverSetting: nothing in it says which adapter it is of (stub of the module)."""

    TYPE_NAMES: ClassVar = (PREFIX + "VMNetworkAdapterFailoverSetting", OBJECT)
    FIELDS: ClassVar = {
        "IPv4Address": ("ipv4", "address"),
        "IPv4SubnetMask": ("ipv4", "subnet"),
        "IPv4DefaultGateway": ("ipv4", "gateway"),
        "IPv4PreferredDNSServer": ("ipv4", "preferred_dns"),
        "IPv4AlternateDNSServer": ("ipv4", "alternate_dns"),
        "IPv6Address": ("ipv6", "address"),
        "IPv6SubnetPrefixLength": ("ipv6", "subnet"),
        "IPv6DefaultGateway": ("ipv6", "gateway"),
        "IPv6PreferredDNSServer": ("ipv6", "preferred_dns"),
        "IPv6AlternateDNSServer": ("ipv6", "alternate_dns"),
    }

    def __init__(self, adapter: NetworkAdapter) -> None:
        self.adapter = adapter

    def ps_names(self) -> list[str]:
        """Return the names of the properties."""
        return [*self.FIELDS, "ProtocolIFType"]

    def ps_get(self, name: str) -> str | EnumValue:
        """Return a property's value."""
        kept = self.adapter.failover
        if name == "ProtocolIFType":
            return enums.named("WmiProtocolIFType", kept.protocol)
        family, field = self.FIELDS[name]
        return str(getattr(getattr(kept, family), field))
