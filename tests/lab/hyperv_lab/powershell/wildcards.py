# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wildcard patterns of the engine: * ? [a-z], and a backtick that takes a sign literally."""

from __future__ import annotations

import re
from functools import lru_cache

SIGNS = frozenset("*?[")


@lru_cache(maxsize=8192)
def has_wildcards(text: str) -> bool:
    """Return whether a text has a sign of a pattern that no backtick takes away."""
    if SIGNS.isdisjoint(text):
        return False
    return not SIGNS.isdisjoint(re.sub("`.", "", text, flags=re.DOTALL))


@lru_cache(maxsize=1024)
def compiled(pattern: str, *, case: bool = False) -> re.Pattern[str]:
    """Return a pattern as a regular expression for the whole text."""
    return re.compile(_translated(pattern), re.DOTALL if case else re.DOTALL | re.IGNORECASE)


def fits(text: str, pattern: str, *, case: bool = False) -> bool:
    """Return whether the whole text fits the pattern."""
    return compiled(pattern, case=case).fullmatch(text) is not None


def _translated(pattern: str) -> str:
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        sign = pattern[at]
        closing = pattern.find("]", at + 2) if sign == "[" else -1
        if sign == "`" and at + 1 < len(pattern):
            at += 1
            parts.append(re.escape(pattern[at]))
        elif sign == "*":
            parts.append(".*")
        elif sign == "?":
            parts.append(".")
        elif closing > 0:
            parts.append(_class(pattern[at + 1 : closing]))
            at = closing
        else:
            parts.append(re.escape(sign))
        at += 1
    return "".join(parts)


def _class(signs: str) -> str:
    escaped = re.sub(r"([\\^\[\]&~|])", r"\\\1", signs.replace("`", ""))
    return f"[{escaped}]"
