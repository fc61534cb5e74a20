# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planned machines: what a migration or a comparison leaves at the destination until it is realised or removed.

Get-VM doesn't list them (they are in ``Host.planned``, class Msvm_PlannedComputerSystem); they block the next
try with the same Id (facts on Hyper-V, 3.9).
"""

from __future__ import annotations

import ntpath
from typing import TYPE_CHECKING, Any

from .checkpoint import Snapshot
from .storage import DiskFull, File, FileExists, NoSuchPath
from .vm import VM

if TYPE_CHECKING:
    import uuid

    from .host import Host
    from .migration_plan import Placement

CONFIGURATION_BYTES = 64 * 1024


class PlannedVM(VM):
    """A machine that is planned here: its configuration lies in a folder of its own, it can't be on."""

    planned = True

    @property
    def folder(self) -> str:
        """Return the folder of the configuration files."""
        return ntpath.join(self.path, "Planned Virtual Machines")

    @property
    def memory_assigned(self) -> int:
        """Return 0: it has no partition."""
        return 0


def plan(vm: VM, destination: Host, placement: Placement) -> PlannedVM:
    """Put a planned copy of a machine at the destination and return it (under the fleet's lock).

    Its drives name the paths that the disks will have. Raises DiskFull, FileExists or NoSuchPath.
    """
    planned = PlannedVM(destination, vm.name, vm.id)
    planned.copy_settings(vm)
    planned.created = vm.created
    _relocate(planned, placement)
    twins: dict[uuid.UUID, Snapshot] = {}
    for snapshot in vm.snapshots:
        parent = twins.get(snapshot.parent.id) if snapshot.parent else None
        twin = Snapshot(planned, snapshot.name, snapshot.id, parent)
        twin.copy_settings(snapshot)
        twin.snapshot_type, twin.is_automatic, twin.created = (
            snapshot.snapshot_type,
            snapshot.is_automatic,
            snapshot.created,
        )
        _relocate(twin, placement)
        twins[snapshot.id] = twin
        planned.snapshots.append(twin)
    planned.snapshot = twins.get(vm.snapshot.id) if vm.snapshot else None
    for path in planned.configuration_files():
        destination.storage.volume(path).put(File(path, CONFIGURATION_BYTES))
    destination.planned[planned.id] = planned
    return planned


def _relocate(body: Any, placement: Placement) -> None:
    body.path, body.snapshot_path, body.paging_path = placement.path, placement.snapshot_path, placement.paging_path
    for drive in body.hard_drives:
        drive.path = placement.disks.get(drive.path.lower(), drive.path)


def forget(planned: VM) -> None:
    """Take a planned machine away with its configuration files; folders stay (under the fleet's lock)."""
    host = planned.host
    if host.planned.get(planned.id) is planned:
        del host.planned[planned.id]
    for path in planned.configuration_files():
        try:
            host.storage.volume(path).take(path)
        except NoSuchPath:
            continue
    planned.is_deleted = True


NOT_PLACED = (DiskFull, FileExists, NoSuchPath)
"""What ``plan`` raises when the destination can't take the configuration."""
