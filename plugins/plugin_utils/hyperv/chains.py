# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which disk files the VMs of a host reach: those of their drives, of their checkpoints', and all parents of both."""

from __future__ import annotations

import ntpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import NotPossible
from ..session.command import command
from .gateway import read_vhds, vms_source
from .gateway_reading import Question, ask
from .migration.read_hosts import read_existing
from .model import Disk, Vhd

if TYPE_CHECKING:
    from ..session.protocol import Session

_DEEPEST_CHAIN = 64
"""More generations of differencing disks than any chain has."""


@dataclass(frozen=True, kw_only=True)
class Chains:
    """The virtual disks of a host's VMs, checkpoints' included, and every file that they reach, by lower-case path."""

    disks: tuple[Disk, ...]
    files: Mapping[str, Vhd]
    unread: frozenset[str] = frozenset()
    """Files that are there, or may be, and can't be read: their parents are not known."""

    def reached(self, path: str) -> tuple[str, ...]:
        """Return the lower-case paths of a disk file and of its parents, children first."""
        found: dict[str, None] = {}
        following: str | None = path
        while following and following.lower() not in found:
            key = following.lower()
            found[key] = None
            following = self.files[key].parent_path if key in self.files else None
        return tuple(found)


def read_all_chains(session: Session) -> Chains:
    """Return what all VMs of the host reach. Raises RemoteError or NotPossible where it can't be told."""
    disks = read_disks(session)
    return Chains(disks=disks, files=read_chains(session, [disk.path for disk in disks]))


def read_disks(session: Session, vm_id: str | None = None) -> tuple[Disk, ...]:
    """Return the virtual disks of all VMs of a host, or of one, checkpoints' included; RemoteError for any error."""
    source = vms_source(None if vm_id is None else [vm_id])
    attached, kept = ask(
        session,
        Question(source | command("Get-VMHardDiskDrive"), Disk),
        Question(source | command("Get-VMSnapshot") | command("Get-VMHardDiskDrive"), Disk),
    )
    return tuple(disk for disk in (*attached.check(), *kept.check()) if disk.path and not disk.is_pass_through)


def read_chains(session: Session, paths: Iterable[str]) -> dict[str, Vhd]:
    """Return these disk files with all their parents by lower-case path: one invocation per generation.

    NotPossible where a file is there, or may be, and can't be read: its parents are not known then.
    """
    chains = follow(session, paths)
    for path in sorted(chains.unread):
        raise NotPossible(
            f"{session.host}: {chains.files[path].path} can't be read, so it is not known which files it is based on, "
            "and nothing is deleted; repair or detach the disk, or pass credentials on where it is on a share",
            findings=(),
        )
    return dict(chains.files)


def follow(session: Session, paths: Iterable[str]) -> Chains:
    """Return these disk files with all their parents, and which of them can't be read; ``disks`` is empty."""
    found: dict[str, Vhd] = {}
    unread: list[str] = []
    wanted = {path.lower(): path for path in paths}
    for _generation in range(_DEEPEST_CHAIN):
        wanted = {key: path for key, path in wanted.items() if key not in found}
        if not wanted:
            break
        known = {vhd.path.lower(): vhd for vhd in read_vhds(session, sorted(wanted.values())).items}
        unread += [path for key, path in wanted.items() if key not in known]
        found |= {key: known.get(key, Vhd(path=path)) for key, path in wanted.items()}
        parents = [found[key].parent_path for key in wanted]
        wanted = {path.lower(): path for path in parents if path}
    return Chains(disks=(), files=found, unread=_not_gone(session, unread))


def _not_gone(session: Session, unread: Sequence[str]) -> frozenset[str]:
    """Return those files that were not read though they are there, or may be, in lower case.

    A missing file has no parents. That of a drive which is offline, or of a closed share, is not known to be missing.
    """
    if not unread:
        return frozenset()
    folders = {path: ntpath.dirname(path) for path in unread}
    there = read_existing(session, [*unread, *dict.fromkeys(folders.values())])
    return frozenset(
        path.lower() for path, folder in folders.items() if path.lower() in there or folder.lower() not in there
    )
