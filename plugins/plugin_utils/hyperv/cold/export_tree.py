# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An exported tree: whether it is of the VM as it is now, what belongs to it, and how it is removed."""

from __future__ import annotations

import ntpath
from typing import TYPE_CHECKING, Final

from ...errors import NotPossible
from ...findings import blocking
from ...owner import is_mine
from . import files
from . import manifest as manifests
from .evidence import UNREAD, Source, differences, disk_files
from .in_use import users

if TYPE_CHECKING:
    from ...session.protocol import Session
    from ..model import Vm
    from .export_look import Export
    from .manifest import Manifest

OFF: Final = "off"
"""What is captured of a VM that is off."""


def stale(manifest: Manifest, source: Source, capture: str, *, by_size: bool = False) -> tuple[str, ...]:
    """Return why an export is not of the VM as it is now; empty where it still holds.

    A live export is of its moment, since a running VM writes all the time: it holds until a new one is asked for. One
    of disks whose times can't be read holds in the run that made it, and for no other; ``by_size`` lets it hold while
    their sizes and all the rest are as they were, for a VM whose export has been imported already.
    """
    wanted = capture_of(source.details.vm, capture)
    if manifest.capture != wanted:
        return (f"capture: {manifest.capture} -> {wanted}",)
    if wanted != OFF:
        return ()
    if source.unseen and not by_size and not is_mine(manifest.token):
        return (f"file {source.unseen[0]}{UNREAD}",)
    return differences(manifest.seen, source.seen, by_size=by_size)


def capture_of(vm: Vm, capture: str) -> str:
    """Return what is captured: a VM that is off has no live state, whatever was asked for."""
    return OFF if vm.is_off else capture


def remove_export(session: Session, found: Export) -> None:
    """Remove exactly the folder of an export of ours; NotPossible where a VM lives in it, of this host or another."""
    stops = blocking(users(session, [found.folder])[found.folder])
    if stops:
        raise NotPossible(f"{found.folder}: {stops[0].evidence}", findings=stops)
    files.remove_folder(session, found.folder)


def size(count: int) -> str:
    """Return bytes for people: "12.3 GB"."""
    if count >= 1_000_000_000:
        return f"{count / 1_000_000_000:.1f} GB"
    return f"{max(count, 0) / 1_000_000:.1f} MB"


def tree_of(session: Session, folder: str) -> dict[str, files.Item]:
    """Return the exported files by path relative to the folder; manifests of ours are no part of the tree."""
    below = len(folder.rstrip("\\")) + 1
    items = {item.path[below:]: item for item in files.tree(session, folder) if not item.is_folder}
    return {path: item for path, item in items.items() if not path.lower().startswith(manifests.FILE_NAME)}


def configuration_of(items: dict[str, files.Item], vm_id: str) -> str | None:
    """Return the configuration file of the VM itself: those of checkpoints lie in another folder."""
    for path in items:
        folder, name = ntpath.split(path)
        stem, ending = ntpath.splitext(name.lower())
        if stem == vm_id and ending in (".vmcx", ".xml") and ntpath.basename(folder).lower() == "virtual machines":
            return path
    return None


def has_all(items: dict[str, files.Item], source: Source, vm_id: str) -> bool:
    """Whether a tree holds the configuration and a file of the same name for each disk."""
    names = {ntpath.basename(path).lower() for path in items}
    disks = {ntpath.basename(path).lower() for path in disk_files(source.details)}
    return configuration_of(items, vm_id) is not None and disks <= names
