# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running attempts beside each other: one daemon thread per move, so that a task can end while moves run on."""

from __future__ import annotations

import queue
import threading
import traceback
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from ...errors import MobilityError
from .mover import Attempt


class Runner(Protocol):
    """Runs attempts; ``finished`` gives those that have ended since it was asked last."""

    def start(self, vm_id: str, work: Callable[[], Attempt]) -> None:
        """Begin an attempt."""

    def finished(self) -> list[tuple[str, Attempt]]:
        """Return Ids and attempts that have ended."""


T = TypeVar("T")


class Workers(Generic[T]):
    """A daemon thread per piece of work; ``failed`` makes an end of the error that a bug becomes."""

    def __init__(self, failed: Callable[[MobilityError], T]) -> None:
        self._failed = failed
        self._ended: queue.SimpleQueue[tuple[str, T]] = queue.SimpleQueue()

    def start(self, vm_id: str, work: Callable[[], T]) -> None:
        """Begin work in a thread of its own."""
        threading.Thread(target=self._run, args=(vm_id, work), name=f"move {vm_id}", daemon=True).start()

    def _run(self, vm_id: str, work: Callable[[], T]) -> None:
        """Report how work ended even if it ended in a bug: a thread that says nothing would be waited for."""
        try:
            ended = work()
        except Exception as bug:  # noqa: BLE001 - it fails this VM, with its name and place, and no other
            place = traceback.extract_tb(bug.__traceback__)[-1]
            what = f"{type(bug).__name__}: {bug} ({place.name}, line {place.lineno})"
            ended = self._failed(MobilityError(f"unexpected, please report: {what}", changed=True))
        self._ended.put((vm_id, ended))

    def finished(self) -> list[tuple[str, T]]:
        """Return Ids and ends of what has ended, without waiting."""
        found = []
        while not self._ended.empty():
            found.append(self._ended.get_nowait())
        return found


class Threads(Workers[Attempt]):
    """A thread per attempt."""

    def __init__(self) -> None:
        super().__init__(lambda error: Attempt(began=True, error=error))
