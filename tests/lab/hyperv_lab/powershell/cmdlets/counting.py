# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure-Object, Group-Object and Compare-Object."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import members
from ..commands import Cmdlet
from ..lists import ArrayList
from ..numbers import is_number
from ..texts import text_of
from ..values import LiveObject, PropertyBag
from .comparing import equal, same

NAMESPACE = "Microsoft.PowerShell.Commands."


class MeasureInfo(LiveObject):
    """What Measure-Object gives."""

    TYPE_NAMES = (NAMESPACE + "GenericMeasureInfo", NAMESPACE + "MeasureInfo", "System.Object")
    PROPERTIES = {  # noqa: RUF012 - a table shared by all, never changed
        "Count": "count",
        "Average": "average",
        "Sum": "sum",
        "Maximum": "maximum",
        "Minimum": "minimum",
        "StandardDeviation": "deviation",
        "Property": "property",
    }

    def __init__(self, count: int, name: str | None) -> None:
        self.count, self.property = count, name
        self.average = self.sum = self.maximum = self.minimum = self.deviation = None


class MeasureObject(Cmdlet):
    """Count objects, and add up numbers."""

    NAME = "Measure-Object"
    CLASS = NAMESPACE + "MeasureObjectCommand"

    def begin(self) -> None:
        self.held: list[Any] = []

    def process(self) -> None:
        if "InputObject" in self.call.bound:
            self.held.append(self.call.bound["InputObject"])

    def end(self) -> None:
        wanted = self.call.bound.get("Property")
        if not wanted:
            self.call.write(MeasureInfo(len(self.held), None))
            return
        for name in wanted:
            values = [members.get(value, str(name)) for value in self.held]
            self.call.write(self.measure(str(name), [value for value in values if value is not None]))

    def measure(self, name: str, values: list[Any]) -> MeasureInfo:
        """Return what was asked of the values of one property."""
        info = MeasureInfo(len(values), name)
        numbers = [float(value) for value in values if is_number(value)]
        if numbers and self.call.bound.get("Sum"):
            info.sum = sum(numbers)  # type: ignore[assignment]
        if numbers and self.call.bound.get("Average"):
            info.average = sum(numbers) / len(numbers)  # type: ignore[assignment]
        if numbers and self.call.bound.get("Maximum"):
            info.maximum = max(numbers)  # type: ignore[assignment]
        if numbers and self.call.bound.get("Minimum"):
            info.minimum = min(numbers)  # type: ignore[assignment]
        return info


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
        reference = list(self.call.bound.get("ReferenceObject") or ())
        difference = list(self.call.bound.get("DifferenceObject") or ())
        for value in difference:
            if not any(equal(each, value) for each in reference):
                self.call.write(PropertyBag({"InputObject": value, "SideIndicator": "=>"}))
        for value in reference:
            if not any(equal(each, value) for each in difference):
                self.call.write(PropertyBag({"InputObject": value, "SideIndicator": "<="}))


COMMANDS = (MeasureObject, GroupObject, CompareObject)
