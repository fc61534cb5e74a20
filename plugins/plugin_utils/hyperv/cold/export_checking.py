# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that is read before VMs are exported, and what follows from it for each of them."""

from __future__ import annotations

import ntpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Final

from ...errors import RemoteError
from ...findings import Finding, blocking
from ..gateway import has_parameter
from ..gateway_host import cim
from ..gateway_reading import ask
from ..model_host import Volume, volume_at
from . import files
from .evidence import Source, read_sources
from .export_findings import SHARE, Place, check, clear_of, closed, lacking_space
from .export_look import Export, State, folder_of, look
from .export_tree import OFF, capture_of, stale
from .in_use import users

if TYPE_CHECKING:
    from ...session.protocol import Session


_REPLACED: Final = frozenset({State.TORN, State.COMPLETE})
"""What goes before a new export is made."""


class Step(str, Enum):
    """What is to be done about one VM's export."""

    KEEP = "keep"
    """A complete one holds."""
    WAIT = "wait"
    """One is being made: wait for it."""
    EXPORT = "export"
    BLOCKED = "blocked"


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A VM that is to have an export: what lies at its place, what is found about it, and what to do."""

    source: Source
    export: Export
    step: Step
    findings: tuple[Finding, ...] = ()
    why: tuple[str, ...] = ()
    """Why a complete export does not hold any more."""

    @property
    def id(self) -> str:
        """Return the VM's Id."""
        return self.source.details.vm.id

    @property
    def name(self) -> str:
        """Return the VM's name."""
        return self.source.details.vm.name


def check_exports(
    session: Session, vm_ids: Sequence[str], *, path: str, capture: str = OFF, force_new: bool = False
) -> tuple[Checked, ...]:
    """Return these VMs in their order, checked; nothing is changed. VMs that the host does not have are left out.

    A VM whose export holds, or is being made, is not checked for what only a new export needs.
    """
    place = {vm_id: number for number, vm_id in enumerate(vm_ids)}
    sources = sorted(read_sources(session, vm_ids), key=lambda one: place[one.details.vm.id])
    if sources and not opens(session, path):
        return tuple(_unreachable(one, session, path) for one in sources)
    found = look(session, path, vm_ids)
    judged = [_judge(one, found[one.details.vm.id], capture, force_new=force_new) for one in sources]
    due = [one for one in judged if one.step is Step.EXPORT]
    if not due:
        return tuple(judged)
    where = read_place(session, path, [one.export for one in due], live=_any_live(due, capture))
    lived_in = users(session, [one.export.folder for one in due if one.export.state in _REPLACED])
    findings = {
        one.id: (*check(one.source, one.export, where, capture), *lived_in.get(one.export.folder, ())) for one in due
    }
    room = lacking_space([one.source for one in due], where, capture, clear_of(findings))
    return tuple(
        _with_findings(one, (*findings[one.id], *room.get(one.id, ()))) if one.id in findings else one for one in judged
    )


def _any_live(due: Sequence[Checked], capture: str) -> bool:
    return any(capture_of(one.source.details.vm, capture) != OFF for one in due)


def _judge(source: Source, export: Export, capture: str, *, force_new: bool) -> Checked:
    if export.state is State.RUNNING:
        return Checked(source=source, export=export, step=Step.WAIT)
    why: tuple[str, ...] = ()
    if export.state is State.COMPLETE and export.manifest is not None:
        why = ("a new one is asked for",) if force_new else stale(export.manifest, source, capture)
        if not why:
            return Checked(source=source, export=export, step=Step.KEEP)
    return Checked(source=source, export=export, step=Step.EXPORT, why=why)


def _with_findings(one: Checked, findings: tuple[Finding, ...]) -> Checked:
    return replace(one, findings=findings, step=Step.BLOCKED if blocking(findings) else one.step)


def opens(session: Session, path: str) -> bool:
    """Return whether the caller can open the drive or the share of a path; the folder is made by the first export."""
    root = ntpath.splitdrive(path)[0]
    try:
        return bool(files.stat(session, [root if root.startswith(SHARE) else root + "\\"]))
    except RemoteError:
        return False


def _unreachable(source: Source, session: Session, path: str) -> Checked:
    vm = source.details.vm
    place = Place(path=path, host=session.host)
    export = Export(state=State.NONE, folder=folder_of(path, vm.id))
    return Checked(source=source, export=export, step=Step.BLOCKED, findings=(closed(vm, place),))


def read_place(session: Session, path: str, exports: Sequence[Export] = (), *, live: bool = False) -> Place:
    """Return what is known of the place of exports: its free bytes, and what goes before new ones are made."""
    return Place(
        path=path,
        host=session.host,
        free=free_bytes(session, path),
        captures_live=not live or has_parameter(session, "Export-VM", "CaptureLiveState"),
        freed=freed_bytes(session, exports),
    )


def freed_bytes(session: Session, exports: Sequence[Export]) -> dict[str, int]:
    """Return the bytes by VM Id of exports that go before new ones are made; one invocation for each."""
    old = [one for one in exports if one.state in _REPLACED]
    return {ntpath.basename(one.folder): sum(item.size for item in files.tree(session, one.folder)) for one in old}


def free_bytes(session: Session, path: str) -> int | None:
    """Return the free bytes of the volume that a folder lies on, mounted volumes included; None for a share."""
    if path.startswith(SHARE):
        return None
    (answer,) = ask(session, cim("Win32_Volume", Volume, query="DriveType=3"))
    return free_at(answer.items, path)


def free_at(volumes: Sequence[Volume], path: str) -> int | None:
    """Return the free bytes of the volume that a path is on; None where none of these is it."""
    found = volume_at(volumes, path)
    return None if found is None else found.free_space


def by_id(checked: Sequence[Checked]) -> Mapping[str, Checked]:
    """Return them by the VM's Id."""
    return {one.id: one for one in checked}
