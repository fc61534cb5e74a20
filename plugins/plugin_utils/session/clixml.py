# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads CLIXML, the form of objects on the PowerShell remoting wire, into plain values.

The forms are those of MS-PSRP 2.2.5. Enumerations become their name, Guids lower-case text; time spans, dates and
versions stay the text of the wire. This reader costs a fraction of a general deserializer, which builds typed objects.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTAINERS: Final = frozenset(("LST", "IE", "QUE", "STK"))
_EMPTY_BAGS: Final = ("PSCustomObject", "PSObject")


def text(raw: str | None) -> str:
    """Return a text of the wire with its ``_xHHHH_`` escapes (UTF-16 units) undone."""
    if not raw:
        return ""
    if "_x" not in raw:
        return raw
    plain = _ESCAPE.sub(lambda match: chr(int(match.group(1), 16)), raw)
    if _SURROGATE.search(plain):
        return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return plain


def _raw(element: ET.Element) -> str:
    return element.text or ""


def _number(element: ET.Element) -> int:
    return int(element.text or "0")


def _fraction(element: ET.Element) -> float:
    return float((element.text or "0").replace("Infinity", "inf"))


def _string(element: ET.Element) -> str:
    return text(element.text)


_PRIMITIVES: Final[dict[str, Callable[[ET.Element], Any]]] = {
    **dict.fromkeys(("S", "ToString", "URI", "SBK", "XD"), _string),
    **dict.fromkeys(("I32", "I64", "U32", "U64", "I16", "U16", "By", "SB"), _number),
    **dict.fromkeys(("Db", "Sg"), _fraction),
    **dict.fromkeys(("D", "DT", "TS", "Version", "BA"), _raw),
    "B": lambda element: _raw(element).lower() == "true",
    "C": lambda element: chr(_number(element)),
    "G": lambda element: _raw(element).lower(),
    "Nil": lambda _element: None,
    "SS": lambda _element: None,
}


class _Reader:
    """One document's references: objects and type names are written once and referred to afterwards."""

    def __init__(self) -> None:
        self._objects: dict[str, Any] = {}
        self._types: dict[str, tuple[str, ...]] = {}

    def value(self, element: ET.Element) -> Any:
        primitive = _PRIMITIVES.get(element.tag)
        if primitive is not None:
            return primitive(element)
        if element.tag == "Ref":
            return self._objects.get(element.get("RefId", ""))
        if element.tag == "Obj":
            return self._object(element)
        raise ValueError(f"unknown element {element.tag!r} in an object of the wire")

    def _object(self, element: ET.Element) -> Any:
        types: tuple[str, ...] = ()
        properties: dict[str, Any] = {}
        # Registered before its parts, so that an object that refers to itself ends in the same dictionary.
        self._objects[element.get("RefId", "")] = properties
        shown: str | None = None
        content: list[Any] = []
        for part in element:
            if part.tag in ("TN", "TNRef"):
                types = self._type_names(part)
            elif part.tag == "ToString":
                shown = text(part.text)
            elif part.tag in ("Props", "MS"):
                for item in part:
                    properties.setdefault(text(item.get("N")), self.value(item))
            else:
                content.append(self._content(part))
        result = _meaning(types, properties, shown, content)
        self._objects[element.get("RefId", "")] = result
        return result

    def _content(self, part: ET.Element) -> Any:
        if part.tag in _CONTAINERS:
            return [self.value(item) for item in part]
        if part.tag == "DCT":
            return dict(self._entry(entry) for entry in part)
        return self.value(part)

    def _entry(self, entry: ET.Element) -> tuple[str, Any]:
        parts = {item.get("N"): self.value(item) for item in entry}
        return str(parts.get("Key")), parts.get("Value")

    def _type_names(self, part: ET.Element) -> tuple[str, ...]:
        reference = part.get("RefId", "")
        if part.tag == "TN":
            self._types[reference] = tuple(text(name.text) for name in part)
        return self._types.get(reference, ())


def _meaning(types: tuple[str, ...], properties: dict[str, Any], shown: str | None, content: list[Any]) -> Any:
    if content:
        return shown if shown is not None and any(name.endswith("System.Enum") for name in types) else content[0]
    if properties or shown is None or any(name.endswith(_EMPTY_BAGS) for name in types):
        return properties
    return shown


def plain(document: str | bytes | ET.Element) -> Any:
    """Return the plain value of one CLIXML document: dict, list, str, int, float, bool or None.

    Raises ValueError for what is no CLIXML.
    """
    try:
        element = document if isinstance(document, ET.Element) else ET.fromstring(document)  # noqa: S314
    except ET.ParseError as error:
        raise ValueError(f"an object of the wire is no well-formed XML: {error}") from error
    return _Reader().value(element)
