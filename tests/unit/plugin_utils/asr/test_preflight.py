# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The preflight's operation over a machine of a dictionary: check mode, cures, what stays, taking back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr import preflight
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.catalogue import AsrFinding, Cure, finding
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.patient import CureStep, Wanted
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    ConnectionLost,
    InvalidRequest,
    MobilityError,
    RemoteError,
    TimedOut,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Outcome
from unit.fake_programs import FakePrograms, MachineSessions, machine_request

SETTINGS = {"rule": "95103", "service": "151025", "filter": "95107", "layout": "95310"}
WEAKENING, MANUAL = ("filter",), ("layout",)
BAD, GOOD = "bad", "good"


@dataclass
class FakePatient:
    """Settings that are good or bad; each bad one is a finding."""

    settings: dict[str, str]
    stubborn: tuple[str, ...] = ()
    """Whose cure ends well and changes nothing."""
    refusing: Mapping[str, MobilityError] = field(default_factory=dict)
    unreadable: MobilityError | None = None
    """What a look ends in once something was cured."""
    reads: int = 0
    cured: list[str] = field(default_factory=list)

    def read(self) -> dict[str, str]:
        self.reads += 1
        if self.cured and self.unreadable is not None:
            raise self.unreadable
        return dict(self.settings)

    def facts(self, evidence: dict[str, str]) -> Mapping[str, Any]:
        return {"system": "fake", "read": self.reads}

    def judge(self, evidence: dict[str, str], wanted: Wanted) -> Sequence[AsrFinding]:
        return [
            finding(SETTINGS[name], subject=name, evidence=value, cure=Cure.MANUAL if name in MANUAL else None)
            for name, value in evidence.items()
            if value == BAD
        ]

    def plan(self, evidence: dict[str, str], findings: Sequence[AsrFinding], ids: frozenset[str]) -> Sequence[CureStep]:
        assert {item.id for item in findings} <= ids
        return [CureStep(id=item.id, subject=item.subject, before=BAD, after=GOOD) for item in findings]

    def reverse(self, evidence: dict[str, str], done: Sequence[CureStep]) -> Sequence[CureStep]:
        return [
            CureStep(id=step.id, subject=step.subject, before=step.after, after=step.before)
            for step in done
            if evidence[step.subject] != step.before
        ]

    def cure(self, step: CureStep) -> None:
        self.cured.append(step.subject)
        if step.subject in self.refusing:
            raise self.refusing[step.subject]
        if step.subject not in self.stubborn:
            self.settings[step.subject] = str(step.after)


def everything_bad(**details: Any) -> FakePatient:
    return FakePatient(dict.fromkeys(SETTINGS, BAD), **details)


def run(patient: FakePatient, *, check_mode: bool = False, **arguments: Any) -> Outcome:
    request = machine_request(MachineSessions(windows=FakePrograms()), check_mode=check_mode, **arguments)
    outcome = preflight.operate(request, patient=patient)
    json.dumps(dict(outcome.values))
    return outcome


def cured(outcome: Outcome) -> dict[str, bool]:
    return {item["id"]: item["cured"] for item in outcome.values["findings"]}


def test_findings_are_reported_and_nothing_is_cured_unless_asked() -> None:
    patient = everything_bad()
    outcome = run(patient)
    assert (outcome.changed, outcome.failure, patient.cured, patient.reads) == (False, None, [], 1)
    assert outcome.values["manual"] == sorted(SETTINGS.values())
    assert (outcome.values["cured"], outcome.values["blocked"], outcome.values["undo"]) == ([], True, [])


def test_safe_cures_neither_the_weakening_nor_the_manual_ones() -> None:
    patient = everything_bad()
    outcome = run(patient, remediate=["safe"])
    assert patient.cured == ["rule", "service"]
    assert (outcome.changed, outcome.values["cured"]) == (True, ["151025", "95103"])
    assert (outcome.values["manual"], outcome.values["blocked"]) == (["95107", "95310"], True)
    assert outcome.diff is not None
    assert outcome.diff.before == {"rule": BAD, "service": BAD}
    assert outcome.values["facts"]["read"] == 2


@pytest.mark.parametrize("named", ["95107", "95517"])
def test_a_weakening_cure_is_done_where_an_id_of_its_pair_is_named_and_can_be_taken_back(named: str) -> None:
    patient = everything_bad()
    outcome = run(patient, remediate=[named])
    assert (patient.cured, outcome.values["cured"]) == (["filter"], ["95107"])
    (undo,) = outcome.values["undo"]
    assert undo == {"id": "95107", "subject": "filter", "before": BAD, "after": GOOD, "details": {}}
    back = run(patient, undo=[undo])
    assert (back.changed, patient.settings["filter"]) == (True, BAD)
    assert run(patient, undo=[undo]).changed is False


def test_check_mode_predicts_what_is_cured_and_changes_nothing() -> None:
    for remediate in (["none"], ["safe"], ["safe", "95107"], ["151025"]):
        checked, real = everything_bad(), everything_bad()
        predicted = run(checked, check_mode=True, remediate=remediate)
        done = run(real, remediate=remediate)
        assert checked.cured == []
        for key in ("findings", "cured", "manual", "blocked", "undo"):
            assert predicted.values[key] == done.values[key]
        assert (predicted.changed, predicted.diff) == (done.changed, done.diff)


def test_a_second_run_changes_nothing() -> None:
    patient = everything_bad()
    run(patient, remediate=["safe", "95107"])
    again = run(patient, remediate=["safe", "95107"])
    assert (again.changed, again.values["cured"], again.values["manual"]) == (False, [], ["95310"])


def test_a_cure_that_did_not_help_is_no_cure() -> None:
    outcome = run(everything_bad(stubborn=("rule",)), remediate=["safe"])
    assert cured(outcome) == {"95103": False, "151025": True, "95107": False, "95310": False}
    (problem,) = [item["cure_problem"] for item in outcome.values["findings"] if "cure_problem" in item]
    assert "still there" in problem
    assert "95103" in outcome.values["manual"]


def test_a_refused_cure_is_told_and_does_not_stop_the_others() -> None:
    outcome = run(everything_bad(refusing={"rule": RemoteError("access denied")}), remediate=["safe"])
    assert cured(outcome)["151025"] is True
    assert (outcome.failure, outcome.changed) == (None, True)
    assert outcome.warnings == ("95103: the cure failed: access denied",)
    assert outcome.values["findings"][0]["cure_problem"] == "access denied"


def test_where_every_cure_is_refused_nothing_was_changed() -> None:
    outcome = run(everything_bad(refusing={"rule": RemoteError("no")}), remediate=["95103"])
    assert outcome.changed is False


def test_a_lost_link_says_whether_something_was_cured() -> None:
    lost = run(everything_bad(refusing={"service": ConnectionLost("gone")}), remediate=["safe"])
    assert (lost.changed, isinstance(lost.failure, ConnectionLost)) == (True, True)
    first = run(everything_bad(refusing={"rule": ConnectionLost("gone")}), remediate=["safe"])
    assert (first.changed, isinstance(first.failure, ConnectionLost)) == (False, True)


@pytest.mark.parametrize(
    "details",
    [
        {"refusing": {"filter": ConnectionLost("gone")}},
        {"refusing": {"filter": TimedOut("no answer")}},
        {"unreadable": ConnectionLost("gone")},
        {"unreadable": RemoteError("no answer")},
    ],
    ids=["lost in the cure", "late in the cure", "lost in the second look", "refused in the second look"],
)
def test_a_weakening_that_was_begun_can_be_taken_back_whatever_came_after(details: dict[str, Any]) -> None:
    patient = everything_bad(**details)
    outcome = run(patient, remediate=["safe", "95107"])
    assert outcome.changed is True
    assert [step["subject"] for step in outcome.values["undo"]] == ["filter"]
    if "unreadable" in details:
        assert outcome.failure is details["unreadable"]
        assert outcome.values["cured"] == []
        patient.unreadable = None
        back = run(patient, undo=outcome.values["undo"])
        assert (back.changed, patient.settings["filter"]) == (True, BAD)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"remediate": ["none", "safe"]}, "stands alone"),
        ({"remediate": ["95999"]}, "'95999'"),
        ({"remediate": ["95310"]}, "95310 can't be cured"),
        ({"remediate": ["safe"], "undo": [{"id": "95107", "subject": "filter"}]}, "without remediate"),
        ({"undo": [{"name": "x"}]}, "as it stands"),
        ({"undo": [{"id": "95103", "subject": "rule"}]}, "nothing that a preflight weakens"),
        ({"undo": [{"id": 5, "subject": "filter"}]}, "as it stands"),
        ({"agent_version": "newest"}, "'newest'"),
        ({"servers": [{"address": "10.1.0.1", "port": 70000}]}, "70000"),
        ({"servers": [{"address": "a b", "port": 443}]}, "'a b'"),
        ({"server_names": ["-Confirm"]}, "'-Confirm'"),
        ({"server_names": ["x' OR 'a'='a"]}, "neither a host name"),
    ],
)
def test_bad_input_fails_before_anything_is_read(arguments: dict[str, Any], message: str) -> None:
    patient = everything_bad()
    with pytest.raises(InvalidRequest, match=message):
        run(patient, **arguments)
    assert patient.reads == 0
