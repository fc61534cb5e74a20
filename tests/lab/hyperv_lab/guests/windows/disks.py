# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks and partitions of a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import baseline
from .state import GB, MB, Disk, Partition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .state import WindowsMachine

RESERVED = 350 * MB


def fresh(volumes: Mapping[str, int]) -> list[Disk]:
    """Return the disks of a fresh machine: start-up files and C: on the first, every other volume on its own."""
    reserved = Partition(number=0, size=RESERVED, active=True, system=True)
    windows = Partition(number=1, size=volumes["C:"], letter="C:", boot=True)
    disks = [Disk(number=0, size=RESERVED + volumes["C:"] + MB, partitions=[reserved, windows])]
    for name, size in volumes.items():
        if name != "C:":
            part = Partition(number=0, size=size, letter=name)
            disks.append(Disk(number=len(disks), size=size + MB, partitions=[part]))
    return disks


def first(machine: WindowsMachine) -> Disk:
    """Return the disk that the machine starts from."""
    return machine.windows.disks[0]


def make_uefi(machine: WindowsMachine) -> None:
    """Let the machine start by UEFI: a GPT with an EFI system partition."""
    machine.windows.uefi = True
    machine.registry.set(baseline.CONTROL, "PEFirmwareType", 2)
    disk = first(machine)
    disk.style = "GPT"
    disk.partitions = [
        Partition(number=0, size=100 * MB, system=True, kind="System"),
        Partition(number=1, size=disk.partitions[-1].size, letter="C:", boot=True, kind="Basic"),
    ]


def add_disk(machine: WindowsMachine, size: int = 40 * GB, *partitions: Partition, style: str = "MBR") -> Disk:
    """Add a disk and return it."""
    disk = Disk(number=len(machine.windows.disks), size=size, style=style, partitions=list(partitions))
    machine.windows.disks.append(disk)
    return disk
