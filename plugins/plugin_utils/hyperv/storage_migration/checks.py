# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hinders storage migrations, found before the first one: the predicates of moves, with the host as both ends."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...findings import Finding, Severity, blocking
from ..migration.read_hosts import read_host, read_presence
from ..migration.read_vms import facts_of
from ..preflight import storage
from ..preflight.capacity import lacking_room
from ..preflight.facts import HostFacts, MoveFacts, VmFacts
from ..preflight.parents import removed_parents

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...session.protocol import Session
    from ..gateway import VmDetails
    from ..migration.look import HostLook
    from .intent import Intent

_PREDICATES = (storage.pass_through_disk, storage.shared_disk, storage.drive_missing, storage.file_exists)


def check(
    session: Session, look: HostLook, every: Sequence[tuple[VmDetails, Intent]], *, removes_parents: bool = False
) -> Mapping[str, tuple[Finding, ...]]:
    """Return the findings by Id of VMs whose storage is to move, given in the order they start; two invocations.

    With ``removes_parents`` also what else uses the files they leave, which takes an invocation per generation.
    """
    if not every:
        return {}
    targets = sorted({target for _details, intent in every for target in intent.moves.values()})
    # Memory stays where it is: only room on volumes counts.
    existing, unseen = read_presence(session, targets)
    host = replace(read_host(session, look), memory_free=None, existing=existing, unseen=unseen)
    moves = {details.vm.id: _move(facts_of(details), host, intent) for details, intent in every}
    found = {vm_id: [one for look_for in _PREDICATES for one in look_for(move)] for vm_id, move in moves.items()}
    for vm_id, problems in _shared_targets([intent for _details, intent in every], moves).items():
        found[vm_id] += problems
    free = [_only_moving(move, intent) for (_d, intent), move in zip(every, moves.values(), strict=True)]
    for vm_id, lacking in lacking_room([move for move in free if not blocking(found[move.vm.id])]).items():
        found[vm_id] += lacking
    for vm_id, used in (removed_parents(session, free) if removes_parents else {}).items():
        found[vm_id] += used
    return {vm_id: tuple(problems) for vm_id, problems in found.items()}


def _move(vm: VmFacts, host: HostFacts, intent: Intent) -> MoveFacts:
    return MoveFacts(
        vm=vm,
        source=host,
        destination=host,
        placement=intent.placement,
        switch_map={},
        eject_iso=False,
        enable_compatibility=False,
        may_power_off=False,
        delegates_credentials=False,
    )


def _only_moving(move: MoveFacts, intent: Intent) -> MoveFacts:
    """Return the facts with those disks alone that are copied: what is in place takes no more room."""
    disks = tuple(disk for disk in move.vm.disks if disk.path in intent.moves)
    return replace(move, vm=replace(move.vm, disks=disks))


def _shared_targets(intents: Sequence[Intent], moves: Mapping[str, MoveFacts]) -> dict[str, list[Finding]]:
    """Return findings for files that two disks would share, of one VM or of two."""
    owners: dict[str, str] = {}
    found: dict[str, list[Finding]] = {}
    for intent in intents:
        for source, target in intent.moves.items():
            owner = owners.setdefault(target.lower(), f"{intent.vm.name} ({source})")
            if owner != f"{intent.vm.name} ({source})":
                found.setdefault(intent.vm.id, []).append(
                    Finding(
                        id="target_shared",
                        severity=Severity.BLOCKING,
                        subject=moves[intent.vm.id].vm.name,
                        evidence=f"{target} would also be a file of {owner}",
                        remedy="Give vhds with a path each, or folder_per_vm: true where the files are of two VMs.",
                    )
                )
    return found
