# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ConvertTo-Json in the form of Windows PowerShell 5.1."""

from __future__ import annotations

import json
import re
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from .. import members
from ..commands import Cmdlet
from ..texts import text_of
from ..values import EnumValue, LiveObject, PropertyBag, Version

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_ESCAPED = re.compile("[<>&'\x7f-\x9f\u2028\u2029]")


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
        depth = int(self.call.bound.get("Depth") or 2)
        value = self.held[0] if len(self.held) == 1 else self.held
        plain = to_plain(value, depth)
        compressed = bool(self.call.bound.get("Compress"))
        text = json.dumps(
            plain,
            ensure_ascii=False,
            separators=(",", ":") if compressed else (",", ":  "),
            indent=None if compressed else 4,
        )
        self.call.write(_ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def to_plain(value: Any, depth: int) -> Any:
    """Return JSON types: enumerations as numbers, dates as /Date(ms)/, objects below the depth as text."""
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, EnumValue):
        return value.number
    if isinstance(value, int):
        return int(value)
    if isinstance(value, Version):
        return _version(value, depth)
    if isinstance(value, (str, uuid.UUID)):
        return str(value)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return _date(value)
    return _structure(value, depth)


def _structure(value: Any, depth: int) -> Any:
    if depth < 0:
        return text_of(value) if not isinstance(value, list) else " ".join(text_of(each) for each in value)
    if isinstance(value, (list, bytes)):
        return [to_plain(each, depth - 1) for each in value]
    if isinstance(value, dict):
        return {text_of(key): to_plain(item, depth - 1) for key, item in value.items()}
    if isinstance(value, (PropertyBag, LiveObject, timedelta)):
        return {name: to_plain(members.get(value, name), depth - 1) for name in members.names(value)}
    return text_of(value)


def _date(value: datetime) -> str:
    moment = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
    return f"/Date({int((moment - _EPOCH).total_seconds() * 1000)})/"


def _version(value: str, depth: int) -> Any:
    if depth < 0:
        return str(value)
    parts = [int(each) for each in str(value).split(".") if each.isdigit()] + [-1] * 4
    names = ("Major", "Minor", "Build", "Revision")
    return {**dict(zip(names, parts, strict=False)), "MajorRevision": -1, "MinorRevision": -1}


COMMANDS = (ConvertToJson,)
