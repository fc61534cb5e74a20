# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The storage migrations of one task: started up to the live slots, watched, tried again, never twice at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import ConnectionLost, MobilityError, NotFound, RemoteError, TimedOut
from ...session.command import command, switch
from ..gateway import read_details
from ..migration.decide import TRANSITIONAL
from ..migration.hosts import patiently
from ..migration.mover import Attempt
from ..migration.outcome import Result
from ..migration.rounds import BUSY_SECONDS, NO_LIMIT_SECONDS, Rounds
from ..migration.track import LOST_LINKS
from ..migration.way import Phase
from ..progress import Course, advance
from ..remedies import TRANSIENT
from ..slots import STORAGE_MOVES
from .intent import intend
from .track import Track

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...operation import Reporter
    from ...session.protocol import Session, Sessions
    from ...waiting import Clock
    from ..migration.look import HostLook
    from ..migration.threads import Runner
    from .request import StorageRequest


@dataclass(frozen=True, kw_only=True)
class Surround:
    """What a campaign works with; the clock and the runner are handed in."""

    session: Session
    sessions: Sessions
    look: Callable[[], HostLook]
    request: StorageRequest
    clock: Clock
    runner: Runner
    reporter: Reporter


def migrate(session: Session, track: Track, request: StorageRequest) -> Attempt:
    """Move one VM's storage in the foreground of a session; never raises an error of the family."""
    move = command("Get-VM", Id=track.id, ErrorAction="Stop") | command(
        "Move-VMStorage",
        ErrorAction="Stop",
        ResourcePoolName=request.resource_pool_name,
        RetainVhdCopiesOnSource=switch(request.retain_vhd_copies_on_source),
        RemoveSourceUnmanagedVhds=switch(request.remove_source_unmanaged_vhds),
        AllowUnverifiedPaths=switch(request.allow_unverified_paths),
        **{key: value for key, value in track.intent.placement.arguments().items() if key != "IncludeStorage"},
    )
    try:
        session.invoke(move, timeout_seconds=NO_LIMIT_SECONDS).check(changed=True)
    except MobilityError as error:
        return Attempt(began=True, error=error)
    return Attempt(began=True)


class Campaign(Rounds[Track]):
    """Moves the storage of the tracks' VMs; results are in the tracks."""

    def __init__(self, work: Surround, queue: Sequence[Track]) -> None:
        super().__init__(work, queue)
        self._work = work

    def _round(self) -> None:
        look = self._work.look()
        self._notice(look)
        for track in self._open():
            if track.id not in self._busy:
                self._judge(track, look)
        for track in self._in(Phase.QUEUED):
            if self._may_start(track, look):
                self._launch(track)
        for track in self._in(Phase.RUNNING, Phase.WATCHED):
            self._say(track, look)
            self._limit(track)

    def _judge(self, track: Track, look: HostLook) -> None:
        """Act on what the host says about a VM that no thread of ours works on."""
        now, machine = self._work.clock.monotonic(), look.machines.get(track.id)
        job = next((job for job in look.jobs if job.vm_id == track.id and job.runs), None)
        if not look.whole:
            self._wait(track, BUSY_SECONDS, look.doubt)
        elif machine is None:
            track.finish(Result.FAILED, now, self._gone(track))
        elif job is not None or machine.seen.is_migrating:
            self._watch(track)
        elif machine.seen.is_interrupted:
            self._wait(track, self._work.request.wait_for_backup_seconds, "a backup or another operation on it runs")
        elif machine.seen.state in TRANSITIONAL:
            self._wait(track, BUSY_SECONDS, f"it is {machine.seen.state}")
        else:
            track.waiting_since = None
            if track.attempt is not None or track.phase is Phase.WATCHED:
                self._settle(track, now)

    def _gone(self, track: Track) -> NotFound:
        return NotFound(f"{track.name} ({track.id}) is no longer on {self._work.session.host}", changed=track.changed)

    def _watch(self, track: Track) -> None:
        if track.phase is not Phase.WATCHED:
            track.watched = track.watched or not track.began
            track.phase, track.attempt = Phase.WATCHED, None
            self._begin(track)
            self._work.reporter.say(f"{track.name}: a migration of it runs, waiting for its end")

    def _wait(self, track: Track, limit: float, what: str) -> None:
        now = self._work.clock.monotonic()
        track.phase = Phase.QUEUED if track.phase is not Phase.WATCHED else track.phase
        if track.waiting_since is None:
            track.waiting_since = now
            self._work.reporter.say(f"{track.name}: waiting: {what}")
        waited = now - track.waiting_since
        if waited >= limit:
            text = f"{track.name}: {what}, still after {waited:.0f} seconds"
            track.finish(Result.FAILED, now, TimedOut(text, changed=track.changed, last_seen=what))

    def _settle(self, track: Track, now: float) -> None:
        """After a migration has ended, whoever ran it: look where the files are, then end or try again."""
        work = self._work
        found = patiently(lambda: read_details(work.session, [track.id], checkpoint_parts=True), work.clock)
        if not found:
            track.finish(Result.FAILED, now, self._gone(track))
            return
        track.intent = intend(found[0], work.request, track.wanted.folder)
        attempt, was_watched = track.attempt, track.phase is Phase.WATCHED
        # A command whose link was lost may reach the host after this look.
        track.unsure = attempt is not None and isinstance(attempt.error, ConnectionLost)
        track.phase, track.attempt = Phase.QUEUED, None
        if track.intent.in_place:
            track.finish(Result.MOVED if track.began else Result.ATTACHED, now)
        elif not (was_watched and attempt is None):
            self._again(track, attempt, now)

    def _again(self, track: Track, attempt: Attempt | None, now: float) -> None:
        error = attempt.error if attempt else None
        link = isinstance(error, ConnectionLost)
        code = error.details.get("hresult") if isinstance(error, RemoteError) else None
        # A refusal for slots carries no code (facts, 3.5), and neither does one for a state that passes.
        codeless = isinstance(error, RemoteError) and code is None
        if codeless and self._is_crowded() and track.is_crowded_out():
            track.not_before = now + 5.0
            return
        track.tries += 1
        passing = codeless or code in TRANSIENT
        limit = LOST_LINKS if link else self._work.request.retries
        if not (link or passing) or track.tries > limit:
            left = ", ".join(sorted(track.intent.before().values()))
            unmoved = RemoteError(f"{track.name}: Move-VMStorage ended without an error, but this is left: {left}")
            track.finish(Result.FAILED, now, error or unmoved)
            return
        track.not_before = now + 5.0 * track.tries

    def _may_start(self, track: Track, look: HostLook) -> bool:
        if track.waiting_since is not None or self._work.clock.monotonic() < track.not_before:
            return False
        started = frozenset(self._busy)
        free = look.load.storage_limit - len(look.load.moving_storage | started)
        if self._work.request.concurrency is not None:
            free = min(free, self._work.request.concurrency - len(started))
        return free > 0

    def _launch(self, track: Track) -> None:
        session = self._idle.pop() if self._idle else self._work.sessions.another_here()
        self._busy[track.id] = session
        track.phase, track.attempt, track.unsure, track.course = Phase.RUNNING, None, True, None
        self._begin(track)
        self._work.runner.start(track.id, lambda: migrate(session, track, self._work.request))

    def _say(self, track: Track, look: HostLook) -> None:
        jobs = (job for job in look.jobs if job.vm_id == track.id and job.runs and job.job_type in STORAGE_MOVES)
        job = next(jobs, None)
        if job is None:
            return
        now = self._work.clock.monotonic()
        if track.course is None:
            where = track.wanted.folder or next(iter(track.wanted.after().values()), "")
            track.course = Course(
                vm=track.name,
                source=track.wanted.vm.path,
                destination=where,
                total_bytes=track.wanted.bytes,
                started=now,
                first_percent=job.percent,
            )
        track.course, line = advance(track.course, job.percent, now, interactive=self._work.reporter.interactive)
        if line is not None:
            self._work.reporter.say(line)

    def _limit(self, track: Track) -> None:
        limit, now = self._work.request.timeout_seconds, self._work.clock.monotonic()
        if limit and track.started is not None and now - track.started >= limit:
            text = (
                f"{track.name}: its storage migration has not ended after {now - track.started:.0f} seconds; it goes on"
            )
            track.finish(Result.FAILED, now, TimedOut(f"{text}, run again to attach to it", changed=track.changed))
