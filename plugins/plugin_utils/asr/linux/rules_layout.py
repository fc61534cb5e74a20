# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about the disks that a machine starts from, by the agent's version (facts, 6.7). Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..catalogue import Cure, finding
from .distribution import older_than

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..catalogue import AsrFinding
    from ..patient import Wanted
    from .evidence import LinuxEvidence


if TYPE_CHECKING:
    from .disks import Device

NAME = "name:ASRMobilityService"
LVM_SINCE = (9, 20)
"""System on LVM, and over several disks."""
THIN_SINCE = (9, 48)
"""Rollup 61; the pairing of rollup and version is inferred."""
ENCRYPTION_FAULT = (9, 35)
SYSTEM_PATHS = ("/usr", "/usr/local", "/var", "/etc")


def layout(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """Where / and /boot lie: each layout that is refused has one id, the narrowest one."""
    storage = evidence.storage
    root, boot = storage.device_of("/"), storage.device_of("/boot")
    root_disks = storage.disks_of(root) if root else frozenset()
    boot_disks = storage.disks_of(boot) if boot else frozenset()
    if not root_disks:
        yield finding(f"{NAME}SystemDiskNotFound", subject="/", evidence="what is mounted there matches no disk")
        return
    if not boot_disks:
        yield finding("95310", subject="/boot", evidence="what is mounted there matches no disk of the machine")
        return
    several = storage.boot_disks()
    if len(boot_disks) > 1:
        yield finding("95311", subject="/boot", evidence=f"it lies on the disks {_shown(boot_disks)}")
    elif len(several) > 1:
        yield finding("95311", subject="disks", evidence=f"partitions to start from lie on the disks {_shown(several)}")
    elif older_than(wanted.agent_version, LVM_SINCE):
        yield from _before_lvm(evidence, root_disks, boot_disks)
    if boot and root and len(boot_disks) == 1:
        yield from _encrypted(evidence, root, wanted)


def _before_lvm(
    evidence: LinuxEvidence, root_disks: frozenset[str], boot_disks: frozenset[str]
) -> Iterator[AsrFinding]:
    storage = evidence.storage
    places = {path: storage.device_of(path) for path in ("/", "/boot", *SYSTEM_PATHS)}
    elsewhere = [path for path, device in places.items() if device and storage.disks_of(device) != root_disks]
    on_lvm = [path for path in ("/", "/boot") if _has_lvm(evidence, places[path])]
    remedy = "use agent 9.20 or newer"
    if len(root_disks) > 1:
        shown = f"it lies on the disks {_shown(root_disks)}; agents before 9.20 refuse that"
        yield finding("95313", subject="/", evidence=shown, remedy=remedy, cure=Cure.MANUAL)
    elif root_disks != boot_disks or elsewhere:
        shown = f"{', '.join(elsewhere)} is not on the disk of / ({_shown(root_disks)}); agents before 9.20 refuse that"
        yield finding("95309", subject="disks", evidence=shown, remedy=remedy, cure=Cure.MANUAL)
    elif on_lvm:
        shown = f"{' and '.join(on_lvm)} on LVM; agents before 9.20 take LVM for data alone"
        yield finding("lvm-9.20", subject=on_lvm[0], evidence=shown, remedy=remedy, cure=Cure.MANUAL)


def _has_lvm(evidence: LinuxEvidence, device: Device | None) -> bool:
    return device is not None and any(each.is_lvm for each in evidence.storage.under(device))


def _encrypted(evidence: LinuxEvidence, root: Device, wanted: Wanted) -> Iterator[AsrFinding]:
    encrypted = any(each.type == "crypt" or "crypt" in each.targets for each in evidence.storage.under(root))
    if encrypted and (wanted.agent_version or ())[:2] == ENCRYPTION_FAULT:
        shown = f"it is encrypted ({root.path}), and agent 9.35 doesn't find such a root disk"
        yield finding("151137", subject="/", evidence=shown, cure=Cure.MANUAL)


def thin_volumes(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """Thin logical volumes are known from 9.48 on."""
    thin = sorted(each.path for each in evidence.storage.devices.values() if "thin" in each.targets)
    if thin and older_than(wanted.agent_version, THIN_SINCE):
        shown = f"{', '.join(thin)}: thin logical volumes, which agents know from 9.48 on"
        yield finding(
            "lvm-9.20", subject="thin volumes", evidence=shown, remedy="use agent 9.48 or newer", cure=Cure.MANUAL
        )


def lvm_tools(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """/ is on a logical volume, and the tools of lvm2 are missing."""
    if _has_lvm(evidence, evidence.storage.device_of("/")) and "vgdisplay" not in evidence.programs:
        shown = "/ is on a logical volume, and the machine has no vgdisplay"
        yield finding(f"{NAME}LvmPackageMissing", subject="lvm2", evidence=shown, cure=Cure.MANUAL)


def _shown(disks: frozenset[str] | tuple[str, ...]) -> str:
    return ", ".join(sorted(disks))


RULES = (layout, thin_volumes, lvm_tools)
