# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a statement must be before it is sent: the guards that hold for every session, real or fake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .modules import is_native, qualified
from .values import to_wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .command import Command, Pipeline

_HOSTS = frozenset(("computername", "cimsession"))


def arguments(item: Command) -> Iterator[tuple[str | None, Any]]:
    """Yield the command's arguments in their wire types; a parameter given as None is left out.

    Raises TypeError for a value that can't travel, ValueError for a named parameter of a native program.
    """
    for name, value in item.parameters:
        if value is None:
            continue
        if name is not None and is_native(item.name):
            raise ValueError(f"{item.name}: a program takes positional arguments only, not {name}")
        yield name, to_wire(value, f"{item.name} -{name}" if name else item.name)


def check(statements: Sequence[Pipeline]) -> None:
    """Refuse statements that a machine would misunderstand; raises ValueError or TypeError, always our own mistake.

    A host beside a piped object lets the engine bind the object's text to a name parameter without an error, and so
    act on another machine than the object's (measured): the object's own machine is the only one that can be meant.
    """
    if not statements:
        raise ValueError("an invocation needs at least one statement")
    for statement in statements:
        if not statement.commands:
            raise ValueError("a statement needs at least one command")
        for place, item in enumerate(statement.commands):
            qualified(item.name)
            for name, _value in arguments(item):
                if place and name is not None and name.lower() in _HOSTS:
                    raise ValueError(f"{item.name} -{name} behind a pipe: give either the object or a host")
