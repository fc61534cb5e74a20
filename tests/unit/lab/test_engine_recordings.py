# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded invocations of a real engine, replayed; and that the replay sees differences."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hyperv_lab.conform import cli
from hyperv_lab.conform.pipelines import differing, endpoint_of, replay_pipelines
from hyperv_lab.conform.streams import canonical, difference
from unit.lab.engine_help import session
from unit.lab.published import published

KNOWN = "pipelines-open.jsonl: findings only"
"""An object that was serialised before comes again as a text in an object of its own: no rule is known."""


@pytest.mark.recordings
@pytest.mark.parametrize(
    ("name", "agree"),
    [("open", 186), ("statements", 89), ("restricted", 44), ("restricted-variables", 11), ("restricted-default", 14)],
)
def test_recorded_invocations_agree(name: str, agree: int) -> None:
    report = replay_pipelines(published("engine", f"pipelines-{name}.jsonl"))
    assert [line for line in report.differ if not line.startswith(KNOWN)] == []
    assert report.agree == agree


CASE = {
    "case": "made up",
    "statements": [[{"command": "Write-Output", "parameters": [[None, ["S", "a"]]]}]],
    "stream": [{"output": "<S>a</S>"}],
    "state": "Completed",
    "ended_by": None,
}


def test_a_case_that_agrees_shows_no_difference() -> None:
    assert differing(CASE, session()) is None


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"stream": [{"output": "<S>b</S>"}]}, "recorded <S>b, lab <S>a"),
        ({"stream": []}, "0 items recorded, 1 in the lab"),
        ({"stream": [{"warning": "a"}]}, "recorded warning a, lab output"),
        ({"state": "Failed"}, "state: recorded Failed, lab Completed"),
    ],
)
def test_a_difference_is_seen(change: dict[str, object], shown: str) -> None:
    assert shown in (differing({**CASE, **change}, session()) or "")


def test_reference_numbers_and_history_mean_nothing_but_identity_does() -> None:
    one = '<Obj RefId="4"><MS><I64 N="HistoryId">1</I64><Ref N="x" RefId="4" /></MS></Obj>'
    other = '<Obj RefId="0"><MS><I64 N="HistoryId">7</I64><Ref N="x" RefId="0" /></MS></Obj>'
    wrong = '<Obj RefId="0"><MS><I64 N="HistoryId">7</I64><Ref N="x" RefId="1" /></MS></Obj>'
    assert difference(canonical(one), canonical(other)) is None
    assert difference(canonical(one), canonical(wrong)) is not None


@pytest.mark.parametrize(
    ("name", "endpoint"),
    [
        ("pipelines-open.jsonl", "open"),
        ("pipelines-statements.jsonl", "open"),
        ("pipelines-restricted.jsonl", "restricted"),
        ("pipelines-restricted-variables-2.jsonl", "restricted-variables"),
        ("pipelines-restricted-default.jsonl", "restricted-default"),
        ("other.jsonl", "open"),
    ],
)
def test_the_file_name_says_the_endpoint(name: str, endpoint: str) -> None:
    assert endpoint_of(Path(name)) == endpoint


def test_conform_says_what_differs_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "pipelines-mine.jsonl"
    path.write_text(json.dumps(CASE) + "\n" + json.dumps({**CASE, "state": "Failed"}) + "\n", encoding="utf-8")
    assert cli.main([str(path)]) == 1
    shown = capsys.readouterr().out.splitlines()
    assert shown[-1] == "1 agree, 1 differ"
    assert "state: recorded Failed" in shown[0]


def test_conform_refuses_what_is_no_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "note.txt"
    path.write_text("hello\n", encoding="utf-8")
    assert cli.main([str(path)]) == 2
    assert "neither" in capsys.readouterr().err
