# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planned VMs that our own comparisons left at the destination."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING

from .decide import LEFTOVER_SECONDS, Step, decide
from .read_hosts import destroy_planned

if TYPE_CHECKING:
    from ...waiting import Clock
    from .hosts import Hosts


def clear_comparisons(hosts: Hosts, vm_ids: Collection[str], clock: Clock) -> None:
    """Remove what is still planned of VMs that were compared and not moved; one look, and nothing where none is left.

    A report's VM is removed through the report where it shows that it is a planned one, which VMs of 2012 R2 don't.
    Here only planned systems of these Ids go, and only while their VM rests on the source and nothing shows a move of
    it for as long as one that somebody has just started may stay unseen.
    """
    left = _left_behind(hosts, vm_ids) if vm_ids else []
    if left:
        clock.sleep(LEFTOVER_SECONDS)
        for vm_id in _left_behind(hosts, left):
            hosts.patiently(partial(destroy_planned, hosts.destination, vm_id))


def _left_behind(hosts: Hosts, vm_ids: Collection[str]) -> list[str]:
    look = hosts.look()
    return [vm_id for vm_id in vm_ids if decide(look.presence(vm_id)) is Step.CLEAR_AND_MOVE]
