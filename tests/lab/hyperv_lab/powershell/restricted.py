# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restricted endpoints (NoLanguage, RestrictedRemoteServer): which commands they show, and as what.

A command that is granted whole is itself. One that is granted in part becomes a proxy function that has only the
granted parameters and calls the real one. Eight proxies are in every such session (public source of the engine,
CommandMetadata.GetRestrictedCommands; the recordings agree).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from .signature import Parameter, Signature, command, parameter

SELECTABLE = (
    "ModuleName",
    "Namespace",
    "OutputType",
    "Count",
    "HelpUri",
    "Name",
    "CommandType",
    "ResolvedCommandName",
    "DefaultParameterSet",
    "CmdletBinding",
    "Parameters",
)
"""What the proxy of Select-Object lets -Property name: it is made for reading commands."""
HELP_CATEGORIES = (
    "None",
    "Alias",
    "Cmdlet",
    "Provider",
    "General",
    "FAQ",
    "Glossary",
    "HelpFile",
    "ScriptCommand",
    "Function",
    "Filter",
    "ExternalScript",
    "All",
    "DefaultHelp",
    "DscResource",
    "Class",
    "Configuration",
)
ALIASES = {
    "clear": "Clear-Host",
    "cls": "Clear-Host",
    "exsn": "Exit-PSSession",
    "gcm": "Get-Command",
    "measure": "Measure-Object",
    "select": "Select-Object",
}


@dataclass(frozen=True)
class ParameterGrant:
    """One granted parameter: free, or with a set of values or a pattern for the whole value."""

    name: str
    values: tuple[str, ...] | None = None
    pattern: str | None = None


@dataclass(frozen=True)
class Grant:
    """What a restricted endpoint shows of a command, by plain or module-qualified name."""

    name: str
    parameters: tuple[ParameterGrant, ...] | None = None
    """None grants the command whole."""

    @property
    def plain(self) -> str:
        """Return the name without the module."""
        return self.name.rpartition("\\")[2]


@dataclass(frozen=True)
class Endpoint:
    """The visible commands of a restricted endpoint."""

    visible: tuple[Grant, ...] = ()


def grant(name: str, /, **parameters: tuple[str, ...] | str | None) -> Grant:
    """Return a grant: of the whole command, or of parameters (a tuple of values, a pattern, or None for any value)."""
    if not parameters:
        return Grant(name)
    return Grant(
        name,
        tuple(
            ParameterGrant(
                each, rule if isinstance(rule, tuple) else None, f"^(?:{rule})$" if isinstance(rule, str) else None
            )
            for each, rule in parameters.items()
        ),
    )


@lru_cache(maxsize=4096)
def granted(signature: Signature, rules: Grant) -> Signature:
    """Return the signature of the proxy function for a command granted in part; the same object each time."""
    wanted = {each.name.lower(): each for each in rules.parameters or ()}
    kept: list[Parameter] = []
    for each in signature.parameters:
        rule = wanted.get(each.name.lower())
        if rule is not None:
            kept.append(replace(each, allowed=rule.values, pattern=rule.pattern))
        elif each.common:
            kept.append(each)
    return replace(signature, parameters=tuple(kept), kind="function", module="")


@lru_cache(maxsize=8)
def default_proxies(edition: str) -> dict[str, Signature]:
    """Return the proxy functions that every restricted session has, by lower-case name."""

    def proxy(name: str, *parameters: Parameter) -> Signature:
        return command(name, *parameters, kind="function", edition=edition)

    found: Iterable[Signature] = (
        proxy("Clear-Host"),
        proxy("Exit-PSSession"),
        proxy(
            "Get-Command",
            parameter("Name", "String[]", position=0),
            parameter("Module", "String[]", position=1),
            parameter("ArgumentList", "Object[]", position=2),
            parameter("CommandType", "CommandTypes", position=3),
            parameter("ListImported", "SwitchParameter"),
            parameter("ShowCommandInfo", "SwitchParameter"),
        ),
        proxy(
            "Get-FormatData", parameter("TypeName", "String[]", position=0), parameter("PowerShellVersion", "Version")
        ),
        proxy(
            "Get-Help",
            replace(parameter("Name", position=0), pattern=r"^[-._:\\\w]{1,100}$"),
            replace(parameter("Category", "String[]", position=1), allowed=HELP_CATEGORIES),
        ),
        proxy("Measure-Object", _input(position=0)),
        proxy("Out-Default", _input(position=0)),
        proxy(
            "Select-Object",
            replace(parameter("Property", "String[]", position=0), allowed=SELECTABLE),
            _input(position=1),
        ),
    )
    return {each.name.lower(): each for each in found}


def _input(*, position: int) -> Parameter:
    return parameter("InputObject", "Object", mandatory=True, by_value=True, position=position)
