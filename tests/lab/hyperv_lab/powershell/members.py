# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties of any value, by name and without case, as the engine's adapters show them."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from . import values as v
from .extended import ExtendedScalar
from .texts import ticks_of
from .wildcards import fits

KINDS = ("Unspecified", "Utc", "Local")
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_NAMES: dict[type, str] = {
    str: "System.String",
    bool: "System.Boolean",
    int: "System.Int32",
    v.Int64: "System.Int64",
    v.UInt64: "System.UInt64",
    v.UInt32: "System.UInt32",
    v.Int16: "System.Int16",
    v.UInt16: "System.UInt16",
    v.SByte: "System.SByte",
    v.Byte: "System.Byte",
    float: "System.Double",
    v.Single: "System.Single",
    uuid.UUID: "System.Guid",
    datetime: "System.DateTime",
    v.Version: "System.Version",
    v.Uri: "System.Uri",
    v.Char: "System.Char",
    bytes: "System.Byte[]",
    dict: "System.Collections.Hashtable",
}


def type_name(value: Any) -> str:
    """Return the full type name of a value."""
    if isinstance(value, v.LiveObject):
        return value.TYPE_NAMES[0]
    if isinstance(value, v.PropertyBag):
        return value.type_names[0] if value.type_names else v.OBJECT
    if isinstance(value, v.EnumValue):
        return value.type_name
    if isinstance(value, list):
        from .clixml import array_type  # noqa: PLC0415 - the serializer uses nothing of this file

        held = getattr(value, "type_names", None)
        return held[0] if held else array_type(value)
    found = _NAMES.get(type(value))
    if found is not None:
        return found
    return "System.TimeSpan" if isinstance(value, timedelta) else "System.Management.Automation.PSObject"


def type_names(value: Any) -> tuple[str, ...]:
    """Return the type names of a value, most derived first."""
    if isinstance(value, v.LiveObject):
        return value.TYPE_NAMES
    return value.type_names if isinstance(value, v.PropertyBag) else (type_name(value), v.OBJECT)


def runtime_name(value: Any) -> str:
    """Return the name of the object's own class: what came over the wire as a list is an ArrayList."""
    held = getattr(value, "type_names", None)
    if isinstance(value, list) and held:
        return "System.Collections.ArrayList"
    if isinstance(value, ExtendedScalar):
        return type_name(value.element)
    return type_name(value)


_SPELLINGS: dict[type[v.LiveObject], dict[str, str]] = {}


def _spelling(cls: type[v.LiveObject]) -> dict[str, str]:
    found = _SPELLINGS.get(cls)
    if found is None:
        found = _SPELLINGS[cls] = {name.lower(): name for name in (*cls.ALIASES, *cls.PROPERTIES)}
    return found


def names(value: Any) -> list[str]:
    """Return the names of a value's properties, in order."""
    if isinstance(value, v.LiveObject):
        return value.ps_names()
    if isinstance(value, v.PropertyBag):
        return list(value.notes)
    if isinstance(value, dict):
        return [str(key) for key in value]
    if isinstance(value, ExtendedScalar):
        return [*names(value.element), *value.notes]
    return list(_computed(value))


def find(value: Any, name: str) -> tuple[str, Any] | None:
    """Return a property in its own spelling with its value, or None. A getter that throws gives null."""
    if isinstance(value, v.LiveObject):
        return _live(value, name)
    wanted = name.lower()
    if isinstance(value, ExtendedScalar):
        return find(value.notes, name) or find(value.element, name)
    source: Any = (
        value.notes if isinstance(value, v.PropertyBag) else value if isinstance(value, dict) else _computed(value)
    )
    for each, item in source.items():
        if str(each).lower() == wanted:
            return str(each), item
    return None


def _live(value: v.LiveObject, name: str) -> tuple[str, Any] | None:
    cls = type(value)
    spelled: str | None = name
    if name not in cls.PROPERTIES:
        wanted = name.lower()
        spelled = _spelling(cls).get(wanted)
    if spelled is None:
        spelled = next((each for each in value.ps_names() if each.lower() == wanted), None)
        if spelled is None:
            return None
    target = cls.ALIASES.get(spelled, spelled)
    try:
        return spelled, value.ps_get(target)
    except v.PropertyFailed:
        return spelled, None
    except KeyError:
        return None


def get(value: Any, name: str) -> Any:
    """Return a property's value; null for an unknown one."""
    found = find(value, name)
    return None if found is None else found[1]


def get_all(value: Any) -> dict[str, Any]:
    """Return all properties of a value that has no notes of its own, in order."""
    return dict(_computed(value))


def fitting(value: Any, pattern: str) -> list[str]:
    """Return the names of properties that fit a wildcard pattern."""
    return [each for each in names(value) if fits(each, pattern)]


def _computed(value: Any) -> dict[str, Any]:
    if isinstance(value, v.Version):
        parts = [int(each) for each in str.__str__(value).split(".")]
        padded = [*parts, -1, -1, -1][:4]
        return dict(zip(("Major", "Minor", "Build", "Revision"), padded, strict=True))
    if isinstance(value, str):
        return {"Length": len(value)}
    if isinstance(value, list):
        return {"Count": len(value), "Length": len(value)}
    if isinstance(value, datetime):
        return _date(value)
    if isinstance(value, timedelta):
        return _span(value)
    return {}


def _date(value: datetime) -> dict[str, Any]:
    kind = "Utc" if value.tzinfo else "Unspecified"
    bare = value.replace(tzinfo=None)
    since = bare - datetime(1, 1, 1)  # noqa: DTZ001 - ticks count from there in any zone
    weekday = value.isoweekday() % 7
    return {
        "Date": value.replace(hour=0, minute=0, second=0, microsecond=0),
        "Day": value.day,
        "DayOfWeek": v.EnumValue("System.DayOfWeek", DAYS[weekday], weekday),
        "DayOfYear": value.timetuple().tm_yday,
        "Hour": value.hour,
        "Kind": v.EnumValue("System.DateTimeKind", kind, KINDS.index(kind)),
        "Millisecond": value.microsecond // 1000,
        "Minute": value.minute,
        "Month": value.month,
        "Second": value.second,
        "Ticks": v.Int64(ticks_of(since)),
        "TimeOfDay": bare - bare.replace(hour=0, minute=0, second=0, microsecond=0),
        "Year": value.year,
    }


def _span(value: timedelta) -> dict[str, Any]:
    ticks = ticks_of(value)
    seconds = ticks / 10_000_000
    return {
        "Ticks": v.Int64(ticks),
        "Days": int(seconds // 86_400),
        "Hours": int(seconds // 3600 % 24),
        "Milliseconds": int(ticks // 10_000 % 1000),
        "Minutes": int(seconds // 60 % 60),
        "Seconds": int(seconds % 60),
        "TotalDays": ticks / 864_000_000_000,
        "TotalHours": ticks / 36_000_000_000,
        "TotalMilliseconds": ticks / 10_000,
        "TotalMinutes": ticks / 600_000_000,
        "TotalSeconds": seconds,
    }
