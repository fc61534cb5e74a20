# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare-VM's live reports and Move-VM as commands."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hyperv_lab.hyperv.cmdlets_vm import RemoveVM
from hyperv_lab.hyperv.migration_cmdlets import CompareVM, MoveVM
from unit.lab.migration_bench import Call, fleet, identity, run, vm_of

if TYPE_CHECKING:
    from hyperv_lab.hyperv.fleet import Fleet

EVERYTHING: dict[str, Any] = {
    "DestinationHost": "HV2",
    "IncludeStorage": True,
    "DestinationStoragePath": "D:\\In\\web\\",
}
FULL_SPEED = 2000.0


def report_of(lab: Fleet, **bound: Any) -> tuple[Any, Any]:
    """Return a report and the session it belongs to."""
    call = run(CompareVM, lab.hosts["HV1"], identity(lab, lab.hosts["HV1"]), Name="web", **(EVERYTHING | bound))
    assert call.errors == []
    (report,) = call.written
    return report, call.session


def ids(report: Any) -> list[int]:
    return [int(entry.message_id) for entry in report.incompatibilities]


def has_jobs(host: Any) -> bool:
    return bool(host.jobs)


def go(lab: Fleet) -> None:
    lab.clock.speed = FULL_SPEED


def missing_switch(**more: Any) -> Fleet:
    hosts = [{"name": "HV1", "switches": ["External", "Old"]}, {"name": "HV2", "switches": ["External"]}]
    vms = [{"name": "web", "host": "HV1", "state": "Running", "adapters": [{"switch": "Old"}, {"switch": "External"}]}]
    return fleet(hosts, vms, **more)


def test_a_clean_report_leaves_a_planned_machine_that_blocks_the_next_try() -> None:
    lab = fleet()
    report, _session = report_of(lab)
    assert ids(report) == []
    there = lab.hosts["HV2"]
    assert there.planned[vm_of(lab, "web").id] is report.vm
    assert report.vm not in there.vms.values()
    assert report.operation_type.name == "MoveVirtualMachineAndStorage"
    again = run(CompareVM, lab.hosts["HV1"], identity(lab, lab.hosts["HV1"]), Name="web", **EVERYTHING)
    assert "(0x80071392)" in again.errors[0].message
    assert again.written == []
    removed = run(RemoveVM, lab.hosts["HV1"], VM=[report.vm], Force=True)
    assert removed.errors == []
    assert not there.planned
    assert there.storage.volumes["D:"].used == 0
    report_of(lab)


def test_a_missing_switch_is_found_fixed_on_the_live_report_and_moved() -> None:
    lab = missing_switch()
    report, session = report_of(lab)
    assert ids(report) == [990001, 990002, 33012]
    entry = report.incompatibilities[2]
    assert entry.message == "Could not find Ethernet switch 'Old'."
    assert entry.source is report.vm.adapters[0]
    assert report.incompatibilities[0].source is report.vm
    entry.source.switch = "External"
    assert ids(report) == [990001, 990002, 33012]
    again = run(CompareVM, lab.hosts["HV1"], session=session, CompatibilityReport=report)
    assert again.written == [report]
    assert ids(report) == []
    go(lab)
    moved = run(MoveVM, lab.hosts["HV1"], session=session, CompatibilityReport=report, Passthru=True)
    assert moved.errors == []
    vm = vm_of(lab, "web")
    assert moved.written == [vm]
    assert [adapter.switch for adapter in vm.adapters] == ["External", "External"]
    assert vm.adapters[0].connected
    used = run(MoveVM, lab.hosts["HV1"], session=session, CompatibilityReport=report)
    assert [record.error_id for record in used.errors] == ["InvalidParameter"]


def test_a_report_that_was_not_fixed_is_refused_and_stays() -> None:
    lab = missing_switch()
    report, session = report_of(lab)
    call = run(MoveVM, lab.hosts["HV1"], session=session, CompatibilityReport=report)
    assert call.errors[0].category == "InvalidOperation"
    assert vm_of(lab, "web").host.name == "HV1"
    assert not report.vm.is_deleted


def test_a_report_is_of_no_use_in_another_runspace_or_when_its_machine_is_gone() -> None:
    lab = fleet()
    report, session = report_of(lab)
    other = Call(lab.hosts["HV1"], None, {}).session
    for command in (CompareVM, MoveVM):
        assert len(run(command, lab.hosts["HV1"], session=other, CompatibilityReport=report).errors) == 1
    lab.hosts["HV2"].planned.clear()
    assert len(run(CompareVM, lab.hosts["HV1"], session=session, CompatibilityReport=report).errors) == 1


def test_entries_name_their_sources() -> None:
    hosts = [{"name": "HV1", "cpu": "icelake"}, {"name": "HV2", "cpu": "haswell", "edition": "2019"}]
    vm = {
        "name": "web",
        "host": "HV1",
        "state": "Running",
        "version": "10.0",
        "processors": 64,
        "dvd": "C:\\iso\\setup.iso",
        "security": {"tpm": True},
        "disks": [{"pass_through": 3}, {"path": "D:\\vm\\web.vhdx"}],
        "checkpoints": [{"name": "memory", "memory_state": True}],
    }
    lab = fleet(hosts, [vm])
    report, _session = report_of(lab)
    kinds = {(int(e.message_id), type(e.source).__name__) for e in report.incompatibilities}
    assert {
        (990003, "PlannedVM"),
        (990004, "PlannedVM"),
        (990004, "Snapshot"),
        (990005, "Snapshot"),
        (990008, "PlannedVM"),
        (990009, "HardDrive"),
        (40010, "DvdDrive"),
    } <= kinds
    (checkpoint,) = {e.source for e in report.incompatibilities if type(e.source).__name__ == "Snapshot"}
    assert checkpoint.ps_get("SnapshotType").name == "Planned"


def test_space_files_and_unreachable_disks() -> None:
    lab = fleet()
    volume = lab.hosts["HV2"].storage.volumes["D:"]
    volume.other = volume.size - 1024**3
    report, session = report_of(lab)
    assert ids(report)[2:] == [990007]
    volume.other = 0
    run(CompareVM, lab.hosts["HV1"], session=session, CompatibilityReport=report)
    assert ids(report) == []
    run(RemoveVM, lab.hosts["HV1"], VM=[report.vm], Force=True)
    call = run(CompareVM, lab.hosts["HV1"], identity(lab, lab.hosts["HV1"]), Name="web", DestinationHost="HV2")
    assert ids(call.written[0])[2:] == [990012]


@pytest.mark.parametrize(
    ("break_it", "code"),
    [
        (lambda lab: lab.hosts["HV2"].firewall.update({"VIRT-MIGL-In-TCP-NoScope": False}), "0x8007274C"),
        (lambda lab: setattr(lab.hosts["HV2"].migration, "enabled", False), "0x8007274D"),
        (lambda lab: setattr(lab.hosts["HV2"].migration, "any_network", False), "0x8007274D"),
        (lambda lab: setattr(lab.hosts["HV2"].migration, "authentication", "Kerberos"), "0x8009030E"),
        (lambda lab: lab.hosts["HV2"].groups.clear(), "0x80070005"),
        (lambda lab: setattr(vm_of(lab, "web"), "activity", "MigratingVirtualMachine"), "0x800700AA"),
    ],
)
def test_what_hinders_the_connection_is_an_error_in_both_languages(break_it: Any, code: str) -> None:
    texts = []
    for language in ("en", "fr"):
        lab = fleet([{"name": "HV1", "language": language}, {"name": "HV2"}])
        break_it(lab)
        for command in (CompareVM, MoveVM):
            call = run(command, lab.hosts["HV1"], identity(lab, lab.hosts["HV1"]), Name="web", **EVERYTHING)
            (record,) = call.errors
            assert f"({code})" in record.message
            assert call.written == []
            texts.append((record.message, record.error_id, record.category))
        assert not lab.hosts["HV2"].planned
    assert texts[0][0] != texts[2][0]
    assert texts[0][1:] == texts[2][1:]


def test_move_by_name_moves_and_shows_progress() -> None:
    lab = fleet()
    go(lab)
    host = lab.hosts["HV1"]
    call = run(MoveVM, host, identity(lab, host), Name="web", Passthru=True, **EVERYTHING)
    assert call.errors == []
    assert call.written == [vm_of(lab, "web")]
    assert call.percents == sorted(call.percents)
    assert vm_of(lab, "web").host.name == "HV2"
    gone = run(MoveVM, host, identity(lab, host), Name="web", **EVERYTHING)
    assert gone.errors[0].error_id == "ObjectNotFound"


def test_vhds_need_the_same_file_name() -> None:
    lab = fleet()
    host = lab.hosts["HV1"]
    source = vm_of(lab, "web").hard_drives[0].path
    bound: dict[str, Any] = {"Name": "web", "DestinationHost": "hv2.lab.test", "VirtualMachinePath": "D:\\In"}
    for entry in ({"SourceFilePath": source}, {"SourceFilePath": source, "DestinationFilePath": "D:\\In\\other.vhdx"}):
        call = run(MoveVM, host, identity(lab, host), Vhds=[entry], **bound)
        assert call.errors[0].category == "InvalidArgument"
    go(lab)
    entry = {"SourceFilePath": source, "DestinationFilePath": "D:\\Disks\\web.vhdx"}
    assert run(MoveVM, host, identity(lab, host), Vhds=[entry], **bound).errors == []
    vm = vm_of(lab, "web")
    assert (vm.path, vm.hard_drives[0].path) == ("D:\\In", "D:\\Disks\\web.vhdx")


def test_a_stop_signal_cancels_and_a_dead_client_does_not() -> None:
    for signal in (True, False):
        lab = fleet()
        host = lab.hosts["HV1"]
        call = Call(host, identity(lab, host), {"Name": "web", **EVERYTHING})
        thread = threading.Thread(target=MoveVM(call).process, daemon=True)
        thread.start()
        assert lab.clock.wait(partial(has_jobs, host))
        if signal:
            call.stopping.set()
            lab.clock.notify()
        go(lab)
        thread.join(10)
        assert not thread.is_alive()
        assert vm_of(lab, "web").host.name == ("HV1" if signal else "HV2")
        assert bool(call.errors) is signal


def test_what_if_does_nothing() -> None:
    lab = fleet()
    host = lab.hosts["HV1"]
    for command in (MoveVM, CompareVM):
        call = run(command, host, identity(lab, host), Name="web", WhatIf=True, **EVERYTHING)
        assert (call.errors, call.written) == ([], [])
    assert not lab.hosts["HV2"].planned
    assert not host.jobs
