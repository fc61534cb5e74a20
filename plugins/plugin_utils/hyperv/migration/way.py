# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every VM on its way through a task of migrations has, whether it moves or its storage does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from .outcome import Result

if TYPE_CHECKING:
    from ...errors import MobilityError
    from ...findings import Finding
    from ..progress import Course
    from .mover import Attempt


REFUSALS = 30
"""Refusals without a code, while others move VMs, that one VM may meet before they count as tries."""


class Phase(str, Enum):
    """Where a VM stands in the task."""

    QUEUED = "queued"
    RUNNING = "running"
    WATCHED = "watched"
    """A move runs that no thread of ours waits for."""
    DONE = "done"


@dataclass(kw_only=True)
class Way(ABC):
    """The state of one VM within a task. Changed by the main thread only."""

    findings: tuple[Finding, ...] = ()
    phase: Phase = Phase.QUEUED
    began: bool = False
    watched: bool = False
    tries: int = 0
    refused: int = 0
    """Refusals that others' moves explain: for slots, which no code tells from other refusals (facts, 3.5)."""
    attempt: Attempt | None = None
    not_before: float = 0.0
    waiting_since: float | None = None
    started: float | None = None
    started_at: str | None = None
    ended: float | None = None
    course: Course | None = None
    result: Result | None = None
    error: MobilityError | None = None

    @property
    @abstractmethod
    def id(self) -> str:
        """Return the VM's Id."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Return the VM's name."""

    def is_crowded_out(self) -> bool:
        """Count a refusal that others' moves explain; return whether it is waited for, in place of a try."""
        self.refused += 1
        return self.refused <= REFUSALS

    def finish(self, result: Result, now: float, error: MobilityError | None = None) -> None:
        """End the VM's way with a result."""
        self.phase, self.result, self.error, self.ended = Phase.DONE, result, error, now
