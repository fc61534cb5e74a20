# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CIM classes of Windows machines (``root/cimv2``): properties with the names, types and words of Windows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ...hyperv.cim import CIMV2, CimInstance
from ...hyperv.cim_classes import texts
from ...powershell.values import TypedArray, UInt16, UInt32, UInt64
from .dispatch import expand

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...hyperv.cim import Provider
    from ...world import Account
    from .state import Disk, Partition, WindowsMachine

    Rows = Callable[[WindowsMachine], list[dict[str, Any]]]

CLASSES: dict[tuple[str, str], Provider] = {}
_STATES = {"StartPending": "Start Pending", "StopPending": "Stop Pending"}
_STARTS = {"Automatic": "Auto"}
_SERVER, _WORKGROUP_SERVER = 3, 2


def _class(name: str, *bases: str) -> Callable[[Rows], Rows]:
    """Register a class by a function that gives the values of its instances."""

    def register(rows: Rows) -> Rows:
        def provider(host: Any) -> list[CimInstance]:
            return [CimInstance(CIMV2, name, values, bases=bases) for values in rows(host)]

        CLASSES[CIMV2, name.lower()] = provider
        return rows

    return register


@_class("Win32_OperatingSystem", "CIM_OperatingSystem")
def _system(machine: WindowsMachine) -> list[dict[str, Any]]:
    windows = machine.windows
    start = machine.fleet.clock.start
    booted = start + timedelta(seconds=machine.booted_at) if machine.boots else start - timedelta(days=20)
    pack = 1 if windows.version == "6.1.7601" else 0
    bits = windows.architecture if not machine.french else windows.architecture.replace("-bit", " bits")
    return [
        {
            "Caption": windows.caption[machine.french],
            "Version": windows.version,
            "BuildNumber": windows.version.rpartition(".")[2],
            "CSName": machine.name,
            "CSDVersion": f"Service Pack {pack}" if pack else None,
            "ServicePackMajorVersion": UInt16(pack),
            "OSArchitecture": bits,
            "OperatingSystemSKU": UInt32(7),
            "ProductType": UInt32(3),
            "OSLanguage": UInt32(1036 if machine.french else 1033),
            "Locale": "040c" if machine.french else "0409",
            "MUILanguages": texts("fr-FR" if machine.french else "en-US"),
            "LastBootUpTime": booted,
            "LocalDateTime": machine.fleet.clock.date(),
            "TotalVisibleMemorySize": UInt64(machine.memory // 1024),
            "FreePhysicalMemory": UInt64(windows.memory_free // 1024),
            "SystemDirectory": "C:\\Windows\\system32",
            "SystemDrive": "C:",
            "WindowsDirectory": "C:\\Windows",
            "Status": "OK",
        }
    ]


@_class("Win32_ComputerSystem", "CIM_UnitaryComputerSystem", "CIM_ComputerSystem")
def _computer(machine: WindowsMachine) -> list[dict[str, Any]]:
    joined = machine.domain_joined
    return [
        {
            "Name": machine.name,
            "DNSHostName": machine.name.lower(),
            "Domain": machine.fleet.directory_spec.domain if joined else "WORKGROUP",
            "Workgroup": None if joined else "WORKGROUP",
            "DomainRole": UInt16(_SERVER if joined else _WORKGROUP_SERVER),
            "PartOfDomain": joined,
            "Manufacturer": "VMware, Inc.",
            "Model": "VMware Virtual Platform",
            "SystemType": "X86-based PC" if machine.windows.architecture == "32-bit" else "x64-based PC",
            "NumberOfProcessors": UInt32(1),
            "NumberOfLogicalProcessors": UInt32(machine.logical_processors),
            "TotalPhysicalMemory": UInt64(machine.memory),
            "Status": "OK",
        }
    ]


@_class("Win32_ComputerSystemProduct", "CIM_Product")
def _product(machine: WindowsMachine) -> list[dict[str, Any]]:
    return [
        {
            "IdentifyingNumber": machine.windows.serial,
            "Name": "VMware Virtual Platform",
            "Vendor": "VMware, Inc.",
            "UUID": str(machine.windows.uuid).upper(),
        }
    ]


@_class("Win32_SystemEnclosure", "CIM_Chassis")
def _enclosure(machine: WindowsMachine) -> list[dict[str, Any]]:
    return [
        {
            "Tag": "System Enclosure 0",
            "Manufacturer": "No Enclosure",
            "SerialNumber": machine.windows.serial,
            "SMBIOSAssetTag": machine.windows.asset_tag,
            "ChassisTypes": TypedArray("System.UInt16", [UInt16(1)]),
        }
    ]


@_class("Win32_BIOS", "CIM_BIOSElement")
def _bios(machine: WindowsMachine) -> list[dict[str, Any]]:
    return [{"Name": "PhoenixBIOS 4.0", "SerialNumber": machine.windows.serial, "Manufacturer": "Phoenix"}]


@_class("Win32_Service", "Win32_BaseService", "CIM_Service")
def _services(machine: WindowsMachine) -> list[dict[str, Any]]:
    found = []
    for number, service in enumerate(sorted(machine.services.values(), key=lambda one: one.name.lower())):
        running = service.status == "Running"
        found.append(
            {
                "Name": service.name,
                "DisplayName": service.display[machine.french],
                "State": _STATES.get(service.status, service.status),
                "StartMode": _STARTS.get(service.start, service.start),
                "StartName": service.account,
                "PathName": expand(service.path),
                "ProcessId": UInt32(600 + 4 * number if running else 0),
                "Started": running,
                "AcceptStop": running,
                "ExitCode": UInt32(0 if running else 1077),
                "ServiceType": "Share Process" if "svchost" in service.path else "Own Process",
                "SystemName": machine.name,
                "Status": "OK",
            }
        )
    return found


@_class("Win32_Process", "CIM_Process")
def _processes(machine: WindowsMachine) -> list[dict[str, Any]]:
    rows = [("System Idle Process", 0, ""), ("System", 4, "")]
    for number, service in enumerate(sorted(machine.services.values(), key=lambda one: one.name.lower())):
        if service.status == "Running":
            path = expand(service.path).strip('"').partition(".exe")[0] + ".exe"
            rows.append((path.rpartition("\\")[2], 600 + 4 * number, path))
    return [
        {"Name": name, "ProcessId": UInt32(number), "ExecutablePath": path or None, "CommandLine": path or None}
        for name, number, path in rows
    ]


@_class("Win32_LogicalDisk", "CIM_LogicalDisk")
def _drives(machine: WindowsMachine) -> list[dict[str, Any]]:
    return [
        {
            "DeviceID": name,
            "Name": name,
            "DriveType": UInt32(3),
            "FileSystem": "NTFS",
            "Size": UInt64(volume.size),
            "FreeSpace": UInt64(volume.free),
            "VolumeName": "",
        }
        for name, volume in machine.storage.volumes.items()
    ]


@_class("Win32_DiskDrive", "CIM_DiskDrive")
def _disks(machine: WindowsMachine) -> list[dict[str, Any]]:
    return [
        {
            "DeviceID": f"\\\\.\\PHYSICALDRIVE{disk.number}",
            "Index": UInt32(disk.number),
            "Size": UInt64(disk.size),
            "BytesPerSector": UInt32(disk.sector_bytes),
            "Partitions": UInt32(len(disk.partitions)),
            "MediaType": "Fixed hard disk media",
            "InterfaceType": "SCSI",
            "Model": "VMware Virtual disk SCSI Disk Device",
            "Status": "OK",
        }
        for disk in machine.windows.disks
    ]


def partition_type(disk: Disk, part: Partition) -> str:
    """Return Win32_DiskPartition.Type: English words in every language."""
    if disk.style == "GPT":
        kind = {"System": "System", "Unknown": "Unknown"}.get(part.kind, "Basic Data")
        return "GPT: " + ("Logical Disk Manager Data" if disk.dynamic else kind)
    return "Logical Disk Manager" if disk.dynamic else "Installable File System"


@_class("Win32_DiskPartition", "CIM_DiskPartition")
def _partitions(machine: WindowsMachine) -> list[dict[str, Any]]:
    found = []
    for disk in machine.windows.disks:
        for part in disk.partitions:
            starts = part.active or (disk.style == "GPT" and part.kind == "System")
            found.append(
                {
                    "DeviceID": f"Disk #{disk.number}, Partition #{part.number}",
                    "DiskIndex": UInt32(disk.number),
                    "Index": UInt32(part.number),
                    "Type": partition_type(disk, part),
                    "BootPartition": starts,
                    "Bootable": starts,
                    "PrimaryPartition": True,
                    "Size": UInt64(part.size),
                    "BlockSize": UInt64(disk.sector_bytes),
                }
            )
    return found


@_class("Win32_LogicalDiskToPartition", "CIM_LogicalDiskBasedOnPartition")
def _letters(machine: WindowsMachine) -> list[dict[str, Any]]:
    return [
        {
            "Antecedent": f'Win32_DiskPartition (DeviceID = "Disk #{disk.number}, Partition #{part.number}")',
            "Dependent": f'Win32_LogicalDisk (DeviceID = "{part.letter}")',
        }
        for disk in machine.windows.disks
        for part in disk.partitions
        if part.letter
    ]


@_class("Win32_QuickFixEngineering", "CIM_LogicalElement")
def _updates(machine: WindowsMachine) -> list[dict[str, Any]]:
    return [
        {
            "HotFixID": update,
            "Description": "Mise à jour" if machine.french else "Update",
            "InstalledOn": "1/15/2024",
            "InstalledBy": "NT AUTHORITY\\SYSTEM",
            "CSName": machine.name,
        }
        for update in machine.windows.hotfixes
    ]


@_class("Win32_UserAccount", "Win32_Account")
def _accounts(machine: WindowsMachine) -> list[dict[str, Any]]:
    return [_account(machine, account) for account in machine.local]


def _account(machine: WindowsMachine, account: Account) -> dict[str, Any]:
    return {
        "Name": account.username,
        "Domain": machine.name,
        "Caption": f"{machine.name}\\{account.username}",
        "SID": account.sid,
        "LocalAccount": True,
        "Disabled": not account.enabled,
        "Lockout": account.sid in machine.windows.locked,
        "PasswordExpires": False,
        "Status": "OK" if account.enabled else "Degraded",
    }


@_class("Win32_NetworkAdapterConfiguration", "CIM_Setting")
def _adapters(machine: WindowsMachine) -> list[dict[str, Any]]:
    addresses = [str(one.ip) for one in machine.network.addresses] if machine.windows.ipv4 else []
    plain = {
        "Index": UInt32(0),
        "InterfaceIndex": UInt32(2),
        "Description": "vmxnet3 Ethernet Adapter",
        "IPEnabled": True,
        "DHCPEnabled": False,
        "IPAddress": texts(*addresses, "fe80::5efe:a00:1"),
        "MACAddress": f"00:50:56:00:00:{machine.windows.uuid.int % 256:02X}",
        "DNSHostName": machine.name.lower(),
        "DNSDomain": machine.fleet.directory_spec.domain if machine.domain_joined else None,
        "ServiceName": "vmxnet3ndis6",
    }
    other = {**plain, "Index": UInt32(1), "InterfaceIndex": UInt32(3), "IPEnabled": False, "IPAddress": None}
    return [plain, {**other, "Description": "WAN Miniport (IP)"}]


@_class("Win32_Volume", "CIM_StorageVolume")
def _volumes(machine: WindowsMachine) -> list[dict[str, Any]]:
    return [
        {
            "DeviceID": f"\\\\?\\Volume{{{volume.identifier}}}\\",
            "Name": name + "\\",
            "DriveLetter": name,
            "DriveType": UInt32(3),
            "FileSystem": "NTFS",
            "Capacity": UInt64(volume.size),
            "FreeSpace": UInt64(volume.free),
            "BootVolume": name == "C:",
            "SystemVolume": False,
        }
        for name, volume in machine.storage.volumes.items()
    ]


@_class("Win32_Group", "Win32_Account")
def _groups(machine: WindowsMachine) -> list[dict[str, Any]]:
    from ...hyperv import accounts  # noqa: PLC0415

    names = accounts.FRENCH_GROUPS if machine.french else accounts.LOCAL_GROUPS
    return [
        {"Name": name, "Domain": machine.name, "SID": sid, "LocalAccount": True, "Status": "OK"}
        for name, sid in names.items()
    ]
