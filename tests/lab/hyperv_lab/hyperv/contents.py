# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who uses the files of a host just now, and what running machines do to their contents."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from .definition import refresh
from .storage import NoSuchPath

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .devices import HardDrive
    from .host import Host
    from .storage import File
    from .vm import VM


def in_use(host: Host, path: str) -> bool:
    """Return whether a file can't be opened: somebody writes it, or a machine that is on holds it.

    A machine holds its disks with their parents, and its runtime file.
    """
    file = host.storage.file(path)
    if file is None:
        return False
    if file.writing:
        return True
    key = path.lower()
    for vm in _running(host, path):
        if key.endswith(".vmrs") and key in [each.lower() for each in vm.configuration_files()]:
            return True
        if any(file in chain for chain, _drive in _chains(vm)):
            return True
    return False


def unopenable(vm: VM) -> tuple[str, str] | None:
    """Return why the disks of a machine can't be opened: the kind of the refusal and the path; None where they can.

    The first disk of a chain is opened for writing, its parents for reading: running machines may share a parent, but
    not what one of them writes to.
    """
    storage = vm.host.storage
    for chain, drive in _chains(vm):
        missing = storage.parent(chain[-1]) if chain else drive.path
        if missing and missing.lower() not in [file.path.lower() for file in chain]:
            return "disk_missing", missing
        for place, file in enumerate(chain):
            if file.writing or (not drive.shared and _held(vm, file, writes=place == 0)):
                return "disk_in_use", file.path
            if file.disk is None:
                return "disk_damaged", file.path
    return None


def _running(host: Host, path: str) -> Iterator[VM]:
    """Yield the machines that are on and may hold a file: those of the host, for a file on a share of all hosts."""
    for each in host.fleet.hosts.values() if path.startswith("\\\\") else (host,):
        yield from (vm for vm in list(each.vms.values()) if vm.is_on)


def _chains(vm: VM) -> Iterator[tuple[list[File], HardDrive]]:
    for drive in vm.hard_drives:
        if drive.disk_number is None:
            yield vm.host.storage.chain(drive.path), drive


def _held(vm: VM, file: File, *, writes: bool) -> bool:
    """Return whether another running machine has a file open in a way that keeps this one out."""
    for other in _running(vm.host, file.path):
        if other is not vm and any(file in chain if writes else file in chain[:1] for chain, _drive in _chains(other)):
            return True
    return False


def opened(host: Host, path: str) -> File:
    """Return a file with its contents as they are now (under the fleet's lock); NoSuchPath where there is none."""
    refresh(host, path)
    file = host.storage.file(path)
    if file is None:
        raise NoSuchPath(path)
    return file


def read(host: Host, path: str) -> bytes:
    """Return the bytes of a file of a host; NoSuchPath where there is none."""
    with host.fleet.lock:
        return opened(host, path).read()


def sha256(host: Host, path: str) -> str:
    """Return the hash of a file of a host, 64 lower-case digits; NoSuchPath where there is none."""
    return hashlib.sha256(read(host, path)).hexdigest()


def wrote(vm: VM) -> None:
    """Let the guest have written to its disks up to now (under the fleet's lock): what was copied before is old."""
    mark = f"{vm.id}/{vm.power_ons}/{vm.host.fleet.clock.now():.3f}"
    for drive in vm.hard_drives:
        file = vm.host.storage.file(drive.path) if drive.disk_number is None else None
        if file is not None:
            file.written(mark)
            vm.host.stamp(drive.path)
