# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure-Object."""

from __future__ import annotations

import math
from functools import cmp_to_key
from typing import Any

from .. import members
from ..commands import Cmdlet, ErrorRecord
from ..texts import text_of
from ..values import LiveObject
from ..wildcards import has_wildcards
from .comparing import Incomparable, number_of, order

NAMESPACE = "Microsoft.PowerShell.Commands."
ARGUMENT = (
    "System.Management.Automation.PSArgumentException",
    "System.ArgumentException",
    "System.SystemException",
    "System.Exception",
    "System.Object",
)
_FIELDS = {"Count": "count", "Average": "average", "Sum": "sum", "Maximum": "maximum", "Minimum": "minimum"}


class DesktopMeasure(LiveObject):
    """What Measure-Object gives in Windows PowerShell."""

    TYPE_NAMES = (NAMESPACE + "GenericMeasureInfo", NAMESPACE + "MeasureInfo", "System.Object")
    PROPERTIES = {**_FIELDS, "Property": "property"}  # noqa: RUF012 - a table shared by all, never changed
    average: Any = None
    sum: Any = None
    maximum: Any = None
    minimum: Any = None
    deviation: Any = None

    def __init__(self, count: int, name: str | None) -> None:
        self.count, self.property = count, name


class CoreMeasure(DesktopMeasure):
    """What it gives in PowerShell 7."""

    PROPERTIES = {**_FIELDS, "StandardDeviation": "deviation", "Property": "property"}  # noqa: RUF012 - as above


class ObjectMeasure(CoreMeasure):
    """What it gives where the largest and smallest are no numbers."""

    TYPE_NAMES = (NAMESPACE + "GenericObjectMeasureInfo", NAMESPACE + "MeasureInfo", "System.Object")


class TextMeasure(LiveObject):
    """Lines, words and characters."""

    TYPE_NAMES = (NAMESPACE + "TextMeasureInfo", NAMESPACE + "MeasureInfo", "System.Object")
    PROPERTIES = {"Lines": "lines", "Words": "words", "Characters": "characters", "Property": "property"}  # noqa: RUF012 - as above

    def __init__(self, name: str | None) -> None:
        self.property = name
        self.lines: int | None = None
        self.words: int | None = None
        self.characters: int | None = None


class MeasureObject(Cmdlet):
    """Count objects, and add up numbers."""

    NAME = "Measure-Object"
    CLASS = NAMESPACE + "MeasureObjectCommand"

    def begin(self) -> None:
        self.held: list[Any] = []

    def process(self) -> None:
        value = self.call.bound.get("InputObject")
        if value is not None:
            self.held.append(value)

    def end(self) -> None:
        wanted = self.call.bound.get("Property")
        if not wanted:
            self.call.write(self._measured(None, self.held))
            return
        for name in self._names([str(each) for each in wanted]):
            values = [item for each in self.held if (item := members.get(each, name)) is not None]
            if values:
                self.call.write(self._measured(name, values))
            else:
                self._missing(name)

    def _names(self, wanted: list[str]) -> list[str]:
        found: dict[str, None] = {}
        for name in wanted:
            if has_wildcards(name):
                found.update(dict.fromkeys(one for each in self.held for one in members.fitting(each, name)))
            else:
                found[name] = None
        return list(found)

    def _measured(self, name: str | None, values: list[Any]) -> LiveObject:
        if any(self.call.bound.get(key) for key in ("Line", "Word", "Character")):
            return self._texts(name, values)
        return self._numbers(name, values)

    def _numbers(self, name: str | None, values: list[Any]) -> LiveObject:
        core: bool = self.call.session.is_core  # type: ignore[attr-defined]
        ordered = self._ordered(values) if values and any(map(self._wants, ("Maximum", "Minimum"))) else []
        ends = [number_of(each) for each in (ordered[:1] + ordered[-1:])]
        numeric = None not in ends
        info = (CoreMeasure if core else DesktopMeasure) if numeric else ObjectMeasure
        measured = info(len(values), name)
        if ordered and self._wants("Maximum"):
            measured.maximum = float(ends[-1]) if numeric else ordered[-1]
        if ordered and self._wants("Minimum"):
            measured.minimum = float(ends[0]) if numeric else ordered[0]
        if any(map(self._wants, ("Sum", "Average", "StandardDeviation"))):
            self._add_up(measured, values)
        return measured

    def _wants(self, name: str) -> bool:
        return bool(self.call.bound.get(name) or self.call.bound.get("AllStats"))

    def _add_up(self, measured: DesktopMeasure, values: list[Any]) -> None:
        numbers = [float(found) for each in values if (found := number_of(each)) is not None]
        for value in values:
            if number_of(value) is None:
                self._not_numeric(value)
        measured.count = len(values)
        if self._wants("Sum"):
            measured.sum = sum(numbers)
        mean = sum(numbers) / len(numbers) if numbers else 0.0
        if self._wants("Average") and numbers:
            measured.average = mean
        if self._wants("StandardDeviation") and numbers:
            squares = sum((each - mean) ** 2 for each in numbers)
            measured.deviation = math.sqrt(squares / (len(numbers) - 1)) if len(numbers) > 1 else 0.0

    @staticmethod
    def _ordered(values: list[Any]) -> list[Any]:
        def compare(one: Any, two: Any) -> int:
            try:
                return order(one, two)
            except Incomparable:
                return order(text_of(one), text_of(two))

        return sorted(values, key=cmp_to_key(compare))

    def _texts(self, name: str | None, values: list[Any]) -> LiveObject:
        measured, bound = TextMeasure(name), self.call.bound
        texts = [text_of(each) for each in values]
        if bound.get("Line"):
            measured.lines = sum(text.count("\n") + 1 for text in texts if text)
        if bound.get("Word"):
            measured.words = sum(len(text.split()) for text in texts)
        if bound.get("Character"):
            bare = bool(bound.get("IgnoreWhiteSpace"))
            measured.characters = sum(len("".join(text.split()) if bare else text) for text in texts)
        return measured

    def _missing(self, name: str) -> None:
        self.call.error(
            ErrorRecord(
                error_id="GenericMeasurePropertyNotFound",
                category="InvalidArgument",
                message=f'The property "{name}" cannot be found in the input for any objects.',
                exception=ARGUMENT,
                hresult=0x80070057,
            )
        )

    def _not_numeric(self, value: Any) -> None:
        self.call.error(
            ErrorRecord(
                error_id="NonNumericInputObject",
                category="InvalidType",
                message=f'Input object "{text_of(value)}" is not numeric.',
                exception=("System.Management.Automation.PSInvalidCastException", "System.InvalidCastException"),
                hresult=0x80004002,
                target=value,
            )
        )


COMMANDS = (MeasureObject,)
