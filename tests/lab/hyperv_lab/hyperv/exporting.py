# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An export as the management service carries it out: a folder of the machine's name and what lies in it (facts, 6.1).

Assumed: configuration first, then checkpoints, then disks one by one, so that a torn tree may look whole; whatever ends
an export early (a stop signal too) leaves what was written; a machine whose name Windows can't have as a folder isn't
exported (0x8007007B); disks of the host and ISO files aren't copied.
"""

from __future__ import annotations

import ntpath
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from . import definition, messages, reach
from . import migration_files as files
from .contents import opened, wrote
from .fleet_vms import checkpoint_files, features_now
from .jobs import COMPLETED, TERMINATED, Job
from .migration_course import Course, Wait
from .migration_errors import (
    ACCESS_DENIED,
    CANCELLED,
    FILE_EXISTS,
    FILE_MISSING,
    INVALID_NAME,
    NETNAME_DELETED,
    PATH_MISSING,
    RESET,
    MoveFailed,
    detail,
)
from .migration_plan import Copy, bodies
from .migration_rates import Transfer, disk, line, transfers
from .planned import CONFIGURATION_BYTES
from .sharing import CHANGE, ShareRefused, door_open
from .storage import File, NoSuchPath
from .vm import TRANSITIONAL

if TYPE_CHECKING:
    from collections.abc import Generator

    from .reach import Place
    from .vm import VM

START_SECONDS = 1.0
ACTIVITY = "ExportingVirtualMachine"
CRASH, SAVED, DATA = "CaptureCrashConsistentState", "CaptureSavedState", "CaptureDataConsistentState"
FORBIDDEN = frozenset('<>:"/\\|?*')
messages.add(
    {
        "exp_head": (
            "Failed to export virtual machine '{vm}'. (Virtual machine ID {id})",
            "Échec de l’exportation de l’ordinateur virtuel « {vm} ». (ID d’ordinateur virtuel {id})",
        ),
        "exp_folder": (
            "Failed to create export directory '{path}': {why}",
            "Impossible de créer le répertoire d’exportation « {path} » : {why}",
        ),
        "exp_copy": (
            (
                "An error occurred while attempting to export the virtual machine. Failed to copy file during export. "
                "Failed to copy file from '{source}' to '{path}': {why}"
            ),
            (
                "Une erreur s’est produite lors de l’exportation de l’ordinateur virtuel. Échec de la copie de « "
                "{source} » vers « {path} » : {why}"
            ),
        ),
        "exp_state": (
            "The virtual machine '{vm}' is not in a valid state to be exported.",
            "L’ordinateur virtuel « {vm} » n’est pas dans un état valide pour être exporté.",
        ),
        "exp_vss": (
            "The guest of '{vm}' did not make its data consistent: its backup service doesn't answer.",
            "L’invité de « {vm} » n’a pas rendu ses données cohérentes : son service de sauvegarde ne répond pas.",
        ),
    }
)


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """What the caller asked for."""

    vm: VM
    path: str
    """The folder as it was typed."""
    capture: str
    owner: str

    @property
    def folder(self) -> str:
        """Return the folder of the tree, in the form of ``path``. Windows takes blanks and dots off the end."""
        return ntpath.join(self.path, self.vm.name.rstrip(" ."))

    @property
    def state(self) -> str:
        """Return the state that the machine will have when it is imported."""
        live = self.vm.state not in ("Off", "Saved")
        return self.vm.state if not live else "Saved" if self.capture == SAVED else "Off"


@dataclass(frozen=True)
class Item:
    """A file of the tree: its bytes, the path it will have on the disks of the place, and where they come from."""

    template: File
    target: str
    source: str


class Export(Course):
    """One export from its acceptance to its end."""

    def __init__(self, request: ExportRequest, root: Place) -> None:
        host = request.vm.host
        job = Job(host=host, vm=request.vm, kind="export", owner=request.owner, submitted=host.fleet.clock.now())
        super().__init__(request.vm, root.host, job)
        self.source = host
        self.request = request
        self.root = root
        self.items: list[Item] = []
        self.lacking: str | None = None
        """A file of the machine that isn't there."""
        self.at: Item | None = None
        """The file that is being copied."""
        self._boots = host.boots
        self.entry: dict[str, Any] = {}

    def begin(self) -> None:
        """Make the folder, see what is to be copied, show the job (under the fleet's lock)."""
        vm = self.vm
        self.root.volume.make_folder(self.root.path)
        if vm.is_on:
            wrote(vm)
        self._list()
        self._total = sum(item.template.size for item in self.items) or 1.0
        vm.activity = ACTIVITY
        self.source.jobs[self.job.identifier] = self.job
        self.entry = {
            "job": self.job.identifier,
            "id": str(vm.id),
            "vm": vm.name,
            "host": self.source.name,
            "folder": self.request.folder,
            "capture": self.request.capture if vm.is_on else "",
            "started": self.job.submitted,
            "finished": None,
            "outcome": "running",
        }
        self.fleet.exports.append(self.entry)

    # --- what is copied ---
    def _list(self) -> None:
        vm, state, storage = self.vm, self.request.state, self.source.storage
        disks = self._disks()
        folder = ntpath.join(self.request.folder, "Virtual Hard Disks")
        paths = {key: ntpath.join(folder, ntpath.basename(file.path)) for key, file in disks.items()}
        for path in vm.configuration_files():
            if path.endswith(".vmrs"):
                template = self._runtime(path, state)
            else:
                content = definition.write(vm, state=state, paths=paths, cpu=vm.cpu or features_now(vm))
                template = File(path, CONFIGURATION_BYTES, content=content)
            self._add(template, "Virtual Machines", path)
        for snapshot in vm.snapshots:
            for path in checkpoint_files(snapshot):
                found = storage.file(path)
                if found is None:
                    self.lacking = self.lacking or path
                    continue
                template = replace(found)
                if not path.endswith(".vmrs"):
                    template.content = definition.write_snapshot(snapshot, paths)
                self._add(template, "Snapshots", path)
        for file in disks.values():
            template = replace(opened(self.source, file.path))
            if template.disk is not None and template.disk.parent:
                parent = storage.parent(file)
                template.disk = replace(template.disk, parent=paths.get(parent.lower(), parent))
            self._add(template, "Virtual Hard Disks", file.path)

    def _disks(self) -> dict[str, File]:
        """Return the disk files of the machine and its checkpoints with their parents, by lower-case path."""
        storage, found = self.source.storage, dict[str, File]()
        for body in bodies(self.vm):
            for drive in body.hard_drives:
                if drive.disk_number is not None:
                    continue
                chain = storage.chain(drive.path)
                found.update({file.path.lower(): file for file in chain})
                missing = drive.path if not chain else storage.parent(chain[-1])
                self.lacking = self.lacking or missing or None
        return found

    def _runtime(self, path: str, state: str) -> File:
        found = self.source.storage.file(path)
        if found is None:
            return File(path, CONFIGURATION_BYTES)
        memory = self.vm.memory_assigned if state == "Saved" and self.vm.is_on else found.size
        return File(path, memory) if memory != found.size else replace(found)

    def _add(self, template: File, folder: str, source: str) -> None:
        target = ntpath.join(self.root.path, folder, ntpath.basename(source))
        self.items.append(Item(template, target, source))

    # --- course ---
    def course(self) -> Generator[Wait, None, None]:
        """Yield what it waits for: a start, then file after file."""
        try:
            yield from self._pass(START_SECONDS)
            if self.lacking is not None:
                raise MoveFailed(FILE_MISSING, source=self.lacking)
            for number, item in enumerate(self.items):
                yield from self._item(item)
                if number >= len(self.items) // 2:
                    self._fault("export")
        except MoveFailed as failed:
            self.failure = failed
        with self.fleet.lock:
            self._end()
        self.clock.notify()

    def _item(self, item: Item) -> Generator[Wait, None, None]:
        self.at = item
        copy = Copy(item.template, item.target)
        way = line(self.source, self.destination) if self.source is not self.destination else ()
        with self.fleet.lock:
            self._watch()
            target = files.begin(self.destination, copy)
            made = target.files[item.target.lower()]
            made.writing = True
            origin = self.source.storage.volume(item.source)
        try:
            yield from self._carry(Transfer(item.template.size, (*way, disk(origin), disk(target))), copy)
            with self.fleet.lock:
                made.take_over(item.template)
        finally:
            made.writing = False

    def _disturbed(self) -> MoveFailed | None:
        if self.job.cancel_wanted:
            return MoveFailed(CANCELLED)
        if self.source.boots != self._boots or not self.source.vmms_running:
            return MoveFailed(RESET)
        there = self.destination
        if there is not self.source and (there.booting or not door_open(there, 445)):
            return MoveFailed(NETNAME_DELETED)
        return None

    def _end(self) -> None:
        if self._transfer is not None:
            transfers(self.fleet).drop(self._transfer, self.clock.now())
        if self.vm.activity == ACTIVITY:
            self.vm.activity = None
        text = message(self.request, self.failure, self.at) if self.failure else ""
        cancelled = self.failure is not None and self.failure.cause == CANCELLED
        self.job.finish(state=TERMINATED if cancelled else COMPLETED, error_text=text)
        if self.source.boots != self._boots:
            self.source.jobs.pop(self.job.identifier, None)
        outcome = "exported" if self.failure is None else "cancelled" if cancelled else "failed"
        self.entry.update(finished=self.clock.now(), outcome=outcome, error=text)
        if self.failure is None:
            self.fleet.record("exported", self.vm, folder=self.request.folder)


def message(request: ExportRequest, failed: MoveFailed, at: Item | None = None) -> str:
    """Return the text of a failure in the host's language."""
    language, vm = request.vm.host.language, request.vm
    values = {"vm": vm.name, "id": str(vm.id).upper()}
    if isinstance(failed.cause, str):
        return messages.text(language, failed.cause, **values)
    why = detail(language, failed.cause, path=request.folder, vm=vm.name)
    source = failed.values.get("source") or (at.source if at else "")
    key = "exp_copy" if source else "exp_folder"
    path = ntpath.join(request.folder, ntpath.basename(source)) if source else request.folder
    text = messages.text(language, key, source=source, path=path, why=why)
    return f"{messages.text(language, 'exp_head', **values)}\n\n{text}"


def accept(request: ExportRequest) -> Export:
    """Accept an export (under the fleet's lock); raise MoveFailed where it is refused."""
    vm = request.vm
    if vm.state in TRANSITIONAL or vm.activity or vm.backing_up:
        raise MoveFailed("exp_state")
    if vm.is_on and request.capture == DATA and not ("vss" in vm.services_enabled and vm.guest_answers):
        raise MoveFailed("exp_vss")
    running = Export(request, _root(request))
    running.begin()
    return running


def _root(request: ExportRequest) -> Place:
    """Return where the tree will be; the service goes there with the host's account, whoever asked."""
    host, name = request.vm.host, ntpath.basename(request.folder)
    if not name or FORBIDDEN & set(name) or any(ord(char) < 32 for char in name):
        raise MoveFailed(INVALID_NAME)
    try:
        root = reach.place_of_service(host, request.folder)
        root.host.storage.volume(root.path)
    except ShareRefused as refused:
        source = request.vm.configuration_files()[0] if refused.code == 5 else ""
        raise MoveFailed(0x80070000 | refused.code, source=source) from refused
    except NoSuchPath as problem:
        raise MoveFailed(PATH_MISSING) from problem
    if root.right < CHANGE:
        raise MoveFailed(ACCESS_DENIED, source=request.vm.configuration_files()[0])
    if root.host.storage.exists(root.path):
        raise MoveFailed(FILE_EXISTS)
    return root
