# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What doesn't fit between a machine that is being imported and its host, as entries of a report (facts, section 4).

Numbers and texts are those of moves where the cause is the same; there are no wrapper entries (assumed).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import messages, reach
from .import_plan import REGISTER
from .migration_checks import FILE_MISSING, OWN_NUMBERS, SWITCH_MISSING, Incompatibility
from .migration_plan import bodies
from .storage import NoSuchPath

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .import_plan import ImportPlan
    from .machine import VirtualMachineBase
    from .storage import Volume

NUMBERS = {**OWN_NUMBERS, "checkpoint": 990015, "saved_state": 990016}
messages.add(
    {
        "mig_checkpoint": (
            "The configuration of a checkpoint of '{vm}' was not found or is damaged: '{path}'.",
            "La configuration d’un point de contrôle de « {vm} » est introuvable ou endommagée : « {path} ».",
        ),
        "mig_saved_state": (
            "The saved state of the virtual machine '{vm}' was not found: '{path}' (0xC0370027).",
            "L’état enregistré de l’ordinateur virtuel « {vm} » est introuvable : « {path} » (0xC0370027).",
        ),
    }
)


class ImportChecker:
    """Lists the incompatibilities of a planned import."""

    def __init__(self, plan: ImportPlan) -> None:
        self.plan = plan
        self.planned = plan.planned
        self.host = plan.host

    def entry(self, key: str, source: Any, number: int | None = None, **values: Any) -> Incompatibility:
        """Return an entry in the host's language."""
        vm = self.planned
        values = {"vm": vm.name, "id": str(vm.id).upper(), "peer": self.host.name, **values}
        text = messages.text(self.host.language, "mig_" + key, **values)
        return Incompatibility(text, NUMBERS[key] if number is None else number, source)

    def all(self) -> list[Incompatibility]:
        """Return what doesn't fit now."""
        return [*self._machine(), *self._memory_states(), *self._devices(), *self._disks(), *self._room()]

    def _machine(self) -> Iterator[Incompatibility]:
        planned, host = self.planned, self.host
        if planned.processor.count > host.logical_processors:  # checkpoints are not asked (assumed)
            yield self.entry("processor_count", planned, most=host.logical_processors)
        if planned.memory_startup > host.memory:
            yield self.entry("memory", planned, mb=planned.memory_startup // 1024**2)
        if planned.security.tpm_enabled and self.plan.content["guardian"] not in host.tpm_certificates:
            yield self.entry("tpm", planned)
        for path in self.plan.lacking:
            yield self.entry("checkpoint", planned, path=path)

    def _memory_states(self) -> Iterator[Incompatibility]:
        planned, cpu = self.planned, self.host.cpu
        if planned.state == "Saved":
            path = self.plan.beside(f"{self.plan.content['id'].upper()}.vmrs")
            place = self.plan.place(path)
            if float(planned.version) >= 6 and (place is None or place.file is None):
                yield self.entry("saved_state", planned, path=path)
            if planned.cpu is not None and not planned.cpu.runs_on(cpu):
                yield self.entry("processor", planned)
        for snapshot in planned.snapshots:
            if snapshot.cpu is not None and not snapshot.cpu.runs_on(cpu):
                yield self.entry("processor", snapshot)

    def _devices(self) -> Iterator[Incompatibility]:
        for body in bodies(self.planned):
            yield from self._adapters(body)
            for dvd in body.dvd_drives:
                if dvd.path and not reach.opens(self.host, dvd.path):
                    yield self.entry("file", dvd, FILE_MISSING, path=dvd.path)
            for drive in body.hard_drives:
                if drive.disk_number is not None:
                    yield self.entry("pass_through", drive)

    def _adapters(self, body: VirtualMachineBase) -> Iterator[Incompatibility]:
        for adapter in body.adapters:
            if adapter.switch and not adapter.connected:
                yield self.entry("switch", adapter, SWITCH_MISSING, name=adapter.switch)

    def _disks(self) -> Iterator[Incompatibility]:
        """Yield disks that can't be opened, or whose parent can't."""
        for drive in self.plan.drives():
            known = self.plan.placed_for(drive)
            moves = known is not None and self.plan.request.mode != REGISTER
            path = (known.source or known.target) if moves and known else drive.path
            place = self.plan.place(path)
            if self.plan.disk(path) is None or place is None:
                yield self.entry("file", drive, FILE_MISSING, path=path)
                continue
            last = place.host.storage.chain(place.path)[-1]
            parent = place.host.storage.parent(last)
            if parent:
                yield self.entry("file", drive, FILE_MISSING, path=parent)

    def _room(self) -> Iterator[Incompatibility]:
        """Yield what stands in the way of the copies: files of their names, paths, space."""
        drives = {drive.path.lower(): drive for drive in self.plan.drives()}
        needed: dict[str, tuple[Volume, int]] = {}
        seen: set[str] = set()
        for place, target in self.plan.copies().values():
            try:
                volume = self.host.storage.volume(target)
            except NoSuchPath:
                yield self.entry("path", self.planned, path=target)
                continue
            if target.lower() in volume.files or target.lower() in seen:
                yield self.entry("file_exists", drives.get(target.lower(), self.planned), path=target)
            seen.add(target.lower())
            size = place.file.size if place.file else 0
            needed[volume.name] = (volume, needed.get(volume.name, (volume, 0))[1] + size)
        for volume, size in needed.values():
            if size > volume.free:
                yield self.entry("disk_space", self.planned, path=volume.name)
