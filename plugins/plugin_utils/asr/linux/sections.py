# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The output of the reading script, taken apart: files, answers of programs, values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a program printed on its standard output, and its exit code."""

    exit_code: int
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sections:
    """Everything the script printed. What the machine has not is not in here."""

    files: Mapping[str, str] = field(default_factory=dict)
    """Exact contents by path; bytes that are no UTF-8 as surrogate escapes, so that they can be written back."""
    sums: Mapping[str, str] = field(default_factory=dict)
    """What ``cksum`` says of these files."""
    answers: Mapping[str, Answer] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    huge: tuple[str, ...] = ()

    def named(self, prefix: str) -> dict[str, str]:
        """Return the values whose name begins with a word, by the rest of the name."""
        start = prefix + " "
        return {name[len(start) :]: text for name, text in self.values.items() if name.startswith(start)}

    def lines(self, name: str) -> tuple[str, ...]:
        """Return the lines of a program's answer; none where there is no such program."""
        return tuple(self.answers[name].text.splitlines()) if name in self.answers else ()


def parse(output: str, marker: str) -> Sections:
    """Return the sections of a whole output; RemoteError where its end is missing.

    What stands before the first head (a banner of the machine) is left out. The marker is a fresh random word, so that
    no file can contain a head.
    """
    parts = output.replace("\r\n" + marker, "\n" + marker).split(f"\n{marker} ")
    heads = [part.partition("\n") for part in parts[1:]]
    if not heads or heads[-1][0].rstrip("\r") != "value end":
        raise RemoteError("the machine's answer to the preflight ends before its end", command="sh")
    files: dict[str, str] = {}
    sums: dict[str, str] = {}
    answers: dict[str, Answer] = {}
    values: dict[str, str] = {}
    huge: list[str] = []
    texts: dict[str, str] = {}
    for head, _newline, body in heads:
        kind, _space, name = head.rstrip("\r").partition(" ")
        if kind in {"text", "octal"}:
            path, total, length = name.rsplit(" ", 2)
            files[path] = body if kind == "text" else _from_octal(body)
            sums[path] = f"{total} {length}"
        elif kind == "run":
            texts[name] = body
        elif kind == "exit":
            name, _space, code = name.rpartition(" ")
            answers[name] = Answer(exit_code=int(code), text=texts.pop(name, ""))
        elif kind == "value":
            values[name] = body.rstrip("\r\n")
        elif kind == "huge":
            huge.append(name)
    return Sections(files=files, sums=sums, answers=answers, values=values, huge=tuple(huge))


def _from_octal(dump: str) -> str:
    numbers = (int(word, 8) for line in dump.splitlines() for word in line.split()[1:])
    return bytes(numbers).decode("utf-8", "surrogateescape")


def printable(text: str) -> str:
    """Return a text without what stands for bytes that are no UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")


def cksum(data: bytes) -> str:
    """Return what POSIX ``cksum`` prints for these bytes: CRC and length."""
    length, size = len(data), bytearray()
    while length:
        size.append(length & 0xFF)
        length >>= 8
    crc = 0
    for byte in data + bytes(size):
        crc = (crc << 8) & 0xFFFFFFFF ^ _TABLE[(crc >> 24) ^ byte]
    return f"{crc ^ 0xFFFFFFFF} {len(data)}"


def _table() -> tuple[int, ...]:
    table = []
    for index in range(256):
        value = index << 24
        for _bit in range(8):
            value = (value << 1) & 0xFFFFFFFF ^ (0x04C11DB7 if value & 0x80000000 else 0)
        table.append(value)
    return tuple(table)


_TABLE = _table()
