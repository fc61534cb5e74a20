# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether parent disks may be removed with the VM that leaves them: Windows doesn't ask who else is based on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...errors import NotPossible, RemoteError
from ...findings import Finding, Severity
from ..chains import Chains, read_all_chains
from .facts import MoveFacts

if TYPE_CHECKING:
    from ...session.protocol import Session

_REMEDY = "Leave remove_source_unmanaged_vhds out; remove the file by hand once no VM uses it."


def removed_parents(session: Session, moves: Sequence[MoveFacts]) -> dict[str, tuple[Finding, ...]]:
    """Return findings by Id of VMs whose files are not theirs alone; ``session`` leads to the host they leave.

    For moves that remove parent disks (facts, 3.1). Where the chains of the host's VMs can't be read, no VM may move
    so: all of them are blocked.
    """
    try:
        chains = read_all_chains(session)
    except (RemoteError, NotPossible) as error:
        return {move.vm.id: (_unknown(move, error.msg),) for move in moves if _moving(move)}
    return judge_parents(moves, chains)


def judge_parents(moves: Sequence[MoveFacts], chains: Chains) -> dict[str, tuple[Finding, ...]]:
    """Return findings by Id: files a VM would remove that others use, those of the same task too, or may use."""
    reached = {disk: chains.reached(disk.path) for disk in chains.disks}
    found: dict[str, tuple[Finding, ...]] = {}
    for move in moves:
        moving = _moving(move)
        own = {disk for disk in chains.disks if disk.vm_id == move.vm.id and disk.path.lower() in moving}
        going = {path for disk in own for path in reached[disk]}
        problems = [
            _used(move, _named(chains, path), sorted(users))
            for path in sorted(going)
            if (
                users := {_user(move, disk.vm_id) for disk in chains.disks if disk not in own and path in reached[disk]}
            )
        ]
        shared = sorted(going - {disk.path.lower() for disk in own})
        problems += [_unknown(move, _on_share(chains, path)) for path in shared if path.startswith("\\\\")]
        if problems:
            found[move.vm.id] = tuple(problems)
    return found


def _moving(move: MoveFacts) -> frozenset[str]:
    return frozenset(d.path.lower() for d in move.vm.disks if d.path and move.placement.target_of(d.path) is not None)


def _named(chains: Chains, path: str) -> str:
    return chains.files[path].path if path in chains.files else path


def _user(move: MoveFacts, vm_id: str) -> str:
    return "a disk of it that stays" if vm_id == move.vm.id else move.source.vm_names.get(vm_id, vm_id)


def _used(move: MoveFacts, path: str, users: Sequence[str]) -> Finding:
    return Finding(
        id="parent_shared",
        severity=Severity.BLOCKING,
        subject=move.vm.name,
        evidence=f"{path} would be removed from {move.source.inventory_name}, but is also used by {', '.join(users)}",
        remedy=_REMEDY,
    )


def _on_share(chains: Chains, path: str) -> str:
    return f"{_named(chains, path)} is on a share, where VMs of other hosts may be based on it"


def _unknown(move: MoveFacts, why: str) -> Finding:
    return Finding(
        id="parent_users_unknown",
        severity=Severity.BLOCKING,
        subject=move.vm.name,
        evidence=f"parent disks would be removed, and who else uses them is not known: {why}",
        remedy=_REMEDY,
    )
