# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What installer files have to be: their SHA-256 and size, given as a mapping or as a file of ``sha256sum``."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHA256 = re.compile(r"[0-9a-f]{64}")
_LINE = re.compile(r"\\?(?P<sum>[0-9A-Fa-f]{64}) [ *](?P<name>.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a file has to be; None is "not told"."""

    sha256: str | None = None
    size: int | None = None


def checked_sha256(text: object, *, of: str) -> str:
    """Return a sum in small letters; InvalidRequest for what is none."""
    found = str(text).strip().lower()
    if not _SHA256.fullmatch(found):
        raise InvalidRequest(f"{of}: {str(text)!r} is no SHA-256 sum: 64 hexadecimal digits")
    return found


def from_mapping(given: Mapping[str, Any]) -> dict[str, Expected]:
    """Return what is expected by file name in small letters. A value is a sum, or ``sha256`` and ``size``."""
    return {name.lower(): _expected(name, value) for name, value in given.items()}


def _expected(name: str, value: Any) -> Expected:
    if not isinstance(value, dict):
        return Expected(sha256=checked_sha256(value, of=f"checksums: {name}"))
    unknown = sorted(set(value) - {"sha256", "size"})
    size = value.get("size")
    if unknown or not value:
        raise InvalidRequest(f"checksums: {name} may have sha256 and size, not {', '.join(unknown) or 'nothing'}")
    if size is not None and (isinstance(size, bool) or not str(size).isdigit()):
        raise InvalidRequest(f"checksums: the size of {name} is {size!r}, which is no number of bytes")
    sha256 = value.get("sha256")
    return Expected(
        sha256=checked_sha256(sha256, of=f"checksums: {name}") if sha256 is not None else None,
        size=int(size) if size is not None else None,
    )


def from_file(path: str) -> dict[str, Expected]:
    """Return what a file on the controller says, as ``sha256sum`` writes it. Raises InvalidRequest."""
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise InvalidRequest(f"checksums_file: {path} can't be read: {problem}") from problem
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = _LINE.fullmatch(line.rstrip())
        if parts is None:
            raise InvalidRequest(f"checksums_file: line {number} of {path} is no line of sha256sum")
        found[re.split(r"[\\/]", parts["name"])[-1].lower()] = Expected(sha256=parts["sum"].lower())
    return found


def local_sha256(path: Path) -> str:
    """Return the SHA-256 of a file of the controller."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
