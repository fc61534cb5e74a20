# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Items of a Windows machine by path: keys of the registry, files and folders, and what the cmdlets show of them."""

from __future__ import annotations

import ntpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ...hyperv import failures, messages
from ...hyperv.base import HostCmdlet, as_list, fits, has_wildcards
from ...hyperv.cmdlets_system import is_administrator
from ...hyperv.file_tree import plain
from ...hyperv.paths import NO_ACCESS, NO_DRIVE, NOT_FOUND, FileObject
from ...hyperv.reach import Reach
from ...hyperv.sharing import ACCESS_DENIED
from ...powershell.commands import ErrorRecord
from ...powershell.providers import provider_of
from ...powershell.values import OBJECT, Int64, LiveObject, PropertyBag, TypedArray
from .dispatch import expand
from .registry import Value, parent, spelled

if TYPE_CHECKING:
    from .state import WindowsMachine

REGISTRY, FILES = "Registry", "FileSystem"
_HIVES = {"HKLM": "HKEY_LOCAL_MACHINE", "HKCU": "HKEY_CURRENT_USER", "HKU": "HKEY_USERS", "HKCR": "HKEY_CLASSES_ROOT"}
_DRIVES = ("HKLM", "HKCU")
_FILE_PREFIXES = ("microsoft.powershell.core\\filesystem::", "filesystem::")
SECURITY = ("System.Security.SecurityException", "System.SystemException", *failures.EXCEPTION)
ARGUMENT = ("System.Management.Automation.PSArgumentException", "System.ArgumentException", *failures.EXCEPTION)
messages.add(
    {
        "value_missing": (
            "Property {name} does not exist at path {path}.",
            "La propriété {name} n’existe pas dans le chemin d’accès {path}.",
        ),
        "value_exists": ("The property already exists.", "La propriété existe déjà."),
        "key_access": ("Requested registry access is not allowed.", "L’accès au Registre demandé n’est pas autorisé."),
        "key_exists": ("A key in this path already exists.", "Une clé existe déjà dans ce chemin d’accès."),
    }
)


@dataclass(frozen=True)
class Item:
    """A path as a cmdlet means it: with a short hive for keys (``HKLM\\…``), plain for files."""

    provider: str
    path: str


def long_name(path: str) -> str:
    """Return a canonical key's path with the hive's long name."""
    hive, slash, rest = path.partition("\\")
    return _HIVES.get(hive, hive) + slash + rest


def key_notes(path: str) -> dict[str, Any]:
    """Return the notes that the registry provider adds to what it writes about a key."""
    full = long_name(path)
    hive = path.partition("\\")[0]
    return {
        "PSPath": f"Microsoft.PowerShell.Core\\Registry::{full}",
        "PSParentPath": f"Microsoft.PowerShell.Core\\Registry::{parent(full)}",
        "PSChildName": full.rpartition("\\")[2],
        **({"PSDrive": hive} if hive in _DRIVES else {}),
        "PSProvider": "Microsoft.PowerShell.Core\\Registry",
    }


def wire_value(value: Value) -> Any:
    """Return a registry value as PowerShell has it: DWORDs are signed, expandable texts are expanded."""
    data = value.data
    if isinstance(data, tuple):
        return TypedArray("System.String", list(data))
    if isinstance(data, bytes):
        return data
    if isinstance(data, int):
        if value.kind == "QWord":
            return Int64(data)
        return data - 2**32 if data >= 2**31 else data
    return expand(data) if value.kind == "ExpandString" else data


class RegistryKey(LiveObject):
    """Microsoft.Win32.RegistryKey with the provider's notes."""

    TYPE_NAMES: ClassVar = ("Microsoft.Win32.RegistryKey", "System.MarshalByRefObject", OBJECT)
    PROPERTIES: ClassVar = {"Property": "values", "SubKeyCount": "below", "ValueCount": "count", "Name": "name"}

    def __init__(self, machine: WindowsMachine, path: str) -> None:
        self.machine = machine
        self.path = machine.registry.written(path)
        self.name = long_name(self.path)
        self.notes = {**key_notes(self.path), "PSIsContainer": True}

    @property
    def values(self) -> TypedArray:
        """Return the names of the key's values."""
        found = [value.name or "(default)" for value in self.machine.registry.values(self.path)]
        return TypedArray("System.String", found)

    @property
    def count(self) -> int:
        """Return how many values it has."""
        return len(self.machine.registry.values(self.path))

    @property
    def below(self) -> int:
        """Return how many keys lie right below."""
        return len(self.machine.registry.keys(self.path))

    def ps_names(self) -> list[str]:
        """Return the properties and the notes."""
        return [*self.PROPERTIES, *self.notes]

    def ps_get(self, name: str) -> Any:
        """Return a property or a note."""
        return self.notes[name] if name in self.notes else getattr(self, self.PROPERTIES[name])

    def ps_text(self) -> str:
        """Return the key's name."""
        return self.name


class ItemCmdlet(HostCmdlet):
    """A cmdlet on items by -Path (with wildcards) or -LiteralPath."""

    CONTAINER_ONLY: ClassVar[bool] = False

    @property
    def machine(self) -> WindowsMachine:
        """Return the machine."""
        machine: WindowsMachine = self.call.session.host
        return machine

    def items(self) -> list[Item]:
        """Return the items given, patterns replaced by what fits them; those that aren't there are still in it."""
        self.machine.faults.tick()
        found = [self.item(str(path)) for path in as_list(self.given("LiteralPath"))]
        for given in as_list(self.given("Path")):
            item = self.item(str(given))
            found += self.expanded(item) if has_wildcards(item.path) else [item]
        return found

    @staticmethod
    def item(given: str) -> Item:
        """Return what a path as text means."""
        if provider_of(given) == REGISTRY:
            return Item(REGISTRY, spelled(given))
        lowered = given.lower()
        for prefix in _FILE_PREFIXES:
            if lowered.startswith(prefix):
                return Item(FILES, plain(given[len(prefix) :]))
        return Item(FILES, plain(given) if given else "")

    def expanded(self, item: Item) -> list[Item]:
        """Return the items that a pattern fits, in order."""
        head, *rest = item.path.split("\\")
        found = [head]
        for part in rest:
            if has_wildcards(part):
                found = [f"{place}\\{name}" for place in found for name in self._names(item.provider, place)
                         if fits(name, [part])]  # fmt: skip
            else:
                found = [f"{place}\\{part}" for place in found]
        return [each for path in found if self.exists(each := Item(item.provider, path))]

    def _names(self, provider: str, place: str) -> list[str]:
        if provider == REGISTRY:
            return self.machine.registry.keys(place)
        return [ntpath.basename(path) for path in self.machine.files.list(place)]

    def exists(self, item: Item) -> bool:
        """Return whether an item is there."""
        if item.provider == REGISTRY:
            return self.machine.registry.exists(item.path) or item.path in _DRIVES
        return self.machine.files.exists(item.path) and not self._refused(item)

    def _refused(self, item: Item) -> bool:
        """Return whether a share does not let the session in."""
        remote = item.provider == FILES and item.path.startswith("\\\\")
        return remote and Reach(self.call.session).refused(item.path) == ACCESS_DENIED

    def there(self, item: Item) -> bool:
        """Return whether an item is there; write the error of a missing path or drive otherwise."""
        if self.exists(item):
            return True
        drive = item.path[:2].upper()
        if item.provider == FILES and drive[1:] == ":" and drive not in self.machine.storage.volumes:
            self.wrong("DriveNotFound", "ObjectNotFound", "drive_missing", drive[:1], NO_DRIVE)
        elif self._refused(item):
            self.wrong("ItemExistsUnauthorizedAccessError", "PermissionDenied", "item_access", item.path, NO_ACCESS)
        else:
            self.wrong("PathNotFound", "ObjectNotFound", "item_missing", self.shown(item), NOT_FOUND)
        return False

    @staticmethod
    def shown(item: Item) -> str:
        """Return an item's path for people: a drive of PowerShell for keys."""
        return item.path.replace("\\", ":\\", 1) if item.provider == REGISTRY else item.path

    def wrong(
        self, error_id: str, category: str, key: str, path: str, exception: tuple[str, ...], **values: Any
    ) -> None:
        """Write an error about a path."""
        text = messages.text(self.machine.language, key, path=path, **values)
        self.fail(ErrorRecord(error_id=error_id, category=category, message=text, exception=exception, target=path))

    def may_change(self, item: Item) -> bool:
        """Return whether the caller may change an item; write the error otherwise."""
        if is_administrator(self):
            return True
        if item.provider == REGISTRY:
            self.wrong(
                "System.Security.SecurityException", "PermissionDenied", "key_access", self.shown(item), SECURITY
            )
        else:
            self.wrong("UnauthorizedAccess", "PermissionDenied", "item_access", item.path, NO_ACCESS)
        return False

    def show(self, item: Item) -> None:
        """Write an item."""
        if item.provider == REGISTRY:
            self.call.write(RegistryKey(self.machine, item.path))
        else:
            self.call.write(FileObject(self.machine, item.path, self.machine.storage.file(item.path)))


def values_of(machine: WindowsMachine, path: str, names: list[str]) -> PropertyBag | None:
    """Return the values of a key that fit the names (none: all) with the provider's notes; None where none fits."""
    values = {
        value.name or "(default)": wire_value(value)
        for value in machine.registry.values(path)
        if not names or fits(value.name or "(default)", names)
    }
    return PropertyBag({**values, **key_notes(machine.registry.written(path))}) if values else None
