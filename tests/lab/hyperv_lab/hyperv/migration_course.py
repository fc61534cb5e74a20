# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every migration has: a course that yields what it waits for, driven by the fleet's clock in a thread of its own.

It goes on whatever becomes of the session that asked for it. Changes of the model happen under the fleet's lock, in the
moments between two waits.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from . import migration_files as files
from .migration_errors import MoveFailed
from .migration_rates import MB, Transfer, disk, line, transfers

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from .faults import MoveFault
    from .host import Host
    from .jobs import Job
    from .migration_plan import Copy
    from .vm import VM

STEP_SECONDS = 5.0
"""How often a migration looks up while it waits: files grow and percents rise in steps of this."""


MIRROR_SECONDS = 1.0
DISK_WRITES = 0.1
"""Part of the memory's dirty rate that ends on the disks while they are copied."""
Resources: TypeAlias = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Wait:
    """What a migration waits for: a condition, and the simulated seconds until it may hold at the earliest."""

    over: Callable[[], bool]
    left: Callable[[], float]


class Course(ABC):
    """One migration from its acceptance to its end. Subclasses say what happens in it and what can disturb it."""

    def __init__(self, vm: VM, destination: Host, job: Job) -> None:
        self.vm = vm
        self.destination = destination
        """Where files grow: another host, or the machine's own."""
        self.fleet = vm.host.fleet
        self.clock = self.fleet.clock
        self.job = job
        self.failure: MoveFailed | None = None
        self._written: list[str] = []
        """Files made at the destination so far."""
        self._transfer: Transfer | None = None
        self._total = 1.0
        self._over = 0.0

    @abstractmethod
    def course(self) -> Generator[Wait, None, None]:
        """Yield what it waits for, from the beginning to its end. Never raises: failures end the job."""

    @abstractmethod
    def _disturbed(self) -> MoveFailed | None:
        """Return what makes it break off now, or None."""

    def start(self) -> None:
        """Drive the course in a thread of its own."""
        threading.Thread(target=self.drive, name=f"migration-{self.vm.id}", daemon=True).start()

    def drive(self) -> None:
        """Go through the course by the clock, to its end."""
        for wait in self.course():
            while not wait.over():
                self.clock.wait(wait.over, seconds=max(wait.left(), 0.01))

    def _pass(self, seconds: float, *, watch: bool = True) -> Generator[Wait, None, None]:
        end = self.clock.now() + seconds
        while self.clock.now() < end:
            yield self._wait(lambda: end - self.clock.now())
            if watch:
                with self.fleet.lock:
                    self._watch()

    def _wait(self, left: Callable[[], float]) -> Wait:
        step = self.clock.now() + STEP_SECONDS

        def remaining() -> float:
            return min(left(), step - self.clock.now())

        return Wait(lambda: remaining() <= 0 or self._disturbed() is not None, remaining)

    def _carry(self, transfer: Transfer, copy: Copy | None = None) -> Generator[Wait, None, None]:
        """Let bytes go over; the files and the percents follow."""
        known = transfers(self.fleet)
        with self.fleet.lock:
            known.begin(transfer, self.clock.now())
            self._transfer = transfer
        before = self._over
        while True:
            with self.fleet.lock:
                self._watch()
                amount = known.amount(transfer, self.clock.now())
                if copy is not None:
                    files.grow(self.destination, copy, amount)
                self._over = before + amount
                self.job.advance(100 * self._over / self._total)
                if transfer.finished is not None:
                    self._transfer = None
                    return
            yield self._wait(lambda: self._left(transfer))

    def _left(self, transfer: Transfer) -> float:
        with self.fleet.lock:
            return transfers(self.fleet).left(transfer, self.clock.now())

    def _copy(self, source: Host, copies: Sequence[Copy]) -> Generator[Wait, None, None]:
        """Copy file by file; between two hosts their lines are used too. A storage fault comes from the middle on."""
        way = line(source, self.destination) if source is not self.destination else ()
        for number, copy in enumerate(copies):
            with self.fleet.lock:
                volume = source.storage.volume(copy.file.path)
                target = files.begin(self.destination, copy)
                self._written.append(copy.target)
            yield from self._carry(Transfer(copy.file.size, (*way, disk(volume), disk(target))), copy)
            if number >= len(copies) // 2 and any(one.file.disk is not None for one in copies):
                self._fault("storage")

    def _mirror(self, began: float, way: Resources) -> Generator[Wait, None, None]:
        """Carry over what a running guest wrote since ``began``, then let both sides agree."""
        self.vm.activity = "StorageMigrationPhaseTwo"
        writes = self.vm.guest.dirty_mb_per_second * MB * DISK_WRITES * (self.clock.now() - began)
        with self.fleet.lock:
            self._total += writes
        yield from self._carry(Transfer(writes, way))
        yield from self._pass(MIRROR_SECONDS)

    def _watch(self) -> None:
        problem = self._disturbed()
        if problem is not None:
            raise problem

    def _fault(self, phase: str) -> None:
        """Play a fault that the fleet file orders for this phase."""
        with self.fleet.lock:
            for number, fault in enumerate(self.vm.faults):
                if fault.phase == phase and fault.times > 0:
                    spent: MoveFault = replace(fault, times=fault.times - 1)
                    self.vm.faults = (*self.vm.faults[:number], spent, *self.vm.faults[number + 1 :])
                    raise MoveFailed(fault.error)
