# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and folders through PowerShell's providers, and a little of the registry."""

from __future__ import annotations

import ntpath
from typing import TYPE_CHECKING, Any

from ..powershell.values import PropertyBag
from .base import POWERSHELL_CLASS, as_list, fits, has_wildcards, wildcard
from .cmdlets_system import only
from .contents import in_use
from .host import BUILDS
from .host_policies import policy_values, provider_items
from .paths import IO, PROMPT, SHARING_VIOLATION, PathCmdlet, plain_path
from .storage import File, FileExists

if TYPE_CHECKING:
    from .host import Host
    from .reach import Place


class TestPath(PathCmdlet):
    """Test-Path: a share without access is an error beside the answer (field errors)."""

    NAME = "Test-Path"
    CLASS = POWERSHELL_CLASS + "TestPathCommand"

    def process(self) -> None:
        """Write true or false for every path."""
        only(self, "Path", "LiteralPath", "PathType", "IsValid")
        kind = str(self.given("PathType", "Any"))
        given = [str(p) for p in as_list(self.given("Path"))]
        if given and has_wildcards(given[0]):
            self.call.write(bool(self.paths()))
            return
        for path in self.paths():
            self.reachable(path)
            if kind == "Leaf":
                self.call.write(self.reach.file(path) is not None)
            elif kind == "Container":
                self.call.write(self.reach.is_folder(path))
            else:
                self.call.write(self.reach.exists(path))


class GetItem(PathCmdlet):
    """Get-Item of files and folders."""

    NAME = "Get-Item"
    CLASS = POWERSHELL_CLASS + "GetItemCommand"

    def process(self) -> None:
        """Write the items."""
        only(self, "Path", "LiteralPath")
        for path in self.paths():
            if self.there(path):
                self.show(path)


class GetChildItem(PathCmdlet):
    """Get-ChildItem of folders."""

    NAME = "Get-ChildItem"
    CLASS = POWERSHELL_CLASS + "GetChildItemCommand"

    def process(self) -> None:
        """Write the entries."""
        only(self, "Path", "LiteralPath", "Recurse", "File", "Directory", "Filter", "Name", "Hidden", "Depth")
        given = [str(path) for path in as_list(self.given("Path")) + as_list(self.given("LiteralPath"))]
        if given and all(path.lower().startswith(("cert:", "hklm:")) for path in given):
            self._items(given)
            return
        for path in self.paths():
            if not self.there(path):
                continue
            if self.reach.file(path) is not None:
                self.show(path)
            else:
                self._list(path)

    def _items(self, given: list[str]) -> None:
        """Write what other providers than that of files have there."""
        for path in given:
            found = provider_items(self.host, path)
            if found is None:
                self.wrong("PathNotFound", "ObjectNotFound", "item_missing", path)
                continue
            for item in found:
                self.call.write(item)

    def _list(self, path: str) -> None:
        pattern = self.given("Filter")
        for child, file in self.reach.children(path):
            unwanted = (self.switched("File") and file is None) or (self.switched("Directory") and file is not None)
            fitting = pattern is None or wildcard(str(pattern)).fullmatch(ntpath.basename(child))
            if fitting and not unwanted:
                if self.switched("Name"):
                    self.call.write(child)
                else:
                    self.show(child)
            if file is None and self.switched("Recurse"):
                self._list(child)


class RemoveItem(PathCmdlet):
    """Remove-Item: files, empty folders, and with -Recurse full ones. A file in use stays (its id from memory)."""

    NAME = "Remove-Item"
    CLASS = POWERSHELL_CLASS + "RemoveItemCommand"

    def process(self) -> None:
        """Remove the items."""
        only(self, "Path", "LiteralPath", "Recurse")
        for path in self.paths():
            if self.there(path) and self.may_change(path) and self.call.should_process(path):
                self._remove(path)

    def _remove(self, path: str) -> None:
        place = self.reach.place(path)
        if place is None:
            return
        with self.host.fleet.lock:
            volume = place.volume
            if place.path.lower() in volume.files:
                if not self.closed(path, "RemoveFileSystemItemIOError", "WriteError"):
                    volume.take(place.path)
            elif any(True for _ in volume.children(place.path)) and not self.switched("Recurse"):
                self.wrong("InvalidOperation", "InvalidOperation", "folder_not_empty", path, PROMPT)
            else:
                self._remove_folder(path, place)
        self.host.fleet.clock.notify()

    def _remove_folder(self, path: str, place: Place) -> None:
        below = place.path.rstrip("\\").lower() + "\\"
        held = [file.path for key, file in place.volume.files.items()
                if key.startswith(below) and in_use(place.host, file.path)]  # fmt: skip
        if not held:
            place.volume.remove_folder(place.path)
            return
        for key in [key for key in place.volume.files if key.startswith(below)]:
            if place.volume.files[key].path not in held:
                place.volume.take(key)
        for one in held:
            shown = path + one[len(place.path) :]
            self.wrong("RemoveFileSystemItemIOError", "WriteError", "item_in_use", shown, IO, hresult=SHARING_VIOLATION)


class NewItem(PathCmdlet):
    """New-Item: folders and empty files."""

    NAME = "New-Item"
    CLASS = POWERSHELL_CLASS + "NewItemCommand"

    def process(self) -> None:
        """Make the items."""
        only(self, "Path", "ItemType", "Name")
        for given in as_list(self.given("Path")):
            path = ntpath.join(str(given), str(self.given("Name"))) if self.bound_to("Name") else str(given)
            path = plain_path(path)
            if self.may_change(path) and self.call.should_process(path):
                self._make(path, str(self.given("ItemType", "File")).lower())

    def _make(self, path: str, kind: str) -> None:
        place = self.reach.place(path)
        if place is None:
            return
        with self.host.fleet.lock:
            if kind == "directory":
                if place.is_folder and not self.switched("Force"):
                    self.wrong("DirectoryExist", "ResourceExists", "item_exists", path, IO)
                    return
                place.volume.make_folder(place.path)
            else:
                try:
                    place.volume.put(File(place.path, 0, content=b""))
                except FileExists:
                    self.wrong("NewItemIOError", "WriteError", "item_exists", path, IO)
                    return
            place.host.stamp(place.path)
        self.show(path)


class GetItemProperty(PathCmdlet):
    """Get-ItemProperty of the registry keys that the lab knows."""

    NAME = "Get-ItemProperty"
    CLASS = POWERSHELL_CLASS + "GetItemPropertyCommand"

    def process(self) -> None:
        """Write the values of each key."""
        only(self, "Path", "LiteralPath", "Name")
        for given in as_list(self.given("Path")) + as_list(self.given("LiteralPath")):
            path = str(given).removeprefix("Microsoft.PowerShell.Core\\").removeprefix("Registry::")
            values = policy_values(self.host, path) or registry(self.host, path)
            if values is None:
                self.wrong("PathNotFound", "ObjectNotFound", "item_missing", str(given))
                continue
            names = [str(name) for name in as_list(self.given("Name"))]
            chosen = {key: value for key, value in values.items() if not names or fits(key, names)}
            self.call.write(PropertyBag({**chosen, "PSPath": str(given), "PSChildName": ntpath.basename(path)}))


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
