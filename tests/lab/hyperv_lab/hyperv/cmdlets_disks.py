# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set-VMHardDiskDrive: another file for a drive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from . import power
from .base import HYPERV_CLASS, as_list
from .cmdlets_storage import DriveCmdlet
from .failures import Refused

if TYPE_CHECKING:
    from .devices import Drive


class SetVMHardDiskDrive(DriveCmdlet):
    """Set-VMHardDiskDrive, with -Path only. Assumed: the machine has to be off (SCSI drives may be more patient)."""

    NAME = "Set-VMHardDiskDrive"
    CLASS = HYPERV_CLASS + "SetVMHardDiskDrive"
    REFUSED: ClassVar = (
        "ToControllerType",
        "ToControllerNumber",
        "ToControllerLocation",
        "ResourcePoolName",
        "SupportPersistentReservations",
        "AllowUnverifiedPaths",
        "MinimumIOPS",
        "MaximumIOPS",
        "QoSPolicy",
        "QoSPolicyID",
        "OverrideCacheAttributes",
    )

    def run(self) -> None:
        """Give every drive the file."""
        for parameter in self.REFUSED:
            if self.bound_to(parameter):
                raise Refused("not_supported", what=parameter)
        drives = as_list(self.given("VMHardDiskDrive")) if self.bound_to("VMHardDiskDrive") else self.drives()
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
        file = self.host.storage.file(path)
        if file is None or file.disk is None:
            raise Refused("file_unreadable", vm, path=path)
        with self.host.fleet.lock:
            if not vm.planned:
                power.require_off(vm)
            drive.path = path
        self.host.fleet.clock.notify()


COMMANDS = (SetVMHardDiskDrive,)
