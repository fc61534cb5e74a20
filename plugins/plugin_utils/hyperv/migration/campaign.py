# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The moves of one task: started up to the live slots, watched, tried again, never twice at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import MobilityError, NotPossible
from ..progress import Course, advance
from ..remedies import Surroundings
from ..slots import MOVES, free_slots
from . import track as tracks
from .decide import Step, decide
from .mover import Attempt, Order, attempt
from .outcome import Result
from .prepare import Preparation
from .read_hosts import destroy_planned
from .rounds import BUSY_SECONDS, NO_LIMIT_SECONDS, POLL_SECONDS, Rounds
from .track import Track
from .way import Phase

if TYPE_CHECKING:
    from ...operation import Reporter
    from ...session.protocol import Session, Sessions
    from ...waiting import Clock
    from .decide import Presence
    from .hosts import Hosts
    from .look import Look
    from .request import MoveRequest
    from .threads import Runner

UNPROVEN_SECONDS = 300.0
_GOING = " (it was told to shut down for its processor compatibility; run again to have it started)"


@dataclass(frozen=True, kw_only=True)
class Surround:
    """What a campaign works with; the clock and the runner are handed in."""

    hosts: Hosts
    sessions: Sessions
    request: MoveRequest
    around: Surroundings
    destination: str
    """The name Move-VM is told."""
    clock: Clock
    runner: Runner
    reporter: Reporter
    check: Callable[[Track, Look], None]
    """Checks a VM that was only watched so far, before it is moved; it may end the track, or raise."""
    prepare: Preparation | None = None
    """Run in a move's own session before it compares (processor compatibility)."""


class Campaign(Rounds[Track]):
    """Moves tracks from the source to the destination; results are in the tracks."""

    def __init__(self, work: Surround, queue: Sequence[Track]) -> None:
        super().__init__(work, queue)
        self._work = work

    def _round(self) -> None:
        look = self._work.hosts.look()
        self._notice(look.source, look.destination)
        for track in self._open():
            if track.vm.id not in self._busy:
                self._judge(track, look)
        self._start(look)
        for track in self._in(Phase.RUNNING, Phase.WATCHED):
            self._say(track, look)
            self._limit(track)

    def _judge(self, track: Track, look: Look) -> None:
        """Act on what both hosts say about a VM that no thread of ours works on."""
        presence, now = look.presence(track.vm.id), self._work.clock.monotonic()
        step = decide(presence)
        if not track.note(step, now):
            return
        if step is Step.ATTACH:
            self._watch(track)
            self._doubt(track, presence, now)
        elif step is Step.ALREADY_THERE:
            tracks.arrived(track, now)
        elif step in {Step.CONFLICT, Step.NOT_FOUND}:
            tracks.lost(track, step, self._work.around.source, self._work.around.destination, now)
        elif step in {Step.MOVE, Step.CLEAR_AND_MOVE}:
            track.waiting_since, track.clear_first = None, step is Step.CLEAR_AND_MOVE
            if not self._is_checked(track, look):
                return
            full, crowded = self._free(track, look) < 1, self._is_crowded()
            tracks.still_there(track, step, now, retries=self._work.request.retries, slots_full=full, crowded=crowded)
        else:
            self._wait(track, step, look)

    def _is_checked(self, track: Track, look: Look) -> bool:
        """Return whether a VM may move now; one that was only watched so far is checked first."""
        if not track.checked:
            try:
                self._work.check(track, look)
            except MobilityError as error:
                track.finish(Result.FAILED, self._work.clock.monotonic(), error)
        return track.phase is not Phase.DONE

    def _watch(self, track: Track) -> None:
        if track.phase is Phase.WATCHED:
            return
        track.phase, track.attempt, track.waiting_since = Phase.WATCHED, None, None
        track.watched = track.watched or not track.began
        self._begin(track)
        self._work.reporter.say(f"{track.vm.name}: a move of it runs, waiting for its end")

    def _doubt(self, track: Track, presence: Presence, now: float) -> None:
        """Bound the wait for a move that a planned VM alone shows: its job should be seen within seconds."""
        if presence.shows_a_move:
            track.waiting_since = None
            return
        track.waiting_since = now if track.waiting_since is None else track.waiting_since
        if now - track.waiting_since >= BUSY_SECONDS:
            track.phase = Phase.QUEUED
            what = "a planned VM at the destination shows a move of it, and no job has shown up"
            tracks.expired(track, what, now - track.waiting_since, now)

    def _wait(self, track: Track, step: Step, look: Look) -> None:
        now = self._work.clock.monotonic()
        track.phase = Phase.QUEUED
        if track.waiting_since is None:
            track.waiting_since = now
            if step is Step.WAIT:
                self._work.reporter.say(f"{track.vm.name}: waiting for its backup or another operation to end")
        waited = now - track.waiting_since
        limit, what = {
            Step.WAIT: (
                self._work.request.wait_for_backup_seconds,
                "a backup or another operation on it has not ended",
            ),
            Step.BUSY: (BUSY_SECONDS, "it has not come to rest" + (_GOING if track.prepared else "")),
        }.get(step, (UNPROVEN_SECONDS, look.source.doubt or look.destination.doubt))
        if waited >= limit:
            tracks.expired(track, what, waited, now)

    def _free(self, track: Track, look: Look) -> int:
        return free_slots(
            look.source.load,
            look.destination.load,
            started=frozenset(self._busy),
            with_storage=track.placement.with_storage,
            concurrency=self._work.request.concurrency,
        )

    def _start(self, look: Look) -> None:
        now = self._work.clock.monotonic()
        for track in self._in(Phase.QUEUED):
            ready = track.step in {Step.MOVE, Step.CLEAR_AND_MOVE} and track.settled
            if not ready or now < track.not_before or self._free(track, look) < 1:
                continue
            if track.clear_first and not self._cleared(track, now):
                continue
            self._launch(track)

    def _cleared(self, track: Track, now: float) -> bool:
        """Remove the planned VM that nobody uses: nothing has shown a move of it for some time."""
        hosts = self._work.hosts
        if hosts.patiently(lambda: destroy_planned(hosts.destination, track.vm.id)):
            self._work.reporter.say(f"{track.vm.name}: removed a planned VM of it that was left at the destination")
            track.clear_first = False
            return True
        error = NotPossible(
            f"{track.vm.name}: a planned VM of this Id is left on {self._work.around.destination} and "
            f"could not be removed",
            findings=(),
        )
        track.finish(Result.FAILED, now, error)
        return False

    def _launch(self, track: Track) -> None:
        session = self._idle.pop() if self._idle else self._work.sessions.another_here()
        work = self._work
        order = Order(
            vm_id=track.vm.id,
            vm_name=track.vm.name,
            destination=work.destination,
            placement=track.placement,
            request=work.request,
            around=work.around,
        )

        self._busy[track.vm.id] = session
        track.course = None
        track.phase, track.attempt, track.preparing = Phase.RUNNING, None, work.prepare is not None
        self._begin(track)
        work.runner.start(track.vm.id, lambda: self._attempt(session, track, order))

    def _attempt(self, session: Session, track: Track, order: Order) -> Attempt:
        """Make the VM ready and move it; runs in a thread of its own."""
        try:
            ended = None if self._work.prepare is None else self._work.prepare(session, track, order)
        finally:
            track.ready_at = self._work.clock.monotonic()
            track.preparing = False
        return attempt(session, order, timeout_seconds=NO_LIMIT_SECONDS) if ended is None else ended

    def _end_early(self, error: MobilityError) -> None:
        """Wait for VMs that are being prepared, which would be left shut down, then end."""
        while any(track.preparing for track in self._in(Phase.RUNNING)):
            self._work.clock.sleep(POLL_SECONDS)
        super()._end_early(error)

    def _left(self, track: Track) -> str:
        if track.preparing:
            return (
                f"{track.name}: it may be shut down, or on its way, for its processor compatibility; run again with "
                "the same options to have it started and moved"
            )
        return super()._left(track)

    def _say(self, track: Track, look: Look) -> None:
        job, now = look.job(track.vm.id), self._work.clock.monotonic()
        if job is None or job.job_type not in MOVES:  # a check's percents are not those of the move
            return
        track.began = track.began or track.phase is Phase.RUNNING
        if track.course is None:
            track.course = Course(
                vm=track.vm.name,
                source=self._work.around.source,
                destination=self._work.around.destination,
                total_bytes=moved_bytes(track),
                started=now,
                first_percent=job.percent,
            )
        track.course, line = advance(track.course, job.percent, now, interactive=self._work.reporter.interactive)
        if line is not None:
            self._work.reporter.say(line)

    def _limit(self, track: Track) -> None:
        """End a move that takes too long; never one whose VM is being prepared, which would be left shut down."""
        limit = self._work.request.timeout_seconds
        if not limit or track.started is None or track.preparing:
            return
        now = self._work.clock.monotonic()
        waited = now - (track.started if track.ready_at is None else max(track.started, track.ready_at))
        if waited >= limit:
            tracks.expired(track, "the move has not ended", waited, now)


def moved_bytes(track: Track) -> int:
    """Return the bytes a move copies: files where storage moves, memory where the VM runs."""
    return (track.vm.copied_bytes if track.placement.with_storage else 0) + (
        track.vm.memory_bytes if track.vm.runs else 0
    )


def in_order(queue: Sequence[Track]) -> list[Track]:
    """Return tracks in the order they start: running VMs first, the longest move first, then those that are off."""
    return sorted(queue, key=lambda track: (not track.vm.runs, -moved_bytes(track), track.vm.name.lower(), track.vm.id))
