# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of an invocation whose link was lost: ended with its shell, or left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..errors import ConnectionLost
    from .command import Pipeline

_READING: Final = frozenset(
    ("compare", "convertfrom", "convertto", "get", "measure", "resolve", "select", "sort", "test", "where", "write")
)
_BEGUN_ANEW: Final = frozenset(("copy-item", "invoke-webrequest", "set-variable"))
"""Fetch a file under a name of their own, or keep something in the shell: of no use to whoever comes after."""
_NOTHING_RUNS: Final = frozenset(("quota", "service_starting", "shell_gone", "stopped"))


def goes_on(statements: Sequence[Pipeline], lost: ConnectionLost) -> bool:
    """Whether the machine may still be at work on something that must be left to it.

    Deleting the shell would stop it: a move that has copied for hours would be cancelled, since a stop in its session
    is what cancels it. Whether it is done tells a look at the machine.
    """
    if lost.details.get("reason") in _NOTHING_RUNS:
        return False
    names = [item.name.lower() for statement in statements for item in statement.commands]
    return not all(name.partition("-")[0] in _READING or name in _BEGUN_ANEW for name in names)
