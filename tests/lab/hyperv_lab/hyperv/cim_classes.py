# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CIM classes of Windows and of the Hyper-V provider; those of migration jobs are in the migration files."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..powershell.values import TypedArray, UInt16, UInt32, UInt64
from .accounts import may_use_hyperv
from .cim import CIMV2, DEVICE_GUARD, VIRTUALIZATION, CimInstance, method, provide
from .cmdlets_vm import remove
from .failures import Refused
from .host import BUILDS

if TYPE_CHECKING:
    from .host import Host
    from .vm import VM

_ENABLED = {"Running": 2, "Off": 3, "Stopping": 4, "Paused": 32768, "Saved": 32769, "Starting": 32770, "Saving": 32773}
_STATUS = {
    "CreatingSnapshot": 32768,
    "ApplyingSnapshot": 32769,
    "DeletingSnapshot": 32770,
    "MergingDisks": 32772,
    "ExportingVirtualMachine": 32773,
    "MigratingVirtualMachine": 32774,
    "BackingUpVirtualMachine": 32776,
    "StorageMigrationPhaseOne": 32778,
    "StorageMigrationPhaseTwo": 32779,
    "MigratingPlannedVm": 32780,
}


def numbers(*values: int) -> TypedArray:
    """Return a UInt16 array."""
    return TypedArray("System.UInt16", [UInt16(value) for value in values])


def texts(*values: str) -> TypedArray:
    """Return a String array."""
    return TypedArray("System.String", list(values))


@provide(CIMV2, "Win32_Processor")
def _processors(host: Host) -> list[CimInstance]:
    cpu = host.cpu
    values: dict[str, Any] = {
        "DeviceID": "CPU0",
        "Name": cpu.name,
        "Caption": cpu.caption,
        "Description": cpu.caption,
        "Manufacturer": cpu.manufacturer,
        "Architecture": UInt16(9),
        "AddressWidth": UInt16(64),
        "Family": UInt16(179 if cpu.vendor == "Intel" else 107),
        "Level": UInt16(cpu.family),
        "Revision": UInt16((cpu.model << 8) | cpu.stepping),
        "Stepping": str(cpu.stepping),
        "ProcessorId": f"178BFBFF{cpu.family << 20 | cpu.model << 4 | cpu.stepping:08X}",
        "NumberOfCores": UInt32(host.cores),
        "NumberOfLogicalProcessors": UInt32(host.logical_processors),
        "MaxClockSpeed": UInt32(2100),
        "SocketDesignation": "CPU 1",
        "SecondLevelAddressTranslationExtensions": True,
        "VirtualizationFirmwareEnabled": True,
        "VMMonitorModeExtensions": True,
        "Status": "OK",
    }
    return [CimInstance(CIMV2, "Win32_Processor", values)]


@provide(CIMV2, "Win32_OperatingSystem")
def _system(host: Host) -> list[CimInstance]:
    version, build = BUILDS[host.edition]
    title = "2012 R2" if host.edition == "2012R2" else host.edition
    start = host.fleet.clock.start
    booted = start + timedelta(seconds=host.booted_at) if host.boots else start - timedelta(days=20)
    values: dict[str, Any] = {
        "Caption": f"Microsoft Windows Server {title} Datacenter",
        "Version": version,
        "BuildNumber": build,
        "CSName": host.name,
        "OSArchitecture": "64 bits" if host.language == "fr" else "64-bit",
        "OperatingSystemSKU": UInt32(8),
        "ProductType": UInt32(3),
        "OSLanguage": UInt32(1036 if host.language == "fr" else 1033),
        "Locale": "040c" if host.language == "fr" else "0409",
        "MUILanguages": texts("fr-FR" if host.language == "fr" else "en-US"),
        "LastBootUpTime": booted,
        "LocalDateTime": host.fleet.clock.date(),
        "TotalVisibleMemorySize": UInt64(host.memory // 1024),
        "FreePhysicalMemory": UInt64(max(host.memory_free, 0) // 1024),
        "SystemDirectory": "C:\\Windows\\system32",
        "Status": "OK",
    }
    return [CimInstance(CIMV2, "Win32_OperatingSystem", values)]


@provide(CIMV2, "Win32_ComputerSystem")
def _computer(host: Host) -> list[CimInstance]:
    values: dict[str, Any] = {
        "Name": host.name,
        "DNSHostName": host.name.lower(),
        "Domain": host.fleet.directory_spec.domain if host.domain_joined else "WORKGROUP",
        "DomainRole": UInt16(3 if host.domain_joined else 2),
        "PartOfDomain": host.domain_joined,
        "Manufacturer": "Dell Inc.",
        "Model": "PowerEdge R750",
        "HypervisorPresent": host.hyperv_ready,
        "NumberOfProcessors": UInt32(1),
        "NumberOfLogicalProcessors": UInt32(host.logical_processors),
        "TotalPhysicalMemory": UInt64(host.memory),
        "Status": "OK",
    }
    return [CimInstance(CIMV2, "Win32_ComputerSystem", values)]


@provide(DEVICE_GUARD, "Win32_DeviceGuard", since="2016")
def _device_guard(host: Host) -> list[CimInstance]:
    """Return what runs on virtualization-based security: service 1 is Credential Guard, 0 stands for none."""
    services = TypedArray("System.UInt32", [UInt32(1 if host.credential_guard else 0)])
    properties = TypedArray("System.UInt32", [UInt32(number) for number in (1, 2, 3)])
    values: dict[str, Any] = {
        "InstanceIdentifier": "4ff40742-2649-41b8-bdd1-e80fad1cce80",
        "Version": "1.0",
        "AvailableSecurityProperties": properties,
        "RequiredSecurityProperties": TypedArray("System.UInt32", [UInt32(0)]),
        "SecurityServicesConfigured": services,
        "SecurityServicesRunning": services,
        "VirtualizationBasedSecurityStatus": UInt32(2 if host.credential_guard else 0),
    }
    return [CimInstance(DEVICE_GUARD, "Win32_DeviceGuard", values)]


@provide(CIMV2, "Win32_Service")
def _services(host: Host) -> list[CimInstance]:
    starts = {"Automatic": "Auto", "AutomaticDelayedStart": "Auto"}
    states = {"StartPending": "Start Pending", "StopPending": "Stop Pending"}
    return [
        CimInstance(
            CIMV2,
            "Win32_Service",
            {
                "Name": service.name,
                "DisplayName": service.display[host.language == "fr"],
                "State": states.get(service.status, service.status),
                "StartMode": starts.get(service.start, service.start),
                "StartName": service.account,
                "PathName": service.path,
                "Started": service.status == "Running",
                "SystemName": host.name,
                "Status": "OK",
            },
        )
        for service in sorted(host.services.values(), key=lambda one: one.name.lower())
    ]


@provide(CIMV2, "Win32_Volume")
def _volumes(host: Host) -> list[CimInstance]:
    return [
        CimInstance(
            CIMV2,
            "Win32_Volume",
            {
                "DeviceID": f"\\\\?\\Volume{{{volume.identifier}}}\\",
                "Name": name + "\\",
                "DriveLetter": name,
                "DriveType": UInt32(3),
                "FileSystem": "NTFS",
                "Label": "System" if name == "C:" else "Data",
                "Capacity": UInt64(volume.size),
                "FreeSpace": UInt64(volume.free),
                "BlockSize": UInt64(4096),
            },
        )
        for name, volume in host.storage.volumes.items()
    ]


@provide(CIMV2, "Win32_LogicalDisk")
def _disks(host: Host) -> list[CimInstance]:
    return [
        CimInstance(
            CIMV2,
            "Win32_LogicalDisk",
            {
                "DeviceID": name,
                "Name": name,
                "DriveType": UInt32(3),
                "FileSystem": "NTFS",
                "Size": UInt64(volume.size),
                "FreeSpace": UInt64(volume.free),
                "VolumeName": "System" if name == "C:" else "Data",
            },
        )
        for name, volume in host.storage.volumes.items()
    ]


def _system_values(vm: VM) -> dict[str, Any]:
    secondary = vm.secondary
    status = [11, _STATUS.get(secondary, 32774)] if secondary else [2]
    return {
        "Name": str(vm.id).upper(),
        "ElementName": vm.name,
        "Caption": "Planned Virtual Machine" if vm.planned else "Virtual Machine",
        "CreationClassName": "Msvm_PlannedComputerSystem" if vm.planned else "Msvm_ComputerSystem",
        "EnabledState": UInt16(_ENABLED.get(vm.state, 32770)),
        "RequestedState": UInt16(12),
        "HealthState": UInt16(5),
        "OperationalStatus": numbers(*status),
        "StatusDescriptions": texts(*vm.status_descriptions),
        "InstallDate": vm.created,
        "OnTimeInMilliseconds": UInt64(int(vm.uptime.total_seconds() * 1000)),
        "ProcessID": UInt32(4000 + vm.id.int % 20000) if vm.is_on else None,
    }


@provide(VIRTUALIZATION, "Msvm_ComputerSystem")
def _systems(host: Host) -> list[CimInstance]:
    own: dict[str, Any] = dict.fromkeys(
        [
            "Name",
            "ElementName",
            "Caption",
            "CreationClassName",
            "EnabledState",
            "RequestedState",
            "HealthState",
            "OperationalStatus",
            "StatusDescriptions",
            "InstallDate",
            "OnTimeInMilliseconds",
            "ProcessID",
        ]
    )
    own.update(Name=host.name, ElementName=host.name, Caption="Hosting Computer System")
    own.update(CreationClassName="Msvm_ComputerSystem", EnabledState=UInt16(2), HealthState=UInt16(5))
    own.update(OperationalStatus=numbers(2), StatusDescriptions=texts("OK"))
    found = [CimInstance(VIRTUALIZATION, "Msvm_ComputerSystem", own)]
    for vm in list(host.vms.values()):
        found.append(CimInstance(VIRTUALIZATION, "Msvm_ComputerSystem", _system_values(vm), subject=vm))
    return found


@provide(VIRTUALIZATION, "Msvm_PlannedComputerSystem")
def _planned(host: Host) -> list[CimInstance]:
    return [
        CimInstance(VIRTUALIZATION, "Msvm_PlannedComputerSystem", _system_values(vm), subject=vm)
        for vm in list(host.planned.values())
    ]


@provide(VIRTUALIZATION, "Msvm_VirtualSystemMigrationService")
def _migration_service(host: Host) -> list[CimInstance]:
    values: dict[str, Any] = {
        "Name": "migrationwmi",
        "Caption": "Hyper-V Migration Service",
        "ElementName": "Hyper-V Migration Service",
        "SystemName": host.name,
        "SystemCreationClassName": "Msvm_ComputerSystem",
        "CreationClassName": "Msvm_VirtualSystemMigrationService",
        "EnabledState": UInt16(2),
        "RequestedState": UInt16(12),
        "HealthState": UInt16(5),
        "OperationalStatus": numbers(2),
        "StatusDescriptions": texts("OK"),
        "Started": True,
        "StartMode": "Automatic",
        "Status": "OK",
        "ActiveVirtualSystemMigrationCount": UInt32(len(host.incoming)),
        "ActiveStorageMigrationCount": UInt32(len(host.storage_moves)),
        "MigrationServiceListenerIPAddressList": texts(*host.listener_addresses()),
    }
    return [CimInstance(VIRTUALIZATION, "Msvm_VirtualSystemMigrationService", values)]


@provide(VIRTUALIZATION, "Msvm_VirtualSystemMigrationServiceSettingData")
def _migration_settings(host: Host) -> list[CimInstance]:
    migration = host.migration
    values: dict[str, Any] = {
        "InstanceID": "Microsoft:Hyper-V Migration Service",
        "EnableVirtualSystemMigration": migration.enabled,
        "MaximumActiveVirtualSystemMigration": UInt32(migration.slots),
        "MaximumActiveStorageMigration": UInt32(migration.storage_slots),
        "AuthenticationType": UInt32(1 if migration.authentication == "Kerberos" else 0),
        "EnableCompression": migration.performance == "Compression",
        "EnableSmbTransport": migration.performance == "SMB",
    }
    return [CimInstance(VIRTUALIZATION, "Msvm_VirtualSystemMigrationServiceSettingData", values)]


@provide(VIRTUALIZATION, "Msvm_VirtualSystemMigrationNetworkSettingData")
def _migration_networks(host: Host) -> list[CimInstance]:
    return [
        CimInstance(
            VIRTUALIZATION,
            "Msvm_VirtualSystemMigrationNetworkSettingData",
            {
                "InstanceID": f"Microsoft:Migration\\{network.subnet}",
                "SubnetNumber": str(network.subnet.network_address),
                "PrefixLength": UInt16(network.subnet.prefixlen),
                "Metric": UInt32(network.priority or 0),
                "Tags": texts(),
            },
        )
        for network in list(host.migration.networks)
    ]


@provide(VIRTUALIZATION, "Msvm_VirtualSystemManagementService")
def _management_service(host: Host) -> list[CimInstance]:
    values: dict[str, Any] = {
        "Name": "vmms",
        "Caption": "Hyper-V Virtual System Management Service",
        "ElementName": "Hyper-V Virtual System Management Service",
        "SystemName": host.name,
        "CreationClassName": "Msvm_VirtualSystemManagementService",
        "EnabledState": UInt16(2),
        "Started": True,
        "Status": "OK",
    }
    return [CimInstance(VIRTUALIZATION, "Msvm_VirtualSystemManagementService", values)]


def _named(host: Host, reference: Any) -> VM | None:
    """Return the machine, real or planned, that an instance or a path names."""
    if isinstance(reference, CimInstance):
        vm: VM | None = reference.subject
        return vm
    text = str(reference).lower()
    machines = host.planned if "msvm_plannedcomputersystem" in text else host.vms
    return next((vm for vm in list(machines.values()) if f'name="{vm.id}"' in text), None)


@method("Msvm_VirtualSystemManagementService", "DestroySystem", (("AffectedSystem", False),))
def _destroy(host: Host, _instance: CimInstance, arguments: dict[str, Any], identity: Any) -> dict[str, Any]:
    """Remove a planned machine, or one that is off (return values: facts on Hyper-V, 3.2)."""
    vm = _named(host, arguments.get("AffectedSystem"))
    if vm is None:
        return {"ReturnValue": UInt32(32773)}
    if not may_use_hyperv(identity):
        return {"ReturnValue": UInt32(32769)}
    if vm.is_deleted or vm.host is not host:
        return {"ReturnValue": UInt32(32777)}
    try:
        remove(vm)
    except Refused:
        return {"ReturnValue": UInt32(32775)}
    return {"ReturnValue": UInt32(0)}
