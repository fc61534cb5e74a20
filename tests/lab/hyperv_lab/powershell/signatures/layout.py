# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One line of ``signatures/contract.tsv``: how the facts of a command are packed, and how they are read for an edition.

A line is the command's name, a tab, and JSON with module ``m``, editions ``e`` (bits in the order of EDITIONS), sets
``s``, number of the default set ``d``, aliases ``a``, should-process ``w``, and parameters ``p``, each a list:
name, type, sets (bits), mandatory (bits), position, pipeline (1 by value, 2 by name), editions (bits), others.
Sets -1 is all of them. Others are ``a`` aliases, ``v`` values, ``q`` positions by set, ``l`` pipeline by set,
``w`` wildcard, ``n`` nullable, ``f`` providers, ``g`` sets in which these make it mandatory. Defaults at the end of a
list are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..signature import ALL_SETS, Kind, Membership, Parameter, Signature, common_parameters

EDITIONS = ("2012R2", "2016", "2019", "2022", "2025")
_EVERY = (1 << len(EDITIONS)) - 1
_DEFAULTS: tuple[Any, ...] = (None, None, -1, 0, None, 0, _EVERY, {})
_PIPELINE = {"none": 0, "ByValue": 1, "ByPropertyName": 2, "ByValue,ByPropertyName": 3}
_FUNCTION_MODULES = {"NetSecurity", "SmbShare", "Storage", "NetAdapter", "NetTCPIP", "DnsClient", "Defender"} | {
    "ScheduledTasks",
    "Microsoft.PowerShell.Archive",
}
_FUNCTIONS = {"Get-FileHash", "New-Guid", "New-TemporaryFile", "Format-Hex", "Import-PowerShellDataFile"}
_ENGINE_OWN = {"WhatIf", "Confirm"}


def kind_of(module: str, name: str) -> Kind:
    """Return whether the command is compiled or a (generated) function on Windows."""
    return "function" if module in _FUNCTION_MODULES or name in _FUNCTIONS else "compiled"


def pack(module: str, entry: dict[str, Any]) -> dict[str, Any]:
    """Return the packed form of one command of the published contract."""
    sets = list(entry["parameter_sets"])
    default = next((number for number, name in enumerate(sets) if entry["parameter_sets"][name]["default"]), None)
    packed: dict[str, Any] = {"m": module, "e": _bits(entry["editions"], EDITIONS), "s": sets}
    if default is not None:
        packed["d"] = default
    if entry["aliases"]:
        packed["a"] = entry["aliases"]
    if entry["supports_should_process"]:
        packed["w"] = 1
    own = _ENGINE_OWN if entry["supports_should_process"] else set()
    packed["p"] = [_pack_parameter(name, one, sets) for name, one in entry["parameters"].items() if name not in own]
    return packed


def _bits(chosen: Iterable[str], names: Iterable[str]) -> int:
    wanted = set(chosen)
    return sum(1 << number for number, name in enumerate(names) if name in wanted)


def _pack_parameter(name: str, one: dict[str, Any], sets: list[str]) -> list[Any]:
    member = _bits(one["sets"], sets)
    others = {
        "a": one["aliases"],
        "v": one["values"],
        "q": {sets.index(key): at for key, at in one.get("position_in", {}).items()},
        "l": {sets.index(key): _PIPELINE[how] for key, how in one.get("pipeline_in", {}).items()},
        "w": int(one.get("wildcard", False)),
        "n": int(one.get("nullable", False)),
        "f": one.get("providers"),
        "g": _bits(one.get("provider_mandatory_in", ()), sets),
    }
    packed = [
        name,
        one["type"],
        -1 if member == (1 << len(sets)) - 1 else member,
        _bits(one["mandatory_in"], sets),
        one["position"],
        _PIPELINE[one["pipeline"]],
        _bits(one["editions"], EDITIONS),
        {key: value for key, value in others.items() if value},
    ]
    while packed[-1] == _DEFAULTS[len(packed) - 1]:
        packed.pop()
    return packed


def unpack(name: str, packed: dict[str, Any], edition: str) -> Signature | None:
    """Return the command as the edition has it, or None if it doesn't.

    Parameters that the edition lacks are dropped, and for 2012R2 each set in which one of them is mandatory.
    """
    bit = 1 << EDITIONS.index(edition)
    if not packed["e"] & bit:
        return None
    rows = [[*row, *_DEFAULTS[len(row) :]] for row in packed["p"]]
    gone = 0
    if edition == "2012R2":
        for row in rows:
            gone |= 0 if row[6] & bit else row[3]
    kept = {number: each for number, each in enumerate(packed["s"]) if not gone >> number & 1}
    own = tuple(_unpack_parameter(row, kept) for row in rows if row[6] & bit and _in_kept(row, kept))
    should_process = bool(packed.get("w"))
    return Signature(
        name=name,
        parameters=own + common_parameters(edition, should_process=should_process),
        sets=tuple(kept.values()),
        default=kept.get(packed.get("d", -1)),
        kind=kind_of(packed["m"], name),
        module=packed["m"],
        aliases=tuple(packed.get("a", ())),
        should_process=should_process,
    )


def _in_kept(row: list[Any], kept: dict[int, str]) -> bool:
    return not kept or any(row[2] >> number & 1 for number in kept)


def _unpack_parameter(row: list[Any], kept: dict[int, str]) -> Parameter:
    name, type_name, member, mandatory, position, pipeline, _, others = row
    positions, pipelines = others.get("q", {}), others.get("l", {})
    sets: dict[str, Membership] = {}
    for number, set_name in kept.items():
        if member >> number & 1:
            how = pipelines.get(str(number), pipeline)
            at = positions.get(str(number), position)
            sets[set_name] = Membership(bool(mandatory >> number & 1), at, bool(how & 1), bool(how & 2))
    under = others.get("g", 0)
    return Parameter(
        name=name,
        type=type_name,
        sets=sets or {ALL_SETS: Membership()},
        aliases=tuple(others.get("a", ())),
        values=tuple(others["v"]) if "v" in others else None,
        wildcard=bool(others.get("w")),
        nullable=bool(others.get("n")),
        providers=tuple(others.get("f", ())),
        provider_mandatory_in=tuple(each for number, each in kept.items() if under >> number & 1),
    )
