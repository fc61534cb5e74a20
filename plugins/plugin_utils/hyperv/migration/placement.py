# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a VM's files go at the destination: checked paths, and folders that never collide. Pure."""

from __future__ import annotations

import ntpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_FORBIDDEN = re.compile(r'[<>:"/|?*\x00-\x1f]')
_DRIVE = re.compile(r"[A-Za-z]:\\")
_SHARE = re.compile(r"\\\\[^\\]+\\[^\\]+")
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul", *(f"com{n}" for n in range(1, 10)), *(f"lpt{n}" for n in range(1, 10))}
)
_LONGEST_FOLDER = 60
"""Characters of a folder made from a VM's name: names have up to 100, and whole paths of older tools end at 260."""
_LONGEST_PATH = 240


@dataclass(frozen=True, kw_only=True)
class Disk:
    """A file of a VM that is copied: its path on the source and its bytes (FileSize)."""

    path: str
    file_size: int


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Storage given per part; ``vhds`` are (source path, destination path)."""

    virtual_machine_path: str | None = None
    snapshot_file_path: str | None = None
    smart_paging_file_path: str | None = None
    vhds: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where one VM's files go: nowhere (None, None), all under a folder, or per part."""

    folder: str | None = None
    parts: Parts | None = None

    @property
    def with_storage(self) -> bool:
        """Whether any file moves."""
        return self.folder is not None or self.parts is not None

    def arguments(self) -> dict[str, Any]:
        """Return the storage parameters of Move-VM and Compare-VM; those that are not used are left out."""
        if self.folder is not None:
            return {"IncludeStorage": True, "DestinationStoragePath": self.folder}
        if self.parts is None:
            return {}
        given: dict[str, Any] = {
            "VirtualMachinePath": self.parts.virtual_machine_path,
            "SnapshotFilePath": self.parts.snapshot_file_path,
            "SmartPagingFilePath": self.parts.smart_paging_file_path,
            "Vhds": [{"SourceFilePath": a, "DestinationFilePath": b} for a, b in self.parts.vhds] or None,
        }
        return {name: value for name, value in given.items() if value is not None}

    def target_of(self, disk: str) -> str | None:
        """Return the path a disk of the VM gets, or None when it stays where it is.

        Under one folder, Move-VM puts disks into "Virtual Hard Disks" (facts, 3.1: sub-folders unverified); only
        drive and file name of the answer are certain there.
        """
        if self.folder is not None:
            return ntpath.join(self.folder, "Virtual Hard Disks", ntpath.basename(disk))
        if self.parts is None:
            return None
        return next((b for a, b in self.parts.vhds if a.lower() == disk.lower()), None)


def check_path(option: str, path: str) -> str:
    """Return an absolute Windows path without a trailing separator; InvalidRequest for one no host can have."""
    problem = _problem(path)
    if problem:
        raise InvalidRequest(f"{option}: the path {path!r} {problem}")
    return without_separator(path)


def without_separator(path: str) -> str:
    """Return a path without a trailing separator; that of a drive's root stays: "E:" alone is no folder."""
    stripped = path.rstrip("\\")
    return stripped + "\\" if len(stripped) == 2 else stripped


def _problem(path: str) -> str | None:
    root = _SHARE.match(path) or _DRIVE.match(path)
    if not path.strip():
        return "is empty"
    if root is None:
        return "is not absolute; give a drive (D:\\VMs) or a share (\\\\server\\share\\folder)"
    if path.startswith(("\\\\.\\", "\\\\?\\")):
        return "names a device, no folder"
    for segment in path[root.end() :].split("\\"):
        if _FORBIDDEN.search(segment):
            return f"has characters Windows does not allow in {segment!r}"
        if segment in {".", ".."} or segment != segment.rstrip(" ."):
            return f"has a part Windows does not keep, {segment!r} (ends in a blank or a dot)"
        if segment.split(".")[0].lower() in _RESERVED:
            return f"has the reserved name {segment!r}"
    if _FORBIDDEN.search(root.group().replace(":", "")):
        return "has characters Windows does not allow"
    return f"is longer than {_LONGEST_PATH} characters" if len(path) > _LONGEST_PATH else None


def check_vhd(source: str, target: str) -> tuple[str, str]:
    """Return the pair; InvalidRequest when a path is impossible or the file name changes, which Move-VM refuses."""
    pair = check_path("vhds.source_file_path", source), check_path("vhds.destination_file_path", target)
    if ntpath.basename(pair[0]).lower() != ntpath.basename(pair[1]).lower():
        raise InvalidRequest(f"vhds: the file name must stay the same, but {source!r} would become {target!r}")
    return pair


def folder_name(vm_name: str) -> str:
    """Return a folder name for a VM: its name without what Windows refuses in one, never empty."""
    name = _FORBIDDEN.sub("_", vm_name.replace("\\", "_"))[:_LONGEST_FOLDER].strip(" ").rstrip(" .")
    if not name:
        return "vm"
    return f"_{name}" if name.split(".")[0].lower() in _RESERVED else name


def default_folders(root: str, vms: Mapping[str, str], taken: Iterable[str]) -> dict[str, str]:
    """Return a folder per VM (Id -> path) under the destination's own default path.

    ``vms`` are Id -> name; ``taken`` the names of folders that exist there, and of folders other VMs use. A folder that
    is taken is never used, not even one that a failed move left behind: Hyper-V refuses to write over its files. Same
    answer for the same input, in any order of ``vms``.
    """
    used = {name.lower() for name in taken}
    wanted: dict[str, list[str]] = {}
    for vm_id in sorted(vms):
        wanted.setdefault(folder_name(vms[vm_id]).lower(), []).append(vm_id)
    folders: dict[str, str] = {}
    for ids in wanted.values():
        for vm_id in ids:
            folder = _free_name(folder_name(vms[vm_id]), vm_id, used, alone=len(ids) == 1)
            used.add(folder.lower())
            folders[vm_id] = ntpath.join(root, folder)
    return folders


def _free_name(base: str, vm_id: str, used: set[str], *, alone: bool) -> str:
    candidates = [base] if alone else []
    candidates += [f"{base}-{vm_id[:8]}", f"{base}-{vm_id}"]
    for candidate in candidates:
        if candidate.lower() not in used:
            return candidate
    number = 2
    while f"{base}-{vm_id}-{number}".lower() in used:
        number += 1
    return f"{base}-{vm_id}-{number}"


def volume_of(path: str) -> str:
    """Return what a path is on: an upper-case drive ("D:") or a share in lower case."""
    if path.startswith("\\\\"):
        return "\\".join(path.split("\\")[:4]).lower()
    return path[:2].upper()
