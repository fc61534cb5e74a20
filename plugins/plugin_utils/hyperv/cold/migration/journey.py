# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One VM's way through a task, in sessions of its own: look, decide, do the next thing, look again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ....errors import AuthenticationFailed, ConnectionLost, MobilityError, RemoteError, TimedOut
from ....waiting import Deadline
from . import legs, removing, returning, verifying
from .adapters import give_addresses, not_as_intended, set_adapters
from .decide import UNSETTLED, Step, Verdict, judge, starts, steps_back, steps_left
from .outcome import Result
from .reading import look_at_both, read_cases
from .refusals import error_of
from .work import hold_source, stop_source

if TYPE_CHECKING:
    from ....findings import Finding
    from .adapters import Wiring
    from .reading import Case
    from .work import Work

PATIENCE_SECONDS = 300.0
"""How long a host may be out of reach on the way (a restart of WinRM takes seconds, one of the host minutes)."""
LOST_LINKS = 20
"""Links that may break under one VM's way while both hosts can be reached: more is no accident."""
_PAUSE_SECONDS = 3.0
_SETTLE_SECONDS = 2.0
_SAME_STEP = 3
"""Times that one step may come in a row: done twice without effect, it is not done a third time."""
_WAITING = frozenset({Verdict.WAIT, Verdict.BUSY})


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a VM's way ended."""

    result: Result
    steps: tuple[Step, ...] = ()
    changed: bool = False
    findings: tuple[Finding, ...] = ()
    error: MobilityError | None = None
    size: int | None = None


@dataclass
class Journey:
    """The way of one VM; ``run`` is called once, in a thread of its own."""

    work: Work
    wiring: Wiring
    removes: bool = False
    """Whether the source goes; only of a VM that was done before the task began."""
    _steps: list[Step] = field(default_factory=list)
    _last: list[Step] = field(default_factory=list)
    _waiting: Deadline | None = None
    _doubted: Verdict | None = None
    _size: int | None = None

    def run(self) -> Ended:
        """Go until nothing is left to do; never raises an error of the family, the end carries it."""
        try:
            result = self._patiently()
        except MobilityError as error:
            error.changed = error.changed or self.work.changed
            if self.work.name not in error.msg:
                error.msg = f"{self.work.name}: {error.msg}"
            found = (*self.work.found, *getattr(error, "findings", ()))
            return self._ended(Result.FAILED, error, found)
        return self._ended(result, None, tuple(self.work.found))

    def _ended(self, result: Result, error: MobilityError | None, found: tuple[Finding, ...]) -> Ended:
        return Ended(
            result=result,
            steps=tuple(dict.fromkeys(self._steps)),
            changed=self.work.changed,
            findings=tuple(dict.fromkeys(found)),
            error=error,
            size=self._size,
        )

    def _patiently(self) -> Result:
        """Go on after lost links: what was sent may have been done, and the next look tells."""
        away: Deadline | None = None
        broken = 0
        while True:
            looked = False
            try:
                case = self._look()
                looked, away = True, None
                result = self._round(case)
            except AuthenticationFailed:
                raise
            except ConnectionLost:
                broken += looked
                away = away or Deadline(PATIENCE_SECONDS, self.work.clock)
                if away.passed or broken > LOST_LINKS or self.work.deadline.passed:
                    raise
                self._last.clear()
                self.work.clock.sleep(_PAUSE_SECONDS)
                continue
            if result is not None:
                return result

    def _look(self) -> Case:
        work = self.work
        look = look_at_both(work.ends)
        return read_cases(work.ends, look, {work.id: work.name}, {work.id: work.places})[work.id]

    def _round(self, case: Case) -> Result | None:
        """Do the next thing; return the result when nothing is left."""
        if self.work.imports and case.destination is not None:  # the link was lost while it was imported
            legs.label(self.work)
            return None
        back = self.work.request.rollback
        verdict = judge(case.standing, back=back, remove=self.work.request.remove_destination)
        self._size = case.size or self._size
        if verdict in _WAITING:
            self._wait(case, verdict)
            return None
        if verdict is not Verdict.GO:
            return self._no_more(case, verdict)
        self._doubted, self._waiting = None, None
        return self._return(case) if back else self._advance(case)

    def _no_more(self, case: Case, verdict: Verdict) -> Result | None:
        if verdict is Verdict.DONE and self.work.request.rollback:
            return Result.ROLLED_BACK if self.work.changed else Result.ALREADY_BACK
        if verdict is Verdict.DONE and self.removes:
            return self._remove(case)
        if verdict is Verdict.DONE:
            return Result.MIGRATED if self.work.changed else Result.ALREADY_THERE
        if verdict in UNSETTLED and self._doubted is not verdict:
            self._doubted = verdict
            self.work.clock.sleep(_SETTLE_SECONDS)
            return None
        ends = self.work.ends
        raise error_of(
            case, verdict, source=ends.source.host, destination=ends.destination.host, changed=self.work.changed
        )

    def _remove(self, case: Case) -> Result | None:
        if case.source is None:
            return Result.SOURCE_REMOVED if self.work.changed else Result.ALREADY_THERE
        self._begin(Step.REMOVE_SOURCE)
        removing.remove_source(self.work, case)
        return None

    def _wait(self, case: Case, verdict: Verdict) -> None:
        work = self.work
        if self._waiting is None:
            self._waiting = Deadline(work.request.wait_for_backup_seconds, work.clock)
            work.tell(f"{work.name}: waiting until nothing else works on it")
        if self._waiting.passed:
            seen = case.standing.source.seen if case.standing.source is not None else None
            raise TimedOut(
                f"{work.name}: another operation on it has not ended within {self._waiting.seconds:g} seconds",
                changed=work.changed,
                last_seen=f"{seen.state} {' '.join(sorted(seen.statuses))}".strip() if seen else verdict.value,
            )
        work.clock.sleep(_PAUSE_SECONDS)

    def _begin(self, step: Step) -> None:
        """Note a step; raise when it comes again and again, and the hosts still ask for it."""
        self._last = [*self._last, step][-_SAME_STEP:]
        if self._last == [step] * _SAME_STEP:
            raise RemoteError(
                f"{self.work.name}: {step.value} was done {_SAME_STEP - 1} times, and both hosts look as before it",
                changed=self.work.changed,
            )
        self._steps.append(step)

    def _advance(self, case: Case) -> Result | None:
        work = self.work
        left = steps_left(case.standing, start=work.request.start, readdress=self.wiring.readdresses)
        step = left[0]
        if step is Step.TRANSFER:
            return self._arrive(case)
        self._begin(step)
        if step is Step.EXPORT:
            legs.export(work)
        elif step in {Step.STOP, Step.HOLD}:
            self._take_leave(step)
        else:
            self._settle_in(case, left)
            return Result.MIGRATED
        return None

    def _take_leave(self, step: Step) -> None:
        """Have the source off, and kept from starting; the second reads for itself what the first has left."""
        if step is Step.STOP:
            stop_source(self.work, self.wiring.reported)
            self._steps.append(Step.HOLD)
        hold_source(self.work)

    def _arrive(self, case: Case) -> Result | None:
        self._begin(Step.TRANSFER)
        brought = legs.bring(self.work, case)
        if brought is None:
            self._steps.remove(Step.TRANSFER)
            return Result.WAITING_FOR_TREE
        self._steps.append(Step.IMPORT)
        legs.take_in(self.work, brought, self.wiring.switch_map)
        return None

    def _settle_in(self, case: Case, left: tuple[Step, ...]) -> None:
        """Adapters, start, addresses, proof: at the end of it the copy is the VM, and its mark goes."""
        work = self.work
        runs = starts(case.standing, work.request.start)
        legs.label(work)
        set_adapters(work, self.wiring)
        verifying.verify_disks(work)
        if Step.START in left:
            self._steps.append(Step.START)
            legs.start_there(work)
        if Step.ADDRESS in left:
            self._steps.append(Step.ADDRESS)
            give_addresses(work, self.wiring)
        self._steps.append(Step.VERIFY)
        work.found.extend(not_as_intended(work, self.wiring))
        if runs:
            work.found.extend(verifying.await_guest(work))
        legs.finish(work)

    def _return(self, case: Case) -> Result | None:
        work = self.work
        steps = steps_back(case.standing, remove=work.request.remove_destination)
        for step in steps:
            self._begin(step)
            if step is Step.STOP_DESTINATION:
                returning.stop_destination(work)
            elif step is Step.REMOVE_DESTINATION:
                returning.remove_destination(work)
            else:
                returning.start_source(work, case)
        if steps != (Step.REMOVE_DESTINATION,):
            return None
        return Result.ROLLED_BACK if work.changed else Result.ALREADY_BACK  # a tree that is somebody else's VM stays
