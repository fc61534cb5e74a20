# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cmdlets on drives and virtual disks, and Storage's Get-Volume."""

from __future__ import annotations

import ntpath
from typing import TYPE_CHECKING, Any, ClassVar

from ..powershell.commands import ErrorRecord
from ..powershell.values import OBJECT, EnumValue, LiveObject, UInt32, UInt64
from . import enums, failures, power, reach
from .base import HYPERV_CLASS, HostCmdlet, HyperVCmdlet, as_list, fits, has_wildcards
from .failures import Refused
from .live import ModelObject
from .sharing import ACCESS_DENIED, ShareRefused
from .storage import EMPTY_DYNAMIC_DISK, DiskFull, File, FileExists, NoSuchPath, VirtualDisk, Volume

if TYPE_CHECKING:
    from .devices import Drive
    from .host import Host

VHD_CLASS = "Microsoft.Vhd.PowerShell.Cmdlets."


class DriveCmdlet(HyperVCmdlet):
    """A cmdlet that chooses drives of machines by their place on a controller."""

    LIST = "hard_drives"

    def drives(self) -> list[Drive]:
        """Return the drives at the place given; an error where a place is named and nothing is there."""
        found: list[Drive] = []
        for owner in self.owners():
            fitting = [drive for drive in getattr(owner, self.LIST) if self._at(drive)]
            if not fitting and self.bound_to("ControllerLocation"):
                self.reject("drive_unknown", name=owner.name)
            found += fitting
        return found

    def _at(self, drive: Drive) -> bool:
        number, location = self.given("ControllerNumber"), self.given("ControllerLocation")
        kind = self.given("ControllerType")
        return (
            (number is None or int(number) == drive.controller_number)
            and (location is None or int(location) == drive.controller_location)
            and (kind is None or str(kind).lower() == drive.controller_type.name.lower())
        )


class GetVMHardDiskDrive(DriveCmdlet):
    """Get-VMHardDiskDrive."""

    NAME = "Get-VMHardDiskDrive"
    CLASS = HYPERV_CLASS + "GetVMHardDiskDrive"

    def run(self) -> None:
        """Write the drives."""
        if self.bound_to("VMDriveController"):
            raise Refused("not_supported", what="VMDriveController")
        for drive in self.drives():
            self.call.write(drive)


class GetVMDvdDrive(DriveCmdlet):
    """Get-VMDvdDrive."""

    NAME = "Get-VMDvdDrive"
    CLASS = HYPERV_CLASS + "GetVMDvdDrive"
    LIST = "dvd_drives"

    def run(self) -> None:
        """Write the drives."""
        if self.bound_to("VMDriveController"):
            raise Refused("not_supported", what="VMDriveController")
        for drive in self.drives():
            self.call.write(drive)


class SetVMDvdDrive(DriveCmdlet):
    """Set-VMDvdDrive: -Path $null ejects; a file has to be there."""

    NAME = "Set-VMDvdDrive"
    CLASS = HYPERV_CLASS + "SetVMDvdDrive"
    DENIED = "denied"
    LIST = "dvd_drives"

    def run(self) -> None:
        """Change the medium of every drive given."""
        for parameter in ("ToControllerNumber", "ToControllerLocation"):
            if self.bound_to(parameter):
                raise Refused("not_supported", what=parameter)
        drives = as_list(self.given("VMDvdDrive")) if self.bound_to("VMDvdDrive") else self.drives()
        for drive in drives:
            if not self.call.should_process(drive.name):
                continue
            try:
                self._set(drive)
            except Refused as refused:
                self.refuse(refused)
                continue
            self.passthru(drive)

    def _set(self, drive: Drive) -> None:
        vm: Any = getattr(drive.owner, "vm", drive.owner)
        path = str(self.given("Path") or "")
        if self.bound_to("Path") and path:
            _require_medium(drive.host, vm, path)
        with self.host.fleet.lock:
            if not vm.planned:
                power.require_idle(vm)
            if self.bound_to("Path"):
                if not vm.planned:
                    vm.settle_guest()
                drive.path = path
                drive.__dict__["inserted_at"] = self.host.fleet.clock.now()
        self.host.fleet.clock.notify()


def _require_medium(host: Host, vm: Any, path: str) -> None:
    """Refuse a file that isn't there, or that the host's computer account can't get at. Raises Refused."""
    try:
        found = reach.place_of_service(host, path).file is not None
    except ShareRefused as refused:
        kind = "medium_denied" if refused.code == ACCESS_DENIED else "medium_missing"
        raise Refused(kind, vm, path=path) from refused
    except NoSuchPath:
        found = False
    if not found:
        raise Refused("medium_missing", vm, path=path)


class VirtualHardDisk(ModelObject):
    """VirtualHardDisk of Get-VHD: what the file is now."""

    TYPE_NAMES: ClassVar = (
        "Microsoft.Vhd.PowerShell.VirtualHardDisk",
        "Microsoft.HyperV.PowerShell.VirtualizationObject",
        OBJECT,
    )
    PROPERTIES: ClassVar = {
        "ComputerName": "computer_name",
        "Path": "path",
        "VhdFormat": "vhd_format",
        "VhdType": "vhd_type",
        "FileSize": "file_size",
        "Size": "size",
        "MinimumSize": "minimum_size",
        "LogicalSectorSize": "logical_sector",
        "PhysicalSectorSize": "physical_sector",
        "BlockSize": "block_size",
        "ParentPath": "parent_path",
        "DiskIdentifier": "disk_identifier",
        "FragmentationPercentage": "fragmentation",
        "Alignment": "alignment",
        "Attached": "attached",
        "DiskNumber": "nothing",
        "IsPMEMCompatible": "no",
        "AddressAbstractionType": "abstraction",
    }
    SINCE: ClassVar = {"IsPMEMCompatible": "2019", "AddressAbstractionType": "2019"}
    ALIASES: ClassVar = {"Number": "DiskNumber"}
    logical_sector: UInt32 = UInt32(512)
    physical_sector: UInt32 = UInt32(4096)
    alignment: UInt32 = UInt32(1)
    nothing = None
    no = False
    abstraction: EnumValue = enums.value("VirtualHardDiskPmemAddressAbstractionType", "None")

    def __init__(self, host: Host, file: File, disk: VirtualDisk) -> None:
        self.host = host
        self.path = file.path
        self.vhd_format = enums.value("VhdFormat", disk.format)
        self.vhd_type = enums.value("VhdType", disk.type)
        self.file_size = UInt64(file.size)
        self.size = UInt64(disk.size)
        self.minimum_size = UInt64(disk.size)
        self.parent_path = disk.parent
        self.disk_identifier = str(disk.identifier).upper()
        fixed = disk.type == "Fixed"
        self.block_size = UInt32(0 if fixed else 2097152 if disk.format == "VHD" else 33554432)
        self.fragmentation = None if disk.type == "Differencing" else UInt32(0)
        self.attached = any(d.path.lower() == file.path.lower() for vm in list(host.vms.values()) if vm.is_on
                            for d in vm.hard_drives)  # fmt: skip


def read_disk(host: Host, path: str) -> VirtualHardDisk:
    """Return the virtual disk at a path. Raises Refused where there is no file or it is no virtual disk."""
    file = host.storage.file(path)
    if file is None:
        raise Refused("disk_unknown", path=path)
    if file.disk is None:
        raise Refused("disk_written" if file.writing else "disk_unreadable", path=path)
    return VirtualHardDisk(host, file, file.disk)


class GetVHD(HyperVCmdlet):
    """Get-VHD by path or by machine."""

    NAME = "Get-VHD"
    CLASS = VHD_CLASS + "GetVHD"

    def run(self) -> None:
        """Write the virtual disks."""
        if self.bound_to("DiskNumber"):
            raise Refused("not_supported", what="DiskNumber")
        for path in self._paths():
            try:
                self.call.write(read_disk(self.host, path))
            except Refused as refused:
                self.refuse(refused)

    def _paths(self) -> list[str]:
        if not self.bound_to("VMId"):
            return [found for text in as_list(self.given("Path")) for found in self._expanded(str(text))]
        paths: list[str] = []
        for identifier in as_list(self.given("VMId")):
            vm = self.host.vms.get(identifier)
            if vm is None:
                self.reject("vm_id_unknown", name=identifier)
            else:
                paths += [drive.path for drive in vm.hard_drives if drive.disk_number is None]
        return paths

    def _expanded(self, text: str) -> list[str]:
        if not has_wildcards(text) or self.host.storage.file(text) is not None:
            return [text]
        try:
            files = list(self.host.storage.volume(text).files.values())
        except NoSuchPath:
            return [text]
        folder = ntpath.dirname(text).lower()
        return [f.path for f in files if ntpath.dirname(f.path).lower() == folder and fits(f.path, [text])]


class NewVHD(HyperVCmdlet):
    """New-VHD: fixed, dynamic and differencing disks."""

    NAME = "New-VHD"
    CLASS = VHD_CLASS + "NewVhd"

    def run(self) -> None:
        """Create the files."""
        for parameter in ("SourceDisk", "DataAlignmentBytes", "AddressAbstractionType"):
            if self.bound_to(parameter):
                raise Refused("not_supported", what=parameter)
        for path in as_list(self.given("Path")):
            if self.call.should_process(str(path)):
                try:
                    self._create(str(path))
                except Refused as refused:
                    self.refuse(refused)

    def _create(self, path: str) -> None:
        disk, size = self._disk(path)
        try:
            with self.host.fleet.lock:
                self.host.storage.volume(path).put(File(path, size, disk))
        except NoSuchPath as problem:
            raise Refused("path_missing", path=path) from problem
        except FileExists as problem:
            raise Refused("file_exists", path=path) from problem
        except DiskFull as problem:
            raise Refused("volume_full", path=path) from problem
        self.call.write(read_disk(self.host, path))

    def _disk(self, path: str) -> tuple[VirtualDisk, int]:
        if not path.lower().endswith((".vhd", ".vhdx", ".vhds")):
            raise Refused("parameter", what=f"Path {path}")
        form = {"vhd": "VHD", "vhdx": "VHDX", "vhds": "VHDSet"}[path.lower().rpartition(".")[2]]
        if self.bound_to("ParentPath"):
            parent = self.host.storage.file(str(self.given("ParentPath")))
            if parent is None or parent.disk is None:
                raise Refused("parameter", what=f"ParentPath {self.given('ParentPath')}")
            return VirtualDisk(format=form, type="Differencing", size=parent.disk.size, parent=parent.path), 4194304
        size = int(self.given("SizeBytes"))
        if size % 512 or size < 3 * 1024**2:
            raise Refused("parameter", what=f"SizeBytes {size}")
        fixed = self.switched("Fixed")
        disk = VirtualDisk(format=form, type="Fixed" if fixed else "Dynamic", size=size)
        return disk, size + 512 if fixed else EMPTY_DYNAMIC_DISK


class VolumeObject(LiveObject):
    """MSFT_Volume of Get-Volume."""

    TYPE_NAMES: ClassVar = (
        "Microsoft.Management.Infrastructure.CimInstance#ROOT/Microsoft/Windows/Storage/MSFT_Volume",
        "Microsoft.Management.Infrastructure.CimInstance#ROOT/Microsoft/Windows/Storage/MSFT_StorageObject",
        "Microsoft.Management.Infrastructure.CimInstance",
        OBJECT,
    )
    PROPERTIES: ClassVar = {
        "ObjectId": "object_id",
        "UniqueId": "object_id",
        "AllocationUnitSize": "cluster",
        "DriveLetter": "letter",
        "DriveType": "drive_type",
        "FileSystem": "file_system",
        "FileSystemLabel": "label",
        "FileSystemType": "file_system",
        "HealthStatus": "healthy",
        "OperationalStatus": "ok",
        "Path": "object_id",
        "Size": "size",
        "SizeRemaining": "free",
        "PSComputerName": "nothing",
    }
    cluster: UInt32 = UInt32(4096)
    drive_type = "Fixed"
    file_system = "NTFS"
    healthy = "Healthy"
    ok = "OK"
    nothing = None

    def __init__(self, volume: Volume) -> None:
        self.volume = volume
        self.letter = volume.name[:1]
        self.label = "System" if self.letter == "C" else "Data"
        self.object_id = f"\\\\?\\Volume{{{volume.identifier}}}\\"

    @property
    def size(self) -> UInt64:
        """Return Size in bytes."""
        return UInt64(self.volume.size)

    @property
    def free(self) -> UInt64:
        """Return SizeRemaining in bytes."""
        return UInt64(self.volume.free)

    def ps_text(self) -> str:
        """Return the text of the CIM object."""
        return f'MSFT_Volume (ObjectId = "{self.object_id}")'


class GetVolume(HostCmdlet):
    """Storage's Get-Volume: all, or by -DriveLetter."""

    NAME = "Get-Volume"
    CLASS = ""

    def process(self) -> None:
        """Write the volumes asked for."""
        self.host.faults.tick()
        unknown = set(self.call.bound) & {
            "ObjectId",
            "Path",
            "FileSystemLabel",
            "Partition",
            "StoragePool",
            "CimSession",
        }
        if unknown:
            self.fail(_volume_error(f"{sorted(unknown)[0]} is not simulated", "NotSupported", "NotImplemented", None))
            return
        volumes = self.host.storage.volumes
        letters = [str(letter).upper() for letter in as_list(self.given("DriveLetter"))]
        for letter in letters:
            if letter + ":" not in volumes:
                text = f"No MSFT_Volume objects found with property 'DriveLetter' equal to '{letter}'."
                self.fail(_volume_error(text, "CmdletizationQuery_NotFound_DriveLetter", "ObjectNotFound", letter))
        for name, volume in volumes.items():
            if not letters or name[0] in letters:
                self.call.write(VolumeObject(volume))


def _volume_error(message: str, error_id: str, category: str, target: Any) -> ErrorRecord:
    return ErrorRecord(
        error_id=error_id,
        category=category,
        message=message,
        exception=("Microsoft.PowerShell.Cmdletization.Cim.CimJobException", *failures.EXCEPTION),
        target=target,
        class_name="Get-Volume",
    )


COMMANDS = (GetVMHardDiskDrive, GetVMDvdDrive, SetVMDvdDrive, GetVHD, NewVHD, GetVolume)
