# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hyperv_lab.powershell import contract
from hyperv_lab.powershell.signature import ALL_SETS, Signature, common_parameters
from unit.lab.published import published

OLDEST, NEWEST = "2012R2", "2025"


def names(signature: Signature | None) -> set[str]:
    assert signature is not None
    return {each.name for each in signature.parameters}


def test_a_command_is_found_in_any_case_and_is_the_same_object_each_time() -> None:
    found = contract.signature("move-vm", "2019")
    assert found is not None
    assert (found.name, found.module, found.kind, found.default) == (
        "Move-VM",
        "Hyper-V",
        "compiled",
        "NameSingleDestination",
    )
    assert contract.signature("Move-VM", "2019") is found


@pytest.mark.parametrize("name", ["Get-VM", "Hyper-V\\get-vm", "gvm"])
def test_a_command_is_named_bare_by_module_or_by_alias(name: str) -> None:
    found = contract.resolve(name, "2022")
    assert found is not None
    assert found.name == "Get-VM"


@pytest.mark.parametrize("name", ["VMware.VimAutomation.Core\\Get-VM", "Get-Nonsense", "", "\\"])
def test_what_the_contract_lacks_is_not_found(name: str) -> None:
    assert contract.resolve(name, "2022") is None


def test_2012_r2_lacks_commands_parameters_and_sets() -> None:
    assert contract.signature("Get-VMHostSupportedVersion", OLDEST) is None
    old, new = contract.signature("Move-VM", OLDEST), contract.signature("Move-VM", NEWEST)
    assert old is not None
    assert new is not None
    assert "CimSession" in names(new) - names(old)
    assert "VMSingleDestinationAndCimSession" in set(new.sets) - set(old.sets)
    assert all(set(each.sets) <= {*old.sets, ALL_SETS} for each in old.parameters)


def test_2012_r2_has_no_information_parameters() -> None:
    added = {each.name for each in common_parameters("2016", should_process=False)}
    assert added - {each.name for each in common_parameters(OLDEST, should_process=False)} == {
        "InformationAction",
        "InformationVariable",
    }


def test_what_if_and_confirm_are_the_engines_own() -> None:
    move, get = contract.signature("Move-VM", "2022"), contract.signature("Get-VM", "2022")
    assert move is not None
    assert get is not None
    for name in ("WhatIf", "Confirm"):
        found = move.parameter(name)
        assert found is not None
        assert found.common
        assert get.parameter(name) is None


def test_generated_functions_are_told_from_compiled_commands() -> None:
    kinds = {name: contract.signature(name, "2022") for name in ("Get-SmbShare", "Get-VM", "Get-FileHash", "Get-Item")}
    assert {name: each.kind for name, each in kinds.items() if each} == {
        "Get-SmbShare": "function",
        "Get-VM": "compiled",
        "Get-FileHash": "function",
        "Get-Item": "compiled",
    }


def test_the_data_file_is_small_and_read_fast() -> None:
    assert contract.DATA.stat().st_size < 500_000
    for cached in (contract._lines, contract._packed, contract._signature):
        cached.cache_clear()
    started = time.process_time()
    assert sum(1 for _ in contract.commands("2022")) > 400
    assert time.process_time() - started < 1.5


def _flags(entry: dict[str, Any], one: dict[str, Any], name: str) -> tuple[bool, int | None, bool, bool]:
    pipeline = one.get("pipeline_in", {}).get(name, one["pipeline"]).split(",")
    position = one["position_in"][name] if "position_in" in one else one["position"]
    return name in one["mandatory_in"], position, "ByValue" in pipeline, "ByPropertyName" in pipeline


def _expected(entry: dict[str, Any], edition: str) -> dict[str, Any]:
    """Read one published command for an edition as the README of the data says."""
    there = {name: one for name, one in entry["parameters"].items() if edition in one["editions"]}
    gone: set[str] = set()
    if edition == OLDEST:
        gone = {each for name, one in entry["parameters"].items() if name not in there for each in one["mandatory_in"]}
    sets = [name for name in entry["parameter_sets"] if name not in gone]
    found = {}
    for name, one in there.items():
        own = {each: _flags(entry, one, each) for each in sets if each in one["sets"]}
        if own and not (entry["supports_should_process"] and name in ("WhatIf", "Confirm")):
            found[name] = (
                one["type"],
                one["aliases"],
                one["values"],
                own,
                bool(one.get("wildcard")),
                one.get("providers") or [],
            )
    default = [name for name in sets if entry["parameter_sets"][name]["default"]]
    return {"sets": sets, "default": default, "parameters": found, "aliases": entry["aliases"]}


def _own(signature: Signature) -> dict[str, Any]:
    found = {}
    for one in signature.parameters:
        if not one.common:
            sets = {name: (at.mandatory, at.position, at.by_value, at.by_name) for name, at in one.sets.items()}
            values = None if one.values is None else list(one.values)
            found[one.name] = (one.type, list(one.aliases), values, sets, one.wildcard, list(one.providers))
    default = [] if signature.default is None else [signature.default]
    return {"sets": list(signature.sets), "default": default, "parameters": found, "aliases": list(signature.aliases)}


@pytest.mark.recordings
@pytest.mark.parametrize("edition", contract.EDITIONS)
def test_own_signatures_equal_the_published_contract(edition: str) -> None:
    source = json.loads(published("cmdlets.json").read_text(encoding="utf-8"))
    wanted = {
        name: entry for entries in source.values() for name, entry in entries.items() if edition in entry["editions"]
    }
    own = {each.name: each for each in contract.commands(edition)}
    assert own.keys() == wanted.keys()
    for name, entry in wanted.items():
        assert _own(own[name]) == _expected(entry, edition), name
        assert own[name].should_process == entry["supports_should_process"], name


@pytest.mark.recordings
def test_the_data_file_is_what_regeneration_writes(tmp_path: Path) -> None:
    assert contract.regenerate(published("cmdlets.json"), tmp_path / "anew.tsv") > 400
    assert (tmp_path / "anew.tsv").read_bytes() == contract.DATA.read_bytes()
