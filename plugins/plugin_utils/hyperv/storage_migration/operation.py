# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task vm_storage_migration: choose, see what is not in place, check, move, prove."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import InvalidRequest, MobilityError, NotFound, NotPossible
from ...findings import Finding, Severity, blocking
from ...operation import Diff, Outcome, carry_out
from ...waiting import SYSTEM_CLOCK
from ..gateway import read_details
from ..migration.hosts import patiently
from ..migration.look import look_at
from ..migration.outcome import Result, one_failure
from ..migration.proof import remove_empty_folders
from ..migration.read_vms import facts_of
from ..migration.threads import Threads
from ..processor import selected
from ..selection import parse_selection
from .campaign import Campaign, Surround
from .checks import check
from .intent import folders_for, intend, strangers
from .request import parse
from .track import Track

if TYPE_CHECKING:
    from ...operation import Request
    from ...session.protocol import Session
    from ...waiting import Clock
    from ..gateway import VmDetails
    from ..migration.look import HostLook
    from ..migration.threads import Runner
    from .request import StorageRequest


@dataclass(frozen=True, kw_only=True)
class StoragePlan:
    """What is to be done, decided before the first change. ``tracks`` are in the order they start."""

    session: Session
    request: StorageRequest
    details: dict[str, VmDetails]
    tracks: tuple[Track, ...]

    @property
    def open(self) -> tuple[Track, ...]:
        """Those whose storage is to move."""
        return tuple(track for track in self.tracks if track.result is None)

    @property
    def changed(self) -> bool:
        """Whether anything is to move."""
        return bool(self.open) and not self.request.preflight_only

    def diff(self) -> Diff:
        """Return where each file and folder that moves is and will be."""
        twins = Counter(track.name for track in self.tracks)
        before, after = {}, {}
        for track in self.tracks:
            name = track.name if twins[track.name] == 1 else f"{track.name} ({track.id})"
            before[name] = track.wanted.before()
            moves = self.changed and track.result in {None, Result.MOVED, Result.ATTACHED}
            after[name] = track.wanted.after() if moves else before[name]
        return Diff(before=before, after=after)


def operate(request: Request, *, clock: Clock = SYSTEM_CLOCK, runner: Runner | None = None) -> Outcome:
    """Bring the storage of the asked VMs where it is wanted; a failed VM is a failure with all results beside it."""
    plan = make_plan(request)
    diff = plan.diff()
    if request.check_mode or plan.request.preflight_only:
        predicted = plan.changed
        for track in plan.open:
            track.finish(Result.MOVED if predicted else Result.SKIPPED, clock.monotonic())
        return _finished(plan, diff, changed=predicted)
    carry_out(plan, lambda due: _apply(due, request, clock, runner or Threads()), request, {})
    changed = any(track.changed for track in plan.tracks)
    return _finished(plan, diff, changed=changed)


def make_plan(request: Request) -> StoragePlan:
    """Return what is to be done about each asked VM, with the findings of those whose storage is to move."""
    wanted, selection = parse(request.arguments), parse_selection(request.arguments)
    if selection.is_everything:
        raise InvalidRequest("no virtual machine is chosen: give names, ids or select")
    session = request.sessions.here()
    chosen = [vm.id for vm in selected(session, selection, host=request.host)]
    every = read_details(session, chosen, checkpoint_parts=True)
    if wanted.parts is not None and (unknown := strangers(every, wanted.parts)):
        raise NotFound(f"vhds: {unknown[0]!r} is no disk of the chosen virtual machines on {request.host}")
    look = look_at(session)
    folders = folders_for(every, wanted, {machine.id: machine.name for machine in look.machines.values()})
    pairs = [(details, intend(details, wanted, folders[details.vm.id])) for details in every]
    pairs.sort(key=lambda pair: (-pair[1].bytes, pair[0].vm.name.lower(), pair[0].vm.id))
    # One that is being migrated is waited for first: its files are at the destination already.
    due = [(details, intent) for details, intent in pairs if not intent.in_place and not _runs(look, details.vm.id)]
    found = check(session, look, due, removes_parents=wanted.remove_source_unmanaged_vhds)
    tracks = [_track(intent, found.get(details.vm.id, ())) for details, intent in pairs]
    return StoragePlan(
        session=session, request=wanted, details={d.vm.id: d for d, _intent in pairs}, tracks=tuple(tracks)
    )


def _runs(look: HostLook, vm_id: str) -> bool:
    machine = look.machines.get(vm_id)
    job = any(job.vm_id == vm_id and job.runs for job in look.jobs)
    return job or (machine is not None and machine.seen.is_migrating)


def _track(intent: Any, findings: tuple[Finding, ...]) -> Track:
    track = Track(intent=intent, wanted=intent, findings=findings)
    stops = blocking(findings)
    if intent.in_place:
        track.finish(Result.ALREADY_THERE, 0.0)
    elif stops:
        track.finish(Result.FAILED, 0.0, NotPossible.blocked(intent.vm.name, stops))
    return track


def _apply(plan: StoragePlan, request: Request, clock: Clock, runner: Runner) -> dict[str, Any]:
    moving = plan.open

    def look() -> HostLook:
        return patiently(lambda: look_at(plan.session), clock)

    work = Surround(
        session=plan.session,
        sessions=request.sessions,
        look=look,
        request=plan.request,
        clock=clock,
        runner=runner,
        reporter=request.reporter,
    )
    Campaign(work, moving).run()
    if plan.request.remove_empty_source_folders:
        for track in moving:
            if track.result is Result.MOVED:
                _clean(plan, track)
    return {}


def _clean(plan: StoragePlan, track: Track) -> None:
    try:
        remove_empty_folders(plan.session, [facts_of(plan.details[track.id])])
    except MobilityError as error:
        track.findings += (
            Finding(
                id="folders_left",
                severity=Severity.WARNING,
                subject=track.name,
                evidence=error.msg,
                remedy="Remove the empty folders by hand.",
            ),
        )


def _finished(plan: StoragePlan, diff: Diff, *, changed: bool) -> Outcome:
    if plan.request.skip_blocked:
        for track in plan.tracks:
            if track.result is Result.FAILED and not track.began and blocking(track.findings):
                track.result, track.error = Result.SKIPPED, None
    failed = [track for track in plan.tracks if track.result is Result.FAILED]
    values = {
        "vms": [track.as_plain() for track in plan.tracks],
        "summary": {result.value: sum(t.result is result for t in plan.tracks) for result in Result},
        "blocked": any(blocking(track.findings) for track in plan.tracks),
    }
    errors = [track.error for track in failed if track.error is not None]
    stops = tuple(finding for track in failed for finding in blocking(track.findings))
    said = "the storage of {} of {} VMs was not moved"
    failure = one_failure(errors, len(plan.tracks), said, stops, changed=changed)
    return Outcome(changed=changed, values=values, diff=diff, failure=None if plan.request.preflight_only else failure)
