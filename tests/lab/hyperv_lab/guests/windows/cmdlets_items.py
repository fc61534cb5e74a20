# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Items of both providers: Get-Item, Get-ChildItem, Test-Path, New-Item, Remove-Item, Resolve-Path."""

from __future__ import annotations

import ntpath
from typing import ClassVar

from ...hyperv.base import POWERSHELL_CLASS, as_list, fits
from ...hyperv.cmdlets_system import only
from ...hyperv.paths import IO, NO_DRIVE, PROMPT
from ...hyperv.storage import NoSuchPath
from ...powershell.values import OBJECT, PropertyBag
from .items import REGISTRY, Item, ItemCmdlet


class TestPath(ItemCmdlet):
    """Test-Path."""

    NAME = "Test-Path"
    CLASS = POWERSHELL_CLASS + "TestPathCommand"

    def process(self) -> None:
        """Write true or false for every path given."""
        only(self, "Path", "LiteralPath", "PathType", "IsValid")
        kind = str(self.given("PathType", "Any"))
        self.machine.faults.tick()
        for given in as_list(self.given("LiteralPath")):
            self.call.write(self._fits(self.item(str(given)), kind))
        for given in as_list(self.given("Path")):
            item = self.item(str(given))
            self.call.write(any(self._fits(one, kind) for one in self.expanded(item)))

    def _fits(self, item: Item, kind: str) -> bool:
        if not self.exists(item):
            return False
        container = item.provider == REGISTRY or self.machine.files.is_folder(item.path)
        return kind == "Any" or container == (kind == "Container")


class GetItem(ItemCmdlet):
    """Get-Item."""

    NAME = "Get-Item"
    CLASS = POWERSHELL_CLASS + "GetItemCommand"

    def process(self) -> None:
        """Write the items."""
        only(self, "Path", "LiteralPath")
        for item in self.items():
            if self.there(item):
                self.show(item)


class GetChildItem(ItemCmdlet):
    """Get-ChildItem of keys and folders."""

    NAME = "Get-ChildItem"
    CLASS = POWERSHELL_CLASS + "GetChildItemCommand"
    KNOWN: ClassVar = ("Path", "LiteralPath", "Recurse", "File", "Directory", "Filter", "Name", "Include", "Exclude")

    def process(self) -> None:
        """Write the entries; a pattern in the last part of -Path stands for the entries themselves."""
        only(self, *self.KNOWN)
        given = as_list(self.given("Path"))
        patterns = {str(path) for path in given if any(sign in str(path).rpartition("\\")[2] for sign in "*?[")}
        for path in (*given, *as_list(self.given("LiteralPath"))):
            item = self.item(str(path))
            if str(path) in patterns:
                for found in self.expanded(item):
                    self._entry(found)
            elif self.there(item):
                if item.provider != REGISTRY and self.machine.files.is_file(item.path):
                    self._entry(item)
                else:
                    self._list(item)

    def _list(self, item: Item) -> None:
        if item.provider == REGISTRY:
            paths = [f"{item.path}\\{name}" for name in self.machine.registry.keys(item.path)]
        else:
            paths = self.machine.files.list(item.path)
        for path in paths:
            self._entry(Item(item.provider, path))
            if self.switched("Recurse") and (item.provider == REGISTRY or self.machine.files.is_folder(path)):
                self._list(Item(item.provider, path))

    def _entry(self, item: Item) -> None:
        name = ntpath.basename(item.path)
        file = item.provider != REGISTRY and self.machine.files.is_file(item.path)
        unwanted = (self.switched("File") and not file) or (self.switched("Directory") and file)
        filtered = [str(self.given("Filter"))] if self.bound_to("Filter") else []
        included = [str(each) for each in as_list(self.given("Include"))]
        excluded = [str(each) for each in as_list(self.given("Exclude"))]
        fitting = all(not patterns or fits(name, patterns) for patterns in (filtered, included))
        if unwanted or not fitting or fits(name, excluded):
            return
        if self.switched("Name"):
            self.call.write(name)
        else:
            self.show(item)


class NewItem(ItemCmdlet):
    """New-Item: keys, folders, files (with -Value)."""

    NAME = "New-Item"
    CLASS = POWERSHELL_CLASS + "NewItemCommand"

    def process(self) -> None:
        """Make the items."""
        only(self, "Path", "ItemType", "Name", "Value")
        for given in as_list(self.given("Path")):
            path = f"{str(given).rstrip(chr(92))}\\{self.given('Name')}" if self.bound_to("Name") else str(given)
            item = self.item(path)
            if self.may_change(item) and self.call.should_process(item.path):
                with self.machine.fleet.lock:
                    made = self._key(item) if item.provider == REGISTRY else self._file(item)
                if made:
                    self.show(item)

    def _key(self, item: Item) -> bool:
        registry = self.machine.registry
        if registry.exists(item.path):
            if not self.switched("Force"):
                self.wrong("System.IO.IOException", "ResourceExists", "key_exists", self.shown(item), IO)
                return False
            registry.delete_key(item.path)
        registry.create(item.path)
        if self.bound_to("Value"):
            registry.set(item.path, "", str(self.given("Value")))
        return True

    def _file(self, item: Item) -> bool:
        files = self.machine.files
        kind = str(self.given("ItemType", "File")).lower()
        try:
            if kind == "directory":
                if files.is_folder(item.path) and not self.switched("Force"):
                    self.wrong("DirectoryExist", "ResourceExists", "item_exists", item.path, IO)
                    return False
                files.make_folder(item.path)
                return True
            parent_there = files.is_folder(ntpath.dirname(item.path)) or self.switched("Force")
            if not parent_there:
                self.wrong("NewItemIOError", "WriteError", "item_missing", ntpath.dirname(item.path), IO)
                return False
            if files.exists(item.path) and not self.switched("Force"):
                self.wrong("NewItemIOError", "WriteError", "item_exists", item.path, IO)
                return False
            files.write(item.path, str(self.given("Value", "")))
        except NoSuchPath:
            self.wrong("DriveNotFound", "ObjectNotFound", "drive_missing", item.path[:1], NO_DRIVE)
            return False
        return True


class RemoveItem(ItemCmdlet):
    """Remove-Item: what has something below needs -Recurse."""

    NAME = "Remove-Item"
    CLASS = POWERSHELL_CLASS + "RemoveItemCommand"

    def process(self) -> None:
        """Remove the items."""
        only(self, "Path", "LiteralPath", "Recurse")
        for item in self.items():
            if self.there(item) and self.may_change(item) and self.call.should_process(item.path):
                with self.machine.fleet.lock:
                    self._remove(item)
        self.machine.fleet.clock.notify()

    def _remove(self, item: Item) -> None:
        registry, files = self.machine.registry, self.machine.files
        below = registry.keys(item.path) if item.provider == REGISTRY else files.list(item.path)
        if below and not self.switched("Recurse"):
            self.wrong("InvalidOperation", "InvalidOperation", "folder_not_empty", self.shown(item), PROMPT)
        elif item.provider == REGISTRY:
            registry.delete_key(item.path)
        else:
            files.delete(item.path)


class ResolvePath(ItemCmdlet):
    """Resolve-Path."""

    NAME = "Resolve-Path"
    CLASS = POWERSHELL_CLASS + "ResolvePathCommand"

    def process(self) -> None:
        """Write the paths that are there."""
        only(self, "Path", "LiteralPath")
        for item in self.items():
            if self.there(item):
                values = {"Path": self.shown(item), "ProviderPath": item.path}
                self.call.write(PropertyBag(values, ("System.Management.Automation.PathInfo", OBJECT), item.path))


COMMANDS = (TestPath, GetItem, GetChildItem, NewItem, RemoveItem, ResolvePath)
