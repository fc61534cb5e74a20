# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of the Best Practices Analyzer as data: nothing is decided on a word in the host's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import NotFound, NotPossible, RemoteError, TimedOut
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.audit import best_practices, bpa
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.audit.published import (
    BY_ID,
    BY_SLUG,
    RULES,
    slug_of,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Outcome
from unit.fake_session import FakeSession, Refused, request

PAGE = "https://learn.microsoft.com/windows-server/virtualization/hyper-v/best-practices-analyzer/"
PAUSED, RECEIVES = (
    "Avoid-pausing-a-virtual-machine",
    "A-Replica-server-must-be-configured-to-accept-replication-requests",
)


def result(number: int, slug: str, *, broken: bool = False, **more: Any) -> dict[str, Any]:
    """A result as a French host without neutral members gives it."""
    return {
        "ResultNumber": number,
        "ResultId": f"R{number}",
        "RuleId": str(100 + number),
        "Severity": "Erreur",
        "Compliance": "Non conforme" if broken else "Conforme",
        "Title": "Un titre",
        "Help": PAGE + slug.lower(),
        "Excluded": False,
        "broken": broken,
        **more,
    }


class Analyzer:
    """A host with the analyzer's four cmdlets."""

    def __init__(self, *results: dict[str, Any], scanned: bool = True) -> None:
        self.results, self.scanned, self.scans = list(results), scanned, 0
        self.success: bool | None = True
        self.session = FakeSession(
            {
                "Get-BpaModel": lambda p, o: [{"Id": bpa.HYPER_V, "LastScanTime": "Jamais"}],
                "Invoke-BpaModel": self._scan,
                "Get-BpaResult": self._read,
                "Set-BpaResult": self._exclude,
            }
        )

    def _scan(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        self.scans += 1
        self.scanned = True
        return [{"ModelId": parameters["ModelId"], "Success": self.success}]

    def _read(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        wanted = parameters.get("Filter", "All")
        found = self.results if self.scanned else []
        return [one for one in found if wanted == "All" or one["broken"] == (wanted == "Noncompliant")]

    def _exclude(self, parameters: Mapping[str, Any], piped: list[Any]) -> None:
        for one in piped:
            one["Excluded"] = parameters["Exclude"]


def run(analyzer: Analyzer, *, check_mode: bool = False, **given: Any) -> Outcome:
    defaults = {"model_id": bpa.HYPER_V, "scan": True, "timeout_seconds": 60, "filter": "all", "exclude": None}
    arguments = {**defaults, "store_exclusions": False, "fail_on": None, **given}
    return best_practices.operate(request(analyzer.session, check_mode=check_mode, **arguments))


def test_a_scan_gives_results_and_changes_nothing() -> None:
    analyzer = Analyzer(result(1, PAUSED, broken=True), result(2, RECEIVES))
    outcome = run(analyzer)
    assert outcome.changed is False
    assert analyzer.scans == 1
    assert outcome.values["scanned"] is True
    assert [(one["slug"], one["compliant"]) for one in outcome.values["results"]] == [
        (PAUSED.lower(), False),
        (RECEIVES.lower(), True),
    ]
    assert outcome.values["counts"] == {"compliant": 1, "noncompliant": 1, "excluded": 0, "errors": 0}
    assert outcome.values["last_scan"] is None, "Jamais is no date"


def test_check_mode_and_scan_false_read_the_last_scan() -> None:
    analyzer = Analyzer(result(1, PAUSED))
    assert run(analyzer, check_mode=True).values["scanned"] is False
    assert run(analyzer, scan=False).values["counts"]["compliant"] == 1
    assert analyzer.scans == 0


def test_without_any_scan_nothing_is_taken_for_good() -> None:
    with pytest.raises(NotFound, match="never scanned"):
        run(Analyzer(scanned=False), scan=False)
    assert run(Analyzer(scanned=False), check_mode=True).values["results"] == []


@pytest.mark.parametrize(
    ("slug", "more", "severity", "source"),
    [
        (PAUSED, {}, "warning", "published"),
        (RECEIVES, {}, "error", "published"),
        (PAUSED, {"NeutralSeverity": "Error"}, "error", "neutral"),
        (PAUSED, {"NeutralSeverity": 1}, "warning", "published"),
        ("A-rule-of-tomorrow", {}, None, None),
    ],
)
def test_a_severity_is_never_the_localised_word(slug: str, more: Any, severity: str | None, source: str | None) -> None:
    (found,) = run(Analyzer(result(1, slug, broken=True, **more))).values["results"]
    assert (found["severity"], found["severity_source"]) == (severity, source)


def test_fail_on_looks_at_severities_and_returns_the_results_all_the_same() -> None:
    warned = Analyzer(result(1, PAUSED, broken=True))
    assert run(warned, fail_on="error").failure is None
    outcome = run(warned, fail_on="warning", filter="compliant")
    assert isinstance(outcome.failure, NotPossible)
    assert [finding.subject for finding in outcome.failure.findings] == [PAUSED.lower()]
    assert outcome.values["results"] == []
    assert outcome.values["counts"]["noncompliant"] == 1
    unknown = run(Analyzer(result(1, "A-rule-of-tomorrow", broken=True)), fail_on="error")
    assert unknown.failure is not None, "what can't be judged does not pass"


@pytest.mark.parametrize("key", [PAUSED, PAUSED.upper(), "101", "R1"])
def test_what_is_excluded_does_not_fail(key: str) -> None:
    analyzer = Analyzer(result(1, PAUSED, broken=True))
    outcome = run(analyzer, fail_on="warning", exclude=[key])
    assert outcome.failure is None
    assert outcome.values["counts"]["excluded"] == 1
    assert not analyzer.session.sent("Set-BpaResult"), "nobody asked for a change on the host"
    analyzer.results[0]["Excluded"] = True
    assert run(analyzer, fail_on="warning").failure is None, "the host's own exclusions count"


def test_exclusions_are_stored_where_asked_and_once() -> None:
    analyzer = Analyzer(result(1, PAUSED, broken=True), result(2, RECEIVES, broken=True))
    asked: dict[str, Any] = {"exclude": [PAUSED], "store_exclusions": True, "scan": False}
    foreseen = run(analyzer, check_mode=True, **asked)
    assert foreseen.changed
    assert not analyzer.session.sent("Set-BpaResult")
    done = run(analyzer, **asked)
    assert (done.changed, done.values) == (True, foreseen.values)
    assert [one["Excluded"] for one in analyzer.results] == [True, False]
    assert not run(analyzer, **asked).changed


def test_what_is_missing_is_told_apart() -> None:
    with pytest.raises(NotPossible) as module:
        best_practices.operate(request(FakeSession({}), model_id=bpa.HYPER_V, scan=True))
    assert module.value.findings[0].id == "bpa_missing"
    with pytest.raises(NotPossible) as model:
        run(Analyzer(), model_id="Microsoft/Windows/WebServer")
    assert model.value.findings[0].id == "bpa_model_missing"
    assert bpa.HYPER_V in model.value.findings[0].evidence


def test_a_scan_that_fails_or_takes_too_long_is_said() -> None:
    failed = Analyzer()
    failed.success = False
    with pytest.raises(RemoteError, match="did not succeed"):
        run(failed)
    slow = Analyzer(result(1, PAUSED))

    def late(parameters: Any, piped: Any) -> Any:
        raise TimedOut("no answer")

    slow.session.machine.on("Invoke-BpaModel", late)
    with pytest.raises(TimedOut, match="goes on"):
        run(slow)
    slow.session.machine.on("Invoke-BpaModel", _refuse)
    with pytest.raises(RemoteError) as refused:
        run(slow)
    assert refused.value.details["error_id"].startswith("UnauthorizedAccess")


def _refuse(parameters: Any, piped: Any) -> Any:
    raise Refused("UnauthorizedAccess,Microsoft.BestPractices.Cmdlets.InvokeBpaModelCommand", "Accès refusé")


@pytest.mark.parametrize(
    ("link", "slug"),
    [
        (PAGE + PAUSED.lower(), PAUSED.lower()),
        (PAGE + PAUSED + ".md?view=x#top", PAUSED.lower()),
        (PAGE + PAUSED + "/", PAUSED.lower()),
        ("http://go.microsoft.com/fwlink/?LinkID=1", "fwlink"),
        ("", ""),
        ("nothing", ""),
    ],
)
def test_a_rule_is_known_by_the_end_of_its_link(link: str, slug: str) -> None:
    assert slug_of(link) == slug


def test_published_rules_are_told_apart() -> None:
    assert len(RULES) == len(BY_SLUG) == len(BY_ID) == 26
