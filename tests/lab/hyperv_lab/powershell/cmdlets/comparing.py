# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the engine compares two values: the right one is made one of the left one's type."""

from __future__ import annotations

import unicodedata
import uuid
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from ..numbers import integer, is_number
from ..scalars import version
from ..texts import parse_date, parse_span, text_of, ticks_of
from ..types import TYPES
from ..values import Char, EnumValue, LiveObject, PropertyBag, Version


class Incomparable(Exception):
    """Two values that have no order."""


def converted(left: Any, right: Any) -> Any:
    """Return the right value as the left one's type; Incomparable where it can't be made one."""
    found: Any = None
    if isinstance(left, EnumValue):
        found = _enumeration(left, right)
    elif isinstance(left, bool):
        return truth(right)
    elif is_number(left):
        found = number_of(right)
    elif isinstance(left, uuid.UUID):
        found = _guid(right)
    elif isinstance(left, datetime):
        found = right if isinstance(right, datetime) else parse_date(str(right))
    elif isinstance(left, timedelta):
        found = right if isinstance(right, timedelta) else parse_span(str(right))
    elif isinstance(left, Version):
        found = right if isinstance(right, Version) else version(str(right))
    elif isinstance(left, str):
        return text_of(right)
    elif type(left) is type(right):
        return right
    if found is None:
        raise Incomparable
    return found


def _guid(value: Any) -> uuid.UUID | None:
    try:
        return value if isinstance(value, uuid.UUID) else uuid.UUID(str(value))
    except ValueError:
        return None


def _enumeration(left: EnumValue, right: Any) -> EnumValue | None:
    if isinstance(right, EnumValue):
        return right
    if is_number(right):
        return EnumValue(left.type_name, str(right), int(right))
    known = TYPES.enumerations.find(left.type_name.rpartition(".")[2])
    text = str(right).strip()
    if known is not None and known.type_name == left.type_name:
        return known.of_text(text)
    if text.lower() == left.name.lower():
        return left
    return EnumValue(left.type_name, text, int(text)) if text.isdigit() else None


def number_of(value: Any) -> Any:
    """Return a value as a number, or None."""
    if isinstance(value, (bool, EnumValue)):
        return int(value) if isinstance(value, bool) else value.number
    if is_number(value):
        return value
    if isinstance(value, str):
        try:
            return float(value) if value.strip() else 0
        except ValueError:
            return integer(value, "Int64")
    return None


def equal(left: Any, right: Any, *, case: bool = False) -> bool:
    """Return whether two values are equal to the engine."""
    if left is None or right is None:
        return left is None and right is None
    if isinstance(left, (LiveObject, PropertyBag, dict, list)):
        return left is right
    try:
        return order(left, right, case=case, texts_as_they_are=True) == 0
    except Incomparable:
        return False


def same(left: Any, right: Any, *, case: bool = False) -> bool:
    """Return whether sorting and -Unique take two values for one: what has no order is compared by its text."""
    try:
        return order(left, right, case=case) == 0
    except Incomparable:
        return order(text_of(left), text_of(right), case=case) == 0


def order(left: Any, right: Any, *, case: bool = False, texts_as_they_are: bool = False) -> int:
    """Return -1, 0 or 1; raise Incomparable where there is no order."""
    if left is None or right is None:
        return _order_null(left, right)
    other = converted(left, right)
    if isinstance(left, str) and not isinstance(left, Version):
        return _order_texts(left, other, case=case, as_they_are=texts_as_they_are)
    if isinstance(left, (LiveObject, PropertyBag, dict, list)):
        if left is other:
            return 0
        raise Incomparable
    try:
        return _sign(_ordinal(left), _ordinal(other))
    except TypeError:
        raise Incomparable from None


def _order_texts(left: str, right: str, *, case: bool, as_they_are: bool) -> int:
    one, two = str.__str__(left), str.__str__(right)
    if not as_they_are:
        return _sign(collated(one, case=case), collated(two, case=case))
    return _sign(one, two) if case or isinstance(left, Char) else _sign(one.casefold(), two.casefold())


def _ordinal(value: Any) -> Any:
    """Return what a value is ordered by."""
    if isinstance(value, EnumValue):
        return value.number
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, timedelta):
        return ticks_of(value)
    return _parts(value) if isinstance(value, Version) else value


def _order_null(left: Any, right: Any) -> int:
    if left is None and right is None:
        return 0
    value = right if left is None else left
    if is_number(value) and value < 0:
        return 1 if left is None else -1
    return -1 if left is None else 1


def _parts(value: str) -> tuple[int, ...]:
    return tuple(int(each) for each in str.__str__(value).strip().split("."))


def _sign(one: Any, two: Any) -> int:
    return int(one > two) - int(one < two)


@lru_cache(maxsize=8192)
def collated(text: str, *, case: bool = False) -> tuple[str, str, str]:
    """Return a key by which texts sort as in the invariant culture: letters, accents, small before capital."""
    taken_apart = unicodedata.normalize("NFD", text)
    letters = "".join(each for each in taken_apart if not unicodedata.combining(each)).casefold()
    return letters, taken_apart.casefold(), text.swapcase() if case else ""


def truth(value: Any) -> bool:
    """Return whether a value counts as true."""
    if isinstance(value, list):
        return bool(value) if len(value) != 1 else truth(value[0])
    if isinstance(value, EnumValue):
        return bool(value.number)
    if value is None or isinstance(value, (bool, str, bytes)) or is_number(value):
        return bool(value)
    return True
