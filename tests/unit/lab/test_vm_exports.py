# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports of the lab: the tree, its bytes, live modes, refusals, and what an early end leaves."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from hyperv_lab.hyperv import contents, definition, exporting, migration_cim, power
from hyperv_lab.hyperv.cim import PROVIDERS, VIRTUALIZATION, CimInstance, normal
from hyperv_lab.hyperv.cmdlets_export import ExportVM
from hyperv_lab.hyperv.exporting import CRASH, DATA, SAVED, Export, ExportRequest
from hyperv_lab.hyperv.migration_errors import MoveFailed
from hyperv_lab.hyperv.storage import GB
from hyperv_lab.powershell.commands import StopSignal
from unit.lab.cmdlet_runner import run
from unit.lab.migration_bench import Call, Driver, fleet, vm_of
from unit.lab.migration_bench import run as run_class

if TYPE_CHECKING:
    from hyperv_lab.hyperv.fleet import Fleet
    from hyperv_lab.hyperv.host import Host

DISK = {"path": "D:\\Hyper-V\\db\\db.vhdx", "parent": "D:\\Base\\gold.vhdx", "file_size_gb": 2, "parent_size_gb": 3}
VMS: list[dict[str, Any]] = [
    {"name": "web", "host": "HV1", "checkpoints": [{"name": "before", "memory_state": True}]},
    {"name": "db", "host": "HV1", "disks": [DISK]},
    {"name": "live", "host": "HV1", "state": "Running", "memory_mb": 4096},
    {"name": "saved", "host": "HV1", "state": "Saved"},
]


@pytest.fixture
def lab() -> Fleet:
    return fleet(vms=VMS)


def request(lab: Fleet, name: str, path: str = "D:\\Exports", capture: str = SAVED) -> ExportRequest:
    return ExportRequest(vm=vm_of(lab, name), path=path, capture=capture, owner="LAB\\admin")


def begin(lab: Fleet, driver: Driver, *given: Any, **more: Any) -> Export:
    with lab.lock:
        running = exporting.accept(request(lab, *given, **more))
    driver.watch(running)
    return running


def export(lab: Fleet, *given: Any, **more: Any) -> Export:
    driver = Driver(lab)
    running = begin(lab, driver, *given, **more)
    driver.finish()
    return running


def tree(host: Host, folder: str) -> list[str]:
    below = folder.lower() + "\\"
    files = [file.path for volume in host.storage.volumes.values() for file in volume.files.values()]
    return sorted(path[len(below) :] for path in files if path.lower().startswith(below))


def concrete_jobs(host: Host) -> list[CimInstance]:
    return list(PROVIDERS[normal(VIRTUALIZATION), migration_cim.CONCRETE.lower()](host))


def refusal(lab: Fleet, *given: Any, **more: Any) -> int | str:
    with lab.lock, pytest.raises(MoveFailed) as found:
        exporting.accept(request(lab, *given, **more))
    return found.value.cause


def test_a_tree_holds_configuration_checkpoints_and_disks(lab: Fleet) -> None:
    vm, host = vm_of(lab, "web"), lab.hosts["HV1"]
    running = export(lab, "web")
    assert running.failure is None
    own, checkpoint = str(vm.id).upper(), str(vm.snapshots[0].id).upper()
    found = tree(host, "D:\\Exports\\web")
    assert found[:2] == [f"Snapshots\\{checkpoint}.vmcx", f"Snapshots\\{checkpoint}.vmrs"]
    assert found[2] == "Virtual Hard Disks\\web.vhdx"
    assert found[3].startswith("Virtual Hard Disks\\web_")
    assert found[4:] == [f"Virtual Machines\\{own}.vmcx", f"Virtual Machines\\{own}.vmrs"]
    for drive in vm.hard_drives:
        name = drive.path.rpartition("\\")[2]
        there = host.storage.file(f"D:\\Exports\\web\\Virtual Hard Disks\\{name}")
        assert there is not None
        assert there.disk is not None
        assert [f.path for f in host.storage.chain(there.path)][1] == "D:\\Exports\\web\\Virtual Hard Disks\\web.vhdx"
    said = definition.read(host.storage.file(f"D:\\Exports\\web\\Virtual Machines\\{own}.vmcx").content)  # type: ignore[union-attr]
    assert said["name"] == "web"
    assert said["state"] == "Off"
    assert said["body"]["hard_drives"][0]["path"].startswith("D:\\Exports\\web\\Virtual Hard Disks\\")
    assert vm.activity is None
    assert [event.kind for event in lab.events] == ["exported"]


def test_an_export_takes_time_shows_itself_and_is_over_five_minutes_later_no_job(lab: Fleet) -> None:
    vm, host = vm_of(lab, "web"), lab.hosts["HV1"]
    driver = Driver(lab)
    running = begin(lab, driver, "web")
    for _ in range(20):
        driver.step(1)
    assert vm.secondary == "ExportingVirtualMachine"
    (job,) = concrete_jobs(host)
    assert (int(job.values["JobType"]), int(job.values["JobState"])) == (62, 4)
    assert 0 < int(job.values["PercentComplete"]) < 100
    assert refusal(lab, "web", "D:\\Else") == "exp_state"
    driver.finish()
    took = lab.clock.now()
    assert 52 <= took <= 60, "10.5 GB, 2 of them memory, read and written on one disk of 400 MB a second"
    assert running.job.percent == 100
    lab.clock.advance(301)
    assert not concrete_jobs(host)


def test_parents_of_a_chain_come_along(lab: Fleet) -> None:
    host = lab.hosts["HV1"]
    assert export(lab, "db").failure is None
    folder = "D:\\Exports\\db\\Virtual Hard Disks"
    assert [file.path for file in host.storage.chain(f"{folder}\\db.vhdx")] == [
        f"{folder}\\db.vhdx", f"{folder}\\gold.vhdx",
    ]  # fmt: skip


@pytest.mark.parametrize(("capture", "state"), [(SAVED, "Saved"), (CRASH, "Off"), (DATA, "Off")])
def test_what_is_captured_of_a_running_machine_decides_its_state(lab: Fleet, capture: str, state: str) -> None:
    vm, host = vm_of(lab, "live"), lab.hosts["HV1"]
    assert export(lab, "live", capture=capture).failure is None
    folder = f"D:\\Exports\\live\\Virtual Machines\\{str(vm.id).upper()}"
    said = definition.read(host.storage.file(f"{folder}.vmcx").content)  # type: ignore[union-attr]
    runtime = host.storage.file(f"{folder}.vmrs")
    assert runtime is not None
    assert said["state"] == state
    assert ("cpu" in said["body"]["own"]) == (state == "Saved")
    assert (runtime.size == 4 * GB) == (state == "Saved")
    assert vm.state == "Running"


def test_consistent_data_need_a_guest_that_answers(lab: Fleet) -> None:
    vm_of(lab, "live").services_enabled = frozenset({"heartbeat"})
    assert refusal(lab, "live", capture=DATA) == "exp_vss"


def test_a_live_export_is_told_apart_from_what_the_machine_wrote_later(lab: Fleet) -> None:
    vm, host = vm_of(lab, "live"), lab.hosts["HV1"]
    export(lab, "live", capture=CRASH)
    copy = contents.sha256(host, "D:\\Exports\\live\\Virtual Hard Disks\\live.vhdx")
    assert copy == contents.sha256(host, vm.hard_drives[0].path)
    power.turn_off(vm)
    lab.clock.advance(5)
    assert vm.state == "Off"
    assert copy != contents.sha256(host, vm.hard_drives[0].path)


def test_a_saved_machine_takes_its_state_along(lab: Fleet) -> None:
    vm, host = vm_of(lab, "saved"), lab.hosts["HV1"]
    assert export(lab, "saved").failure is None
    path = f"D:\\Exports\\saved\\Virtual Machines\\{str(vm.id).upper()}"
    assert definition.read(host.storage.file(f"{path}.vmcx").content)["state"] == "Saved"  # type: ignore[union-attr]
    assert contents.sha256(host, f"{path}.vmrs") == contents.sha256(host, vm.configuration_files()[1])


def test_version_5_has_an_xml_file() -> None:
    lab = fleet([{"name": "HV1", "edition": "2012R2"}], [{"name": "old", "host": "HV1"}])
    vm = vm_of(lab, "old")
    assert export(lab, "old").failure is None
    assert f"Virtual Machines\\{str(vm.id).upper()}.xml" in tree(lab.hosts["HV1"], "D:\\Exports\\old")


def test_refusals(lab: Fleet) -> None:
    export(lab, "web")
    assert refusal(lab, "web") == 0x80070050
    assert refusal(lab, "db", "X:\\Exports") == 0x80070003
    vm_of(lab, "db").name = 'a "b"'
    with lab.lock, pytest.raises(MoveFailed) as found:
        exporting.accept(ExportRequest(vm=vm_of(lab, 'a "b"'), path="D:\\E", capture=SAVED, owner=""))
    assert found.value.cause == 0x8007007B


def test_disks_of_the_same_name_collide_and_leave_a_torn_tree() -> None:
    disks = [{"path": "D:\\one\\disk.vhdx"}, {"path": "D:\\two\\disk.vhdx"}]
    lab = fleet(vms=[{"name": "web", "host": "HV1", "disks": disks}])
    running = export(lab, "web")
    assert running.failure is not None
    assert running.failure.cause == 0x80070050
    assert "Virtual Hard Disks\\disk.vhdx" in tree(lab.hosts["HV1"], "D:\\Exports\\web")


def test_a_missing_file_and_a_full_disk_leave_a_torn_tree(lab: Fleet) -> None:
    host = lab.hosts["HV1"]
    host.storage.volumes["D:"].take("D:\\Base\\gold.vhdx")
    failed = export(lab, "db").failure
    assert failed is not None
    assert failed.cause == 0x80070002
    full = export(lab, "web", "C:\\Exports")
    assert full.failure is None
    volume = host.storage.volumes["C:"]
    volume.other += volume.free - GB
    full = export(lab, "live", "C:\\Exports")
    assert full.failure is not None
    assert full.failure.cause == 0x80070070
    assert "(0x80070070)" in full.job.error_text
    assert tree(host, "C:\\Exports\\live")
    assert lab.exports[-1]["outcome"] == "failed"


def test_a_stop_cancels_and_a_restart_ends_it_and_both_leave_what_was_written(lab: Fleet) -> None:
    host = lab.hosts["HV1"]
    driver = Driver(lab)
    running = begin(lab, driver, "web")
    driver.step(15)
    assert running.job.request_cancel()
    driver.finish()
    assert (running.job.state, lab.exports[-1]["outcome"]) == (8, "cancelled")
    torn = tree(host, "D:\\Exports\\web")
    assert any(path.endswith(".vmcx") for path in torn)
    other = begin(lab, driver, "db")
    driver.step(5)
    host.reboot(60)
    driver.finish()
    assert other.failure is not None
    assert vm_of(lab, "db").activity is None
    lab.clock.advance(61)
    assert other.job.identifier not in host.jobs


def shared(access: list[Any]) -> Fleet:
    hosts: list[dict[str, Any]] = [
        {"name": "HV1"},
        {"name": "HV2", "shares": [{"name": "X", "path": "D:\\X", "access": access}]},
    ]
    return fleet(hosts, VMS)


def test_to_a_share_the_computer_account_goes() -> None:
    path = "\\\\HV2\\X"
    refused = refusal(shared(["LAB\\admin", "Administrators"]), "web", path)
    assert refused == 0x80070005
    assert refusal(shared([{"account": "LAB\\HV1$", "right": "read"}]), "web", path) == 0x80070005
    assert refusal(shared(["Everyone"]), "web", "\\\\HV2\\none") == 0x80070043
    assert refusal(shared(["Everyone"]), "web", "\\\\HV9\\X") == 0x80070035
    for access in (["LAB\\HV1$"], ["Everyone"], ["LAB\\Domain Computers"]):
        lab = shared(access)
        assert export(lab, "web", path).failure is None
        assert len(tree(lab.hosts["HV2"], "D:\\X\\web")) == 6
        assert not tree(lab.hosts["HV1"], "D:\\X")


def test_the_share_goes_away_midway() -> None:
    lab = shared(["Everyone"])
    driver = Driver(lab)
    running = begin(lab, driver, "web", "\\\\HV2\\X")
    driver.step(10)
    lab.hosts["HV2"].firewall["FPS-SMB-In-TCP"] = False
    driver.finish()
    assert running.failure is not None
    assert running.failure.cause == 0x80070040


def test_the_cmdlet_waits_passes_through_and_writes_field_errors(lab: Fleet) -> None:
    host = lab.hosts["HV1"]
    done = threading.Event()

    def push() -> None:
        while not done.wait(0.001):
            lab.clock.advance(5)

    threading.Thread(target=push, daemon=True).start()
    try:
        found = run(host, "Export-VM", Name=["web", "db"], Path="D:\\Exports", Passthru=True)
        again = run(host, "Export-VM", Name="web", Path="D:\\Exports")
    finally:
        done.set()
    assert [vm.name for vm in found.output] == ["web", "db"]
    assert not found.errors
    assert again.error() == ("OperationFailed", "NotSpecified")
    assert "(0x80070050)" in again.errors[0].message
    assert run(host, "Export-VM", Name="none", Path="D:\\E").error() == ("ObjectNotFound", "ObjectNotFound")


def test_what_if_and_jobs(lab: Fleet) -> None:
    host = lab.hosts["HV1"]
    assert not run(host, "Export-VM", Name="web", Path="D:\\Exports", WhatIf=True).output
    assert not lab.exports
    call = run_class(ExportVM, host, Name=["web"], Path="D:\\Exports", AsJob=True)
    (job,) = call.written
    assert job.state == "Running"


@pytest.mark.parametrize(("abandoned", "outcome"), [(True, "exported"), (False, "cancelled")])
def test_a_lost_shell_leaves_the_export_alone_and_a_stop_signal_ends_it(
    lab: Fleet, abandoned: bool, outcome: str
) -> None:
    call = Call(lab.hosts["HV1"], None, {"Name": ["web"], "Path": "D:\\Exports"})
    call.stopping = StopSignal()
    call.stopping.abandoned = abandoned
    work = threading.Thread(target=ExportVM(call).process, daemon=True)
    work.start()
    while not lab.exports:
        threading.Event().wait(0.001)
    lab.clock.advance(10)
    call.stopping.set()
    lab.clock.notify()
    for _ in range(10_000):
        if lab.exports[0]["finished"] is not None and not work.is_alive():
            break
        lab.clock.advance(1)
        threading.Event().wait(0.001)
    assert lab.exports[0]["outcome"] == outcome


def test_what_was_exported_stays_as_it_was_whatever_becomes_of_the_machine(lab: Fleet) -> None:
    vm, host = vm_of(lab, "web"), lab.hosts["HV1"]
    export(lab, "web")
    before = {path: contents.sha256(host, f"D:\\Exports\\web\\{path}") for path in tree(host, "D:\\Exports\\web")}
    vm.notes = vm.snapshots[0].notes = "changed"
    power.start(vm)
    assert before == {path: contents.sha256(host, f"D:\\Exports\\web\\{path}") for path in before}
    live = [*vm.configuration_files(), *vm.snapshots[0].own_files()]
    assert not {contents.sha256(host, path) for path in live if path.endswith(".vmcx")} & set(before.values())
