# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task vm_cold_migration: choose, decide by Id from both hosts, check everything, then go VM by VM."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ....errors import NotPossible
from ....findings import blocking
from ....operation import Diff, Outcome, carry_out
from ....waiting import SYSTEM_CLOCK
from ..route import Method, Route, sends_password_in_clear
from .campaign import Campaign, Threads, Track
from .decide import Step
from .outcome import Result, VmResult
from .places import where_to_bring
from .planning import Planned, plan
from .request import EXTERNAL, HTTP, ColdRequest, parse

if TYPE_CHECKING:
    from ....errors import MobilityError
    from ....operation import Request
    from ....waiting import Clock
    from .campaign import Runner

_ARRIVED = frozenset({Result.MIGRATED, Result.ALREADY_THERE, Result.SOURCE_REMOVED})


@dataclass(frozen=True, kw_only=True)
class ColdPlan:
    """What is to be done, decided before the first change."""

    request: ColdRequest
    planned: Planned

    @property
    def open(self) -> tuple[Track, ...]:
        """Those that are not decided yet."""
        return tuple(track for track in self.planned.tracks if track.result is None)

    @property
    def changed(self) -> bool:
        """Whether anything is to be done."""
        due = any(not waits_for_people(track, self.request) for track in self.open)
        return due and not self.request.preflight_only

    def diff(self) -> Diff:
        """Return on which host each VM is in use, before and after."""
        twins = Counter(track.case.name for track in self.planned.tracks)
        before, after = {}, {}
        for track in self.planned.tracks:
            name = track.case.name if twins[track.case.name] == 1 else f"{track.case.name} ({track.case.id})"
            before[name], after[name] = self._where(track)
        return Diff(before=before, after=after)

    def _where(self, track: Track) -> tuple[str, str]:
        source, destination = self.planned.hosts.source.host, self.planned.hosts.destination.host
        if self.request.rollback:
            result = track.result or (Result.ROLLED_BACK if self.changed else None)
            there = destination if track.case.destination is not None else source
            now = source if result is Result.ALREADY_BACK else there
            return now, source if result in {Result.ROLLED_BACK, Result.ALREADY_BACK} else now
        result = track.result or (foreseen(track, self.request) if self.changed else None)
        gone = track.result is Result.ALREADY_THERE or Step.REMOVE_SOURCE in track.steps
        now = destination if gone else source
        return now, destination if result in _ARRIVED else now


def foreseen(track: Track, request: ColdRequest) -> Result:
    """Return how a track that is to be worked on is expected to end."""
    if request.rollback:
        return Result.ROLLED_BACK
    if Step.REMOVE_SOURCE in track.steps:
        return Result.SOURCE_REMOVED
    external = request.transfer_method == EXTERNAL and Step.TRANSFER in track.steps
    return Result.WAITING_FOR_TREE if external and not track.case.standing.tree else Result.MIGRATED


def waits_for_people(track: Track, request: ColdRequest) -> bool:
    """Whether nothing can be done about a VM until somebody has brought its tree."""
    external = request.transfer_method == EXTERNAL and not request.rollback
    return external and track.steps[:1] == (Step.TRANSFER,) and not track.case.standing.tree


def operate(request: Request, *, clock: Clock = SYSTEM_CLOCK, runner: Runner | None = None) -> Outcome:
    """Migrate, roll back or remove sources; a failed VM is a failure with all results beside it."""
    asked = parse(request.arguments, host=request.host, inventory_hosts=request.inventory_hosts)
    ready = ColdPlan(request=asked, planned=plan(request, asked, clock))
    if asked.preflight_only or request.check_mode:
        diff = ready.diff()
        changed = ready.changed
        for track in ready.open:
            track.done = track.steps
            track.finish(Result.SKIPPED if asked.preflight_only else foreseen(track, asked))
        return _finished(ready, changed=changed, diff=diff)
    outcome = carry_out(ready, lambda due: _apply(due, request, clock, runner or Threads()), request, {})
    for track in ready.open:
        track.finish(foreseen(track, asked))
    changed = any(track.changed for track in ready.planned.tracks)
    return _finished(ready, changed=changed, diff=outcome.diff)


def _apply(ready: ColdPlan, request: Request, clock: Clock, runner: Runner) -> dict[str, Any]:
    Campaign(
        sessions=request.sessions,
        request=ready.request,
        source_name=ready.planned.source_name,
        destination_name=ready.planned.destination_name,
        clock=clock,
        runner=runner,
        reporter=request.reporter,
        run_id=request.run_id,
    ).run(ready.planned.tracks)
    return {}


def _finished(ready: ColdPlan, *, changed: bool, diff: Diff | None) -> Outcome:
    tracks = ready.planned.tracks
    if ready.request.skip_blocked:
        for track in tracks:
            if track.result is Result.FAILED and not track.began and blocking(track.findings):
                track.result, track.error = Result.SKIPPED, None
    results = [_result(track, ready) for track in tracks]
    values = {
        "vms": [one.as_plain() for one in results],
        "summary": {result.value: sum(one.outcome is result for one in results) for result in Result},
        "blocked": any(blocking(one.findings) for one in results),
    }
    failed = [one for one in results if one.outcome is Result.FAILED]
    failure = None if ready.request.preflight_only else _failure(failed, len(results), changed=changed)
    warnings = _warnings(ready.request)
    return Outcome(changed=changed, values=values, diff=diff, warnings=warnings, failure=failure)


def _warnings(request: ColdRequest) -> tuple[str, ...]:
    share = request.source_share or ""
    if request.rollback or request.transfer_method != HTTP:
        return ()
    if not sends_password_in_clear(Route(method=Method.HTTP, source=share, credential=request.credential)):
        return ()
    return (f"{share} is plain http: a server that asks for the password gets it unprotected",)


def _failure(failed: list[VmResult], total: int, *, changed: bool) -> MobilityError | None:
    """Return the failure of the task: the only VM's own error, or one sentence that names all."""
    errors = [one.error for one in failed if one.error is not None]
    if not errors:
        return None
    if total == 1:
        errors[0].changed = changed
        return errors[0]
    said = "; ".join(" ".join(error.msg.split()) for error in errors)
    found = tuple(finding for one in failed for finding in blocking(one.findings))
    return NotPossible(f"{len(failed)} of {total} VMs are not done: {said}", findings=found, changed=changed)


def _result(track: Track, ready: ColdPlan) -> VmResult:
    hosts = ready.planned.hosts
    took = track.ended - track.started if track.started is not None and track.ended is not None else None
    waits = track.result is Result.WAITING_FOR_TREE
    return VmResult(
        id=track.case.id,
        name=track.case.name,
        source=hosts.source.host,
        destination=hosts.destination.host,
        outcome=track.result or Result.SKIPPED,
        steps=tuple(step.value for step in track.done),
        started=track.started_at,
        seconds=took,
        bytes=track.size,
        folders=where_to_bring(ready.request, track.case.places, track.case.id) if waits or track.began else {},
        needs=track.needs,
        findings=track.findings,
        error=track.error,
    )
