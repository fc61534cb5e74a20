# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PowerShell's wildcard patterns."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def has_wildcards(text: str) -> bool:
    """Return whether a text is a pattern: an unescaped *, ? or [."""
    return re.search(r"(?<!`)[*?\[]", text) is not None


@lru_cache(maxsize=4096)
def wildcard(pattern: str) -> re.Pattern[str]:
    """Return a PowerShell wildcard pattern as an expression that ignores case. A backtick escapes."""
    parts: list[str] = []
    position = 0
    while position < len(pattern):
        char = pattern[position]
        position += 1
        if char == "`" and position < len(pattern):
            parts.append(re.escape(pattern[position]))
            position += 1
        elif char == "*":
            parts.append(".*")
        elif char == "?":
            parts.append(".")
        elif char == "[" and "]" in pattern[position:]:
            end = pattern.index("]", position)
            inside = pattern[position:end].replace("\\", "\\\\").replace("^", "\\^")
            parts.append(f"[{inside}]" if inside else r"(?!)")
            position = end + 1
        else:
            parts.append(re.escape(char))
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)


def fits(text: str, patterns: Iterable[str]) -> bool:
    """Return whether a text fits one of the patterns."""
    return any(wildcard(pattern).fullmatch(text) is not None for pattern in patterns)
