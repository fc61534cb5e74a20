# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one folder of ours per machine and run: how it is named, and when one that lies there was left by a killed run.

The name tells the controller and the process of the run. A run of this controller whose process is gone was killed. A
folder of another controller counts as left once nothing in it has changed for a while: a live run touches its folder at
every step, and a longer step has a program that runs from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ...owner import PATTERN, controller, is_gone, new_token

__all__ = ["PREFIX", "Found", "controller", "is_left", "is_ours", "new_name"]

PREFIX: Final = "hyperv-mobility-asr-"
QUIET_SECONDS: Final = 600
WINDOWS_PARENT: Final = "C:\\Windows\\Temp"
LINUX_PARENT: Final = "/var/tmp"  # noqa: S108 # made by mkdir with mode 700, which fails where something is already
_NAME: Final = re.compile(re.escape(PREFIX) + PATTERN)


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
    return PREFIX + new_token()


def is_ours(name: str) -> bool:
    """Whether a folder's name is one that ``new_name`` makes; nothing else is ever removed."""
    return _NAME.fullmatch(name) is not None


def is_left(found: Found) -> bool:
    """Whether a folder was left by a run that is gone."""
    token = found.name.removeprefix(PREFIX)
    if not is_ours(found.name) or found.is_busy:
        return False
    gone = is_gone(token)
    return found.is_quiet if gone is None else gone
