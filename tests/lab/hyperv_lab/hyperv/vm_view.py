# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The properties of a VirtualMachine object, in the order of its JSON (field objects), and what they are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ..powershell.values import EnumValue, Int64, TypedArray, Version
from . import enums, messages
from .guest import IN_CONTACT, OUTDATED
from .live import PREFIX, since
from .machine import VirtualMachineBase

if TYPE_CHECKING:
    import uuid

    from .checkpoint import Snapshot
    from .guest import Guest
    from .replication import Replication

VM_PROPERTIES = {
    "ConfigurationLocation": "path",
    "SmartPagingFileInUse": "never",
    "SmartPagingFilePath": "paging_path",
    "SnapshotFileLocation": "snapshot_path",
    "AutomaticStartAction": "start_action",
    "AutomaticStartDelay": "start_delay",
    "AutomaticStopAction": "stop_action",
    "AutomaticCriticalErrorAction": "critical_error_action",
    "AutomaticCriticalErrorActionTimeout": "critical_error_timeout",
    "AutomaticCheckpointsEnabled": "automatic_checkpoints",
    "CPUUsage": "cpu_usage",
    "MemoryAssigned": "memory_assigned_bytes",
    "MemoryDemand": "memory_demand_bytes",
    "MemoryStatus": "memory_status",
    "NumaAligned": "numa_aligned",
    "NumaNodesCount": "one",
    "NumaSocketCount": "one",
    "Heartbeat": "heartbeat",
    "IntegrationServicesState": "integration_state",
    "IntegrationServicesVersion": "integration_version",
    "Uptime": "uptime",
    "OperationalStatus": "operational_status",
    "PrimaryOperationalStatus": "primary_status",
    "SecondaryOperationalStatus": "secondary_status",
    "StatusDescriptions": "status_descriptions",
    "PrimaryStatusDescription": "primary_description",
    "SecondaryStatusDescription": "secondary_description",
    "Status": "status_text",
    "ReplicationHealth": "replication_health",
    "ReplicationMode": "replication_mode",
    "ReplicationState": "replication_state",
    "ResourceMeteringEnabled": "never",
    "CheckpointType": "checkpoint_type",
    "EnhancedSessionTransportType": "transport",
    "Groups": "no_groups",
    "Version": "version_text",
    "VirtualMachineType": "machine_type",
    "VirtualMachineSubType": "machine_sub_type",
    "Notes": "notes",
    "State": "state_value",
    "DVDDrives": "dvds_array",
    "FibreChannelHostBusAdapters": "no_adapters",
    "FloppyDrive": "nothing",
    "HardDrives": "drives_array",
    "NetworkAdapters": "adapters_array",
    "VMIntegrationService": "services_array",
    "DynamicMemoryEnabled": "dynamic_memory",
    "MemoryMaximum": "memory_maximum_bytes",
    "MemoryMinimum": "memory_minimum_bytes",
    "MemoryStartup": "memory_startup_bytes",
    "ProcessorCount": "processor_count",
    "BatteryPassthroughEnabled": "battery",
    "Generation": "generation",
    "IsClustered": "is_clustered",
    "ParentSnapshotId": "parent_snapshot_id",
    "ParentSnapshotName": "parent_snapshot_name",
    "Path": "configuration_path",
    "SizeOfSystemFiles": "size_of_system_files",
    "GuestControlledCacheTypes": "cache_types",
    "LowMemoryMappedIoSpace": "low_mmio",
    "HighMemoryMappedIoSpace": "high_mmio",
    "LockOnDisconnect": "lock_on_disconnect",
    "CreationTime": "created",
    "Id": "id",
    "Name": "name",
    "CimSession": "cim_session",
    "ComputerName": "computer_name",
    "IsDeleted": "is_deleted",
}
_NEW_IN_2016 = [
    "AutomaticCriticalErrorAction",
    "AutomaticCriticalErrorActionTimeout",
    "CheckpointType",
    "Groups",
    "VirtualMachineType",
    "VirtualMachineSubType",
    "GuestControlledCacheTypes",
    "LowMemoryMappedIoSpace",
    "HighMemoryMappedIoSpace",
    "LockOnDisconnect",
    "CimSession",
]


class VirtualMachineView(VirtualMachineBase):
    """The part of a machine that is only shown, never stored."""

    state: str
    guest: Guest
    planned: bool
    replication: Replication | None
    snapshot: Snapshot | None
    PROPERTIES: ClassVar = VM_PROPERTIES
    SINCE: ClassVar = {
        **dict.fromkeys(_NEW_IN_2016, "2016"),
        "AutomaticCheckpointsEnabled": "2019",
        "EnhancedSessionTransportType": "2019",
        "BatteryPassthroughEnabled": "2019",
    }
    ALIASES: ClassVar = {
        "ParentCheckpointId": "ParentSnapshotId",
        "ParentCheckpointName": "ParentSnapshotName",
        "VMName": "Name",
        "VMId": "Id",
        "CheckpointFileLocation": "SnapshotFileLocation",
    }

    @property
    def memory_assigned(self) -> int:
        """Return the bytes of host memory it holds now."""
        raise NotImplementedError

    @property
    def secondary(self) -> str | None:
        """Return the secondary operational status."""
        raise NotImplementedError

    never = False
    nothing = None
    one = 1

    def _text(self, key: str) -> str:
        return messages.text(self.host.language, key)

    @property
    def configuration_path(self) -> str:
        """Return Path: the folder of the configuration files as the module shows it."""
        return self.path

    @property
    def state_value(self) -> EnumValue:
        """Return State."""
        return enums.value("VMState", self.state)

    @property
    def cpu_usage(self) -> int:
        """Return a plausible load of a running machine."""
        return 3 if self.state == "Running" else 0

    @property
    def memory_assigned_bytes(self) -> Int64:
        """Return MemoryAssigned."""
        return Int64(self.memory_assigned)

    @property
    def memory_demand_bytes(self) -> Int64:
        """Return MemoryDemand: four fifths of what is assigned."""
        return Int64(self.memory_assigned * 4 // 5)

    @property
    def memory_status(self) -> str:
        """Return OK for a running machine with dynamic memory, else nothing (field objects)."""
        return self._text("status_component_ok") if self.is_on and self.dynamic_memory else ""

    @property
    def numa_aligned(self) -> bool | None:
        """Return null while off, False while on (field objects)."""
        return False if self.is_on else None

    @property
    def heartbeat(self) -> EnumValue | None:
        """Return null while off, no contact until the guest answers."""
        if not self.is_on:
            return None
        if "heartbeat" not in self.services_enabled:
            name = "Disabled"
        elif self.state == "Paused":
            name = "Paused"
        else:
            heard = self.guest_answers and self.service_state("heartbeat") in IN_CONTACT
            name = self.guest.heartbeat if heard else "NoContact"
        return enums.value("VMHeartbeatStatus", name)

    @property
    def primary_status(self) -> EnumValue:
        """Return InService while something is done to it, else Ok."""
        return enums.value("VMOperationalStatus", "InService" if self.secondary else "Ok")

    @property
    def secondary_status(self) -> EnumValue | None:
        """Return what is done to it, or null."""
        return enums.value("VMOperationalStatus", self.secondary) if self.secondary else None

    @property
    def operational_status(self) -> TypedArray:
        """Return one element while idle, two while busy (field objects)."""
        items = [self.primary_status, self.secondary_status]
        return TypedArray(PREFIX + "VMOperationalStatus", [item for item in items if item is not None])

    @property
    def primary_description(self) -> str:
        """Return the localised text of the primary status."""
        return self._text("status_in_service" if self.secondary else "status_normal")

    @property
    def secondary_description(self) -> str | None:
        """Return the localised text of the secondary status, or null."""
        return self._text("status_" + self.secondary) if self.secondary else None

    @property
    def status_descriptions(self) -> TypedArray:
        """Return the texts as an array."""
        items = [self.primary_description, self.secondary_description]
        return TypedArray("System.String", [item for item in items if item is not None])

    @property
    def status_text(self) -> str:
        """Return Status: what is done to it, else that it operates normally."""
        return self.secondary_description or self.primary_description

    @property
    def replication_state(self) -> EnumValue:
        """Return the state; module 2.0 of 2016 and 2019 shows 3 for a machine that replicates (field objects)."""
        if self.replication is None:
            return enums.value("VMReplicationState", "Disabled")
        state = self.replication.state
        if state.name == "Replicating" and self.host.edition in ("2016", "2019"):
            return enums.value("VMReplicationState", "WaitingForInitialReplication")
        return state

    @property
    def replication_health(self) -> EnumValue:
        """Return the health, NotApplicable without replication."""
        return self.replication.health if self.replication else enums.value("VMReplicationHealthState", "NotApplicable")

    @property
    def replication_mode(self) -> EnumValue:
        """Return the mode, None without replication."""
        return self.replication.mode if self.replication else enums.value("VMReplicationMode", "None")

    @property
    def machine_type(self) -> EnumValue:
        """Return planned or realized."""
        name = "PlannedVirtualMachine" if self.planned else "RealizedVirtualMachine"
        return enums.value("VirtualMachineType", name)

    @property
    def machine_sub_type(self) -> EnumValue:
        """Return the generation as an enumeration."""
        return enums.value("VirtualMachineSubType", f"Generation{self.generation}")

    @property
    def services_array(self) -> TypedArray:
        """Return VMIntegrationService."""
        return TypedArray(PREFIX + "VMIntegrationComponent", self.services(member=True))

    @property
    def integration_state(self) -> str:
        """Return an empty text on 2016 and later (field objects); before, what the host makes of the versions.

        On 2012 R2 a Linux guest always looks behind (facts, 7.1: unreliable).
        """
        if since(self.host.edition, "2016") or not self.guest_answers:
            return ""
        states = [self.service_state(service.key) for service in self.services()]
        if not IN_CONTACT & set(states):
            return ""
        behind = self.guest.system == "linux" or OUTDATED in states
        return self._text("integration_behind" if behind else "integration_current")

    @property
    def integration_version(self) -> Version:
        """Return 0.0 on 2016 and later (field objects), and where no guest told its version."""
        if not self.integration_state:
            return Version("0.0")
        if self.guest.system == "linux":
            return Version("3.1")
        behind = any(self.service_state(service.key) == OUTDATED for service in self.services())
        return Version("6.2.9200.16384" if behind else "6.3.9600.16384")

    @property
    def no_groups(self) -> TypedArray:
        """Return Groups: none."""
        return TypedArray(PREFIX + "VMGroup", [])

    @property
    def no_adapters(self) -> TypedArray:
        """Return FibreChannelHostBusAdapters: none."""
        return TypedArray(PREFIX + "VMFibreChannelHba", [])

    @property
    def parent_snapshot_id(self) -> uuid.UUID | None:
        """Return the Id of the checkpoint it runs on."""
        return self.snapshot.id if self.snapshot else None

    @property
    def parent_snapshot_name(self) -> str | None:
        """Return the name of the checkpoint it runs on."""
        return self.snapshot.name if self.snapshot else None
