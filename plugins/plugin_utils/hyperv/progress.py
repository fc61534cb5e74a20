# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said on the console while moves run: at most a line per VM per ten percent. Pure."""

from __future__ import annotations

from dataclasses import dataclass

STEP = 10
"""Percent between two lines of one VM."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """How far one move is, and what has been said of it."""

    vm: str
    source: str
    destination: str
    total_bytes: int
    started: float
    """Seconds of the clock that also gives ``now``."""
    first_percent: int = 0
    """Percent at the first look: not 0 for a move somebody else had begun."""
    said: int | None = None
    """The last multiple of ten that a line was shown for; None before the first line."""


def advance(course: Course, percent: int, now: float, *, interactive: bool) -> tuple[Course, str | None]:
    """Return the course after a look, and the line to show, or None when nothing new is to be said."""
    percent = min(max(percent, 0), 100)
    reached = percent // STEP * STEP
    if course.said is not None and reached <= course.said:
        return course, None
    said = Course(
        vm=course.vm,
        source=course.source,
        destination=course.destination,
        total_bytes=course.total_bytes,
        started=course.started,
        first_percent=course.first_percent,
        said=reached,
    )
    return said, _line(course, percent, now, interactive=interactive)


def _line(course: Course, percent: int, now: float, *, interactive: bool) -> str:
    if not interactive:
        return f"{course.vm} {course.source} > {course.destination} {percent}%"
    parts = [f"{course.vm}: {course.source} -> {course.destination}", f"{percent:3d} %"]
    elapsed, gained = now - course.started, percent - course.first_percent
    if elapsed > 0 and gained > 0:
        parts.append(rate(course.total_bytes * gained / 100 / elapsed))
        if percent < 100:
            parts.append(f"about {duration(elapsed * (100 - percent) / gained)} left")
    return "  ".join(parts)


def rate(bytes_per_second: float) -> str:
    """Return a rate for people: "112 MB/s"."""
    megabytes = bytes_per_second / 1_000_000
    return f"{megabytes:.0f} MB/s" if megabytes >= 10 else f"{megabytes:.1f} MB/s"


def duration(seconds: float) -> str:
    """Return a duration for people: "45 s", "12 min", "3 h 20 min"."""
    whole = max(round(seconds), 0)
    if whole < 90:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"
