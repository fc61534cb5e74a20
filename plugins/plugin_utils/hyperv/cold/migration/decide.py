# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done about one VM, decided from what both hosts say about its Id. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ...migration.decide import TRANSITIONAL, Seen
from ...preflight.facts import RUNNING_STATES
from .marks import NEVER, Kind, Mark

OFF = "Off"


class Export(str, Enum):
    """What lies under the export path for a VM."""

    NONE = "none"
    FOREIGN = "foreign"
    """A tree that carries no manifest of ours."""
    TORN = "torn"
    RUNNING = "running"
    COMPLETE = "complete"


@dataclass(frozen=True, kw_only=True)
class Side:
    """The VM as one host shows it."""

    seen: Seen
    mark: Mark | None = None
    start_action: str = ""

    @property
    def holds_memory(self) -> bool:
        """Whether it runs there, or is on its way to or from running."""
        return self.seen.state in RUNNING_STATES or self.seen.state in TRANSITIONAL

    @property
    def rests(self) -> bool:
        """Whether it is off, or saved, and nothing works on it."""
        return not self.holds_memory and not self.seen.is_interrupted


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where one VM stands between the two hosts, at one look."""

    source: Side | None
    destination: Side | None
    destination_name: str = ""
    """Computer name of the destination, as marks have it."""
    export: Export = Export.NONE
    changed: bool = False
    """Whether the source differs from what was exported: it was started since, or edited."""
    tree: bool = False
    """Whether a complete tree of it lies at the destination."""
    planned: bool = False
    whole: bool = True
    """Whether both inventories are known to be complete, so that absence means absence."""
    moving: bool = False
    """Whether a live migration of it runs."""

    @property
    def prepared(self) -> bool:
        """Whether the source is off for this migration, and its host does not start it by itself."""
        side = self.source
        return (
            side is not None
            and side.mark is not None
            and side.mark.kind is Kind.BEGUN
            and not side.holds_memory
            and side.start_action == NEVER
        )

    @property
    def unfinished(self) -> bool:
        """Whether an imported VM at the destination is not done: its own notes say so, or its source's.

        A copy has the notes that its export had, which may be of another migration, or of none.
        """
        if self.destination is None or (self.destination.mark is not None and self.destination.mark.rolled_back):
            return False
        return self._begun(self.source) or self._begun(self.destination)

    def _begun(self, side: Side | None) -> bool:
        mark = side.mark if side is not None else None
        return mark is not None and mark.kind is Kind.BEGUN and mark.host.lower() == self.destination_name.lower()

    @property
    def exported(self) -> bool:
        """Whether a finished export of the source as it is now is there."""
        return self.prepared and self.export is Export.COMPLETE and not self.changed


class Verdict(str, Enum):
    """What a look says about a VM as a whole."""

    GO = "go"
    """There are steps left."""
    DONE = "done"
    WAIT = "wait"
    """A backup or another operation works on it."""
    MOVING = "moving"
    BUSY = "busy"
    UNPROVEN = "unproven"
    NOT_FOUND = "not_found"
    BOTH_RUN = "both_run"
    """It runs on both hosts."""
    SOURCE_RUNS = "source_runs"
    """The source was started although a copy is at the destination."""
    SOURCE_CHANGED = "source_changed"
    """The source was written to after its export, and the copy at the destination was not started yet."""
    ROLLED_BACK = "rolled_back"
    """A copy that a rollback left is at the destination."""
    CONFLICT = "conflict"
    """The Id is on both hosts, and not by a migration of ours."""
    ELSEWHERE = "elsewhere"
    """A cold migration to another host has begun, from the source or on from the destination."""
    GONE_ON = "gone_on"
    """It was migrated there and is not there any more: it may run on yet another host."""
    BEING_REMOVED = "being_removed"
    """The removal of the source has begun, so its disks may be gone."""
    NO_WAY_BACK = "no_way_back"
    """The source is gone, so nothing can be rolled back to."""


class Start(str, Enum):
    """Whether a VM is started where it arrives."""

    AS_BEFORE = "as_before"
    YES = "true"
    NO = "false"


class Step(str, Enum):
    """One thing to do; each is safe to repeat."""

    STOP = "stop"
    HOLD = "hold"
    """Automatic start off, so that nothing but a person starts the source again."""
    EXPORT = "export"
    TRANSFER = "transfer"
    IMPORT = "import"
    NETWORK = "network"
    """Switches, VLANs and MAC addresses of its adapters."""
    START = "start"
    ADDRESS = "address"
    """New addresses, which only a running guest takes."""
    VERIFY = "verify"
    REMOVE_SOURCE = "remove_source"
    STOP_DESTINATION = "stop_destination"
    REMOVE_DESTINATION = "remove_destination"
    START_SOURCE = "start_source"


FORWARD = (
    Step.STOP, Step.HOLD, Step.EXPORT, Step.TRANSFER, Step.IMPORT, Step.NETWORK, Step.START, Step.ADDRESS, Step.VERIFY,
)  # fmt: skip
UNSETTLED = frozenset({Verdict.NOT_FOUND, Verdict.CONFLICT, Verdict.BOTH_RUN, Verdict.SOURCE_RUNS})
"""Answers that one look can get wrong, since the hosts are read one after the other."""


def judge(standing: Standing, *, back: bool = False, remove: bool = False) -> Verdict:
    """Return whether there is something to do, nothing, or why nothing may be done.

    ``back``: for a rollback; ``remove``: which takes the copy at the destination away.
    """
    source, destination = standing.source, standing.destination
    if standing.moving or any(side is not None and side.seen.is_migrating for side in (source, destination)):
        return Verdict.MOVING
    if not standing.whole:
        return Verdict.UNPROVEN
    if source is None and destination is None:
        return Verdict.NOT_FOUND
    if _elsewhere(standing):
        return Verdict.ELSEWHERE
    if back:
        return _judge_back(standing, remove=remove)
    if source is None:
        return Verdict.GO if standing.unfinished else Verdict.DONE
    return _judge_source(standing, source) if destination is None else _judge_both(standing, source, destination)


def _elsewhere(standing: Standing) -> bool:
    """Whether the marks name another host than this destination."""
    for side in (standing.source, standing.destination):
        if side is not None and side.mark is not None and not side.mark.rolled_back:
            name = side.mark.host
            if name.lower() != standing.destination_name.lower():
                return True
    return False


def _judge_source(standing: Standing, source: Side) -> Verdict:
    """Return the verdict on a VM that only the source has."""
    if source.mark is not None and source.mark.kind in _PAST:
        return Verdict.GONE_ON
    if source.seen.is_interrupted and standing.export is not Export.RUNNING:
        return Verdict.WAIT
    return Verdict.BUSY if source.seen.state in TRANSITIONAL else Verdict.GO


def _judge_both(standing: Standing, source: Side, destination: Side) -> Verdict:
    """Return the verdict on a VM of which both hosts have a copy."""
    if source.holds_memory and destination.holds_memory:
        return Verdict.BOTH_RUN
    if _rolled_back(destination):
        return Verdict.ROLLED_BACK
    if source.mark is None or source.mark.rolled_back:
        return Verdict.CONFLICT
    if source.holds_memory:
        return Verdict.SOURCE_RUNS
    if not standing.unfinished:
        return Verdict.DONE
    if standing.changed and not destination.holds_memory:
        return Verdict.SOURCE_CHANGED
    return Verdict.GO


_PAST = frozenset({Kind.DONE, Kind.REMOVING})
"""What the notes of a source say once its copy was seen to be right."""


def _judge_back(standing: Standing, *, remove: bool) -> Verdict:
    source, destination = standing.source, standing.destination
    if source is None:
        return Verdict.NO_WAY_BACK
    if destination is not None and source.holds_memory and destination.holds_memory:
        return Verdict.BOTH_RUN
    if source.mark is None or source.mark.rolled_back:
        if destination is None:
            return Verdict.GO if remove and standing.tree else Verdict.DONE
        if not _rolled_back(destination):
            return Verdict.CONFLICT
        return Verdict.GO if remove else Verdict.DONE
    if source.mark.kind is Kind.REMOVING:
        return Verdict.BEING_REMOVED
    if destination is None and source.mark.kind is Kind.DONE and not source.holds_memory:
        return Verdict.GONE_ON
    return Verdict.GO


def _rolled_back(side: Side) -> bool:
    return side.mark is not None and side.mark.rolled_back


def steps_left(standing: Standing, *, start: Start, readdress: bool = False) -> tuple[Step, ...]:
    """Return what is left to do for a VM with the verdict GO, in order. ``readdress``: adapters get new addresses."""
    left = FORWARD[FORWARD.index(_first(standing)) :]
    unwanted = set() if readdress else {Step.ADDRESS}
    if not starts(standing, start):
        unwanted |= {Step.START, Step.ADDRESS}
    elif standing.destination is not None and standing.destination.holds_memory:
        unwanted.add(Step.START)
    return tuple(step for step in left if step not in unwanted)


def _first(standing: Standing) -> Step:
    if standing.destination is not None:
        return Step.NETWORK
    if standing.exported:
        return Step.TRANSFER
    if standing.prepared:
        return Step.EXPORT
    rests = standing.source is not None and not standing.source.holds_memory
    return Step.HOLD if rests else Step.STOP


def starts(standing: Standing, start: Start) -> bool:
    """Return whether the VM is to run at the destination."""
    if start is not Start.AS_BEFORE:
        return start is Start.YES
    if standing.destination is not None and standing.destination.holds_memory:
        return True
    known = [side.mark for side in (standing.source, standing.destination) if side is not None and side.mark]
    if standing.source is not None and standing.source.holds_memory:
        return True
    return bool(known) and known[0].ran


def steps_back(standing: Standing, *, remove: bool) -> tuple[Step, ...]:
    """Return what a rollback has to do for a VM with the verdict GO: the copy goes last, once the source is back."""
    steps: list[Step] = []
    if standing.destination is not None:
        steps.append(Step.STOP_DESTINATION)
    if standing.source is not None and standing.source.mark is not None:
        steps.append(Step.START_SOURCE)
    if remove and (standing.destination is not None or standing.tree):
        steps.append(Step.REMOVE_DESTINATION)
    return tuple(steps)
