# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who lives in a folder: an exported tree that was imported in place is a VM, and no copy any more.

A host shows its own VMs only. A tree on a share, or one that another host shares out, may be a VM of a host that the
session does not reach: whoever imports a tree in place leaves a mark in it, and a marked tree is nobody's to remove.
A VM lives in what its disks are based on too: the parent of a differencing disk is as much its part as its own file.
"""

from __future__ import annotations

import json
import ntpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ...findings import Finding, Severity
from ...owner import is_gone
from ...session.command import command, select
from ..chains import follow, read_disks
from ..gateway_host import cim
from ..gateway_reading import ask
from ..migration.look import look_at
from ..model_host import ComputerSystem
from ..wire_values import guid, text
from . import files
from .import_reading import imports_run
from .manifest import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ...session.protocol import Session
    from ..chains import Chains

MARK: Final = f"{FILE_NAME}.imported"
"""Name of the mark. Like the manifest's own name at its beginning, so that it counts as no file of the tree."""
_SHARED: Final = ("\\\\", "c:\\clusterstorage\\")
"""How folders begin that several hosts run VMs from."""
_FOLDERS = ("ConfigurationLocation", "Path", "SnapshotFileLocation", "SmartPagingFilePath")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """What a mark says. ``importing`` is the token of a run that has begun with it, empty once the VM was seen."""

    host: str
    vm_id: str = ""
    importing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """A VM and the folders and files that it lives in, in lower case; ``unread`` are disks of unknown parents."""

    id: str
    name: str
    paths: frozenset[str]
    unread: frozenset[str] = frozenset()

    def lives_in(self, folder: str) -> bool:
        """Whether anything of it lies in a folder."""
        below = folder.rstrip("\\").lower() + "\\"
        return any((path + "\\").startswith(below) for path in self.paths)


def read_residents(session: Session, *, parents: bool = True) -> tuple[Resident, ...]:
    """Return all VMs of a host with where they live; RemoteError where the host doesn't say all of it.

    ``parents``: whether what their disks are based on counts, which takes one more invocation per generation.
    """
    (machines,) = session.invoke(command("Get-VM") | select("Id", "Name", *_FOLDERS), timeout_seconds=300).check()
    disks: dict[str, list[str]] = {}
    for disk in read_disks(session):
        disks.setdefault(disk.vm_id, []).append(disk.path)
    chains = follow(session, [path for paths in disks.values() for path in paths] if parents else ())
    return tuple(_resident(raw, disks.get(guid(raw.get("Id")) or "", ()), chains) for raw in machines.objects)


def _resident(raw: dict[str, Any], disks: Iterable[str], chains: Chains) -> Resident:
    reached = frozenset(path for disk in disks for path in chains.reached(disk))
    folders = {text(raw.get(name)).rstrip("\\").lower() for name in _FOLDERS} - {""}
    return Resident(
        id=guid(raw.get("Id")) or "",
        name=text(raw.get("Name")),
        paths=reached | folders,
        unread=reached & chains.unread,
    )


def in_use(residents: Iterable[Resident], folder: str) -> tuple[Finding, ...]:
    """Return a blocking finding for each VM that lives in a folder."""
    return tuple(
        Finding(
            id="files_in_use",
            severity=Severity.BLOCKING,
            subject=resident.name,
            evidence=f"the VM {resident.name} ({resident.id}) uses files in {folder}",
            remedy="Nothing there is touched. Move the VM's storage away first (hyperv.mobility.vm_storage_migration), "
            "or use another path.",
        )
        for resident in residents
        if resident.lives_in(folder)
    )


def unread(residents: Iterable[Resident], folder: str) -> tuple[Finding, ...]:
    """Return a blocking finding for each VM of which it is not known whether its disks are based on a file there.

    The folder's own VM, by whose Id it is named, is not based on its copy.
    """
    return tuple(
        Finding(
            id="disk_chain_unread",
            severity=Severity.BLOCKING,
            subject=resident.name,
            evidence=f"the VM {resident.name} ({resident.id}) has {', '.join(sorted(resident.unread))}, which can't be "
            f"read, so it is not known whether it is based on a file in {folder}",
            remedy="Nothing there is touched. Repair or detach the disk, or pass credentials on where it is on a "
            "share; then run again.",
        )
        for resident in residents
        if resident.unread and resident.id != ntpath.basename(folder).lower() and not resident.lives_in(folder)
    )


def users(session: Session, folders: Sequence[str], *, removes: bool = True) -> dict[str, tuple[Finding, ...]]:
    """Return by folder a blocking finding for each VM that lives in it, of this host or by the mark of another one.

    ``removes``: files there are to be removed, so VMs that may be based on them count too. RemoteError where the host
    doesn't say all of it.
    """
    if not folders:
        return {}
    there = files.stat(session, folders)
    residents, others = read_residents(session, parents=bool(there)), imported_elsewhere(session, folders)
    return {
        folder: (
            *in_use(residents, folder),
            *(unread(residents, folder) if removes else ()),
            *others.get(folder, ()),
        )
        for folder in folders
    }


def mark(session: Session, folder: str, vm_id: str, token: str, *, importing: bool = False) -> None:
    """Write into a tree that this host runs it from now on; RemoteError where it can't be written.

    ``importing``: that the run of this token has only begun with it, so that a killed one is gone on with.
    """
    content = {"host": computer_name(session), "vm_id": vm_id}
    if importing:
        content |= {"importing": token}
    files.write_text(session, ntpath.join(folder, MARK), json.dumps(content), token)


def settle(session: Session, folder: str, vm_id: str, token: str) -> None:
    """Write into a tree whose VM is seen on this host that it is imported, where its mark says that this has begun."""
    path = ntpath.join(folder, MARK)
    content = files.read_texts(session, [path])[path]
    if content is not None and _parsed(content).importing:
        mark(session, folder, vm_id, token)


def unmark(session: Session, folder: str) -> None:
    """Take the mark out of a tree whose VM was just taken off this host; one that is not there is fine."""
    files.remove(session, [ntpath.join(folder, MARK)])


def imported_elsewhere(session: Session, folders: Sequence[str]) -> Mapping[str, tuple[Finding, ...]]:
    """Return a blocking finding for each folder whose mark says that a host runs it which can't be asked here.

    Of a folder on this host's own disks its own mark says nothing more: the host shows whether it still has that VM.
    From a share or a cluster's volume, the VM may have moved on to another host since it was imported; not so where an
    import only began there, and this host shows that it came to nothing.
    """
    texts = files.read_texts(session, [ntpath.join(folder, MARK) for folder in folders])
    marked = {folder: _parsed(found) for folder in folders if (found := texts[ntpath.join(folder, MARK)]) is not None}
    here = computer_name(session).lower() if marked else ""
    return {
        folder: (_imported(folder, found.host),)
        for folder, found in marked.items()
        if found.host.lower() != here or (folder.lower().startswith(_SHARED) and not _given_up(session, found))
    }


def _given_up(session: Session, found: _Mark) -> bool:
    """Whether an import of this host that had only begun has ended without its VM, and its run with it."""
    if not found.importing or not is_gone(found.importing):
        return False
    look = look_at(session)
    if not look.whole or not found.vm_id or found.vm_id in look.machines:
        return False
    return found.vm_id not in look.planned or imports_run(session) is False


def computer_name(session: Session) -> str:
    """Return the host's own name, as Windows has it."""
    (answer,) = ask(session, cim("Win32_ComputerSystem", ComputerSystem))
    found = answer.first
    return found.name if found else session.host


def _parsed(content: str) -> _Mark:
    try:
        raw = json.loads(content.lstrip("\ufeff"))
        return _Mark(host=str(raw["host"]), vm_id=guid(raw.get("vm_id")) or "", importing=text(raw.get("importing")))
    except (ValueError, KeyError, TypeError, AttributeError):
        return _Mark(host="a host that its mark does not name")


def _imported(folder: str, host: str) -> Finding:
    return Finding(
        id="tree_imported",
        severity=Severity.BLOCKING,
        subject=folder,
        evidence=f"{folder} was imported in place on {host}: its files are that VM",
        remedy=f"Nothing there is touched. If no host runs a VM from it any more, remove {ntpath.join(folder, MARK)}, "
        "and run again.",
    )
