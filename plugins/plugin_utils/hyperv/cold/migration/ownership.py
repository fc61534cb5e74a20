# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which disk files are a VM's alone, and so may go with it; what can't be read counts as used."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from ....findings import Finding, Severity
from ...chains import read_chains, read_disks
from ...gateway import read_details
from ..evidence import disk_files

if TYPE_CHECKING:
    from ....session.protocol import Session
    from .work import Work


def own_files(work: Work, session: Session, other: Session, *, homes: Collection[str] = ()) -> tuple[str, ...]:
    """Return the files of the VM's own disks and of its checkpoints' that nothing else uses, as ``session`` names them.

    Parents stay, since a base image is no part of the VM, except in ``homes``: folders made for this VM alone. Neither
    goes what another VM of the host reaches, or the VM of the same Id on the ``other`` host by a share. What
    stays is noted in ``work.found``. Raises RemoteError or NotPossible where it can't be told what other VMs use.
    """
    own: dict[str, str] = {}
    chain: tuple[str, ...] = ()
    for details in read_details(session, [work.id], checkpoint_parts=True):
        disks = (*details.disks, *details.checkpoint_disks)
        own = {disk.path.lower(): disk.path for disk in disks if disk.path and not disk.is_pass_through}
        chain = disk_files(details)
    own |= {path.lower(): path for path in chain if any(_lies_in(path, home) for home in homes)}
    used = set(read_chains(session, [disk.path for disk in read_disks(session) if disk.vm_id != work.id]))
    shared = [disk.path for disk in read_disks(other, work.id) if disk.path.startswith("\\\\")]
    used |= set(read_chains(other, shared))
    _note_kept(work, [path for key, path in own.items() if key in used], "another VM uses")
    _note_kept(work, [path for path in chain if path.lower() not in own], "differencing disks are based on")
    return tuple(path for key, path in own.items() if key not in used)


def _lies_in(path: str, folder: str) -> bool:
    return path.lower().startswith(folder.rstrip("\\").lower() + "\\")


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
