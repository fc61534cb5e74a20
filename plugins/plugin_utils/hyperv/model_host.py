# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts and their parts as frozen data. ``from_wire`` of a class is the only reader of raw property names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from . import model_enums as enums
from .wire_values import flag, guid, many, moment, named, text, text_or_none, version, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

_FAMILY = re.compile(r"Family (\d+) Model (\d+) Stepping (\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """Settings of a Hyper-V host (Get-VMHost). ``name`` is what other hosts call it; sizes are bytes."""

    PROPERTIES: ClassVar = (
        "Name", "ComputerName", "FullyQualifiedDomainName", "LogicalProcessorCount", "MemoryCapacity",
        "VirtualMachinePath", "VirtualHardDiskPath", "NumaSpanningEnabled", "IovSupport", "EnableEnhancedSessionMode",
        "MacAddressMinimum", "MacAddressMaximum", "MaximumStorageMigrations", "MaximumVirtualMachineMigrations",
        "UseAnyNetworkForMigration", "VirtualMachineMigrationEnabled", "VirtualMachineMigrationAuthenticationType",
        "VirtualMachineMigrationPerformanceOption",
    )  # fmt: skip

    name: str
    fully_qualified_domain_name: str = ""
    logical_processor_count: int | None = None
    memory_capacity: int = 0
    virtual_machine_path: str = ""
    virtual_hard_disk_path: str = ""
    numa_spanning_enabled: bool | None = None
    iov_support: bool | None = None
    enhanced_session_mode: bool | None = None
    mac_address_minimum: str = ""
    mac_address_maximum: str = ""
    maximum_storage_migrations: int = 0
    maximum_virtual_machine_migrations: int = 0
    use_any_network_for_migration: bool = False
    virtual_machine_migration_enabled: bool = False
    authentication_type: str = ""
    performance_option: str = ""

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Host:
        """Return the host that a projected Get-VMHost object describes."""
        return cls(
            name=text(raw.get("ComputerName")) or text(raw.get("Name")),
            fully_qualified_domain_name=text(raw.get("FullyQualifiedDomainName")),
            logical_processor_count=whole(raw.get("LogicalProcessorCount")),
            memory_capacity=whole(raw.get("MemoryCapacity")) or 0,
            virtual_machine_path=text(raw.get("VirtualMachinePath")),
            virtual_hard_disk_path=text(raw.get("VirtualHardDiskPath")),
            numa_spanning_enabled=flag(raw.get("NumaSpanningEnabled")),
            iov_support=flag(raw.get("IovSupport")),
            enhanced_session_mode=flag(raw.get("EnableEnhancedSessionMode")),
            mac_address_minimum=text(raw.get("MacAddressMinimum")),
            mac_address_maximum=text(raw.get("MacAddressMaximum")),
            maximum_storage_migrations=whole(raw.get("MaximumStorageMigrations")) or 0,
            maximum_virtual_machine_migrations=whole(raw.get("MaximumVirtualMachineMigrations")) or 0,
            use_any_network_for_migration=bool(flag(raw.get("UseAnyNetworkForMigration"))),
            virtual_machine_migration_enabled=bool(flag(raw.get("VirtualMachineMigrationEnabled"))),
            authentication_type=named(raw.get("VirtualMachineMigrationAuthenticationType"), enums.AUTHENTICATION_TYPES),
            performance_option=named(raw.get("VirtualMachineMigrationPerformanceOption"), enums.PERFORMANCE_OPTIONS),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationNetwork:
    """A network that incoming moves may use; the lowest priority comes first, None where none was given."""

    PROPERTIES: ClassVar = ("Subnet", "Priority")

    subnet: str
    priority: int | None = None

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> MigrationNetwork:
        """Return the network that a projected Get-VMMigrationNetwork object describes."""
        return cls(subnet=text(raw.get("Subnet")), priority=whole(raw.get("Priority")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A virtual switch."""

    PROPERTIES: ClassVar = ("Id", "Name", "SwitchType", "AllowManagementOS", "EmbeddedTeamingEnabled", "IovEnabled")

    id: str | None
    name: str
    type: str = ""
    allow_management_os: bool | None = None
    embedded_teaming_enabled: bool | None = None
    iov_enabled: bool | None = None

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Switch:
        """Return the switch that a projected Get-VMSwitch object describes."""
        return cls(
            id=guid(raw.get("Id")),
            name=text(raw.get("Name")),
            type=named(raw.get("SwitchType"), enums.SWITCH_TYPES),
            allow_management_os=flag(raw.get("AllowManagementOS")),
            embedded_teaming_enabled=flag(raw.get("EmbeddedTeamingEnabled")),
            iov_enabled=flag(raw.get("IovEnabled")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportedVersion:
    """A configuration version that the host can run."""

    PROPERTIES: ClassVar = ("Name", "Version", "IsDefault")

    version: str
    name: str = ""
    is_default: bool = False

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> SupportedVersion:
        """Return the version that a projected Get-VMHostSupportedVersion object describes."""
        return cls(
            version=version(raw.get("Version")), name=text(raw.get("Name")), is_default=bool(flag(raw.get("IsDefault")))
        )

    @property
    def is_released(self) -> bool:
        """Whether it is none of the experimental and prerelease entries, 254.x and 255.x (facts, 2.1)."""
        return self.version.split(".", maxsplit=1)[0] not in ("254", "255")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCpu:
    """A processor of the host (Win32_Processor); family, model and stepping come from the text that states them."""

    PROPERTIES: ClassVar = (
        "Name", "Manufacturer", "Description", "NumberOfCores", "NumberOfLogicalProcessors", "SocketDesignation",
    )  # fmt: skip

    name: str
    manufacturer: str = ""
    description: str = ""
    family: int | None = None
    model: int | None = None
    stepping: int | None = None
    cores: int | None = None
    logical_processors: int | None = None

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> HostCpu:
        """Return the processor that a projected Win32_Processor describes."""
        description = text(raw.get("Description")) or text(raw.get("Caption"))
        found = _FAMILY.search(description)
        family, model, stepping = (int(part) for part in found.groups()) if found else (None, None, None)
        return cls(
            name=text(raw.get("Name")).strip(),
            manufacturer=text(raw.get("Manufacturer")),
            description=description,
            family=family,
            model=model,
            stepping=stepping,
            cores=whole(raw.get("NumberOfCores")),
            logical_processors=whole(raw.get("NumberOfLogicalProcessors")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingSystem:
    """The operating system of the host; memory in bytes."""

    PROPERTIES: ClassVar = (
        "Caption", "Version", "BuildNumber", "OSLanguage", "ProductType", "LastBootUpTime", "FreePhysicalMemory",
        "TotalVisibleMemorySize",
    )  # fmt: skip

    caption: str
    version: str = ""
    build: int | None = None
    language: int | None = None
    product_type: int | None = None
    last_boot_up_time: str | None = None
    free_memory: int | None = None
    total_memory: int | None = None

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> OperatingSystem:
        """Return what a projected Win32_OperatingSystem describes; its memory sizes are kilobytes on the wire."""
        free, total = whole(raw.get("FreePhysicalMemory")), whole(raw.get("TotalVisibleMemorySize"))
        return cls(
            caption=text(raw.get("Caption")),
            version=text(raw.get("Version")),
            build=whole(raw.get("BuildNumber")),
            language=whole(raw.get("OSLanguage")),
            product_type=whole(raw.get("ProductType")),
            last_boot_up_time=moment(raw.get("LastBootUpTime")),
            free_memory=None if free is None else free * 1024,
            total_memory=None if total is None else total * 1024,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputerSystem:
    """The host as its domain knows it."""

    PROPERTIES: ClassVar = ("Name", "DNSHostName", "Domain", "PartOfDomain", "Manufacturer", "Model")

    name: str
    dns_host_name: str = ""
    domain: str = ""
    part_of_domain: bool | None = None
    manufacturer: str = ""
    model: str = ""

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> ComputerSystem:
        """Return what a projected Win32_ComputerSystem describes."""
        return cls(
            name=text(raw.get("Name")),
            dns_host_name=text(raw.get("DNSHostName")),
            domain=text(raw.get("Domain")),
            part_of_domain=flag(raw.get("PartOfDomain")),
            manufacturer=text(raw.get("Manufacturer")),
            model=text(raw.get("Model")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A local volume (Win32_Volume, drive type 3). ``path`` is where it is mounted, with the trailing backslash."""

    PROPERTIES: ClassVar = ("Name", "DriveLetter", "Label", "FileSystem", "Capacity", "FreeSpace", "DriveType")

    path: str
    drive_letter: str | None = None
    label: str = ""
    file_system: str = ""
    capacity: int = 0
    free_space: int = 0
    drive_type: int | None = None

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Volume:
        """Return the volume that a projected Win32_Volume describes."""
        return cls(
            path=text(raw.get("Name")),
            drive_letter=text_or_none(raw.get("DriveLetter")),
            label=text(raw.get("Label")),
            file_system=text(raw.get("FileSystem")),
            capacity=whole(raw.get("Capacity")) or 0,
            free_space=whole(raw.get("FreeSpace")) or 0,
            drive_type=whole(raw.get("DriveType")),
        )


def volume_at(volumes: Sequence[Volume], path: str) -> Volume | None:
    """Return the volume whose mount point is the longest that holds the path; None without one."""
    below = path.rstrip("\\").lower() + "\\"
    holding = [
        volume for volume in volumes if volume.path and below.startswith(volume.path.rstrip("\\").lower() + "\\")
    ]
    return max(holding, key=lambda volume: len(volume.path)) if holding else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FirewallRule:
    """A firewall rule by its stable name; the display name is in the host's language."""

    PROPERTIES: ClassVar = ("Name", "DisplayName", "Enabled")

    name: str
    display_name: str = ""
    enabled: bool = False

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> FirewallRule:
        """Return the rule that a projected Get-NetFirewallRule object describes."""
        return cls(
            name=text(raw.get("Name")),
            display_name=text(raw.get("DisplayName")),
            enabled=named(raw.get("Enabled"), enums.RULE_ENABLED).lower() == "true",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A Windows role or feature."""

    PROPERTIES: ClassVar = ("Name", "DisplayName", "Installed", "InstallState")

    name: str
    display_name: str = ""
    installed: bool = False
    install_state: str = ""

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Feature:
        """Return the feature that a projected Get-WindowsFeature object describes."""
        return cls(
            name=text(raw.get("Name")),
            display_name=text(raw.get("DisplayName")),
            installed=bool(flag(raw.get("Installed"))),
            install_state=named(raw.get("InstallState"), enums.FEATURE_STATES),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowsService:
    """A Windows service; 2012 R2 does not show how it starts (``start_type`` None)."""

    PROPERTIES: ClassVar = ("Name", "Status", "StartType")

    name: str
    status: str = ""
    start_type: str | None = None

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> WindowsService:
        """Return the service that a projected Get-Service object describes."""
        start = raw.get("StartType")
        return cls(
            name=text(raw.get("Name")),
            status=named(raw.get("Status"), enums.SERVICE_STATUSES),
            start_type=None if start in (None, "") else named(start, enums.SERVICE_START_TYPES),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """The addresses at which a host receives live migrations: none means that it can't, whatever is enabled."""

    PROPERTIES: ClassVar = ("MigrationServiceListenerIPAddressList", "ActiveVirtualSystemMigrationCount")

    addresses: tuple[str, ...] = ()

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Listener:
        """Return the list of a projected Msvm_VirtualSystemMigrationService."""
        return cls(addresses=tuple(text(item) for item in many(raw.get("MigrationServiceListenerIPAddressList"))))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceGuard:
    """What runs on a host's virtualization-based security (Win32_DeviceGuard, Windows Server 2016 and later)."""

    PROPERTIES: ClassVar = ("SecurityServicesRunning",)
    CREDENTIAL_GUARD: ClassVar = 1

    services: tuple[int | None, ...] = ()

    @property
    def has_credential_guard(self) -> bool:
        """Whether Credential Guard runs."""
        return self.CREDENTIAL_GUARD in self.services

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> DeviceGuard:
        """Return the services that a projected Win32_DeviceGuard shows."""
        return cls(services=tuple(whole(item) for item in many(raw.get("SecurityServicesRunning"))))
