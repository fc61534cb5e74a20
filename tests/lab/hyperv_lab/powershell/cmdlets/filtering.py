# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where-Object, ForEach-Object, Sort-Object and Get-Unique."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cmp_to_key
from typing import Any

from .. import members
from ..commands import Cmdlet, ErrorRecord, Terminating
from ..error_objects import Wrapped
from ..texts import text_of
from ..wildcards import fits
from .comparing import Incomparable, equal, order, same, truth

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
Test = Callable[[Any, Any, bool], bool]


def _like(item: Any, value: Any, case: bool) -> bool:
    return fits(text_of(item), text_of(value), case=case)


def _match(item: Any, value: Any, case: bool) -> bool:
    try:
        return re.search(text_of(value), text_of(item), 0 if case else re.IGNORECASE) is not None
    except re.error:
        raise Incomparable from None


def _is(item: Any, value: Any) -> bool:
    wanted = str(value).strip("[]").lower().removeprefix("system.")
    return any(each.lower().removeprefix("system.") == wanted for each in members.type_names(item))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _negated(test: Test) -> Test:
    return lambda item, value, case: not test(item, value, case)


# These filter a list on the left; the filtered list's truth decides.
_FILTERS: dict[str, Test] = {
    "eq": lambda item, value, case: equal(item, value, case=case),
    "ne": lambda item, value, case: not equal(item, value, case=case),
    "gt": lambda item, value, case: order(item, value, case=case) > 0,
    "ge": lambda item, value, case: order(item, value, case=case) >= 0,
    "lt": lambda item, value, case: order(item, value, case=case) < 0,
    "le": lambda item, value, case: order(item, value, case=case) <= 0,
    "like": _like,
    "notlike": _negated(_like),
    "match": _match,
    "notmatch": _negated(_match),
}


def _filtered(test: Test) -> Test:
    def apply(item: Any, value: Any, case: bool) -> bool:
        if isinstance(item, list):
            return truth([each for each in item if test(each, value, case)])
        return test(item, value, case)

    return apply


def _contains(item: Any, value: Any, case: bool) -> bool:
    return any(equal(each, value, case=case) for each in _listed(item))


def _in(item: Any, value: Any, case: bool) -> bool:
    return any(equal(each, item, case=case) for each in _listed(value))


TESTS: dict[str, Test] = {
    **{name: _filtered(test) for name, test in _FILTERS.items()},
    "contains": _contains,
    "notcontains": _negated(_contains),
    "in": _in,
    "notin": _negated(_in),
    "is": lambda item, value, _case: _is(item, value),
    "isnot": lambda item, value, _case: not _is(item, value),
}


class WhereObject(Cmdlet):
    """Pass objects on whose property compares as asked."""

    NAME = "Where-Object"
    CLASS = "Microsoft.PowerShell.Commands.WhereObjectCommand"

    def begin(self) -> None:
        bound = self.call.bound
        self.name = str(bound.get("Property") or "")
        self.test, self.case = self._operator()
        self.negated = bool(bound.get("Not"))
        if self.test is None and "Value" in bound:
            raise self._incomplete("OperatorNotSpecified")
        if self.test is not None and "Value" not in bound:
            raise self._incomplete("ValueNotSpecifiedForWhereObject")

    def _operator(self) -> tuple[Test | None, bool]:
        given = {name.lower(): value for name, value in self.call.bound.items()}
        for name, test in TESTS.items():
            if given.get(name):
                return test, False
            if given.get("c" + name):
                return test, True
        return None, False

    @staticmethod
    def _incomplete(error_id: str) -> Terminating:
        return Terminating(
            ErrorRecord(
                error_id=error_id,
                category="InvalidArgument",
                exception=ARGUMENT,
                hresult=0x80070057,
                message="Operator and value go together.",
            )
        )

    def process(self) -> None:
        bound = self.call.bound
        value = bound.get("InputObject")
        if value is None:
            return
        item = members.get(value, self.name)
        try:
            keep = truth(item) != self.negated if self.test is None else self.test(item, bound["Value"], self.case)
        except Incomparable:
            self._failed(value)
            return
        if keep:
            self.call.write(value)

    def _failed(self, value: Any) -> None:
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


class ForEachObject(Cmdlet):
    """Write a member of each object, or what a method gives that is called with arguments."""

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
        if "ArgumentList" in bound:
            item = self._called(value, str(name), list(bound["ArgumentList"] or []))
        else:
            item = members.get(value, str(name))
        for each in item if isinstance(item, list) else [item]:
            self.call.write(each)

    def _called(self, value: Any, name: str, arguments: list[Any]) -> Any:
        """Return what a live object's method gives; an unknown method is an error, and nothing comes out."""
        method = getattr(value, "ps_call", None)
        try:
            if method is not None:
                return method(name, arguments)
        except KeyError:
            pass
        self.call.error(
            ErrorRecord(
                error_id="MethodNotFound",
                category="InvalidArgument",
                exception=OPERATION,
                message="The method was not found, or takes other arguments.",
                target=Wrapped(value),
            )
        )
        return []


class SortObject(Cmdlet):
    """Write the objects in order of properties."""

    NAME = "Sort-Object"
    CLASS = "Microsoft.PowerShell.Commands.SortObjectCommand"

    def begin(self) -> None:
        self.held: list[Any] = []

    def process(self) -> None:
        value = self.call.bound.get("InputObject")
        if value is not None:
            self.held.append(value)

    def end(self) -> None:
        bound = self.call.bound
        ordered = sorted(self.held, key=cmp_to_key(self.compare))
        if bound.get("Unique"):
            ordered = [each for at, each in enumerate(ordered) if not at or self.compare(ordered[at - 1], each) != 0]
        if bound.get("Top") is not None:
            ordered = ordered[: int(bound["Top"])]
        elif bound.get("Bottom") is not None:
            ordered = ordered[max(0, len(ordered) - int(bound["Bottom"])) :]
        for value in ordered:
            self.call.write(value)

    def compare(self, one: Any, two: Any) -> int:
        """Return the order of two objects by all properties asked for."""
        case = bool(self.call.bound.get("CaseSensitive"))
        for name, descending in self._keys():
            left, right = (one, two) if name is None else (members.get(one, name), members.get(two, name))
            try:
                found = order(left, right, case=case)
            except Incomparable:
                found = order(text_of(left), text_of(right), case=case)
            if found:
                return -found if descending else found
        return 0

    def _keys(self) -> list[tuple[str | None, bool]]:
        general = bool(self.call.bound.get("Descending"))
        keys: list[tuple[str | None, bool]] = []
        for each in self.call.bound.get("Property") or ():
            if isinstance(each, dict):
                plain = {str(key).lower()[:1]: value for key, value in each.items()}
                own = bool(plain["d"]) if "d" in plain else not plain["a"] if "a" in plain else general
                keys.append((str(plain.get("e")), own))
            else:
                keys.append((str(each), general))
        return keys or [(None, general)]


class GetUnique(Cmdlet):
    """Drop objects that equal the one before."""

    NAME = "Get-Unique"
    CLASS = "Microsoft.PowerShell.Commands.GetUniqueCommand"
    last: Any = None

    def process(self) -> None:
        value = self.call.bound.get("InputObject")
        if value is None:
            return
        if self.last is None or not same(self.last, value, case=True):
            self.call.write(value)
        self.last = value


COMMANDS = (WhereObject, ForEachObject, SortObject, GetUnique)
