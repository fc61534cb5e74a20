# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit of hosts: what the Best Practices Analyzer says, what we judge ourselves, and where both differ."""

from __future__ import annotations

import pytest
from integration.harness import Lab, Run
from integration.scenario import changes, fleet, task

PAUSED = "avoid-pausing-a-virtual-machine"
FLEET = fleet(
    [
        {"name": "EN", "edition": "2022"},
        {"name": "FR", "edition": "2012R2", "language": "fr"},
        {"name": "NOBPA", "bpa": {"installed": False}},
    ],
    [
        {"name": "held-{n}", "host": "EN", "state": "Paused", "count": 1},
        {"name": "tenu", "host": "FR", "state": "Paused"},
    ],
)


@pytest.fixture(scope="module")
def scanned(module_lab: Lab) -> Run:
    """Scans in every way."""
    return module_lab.tasks(
        "hyperv",
        task("never", "best_practices", scan=False),
        task("check", "best_practices", check=True),
        task("scan", "best_practices"),
        task("again", "best_practices", scan=False, filter="noncompliant"),
        task("fail", "best_practices", scan=False, fail_on="warning"),
        task("pass", "best_practices", scan=False, fail_on="error"),
        task("store", "best_practices", scan=False, exclude=[PAUSED], store_exclusions=True),
        task("stored", "best_practices", scan=False, exclude=[PAUSED], store_exclusions=True),
    )


@pytest.mark.parametrize("host", ["en", "fr"])
def test_results_mean_the_same_in_every_language(scanned: Run, host: str) -> None:
    found = scanned.one("scan", host)
    assert found["changed"] is False
    assert found["scanned"] is True
    assert found["last_scan"]
    (paused,) = [one for one in found["results"] if one["slug"] == PAUSED]
    assert (paused["compliant"], paused["severity"]) == (False, "warning")
    assert paused["severity_source"] == ("neutral" if host == "en" else "published")
    assert scanned.one("again", host)["results"] == [one for one in found["results"] if not one["compliant"]]
    assert scanned.one("fail", host)["error"]["kind"] == "not_possible"
    assert PAUSED in [finding["subject"] for finding in scanned.one("fail", host)["findings"]]
    assert scanned.one("pass", host)["_status"] == "ok"


def test_the_language_of_texts_is_the_host_s(scanned: Run) -> None:
    titles = {
        host: next(one["title"] for one in scanned.one("scan", host)["results"] if one["slug"] == PAUSED)
        for host in ("en", "fr")
    }
    assert titles["en"] != titles["fr"]


def test_nothing_is_scanned_unless_asked(scanned: Run) -> None:
    assert scanned.one("never", "en")["error"]["kind"] == "not_found"
    assert scanned.one("check", "en")["results"] == []


def test_exclusions_are_stored_once(scanned: Run) -> None:
    assert scanned.one("store", "fr")["changed"] is True
    assert scanned.one("stored", "fr")["changed"] is False


def test_a_host_without_the_module_says_so(module_lab: Lab, scanned: Run) -> None:
    found = scanned.one("scan", "nobpa")
    assert [finding["id"] for finding in found["findings"]] == ["bpa_missing"]
    assert {command["command"].rpartition("\\")[2] for command in changes(module_lab)} == {"Set-BpaResult"}
