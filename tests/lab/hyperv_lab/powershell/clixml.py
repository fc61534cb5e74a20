# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as CLIXML, cut the way remoting cuts them: one level of live objects, property bags and lists whole."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from typing import Any

from . import values as v
from .commands import ErrorRecord
from .error_objects import ErrorObject
from .extended import Extended, ExtendedScalar
from .texts import _float_text, text_of, ticks_of

_ENCODED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\U00010000-\U0010ffff]|_(?=[xX][0-9A-Fa-f]{4}_)")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
_SPECIAL = re.compile('[&<>"]')
ENUM_PARENTS = ("System.Enum", "System.ValueType", v.OBJECT)
LISTS = ("System.Array", v.OBJECT)


def _encode_character(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"_x{units[i]:02X}{units[i + 1]:02X}_" for i in range(0, len(units), 2))


def escape(text: str) -> str:
    """Return a text as it stands in an element: control characters and surrogates as _xXXXX_, markup escaped."""
    if text.isalnum() and text.isascii():
        return text
    if _ENCODED.search(text):
        text = _ENCODED.sub(_encode_character, text)
    return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], text) if _SPECIAL.search(text) else text


def span(value: timedelta) -> str:
    """Return a TimeSpan as an XML duration (P1DT2H3M4.005S)."""
    ticks = ticks_of(value)
    seconds, fraction = divmod(abs(ticks), 10_000_000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    exact = f"{second}.{fraction:07}".rstrip("0") if fraction else str(second)
    clock = (f"{hour}H" if hour else "") + (f"{minute}M" if minute else "") + (f"{exact}S" if exact != "0" else "")
    text = "P" + (f"{days}D" if days else "") + (f"T{clock}" if clock else "")
    return ("-" if ticks < 0 else "") + (text if text != "P" else "PT0S")


def moment(value: datetime) -> str:
    """Return a DateTime: UTC ends with Z, an unspecified one with nothing."""
    if value.tzinfo is not None:
        value = value.astimezone(timezone.utc)
        value = value.replace(tzinfo=None)
        return _without_zone(value) + "Z"
    return _without_zone(value)


def _without_zone(value: datetime) -> str:
    text = value.isoformat()
    return text.rstrip("0") if value.microsecond else text


_SCALARS: dict[type, Callable[[Any], tuple[str, str]]] = {
    str: lambda x: ("S", escape(x)),
    bool: lambda x: ("B", "true" if x else "false"),
    int: lambda x: ("I32", str(int(x))),
    v.Int64: lambda x: ("I64", str(int(x))),
    v.UInt64: lambda x: ("U64", str(int(x))),
    v.UInt32: lambda x: ("U32", str(int(x))),
    v.Int16: lambda x: ("I16", str(int(x))),
    v.UInt16: lambda x: ("U16", str(int(x))),
    v.SByte: lambda x: ("SB", str(int(x))),
    v.Byte: lambda x: ("By", str(int(x))),
    float: lambda x: ("Db", _float_text(x)),
    v.Single: lambda x: ("Sg", _float_text(float(x))),
    Decimal: lambda x: ("D", format(x, "f")),
    uuid.UUID: lambda x: ("G", str(x)),
    datetime: lambda x: ("DT", moment(x)),
    v.Version: lambda x: ("Version", str.__str__(x)),
    v.Uri: lambda x: ("URI", escape(str.__str__(x))),
    v.Char: lambda x: ("C", str(ord(x))),
    bytes: lambda x: ("BA", base64.b64encode(x).decode()),
}


def scalar(value: Any) -> tuple[str, str] | None:
    """Return tag and text of a value that is one element, or None for any other."""
    found = _SCALARS.get(type(value))
    if found is not None:
        return found(value)
    return ("TS", span(value)) if isinstance(value, timedelta) else None


def array_type(value: list[Any]) -> str:
    """Return the full type name of a list."""
    if isinstance(value, v.TypedArray):
        element = "System.Management.Automation.PSObject" if value.element_type == "PSObject" else value.element_type
        return f"{element if '.' in element else f'System.{element}'}[]"
    if isinstance(value, v.TypedList):
        return f"System.Collections.Generic.List`1[[{value.element_type}]]"
    return "System.Object[]"


class Writer:
    """Writes one value; type names and objects met again are referred to."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._objects = 0
        self._types: dict[tuple[str, ...], int] = {}
        self._seen: dict[int, int] = {}
        self._kept: list[Any] = []

    def text(self) -> str:
        """Return what has been written."""
        return "".join(self.parts)

    def write(self, value: Any, depth: int, name: str | None = None) -> None:
        """Write a value; ``depth`` is how many levels of live objects still get their properties."""
        if value is None:
            self.parts.append(f"<Nil{_named(name)} />")
            return
        convert = _SCALARS.get(type(value))
        if convert is not None:
            tag, text = convert(value)
            self.parts.append(f"<{tag}{_named(name)}>{text}</{tag}>")
        elif isinstance(value, timedelta):
            self.parts.append(f"<TS{_named(name)}>{span(value)}</TS>")
        elif isinstance(value, v.EnumValue):
            self._enum(value, depth, name)
        elif isinstance(value, dict):
            self._dictionary(value, depth, name)
        elif isinstance(value, list):
            self._list(value, depth, name)
        elif isinstance(value, v.PropertyBag):
            self._bag(value, depth, name)
        elif isinstance(value, ExtendedScalar):
            self._extended_scalar(value, depth, name)
        else:
            self._object(value, depth, name)

    def start_at(self, number: int) -> None:
        """Number the objects from here on."""
        self._objects = number

    def open(self, types: tuple[str, ...], name: str | None) -> int:
        """Begin an object's element with its type names; return its number. The caller ends it."""
        number = self._objects
        self._objects += 1
        self.parts.append(f'<Obj{_named(name)} RefId="{number}">')
        if not types:
            return number
        known = self._types.get(types)
        if known is None:
            known = self._types[types] = len(self._types)
            self.parts.append(f'<TN RefId="{known}">{_type_names(types)}</TN>')
        else:
            self.parts.append(f'<TNRef RefId="{known}" />')
        return number

    def _refer(self, value: Any, name: str | None) -> bool:
        known = self._seen.get(id(value))
        if known is None:
            return False
        self.parts.append(f'<Ref{_named(name)} RefId="{known}" />')
        return True

    def _remember(self, value: Any, number: int) -> None:
        self._seen[id(value)] = number
        self._kept.append(value)

    def _enum(self, value: v.EnumValue, depth: int, name: str | None) -> None:
        if depth <= 0:
            self.parts.append(f"<S{_named(name)}>{escape(value.name)}</S>")
            return
        self.open((value.type_name, *ENUM_PARENTS), name)
        self.parts.append(f"<ToString>{escape(value.name)}</ToString><I32>{value.number}</I32></Obj>")

    def _dictionary(self, value: dict[Any, Any], depth: int, name: str | None) -> None:
        self.open(getattr(value, "type_names", ("System.Collections.Hashtable", v.OBJECT)), name)
        if not value:
            self.parts.append("<DCT /></Obj>")
            return
        self.parts.append("<DCT>")
        for key, item in value.items():
            self.parts.append("<En>")
            self.write(key, depth, "Key")
            self.write(item, depth, "Value")
            self.parts.append("</En>")
        self.parts.append("</DCT></Obj>")

    def _list(self, value: list[Any], depth: int, name: str | None) -> None:
        if self._refer(value, name):
            return
        types = getattr(value, "type_names", None)
        if types is None:
            types = (array_type(value), *((v.OBJECT,) if isinstance(value, v.TypedList) else LISTS))
        self._remember(value, self.open(types, name))
        if not value:
            self.parts.append("<LST /></Obj>")
            return
        self.parts.append("<LST>")
        for item in value:
            self.write(item, depth)
        self.parts.append("</LST></Obj>")

    def _bag(self, value: v.PropertyBag, depth: int, name: str | None) -> None:
        if self._refer(value, name):
            return
        self._remember(value, self.open(value.type_names, name))
        if value.text is not None:
            self.parts.append(f"<ToString>{escape(value.text)}</ToString>")
        self.parts.append("<MS>")
        for each, item in value.notes.items():
            self.write(item, depth, each)
        self.parts.append("</MS></Obj>")

    def _object(self, value: Any, depth: int, name: str | None) -> None:
        if depth <= 0:
            self.parts.append(f"<S{_named(name)}>{escape(text_of(value))}</S>")
            return
        if self._refer(value, name):
            return
        if not isinstance(value, v.LiveObject):
            self.open((type(value).__name__, v.OBJECT), name)
            self.parts.append(f"<ToString>{escape(text_of(value))}</ToString></Obj>")
            return
        if isinstance(value, ErrorObject):
            self._error(value, name)
            return
        base = value.element if isinstance(value, Extended) else value
        self._remember(value, self.open(tuple(value.TYPE_NAMES), name))
        self.parts.append(f"<ToString>{escape(value.ps_text())}</ToString><Props>")
        self._properties(base, depth - 1)
        self.parts.append("</Props>")
        if isinstance(value, Extended):
            self._notes(value.notes, depth)
        self.parts.append("</Obj>")

    def _properties(self, value: v.LiveObject, depth: int) -> None:
        write, get = self.write, value.ps_get
        for each in value.ps_names():
            try:
                item = get(each)
            except v.PropertyFailed:
                continue
            write(item, depth, each)

    def _notes(self, notes: dict[str, Any], depth: int) -> None:
        self.parts.append("<MS>")
        for each, item in notes.items():
            self.write(item, depth, each)
        self.parts.append("</MS>")

    def _extended_scalar(self, value: ExtendedScalar, depth: int, name: str | None) -> None:
        types = (value.element.type_name, *ENUM_PARENTS) if isinstance(value.element, v.EnumValue) else ()
        self._remember(value, self.open(types, name))
        if types:
            self.parts.append(f"<ToString>{escape(value.element.name)}</ToString><I32>{value.element.number}</I32>")
        else:
            self.write(value.element, depth)
        self._notes(value.notes, depth)
        self.parts.append("</Obj>")

    def _error(self, value: ErrorObject, name: str | None) -> None:
        from .clixml_error import write_kept  # noqa: PLC0415 - it writes with this file's Writer

        self._remember(value, self.open(value.TYPE_NAMES, name))
        write_kept(self, value)
        self.parts.append("</Obj>")


@lru_cache(maxsize=4096)
def _type_names(types: tuple[str, ...]) -> str:
    return "".join(f"<T>{escape(each)}</T>" for each in types)


@lru_cache(maxsize=8192)
def _named(name: str | None) -> str:
    return "" if name is None else f' N="{escape(name)}"'


def serialize(value: Any, depth: int = 1) -> str:
    """Return the element of a value as remoting sends it."""
    writer = Writer()
    writer.write(value, depth)
    return writer.text()


def serialize_error(record: ErrorRecord, activity: str) -> str:
    """Return the element of an error record as remoting sends it."""
    from .clixml_error import element  # noqa: PLC0415 - it writes with this file's Writer

    return element(record, activity)
