# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time

import pytest
from hyperv_lab.conform.binding import Replay, replay_binding
from unit.lab.published import published

CASE = {
    "id": 0,
    "kind": "compiled",
    "command": "Get-VM",
    "why": "made up",
    "parameters": [["Name", ["S", "text"]]],
    "input": None,
    "reply": {"state": "Completed", "set": "Name", "bound": {"Name": ["String[]", "text"]}},
}


@pytest.mark.recordings
def test_every_recorded_binding_agrees() -> None:
    path = published("engine", "binding.jsonl")
    started = time.perf_counter()
    report = replay_binding(path)
    assert report.differ == []
    assert report.agree == 5024
    assert time.perf_counter() - started < 30


def test_a_case_that_agrees_shows_no_difference() -> None:
    assert Replay().difference(CASE) is None


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        ({"state": "Completed", "set": "Id", "bound": {"Name": ["String[]", "text"]}}, "set: recorded Id, lab Name"),
        ({"state": "Completed", "set": "Name", "bound": {"Name": ["String", "text"]}}, "bound: recorded"),
        ({"state": "Completed", "set": "Name", "bound": {"Name": ["String[]", "other"]}}, "bound: recorded"),
        (
            {"state": "Failed", "errors": [{"id": "X", "category": "InvalidArgument", "ends": True}]},
            "state: recorded Failed",
        ),
    ],
)
def test_a_case_that_differs_says_in_what(reply: dict[str, object], shown: str) -> None:
    difference = Replay().difference({**CASE, "reply": reply})
    assert difference is not None
    assert shown in difference
    assert "Get-VM" in difference


def test_cases_of_the_stubs_alone_are_skipped() -> None:
    wrong = {**CASE, "reply": {"state": "Failed"}, "stub_only": True}
    assert list(Replay().differences([wrong, CASE])) == [None]


def test_a_command_that_the_contract_lacks_is_a_difference() -> None:
    assert "no command" in str(Replay().difference({**CASE, "command": "Get-Nonsense"}))
