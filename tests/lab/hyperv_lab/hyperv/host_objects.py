# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Live objects of the host itself: VMHost, supported versions, resource pools."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from ..powershell.values import EnumValue, Int64, TypedArray, UInt32, Version
from . import enums
from .host import Host
from .live import ModelObject, chain

VERSION_NAMES = {
    "5.0": "Microsoft Windows 8.1/Server 2012 R2",
    "6.2": "Microsoft Windows 10 1507/Server 2016 Technical Preview 3",
    "7.0": "Microsoft Windows 10 1511/Server 2016 Technical Preview 4",
    "7.1": "Microsoft Windows 10 1511/Server 2016 Technical Preview 5",
    "8.0": "Microsoft Windows 10 Anniversary Update/Server 2016",
    "8.1": "Microsoft Windows 10 Creators Update",
    "8.2": "Microsoft Windows 10 Fall Creators Update/Server 1709",
    "8.3": "Microsoft Windows 10 April 2018 Update/Server 1803",
    "9.0": "Microsoft Windows 10 October 2018 Update/Server 2019",
    "9.1": "Microsoft Windows 10 May 2019 Update/Server 1903",
    "9.2": "Microsoft Windows 10 May 2020 Update/Server 2004",
    "9.3": "Microsoft Windows 10 (Manganese)",
    "10.0": "Microsoft Windows Server 2022",
    "10.5": "Microsoft Host OS (Cobalt+)",
    "11.0": "Microsoft Windows 11 (22H2)",
    "11.1": "Microsoft Windows 11 (Copper)",
    "11.2": "Microsoft Windows 11 (Zinc)",
    "12.0": "Microsoft Windows Server 2025",
    "254.0": "Prerelease",
    "255.0": "Experimental",
}


class VMHost(ModelObject):
    """VMHost: a view on the host."""

    TYPE_NAMES: ClassVar = chain("VMHost")
    PROPERTIES: ClassVar = {
        "LogicalProcessorCount": "logical_processor_count",
        "ResourceMeteringSaveInterval": "metering",
        "FullyQualifiedDomainName": "domain_name",
        "MemoryCapacity": "memory_capacity",
        "Name": "computer_name",
        "MacAddressMinimum": "mac_minimum",
        "MacAddressMaximum": "mac_maximum",
        "MaximumStorageMigrations": "storage_slots",
        "MaximumVirtualMachineMigrations": "slots",
        "UseAnyNetworkForMigration": "any_network",
        "VirtualMachineMigrationEnabled": "enabled",
        "VirtualMachineMigrationAuthenticationType": "authentication",
        "VirtualMachineMigrationPerformanceOption": "performance",
        "NumaSpanningEnabled": "numa_spanning",
        "IovSupport": "no",
        "IovSupportReasons": "nothing",
        "EnableEnhancedSessionMode": "enhanced_session",
        "SupportedVmVersions": "versions",
        "FibreChannelWwnn": "wwnn",
        "FibreChannelWwpnMinimum": "wwpn_minimum",
        "FibreChannelWwpnMaximum": "wwpn_maximum",
        "VirtualHardDiskPath": "disk_path",
        "VirtualMachinePath": "vm_path",
        "CimSession": "cim_session",
        "ComputerName": "computer_name",
        "IsDeleted": "is_deleted",
    }
    SINCE: ClassVar = {"SupportedVmVersions": "2016", "CimSession": "2016", "EnableEnhancedSessionMode": "2012R2"}
    no = False
    nothing = None

    def __init__(self, host: Host) -> None:
        self.host = host

    def __getattr__(self, name: str) -> Any:
        """Return a plain setting of the host."""
        return getattr(self.__dict__["host"].settings, name)

    @property
    def domain_name(self) -> str:
        """Return the domain, WORKGROUP-less."""
        return self.host.fleet.directory_spec.domain if self.host.domain_joined else ""

    @property
    def logical_processor_count(self) -> Int64:
        """Return LogicalProcessorCount."""
        return Int64(self.host.logical_processors)

    @property
    def memory_capacity(self) -> Int64:
        """Return MemoryCapacity in bytes."""
        return Int64(self.host.memory)

    @property
    def metering(self) -> timedelta:
        """Return ResourceMeteringSaveInterval."""
        return timedelta(hours=self.host.settings.metering_hours)

    @property
    def slots(self) -> UInt32:
        """Return MaximumVirtualMachineMigrations."""
        return UInt32(self.host.migration.slots)

    @property
    def storage_slots(self) -> UInt32:
        """Return MaximumStorageMigrations."""
        return UInt32(self.host.migration.storage_slots)

    @property
    def any_network(self) -> bool:
        """Return UseAnyNetworkForMigration."""
        return self.host.migration.any_network

    @property
    def enabled(self) -> bool:
        """Return VirtualMachineMigrationEnabled."""
        return self.host.migration.enabled

    @property
    def authentication(self) -> EnumValue:
        """Return VirtualMachineMigrationAuthenticationType."""
        return enums.value("MigrationAuthenticationType", self.host.migration.authentication)

    @property
    def performance(self) -> EnumValue:
        """Return VirtualMachineMigrationPerformanceOption."""
        return enums.value("VMMigrationPerformance", self.host.migration.performance)

    @property
    def versions(self) -> TypedArray:
        """Return SupportedVmVersions."""
        return TypedArray("System.String", self.host.versions)

    def ps_text(self) -> str:
        """Return the module's text."""
        return f"VMHost (Name = '{self.host.name}')"


class SupportedVersion(ModelObject):
    """VMHostSupportedVersion."""

    TYPE_NAMES: ClassVar = chain("VMHostSupportedVersion")
    PROPERTIES: ClassVar = {
        "Name": "name",
        "Version": "version",
        "IsDefault": "is_default",
        "CimSession": "cim_session",
        "ComputerName": "computer_name",
        "IsDeleted": "is_deleted",
    }

    def __init__(self, host: Host, version: str) -> None:
        self.host = host
        self.version = Version(version)
        self.name = VERSION_NAMES[version]
        self.is_default = version == host.versions[-1]


class ResourcePool(ModelObject):
    """VMResourcePool: the primordial ones only."""

    TYPE_NAMES: ClassVar = chain("VMResourcePool")
    PROPERTIES: ClassVar = {
        "ResourcePoolType": "kind",
        "Name": "name",
        "ResourceMeteringEnabled": "no",
        "CimSession": "cim_session",
        "ComputerName": "computer_name",
        "IsDeleted": "is_deleted",
    }
    SINCE: ClassVar = {"CimSession": "2016"}
    name = "Primordial"
    no = False

    def __init__(self, host: Host, kind: EnumValue) -> None:
        self.host = host
        self.kind = kind
