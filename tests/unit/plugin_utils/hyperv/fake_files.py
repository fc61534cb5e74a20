# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a fake host: a disk of texts and sizes behind the cmdlets on files, Export-VM, and shares of other hosts."""

from __future__ import annotations

import hashlib
import ntpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from unit.fake_session import Refused
from unit.plugin_utils.hyperv.fake_host import FakeHost

START = datetime(2026, 1, 5, 8, 0, 0, tzinfo=timezone.utc)
MISSING = "PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand"


@dataclass
class FakeFile:
    path: str
    content: bytes
    modified: datetime
    created: datetime

    def shown(self) -> dict[str, Any]:
        return {
            "FullName": self.path,
            "Length": len(self.content),
            "LastWriteTimeUtc": stamp(self.modified),
            "CreationTimeUtc": stamp(self.created),
            "PSIsContainer": False,
        }


def stamp(when: datetime) -> str:
    return when.isoformat().replace("+00:00", "Z")


@dataclass
class FakeDisk:
    """Files and folders by path in lower case, and a clock that a test moves."""

    files: dict[str, FakeFile] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    now: datetime = START
    locked: set[str] = field(default_factory=set)
    shares: dict[str, FakeDisk] = field(default_factory=dict)
    """Other disks by the UNC root, in lower case, that is open to this host."""
    drives: tuple[str, ...] = ("c:", "d:", "e:")

    def put(self, path: str, content: bytes | str = b"") -> None:
        data = content.encode() if isinstance(content, str) else content
        old = self.files.get(path.lower())
        self.files[path.lower()] = FakeFile(path, data, self.now, old.created if old else self.now)
        self.folder(ntpath.dirname(path))

    def folder(self, path: str) -> None:
        while ntpath.splitdrive(path)[1].strip("\\"):
            self.folders.setdefault(path.lower(), path)
            path = ntpath.dirname(path)

    def read(self, path: str) -> bytes:
        return self.files[path.lower()].content

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def at(self, path: str) -> tuple[FakeDisk, str]:
        """The disk that a path is on, and the path there: an open share's, or this one's."""
        for root, disk in self.shares.items():
            if path.lower().startswith(root):
                return disk, path
        return self, path

    def item(self, path: str) -> dict[str, Any]:
        disk, path = self.at(path)
        key = path.rstrip("\\").lower()
        if key in disk.files:
            return disk.files[key].shown()
        roots = [root.rstrip("\\") for root in self.shares]
        if key in disk.folders or key in self.drives or key in roots:
            return {
                "FullName": path,
                "LastWriteTimeUtc": stamp(disk.now),
                "CreationTimeUtc": stamp(disk.now),
                "PSIsContainer": True,
            }
        raise Refused(MISSING, f"Impossible de trouver {path}", category=13)

    def below(self, path: str, *, deep: bool) -> list[dict[str, Any]]:
        disk, path = self.at(path)
        key = path.rstrip("\\").lower() + "\\"
        names = [*disk.folders.values(), *(file.path for file in disk.files.values())]
        found = [name for name in sorted(names) if name.lower().startswith(key)]
        return [disk.item(name) for name in found if deep or "\\" not in name[len(key) :]]

    def remove(self, path: str) -> None:
        key = path.lower()
        if key in self.locked:
            raise Refused("RemoveFileSystemItemIOError,x", "utilisé", category=1)
        gone = [one for one in (*self.files, *self.folders) if one == key or one.startswith(key + "\\")]
        if not gone:
            raise Refused(MISSING, category=13)
        for one in gone:
            self.files.pop(one, None)
            self.folders.pop(one, None)


class FakeFiles(FakeHost):
    """A host with a disk. What Export-VM makes is a configuration, and a copy of each disk that is on the fake disk."""

    def __init__(self, *vms: dict[str, Any], **settings: Any) -> None:
        self.disk = FakeDisk()
        self.disk.folder("D:\\Exports")
        self.free = 10**12
        self.refuse_export: Refused | None = None
        self.during_export: Callable[[], None] | None = None
        self.signed_in: dict[str, Any] = {}
        self.refuse_drive: Refused | None = None
        self.web: dict[str, bytes] = {}
        self.refuse_web: Refused | None = None
        self.spoils: Callable[[str, bytes], bytes] | None = None
        """Changes what a fetch brings: by the target's path and the content."""
        self.jobs: list[dict[str, Any]] = []
        super().__init__(*vms, **settings)

    def handlers(self) -> dict[str, Any]:
        return super().handlers() | {
            "Get-Date": lambda p, o: [stamp(self.disk.now)],
            "Get-Item": self._items,
            "Get-ChildItem": self._children,
            "Get-Content": self._content,
            "Set-Content": lambda p, o: self._disk(p["LiteralPath"]).put(p["LiteralPath"], p["Value"] + "\r\n"),
            "Move-Item": lambda p, o: self._rename(p["LiteralPath"], p["Destination"], force=True),
            "Rename-Item": self._rename_item,
            "Copy-Item": self._copy,
            "Remove-Item": lambda p, o: self._disk(p["LiteralPath"]).remove(p["LiteralPath"]),
            "New-Item": self._new_folders,
            "Test-Path": self._test,
            "Get-FileHash": self._hash,
            "Export-VM": self._export,
            "New-PSDrive": self._drive,
            "Remove-PSDrive": lambda p, o: self.signed_in.pop(p["Name"], None) and None,
            "Invoke-WebRequest": self._web,
            "Get-Command": lambda p, o: [{"Name": p.get("Name")}],
        }

    def _disk(self, path: str) -> FakeDisk:
        return self.disk.at(path)[0]

    def _new_folders(self, parameters: Mapping[str, Any], piped: list[Any]) -> None:
        for path in parameters["Path"]:
            self._disk(path).folder(path)

    def _cim(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        if parameters.get("ClassName") == "Win32_Volume":
            return [{"Name": f"{drive.upper()}\\", "FreeSpace": self.free} for drive in self.disk.drives]
        if parameters.get("ClassName") == "Win32_ComputerSystem":
            return [{"Name": "HV01"}]
        if "Query" in parameters:
            return self.jobs
        return super()._cim(parameters, piped)

    def _items(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        found, missing = [], None
        for path in _listed(parameters["LiteralPath"]):
            try:
                found.append(self.disk.item(path))
            except Refused as refusal:
                missing = refusal
        if missing is not None and not found:
            raise missing
        return found

    def _children(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        path = parameters["LiteralPath"]
        self.disk.item(path)
        return self.disk.below(path, deep=bool(parameters.get("Recurse")))

    def _content(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        disk, path = self.disk.at(parameters["LiteralPath"])
        if path.lower() not in disk.files:
            raise Refused(MISSING, category=13)
        return [disk.read(path).decode()]

    def _test(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        found: list[Any] = []
        for path in _listed(parameters["LiteralPath"]):
            try:
                self.disk.item(path)
                found.append(True)
            except Refused:
                found.append(False)
        return found

    def _rename(self, path: str, target: str, *, force: bool) -> None:
        disk = self._disk(path)
        if target.lower() in disk.files and not force:
            raise Refused("RenameItemIOError,x", "existe", category=1)
        held = disk.files.pop(path.lower())
        disk.files[target.lower()] = FakeFile(target, held.content, held.modified, held.created)

    def _rename_item(self, parameters: Mapping[str, Any], piped: list[Any]) -> None:
        path = parameters["LiteralPath"]
        self._rename(path, ntpath.join(ntpath.dirname(path), parameters["NewName"]), force=False)

    def _fetched(self, target: str, content: bytes) -> None:
        self.disk.put(target, self.spoils(target, content) if self.spoils else content)

    def _copy(self, parameters: Mapping[str, Any], piped: list[Any]) -> None:
        disk, path = self.disk.at(parameters["LiteralPath"])
        if path.lower() not in disk.files:
            raise Refused("PathNotFound,Microsoft.PowerShell.Commands.CopyItemCommand", category=13)
        self._fetched(parameters["Destination"], disk.read(path))

    def _hash(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        disk, path = self.disk.at(parameters["LiteralPath"])
        if path.lower() not in disk.files:
            raise Refused("FileReadError,Get-FileHash", category=12)
        return [{"Hash": hashlib.sha256(disk.read(path)).hexdigest().upper()}]

    def _export(self, parameters: Mapping[str, Any], piped: list[Any]) -> None:
        for one in piped:
            root = ntpath.join(parameters["Path"], one["Name"].replace('"', "_"))
            self.disk.put(ntpath.join(root, "Virtual Machines", f"{one['Id'].upper()}.vmcx"), one["Name"])
            if self.during_export:
                self.during_export()
            if self.refuse_export:
                raise self.refuse_export
            for vhd in one["vhds"]:
                target = ntpath.join(root, "Virtual Hard Disks", ntpath.basename(vhd["Path"]))
                self.disk.put(target, self.disk.read(vhd["Path"]))

    def _drive(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        if self.refuse_drive:
            raise self.refuse_drive
        self.signed_in[parameters["Name"]] = parameters.get("Credential")
        return [{"Name": parameters["Name"]}]

    def _web(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        if self.refuse_web:
            raise self.refuse_web
        content = self.web.get(parameters["Uri"])
        if content is None:
            error_id = "WebCmdletWebResponseException,Microsoft.PowerShell.Commands.InvokeWebRequestCommand"
            raise Refused(
                error_id, "Le serveur a retourné une erreur : (404) Introuvable.", category=7, http_status=404
            )
        if "OutFile" in parameters:
            self._fetched(parameters["OutFile"], content)
            return []
        return [{"StatusCode": 200, "Content": content.decode()}]


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def disk_of(vm_id: str, path: str, content: bytes, host: FakeFiles) -> dict[str, Any]:
    """Parts of a machine with one disk, whose file lies on the fake disk."""
    host.disk.put(path, content)
    return {
        "disks": [{"VMId": vm_id, "Path": path, "ControllerType": "SCSI", "ControllerNumber": 0}],
        "vhds": [{"VMId": vm_id, "Path": path, "FileSize": len(content), "Size": 2**40}],
    }
