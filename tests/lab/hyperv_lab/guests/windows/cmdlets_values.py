# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of registry keys: Get-, New-, Set- and Remove-ItemProperty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...hyperv.base import POWERSHELL_CLASS, as_list, has_wildcards
from ...hyperv.cmdlets_system import only
from ...hyperv.paths import IO, FileObject
from ...powershell.values import Int64
from .items import ARGUMENT, REGISTRY, Item, ItemCmdlet, values_of
from .registry import KINDS

if TYPE_CHECKING:
    from .registry import Data


class GetItemProperty(ItemCmdlet):
    """Get-ItemProperty: a key without values gives nothing, a missing name an error (the provider's own rules)."""

    NAME = "Get-ItemProperty"
    CLASS = POWERSHELL_CLASS + "GetItemPropertyCommand"

    def process(self) -> None:
        """Write the values of each key."""
        only(self, "Path", "LiteralPath", "Name")
        names = [str(name) for name in as_list(self.given("Name"))]
        for item in self.items():
            if not self.there(item):
                continue
            if item.provider != REGISTRY:
                self.call.write(FileObject(self.machine, item.path, self.machine.storage.file(item.path)))
                continue
            for name in names:
                plain = "" if name == "(default)" else name
                if not has_wildcards(name) and self.machine.registry.get(item.path, plain) is None:
                    self.missing(item, name)
            found = values_of(self.machine, item.path, names)
            if found is not None:
                self.call.write(found)

    def missing(self, item: Item, name: str) -> None:
        """Write the error of a value that isn't there."""
        error_id = "System.Management.Automation.PSArgumentException"
        self.wrong(error_id, "InvalidArgument", "value_missing", self.shown(item), ARGUMENT, name=name)


class ValueCmdlet(ItemCmdlet):
    """A cmdlet that changes values of keys."""

    def keys(self) -> list[Item]:
        """Return the keys given that are there and may be changed; write errors for the others."""
        found = [item for item in self.items() if item.provider == REGISTRY and self.there(item)]
        return [item for item in found if self.may_change(item)]

    def put(self, item: Item, name: str, kind: str | None) -> None:
        """Set a value to -Value; without a kind that of the old value stays, or it follows from the value."""
        old = self.machine.registry.get(item.path, name)
        given = self.given("Value")
        if kind in (None, "Unknown", "None"):
            kind = old.kind if old else _guessed(given)
        with self.machine.fleet.lock:
            self.machine.registry.set(item.path, name, _data(given, str(kind)), str(kind))
        self.machine.fleet.clock.notify()

    def written(self, item: Item, name: str) -> None:
        """Write the changed value as an object."""
        found = values_of(self.machine, item.path, [name])
        if found is not None:
            self.call.write(found)


class NewItemProperty(ValueCmdlet):
    """New-ItemProperty."""

    NAME = "New-ItemProperty"
    CLASS = POWERSHELL_CLASS + "NewItemPropertyCommand"

    def process(self) -> None:
        """Make a value; one that is there is replaced only with -Force."""
        only(self, "Path", "LiteralPath", "Name", "Value", "PropertyType")
        name = str(self.given("Name"))
        for item in self.keys():
            if self.machine.registry.get(item.path, name) is not None and not self.switched("Force"):
                self.wrong("System.IO.IOException", "ResourceExists", "value_exists", self.shown(item), IO)
            elif self.call.should_process(item.path):
                kind = self.given("PropertyType")
                self.put(item, name, _kind(kind))
                self.written(item, name)


class SetItemProperty(ValueCmdlet):
    """Set-ItemProperty by name and value."""

    NAME = "Set-ItemProperty"
    CLASS = POWERSHELL_CLASS + "SetItemPropertyCommand"

    def process(self) -> None:
        """Set a value, made where it isn't there."""
        only(self, "Path", "LiteralPath", "Name", "Value", "Type")
        name = str(self.given("Name"))
        for item in self.keys():
            if self.call.should_process(item.path):
                self.put(item, name, _kind(self.given("Type")))
                if self.switched("PassThru"):
                    self.written(item, name)


class RemoveItemProperty(ValueCmdlet):
    """Remove-ItemProperty."""

    NAME = "Remove-ItemProperty"
    CLASS = POWERSHELL_CLASS + "RemoveItemPropertyCommand"

    def process(self) -> None:
        """Remove values."""
        only(self, "Path", "LiteralPath", "Name")
        for item in self.keys():
            for name in as_list(self.given("Name")):
                if not self.call.should_process(item.path):
                    continue
                with self.machine.fleet.lock:
                    gone = self.machine.registry.delete_value(item.path, str(name))
                if not gone:
                    error_id = "System.Management.Automation.PSArgumentException"
                    self.wrong(error_id, "InvalidArgument", "value_missing", self.shown(item), ARGUMENT, name=name)


def _kind(given: Any) -> str | None:
    if given is None:
        return None
    return next((kind for kind in KINDS if kind.lower() == str(given).lower()), None)


def _guessed(given: Any) -> str:
    if isinstance(given, Int64):
        return "QWord"
    if isinstance(given, int) and not isinstance(given, bool):
        return "DWord"
    if isinstance(given, bytes):
        return "Binary"
    return "MultiString" if isinstance(given, list) else "String"


def _data(given: Any, kind: str) -> Data:
    if kind in ("DWord", "QWord"):
        number: int = int(str(given), 0) % (2**32 if kind == "DWord" else 2**64)
        return number
    if kind == "MultiString":
        return tuple(str(each) for each in as_list(given))
    if kind == "Binary":
        return bytes(int(each) for each in as_list(given)) if isinstance(given, list) else bytes(given or b"")
    return "" if given is None else str(given)


COMMANDS = (GetItemProperty, NewItemProperty, SetItemProperty, RemoveItemProperty)
