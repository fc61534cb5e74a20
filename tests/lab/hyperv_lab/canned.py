# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Canned answers to scripts: the lab runs no script text, but a bench may have to serve a client that sends some."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

Script = Callable[[str], "Sequence[str] | None"]


def load(path: Path) -> Script:
    """Return what answers a script text: the outputs of the first entry whose text it contains, or None.

    The file is a JSON list of ``{"contains": text, "output": [texts]}``; an empty text is contained in every script.
    ValueError for a file of another form, OSError where it can't be read.
    """
    entries = json.loads(path.read_text(encoding="utf-8"))
    known = [_entry(entry, path) for entry in (entries if isinstance(entries, list) else [entries])]
    return lambda text: next((output for part, output in known if part in text), None)


def _entry(entry: object, path: Path) -> tuple[str, list[str]]:
    if isinstance(entry, dict) and set(entry) == {"contains", "output"}:
        part, output = entry["contains"], entry["output"]
        if isinstance(part, str) and isinstance(output, list) and all(isinstance(each, str) for each in output):
            return part, output
    raise ValueError(f'{path}: an entry must be {{"contains": text, "output": [texts]}}, not {entry!r}')
