# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual switches, migration networks and networks of a host."""

from __future__ import annotations

import ipaddress
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from ..powershell.values import EnumValue, Int64, TypedArray
from . import enums
from .live import ModelObject, chain

if TYPE_CHECKING:
    from .host import Host

Subnet = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(slots=True)
class Uplink:
    """A physical network adapter of a host."""

    number: int
    up: bool = True
    bits: int = 10_000_000_000
    """Speed of its link in bits per second."""

    @property
    def description(self) -> str:
        """Return InterfaceDescription: Windows numbers adapters of the same kind from the second on."""
        return "Intel(R) Ethernet Controller X710" + (f" #{self.number}" if self.number > 1 else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class WiredNetwork:
    """A network behind a switch. Hosts with the same subnet share its DHCP server."""

    vlan: int | None
    subnet: ipaddress.IPv4Network
    dhcp: bool = False
    gateway: str = ""
    dns: tuple[str, ...] = ()


class Switch(ModelObject):
    """VMSwitch."""

    TYPE_NAMES: ClassVar = chain("VMSwitch")
    PROPERTIES: ClassVar = {
        "Name": "name",
        "Id": "id",
        "Notes": "notes",
        "BandwidthReservationMode": "bandwidth_mode",
        "EmbeddedTeamingEnabled": "teaming",
        "IovEnabled": "iov_enabled",
        "SwitchType": "switch_type",
        "AllowManagementOS": "allow_management_os",
        "NetAdapterInterfaceDescription": "adapter_description",
        "NetAdapterInterfaceDescriptions": "adapter_descriptions",
        "IovSupport": "iov_enabled",
        "AvailableVMQueues": "none_available",
        "CimSession": "cim_session",
        "ComputerName": "computer_name",
        "IsDeleted": "is_deleted",
    }
    SINCE: ClassVar = {
        "EmbeddedTeamingEnabled": "2016",
        "NetAdapterInterfaceDescriptions": "2016",
        "CimSession": "2016",
    }
    notes = ""
    teaming = False
    iov_enabled = False
    allow_management_os = True
    none_available: Int64 = Int64(0)
    bandwidth_mode = "Absolute"

    def __init__(self, host: Host, name: str, kind: str = "External") -> None:
        self.host = host
        self.name = name
        self.id = uuid.uuid5(uuid.NAMESPACE_DNS, f"switch:{host.name}:{name}")
        self.switch_type: EnumValue = enums.value("VMSwitchType", kind)
        self.uplinks: list[Uplink] = []
        """Physical adapters; several make a team of the switch's own."""
        self.wired: tuple[WiredNetwork, ...] = ()
        """What is known of the networks behind the uplink, by VLAN."""

    @property
    def adapter_description(self) -> str:
        """Return the physical adapter of an external switch."""
        return self.uplinks[0].description if self.uplinks else ""

    @property
    def adapter_descriptions(self) -> TypedArray:
        """Return the physical adapters."""
        return TypedArray("System.String", [uplink.description for uplink in self.uplinks])

    @property
    def carries(self) -> bool:
        """Return whether frames leave the host: an uplink is up, or there is none to need."""
        return not self.uplinks or any(uplink.up for uplink in self.uplinks)


class MigrationNetwork(ModelObject):
    """VMMigrationNetwork: where migrations may come in."""

    TYPE_NAMES: ClassVar = chain("VMMigrationNetwork")
    PROPERTIES: ClassVar = {
        "Subnet": "subnet_text",
        "Priority": "priority",
        "CimSession": "cim_session",
        "ComputerName": "computer_name",
        "IsDeleted": "is_deleted",
    }
    SINCE: ClassVar = {"CimSession": "2016"}

    def __init__(self, host: Host, subnet: Subnet, priority: int | None = None) -> None:
        self.host = host
        self.subnet = subnet
        self.priority = priority

    @property
    def subnet_text(self) -> str:
        """Return network/prefix (field objects)."""
        return str(self.subnet)


@dataclass(kw_only=True)
class Network:
    """How a host is connected: addresses and the rate of its line."""

    rate: float = 1000.0
    """MB per second between hosts."""
    addresses: list[ipaddress.IPv4Interface | ipaddress.IPv6Interface] = field(default_factory=list)
    links: dict[str, Uplink] = field(default_factory=dict)
    """Addresses that lie on a physical adapter of their own; the others are on the host's adapter of a switch."""


def parse_subnet(text: str) -> Subnet:
    """Return the subnet a user wrote: host address or CIDR; raise ValueError."""
    return ipaddress.ip_network(text, strict=False)
