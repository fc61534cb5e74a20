# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A move as the management services of two hosts carry it out: phases, files, hand-over, failure (facts on Hyper-V,
3.3).

What it shares with storage migrations is in ``migration_course``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import migration_checks as checks
from . import migration_files as files
from . import replica
from .jobs import COMPLETED, TERMINATED, MigrationJob
from .migration_course import Course, Wait
from .migration_errors import CANCELLED, NO_RESOURCES, RESET, MoveFailed, message
from .migration_plan import NOTHING, MoveRequest
from .migration_prepare import Incompatible, Preparation, prepare, recheck
from .migration_rates import MB, Transfer, line, memory_factor, transfers
from .planned import forget

if TYPE_CHECKING:
    from collections.abc import Generator

START_SECONDS = 3.0
"""Connecting, checks, planned machine: three to six seconds a move (facts, 9.2)."""
CLEANUP_SECONDS = 1.0
ROUNDS = 10
ENOUGH = 64 * MB
"""Dirty memory that is left for the blackout."""
SWITCH_OVER_SECONDS = 0.5
LEAVES_RUINS = range(0x80072700, 0x80072800)
"""Connection errors: nobody is there to tidy up at the destination."""


class Move(Course):
    """One move from its acceptance to its end."""

    def __init__(self, prepared: Preparation) -> None:
        request = prepared.request
        self.prepared = prepared
        self.request = request
        self.source = request.source
        self.planned = prepared.planned
        self.placement = prepared.placement
        self.with_storage = self.placement.storage_moves
        self.handed_over = False
        self.blackout: float | None = None
        job = MigrationJob(
            host=request.source,
            vm=request.vm,
            destination=request.peer,
            kind="move_storage" if self.with_storage else "move",
            owner=request.owner,
            submitted=request.source.fleet.clock.now(),
            new_settings=f"<INSTANCE><ConfigurationDataRoot>{self.placement.path}</ConfigurationDataRoot></INSTANCE>",
        )
        super().__init__(request.vm, request.destination, job)
        self._boots = (self.source.boots, self.destination.boots)
        self.entry: dict[str, Any] = {}

    # --- beginning ---
    def begin(self) -> None:
        """Take the slots and show the job (under the fleet's lock). Raises MoveFailed."""
        checks.require_slots(self.request, storage=self.with_storage)
        identifier = self.job.identifier
        for host in (self.source, self.destination):
            host.incoming.add(identifier)
            if self.with_storage:
                host.storage_moves.add(identifier)
        if self.fleet.memory_reserved_early:
            self.destination.reserved[identifier] = self.vm.memory_assigned
        self.vm.activity = "MigratingVirtualMachine"
        self.vm.unseen_until = self.job.submitted + self.fleet.moves_unseen_seconds
        self.planned.activity = "MigratingPlannedVm"
        self._total = sum(c.file.size for c in self.placement.copies) + self.vm.memory_assigned + 64.0 * MB
        self.source.jobs[identifier] = self.job
        if self.fleet.jobs_at_destination:
            self.destination.jobs[identifier] = self.job
        self.entry = {
            "job": identifier,
            "id": str(self.vm.id),
            "vm": self.vm.name,
            "source": self.source.name,
            "destination": self.destination.name,
            "started": self.job.submitted,
            "finished": None,
            "outcome": "running",
        }
        self.fleet.moves.append(self.entry)

    # --- course ---
    def course(self) -> Generator[Wait, None, None]:
        """Yield what the move waits for, from connecting to its end. Never raises: failures end the job."""
        try:
            yield from self._pass(START_SECONDS + self.vm.id.int % 300 / 100)
            yield from self._storage()
            yield from self._memory()
            with self.fleet.lock:
                self._fault("handover")
                self._watch()
                self._hand_over()
            yield from self._pass(CLEANUP_SECONDS, watch=False)
            with self.fleet.lock:
                self._clean_up()
        except MoveFailed as failed:
            self.failure = failed
        with self.fleet.lock:
            self._end()
        self.clock.notify()

    def _storage(self) -> Generator[Wait, None, None]:
        began = self.clock.now()
        yield from self._copy(self.source, self.placement.copies)
        if self.with_storage and self.vm.is_on:
            yield from self._mirror(began, line(self.source, self.destination))
            self.vm.activity = "MigratingVirtualMachine"

    def _memory(self) -> Generator[Wait, None, None]:
        size = float(self.vm.memory_assigned)
        if not size:
            self._fault("memory")
            return
        with self.fleet.lock:
            self._reserve(int(size))
        dirty = self.vm.guest.dirty_mb_per_second * MB if self.vm.state == "Running" else 0.0
        factor = memory_factor(self.source, self.destination)
        left = size
        for number in range(ROUNDS):
            began = self.clock.now()
            with self.fleet.lock:
                self._total += left if number else 0.0
            yield from self._carry(Transfer(left, line(self.source, self.destination), factor))
            if number == 0:
                self._fault("memory")
            again = min(dirty * (self.clock.now() - began), size)
            shrinks = again < left
            left = again
            if left <= ENOUGH or not shrinks:
                break
        began = self.clock.now()
        yield from self._carry(Transfer(left, line(self.source, self.destination), factor))
        yield from self._pass(SWITCH_OVER_SECONDS)
        self.blackout = round(self.clock.now() - began, 3)

    # --- what can come between ---
    def _disturbed(self) -> MoveFailed | None:
        source, destination = self.source, self.destination
        if self.handed_over:
            return None
        if self.job.cancel_wanted:
            return MoveFailed(CANCELLED)
        if source.boots != self._boots[0] or not source.vmms_running:
            return MoveFailed(RESET)
        if destination.boots != self._boots[1] or not destination.vmms_running:
            return MoveFailed(RESET)
        if destination.planned.get(self.vm.id) is not self.planned:
            return MoveFailed(0x80070002, at="destination")
        return None

    def _reserve(self, size: int) -> None:
        if self.job.identifier in self.destination.reserved:
            return
        if size > self.destination.memory_free:
            raise MoveFailed(NO_RESOURCES, at="destination")
        self.destination.reserved[self.job.identifier] = size

    # --- the two moments that count ---
    def _hand_over(self) -> None:
        """Make the machine the destination's: from here on it is there, whatever else goes wrong."""
        vm, planned = self.vm, self.planned
        self.job.cancellable = False
        forget(planned)
        planned.activity = None
        del self.source.vms[vm.id]
        self.destination.vms[vm.id] = vm
        vm.host = self.destination
        files.realise(self.destination, self.placement)
        files.adopt(vm, planned)
        vm.moves += 1
        vm.arrived_at = self.clock.now()
        replica.moved(vm, self.source)
        vm.activity = "MigratingVirtualMachine"
        self.handed_over = True
        self.destination.reserved.pop(self.job.identifier, None)
        self.fleet.record("moved", vm, source=self.source.name, job=self.job.identifier, blackout=self.blackout)

    def _clean_up(self) -> None:
        self._fault("cleanup")
        if self.source.boots != self._boots[0]:
            raise MoveFailed(RESET)
        files.remove_sources(self.source, self.placement)

    def _end(self) -> None:
        """Give everything back and finish the job."""
        identifier = self.job.identifier
        if self._transfer is not None:
            transfers(self.fleet).drop(self._transfer, self.clock.now())
        if self.failure is not None and not self.handed_over:
            self._give_up(self.failure)
        for host in (self.source, self.destination):
            host.incoming.discard(identifier)
            host.storage_moves.discard(identifier)
            host.reserved.pop(identifier, None)
        self.vm.activity = None
        self.planned.activity = None
        text = message(self.source, self.failure, self.vm, self.request.peer) if self.failure else ""
        cancelled = self.failure is not None and self.failure.cause == CANCELLED
        self.job.finish(state=TERMINATED if cancelled else COMPLETED, error_text=text)
        if self.source.boots != self._boots[0]:
            self.source.jobs.pop(identifier, None)
        outcome = "moved" if self.handed_over else "cancelled" if cancelled else "failed"
        self.entry.update(finished=self.clock.now(), outcome=outcome, error=text, blackout=self.blackout)

    def _give_up(self, failure: MoveFailed) -> None:
        """Tidy up at the destination, unless the connection is what broke: then planned machine and files stay."""
        lost = self.source.boots != self._boots[0] or self.destination.boots != self._boots[1]
        if lost or (isinstance(failure.cause, int) and failure.cause in LEAVES_RUINS):
            return
        forget(self.planned)
        for path in self._written:
            files.take(self.destination, path)


def accept(request: MoveRequest, prepared: Preparation | None = None) -> Move:
    """Accept a move (under the fleet's lock); raise MoveFailed (Incompatible with entries) where it is refused.

    A prepared request (of a report) is checked again with the fixes made to its planned machine.
    """
    fresh = prepared is None
    if prepared is None:
        checks.require_source(request)
        checks.require_slots(request, storage=request.storage != NOTHING)
        prepared = prepare(request)
    else:
        recheck(prepared)
    try:
        found = prepared.incompatibilities()
        if found:
            raise Incompatible(found)
        running = Move(prepared)
        running.begin()
    except MoveFailed:
        if fresh:
            forget(prepared.planned)
        raise
    return running


def move(request: MoveRequest, prepared: Preparation | None = None) -> Move:
    """Accept a move and set it going in a thread of its own; raise MoveFailed where it is refused."""
    with request.source.fleet.lock:
        running = accept(request, prepared)
    running.start()
    return running
