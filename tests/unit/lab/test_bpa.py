# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Best Practices Analyzer of the lab: what it keeps between scans, its words, what a fleet file says of it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.audit.published import RULES as PUBLISHED
from hyperv_lab.hyperv import catalogue, fleet
from hyperv_lab.hyperv.bpa import MODEL
from hyperv_lab.hyperv.bpa_rules import RULES
from hyperv_lab.hyperv.host import Host
from hyperv_lab.hyperv.schema import FleetError
from unit.lab.cmdlet_runner import run

PAUSED = "Avoid-pausing-a-virtual-machine"


def host(bpa: dict[str, Any] | None = None, **more: Any) -> Host:
    content = {
        "clock": {"speed": 0},
        "hosts": [{"name": "HV01", "bpa": {"scan_seconds": 0, **(bpa or {})}, **more}],
        "vms": [{"host": "HV01", "name": "web", "state": "Paused"}],
    }
    return fleet.parse(content).hosts["HV01"]


def results(of: Host, **parameters: Any) -> list[Any]:
    return run(of, "Get-BpaResult", ModelId=MODEL, **parameters).output


def broken(of: Host) -> set[str]:
    return {one.ps_get("Help").rpartition("/")[2] for one in results(of, Filter="Noncompliant")}


def test_results_are_those_of_the_last_scan() -> None:
    one = host()
    assert results(one) == []
    assert run(one, "Invoke-BpaModel", ModelId=MODEL).one().ps_get("Success") is True
    assert PAUSED.lower() in broken(one)
    next(iter(one.vms.values())).state = "Off"
    assert PAUSED.lower() in broken(one), "nobody scanned since"
    run(one, "Invoke-BpaModel", ModelId=MODEL)
    assert PAUSED.lower() not in broken(one)
    assert len(results(one, Filter="Compliant")) + len(results(one, Filter="Noncompliant")) == len(results(one))


def test_words_are_the_host_s_and_neutral_members_those_of_its_build() -> None:
    severities = {}
    for language, edition in (("en", "2022"), ("fr", "2022"), ("fr", "2012R2")):
        one = host(language=language, edition=edition)
        run(one, "Invoke-BpaModel", ModelId=MODEL)
        paused = next(item for item in results(one) if item.ps_get("Help").endswith(PAUSED.lower()))
        neutral = paused.ps_get("NeutralSeverity") if "NeutralSeverity" in paused.ps_names() else None
        severities[language, edition] = paused.ps_get("Severity"), neutral
    assert severities == {
        ("en", "2022"): ("Warning", "Warning"),
        ("fr", "2022"): ("Avertissement", "Warning"),
        ("fr", "2012R2"): ("Avertissement", None),
    }


def test_a_fleet_file_makes_an_answer_wrong_or_old() -> None:
    wrong = host({"answers": {PAUSED: "compliant"}})
    run(wrong, "Invoke-BpaModel", ModelId=MODEL)
    assert PAUSED.lower() not in broken(wrong)
    old = host({"scanned": {"hours_ago": 48, "noncompliant": [PAUSED]}})
    assert broken(old) == {PAUSED.lower()}
    assert run(old, "Get-BpaModel").one().ps_get("LastScanTime") < old.fleet.clock.start


def test_results_can_be_left_out_and_taken_in_again() -> None:
    one = host()
    run(one, "Invoke-BpaModel", ModelId=MODEL)
    found = results(one, Filter="Noncompliant")
    run(one, "Set-BpaResult", *found, Exclude=True)
    assert all(item.ps_get("Excluded") for item in results(one, Filter="Noncompliant"))
    run(one, "Set-BpaResult", *found, Exclude=False)
    assert not any(item.ps_get("Excluded") for item in results(one))


def test_a_stopped_service_leaves_the_prerequisite_alone() -> None:
    one = host(services={"vmms": "Stopped"})
    run(one, "Invoke-BpaModel", ModelId=MODEL)
    assert len(results(one)) == 1
    assert broken(one) == {"the-hyper-v-virtual-machine-management-service-must-be-running"}


def test_what_is_not_there_is_refused() -> None:
    assert catalogue.find(host({"installed": False}), "Get-BpaModel") is None
    without = host({"model": False})
    assert run(without, "Get-BpaModel").output == []
    assert run(without, "Invoke-BpaModel", ModelId=MODEL).error() == ("ModelNotFound", "ObjectNotFound")
    assert results(host(features={"Hyper-V": "Available"})) == []


@pytest.mark.parametrize(
    ("bpa", "told"),
    [
        ({"answers": {"A-rule": "compliant"}}, "there is no rule 'A-rule'"),
        ({"answers": {PAUSED: "yes"}}, "neither compliant nor noncompliant"),
        ({"scanned": {"noncompliant": ["A-rule"]}}, "there is no rule"),
        ({"scanned": {"days_ago": 1}}, "unknown key 'days_ago'"),
    ],
)
def test_mistakes_in_a_fleet_file_are_named(bpa: dict[str, Any], told: str) -> None:
    with pytest.raises(FleetError, match=told):
        host(bpa)


def test_its_rules_are_the_published_ones() -> None:
    ours = {rule.slug: (rule.severity, rule.category) for rule in PUBLISHED}
    assert {rule.slug: (rule.severity.lower(), rule.category.lower()) for rule in RULES} == ours
    assert len({rule.number for rule in RULES}) == len(RULES)
