# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task vm_migration: choose, decide by Id, check everything, then move, then prove."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...errors import InvalidRequest, MobilityError
from ...findings import blocking
from ...operation import Diff, Outcome, carry_out
from ...waiting import SYSTEM_CLOCK
from .. import compatibility
from ..preflight.capacity import needs_of
from ..remedies import Surroundings
from ..selection import parse_selection
from .campaign import Campaign, Surround, in_order, moved_bytes
from .checking import Checked, check_moves, choose, decide_all, same_host
from .decide import Step
from .hosts import Hosts
from .leftovers import clear_comparisons
from .mover import Order, check
from .outcome import Result, VmResult, one_failure
from .prepare import changes_processor, preparation, starts_left_off
from .proof import prove, unproven
from .request import MoveRequest, parse
from .standing import check_now, doubts_about, standing_track
from .threads import Threads
from .track import Track, block

if TYPE_CHECKING:
    from ...operation import Request
    from ...waiting import Clock
    from .look import Look
    from .threads import Runner

_MOVING = frozenset({Step.MOVE, Step.CLEAR_AND_MOVE, Step.BUSY, Step.WAIT})
"""Steps of VMs that are on the source and are to move."""
_NOT_COMPARED = frozenset({Step.ATTACH, Step.WAIT, Step.BUSY, Step.CLEAR_AND_MOVE})
"""Steps of VMs that a comparison would disturb, or that it would be refused for."""
_ARRIVED = frozenset({Result.MOVED, Result.ATTACHED, Result.ALREADY_THERE})


@dataclass(frozen=True, kw_only=True)
class MigrationPlan:
    """What is to be done, decided before the first change. ``tracks`` are in the order they start."""

    hosts: Hosts
    request: MoveRequest
    look: Look
    around: Surroundings | None
    tracks: tuple[Track, ...]
    steps: dict[str, Step] = field(default_factory=dict)

    @property
    def open(self) -> tuple[Track, ...]:
        """Those that are not decided yet: they move, or are being moved."""
        return tuple(track for track in self.tracks if track.result is None)

    @property
    def changed(self) -> bool:
        """Whether any VM is to change its place."""
        return bool(self.open) and not self.request.preflight_only

    def diff(self) -> Diff:
        """Return where each VM was and is, or will be as long as it is not decided."""
        source, destination = self.hosts.source.host, self.hosts.destination.host
        twins = Counter(track.vm.name for track in self.tracks)
        before, after = {}, {}
        for track in self.tracks:
            name = track.vm.name if twins[track.vm.name] == 1 else f"{track.vm.name} ({track.vm.id})"
            before[name] = destination if self.steps[track.vm.id] is Step.ALREADY_THERE else source
            arrives = self.changed if track.result is None else track.result in _ARRIVED
            after[name] = destination if arrives else before[name]
        return Diff(before=before, after=after)


def operate(request: Request, *, clock: Clock = SYSTEM_CLOCK, runner: Runner | None = None) -> Outcome:
    """Move the asked VMs to the destination host; a failed VM is a failure with all results beside it."""
    plan = make_plan(request, clock)
    if not (request.check_mode or plan.request.preflight_only):
        outcome = carry_out(plan, lambda found: _apply(found, request, clock, runner or Threads()), request, {})
        return _finished(plan, changed=_has_changed(plan), diff=outcome.diff)
    _compare(plan, clock)
    diff = plan.diff()
    for track in plan.open:
        will_move = request.check_mode and not plan.request.preflight_only
        track.finish(Result.MOVED if will_move else Result.SKIPPED, clock.monotonic())
    moving = any(track.result is Result.MOVED for track in plan.tracks)
    return _finished(plan, changed=moving, diff=diff)


def make_plan(request: Request, clock: Clock) -> MigrationPlan:
    """Return what is to be done about each asked VM, with the findings of those that are to move."""
    asked = parse(
        request.arguments, host=request.host, inventory_hosts=request.inventory_hosts, variable=request.variable
    )
    selection = parse_selection(request.arguments)
    hosts = Hosts(request.sessions, asked.destination, clock)
    look = _first_look(hosts)
    chosen, look = decide_all(hosts, look, choose(hosts, look, selection, resuming=starts_left_off(asked)), clock)
    steps = {one.machine.id: one.step for one in chosen}
    moving = [one.machine.id for one in chosen if one.step in _MOVING]
    checked, around = check_moves(hosts, look, moving, asked) if moving else ([], None)
    now = clock.monotonic()
    tracks = in_order([_checked_track(one, steps[one.vm.id], now) for one in checked])
    doubts = doubts_about(hosts, look) if Step.UNPROVEN in steps.values() else ()
    tracks += [standing_track(one, hosts, doubts, now) for one in chosen if one.step not in _MOVING]
    return MigrationPlan(hosts=hosts, request=asked, look=look, around=around, tracks=tuple(tracks), steps=steps)


def _first_look(hosts: Hosts) -> Look:
    look = hosts.first_look()
    if same_host(look):
        raise InvalidRequest(
            f"destination_host: {hosts.destination.host!r} is the source host {hosts.source.host!r} itself "
            f"({look.source.windows_name})"
        )
    return look


def _checked_track(one: Checked, step: Step, now: float) -> Track:
    track = Track(vm=one.vm, placement=one.placement, needs=needs_of(one.order), findings=one.findings)
    track.note(step, now)
    stops = blocking(one.findings)
    if stops:
        block(track, stops, now)
    return track


def _apply(plan: MigrationPlan, request: Request, clock: Clock, runner: Runner) -> dict[str, Any]:
    around = plan.around or _unknown(plan)
    work = Surround(
        hosts=plan.hosts,
        sessions=request.sessions,
        request=plan.request,
        around=around,
        destination=plan.look.destination.windows_name,
        clock=clock,
        runner=runner,
        reporter=request.reporter,
        check=lambda track, look: check_now(plan.hosts, look, track, plan.request, clock.monotonic()),
        prepare=preparation(plan.request, clock),
    )
    moving = plan.open
    campaign = Campaign(work, moving)
    campaign.run()
    came = [track for track in plan.tracks if track.result in {Result.MOVED, Result.ATTACHED}]
    if campaign.ended_early:
        unproven(came, "the hosts could not be looked at to the end")
        return {}
    try:
        untouched = [t.vm.id for t in moving if t.result is Result.FAILED and not t.began]
        clear_comparisons(plan.hosts, untouched, clock)
        prove(plan.hosts, came, plan.request, clock)
    except MobilityError as error:
        unproven(came, error.msg)
    return {}


def _compare(plan: MigrationPlan, clock: Clock) -> None:
    """Add Compare-VM's own report to every VM that nothing blocks yet; the planned VM it makes is removed again."""
    session, compared = plan.hosts.source, []
    for track in plan.open:
        if track.step in _NOT_COMPARED or plan.around is None:
            continue
        order = Order(
            vm_id=track.vm.id,
            vm_name=track.vm.name,
            destination=plan.look.destination.windows_name,
            placement=track.placement,
            request=plan.request,
            around=plan.around,
        )
        found = check(session, order, flag_to_come=changes_processor(plan.request, track))
        compatibility.discard(session)
        compared.append(track.vm.id)
        track.findings += tuple(finding for finding in found if finding not in track.findings)
        if blocking(found):
            block(track, blocking(found), 0.0)
    clear_comparisons(plan.hosts, compared, clock)


def _has_changed(plan: MigrationPlan) -> bool:
    return any(
        track.began
        or track.result is Result.ATTACHED
        or track.prepared
        or (track.error is not None and track.error.changed)
        for track in plan.tracks
    )


def _finished(plan: MigrationPlan, *, changed: bool, diff: Diff | None) -> Outcome:
    if plan.request.skip_blocked:
        _skip_blocked(plan.tracks)
    results = [_result(track, plan) for track in plan.tracks]
    counted = {result.value: sum(one.outcome is result for one in results) for result in Result}
    failed = [one for one in results if one.outcome is Result.FAILED]
    values = {
        "vms": [one.as_plain() for one in results],
        "summary": counted,
        "blocked": any(blocking(one.findings) for one in results),
    }
    failure = None if plan.request.preflight_only else _failure(failed, len(results), changed=changed)
    return Outcome(changed=changed, values=values, diff=diff, failure=failure)


def _skip_blocked(tracks: tuple[Track, ...]) -> None:
    """Turn the failure of VMs that a finding kept from being tried into a skip; the findings stay."""
    for track in tracks:
        if track.result is Result.FAILED and not track.began and blocking(track.findings):
            track.result, track.error = Result.SKIPPED, None


def _failure(failed: list[VmResult], total: int, *, changed: bool) -> MobilityError | None:
    errors = [one.error for one in failed if one.error is not None]
    findings = tuple(finding for one in failed for finding in blocking(one.findings))
    return one_failure(errors, total, "{} of {} VMs were not moved", findings, changed=changed)


def _result(track: Track, plan: MigrationPlan) -> VmResult:
    took = track.ended - track.started if track.started is not None and track.ended is not None else None
    return VmResult(
        id=track.vm.id,
        name=track.vm.name,
        source=plan.hosts.source.host,
        destination=plan.hosts.destination.host,
        outcome=track.result or Result.SKIPPED,
        started=track.started_at,
        seconds=took,
        bytes=moved_bytes(track) if track.began else None,
        needs=track.needs,
        findings=track.findings,
        error=track.error,
    )


def _unknown(plan: MigrationPlan) -> Surroundings:
    """Return surroundings where nothing was to be checked, because every VM is already being moved."""
    modes = [str(look.settings.get(_MODE) or "") for look in (plan.look.source, plan.look.destination)]
    return Surroundings(
        source=plan.hosts.source.host,
        destination=plan.hosts.destination.host,
        source_authentication=modes[0],
        destination_authentication=modes[1],
        delegates_credentials=plan.hosts.source.delegates_credentials,
    )


_MODE = "VirtualMachineMigrationAuthenticationType"
