# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints: Get-, Checkpoint-VM, Restore-, Remove-VMSnapshot. Layers of disks come and go with them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from . import power
from .base import HYPERV_CLASS, HyperVCmdlet, as_list, fits, has_wildcards
from .checkpoint import Snapshot
from .failures import Refused
from .fleet_vms import add_layer, checkpoint_files, features_now
from .storage import DiskFull, File

if TYPE_CHECKING:
    from .vm import VM

NEW_LAYER = 4 * 1024**2


class GetVMSnapshot(HyperVCmdlet):
    """Get-VMSnapshot."""

    NAME = "Get-VMSnapshot"
    CLASS = HYPERV_CLASS + "GetVMSnapshot"

    def run(self) -> None:
        """Write the checkpoints asked for."""
        name, kind = self.given("Name"), self.given("SnapshotType")
        found = self._candidates()
        chosen = [s for s in found if name is None or fits(s.name, [name])]
        if name is not None and not chosen and not has_wildcards(name):
            self.reject("snapshot_unknown", name=name)
        for snapshot in chosen:
            if kind is None or str(kind).lower() == snapshot.snapshot_type.name.lower():
                self.call.write(snapshot)

    def _candidates(self) -> list[Snapshot]:
        if self.bound_to("Id"):
            wanted = self.given("Id")
            found = [s for vm in self.host.vms.values() for s in vm.snapshots if s.id == wanted]
            if not found:
                self.reject("snapshot_unknown", name=wanted)
            return found
        if self.bound_to("ParentOf"):
            child = self.given("ParentOf")
            parent = child.parent if isinstance(child, Snapshot) else child.snapshot
            return [parent] if parent else []
        if self.bound_to("ChildOf"):
            parent = self.given("ChildOf")
            return [s for s in parent.vm.snapshots if s.parent is parent]
        return [snapshot for vm in self.vms() for snapshot in list(vm.snapshots)]


def snapshots_meant(cmdlet: HyperVCmdlet) -> list[Snapshot]:
    """Return the checkpoints given as objects, or by name on machines; an error for an unknown name."""
    if cmdlet.bound_to("VMSnapshot"):
        return as_list(cmdlet.given("VMSnapshot"))
    names = as_list(cmdlet.given("Name"))
    found: list[Snapshot] = []
    for vm in cmdlet.vms():
        fitting = [s for s in vm.snapshots if not names or fits(s.name, names)]
        if not fitting and not has_wildcards("".join(names)):
            cmdlet.reject("snapshot_unknown", name=", ".join(names))
        found += fitting
    return found


class CheckpointVM(HyperVCmdlet):
    """Checkpoint-VM: with memory for a running machine whose type is Standard, else without."""

    NAME = "Checkpoint-VM"
    CLASS = HYPERV_CLASS + "CheckpointVM"

    def run(self) -> None:
        """Make a checkpoint of every machine."""
        for vm in self.vms("Name"):
            if not self.call.should_process(vm.name):
                continue
            try:
                snapshot = self._make(vm)
            except Refused as refused:
                self.refuse(refused)
                continue
            self.passthru(snapshot)

    def _make(self, vm: VM) -> Snapshot:
        clock = self.host.fleet.clock
        with self.host.fleet.lock:
            power.require_idle(vm)
            if vm.checkpoint_type.name == "Disabled":
                raise Refused("checkpoints_disabled", vm)
            stamp = clock.date()
            name = str(self.given("SnapshotName") or f"{vm.name} - ({stamp:%m/%d/%Y - %I:%M:%S %p})")
            snapshot = Snapshot(vm, name, uuid.uuid4(), vm.snapshot)
            snapshot.copy_settings(vm)
            with_memory = vm.state in ("Saved", "Paused") or (vm.state == "Running" and self._standard(vm))
            snapshot.cpu = (vm.cpu or features_now(vm)) if with_memory else None
            snapshot.created = stamp
            for path in checkpoint_files(snapshot):
                size = vm.memory_assigned if snapshot.cpu and path.endswith(".vmrs") else 64 * 1024
                self._write(vm, path, size)
            try:
                add_layer(vm, snapshot.id, NEW_LAYER)
            except DiskFull as problem:
                raise Refused("disk_full", vm, path=vm.path) from problem
            vm.snapshots.append(snapshot)
            vm.snapshot = snapshot
        clock.notify()
        return snapshot

    def _standard(self, vm: VM) -> bool:
        return vm.checkpoint_type.name == "Standard" or not self.host.is_new("2016")

    def _write(self, vm: VM, path: str, size: int) -> None:
        try:
            self.host.storage.volume(path).put(File(path, size))
        except DiskFull as problem:
            raise Refused("disk_full", vm, path=path) from problem


class RestoreVMSnapshot(HyperVCmdlet):
    """Restore-VMSnapshot: the machine is as the checkpoint was: off, or saved with its memory."""

    NAME = "Restore-VMSnapshot"
    CLASS = HYPERV_CLASS + "RestoreVMSnapshot"

    def run(self) -> None:
        """Apply the checkpoint."""
        for snapshot in snapshots_meant(self)[:1]:
            if not self.call.should_process(snapshot.name):
                continue
            if self.given("Confirm") is not False:
                raise Refused("prompt_impossible", snapshot.vm)
            with self.host.fleet.lock:
                self._apply(snapshot.vm, snapshot)
            self.host.fleet.clock.notify()
            self.passthru(snapshot)

    def _apply(self, vm: VM, snapshot: Snapshot) -> None:
        power.require_idle(vm)
        power.power_off(vm)
        _drop_layers(vm)
        vm.copy_settings(snapshot)
        add_layer(vm, uuid.uuid4(), NEW_LAYER)
        vm.snapshot = snapshot
        if snapshot.memory_state:
            vm.state = "Saved"
        else:
            vm.cpu = None


def _drop_layers(vm: VM) -> None:
    used = {drive.path.lower() for snapshot in vm.snapshots for drive in snapshot.hard_drives}
    for drive in vm.hard_drives:
        if drive.path.lower().endswith(".avhdx") and drive.path.lower() not in used:
            vm.host.storage.volume(drive.path).take(drive.path)


class RemoveVMSnapshot(HyperVCmdlet):
    """Remove-VMSnapshot: the layer above it is merged down when nothing else stands on it."""

    NAME = "Remove-VMSnapshot"
    CLASS = HYPERV_CLASS + "RemoveVMSnapshot"

    def run(self) -> None:
        """Remove the checkpoints given, with what stands on them where asked."""
        for snapshot in snapshots_meant(self):
            vm = snapshot.vm
            if snapshot not in vm.snapshots or not self.call.should_process(snapshot.name):
                continue
            try:
                with self.host.fleet.lock:
                    power.require_idle(vm)
                    for gone in self._with_children(vm, snapshot):
                        _remove(vm, gone)
            except Refused as refused:
                self.refuse(refused)
                continue
            self.host.fleet.clock.notify()
            self.passthru(vm)

    def _with_children(self, vm: VM, snapshot: Snapshot) -> list[Snapshot]:
        if not self.switched("IncludeAllChildSnapshots"):
            return [snapshot]
        order = [snapshot]
        for candidate in vm.snapshots:
            if candidate.parent in order and candidate not in order:
                order.append(candidate)
        return order[::-1]


def _remove(vm: VM, snapshot: Snapshot) -> None:
    storage = vm.host.storage
    children = [s for s in vm.snapshots if s.parent is snapshot]
    standing: list[Any] = [*children, *([vm] if vm.snapshot is snapshot else [])]
    vm.snapshots.remove(snapshot)
    snapshot.is_deleted = True
    for path in checkpoint_files(snapshot):
        if storage.file(path) is not None:
            storage.volume(path).take(path)
    for child in children:
        child.parent = snapshot.parent
    if vm.snapshot is snapshot:
        vm.snapshot = snapshot.parent
    if len(standing) == 1:
        _merge_down(vm, snapshot, standing[0])


def _merge_down(vm: VM, snapshot: Snapshot, upper: Any) -> None:
    for lower, drive in zip(snapshot.hard_drives, upper.hard_drives, strict=False):
        top = vm.host.storage.file(drive.path)
        below = vm.host.storage.file(lower.path)
        if top is None or below is None or top.disk is None or top.disk.parent.lower() != lower.path.lower():
            continue
        volume = vm.host.storage.volume(lower.path)
        vm.host.storage.volume(drive.path).take(drive.path)
        limit = below.disk.size if below.disk else below.size + top.size
        volume.resize(lower.path, max(below.size, min(below.size + top.size, limit)))
        drive.path = lower.path


COMMANDS = (GetVMSnapshot, CheckpointVM, RestoreVMSnapshot, RemoveVMSnapshot)
