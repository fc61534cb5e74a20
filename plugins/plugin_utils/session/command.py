# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands as data: what is sent to a machine, without a line of script text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Marker:
    """A named constant that is no wire value."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


NULL: Final = _Marker("NULL")
"""An explicit null argument (``Set-VMDvdDrive -Path $null``); a parameter given as None is left out instead."""

ON: Final = _Marker("ON")
"""A switch that is on. One that is off is left out: a null sent to a compiled switch would turn it on."""


def switch(flag: bool | None) -> Any:
    """Return the argument for a switch parameter: ON, or None, which leaves the parameter out."""
    return ON if flag else None


@dataclass(frozen=True)
class Secret:
    """Text that travels as SecureString and never shows in a representation."""

    text: str

    def __repr__(self) -> str:
        return "Secret(***)"


@dataclass(frozen=True)
class Credential:
    """A user and a secret, sent as PSCredential."""

    username: str
    password: Secret


@dataclass(frozen=True)
class Command:
    """One command of a pipeline; ``parameters`` are (name, value), with None as name for a positional argument."""

    name: str
    parameters: tuple[tuple[str | None, Any], ...] = ()


@dataclass(frozen=True)
class Pipeline:
    """Commands joined by pipes: one statement of an invocation."""

    commands: tuple[Command, ...]

    def __or__(self, other: Pipeline) -> Pipeline:
        return Pipeline(self.commands + other.commands)

    @property
    def last(self) -> str:
        """The name of the last command, for messages."""
        return self.commands[-1].name


def command(name: str, /, *arguments: Any, **parameters: Any) -> Pipeline:
    """Return a pipeline of one command. Parameters given as None are left out; use NULL to send a null.

    ``name`` is the bare cmdlet name; sessions send it module-qualified.
    """
    positional: list[tuple[str | None, Any]] = [(None, value) for value in arguments]
    named: list[tuple[str | None, Any]] = [(key, value) for key, value in parameters.items() if value is not None]
    return Pipeline((Command(name, tuple(positional + named)),))


def select(*properties: str) -> Pipeline:
    """Return the projection of objects on properties, made on the host."""
    return command("Select-Object", Property=list(properties))


def expand(property_name: str, *, keeping: Sequence[str] = ()) -> Pipeline:
    """Return the expansion of a property into its elements, each with the parent's ``keeping`` properties."""
    return command("Select-Object", ExpandProperty=property_name, Property=list(keeping) or None)


def where(property_name: str, value: Any) -> Pipeline:
    """Return the filter of objects whose property equals the value (compared by the host, without case)."""
    return command("Where-Object", Property=property_name, Value=value, EQ=ON)


def as_json(depth: int = 2) -> Pipeline:
    """Return the conversion of everything before it into one JSON text, made on the host."""
    return command("ConvertTo-Json", Compress=ON, Depth=depth)
