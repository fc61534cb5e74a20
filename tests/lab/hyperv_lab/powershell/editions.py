# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine's own commands are in each edition of PowerShell: the contract, and what it doesn't have.

Hosts of the fleet have Windows PowerShell, whose commands are those of their Windows edition. Edition "7" is PowerShell
7, which the recordings were made with: the commands of the newest Windows, -ProgressAction, and parameters added since.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from . import contract
from .signature import Parameter, Signature, command, common_parameters, parameter

CORE = "7"
NEWEST = "2025"
UTILITY, ENGINE = "Microsoft.PowerShell.Utility", "Microsoft.PowerShell.Core"


def _switch(name: str, sets: tuple[str, ...] = ()) -> Parameter:
    return parameter(name, "SwitchParameter", sets=sets)


_ADDED: dict[str, tuple[Parameter, ...]] = {
    "select-object": (
        _switch("CaseInsensitive", ("DefaultParameter", "SkipLastParameter", "IndexParameter")),
        parameter("SkipIndex", "Int32[]", sets="SkipIndexParameter", mandatory=True),
    ),
    "where-object": (parameter("Not", "SwitchParameter", sets="Not", mandatory=True),),
    "sort-object": (
        _switch("Stable", ("Default",)),
        parameter("Top", "Int32", sets="Top", mandatory=True),
        parameter("Bottom", "Int32", sets="Bottom", mandatory=True),
    ),
    "measure-object": (_switch("StandardDeviation", ("GenericMeasure",)), _switch("AllStats", ("GenericMeasure",))),
    "convertto-json": (
        _switch("AsArray"),
        _switch("EnumsAsStrings"),
        parameter("EscapeHandling", "StringEscapeHandling", values=("Default", "EscapeNonAscii", "EscapeHtml")),
    ),
}
_COUNT = r"^\d+$"
_RANGES: dict[str, dict[str, str]] = {
    "select-object": dict.fromkeys(("First", "Last", "Skip", "SkipLast", "Index"), _COUNT),
    "convertto-json": {"Depth": r"^(?:\d{1,2}|100)$"},
    "start-sleep": {"Milliseconds": _COUNT, "Seconds": r"^[\d.]+$"},
    "get-command": {"TotalCount": _COUNT},
}
"""Ranges of the engine's own commands (their documentation), as patterns of the value's text."""
_NULL_INPUT = frozenset({"write-output", "convertto-json"})
"""Commands whose mandatory InputObject may be null or empty all the same."""
_JOINED = {"SkipIndexParameter": "DefaultParameter", "Top": "Default", "Bottom": "Default", "Not": "EqualSet"}
"""New parameter sets have the parameters of an older one too."""
_NOT_JOINED = {"SkipIndexParameter": ("First", "Last", "Skip", "Wait"), "Not": ("EQ", "Value")}


@lru_cache(maxsize=4096)
def signature(name: str, edition: str) -> Signature | None:
    """Return the command of a name in an edition; the same object each time."""
    found = contract.signature(name, NEWEST if edition == CORE else edition)
    if found is None:
        return None
    found = _corrected(found, core=edition == CORE)
    return _core(found) if edition == CORE else found


def _corrected(old: Signature, *, core: bool) -> Signature:
    """Return a signature with what the contract leaves out: null and nothing allowed, ranges."""
    ranges = _RANGES.get(old.name.lower(), {})
    free = old.name.lower() in _NULL_INPUT
    if not ranges and not free:
        return old
    parameters: list[Parameter] = []
    for each in old.parameters:
        if free and each.name == "InputObject":
            sets = {name: replace(place, mandatory=False) for name, place in each.sets.items()}
            each = replace(each, sets=sets, type="PSObject" if core else each.type)  # noqa: PLW2901
        parameters.append(replace(each, pattern=ranges.get(each.name, each.pattern)))
    return replace(old, parameters=tuple(parameters))


def _core(old: Signature) -> Signature:
    added = _ADDED.get(old.name.lower(), ())
    new_sets = [each for one in added for each in one.sets if each in _JOINED]
    kept = [_joined(each, new_sets) for each in old.parameters if not each.common]
    common = common_parameters(CORE, should_process=old.should_process)
    return replace(old, parameters=(*kept, *added, *common), sets=(*old.sets, *dict.fromkeys(new_sets)))


def _joined(old: Parameter, new_sets: list[str]) -> Parameter:
    sets = dict(old.sets)
    for each in new_sets:
        if _JOINED[each] in sets and old.name not in _NOT_JOINED.get(each, ()):
            sets[each] = sets[_JOINED[each]]
    return replace(old, sets=sets) if len(sets) != len(old.sets) else old


@lru_cache(maxsize=8)
def by_hand(edition: str) -> dict[str, Signature]:
    """Return the commands of the engine that the contract doesn't have, by lower-case name."""
    one_input = parameter("InputObject", "PSObject", by_value=True)
    found = (
        command("Out-Default", one_input, _switch("Transcript"), module=ENGINE, edition=edition),
        command("Get-Unique", one_input, _switch("AsString"), _switch("OnType"), module=UTILITY, edition=edition),
        command(
            "New-Variable",
            parameter("Name", position=0, mandatory=True, by_name=True),
            parameter("Value", "Object", position=1, by_value=True, by_name=True),
            parameter("Description"),
            parameter("Scope"),
            _switch("Force"),
            _switch("PassThru"),
            module=UTILITY,
            should_process=True,
            edition=edition,
        ),
        *(
            command(
                f"Write-{stream}",
                parameter("Message", position=0, mandatory=True, by_value=True, aliases=("Msg",)),
                module=UTILITY,
                edition=edition,
            )
            for stream in ("Warning", "Verbose", "Debug")
        ),
    )
    return {each.name.lower(): each for each in found}


@lru_cache(maxsize=8)
def names(edition: str) -> tuple[str, ...]:
    """Return the names of the contract's commands."""
    return tuple(each.name for each in contract.commands(NEWEST if edition == CORE else edition))


@lru_cache(maxsize=8)
def modules(edition: str) -> frozenset[str]:
    """Return the lower-case names of the contract's modules."""
    found = {each.module.lower() for each in contract.commands(NEWEST if edition == CORE else edition)}
    return frozenset(found | {UTILITY.lower(), ENGINE.lower()})
