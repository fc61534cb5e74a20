# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compatibility reports: live objects, bound to the runspace that made them (facts on Hyper-V, section 4)."""

from __future__ import annotations

import ntpath
from typing import TYPE_CHECKING, Any, ClassVar

from ..powershell.values import OBJECT, EnumValue, Int64, LiveObject, TypedArray
from . import enums
from .import_checks import ImportChecker
from .import_plan import SNAPSHOTS
from .importing import recheck as recheck_import
from .live import PREFIX
from .migration_plan import EVERYTHING
from .migration_prepare import recheck

if TYPE_CHECKING:
    from .import_plan import ImportPlan
    from .migration_checks import Incompatibility
    from .migration_prepare import Preparation
    from .planned import PlannedVM


class CompatibilityError(LiveObject):
    """VMCompatibilityError. ``Source`` is the live device, checkpoint or machine at the destination."""

    TYPE_NAMES: ClassVar = (PREFIX + "VMCompatibilityError", OBJECT)
    PROPERTIES: ClassVar = {"Message": "message", "MessageId": "message_id", "Source": "source"}

    def __init__(self, found: Incompatibility) -> None:
        self.message = found.message
        self.message_id = Int64(found.message_id)
        self.source = found.source


class Report(LiveObject):
    """VMCompatibilityReport. The list is a snapshot: only a re-check gives a new one."""

    TYPE_NAMES: ClassVar = (PREFIX + "VMCompatibilityReport", OBJECT)
    PROPERTIES: ClassVar = {
        "VM": "vm",
        "OperationType": "operation_type",
        "Destination": "destination",
        "Path": "path",
        "SnapshotPath": "snapshot_path",
        "VhdDestinationPath": "empty",
        "VhdSourcePath": "empty",
        "Incompatibilities": "incompatibilities",
    }
    empty = ""
    vm: PlannedVM

    def __init__(self, session: Any, found: list[Incompatibility]) -> None:
        self.session = session
        """The runspace it belongs to: in another one it is of no use."""
        self.consumed = False
        self.show(found)

    def renew(self) -> None:
        """Compare again, with the fixes made since (under the fleet's lock)."""
        raise NotImplementedError

    def show(self, found: list[Incompatibility]) -> None:
        """Have these entries from now on."""
        errors = [CompatibilityError(entry) for entry in found]
        self.incompatibilities = TypedArray(PREFIX + "VMCompatibilityError", errors)


class CompatibilityReport(Report):
    """The report on a move."""

    def __init__(self, prepared: Preparation, session: Any, found: list[Incompatibility]) -> None:
        self.prepared = prepared
        super().__init__(session, found)

    @property
    def vm(self) -> PlannedVM:  # type: ignore[override] # a plain attribute in the base
        """Return the planned machine at the destination."""
        return self.prepared.planned

    @property
    def operation_type(self) -> EnumValue:
        """Return whether storage moves with the machine."""
        request, placement = self.prepared.request, self.prepared.placement
        storage = placement.storage_moves or request.storage == EVERYTHING
        name = "MoveVirtualMachineAndStorage" if storage else "MoveVirtualMachine"
        return enums.value("VMCompatibilityOperationType", name)

    @property
    def destination(self) -> str:
        """Return the destination as the caller named it."""
        return self.prepared.request.peer

    @property
    def path(self) -> str:
        """Return the folder of the configuration at the destination."""
        return self.prepared.placement.path

    @property
    def snapshot_path(self) -> str:
        """Return the folder of the checkpoints at the destination."""
        return self.prepared.placement.snapshot_path

    def renew(self) -> None:
        """Compare again, with the fixes made since (under the fleet's lock). Raises MoveFailed."""
        recheck(self.prepared)
        self.show(self.prepared.incompatibilities())


class ImportReport(Report):
    """The report on an import. ``Destination`` is the host itself (assumed)."""

    PROPERTIES: ClassVar = {
        **Report.PROPERTIES,
        "VhdDestinationPath": "vhd_destination",
        "VhdSourcePath": "vhd_source",
        "Incompatibilities": "entries",
    }
    operation_type: EnumValue = enums.value("VMCompatibilityOperationType", "ImportVirtualMachine")

    def __init__(self, plan: ImportPlan, session: Any) -> None:
        self.plan = plan
        super().__init__(session, ImportChecker(plan).all())

    @property
    def vm(self) -> PlannedVM:  # type: ignore[override] # a plain attribute in the base
        """Return the planned machine."""
        return self.plan.planned

    @property
    def destination(self) -> str:
        """Return the host's name."""
        return self.plan.host.name

    @property
    def path(self) -> str:
        """Return the configuration file (field objects; for a move no report was seen)."""
        return self.plan.request.path

    @property
    def snapshot_path(self) -> str:
        """Return the folder of the checkpoints' files, beside the configuration unless Repair-VM gave another."""
        return self.plan.request.snapshot_source or ntpath.join(self.plan.request.root, SNAPSHOTS)

    @property
    def entries(self) -> TypedArray | None:
        """Return the list; null with nothing in it (field objects: consumers have to bear that)."""
        return self.incompatibilities if list(self.incompatibilities) else None

    @property
    def vhd_destination(self) -> str:
        """Return where disks are copied to."""
        return self.plan.request.vhd_destination

    @property
    def vhd_source(self) -> str:
        """Return where disks are looked for first."""
        return self.plan.request.vhd_source

    def renew(self) -> None:
        """Compare again, with the fixes made since (under the fleet's lock). Raises ImportFailed."""
        recheck_import(self.plan)
        self.show(ImportChecker(self.plan).all())
