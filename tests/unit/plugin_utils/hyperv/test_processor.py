# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processor settings and the power rule."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    ConnectionLost,
    InvalidRequest,
    NotFound,
    NotPossible,
    RemoteError,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv import processor
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.gateway import get_vm
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.power import RESTART_MARK, PowerRule, powered_off
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Outcome
from unit.fake_session import FakeClock, Refused, request
from unit.plugin_utils.hyperv.fake_host import DB, HOSTILE, WEB, FakeHost, vm

FLAG = {"compatibility_for_migration_enabled": True}


def run(host: FakeHost, *, check_mode: bool = False, **arguments: Any) -> Outcome:
    asked = request(host.session, check_mode=check_mode, **arguments)
    return processor.operate(asked, clock=FakeClock())


def test_off_machine_is_set_once() -> None:
    host = FakeHost(vm(WEB, HOSTILE))
    first = run(host, names=[HOSTILE], count=4, **FLAG)
    assert first.changed
    assert first.values["vms"][0]["after"] == {"count": 4, "compatibility_for_migration_enabled": True}
    assert host.vms[0]["processor"]["Count"] == 4
    assert not run(host, names=[HOSTILE], count=4, **FLAG).changed


def test_running_machine_is_refused_by_default_before_anything_changes() -> None:
    host = FakeHost(vm(WEB, "off"), vm(DB, "on", "Running"))
    with pytest.raises(NotPossible) as caught:
        run(host, names=["off", "on"], **FLAG)
    assert [finding.id for finding in caught.value.findings] == ["vm_not_off"]
    assert not host.session.sent("Set-VMProcessor")
    with pytest.raises(NotPossible):
        run(host, check_mode=True, names=["off", "on"], **FLAG)


def test_scheduling_is_set_while_it_runs() -> None:
    host = FakeHost(vm(DB, "on", "Running"))
    assert run(host, names=["on"], relative_weight=200, maximum=50, reserve=10).changed
    assert not host.session.sent("Stop-VM")
    assert host.vms[0]["processor"]["RelativeWeight"] == 200


def test_restart_shuts_down_sets_and_starts() -> None:
    host = FakeHost(vm(DB, "on", "Running"))
    outcome = run(host, names=["on"], power="restart", **FLAG)
    result = outcome.values["vms"][0]
    assert (result["changed"], result["restarted"], result["error"]) == (True, True, None)
    assert host.vms[0]["State"] == "Running"
    assert host.vms[0]["processor"]["CompatibilityForMigrationEnabled"] is True
    assert all("TurnOff" not in sent and "Force" not in sent for sent in host.session.sent("Stop-VM"))


def test_check_mode_answers_as_the_real_run() -> None:
    checked, real = (FakeHost(vm(WEB, "a"), vm(DB, "b")) for _ in range(2))
    foreseen, done = run(checked, check_mode=True, names=["a", "b"], **FLAG), run(real, names=["a", "b"], **FLAG)
    assert (foreseen.changed, foreseen.diff, foreseen.values) == (done.changed, done.diff, done.values)
    assert not checked.session.sent("Set-VMProcessor")


def test_a_guest_that_does_not_go_down_keeps_running() -> None:
    host = FakeHost(vm(DB, "on", "Running"))
    host.guest_goes_down = False
    outcome = run(host, names=["on"], power="restart", shutdown_timeout_seconds=5, **FLAG)
    assert isinstance(outcome.failure, RemoteError)
    assert "force: true" in outcome.failure.msg
    assert not outcome.changed
    assert host.vms[0]["State"] == "Running"
    assert not any("TurnOff" in sent for sent in host.session.sent("Stop-VM"))


def test_force_turns_off_only_after_the_guest_was_asked() -> None:
    host = FakeHost(vm(DB, "on", "Running"))
    host.guest_goes_down = False
    assert run(host, names=["on"], power="restart", force=True, shutdown_timeout_seconds=5, **FLAG).changed
    asked = host.session.sent("Stop-VM")
    assert ["TurnOff" in sent for sent in asked] == [False, False, True], "asked until the deadline"
    assert all("Force" in sent for sent in asked)


def test_force_shuts_a_locked_guest_down_in_order() -> None:
    host = FakeHost(vm(DB, "on", "Running"))
    host.guest_locked = True
    refused = run(host, names=["on"], power="restart", **FLAG)
    assert refused.failure is not None
    assert "300 seconds" not in refused.failure.msg, "it refused at once"
    assert run(host, names=["on"], power="restart", force=True, **FLAG).changed
    assert [set(sent) - {"Id"} for sent in host.session.sent("Stop-VM")] == [set(), {"Force"}]


def test_failure_after_the_stop_starts_the_machine_again_and_others_go_on() -> None:
    host = FakeHost(vm(DB, "on", "Running"), vm(WEB, "weight"))
    host.refuse_set = Refused("NotSupported,Microsoft.HyperV.PowerShell.Commands.SetVMProcessor", "non")
    outcome = run(host, names=["on", "weight"], power="restart", **FLAG)
    assert host.vms[0]["State"] == "Running"
    assert outcome.failure is not None
    assert "was started again" in outcome.failure.msg
    assert outcome.failure.details["started_again"] is True
    assert [bool(item["error"]) for item in outcome.values["vms"]] == [True, True]
    assert len(host.session.sent("Set-VMProcessor")) == 2


def test_missing_heartbeat_after_the_start_is_a_failure_with_the_change_made() -> None:
    host = FakeHost(vm(DB, "on", "Running"))
    host.guest_comes_up = False
    host.vms[0]["Notes"] = "of the owner"
    outcome = run(host, names=["on"], power="restart", heartbeat_timeout_seconds=10, **FLAG)
    assert outcome.changed
    assert outcome.failure is not None
    assert "NoContact" in outcome.failure.msg
    assert host.vms[0]["Notes"] == "of the owner", "it runs: whether it is started later is its owner's business"


@pytest.mark.parametrize("state", ["Saved", "Paused", "OffCritical"])
def test_other_states_are_refused_even_with_restart(state: str) -> None:
    host = FakeHost(vm(DB, "odd", state))
    with pytest.raises(NotPossible) as caught:
        run(host, names=["odd"], power="restart", **FLAG)
    assert caught.value.findings[0].id == "vm_state_prevents_power_off"


def test_disabled_shutdown_service_is_found_before_the_stop() -> None:
    machine = vm(DB, "on", "Running")
    machine["services"][0]["Enabled"] = False
    host = FakeHost(machine)
    with pytest.raises(NotPossible) as caught:
        run(host, names=["on"], power="restart", **FLAG)
    assert caught.value.findings[0].id == "shutdown_service_disabled"
    assert not host.session.sent("Stop-VM")


def test_settings_that_the_edition_lacks_are_named() -> None:
    machine = vm(WEB, "old")
    del machine["processor"]["ExposeVirtualizationExtensions"]
    host = FakeHost(machine)
    with pytest.raises(NotPossible, match="ExposeVirtualizationExtensions"):
        run(host, names=["old"], expose_virtualization_extensions=True)
    with pytest.raises(NotPossible, match="CompatibilityForMigrationMode"):
        run(host, names=["old"], compatibility_for_migration_mode="MinimumFeatureSet")


def test_mode_is_probed_and_set_where_it_is_there() -> None:
    machine = vm(WEB, "new")
    machine["processor"]["CompatibilityForMigrationMode"] = "CommonClusterFeatureSet"
    host = FakeHost(machine)
    host.session.machine.on("Get-Command", lambda p, o: [{"Name": "Set-VMProcessor"}])
    assert run(host, names=["new"], compatibility_for_migration_mode="MinimumFeatureSet").changed
    assert host.session.sent("Set-VMProcessor")[0]["CompatibilityForMigrationMode"] == "MinimumFeatureSet"


@pytest.mark.parametrize(
    "arguments",
    [{"names": ["a"]}, {"names": ["a"], "maximum": 101}, {"names": ["a"], "reserve": 60, "maximum": 50}, {"count": 2}],
)
def test_impossible_requests_send_nothing(arguments: dict[str, Any]) -> None:
    host = FakeHost(vm(WEB, "a"))
    with pytest.raises(InvalidRequest):
        run(host, **arguments)
    assert not host.session.invocations


def test_powered_off_leaves_an_off_machine_off() -> None:
    host = FakeHost(vm(WEB, "a"))
    with powered_off(host.session, get_vm(host.session, WEB), PowerRule(), clock=FakeClock()) as stopped:
        assert stopped is False
    assert not host.session.sent("Start-VM")


def test_powered_off_starts_the_machine_after_a_bug_too() -> None:
    host = FakeHost(vm(DB, "on", "Running"))
    machine = get_vm(host.session, DB)
    with (
        pytest.raises(ZeroDivisionError),
        powered_off(host.session, machine, PowerRule(restart=True), clock=FakeClock()),
    ):
        raise ZeroDivisionError
    assert host.vms[0]["State"] == "Running"


class Killed(Exception):
    """The controller is gone."""


def test_a_machine_that_a_killed_run_left_off_is_started_by_the_next() -> None:
    host = FakeHost(vm(DB, "on", "Running", Notes="of the owner"))
    start = host.session.machine.handlers["start-vm"]
    host.session.machine.on("Start-VM", killed)
    with pytest.raises(Killed):
        run(host, names=["on"], power="restart", **FLAG)
    assert host.vms[0]["State"] == "Off"
    assert RESTART_MARK in host.vms[0]["Notes"]
    host.session.machine.on("Start-VM", start)
    assert not run(host, names=["on"], **FLAG).changed, "without power: restart nothing is started"
    check = run(host, check_mode=True, names=["on"], power="restart", **FLAG)
    outcome = run(host, names=["on"], power="restart", **FLAG)
    assert (check.changed, check.diff) == (outcome.changed, outcome.diff)
    assert outcome.values["vms"][0]["restarted"]
    assert (host.vms[0]["State"], host.vms[0]["Notes"]) == ("Running", "of the owner")
    assert not run(host, names=["on"], power="restart", **FLAG).changed


def test_a_selection_of_running_machines_chooses_one_that_a_killed_run_left_off() -> None:
    host = FakeHost(vm(DB, "on", "Running"), vm(WEB, "off"))
    start = host.session.machine.handlers["start-vm"]
    host.session.machine.on("Start-VM", killed)
    arguments: dict[str, Any] = {"select": "[?state=='Running']", **FLAG}
    with pytest.raises(Killed):
        run(host, power="restart", **arguments)
    host.session.machine.on("Start-VM", start)
    with pytest.raises(NotFound):
        run(host, **arguments)
    outcome = run(host, power="restart", **arguments)
    assert [(item["name"], item["restarted"]) for item in outcome.values["vms"]] == [("on", True)]
    assert (host.vms[0]["State"], host.vms[0]["Notes"]) == ("Running", "")


@pytest.mark.parametrize("lasting", [10.0, 1000.0])
def test_a_link_lost_while_the_guest_goes_down_leaves_nothing_off_for_good(lasting: float) -> None:
    """A short loss is sat out; after a long one the machine is off with its mark, and the next run starts it."""
    host = FakeHost(vm(DB, "on", "Running", Notes="of the owner"))
    stop, read = (host.session.machine.handlers[name] for name in ("stop-vm", "get-vm"))
    clock = FakeClock()
    back = [0.0]

    def lost(parameters: Any, piped: Any) -> None:
        stop(parameters, piped)
        back[0] = clock.now + lasting
        raise ConnectionLost("the link to hv01 failed")

    def answer(parameters: Any, piped: Any) -> Any:
        if clock.now < back[0]:
            raise ConnectionLost("hv01 can't be reached")
        return read(parameters, piped)

    host.session.machine.on("Stop-VM", lost).on("Get-VM", answer)
    asked = request(host.session, names=["on"], power="restart", **FLAG)
    first = processor.operate(asked, clock=clock)
    if lasting > 300:
        assert first.failure is not None
        assert first.changed
        assert RESTART_MARK in host.vms[0]["Notes"]
        clock.now = back[0]
        assert processor.operate(asked, clock=clock).changed
    else:
        assert first.failure is None
    assert (host.vms[0]["State"], host.vms[0]["Notes"]) == ("Running", "of the owner")


def killed(*_arguments: Any) -> None:
    raise Killed


def test_notes_are_as_before_when_a_guest_does_not_go_down() -> None:
    host = FakeHost(vm(DB, "on", "Running", Notes="of the owner"))
    host.guest_goes_down = False
    outcome = run(host, names=["on"], power="restart", **FLAG)
    assert outcome.failure is not None
    assert (host.vms[0]["State"], host.vms[0]["Notes"]) == ("Running", "of the owner")
