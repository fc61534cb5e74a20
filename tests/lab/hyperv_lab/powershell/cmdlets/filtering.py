# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where-Object, ForEach-Object and Sort-Object."""

from __future__ import annotations

import fnmatch
import re
import uuid
from collections.abc import Callable
from functools import cmp_to_key
from typing import Any

from .. import members
from ..commands import Cmdlet, ErrorRecord, Terminating
from ..error_objects import Wrapped
from ..numbers import is_number
from ..texts import text_of
from ..values import EnumValue

OPERATION = (
    "System.Management.Automation.PSInvalidOperationException",
    "System.InvalidOperationException",
    "System.SystemException",
    "System.Exception",
    "System.Object",
)
ARGUMENT = (
    "System.Management.Automation.PSArgumentException",
    "System.ArgumentException",
    "System.SystemException",
    "System.Exception",
    "System.Object",
)
OPERATORS = (
    "EQ",
    "NE",
    "GT",
    "GE",
    "LT",
    "LE",
    "Like",
    "NotLike",
    "Match",
    "NotMatch",
    "Contains",
    "NotContains",
    "In",
    "NotIn",
    "Is",
    "IsNot",
)


class Incomparable(Exception):
    """Two values that have no order."""


def equal(left: Any, right: Any, *, case: bool = False) -> bool:
    """Return whether two values are equal to the engine: the right one is converted to the left one's type."""
    if left is None or right is None:
        return left is None and right is None
    if isinstance(left, EnumValue):
        return _enum_equal(left, right)
    if isinstance(left, uuid.UUID):
        try:
            return left == (right if isinstance(right, uuid.UUID) else uuid.UUID(str(right)))
        except ValueError:
            return False
    if isinstance(left, bool):
        return left == bool(right)
    if is_number(left):
        number = _number(right)
        return number is not None and left == number
    if isinstance(left, str):
        other = text_of(right)
        return left == other if case else left.lower() == other.lower()
    return left is right or left == right


def _enum_equal(left: EnumValue, right: Any) -> bool:
    if isinstance(right, EnumValue):
        return left.number == right.number
    if is_number(right):
        return left.number == int(right)
    text = str(right).strip().lower()
    return left.name.lower() == text or text == str(left.number)


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool):
        return int(value)
    if is_number(value):
        found: float | int = value
        return found
    if isinstance(value, EnumValue):
        return value.number
    try:
        return float(str(value)) if str(value).strip() else 0
    except ValueError:
        return None


def order(left: Any, right: Any, *, case: bool = False) -> int:
    """Return -1, 0 or 1; raise Incomparable where the right value can't be made one of the left's type."""
    if left is None or right is None:
        return (left is not None) - (right is not None)
    if isinstance(left, EnumValue):
        left = left.number
    if is_number(left) and not isinstance(left, bool):
        number = _number(right)
        if number is None:
            raise Incomparable
        return int(left > number) - int(left < number)
    if isinstance(left, str):
        return _order_texts(str(left), text_of(right), case=case)
    if type(left) is not type(right):
        raise Incomparable
    try:
        return int(left > right) - int(left < right)
    except TypeError:
        raise Incomparable from None


def _order_texts(left: str, right: str, *, case: bool) -> int:
    one, two = _collate(left), _collate(right)
    if one == two and case:
        one, two = left.swapcase(), right.swapcase()
    return (one > two) - (one < two)


def _collate(text: str) -> str:
    return text.casefold()


class WhereObject(Cmdlet):
    """Pass objects on whose property compares as asked."""

    NAME = "Where-Object"
    CLASS = "Microsoft.PowerShell.Commands.WhereObjectCommand"

    def begin(self) -> None:
        bound = self.call.bound
        self.operator, self.case = self._operator()
        if self.operator is None and "Value" in bound:
            raise Terminating(
                ErrorRecord(
                    error_id="OperatorNotSpecified",
                    category="InvalidArgument",
                    exception=ARGUMENT,
                    hresult=0x80070057,
                    message="The specified operator requires a name.",
                )
            )

    def _operator(self) -> tuple[str | None, bool]:
        for name in OPERATORS:
            if self.call.bound.get(name):
                return name.lower(), False
            if self.call.bound.get("C" + name):
                return name.lower(), True
        return None, False

    def process(self) -> None:
        bound = self.call.bound
        if "InputObject" not in bound:
            return
        value = bound["InputObject"]
        item = members.get(value, str(bound.get("Property") or ""))
        try:
            keep = self._test(item, bound.get("Value"))
        except Incomparable:
            self.call.error(
                ErrorRecord(
                    error_id="OperatorFailed",
                    category="InvalidOperation",
                    exception=OPERATION,
                    hresult=0x80131509,
                    message="The operator failed on the property.",
                    target=Wrapped(value),
                )
            )
            return
        if keep:
            self.call.write(value)

    def _test(self, item: Any, value: Any) -> bool:
        if self.operator is None:
            return truth(item) != bool(self.call.bound.get("Not"))
        return TESTS[self.operator](item, value, self.case)


def truth(value: Any) -> bool:
    """Return whether a value counts as true."""
    if isinstance(value, list):
        return bool(value) if len(value) != 1 else truth(value[0])
    return bool(value.number) if isinstance(value, EnumValue) else bool(value)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _like(item: Any, value: Any, case: bool) -> bool:
    text, pattern = text_of(item), text_of(value)
    if not case:
        text, pattern = text.lower(), pattern.lower()
    return fnmatch.fnmatchcase(text, pattern)


def _match(item: Any, value: Any, case: bool) -> bool:
    return re.search(text_of(value), text_of(item), 0 if case else re.IGNORECASE) is not None


def _is(item: Any, value: Any) -> bool:
    return members.type_name(item).lower().removeprefix("system.") == str(value).strip("[]").lower().removeprefix(
        "system."
    )


def _in(item: Any, value: Any, case: bool) -> bool:
    return any(equal(item, each, case=case) or equal(each, item, case=case) for each in _listed(value))


TESTS: dict[str, Callable[[Any, Any, bool], bool]] = {
    "eq": lambda i, x, c: any(equal(each, x, case=c) for each in i) if isinstance(i, list) else equal(i, x, case=c),
    "ne": lambda i, x, c: not equal(i, x, case=c),
    "gt": lambda i, x, c: i is not None and order(i, x, case=c) > 0,
    "ge": lambda i, x, c: order(i, x, case=c) >= 0,
    "lt": lambda i, x, c: order(i, x, case=c) < 0,
    "le": lambda i, x, c: order(i, x, case=c) <= 0,
    "like": _like,
    "notlike": lambda i, x, c: not _like(i, x, c),
    "match": _match,
    "notmatch": lambda i, x, c: not _match(i, x, c),
    "contains": lambda i, x, c: any(equal(each, x, case=c) for each in _listed(i)),
    "notcontains": lambda i, x, c: not any(equal(each, x, case=c) for each in _listed(i)),
    "in": _in,
    "notin": lambda i, x, c: not _in(i, x, c),
    "is": lambda i, x, _c: _is(i, x),
    "isnot": lambda i, x, _c: not _is(i, x),
}


class ForEachObject(Cmdlet):
    """Write a member of each object."""

    NAME = "ForEach-Object"
    CLASS = "Microsoft.PowerShell.Commands.ForEachObjectCommand"

    def process(self) -> None:
        bound = self.call.bound
        name = bound.get("MemberName")
        if "InputObject" not in bound or name is None:
            return
        value = bound["InputObject"]
        if str(name).lower() == "tostring":
            self.call.write(text_of(value))
            return
        item = members.get(value, str(name))
        for each in item if isinstance(item, list) else [item]:
            self.call.write(each)


class SortObject(Cmdlet):
    """Write the objects in order of properties."""

    NAME = "Sort-Object"
    CLASS = "Microsoft.PowerShell.Commands.SortObjectCommand"

    def begin(self) -> None:
        self.held: list[Any] = []

    def process(self) -> None:
        if "InputObject" in self.call.bound:
            self.held.append(self.call.bound["InputObject"])

    def end(self) -> None:
        wanted = [str(each) for each in self.call.bound.get("Property") or ()]
        case = bool(self.call.bound.get("CaseSensitive"))

        def compare(one: Any, two: Any) -> int:
            pairs = [(members.get(one, name), members.get(two, name)) for name in wanted] or [(one, two)]
            for left, right in pairs:
                try:
                    found = order(left, right, case=case)
                except Incomparable:
                    found = order(text_of(left), text_of(right), case=case)
                if found:
                    return found
            return 0

        ordered = sorted(self.held, key=cmp_to_key(compare), reverse=bool(self.call.bound.get("Descending")))
        last: Any = self
        for value in ordered:
            if self.call.bound.get("Unique") and last is not self and compare(last, value) == 0:
                continue
            last = value
            self.call.write(value)


COMMANDS = (WhereObject, ForEachObject, SortObject)
