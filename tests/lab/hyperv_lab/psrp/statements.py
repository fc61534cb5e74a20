# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of a pipeline as data: what a client asked for, in the engine's values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .incoming import to_engine

if TYPE_CHECKING:
    import psrpcore


@dataclass(frozen=True, kw_only=True)
class CommandCall:
    """One command of a statement."""

    name: str
    """Name as sent ("Hyper-V\\Get-VM"), or script text."""
    parameters: tuple[tuple[str | None, Any], ...] = ()
    """Name and value in order; a positional argument has no name, a switch no value (None)."""
    is_script: bool = False
    merge_error: bool = False
    """Whether error records go to the output."""


@dataclass(frozen=True)
class PipelineCall:
    """A whole invocation."""

    statements: tuple[tuple[CommandCall, ...], ...]
    no_input: bool = True
    is_nested: bool = False
    history: str | None = field(default=None, compare=False)


def read(powershell: psrpcore.PowerShell) -> PipelineCall:
    """Return the invocation in psrpcore's object."""
    statements: list[tuple[CommandCall, ...]] = []
    current: list[CommandCall] = []
    for command in powershell.commands:
        current.append(_command(command))
        if command.end_of_statement:
            statements.append(tuple(current))
            current = []
    if current:
        statements.append(tuple(current))
    return PipelineCall(tuple(statements), bool(powershell.no_input), bool(powershell.is_nested), powershell.history)


def _command(command: psrpcore.Command) -> CommandCall:
    return CommandCall(
        name="".join(command.command_text),
        parameters=tuple((_name(name), to_engine(value)) for name, value in command.parameters),
        is_script=bool(command.is_script),
        merge_error=int(command.merge_error) != 0 or int(command.merge_to) != 0,
    )


def _name(name: str | None) -> str | None:
    return "".join(name).rstrip(":").removeprefix("-") if name is not None else None
