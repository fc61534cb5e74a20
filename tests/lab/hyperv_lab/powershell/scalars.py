# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversions to types of one value: Guid, dates, spans, versions … Each returns None for what it refuses."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from .numbers import integer, is_number
from .texts import parse_date, parse_span, time_span
from .values import Char, EnumValue, Uri, Version

_GUID = re.compile(r"\{[0-9a-f-]{36}\}|\([0-9a-f-]{36}\)|[0-9a-f-]{36}|[0-9a-f]{32}", re.IGNORECASE)
_HYPHENS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}", re.IGNORECASE)


def guid(value: Any) -> uuid.UUID | None:
    """Return the Guid that a text in one of its forms means, or None."""
    if not isinstance(value, str) or not _GUID.fullmatch(value.strip()):
        return None
    bare = value.strip().strip("{}()")
    return uuid.UUID(bare) if _HYPHENS.fullmatch(bare) else None


def date(value: Any) -> datetime | None:
    """Return a date from text or from ticks, or None."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return datetime(1, 1, 1) + timedelta(microseconds=value // 10)  # noqa: DTZ001
        except OverflowError:
            return None
    return parse_date(value) if isinstance(value, str) else None


def span(value: Any) -> timedelta | None:
    """Return a TimeSpan from text or from ticks, or None."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return time_span(value)
    return parse_span(value) if isinstance(value, str) else None


def version(value: Any) -> Version | None:
    """Return a Version of two to four numbers, or None."""
    good = isinstance(value, str) and re.fullmatch(r"\s*\d{1,9}(\.\d{1,9}){1,3}\s*", value)
    return Version(value.strip()) if good else None


def char(value: Any) -> Char | None:
    """Return a character from a text of one or from its code, or None."""
    if isinstance(value, str):
        return Char(value) if len(value) == 1 else None
    number = integer(value, "UInt16") if is_number(value) else None
    return None if number is None else Char(chr(number))


def real(python: type) -> Callable[[Any], Any]:
    """Return a conversion to a number with a fraction."""

    def convert(value: Any) -> Any:
        if isinstance(value, str):
            try:
                return python(value.strip() or "0")
            except (ValueError, ArithmeticError):
                whole = integer(value, "Int64")
                return None if whole is None else python(whole)
        if isinstance(value, EnumValue):
            return python(value.number)
        return python(str(value) if python is Decimal else value) if is_number(value) else None

    return convert


def only(python: type) -> Callable[[Any], Any]:
    """Return a conversion that takes nothing but the class itself."""
    return lambda value: value if isinstance(value, python) else None


def uri(value: Any) -> Uri | None:
    """Return a Uri from any text but the empty one, or None."""
    return Uri(value) if isinstance(value, str) and value else None
