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
    InvalidRequest,
    MobilityError,
    NotPossible,
    RemoteError,
    TimedOut,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold import manifest as manifests
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.export_look import State, look
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.export_task import operate
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.exporting import Order, export, make
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.gateway import get_vm
from ansible_collections.hyperv.mobility.plugins.plugin_utils.waiting import Deadline
from unit.fake_session import FakeClock, FakeSession, Refused, request
from unit.plugin_utils.hyperv.fake_files import FakeFiles, disk_of
from unit.plugin_utils.hyperv.fake_host import DB, HOSTILE, WEB, vm

PATH = "D:\\Exports"
FOLDER = f"{PATH}\\{WEB}"
MANIFEST = f"{FOLDER}\\manifest.json"
DEAD = "00000000-1-0123456789abcdef"
"""A token of another controller."""


def host(state: str = "Off", name: str = "web01") -> FakeFiles:
    found = FakeFiles()
    found.vms.append(vm(WEB, name, state, **disk_of(WEB, "C:\\VMs\\web01.vhdx", b"web", found)))
    return found


def run(here: FakeFiles, *, check_mode: bool = False, **arguments: Any) -> Any:
    given = {"path": PATH, "ids": [WEB], **arguments}
    return operate(request(here.session, check_mode=check_mode, **given), clock=FakeClock())


def written(here: FakeFiles) -> manifests.Manifest:
    return manifests.parse(here.disk.read(MANIFEST).decode(), where=MANIFEST)


def unfinished(here: FakeFiles, state: str = manifests.EXPORTING, token: str = DEAD) -> None:
    """Leave what a killed run leaves: a whole tree, and a manifest that does not say so."""
    run(here)
    here.disk.put(MANIFEST, replace(written(here), state=state, files=(), token=token).as_text())
    here.session.invocations.clear()


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


def test_nothing_is_touched_in_a_folder_that_is_not_ours() -> None:
    for name, content in (("readme.txt", "x"), ("manifest.json", "{}")):
        here = host()
        here.disk.put(f"{FOLDER}\\{name}", content)
        before = dict(here.disk.files)
        outcome = run(here)
        assert isinstance(outcome.failure, NotPossible)
        assert [item["id"] for item in outcome.values["vms"][0]["findings"]] == ["export_folder_foreign"]
        assert here.disk.files == before


@pytest.mark.parametrize(
    "part",
    [
        {"ConfigurationLocation": f"{FOLDER}\\web01"},
        {"disks": [{"VMId": DB, "Path": f"{FOLDER}\\web01\\Virtual Hard Disks\\web01.vhdx"}]},
    ],
)
def test_an_export_that_became_a_vm_is_not_removed(part: dict[str, Any]) -> None:
    here = host()
    run(here)
    here.vms.append(vm(DB, "db01", **part))
    outcome = run(here, force_new=True)
    assert [item["id"] for item in outcome.values["vms"][0]["findings"]] == ["files_in_use"]
    assert written(here).complete


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"State": "Running"}, "vm_not_off"),
        ({"State": "Saved"}, "vm_not_off"),
        ({"State": "Stopping"}, "vm_in_transition"),
        ({"OperationalStatus": ["BackingUpVirtualMachine"]}, "backup_running"),
        ({"OperationalStatus": ["MergingDisks"]}, "vm_busy"),
        ({"OperationalStatus": ["MigratingVirtualMachine"]}, "vm_busy"),
        ({"disks": [{"VMId": WEB, "DiskNumber": 3, "Path": "Disk 3"}]}, "pass_through_disk"),
        ({"disks": [{"VMId": WEB, "Path": "C:\\s.vhds"}]}, "shared_disk"),
        ({"disks": [{"VMId": WEB, "Path": "C:\\gone.vhdx"}]}, "disk_unreadable"),
        ({"Name": "x" * 200}, "export_path_too_long"),
        ({"vhds": [{"VMId": WEB, "Path": "C:\\VMs\\web01.vhdx", "FileSize": 2**50}]}, "space_insufficient"),
    ],
)
def test_what_keeps_a_vm_from_being_exported_is_found_first(change: dict[str, Any], finding: str) -> None:
    here = host()
    here.vms[0].update(change)
    outcome = run(here)
    (one,) = outcome.values["vms"]
    assert (one["outcome"], outcome.changed, here.session.sent("Export-VM")) == ("failed", False, [])
    assert finding in [item["id"] for item in one["findings"]]
    assert outcome.failure.details == {}


def test_one_vms_failure_does_not_stop_the_others() -> None:
    here = host("Running")
    here.vms.append(vm(DB, "db01", **disk_of(DB, "C:\\VMs\\db01.vhdx", b"db", here)))
    outcome = run(here, ids=[WEB, DB])
    assert [one["outcome"] for one in outcome.values["vms"]] == ["failed", "exported"]
    assert (outcome.changed, isinstance(outcome.failure, NotPossible)) == (True, True)


def test_space_is_counted_over_the_vms_of_the_task() -> None:
    here = host()
    here.vms.append(vm(DB, "db01", **disk_of(DB, "C:\\VMs\\db01.vhdx", b"dbs", here)))
    here.free = 5
    outcome = run(here, ids=[WEB, DB])
    assert [one["outcome"] for one in outcome.values["vms"]] == ["exported", "failed"]


def test_what_is_removed_first_makes_room() -> None:
    here = host()
    unfinished(here)
    here.disk.later(manifests.LEASE_SECONDS + 1)
    here.free = 0
    assert run(here).values["vms"][0]["outcome"] == "exported"
    here.disk.later(10)
    here.disk.put("C:\\VMs\\web01.vhdx", b"web" * 1000)
    here.vms[0]["vhds"][0]["FileSize"] = 3000
    assert run(here).values["vms"][0]["findings"][0]["id"] == "space_insufficient"


def test_memory_counts_where_it_is_captured() -> None:
    here = host("Running")
    here.vms[0]["MemoryAssigned"] = 2**40
    assert run(here, capture="CaptureSavedState").values["vms"][0]["outcome"] == "failed"
    assert run(here, capture="CaptureCrashConsistentState").values["vms"][0]["outcome"] == "exported"
    assert here.session.sent("Export-VM")[0]["CaptureLiveState"] == "CaptureCrashConsistentState"


def test_a_live_export_is_of_its_moment_and_stays_until_a_new_one_is_asked_for() -> None:
    here = host("Running")
    run(here, capture="CaptureDataConsistentState")
    here.disk.later(100)
    here.disk.put("C:\\VMs\\web01.vhdx", b"more")
    assert run(here, capture="CaptureDataConsistentState").changed is False
    assert run(here, capture="CaptureDataConsistentState", force_new=True).changed is True
    here.vms[0]["State"] = "Off"
    assert run(here).values["vms"][0]["reasons"] == ["capture: CaptureDataConsistentState -> off"]


def test_a_vm_that_is_off_has_nothing_live_to_capture() -> None:
    here = host()
    run(here, capture="CaptureSavedState")
    assert "CaptureLiveState" not in here.session.sent("Export-VM")[0]
    assert run(here).changed is False


def test_an_old_host_can_not_be_told_what_to_capture() -> None:
    here = host("Running")
    here.session.machine.on("Get-Command", lambda p, o: [])
    outcome = run(here, capture="CaptureSavedState")
    assert [item["id"] for item in outcome.values["vms"][0]["findings"]] == ["capture_not_supported"]


def test_a_refused_export_leaves_nothing_and_says_what_to_do() -> None:
    here = host()
    here.refuse_export = Refused("OperationFailed,Microsoft.HyperV.PowerShell.Commands.ExportVM", "plein (0x80070070)")
    outcome = run(here)
    assert isinstance(outcome.failure, RemoteError)
    assert "volume is full" in outcome.failure.details["remedy"]
    assert FOLDER.lower() not in here.disk.folders
    assert outcome.changed is True


def test_a_share_is_written_by_the_computer_account_and_that_is_said() -> None:
    here = host()
    here.disk.shares["\\\\nas\\x"] = here.disk
    here.refuse_export = Refused("OperationFailed,Microsoft.HyperV.PowerShell.Commands.ExportVM", "non (0x80070005)")
    outcome = run(here, path="\\\\nas\\x\\e")
    (one,) = outcome.values["vms"]
    assert [item["id"] for item in one["findings"]] == ["export_by_computer_account"]
    assert "computer account" in one["error"]["remedy"]


def test_a_share_that_does_not_open_is_a_finding() -> None:
    here = host()
    outcome = run(here, path="\\\\nas\\x")
    assert [item["id"] for item in outcome.values["vms"][0]["findings"]] == ["export_path_unreachable"]
    assert run(here, path="Q:\\x").values["vms"][0]["findings"][0]["id"] == "export_path_unreachable"


def test_disks_on_a_share_that_the_session_can_not_see_are_exported_anew_by_each_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = host()
    for part in ("disks", "vhds"):
        here.vms[0][part][0]["Path"] = "\\\\fs01\\vms\\web01.vhdx"
    here.disk.files["\\\\fs01\\vms\\web01.vhdx"] = here.disk.files.pop("c:\\vms\\web01.vhdx")
    original = here.session.machine.handlers["get-item"]

    def closed(parameters: Any, piped: Any) -> Any:
        if "\\\\fs01" in str(parameters["LiteralPath"][0]):
            raise Refused("ItemExistsUnauthorizedAccessError,x", category=18)
        return original(parameters, piped)

    here.session.machine.on("Get-Item", closed)
    (one,) = run(here).values["vms"]
    assert (one["outcome"], [item["id"] for item in one["findings"]]) == ("exported", ["disk_times_unread"])
    assert run(here).changed is False, "in the run that made it, nothing else can have happened"
    monkeypatch.setattr(owner, "_MADE", set())
    assert run(here).values["vms"][0]["outcome"] == "exported"
    assert len(here.session.sent("Export-VM")) == 2


def test_an_endpoint_without_files_is_named() -> None:
    here = host()
    del here.session.machine.handlers["get-item"]
    with pytest.raises(NotPossible) as caught:
        run(here)
    assert [finding.id for finding in caught.value.findings] == ["file_commands_hidden"]


@pytest.mark.parametrize("path", ["relative", "", "D:\\a[1]", "D:\\a?"])
def test_a_path_that_can_not_be_is_refused_before_anything_is_sent(path: str) -> None:
    here = host()
    with pytest.raises(InvalidRequest):
        run(here, path=path)
    assert here.session.invocations == []


def test_nothing_chosen_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="names, ids or select"):
        run(host(), ids=[])


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


class TestAbsent:
    def test_an_export_of_ours_goes_even_if_its_vm_has_gone(self) -> None:
        here = host()
        run(here)
        here.vms.clear()
        outcome = run(here, state="absent", ids=[], names=["WEB01"])
        assert (outcome.changed, outcome.values["vms"][0]["outcome"]) == (True, "removed")
        assert not [path for path in here.disk.files if path.startswith(PATH.lower())]
        again = run(here, state="absent")
        assert (again.changed, again.values["vms"][0]["outcome"]) == (False, "already_absent")
        assert run(here, state="absent", ids=[], names=["web01"]).values["vms"] == []

    def test_check_mode_leaves_it(self) -> None:
        here = host()
        run(here)
        outcome = run(here, state="absent", check_mode=True)
        assert (outcome.changed, written(here).complete) == (True, True)

    @pytest.mark.parametrize("finding", ["export_folder_foreign", "files_in_use", "export_running"])
    def test_what_is_not_ours_alone_stays(self, finding: str) -> None:
        here = host()
        run(here)
        if finding == "export_folder_foreign":
            here.disk.remove(MANIFEST)
        elif finding == "files_in_use":
            here.vms.append(vm(DB, "db01", SnapshotFileLocation=FOLDER.upper()))
        else:
            here.disk.put(MANIFEST, replace(written(here), state="exporting", token=DEAD).as_text())
        before = dict(here.disk.files)
        outcome = run(here, state="absent")
        assert [item["id"] for item in outcome.values["vms"][0]["findings"]] == [finding]
        assert (outcome.changed, outcome.values["vms"][0]["outcome"]) == (False, "failed")
        assert isinstance(outcome.failure, MobilityError)
        assert here.disk.files == before

    def test_it_is_chosen_by_name_or_id_only(self) -> None:
        given: list[dict[str, Any]] = [{"ids": []}, {"select": "[*]"}]
        for more in given:
            with pytest.raises(InvalidRequest):
                run(host(), state="absent", **more)
