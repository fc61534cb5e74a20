# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An import as the management service carries it out: copies where asked for, then the planned machine becomes real."""

from __future__ import annotations

import ntpath
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from . import definition, messages
from . import migration_files as files
from .contents import opened
from .fleet_vms import checkpoint_files
from .import_plan import COPY, ImportFailed, ImportPlan
from .jobs import COMPLETED, TERMINATED, Job
from .migration_course import Course, Wait
from .migration_errors import CANCELLED, FILE_MISSING, NETNAME_DELETED, RESET, MoveFailed, detail
from .migration_plan import Copy
from .migration_rates import Transfer, disk, line, transfers
from .planned import CONFIGURATION_BYTES, forget
from .sharing import door_open
from .storage import File, FileExists
from .vm import VM

if TYPE_CHECKING:
    from collections.abc import Generator

    from .reach import Place

START_SECONDS = 2.0
messages.add(
    {
        "imp_head": (
            "Import failed: '{vm}'. (Virtual machine ID {id})",
            "Échec de l’importation : « {vm} ». (ID d’ordinateur virtuel {id})",
        ),
        "imp_copy": (
            "Failed to copy file from '{source}' to '{path}': {why}",
            "Échec de la copie de « {source} » vers « {path} » : {why}",
        ),
    }
)


@dataclass(frozen=True)
class Item:
    """A file that is copied: its bytes, where it comes from, where it goes."""

    template: File
    source: Place
    target: str


class Import(Course):
    """One import from its acceptance to its end."""

    def __init__(self, plan: ImportPlan, *, fresh: bool) -> None:
        host = plan.host
        job = Job(host=host, vm=plan.planned, kind="import", owner=plan.request.owner, submitted=host.fleet.clock.now())
        super().__init__(plan.planned, host, job)
        self.plan = plan
        self.fresh = fresh
        """Whether nobody else has a report on the planned machine."""
        self.made: VM | None = None
        """The machine, once it is there."""
        self.at: Item | None = None
        self.items: list[Item] = []
        self._boots = host.boots
        self.entry: dict[str, Any] = {}

    def begin(self) -> None:
        """See what is to be copied and show the job (under the fleet's lock)."""
        if self.plan.request.mode == COPY:
            self._list()
        self._total = sum(item.template.size for item in self.items) or 1.0
        host = self.destination
        host.jobs[self.job.identifier] = self.job
        self.entry = {
            "job": self.job.identifier,
            "id": str(self.vm.id),
            "vm": self.vm.name,
            "host": host.name,
            "path": self.plan.request.path,
            "mode": self.plan.request.mode,
            "started": self.job.submitted,
            "finished": None,
            "outcome": "running",
        }
        self.fleet.imports.append(self.entry)

    def _list(self) -> None:
        copies = self.plan.copies()
        targets = {key: target for key, (_place, target) in copies.items()}
        for place, target in copies.values():
            storage = place.host.storage
            template = replace(opened(place.host, place.path))
            if template.disk is not None and template.disk.parent:
                parent = f"{place.host.name}:{storage.parent(template)}".lower()
                template.disk = replace(template.disk, parent=targets.get(parent, template.disk.parent))
            self.items.append(Item(template, place, target))
        if self.vm.state == "Saved":
            own, new = str(self.plan.content["id"]).upper(), str(self.vm.id).upper()
            path = self.plan.beside(own + ".vmrs")
            runtime = self.plan.place(path)
            if runtime is not None and runtime.file is not None:
                target = ntpath.join(self.vm.path, "Virtual Machines", new + ".vmrs")
                self.items.append(Item(replace(runtime.file), replace(runtime, path=runtime.path), target))
        for snapshot in self.vm.snapshots:
            for target in [each for each in checkpoint_files(snapshot) if each.endswith(".vmrs")]:
                found = self.plan.of_checkpoint(ntpath.basename(target))
                if found is not None and found.file is not None:
                    self.items.append(Item(replace(found.file), found, target))

    # --- course ---
    def course(self) -> Generator[Wait, None, None]:
        """Yield what it waits for: a start, file after file; then the machine is there in one moment."""
        try:
            yield from self._pass(START_SECONDS)
            for item in self.items:
                yield from self._item(item)
            with self.fleet.lock:
                self._watch()
                self._realise()
        except MoveFailed as failed:
            self.failure = failed
        with self.fleet.lock:
            self._end()
        self.clock.notify()

    def _item(self, item: Item) -> Generator[Wait, None, None]:
        self.at = item
        copy = Copy(item.template, item.target)
        origin = item.source.host
        way = line(origin, self.destination) if origin is not self.destination else ()
        with self.fleet.lock:
            self._watch()
            target = files.begin(self.destination, copy)
            self._written.append(item.target)
            made = target.files[item.target.lower()]
            made.writing = True
            volume = item.source.volume
        try:
            yield from self._carry(Transfer(item.template.size, (*way, disk(volume), disk(target))), copy)
            with self.fleet.lock:
                made.take_over(item.template)
        finally:
            made.writing = False

    def _disturbed(self) -> MoveFailed | None:
        host = self.destination
        if self.made is not None:
            return None
        if self.job.cancel_wanted:
            return MoveFailed(CANCELLED)
        if host.boots != self._boots or not host.vmms_running:
            return MoveFailed(RESET)
        origin = self.at.source.host if self.at else host
        if origin is not host and (origin.booting or not door_open(origin, 445)):
            return MoveFailed(NETNAME_DELETED)
        if host.planned.get(self.vm.id) is not self.vm:
            return MoveFailed(FILE_MISSING)
        return None

    def _realise(self) -> None:
        """Make the machine of its planned form; the files of an import in place are its own from now on."""
        planned, host = self.vm, self.destination
        state = planned.state
        vm = VM(host, planned.name, planned.id)
        content = definition.read(definition.write(planned, state=state, cpu=planned.cpu))
        written = {str(each.id): definition.read(definition.write_snapshot(each)) for each in planned.snapshots}
        definition.rebuild(vm, content, written)
        vm.state = state
        vm.arrived_at = self.clock.now()
        self._configuration(vm)
        forget(planned)
        host.vms[vm.id] = vm
        self.job.vm = self.made = vm
        self.job.cancellable = False
        self.fleet.record("imported", vm, mode=self.plan.request.mode, path=self.plan.request.path)

    def _configuration(self, vm: VM) -> None:
        paths = [*vm.configuration_files(), *(path for each in vm.snapshots for path in checkpoint_files(each))]
        for path in paths:
            try:
                self.destination.storage.volume(path).put(File(path, CONFIGURATION_BYTES))
            except FileExists:
                continue  # a file of the tree, or one that was copied
            except files.EXPECTED_ERRORS as problem:
                raise MoveFailed(files.code_of(problem), path=path) from problem
            self._written.append(path)

    def _end(self) -> None:
        host = self.destination
        if self._transfer is not None:
            transfers(self.fleet).drop(self._transfer, self.clock.now())
        if self.failure is not None and host.boots == self._boots:
            for path in self._written:
                files.take(host, path)
            if self.fresh:
                forget(self.vm)
        text = message(self.plan, self.failure, self.at) if self.failure else ""
        cancelled = self.failure is not None and self.failure.cause == CANCELLED
        self.job.finish(state=TERMINATED if cancelled else COMPLETED, error_text=text)
        if host.boots != self._boots:
            host.jobs.pop(self.job.identifier, None)
        outcome = "imported" if self.made else "cancelled" if cancelled else "failed"
        self.entry.update(finished=self.clock.now(), outcome=outcome, error=text)


def message(plan: ImportPlan, failed: MoveFailed, at: Item | None = None) -> str:
    """Return the text of a failure in the host's language."""
    language, vm = plan.host.language, plan.planned
    head = messages.text(language, "imp_head", vm=vm.name, id=str(vm.id).upper())
    why = detail(language, failed.cause, path="", vm=vm.name) if isinstance(failed.cause, int) else ""
    if at is None:
        return f"{head}\n\n{why}"
    text = messages.text(language, "imp_copy", source=at.source.path, path=at.target, why=why)
    return f"{head}\n\n{text}"


def recheck(plan: ImportPlan) -> None:
    """Ask again what a report was made of (under the fleet's lock). Raises ImportFailed."""
    planned = plan.planned
    place = plan.place(plan.request.path)
    if planned.is_deleted or plan.host.planned.get(planned.id) is not planned or place is None or place.file is None:
        raise ImportFailed("import_report")
    if planned.id in plan.host.vms:
        raise ImportFailed("import_report")
