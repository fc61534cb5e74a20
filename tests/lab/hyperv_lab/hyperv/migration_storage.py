# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Move-VMStorage: the files of a machine move on its own host, while it runs or not.

Assumed, since no source says it: a part that no parameter names stays where it is; files that are there already are not
copied; the space is missed when it is used up, not before; a failure tidies up what was written.
"""

from __future__ import annotations

import ntpath
from typing import TYPE_CHECKING, Any

from . import migration_files as files
from .accounts import may_use_hyperv
from .base import HYPERV_CLASS
from .fleet_vms import checkpoint_files
from .jobs import COMPLETED, TERMINATED, MigrationJob
from .migration_cmdlets import MigrationCmdlet, VMJob
from .migration_course import Course, Resources, Wait
from .migration_errors import ACCESS_DENIED, BUSY, CANCELLED, PATH_MISSING, RESET, MoveFailed, message, record
from .migration_plan import EVERYTHING, Copy, MoveRequest, Placement, bodies, place_disks
from .migration_rates import MB, disk, transfers
from .storage import NoSuchPath
from .vm import TRANSITIONAL

if TYPE_CHECKING:
    from collections.abc import Generator

    from .vm import VM, VirtualMachineBase

START_SECONDS = 1.0
PHASES = ("StorageMigrationPhaseOne", "StorageMigrationPhaseTwo")


class StorageMove(Course):
    """One storage migration from its acceptance to its end."""

    def __init__(self, request: MoveRequest, placement: Placement) -> None:
        host = request.source
        job = MigrationJob(
            host=host,
            vm=request.vm,
            destination=None,
            kind="storage",
            owner=request.owner,
            submitted=host.fleet.clock.now(),
            new_settings=f"<INSTANCE><ConfigurationDataRoot>{placement.path}</ConfigurationDataRoot></INSTANCE>",
        )
        super().__init__(request.vm, host, job)
        self.source = host
        self.request = request
        self.placement = placement
        self.switched = False
        self._boots = host.boots
        self.entry: dict[str, Any] = {}

    def begin(self) -> None:
        """Take the slot and show the job (under the fleet's lock)."""
        host, identifier = self.source, self.job.identifier
        host.storage_moves.add(identifier)
        host.jobs[identifier] = self.job
        self.vm.activity = PHASES[0]
        self._total = sum(copy.file.size for copy in self.placement.copies) + 64.0 * MB
        self.entry = {
            "job": identifier,
            "id": str(self.vm.id),
            "vm": self.vm.name,
            "host": host.name,
            "started": self.job.submitted,
            "finished": None,
            "outcome": "running",
        }
        self.fleet.storage_migrations.append(self.entry)

    def course(self) -> Generator[Wait, None, None]:
        """Yield what it waits for: copy, mirror, then the machine uses the new files in one moment."""
        try:
            yield from self._pass(START_SECONDS)
            began = self.clock.now()
            yield from self._copy(self.source, self.placement.copies)
            if self.vm.is_on and self.placement.storage_moves:
                yield from self._mirror(began, self._target_disks())
            with self.fleet.lock:
                self._watch()
                self._switch()
                self._fault("cleanup")
                files.remove_sources(self.source, self.placement)
        except MoveFailed as failed:
            self.failure = failed
        with self.fleet.lock:
            self._end()
        self.clock.notify()

    def _disturbed(self) -> MoveFailed | None:
        if self.switched:
            return None
        if self.job.cancel_wanted:
            return MoveFailed(CANCELLED)
        if self.source.boots != self._boots or not self.source.vmms_running:
            return MoveFailed(RESET)
        return None

    def _target_disks(self) -> Resources:
        storage = self.source.storage
        volumes = {(found := storage.volume(path)).identifier: found for path in self._written}
        return tuple(disk(volume) for volume in volumes.values())

    def _switch(self) -> None:
        placement = self.placement
        files.realise(self.source, placement)
        for body in bodies(self.vm):
            body.path, body.snapshot_path = placement.path, placement.snapshot_path
            body.paging_path = placement.paging_path
            for drive in body.hard_drives:
                drive.path = placement.disks.get(drive.path.lower(), drive.path)
        self.job.cancellable = False
        self.switched = True
        self.fleet.record("storage_moved", self.vm, job=self.job.identifier)

    def _end(self) -> None:
        host, identifier = self.source, self.job.identifier
        if self._transfer is not None:
            transfers(self.fleet).drop(self._transfer, self.clock.now())
        if self.failure is not None and not self.switched and host.boots == self._boots:
            for path in self._written:
                files.take(host, path)
        host.storage_moves.discard(identifier)
        if self.vm.activity in PHASES:
            self.vm.activity = None
        text = message(host, self.failure, self.vm, host.name) if self.failure else ""
        cancelled = self.failure is not None and self.failure.cause == CANCELLED
        self.job.finish(state=TERMINATED if cancelled else COMPLETED, error_text=text)
        if host.boots != self._boots:
            host.jobs.pop(identifier, None)
        outcome = "moved" if self.switched else "cancelled" if cancelled else "failed"
        self.entry.update(finished=self.clock.now(), outcome=outcome, error=text)


def place(request: MoveRequest) -> Placement:
    """Return where the files go; raises MoveFailed for Vhds and paths that can't be followed."""
    vm = request.vm
    if request.storage == EVERYTHING:
        placement = Placement(request.folder, request.folder, request.folder)
    else:
        placement = Placement(
            request.path or vm.path, request.snapshot_path or vm.snapshot_path, request.paging_path or vm.paging_path
        )
    place_disks(request, placement)
    _add_configuration(vm, placement)
    placement.copies = [copy for copy in placement.copies if copy.file.path.lower() != copy.target.lower()]
    for copy in placement.copies:
        try:
            vm.host.storage.volume(copy.target)
        except NoSuchPath as problem:
            raise MoveFailed(PATH_MISSING, path=copy.target) from problem
    return placement


def _add_configuration(vm: VM, placement: Placement) -> None:
    storage = vm.host.storage
    pairs = [(path, ntpath.join(placement.path, "Virtual Machines")) for path in vm.configuration_files()]
    for snapshot in vm.snapshots:
        pairs += [(path, ntpath.join(placement.snapshot_path, "Snapshots")) for path in checkpoint_files(snapshot)]
    for path, folder in pairs:
        file = storage.file(path)
        if file is not None:
            placement.copies.append(Copy(file, ntpath.join(folder, ntpath.basename(path))))


def accept(request: MoveRequest) -> StorageMove:
    """Accept a storage migration (under the fleet's lock); raise MoveFailed where it is refused."""
    vm, host = request.vm, request.source
    if not may_use_hyperv(request.identity):
        raise MoveFailed(ACCESS_DENIED)
    if vm.activity == "MigratingVirtualMachine" or vm.activity in PHASES:
        raise MoveFailed(BUSY)
    if vm.state in TRANSITIONAL or vm.activity or vm.backing_up:
        raise MoveFailed("move_state")
    if any(_fixed(body) for body in bodies(vm)):
        raise MoveFailed("move_state")
    if len(host.storage_moves) >= host.migration.storage_slots:
        raise MoveFailed("move_storage_slots", limit=host.migration.storage_slots)
    running = StorageMove(request, place(request))
    running.begin()
    return running


def _fixed(body: VirtualMachineBase) -> bool:
    """Return whether a disk of the host, or one shared between machines, keeps the storage where it is."""
    return any(drive.disk_number is not None or drive.shared for drive in body.hard_drives)


class MoveVMStorage(MigrationCmdlet):
    """Move-VMStorage: runs in the foreground of its session; a stop signal cancels it before the files are in use."""

    NAME = "Move-VMStorage"
    CLASS = HYPERV_CLASS + "MoveVMStorage"
    JOBS = True

    def run(self) -> None:
        """Move the storage of every machine given."""
        for vm in self.vms("Name"):
            if self.call.stopping.is_set():
                return
            if self.present(vm) and self.call.should_process(vm.name):
                self._move(vm)

    def _move(self, vm: VM) -> None:
        try:
            with self.host.fleet.lock:
                running = accept(self.parts_of(vm, self.host, self.host.name))
        except MoveFailed as problem:
            self.failed(problem, vm, self.host.name)
            return
        running.start()
        if self.switched("AsJob"):
            self.call.write(VMJob(running, len(self.host.fleet.storage_migrations), self.NAME))
            return
        self.follow(running)
        if running.failure is not None:
            self.fail(record(self.host, running.failure, running.job.error_text, self.CLASS))


COMMANDS = (MoveVMStorage,)
