# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting with a deadline: the clock is handed in, so that tests neither sleep nor depend on the wall's time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from .errors import TimedOut

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock(Protocol):
    """Seconds that only go forward, and a way to let some pass."""

    def monotonic(self) -> float:
        """Return the seconds since some fixed point."""

    def sleep(self, seconds: float) -> None:
        """Return after the given seconds."""


class SystemClock:
    """The machine's own clock."""

    def monotonic(self) -> float:
        """Return the seconds since some fixed point."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Return after the given seconds."""
        time.sleep(seconds)


SYSTEM_CLOCK = SystemClock()


@dataclass(frozen=True)
class Deadline:
    """A point on a clock after which nobody waits any longer; ``seconds=None`` waits for ever."""

    seconds: float | None
    clock: Clock = SYSTEM_CLOCK
    started: float = field(default=-1.0)

    def __post_init__(self) -> None:
        if self.started < 0:
            object.__setattr__(self, "started", self.clock.monotonic())

    @property
    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return self.clock.monotonic() - self.started

    @property
    def remaining(self) -> float:
        """Return the seconds left, never below 0; infinity without a limit."""
        return float("inf") if self.seconds is None else max(0.0, self.seconds - self.elapsed)

    @property
    def passed(self) -> bool:
        """Whether no time is left."""
        return self.remaining <= 0


T = TypeVar("T")


def wait_until(
    predicate: Callable[[], T | None],
    *,
    what: str,
    deadline: Deadline,
    interval: float,
    last_seen: Callable[[], Any] | None = None,
) -> T:
    """Return the predicate's first answer that is true, asking every ``interval`` seconds on the deadline's clock.

    Asks at least once, and once more at the deadline. Raises TimedOut with what was seen last: what ``last_seen``
    says, or the predicate's last answer.
    """
    while True:
        answer = predicate()
        if answer:
            return answer
        if deadline.passed:
            seen = last_seen() if last_seen is not None else answer
            raise TimedOut(
                f"{what}: not within {deadline.seconds:g} seconds; last seen: {seen}",
                last_seen=seen,
                waited_seconds=round(deadline.elapsed, 1),
            )
        deadline.clock.sleep(min(interval, deadline.remaining))
