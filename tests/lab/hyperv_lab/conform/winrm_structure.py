# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The structure of envelopes: what two of them must have in common, and what their streams hold."""

from __future__ import annotations

import base64
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from ..psrp.wire import BOM
from ..wsman import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_RSP = f"{{{names.SHELL}}}"
_FRAGMENT = struct.Struct(">QQBI")
_SPOKEN = {"Action", "Value", "FaultDetail", "ExitCode", "CommandState", "State", "ResourceURI", "ResourceUri"}
"""Elements whose text is compared; of all others only that they are there."""
_SPOKEN_ATTRIBUTES = {"Name", "End", "State", "Code", "provider", "path"}
_IGNORED = {"ActivityId"}
"""Older hosts send none."""
_MESSAGE_HEADER = 40
_SERVER_MADE = {0x00010002, 0x00021004, 0x00021005, 0x00021009, 0x0002100B}
"""Messages that the wire itself makes: their inner structure is compared too."""


@dataclass(frozen=True)
class Exchange:
    """A recorded request and its response."""

    request: str
    response: str
    last_command: str = ""
    """The command that was started last before it: answers to host calls don't name theirs."""

    @property
    def operation(self) -> str:
        """The last word of the request's action."""
        found = ET.fromstring(self.request).findtext(f".//{{{names.ADDRESSING}}}Action") or ""
        return found.rsplit("/", 1)[-1]

    @property
    def shell_id(self) -> str:
        """The shell that the request is for."""
        path = f".//{{{names.WSMAN}}}Selector[@Name='ShellId']"
        return ET.fromstring(self.request).findtext(path) or ""

    @property
    def command_id(self) -> str:
        """The command that the request is for, "" for none."""
        for element in ET.fromstring(self.request).iter():
            if element.get("CommandId"):
                return element.get("CommandId", "")
        return self.last_command if self.operation == "Send" else ""

    @property
    def is_fault(self) -> bool:
        """Whether the response is a fault."""
        return "Fault>" in self.response

    @property
    def timed_out(self) -> bool:
        """Whether the response is the fault of a passed operation time-out."""
        return "w:TimedOut" in self.response

    @property
    def opens_gate(self) -> bool:
        """Whether what ran went on only after this: a time-out passed, or the client answered a host call."""
        return self.timed_out or (self.operation == "Send" and 'Name="pr"' in self.request)


def exchanges(messages: Iterable[dict[str, Any]]) -> list[Exchange]:
    """Return the exchanges of a recording; the ones without a response were edited out."""
    found: list[Exchange] = []
    last = ""
    for one in messages:
        if not one.get("response"):
            continue
        found.append(Exchange(one["request"], one["response"], last))
        if found[-1].operation == "Command" and not found[-1].is_fault:
            last = ET.fromstring(one["response"]).findtext(f".//{_RSP}CommandId") or ""
    return found


def difference(recorded: str, ours: str) -> str | None:
    """Return the first difference in structure, or None."""
    theirs, mine = list(_lines(ET.fromstring(recorded))), list(_lines(ET.fromstring(ours)))
    for left, right in zip(theirs, mine, strict=False):
        if left != right:
            return f"recorded {left}, lab {right}"
    if len(theirs) != len(mine):
        longer, who = (theirs, "lab lacks") if len(theirs) > len(mine) else (mine, "lab has too much:")
        return f"{who} {longer[min(len(theirs), len(mine))]}"
    return None


def _lines(element: ET.Element, depth: int = 0) -> Iterator[str]:
    name = element.tag.rpartition("}")[2]
    if name in _IGNORED:
        return
    text = (element.text or "").strip()
    if name in {"connectResponseXml"}:
        shown = f" {_messages(base64.b64decode(text))}"
    else:
        shown = f" {text}" if name in _SPOKEN and text else ""
    attributes = {
        key.rpartition("}")[2]: value if key in _SPOKEN_ATTRIBUTES and name != "Variable" else "…"
        for key, value in element.attrib.items()
    }
    yield f"{'  ' * depth}{element.tag} {sorted(attributes.items())}{shown}"
    for child in element:
        yield from _lines(child, depth + 1)


def receive_items(text: str) -> list[str]:
    """Return what a ReceiveResponse holds, in order: messages, runs of a stream's output, ends, states."""
    items: list[str] = []
    for element in ET.fromstring(text).iterfind(f".//{_RSP}ReceiveResponse/*"):
        items.extend(item for item in _items(element) if not (items and items[-1] == item and item.startswith("out")))
    return items


def _items(element: ET.Element) -> list[str]:
    if element.tag == f"{_RSP}CommandState":
        code = element.findtext(f"{_RSP}ExitCode")
        return [f"state {element.get('State')} {code}"]
    name = element.get("Name", "")
    data = base64.b64decode(element.text or "")
    if element.get("End"):
        return [f"end of {name}"]
    return _messages(data) if _is_psrp(data) else [f"output on {name}"]


def _is_psrp(data: bytes) -> bool:
    """Return whether stream data begin with a fragment of PSRP."""
    if len(data) < _FRAGMENT.size:
        return False
    _number, _fragment, flags, size = _FRAGMENT.unpack_from(data)
    return flags <= 3 and size + _FRAGMENT.size <= len(data) and data[:4] == b"\0\0\0\0"


def _messages(data: bytes) -> list[str]:
    """Return the messages that begin in these fragments."""
    found = []
    at = 0
    while at + _FRAGMENT.size <= len(data):
        _number, _fragment, flags, size = _FRAGMENT.unpack_from(data, at)
        body = data[at + _FRAGMENT.size : at + _FRAGMENT.size + size]
        at += _FRAGMENT.size + size
        if flags & 1:
            found.append(_message(body, whole=bool(flags & 2)))
    return found


def _message(body: bytes, *, whole: bool) -> str:
    (kind,) = struct.unpack_from("<I", body, 4)
    inner = ""
    if whole and kind in _SERVER_MADE:
        inner = f" {_skeleton(ET.fromstring(body[_MESSAGE_HEADER:].removeprefix(BOM)))}"
    return f"message {kind:#010x}{inner}"


def _skeleton(element: ET.Element) -> str:
    """Return tags and names of a serialised object; entries of a dictionary by key, in any order."""
    if element.tag == "DCT":
        entries = sorted(_entry(one) for one in element)
        return f"DCT({', '.join(entries)})"
    children = [_skeleton(one) for one in element if one.tag not in {"TN", "TNRef"}]
    if element.tag in {"MS", "Props"}:
        children.sort()  # properties have names, not places
    return f"{element.tag}:{element.get('N', '')}({', '.join(children)})"


def _entry(element: ET.Element) -> str:
    key, value = element
    return f"{key.text}={_skeleton(value)}"
