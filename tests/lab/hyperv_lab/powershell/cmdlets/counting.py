# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure-Object, Group-Object and Compare-Object."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import members
from ..commands import Cmdlet
from ..numbers import is_number
from ..texts import text_of
from ..values import LiveObject, PropertyBag
from .filtering import equal

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

    def __init__(self, value: Any, group: list[Any]) -> None:
        self.values, self.count, self.group, self.name = [value], len(group), group, text_of(value)


class GroupInfoNoElement(GroupInfo):
    """A group without its elements."""

    TYPE_NAMES: ClassVar[tuple[str, ...]] = (NAMESPACE + "GroupInfoNoElement", *GroupInfo.TYPE_NAMES)


class GroupObject(Cmdlet):
    """Group objects by one property."""

    NAME = "Group-Object"
    CLASS = NAMESPACE + "GroupObjectCommand"

    def begin(self) -> None:
        self.groups: list[tuple[Any, list[Any]]] = []

    def process(self) -> None:
        if "InputObject" not in self.call.bound:
            return
        value = self.call.bound["InputObject"]
        wanted = self.call.bound.get("Property")
        key = members.get(value, str(wanted[0])) if wanted else value
        for held, group in self.groups:
            if equal(held, key):
                group.append(value)
                return
        self.groups.append((key, [value]))

    def end(self) -> None:
        bare = bool(self.call.bound.get("NoElement"))
        for key, group in self.groups:
            self.call.write(GroupInfoNoElement(key, group) if bare else GroupInfo(key, group))


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
