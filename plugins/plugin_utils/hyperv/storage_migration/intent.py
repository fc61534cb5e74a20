# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a VM's storage is not where it is wanted, and the parameters that bring it there. Pure."""

from __future__ import annotations

import ntpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ..migration.placement import Parts, Placement, default_folders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..gateway import VmDetails
    from ..model import Vm
    from .request import StorageRequest

_FOLDERS: Final = {
    "virtual_machine_path": "path",
    "snapshot_file_path": "snapshot_file_location",
    "smart_paging_file_path": "smart_paging_file_path",
}
"""Part of the request -> member of the VM that names it."""


@dataclass(frozen=True, kw_only=True)
class Intent:
    """A VM's storage: where it is, and what of it has to move. ``placement`` holds the parameters of Move-VMStorage."""

    vm: Vm
    placement: Placement
    moves: Mapping[str, str]
    """Path as it is -> path as it is wanted, of disk files that are not in place."""
    folders: Mapping[str, tuple[str, str]]
    """Part -> (as it is, as it is wanted), of folders that are not in place."""
    folder: str | None = None
    """The VM's own destination, where everything goes under one."""
    bytes: int = 0
    """Sizes of the disk files that move."""

    @property
    def in_place(self) -> bool:
        """Whether everything that was asked for is where it is wanted."""
        return not (self.moves or self.folders)

    def before(self) -> dict[str, str]:
        """Return where what is to move is now."""
        return {part: old for part, (old, _new) in self.folders.items()} | {name(path): path for path in self.moves}

    def after(self) -> dict[str, str]:
        """Return where it is wanted."""
        wanted = {part: new for part, (_old, new) in self.folders.items()}
        return wanted | {name(path): target for path, target in self.moves.items()}


def name(path: str) -> str:
    """Return a path's last part."""
    return ntpath.basename(path)


def intend(details: VmDetails, request: StorageRequest, folder: str | None) -> Intent:
    """Return what has to move. ``folder`` is the VM's own destination where everything goes under one."""
    disks = _disks(details)
    moves = _below(disks.values(), folder) if folder is not None else _named(disks, request.parts or Parts())
    folders = _folders(details.vm, request.parts, folder)
    everything = len(moves) == len(disks) and len(folders) == len(_FOLDERS)
    sizes = {file.path.lower(): file.file_size for file in details.vhds}
    return Intent(
        vm=details.vm,
        placement=Placement(folder=folder) if folder is not None and everything else _in_parts(moves, folders),
        moves=moves,
        folders=folders,
        folder=folder,
        bytes=sum(sizes.get(path.lower(), 0) for path in moves),
    )


def _in_parts(moves: Mapping[str, str], folders: Mapping[str, tuple[str, str]]) -> Placement:
    """Return the parameters for those parts alone: of what lies under the folder already, nothing is said."""
    paths = {part: new for part, (_old, new) in folders.items()}
    return Placement(parts=Parts(vhds=tuple(moves.items()), **paths))


def is_below(path: str, folder: str) -> bool:
    """Return whether a path is the folder or lies in it, at any depth, without regard to case."""
    inner, outer = path.rstrip("\\").lower(), folder.rstrip("\\").lower()
    return inner == outer or inner.startswith(outer + "\\")


def _below(disks: Any, folder: str) -> dict[str, str]:
    """Return disks outside the folder, with the place Move-VMStorage gives them (facts, 3.1: sub-folder unverified)."""
    return {path: ntpath.join(folder, "Virtual Hard Disks", name(path)) for path in disks if not is_below(path, folder)}


def _named(disks: Mapping[str, str], parts: Parts) -> dict[str, str]:
    return {disks[source.lower()]: target for source, target in parts.vhds if _differs(disks, source, target)}


def _differs(disks: Mapping[str, str], source: str, target: str) -> bool:
    return source.lower() in disks and source.lower() != target.lower()


def _folders(vm: Vm, parts: Parts | None, folder: str | None) -> dict[str, tuple[str, str]]:
    found = {}
    for part, member in _FOLDERS.items():
        wanted = folder if folder is not None else getattr(parts, part)
        current = str(getattr(vm, member) or "")
        in_place = wanted is None or (
            is_below(current, wanted) if folder is not None else current.rstrip("\\").lower() == wanted.lower()
        )
        if not in_place:
            found[part] = (current, wanted)
    return found


def strangers(every: Sequence[VmDetails], parts: Parts) -> list[str]:
    """Return those sources of ``vhds`` that are no disk of the chosen VMs, neither there nor at their targets."""
    disks = {path for details in every for path in _disks(details)}
    return [source for source, target in parts.vhds if not {source.lower(), target.lower()} & disks]


def _disks(details: VmDetails) -> dict[str, str]:
    """Return each disk file of a VM, of its checkpoints, and their parents: lower-case path -> path."""
    found = {file.path.lower(): file.path for file in details.vhds}
    return found | {disk.path.lower(): disk.path for disk in (*details.disks, *details.checkpoint_disks) if disk.path}


def folders_for(every: Sequence[VmDetails], request: StorageRequest, names: Mapping[str, str]) -> dict[str, str | None]:
    """Return each VM's own destination by Id: the folder asked for, or one below it named after the VM.

    ``names`` (by Id) are of all VMs of the host: a folder must not depend on which of two of one name are chosen.
    """
    if request.folder is None or not request.folder_per_vm:
        return {details.vm.id: request.folder for details in every}
    chosen = {details.vm.id: details.vm.name for details in every}
    found = default_folders(request.folder, {**names, **chosen}, ())
    return {vm_id: found[vm_id] for vm_id in chosen}
