# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planned VMs that our own comparisons left at the destination."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from .decide import Step, decide
from .read_hosts import destroy_planned

if TYPE_CHECKING:
    from .hosts import Hosts


def clear_comparisons(hosts: Hosts, vm_ids: Collection[str]) -> None:
    """Remove what is still planned of VMs that were compared and not moved; one look, and nothing where none is left.

    A report's VM is removed through the report where it shows that it is a planned one, which VMs of 2012 R2 don't.
    Here only planned systems of these Ids go, and only while their VM rests on the source and no move of it runs.
    """
    if not vm_ids:
        return
    look = hosts.look()
    for vm_id in vm_ids:
        if vm_id in look.destination.planned and decide(look.presence(vm_id)) is Step.CLEAR_AND_MOVE:
            destroy_planned(hosts.destination, vm_id)
