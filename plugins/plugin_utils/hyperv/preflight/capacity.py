# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Room at the destination for several VMs together: each counts with those that go there before it."""

from __future__ import annotations

from collections.abc import Sequence

from ...findings import Finding, Severity
from .facts import MoveFacts

_MB = 1024**2


def lacking_room(moves: Sequence[MoveFacts]) -> dict[str, tuple[Finding, ...]]:
    """Return findings per VM Id about memory and space; ``moves`` have one destination and are in their order.

    A VM that does not fit is not counted against the next ones. Space is counted by FileSize, which is what is copied.
    """
    memory, space = 0, dict[str, int]()
    found: dict[str, tuple[Finding, ...]] = {}
    for move in moves:
        needed = _needed_space(move)
        problems = (*_memory(move, memory), *_space(move, needed, space))
        if problems:
            found[move.vm.id] = problems
            continue
        memory += move.vm.memory_bytes if move.vm.runs else 0
        for volume, size in needed.items():
            space[volume] = space.get(volume, 0) + size
    return found


def _needed_space(move: MoveFacts) -> dict[str, int]:
    needed: dict[str, int] = {}
    for disk in move.vm.disks:
        target = move.placement.target_of(disk.path) if disk.path else None
        if target is not None:
            volume, _free = move.destination.volume_at(target)
            needed[volume] = needed.get(volume, 0) + disk.file_size
    return needed


def _memory(move: MoveFacts, before: int) -> tuple[Finding, ...]:
    free = move.destination.memory_free
    if free is None or not move.vm.runs or before + move.vm.memory_bytes <= free:
        return ()
    return (
        Finding(
            id="memory_insufficient",
            severity=Severity.BLOCKING,
            subject=move.vm.name,
            evidence=f"needs {move.vm.memory_bytes // _MB} MB; {move.destination.inventory_name} has "
            f"{free // _MB} MB free" + (f", of which VMs before it take {before // _MB} MB" if before else ""),
            remedy="Free memory there, move fewer VMs, or turn the VM off for the move.",
        ),
    )


def _space(move: MoveFacts, needed: dict[str, int], before: dict[str, int]) -> tuple[Finding, ...]:
    found = []
    for volume, size in sorted(needed.items()):
        (_name, free), taken = move.destination.volume_at(volume), before.get(volume, 0)
        if free is None or taken + size <= free:
            continue
        found.append(
            Finding(
                id="space_insufficient",
                severity=Severity.BLOCKING,
                subject=move.vm.name,
                evidence=f"needs {size // _MB} MB on {volume}; {move.destination.inventory_name} has "
                f"{free // _MB} MB free there" + (f", of which VMs before it take {taken // _MB} MB" if taken else ""),
                remedy="Free space there, or choose another destination_storage_path.",
            )
        )
    return tuple(found)
