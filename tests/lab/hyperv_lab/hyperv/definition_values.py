# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of the model as JSON and back: whatever a machine is made of travels in its configuration file.

New attributes of machines, adapters and guests travel by themselves. What belongs to a host (the host itself, other
machines, jobs, functions) doesn't: it is left out.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from ..powershell import values
from ..powershell.values import EnumValue

KIND = "$"
_PACKAGE = __name__.rpartition(".")[0]
_NUMBERS = (
    values.Int64, values.UInt64, values.UInt32, values.Int16, values.UInt16, values.SByte, values.Byte, values.Single,
)  # fmt: skip
_TEXTS = (values.Version, values.Uri, values.Char)
_NAMED: dict[str, type] = {each.__name__: each for each in (*_NUMBERS, *_TEXTS)}
_COLLECTIONS: dict[str, type] = {each.__name__: each for each in (tuple, set, frozenset)}


class CannotTravel(Exception):
    """A value that makes no sense in a file."""


def frozen(value: Any) -> Any:
    """Return a value as plain JSON types; CannotTravel for what belongs to its host."""
    if value is None or type(value) in (bool, str, int, float):
        return value
    if type(value).__name__ in _NAMED and isinstance(value, int | float | str):
        plain = str(value) if isinstance(value, str) else float(value) if isinstance(value, float) else int(value)
        return {KIND: type(value).__name__, "v": plain}
    if isinstance(value, EnumValue):
        return {KIND: "enum", "v": [value.type_name, value.name, value.number]}
    if isinstance(value, uuid.UUID):
        return {KIND: "guid", "v": str(value)}
    if isinstance(value, datetime):
        return {KIND: "date", "v": value.isoformat()}
    if isinstance(value, timedelta):
        return {KIND: "seconds", "v": value.total_seconds()}
    return _composed(value)


def _composed(value: Any) -> Any:
    if isinstance(value, bytes):
        return {KIND: "bytes", "v": value.hex()}
    if isinstance(value, dict):
        pairs = [[frozen(key), frozen(each)] for key, each in value.items()]
        return {KIND: "dict", "v": pairs}
    if isinstance(value, set | frozenset):
        return {KIND: type(value).__name__, "v": sorted((frozen(each) for each in value), key=repr)}
    if type(value) is tuple:
        return {KIND: "tuple", "v": [frozen(each) for each in value]}
    if type(value) is list:
        return [frozen(each) for each in value]
    kind = type(value)
    if is_dataclass(kind) and kind.__module__.startswith(_PACKAGE):
        name = f"{kind.__module__.removeprefix(_PACKAGE)}:{kind.__qualname__}"
        return {KIND: "data", "class": name, "v": {f.name: frozen(getattr(value, f.name)) for f in fields(value)}}
    raise CannotTravel(kind.__name__)


def thawed(value: Any) -> Any:
    """Return what ``frozen`` made plain; ValueError or KeyError for what it never makes."""
    if isinstance(value, list):
        return [thawed(each) for each in value]
    if not isinstance(value, dict):
        return value
    kind, content = value[KIND], value["v"]
    if kind in _NAMED:
        return _NAMED[kind](content)
    if kind in _COLLECTIONS:
        return _COLLECTIONS[kind](thawed(each) for each in content)
    if kind == "data":
        return _data_class(value["class"])(**{name: thawed(each) for name, each in content.items()})
    return _simple(kind, content)


def _simple(kind: str, content: Any) -> Any:
    if kind == "enum":
        return EnumValue(*content)
    if kind == "guid":
        return uuid.UUID(content)
    if kind == "date":
        return datetime.fromisoformat(content)
    if kind == "seconds":
        return timedelta(seconds=content)
    if kind == "bytes":
        return bytes.fromhex(content)
    if kind == "dict":
        return {thawed(key): thawed(each) for key, each in content}
    raise ValueError(f"unknown kind {kind!r}")


def _data_class(name: str) -> type:
    module, _colon, qualified = name.partition(":")
    inside = re.fullmatch(r"\.\w+", module) is not None
    found = getattr(import_module(module, _PACKAGE), qualified, None) if inside else None
    if not isinstance(found, type) or not is_dataclass(found):
        raise ValueError(f"no data class {name!r}")
    return found


def attributes(thing: Any, without: frozenset[str]) -> dict[str, Any]:
    """Return an object's own attributes as plain JSON types, without those named and those that can't travel."""
    found: dict[str, Any] = {}
    for name, value in vars(thing).items():
        if name in without:
            continue
        try:
            found[name] = frozen(value)
        except CannotTravel:
            continue
    return found


def give(thing: Any, plain: dict[str, Any]) -> None:
    """Set attributes that ``attributes`` took off an object."""
    for name, value in plain.items():
        setattr(thing, name, thawed(value))
