# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Migrations that meet others' moves, leftovers, backups, lost links and refusals that pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    ConnectionLost,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration import operation
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration.decide import LEFTOVER_SECONDS
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration.way import REFUSALS
from unit.fake_session import Lines, Refused
from unit.two_hosts import Fleet, Inline, finding_ids, outcomes, vm_id


def test_a_move_that_runs_is_waited_for_and_never_doubled() -> None:
    fleet = Fleet()
    machine = fleet.add("web01", SecondaryOperationalStatus="MigratingVirtualMachine")
    fleet.jobs.append(
        {"VirtualSystemName": machine["Id"].upper(), "JobType": 306, "JobState": 4, "PercentComplete": 40}
    )

    def end(now: float) -> None:
        if now > 20 and machine["Id"] in fleet.vms["hv01"]:
            machine["SecondaryOperationalStatus"] = None
            fleet.vms["hv02"][machine["Id"]] = fleet.vms["hv01"].pop(machine["Id"])
            fleet.jobs.clear()

    fleet.clock.on_sleep = end
    outcome = fleet.run(names=["web01"])
    assert outcomes(outcome) == {"web01": "attached"}
    assert outcome.changed
    assert fleet.moves == []


def test_percents_are_those_of_the_move_not_of_a_check_before_it() -> None:
    fleet = Fleet()
    machine = fleet.add("web01")
    job: dict[str, Any] = {"VirtualSystemName": machine["Id"], "JobType": 302, "JobState": 4, "PercentComplete": 90}
    fleet.jobs.append(job)

    def course(now: float) -> None:
        if now > 30:
            fleet.jobs.clear()
        elif now > 10:
            job.update(JobType=306, PercentComplete=40)

    fleet.clock.on_sleep = course
    asked = fleet.request(names=["web01"])
    operation.operate(asked, clock=fleet.clock, runner=Inline())
    assert isinstance(asked.reporter, Lines)
    assert [line for line in asked.reporter.lines if "%" in line] == ["web01 hv01 > hv02 40%"]


def test_a_foreign_move_that_failed_is_done_by_us() -> None:
    fleet = Fleet()
    machine = fleet.add("web01")
    fleet.jobs.append({"VirtualSystemName": machine["Id"], "JobType": 306, "JobState": 4, "PercentComplete": 40})
    fleet.clock.on_sleep = lambda now: fleet.jobs.clear() if now > 10 else None
    outcome = fleet.run(names=["web01"])
    assert outcomes(outcome) == {"web01": "moved"}
    assert fleet.moves == ["web01"]
    (sent,) = [p for p in fleet.machines["hv01"].sent("Compare-VM") if "DestinationHost" in p]
    assert sent["DestinationStoragePath"] == "C:\\Hyper-V\\web01", "the storage goes along, as it was asked for"


@pytest.mark.parametrize(("skip_blocked", "expected"), [(False, "failed"), (True, "skipped")])
def test_after_a_foreign_move_that_failed_our_own_is_checked_like_any_other(skip_blocked: bool, expected: str) -> None:
    fleet = Fleet()
    machine = fleet.add("web01", NetworkAdapters=[{"Id": "A", "Name": "n", "SwitchName": "Old"}])
    fleet.jobs.append({"VirtualSystemName": machine["Id"], "JobType": 306, "JobState": 4, "PercentComplete": 40})
    fleet.clock.on_sleep = lambda now: fleet.jobs.clear() if now > 10 else None
    outcome = fleet.run(names=["web01"], skip_blocked=skip_blocked)
    assert outcomes(outcome) == {"web01": expected}
    assert not outcome.changed
    assert "switch_missing" in finding_ids(outcome)
    assert not fleet.machines["hv01"].sent("Compare-VM")


def test_a_stale_planned_vm_is_removed_first() -> None:
    fleet = Fleet()
    machine = fleet.add("web01")
    fleet.planned["hv02"][machine["Id"]] = {}
    began = fleet.clock.monotonic()
    outcome = fleet.run(names=["web01"])
    assert outcomes(outcome) == {"web01": "moved"}
    assert "planned_leftover" in finding_ids(outcome)
    assert fleet.clock.monotonic() - began >= LEFTOVER_SECONDS, "a job may be unseen for some seconds"


def test_the_planned_vm_of_a_move_that_was_just_begun_is_not_removed() -> None:
    """Its job is seen after some seconds (facts, 3.5)."""
    fleet = Fleet()
    machine = fleet.add("web01")
    fleet.planned["hv02"][machine["Id"]] = {}

    def course(now: float) -> None:
        if now > 40 and machine["Id"] in fleet.vms["hv01"]:
            fleet.jobs.clear()
            fleet.planned["hv02"].clear()
            fleet.vms["hv02"][machine["Id"]] = fleet.vms["hv01"].pop(machine["Id"])
        elif now > 10 and not fleet.jobs and machine["Id"] in fleet.vms["hv01"]:
            fleet.jobs.append({"VirtualSystemName": machine["Id"], "JobType": 306, "JobState": 4, "PercentComplete": 1})

    fleet.clock.on_sleep = course
    assert outcomes(fleet.run(names=["web01"])) == {"web01": "attached"}
    assert fleet.moves == []


def test_a_move_that_a_planned_vm_alone_shows_is_not_waited_for_without_end() -> None:
    fleet = Fleet()
    machine = fleet.add("web01")
    fleet.planned["hv02"][machine["Id"]] = {"statuses": [11, 32780]}
    outcome = fleet.run(names=["web01"])
    assert outcome.failure is not None
    assert outcome.failure.kind == "timed_out"
    assert "goes on" not in outcome.failure.msg
    assert machine["Id"] in fleet.planned["hv02"]
    assert not outcome.changed


def test_what_a_comparison_left_goes_only_where_nobody_has_begun_a_move_meanwhile() -> None:
    """A report's VM of 2012 R2 can't be told from a real one: its planned system is removed by Id."""

    def checked(on_sleep: Callable[[Fleet], None]) -> dict[str, Any]:
        fleet = Fleet()
        machine = fleet.add("web01")
        for one in fleet.machines.values():
            one.on("Remove-VM", lambda p, i: [])
        fleet.clock.on_sleep = lambda now: on_sleep(fleet)
        fleet.run(names=["web01"], preflight_only=True)
        return fleet.planned["hv02"].get(machine["Id"], {})

    assert checked(lambda fleet: None) == {}
    assert checked(lambda fleet: fleet.planned["hv02"][vm_id("web01")].update(statuses=[11, 32780]))


def test_a_vm_on_both_hosts_is_touched_on_neither() -> None:
    fleet = Fleet()
    fleet.add("web01")
    fleet.add("web01", host="hv02")
    outcome = fleet.run(ids=[vm_id("web01")])
    assert outcomes(outcome) == {"web01": "failed"}
    assert not outcome.changed
    assert fleet.moves == []


def lost(fleet: Fleet, cmdlet: str, *, after_moves: int) -> None:
    """Let the destination be out of reach for a cmdlet once so many moves were sent."""
    answer = fleet.machines["hv02"].handlers[cmdlet.lower()]

    def gone(parameters: Any, piped: list[Any]) -> Any:
        if len(fleet.moves) >= after_moves:
            raise ConnectionLost("the link to hv02 failed")
        return answer(parameters, piped)

    fleet.machines["hv02"].on(cmdlet, gone)


def test_a_host_that_stays_away_fails_what_is_not_done_and_hides_nothing() -> None:
    fleet = Fleet()
    for name in ("first", "second", "third"):
        fleet.add(name)
    lost(fleet, "Get-VMHost", after_moves=2)
    outcome = fleet.run(names=["first", "second", "third"], concurrency=1)
    rows = {row["name"]: row for row in outcome.values["vms"]}
    assert outcomes(outcome) == {"first": "moved", "second": "failed", "third": "failed"}
    assert outcome.changed
    assert outcome.failure is not None
    assert "2 of 3" in outcome.failure.msg
    assert rows["second"]["error"]["kind"] == "connection_lost"
    assert "run again" in rows["second"]["error"]["msg"], "its move had begun"
    assert "run again" not in rows["third"]["error"]["msg"]
    assert [finding["id"] for finding in rows["first"]["findings"]] == ["not_proven"]


def test_what_can_not_be_proven_after_a_move_is_said_and_the_move_stands() -> None:
    fleet = Fleet()
    fleet.add("web01")
    lost(fleet, "Get-VMDvdDrive", after_moves=1)
    outcome = fleet.run(names=["web01"])
    assert outcomes(outcome) == {"web01": "moved"}
    assert (outcome.changed, outcome.failure) == (True, None)
    assert finding_ids(outcome) == ["not_proven"]


def test_a_leftover_is_removed_over_a_link_that_breaks() -> None:
    fleet = Fleet()
    machine = fleet.add("web01")
    fleet.planned["hv02"][machine["Id"]] = {}
    answer, asked = fleet.machines["hv02"].handlers["get-wmiobject"], []

    def broken_once(parameters: Any, piped: list[Any]) -> Any:
        asked.append(parameters)
        if len(asked) == 1:
            raise ConnectionLost("the link to hv02 failed")
        return answer(parameters, piped)

    fleet.machines["hv02"].on("Get-WmiObject", broken_once)
    assert outcomes(fleet.run(names=["web01"])) == {"web01": "moved"}


def test_a_backup_is_waited_for_until_its_deadline() -> None:
    fleet = Fleet()
    machine = fleet.add("web01", SecondaryOperationalStatus="BackingUpVirtualMachine")
    late = fleet.run(names=["web01"], wait_for_backup_seconds=60)
    assert late.failure is not None
    assert late.failure.kind == "timed_out"
    fleet.clock.on_sleep = lambda now: machine.update(SecondaryOperationalStatus=None)
    assert outcomes(fleet.run(names=["web01"])) == {"web01": "moved"}


def test_a_failure_that_may_pass_is_tried_again_and_another_is_not() -> None:
    fleet = Fleet()
    fleet.add("web01")
    fleet.move_errors = [Refused("OperationFailed,MoveVM", "coupé (0x80072746)")]
    fleet.planned["hv02"].clear()
    outcome = fleet.run(names=["web01"])
    assert outcomes(outcome) == {"web01": "moved"}
    assert fleet.moves == ["web01", "web01"]
    fleet = Fleet()
    fleet.add("web01")
    fleet.move_errors = [Refused("OperationFailed,MoveVM", "plein (0x80070070)")]
    outcome = fleet.run(names=["web01"])
    assert outcomes(outcome) == {"web01": "failed"}
    assert fleet.moves == ["web01"]
    assert "full" in outcome.values["vms"][0]["error"]["remedy"]


def test_a_comparison_that_fails_for_now_is_tried_again_and_is_no_reason_to_skip() -> None:
    def refused(times: int) -> Any:
        fleet = Fleet()
        fleet.add("web01")
        fleet.compare_errors = [Refused("OperationFailed,CompareVM", "coupé (0x80072746)")] * times
        return fleet.run(names=["web01"], retries=2, skip_blocked=True)

    assert outcomes(refused(2)) == {"web01": "moved"}
    given_up = refused(3)
    assert outcomes(given_up) == {"web01": "failed"}
    assert given_up.failure is not None
    error = given_up.values["vms"][0]["error"]
    assert (error["hresult"], finding_ids(given_up)) == ("0x80072746", [])
    assert "event log" in error["remedy"]


def test_a_refusal_for_slots_is_waited_for_also_where_they_are_free_again_when_we_look() -> None:
    """No code tells it from other refusals: what does is that others' moves run, or ended within minutes."""
    others: dict[str, Any] = {"VirtualSystemName": vm_id("another"), "JobType": 306, "JobState": 7}

    def crowded(job: dict[str, Any], refusals: int) -> tuple[dict[str, str], int]:
        fleet = Fleet()
        fleet.add("web01")
        fleet.jobs.append(job)
        fleet.move_errors = [Refused("OperationFailed,MoveVM", "limite « 2 »")] * refusals
        return outcomes(fleet.run(names=["web01"], retries=0)), len(fleet.moves)

    assert crowded(others, 5) == ({"web01": "moved"}, 6)
    assert crowded(others, 100) == ({"web01": "failed"}, REFUSALS + 1), "something else refuses it"
    assert crowded({**others, "JobType": 301}, 5) == ({"web01": "failed"}, 1), "a comparison takes no slot"
    assert crowded({**others, "VirtualSystemName": vm_id("web01")}, 5) == ({"web01": "failed"}, 1), "a job of its own"
