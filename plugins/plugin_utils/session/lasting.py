# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of an invocation whose link was lost: ended or left alone, and what it may have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..errors import ConnectionLost, TimedOut
from .command import Credential, Secret
from .translate import broke_off

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .command import Pipeline

_READING: Final = frozenset(
    ("compare", "convertfrom", "convertto", "foreach", "get", "measure", "out", "resolve", "select", "test", "where",
     "write")
)  # fmt: skip
_OF_THE_SHELL: Final = frozenset(("new-psdrive", "remove-psdrive", "set-variable"))
"""Change the shell only, and end with it."""
_ONCE: Final = frozenset(("foreach-object", "compare-vm"))
"""Not to be asked again blindly: a method called on each object may do anything, a comparison leaves a planned VM."""
_BEGUN_ANEW: Final = frozenset(("copy-item", "invoke-webrequest"))
"""Fetch a file under a name of their own: of no use to whoever comes after."""
_NEVER_BEGAN: Final = frozenset(
    ("authentication", "certificate", "no_connection", "quota", "service_starting", "shell_gone")
)
_RUNS_NO_MORE: Final = frozenset(("shell_gone", "stopped"))


def never_began(lost: ConnectionLost) -> bool:
    """Whether a link was lost so early, while an invocation was being started, that the machine can't have begun it."""
    return lost.details.get("reason") in _NEVER_BEGAN


def changes(statements: Sequence[Pipeline]) -> bool:
    """Whether the statements change something on the machine, beyond their own shell."""
    return any(not (_reads(name) or name in _OF_THE_SHELL) for name in _names(statements))


def held(before: frozenset[str], statements: Sequence[Pipeline]) -> frozenset[str]:
    """Return what a shell keeps after the statements, variables ("$name") and drives ("name:")."""
    kept = set(before)
    for item in (item for statement in statements for item in statement.commands):
        name, given = item.name.lower(), dict(item.parameters)
        if name == "set-variable":
            (kept.discard if "Value" in given else kept.add)(f"${given['Name']}")
        elif name == "new-psdrive":
            kept.add(f"{given['Name']}:")
        elif name == "remove-psdrive":
            kept.discard(f"{given['Name']}:")
    return frozenset(kept)


def builds_upon(kept: frozenset[str], statements: Sequence[Pipeline]) -> bool:
    """Whether the statements may need what their shell keeps: they ask for a variable, or a path may be on a drive."""
    return any(one.endswith(":") for one in kept) or (bool(kept) and "get-variable" in _names(statements))


def repeatable(statements: Sequence[Pipeline], lost: ConnectionLost | TimedOut) -> bool:
    """Whether statements may simply be asked again in a new shell: they only read, and their link broke off.

    That the old shell kept nothing the caller knows; what they keep themselves they keep in the new one.
    """
    if isinstance(lost, TimedOut) or not (broke_off(lost) or lost.details.get("reason") == "shell_gone"):
        return False
    if any(isinstance(value, (Secret, Credential)) for value in _values(statements)):
        return False  # a refusal may be what was lost
    return all(name not in _ONCE and (_reads(name) or name == "set-variable") for name in _names(statements))


def goes_on(statements: Sequence[Pipeline], lost: ConnectionLost) -> bool:
    """Whether a machine that had begun may still be at work on something that must be left to it.

    Deleting the shell would stop it: a move that has copied for hours would be cancelled, since a stop in its session
    is what cancels it. Whether it is done tells a look at the machine.
    """
    if lost.details.get("reason") in _RUNS_NO_MORE:
        return False
    return changes(statements) and not all(_reads(name) or name in _BEGUN_ANEW for name in _names(statements))


def _names(statements: Sequence[Pipeline]) -> list[str]:
    return [item.name.lower() for statement in statements for item in statement.commands]


def _values(statements: Sequence[Pipeline]) -> list[Any]:
    return [value for statement in statements for item in statement.commands for _name, value in item.parameters]


def _reads(name: str) -> bool:
    return name.partition("-")[0] in _READING
