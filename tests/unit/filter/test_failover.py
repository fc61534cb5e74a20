# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.hyperv.mobility.plugins.filter.failover import failover_report, failover_summary


def vm(name: str, keeps: bool | None, *why: str, mode: str = "Primary", then: str | None = None) -> dict[str, Any]:
    return {
        "id": f"id of {name}",
        "name": name,
        "host": "hv01",
        "replica_host": "hv02" if mode == "Primary" else None,
        "replication": {"mode": mode, "primary_server": "HV09.lab.test", "replica_server": "HV01.lab.test"},
        "adapters": [
            {
                "name": "net",
                "addresses": ["10.1.0.11"] if mode == "Primary" else [],
                "comes_up_with": {"ipv4": then, "ipv6": None},
                "keeps_primary_address": keeps,
                "why": list(why),
            }
        ],
        "findings": [
            {"id": one, "severity": "blocking", "subject": name, "evidence": f"Seen {one}", "remedy": "Do."}
            for one in why
            if one != "replica_not_read"
        ],
    }


VMS = [
    vm("web", False, then="10.2.0.11"),
    vm("web", None, "guest_not_judged", mode="Replica", then="10.2.0.11"),
    vm("database", True, "key_value_exchange_silent"),
    vm("lone", None, "replica_not_read"),
    vm("incoming", None, "guest_not_judged", mode="Replica"),
]


def test_each_vm_comes_once_and_a_replica_only_without_its_primary() -> None:
    report = failover_report(VMS)
    assert [entry["name"] for entry in report["vms"]] == ["web", "database", "lone", "incoming"]
    assert report["counts"] == {"vms": 4, "adapters": 4, "ready": 1, "keeps": 1, "unknown": 2, "not_set": 0}
    (reason,) = report["vms"][1]["adapters"][0]["why"]
    assert reason == {"id": "key_value_exchange_silent", "evidence": "Seen key_value_exchange_silent", "remedy": "Do."}
    assert "not looked at" in report["vms"][2]["adapters"][0]["why"][0]["evidence"]


def test_guests_lend_their_remedies_and_the_analyzer_its_rule() -> None:
    guests: list[dict[str, Any]] = [
        {"id": "id of database", "findings": [{"id": "guest_service_silent"}]},
        {"id": "other", "findings": []},
    ]
    results: list[dict[str, Any]] = [
        {
            "computer_name": "HV01",
            "slug": "integration-services-must-be-installed-before-primary-or-replica-virtual-machine",
            "compliant": False,
            "excluded": False,
            "source": "x",
            "problem": "y",
        },
        {"computer_name": "HV01", "slug": "avoid-pausing-a-virtual-machine", "compliant": False},
    ]
    report = failover_report(VMS, guests, [*results, results[0]])
    assert report["vms"][1]["guest"] == [{"id": "guest_service_silent"}]
    assert [answer["compliant"] for answer in report["best_practices"]] == [False, False]
    (line,) = [line for line in failover_summary(report) if line.startswith("analyzer")]
    assert line.startswith("analyzer  HV01  noncompliant  integration-services")


def attempt(name: str, *blocking: str, error: dict[str, Any] | None = None) -> dict[str, Any]:
    found = [
        {"id": one, "severity": "blocking", "subject": name, "evidence": f"Seen {one}", "remedy": "Do."}
        for one in blocking
    ]
    warning = {"id": "guest_not_judged", "severity": "warning", "subject": name, "evidence": "", "remedy": ""}
    return {"id": f"id of {name}", "skipped": bool(blocking), "error": error, "findings": [*found, warning]}


def test_what_could_not_be_set_is_not_ready_whatever_stands_there() -> None:
    assert failover_report(VMS, (), (), [attempt("web"), attempt("database")]) == failover_report(VMS)
    attempts = [attempt("web", "test_switch_missing"), attempt("database", "key_value_exchange_silent")]
    failed = attempt("lone", error={"kind": "remote_error", "msg": "No."})
    report = failover_report(VMS, (), (), [*attempts, failed])
    assert report["counts"] == {"vms": 4, "adapters": 4, "ready": 0, "keeps": 1, "unknown": 1, "not_set": 2}
    why = {entry["name"]: [one["id"] for one in entry["adapters"][0]["why"]] for entry in report["vms"]}
    assert why["web"] == ["test_switch_missing"]
    assert why["database"] == ["key_value_exchange_silent"]
    assert why["lone"] == ["replica_not_read", "remote_error"]
    assert any(line.startswith("not_set  web") for line in failover_summary(report))


def test_an_analyzer_without_an_answer_is_told_with_its_reason() -> None:
    report = failover_report(VMS, analyzer_failures={"hv01": "no model"})
    assert report["best_practices_failed"] == {"hv01": "no model"}
    assert failover_summary(report)[-1] == "analyzer  hv01  no answer: no model"


def test_the_summary_is_in_columns_with_what_keeps_its_address_first() -> None:
    lines = failover_summary(failover_report(VMS))
    assert [line.split()[:3] for line in lines] == [
        ["keeps", "database", "net"],
        ["unknown", "incoming", "net"],
        ["unknown", "lone", "net"],
        ["ready", "web", "net"],
    ]
    assert lines[0].endswith("10.1.0.11               key_value_exchange_silent: Seen key_value_exchange_silent")
    assert "HV09.lab.test to hv01" in lines[1]
    assert lines[3] == "ready    web       net  hv01 to hv02           10.1.0.11 to 10.2.0.11"
    assert failover_summary(failover_report([])) == ["no replicated VM"]
