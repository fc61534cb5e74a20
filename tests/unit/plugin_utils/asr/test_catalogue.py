# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue says of each error what the code really does about it."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.catalogue import (
    Cure,
    Scope,
    Treatment,
    entries,
    entry,
    finding,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.windows import cures
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import NotFound
from ansible_collections.hyperv.mobility.plugins.plugin_utils.findings import Severity
from unit.plugin_utils.asr import treated

ROOT = Path(__file__).resolve().parents[4]
MOST_EXPLAINED = 30
PUBLISHED = (
    "95103", "95105", "95106", "95107", "95108", "95117", "97118", "95213", "95224", "95265", "95266", "95309",
    "95310", "95311", "95313", "95320", "95517", "95518", "95519", "95520", "95521", "95522", "95523", "95524",
    "95525", "95572", "95573", "vss:0x800706BE", "vss:0x7", "vss:0x80070430", "vss:0x8007041F", "vss:exit-806",
    "vss:0x8004E00F", "vss:0x8004E00F-cluster", "os-unsupported", "name:ASRMobilityServiceKernelNotSupported",
    "lvm-9.20", "drivers-missing",
)  # fmt: skip
"""What the published troubleshooting pages name, by number or by subject."""


def shared(name: str) -> Path:
    root = os.environ.get("HYPERV_MOBILITY_SHARED")
    path = (Path(root) if root else ROOT.parent / "shared") / "data" / name
    if not path.is_file():
        pytest.skip(f"published data not at hand: {name} (set HYPERV_MOBILITY_SHARED to the folder that holds data/)")
    return path


def test_the_ids_are_those_of_the_published_data() -> None:
    published = json.loads(shared("asr_errors.json").read_text(encoding="utf-8"))
    assert list(entries()) == [item["id"] for item in published]
    assert {key: each.os for key, each in entries().items()} == {item["id"]: item["os"] for item in published}


def test_no_sentence_is_copied() -> None:
    """Own words: a text of eight words and more that stands in the data is not ours."""
    published = json.loads(shared("asr_errors.json").read_text(encoding="utf-8"))
    theirs = {text for item in published for key in ("causes", "detect", "remediate", "manual") for text in item[key]}
    ours = {
        text for each in entries().values() for text in (*each.causes, *each.evidence, *each.remedies, *each.manual)
    }
    assert sorted(text for text in ours & theirs if len(text.split()) > 7) == []


def test_there_are_135_and_each_is_complete() -> None:
    assert len(entries()) == 135
    for each in entries().values():
        assert all((each.title, each.causes, each.evidence, each.source)), each.id
        assert each.remedies or each.manual, each.id
        assert each.os in ("windows", "linux", "any"), each.id
        assert each.severity in ("error", "warning"), each.id
        assert set(each.pair) <= set(entries()) - {each.id}, each.id


def test_few_are_only_explained() -> None:
    explained = [each.id for each in entries().values() if each.treatment is Treatment.EXPLAINED]
    assert 0 < len(explained) <= MOST_EXPLAINED


def test_every_error_that_the_pages_name_is_checked_or_recognised() -> None:
    assert [each for each in PUBLISHED if entry(each).treatment is Treatment.EXPLAINED] == []


def test_what_the_service_alone_knows_is_explained_and_nothing_else_is_the_services() -> None:
    for each in entries().values():
        if each.scope is Scope.SERVICE:
            assert (each.treatment, each.cure) == (Treatment.EXPLAINED, Cure.MANUAL), each.id


def test_pairs_of_numbers_point_at_each_other() -> None:
    for first, second in (("95105", "95106"), ("95117", "97118"), ("95572", "95573"), ("95107", "95517"),
                          ("95521", "95522")):  # fmt: skip
        assert second in entry(first).pair
        assert first in entry(second).pair


def test_the_treatment_is_what_the_code_does() -> None:
    """Checked where a rule makes a finding of it, recognised where only an attempt can end with it, else explained."""
    checked = treated.with_pairs(treated.checked())
    recognised = treated.with_pairs(treated.recognised()) - checked
    assert len(checked) > 80
    done = {**dict.fromkeys(recognised, Treatment.RECOGNISED), **dict.fromkeys(checked, Treatment.CHECKED)}
    claimed = {each.id: each.treatment for each in entries().values()}
    assert {key: done.get(key, Treatment.EXPLAINED) for key in claimed} == claimed


def test_what_a_preflight_cures_is_not_called_manual() -> None:
    assert {key for key in cures.PLANNERS if entry(key).cure is Cure.MANUAL} == set()


def test_only_named_ids_lower_the_guard() -> None:
    weakening = {each.id for each in entries().values() if each.cure is Cure.WEAKENING}
    assert weakening == {"95107", "95517", "95108", "95519", "95520"}


def test_a_cure_that_a_program_can_do_is_told() -> None:
    assert [each.id for each in entries().values() if each.cure is not Cure.MANUAL and not each.remedies] == []


def test_a_finding_takes_from_its_entry_what_is_not_told() -> None:
    found = finding("95105", subject="WIN01", evidence="FPS-SMB-In-TCP is disabled")
    assert found.ids == ("95105", "95106")
    assert (found.severity, found.scope, found.cure) == (Severity.BLOCKING, Scope.PUSH, Cure.SAFE)
    assert found.remedy == "; ".join((*entry("95105").remedies, *entry("95105").manual))
    assert finding("95265", subject="x", evidence="y").severity is Severity.WARNING
    plain = json.loads(json.dumps(found.as_plain()))
    assert plain["ids"] == ["95105", "95106"]


def test_an_unknown_id_is_named() -> None:
    with pytest.raises(NotFound, match="'95999'"):
        entry("95999")


def test_reading_the_code_sees_every_way_of_naming_an_id() -> None:
    source = """
NAME = "name:ASRMobilityService"
TABLE = {"a": "95521"}
def one(): return finding("95103", subject="x", evidence="y")
def two(): return finding(f"{NAME}HostNameNotSet", subject="x", evidence="y")
def three(why): return finding("95309" if why else "95310", subject="x", evidence="y")
def four(error_id, what): return finding(error_id, subject=what, evidence="y")
def five(): return four("95524", "disk")
"""
    expected = {"95103", "name:ASRMobilityServiceHostNameNotSet", "95309", "95310", "95524"}
    assert treated._made(ast.parse(source)) == expected
    looped = (
        source
        + '\ndef six():\n    for each in TABLE.values():\n        yield finding(each, subject="x", evidence="y")\n'
    )
    assert "95521" in treated._made(ast.parse(looped))
