# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set-VMHardDiskDrive -Path, Remove-VMHardDiskDrive, Remove-VMDvdDrive: of machines that are off or planned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from . import power
from .base import HYPERV_CLASS, as_list
from .cmdlets_storage import DriveCmdlet
from .failures import Refused

if TYPE_CHECKING:
    from .devices import Drive


class ChangingDriveCmdlet(DriveCmdlet):
    """A cmdlet that changes drives given as objects or by their place."""

    OBJECTS = "VMHardDiskDrive"
    SIMULATED: ClassVar = frozenset(
        ["VMName", "ControllerType", "ControllerNumber", "ControllerLocation", "Path", "Passthru", "Confirm", "WhatIf",
         "ComputerName", "VMHardDiskDrive", "VMDvdDrive", "AllowUnverifiedPaths", "CimSession"]
    )  # fmt: skip

    def run(self) -> None:
        """Change every drive given."""
        piped = ("DiskNumber",) if self.bound_to(self.OBJECTS) else ()
        for parameter in self.call.bound:
            # A piped drive brings its own DiskNumber and session along.
            if parameter not in self.SIMULATED and parameter not in piped:
                raise Refused("not_supported", what=parameter)
        drives = as_list(self.given(self.OBJECTS)) if self.bound_to(self.OBJECTS) else self.drives()
        for drive in drives:
            if not self.call.should_process(drive.name):
                continue
            vm: Any = getattr(drive.owner, "vm", drive.owner)
            try:
                with self.host.fleet.lock:
                    if not vm.planned:
                        power.require_off(vm)
                    self.change(drive, vm)
            except Refused as refused:
                self.refuse(refused)
                continue
            self.host.fleet.clock.notify()
            self.passthru(drive)

    def change(self, drive: Drive, vm: Any) -> None:
        """Change one drive."""
        raise NotImplementedError


class SetVMHardDiskDrive(ChangingDriveCmdlet):
    """Set-VMHardDiskDrive -Path: a virtual disk that is there (unless unverified paths are allowed)."""

    NAME = "Set-VMHardDiskDrive"
    CLASS = HYPERV_CLASS + "SetVMHardDiskDrive"

    def change(self, drive: Drive, vm: Any) -> None:
        """Give the drive another file."""
        if not self.bound_to("Path"):
            return
        path = str(self.given("Path"))
        file = self.host.storage.file(path)
        if (file is None or file.disk is None) and not self.switched("AllowUnverifiedPaths"):
            raise Refused("medium_missing", vm, path=path)
        drive.path = path


class RemoveVMHardDiskDrive(ChangingDriveCmdlet):
    """Remove-VMHardDiskDrive: the file stays."""

    NAME = "Remove-VMHardDiskDrive"
    CLASS = HYPERV_CLASS + "RemoveVMHardDiskDrive"

    def change(self, drive: Drive, vm: Any) -> None:
        """Take the drive away."""
        del vm
        getattr(drive.owner, self.LIST).remove(drive)


class RemoveVMDvdDrive(RemoveVMHardDiskDrive):
    """Remove-VMDvdDrive."""

    NAME = "Remove-VMDvdDrive"
    CLASS = HYPERV_CLASS + "RemoveVMDvdDrive"
    LIST = "dvd_drives"
    OBJECTS = "VMDvdDrive"


COMMANDS = (SetVMHardDiskDrive, RemoveVMHardDiskDrive, RemoveVMDvdDrive)
