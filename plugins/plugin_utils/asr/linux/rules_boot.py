# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about GRUB, and what of it can be cured. Pure functions over the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..catalogue import Cure, finding
from . import grub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..catalogue import AsrFinding
    from ..patient import Wanted
    from .evidence import LinuxEvidence


MENU, DEFAULTS = "/boot/grub/menu.lst", "/etc/default/grub"
GENERATORS = ("grub2-mkconfig", "grub-mkconfig", "update-grub")


def is_mapped(evidence: LinuxEvidence, path: str) -> bool:
    """Whether a path is a logical or encrypted volume, whose name doesn't change with the disks."""
    device = evidence.storage.device(path)
    kinds = {"linear", "crypt", "thin", "striped"}
    return device is not None and (device.type in {"lvm", "crypt"} or bool(device.targets & kinds))


def named_devices(evidence: LinuxEvidence) -> tuple[grub.Named, ...]:
    """Return the device names in GRUB's files that may change."""

    def mapped(path: str) -> bool:
        return is_mapped(evidence, path)

    found = (*grub.scan(evidence.grub.lines, mapped), *grub.scan_defaults(evidence.grub.defaults or "", mapped))
    return tuple(dict.fromkeys(found))


def missing_volumes(evidence: LinuxEvidence) -> tuple[str, ...]:
    """Return the logical volumes that GRUB asks for and the machine has not."""
    asked = grub.volumes(evidence.grub.lines, evidence.grub.defaults) if evidence.storage.devices else ()
    return tuple(volume for volume in asked if evidence.storage.device(f"/dev/{volume}") is None)


def edited_file(evidence: LinuxEvidence) -> str | None:
    """Return the file that a cure edits: menu.lst of the old GRUB, or what grub.cfg is generated from.

    None where no such file was found, as on EFI machines whose only grub.cfg is on the EFI partition: what is edited
    would not get into it.
    """
    if evidence.grub.scanned in (MENU, None):
        return evidence.grub.scanned
    can_generate = any(program in evidence.programs for program in GENERATORS)
    return DEFAULTS if evidence.grub.defaults is not None and can_generate else None


def uuid_problem(evidence: LinuxEvidence, named: grub.Named) -> str | None:
    """Return why a device name can't be replaced by a UUID without asking somebody, or None where it can."""
    device = evidence.storage.device(named.device)
    if device is None or not device.uuid:
        return f"{named.device} has no UUID"
    if named.key == "root" and device != evidence.storage.device_of("/"):
        return f"{named.device} is not what is mounted on /"
    return None


def device_names(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """GRUB finds the root or the resume device by a name that may change after a failover."""
    named = named_devices(evidence)
    if not named:
        return
    problems = [problem for each in named if (problem := uuid_problem(evidence, each))]
    if edited_file(evidence) is None:
        problems.append(
            "nothing on the machine could generate the file anew"
            if evidence.grub.scanned
            else "no grub.cfg below /boot/grub or /boot/grub2 that could be generated anew"
        )
    shown = ", ".join(each.token for each in named)
    yield finding(
        "95320",
        subject=evidence.grub.scanned or DEFAULTS,
        evidence=f"{shown} ({'; '.join(problems)}: not cured by itself)" if problems else shown,
        cure=Cure.MANUAL if problems else Cure.SAFE,
    )


def missing_lvm(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """GRUB has the initial RAM disk wait for a logical volume that the machine has not."""
    volumes = missing_volumes(evidence)
    if volumes:
        yield finding(
            "151124",
            subject=evidence.grub.scanned or DEFAULTS,
            evidence=f"it asks for {', '.join(volumes)}, and the machine has no such volume",
            cure=Cure.MANUAL,
        )


RULES = (device_names, missing_lvm)
