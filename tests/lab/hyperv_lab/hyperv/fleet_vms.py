# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual machines of a fleet file: ranges, disks, checkpoints and everything a machine can have."""

from __future__ import annotations

import fnmatch
import ntpath
import re
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..powershell.values import Int64, Version
from .checkpoint import Snapshot
from .cpu import CpuFeatures
from .devices import DvdDrive, HardDrive, NetworkAdapter
from .faults import MoveFault
from .fleet_guests import read_guest, read_replication
from .fleet_hosts import names
from .fleet_switches import read_adapter
from .integration import INTEGRATION_SERVICES
from .machine import DEFAULT_SERVICES, MB
from .schema import FleetError, Section, merged
from .storage import GB, File, FileExists, NoSuchPath, VirtualDisk
from .vm import VM, Backup

if TYPE_CHECKING:
    from .fleet import Fleet
    from .host import Host

STATES = ("Off", "Running", "Saved", "Paused", "Starting", "Stopping", "Saving")
PHASES = ("storage", "memory", "handover", "cleanup", "export")
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "hyperv-lab")
LONG_AGO = -86_400.0
AVHDX_GB = 0.5


def build_vms(fleet: Fleet, top: Section) -> None:
    """Add the machines of the file to their hosts."""
    defaults = top.mapping("vm_defaults")
    templates = top.mapping("vm_templates")
    for entry in top.sections("vms"):
        use = entry.text("use", None)
        if use is not None and use not in templates:
            raise FleetError(f"{entry.where}.use: there is no template {use!r}")
        values = merged(defaults, templates.get(use) or {}, entry.values)
        for key in ("count", "first", "use", "name", "host", "hosts", "per_host"):
            values.pop(key, None)
        for host, name in _places(fleet, entry):
            _add(host, name, Section(values, entry.where))


def _places(fleet: Fleet, entry: Section) -> list[tuple[Host, str]]:
    per_host = entry.whole("per_host", None, least=1)
    if per_host is None:
        wanted = entry.text("host")
        host = fleet.hosts.get(wanted.upper())
        if host is None:
            raise FleetError(f"{entry.where}.host: there is no host {wanted!r}")
        return [(host, name) for _number, name in names(entry)]
    pattern = entry.text("name")
    wanted_hosts = entry.texts("hosts", ("*",))
    hosts = [h for h in fleet.hosts.values() if any(fnmatch.fnmatch(h.name, w.upper()) for w in wanted_hosts)]
    if not hosts:
        raise FleetError(f"{entry.where}.hosts: no host fits {', '.join(wanted_hosts)}")
    try:
        return [(h, pattern.format(host=h.name.lower(), n=n)) for h in hosts for n in range(1, per_host + 1)]
    except (KeyError, IndexError, ValueError) as problem:
        raise FleetError(f"{entry.where}.name: use {{host}} and {{n}} in {pattern!r}") from problem


def _add(host: Host, name: str, section: Section) -> None:
    same = sum(1 for vm in host.vms.values() if vm.name == name)
    default_id = uuid.uuid5(NAMESPACE, f"{host.name}/{name}/{same}")
    try:
        identifier = uuid.UUID(section.text("id", str(default_id)))
    except ValueError as problem:
        raise FleetError(f"{section.where}.id: {section.values['id']!r} is no GUID") from problem
    if identifier in host.vms:
        raise FleetError(f"{section.where}: {host.name} has a machine of Id {identifier} already")
    vm = VM(host, name, identifier)
    _settings(vm, section)
    _disks(vm, section)
    _devices(vm, section)
    _checkpoints(vm, section)
    _extras(vm, section)
    _state(vm, section)
    section.close()
    host.vms[identifier] = vm


def _settings(vm: VM, section: Section) -> None:
    host = vm.host
    vm.generation = section.whole("generation", 2, least=1)
    vm.version = Version(section.text("version", host.versions[-1]))
    vm.memory_startup = section.whole("memory_mb", 2048, least=32) * MB
    if section.has("dynamic_memory"):
        part = section.section("dynamic_memory")
        vm.dynamic_memory = True
        vm.memory_minimum = part.whole("minimum_mb", 512) * MB
        vm.memory_maximum = part.whole("maximum_mb", 1024 * 1024) * MB
        vm.assigned = part.whole("assigned_mb", vm.memory_startup // MB) * MB
        part.close()
    else:
        section.any("dynamic_memory")
    vm.processor.count = Int64(section.whole("processors", 2, least=1))
    if section.flag("compatibility"):
        vm.processor.compatibility_for_migration_enabled = True
    if section.flag("older_systems"):
        vm.processor.compatibility_for_older_operating_systems_enabled = True
    vm.path = section.text("path", default_folder(vm))
    vm.snapshot_path = section.text("snapshot_path", vm.path)
    vm.paging_path = section.text("paging_path", vm.path)
    vm.notes = section.text("notes", "")
    vm.is_clustered = section.flag("clustered")
    start = vm.host.fleet.clock.start
    vm.created = start - timedelta(days=section.number("age_days", 30))
    if section.has("integration_services"):
        keys = section.texts("integration_services")
        for key in keys:
            if key not in INTEGRATION_SERVICES:
                raise FleetError(
                    f"{section.where}.integration_services: {key!r} is none of {', '.join(INTEGRATION_SERVICES)}"
                )
        vm.services_enabled = frozenset(keys)
    else:
        section.any("integration_services")
        vm.services_enabled = DEFAULT_SERVICES


def default_folder(vm: VM) -> str:
    """Return where a machine lives unless the file says so: a folder of its name on D:, or of its Id for odd names."""
    root = "D:\\Hyper-V" if "D:" in vm.host.storage.volumes else vm.host.settings.vm_path
    plain = vm.name if re.fullmatch(r"[\w][\w .()-]{0,62}[\w)]|\w", vm.name) else str(vm.id)
    folder = ntpath.join(root, plain)
    if vm.host.storage.folder_exists(folder):
        folder = ntpath.join(root, str(vm.id))
    return folder


def _disks(vm: VM, section: Section) -> None:
    stem = ntpath.join(vm.path, "Virtual Hard Disks", ntpath.basename(vm.path))
    entries = section.sections("disks")
    if not entries and not section.has("disks"):
        entries = [Section({"size_gb": 40, "file_size_gb": 8}, section.where)]
    for number, entry in enumerate(entries):
        controller = entry.choice("controller", ("SCSI", "IDE"), "SCSI" if vm.generation == 2 else "IDE")
        drive = HardDrive(vm, controller=controller, number=0, location=number)
        drive.disk_number = entry.whole("pass_through", None)
        if drive.disk_number is None:
            drive.path = entry.text("path", f"{stem}_{number}.vhdx" if number else f"{stem}.vhdx")
            _disk_file(vm.host, drive.path, entry)
        if entry.flag("shared"):
            drive.shared = True
        entry.close()
        vm.hard_drives.append(drive)


def _disk_file(host: Host, path: str, entry: Section) -> None:
    parent = entry.text("parent", "")
    kind = entry.choice("type", ("Fixed", "Dynamic", "Differencing"), "Differencing" if parent else "Dynamic")
    size = int(entry.number("size_gb", 40) * GB)
    used = int(entry.number("file_size_gb", size / GB if kind == "Fixed" else min(8, size / GB)) * GB)
    if (kind == "Differencing") != bool(parent):
        raise FleetError(f"{entry.where}: a differencing disk has a parent, and no other has one")
    if entry.flag("missing"):
        return
    disk = VirtualDisk(
        format="VHD" if path.lower().endswith(".vhd") else "VHDSet" if path.lower().endswith(".vhds") else "VHDX",
        type=kind,
        size=size,
        parent=parent,
        identifier=uuid.uuid5(NAMESPACE, f"{host.name}/{path}"),
    )
    put_file(host, File(path, used, disk), entry.where, shared=True)
    if parent and host.storage.file(parent) is None:
        base = VirtualDisk(size=size, identifier=uuid.uuid5(NAMESPACE, f"{host.name}/{parent}"))
        put_file(host, File(parent, int(entry.number("parent_size_gb", 10) * GB), base), entry.where)


def put_file(host: Host, file: File, where: str, *, shared: bool = False) -> None:
    """Put a file of the fleet file on its volume without changing the free space the file states; raise FleetError."""
    file.identity = f"{host.name}/{file.path}"  # the same file has the same bytes in the next run of the fleet
    try:
        volume = host.storage.volume(file.path)
        volume.put(file, check=False)
    except NoSuchPath as problem:
        raise FleetError(f"{where}: {host.name} has no volume or share for {file.path!r}") from problem
    except FileExists as problem:
        if shared:
            return
        raise FleetError(f"{where}: {host.name} has the file {file.path!r} already") from problem
    if volume.used > volume.size:
        raise FleetError(f"{where}: {file.path!r} does not fit on {volume.name} of {host.name}")
    volume.other = max(volume.other - file.size, 0)


def _devices(vm: VM, section: Section) -> None:
    dvd = section.any("dvd", False)
    if dvd is not False:
        number, controller = (1, "IDE") if vm.generation == 1 else (0, "SCSI")
        location = 0 if vm.generation == 1 else len(vm.hard_drives)
        path = "" if dvd is True else str(dvd)
        vm.dvd_drives.append(DvdDrive(vm, path, controller=controller, number=number, location=location))
        if path and not path.startswith("\\\\") and vm.host.storage.file(path) is None:
            put_file(vm.host, File(path, 700 * MB), section.where)
    entries = section.sections("adapters")
    if not entries and not section.has("adapters"):
        first = next(iter(vm.host.switches.values()), None)
        entries = [Section({"switch": first.name if first else ""}, section.where)]
    for number, entry in enumerate(entries):
        adapter = NetworkAdapter(vm, number, entry.text("switch", ""))
        adapter.name = entry.text("name", adapter.name)
        read_adapter(adapter, entry)
        entry.close()
        vm.adapters.append(adapter)


def features_now(vm: VM) -> CpuFeatures:
    """Return the features that a power-on on its host fixes."""
    cpu = vm.host.cpu
    limited = vm.processor.compatibility_for_migration_enabled
    return CpuFeatures(vendor=cpu.vendor, generation=cpu.generation, features=cpu.features, limited=limited)


def _checkpoints(vm: VM, section: Section) -> None:
    for number, entry in enumerate(section.sections("checkpoints")):
        name = entry.text("name", f"{vm.name} - checkpoint {number + 1}")
        snapshot = Snapshot(vm, name, uuid.uuid5(vm.id, f"checkpoint{number}"), vm.snapshot)
        snapshot.copy_settings(vm)
        snapshot.cpu = features_now(vm) if entry.flag("memory_state") else None
        snapshot.is_automatic = entry.flag("automatic")
        snapshot.created = vm.host.fleet.clock.start - timedelta(days=entry.number("age_days", 3))
        entry.close()
        for path in checkpoint_files(snapshot):
            size = vm.memory_startup if snapshot.cpu and path.endswith(".vmrs") else 64 * 1024
            put_file(vm.host, File(path, size), entry.where)
        add_layer(vm, snapshot.id, int(AVHDX_GB * GB), checked=False)
        vm.snapshots.append(snapshot)
        vm.snapshot = snapshot


def checkpoint_files(snapshot: Snapshot) -> list[str]:
    """Return the paths of a checkpoint's own files."""
    return snapshot.own_files()


def add_layer(vm: VM, checkpoint: uuid.UUID, size: int, *, checked: bool = True) -> None:
    """Put a differencing disk on top of each disk of a machine, as a checkpoint does; raise DiskFull."""
    for drive in vm.hard_drives:
        if drive.disk_number is not None:
            continue
        below = vm.host.storage.file(drive.path)
        base = re.sub(r"_[0-9A-F-]{36}$", "", ntpath.splitext(drive.path)[0])
        top = f"{base}_{str(uuid.uuid5(checkpoint, base)).upper()}.avhdx"
        disk = VirtualDisk(
            type="Differencing", size=below.disk.size if below and below.disk else 40 * GB, parent=drive.path
        )
        if checked:
            vm.host.storage.volume(top).put(File(top, size, disk))
        else:
            put_file(vm.host, File(top, size, disk), vm.name)
        drive.path = top


def _extras(vm: VM, section: Section) -> None:
    if section.has("replication"):
        vm.replication = read_replication(vm, section.section("replication"))
    part = section.section("security")
    if part.flag("tpm"):
        vm.security.tpm_enabled = True
    if part.flag("shielded"):
        vm.security.shielded = True
    if part.flag("encrypt"):
        vm.security.encrypt_state_and_vm_migration_traffic = True
    part.close()
    part = section.section("backup")
    if part.values:
        start = part.number("start_after", 0)
        vm.backup = Backup(start, start + part.number("seconds"))
    part.close()
    part = section.section("guest")
    if part.values:
        vm.guest = read_guest(part)
    part.close()
    vm.faults = tuple(_fault(entry) for entry in section.sections("faults"))


def _fault(entry: Section) -> MoveFault:
    fault = MoveFault(
        phase=entry.choice("phase", PHASES), error=entry.whole("error", 0x80072746), times=entry.whole("times", 1)
    )
    entry.close()
    return fault


def _state(vm: VM, section: Section) -> None:
    state: Any = section.choice("state", STATES, "Off")
    vm.state = state
    if state != "Off":
        vm.cpu = features_now(vm)
    if state in ("Running", "Paused", "Stopping", "Saving", "Starting"):
        vm.started_at = vm.host.fleet.clock.now() if state == "Starting" else LONG_AGO
        vm.assigned = vm.assigned or vm.memory_startup
    for path in vm.configuration_files():
        saved = state == "Saved" and path.endswith(".vmrs")
        put_file(vm.host, File(path, vm.memory_startup if saved else 64 * 1024), section.where)
