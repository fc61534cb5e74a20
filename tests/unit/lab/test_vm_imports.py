# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports of the lab: every mode, the live report and its fixes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperv_lab.hyperv import carrying, contents, power
from hyperv_lab.hyperv.cmdlets_vm import remove
from hyperv_lab.hyperv.exporting import CRASH
from hyperv_lab.hyperv.storage import GB
from unit.lab.cmdlet_runner import Session, get, run
from unit.lab.migration_bench import fleet, vm_of

if TYPE_CHECKING:
    from pathlib import Path


from unit.lab.import_bench import (
    RUNNING,
    TREE,
    WEB,
    carried,
    chain_names,
    export,
    ids,
    import_vm,
    one,
    shown,
    vm_of_host,
)


def test_registering_in_place_makes_the_files_live(tmp_path: Path) -> None:
    lab = one()
    source, there = vm_of(lab, "web"), lab.hosts["HV2"]
    path = carried(lab, tmp_path)
    used = there.storage.volumes["D:"].used
    vm = import_vm(lab, Path=path).one()
    assert vm is there.vms[source.id]
    assert shown(vm) == shown(source)
    assert vm.state == "Off"
    assert vm.configuration_files()[0] == path
    assert all(drive.path.startswith("D:\\In\\web\\Virtual Hard Disks\\") for drive in vm.hard_drives)
    assert chain_names(there, vm.hard_drives[0].path) == chain_names(source.host, source.hard_drives[0].path)
    assert there.storage.volumes["D:"].used == used
    assert not there.planned
    assert lab.imports[-1]["outcome"] == "imported"
    before = contents.sha256(there, vm.hard_drives[0].path)
    untouched = contents.sha256(source.host, source.hard_drives[0].path)
    power.start(vm)
    assert contents.sha256(there, vm.hard_drives[0].path) != before
    assert contents.sha256(source.host, source.hard_drives[0].path) == untouched


def test_a_report_names_the_file_and_shows_planned_checkpoints(tmp_path: Path) -> None:
    lab = one()
    path = carried(lab, tmp_path)
    there = lab.hosts["HV2"]
    session = Session(there)
    report = run(there, "Compare-VM", session=session, Path=path).one()
    folder = path.partition("\\Virtual Machines\\")[0]
    assert (get(report, "Path"), get(report, "SnapshotPath")) == (path, f"{folder}\\Snapshots")
    assert get(report, "Incompatibilities") is None
    assert {get(each, "SnapshotType").name for each in report.vm.snapshots} == {"Planned"}
    vm = import_vm(lab, "HV2", session, CompatibilityReport=report).one()
    assert {get(each, "SnapshotType").name for each in vm.snapshots} == {"Standard"}


def test_a_later_lab_imports_what_an_earlier_one_exported(tmp_path: Path) -> None:
    lab = one()
    source = vm_of(lab, "web")
    path = carried(lab, tmp_path)
    later = fleet([{"name": "HV7"}], [])
    carrying.bring(later.hosts["HV7"], tmp_path, "D:\\In")
    vm = import_vm(later, "HV7", Path=path).one()
    assert shown(vm) == shown(source)


def test_restoring_copies_and_keeps_the_id(tmp_path: Path) -> None:
    lab = one()
    source, there = vm_of(lab, "web"), lab.hosts["HV2"]
    path = carried(lab, tmp_path)
    began = lab.clock.now()
    vm = import_vm(
        lab, Path=path, Copy=True, VirtualMachinePath="D:\\V", VhdDestinationPath="D:\\W\\", SnapshotFilePath="D:\\S"
    ).one()
    assert lab.clock.now() - began > 40
    assert (vm.id, vm.path, vm.snapshot_path) == (source.id, "D:\\V", "D:\\S")
    assert [drive.path.rpartition("\\")[0] for drive in vm.hard_drives] == ["D:\\W"]
    top, *_middle, base = there.storage.chain(vm.hard_drives[0].path)
    assert top.disk is not None
    assert top.disk.parent.startswith("D:\\W\\")
    assert base.path == "D:\\W\\web.vhdx"
    assert contents.sha256(there, "D:\\W\\web.vhdx") == contents.sha256(
        there, "D:\\In\\web\\Virtual Hard Disks\\web.vhdx"
    )
    assert vm.snapshots[0].hard_drives[0].path == "D:\\W\\web.vhdx"
    assert there.storage.file(f"D:\\S\\Snapshots\\{str(vm.snapshots[1].id).upper()}.vmrs").size == 4 * GB  # type: ignore[union-attr]
    assert shown(vm) == shown(source)


def test_a_copy_with_a_new_id_goes_beside_its_source_and_into_the_default_folders() -> None:
    lab = one()
    path = export(lab)
    host = lab.hosts["HV1"]
    host.settings.disk_path, host.settings.vm_path = "D:\\Disks", "D:\\Machines"
    assert import_vm(lab, "HV1", Path=path).error() == ("OperationFailed", "NotSpecified")
    vm = import_vm(lab, "HV1", Path=path, Copy=True, GenerateNewId=True).one()
    assert vm.id != vm_of_host(host, 0).id
    assert vm.hard_drives[0].path.startswith("D:\\Disks\\")
    assert vm.path == "D:\\Machines"
    assert len(host.vms) == 2


def test_disks_of_the_same_name_collide_in_the_default_folder(tmp_path: Path) -> None:
    lab = one()
    path = carried(lab, tmp_path)
    there = lab.hosts["HV2"]
    there.settings.disk_path = "D:\\Disks"
    carrying.bring(there, tmp_path / "web" / "Virtual Hard Disks", "D:\\Disks")
    report = run(there, "Compare-VM", Path=path, Copy=True).one()
    assert set(ids(report)) == {990011}
    refused = import_vm(lab, Path=path, Copy=True)
    assert not there.vms
    assert refused.errors[0].properties["IsModuleException"] is True


def test_a_saved_machine_comes_saved_and_only_to_its_processor(tmp_path: Path) -> None:
    lab = fleet([{"name": "HV1"}, {"name": "HV2"}, {"name": "HV3", "cpu": "milan"}], [RUNNING])
    path = carried(lab, tmp_path)
    vm = import_vm(lab, Path=path).one()
    assert vm.state == "Saved"
    power.start(vm)
    carrying.bring(lab.hosts["HV3"], tmp_path, "D:\\In")
    session = Session(lab.hosts["HV3"])
    report = run(lab.hosts["HV3"], "Compare-VM", session=session, Path=path).one()
    assert ids(report) == [990004]
    run(lab.hosts["HV3"], "Remove-VMSavedState", session=session, VM=get(report, "VM"))
    run(lab.hosts["HV3"], "Compare-VM", session=session, CompatibilityReport=report)
    assert ids(report) == []
    assert import_vm(lab, "HV3", session, CompatibilityReport=report).one().state == "Off"


def test_a_crash_consistent_export_comes_off(tmp_path: Path) -> None:
    lab = fleet([{"name": "HV1"}, {"name": "HV2", "cpu": "milan"}], [RUNNING])
    vm = import_vm(lab, Path=carried(lab, tmp_path, capture=CRASH)).one()
    assert vm.state == "Off"
    assert vm.cpu is None


def test_a_report_is_live_and_ends_in_an_import(tmp_path: Path) -> None:
    lab = fleet(
        [{"name": "HV1"}, {"name": "HV2", "switches": ["LAN"], "cpu": {"model": "skylake", "cores": 1}}],
        [{**WEB, "checkpoints": [], "dvd": "C:\\iso\\setup.iso"}],
    )
    path = carried(lab, tmp_path)
    there = lab.hosts["HV2"]
    session = Session(there)
    report = run(there, "Compare-VM", session=session, Path=path).one()
    assert str(get(report, "OperationType")) == "ImportVirtualMachine"
    assert get(report, "Path") == path
    assert sorted(ids(report)) == [33012, 33012, 40010, 990005]
    planned = get(report, "VM")
    assert there.planned == {planned.id: planned}
    assert import_vm(lab, "HV2", session, CompatibilityReport=report).error() == ("OperationFailed", "InvalidOperation")
    for entry in list(get(report, "Incompatibilities")):
        number, source = int(entry.message_id), entry.source
        if number == 33012:
            first = source is planned.adapters[0]
            command = "Connect-VMNetworkAdapter" if first else "Disconnect-VMNetworkAdapter"
            more = {"SwitchName": "LAN"} if first else {}
            assert not run(there, command, session=session, VMNetworkAdapter=source, **more).errors
        elif number == 40010:
            assert not run(there, "Set-VMDvdDrive", session=session, VMDvdDrive=source, Path=None).errors
        else:
            assert not run(there, "Set-VMProcessor", session=session, VM=planned, Count=2).errors
    assert sorted(ids(report)) == [33012, 33012, 40010, 990005]
    assert ids(run(there, "Compare-VM", session=session, CompatibilityReport=report).one()) == []
    assert import_vm(lab, "HV2", Session(there), CompatibilityReport=report).error() == (
        "InvalidParameter", "InvalidArgument",
    )  # fmt: skip
    vm = import_vm(lab, "HV2", session, CompatibilityReport=report).one()
    assert [adapter.switch for adapter in vm.adapters] == ["LAN", ""]
    assert [adapter.mac_address for adapter in vm.adapters] == [
        a.mac_address for a in vm_of_host(lab.hosts["HV1"], 0).adapters
    ]
    assert (int(vm.processor.count), vm.dvd_drives[0].path) == (2, "")
    assert not there.planned
    assert import_vm(lab, "HV2", session, CompatibilityReport=report).errors


def test_an_abandoned_report_blocks_the_next_try_until_its_machine_is_removed(tmp_path: Path) -> None:
    lab = one()
    path = carried(lab, tmp_path)
    there = lab.hosts["HV2"]
    report = run(there, "Compare-VM", Path=path).one()
    assert import_vm(lab, Path=path).error()[0] == "OperationFailed"
    remove(get(report, "VM"))
    assert not there.planned
    assert not import_vm(lab, Path=path).errors


def test_missing_and_short_disks_are_entries_that_another_path_mends(tmp_path: Path) -> None:
    lab = fleet(2, [{**WEB, "checkpoints": [], "disks": [{}, {"path": "D:\\data\\data.vhdx"}]}])
    path = carried(lab, tmp_path)
    there = lab.hosts["HV2"]
    disks = "D:\\In\\web\\Virtual Hard Disks"
    there.storage.volumes["D:"].take(f"{disks}\\data.vhdx")
    session = Session(there)
    report = run(there, "Compare-VM", session=session, Path=path).one()
    (entry,) = get(report, "Incompatibilities")
    assert int(entry.message_id) == 40010
    assert entry.source.path == f"{disks}\\data.vhdx"
    there.faults.tick()
    carrying.bring(there, tmp_path / "web" / "Virtual Hard Disks", "D:\\Else")
    assert not run(
        there, "Set-VMHardDiskDrive", session=session, VMHardDiskDrive=entry.source, Path="D:\\Else\\data.vhdx"
    ).errors
    assert ids(run(there, "Compare-VM", session=session, CompatibilityReport=report).one()) == []
    vm = import_vm(lab, "HV2", session, CompatibilityReport=report).one()
    assert [drive.path for drive in vm.hard_drives] == [f"{disks}\\web.vhdx", "D:\\Else\\data.vhdx"]
    cut = there.storage.file(f"{disks}\\web.vhdx")
    assert cut is not None
    remove(vm)
    carrying.bring(there, tmp_path, "D:\\In")
    there.storage.volumes["D:"].files[f"{disks}\\web.vhdx".lower()].disk = None
    again = run(there, "Compare-VM", session=session, Path=path).one()
    assert ids(again) == [40010]
    run(there, "Remove-VMHardDiskDrive", session=session, VMHardDiskDrive=get(again, "Incompatibilities")[0].source)
    assert ids(run(there, "Compare-VM", session=session, CompatibilityReport=again).one()) == []


def test_disks_elsewhere_are_found_by_vhd_source_path(tmp_path: Path) -> None:
    lab = one()
    path = carried(lab, tmp_path)
    there = lab.hosts["HV2"]
    run(there, "Move-Item", LiteralPath="D:\\In\\web\\Virtual Hard Disks", Destination="D:\\Vhds")
    assert 40010 in ids(run(there, "Compare-VM", session=Session(there), Path=path, Copy=True).one())
    remove(next(iter(there.planned.values())))
    vm = import_vm(lab, Path=path, Copy=True, VhdSourcePath="D:\\Vhds", VhdDestinationPath="D:\\W").one()
    assert there.storage.chain(vm.hard_drives[0].path)[-1].path == "D:\\W\\web.vhdx"


def test_missing_checkpoints_are_found_by_repair_vm(tmp_path: Path) -> None:
    lab = one()
    path = carried(lab, tmp_path)
    there = lab.hosts["HV2"]
    run(there, "Move-Item", LiteralPath="D:\\In\\web\\Snapshots", Destination="D:\\Snaps")
    session = Session(there)
    report = run(there, "Compare-VM", session=session, Path=path).one()
    assert ids(report) == [990015, 990015]
    assert not run(there, "Repair-VM", session=session, CompatibilityReport=report, SnapshotFilePath="D:\\Snaps").errors
    assert ids(run(there, "Compare-VM", session=session, CompatibilityReport=report).one()) == []
    vm = import_vm(lab, "HV2", session, CompatibilityReport=report).one()
    assert shown(vm) == shown(vm_of_host(lab.hosts["HV1"], 0))


def test_remove_vm_leaves_disks_and_takes_configuration_and_checkpoint_files(tmp_path: Path) -> None:
    lab = one()
    vm = import_vm(lab, Path=carried(lab, tmp_path)).one()
    there = lab.hosts["HV2"]
    remove(vm)
    left = {path.rpartition(".")[2] for path in there.storage.volumes["D:"].files}
    assert left == {"vhdx", "avhdx"}


def test_an_import_from_a_share_needs_the_computer_account() -> None:
    lab = fleet(
        [
            {"name": "HV1", "shares": [{"name": "X", "path": TREE, "access": ["LAB\\HV2$", "Administrators"]}]},
            {"name": "HV2"},
        ],
        [WEB],
    )
    path = export(lab).replace(TREE, "\\\\HV1\\X")
    assert import_vm(lab, Path=path).error() == ("NotSupported", "InvalidOperation")
    vm = import_vm(lab, Path=path, Copy=True, VhdDestinationPath="D:\\W").one()
    assert vm.host.name == "HV2"
    assert vm.host.storage.file("D:\\W\\web.vhdx") is not None
    remove(vm_of_host(lab.hosts["HV1"], 0))
    own = import_vm(lab, "HV1", Path=path).one()
    assert own.path == f"{TREE}\\web"
    assert own.host.storage.file(own.hard_drives[0].path) is not None
    lab.hosts["HV1"].shares.clear()
    lab2 = fleet([{"name": "HV1", "shares": [{"name": "X", "path": TREE}]}, {"name": "HV2"}], [WEB])
    (refused,) = import_vm(lab2, Path=export(lab2).replace(TREE, "\\\\HV1\\X"), Copy=True).errors
    assert "(0x80070005)" in refused.message
