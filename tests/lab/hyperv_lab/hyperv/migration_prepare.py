# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request made ready: checked, with its planned machine at the destination, for a report or a move."""

from __future__ import annotations

from dataclasses import dataclass

from . import migration_checks as checks
from . import migration_files as files
from .migration_errors import FILE_EXISTS, MoveFailed
from .migration_plan import NOTHING, MoveRequest, Placement, add_configuration, place
from .planned import NOT_PLACED, PlannedVM, plan


class Incompatible(MoveFailed):
    """The destination doesn't fit: carries the entries of the report."""

    def __init__(self, found: list[checks.Incompatibility]) -> None:
        super().__init__("move_incompatible", first=checks.first_cause(found))
        self.found = found


@dataclass
class Preparation:
    """A checked request with its planned machine at the destination."""

    request: MoveRequest
    placement: Placement
    planned: PlannedVM

    def incompatibilities(self) -> list[checks.Incompatibility]:
        """Return what doesn't fit now."""
        return checks.Checker(self.request, self.placement, self.planned).all()


def prepare(request: MoveRequest) -> Preparation:
    """Check a request and plan the machine at the destination (under the fleet's lock). Raises MoveFailed."""
    checks.require_source(request)
    placement = place(request)
    checks.require_connection(request, storage=uses_storage(request, placement))
    checks.require_new(request)
    twice = checks.double_names(placement)
    if twice is not None:
        raise MoveFailed(FILE_EXISTS, at="destination", path=twice)
    try:
        planned = plan(request.vm, request.destination, placement)
    except NOT_PLACED as problem:
        raise MoveFailed(files.code_of(problem), at="destination", path=placement.path) from problem
    add_configuration(request, placement, planned)
    return Preparation(request, placement, planned)


def uses_storage(request: MoveRequest, placement: Placement) -> bool:
    """Return whether files are needed over SMB: disks are copied, or lie on shares (cifs is delegated too)."""
    return placement.storage_moves or request.storage != NOTHING or bool(request.vm.hard_drives)


def recheck(prepared: Preparation) -> None:
    """Ask again what a report was made of (under the fleet's lock). Raises MoveFailed."""
    request, planned = prepared.request, prepared.planned
    gone = planned.is_deleted or request.destination.planned.get(planned.id) is not planned
    changed = [s.id for s in request.vm.snapshots] != [s.id for s in planned.snapshots]
    if gone or changed or request.source.vms.get(request.vm.id) is not request.vm:
        raise MoveFailed("move_report")
    checks.require_source(request)
    prepared.placement = place(request)
    checks.require_connection(request, storage=uses_storage(request, prepared.placement))
    checks.require_new(request, planned)
    add_configuration(request, prepared.placement, planned)
