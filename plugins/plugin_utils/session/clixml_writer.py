# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the message that starts an invocation (MS-PSRP 2.2.2.10, 2.2.3.11 to 2.2.3.13), small and at little cost.

The library's own writer copies every command deeply and repeats eight merge settings per command: half of what a task
costs the controller, and four fifths of what it sends, went there (docs/performance.md). Here, what is the same in
every command is written once and referred to (2.2.5.3), and the settings that only hosts from protocol 2.2 on read,
and that all may lack, are left out. Values of rarer types are still written by the library.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from pypsrp.complex_objects import HostInfo

from .build import arguments
from .modules import qualified

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .command import Command, Pipeline

_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\U00010000-\U0010ffff]|_(?=[xX])")
_MARKUP: Final = re.compile("[&<>]")
_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LIBRARY_IDS: Final = 1_000_000
"""Where the numbers of objects begin that the library writes into the same message."""
_RUNSPACES: Final = "System.Management.Automation.Runspaces."
_ENUM: Final = "<T>System.Enum</T><T>System.ValueType</T><T>System.Object</T></TN>"
_LIST: Final = (
    "<T>System.Collections.Generic.List`1[[System.Management.Automation.PSObject, System.Management.Automation, "
    "Version=1.0.0.0, Culture=neutral, PublicKeyToken=31bf3856ad364e35]]</T><T>System.Object</T>"
)
_ARRAY: Final = "<T>System.Object[]</T><T>System.Array</T><T>System.Object</T>"
_MERGES: Final = ("MergeMyResult", "MergeToResult", "MergePreviousResults")
_LIST_TYPE, _ARRAY_TYPE, _MERGE_TYPE, _APARTMENT_TYPE, _STREAMS_TYPE = range(5)


def text(value: str) -> str:
    """Return a text as it stands between tags: ``_xHHHH_`` for what XML or PowerShell would not keep (2.2.5.3.2)."""
    if _UNSAFE.search(value):
        value = _UNSAFE.sub(_escaped, value)
    return _MARKUP.sub(lambda match: _ENTITIES[match[0]], value) if _MARKUP.search(value) else value


def _escaped(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass").hex().upper()
    return "".join(f"_x{units[at : at + 4]}_" for at in range(0, len(units), 4))


class _Writer:
    """One message: numbers of objects, and which type names and constants were written already."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self._library_used = False
        self._objects = 0
        self._types: set[int] = set()
        self._merge: int | None = None

    def number(self) -> int:
        self._objects += 1
        return self._objects

    def _type(self, key: int, names: str) -> str:
        if key in self._types:
            return f'<TNRef RefId="{key}"/>'
        self._types.add(key)
        return f'<TN RefId="{key}">{names}</TN>'

    def listing(self, name: str, items: Iterable[str]) -> str:
        """Return a list of objects; ``items`` are made in the order in which they are written."""
        number, kind = self.number(), self._type(_LIST_TYPE, _LIST)
        return f'<Obj{_named(name)} RefId="{number}">{kind}<LST>{"".join(items)}</LST></Obj>'

    def enumeration(self, name: str, key: int, kind: str, shown: str, value: int) -> str:
        return (
            f'<Obj N="{name}" RefId="{self.number()}"><TN RefId="{key}"><T>{_RUNSPACES}{kind}</T>{_ENUM}'
            f"<ToString>{shown}</ToString><I32>{value}</I32></Obj>"
        )

    def merges(self) -> str:
        """Return the settings by which a command's streams stay apart: one value, then references to it."""
        first = ""
        names: Sequence[str] = _MERGES
        if self._merge is None:
            first = self.enumeration(_MERGES[0], _MERGE_TYPE, "PipelineResultTypes", "None", 0)
            self._merge, names = self._objects, _MERGES[1:]
        return first + "".join(f'<Ref N="{name}" RefId="{self._merge}"/>' for name in names)

    def command(self, item: Command) -> str:
        number, merges = self.number(), self.merges()
        parameters = self.listing("Args", (self._parameter(name, value) for name, value in arguments(item)))
        return (
            f'<Obj RefId="{number}"><MS><S N="Cmd">{text(qualified(item.name))}</S><B N="IsScript">false</B>'
            f'<Nil N="UseLocalScope"/>{merges}{parameters}</MS></Obj>'
        )

    def _parameter(self, name: str | None, value: Any) -> str:
        number = self.number()
        shown = '<Nil N="N"/>' if name is None else f'<S N="N">{text(name)}</S>'
        return f'<Obj RefId="{number}"><MS>{shown}{self.value(value, "V")}</MS></Obj>'

    def value(self, value: Any, name: str = "") -> str:
        """Return a value of ``to_wire`` as an element, with a name where it is a property."""
        kind, named = type(value), _named(name)
        if value is None:
            return f"<Nil{named}/>"
        if kind is str:
            return f"<S{named}>{text(value)}</S>"
        if kind is bool:
            return f"<B{named}>{'true' if value else 'false'}</B>"
        if kind is int:
            return f"<I32{named}>{value}</I32>"
        if kind is UUID:
            return f"<G{named}>{value}</G>"
        if kind is list:
            number, types = self.number(), self._type(_ARRAY_TYPE, _ARRAY)
            return f'<Obj{named} RefId="{number}">{types}<LST>{"".join(map(self.value, value))}</LST></Obj>'
        return self.by_library(value, name)

    def by_library(self, value: Any, name: str) -> str:
        """Return a value of a rarer type as the library writes it."""
        library = self._library
        if not self._library_used:
            library._clear()  # noqa: SLF001
            library.obj_id = library.tn_id = _LIBRARY_IDS
            self._library_used = True
        element = library.serialize(value, clear=False)
        if name:
            element.set("N", name)
        return ET.tostring(element, encoding="unicode")


def _named(name: str) -> str:
    return f' N="{name}"' if name else ""


def create_pipeline(statements: Sequence[Pipeline], pool: Any) -> bytes:
    """Return the content of a CREATE_PIPELINE message: no input, no history, the streams of commands kept apart.

    ``pool`` is the library's: its serializer knows the session's key, and its host is asked what commands ask. No
    invocation info is requested: it would come with every error record and is never read.
    """
    writer = _Writer(pool._serializer)  # noqa: SLF001
    parts = (
        '<Obj RefId="0"><MS><B N="NoInput">true</B>',
        writer.enumeration("ApartmentState", _APARTMENT_TYPE, "ApartmentState", "UNKNOWN", 2),
        writer.enumeration("RemoteStreamOptions", _STREAMS_TYPE, "RemoteStreamOptions", "", 0),
        '<B N="AddToHistory">false</B>',
        writer.by_library(HostInfo(host=pool.host), "HostInfo"),
        _power_shell(writer, statements),
        '<B N="IsNested">false</B></MS></Obj>',
    )
    return "".join(parts).encode()


def _power_shell(writer: _Writer, statements: Sequence[Pipeline]) -> str:
    """Return the commands: ``Cmds`` is the first statement, ``ExtraCmds`` all of them where there are several."""
    number = writer.number()
    extra = '<Nil N="ExtraCmds"/>'
    if len(statements) > 1:
        extra = writer.listing("ExtraCmds", (_statement(writer, one) for one in statements))
    return (
        f'<Obj N="PowerShell" RefId="{number}"><MS><B N="IsNested">false</B>{extra}{_commands(writer, statements[0])}'
        '<Nil N="History"/><B N="RedirectShellErrorOutputPipe">false</B></MS></Obj>'
    )


def _statement(writer: _Writer, statement: Pipeline) -> str:
    return f'<Obj RefId="{writer.number()}"><MS>{_commands(writer, statement)}</MS></Obj>'


def _commands(writer: _Writer, statement: Pipeline) -> str:
    return writer.listing("Cmds", (writer.command(item) for item in statement.commands))
