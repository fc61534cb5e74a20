# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the binder knows of a command: its parameters, their sets and flags. Plain frozen data, built by hand or read.

A command of the contract comes from ``contract.signature``; any other is made with ``parameter`` and ``command``::

    GET_SAMPLE = command(
        "Get-Sample",
        parameter("Name", "String[]", sets="Name", position=0, by_name=True),
        parameter("Id", "Nullable<Guid>", sets="Id", mandatory=True),
        default="Name",
    )
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

ALL_SETS = "__AllParameterSets"
BEFORE_4 = ("2008R2SP1", "2012")
"""Editions whose PowerShell is older than 4.0."""
Kind = Literal["compiled", "function"]


@dataclass(frozen=True)
class Membership:
    """What a parameter is within one set."""

    mandatory: bool = False
    position: int | None = None
    by_value: bool = False
    by_name: bool = False


@dataclass(frozen=True)
class Parameter:
    """A parameter. ``sets`` names every set it belongs to; ``{ALL_SETS: …}`` alone says that it is of all sets."""

    name: str
    type: str
    sets: Mapping[str, Membership] = field(default_factory=lambda: {ALL_SETS: Membership()})
    aliases: tuple[str, ...] = ()
    values: tuple[str, ...] | None = None
    """Names of the enumeration, or the texts that a String accepts."""
    wildcard: bool = False
    nullable: bool = False
    providers: tuple[str, ...] = ()
    """The parameter exists only where the path is of one of these providers."""
    provider_mandatory_in: tuple[str, ...] = ()
    common: bool = False
    """Added by the engine, not declared by the command."""
    allowed: tuple[str, ...] | None = None
    """ValidateSet of a restricted endpoint: compared with the value's text, ignoring case."""
    pattern: str | None = None
    """ValidatePattern of a restricted endpoint: a regular expression for the value's text."""


@dataclass(frozen=True, eq=False)
class Signature:
    """A command as the binder sees it. Compared by identity, so that derived tables can be kept with it."""

    name: str
    parameters: tuple[Parameter, ...]
    sets: tuple[str, ...] = ()
    default: str | None = None
    kind: Kind = "compiled"
    module: str = ""
    aliases: tuple[str, ...] = ()
    should_process: bool = False

    @cached_property
    def dynamic(self) -> bool:
        """Whether some parameters exist only under certain providers."""
        return any(each.providers for each in self.parameters)

    def parameter(self, name: str) -> Parameter | None:
        """Return the parameter of this exact name (any case), or None."""
        wanted = name.lower()
        return next((each for each in self.parameters if each.name.lower() == wanted), None)


ACTIONS = ("SilentlyContinue", "Stop", "Continue", "Inquire", "Ignore", "Suspend")


def _common(name: str, type_name: str, alias: str) -> Parameter:
    values = ACTIONS if type_name == "ActionPreference" else None
    return Parameter(name, type_name, aliases=(alias,), values=values, common=True)


_COMMON = (
    _common("Verbose", "SwitchParameter", "vb"),
    _common("Debug", "SwitchParameter", "db"),
    _common("ErrorAction", "ActionPreference", "ea"),
    _common("WarningAction", "ActionPreference", "wa"),
    _common("ErrorVariable", "String", "ev"),
    _common("WarningVariable", "String", "wv"),
    _common("OutVariable", "String", "ov"),
    _common("OutBuffer", "Int32", "ob"),
    _common("PipelineVariable", "String", "pv"),
)
_INFORMATION = (
    _common("InformationAction", "ActionPreference", "infa"),
    _common("InformationVariable", "String", "iv"),
)
_PROGRESS = (_common("ProgressAction", "ActionPreference", "proga"),)
_SHOULD_PROCESS = (_common("WhatIf", "SwitchParameter", "wi"), _common("Confirm", "SwitchParameter", "cf"))


def common_parameters(edition: str, *, should_process: bool) -> tuple[Parameter, ...]:
    """Return what the engine adds to a command.

    ``edition`` is a server edition; "2012R2" is PowerShell 4.0 without the two of Information, those before it have no
    PipelineVariable either, "7" has ProgressAction.
    """
    found: tuple[Parameter, ...] = _COMMON
    if edition in BEFORE_4:
        found = tuple(each for each in found if each.name != "PipelineVariable")
    if edition not in (*BEFORE_4, "2012R2"):
        found += _INFORMATION
    if edition == "7":
        found += _PROGRESS
    return found + _SHOULD_PROCESS if should_process else found


def parameter(
    name: str,
    type_name: str = "String",
    *,
    sets: str | Iterable[str] = (),
    mandatory: bool = False,
    position: int | None = None,
    by_value: bool = False,
    by_name: bool = False,
    aliases: Iterable[str] = (),
    values: Iterable[str] | None = None,
    wildcard: bool = False,
) -> Parameter:
    """Return a parameter with the same flags in all the sets named (none named: of all sets)."""
    named = [sets] if isinstance(sets, str) else list(sets)
    flags = Membership(mandatory=mandatory, position=position, by_value=by_value, by_name=by_name)
    return Parameter(
        name,
        type_name,
        dict.fromkeys(named or [ALL_SETS], flags),
        aliases=tuple(aliases),
        values=None if values is None else tuple(values),
        wildcard=wildcard,
    )


def command(
    name: str,
    *parameters: Parameter,
    default: str | None = None,
    kind: Kind = "compiled",
    module: str = "",
    aliases: Iterable[str] = (),
    should_process: bool = False,
    edition: str = "2022",
) -> Signature:
    """Return the signature of a command made by hand, common parameters added."""
    names = dict.fromkeys(each for one in parameters for each in one.sets if each != ALL_SETS)
    if default is not None:
        names.setdefault(default)
    return Signature(
        name=name,
        parameters=(*parameters, *common_parameters(edition, should_process=should_process)),
        sets=tuple(names),
        default=default,
        kind=kind,
        module=module,
        aliases=tuple(aliases),
        should_process=should_process,
    )
