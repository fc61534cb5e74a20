# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet's clock: simulated seconds that run faster than the wall's, or only when a test says so."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST_NAP = 0.1
"""Wall seconds between two looks while waiting: a change that nobody announced is still seen soon."""


class Clock:
    """Simulated time in seconds since the start of the fleet.

    ``speed`` is simulated seconds per wall second. Speed 0 makes a clock that stands until ``advance`` moves it.
    """

    def __init__(self, speed: float = 60.0, start: datetime | None = None) -> None:
        self.speed = speed
        self.start = start or datetime.now(timezone.utc).replace(microsecond=0)
        self._wall = time.monotonic()
        self._moved = 0.0
        self._changes = 0
        self._changed = threading.Condition()

    def now(self) -> float:
        """Return the simulated seconds since the start."""
        return (time.monotonic() - self._wall) * self.speed + self._moved

    def date(self, seconds: float | None = None) -> datetime:
        """Return a moment (now by default) as an aware date."""
        return self.start + timedelta(seconds=self.now() if seconds is None else seconds)

    def advance(self, seconds: float) -> None:
        """Move the clock forward at once and wake everyone who waits."""
        self._moved += seconds
        self.notify()

    def notify(self) -> None:
        """Say that something changed: waiting conditions are looked at again."""
        with self._changed:
            self._changes += 1
            self._changed.notify_all()

    def wait(
        self,
        condition: Callable[[], bool] | None = None,
        *,
        seconds: float | None = None,
        stopping: threading.Event | None = None,
    ) -> bool:
        """Wait until the condition holds; return whether it did before the seconds ran out or stopping was set.

        The condition is called without any lock of the clock, so it may take the fleet's lock. The caller must not
        hold the fleet's lock.
        """
        deadline = None if seconds is None else self.now() + seconds
        while True:
            seen = self._changes
            if condition is not None and condition():
                return True
            if stopping is not None and stopping.is_set():
                return False
            left = None if deadline is None else deadline - self.now()
            if left is not None and left <= 0:
                return False
            with self._changed:
                if self._changes == seen:
                    self._changed.wait(self._nap(left))

    def sleep(self, seconds: float, stopping: threading.Event | None = None) -> bool:
        """Let simulated seconds pass; return False when stopped before."""
        self.wait(seconds=seconds, stopping=stopping)
        return stopping is None or not stopping.is_set()

    def _nap(self, left: float | None) -> float:
        if left is None or self.speed <= 0:
            return _LONGEST_NAP
        return min(max(left / self.speed, 0.0005), _LONGEST_NAP)
