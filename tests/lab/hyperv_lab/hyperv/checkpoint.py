# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints of virtual machines: the live objects behind Get-VMSnapshot."""

from __future__ import annotations

import ntpath
import uuid
from typing import TYPE_CHECKING, ClassVar

from ..powershell.values import EnumValue
from . import enums
from .live import chain
from .machine import VirtualMachineBase

if TYPE_CHECKING:
    from .host import Host
    from .vm import VM


class Snapshot(VirtualMachineBase):
    """VMSnapshot. ``cpu`` is set for a checkpoint with memory state, which keeps the features of its day."""

    TYPE_NAMES: ClassVar = chain("VMSnapshot", "VirtualMachineBase", "ComputeResource")
    PROPERTIES: ClassVar = {
        "SnapshotType": "shown_type",
        "IsAutomaticCheckpoint": "is_automatic",
        "VMId": "machine_id",
        "VMName": "machine_name",
        "State": "state_value",
        "ParentSnapshotId": "parent_id",
        "ParentSnapshotName": "parent_name",
        "ProcessorCount": "processor_count",
        "MemoryStartup": "memory_startup_bytes",
        "MemoryMinimum": "memory_minimum_bytes",
        "MemoryMaximum": "memory_maximum_bytes",
        "DynamicMemoryEnabled": "dynamic_memory",
        "HardDrives": "drives_array",
        "DVDDrives": "dvds_array",
        "NetworkAdapters": "adapters_array",
        "Generation": "generation",
        "Version": "version_text",
        "Notes": "notes",
        "Path": "path",
        "SizeOfSystemFiles": "size_of_system_files",
        "CreationTime": "created",
        "Id": "id",
        "Name": "name",
        "CimSession": "cim_session",
        "ComputerName": "computer_name",
        "IsDeleted": "is_deleted",
    }
    SINCE: ClassVar = {"IsAutomaticCheckpoint": "2019", "CimSession": "2016"}
    ALIASES: ClassVar = {
        "ParentCheckpointId": "ParentSnapshotId",
        "ParentCheckpointName": "ParentSnapshotName",
        "CheckpointType": "SnapshotType",
    }
    snapshot_type: EnumValue = enums.value("SnapshotType", "Standard")
    is_automatic = False

    def __init__(self, vm: VM, name: str, identifier: uuid.UUID, parent: Snapshot | None) -> None:
        self.vm = vm
        super().__init__(vm.host, name, identifier)
        self.parent = parent

    @property
    def host(self) -> Host:
        """Return the host of the machine."""
        return self.vm.host

    @host.setter
    def host(self, _host: Host) -> None:
        """Ignore: the machine knows."""

    @property
    def shown_type(self) -> EnumValue:
        """Return its type; a checkpoint of a planned machine is Planned (field objects)."""
        return enums.value("SnapshotType", "Planned") if self.vm.planned else self.snapshot_type

    @property
    def machine_id(self) -> uuid.UUID:  # type: ignore[override] # read from the machine, a plain attribute in the base
        """Return the machine's Id."""
        return self.vm.id

    @property
    def machine_name(self) -> str:  # type: ignore[override] # as above
        """Return the machine's name."""
        return self.vm.name

    @property
    def checkpoint_id(self) -> uuid.UUID:  # type: ignore[override] # as above
        """Return its own Id."""
        return self.id

    @property
    def checkpoint_name(self) -> str:  # type: ignore[override] # as above
        """Return its own name."""
        return self.name

    def own_files(self) -> list[str]:
        """Return the paths of its configuration files."""
        ends = (".xml",) if float(self.version) < 6 else (".vmcx", ".vmrs")
        return [ntpath.join(self.snapshot_path, "Snapshots", str(self.id).upper() + end) for end in ends]

    @property
    def memory_state(self) -> bool:
        """Return whether it holds memory."""
        return self.cpu is not None

    @property
    def state_value(self) -> EnumValue:
        """Return Saved with memory, else Off."""
        return enums.value("VMState", "Saved" if self.memory_state else "Off")

    @property
    def parent_id(self) -> uuid.UUID | None:
        """Return the parent's Id."""
        return self.parent.id if self.parent else None

    @property
    def parent_name(self) -> str | None:
        """Return the parent's name."""
        return self.parent.name if self.parent else None

    def ps_text(self) -> str:
        """Return the module's text."""
        return f"VMSnapshot (Name = '{self.name}', VMName = '{self.machine_name}') [Id = '{self.id}']"
