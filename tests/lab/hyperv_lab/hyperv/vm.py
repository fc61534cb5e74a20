# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual machines and their checkpoints: the live objects behind Get-VM and Get-VMSnapshot."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from ..powershell.values import EnumValue, UInt32, UInt64
from . import enums
from .failover import Failover, give_addresses
from .guest import DEFAULT_GUEST, IN_CONTACT, Guest, IpConfiguration, renew_services, takes_addresses
from .live import chain
from .machine import MB, VirtualMachineBase
from .vm_view import VirtualMachineView

if TYPE_CHECKING:
    from collections.abc import Callable

    from .checkpoint import Snapshot
    from .devices import NetworkAdapter
    from .host import Host
    from .replication import Replication

__all__ = ["DEFAULT_GUEST", "ON", "TRANSITIONAL", "VM", "Backup", "Guest", "Transition", "VirtualMachineBase"]
ON = frozenset({"Running", "Paused", "Starting", "Stopping", "Saving", "Pausing", "Resuming", "Reset"})
TRANSITIONAL = frozenset({"Starting", "Stopping", "Saving", "Pausing", "Resuming", "Reset"})


@dataclass(slots=True)
class Transition:
    """A state that ends by itself at a moment of the clock."""

    until: float
    finish: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup from one moment of the clock to another."""

    start: float
    end: float


class VM(VirtualMachineView):
    """VirtualMachine. Changes happen under the fleet's lock; ``state`` settles transitions that are over."""

    TYPE_NAMES: ClassVar = chain("VirtualMachine", "VirtualMachineBase", "ComputeResource")
    guest: Guest = DEFAULT_GUEST
    planned = False
    started_at: float | None = None
    """Moment of the clock of the last power-on; Uptime and the guest's answers follow from it."""
    arrived_at = 0.0
    """Moment of the clock at which it came to its host."""
    transition: Transition | None = None
    activity: str | None = None
    """Secondary operational status while something is done to it: "MigratingVirtualMachine" …"""
    unseen_until = 0.0
    """Until this moment of the clock nothing of its own shows that it is moved."""
    backup: Backup | None = None
    replication: Replication | None = None
    failover: Failover | None = None
    """The last failover that it went through."""
    assigned = 0
    snapshot: Snapshot | None = None
    """The checkpoint it runs on (the newest, or the applied one)."""
    faults: tuple[Any, ...] = ()
    power_ons = 0
    moves = 0
    """Completed moves of this machine between hosts."""
    pool_name = "Primordial"
    start_action: EnumValue = enums.value("StartAction", "StartIfRunning")
    start_delay = 0
    stop_action: EnumValue = enums.value("StopAction", "Save")
    critical_error_action: EnumValue = enums.value("CriticalErrorAction", "Pause")
    critical_error_timeout = 30
    checkpoint_type: EnumValue = enums.value("CheckpointType", "Production")
    automatic_checkpoints = False
    lock_on_disconnect: EnumValue = enums.value("OnOffState", "Off")
    transport: EnumValue = enums.value("EnhancedSessionTransportType", "VMBus")
    low_mmio: UInt32 = UInt32(128 * MB)
    high_mmio: UInt64 = UInt64(512 * MB)
    cache_types = False
    battery = False

    def __init__(self, host: Host, name: str, identifier: uuid.UUID) -> None:
        super().__init__(host, name, identifier)
        self._state = "Off"
        self.snapshots: list[Snapshot] = []

    @property
    def state(self) -> str:
        """Return the state's name now."""
        transition = self.transition
        if transition is not None and self.host.fleet.clock.now() >= transition.until:
            with self.host.fleet.lock:
                if self.transition is transition:
                    self.transition = None
                    transition.finish()
        return self._state

    @state.setter
    def state(self, name: str) -> None:
        """Set the state; changes go through power.py or happen under the fleet's lock."""
        enums.value("VMState", name)
        self._state = name
        self.host.fleet.clock.notify()

    @property
    def machine_id(self) -> uuid.UUID:  # type: ignore[override]
        """Return the Id."""
        return self.id

    @property
    def machine_name(self) -> str:  # type: ignore[override]
        """Return the name."""
        return self.name

    @property
    def is_on(self) -> bool:  # type: ignore[override]
        """Return whether it has a partition."""
        return self.state in ON

    @property
    def guest_answers(self) -> bool:  # type: ignore[override]
        """Return whether the guest is up: what its services make of it is another matter."""
        if self.state != "Running" or self.started_at is None:
            return False
        return self.host.fleet.clock.now() >= self.started_at + self.guest.boot_seconds

    def service_state(self, key: str) -> str:
        """Return what the guest's service does now: running, stopped, missing or outdated."""
        self.settle_guest()
        return self.guest.state_of(key)

    def settle_guest(self) -> None:
        """Let happen in the guest what its clock says has happened: addresses given at its start, services renewed."""
        give_addresses(self)
        renew_services(self)

    def in_contact(self, key: str) -> bool:
        """Return whether a service works: offered by the host, and in contact in a guest that is up."""
        return self.guest_answers and key in self.services_enabled and self.service_state(key) in IN_CONTACT

    @property
    def exchanges_pairs(self) -> bool:  # type: ignore[override]
        """Return whether the guest tells its addresses and other pairs."""
        return self.in_contact("kvp")

    @property
    def takes_addresses(self) -> bool:
        """Return whether an address given from outside would be applied."""
        self.settle_guest()
        return takes_addresses(self)

    def apply_addresses(self, adapter: NetworkAdapter, configuration: IpConfiguration) -> bool:
        """Give the guest's side of an adapter addresses; return whether the guest applied them.

        It does only while it takes addresses, and on a synthetic adapter (facts, 7.2 and 8).
        """
        if not self.takes_addresses or not adapter.is_synthetic:
            return False
        adapter.take(configuration, self.host.fleet.clock.now())
        self.host.fleet.clock.notify()
        return True

    @property
    def backing_up(self) -> bool:
        """Return whether a backup runs now."""
        return self.backup is not None and self.backup.start <= self.host.fleet.clock.now() < self.backup.end

    @property
    def memory_assigned(self) -> int:
        """Return the bytes of host memory it holds now."""
        return (self.assigned or self.memory_startup) if self.is_on else 0

    @property
    def uptime(self) -> timedelta:
        """Return the time since power-on."""
        if not self.is_on or self.started_at is None:
            return timedelta(0)
        return timedelta(seconds=round(max(self.host.fleet.clock.now() - self.started_at, 0.0), 3))

    @property
    def secondary(self) -> str | None:
        """Return the secondary operational status: what is done to it now."""
        if self.activity == "MigratingVirtualMachine" and self.host.fleet.clock.now() < self.unseen_until:
            return None
        return self.activity or ("BackingUpVirtualMachine" if self.backing_up else None)

    def ps_text(self) -> str:
        """Return the form that field dumps show."""
        return f"VirtualMachine (Name = '{self.name}') [Id = '{self.id}']"
