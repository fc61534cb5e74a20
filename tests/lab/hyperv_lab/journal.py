# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: one JSON line for each command received, written at once, secrets masked."""

from __future__ import annotations

import datetime as dt
import json
import re
import threading
import uuid
from typing import TYPE_CHECKING, Any

from .powershell.values import Credential, EnumValue, PropertyBag, SecureString

if TYPE_CHECKING:
    from pathlib import Path

MASK = "********"
_SECRET = re.compile(r"passw|secret|token|passphrase|credential$", re.IGNORECASE)


class Journal:
    """Appends to a file; may be used from any thread."""

    def __init__(self, path: Path | None) -> None:
        self._file = path.open("a", encoding="utf-8") if path is not None else None
        self._lock = threading.Lock()
        self.entries: list[dict[str, Any]] = []
        """What was written, where there is no file."""

    def write(self, entry: dict[str, Any]) -> None:
        """Write an entry with its time."""
        stamped = {"time": dt.datetime.now(dt.timezone.utc).isoformat(), **plain(entry)}
        with self._lock:
            if self._file is None:
                self.entries.append(stamped)
            else:
                self._file.write(json.dumps(stamped, ensure_ascii=False) + "\n")
                self._file.flush()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file is not None and not self._file.closed:
                self._file.close()


def plain(value: Any) -> Any:
    """Return a value in JSON's types, without secrets."""
    if isinstance(value, SecureString):
        return MASK
    if isinstance(value, Credential):
        return {"username": value.username, "password": MASK}
    if isinstance(value, EnumValue):
        return value.name
    if isinstance(value, PropertyBag):
        return plain(value.notes)
    if isinstance(value, dict):
        return {str(key): _named(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return str(value)
    return str(value) if isinstance(value, uuid.UUID) else repr(value)


def _named(name: str, value: Any) -> Any:
    return MASK if isinstance(value, str) and value and _SECRET.search(name) else plain(value)
