# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group-Object and Compare-Object."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import members
from ..commands import Cmdlet
from ..extended import extended
from ..lists import ArrayList
from ..texts import text_of
from ..values import LiveObject, PropertyBag
from .comparing import same

NAMESPACE = "Microsoft.PowerShell.Commands."


class GroupInfo(LiveObject):
    """One group of Group-Object."""

    TYPE_NAMES: ClassVar[tuple[str, ...]] = (NAMESPACE + "GroupInfo", "System.Object")
    PROPERTIES = {"Values": "values", "Count": "count", "Group": "group", "Name": "name"}  # noqa: RUF012 - as above

    def __init__(self, keys: list[Any], count: int, group: list[Any]) -> None:
        self.values, self.count, self.group = ArrayList(keys), count, group
        self.name = ", ".join(text_of(key) for key in keys)


class GroupInfoNoElement(GroupInfo):
    """A group without its elements."""

    TYPE_NAMES: ClassVar[tuple[str, ...]] = (NAMESPACE + "GroupInfoNoElement", *GroupInfo.TYPE_NAMES)


class _Elements(list[Any]):
    """The Collection<PSObject> of a group."""

    def __init__(self, version: str, items: list[Any]) -> None:
        super().__init__(items)
        assembly = f"System.Management.Automation, Version={version}, Culture=neutral, PublicKeyToken=31bf3856ad364e35"
        element = f"[System.Management.Automation.PSObject, {assembly}]"
        self.type_names = (f"System.Collections.ObjectModel.Collection`1[{element}]", "System.Object")


class GroupObject(Cmdlet):
    """Group objects by properties."""

    NAME = "Group-Object"
    CLASS = NAMESPACE + "GroupObjectCommand"

    def begin(self) -> None:
        self.groups: list[tuple[list[Any], list[Any]]] = []

    def process(self) -> None:
        value = self.call.bound.get("InputObject")
        if value is None:
            return
        wanted = self.call.bound.get("Property")
        keys = [members.get(value, str(each)) for each in wanted] if wanted else [value]
        case = bool(self.call.bound.get("CaseSensitive"))
        for held, group in self.groups:
            if all(same(one, two, case=case) for one, two in zip(held, keys, strict=True)):
                group.append(value)
                return
        self.groups.append((keys, [value]))

    def end(self) -> None:
        session: Any = self.call.session
        version = "7.6.0.500" if session.is_core else "3.0.0.0"
        bare = bool(self.call.bound.get("NoElement"))
        for keys, group in self.groups:
            kind = GroupInfoNoElement if bare else GroupInfo
            self.call.write(kind(keys, len(group), _Elements(version, [] if bare else group)))


class CompareObject(Cmdlet):
    """Write what one list has and the other lacks."""

    NAME = "Compare-Object"
    CLASS = NAMESPACE + "CompareObjectCommand"

    def process(self) -> None:
        bound = self.call.bound
        reference = list(bound.get("ReferenceObject") or ())
        difference = list(bound.get("DifferenceObject") or ())
        left = list(reference)
        for value in difference:
            found = next((each for each in left if self._same(each, value)), None)
            if found is None:
                self._write(value, "=>")
            else:
                left.remove(found)
                if bound.get("IncludeEqual"):
                    self._write(found, "==")
        for value in left:
            self._write(value, "<=")

    def _keys(self, value: Any) -> list[Any]:
        wanted = self.call.bound.get("Property")
        return [members.get(value, str(name)) for name in wanted] if wanted else [value]

    def _same(self, one: Any, two: Any) -> bool:
        case = bool(self.call.bound.get("CaseSensitive"))
        pairs = zip(self._keys(one), self._keys(two), strict=True)
        return all(same(left, right, case=case) for left, right in pairs)

    def _write(self, value: Any, side: str) -> None:
        bound = self.call.bound
        if side != "==" and bound.get("ExcludeDifferent"):
            return
        if bound.get("PassThru"):
            self.call.write(extended(value, {"SideIndicator": side}, "System.Management.Automation.PSCustomObject"))
            return
        wanted = bound.get("Property")
        notes = (
            dict(zip([str(name) for name in wanted], self._keys(value), strict=True))
            if wanted
            else {"InputObject": value}
        )
        self.call.write(PropertyBag({**notes, "SideIndicator": side}))


COMMANDS = (GroupObject, CompareObject)
