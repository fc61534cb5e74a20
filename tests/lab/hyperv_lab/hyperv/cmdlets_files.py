# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and folders through PowerShell's providers, and a little of the registry."""

from __future__ import annotations

import ntpath
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from ..powershell.commands import ErrorRecord
from ..powershell.values import OBJECT, Int64, LiveObject, PropertyBag
from . import failures, messages
from .base import POWERSHELL_CLASS, HostCmdlet, as_list, fits, has_wildcards, wildcard
from .cmdlets_system import is_administrator, only
from .host import BUILDS
from .storage import File, FileExists, NoSuchPath

if TYPE_CHECKING:
    from .host import Host

NOT_FOUND = ("System.Management.Automation.ItemNotFoundException", *failures.EXCEPTION)
NO_DRIVE = ("System.Management.Automation.DriveNotFoundException", *failures.EXCEPTION)
PROMPT = ("System.Management.Automation.PSInvalidOperationException", *failures.EXCEPTION)
IO = ("System.IO.IOException", "System.SystemException", *failures.EXCEPTION)
NO_ACCESS = ("System.UnauthorizedAccessException", "System.SystemException", *failures.EXCEPTION)
messages.add(
    {
        "item_missing": (
            "Cannot find path '{path}' because it does not exist.",
            "Impossible de trouver le chemin d’accès « {path} », car il n’existe pas.",
        ),
        "drive_missing": (
            "Cannot find drive. A drive with the name '{path}' does not exist.",
            "Lecteur introuvable. Il n’existe aucun lecteur nommé « {path} ».",
        ),
        "folder_not_empty": (
            "Windows PowerShell is in NonInteractive mode: '{path}' has children and Recurse was not given.",
            "Windows PowerShell est en mode non interactif : « {path} » a des enfants et Recurse n’est pas spécifié.",
        ),
        "item_exists": (
            "An item with the specified name {path} already exists.",
            "Un élément avec le nom spécifié {path} existe déjà.",
        ),
        "item_access": ("Access to the path '{path}' is denied.", "L’accès au chemin d’accès « {path} » est refusé."),
    }
)


class FileObject(LiveObject):
    """FileInfo or DirectoryInfo."""

    PROPERTIES: ClassVar = {
        "Name": "name",
        "Length": "length",
        "DirectoryName": "directory",
        "Exists": "yes",
        "FullName": "path",
        "Extension": "extension",
        "CreationTimeUtc": "moment",
        "LastWriteTimeUtc": "moment",
        "PSPath": "ps_path",
        "PSIsContainer": "container",
    }
    yes = True

    def __init__(self, host: Host, path: str, file: File | None) -> None:
        self.path = path
        self.file = file
        self.container = file is None
        self.moment: datetime = host.fleet.clock.start
        self.name = ntpath.basename(path) or path
        self.directory = ntpath.dirname(path)
        self.extension = ntpath.splitext(path)[1]
        self.ps_path = f"Microsoft.PowerShell.Core\\FileSystem::{path}"
        kind = "System.IO.DirectoryInfo" if self.container else "System.IO.FileInfo"
        self.__dict__["TYPE_NAMES"] = (kind, "System.IO.FileSystemInfo", "System.MarshalByRefObject", OBJECT)

    @property
    def length(self) -> Int64:
        """Return the bytes of a file."""
        return Int64(self.file.size if self.file else 0)

    def ps_names(self) -> list[str]:
        """Return the properties: folders have no length."""
        return [n for n in self.PROPERTIES if not (self.container and n in ("Length", "DirectoryName"))]

    def ps_text(self) -> str:
        """Return the path."""
        return self.path


class PathCmdlet(HostCmdlet):
    """A cmdlet on paths of the file system."""

    def paths(self) -> list[str]:
        """Return the paths given; patterns only in -Path are expanded to what fits them."""
        self.host.faults.tick()
        literal = [self._plain(str(p)) for p in as_list(self.given("LiteralPath"))]
        for given in as_list(self.given("Path")):
            text = self._plain(str(given))
            literal += self._expand(text) if has_wildcards(text) else [text.replace("`", "")]
        return literal

    def _plain(self, text: str) -> str:
        for prefix in ("Microsoft.PowerShell.Core\\FileSystem::", "FileSystem::"):
            text = text.removeprefix(prefix)
        text = text.replace("/", "\\")
        return text.rstrip("\\") + "\\" if len(text.rstrip("\\")) == 2 and text[1:2] == ":" else text.rstrip("\\")

    def _expand(self, pattern: str) -> list[str]:
        folder, last = ntpath.split(pattern)
        if has_wildcards(folder) or not self.host.storage.folder_exists(folder):
            return []
        children = self.host.storage.volume(folder).children(folder)
        return [path for path, _file in children if fits(ntpath.basename(path), [last])]

    def wrong(self, error_id: str, category: str, key: str, path: str, exception: tuple[str, ...] = NOT_FOUND) -> None:
        """Write an error about a path."""
        text = messages.text(self.host.language, key, path=path)
        self.fail(ErrorRecord(error_id=error_id, category=category, message=text, exception=exception, target=path))

    def there(self, path: str) -> bool:
        """Return whether a path exists; write the error of a missing path or drive otherwise."""
        if self.host.storage.exists(path):
            return True
        drive = path[:1]
        if path[1:2] == ":" and drive.upper() + ":" not in self.host.storage.volumes:
            self.wrong("DriveNotFound", "ObjectNotFound", "drive_missing", drive, NO_DRIVE)
        else:
            self.wrong("PathNotFound", "ObjectNotFound", "item_missing", path)
        return False

    def may_change(self, path: str) -> bool:
        """Return whether the caller may change files; write the error otherwise."""
        if is_administrator(self):
            return True
        self.wrong("UnauthorizedAccess", "PermissionDenied", "item_access", path, NO_ACCESS)
        return False


class TestPath(PathCmdlet):
    """Test-Path."""

    NAME = "Test-Path"
    CLASS = POWERSHELL_CLASS + "TestPathCommand"

    def process(self) -> None:
        """Write true or false for every path."""
        only(self, "Path", "LiteralPath", "PathType", "IsValid")
        storage = self.host.storage
        kind = str(self.given("PathType", "Any"))
        given = [str(p) for p in as_list(self.given("Path"))]
        if given and has_wildcards(given[0]):
            self.call.write(bool(self.paths()))
            return
        for path in self.paths():
            if kind == "Leaf":
                self.call.write(storage.file(path) is not None)
            elif kind == "Container":
                self.call.write(storage.folder_exists(path))
            else:
                self.call.write(storage.exists(path))


class GetItem(PathCmdlet):
    """Get-Item of files and folders."""

    NAME = "Get-Item"
    CLASS = POWERSHELL_CLASS + "GetItemCommand"

    def process(self) -> None:
        """Write the items."""
        only(self, "Path", "LiteralPath")
        for path in self.paths():
            if self.there(path):
                self.call.write(FileObject(self.host, path, self.host.storage.file(path)))


class GetChildItem(PathCmdlet):
    """Get-ChildItem of folders."""

    NAME = "Get-ChildItem"
    CLASS = POWERSHELL_CLASS + "GetChildItemCommand"

    def process(self) -> None:
        """Write the entries."""
        only(self, "Path", "LiteralPath", "Recurse", "File", "Directory", "Filter", "Name", "Hidden", "Depth")
        for path in self.paths():
            if not self.there(path):
                continue
            file = self.host.storage.file(path)
            if file is not None:
                self.call.write(FileObject(self.host, path, file))
            else:
                self._list(path)

    def _list(self, path: str) -> None:
        pattern = self.given("Filter")
        for child, file in list(self.host.storage.volume(path).children(path)):
            unwanted = (self.switched("File") and file is None) or (self.switched("Directory") and file is not None)
            fitting = pattern is None or wildcard(str(pattern)).fullmatch(ntpath.basename(child))
            if fitting and not unwanted:
                self.call.write(child if self.switched("Name") else FileObject(self.host, child, file))
            if file is None and self.switched("Recurse"):
                self._list(child)


class RemoveItem(PathCmdlet):
    """Remove-Item: files, empty folders, and with -Recurse full ones."""

    NAME = "Remove-Item"
    CLASS = POWERSHELL_CLASS + "RemoveItemCommand"

    def process(self) -> None:
        """Remove the items."""
        only(self, "Path", "LiteralPath", "Recurse")
        for path in self.paths():
            if self.there(path) and self.may_change(path) and self.call.should_process(path):
                self._remove(path)

    def _remove(self, path: str) -> None:
        volume = self.host.storage.volume(path)
        with self.host.fleet.lock:
            if path.lower() in volume.files:
                volume.take(path)
            elif any(True for _ in volume.children(path)) and not self.switched("Recurse"):
                self.wrong("InvalidOperation", "InvalidOperation", "folder_not_empty", path, PROMPT)
            else:
                volume.remove_folder(path)
        self.host.fleet.clock.notify()


class NewItem(PathCmdlet):
    """New-Item: folders and empty files."""

    NAME = "New-Item"
    CLASS = POWERSHELL_CLASS + "NewItemCommand"

    def process(self) -> None:
        """Make the items."""
        only(self, "Path", "ItemType", "Name")
        for given in as_list(self.given("Path")):
            path = ntpath.join(str(given), str(self.given("Name"))) if self.bound_to("Name") else str(given)
            if self.may_change(path) and self.call.should_process(path):
                self._make(path.rstrip("\\"), str(self.given("ItemType", "File")).lower())

    def _make(self, path: str, kind: str) -> None:
        storage = self.host.storage
        try:
            volume = storage.volume(path)
        except NoSuchPath:
            self.wrong("DriveNotFound", "ObjectNotFound", "drive_missing", path[:1], NO_DRIVE)
            return
        with self.host.fleet.lock:
            if kind == "directory":
                if storage.folder_exists(path) and not self.switched("Force"):
                    self.wrong("DirectoryExist", "ResourceExists", "item_exists", path, IO)
                    return
                volume.make_folder(path)
            else:
                try:
                    volume.put(File(path, 0))
                except FileExists:
                    self.wrong("NewItemIOError", "WriteError", "item_exists", path, IO)
                    return
        self.call.write(FileObject(self.host, path, storage.file(path)))


class GetItemProperty(PathCmdlet):
    """Get-ItemProperty of the registry keys that the lab knows."""

    NAME = "Get-ItemProperty"
    CLASS = POWERSHELL_CLASS + "GetItemPropertyCommand"

    def process(self) -> None:
        """Write the values of each key."""
        only(self, "Path", "LiteralPath", "Name")
        for given in as_list(self.given("Path")) + as_list(self.given("LiteralPath")):
            path = str(given).removeprefix("Microsoft.PowerShell.Core\\").removeprefix("Registry::")
            values = registry(self.host, path)
            if values is None:
                self.wrong("PathNotFound", "ObjectNotFound", "item_missing", str(given))
                continue
            names = [str(name) for name in as_list(self.given("Name"))]
            chosen = {key: value for key, value in values.items() if not names or fits(key, names)}
            self.call.write(PropertyBag(chosen))


def registry(host: Host, path: str) -> dict[str, Any] | None:
    """Return the values of a registry key of a host; None for one the lab doesn't know."""
    short = path.replace("HKEY_LOCAL_MACHINE", "HKLM:").replace("HKLM:\\\\", "HKLM:\\").rstrip("\\").lower()
    _version, build = BUILDS[host.edition]
    keys: dict[str, dict[str, Any]] = {
        "hklm:\\software\\microsoft\\windows nt\\currentversion": {
            "CurrentBuild": build,
            "CurrentBuildNumber": build,
            "InstallationType": "Server",
            "UBR": 1,
        },
        "hklm:\\system\\currentcontrolset\\control\\computername\\computername": {"ComputerName": host.name},
        "hklm:\\software\\microsoft\\windows nt\\currentversion\\virtualization": {"Version": build},
    }
    return keys.get(short)


COMMANDS = (TestPath, GetItem, GetChildItem, RemoveItem, NewItem, GetItemProperty)
