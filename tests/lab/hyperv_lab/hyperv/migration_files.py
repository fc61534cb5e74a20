# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a move: they grow at the destination, are the machine's from the hand-over on, and go away at the source.

All functions are called under the fleet's lock.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from .contents import in_use
from .devices import Drive
from .migration_errors import DISK_FULL, FILE_EXISTS, PATH_MISSING, SHARING_VIOLATION, MoveFailed
from .storage import DiskFull, File, FileExists, NoSuchPath

if TYPE_CHECKING:
    from .host import Host
    from .migration_plan import Copy, Placement
    from .storage import Volume
    from .vm import VM, VirtualMachineBase

D = TypeVar("D", bound=Drive)
EXPECTED = {DiskFull: DISK_FULL, FileExists: FILE_EXISTS, NoSuchPath: PATH_MISSING}
EXPECTED_ERRORS: tuple[type[Exception], ...] = tuple(EXPECTED)


def code_of(problem: Exception) -> int:
    """Return the HRESULT of a problem with files."""
    return EXPECTED[type(problem)]


def begin(destination: Host, copy: Copy) -> Volume:
    """Make an empty file at the destination; return its volume. Raises MoveFailed."""
    try:
        volume = destination.storage.volume(copy.target)
        volume.put(File(copy.target, 0))
    except (DiskFull, FileExists, NoSuchPath) as problem:
        raise MoveFailed(code_of(problem), at="destination", path=copy.target) from problem
    return volume


def grow(destination: Host, copy: Copy, amount: float) -> None:
    """Let a file at the destination have so many bytes; raise MoveFailed where the disk is full or the file is gone."""
    try:
        destination.storage.volume(copy.target).resize(copy.target, int(amount))
    except DiskFull as problem:
        raise MoveFailed(DISK_FULL, at="destination") from problem
    except (KeyError, NoSuchPath) as problem:
        raise MoveFailed(PATH_MISSING, at="destination", path=copy.target) from problem


def take(host: Host, path: str) -> None:
    """Remove a file if it is there; its folder stays."""
    try:
        host.storage.volume(path).take(path)
    except NoSuchPath:
        return


def adopt(vm: VM, planned: VM) -> None:
    """Give a machine that has arrived the places, switches and fixes of its planned form."""
    twins = {snapshot.id: snapshot for snapshot in planned.snapshots}
    for body in (vm, *vm.snapshots):
        other = twins.get(body.id) if body is not vm else planned
        if other is not None:
            _adopt_body(body, other)
    vm.memory_startup, vm.memory_minimum = planned.memory_startup, planned.memory_minimum
    vm.memory_maximum = planned.memory_maximum
    vm.processor.count = planned.processor.count


def _adopt_body(body: VirtualMachineBase, other: VirtualMachineBase) -> None:
    body.path, body.snapshot_path, body.paging_path = other.path, other.snapshot_path, other.paging_path
    switches = {adapter.device: adapter.switch for adapter in other.adapters}
    body.adapters = [adapter for adapter in body.adapters if adapter.device in switches]
    for adapter in body.adapters:
        adapter.switch = switches[adapter.device]
    body.hard_drives = _adopt_drives(body.hard_drives, other.hard_drives)
    body.dvd_drives = _adopt_drives(body.dvd_drives, other.dvd_drives)


def _adopt_drives(mine: list[D], theirs: list[D]) -> list[D]:
    paths = {_place(drive): drive.path for drive in theirs}
    kept = [drive for drive in mine if _place(drive) in paths]
    for drive in kept:
        drive.path = paths[_place(drive)]
    return kept


def _place(drive: Drive) -> tuple[str, int, int]:
    return drive.controller_type.name, drive.controller_number, drive.controller_location


def realise(destination: Host, placement: Placement) -> None:
    """Give the copied files the bytes of theirs; virtual disks name their parents at their new places."""
    for copy in placement.copies:
        file = destination.storage.file(copy.target)
        if file is None:
            continue
        file.take_over(copy.file)
        if copy.file.disk is not None:
            parent = copy.file.disk.parent
            file.disk = replace(copy.file.disk, parent=placement.disks.get(parent.lower(), parent))


def remove_sources(source: Host, placement: Placement) -> None:
    """Remove what was copied and belongs to the machine alone; empty folders stay (facts on Hyper-V, 3.4).

    A parent that was to go, goes though other machines need it, unless one that runs holds it: then MoveFailed.
    """
    held = [copy.file.path for copy in placement.copies if copy.owned and in_use(source, copy.file.path)]
    for copy in placement.copies:
        if copy.owned and copy.file.path not in held:
            take(source, copy.file.path)
    if held:
        raise MoveFailed(SHARING_VIOLATION, path=held[0])
