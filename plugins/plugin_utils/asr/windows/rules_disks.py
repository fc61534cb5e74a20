# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about disks: where Windows starts from, and where it lies. Pure functions over the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...findings import Severity
from ..catalogue import Cure, finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..catalogue import AsrFinding
    from ..patient import Wanted
    from .evidence import WindowsEvidence

NAME = "name:ASRMobilityService"
SEPARATE_DISKS_SINCE = (9, 20)
"""From this version on, boot and system volumes may lie on different disks."""
SMALLEST_DISK = 1024 * 1024 * 1024
UEFI_SINCE = (6, 2)
"""Windows Server 2012; the vendor's own limit is not published (unverified)."""
UEFI_PARTITIONS = 4
"""The vendor's own limit is not published (unverified), so that more are only warned of."""


def boot_layout(evidence: WindowsEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """No boot disk, several, several active partitions on one, or the boot disk is not that of Windows."""
    if evidence.storage.partitions is None:
        return
    booting = [item for item in evidence.storage.partitions if item.boots]
    disks = sorted({item.disk for item in booting})
    windows = sorted({item.disk for item in evidence.storage.partitions if item.windows})
    if not booting:
        yield finding("95310", subject="disks", evidence="no partition is active or an EFI system partition")
    elif len(disks) > 1:
        shown = ", ".join(str(number) for number in disks)
        yield finding("95311", subject="disks", evidence=f"partitions to start from lie on the disks {shown}")
    elif len(booting) > 1:
        yield finding(
            f"{NAME}MultipleActivePartitions",
            subject=f"disk {disks[0]}",
            evidence=f"{len(booting)} of its partitions are active",
        )
    elif windows and windows != disks and len(windows) == 1:
        yield from _separate(disks[0], windows[0], wanted)


def _separate(boot: int, windows: int, wanted: Wanted) -> Iterator[AsrFinding]:
    version = wanted.agent_version
    if version is not None and version >= SEPARATE_DISKS_SINCE:
        return
    yield finding(
        "95309",
        subject="disks",
        evidence=f"the machine starts from disk {boot}, Windows lies on disk {windows}",
        severity=Severity.WARNING if version is None else Severity.BLOCKING,
        cure=Cure.MANUAL,
    )


def windows_volume(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """The volume of Windows is nowhere, or on several disks."""
    if evidence.storage.partitions is None:
        return
    disks = sorted({item.disk for item in evidence.storage.partitions if item.windows})
    drive = evidence.storage.system_drive
    if not disks:
        yield finding(f"{NAME}NoSystemDiskFound", subject=f"drive {drive}", evidence="no partition holds Windows")
    elif len(disks) > 1:
        shown = ", ".join(str(number) for number in disks)
        yield finding(f"{NAME}MultipleSystemDisks", subject=f"drive {drive}", evidence=f"it lies on the disks {shown}")


def uefi(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """What a machine that starts by UEFI must not be."""
    storage = evidence.storage
    if storage.secure_boot:
        yield finding(
            f"{NAME}BootUEFISecureBootNotSupported", subject="Secure Boot", evidence="UEFISecureBootEnabled is 1"
        )
    if not storage.uefi:
        return
    if evidence.release.version < UEFI_SINCE:
        yield finding(
            f"{NAME}BootUEFIUnsupportedOS",
            subject=evidence.release.product or "Windows",
            evidence="it starts by UEFI, which is supported from Windows Server 2012 on (unverified)",
        )
    booting = {item.disk for item in storage.partitions or () if item.boots}
    for disk in storage.disks or ():
        if disk.number not in booting:
            continue
        if disk.sector_bytes != 512:
            yield finding(
                f"{NAME}BootUEFIUnsupportedDiskSectorSize",
                subject=f"disk {disk.number}",
                evidence=f"its sectors have {disk.sector_bytes} bytes, 512 are supported",
            )
        if disk.partitions > UEFI_PARTITIONS:
            yield finding(
                f"{NAME}BootUEFIUnsupportedNumberOfPartitions",
                subject=f"disk {disk.number}",
                evidence=f"it has {disk.partitions} partitions, {UEFI_PARTITIONS} are usual (limit unverified)",
                severity=Severity.WARNING,
            )


def odd_disks(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """Disks that can't be replicated as they are; the agent can be installed beside them."""
    for disk in evidence.storage.disks or ():
        subject = f"disk {disk.number}"
        if not disk.initialised:
            yield finding("150039", subject=subject, evidence="it has no partition table", severity=Severity.WARNING)
        elif 0 < disk.size < SMALLEST_DISK:
            shown = f"it has {disk.size >> 20} MB, 1024 are needed"
            yield finding("150172", subject=subject, evidence=shown, severity=Severity.WARNING)


RULES = (boot_layout, windows_volume, uefi, odd_disks)
