# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which disk files are a VM's alone, and so may go with it; what can't be read counts as used."""

from __future__ import annotations

import ntpath
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from ....errors import NotPossible
from ....findings import Finding, Severity
from ....session.command import command
from ...gateway import read_details, read_vhds, vms_source
from ...gateway_reading import Question, ask
from ...migration.read_hosts import read_existing
from ...model import Disk
from ..evidence import disk_files

if TYPE_CHECKING:
    from ....session.protocol import Session
    from .work import Work

_DEEPEST_CHAIN = 64
"""More generations of differencing disks than any chain has."""


def own_files(work: Work, session: Session, other: Session) -> tuple[str, ...]:
    """Return the files of the VM's own disks and of its checkpoints' that nothing else uses, as ``session`` names them.

    Parents stay: a base image is no part of the VM. Neither goes what another VM of the host reaches, or the VM of the
    same Id on the ``other`` host by a share. What stays is noted in ``work.found``. Raises RemoteError or NotPossible
    where it can't be told what other VMs use.
    """
    own: dict[str, str] = {}
    chain: tuple[str, ...] = ()
    for details in read_details(session, [work.id], checkpoint_parts=True):
        disks = (*details.disks, *details.checkpoint_disks)
        own = {disk.path.lower(): disk.path for disk in disks if disk.path and not disk.is_pass_through}
        chain = disk_files(details)
    used = {path.lower() for path in _reached(session, [d.path for d in _disks(session) if d.vm_id != work.id])}
    shared = [disk.path for disk in _disks(other, work.id) if disk.path.startswith("\\\\")]
    used |= {path.lower() for path in _reached(other, shared)}
    _note_kept(work, [path for key, path in own.items() if key in used], "another VM uses")
    _note_kept(work, [path for path in chain if path.lower() not in own], "differencing disks are based on")
    return tuple(path for key, path in own.items() if key not in used)


def _disks(session: Session, vm_id: str | None = None) -> tuple[Disk, ...]:
    """Return the virtual disks of all VMs of a host, or of one, checkpoints' included; RemoteError for any error."""
    source = vms_source(None if vm_id is None else [vm_id])
    attached, kept = ask(
        session,
        Question(source | command("Get-VMHardDiskDrive"), Disk),
        Question(source | command("Get-VMSnapshot") | command("Get-VMHardDiskDrive"), Disk),
    )
    return tuple(disk for disk in (*attached.check(), *kept.check()) if disk.path and not disk.is_pass_through)


def _reached(session: Session, paths: Iterable[str]) -> Collection[str]:
    """Return these disk files with all their parents: one invocation per generation.

    NotPossible where a file is there, or may be, and can't be read: its parents are not known then.
    """
    found: dict[str, str] = {}
    wanted = {path.lower(): path for path in paths}
    for _generation in range(_DEEPEST_CHAIN):
        wanted = {key: path for key, path in wanted.items() if key not in found}
        if not wanted:
            break
        found |= wanted
        known = {vhd.path.lower(): vhd for vhd in read_vhds(session, sorted(wanted.values())).items}
        _require_gone(session, [path for key, path in wanted.items() if key not in known])
        parents = [known[key].parent_path for key in wanted if key in known]
        wanted = {path.lower(): path for path in parents if path}
    return found.values()


def _require_gone(session: Session, unread: list[str]) -> None:
    """Raise NotPossible for a file that was not read, unless its folder is there and the file is not.

    A missing file has no parents. That of a drive which is offline, or of a closed share, is not known to be missing.
    """
    if not unread:
        return
    folders = [ntpath.dirname(path) for path in unread]
    there = read_existing(session, [*unread, *dict.fromkeys(folders)])
    for path, folder in zip(unread, folders, strict=True):
        if path.lower() in there or folder.lower() not in there:
            raise NotPossible(
                f"{session.host}: {path} can't be read, so it is not known which files it is based on, and nothing is "
                "deleted; repair or detach the disk, or pass credentials on where it is on a share",
                findings=(),
            )


def _note_kept(work: Work, kept: Collection[str], why: str) -> None:
    if kept:
        work.found.append(
            Finding(
                id="disk_kept",
                severity=Severity.INFO,
                subject=work.name,
                evidence=f"{why} {', '.join(sorted(kept))}",
                remedy="It stays.",
            )
        )


def note_left(work: Work, paths: Collection[str]) -> None:
    """Note the files that could not be removed, if there are any."""
    if paths:
        work.found.append(
            Finding(
                id="files_left",
                severity=Severity.WARNING,
                subject=work.name,
                evidence=f"could not be removed: {', '.join(sorted(paths))}",
                remedy="Remove them by hand, once nothing has them open.",
            )
        )
