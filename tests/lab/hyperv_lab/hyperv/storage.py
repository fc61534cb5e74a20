# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and folders of a host: volumes with real sizes, virtual disks and their chains, shares.

Paths are Windows paths: compared without case, kept as written. Every change is made under the fleet's lock (see
host.py); reads are lock-free.
"""

from __future__ import annotations

import hashlib
import json
import ntpath
import secrets
import uuid
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

GB = 1024**3
EMPTY_DYNAMIC_DISK = 4 * 1024**2
"""Size of a new dynamic virtual disk's file (field objects: 4194304)."""
STAND_IN = b"hyperv-lab stands in for a file\n"
"""How the bytes of a file begin that is bigger than what the lab keeps of it."""


def new_identity() -> str:
    """Return an identity that no other file has."""
    return secrets.token_hex(8)


class DiskFull(Exception):
    """A volume has no room for what should be written (ERROR_DISK_FULL, 0x80070070)."""

    def __init__(self, volume: Volume, wanted: int) -> None:
        super().__init__(f"{volume.name} has {volume.free} bytes free, wanted {wanted}")
        self.volume = volume
        self.wanted = wanted


class NoSuchPath(Exception):
    """A drive or folder isn't there (ERROR_PATH_NOT_FOUND, 0x80070003)."""


class FileExists(Exception):
    """A file of that name is there (ERROR_FILE_EXISTS, 0x80070050)."""


@dataclass(slots=True, kw_only=True)
class VirtualDisk:
    """What makes a file a virtual hard disk."""

    format: str = "VHDX"
    type: str = "Dynamic"
    """"Fixed", "Dynamic" or "Differencing"."""
    size: int = 40 * GB
    parent: str = ""
    """Path of the parent of a differencing disk."""
    identifier: uuid.UUID = field(default_factory=uuid.uuid4)


@dataclass(slots=True)
class File:
    """A file: path as written, bytes it takes, and what it is when it is a virtual disk.

    Every file has real bytes (``read``). A small content, or none, can stand for a big file: the bytes then begin with
    a line that names size and identity, so that a copy has the same hash, and a short or damaged one another.
    """

    path: str
    size: int
    disk: VirtualDisk | None = None
    content: bytes | None = None
    """What is in it, where that matters; ``size`` may be more (a small content stands for a big file)."""
    identity: str = field(default_factory=new_identity)
    """Whose bytes these are, where no content says it: copied with the file, another one once it was written to."""
    writing: bool = False
    """Whether somebody is writing it just now: nobody else can open it."""

    def read(self) -> bytes:
        """Return the bytes."""
        if self.content is not None and self.size == len(self.content) and self.disk is None:
            return self.content
        head = {
            "size": self.size,
            "identity": self.identity,
            "content": None if self.content is None else len(self.content),
            "disk": None if self.disk is None else {**asdict(self.disk), "identifier": str(self.disk.identifier)},
        }
        return STAND_IN + json.dumps(head, sort_keys=True).encode() + b"\n" + (self.content or b"")

    def part(self, path: str, size: int) -> File:
        """Return so many bytes of the file's beginning under another path; all of them make a copy of the whole."""
        if size >= self.size:
            return replace(self, path=path, writing=False)
        content = self.content
        if content is not None:
            content = content[: len(content) * size // max(self.size, 1)]
        return replace(self, path=path, size=size, disk=None, content=content, writing=False)

    def take_over(self, other: File) -> None:
        """Have the bytes of another file from now on; path and size stay."""
        self.disk, self.content, self.identity = other.disk, other.content, other.identity

    def written(self, mark: str) -> None:
        """Have other bytes from now on, as somebody wrote to it; the same mark makes the same bytes."""
        self.identity = hashlib.sha256(f"{self.identity}/{mark}".encode()).hexdigest()[:32]

    def damage(self) -> None:
        """Turn over a bit in the middle."""
        if self.content:
            half = len(self.content) // 2
            self.content = self.content[:half] + bytes([self.content[half] ^ 1]) + self.content[half + 1 :]
        else:
            self.written("damaged")

    @classmethod
    def of_bytes(cls, path: str, data: bytes) -> File:
        """Return the file that bytes make: what ``read`` gave becomes the same file, anything else a plain one."""
        if data.startswith(STAND_IN):
            head, _newline, rest = data[len(STAND_IN) :].partition(b"\n")
            try:
                return cls._of_head(path, json.loads(head), rest)
            except (ValueError, KeyError, TypeError, AttributeError):
                pass
        return cls(path, len(data), content=data)

    @classmethod
    def _of_head(cls, path: str, head: dict[str, Any], rest: bytes) -> File:
        disk = head["disk"]
        if len(rest) != (head["content"] or 0):
            raise ValueError("cut short")
        return cls(
            path,
            int(head["size"]),
            None if disk is None else VirtualDisk(**{**disk, "identifier": uuid.UUID(disk["identifier"])}),
            None if head["content"] is None else rest,
            str(head["identity"]),
        )


@dataclass(slots=True, kw_only=True)
class Volume:
    """A volume of a host, or a share that several hosts reach. ``other`` is what is used besides simulated files."""

    name: str
    """"D:" or "\\\\server\\share"."""
    size: int
    other: int = 0
    rate: float = 400.0
    """MB per second it can read or write."""
    identifier: uuid.UUID = field(default_factory=uuid.uuid4)
    files: dict[str, File] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    """Lower-case path -> path as written; empty folders stay until someone removes them."""
    _used: int = 0

    @property
    def used(self) -> int:
        """Return the bytes of simulated files."""
        return self._used

    @property
    def free(self) -> int:
        """Return the free bytes."""
        return max(self.size - self.other - self._used, 0)

    def put(self, file: File, *, check: bool = True) -> File:
        """Add a file and its folders; raise FileExists or DiskFull."""
        key = file.path.lower()
        if key in self.files:
            raise FileExists(file.path)
        if check and file.size > self.free:
            raise DiskFull(self, file.size)
        self.make_folder(ntpath.dirname(file.path))
        self.files[key] = file
        self._used += file.size
        return file

    def resize(self, path: str, size: int) -> None:
        """Change the size of a file; raise DiskFull where it doesn't fit, KeyError where there is none."""
        file = self.files[path.lower()]
        if size - file.size > self.free:
            raise DiskFull(self, size - file.size)
        self._used += size - file.size
        file.size = size

    def take(self, path: str) -> File | None:
        """Remove a file and return it; its folder stays."""
        file = self.files.pop(path.lower(), None)
        if file is not None:
            self._used -= file.size
        return file

    def make_folder(self, path: str) -> None:
        """Make a folder with its parents."""
        while len(path) > len(self.name) + 1 and path.lower() not in self.folders:
            self.folders[path.lower()] = path
            path = ntpath.dirname(path)

    def children(self, path: str) -> Iterator[tuple[str, File | None]]:
        """Yield the entries of a folder: (path, file or None for a folder)."""
        key = path.rstrip("\\").lower()
        for known, written in sorted(self.folders.items()):
            if ntpath.dirname(known).rstrip("\\") == key:
                yield written, None
        for known, file in sorted(self.files.items()):
            if ntpath.dirname(known).rstrip("\\") == key:
                yield file.path, file

    def remove_folder(self, path: str) -> None:
        """Remove a folder and what is below it."""
        key = path.rstrip("\\").lower()
        below = key + "\\"
        for known in [k for k in self.files if k.startswith(below)]:
            self.take(known)
        for known in [k for k in self.folders if k == key or k.startswith(below)]:
            del self.folders[known]


class Storage:
    """What paths mean on one host: its own volumes and the fleet's shares."""

    def __init__(self, volumes: dict[str, Volume], shares: dict[str, Volume]) -> None:
        self.volumes = volumes
        """By drive, "C:"."""
        self.shares = shares
        """By lower-case share, "\\\\server\\share"; the same objects on every host."""
        self.moments: dict[str, datetime] = {}
        """When commands made or changed files and folders, by lower-case path."""

    def volume(self, path: str) -> Volume:
        """Return the volume a path lies on; raise NoSuchPath for a drive or share that isn't there."""
        if path.startswith("\\\\"):
            share, _rest = ntpath.splitdrive(path)
            found = self.shares.get(share.lower())
        else:
            found = self.volumes.get(path[:2].upper())
        if found is None:
            raise NoSuchPath(path)
        return found

    def file(self, path: str) -> File | None:
        """Return the file at a path, or None."""
        try:
            return self.volume(path).files.get(path.lower())
        except NoSuchPath:
            return None

    def folder_exists(self, path: str) -> bool:
        """Return whether a path is a folder (or the root of a volume)."""
        try:
            volume = self.volume(path)
        except NoSuchPath:
            return False
        plain = path.rstrip("\\").lower()
        return plain == volume.name.lower() or plain in volume.folders

    def exists(self, path: str) -> bool:
        """Return whether a path is a file or a folder."""
        return self.file(path) is not None or self.folder_exists(path)

    def read(self, path: str) -> bytes:
        """Return the bytes of a file; raise NoSuchPath where there is none."""
        file = self.file(path)
        if file is None:
            raise NoSuchPath(path)
        return file.read()

    def sha256(self, path: str) -> str:
        """Return the hash of a file's bytes, 64 lower-case digits; raise NoSuchPath where there is none."""
        return hashlib.sha256(self.read(path)).hexdigest()

    def parent(self, file: File) -> str:
        """Return where the parent of a differencing disk is, "" for other files.

        A disk knows its parent by a relative path first, then by the full one (MS-VHDX, parent locator); here the
        relative one leads to the same folder.
        """
        full = file.disk.parent if file.disk else ""
        beside = ntpath.join(ntpath.dirname(file.path), ntpath.basename(full)) if full else ""
        found = self.file(beside) if beside else None
        return beside if found is not None and found is not file else full

    def chain(self, path: str) -> list[File]:
        """Return a virtual disk's file and its parents, child first; a missing parent ends the list."""
        files: list[File] = []
        while path:
            file = self.file(path)
            if file is None or file in files:
                break
            files.append(file)
            path = self.parent(file)
        return files
