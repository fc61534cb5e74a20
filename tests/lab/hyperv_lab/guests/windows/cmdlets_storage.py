# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Storage and Defender on a Windows machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ...hyperv import messages
from ...hyperv.base import as_list
from ...hyperv.cmdlets_around import CIM_EXCEPTION
from ...hyperv.cmdlets_system import only
from ...powershell.commands import ErrorRecord
from ...powershell.values import OBJECT, Char, PropertyBag, TypedArray, UInt16, UInt32, UInt64
from .wmi import WmiCmdlet

if TYPE_CHECKING:
    from .state import Disk, Partition

_CIM = "Microsoft.Management.Infrastructure.CimInstance"
EFI_TYPE = "{c12a7328-f81f-11d2-ba4b-00a0c93ec93b}"
BASIC_TYPE = "{ebd0a0a2-b9e5-4433-87c0-68b6b72699c7}"
DYNAMIC_TYPE = "{af9b60a0-1431-4f62-bc68-3311714a69ad}"
IFS, DYNAMIC = 7, 66
"""Types of MBR partitions."""


class GetDisk(WmiCmdlet):
    """Get-Disk."""

    NAME = "Get-Disk"

    def run(self) -> None:
        """Write the disks."""
        only(self, "Number")
        wanted = {int(number) for number in as_list(self.given("Number"))}
        for disk in self.machine.windows.disks:
            if not wanted or disk.number in wanted:
                self.call.write(self._disk(disk))

    @staticmethod
    def _disk(disk: Disk) -> PropertyBag:
        values = {
            "Number": UInt32(disk.number),
            "FriendlyName": "VMware Virtual disk",
            "SerialNumber": None,
            "Size": UInt64(disk.size),
            "LogicalSectorSize": UInt32(disk.sector_bytes),
            "PhysicalSectorSize": UInt32(max(disk.sector_bytes, 4096)),
            "PartitionStyle": disk.style,
            "NumberOfPartitions": UInt32(len(disk.partitions)),
            "IsBoot": any(part.boot for part in disk.partitions),
            "IsSystem": any(part.system for part in disk.partitions),
            "BootFromDisk": any(part.system for part in disk.partitions),
            "IsOffline": False,
            "IsReadOnly": False,
            "OperationalStatus": "Online",
            "HealthStatus": "Healthy",
            "BusType": "SAS",
        }
        return PropertyBag(values, (f"{_CIM}#ROOT/Microsoft/Windows/Storage/MSFT_Disk", _CIM, OBJECT))


class GetPartition(WmiCmdlet):
    """Get-Partition: numbers count from 1 there."""

    NAME = "Get-Partition"

    def run(self) -> None:
        """Write the partitions."""
        only(self, "DiskNumber", "PartitionNumber", "DriveLetter")
        disks = {int(number) for number in as_list(self.given("DiskNumber"))}
        letters = {str(letter).upper() for letter in as_list(self.given("DriveLetter"))}
        for disk in self.machine.windows.disks:
            for part in disk.partitions:
                if (not disks or disk.number in disks) and (not letters or part.letter[:1] in letters):
                    self.call.write(self._partition(disk, part))

    @staticmethod
    def _partition(disk: Disk, part: Partition) -> PropertyBag:
        gpt = disk.style == "GPT"
        kind = EFI_TYPE if part.kind == "System" else BASIC_TYPE
        values = {
            "DiskNumber": UInt32(disk.number),
            "PartitionNumber": UInt32(part.number + 1),
            "DriveLetter": Char(part.letter[:1] or "\0"),
            "Size": UInt64(part.size),
            "IsActive": part.active and not gpt,
            "IsBoot": part.boot,
            "IsSystem": part.system,
            "GptType": (DYNAMIC_TYPE if disk.dynamic else kind) if gpt else None,
            "MbrType": None if gpt else UInt16(DYNAMIC if disk.dynamic else IFS),
            "Type": "System" if gpt and part.kind == "System" else "Basic" if gpt else "IFS",
        }
        return PropertyBag(values, (f"{_CIM}#ROOT/Microsoft/Windows/Storage/MSFT_Partition", _CIM, OBJECT))


class GetVolume(WmiCmdlet):
    """Get-Volume."""

    NAME = "Get-Volume"

    def run(self) -> None:
        """Write the volumes."""
        only(self, "DriveLetter")
        letters = {str(letter).upper() for letter in as_list(self.given("DriveLetter"))}
        for name, volume in self.machine.storage.volumes.items():
            if letters and name[0] not in letters:
                continue
            values = {
                "DriveLetter": Char(name[0]),
                "FileSystem": "NTFS",
                "FileSystemType": "NTFS",
                "DriveType": "Fixed",
                "Size": UInt64(volume.size),
                "SizeRemaining": UInt64(volume.free),
                "HealthStatus": "Healthy",
                "OperationalStatus": "OK",
            }
            self.call.write(PropertyBag(values, (f"{_CIM}#ROOT/Microsoft/Windows/Storage/MSFT_Volume", _CIM, OBJECT)))


class DefenderCmdlet(WmiCmdlet):
    """A cmdlet of Defender, which must be there and running."""

    KIND: ClassVar[str] = ""

    def run(self) -> None:
        """Work, unless Defender is off."""
        service = self.machine.services.get("windefend")
        if service is None or service.status != "Running":
            text = messages.text(self.machine.language, "not_simulated", what="Defender")
            self.fail(ErrorRecord(error_id="HRESULT 0x800106ba", category="NotSpecified", message=text,
                                  exception=CIM_EXCEPTION, properties={"NativeErrorCode": 1}))  # fmt: skip
        else:
            self.ask()

    def ask(self) -> None:
        """Do the work."""

    def show(self, values: dict[str, Any]) -> None:
        """Write an object of Defender's namespace."""
        kind = f"{_CIM}#root/Microsoft/Windows/Defender/{self.KIND}"
        self.call.write(PropertyBag(values, (kind, _CIM, OBJECT)))


class GetMpPreference(DefenderCmdlet):
    """Get-MpPreference."""

    NAME = "Get-MpPreference"
    KIND = "MSFT_MpPreference"

    def ask(self) -> None:
        """Write the settings that matter here."""
        defender = self.machine.windows.defender
        paths = TypedArray("System.String", list(defender.exclusions)) if defender.exclusions else None
        self.show(
            {
                "ExclusionPath": paths,
                "ExclusionProcess": None,
                "ExclusionExtension": None,
                "DisableRealtimeMonitoring": not defender.enabled,
            }
        )


class AddMpPreference(DefenderCmdlet):
    """Add-MpPreference -ExclusionPath."""

    NAME = "Add-MpPreference"

    def ask(self) -> None:
        """Leave the folders out."""
        only(self, "ExclusionPath")
        paths = [str(path) for path in as_list(self.given("ExclusionPath"))]
        if self.admitted():
            with self.machine.fleet.lock:
                self.machine.exclude(*paths)


class GetMpComputerStatus(DefenderCmdlet):
    """Get-MpComputerStatus."""

    NAME = "Get-MpComputerStatus"
    KIND = "MSFT_MpComputerStatus"

    def ask(self) -> None:
        """Write the state."""
        on = self.machine.windows.defender.enabled
        self.show(
            {
                "AMServiceEnabled": True,
                "AntivirusEnabled": on,
                "RealTimeProtectionEnabled": on,
                "IsTamperProtected": False,
                "AMRunningMode": "Normal" if on else "Not running",
            }
        )


COMMANDS = (GetDisk, GetPartition, GetVolume, GetMpPreference, AddMpPreference, GetMpComputerStatus)
