# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what a cold migration writes fits on both hosts, and its VMs into the destination's memory."""

from __future__ import annotations

import ntpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ....findings import Finding, Severity
from ...preflight.needs import Needs, VolumeNeed
from .. import files
from ..export_checking import freed_bytes
from ..export_look import State
from ..transferring import leftovers
from .decide import Step
from .request import RESTORE

if TYPE_CHECKING:
    from ....session.protocol import Session
    from ...preflight.facts import HostFacts
    from .findings import ColdMove
    from .reading import Case

_MB = 1024**2


@dataclass(frozen=True, kw_only=True)
class Lying:
    """What of a migration lies on both hosts already, in bytes: an earlier run was killed."""

    freed: int = 0
    """At the export's place, and removed before a new one is made."""
    writing: bool = False
    """The export is being made: how much of it is still to come can't be told, and its run has seen that it fits."""
    brought: int = 0
    """At the destination: files that stay, and parts of dead runs that go before anything is fetched."""


def read_lying(source: Session, destination: Session, case: Case, steps: Sequence[Step]) -> Lying:
    """Return what lies there of one VM; of one that no run has begun with, and without an export, nothing is asked.

    Raises RemoteError where a host refuses to say.
    """
    export, side = case.export, case.standing.source
    exports = Step.EXPORT in steps
    old = [export] if exports and export is not None else []
    begun = side is not None and side.mark is not None
    return Lying(
        freed=freed_bytes(source, old).get(case.id, 0),
        writing=any(one.state is State.RUNNING for one in old),
        brought=_brought(destination, case, exported=not exports) if Step.TRANSFER in steps and begun else 0,
    )


def _brought(session: Session, case: Case, *, exported: bool) -> int:
    """Return the bytes of the tree that are not needed again: of a new export nothing is there yet."""
    home = case.places.tree_of(case.id)
    there = {item.path.lower(): item.size for item in files.tree(session, home) if not item.is_folder}
    if not there:
        return 0
    wanted = case.manifest.files if exported and case.manifest is not None else ()
    kept = sum(file.size for file in wanted if there.get(ntpath.join(home, file.path).lower()) == file.size)
    gone = leftovers(session, case.places.tree, case.id)
    return kept + sum(there.get(part.lower(), 0) for part in gone)


@dataclass(frozen=True, kw_only=True)
class _Need:
    """Bytes on one volume of one host."""

    exports: bool
    """Whether it is for an export, not for what comes of it."""
    host: HostFacts
    volume: str
    free: int | None
    """None where the host does not say."""
    size: int
    remedy: str

    @property
    def key(self) -> tuple[str, str]:
        return self.host.inventory_name, self.volume


def lacking_room(moves: Sequence[ColdMove]) -> dict[str, tuple[Finding, ...]]:
    """Return findings per VM Id about space on both hosts and memory at the destination.

    Each VM counts with those before it; one that does not fit is not counted against the next ones.
    """
    taken: dict[tuple[str, str], int] = {}
    memory = 0
    found: dict[str, tuple[Finding, ...]] = {}
    for move in moves:
        needs = tuple(_needs(move))
        problems = [problem for need in needs for problem in _space(move, need, taken.get(need.key, 0))]
        problems += _memory(move, memory)
        if problems:
            found[move.vm.id] = tuple(problems)
            continue
        memory += move.vm.memory_bytes if Step.START in move.steps else 0
        for need in needs:
            taken[need.key] = taken.get(need.key, 0) + need.size
    return found


def needs_of(move: ColdMove) -> Needs:
    """Return what the VM takes at the destination; its folders there are named by its Id."""
    return Needs(
        memory_bytes=move.vm.memory_bytes if Step.START in move.steps else 0,
        memory_free_bytes=move.destination.memory_free,
        volumes=tuple(
            VolumeNeed(volume=need.volume, bytes=need.size, free_bytes=need.free)
            for need in _needs(move)
            if not need.exports
        ),
    )


def _needs(move: ColdMove) -> Iterator[_Need]:
    """Yield what is written, each volume once."""
    if Step.EXPORT in move.steps and not move.lying.writing:
        volume, free = move.source.volume_at(move.places.export)
        yield _Need(
            exports=True,
            host=move.source,
            volume=volume,
            free=free,
            size=max(move.size - move.lying.freed, 0),
            remedy="Free space there, choose another export_path, or migrate fewer VMs at a time and remove their "
            "sources.",
        )
    sizes: dict[tuple[str, int | None], int] = {}
    tree, home = (move.destination.volume_at(folder) for folder in (move.places.tree, move.places.home))
    if Step.TRANSFER in move.steps:
        sizes[tree] = max(move.size - move.lying.brought, 0)
    if Step.IMPORT in move.steps and move.request.import_mode == RESTORE:
        sizes[home] = sizes.get(home, 0) + move.size
    for (volume, free), size in sizes.items():
        choice = "choose another destination_path" if volume == tree[0] else "import with import_mode: register"
        yield _Need(
            exports=False,
            host=move.destination,
            volume=volume,
            free=free,
            size=size,
            remedy=f"Free space there, {choice}, or migrate fewer VMs at a time.",
        )


def _space(move: ColdMove, need: _Need, before: int) -> Iterator[Finding]:
    free = need.free
    if free is None or not need.size or before + need.size <= free:
        return
    yield Finding(
        id="export_space_insufficient" if need.exports else "space_insufficient",
        severity=Severity.BLOCKING,
        subject=move.vm.name,
        evidence=f"needs {need.size // _MB} MB on {need.volume}; {need.host.inventory_name} has {free // _MB} MB free "
        "there" + (f", of which VMs before it take {before // _MB} MB" if before else ""),
        remedy=need.remedy,
    )


def _memory(move: ColdMove, before: int) -> Iterator[Finding]:
    free = move.destination.memory_free
    if free is None or Step.START not in move.steps or before + move.vm.memory_bytes <= free:
        return
    yield Finding(
        id="memory_insufficient",
        severity=Severity.BLOCKING,
        subject=move.vm.name,
        evidence=f"needs {move.vm.memory_bytes // _MB} MB; {move.destination.inventory_name} has {free // _MB} MB free"
        + (f", of which VMs before it take {before // _MB} MB" if before else ""),
        remedy="Free memory there, migrate fewer VMs, or leave it off there (start: false).",
    )
