# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual machines and their parts as frozen data. ``from_wire`` is the only reader of raw property names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from . import model_enums as enums
from .wire_values import all_named, flag, guid, many, moment, named, seconds, text, text_or_none, version, whole

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Vm:
    """A realised virtual machine. Sizes are bytes, texts of enumerations their names, ids lower-case GUIDs."""

    PROPERTIES: ClassVar = (
        "Id", "Name", "State", "PrimaryOperationalStatus", "SecondaryOperationalStatus", "OperationalStatus",
        "Heartbeat", "Generation", "Version", "Uptime", "CreationTime", "IsClustered", "Path", "ConfigurationLocation",
        "SnapshotFileLocation", "SmartPagingFilePath", "SizeOfSystemFiles", "ProcessorCount", "MemoryAssigned",
        "MemoryStartup", "MemoryMinimum", "MemoryMaximum", "DynamicMemoryEnabled", "AutomaticStartAction",
        "AutomaticStopAction", "CheckpointType", "ParentSnapshotId", "Notes",
    )  # fmt: skip

    id: str
    name: str
    state: str
    operational_status: tuple[str, ...] = ()
    primary_operational_status: str = ""
    secondary_operational_status: str = ""
    heartbeat: str | None = None
    generation: int | None = None
    version: str = ""
    uptime_seconds: float | None = None
    creation_time: str | None = None
    is_clustered: bool = False
    path: str = ""
    configuration_location: str = ""
    snapshot_file_location: str = ""
    smart_paging_file_path: str = ""
    size_of_system_files: int | None = None
    processor_count: int | None = None
    memory_assigned: int = 0
    memory_startup: int = 0
    memory_minimum: int = 0
    memory_maximum: int = 0
    dynamic_memory_enabled: bool = False
    automatic_start_action: str = ""
    automatic_stop_action: str = ""
    checkpoint_type: str | None = None
    parent_snapshot_id: str | None = None
    notes: str = ""

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Vm:
        """Return the machine that a projected Get-VM object describes."""
        heartbeat = raw.get("Heartbeat")
        checkpoint_type = raw.get("CheckpointType")
        return cls(
            id=guid(raw.get("Id")) or "",
            name=text(raw.get("Name")),
            state=named(raw.get("State"), enums.VM_STATES),
            operational_status=all_named(raw.get("OperationalStatus"), enums.VM_STATUSES),
            primary_operational_status=named(raw.get("PrimaryOperationalStatus"), enums.VM_STATUSES),
            secondary_operational_status=named(raw.get("SecondaryOperationalStatus"), enums.VM_STATUSES),
            heartbeat=None if heartbeat in (None, "") else named(heartbeat, enums.HEARTBEATS),
            generation=whole(raw.get("Generation")),
            version=version(raw.get("Version")),
            uptime_seconds=seconds(raw.get("Uptime")),
            creation_time=moment(raw.get("CreationTime")),
            is_clustered=bool(flag(raw.get("IsClustered"))),
            path=text(raw.get("Path")),
            configuration_location=text(raw.get("ConfigurationLocation")),
            snapshot_file_location=text(raw.get("SnapshotFileLocation")),
            smart_paging_file_path=text(raw.get("SmartPagingFilePath")),
            size_of_system_files=whole(raw.get("SizeOfSystemFiles")),
            processor_count=whole(raw.get("ProcessorCount")),
            memory_assigned=whole(raw.get("MemoryAssigned")) or 0,
            memory_startup=whole(raw.get("MemoryStartup")) or 0,
            memory_minimum=whole(raw.get("MemoryMinimum")) or 0,
            memory_maximum=whole(raw.get("MemoryMaximum")) or 0,
            dynamic_memory_enabled=bool(flag(raw.get("DynamicMemoryEnabled"))),
            automatic_start_action=named(raw.get("AutomaticStartAction"), enums.START_ACTIONS),
            automatic_stop_action=named(raw.get("AutomaticStopAction"), enums.STOP_ACTIONS),
            checkpoint_type=None if checkpoint_type is None else named(checkpoint_type, enums.CHECKPOINT_TYPES),
            parent_snapshot_id=guid(raw.get("ParentSnapshotId")),
            notes=text(raw.get("Notes")),
        )

    @property
    def is_off(self) -> bool:
        """Whether it is off without a saved state."""
        return self.state == enums.VmState.OFF

    @property
    def statuses(self) -> frozenset[str]:
        """All operational statuses that are shown, whichever property shows them."""
        shown = (*self.operational_status, self.primary_operational_status, self.secondary_operational_status)
        return frozenset(status for status in shown if status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """Settings of the virtual processors of a machine; None where the host's edition lacks the setting."""

    PROPERTIES: ClassVar = (
        "VMId", "VMSnapshotId", "Count", "CompatibilityForMigrationEnabled", "CompatibilityForMigrationMode",
        "CompatibilityForOlderOperatingSystemsEnabled", "HwThreadCountPerCore", "ExposeVirtualizationExtensions",
        "EnableHostResourceProtection", "Maximum", "Reserve", "RelativeWeight", "MaximumCountPerNumaNode",
        "MaximumCountPerNumaSocket", "ResourcePoolName",
    )  # fmt: skip

    vm_id: str
    checkpoint_id: str | None = None
    count: int | None = None
    compatibility_for_migration_enabled: bool | None = None
    compatibility_for_migration_mode: str | None = None
    compatibility_for_older_operating_systems_enabled: bool | None = None
    hw_thread_count_per_core: int | None = None
    expose_virtualization_extensions: bool | None = None
    enable_host_resource_protection: bool | None = None
    maximum: int | None = None
    reserve: int | None = None
    relative_weight: int | None = None
    maximum_count_per_numa_node: int | None = None
    maximum_count_per_numa_socket: int | None = None
    resource_pool_name: str | None = None

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Processor:
        """Return the settings that a projected Get-VMProcessor object describes."""
        mode = raw.get("CompatibilityForMigrationMode")
        return cls(
            vm_id=guid(raw.get("VMId")) or "",
            checkpoint_id=guid(raw.get("VMSnapshotId")),
            count=whole(raw.get("Count")),
            compatibility_for_migration_enabled=flag(raw.get("CompatibilityForMigrationEnabled")),
            compatibility_for_migration_mode=None if mode is None else named(mode, enums.COMPATIBILITY_MODES),
            compatibility_for_older_operating_systems_enabled=flag(
                raw.get("CompatibilityForOlderOperatingSystemsEnabled")
            ),
            hw_thread_count_per_core=whole(raw.get("HwThreadCountPerCore")),
            expose_virtualization_extensions=flag(raw.get("ExposeVirtualizationExtensions")),
            enable_host_resource_protection=flag(raw.get("EnableHostResourceProtection")),
            maximum=whole(raw.get("Maximum")),
            reserve=whole(raw.get("Reserve")),
            relative_weight=whole(raw.get("RelativeWeight")),
            maximum_count_per_numa_node=whole(raw.get("MaximumCountPerNumaNode")),
            maximum_count_per_numa_socket=whole(raw.get("MaximumCountPerNumaSocket")),
            resource_pool_name=text_or_none(raw.get("ResourcePoolName")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A hard disk drive of a machine or of a checkpoint (``checkpoint_id`` set). ``disk_number``: pass-through."""

    PROPERTIES: ClassVar = (
        "VMId", "VMSnapshotId", "Id", "Path", "DiskNumber", "ControllerType", "ControllerNumber", "ControllerLocation",
        "SupportPersistentReservations",
    )  # fmt: skip

    vm_id: str
    checkpoint_id: str | None = None
    id: str = ""
    path: str = ""
    disk_number: int | None = None
    controller_type: str = ""
    controller_number: int = 0
    controller_location: int = 0
    shared: bool = False

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Disk:
        """Return the drive that a projected Get-VMHardDiskDrive object describes."""
        return cls(
            vm_id=guid(raw.get("VMId")) or "",
            checkpoint_id=guid(raw.get("VMSnapshotId")),
            id=text(raw.get("Id")),
            path=text(raw.get("Path")),
            disk_number=whole(raw.get("DiskNumber")),
            controller_type=named(raw.get("ControllerType"), enums.CONTROLLER_TYPES),
            controller_number=whole(raw.get("ControllerNumber")) or 0,
            controller_location=whole(raw.get("ControllerLocation")) or 0,
            shared=bool(flag(raw.get("SupportPersistentReservations"))),
        )

    @property
    def is_pass_through(self) -> bool:
        """Whether it is a physical disk of the host."""
        return self.disk_number is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vhd:
    """A virtual hard disk file; ``file_size`` is what it takes on its volume, ``size`` what the guest sees (bytes)."""

    PROPERTIES: ClassVar = ("Path", "VhdFormat", "VhdType", "FileSize", "Size", "ParentPath", "DiskIdentifier")

    path: str
    format: str = ""
    type: str = ""
    file_size: int = 0
    size: int = 0
    parent_path: str | None = None
    disk_identifier: str | None = None

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Vhd:
        """Return the file that a projected Get-VHD object describes."""
        return cls(
            path=text(raw.get("Path")),
            format=named(raw.get("VhdFormat"), enums.VHD_FORMATS),
            type=named(raw.get("VhdType"), enums.VHD_TYPES),
            file_size=whole(raw.get("FileSize")) or 0,
            size=whole(raw.get("Size")) or 0,
            parent_path=text(raw.get("ParentPath")) or None,
            disk_identifier=guid(raw.get("DiskIdentifier")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DvdDrive:
    """A DVD drive of a machine or of a checkpoint; ``path`` None is an empty drive."""

    PROPERTIES: ClassVar = (
        "VMId", "VMSnapshotId", "Id", "Path", "DvdMediaType", "ControllerType", "ControllerNumber",
        "ControllerLocation",
    )  # fmt: skip

    vm_id: str
    checkpoint_id: str | None = None
    id: str = ""
    path: str | None = None
    media_type: str = ""
    controller_type: str = ""
    controller_number: int = 0
    controller_location: int = 0

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> DvdDrive:
        """Return the drive that a projected Get-VMDvdDrive object describes."""
        return cls(
            vm_id=guid(raw.get("VMId")) or "",
            checkpoint_id=guid(raw.get("VMSnapshotId")),
            id=text(raw.get("Id")),
            path=text(raw.get("Path")) or None,
            media_type=named(raw.get("DvdMediaType"), enums.DVD_MEDIA_TYPES),
            controller_type=named(raw.get("ControllerType"), enums.CONTROLLER_TYPES),
            controller_number=whole(raw.get("ControllerNumber")) or 0,
            controller_location=whole(raw.get("ControllerLocation")) or 0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """A network adapter of a machine or of a checkpoint; ``switch_name`` stays while the switch is missing."""

    PROPERTIES: ClassVar = (
        "VMId", "VMSnapshotId", "Id", "AdapterId", "Name", "SwitchName", "SwitchId", "Connected", "MacAddress",
        "DynamicMacAddressEnabled", "IsLegacy", "IPAddresses", "MacAddressSpoofing", "DhcpGuard", "RouterGuard",
        "AllowTeaming", "IovWeight",
    )  # fmt: skip

    vm_id: str
    checkpoint_id: str | None = None
    id: str = ""
    adapter_id: str = ""
    name: str = ""
    switch_name: str | None = None
    switch_id: str | None = None
    connected: bool = False
    mac_address: str = ""
    dynamic_mac_address: bool = True
    is_legacy: bool = False
    ip_addresses: tuple[str, ...] = ()
    mac_address_spoofing: str = ""
    dhcp_guard: str = ""
    router_guard: str = ""
    allow_teaming: str = ""
    iov_weight: int | None = None

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Adapter:
        """Return the adapter that a projected Get-VMNetworkAdapter object describes."""
        return cls(
            vm_id=guid(raw.get("VMId")) or "",
            checkpoint_id=guid(raw.get("VMSnapshotId")),
            id=text(raw.get("Id")),
            adapter_id=text(raw.get("AdapterId")),
            name=text(raw.get("Name")),
            switch_name=text(raw.get("SwitchName")) or None,
            switch_id=guid(raw.get("SwitchId")),
            connected=bool(flag(raw.get("Connected"))),
            mac_address=text(raw.get("MacAddress")),
            dynamic_mac_address=bool(flag(raw.get("DynamicMacAddressEnabled"))),
            is_legacy=bool(flag(raw.get("IsLegacy"))),
            ip_addresses=tuple(text(item) for item in many(raw.get("IPAddresses"))),
            mac_address_spoofing=named(raw.get("MacAddressSpoofing"), enums.ON_OFF),
            dhcp_guard=named(raw.get("DhcpGuard"), enums.ON_OFF),
            router_guard=named(raw.get("RouterGuard"), enums.ON_OFF),
            allow_teaming=named(raw.get("AllowTeaming"), enums.ON_OFF),
            iov_weight=whole(raw.get("IovWeight")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Vlan:
    """The VLAN setting of an adapter, by the adapter's Id."""

    PROPERTIES: ClassVar = (
        "Id", "OperationMode", "AccessVlanId", "NativeVlanId", "AllowedVlanIdListString", "PrimaryVlanId",
        "SecondaryVlanId", "SecondaryVlanIdListString",
    )  # fmt: skip

    adapter: str
    operation_mode: str = ""
    access_vlan_id: int | None = None
    native_vlan_id: int | None = None
    allowed_vlan_ids: str = ""
    primary_vlan_id: int | None = None
    secondary_vlan_ids: str = ""
    """Of a private VLAN: the one of an isolated or community port, or those of a promiscuous one."""

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Vlan:
        """Return the setting that an expanded VlanSetting, with its adapter's Id, describes."""
        return cls(
            adapter=text(raw.get("Id")),
            operation_mode=named(raw.get("OperationMode"), enums.VLAN_MODES),
            access_vlan_id=whole(raw.get("AccessVlanId")),
            native_vlan_id=whole(raw.get("NativeVlanId")),
            allowed_vlan_ids=text(raw.get("AllowedVlanIdListString")),
            primary_vlan_id=whole(raw.get("PrimaryVlanId")),
            secondary_vlan_ids=text(raw.get("SecondaryVlanIdListString") or raw.get("SecondaryVlanId")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A checkpoint of a machine. Its state is Off unless it holds memory."""

    PROPERTIES: ClassVar = (
        "VMId", "Id", "Name", "SnapshotType", "State", "CreationTime", "ParentSnapshotId", "IsAutomaticCheckpoint",
        "Path", "SizeOfSystemFiles",
    )  # fmt: skip

    vm_id: str
    id: str
    name: str = ""
    type: str = ""
    state: str = ""
    creation_time: str | None = None
    parent_id: str | None = None
    is_automatic: bool | None = None
    path: str = ""
    size_of_system_files: int | None = None

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Checkpoint:
        """Return the checkpoint that a projected Get-VMSnapshot object describes."""
        return cls(
            vm_id=guid(raw.get("VMId")) or "",
            id=guid(raw.get("Id")) or "",
            name=text(raw.get("Name")),
            type=named(raw.get("SnapshotType"), enums.SNAPSHOT_TYPES),
            state=named(raw.get("State"), enums.VM_STATES),
            creation_time=moment(raw.get("CreationTime")),
            parent_id=guid(raw.get("ParentSnapshotId")),
            is_automatic=flag(raw.get("IsAutomaticCheckpoint")),
            path=text(raw.get("Path")),
            size_of_system_files=whole(raw.get("SizeOfSystemFiles")),
        )

    @property
    def has_memory(self) -> bool:
        """Whether it holds memory, and with it the processor features of its day."""
        return self.state not in (enums.VmState.OFF, "")
