# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arithmetic of the bench: measured runs in, figures with their limits out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMIT_BYTES = 1 / 20
LIMIT_CPU = 1 / 2
LIMIT_TASKS = 4
LIMIT_GROWTH = 0.10
LIMIT_WORKER_MB = 110

_RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measurement: what, its value, and the limit with whether it holds (None where nothing was promised)."""

    text: str
    value: str
    limit: str = ""
    holds: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Read:
    """What one task of a kind cost on average."""

    bytes_sent: float
    bytes_both: float
    requests: float
    cpu_seconds: float
    """Above a no-op task."""


def per_task(runs: Sequence[float], idle: Sequence[float], tasks: int) -> float:
    """Return the median cost of runs of so many tasks, less the median of the same number of no-op tasks, per task."""
    return (median(runs) - median(idle)) / tasks


def compared(name: str, ours: Read, theirs: Read, *, promised: bool) -> list[Figure]:
    """Return the figures that compare two kinds of task; only the promised comparison has limits."""
    sent, both = ours.bytes_sent / theirs.bytes_sent, ours.bytes_both / theirs.bytes_both
    cpu = ours.cpu_seconds / theirs.cpu_seconds
    return [
        Figure(
            text=f"{name}: bytes on the wire per task, both ways",
            value=f"{ours.bytes_both / 1000:.1f} kB / {theirs.bytes_both / 1000:.1f} kB = 1/{1 / both:.1f}",
            limit="≤ 1/20" if promised else "",
            holds=both <= LIMIT_BYTES if promised else None,
        ),
        Figure(
            text=f"{name}: bytes that the controller sends",
            value=f"{ours.bytes_sent / 1000:.1f} kB / {theirs.bytes_sent / 1000:.1f} kB = 1/{1 / sent:.1f}",
        ),
        Figure(text=f"{name}: HTTP requests per task", value=f"{ours.requests:.1f} / {theirs.requests:.1f}"),
        Figure(
            text=f"{name}: controller CPU per task above a no-op task",
            value=f"{ours.cpu_seconds * 1000:.0f} ms / {theirs.cpu_seconds * 1000:.0f} ms = {cpu:.2f}",
            limit="≤ 0.50" if promised else "",
            holds=cpu <= LIMIT_CPU if promised else None,
        ),
    ]


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """A run of ``prepare`` on prepared hosts."""

    hosts: int
    cpu_seconds: float
    """Per host, above as many no-op tasks."""
    sessions: float
    """Per host."""
    tasks: int
    worker_mb: float


def growth(few: Preparation, many: Preparation) -> list[Figure]:
    """Return the figures of ``prepare`` on few and on many hosts."""
    grown = many.cpu_seconds / few.cpu_seconds - 1
    sessions, tasks = max(few.sessions, many.sessions), max(few.tasks, many.tasks)
    name = "`prepare` on prepared hosts"
    return [
        Figure(text=f"{name}: tasks", value=str(tasks), limit=f"≤ {LIMIT_TASKS}", holds=tasks <= LIMIT_TASKS),
        Figure(
            text=f"{name}: sessions per host",
            value=f"{sessions:.1f}",
            limit=f"≤ {LIMIT_TASKS}",
            holds=sessions <= LIMIT_TASKS,
        ),
        Figure(
            text=f"{name}: CPU per host above no-op tasks, {few.hosts} → {many.hosts} hosts",
            value=f"{few.cpu_seconds * 1000:.0f} ms → {many.cpu_seconds * 1000:.0f} ms ({grown:+.1%})",
            limit="< +10 %",
            holds=grown < LIMIT_GROWTH,
        ),
        Figure(
            text=f"{name}: peak memory of one worker, {many.hosts} hosts",
            value=f"{many.worker_mb:.0f} MB",
            limit=f"≤ {LIMIT_WORKER_MB} MB",
            holds=many.worker_mb <= LIMIT_WORKER_MB,
        ),
    ]


def tasks_run(output: str) -> int:
    """Return how many tasks a playbook's output shows."""
    return sum(line.startswith("TASK [") for line in output.splitlines())


def unexpected(output: str, hosts: int) -> str:
    """Return why a run is not one of so many hosts with nothing changed and nothing failed; "" when it is."""
    recap = _RECAP.findall(output)
    if len(recap) != hosts:
        return f"{len(recap)} hosts in the recap instead of {hosts}"
    odd = [
        name for name, ok, changed, unreachable, failed in recap if not int(ok) or int(changed + unreachable + failed)
    ]
    return f"changed, unreachable or failed: {', '.join(odd[:5])}" if odd else ""


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as rows of a page."""
    marks = {None: "", True: "yes", False: "**no**"}
    rows = [f"| {one.text} | {one.value} | {one.limit} | {marks[one.holds]} |" for one in figures]
    return "\n".join(["| what | measured | promised | holds |", "| --- | --- | --- | --- |", *rows])
