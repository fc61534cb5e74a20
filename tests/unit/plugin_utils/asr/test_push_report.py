# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of machines: outcomes, what a report may hold, lines for people."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.filter.push_reports import FilterModule, push_records
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr import push_report

AGENT = {
    "installed": True,
    "version": "9.55.6765.1",
    "stack": "classic",
    "registered": True,
    "server": {"address": "10.1.0.10", "port": 443},
    "pending_reboot": False,
}


def finding(error_id: str = "95320", **more: Any) -> dict[str, Any]:
    return {
        "id": error_id,
        "ids": [error_id],
        "severity": "blocking",
        "scope": "agent",
        "subject": "/boot/grub/grub.cfg",
        "evidence": "root=/dev/sda1",
        "remedy": "name it by UUID",
        "cure": "safe",
        "cured": False,
        **more,
    }


def preflight(*findings: dict[str, Any], changed: bool = False) -> dict[str, Any]:
    cured = [found["id"] for found in findings if found["cured"]]
    return {
        "changed": changed,
        "findings": list(findings),
        "cured": cured,
        "facts": {"system": "Debian", "version": "9"},
    }


def machine(**results: dict[str, Any]) -> dict[str, Any]:
    return push_report.record("web01", results)


DONE: dict[str, Any] = {"info": {"agent": {"installed": False}}, "agent": {"changed": True}, "verify": {"agent": AGENT}}
GATE: dict[str, Any] = {"gate": {"failed": True}, "failed": {"failed": True, "msg": "root=/dev/sda1"}}


@pytest.mark.parametrize(
    ("results", "outcome", "reason"),
    [
        ({"info": {"agent": AGENT}, "preflight": preflight(), "registration": {"agent": AGENT}}, "unchanged", None),
        ({**DONE, "preflight": preflight()}, "changed", None),
        ({**DONE, "preflight": preflight(finding(cured=True), changed=True)}, "changed", None),
        ({**GATE, "preflight": preflight(finding())}, "blocked", "blocked by 95320"),
        ({**GATE, "preflight": preflight(finding("95224"))}, "reboot pending", "reboot pending by 95224"),
        (
            {"waiting": {"failed": True}, "failed": {"msg": "restart it"}},
            "reboot pending",
            "reboot pending: restart it",
        ),
        ({"failed": {"msg": "exit code 14", "error": {"kind": "x"}}}, "failed", "failed: exit code 14"),
        ({"info": {"unreachable": True}, "failed": {"msg": "no answer"}}, "unreachable", "unreachable: no answer"),
    ],
)
def test_outcomes(results: dict[str, Any], outcome: str, reason: str | None) -> None:
    found = machine(**results)
    assert (found["outcome"], found["reason"]) == (outcome, reason)


def test_the_first_half_alone() -> None:
    def half(*findings: dict[str, Any], **more: Any) -> Any:
        found = push_report.record("web01", {"preflight": preflight(*findings), **more}, preflight_only=True)
        return found["outcome"]

    assert half() == half(finding(severity="warning")) == half(finding(cured=True)) == "ready"
    assert half(finding()) == "blocked"
    assert half(finding("95224")) == "reboot pending"
    assert half(failed={"msg": "no answer"}) == "failed"
    lost: dict[str, Any] = {"preflight": {"unreachable": True}, "failed": {"msg": "no answer"}}
    assert push_report.record("web01", lost, preflight_only=True)["outcome"] == "unreachable"


def test_accepted_errors_do_not_block_by_any_of_their_ids() -> None:
    pair = finding("95572", ids=["95572", "95573"])
    for accepted in ("95572", "95573"):
        assert push_report.unresolved([pair], [accepted]) == []
    assert push_report.unresolved([pair, finding(severity="warning")], ["95320"]) == [pair]


def test_only_named_keys_get_into_a_report() -> None:
    secret = "Lab-Passphrase-1"
    results: dict[str, Any] = {
        "preflight": {**preflight(finding(note=secret)), "invocation": {"passphrase": secret}},
        "registration": {"changed": True, "agent": {**AGENT, "passphrase": secret}, "module_args": secret},
        "failed": {"msg": "no", "invocation": secret, "error": {"kind": "x", "log_tail": ["a"], "before": secret}},
    }
    assert secret not in json.dumps(push_report.report([machine(**results)]))


def test_what_stays_weakened_fails_a_machine_and_is_told() -> None:
    weakened = {**preflight(changed=True), "undo": [{"id": "95107"}]}
    refused = {"failed": True, "msg": "no answer", "error": {"kind": "connection_lost"}}
    good = machine(**{**DONE, "preflight": weakened, "undo": {"changed": True}})
    assert (good["outcome"], good["undo"]) == ("changed", [])
    left = machine(**{**DONE, "preflight": weakened, "undo": refused})
    reason = "failed: what was weakened was not given back: no answer"
    assert (left["outcome"], left["reason"], left["undo"]) == ("failed", reason, [{"id": "95107"}])
    both = machine(preflight=weakened, undo=refused, failed={"msg": "exit code 14"})
    assert both["reason"] == "failed: exit code 14; what was weakened was not given back: no answer"
    stopped = machine(**{**GATE, "preflight": {**weakened, **preflight(finding())}, "undo": {"unreachable": True}})
    assert stopped["outcome"] == "failed"
    lost: dict[str, Any] = {"info": {"unreachable": True}, "undo": {"unreachable": True}, "failed": {"msg": "gone"}}
    assert machine(**lost)["outcome"] == "unreachable"
    assert machine(**{**DONE, "preflight": weakened})["undo"] == [{"id": "95107"}]


def test_a_setup_that_waits_for_a_restart() -> None:
    waits = {"msg": "exit code 97", "error": {"kind": "vendor_failed", "reboot_required": True}}
    found = machine(agent=waits, waiting={"failed": True}, failed={"msg": "restart it"})
    assert (found["outcome"], found["reboot_pending"]) == ("reboot pending", True)


def test_skipped_steps_count_for_nothing() -> None:
    found = machine(info={"agent": AGENT}, agent={"skipped": True, "changed": True}, registration={})
    assert found["outcome"] == "unchanged"
    assert list(found["steps"]) == []


def test_restarts() -> None:
    waiting = machine(agent={"changed": True, "reboot_advised": True, "agent": AGENT})
    assert (waiting["reboot_pending"], waiting["rebooted"]) == (True, False)
    assert "restart advised" in push_report.summary([waiting])[0]
    done = machine(agent={"changed": True, "reboot_required": True, "agent": AGENT}, reboot={"rebooted": True})
    assert (done["reboot_pending"], done["rebooted"]) == (False, True)
    first = machine(preflight=preflight(finding("95224")), reboot={"rebooted": True}, verify={"agent": AGENT})
    assert [each["cured"] for each in first["findings"]] == [True]


def test_findings_of_several_steps_come_once() -> None:
    results: dict[str, Any] = {
        "preflight": preflight(finding()),
        "agent": {"findings": [finding(), finding("45", subject="VSS")]},
    }
    assert [found["id"] for found in machine(**results)["findings"]] == ["95320", "45"]


def test_the_summary_shows_what_failed_last_with_its_log() -> None:
    failed = push_report.record(
        "a01",
        {"failed": {"msg": "exit code 14", "error": {"remedy": "look", "log_path": "C:\\x.log", "log_tail": "1\n2"}}},
    )
    lines = push_report.summary([failed, push_report.unreachable("b01"), machine(**DONE)])
    assert lines[0] == "changed      web01    9.55.6765.1 classic  registered with 10.1.0.10"
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == [
        "changed",
        "failed",
        "unreachable",
        "changed:",
    ]
    assert lines[2:7] == ["    exit code 14", "    Remedy: look", "    Log: C:\\x.log", "      | 1", "      | 2"]
    assert lines[-1] == "changed: 1, failed: 1, unreachable: 1"


def test_a_line_tells_system_cures_and_warnings() -> None:
    found = preflight(finding(cured=True), finding("45", severity="warning"), changed=True)
    (line, _) = push_report.summary([push_report.record("web01", {"preflight": found}, preflight_only=True)])
    assert line == "ready  web01  Debian 9      cured 95320; warning 45"


def test_lines_and_report_by_error_id() -> None:
    pair = finding("95572", ids=["95572", "95573"])
    one = push_report.record("a", {"preflight": preflight(finding(cured=True), pair)})
    two = push_report.record("b", {"preflight": preflight(finding())})
    lines = push_report.by_id([one, two])
    assert [line.split()[0] for line in lines] == ["95320", "95572/95573"]
    assert lines[0].endswith("1 left: b; 1 cured: a")
    assert push_report.report([one, two])["ids"] == {"95572": ["a"], "95320": ["b"]}


def test_lost_machines_have_a_record_once() -> None:
    found = push_records([machine(**DONE)], ["web01", "gone"])
    assert [(each["host"], each["outcome"]) for each in found] == [("web01", "changed"), ("gone", "unreachable")]
    assert push_report.summary([]) == [""]


def test_every_filter_is_documented() -> None:
    from pathlib import Path  # noqa: PLC0415

    folder = Path(__file__).resolve().parents[4] / "plugins" / "filter"
    assert all((folder / f"{name}.yml").exists() for name in FilterModule().filters())
