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
    for vm in list(host.vms.values()):
        if not vm.is_on:
            continue
        if key.endswith(".vmrs") and key in [each.lower() for each in vm.configuration_files()]:
            return True
        for drive in vm.hard_drives:
            if any(each.path.lower() == key for each in host.storage.chain(drive.path)):
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
