# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-, Set-, Rename-, New-, Remove-VM and Remove-VMSavedState."""

from __future__ import annotations

import ntpath
import uuid
from typing import Any, ClassVar

from ..powershell.values import Int64, UInt32, UInt64, Version
from . import enums, power
from .base import HYPERV_CLASS, HyperVCmdlet, as_list
from .devices import HardDrive, NetworkAdapter
from .failures import Refused
from .fleet_vms import checkpoint_files
from .machine import MB
from .storage import EMPTY_DYNAMIC_DISK, DiskFull, File, FileExists, NoSuchPath, VirtualDisk
from .vm import VM


class GetVM(HyperVCmdlet):
    """Get-VM."""

    NAME = "Get-VM"
    CLASS = HYPERV_CLASS + "GetVM"

    def admitted(self) -> bool:
        """Return whether it may run; with -Name a stopped service gives a second record (field errors)."""
        if super().admitted():
            return True
        if not self.host.vmms_running:
            for name in as_list(self.given("Name")):
                self.reject("vm_name_unknown", target=name, name=name)
        return False

    def run(self) -> None:
        """Write the machines asked for."""
        if self.bound_to("ClusterObject"):
            raise Refused("not_clustered")
        if self.bound_to("Id"):
            vm = self.host.vms.get(self.given("Id"))
            if vm is None:
                self.reject("vm_id_unknown", name=self.given("Id"))
                return
            self.call.write(vm)
            return
        names = as_list(self.given("Name"))
        found = self.named(names, "vm_name_unknown", targets=True) if names else list(self.host.vms.values())
        for vm in found:
            self.call.write(vm)


_PLAIN: dict[str, tuple[str, Any]] = {
    "AutomaticStartDelay": ("start_delay", int),
    "AutomaticCriticalErrorActionTimeout": ("critical_error_timeout", int),
    "AutomaticCheckpointsEnabled": ("automatic_checkpoints", bool),
    "Notes": ("notes", str),
    "SmartPagingFilePath": ("paging_path", str),
    "BatteryPassthroughEnabled": ("battery", bool),
}
_ENUMERATED = {
    "AutomaticStartAction": ("start_action", "StartAction"),
    "AutomaticStopAction": ("stop_action", "StopAction"),
    "AutomaticCriticalErrorAction": ("critical_error_action", "CriticalErrorAction"),
    "CheckpointType": ("checkpoint_type", "CheckpointType"),
    "LockOnDisconnect": ("lock_on_disconnect", "OnOffState"),
    "EnhancedSessionTransportType": ("transport", "EnhancedSessionTransportType"),
}
_WHILE_OFF: dict[str, tuple[str, Any]] = {
    "MemoryMinimumBytes": ("memory_minimum", int),
    "MemoryMaximumBytes": ("memory_maximum", int),
    "GuestControlledCacheTypes": ("cache_types", bool),
    "LowMemoryMappedIoSpace": ("low_mmio", UInt32),
    "HighMemoryMappedIoSpace": ("high_mmio", UInt64),
}


class SetVM(HyperVCmdlet):
    """Set-VM. What a machine that runs can't take is refused (InvalidState)."""

    NAME = "Set-VM"
    CLASS = HYPERV_CLASS + "SetVM"

    def run(self) -> None:
        """Set what is given on every machine."""
        for vm in self.vms("Name"):
            if not self.call.should_process(vm.name):
                continue
            try:
                with self.host.fleet.lock:
                    self._check(vm)
                    self._apply(vm)
            except Refused as refused:
                self.refuse(refused)
                continue
            self.host.fleet.clock.notify()
            self.passthru(vm)

    def _check(self, vm: VM) -> None:
        off_only = {*_WHILE_OFF, "ProcessorCount", "StaticMemory", "DynamicMemory"}
        if off_only & set(self.call.bound):
            power.require_off(vm)
        else:
            power.require_idle(vm)
        if self.bound_to("MemoryStartupBytes"):
            check_memory_change(vm, int(self.given("MemoryStartupBytes")))
        if self.bound_to("SnapshotFileLocation") and vm.snapshots:
            raise Refused("invalid_state", vm)
        if self.switched("StaticMemory") and self.switched("DynamicMemory"):
            raise Refused("parameter", vm, what="StaticMemory, DynamicMemory")

    def _apply(self, vm: VM) -> None:
        for parameter, (field, kind) in {**_PLAIN, **_WHILE_OFF}.items():
            if self.bound_to(parameter):
                setattr(vm, field, kind(self.given(parameter)))
        for parameter, (field, enumeration) in _ENUMERATED.items():
            if self.bound_to(parameter):
                setattr(vm, field, enums.named(enumeration, self.given(parameter)))
        if self.bound_to("SnapshotFileLocation"):
            vm.snapshot_path = str(self.given("SnapshotFileLocation"))
        if self.bound_to("ProcessorCount"):
            check_processors(vm, int(self.given("ProcessorCount")))
            vm.processor.count = Int64(self.given("ProcessorCount"))
        if self.bound_to("MemoryStartupBytes"):
            vm.memory_startup = int(self.given("MemoryStartupBytes"))
        if self.switched("DynamicMemory") or self.switched("StaticMemory"):
            vm.dynamic_memory = self.switched("DynamicMemory")
        if self.bound_to("NewVMName"):
            vm.name = str(self.given("NewVMName"))


def check_processors(vm: VM, count: int) -> None:
    """Refuse more virtual processors than the host has logical ones."""
    if not 1 <= count <= vm.host.logical_processors:
        raise Refused("parameter", vm, what=f"processors 1..{vm.host.logical_processors}")


def check_memory_change(vm: VM, startup: int) -> None:
    """Refuse an impossible amount, or a change while on that hot-add (version 6.2) doesn't cover."""
    if startup < 32 * MB or startup % (2 * MB):
        raise Refused("parameter", vm, what=f"MemoryStartupBytes {startup}")
    if vm.state != "Off" and (vm.state != "Running" or vm.dynamic_memory or float(vm.version) < 6.2):
        raise Refused("invalid_state", vm)
    if vm.state == "Running" and startup - vm.memory_startup > vm.host.memory_free:
        raise Refused("out_of_memory", vm, mb=startup // MB)


class RenameVM(HyperVCmdlet):
    """Rename-VM: names need not be unique."""

    NAME = "Rename-VM"
    CLASS = HYPERV_CLASS + "RenameVM"

    def run(self) -> None:
        """Rename every machine given."""
        new = str(self.given("NewName"))
        for vm in self.vms("Name"):
            if self.call.should_process(vm.name):
                vm.name = new
                self.passthru(vm)


class RemoveVM(HyperVCmdlet):
    """Remove-VM: the machine and its configuration; its disks stay."""

    NAME = "Remove-VM"
    CLASS = HYPERV_CLASS + "RemoveVM"

    def run(self) -> None:
        """Remove every machine given that is off or saved (or planned)."""
        for vm in self.vms("Name"):
            if not self.call.should_process(vm.name):
                continue
            if not self.switched("Force") and self.given("Confirm") is not False:
                self.reject("prompt_impossible", vm=vm.name)
                continue
            try:
                remove(vm)
            except Refused as refused:
                self.refuse(refused)
                continue
            self.passthru(vm)


def remove(vm: VM) -> None:
    """Take a machine (realised or planned) off its host with its configuration files. Raises Refused."""
    host = vm.host
    with host.fleet.lock:
        if not vm.planned:
            power.require_idle(vm)
            if vm.state not in ("Off", "Saved"):
                raise Refused("invalid_state", vm)
        (host.planned if vm.planned else host.vms).pop(vm.id, None)
        of_checkpoints = [] if vm.planned else [path for one in vm.snapshots for path in checkpoint_files(one)]
        for path in [*vm.configuration_files(), *of_checkpoints]:
            if host.storage.file(path) is not None:
                host.storage.volume(path).take(path)
        vm.is_deleted = True
    host.fleet.record("removed", vm, planned=vm.planned)
    host.fleet.clock.notify()


class RemoveVMSavedState(HyperVCmdlet):
    """Remove-VMSavedState."""

    NAME = "Remove-VMSavedState"
    CLASS = HYPERV_CLASS + "RemoveVMSavedState"

    def run(self) -> None:
        """Discard the saved state of every machine or checkpoint given."""
        if self.bound_to("VMSnapshot"):
            for snapshot in as_list(self.given("VMSnapshot")):
                snapshot.cpu = None
            return
        for vm in self.vms():
            if not self.call.should_process(vm.name):
                continue
            try:
                power.discard_state(vm)
            except Refused as refused:
                self.refuse(refused)
                continue
            self.passthru(vm)


class NewVM(HyperVCmdlet):
    """New-VM in its simple forms: without disk, with a new one, with an existing one."""

    NAME = "New-VM"
    CLASS = HYPERV_CLASS + "NewVM"
    SIMULATED: ClassVar = frozenset(
        [
            "Name",
            "Path",
            "Generation",
            "MemoryStartupBytes",
            "SwitchName",
            "NoVHD",
            "NewVHDPath",
            "NewVHDSizeBytes",
            "VHDPath",
            "Version",
            "Force",
            "Passthru",
            "WhatIf",
            "Confirm",
            "ComputerName",
            "AsJob",
        ]
    )

    def run(self) -> None:
        """Create the machine."""
        for parameter in self.call.bound:
            if parameter not in self.SIMULATED:
                raise Refused("not_supported", what=parameter)
        name = str(self.given("Name", "New Virtual Machine"))
        if not self.call.should_process(name):
            return
        with self.host.fleet.lock:
            vm = self._create(name)
            self.host.vms[vm.id] = vm
        self.host.fleet.record("created", vm)
        self.call.write(vm)

    def _create(self, name: str) -> VM:
        host = self.host
        vm = VM(host, name, uuid.uuid4())
        vm.created = host.fleet.clock.date()
        vm.generation = int(self.given("Generation", 1))
        vm.version = Version(str(self.given("Version", host.versions[-1])))
        if str(vm.version) not in host.versions:
            raise Refused("parameter", vm, what=f"Version {vm.version}")
        vm.memory_startup = int(self.given("MemoryStartupBytes", 512 * MB))
        root = str(self.given("Path", "")) or host.settings.vm_path
        vm.path = vm.snapshot_path = vm.paging_path = ntpath.join(root, name) if self.given("Path") else root
        adapter = NetworkAdapter(vm, 0)
        if self.bound_to("SwitchName"):
            switch = host.switch(str(self.given("SwitchName")))
            if switch is None:
                raise Refused("switch_unknown", name=self.given("SwitchName"))
            adapter.switch = switch.name
        vm.adapters.append(adapter)
        self._disk(vm)
        for path in vm.configuration_files():
            write_file(vm, File(path, 64 * 1024))
        return vm

    def _disk(self, vm: VM) -> None:
        controller = "SCSI" if vm.generation == 2 else "IDE"
        if self.bound_to("NewVHDPath"):
            path = str(self.given("NewVHDPath"))
            path = path if ntpath.isabs(path) else ntpath.join(vm.path, "Virtual Hard Disks", path)
            write_file(vm, File(path, EMPTY_DYNAMIC_DISK, VirtualDisk(size=int(self.given("NewVHDSizeBytes")))))
        elif self.bound_to("VHDPath"):
            path = str(self.given("VHDPath"))
            if self.host.storage.file(path) is None:
                raise Refused("disk_missing", vm, path=path)
        else:
            return
        vm.hard_drives.append(HardDrive(vm, path, controller=controller))


def write_file(vm: VM, file: File) -> None:
    """Put a file on its volume. Raises Refused where the path, the room or the name forbids it."""
    try:
        vm.host.storage.volume(file.path).put(file)
    except NoSuchPath as problem:
        raise Refused("path_missing", vm, path=file.path) from problem
    except FileExists as problem:
        raise Refused("file_exists", vm, path=file.path) from problem
    except DiskFull as problem:
        raise Refused("disk_full", vm, path=file.path) from problem


COMMANDS = (GetVM, SetVM, RenameVM, RemoveVM, RemoveVMSavedState, NewVM)
