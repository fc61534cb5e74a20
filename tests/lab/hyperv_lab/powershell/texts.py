# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ToString() gives for an engine value, by the invariant culture; and texts read back as dates and time spans."""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from .values import Credential, EnumValue, LiveObject, PropertyBag, SecureString, TypedArray, TypedList

TICKS_PER_SECOND = 10_000_000
_TICKS = {"days": 864_000_000_000, "hours": 36_000_000_000, "minutes": 600_000_000}
_SPAN = re.compile(
    r"\s*(?P<sign>-?)(?:(?P<whole>\d+)|(?:(?P<days>\d+)(?:\.|:(?=\d+:\d+:\d)))?"
    r"(?P<hours>\d+):(?P<minutes>\d+)(?::(?P<seconds>\d+)(?:\.(?P<fraction>\d{1,7}))?)?)\s*"
)
_ISO = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,7}))?)?)?\s*(Z|[+-]\d{2}:?\d{2})?"
)
_AMERICAN = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4})(?: (\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,7}))?)?)?\s*(Z|[+-]\d{2}:?\d{2})?"
)


class FineTimeSpan(timedelta):
    """A TimeSpan whose ticks of 100 ns don't fit timedelta's microseconds."""

    ticks: int


def time_span(ticks: int) -> timedelta:
    """Return the TimeSpan of so many ticks of 100 ns; exact, as ``ticks_of`` shows."""
    micro, rest = divmod(ticks, 10)
    if not rest:
        return timedelta(microseconds=micro)
    fine = FineTimeSpan(microseconds=micro)
    fine.ticks = ticks
    return fine


def ticks_of(span: timedelta) -> int:
    """Return the ticks of 100 ns in a TimeSpan."""
    if isinstance(span, FineTimeSpan):
        return span.ticks
    return ((span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds) * 10


def span_text(span: timedelta) -> str:
    """Return a TimeSpan in its constant form, ``[-][d.]hh:mm:ss[.fffffff]``."""
    ticks = ticks_of(span)
    seconds, fraction = divmod(abs(ticks), TICKS_PER_SECOND)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    text = f"{hour:02}:{minute:02}:{second:02}"
    return ("-" if ticks < 0 else "") + (f"{days}." if days else "") + text + (f".{fraction:07}" if fraction else "")


def parse_span(text: str) -> timedelta | None:
    """Return the TimeSpan that a text means (``5`` is five days), or None."""
    found = _SPAN.fullmatch(text)
    if not found:
        return None
    part = {key: int(value) for key, value in found.groupdict().items() if value and key not in ("sign", "fraction")}
    if part.get("hours", 0) > 23 or part.get("minutes", 0) > 59 or part.get("seconds", 0) > 59:
        return None
    ticks = (part.get("whole", 0) + part.get("days", 0)) * _TICKS["days"]
    ticks += part.get("hours", 0) * _TICKS["hours"] + part.get("minutes", 0) * _TICKS["minutes"]
    ticks += part.get("seconds", 0) * TICKS_PER_SECOND + int((found["fraction"] or "").ljust(7, "0"))
    if ticks >= 1 << 63:
        return None
    return time_span(-ticks if found["sign"] else ticks)


def parse_date(text: str) -> datetime | None:
    """Return the date that a text means to the invariant culture, or None. One with a zone is given in UTC."""
    found = _ISO.fullmatch(text.strip())
    year, month, day = 1, 2, 3
    if not found:
        found = _AMERICAN.fullmatch(text.strip())
        year, month, day = 3, 1, 2
    if not found:
        return None
    hour, minute, second = (int(found[number] or 0) for number in (4, 5, 6))
    micro = int((found[7] or "").ljust(7, "0")[:6])
    try:
        when = datetime(int(found[year]), int(found[month]), int(found[day]), hour, minute, second, micro)  # noqa: DTZ001
    except ValueError:
        return None
    zone = found[8]
    if zone is None:
        return when
    return when.replace(tzinfo=timezone.utc) - _offset(zone)


def _offset(zone: str) -> timedelta:
    if zone == "Z":
        return timedelta()
    digits = zone[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -offset if zone[0] == "-" else offset


def _float_text(value: float) -> str:
    if value != value:  # noqa: PLR0124
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    text = repr(value)
    if "e" in text:
        mantissa, _, exponent = text.partition("e")
        return f"{mantissa.removesuffix('.0')}E{exponent[0] if exponent[0] in '+-' else '+'}{exponent.lstrip('+-'):0>2}"
    return text.removesuffix(".0")


def _bag_text(bag: PropertyBag) -> str:
    if bag.text is not None:
        return bag.text
    return "@{" + "; ".join(f"{name}={text_of(value)}" for name, value in bag.notes.items()) + "}"


def _list_text(value: list[Any] | bytes) -> str:
    if isinstance(value, TypedArray):
        return f"System.{value.element_type}[]" if "." not in value.element_type else f"{value.element_type}[]"
    if isinstance(value, TypedList):
        return f"System.Collections.Generic.List`1[{value.element_type}]"
    return "System.Byte[]" if isinstance(value, bytes) else "System.Object[]"


def text_of(value: Any) -> str:
    """Return the text that the engine makes of a value where a String is wanted; null is empty text."""
    if value is None:
        return ""
    if isinstance(value, LiveObject):
        return value.ps_text()
    for types, to_text in _TEXTS:
        if isinstance(value, types):
            return str(to_text(value))
    return str(value)


_TEXTS: tuple[tuple[Any, Any], ...] = (
    ((str, bool, int, uuid.UUID, EnumValue), str),
    (float, _float_text),
    (Decimal, lambda value: format(value, "f")),
    (datetime, lambda value: value.strftime("%m/%d/%Y %H:%M:%S")),
    (timedelta, span_text),
    (PropertyBag, _bag_text),
    ((list, bytes), _list_text),
    (dict, lambda _: "System.Collections.Hashtable"),
    (SecureString, lambda _: "System.Security.SecureString"),
    (Credential, lambda _: "System.Management.Automation.PSCredential"),
)
