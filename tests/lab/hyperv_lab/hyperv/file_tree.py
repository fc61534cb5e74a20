# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files with their contents by path, on the volumes that the cmdlets see (storage.py)."""

from __future__ import annotations

import ntpath
from typing import TYPE_CHECKING

from .storage import File, NoSuchPath

if TYPE_CHECKING:
    from collections.abc import Callable

    from .storage import Storage


def plain(path: str) -> str:
    """Return a path with backslashes and without one at the end; a drive's root keeps its own."""
    text = ntpath.normpath(path.replace("/", "\\"))
    return text + "\\" if len(text) == 2 and text[1] == ":" else text


class FileTree:
    """Reads and writes by path. A full volume raises storage.DiskFull, a missing drive storage.NoSuchPath."""

    def __init__(self, storage: Callable[[], Storage], changed: Callable[[str], None] = lambda _path: None) -> None:
        self._storage = storage
        self._changed = changed

    def is_file(self, path: str) -> bool:
        """Return whether a path is a file."""
        return self._storage().file(plain(path)) is not None

    def is_folder(self, path: str) -> bool:
        """Return whether a path is a folder or the root of a drive."""
        return self._storage().folder_exists(plain(path))

    def exists(self, path: str) -> bool:
        """Return whether a path is a file or a folder."""
        return self._storage().exists(plain(path))

    def read(self, path: str) -> bytes:
        """Return the contents of a file; FileNotFoundError where there is none."""
        file = self._storage().file(plain(path))
        if file is None:
            raise FileNotFoundError(path)
        return file.content if file.content is not None else file.read()

    def text(self, path: str) -> str:
        """Return the contents as text: UTF-8, or UTF-16 with its mark; FileNotFoundError where there is none."""
        data = self.read(path)
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return data.decode("utf-16")
        return data.decode("utf-8-sig", "replace")

    def write(self, path: str, content: bytes | str, *, size: int | None = None) -> None:
        """Write a file, in place of one that is there; its folders are made.

        ``size`` lets a small content stand for a big file.
        """
        data = content.encode() if isinstance(content, str) else content
        where = plain(path)
        volume = self._storage().volume(where)
        old = volume.take(where)
        try:
            volume.put(File(old.path if old else where, len(data) if size is None else size, content=data))
        except Exception:
            if old is not None:
                volume.put(old, check=False)
            raise
        self._changed(where)

    def append(self, path: str, content: bytes | str) -> None:
        """Add to a file, made where it isn't there."""
        data = content.encode() if isinstance(content, str) else content
        self.write(path, (self.read(path) if self.is_file(path) else b"") + data)

    def delete(self, path: str) -> bool:
        """Remove a file, or a folder with everything in it; return whether it was there."""
        where = plain(path)
        try:
            volume = self._storage().volume(where)
        except NoSuchPath:
            return False
        if volume.take(where) is not None:
            return True
        if not self.is_folder(where):
            return False
        volume.remove_folder(where)
        return True

    def make_folder(self, path: str) -> None:
        """Make a folder with its parents."""
        where = plain(path)
        if not self.is_folder(where):
            self._storage().volume(where).make_folder(where)
            self._changed(where)

    def list(self, path: str) -> list[str]:
        """Return the paths of what lies in a folder: folders first; nothing where there is no such folder."""
        where = plain(path)
        try:
            return [child for child, _file in self._storage().volume(where).children(where)]
        except NoSuchPath:
            return []

    def size(self, path: str) -> int:
        """Return the bytes of a file; FileNotFoundError where there is none."""
        file = self._storage().file(plain(path))
        if file is None:
            raise FileNotFoundError(path)
        return file.size
