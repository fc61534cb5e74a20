# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Room at the destination for several VMs together: each counts with those that go there before it."""

from __future__ import annotations

from collections.abc import Sequence

from ...findings import Finding, Severity
from .facts import MoveFacts
from .needs import Needs, VolumeNeed

_MB = 1024**2


def lacking_room(moves: Sequence[MoveFacts]) -> dict[str, tuple[Finding, ...]]:
    """Return findings per VM Id about memory and space; ``moves`` have one destination and are in their order.

    A VM that does not fit is not counted against the next ones. Space is counted by FileSize, which is what is copied.
    """
    memory, space = 0, dict[str, int]()
    found: dict[str, tuple[Finding, ...]] = {}
    for move in moves:
        needs = needs_of(move)
        problems = (*_memory(move, needs, memory), *_space(move, needs, space))
        if problems:
            found[move.vm.id] = problems
            continue
        memory += needs.memory_bytes
        for need in needs.volumes:
            space[need.volume] = space.get(need.volume, 0) + need.bytes
    return found


def needs_of(move: MoveFacts) -> Needs:
    """Return what the VM takes at the destination."""
    sizes: dict[tuple[str, int | None], int] = {}
    files = []
    for disk in move.vm.disks:
        target = move.placement.target_of(disk.path) if disk.path else None
        if target is not None:
            at = move.destination.volume_at(target)
            sizes[at] = sizes.get(at, 0) + disk.file_size
            files.append(target)
    in_order = sorted(sizes.items(), key=lambda item: item[0][0])
    return Needs(
        memory_bytes=move.vm.memory_bytes if move.vm.runs else 0,
        memory_free_bytes=move.destination.memory_free,
        volumes=tuple(VolumeNeed(volume=v, bytes=size, free_bytes=free) for (v, free), size in in_order),
        files=tuple(files),
        sole_name=move.chosen_by_name,
    )


def _memory(move: MoveFacts, needs: Needs, before: int) -> tuple[Finding, ...]:
    free = needs.memory_free_bytes
    if free is None or not move.vm.runs or before + needs.memory_bytes <= free:
        return ()
    return (
        Finding(
            id="memory_insufficient",
            severity=Severity.BLOCKING,
            subject=move.vm.name,
            evidence=f"needs {needs.memory_bytes // _MB} MB; {move.destination.inventory_name} has "
            f"{free // _MB} MB free" + (f", of which VMs before it take {before // _MB} MB" if before else ""),
            remedy="Free memory there, move fewer VMs, or turn the VM off for the move.",
        ),
    )


def _space(move: MoveFacts, needs: Needs, before: dict[str, int]) -> tuple[Finding, ...]:
    found = []
    for need in needs.volumes:
        volume, size, free = need.volume, need.bytes, need.free_bytes
        taken = before.get(volume, 0)
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
