# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processor compatibility before a move: no guest is restarted in vain or twice, and none is left off."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import ConnectionLost
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration.campaign import Campaign
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration.placement import Placement
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration.track import Track
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration.way import Phase
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.power import RESTART_MARK
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Outcome
from unit.fake_session import Refused
from unit.two_hosts import Fleet, vm_id

ENABLE: dict[str, Any] = {"processor_compatibility": "enable", "power": "restart"}
OTHERS = {"VirtualSystemName": vm_id("another"), "JobType": 306, "JobState": 7}


def generations() -> Fleet:
    fleet = Fleet()
    fleet.cpu["hv02"] = (6, 106)
    fleet.add("web01", Notes="of the owner")
    return fleet


def result(outcome: Outcome) -> dict[str, Any]:
    (row,) = outcome.values["vms"]
    return dict(row)


def blocking_ids(outcome: Outcome) -> set[str]:
    return {found["id"] for found in result(outcome)["findings"] if found["severity"] == "blocking"}


def restarts(fleet: Fleet) -> tuple[int, int]:
    return len(fleet.machines["hv01"].sent("Stop-VM")), len(fleet.machines["hv01"].sent("Start-VM"))


def assert_moved_as_it_was(fleet: Fleet, outcome: Outcome) -> None:
    assert result(outcome)["outcome"] == "moved", outcome.failure
    vm = fleet.vms["hv02"][vm_id("web01")]
    assert (vm["State"], vm["flag"], vm["Notes"]) == ("Running", True, "of the owner")


def test_the_guest_is_restarted_once_before_its_move() -> None:
    fleet = generations()
    outcome = fleet.run(names=["web01"], **ENABLE)
    assert_moved_as_it_was(fleet, outcome)
    assert restarts(fleet) == (1, 1)


@pytest.mark.parametrize(
    ("refusal", "times"), [("coupé (0x80072746)", 2), ("limite « 2 »", 8)], ids=["resets", "slots"]
)
def test_a_move_that_is_tried_again_restarts_no_guest_again(refusal: str, times: int) -> None:
    fleet = generations()
    fleet.jobs.append(OTHERS)
    fleet.move_errors = [Refused("OperationFailed,MoveVM", refusal)] * times
    outcome = fleet.run(names=["web01"], **ENABLE)
    assert_moved_as_it_was(fleet, outcome)
    assert len(fleet.moves) == times + 1
    assert restarts(fleet) == (1, 1)


def test_a_setting_that_is_refused_costs_one_restart_and_says_so() -> None:
    fleet = generations()
    fleet.jobs.append(OTHERS)

    def refuse(parameters: Any, piped: Any) -> Any:
        raise Refused("OperationFailed,SetVMProcessor", "sans code")

    fleet.machines["hv01"].on("Set-VMProcessor", refuse)
    outcome = fleet.run(names=["web01"], **ENABLE)
    assert result(outcome)["outcome"] == "failed"
    assert "was started again" in result(outcome)["error"]["msg"]
    assert outcome.changed
    assert restarts(fleet) == (1, 1)
    vm = fleet.vms["hv01"][vm_id("web01")]
    assert (vm["State"], vm["Notes"]) == ("Running", "of the owner")


@pytest.mark.parametrize("lasting", [0.0, 1000.0])
def test_a_link_lost_while_the_guest_goes_down_does_not_leave_it_off(lasting: float) -> None:
    """The VM goes down all the same; a link that is away for longer than the shutdown may take is tried again."""
    fleet = generations()
    machine, hv01 = fleet.vms["hv01"][vm_id("web01")], fleet.machines["hv01"]
    read, down_at, back_at = hv01.handlers["get-vm"], [0.0], [0.0]

    def lost(parameters: Any, piped: Any) -> Any:
        piped[0].update(State="Stopping")
        down_at[0], back_at[0] = fleet.clock.now + 20, fleet.clock.now + lasting
        raise ConnectionLost("the link to hv01 failed")

    def answer(parameters: Any, piped: Any) -> Any:
        if "Id" in parameters and fleet.clock.now < back_at[0]:
            raise ConnectionLost("hv01 can't be reached")
        if machine["State"] == "Stopping" and fleet.clock.now >= down_at[0]:
            machine["State"] = "Off"
        return read(parameters, piped)

    hv01.on("Stop-VM", lost).on("Get-VM", answer)
    fleet.clock.on_sleep = lambda now: None if lasting < 300 or now < 330 else back_at.__setitem__(0, 0.0)
    outcome = fleet.run(names=["web01"], **ENABLE)
    assert_moved_as_it_was(fleet, outcome)
    assert restarts(fleet) == (1, 1)


def test_a_refused_comparison_stands_before_the_restart() -> None:
    for check_mode in (True, False):
        fleet = generations()
        fleet.compare_errors = [Refused("OperationFailed,CompareVM", "Pas d'identification (0x8009030E)")]
        outcome = fleet.run(names=["web01"], check_mode=check_mode, **ENABLE)
        assert result(outcome)["outcome"] == "failed"
        assert blocking_ids(outcome) == {"second_hop_impossible"}
        assert not outcome.changed
        assert restarts(fleet) == (0, 0)


def test_entries_about_the_vm_as_a_whole_wait_for_the_flag_and_others_do_not() -> None:
    fleet = generations()
    machine = fleet.vms["hv01"][vm_id("web01")]
    machine["odd"] = [{"MessageId": 1, "Message": "CPU", "Source": {"Id": vm_id("web01"), "ProcessorCount": 2}}]
    check = fleet.run(names=["web01"], check_mode=True, **ENABLE)
    assert (result(check)["outcome"], blocking_ids(check)) == ("moved", set())
    machine["odd"].append({"MessageId": 2, "Message": "x", "Source": {"Id": "d", "DvdMediaType": 1}})
    outcome = fleet.run(names=["web01"], **ENABLE)
    assert blocking_ids(outcome) == {"compare_vm_2"}
    assert restarts(fleet) == (0, 0)


@pytest.mark.parametrize(
    ("state", "enabled", "expected"),
    [("Paused", True, "vm_state_prevents_power_off"), ("Running", False, "shutdown_service_disabled")],
)
def test_what_forbids_the_shutdown_is_found_before_it(state: str, enabled: bool, expected: str) -> None:
    fleet = generations()
    fleet.vms["hv01"][vm_id("web01")]["State"] = state
    service = {"VMId": vm_id("web01"), "Id": "Microsoft:x\\9F8233AC-BE49-4C79-8EE3-E7E1985B2077", "Enabled": enabled}
    fleet.machines["hv01"].on("Get-VMIntegrationService", lambda p, i: [service])
    outcome = fleet.run(names=["web01"], preflight_only=True, **ENABLE)
    assert expected in blocking_ids(outcome)
    if state == "Paused":
        assert "cpu_model_differs" in blocking_ids(outcome)
    assert not fleet.machines["hv01"].sent("Compare-VM")


def test_a_selection_of_running_vms_chooses_one_that_a_killed_run_left_off() -> None:
    fleet = generations()
    fleet.add("off", State="Off")
    left = fleet.vms["hv01"][vm_id("web01")]
    left.update(State="Off", Notes=f"of the owner\n{RESTART_MARK}")
    outcome = fleet.run(select="[?state=='Running']", **ENABLE)
    assert_moved_as_it_was(fleet, outcome)
    assert restarts(fleet) == (0, 1)


def test_the_time_limit_and_an_interruption_know_a_vm_that_is_being_prepared() -> None:
    vm: Any = SimpleNamespace(id=vm_id("web01"), name="web01")
    track = Track(vm=vm, placement=Placement(), phase=Phase.RUNNING, started=0.0, preparing=True)
    clock = SimpleNamespace(monotonic=lambda: 500.0)
    work: Any = SimpleNamespace(request=SimpleNamespace(timeout_seconds=60), clock=clock)
    campaign = Campaign(work, [track])
    campaign._limit(track)
    assert track.result is None, "its guest would be left shut down"
    assert "run again" in campaign._left(track)
    assert "move goes on" not in campaign._left(track)
    track.preparing, track.ready_at = False, 480.0
    campaign._limit(track)
    assert track.result is None
    track.ready_at = 440.0
    campaign._limit(track)
    assert track.error is not None
    assert "the move goes on" in track.error.msg
