# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host says about networks: switches and their uplinks, its MAC range, every adapter, what guests report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from ...session.command import command
from ..gateway_host import cim
from ..gateway_reading import Question, ask
from ..model_host import Host
from ..wire_values import flag, guid, many, text, whole
from .findings import MacPool, Neighbour, SwitchPort
from .guest_configuration import CLASS, GuestConfiguration

if TYPE_CHECKING:
    from ...session.protocol import Session
    from ..gateway_reading import Answer

_NAMESPACE = "root/virtualization/v2"
_UP = 1
"""InterfaceOperationalStatus of MSFT_NetAdapter: 1 up, 2 down …, the same in every language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """An adapter of any VM, with the VM's name."""

    PROPERTIES: ClassVar = ("VMId", "VMName", "Id", "MacAddress", "DynamicMacAddressEnabled", "IPAddresses")
    neighbour: Neighbour

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> _Row:
        return cls(
            neighbour=Neighbour(
                host="",
                vm_id=guid(raw.get("VMId")) or "",
                vm_name=text(raw.get("VMName")),
                adapter_id=text(raw.get("Id")),
                mac=text(raw.get("MacAddress")).upper(),
                dynamic_mac=bool(flag(raw.get("DynamicMacAddressEnabled"))),
                addresses=tuple(text(one) for one in many(raw.get("IPAddresses"))),
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _SwitchRow:
    PROPERTIES: ClassVar = ("Name", "NetAdapterInterfaceDescription", "NetAdapterInterfaceDescriptions")
    port: SwitchPort

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> _SwitchRow:
        several = [text(one) for one in many(raw.get("NetAdapterInterfaceDescriptions")) if text(one)]
        one = text(raw.get("NetAdapterInterfaceDescription"))
        found = tuple(several or ([one] if one else []))
        return cls(port=SwitchPort(name=text(raw.get("Name")), uplinks=found))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Physical:
    PROPERTIES: ClassVar = ("InterfaceDescription", "InterfaceOperationalStatus")
    description: str
    status: int | None

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> _Physical:
        return cls(
            description=text(raw.get("InterfaceDescription")), status=whole(raw.get("InterfaceOperationalStatus"))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HostNetworks:
    """One host's networks at one moment."""

    host: str
    """The inventory name."""
    switches: Mapping[str, SwitchPort] = field(default_factory=dict)
    """By lower-case name."""
    uplinks_up: Mapping[str, bool] = field(default_factory=dict)
    """Physical adapters by lower-case description; empty where the host doesn't show them."""
    pool: MacPool = field(default_factory=MacPool)
    neighbours: tuple[Neighbour, ...] = ()
    configurations: Mapping[str, GuestConfiguration] = field(default_factory=dict)
    """What guests report, by lower-case key."""

    @property
    def dynamic_macs(self) -> tuple[str, ...]:
        """The MAC addresses of all adapters, static ones of the range included."""
        return tuple(one.mac for one in self.neighbours)


def read_networks(session: Session, *, guests: bool = False) -> HostNetworks:
    """Return the host's networks in one invocation; RemoteError where its switches or adapters can't be read.

    ``guests``: guests are to be told addresses. What they have is to stay where nothing is said, so that what they
    report has to be readable, too.
    """
    switches, settings, rows, configurations, physical = ask(
        session,
        Question(command("Get-VMSwitch"), _SwitchRow),
        Question(command("Get-VMHost"), Host),
        _neighbours(),
        cim(CLASS, GuestConfiguration, namespace=_NAMESPACE),
        # Last: an endpoint without this command ends the invocation there.
        Question(command("Get-NetAdapter"), _Physical),
    )
    host = settings.first
    ports: tuple[_SwitchRow, ...] = switches.check()
    return HostNetworks(
        host=session.host,
        switches={row.port.name.lower(): row.port for row in ports},
        uplinks_up={one.description.lower(): one.status == _UP for one in physical.items if one.status is not None},
        pool=MacPool(minimum=host.mac_address_minimum, maximum=host.mac_address_maximum)
        if host is not None
        else MacPool(),
        neighbours=_named(session, rows),
        configurations={one.key.lower(): one for one in (configurations.check() if guests else configurations.items)},
    )


def _neighbours() -> Question[Any]:
    return Question(command("Get-VM") | command("Get-VMNetworkAdapter"), _Row)


def _named(session: Session, answer: Answer[_Row]) -> tuple[Neighbour, ...]:
    return tuple(replace(row.neighbour, host=session.host) for row in answer.check())


def read_neighbours(session: Session) -> tuple[Neighbour, ...]:
    """Return the adapters of all VMs of a host."""
    (answer,) = ask(session, _neighbours())
    return _named(session, answer)
