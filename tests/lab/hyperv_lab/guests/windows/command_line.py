# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a Windows program takes its command line apart (the C run-time's published rules)."""

from __future__ import annotations


def split(command_line: str) -> list[str]:
    """Return the words: blanks part them unless quoted; ``\\"`` is a quote, backslashes before a quote are halved."""
    words: list[str] = []
    position = 0
    while position < len(command_line):
        if command_line[position] in " \t":
            position += 1
            continue
        word, position = _program(command_line) if not words else _word(command_line, position)
        words.append(word)
    return words


def _program(line: str) -> tuple[str, int]:
    """Return the first word, in which a backslash means nothing but itself."""
    start = len(line) - len(line.lstrip(" \t"))
    if line[start] == '"':
        end = line.find('"', start + 1)
        end = len(line) if end < 0 else end
        return line[start + 1 : end], end + 1
    ends = [found for found in (line.find(" ", start), line.find("\t", start)) if found >= 0]
    end = min(ends, default=len(line))
    return line[start:end], end


def _word(line: str, position: int) -> tuple[str, int]:
    out: list[str] = []
    quoted = False
    while position < len(line):
        char = line[position]
        if char == "\\":
            run = len(line[position:]) - len(line[position:].lstrip("\\"))
            position += run
            if line[position : position + 1] == '"':
                out.append("\\" * (run // 2))
                if run % 2:
                    out.append('"')
                    position += 1
            else:
                out.append("\\" * run)
        elif char == '"':
            if quoted and line[position + 1 : position + 2] == '"':
                out.append('"')
                position += 1
            else:
                quoted = not quoted
            position += 1
        elif char in " \t" and not quoted:
            break
        else:
            out.append(char)
            position += 1
    return "".join(out), position
