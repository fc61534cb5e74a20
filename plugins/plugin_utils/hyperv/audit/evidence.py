# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules look at: frozen facts of one host. How they are read is another file's business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..guest.copies import Copy
from ..guest.exchange import Exchange
from ..guest.sides import Sides, sides
from ..model_enums import IntegrationService

if TYPE_CHECKING:
    from ..gateway import VmDetails
    from ..gateway_host import HostFacts
    from ..guest.copies import FailoverSetting
    from .models import (
        Certificate,
        GroupThrottle,
        IpAddress,
        NetAdapter,
        PortFeature,
        RequiredFeatures,
        ServiceState,
        SwitchExtension,
        Throttle,
    )
    from .models_replication import (
        AuthorizationEntry,
        GuestAddresses,
        ReplicationHealth,
        ReplicationServer,
        ReplicationSettings,
    )

_WITHOUT_SERVICE = frozenset(
    {"adapters", "addresses", "certificates", "throttles", "group_throttles", "clock", "service"}
)
"""What a host says whether or not its Virtual Machine Management service runs."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything that was read of a host. None is what could not be read; ``unread`` says why, by field."""

    host: str
    facts: HostFacts
    now: str | None = None
    """The host's clock, ISO 8601 in UTC."""
    service: ServiceState | None = None
    adapters: tuple[NetAdapter, ...] | None = None
    addresses: tuple[IpAddress, ...] | None = None
    server: ReplicationServer | None = None
    entries: tuple[AuthorizationEntry, ...] | None = None
    certificates: tuple[Certificate, ...] | None = None
    throttles: tuple[Throttle, ...] | None = None
    group_throttles: tuple[GroupThrottle, ...] | None = None
    extensions: tuple[SwitchExtension, ...] | None = None
    port_features: tuple[PortFeature, ...] | None = None
    required_features: tuple[RequiredFeatures, ...] | None = None
    machines: tuple[VmDetails, ...] | None = None
    replications: tuple[ReplicationSettings, ...] | None = None
    healths: tuple[ReplicationHealth, ...] | None = None
    failover_settings: Mapping[str, FailoverSetting] = field(default_factory=dict)
    """What is set for the adapters of Replicas, by the adapter's Id; one that could not be read is missing."""
    guest_addresses: tuple[GuestAddresses, ...] | None = None
    exchanges: tuple[Exchange, ...] | None = None
    unread: Mapping[str, str] = field(default_factory=dict)

    def why(self, name: str) -> str:
        """Return a sentence that says why a field is not known."""
        if name not in _WITHOUT_SERVICE and self.service is not None and self.service.state != "Running":
            return f"the Virtual Machine Management service is {self.service.state}"
        return self.unread.get(name) or f"the host did not show its {name.replace('_', ' ')}"

    def name_of(self, vm_id: str) -> str:
        """Return the name of a machine, its Id where it isn't known."""
        return next((item.vm.name for item in self.machines or () if item.vm.id == vm_id), vm_id)

    def machine(self, vm_id: str) -> VmDetails | None:
        """Return a machine, None where it isn't there."""
        return next((item for item in self.machines or () if item.vm.id == vm_id), None)

    def exchange(self, vm_id: str) -> Exchange | None:
        """Return what a guest tells of itself (nothing where it has no entry), None where that could not be read."""
        if self.exchanges is None:
            return None
        return next((item for item in self.exchanges if item.vm_id == vm_id), Exchange(vm_id=vm_id))

    def sides(self, machine: VmDetails) -> tuple[Sides, ...]:
        """Return both sides of each integration service of a machine."""
        return tuple(sides(machine.vm, service, self.exchange(machine.vm.id)) for service in machine.services)

    def copy_of(self, machine: VmDetails) -> Copy:
        """Return a machine as the failover's judgement looks at it: its key-value exchange, as the host offers it."""
        wanted = IntegrationService.KEY_VALUE_PAIR_EXCHANGE
        offered = next((item for item in machine.services if item.service_id == wanted), None)
        return Copy(host=self.host, vm=machine.vm, exchange_service=offered)

    def static_adapters(self, vm_id: str) -> dict[str, bool]:
        """Return by adapter (the GUID at the end of its Id) whether its guest was given the address by hand.

        An adapter of which the guest does not tell it is missing.
        """
        told = [item for item in self.guest_addresses or () if item.vm_id == vm_id and item.addresses]
        return {item.device: not item.dhcp for item in told if item.dhcp is not None}
