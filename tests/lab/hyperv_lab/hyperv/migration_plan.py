# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a migration is to do: the request, the planned machine at the destination, and where each file goes."""

from __future__ import annotations

import ntpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .fleet_vms import checkpoint_files
from .migration_errors import MoveFailed

if TYPE_CHECKING:
    from ..world import Identity
    from .host import Host
    from .storage import File
    from .vm import VM, VirtualMachineBase

NOTHING, EVERYTHING, PARTS = "nothing", "everything", "parts"


@dataclass(kw_only=True)
class MoveRequest:
    """What the caller asked for. ``peer`` is the destination's name in the form that was typed."""

    vm: VM
    source: Host
    destination: Host
    peer: str
    identity: Identity | None
    storage: str = NOTHING
    folder: str = ""
    """DestinationStoragePath: everything goes below it."""
    path: str = ""
    snapshot_path: str = ""
    paging_path: str = ""
    vhds: dict[str, str] = field(default_factory=dict)
    """Lower-case source path -> destination path."""
    retain_parents: bool = False
    remove_parents: bool = False
    pool: str = ""

    @property
    def owner(self) -> str:
        """Return DOMAIN\\user of the caller."""
        return owner_of(self.source, self.identity)


def owner_of(host: Host, identity: Identity | None) -> str:
    """Return DOMAIN\\user of a caller, as jobs show it."""
    if identity is None:
        return "NT AUTHORITY\\SYSTEM"
    return f"{identity.account.domain or host.name}\\{identity.account.username}"


@dataclass(frozen=True)
class Copy:
    """One file on its way. ``owned``: the source's copy goes away in the end."""

    file: File
    target: str
    owned: bool = True


@dataclass
class Placement:
    """Where everything of a machine will be."""

    path: str
    snapshot_path: str
    paging_path: str
    disks: dict[str, str] = field(default_factory=dict)
    """Lower-case source path -> path at the destination, for every disk file of the chains."""
    copies: list[Copy] = field(default_factory=list)
    unreachable: set[str] = field(default_factory=set)
    """Lower-case paths of disks that stay behind on a volume the destination can't see."""

    @property
    def storage_moves(self) -> bool:
        """Return whether disks are copied."""
        return any(copy.file.disk is not None for copy in self.copies)


def on_share(path: str) -> bool:
    """Return whether a path is on a share."""
    return path.startswith("\\\\")


def bodies(vm: VM) -> list[VirtualMachineBase]:
    """Return a machine and its checkpoints."""
    return [vm, *vm.snapshots]


def disk_files(vm: VM) -> dict[str, File]:
    """Return every disk file of a machine and its checkpoints with their parents, by lower-case path."""
    files: dict[str, File] = {}
    for body in bodies(vm):
        for drive in body.hard_drives:
            if drive.disk_number is None:
                files.update({file.path.lower(): file for file in vm.host.storage.chain(drive.path)})
    return files


def attached(vm: VM) -> set[str]:
    """Return the lower-case paths that drives of a machine or its checkpoints name."""
    return {drive.path.lower() for body in bodies(vm) for drive in body.hard_drives if drive.path}


def place(request: MoveRequest) -> Placement:
    """Return where the files of the machine go; raise MoveFailed for Vhds that can't be followed."""
    vm, destination = request.vm, request.destination
    default = destination.settings.vm_path
    if request.storage == EVERYTHING:
        root = request.folder or default
        placement = Placement(root, root, root)
    else:
        path = request.path or (vm.path if on_share(vm.path) else default)
        placement = Placement(
            path,
            request.snapshot_path or (vm.snapshot_path if on_share(vm.snapshot_path) else path),
            request.paging_path or (vm.paging_path if on_share(vm.paging_path) else path),
        )
    place_disks(request, placement)
    return placement


def place_disks(request: MoveRequest, placement: Placement) -> None:
    """Add where each disk file goes, and the copies that takes; raise MoveFailed for Vhds that can't be followed."""
    files = disk_files(request.vm)
    named = attached(request.vm)
    _check_vhds(request, files)
    for key, file in files.items():
        target = _disk_target(request, key, file, files)
        if target is None:
            if not on_share(file.path):
                placement.unreachable.add(key)
            placement.disks[key] = file.path
            continue
        placement.disks[key] = target
        parent = key not in named
        keep = parent and (request.retain_parents or not request.remove_parents)
        placement.copies.append(Copy(file, target, owned=not keep))


def _check_vhds(request: MoveRequest, files: dict[str, File]) -> None:
    for source, target in request.vhds.items():
        if source not in files:
            raise MoveFailed("move_vhds", what=source)
        if ntpath.basename(source) != ntpath.basename(target).lower():
            raise MoveFailed("move_vhds", what=target)


def _disk_target(request: MoveRequest, key: str, file: File, files: dict[str, File]) -> str | None:
    """Return where a disk file goes; None: it stays where it is."""
    name = ntpath.basename(file.path)
    if request.storage == EVERYTHING:
        root = request.folder or request.destination.settings.disk_path
        return ntpath.join(root, "Virtual Hard Disks", name) if request.folder else ntpath.join(root, name)
    if key in request.vhds:
        return request.vhds[key]
    for child, target in request.vhds.items():
        if key in _ancestors(child, files):
            return ntpath.join(ntpath.dirname(target), name)
    return None


def _ancestors(key: str, files: dict[str, File]) -> set[str]:
    found: set[str] = set()
    while key in files:
        disk = files[key].disk
        key = disk.parent.lower() if disk else ""
        if key in found:
            break
        found.add(key)
    return found


def add_configuration(request: MoveRequest, placement: Placement, planned: VM) -> None:
    """Add the files of the configuration and of the checkpoints to what is copied."""
    vm = request.vm
    storage = vm.host.storage
    pairs = list(zip(vm.configuration_files(), realised_files(planned), strict=True))
    for old, new in zip(vm.snapshots, planned.snapshots, strict=True):
        pairs += zip(checkpoint_files(old), checkpoint_files(new), strict=True)
    for source, target in pairs:
        file = storage.file(source)
        if file is not None and not (on_share(source) and source.lower() == target.lower()):
            placement.copies.append(Copy(file, target))


def realised_files(planned: VM) -> list[str]:
    """Return the paths that a planned machine's configuration will have once it is realised."""
    folder = ntpath.join(planned.path, "Virtual Machines")
    return [ntpath.join(folder, ntpath.basename(path)) for path in planned.configuration_files()]
