# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every campaign of migrations has: tracks, sessions for those that run, rounds until all are done."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from ...errors import MobilityError
from .outcome import Result
from .way import Phase, Way

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...operation import Reporter
    from ...session.protocol import Session
    from ...waiting import Clock
    from .look import HostLook
    from .threads import Runner

POLL_SECONDS = 2.0
NO_LIMIT_SECONDS = 30 * 86400.0
"""Given to the invocation that moves: at its deadline a session asks the host to stop, which would cancel the move."""
BUSY_SECONDS = 120.0
"""How long a VM between two states is waited for after its check."""
CROWD_SECONDS = 60.0
"""How long after somebody else's moves were seen a refusal without a code may be theirs."""


class Means(Protocol):
    """What rounds work with."""

    @property
    def clock(self) -> Clock:
        """The clock."""

    @property
    def runner(self) -> Runner:
        """Runs attempts beside each other."""

    @property
    def reporter(self) -> Reporter:
        """Where progress is said."""


T = TypeVar("T", bound=Way)


class Rounds(ABC, Generic[T]):
    """Tracks that are worked on until every one is done."""

    def __init__(self, means: Means, queue: Sequence[T]) -> None:
        self._means = means
        self._tracks = {track.id: track for track in queue}
        self._idle: list[Session] = []
        self._busy: dict[str, Session] = {}
        self._crowd: float | None = None
        self.ended_early = False
        """Whether an error of a look ended the way of VMs that were not done."""

    @abstractmethod
    def _round(self) -> None:
        """Look once, judge, start, say."""

    def run(self) -> None:
        """Work until every track is done. What can't be looked at any more fails the VMs that are not done, no others.

        An interruption or a time-out of the task leaves moves running, and says which. The sessions of those are
        abandoned, not closed: closing one would ask the host to stop what runs in it.
        """
        try:
            while self._open():
                self._collect()
                self._round()
                if self._open():
                    self._means.clock.sleep(POLL_SECONDS)
        except MobilityError as error:
            self._end_early(error)
        except BaseException:
            for track in self._in(Phase.RUNNING, Phase.WATCHED):
                self._means.reporter.say(self._left(track))
            raise
        finally:
            for session in self._busy.values():
                session.abandon()

    def _left(self, track: T) -> str:
        """Say what becomes of a VM whose work an interruption leaves."""
        return f"{track.name}: its move goes on; run again to attach to it"

    def _end_early(self, error: MobilityError) -> None:
        """End the way of every VM that is not done; a move that was started may go on."""
        self.ended_early = True
        self._collect()
        for track in self._open():
            # The host may have begun what its thread still waits for.
            track.began = track.began or track.id in self._busy
            said = f"{track.name}: {error.msg}"
            if track.id in self._busy or track.phase is Phase.WATCHED:
                said = f"{error.msg}; {self._left(track)}"
            elif track.started is not None:
                said += "; run again, which finds its move done, or does it"
            told = error.retold(said, changed=track.began)
            track.finish(Result.FAILED, self._means.clock.monotonic(), told)

    def _open(self) -> list[T]:
        return [track for track in self._tracks.values() if track.phase is not Phase.DONE]

    def _in(self, *phases: Phase) -> list[T]:
        return [track for track in self._tracks.values() if track.phase in phases]

    def _collect(self) -> None:
        """Take back the sessions of attempts that have ended."""
        for vm_id, ended in self._means.runner.finished():
            track = self._tracks[vm_id]
            self._idle.append(self._busy.pop(vm_id))
            track.began = track.began or ended.began
            if track.phase is not Phase.DONE:
                track.attempt = ended

    def _notice(self, *looks: HostLook) -> None:
        """Note when others were seen to move VMs at these hosts."""
        if any(look.others_move(self._tracks.keys()) for look in looks):
            self._crowd = self._means.clock.monotonic()

    def _is_crowded(self) -> bool:
        """Whether others moved VMs lately, so that they may have had the slots which were free before."""
        return self._crowd is not None and self._means.clock.monotonic() - self._crowd <= CROWD_SECONDS

    def _begin(self, track: T) -> None:
        """Note when a track's move began, once."""
        if track.started is None:
            track.started = self._means.clock.monotonic()
            track.started_at = datetime.now(timezone.utc).replace(microsecond=0).isoformat().replace("+00:00", "Z")
