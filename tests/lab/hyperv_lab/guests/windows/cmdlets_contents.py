# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contents of files: Get-, Set-, Add- and Clear-Content, Copy- and Move-Item, hashes, signatures, downloads."""

from __future__ import annotations

import hashlib
import ntpath
import re
import urllib.error
import urllib.request
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from ...hyperv import failures, messages
from ...hyperv.base import POWERSHELL_CLASS, as_list
from ...hyperv.cmdlets_files import IO, NO_ACCESS, NO_DRIVE
from ...hyperv.cmdlets_system import only
from ...hyperv.storage import DiskFull, NoSuchPath
from ...powershell.commands import ErrorRecord
from ...powershell.values import OBJECT, Byte, EnumValue, PropertyBag
from . import smb
from .files import plain
from .items import FILES, Item, ItemCmdlet

if TYPE_CHECKING:
    from collections.abc import Callable

DISK_FULL = 0x80070070
WEB = ("System.Net.WebException", "System.InvalidOperationException", *failures.EXCEPTION)
_LOOPBACK = re.compile(r"127(\.\d+){3}|localhost", re.IGNORECASE)
_ENCODINGS = {
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
        "web_failed": (
            "Unable to connect to the remote server, or it refused: {path}",
            "Impossible de se connecter au serveur distant, ou refus : {path}",
        ),
    }
)


class FileCmdlet(ItemCmdlet):
    """A cmdlet on files with contents."""

    def files(self) -> list[str]:
        """Return the files given that are there and may be read; write errors for the others."""
        found = []
        for item in self.items():
            if item.provider == FILES and self.readable(item.path) and self.there(item):
                found.append(item.path)
        return found

    def readable(self, path: str) -> bool:
        """Return whether a path may be used: one of a share needs a sign-in that holds there."""
        if smb.may_use_share(self.call.session, path):
            return True
        self.wrong("ItemExistsUnauthorizedAccessError", "PermissionDenied", "item_access", path, NO_ACCESS)
        return False

    def guarded(self, path: str, change: Callable[[], None]) -> bool:
        """Change a file; write an error where the disk is full or the drive isn't there. Return whether it was done."""
        try:
            with self.machine.fleet.lock:
                change()
        except DiskFull:
            text = messages.text(self.machine.language, "disk_no_room")
            error_id = "System.IO.IOException"
            self.fail(ErrorRecord(error_id=error_id, category="WriteError", message=text, exception=IO,
                                  hresult=DISK_FULL, target=path))  # fmt: skip
            return False
        except NoSuchPath:
            self.wrong("DriveNotFound", "ObjectNotFound", "drive_missing", path[:1], NO_DRIVE)
            return False
        return True

    def decoded(self, data: bytes) -> str:
        """Return contents as text: by -Encoding, by their mark, else by the code page of Windows."""
        named = _ENCODINGS.get(str(self.given("Encoding", "")).lower())
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
        named = _ENCODINGS.get(str(self.given("Encoding", "")).lower(), "cp1252")
        return text.encode(named, "replace")


class GetContent(FileCmdlet):
    """Get-Content."""

    NAME = "Get-Content"
    CLASS = POWERSHELL_CLASS + "GetContentCommand"

    def process(self) -> None:
        """Write the lines, or with -Raw the whole."""
        only(self, "Path", "LiteralPath", "Raw", "TotalCount", "Tail", "Encoding")
        for path in self.files():
            if self.machine.files.is_folder(path):
                self.wrong(
                    "GetContentReaderUnauthorizedAccessError", "PermissionDenied", "item_access", path, NO_ACCESS
                )
                continue
            data = self.machine.files.read(path)
            if str(self.given("Encoding", "")).lower() == "byte":
                for byte in data:
                    self.call.write(Byte(byte))
                continue
            text = self.decoded(data)
            if self.switched("Raw"):
                self.call.write(text)
                continue
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
        for item in self.items():
            if self.may_change(item) and self.readable(item.path) and self.call.should_process(item.path):
                self._put(item.path)

    def _put(self, path: str) -> None:
        files = self.machine.files
        if not files.is_folder(ntpath.dirname(path)):
            kind = ("System.IO.DirectoryNotFoundException", *IO)
            error_id = "GetContentWriterDirectoryNotFoundError"
            self.wrong(error_id, "ObjectNotFound", "item_missing", path, kind)
            return
        add = files.append if self.KEPT else files.write
        self.guarded(path, lambda: add(path, self._data))


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
        for path in self.files():
            if self.may_change(Item(FILES, path)) and self.call.should_process(path):
                self.machine.files.write(path, b"")


class CopyItem(FileCmdlet):
    """Copy-Item: files, and with -Recurse folders."""

    NAME = "Copy-Item"
    CLASS = POWERSHELL_CLASS + "CopyItemCommand"
    MOVES: ClassVar[bool] = False

    def process(self) -> None:
        """Copy what is given to -Destination."""
        only(self, "Path", "LiteralPath", "Destination", "Recurse", "Container")
        target = self.item(str(self.given("Destination"))).path
        for path in self.files():
            item = Item(FILES, target)
            if not (self.readable(target) and self.may_change(item) and self.call.should_process(path)):
                continue
            inside = self.machine.files.is_folder(target)
            place = f"{target.rstrip(chr(92))}\\{ntpath.basename(path)}" if inside else target
            if self._copy(path, place) and self.MOVES:
                self.machine.files.delete(path)
            if self.switched("PassThru"):
                self.show(Item(FILES, place))

    def _copy(self, path: str, place: str) -> bool:
        files = self.machine.files
        if files.is_folder(path):
            files.make_folder(place)
            below = files.list(path) if self.switched("Recurse") or self.MOVES else []
            return all(self._copy(one, f"{place}\\{ntpath.basename(one)}") for one in below)
        if not files.is_folder(ntpath.dirname(place)):
            kind = ("System.IO.DirectoryNotFoundException", *IO)
            self.wrong("System.IO.DirectoryNotFoundException", "NotSpecified", "item_missing", place, kind)
            return False
        return self.guarded(place, lambda: files.write(place, files.read(path), size=files.size(path)))


class MoveItem(CopyItem):
    """Move-Item."""

    NAME = "Move-Item"
    CLASS = POWERSHELL_CLASS + "MoveItemCommand"
    MOVES = True


class GetFileHash(FileCmdlet):
    """Get-FileHash."""

    NAME = "Get-FileHash"

    def process(self) -> None:
        """Write a hash for each file."""
        only(self, "Path", "LiteralPath", "Algorithm")
        kind = str(self.given("Algorithm", "SHA256")).upper()
        for item in self.items():
            if not self.machine.files.is_file(item.path):
                self.wrong("FileReadError", "ReadError", "read_failed", item.path, failures.EXCEPTION)
                continue
            digest = hashlib.new(kind.lower(), self.machine.files.read(item.path)).hexdigest().upper()
            values = {"Algorithm": kind, "Hash": digest, "Path": item.path}
            self.call.write(PropertyBag(values, ("Microsoft.Powershell.Utility.FileHash", OBJECT)))


_STATUS = ("Valid", "UnknownError", "NotSigned", "HashMismatch", "NotTrusted", "NotSupportedFileFormat")
_SIGNATURE = "System.Management.Automation.Signature"


class GetAuthenticodeSignature(FileCmdlet):
    """Get-AuthenticodeSignature: what a stand-in says of itself (package.py), other files are not signed."""

    NAME = "Get-AuthenticodeSignature"
    CLASS = POWERSHELL_CLASS + "GetAuthenticodeSignatureCommand"

    def process(self) -> None:
        """Write the signature of each file."""
        only(self, "FilePath", "LiteralPath")
        given = [*as_list(self.given("FilePath")), *as_list(self.given("LiteralPath"))]
        for text in given:
            item = self.item(str(text))
            if self.there(item):
                self.call.write(self._signature(item.path))

    def _signature(self, path: str) -> PropertyBag:
        status, subject = _signed(self.machine.files.read(path))
        certificate = None
        if subject is not None:
            thumbprint = hashlib.sha1(subject.encode(), usedforsecurity=False).hexdigest().upper()
            notes: dict[str, Any] = {"Subject": subject, "Thumbprint": thumbprint, "Issuer": "CN=Lab Code Signing CA"}
            kind = "System.Security.Cryptography.X509Certificates.X509Certificate2"
            certificate = PropertyBag(notes, (kind, OBJECT), f"[Subject]\n  {subject}")
        number = _STATUS.index(status)
        values = {
            "SignerCertificate": certificate,
            "TimeStamperCertificate": None,
            "Status": EnumValue("System.Management.Automation.SignatureStatus", status, number),
            "StatusMessage": status,
            "Path": path,
            "SignatureType": "Authenticode" if subject else "None",
        }
        return PropertyBag(values, (_SIGNATURE, OBJECT))


def _signed(content: bytes) -> tuple[str, str | None]:
    """Return the status of a file's signature and its signer."""
    if find_spec(".package", __package__) is None:
        return "NotSigned", None
    package = import_module(".package", __package__)
    return package.signature_status(content), package.signer(content)


class InvokeWebRequest(FileCmdlet):
    """Invoke-WebRequest -OutFile: fetches for real, and only from loopback addresses."""

    NAME = "Invoke-WebRequest"
    CLASS = POWERSHELL_CLASS + "InvokeWebRequestCommand"

    def process(self) -> None:
        """Bring the file."""
        only(self, "Uri", "OutFile", "UseBasicParsing", "TimeoutSec", "Method", "PassThru", "Headers")
        uri, target = str(self.given("Uri")), plain(str(self.given("OutFile", "")))
        where = urlsplit(uri)
        port = where.port or (443 if where.scheme == "https" else 80)
        if not _LOOPBACK.fullmatch(where.hostname or "") or port in self.machine.windows.blocked_ports:
            self._failed(uri)
            return
        try:
            seconds = float(self.given("TimeoutSec", 0)) or 30.0
            with urllib.request.urlopen(uri, timeout=min(seconds, 60.0)) as answer:  # loopback, above
                data = answer.read()
        except (urllib.error.URLError, OSError, ValueError):
            self._failed(uri)
            return
        if self.bound_to("OutFile"):
            self.guarded(target, lambda: self.machine.files.write(target, data))

    def _failed(self, uri: str) -> None:
        error_id = "WebCmdletWebResponseException"
        self.wrong(error_id, "InvalidOperation", "web_failed", uri, WEB)


COMMANDS = (
    GetContent,
    SetContent,
    AddContent,
    ClearContent,
    CopyItem,
    MoveItem,
    GetFileHash,
    GetAuthenticodeSignature,
    InvokeWebRequest,
)
