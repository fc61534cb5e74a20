# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one folder of ours per machine and run: how it is named, and when one that lies there was left by a killed run.

The name tells the controller and the process of the run. A run of this controller whose process is gone was killed. A
folder of another controller counts as left once nothing in it has changed for a while: a live run touches its folder at
every step, and a longer step has a program that runs from it.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PREFIX: Final = "hyperv-mobility-asr-"
QUIET_SECONDS: Final = 600
WINDOWS_PARENT: Final = "C:\\Windows\\Temp"
LINUX_PARENT: Final = "/var/tmp"  # noqa: S108 # made by mkdir with mode 700, which fails where something is already
_NAME: Final = re.compile(re.escape(PREFIX) + r"([0-9a-f]{8})-(\d{1,10})-[0-9a-f]{16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A folder of ours on a machine."""

    name: str
    is_quiet: bool
    """Nothing in it changed for ``QUIET_SECONDS``, by the machine's own clock."""
    is_busy: bool = False
    """A program runs from it."""


def new_name() -> str:
    """Return the name of this run's folder."""
    return f"{PREFIX}{controller()}-{os.getpid()}-{secrets.token_hex(8)}"


def controller() -> str:
    """Return a short name of this controller."""
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def is_ours(name: str) -> bool:
    """Whether a folder's name is one that ``new_name`` makes; nothing else is ever removed."""
    return _NAME.fullmatch(name) is not None


def is_left(found: Found) -> bool:
    """Whether a folder was left by a run that is gone."""
    parts = _NAME.fullmatch(found.name)
    if parts is None or found.is_busy:
        return False
    if parts[1] == controller():
        return not _is_alive(int(parts[2]))
    return found.is_quiet


def _is_alive(process: int) -> bool:
    if process == os.getpid():
        return False  # this run's own folder is made after it has looked; a process does one task at a time
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
