# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked before a move: refusals at once, and incompatibilities as a report lists them (facts on Hyper-V, 3.4).

Only MessageId 33012 is published, 40010 comes from third parties. The other numbers are the lab's own (README): whoever
reads reports has to treat them as unknown.
"""

from __future__ import annotations

import ntpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import messages, reach
from .accounts import may_use_hyperv
from .delegation import require_credentials, require_rights
from .migration_errors import ACCESS_DENIED, BUSY, OBJECT_EXISTS, REFUSED, TIMED_OUT, MoveFailed
from .migration_plan import bodies
from .storage import NoSuchPath
from .vm import TRANSITIONAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .host import Host
    from .migration_plan import MoveRequest, Placement
    from .planned import PlannedVM
    from .storage import Volume
    from .vm import VirtualMachineBase

SWITCH_MISSING, FILE_MISSING = 33012, 40010
OWN_NUMBERS = {
    "failed_at_destination": 990001,
    "not_compatible": 990002,
    "version": 990003,
    "processor": 990004,
    "processor_count": 990005,
    "memory": 990006,
    "disk_space": 990007,
    "tpm": 990008,
    "pass_through": 990009,
    "shared_disk": 990010,
    "file_exists": 990011,
    "unreachable": 990012,
    "pool": 990013,
    "path": 990014,
}
messages.add(
    {
        "mig_failed_at_destination": (
            (
                "Virtual machine migration operation for '{vm}' failed at migration destination '{peer}'. "
                "(Virtual machine ID {id})"
            ),
            (
                "Échec de l’opération de migration de machine virtuelle « {vm} » à la destination de la "
                "migration « {peer} ». "
                "(ID d’ordinateur virtuel {id})"
            ),
        ),
        "mig_not_compatible": (
            "The virtual machine '{vm}' is not compatible with physical computer '{peer}'. (Virtual machine ID {id})",
            (
                "L’ordinateur virtuel « {vm} » n’est pas compatible avec l’ordinateur physique « {peer} ». "
                "(ID d’ordinateur virtuel {id})"
            ),
        ),
        "mig_switch": (
            "Could not find Ethernet switch '{name}'.",
            "Le commutateur Ethernet « {name} » est introuvable.",
        ),
        "mig_file": (
            (
                "'{vm}': Attachment '{path}' failed to open because of error: The system cannot find the path "
                "specified "
                "(0x80070003)."
            ),
            (
                "« {vm} » : la pièce jointe « {path} » n’a pas pu être ouverte en raison de l’erreur : Le "
                "chemin d’accès "
                "spécifié est introuvable (0x80070003)."
            ),
        ),
        "mig_version": (
            (
                "The configuration version {version} of the virtual machine '{vm}' is not supported on physical "
                "computer "
                "'{peer}'."
            ),
            (
                "La version de configuration {version} de l’ordinateur virtuel « {vm} » n’est pas prise en charge sur "
                "l’ordinateur physique « {peer} »."
            ),
        ),
        "mig_processor": (
            (
                "The virtual machine '{vm}' is using processor-specific features not supported on physical "
                "computer '{peer}'. "
                "To allow for migration of this virtual machine to physical computer with different processors, "
                "modify the "
                "virtual machine settings to limit the processor features used by the virtual machine."
            ),
            (
                "L’ordinateur virtuel « {vm} » utilise des fonctionnalités spécifiques du processeur non prises "
                "en charge par "
                "l’ordinateur physique « {peer} ». Modifiez les paramètres de l’ordinateur virtuel pour limiter les "
                "fonctionnalités de processeur qu’il utilise."
            ),
        ),
        "mig_processor_count": (
            (
                "Cannot assign the specified number of processors for virtual machine '{vm}' because it is out "
                "of range. "
                "The range is 1 through {most}."
            ),
            (
                "Impossible d’affecter le nombre de processeurs spécifié à l’ordinateur virtuel « {vm} » : hors "
                "limites. "
                "La plage va de 1 à {most}."
            ),
        ),
        "mig_memory": (
            "Not enough memory on physical computer '{peer}' for the virtual machine '{vm}' ({mb} MB).",
            "Mémoire insuffisante sur l’ordinateur physique « {peer} » pour l’ordinateur virtuel « {vm} » ({mb} Mo).",
        ),
        "mig_disk_space": (
            "There is not enough space on '{path}' of physical computer '{peer}' for the storage of '{vm}'.",
            "Espace insuffisant sur « {path} » de l’ordinateur physique « {peer} » pour le stockage de « {vm} ».",
        ),
        "mig_tpm": (
            (
                "The version of the device 'Microsoft Virtual TPM Device' of the virtual machine '{vm}' is not "
                "compatible with "
                "device on physical computer '{peer}'."
            ),
            (
                "La version du périphérique « Microsoft Virtual TPM Device » de l’ordinateur virtuel « {vm} » "
                "n’est pas "
                "compatible avec le périphérique de l’ordinateur physique « {peer} »."
            ),
        ),
        "mig_pass_through": (
            "The virtual machine '{vm}' uses a physical disk: its storage cannot be migrated.",
            "L’ordinateur virtuel « {vm} » utilise un disque physique : son stockage ne peut pas être migré.",
        ),
        "mig_shared_disk": (
            "Shared disk missing in migration options: '{path}'.",
            "Disque partagé manquant dans les options de migration : « {path} ».",
        ),
        "mig_file_exists": (
            "The file '{path}' exists at the destination (0x80070050).",
            "Le fichier « {path} » existe à la destination (0x80070050).",
        ),
        "mig_unreachable": (
            "The virtual hard disk '{path}' is not accessible from physical computer '{peer}'.",
            "Le disque dur virtuel « {path} » n’est pas accessible depuis l’ordinateur physique « {peer} ».",
        ),
        "mig_pool": (
            "The resource pool '{name}' was not found on physical computer '{peer}'.",
            "Le pool de ressources « {name} » est introuvable sur l’ordinateur physique « {peer} ».",
        ),
        "mig_path": (
            "The path '{path}' is not valid on physical computer '{peer}' (0x80070003).",
            "Le chemin « {path} » n’est pas valide sur l’ordinateur physique « {peer} » (0x80070003).",
        ),
    }
)


@dataclass(frozen=True)
class Incompatibility:
    """One entry of a report: text, number, and the live object it is about."""

    message: str
    message_id: int
    source: Any


def require_source(request: MoveRequest) -> None:
    """Refuse what the source alone knows: rights, its own settings, state of the machine. Raises MoveFailed."""
    source, vm = request.source, request.vm
    if not may_use_hyperv(request.identity):
        raise MoveFailed(ACCESS_DENIED)
    if request.destination is source:
        raise MoveFailed("move_same_host")
    if not source.migration.enabled:
        raise MoveFailed("move_not_enabled")
    if vm.activity == "MigratingVirtualMachine":
        raise MoveFailed(BUSY)
    if vm.state in TRANSITIONAL or vm.activity or vm.backing_up:
        raise MoveFailed("move_state")
    if vm.is_clustered:
        raise MoveFailed("move_clustered")


def require_connection(request: MoveRequest, *, storage: bool) -> None:
    """Refuse what fails while the hosts connect: these are errors, never entries of a report. Raises MoveFailed."""
    destination = request.destination
    if destination.booting or not destination.firewall.get("VIRT-MIGL-In-TCP-NoScope", False):
        raise MoveFailed(TIMED_OUT)
    if not destination.listener_addresses():
        raise MoveFailed(REFUSED)
    require_credentials(request.source, destination, request.identity, request.peer, storage=storage)
    require_rights(destination, request.identity)


def require_new(request: MoveRequest, planned: PlannedVM | None = None) -> None:
    """Refuse where the destination has the Id, realised or planned (but for the report's own). Raises MoveFailed."""
    there = request.destination
    known = there.planned.get(request.vm.id)
    if request.vm.id in there.vms or (known is not None and known is not planned):
        raise MoveFailed(OBJECT_EXISTS, at="destination")


def require_slots(request: MoveRequest, *, storage: bool) -> None:
    """Refuse at once where a host has no slot left (facts on Hyper-V, 3.5). Raises MoveFailed."""
    for host in (request.source, request.destination):
        if host.slots_free() <= 0:
            raise MoveFailed("move_slots", limit=host.migration.slots)
    for host in (request.source, request.destination):
        if storage and len(host.storage_moves) >= host.migration.storage_slots:
            raise MoveFailed("move_storage_slots", limit=host.migration.storage_slots)


class Checker:
    """Lists the incompatibilities of a planned machine with its host."""

    def __init__(self, request: MoveRequest, placement: Placement, planned: PlannedVM) -> None:
        self.request = request
        self.placement = placement
        self.planned = planned
        self.there: Host = request.destination

    def entry(self, key: str, source: Any, number: int | None = None, **values: Any) -> Incompatibility:
        """Return an entry in the source host's language."""
        vm = self.request.vm
        values = {"vm": vm.name, "id": str(vm.id).upper(), "peer": self.there.name, **values}
        text = messages.text(self.request.source.language, "mig_" + key, **values)
        return Incompatibility(text, OWN_NUMBERS[key] if number is None else number, source)

    def all(self) -> list[Incompatibility]:
        """Return what doesn't fit, led by the wrapper entries whose source is the machine."""
        found = [*self._machine(), *self._memory_states(), *self._devices(), *self._files()]
        if not found:
            return []
        wrappers = [self.entry(key, self.planned) for key in ("failed_at_destination", "not_compatible")]
        return wrappers + found

    def _machine(self) -> Iterator[Incompatibility]:
        planned, there, vm = self.planned, self.there, self.request.vm
        if str(planned.version) not in there.versions:
            yield self.entry("version", planned, version=planned.version)
        for body in bodies(planned):
            if body.processor.count > there.logical_processors:
                yield self.entry("processor_count", body, most=there.logical_processors)
        wanted = max(vm.memory_assigned, planned.memory_startup if vm.is_on else 0)
        if wanted > there.memory_free or planned.memory_startup > there.memory:
            yield self.entry("memory", planned, mb=max(wanted, planned.memory_startup) // 1024**2)
        if vm.security.tpm_enabled and self.request.source.name not in there.tpm_certificates:
            yield self.entry("tpm", planned)
        if self.request.pool and self.request.pool.lower() != "primordial":
            yield self.entry("pool", planned, name=self.request.pool)

    def _memory_states(self) -> Iterator[Incompatibility]:
        vm, cpu = self.request.vm, self.there.cpu
        if vm.state != "Off" and vm.cpu is not None and not vm.cpu.runs_on(cpu):
            yield self.entry("processor", self.planned)
        known = {snapshot.id: snapshot for snapshot in self.planned.snapshots}
        for snapshot in vm.snapshots:
            if snapshot.cpu is not None and not snapshot.cpu.runs_on(cpu):
                yield self.entry("processor", known.get(snapshot.id, self.planned))

    def _devices(self) -> Iterator[Incompatibility]:
        for body in bodies(self.planned):
            yield from self._adapters(body)
            for dvd in body.dvd_drives:
                if dvd.path and not reach.opens(self.there, dvd.path):
                    yield self.entry("file", dvd, FILE_MISSING, path=dvd.path)
            for drive in body.hard_drives:
                if drive.disk_number is not None:
                    yield self.entry("pass_through", drive)
                elif drive.shared:
                    yield self.entry("shared_disk", drive, path=drive.path)

    def _adapters(self, body: VirtualMachineBase) -> Iterator[Incompatibility]:
        for adapter in body.adapters:
            if adapter.switch and not adapter.connected:
                yield self.entry("switch", adapter, SWITCH_MISSING, name=adapter.switch)

    def _files(self) -> Iterator[Incompatibility]:
        storage, vm = self.there.storage, self.request.vm
        drives = {d.path.lower(): d for body in bodies(self.planned) for d in body.hard_drives}
        for body in bodies(vm):
            for drive in body.hard_drives:
                if drive.path and vm.host.storage.file(drive.path) is None:
                    yield self.entry("file", self.planned, FILE_MISSING, path=drive.path)
        for path in sorted(self.placement.unreachable):
            yield self.entry("unreachable", drives.get(path, self.planned), path=path)
        needed: dict[str, tuple[Volume, int]] = {}
        for copy in self.placement.copies:
            try:
                volume = storage.volume(copy.target)
            except NoSuchPath:
                yield self.entry("path", self.planned, path=copy.target)
                continue
            if copy.target.lower() in volume.files:
                yield self.entry("file_exists", drives.get(copy.target.lower(), self.planned), path=copy.target)
            needed[volume.name] = (volume, needed.get(volume.name, (volume, 0))[1] + copy.file.size)
        for volume, size in needed.values():
            if size > volume.free:
                yield self.entry("disk_space", self.planned, path=volume.name)


def first_cause(found: list[Incompatibility]) -> str:
    """Return the text of the first entry that is no wrapper."""
    wrappers = {OWN_NUMBERS["failed_at_destination"], OWN_NUMBERS["not_compatible"]}
    return next((entry.message for entry in found if entry.message_id not in wrappers), "")


def double_names(placement: Placement) -> str | None:
    """Return a destination path that two files of the machine would share, or None."""
    seen: set[str] = set()
    for copy in placement.copies:
        key = ntpath.normpath(copy.target).lower()
        if key in seen:
            return copy.target
        seen.add(key)
    return None
