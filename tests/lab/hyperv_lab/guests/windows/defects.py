# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Defects of Windows machines: each is a state that a real machine can be in, and causes one error of Site Recovery.

``DEFECTS`` is their table: the fleet file names them, the lab's README lists them.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .state import WindowsMachine

    Cause: TypeAlias = Callable[[WindowsMachine], None]


@dataclass(frozen=True, kw_only=True)
class Defect:
    """A defect. ``ids`` are the errors that it causes; several are a documented pair."""

    cause: Cause
    ids: tuple[str, ...]
    changes: str
    """What it changes, for people."""
    domain: bool = False
    """Whether it needs a machine of a domain."""
    os: tuple[str, ...] = ()
    """The systems on which it is a defect; empty for all."""


DEFECTS: dict[str, Defect] = {}


def defect(
    name: str, *ids: str, changes: str, domain: bool = False, os: Sequence[str] = ()
) -> Callable[[Cause], Cause]:
    """Register a defect under a name."""

    def register(cause: Cause) -> Cause:
        DEFECTS[name] = Defect(cause=cause, ids=ids, changes=changes, domain=domain, os=tuple(os))
        return cause

    return register


for _file in ("push", "system", "disks", "software", "agent", "setup"):
    import_module(f".defects_{_file}", __package__)
