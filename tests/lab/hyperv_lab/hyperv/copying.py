# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies by a session's own process: they take simulated time, grow at the destination, and end with the process.

Assumed: a copy that is stopped, breaks off or fills the disk leaves what it has written.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .contents import in_use, opened
from .migration_rates import Transfer, disk, line, transfers
from .sharing import door_open
from .storage import DiskFull, File

if TYPE_CHECKING:
    import threading

    from .faults import HostFault
    from .host import Host
    from .reach import Place

INSTANT_BYTES = 1024**2
"""What takes no time worth telling."""
STEP_SECONDS = 5.0
NETNAME_DELETED = 0x80070040
SHARING_VIOLATION = 0x80070020


class CopyFailed(Exception):
    """A copy that didn't come to its end: the HRESULT."""

    def __init__(self, hresult: int) -> None:
        super().__init__(f"0x{hresult:08X}")
        self.hresult = hresult


class Stopped(Exception):
    """The session was told to stop, or is gone."""


def way(here: Host, source: Place | None, target: Place | None) -> tuple[tuple[str, float], ...]:
    """Return what a machine's process shares with others when it reads at one place and writes at another."""
    shared: list[tuple[str, float]] = []
    if source is not None:
        shared += [*(line(source.host, here) if source.host is not here else ()), disk(source.volume)]
    if target is not None:
        shared += [*(line(here, target.host) if target.host is not here else ()), disk(target.volume)]
    return tuple(shared)


def copy(here: Host, source: Place, target: Place, stopping: threading.Event | None = None) -> None:
    """Copy a file over what is at the target; raises CopyFailed, Stopped, DiskFull, NoSuchPath."""
    with here.fleet.lock:
        if in_use(source.host, source.path) or in_use(target.host, target.path):
            raise CopyFailed(SHARING_VIOLATION)
        template = replace(opened(source.host, source.path))
    write(here, template, target, way(here, source, target), stopping, others=(source.host, target.host))


def write(
    here: Host,
    template: File,
    target: Place,
    resources: tuple[tuple[str, float], ...],
    stopping: threading.Event | None = None,
    *,
    others: tuple[Host, ...] = (),
) -> None:
    """Write a file's bytes to a target by and by, with the faults of the machine that writes. Raises as ``copy``."""
    fault = here.faults.of_copy(target.path)
    whole = template.part(target.path, template.size)
    end = whole.size if fault is None or fault.action == "damage_copy" else int(whole.size * fault.part)
    if whole.size < INSTANT_BYTES or not here.timed_copies:
        with here.fleet.lock:
            _replace(target, whole.part(target.path, end))
    else:
        _grow(here, whole, target, Transfer(end, resources), stopping, [each for each in others if each is not here])
    with here.fleet.lock:
        target.host.stamp(target.path)
        _after(fault, target)
    here.fleet.clock.notify()


def _after(fault: HostFault | None, target: Place) -> None:
    if fault is not None and fault.action == "break_copy":
        raise CopyFailed(NETNAME_DELETED)
    file = target.file
    if fault is not None and fault.action == "damage_copy" and file is not None:
        file.damage()


def _replace(target: Place, file: File) -> None:
    volume = target.volume
    old = volume.take(target.path)
    try:
        volume.put(file)
    except DiskFull:
        if old is not None:
            volume.put(old, check=False)
        raise


def _grow(
    here: Host, whole: File, target: Place, transfer: Transfer, stopping: threading.Event | None, others: list[Host]
) -> None:
    clock, lock, known = here.fleet.clock, here.fleet.lock, transfers(here.fleet)
    with lock:
        file = File(target.path, 0, writing=True)
        _replace(target, file)
        known.begin(transfer, clock.now())
    try:
        while True:
            with lock:
                amount = int(known.amount(transfer, clock.now()))
                _have(target, file, whole, amount)
                if transfer.finished is not None:
                    return
                if any(each.booting or not door_open(each, 445) for each in others):
                    raise CopyFailed(NETNAME_DELETED)
                left = known.left(transfer, clock.now())
            clock.wait(seconds=min(max(left, 0.01), STEP_SECONDS), stopping=stopping)
            if stopping is not None and stopping.is_set():
                raise Stopped
    finally:
        with lock:
            known.drop(transfer, clock.now())
            file.writing = False


def _have(target: Place, file: File, whole: File, amount: int) -> None:
    """Let the growing file have so many bytes of the whole; a full disk leaves what there is room for."""
    if target.file is not file:
        raise CopyFailed(NETNAME_DELETED)
    volume = target.volume
    room = file.size + volume.free
    reached = whole.part(target.path, min(amount, room))
    volume.resize(target.path, reached.size)
    file.take_over(reached)
    if amount > room:
        raise DiskFull(volume, amount - room)


def look_through(here: Host, place: Place, stopping: threading.Event | None = None) -> File:
    """Read a whole file, which takes the time of its disk and of the line; return what was read.

    Raises CopyFailed for a file in use, Stopped, NoSuchPath.
    """
    with here.fleet.lock:
        if in_use(place.host, place.path):
            raise CopyFailed(SHARING_VIOLATION)
        file = replace(opened(place.host, place.path))
        transfer = Transfer(file.size, way(here, place, None))
        if file.size < INSTANT_BYTES or not here.timed_copies:
            return file
        transfers(here.fleet).begin(transfer, here.fleet.clock.now())
    try:
        while transfer.finished is None:
            with here.fleet.lock:
                left = transfers(here.fleet).left(transfer, here.fleet.clock.now())
            here.fleet.clock.wait(seconds=max(left, 0.01), stopping=stopping)
            if stopping is not None and stopping.is_set():
                raise Stopped
    finally:
        with here.fleet.lock:
            transfers(here.fleet).drop(transfer, here.fleet.clock.now())
    return file
