# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about file systems, free space and single disks. Pure functions over the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...findings import Severity
from ..catalogue import Cure, Scope, finding
from .distribution import older_than

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..catalogue import AsrFinding
    from ..patient import Wanted
    from .evidence import LinuxEvidence


NAME = "name:ASRMobilityService"
ROOT_LEAST_KB = 1024 * 1024
"""Below it the installer refuses (S)."""
ROOT_ASKED_KB = 2 * 1024 * 1024
"""What the published requirements ask for (D4)."""
FOLDER_LEAST_KB = 250 * 1024
COPY_LEAST_KB = 100 * 1024
"""What the portal's push needs for its copy: 95524."""
SMALLEST_DISK = 1 << 30
FILE_SYSTEMS = ("ext3", "ext4", "xfs", "btrfs")
BTRFS_SINCE = (9, 22)


def free_space(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """Too little room on / or in the agent's folder. Where a push would stop at 95524, that is said instead."""
    root = evidence.storage.free_kb_of("/")
    if root is not None and root[1] < ROOT_ASKED_KB and not (Scope.PUSH in wanted.scopes and root[1] < COPY_LEAST_KB):
        short = root[1] < ROOT_LEAST_KB
        yield finding(
            f"{NAME}FreeSpaceOnRootNotSufficient",
            subject="/",
            evidence=f"{root[1] >> 10} MB free, {(ROOT_LEAST_KB if short else ROOT_ASKED_KB) >> 10} MB are asked for",
            severity=Severity.BLOCKING if short else Severity.WARNING,
            cure=Cure.MANUAL,
        )
    folder = wanted.install_directory or "/usr/local/ASR"
    place = evidence.storage.free_kb_of(folder)
    if place is not None and place[0] != "/" and place[1] < FOLDER_LEAST_KB:
        shown = f"{place[1] >> 10} MB free for {folder}, {FOLDER_LEAST_KB >> 10} MB are needed"
        yield finding(f"{NAME}FreeSpaceOnRootNotSufficient", subject=place[0], evidence=shown, cure=Cure.MANUAL)


def boot_mounted(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """Fstab names /boot, and nothing is mounted there."""
    if evidence.boot_in_fstab and not any(mount.point == "/boot" for mount in evidence.storage.mounts):
        shown = "/etc/fstab lists it, and nothing is mounted there"
        yield finding(f"{NAME}BootPartitionNotMounted", subject="/boot", evidence=shown, cure=Cure.MANUAL)


def file_systems(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """/ and /boot have to be of a kind the agent knows; btrfs on one device alone."""
    for mount in evidence.storage.mounts:
        if mount.point not in {"/", "/boot"}:
            continue
        kind, reason = mount.file_system, None
        if kind not in FILE_SYSTEMS:
            reason = f"it is {kind}; {', '.join(FILE_SYSTEMS)} are supported"
        elif kind == "btrfs" and older_than(wanted.agent_version, BTRFS_SINCE):
            reason = "it is btrfs, which agents know from 9.22 on"
        elif kind == "btrfs" and (count := _btrfs_devices(evidence, mount.point)) > 1:
            reason = f"it is btrfs over {count} devices; one is supported"
        if reason and mount.point == "/":
            yield finding(f"{NAME}UnsupportedRootFileSystem", subject="/", evidence=reason)
        elif reason:
            yield finding(f"{NAME}UnsupportedBootFileSystem", subject="/boot", evidence=reason)


def _btrfs_devices(evidence: LinuxEvidence, point: str) -> int:
    """Return over how many devices a btrfs lies: as its own tool says of /, or the disks that carry its UUID."""
    storage, told = evidence.storage, evidence.btrfs_devices if point == "/" else None
    device = storage.device_of(point)
    same = [each for each in storage.devices.values() if device and device.uuid and each.uuid == device.uuid]
    return max(told or 1, len(frozenset[str]().union(*(storage.disks_of(each) for each in same))))


def odd_disks(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """Disks that can't be replicated as they are; the agent can be installed beside them."""
    storage = evidence.storage
    for disk in storage.disks():
        asked = disk.kernel_name in storage.boot_partitions
        if asked and disk.kernel_name not in storage.tables and not storage.holds_something(disk):
            shown = "it has no partition table"
            yield finding("150039", subject=disk.path, evidence=shown, severity=Severity.WARNING)
        elif disk.size < SMALLEST_DISK:
            shown = f"it has {disk.size >> 20} MB, 1024 are needed"
            yield finding("150172", subject=disk.path, evidence=shown, severity=Severity.WARNING)


RULES = (free_space, boot_mounted, file_systems, odd_disks)
