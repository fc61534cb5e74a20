# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two hosts of a task, looked at together; a lost link is opened again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from ...errors import AuthenticationFailed, ConnectionLost, TimedOut
from ...waiting import Deadline
from .look import Look, look_at

if TYPE_CHECKING:
    from ...session.protocol import Session, Sessions
    from ...waiting import Clock

PATIENCE_SECONDS = 300.0
"""How long a host may be out of reach (a restart of its WinRM service takes seconds, of the host minutes)."""
_PAUSE_SECONDS = 3.0
T = TypeVar("T")


class Hosts:
    """Reads both ends through one session each."""

    def __init__(self, sessions: Sessions, destination: str, clock: Clock) -> None:
        self._clock = clock
        self.source: Session = sessions.here()
        self.destination: Session = sessions.to(destination)

    def look(self) -> Look:
        """Return one look at both hosts; raises ConnectionLost when one stays out of reach."""
        there = self.patiently(lambda: look_at(self.destination))
        return Look(source=self.patiently(lambda: look_at(self.source)), destination=there)

    def first_look(self) -> Look:
        """Return the first look, without patience: a host out of reach at the start is an error at once."""
        return Look(source=look_at(self.source), destination=look_at(self.destination))

    def patiently(self, question: Callable[[], T]) -> T:
        """Return what a reading function says, asked again when the link is lost: a session opens it by itself."""
        return patiently(question, self._clock)


def patiently(question: Callable[[], T], clock: Clock) -> T:
    """Return what a reading function says; while the link is lost it is asked again for some minutes."""
    deadline = Deadline(PATIENCE_SECONDS, clock)
    first = True
    while True:
        try:
            return question()
        except AuthenticationFailed:
            raise
        except (ConnectionLost, TimedOut):
            if deadline.passed:
                raise
        if not first:
            clock.sleep(_PAUSE_SECONDS)
        first = False
