# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contents of files, on hosts and on Windows machines: Get-, Set-, Add- and Clear-Content, Get-FileHash."""

from __future__ import annotations

import hashlib
import ntpath
import re
from typing import TYPE_CHECKING, Any, ClassVar

from ..powershell.commands import ErrorRecord
from ..powershell.providers import FILE_SYSTEM, provider_of
from ..powershell.values import OBJECT, Byte, PropertyBag
from . import copying, failures, messages
from .base import POWERSHELL_CLASS, as_list
from .cmdlets_system import only
from .contents import opened
from .file_tree import FileTree
from .paths import IO, NO_ACCESS, PathCmdlet
from .storage import DiskFull

if TYPE_CHECKING:
    from collections.abc import Callable

    from .reach import Place

DISK_FULL = 0x80070070
DIRECTORY_MISSING = ("System.IO.DirectoryNotFoundException", *IO)
ENCODINGS = {
    "utf8": "utf-8-sig",
    "unicode": "utf-16",
    "bigendianunicode": "utf-16-be",
    "utf7": "utf-7",
    "ascii": "ascii",
    "oem": "cp850",
}
messages.add(
    {
        "disk_no_room": (
            "There is not enough space on the disk.",
            "Espace insuffisant sur le disque.",
        ),
        "read_failed": ("The file '{path}' cannot be read.", "Le fichier « {path} » ne peut pas être lu."),
    }
)


def tree(place: Place) -> FileTree:
    """Return the files of the machine that a place is on."""
    return FileTree(lambda: place.host.storage, place.host.stamp)


class FileCmdlet(PathCmdlet):
    """A cmdlet on files with contents."""

    def files(self) -> list[tuple[str, Place]]:
        """Return the files and folders given that are there; write errors for the others."""
        found = []
        for path in self.paths():
            if provider_of(path) == FILE_SYSTEM and self.there(path):
                place = self.reach.place(path)
                if place is not None:
                    found.append((path, place))
        return found

    def guarded(self, path: str, change: Callable[[], None]) -> bool:
        """Change a file; write an error where the disk is full. Return whether it was done."""
        try:
            with self.host.fleet.lock:
                change()
        except DiskFull:
            self.disk_full(path)
            return False
        return True

    def disk_full(self, path: str) -> None:
        """Write the error of a full disk."""
        text = messages.text(self.host.language, "disk_no_room")
        error_id = "System.IO.IOException"
        self.fail(ErrorRecord(error_id=error_id, category="WriteError", message=text, exception=IO,
                              hresult=DISK_FULL, target=path))  # fmt: skip

    def decoded(self, data: bytes) -> str:
        """Return contents as text: by -Encoding, by their mark, else by the code page of Windows."""
        named = ENCODINGS.get(str(self.given("Encoding", "")).lower())
        if named:
            return data.decode(named, "replace")
        for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
            if data.startswith(mark):
                return data.decode(encoding, "replace")
        return data.decode("cp1252", "replace")

    def encoded(self) -> bytes:
        """Return -Value as contents, a line for each item."""
        values = as_list(self.given("Value"))
        if values and all(isinstance(value, Byte) for value in values):
            return bytes(values)
        end = "" if self.switched("NoNewline") else "\r\n"
        text = "".join(f"{value}{end}" for value in values)
        named = ENCODINGS.get(str(self.given("Encoding", "")).lower(), "cp1252")
        return text.encode(named, "replace")


class GetContent(FileCmdlet):
    """Get-Content."""

    NAME = "Get-Content"
    CLASS = POWERSHELL_CLASS + "GetContentCommand"

    def process(self) -> None:
        """Write the lines, or with -Raw the whole."""
        only(self, "Path", "LiteralPath", "Raw", "TotalCount", "Tail", "Encoding")
        for path, place in self.files():
            if place.is_folder:
                self.wrong(
                    "GetContentReaderUnauthorizedAccessError", "PermissionDenied", "item_access", path, NO_ACCESS
                )
            elif not self.closed(path, "GetContentReaderIOError", "ReadError"):
                with self.host.fleet.lock:
                    opened(place.host, place.path)
                    data = tree(place).read(place.path)
                self._write(data)

    def _write(self, data: bytes) -> None:
        if str(self.given("Encoding", "")).lower() == "byte":
            for byte in data:
                self.call.write(Byte(byte))
            return
        text = self.decoded(data)
        if self.switched("Raw"):
            self.call.write(text)
            return
        lines = re.split(r"\r\n|\n|\r", text)
        lines = lines[:-1] if lines[-1] == "" else lines
        if self.bound_to("TotalCount"):
            lines = lines[: int(self.given("TotalCount"))]
        if self.bound_to("Tail"):
            lines = lines[-int(self.given("Tail")) :] if int(self.given("Tail")) else []
        for line in lines:
            self.call.write(line)


class SetContent(FileCmdlet):
    """Set-Content: from -Value or the pipeline, written at the end."""

    NAME = "Set-Content"
    CLASS = POWERSHELL_CLASS + "SetContentCommand"
    KEPT: ClassVar[bool] = False

    def begin(self) -> None:
        """Nothing has come yet."""
        self._data = b""

    def process(self) -> None:
        """Take the values."""
        only(self, "Path", "LiteralPath", "Value", "Encoding", "NoNewline")
        self._data += self.encoded()

    def end(self) -> None:
        """Write the files."""
        for path in self.paths():
            if self.may_change(path) and self.call.should_process(path):
                self._put(path)

    def _put(self, path: str) -> None:
        place = self.reach.place(path)
        if place is None or not place.host.storage.folder_exists(ntpath.dirname(place.path)):
            error_id = "GetContentWriterDirectoryNotFoundError"
            self.wrong(error_id, "ObjectNotFound", "item_missing", path, DIRECTORY_MISSING)
            return
        if self.closed(path, "GetContentWriterIOError", "WriteError"):
            return
        files = tree(place)
        add = files.append if self.KEPT else files.write
        self.guarded(path, lambda: add(place.path, self._data))


class AddContent(SetContent):
    """Add-Content."""

    NAME = "Add-Content"
    CLASS = POWERSHELL_CLASS + "AddContentCommand"
    KEPT = True


class ClearContent(FileCmdlet):
    """Clear-Content."""

    NAME = "Clear-Content"
    CLASS = POWERSHELL_CLASS + "ClearContentCommand"

    def process(self) -> None:
        """Empty the files."""
        only(self, "Path", "LiteralPath")
        for path, place in self.files():
            allowed = self.may_change(path) and self.call.should_process(path)
            if allowed and not self.closed(path, "ClearContentIOError", "WriteError"):
                tree(place).write(place.path, b"")


class GetFileHash(FileCmdlet):
    """Get-FileHash: a function of 5.1. A file in use is its own error (field errors), a missing one Resolve-Path's."""

    NAME = "Get-FileHash"

    def process(self) -> None:
        """Write a hash for each file."""
        only(self, "Path", "LiteralPath", "Algorithm")
        kind = str(self.given("Algorithm", "SHA256")).upper()
        for path, place in self.files():
            if place.is_folder:
                continue
            try:
                data = copying.look_through(self.host, place, self.call.stopping).read()
            except copying.CopyFailed:
                self.wrong("FileReadError", "ReadError", "read_failed", path, failures.EXCEPTION)
                continue
            except copying.Stopped:
                return
            values: dict[str, Any] = {"Algorithm": kind, "Hash": hashlib.new(kind.lower(), data).hexdigest().upper()}
            values["Path"] = path
            self.call.write(PropertyBag(values, ("Microsoft.Powershell.Utility.FileHash", OBJECT)))

    def wrong(self, error_id: str, category: str, key: str, path: str, *rest: Any, **more: Any) -> None:
        """Write an error; a missing path is one of Resolve-Path."""
        if error_id != "PathNotFound":
            super().wrong(error_id, category, key, path, *rest, **more)
            return
        text = messages.text(self.host.language, key, path=path)
        name = POWERSHELL_CLASS + "ResolvePathCommand"
        self.fail(ErrorRecord(error_id=error_id, category=category, message=text, target=path, class_name=name))


COMMANDS = (GetContent, SetContent, AddContent, ClearContent, GetFileHash)
