# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The VMs of one task, a few at a time, each in a thread and with sessions of its own."""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Protocol

from ....waiting import Deadline
from ...migration.threads import Workers
from .decide import Step
from .journey import Ended, Journey
from .outcome import Result
from .reading import Ends
from .work import Work

if TYPE_CHECKING:
    from ....errors import MobilityError
    from ....findings import Finding
    from ....operation import Reporter
    from ....session.protocol import Session, Sessions
    from ....waiting import Clock
    from ...preflight.needs import Needs
    from .adapters import Wiring
    from .reading import Case
    from .request import ColdRequest

POLL_SECONDS = 0.5


@dataclass(kw_only=True)
class Track:
    """One VM within the task. Changed by the main thread only."""

    case: Case
    wiring: Wiring
    steps: tuple[Step, ...] = ()
    """What is left, as decided before the first change."""
    needs: Needs | None = None
    """What it takes at the destination, where that was checked."""
    findings: tuple[Finding, ...] = ()
    result: Result | None = None
    error: MobilityError | None = None
    began: bool = False
    changed: bool = False
    started: float | None = None
    started_at: str | None = None
    ended: float | None = None
    size: int | None = None
    done: tuple[Step, ...] = ()

    def finish(self, result: Result, error: MobilityError | None = None) -> None:
        """End the VM's way before it began."""
        self.result, self.error = result, error


class Runner(Protocol):
    """Runs journeys; ``finished`` gives those that have ended since it was asked last."""

    def start(self, vm_id: str, work: Callable[[], Ended]) -> None:
        """Begin a journey."""

    def finished(self) -> list[tuple[str, Ended]]:
        """Return Ids and ends."""


class Threads(Workers[Ended]):
    """A thread per journey, so that a task can end while a host's own work goes on."""

    def __init__(self) -> None:
        super().__init__(lambda error: Ended(result=Result.FAILED, changed=True, error=error))


@dataclass(frozen=True, kw_only=True)
class Lane:
    """The sessions of one worker, used for one VM after the other."""

    ends: Ends
    watch: Session

    def abandon(self) -> None:
        """Leave what runs on the hosts alone."""
        for session in (self.ends.source, self.ends.destination, self.watch):
            session.abandon()


@dataclass(kw_only=True)
class Campaign:
    """Brings tracks to their end; results are in the tracks."""

    sessions: Sessions
    request: ColdRequest
    source_name: str
    destination_name: str
    clock: Clock
    runner: Runner
    reporter: Reporter
    run_id: str = ""
    _idle: list[Lane] = field(default_factory=list)
    _busy: dict[str, Lane] = field(default_factory=dict)
    _said: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)

    def run(self, tracks: Sequence[Track]) -> None:
        """Work until every track has a result; an interruption leaves the hosts' own work running, and says so.

        Sessions that are busy then are abandoned, not closed: closing one would ask the host to stop what runs in it.
        """
        by_id = {track.case.id: track for track in tracks}
        waiting = [track for track in tracks if track.result is None]
        try:
            while waiting or self._busy:
                while waiting and len(self._busy) < self.request.concurrency:
                    self._launch(waiting.pop(0))
                self._collect(by_id)
                if self._busy:
                    self.clock.sleep(POLL_SECONDS)
        except BaseException:
            for vm_id in self._busy:
                self.reporter.say(f"{by_id[vm_id].case.name}: not finished; run again to go on with it")
            raise
        finally:
            for lane in self._busy.values():
                lane.abandon()

    def _collect(self, tracks: dict[str, Track]) -> None:
        for vm_id, ended in self.runner.finished():
            self._idle.append(self._busy.pop(vm_id))
            self._end(tracks[vm_id], ended)
        while not self._said.empty():
            self.reporter.say(self._said.get_nowait())

    def _end(self, track: Track, ended: Ended) -> None:
        track.result, track.error = ended.result, ended.error
        track.done, track.size, track.changed = ended.steps, ended.size, ended.changed
        track.findings += tuple(found for found in ended.findings if found not in track.findings)
        track.ended = self.clock.monotonic()
        while not self._said.empty():
            self.reporter.say(self._said.get_nowait())
        self.reporter.say(f"{track.case.name}: {ended.result.value}")

    def _lane(self) -> Lane:
        if self._idle:
            return self._idle.pop()
        ends = Ends(source=self.sessions.another_here(), destination=self.sessions.another_to(self.request.destination))
        return Lane(ends=ends, watch=self.sessions.another_here())

    def _launch(self, track: Track) -> None:
        lane = self._lane()
        work = Work(
            id=track.case.id,
            name=track.case.name,
            places=track.case.places,
            request=self.request,
            ends=lane.ends,
            watch=lane.watch,
            destination_name=self.destination_name,
            source_name=self.source_name,
            clock=self.clock,
            deadline=Deadline(self.request.timeout_seconds, self.clock),
            tell=self._said.put,
            interactive=self.reporter.interactive,
            run_id=self.run_id,
        )
        self._busy[track.case.id] = lane
        track.began, track.started = True, self.clock.monotonic()
        track.started_at = datetime.now(timezone.utc).replace(microsecond=0).isoformat().replace("+00:00", "Z")
        journey = Journey(work=work, wiring=track.wiring, removes=Step.REMOVE_SOURCE in track.steps)
        self.runner.start(track.case.id, journey.run)
