# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of replicated machines as hosts show them: their role, their adapters, the addresses set for a failover."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ...session.command import ON, command
from ..gateway import read_details, vms_source
from ..gateway_reading import Question, ask
from ..model_enums import IntegrationService
from ..model_host import Host
from ..wire_values import flag, guid, many, text, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ...session.command import Pipeline
    from ...session.protocol import Session
    from ..model import Adapter, Vm
    from ..model_guest import Replication, Service

PRIMARY, REPLICA = "Primary", "Replica"
_PASSING = "TestReplica"
"""The machine of a test failover: it goes with the test, and is no copy to be set."""
_NO_MODE = ("", "None")
_AT_ONCE = 60
"""Questions per invocation: one for each adapter, as nothing published says what links a configuration to its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailoverAdapter:
    """A network adapter of a machine, with what concerns a failover."""

    PROPERTIES: ClassVar = (
        "VMId", "Id", "Name", "MacAddress", "IsLegacy", "SwitchName", "IPAddresses", "TestReplicaSwitchName",
    )  # fmt: skip

    vm_id: str
    id: str
    name: str = ""
    mac_address: str = ""
    is_legacy: bool = False
    switch_name: str | None = None
    ip_addresses: tuple[str, ...] = ()
    test_switch: str | None = None

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> FailoverAdapter:
        """Return the adapter that a projected Get-VMNetworkAdapter object describes."""
        return cls(
            vm_id=guid(raw.get("VMId")) or "",
            id=text(raw.get("Id")),
            name=text(raw.get("Name")),
            mac_address=text(raw.get("MacAddress")).upper(),
            is_legacy=bool(flag(raw.get("IsLegacy"))),
            switch_name=text(raw.get("SwitchName")) or None,
            ip_addresses=tuple(text(item) for item in many(raw.get("IPAddresses"))),
            test_switch=text(raw.get("TestReplicaSwitchName")) or None,
        )

    @property
    def device(self) -> str:
        """The adapter's own GUID: the end of its Id, which both copies of a machine share (not verified on a host)."""
        return self.id.rpartition("\\")[2].lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilySetting:
    """What is set for one family of addresses; ``prefix`` is None where the mask can't be read."""

    address: str
    prefix: int | None = None
    gateway: str | None = None
    dns: tuple[str | None, str | None] = (None, None)

    def described(self) -> dict[str, Any]:
        """Return the documented value."""
        return {
            "address": self.address,
            "prefix": self.prefix,
            "gateway": self.gateway,
            "dns": [server for server in self.dns if server],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FailoverSetting:
    """The addresses of one adapter for a failover; a family that is None keeps the primary's."""

    PROPERTIES: ClassVar = (
        "IPv4Address", "IPv4SubnetMask", "IPv4DefaultGateway", "IPv4PreferredDNSServer", "IPv4AlternateDNSServer",
        "IPv6Address", "IPv6SubnetPrefixLength", "IPv6DefaultGateway", "IPv6PreferredDNSServer",
        "IPv6AlternateDNSServer",
    )  # fmt: skip

    ipv4: FamilySetting | None = None
    ipv6: FamilySetting | None = None

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> FailoverSetting:
        """Return what a projected VMNetworkAdapterFailoverSetting describes."""
        return cls(
            ipv4=_family(raw, "IPv4", _bits(text(raw.get("IPv4SubnetMask")))),
            ipv6=_family(raw, "IPv6", whole(raw.get("IPv6SubnetPrefixLength"))),
        )

    def family(self, name: str) -> FamilySetting | None:
        """Return what is set for ``ipv4`` or ``ipv6``."""
        return self.ipv4 if name == "ipv4" else self.ipv6

    def described(self) -> dict[str, Any]:
        """Return the documented value."""
        return {name: None if one is None else one.described() for name, one in _pairs(self)}


def _pairs(setting: FailoverSetting) -> Iterable[tuple[str, FamilySetting | None]]:
    return (("ipv4", setting.ipv4), ("ipv6", setting.ipv6))


def _family(raw: Mapping[str, Any], name: str, prefix: int | None) -> FamilySetting | None:
    address = _plain(raw.get(f"{name}Address"))
    if address is None:
        return None
    return FamilySetting(
        address=address,
        prefix=prefix,
        gateway=_plain(raw.get(f"{name}DefaultGateway")),
        dns=(_plain(raw.get(f"{name}PreferredDNSServer")), _plain(raw.get(f"{name}AlternateDNSServer"))),
    )


def _plain(value: Any) -> str | None:
    """Return an address in its shortest form, None for none; what is no address stays as it is."""
    found = text(value).strip()
    try:
        address = ipaddress.ip_address(found)
    except ValueError:
        return found or None
    return None if address.is_unspecified else str(address)


def _bits(mask: str) -> int | None:
    try:
        return ipaddress.ip_network(f"0.0.0.0/{mask}").prefixlen
    except ValueError:
        return None


@dataclass(frozen=True, kw_only=True)
class Copy:
    """One copy of a replicated machine: the primary's or the replica's."""

    host: str
    """The inventory name of its host."""
    vm: Vm
    replication: Replication | None = None
    exchange_service: Service | None = None
    adapters: tuple[FailoverAdapter, ...] = ()
    settings: Mapping[str, FailoverSetting] = field(default_factory=dict)
    """By the Id of the adapter; an adapter whose configuration could not be read is missing."""

    @property
    def mode(self) -> str:
        """Primary, Replica, another role of replication, or "" where the machine isn't replicated."""
        mode = self.replication.mode if self.replication is not None else ""
        return "" if mode in _NO_MODE else mode

    def setting(self, adapter: FailoverAdapter) -> FailoverSetting:
        """Return what is set for an adapter."""
        return self.settings.get(adapter.id, FailoverSetting())


@dataclass(frozen=True, kw_only=True)
class Copies:
    """The copies on one host."""

    host: str
    computer: str
    """The name by which other hosts know it; "" where it could not be read."""
    by_id: Mapping[str, Copy]
    switches: frozenset[str] | None
    """Names of its switches in lower case; None where they could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Switch:
    PROPERTIES: ClassVar = ("Name",)

    name: str

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> _Switch:
        return cls(name=text(raw.get("Name")))


def read_copies(session: Session, ids: Sequence[str] | None) -> Copies:
    """Return the machines with these Ids, or all replicated ones of the host, with what concerns their failover.

    Raises RemoteError where the host refuses to list its machines.
    """
    details = read_details(session, ids, parts=("integration_services", "replication")) if ids != [] else ()
    chosen = [item for item in details if ids is not None or _is_copy(_main(item.replications))]
    own = [item.vm.id for item in chosen]
    questions: list[Question[Any]] = [Question(command("Get-VMHost"), Host), Question(command("Get-VMSwitch"), _Switch)]
    if own:
        questions.append(Question(vms_source(own) | command("Get-VMNetworkAdapter"), FailoverAdapter))
    answers = ask(session, *questions)
    adapters: tuple[FailoverAdapter, ...] = answers[2].items if own else ()
    settings = _read_settings(session, adapters)
    copies = {
        item.vm.id: Copy(
            host=session.host,
            vm=item.vm,
            replication=_main(item.replications),
            exchange_service=next((one for one in item.services if _is_exchange(one)), None),
            adapters=tuple(one for one in adapters if one.vm_id == item.vm.id),
            settings={one.id: settings[one.id] for one in adapters if one.vm_id == item.vm.id and one.id in settings},
        )
        for item in chosen
    }
    host = answers[0].first
    known = answers[1].known
    return Copies(
        host=session.host,
        computer=host.name if host is not None else "",
        by_id=copies,
        switches=None if known is None else frozenset(one.name.lower() for one in known),
    )


def _is_copy(replication: Replication | None) -> bool:
    return replication is not None and replication.mode != _PASSING


def _is_exchange(service: Service) -> bool:
    return service.service_id == IntegrationService.KEY_VALUE_PAIR_EXCHANGE


def _main(replications: Sequence[Replication]) -> Replication | None:
    """Return the relationship that says the machine's role: as a primary first, then as a replica, then any other."""
    order = {PRIMARY: 0, REPLICA: 1}
    found = [item for item in replications if item.mode not in _NO_MODE]
    return min(found, key=lambda item: order.get(item.mode, 2), default=None)


def live_adapter(adapter: FailoverAdapter | Adapter) -> Pipeline:
    """Return the pipeline that gives this adapter as a live object."""
    chosen = command("Where-Object", Property="Id", Value=adapter.id, EQ=ON)
    return command("Get-VM", Id=adapter.vm_id) | command("Get-VMNetworkAdapter") | chosen


def _read_settings(session: Session, adapters: Sequence[FailoverAdapter]) -> dict[str, FailoverSetting]:
    found: dict[str, FailoverSetting] = {}
    for first in range(0, len(adapters), _AT_ONCE):
        part = adapters[first : first + _AT_ONCE]
        questions = [
            Question(live_adapter(one) | command("Get-VMNetworkAdapterFailoverConfiguration"), FailoverSetting)
            for one in part
        ]
        for adapter, answer in zip(part, ask(session, *questions), strict=True):
            if answer.first is not None:
                found[adapter.id] = answer.first
    return found
