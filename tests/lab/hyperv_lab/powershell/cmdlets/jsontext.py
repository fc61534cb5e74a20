# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ConvertTo-Json, in the form of PowerShell 7 (recorded) or of Windows PowerShell 5.1.

5.1 differs (its documentation and reports from the field; not measured): dates as ``/Date(milliseconds)/``, an array
that passed the pipeline as one object in ``{"value": …, "Count": …}``, fewer fields of a TimeSpan, HTML signs escaped.
"""

from __future__ import annotations

import json
import re
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from .. import members
from ..clixml import moment
from ..commands import Cmdlet
from ..extended import Extended, ExtendedScalar
from ..numbers import is_number
from ..texts import ticks_of
from ..values import EnumValue, LiveObject, PropertyBag, Version
from .writing import joined

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_HTML = re.compile("[<>&'\x85\u2028\u2029]")
_HTML_QUOTE = re.compile("[<>&']|(?<!\\\\)\\\\\"")
_LINES = re.compile("[\x85\u2028\u2029]")
_NOT_ASCII = re.compile("[^\x00-\x7f]")
TRUNCATED = "Resulting JSON is truncated as serialization has exceeded the set depth of {0}."
_MICRO = 10


class ConvertToJson(Cmdlet):
    """Write one JSON text of everything piped in."""

    NAME = "ConvertTo-Json"
    CLASS = "Microsoft.PowerShell.Commands.ConvertToJsonCommand"

    def begin(self) -> None:
        self.held: list[Any] = []

    def process(self) -> None:
        if "InputObject" in self.call.bound:
            self.held.append(self.call.bound["InputObject"])

    def end(self) -> None:
        if not self.held:
            return
        bound = self.call.bound
        core: bool = self.call.session.is_core  # type: ignore[attr-defined]
        depth = 2 if bound.get("Depth") is None else int(bound["Depth"])
        plain = Plain(depth, core=core, names=bool(bound.get("EnumsAsStrings")))
        several = len(self.held) > 1 or bool(bound.get("AsArray"))
        value = self.held if several else self.held[0]
        found = plain.whole(value) if several else plain.piped(value)
        if plain.cut and core:
            self.call.warn(TRUNCATED.format(depth))
        text = Layout(core=core, compressed=bool(bound.get("Compress"))).text(found)
        self.call.write(escaped(text, core=core, handling=str(bound.get("EscapeHandling") or "Default")))


class Plain:
    """Makes JSON types of values: enumerations are numbers, objects below the depth texts."""

    def __init__(self, depth: int, *, core: bool, names: bool = False) -> None:
        self.depth, self.core, self.names = depth, core, names
        self.cut = False
        """Something lay below the depth."""

    def piped(self, value: Any) -> Any:
        """Return what becomes of one input object."""
        found = self.whole(value)
        if isinstance(value, list) and not self.core:
            return {"value": found, "Count": len(value)}
        return found

    def whole(self, value: Any, level: int = 0) -> Any:
        """Return a value at a level as JSON types."""
        if value is None or isinstance(value, (bool, Decimal)) or (is_number(value)):
            return value
        if isinstance(value, EnumValue):
            return value.name if self.names else value.number
        if isinstance(value, datetime):
            return moment(value) if self.core else _old_date(value)
        if isinstance(value, (str, uuid.UUID)) and not isinstance(value, Version):
            return str(value)
        if level > self.depth:
            self.cut = True
            return joined(value)
        return self._structure(value, level + 1)

    def _structure(self, value: Any, level: int) -> Any:
        if isinstance(value, (list, bytes)):
            return [self.whole(each, level) for each in value]
        if isinstance(value, dict):
            return {joined(key): self.whole(item, level) for key, item in value.items()}
        if isinstance(value, timedelta):
            return self._span(value)
        if isinstance(value, Version):
            return {**members.get_all(value), "MajorRevision": -1, "MinorRevision": -1}
        if isinstance(value, ExtendedScalar):
            notes = {name: self.whole(item, level) for name, item in value.notes.items()}
            return {"value": self.whole(value.element, level), **notes}
        if isinstance(value, (PropertyBag, LiveObject, Extended)):
            return {name: self.whole(members.get(value, name), level) for name in members.names(value)}
        return joined(value)

    def _span(self, value: timedelta) -> dict[str, Any]:
        fields = members.get_all(value)
        if not self.core:
            return fields
        ticks = ticks_of(value)
        found: dict[str, Any] = {}
        for name, item in fields.items():
            found[name] = item
            if name == "Milliseconds":
                found["Microseconds"] = ticks // _MICRO % 1000
                found["Nanoseconds"] = ticks % _MICRO * 100
            elif name == "TotalMilliseconds":
                found["TotalMicroseconds"] = ticks / _MICRO
                found["TotalNanoseconds"] = float(ticks * 100)
        return found


class Layout:
    """Writes JSON types as text: on one line, or indented as the engine does."""

    def __init__(self, *, core: bool, compressed: bool) -> None:
        self.core, self.compressed = core, compressed
        self.step = "  " if core else "    "
        self.colon = ":" if compressed else ": " if core else ":  "
        self.ending = "\n" if core else "\r\n"

    def text(self, value: Any, indent: str = "") -> str:
        """Return a value's text."""
        if isinstance(value, dict):
            pairs = [f"{_string(k)}{self.colon}{self.text(item, indent + self.step)}" for k, item in value.items()]
            return self._joined("{", pairs, "}", indent)
        if isinstance(value, list):
            return self._joined("[", [self.text(each, indent + self.step) for each in value], "]", indent)
        if isinstance(value, str):
            return _string(value)
        if value is None or isinstance(value, bool):
            return {None: "null", True: "true", False: "false"}[value]
        return self._number(value)

    def _joined(self, opening: str, parts: list[str], closing: str, indent: str) -> str:
        if not parts:
            return opening + closing
        if self.compressed:
            return opening + ",".join(parts) + closing
        inner = self.ending + indent + self.step
        return opening + inner + f",{inner}".join(parts) + self.ending + indent + closing

    def _number(self, value: Any) -> str:
        if isinstance(value, float):
            text = repr(float(value))
            if not self.core:
                return text.removesuffix(".0")
            return text.replace("e+", "E+").replace("e-", "E-")
        if isinstance(value, Decimal):
            return format(value, "f")
        return str(int(value))


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _old_date(value: datetime) -> str:
    aware = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
    return f"/Date({int((aware - _EPOCH).total_seconds() * 1000)})/"


def escaped(text: str, *, core: bool, handling: str) -> str:
    """Return the text with the signs escaped that an edition, or -EscapeHandling, wants so."""
    if not core:
        text = _HTML.sub(_code, text)
        return re.sub(r"/(Date\(-?\d+\))/", r"\\/\1\\/", text)
    text = _LINES.sub(_code, text)
    if handling == "EscapeNonAscii":
        return _NOT_ASCII.sub(_units, text)
    if handling == "EscapeHtml":
        return _HTML_QUOTE.sub(lambda found: f"\\u{ord(found[0][-1]):04x}", text)
    return text


def _code(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _units(found: re.Match[str]) -> str:
    raw = found[0].encode("utf-16-be")
    return "".join(f"\\u{raw[at]:02x}{raw[at + 1]:02x}" for at in range(0, len(raw), 2))


COMMANDS = (ConvertToJson,)
