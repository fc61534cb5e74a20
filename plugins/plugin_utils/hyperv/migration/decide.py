# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do about one VM, decided from what both hosts say about its Id. No input or output here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

TRANSITIONAL = frozenset(
    {"Stopping", "Starting", "Reset", "Saving", "Pausing", "Resuming", "FastSaving", "ForceShutdown", "ForceReboot"}
    | {f"{state}Critical" for state in ("Stopping", "Starting", "Reset", "Saving", "Pausing", "Resuming", "FastSaving")}
)
"""States of a VM on its way to another one; Move-VM refuses them (facts, 3.4)."""

MIGRATING = frozenset(
    {"MigratingVirtualMachine", "MigratingPlannedVm", "StorageMigrationPhaseOne", "StorageMigrationPhaseTwo"}
)
"""Operational statuses of a move that runs, whoever started it."""

INTERRUPTING = frozenset(
    {
        "BackingUpVirtualMachine",
        "CreatingSnapshot",
        "ApplyingSnapshot",
        "DeletingSnapshot",
        "MergingDisks",
        "ExportingVirtualMachine",
        "ModifyingUpVirtualMachine",
        "CheckingCompatibility",
        "WaitingToStart",
    }
)
"""Operational statuses of work that ends by itself: a move waits for it."""


class Step(str, Enum):
    """What is to be done about a VM now."""

    MOVE = "move"
    CLEAR_AND_MOVE = "clear_and_move"
    """A planned VM left behind at the destination is removed first."""
    ATTACH = "attach"
    """A move runs, whoever started it: wait for it, then decide again."""
    WAIT = "wait"
    """Something else works on the VM (a backup): wait until it has ended."""
    ALREADY_THERE = "already_there"
    BUSY = "busy"
    """The VM is between two states."""
    CONFLICT = "conflict"
    NOT_FOUND = "not_found"
    UNPROVEN = "unproven"
    """A host could not be shown to have been read whole, so absence proves nothing."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A VM as one host shows it: names of its state and of its operational statuses."""

    state: str
    statuses: frozenset[str] = frozenset()

    @property
    def is_migrating(self) -> bool:
        """Whether a move of this VM runs."""
        return bool(self.statuses & MIGRATING)

    @property
    def is_interrupted(self) -> bool:
        """Whether a backup or the like works on this VM, or the host calls it busy without a reason we know."""
        return bool(self.statuses & INTERRUPTING) or ("InService" in self.statuses and not self.is_migrating)

    @property
    def is_idle(self) -> bool:
        """Whether nothing works on the VM and it rests in a state."""
        return not (self.is_migrating or self.is_interrupted or self.state in TRANSITIONAL)


@dataclass(frozen=True, kw_only=True)
class Presence:
    """Where a VM is, by Id, at one look at both hosts.

    ``planned`` has the operational statuses of a planned VM of this Id at the destination, None where there is none;
    ``source_whole`` and ``destination_whole`` say that the host's full inventory was read by a session known to see it;
    ``job_runs`` that a migration job that names the Id has not ended on either host.
    """

    on_source: Seen | None = None
    on_destination: Seen | None = None
    planned: frozenset[str] | None = None
    job_runs: bool = False
    source_whole: bool = True
    destination_whole: bool = True

    @property
    def shows_a_move(self) -> bool:
        """Whether a job or the VM itself shows that it is moved."""
        return self.job_runs or any(
            seen is not None and seen.is_migrating for seen in (self.on_source, self.on_destination)
        )


def decide(presence: Presence) -> Step:
    """Return what to do. A second move is never the answer while a first one may be running."""
    if presence.shows_a_move or (presence.planned or frozenset()) & MIGRATING:
        return Step.ATTACH
    if presence.on_source is not None and presence.on_destination is not None:
        return Step.CONFLICT
    if not (presence.source_whole and presence.destination_whole):
        return Step.UNPROVEN
    if presence.on_destination is not None:
        return Step.ALREADY_THERE
    if presence.on_source is None:
        return Step.NOT_FOUND
    return _on_source_only(presence.on_source, planned=presence.planned is not None)


def _on_source_only(seen: Seen, *, planned: bool) -> Step:
    if seen.is_interrupted:
        return Step.WAIT
    if seen.state in TRANSITIONAL:
        return Step.BUSY
    return Step.CLEAR_AND_MOVE if planned else Step.MOVE


LEFTOVER_SECONDS = 15.0
"""For how long nothing may show a move of a planned VM until it counts as left behind: a job becomes visible up to
about ten seconds after its start (facts, 3.5), and the planned VM of somebody's move is there before."""

UNSETTLED = {Step.CONFLICT: 0.0, Step.NOT_FOUND: 0.0, Step.CLEAR_AND_MOVE: LEFTOVER_SECONDS}
"""Answers that one look can get wrong, and the seconds that the looks which agree must span: the two hosts are read one
after the other, and at hand-over a VM changes sides between them."""
