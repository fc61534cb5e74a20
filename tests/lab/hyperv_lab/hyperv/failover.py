# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses that a machine comes up with after a failover: its own guest decides (facts on Hyper-V, 7.2).

At the first start after a failover the host gives the guest the addresses kept for each adapter. A guest that takes
none within a minute keeps what is on its disk: the primary's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .guest import takes_addresses

if TYPE_CHECKING:
    import uuid

    from .guest import Guest, IpConfiguration
    from .vm import VM

PATIENCE_SECONDS = 60.0
"""Simulated seconds after the guest is up in which its exchange may still come (assumed)."""
ALTERNATE, PARTLY, PRIMARY, NOTHING_KEPT = "alternate", "partly", "primary", "primary, none kept"
PLANNED, UNPLANNED, TEST = "planned", "unplanned", "test"


@dataclass(slots=True)
class Failover:
    """A failover that a machine went through."""

    kind: str
    outcome: str = ""
    """Which addresses it came up with; nothing before its guest was up."""


@dataclass(frozen=True, slots=True)
class Content:
    """What is on the disks of a machine, as far as the lab knows it: the guest and its addresses."""

    guest: Guest
    addresses: dict[uuid.UUID, IpConfiguration]


def give_addresses(vm: VM) -> None:
    """Give a guest that is up for the first time after a failover the addresses kept for its adapters."""
    failover = vm.failover
    if failover is None or failover.outcome or not vm.guest_answers or vm.started_at is None:
        return
    kept = [(adapter, each) for adapter in vm.adapters for each in adapter.failover.configurations()]
    up = vm.started_at + vm.guest.boot_seconds
    takes = takes_addresses(vm)
    if kept and not takes and vm.host.fleet.clock.now() < up + PATIENCE_SECONDS:
        return
    given = [(adapter, each) for adapter, each in kept if takes and adapter.is_synthetic]
    for adapter, each in given:
        adapter.take(each, up)
    if len(given) == len(kept):
        failover.outcome = ALTERNATE if kept else NOTHING_KEPT
    else:
        failover.outcome = PARTLY if given else PRIMARY
    addresses = {adapter.adapter_id: list(adapter.addresses) for adapter in vm.adapters}
    vm.host.fleet.record("failover", vm, failover=failover.kind, came_up_with=failover.outcome, addresses=addresses)
