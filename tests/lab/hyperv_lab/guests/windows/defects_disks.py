# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Defects of disks and of how the machine starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import baseline, disks
from .defects import defect
from .state import GB, MB, Partition

if TYPE_CHECKING:
    from .state import WindowsMachine

_NAME = "name:ASRMobilityService"


@defect("boot_disk_apart", "95309", changes="the start-up files lie on the second disk, Windows on the first")
def _apart(machine: WindowsMachine) -> None:
    disk = disks.first(machine)
    reserved = disk.partitions.pop(0)
    disk.partitions[0].number = 0
    disks.add_disk(machine, 2 * GB, reserved)


@defect("no_boot_disk", "95310", changes="no partition is marked active")
def _no_boot(machine: WindowsMachine) -> None:
    for part in disks.first(machine).partitions:
        part.active = part.system = False


@defect("two_boot_disks", "95311", changes="a partition of a second disk is marked active too")
def _two_disks(machine: WindowsMachine) -> None:
    disks.add_disk(machine, 20 * GB, Partition(number=0, size=19 * GB, active=True))


@defect("two_active_partitions", f"{_NAME}MultipleActivePartitions", changes="two partitions of the disk are active")
def _two_active(machine: WindowsMachine) -> None:
    for part in disks.first(machine).partitions:
        part.active = True


@defect("windows_on_two_disks", f"{_NAME}MultipleSystemDisks", changes="C: is spanned over two disks")
def _spanned(machine: WindowsMachine) -> None:
    disks.add_disk(machine, 40 * GB, Partition(number=0, size=39 * GB, letter="C:", boot=True))


@defect("no_system_disk", f"{_NAME}NoSystemDiskFound", changes="no partition is known to hold C:")
def _no_system(machine: WindowsMachine) -> None:
    for part in disks.first(machine).partitions:
        if part.letter == "C:":
            part.letter, part.boot = "", False


@defect("dynamic_disk", changes="the first disk is a dynamic one (no error number; the facts ask for a basic disk)")
def _dynamic(machine: WindowsMachine) -> None:
    disks.first(machine).dynamic = True


@defect("secure_boot_on", f"{_NAME}BootUEFISecureBootNotSupported", changes="UEFI with Secure Boot",
        os=("2012", "2012R2", "2016", "2019", "2022", "2025"))  # fmt: skip
def _secure_boot(machine: WindowsMachine) -> None:
    disks.make_uefi(machine)
    machine.registry.set(f"{baseline.CONTROL}\\SecureBoot\\State", "UEFISecureBootEnabled", 1)


@defect("uefi_old_system", f"{_NAME}BootUEFIUnsupportedOS", changes="2008 R2 starts by UEFI", os=("2008R2SP1",))
def _old_uefi(machine: WindowsMachine) -> None:
    disks.make_uefi(machine)


@defect("uefi_sectors_4k", f"{_NAME}BootUEFIUnsupportedDiskSectorSize", changes="UEFI; the disk has sectors of 4 KB",
        os=("2012", "2012R2", "2016", "2019", "2022", "2025"))  # fmt: skip
def _sectors(machine: WindowsMachine) -> None:
    disks.make_uefi(machine)
    disks.first(machine).sector_bytes = 4096


@defect("uefi_many_partitions", f"{_NAME}BootUEFIUnsupportedNumberOfPartitions",
        changes="UEFI; the disk has 6 partitions", os=("2012", "2012R2", "2016", "2019", "2022", "2025"))  # fmt: skip
def _partitions(machine: WindowsMachine) -> None:
    disks.make_uefi(machine)
    disk = disks.first(machine)
    disk.partitions += [Partition(number=number, size=500 * MB, kind="Unknown") for number in range(2, 6)]


@defect("disk_uninitialised", "150039", changes="a second disk has no partition table")
def _raw(machine: WindowsMachine) -> None:
    disks.add_disk(machine, 40 * GB, style="RAW")


@defect("disk_small", "150172", changes="a second disk has 512 MB")
def _small(machine: WindowsMachine) -> None:
    disks.add_disk(machine, 512 * MB, Partition(number=0, size=500 * MB, letter="S:"))
