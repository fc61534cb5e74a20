# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How cmd.exe takes a line apart: its quotes rule for /c, ``&``, ``&&``, ``||``, ``|``, ``^``, redirections, ``if``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_START = re.compile(r'\s*(?:"[^"]*"|\S+)(?P<switches>(?:\s+/[abdefqstuv](?::\w+)?)*)\s+/c\s?(?P<rest>.*)', re.I | re.S)
_IF = re.compile(
    r'if\s+(?:(?P<nocase>/i)\s+)?(?P<negated>not\s+)?(?:exist\s+(?P<path>"[^"]*"|\S+)|defined\s+(?P<name>\S+)|'
    r'errorlevel\s+(?P<level>-?\d+)|(?P<left>"[^"]*"|[^\s=]+)\s*==\s*(?P<right>"[^"]*"|\S+))\s+(?P<body>.*)',
    re.IGNORECASE | re.DOTALL,
)
_REDIRECTION = re.compile(r'(?P<handle>[012])?(?P<sign>>>|>|<)\s*(?P<target>&\d|"[^"]*"|[^\s<>|&]+)')


@dataclass(frozen=True, kw_only=True)
class Simple:
    """A command without operators: its text, and where its streams go."""

    text: str
    redirections: tuple[tuple[int, str, str], ...] = ()
    """(handle, ``>``, ``>>`` or ``<``, target)."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """An ``if``; its body is the rest of the line."""

    body: str
    negated: bool = False
    path: str | None = None
    name: str | None = None
    level: int | None = None
    sides: tuple[str, str] = field(default=("", ""))


def command_of(line: str) -> str | None:
    """Return what follows ``/c``, without the quotes that cmd takes away; None where there is no /c."""
    found = _START.fullmatch(line)
    if found is None:
        return None
    text = found["rest"].strip()
    if not text.startswith('"'):
        return text
    plain = text.count('"') == 2 and not re.search(r"[&<>()@^|]", text) and text.endswith('"') and " " in text
    if plain and "/s" not in found["switches"].lower().split():
        return text
    last = text.rfind('"')
    return text[1:last] + text[last + 1 :]


def condition(text: str) -> Condition | None:
    """Return the ``if`` that a line begins with, None where it begins with another command."""
    found = _IF.fullmatch(text.strip())
    if found is None:
        return None
    left, right = (found[side] or "" for side in ("left", "right"))
    if found["nocase"]:
        left, right = left.lower(), right.lower()
    body = found["body"].strip()
    if body.startswith("(") and body.endswith(")"):
        body = body[1:-1]
    return Condition(
        body=body,
        negated=bool(found["negated"]),
        path=found["path"].strip('"') if found["path"] else None,
        name=found["name"],
        level=int(found["level"]) if found["level"] else None,
        sides=(left, right),
    )


def first(text: str) -> tuple[str, str, str]:
    """Return the first command of a line, the operator behind it (``&``, ``&&``, ``||`` or nothing), and the rest."""
    for position, sign in _outside(text):
        two = text[position : position + 2]
        if two in ("&&", "||"):
            return text[:position], two, text[position + 2 :]
        if sign == "&" and text[position - 1 : position] != ">":
            return text[:position], "&", text[position + 1 :]
    return text, "", ""


def piped(text: str) -> list[str]:
    """Return the commands of a pipe."""
    parts: list[str] = []
    begin = 0
    for position, sign in _outside(text):
        if sign == "|":
            parts.append(text[begin:position])
            begin = position + 1
    return [*parts, text[begin:]]


def _outside(text: str) -> list[tuple[int, str]]:
    """Return the characters that are neither quoted nor escaped, with their places."""
    found: list[tuple[int, str]] = []
    quoted = escaped = False
    for position, sign in enumerate(text):
        if escaped:
            escaped = False
        elif sign == '"':
            quoted = not quoted
        elif sign == "^" and not quoted:
            escaped = True
        elif not quoted:
            found.append((position, sign))
    return found


def simple(text: str) -> Simple:
    """Return a command and its redirections; ValueError for brackets and other things that aren't played."""
    plain = {position for position, _sign in _outside(text)}
    redirections: list[tuple[int, str, str]] = []
    kept, begin = "", 0
    for found in _REDIRECTION.finditer(text):
        if found.start("sign") not in plain:
            continue
        start = found.start()
        handle = found["handle"]
        if handle and start and not text[start - 1].isspace():  # the digit belongs to the word before it
            start, handle = start + 1, None
        default = 0 if found["sign"] == "<" else 1
        redirections.append((int(handle) if handle else default, found["sign"], found["target"].strip('"')))
        kept += text[begin:start]
        begin = found.end()
    kept += text[begin:]
    if kept.strip().startswith("("):
        raise ValueError("brackets")
    return Simple(text=_unescaped(kept).lstrip(), redirections=tuple(redirections))


def _unescaped(text: str) -> str:
    out, quoted, position = "", False, 0
    while position < len(text):
        sign = text[position]
        if sign == '"':
            quoted = not quoted
        elif sign == "^" and not quoted:
            position += 1
            sign = text[position : position + 1]
        out += sign
        position += 1
    return out
