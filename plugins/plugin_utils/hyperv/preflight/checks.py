# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All predicates together."""

from __future__ import annotations

from collections.abc import Sequence

from ...findings import Finding
from . import hosts, machine, network, storage
from .capacity import lacking_room
from .facts import MoveFacts

PREDICATES = (*hosts.PREDICATES, *machine.PREDICATES, *network.PREDICATES, *storage.PREDICATES)


def check(moves: Sequence[MoveFacts]) -> dict[str, tuple[Finding, ...]]:
    """Return the findings of each move by VM Id, those of the hosts first; ``moves`` are in the order they start."""
    room = lacking_room(moves)
    targets = shared_targets(moves)
    return {
        move.vm.id: (
            *(finding for predicate in PREDICATES for finding in predicate(move)),
            *targets.get(move.vm.id, ()),
            *room.get(move.vm.id, ()),
        )
        for move in moves
    }


def shared_targets(moves: Sequence[MoveFacts]) -> dict[str, tuple[Finding, ...]]:
    """Return findings for VMs of which a disk would get the very path that another disk gets, of it or of another."""
    taken: dict[str, tuple[MoveFacts, str]] = {}
    found: dict[str, tuple[Finding, ...]] = {}
    for move in moves:
        for path in [disk.path for disk in move.vm.disks if disk.path]:
            target = move.placement.target_of(path)
            if target is None:
                continue
            owner, other = taken.setdefault(target.lower(), (move, path))
            if (owner.vm.id, other) != (move.vm.id, path):
                problem = storage.same_target(move, target, f"{owner.vm.name} ({other})")
                found[move.vm.id] = (*found.get(move.vm.id, ()), problem)
    return found
