# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of the files of an exported tree, and what becomes of them on their way: known before anything is exported."""

from __future__ import annotations

import ntpath
from typing import TYPE_CHECKING, Final

from ...findings import Finding, Severity
from ...owner import new_token
from .files import part_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LONGEST_PATH: Final = 259
"""Characters of a path that Windows PowerShell 5.1 opens (MAX_PATH without the final null)."""


def tree_names(vm_id: str, vm_name: str, disks: Iterable[str]) -> tuple[str, ...]:
    """Return the files that an export of a VM will have, relative to its folder: configuration and disks.

    ``disks`` are the paths of its disks' files. Folders are those that Export-VM makes.
    """
    names = [ntpath.join(vm_name, "Virtual Machines", f"{vm_id}.vmcx")]
    return (*names, *(ntpath.join(vm_name, "Virtual Hard Disks", ntpath.basename(path)) for path in disks))


def longest_path(folder: str, names: Sequence[str], *, fetched: bool = False) -> str:
    """Return the longest path that files below a folder get; ``fetched``: with what a transfer appends meanwhile."""
    longest = max((ntpath.join(folder, name) for name in names), key=len, default=folder)
    return part_of(longest, new_token()) if fetched else longest


def transfer_path_too_long(subject: str, folder: str, names: Sequence[str]) -> Finding | None:
    """Return the finding that a file can't be fetched into a VM's folder for the length of its path; None if it can.

    Nothing of that is left once the file has its name, but it can't be written before.
    """
    longest = longest_path(folder, names, fetched=True)
    if len(longest) <= LONGEST_PATH:
        return None
    return Finding(
        id="transfer_path_too_long",
        severity=Severity.BLOCKING,
        subject=subject,
        evidence=f"while it is fetched, a file has a path of {len(longest)} characters: {longest}",
        remedy=f"Windows PowerShell reads {LONGEST_PATH}: choose a shorter folder at the destination.",
    )


def web_name_has_brackets(subject: str, folder: str, names: Iterable[str]) -> Finding | None:
    """Return the finding about the first file that Invoke-WebRequest can't write; None where it can write them all.

    It reads the path of -OutFile as a pattern, in which brackets stand for a choice of characters.
    """
    for path in (ntpath.join(folder, name) for name in names):
        if set(path) & set("[]"):
            return Finding(
                id="web_name_has_brackets",
                severity=Severity.BLOCKING,
                subject=subject,
                evidence=f"{path} has brackets, which Invoke-WebRequest -OutFile reads as a pattern",
                remedy="Use method smb or external for this VM.",
            )
    return None
