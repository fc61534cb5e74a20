# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import json
import os
import threading
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils import owner
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    ConnectionLost,
    TimedOut,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold import manifest as manifests
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.export_look import State, look
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.export_task import operate
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.exporting import Order, export, make
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.gateway import get_vm
from ansible_collections.hyperv.mobility.plugins.plugin_utils.waiting import Deadline
from unit.fake_session import FakeClock, FakeSession, request
from unit.plugin_utils.hyperv.fake_exports import DEAD, FOLDER, MANIFEST, PATH, host, run, unfinished, written
from unit.plugin_utils.hyperv.fake_host import HOSTILE, WEB


def test_an_export_has_every_file_with_its_hash_and_says_where_the_configuration_is() -> None:
    here = host()
    outcome = run(here)
    (one,) = outcome.values["vms"]
    assert (outcome.changed, one["outcome"], one["files"], one["error"]) == (True, "exported", 2, None)
    assert one["configuration_file"] == f"{FOLDER}\\web01\\Virtual Machines\\{WEB}.vmcx"
    found = written(here)
    assert found.complete
    assert (found.vm_name, found.capture, found.source_host) == ("web01", "off", "HV01")
    assert {file.path: file.sha256 for file in found.files}["web01\\Virtual Hard Disks\\web01.vhdx"] == (
        hashlib.sha256(b"web").hexdigest()
    )
    assert not [path for path in here.disk.files if path.endswith(".part")]


def test_the_manifest_is_there_before_the_tree_and_says_so_until_every_hash_is_taken() -> None:
    here, states = host(), []
    here.during_export = lambda: states.append(written(here).state)
    original = here.handlers()["Get-FileHash"]

    def hashed(parameters: Any, piped: Any) -> Any:
        states.append(written(here).state)
        return original(parameters, piped)

    here.session.machine.on("Get-FileHash", hashed)
    run(here)
    assert states == ["exporting", "hashing", "hashing"]


def test_again_is_unchanged_and_sends_no_export() -> None:
    here = host()
    run(here)
    outcome = run(here)
    assert (outcome.changed, outcome.values["vms"][0]["outcome"]) == (False, "already_exported")
    assert len(here.session.sent("Export-VM")) == 1


@pytest.mark.parametrize("hostile", [HOSTILE, "[x]", "O'Brien $x", "测试"])
def test_hostile_names(hostile: str) -> None:
    here = host(name=hostile.replace("\n", " "))
    assert run(here).values["vms"][0]["outcome"] == "exported"
    assert run(here).changed is False


def test_check_mode_says_the_same_and_changes_nothing() -> None:
    here = host()
    before = dict(here.disk.files)
    outcome = run(here, check_mode=True)
    assert (outcome.changed, outcome.values["vms"][0]["outcome"]) == (True, "exported")
    assert outcome.diff.before == {FOLDER: "none"}
    assert outcome.diff.after == {FOLDER: "complete"}
    assert here.disk.files == before


@pytest.mark.parametrize("change", ["written", "grown", "memory", "adapter", "force"])
def test_an_export_of_an_earlier_vm_is_made_again(change: str) -> None:
    here = host()
    run(here)
    here.disk.later(3600)
    if change == "written":
        here.disk.put("C:\\VMs\\web01.vhdx", b"WEB")
    elif change == "grown":
        here.disk.files["c:\\vms\\web01.vhdx"].content = b"web and more"
    elif change == "memory":
        here.vms[0]["MemoryStartup"] = 2**31
    elif change == "adapter":
        here.vms[0]["adapters"] = [{"VMId": WEB, "Id": "a", "Name": "Net", "SwitchName": "LAN"}]
    outcome = run(here, force_new=change == "force")
    (one,) = outcome.values["vms"]
    assert (one["outcome"], len(one["reasons"])) == ("exported", 1)
    assert written(here).seen
    assert run(here).changed is False


def test_a_torn_export_is_never_taken_for_a_finished_one() -> None:
    here = host()
    unfinished(here)
    here.disk.later(manifests.LEASE_SECONDS + 1)
    outcome = run(here)
    assert outcome.values["vms"][0]["outcome"] == "exported"
    assert len(here.session.sent("Export-VM")) == 1
    assert [item["LiteralPath"] for item in here.session.sent("Remove-Item")] == [FOLDER]


@pytest.mark.parametrize(("process", "seconds", "state"), [
    (os.getppid(), 10, State.RUNNING),
    (os.getppid(), manifests.LEASE_SECONDS + 1, State.TORN),
    (4194399, 10, State.TORN),
    (os.getpid(), 10, State.TORN),
], ids=["runs", "its lease is over", "has ended", "an earlier task"])  # fmt: skip
def test_a_run_of_this_controller_is_asked_for_and_its_lease_counts_too(
    process: int, seconds: int, state: State
) -> None:
    here = host()
    unfinished(here, token=f"{owner.controller()}-{process}-{'a' * 16}")
    here.disk.later(seconds)
    assert look(here.session, PATH, [WEB])[WEB].state is state


def test_a_tree_that_was_finished_needs_its_hashes_only() -> None:
    here = host()
    unfinished(here, manifests.HASHING)
    here.disk.later(manifests.LEASE_SECONDS + 1)
    outcome = run(here)
    assert (outcome.values["vms"][0]["outcome"], here.session.sent("Export-VM")) == ("attached", [])
    assert written(here).complete


@pytest.mark.parametrize(("seconds", "state"), [(59, State.RUNNING), (61, State.TORN)])
def test_hashes_of_another_controller_are_not_waited_for_longer_than_a_minute(seconds: int, state: State) -> None:
    here = host()
    unfinished(here, manifests.HASHING)
    here.disk.put(MANIFEST, replace(written(here), lease_seconds=100_600).as_text())
    here.disk.later(seconds)
    assert look(here.session, PATH, [WEB])[WEB].state is state


def test_hashes_are_not_written_over_an_export_that_was_made_anew_meanwhile() -> None:
    here = host()
    original = here.handlers()["Get-FileHash"]
    others: list[str] = []

    def hashed(parameters: Any, piped: Any) -> Any:
        if not others:
            begun = replace(written(here), state=manifests.EXPORTING, started="2031-01-01T00:00:00Z", token=DEAD)
            others.append(begun.as_text())
            here.disk.put(MANIFEST, begun.as_text())
        return original(parameters, piped)

    here.session.machine.on("Get-FileHash", hashed)
    clock = FakeClock()
    clock.on_sleep = lambda now: here.disk.later(5) if here.disk.read(MANIFEST).decode() == others[0] else None
    outcome = operate(request(here.session, path=PATH, ids=[WEB]), clock=clock)
    assert outcome.values["vms"][0]["outcome"] == "exported"
    assert len(here.session.sent("Export-VM")) == 2, "what the other left was waited for, and not called complete"


def test_a_tree_that_lost_a_disk_meanwhile_is_made_again() -> None:
    here = host()
    unfinished(here, manifests.HASHING)
    here.disk.remove(f"{FOLDER}\\web01\\Virtual Hard Disks\\web01.vhdx")
    here.disk.later(manifests.LEASE_SECONDS + 1)
    assert run(here).values["vms"][0]["outcome"] == "exported"
    assert len(here.session.sent("Export-VM")) == 1


def test_a_finished_tree_of_an_earlier_vm_is_made_again() -> None:
    here = host()
    unfinished(here, manifests.HASHING)
    here.disk.later(manifests.LEASE_SECONDS + 1)
    here.disk.put("C:\\VMs\\web01.vhdx", b"WEB")
    assert run(here).values["vms"][0]["outcome"] == "exported"
    assert len(here.session.sent("Export-VM")) == 1


def test_somebodys_export_to_elsewhere_is_waited_for_and_then_ours_is_made() -> None:
    here, clock = host(), FakeClock()
    here.vms[0]["OperationalStatus"] = ["InService", "ExportingVirtualMachine"]
    sent: list[int] = []

    def on_sleep(now: float) -> None:
        sent.append(len(here.session.sent("Export-VM")))
        if now > 20:
            here.vms[0]["OperationalStatus"] = ["Ok"]

    clock.on_sleep = on_sleep
    outcome = operate(request(here.session, path=PATH, ids=[WEB]), clock=clock)
    assert (outcome.values["vms"][0]["outcome"], set(sent[:10])) == ("exported", {0})


JOB = {"JobType": 62, "JobState": 7, "PercentComplete": 100, "ErrorCode": 0, "TimeSubmitted": "2026-01-05T08:00:05Z"}


@pytest.mark.parametrize(
    ("jobs", "exports"),
    [
        ([JOB], 0),
        ([{**JOB, "ErrorCode": 32775}], 1),
        ([{**JOB, "JobState": 10}], 1),
        ([JOB, JOB], 1),
        ([{**JOB, "TimeSubmitted": "2026-01-05T08:09:00Z"}], 1),
        ([{**JOB, "TimeSubmitted": "2026-01-05T07:59:00Z"}], 1),
        ([{**JOB, "JobType": 61}], 1),
        ([], 1),
    ],
)
def test_what_the_host_finished_alone_is_taken_on_its_own_jobs_word(jobs: list[Any], exports: int) -> None:
    here = host()
    unfinished(here)
    here.jobs = jobs
    here.disk.later(manifests.LEASE_SECONDS + 1)
    run(here)
    assert len(here.session.sent("Export-VM")) == exports
    assert written(here).complete


def test_an_export_that_runs_is_waited_for() -> None:
    here, clock = host(), FakeClock()
    unfinished(here)
    here.jobs = [JOB]
    here.vms[0]["OperationalStatus"] = ["InService", "ExportingVirtualMachine"]

    def on_sleep(now: float) -> None:
        here.disk.later(2)
        if now > 1000:
            here.vms[0]["OperationalStatus"] = ["Ok"]

    clock.on_sleep = on_sleep
    asked = request(here.session, path=PATH, ids=[WEB])
    outcome = operate(asked, clock=clock)
    assert outcome.values["vms"][0]["outcome"] == "attached"
    assert here.session.sent("Export-VM") == []
    assert [line for line in asked.reporter.lines if "runs" in line]  # type: ignore[attr-defined]


def test_another_controllers_run_that_takes_hashes_is_waited_for() -> None:
    here, clock = host(), FakeClock()
    unfinished(here, manifests.HASHING)
    assert look(here.session, PATH, [WEB])[WEB].state is State.RUNNING

    def on_sleep(now: float) -> None:
        here.disk.put(MANIFEST, replace(whole, state=manifests.COMPLETE).as_text())

    whole = written(here)
    clock.on_sleep = on_sleep
    outcome = operate(request(here.session, path=PATH, ids=[WEB]), clock=clock)
    assert (outcome.changed, outcome.values["vms"][0]["outcome"]) == (False, "attached")


def test_waiting_has_a_deadline_and_says_that_the_export_goes_on() -> None:
    here = host()
    unfinished(here)
    here.vms[0]["OperationalStatus"] = ["ExportingVirtualMachine"]
    outcome = run(here, timeout_seconds=30)
    assert isinstance(outcome.failure, TimedOut)
    assert "goes on" in outcome.failure.msg


def test_a_lost_link_is_no_end_the_host_goes_on() -> None:
    here = host()
    lost: list[bool] = []
    original = here.session.machine.handlers["export-vm"]

    def once(parameters: Any, piped: Any) -> Any:
        done = original(parameters, piped)
        if not lost:
            lost.append(True)
            here.jobs = [{**JOB, "TimeSubmitted": "2026-01-05T08:00:00Z"}]
            raise ConnectionLost("weg")
        return done

    here.session.machine.on("Export-VM", once)
    (one,) = run(here).values["vms"]
    assert (one["outcome"], len(here.session.sent("Export-VM"))) == ("exported", 1)
    assert written(here).complete


def test_another_session_watches_and_the_deadline_leaves_the_host_at_work() -> None:
    here, clock = host(), FakeClock()
    here.jobs = [{**JOB, "JobState": 4, "PercentComplete": 40}]
    gate = threading.Event()

    def wait() -> None:
        gate.wait(10)

    here.during_export = wait
    lines: list[str] = []
    machine = get_vm(here.session, WEB)
    own = FakeSession(machine=here.session.machine)
    order = Order(vm=machine, path=PATH, capture="off", clock=clock, deadline=Deadline(10, clock), tell=lines.append)
    with pytest.raises(TimedOut, match="goes on"):
        make(own, order, watch=here.session)
    gate.set()
    assert own.abandoned
    assert [line for line in lines if "40%" in line]


def test_the_library_gives_the_manifest() -> None:
    here, clock = host(), FakeClock()
    found = export(
        here.session,
        get_vm(here.session, WEB),
        path=PATH,
        tell=lambda line: None,
        clock=clock,
        deadline=Deadline(None, clock),
    )
    assert found == written(here)
    assert json.loads(found.as_text())["state"] == "complete"
