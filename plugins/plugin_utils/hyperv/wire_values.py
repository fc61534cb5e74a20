# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as hosts send them, over CLIXML or inside a JSON text, made into plain Python values.

Windows PowerShell 5.1 and later engines write the same value in different ways: an enumeration is its name over CLIXML
and its number in JSON, a date is ``/Date(…)/`` or ISO text, a list may be wrapped as ``{"value": …, "Count": …}``, a
TimeSpan or Version is text or an object of fields (facts on the engine, section 7).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_JSON_DATE = re.compile(r"^/Date\((-?\d+)(?:[+-]\d{4})?\)/$")
_ISO_DATE = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?$")
_ISO_SPAN = re.compile(r"^(-)?P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$")
_CLOCK_SPAN = re.compile(r"^(-)?(?:(\d+)\.)?(\d+):(\d\d):(\d\d(?:\.\d+)?)$")
_NO_GUID = "00000000-0000-0000-0000-000000000000"


def text(value: Any) -> str:
    """Return a text; "" for null. An enumeration that came as an object is its name."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return str(value.get("ToString") or value.get("Value") or value.get("value") or "")
    return str(value)


def text_or_none(value: Any) -> str | None:
    """Return a text, None for null."""
    return None if value is None else text(value)


def whole(value: Any) -> int | None:
    """Return a whole number, None for null or what is no number."""
    if value is None or isinstance(value, bool):
        return None
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def flag(value: Any) -> bool | None:
    """Return a boolean, None for null. Text and numbers are read as PowerShell prints them."""
    if value is None or isinstance(value, bool):
        return value
    return str(value).strip().lower() in ("true", "1")


def guid(value: Any) -> str | None:
    """Return a GUID as lower-case text, None for null and for the GUID of zeros."""
    found = text(value).strip().strip("{}").lower()
    return None if found in ("", _NO_GUID) else found


def many(value: Any) -> list[Any]:
    """Return the elements of what should be a list: null is empty, a single value is a list of one."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        wrapped = {str(key).lower() for key in value} == {"value", "count"}
        return many(value.get("value")) if wrapped else [value]
    if isinstance(value, (list, tuple)):
        return list(value)
    return [value]


def named(value: Any, names: Mapping[int, str]) -> str:
    """Return an enumeration's name: as it came, or by its number; an unknown number stays as text, null is ""."""
    number = value if isinstance(value, int) and not isinstance(value, bool) else None
    if number is None:
        found = text(value)
        number = int(found) if found.lstrip("-").isdigit() else None
        if number is None:
            return found
    return names.get(number, str(number))


def all_named(value: Any, names: Mapping[int, str]) -> tuple[str, ...]:
    """Return the names of a list of enumerations."""
    return tuple(named(item, names) for item in many(value) if item is not None)


def seconds(value: Any) -> float | None:
    """Return a TimeSpan in seconds, from an object of fields, ``P1DT2H3M4.5S`` or ``1.02:03:04.5``; None for null."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        ticks = whole(value.get("Ticks"))
        return ticks / 10_000_000 if ticks is not None else float(value.get("TotalSeconds") or 0)
    if isinstance(value, (int, float)):
        return float(value)
    found = _ISO_SPAN.match(text(value)) or _CLOCK_SPAN.match(text(value))
    if found is None:
        return None
    sign, days, hours, minutes, rest = found.groups()
    total = int(days or 0) * 86400 + int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(rest or 0)
    return -total if sign else total


def moment(value: Any) -> str | None:
    """Return a date as ISO 8601 text with seconds, in UTC where the zone is known; None for null or another form."""
    if isinstance(value, Mapping):
        value = value.get("value") or value.get("DateTime")
    found = _JSON_DATE.match(text(value))
    if found:
        return _stamp(_EPOCH + timedelta(milliseconds=int(found[1])))
    found = _ISO_DATE.match(text(value))
    if not found:
        return None
    plain, _fraction, zone = found.groups()
    if zone is None:
        return plain
    return _stamp(datetime.fromisoformat(plain + ("+00:00" if zone == "Z" else zone)).astimezone(timezone.utc))


def _stamp(when: datetime) -> str:
    return when.replace(microsecond=0).isoformat().replace("+00:00", "Z")


def version(value: Any) -> str:
    """Return a version as text, from text or from an object of fields; "" for null."""
    if isinstance(value, Mapping):
        parts = [whole(value.get(name)) for name in ("Major", "Minor", "Build", "Revision")]
        return ".".join(str(part) for part in parts if part is not None and part >= 0)
    return text(value)


def plain(value: Any) -> Any:
    """Return a model object, or a structure of them, as JSON types: fields become keys, tuples lists."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in _ordered(value)]
    return value


def _ordered(value: Iterable[Any]) -> Iterable[Any]:
    return sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
