# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who made something that lies on a machine: this controller or another, and whether the process still lives."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

PATTERN: Final = r"[0-9a-f]{8}-\d{1,10}-[0-9a-f]{16}"
"""What ``new_token`` makes, as a pattern: controller, process, chance."""
_PARTS: Final = re.compile(r"([0-9a-f]{8})-(\d{1,10})-[0-9a-f]{16}")

_MADE: Final[set[str]] = set()
"""Tokens of this process."""


def new_token() -> str:
    """Return a name of this run: it tells the controller and the process, and no other run has the same."""
    token = f"{controller()}-{os.getpid()}-{secrets.token_hex(8)}"
    _MADE.add(token)
    return token


def controller() -> str:
    """Return a short name of this controller: a machine since its start, and the space of its process numbers.

    Two containers of one machine, or two machines, may have the same host name, and know nothing of each other's
    processes.
    """
    known = [socket.gethostname()]
    with suppress(OSError):  # no Linux
        known.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        known.append(str(Path("/proc/self/ns/pid").stat().st_ino))
    return hashlib.sha256(" ".join(known).encode()).hexdigest()[:8]


def is_gone(token: str) -> bool | None:
    """Whether the run of a token has ended: None where only its own controller could tell.

    A token of this very process is one of an earlier task or attempt: a process makes its own after it has looked.
    """
    parts = _PARTS.fullmatch(token)
    if parts is None or parts[1] != controller():
        return None
    return not is_alive(int(parts[2]))


def is_mine(token: str) -> bool:
    """Whether a token was made by this very process; a later one may have the same number."""
    return token in _MADE


def is_alive(process: int) -> bool:
    """Whether another process of this controller lives."""
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return not _is_zombie(process)


def _is_zombie(process: int) -> bool:
    """Whether a process has ended and only waits to be asked how: a killed one whose parent was killed with it."""
    try:
        told = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:  # no Linux, or gone meanwhile
        return False
    return told.rpartition(")")[2].split()[:1] in (["Z"], ["X"])
