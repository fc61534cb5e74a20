# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports: what is found, what is corrected, what blocks, and that nothing is left behind."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    Ambiguous,
    ConnectionLost,
    InvalidRequest,
    MobilityError,
    NotFound,
    NotPossible,
    RemoteError,
    TimedOut,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold import import_task, importing
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.import_order import parse
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.manifest import (
    COMPLETE,
    EXPORTING,
    Manifest,
    TreeFile,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Outcome
from unit.fake_session import FakeClock, FakeSession, Lines, Refused, request
from unit.plugin_utils.hyperv.fake_import import DISK, ERP, FILE, NEW, OTHER, ROOT, ImportHost, adapter, exported

MANIFEST = Manifest(
    state=COMPLETE,
    vm_id=ERP,
    vm_name="erp",
    version="9.0",
    source_host="HV01",
    capture="off",
    started="2026-01-01T00:00:00Z",
    token="t",
    configuration_file=f"erp\\Virtual Machines\\{ERP.upper()}.vmcx",
    files=(TreeFile(path="erp\\Virtual Hard Disks\\erp.vhdx", size=1, sha256="0" * 64),),
)


def run(host: ImportHost, *, check_mode: bool = False, **arguments: Any) -> Outcome:
    session = FakeSession(host="hv02", machine=host.session.machine)
    return import_task.operate(request(session, check_mode=check_mode, **{"path": ROOT, **arguments}))


def ids(outcome: Outcome, severity: str | None = None) -> list[str]:
    found = [finding.as_plain() for finding in getattr(outcome.failure, "findings", ())] or outcome.values["findings"]
    return [one["id"] for one in found if severity in (None, one["severity"])]


def test_files_become_the_vm_once() -> None:
    host = ImportHost()
    first = run(host)
    assert first.failure is None
    assert (first.changed, first.values["outcome"], first.values["id"]) == (True, "imported", ERP)
    assert (first.values["path"], first.values["disks"], first.values["configuration_file"]) == (ROOT, [DISK], FILE)
    assert first.values["adapters"][0]["switch"] == "LAN"
    assert host.session.sent("Compare-VM")[0]["Register"] is not None
    assert list(host.vms) == [ERP]
    again = run(host)
    assert (again.changed, again.values["outcome"], again.values["id"]) == (False, "already_there", ERP)
    assert len(host.session.sent("Import-VM")) == 1
    assert not host.session.sent("Start-VM")


@pytest.mark.parametrize("path", [FILE, ROOT, "D:\\In"])
def test_the_configuration_file_is_found(path: str) -> None:
    assert run(ImportHost(), path=path).values["configuration_file"] == FILE


def test_the_manifest_says_which_file_it_is() -> None:
    host = ImportHost()
    host.files = {path.replace("D:\\In\\erp", f"D:\\In\\{ERP}\\erp"): size for path, size in host.files.items()}
    manifest = f"D:\\In\\{ERP}\\manifest.json"
    host.files |= {manifest: 1, f"D:\\In\\{ERP}\\other\\Virtual Machines\\x.vmcx": 1}
    host.texts[manifest] = MANIFEST.as_text()
    host.inside["HardDrives"] = [{"Path": f"D:\\In\\{ERP}\\erp\\Virtual Hard Disks\\erp.vhdx"}]
    outcome = run(host, path=f"D:\\In\\{ERP}")
    assert outcome.failure is None
    assert outcome.values["configuration_file"].startswith(f"D:\\In\\{ERP}\\erp\\")


def ours() -> ImportHost:
    """A host on which a tree of ours lies."""
    host = ImportHost()
    host.files = {path.replace("D:\\In\\erp", f"D:\\In\\{ERP}\\erp"): size for path, size in host.files.items()}
    host.files[f"D:\\In\\{ERP}\\manifest.json"] = 1
    host.texts[f"D:\\In\\{ERP}\\manifest.json"] = MANIFEST.as_text()
    host.inside["HardDrives"] = [{"Path": f"D:\\In\\{ERP}\\erp\\Virtual Hard Disks\\erp.vhdx"}]
    return host


@pytest.mark.parametrize("path", [f"D:\\In\\{ERP}", f"D:\\In\\{ERP}\\erp\\Virtual Machines\\{ERP.upper()}.vmcx"])
def test_a_tree_of_ours_that_becomes_the_vm_is_marked_before_it_does(path: str) -> None:
    host, seen = ours(), list[bool]()
    mark = f"D:\\In\\{ERP}\\manifest.json.imported"
    original = host.session.machine.handlers["import-vm"]

    def during(parameters: Any, piped: Any) -> Any:
        seen.append(mark in host.texts)
        return original(parameters, piped)

    host.session.machine.on("Import-VM", during)
    run(host, check_mode=True, path=path)
    assert mark not in host.texts
    assert run(host, path=path).changed
    assert seen == [True]
    assert json.loads(host.texts[mark])["vm_id"] == ERP


@pytest.mark.parametrize(
    ("arguments", "unknown"), [({"mode": "restore", "vhd_destination_path": "D:\\V"}, []), ({}, [77])]
)
def test_what_is_copied_or_refused_is_not_marked(arguments: dict[str, Any], unknown: list[int]) -> None:
    host = ours()
    host.inside["unknown"] = unknown
    outcome = run(host, path=f"D:\\In\\{ERP}", **arguments)
    assert (outcome.failure is None) is not bool(unknown)
    assert list(host.texts) == [f"D:\\In\\{ERP}\\manifest.json"]


def test_a_vm_that_will_run_from_a_share_is_said() -> None:
    for mode, expected in (("register", True), ("restore", False)):
        host = ImportHost()
        host.files = {path.replace("D:\\In", "\\\\nas\\vms"): size for path, size in host.files.items()}
        host.inside["HardDrives"] = [{"Path": "\\\\nas\\vms\\erp\\Virtual Hard Disks\\erp.vhdx"}]
        found = ids(run(host, path="\\\\nas\\vms\\erp", mode=mode), "warning")
        assert ("registered_on_share" in found) is expected


@pytest.mark.parametrize(("given", "limit"), [(0, 30 * 86400), (900, 900)])
def test_an_import_is_given_all_the_time_there_is(given: int, limit: int) -> None:
    host, limits = ImportHost(), list[float | None]()

    class Timed(FakeSession):
        def invoke(self, *statements: Any, timeout_seconds: float | None = None) -> Any:
            if any(item.name == "Import-VM" for one in statements for item in one.commands):
                limits.append(timeout_seconds)
            return super().invoke(*statements, timeout_seconds=timeout_seconds)

    session = Timed(host="hv02", machine=host.session.machine)
    import_task.operate(request(session, path=ROOT, mode="restore", timeout_seconds=given))
    assert limits == [limit]


@pytest.mark.parametrize(
    ("files", "path", "error", "words"),
    [
        ({}, ROOT, NotFound, "not there"),
        ({}, FILE, NotFound, "not there"),
        ({f"{ROOT}\\readme.txt": 1}, ROOT, NotFound, "no configuration"),
        ({f"{ROOT}\\Snapshots\\{OTHER}.vmcx": 1}, ROOT, NotFound, "no configuration"),
        ({FILE: 1, f"D:\\In\\b\\Virtual Machines\\{OTHER}.vmcx": 1}, "D:\\In", Ambiguous, OTHER),
    ],
)
def test_none_and_several_are_errors(files: dict[str, int], path: str, error: type[MobilityError], words: str) -> None:
    host = ImportHost()
    host.files = files
    with pytest.raises(error, match=words):
        run(host, path=path)
    assert not host.session.sent("Compare-VM")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"path": "erp"}, "not absolute"),
        ({"mode": "register", "vhd_destination_path": "D:\\V"}, "vhd_destination_path"),
        ({"mode": "register", "snapshot_file_path": "D:\\V"}, "snapshot_file_path"),
        ({"mode": "restore", "generate_new_id": True, "virtual_machine_path": "D:\\V"}, "generate_new_id"),
        ({"mode": "copy", "generate_new_id": True}, "virtual_machine_path"),
        ({"switch_map": {"LAN": ""}}, "switch_map"),
        ({"snapshot_source_path": "D:\\a\\..\\b"}, "snapshot_source_path"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(arguments: dict[str, Any], words: str) -> None:
    host = ImportHost()
    with pytest.raises(InvalidRequest, match=words):
        run(host, **arguments)
    assert not host.session.invocations


def test_check_mode_answers_as_the_real_run_and_leaves_nothing() -> None:
    checked, real = ImportHost(), ImportHost()
    for host in (checked, real):
        host.switches = ["Prod"]
    asked: dict[str, Any] = {"switch_map": {"LAN": "Prod"}}
    foreseen, done = run(checked, check_mode=True, **asked), run(real, **asked)
    assert (foreseen.changed, foreseen.diff, foreseen.values) == (done.changed, done.diff, done.values)
    assert (checked.vms, checked.planned) == ({}, {})
    assert not checked.session.sent("Import-VM")


def test_a_planned_vm_that_does_not_say_what_it_is_goes_by_its_id() -> None:
    host = ImportHost()
    host.shows_kind = False  # 2012 R2
    run(host, check_mode=True)
    assert host.planned == {}
    assert host.session.sent("Invoke-CimMethod")


def test_switches_are_mapped_and_the_others_disconnected() -> None:
    host = ImportHost(vm=exported(NetworkAdapters=[adapter("Old"), adapter("Gone", "00155D0A0002"), adapter("LAN")]))
    outcome = run(host, switch_map={"Old": "Prod", "LAN": "Prod"})
    assert outcome.failure is None
    assert [one["switch"] for one in outcome.values["adapters"]] == ["Prod", None, "Prod"]
    assert [(one["fix"], one["about"], one["from"], one["to"]) for one in outcome.values["fixes"]] == [
        ("switch_mapped", "nic Old", "Old", "Prod"),
        ("switch_mapped", "nic LAN", "LAN", "Prod"),
        ("adapter_disconnected", "nic Gone", "Gone", None),
    ]
    assert "arrives_disconnected" in ids(outcome, "warning")
    assert "erp: adapters without a switch: nic Gone" in outcome.warnings


def test_a_missing_switch_blocks_where_disconnecting_is_not_wanted() -> None:
    host = ImportHost(vm=exported(NetworkAdapters=[adapter("Gone")]))
    outcome = run(host, disconnect_missing_switches=False)
    assert isinstance(outcome.failure, NotPossible)
    assert (outcome.values["outcome"], outcome.changed) == ("failed", False)
    assert "switch_missing" in ids(outcome, "blocking")
    assert (host.vms, host.planned) == ({}, {})
    missing = run(ImportHost(), switch_map={"LAN": "Nowhere"})
    assert ids(missing, "blocking") == ["switch_missing"]


def test_an_iso_is_ejected_only_when_asked() -> None:
    drive = {"Id": "dvd", "Path": "E:\\gone.iso", "DvdMediaType": "ISO"}
    left = run(ImportHost(vm=exported(DVDDrives=[drive])))
    assert ids(left, "blocking") == ["compare_vm_40010"]
    outcome = run(ImportHost(vm=exported(DVDDrives=[dict(drive)])), eject_iso=True)
    assert outcome.failure is None
    assert [one["fix"] for one in outcome.values["fixes"]] == ["iso_ejected"]


def test_processors_are_limited_only_when_asked() -> None:
    left = run(ImportHost(vm=exported(ProcessorCount=64)))
    assert set(ids(left, "blocking")) == {"compare_vm_990005", "processors_exceed_host"}
    host = ImportHost(vm=exported(ProcessorCount=64))
    outcome = run(host, limit_processors=True)
    assert outcome.failure is None
    assert host.vms[ERP]["ProcessorCount"] == 8
    assert outcome.values["fixes"][0]["to"] == 8


def test_a_saved_state_is_discarded_only_when_asked() -> None:
    kept = run(ImportHost(vm=exported(State="Saved")))
    assert (kept.failure, kept.values["state"]) == (None, "Saved")
    assert "arrives_saved" in ids(kept, "warning")
    gone = run(ImportHost(vm=exported(State="Saved")), remove_saved_state=True)
    assert (gone.values["state"], [one["fix"] for one in gone.values["fixes"]]) == ("Off", ["saved_state_removed"])


def test_an_unknown_entry_blocks_with_number_and_text_and_nothing_is_left() -> None:
    host = ImportHost(vm=exported(unknown=[12345]))
    outcome = run(host, limit_processors=True, eject_iso=True, remove_saved_state=True)
    assert isinstance(outcome.failure, NotPossible)
    assert ids(outcome, "blocking") == ["compare_vm_12345"]
    assert "12345" in outcome.failure.msg
    assert "inconnu" in outcome.failure.msg
    assert (host.vms, host.planned) == ({}, {})


def test_copies_go_where_they_are_told() -> None:
    host = ImportHost()
    folders: dict[str, Any] = {"virtual_machine_path": "D:\\VMs\\erp", "vhd_destination_path": "D:\\VMs\\erp\\Disks"}
    outcome = run(host, mode="restore", **folders)
    assert (outcome.values["id"], outcome.values["path"]) == (ERP, "D:\\VMs\\erp")
    assert outcome.values["disks"] == ["D:\\VMs\\erp\\Disks\\erp.vhdx"]
    sent = host.session.sent("Compare-VM")[0]
    assert (sent["VirtualMachinePath"], sent["VhdDestinationPath"]) == tuple(folders.values())
    assert run(host, mode="restore", **folders).values["outcome"] == "already_there"


def test_a_new_id_only_when_asked_and_known_again_by_its_folder() -> None:
    host = ImportHost()
    host.register()
    asked: dict[str, Any] = {"mode": "copy", "generate_new_id": True, "virtual_machine_path": "D:\\VMs\\twin"}
    first = run(host, **asked)
    assert (first.failure, first.values["id"]) == (None, NEW)
    assert {"name_taken", "mac_address_taken"} <= set(ids(first, "warning"))
    again = run(host, **asked)
    assert (again.changed, again.values["outcome"], again.values["id"]) == (False, "already_there", NEW)
    kept = run(ImportHost(), mode="copy")
    assert kept.values["id"] == ERP


def test_an_id_with_other_files_is_a_conflict() -> None:
    host = ImportHost()
    host.register(path="C:\\VMs\\erp")
    outcome = run(host)
    assert ids(outcome, "blocking") == ["id_registered_elsewhere"]
    assert "C:\\VMs\\erp" in str(outcome.failure)
    assert not host.session.sent("Compare-VM")


def test_a_registered_vm_whose_disk_is_gone_is_said() -> None:
    host = ImportHost()
    host.register()
    del host.files[DISK]
    outcome = run(host)
    assert (outcome.changed, ids(outcome)) == (False, ["disk_not_as_intended"])


def test_paths_of_a_registered_vm_are_repaired_in_the_report() -> None:
    host, asked = ImportHost(), {"virtual_machine_path": "D:\\VMs\\erp", "smart_paging_file_path": "D:\\P"}
    outcome = run(host, snapshot_source_path="D:\\Snap", **dict[str, Any](asked))
    assert outcome.failure is None
    assert outcome.values["path"] == "D:\\VMs\\erp"
    assert host.vms[ERP]["SnapshotFileLocation"] == "D:\\Snap"
    assert host.vms[ERP]["SmartPagingFilePath"] == "D:\\P"
    assert run(host, virtual_machine_path="D:\\VMs\\erp").values["outcome"] == "already_there"


def test_a_leftover_is_removed_before_the_import_and_left_in_check_mode() -> None:
    host = ImportHost()
    host.planned[ERP] = exported()
    checked = run(host, check_mode=True)
    assert (checked.changed, checked.failure, ids(checked)) == (True, None, ["planned_leftover"])
    assert list(host.planned) == [ERP]
    assert run(host).values["outcome"] == "imported"
    assert (list(host.vms), host.planned) == ([ERP], {})


@pytest.mark.parametrize("arrives", [True, False])
def test_an_import_that_runs_is_waited_for_and_then_decided_again(arrives: bool) -> None:
    host = ImportHost()
    host.planned[ERP] = exported()
    host.jobs = [{"JobType": 61, "JobState": 4}]
    assert ids(run(host, check_mode=True)) == ["import_running"]
    assert list(host.planned) == [ERP]

    def later(now: float) -> None:
        if now >= 60 and host.jobs:
            host.jobs = []
            if arrives:
                host.register(path=ROOT)
                host.planned = {}

    clock, lines = FakeClock(on_sleep=later), Lines()
    asked = replace(request(FakeSession(host="hv02", machine=host.session.machine), path=ROOT), reporter=lines)
    outcome = import_task.operate(asked, clock=clock)
    assert (outcome.failure, outcome.values["outcome"], outcome.values["id"]) == (None, "imported", ERP)
    assert 60 <= clock.now < 120
    assert any("waiting" in line for line in lines.lines)
    assert len(host.session.sent("Import-VM")) == (0 if arrives else 1)
    assert (list(host.vms), host.planned) == ([ERP], {})


def test_waiting_for_an_import_ends() -> None:
    host = ImportHost()
    host.planned[ERP] = exported()
    host.jobs = [{"JobType": 61, "JobState": 4}]
    asked = request(FakeSession(host="hv02", machine=host.session.machine), path=ROOT, timeout_seconds=60)
    outcome = import_task.operate(asked, clock=FakeClock())
    assert isinstance(outcome.failure, TimedOut)
    assert list(host.planned) == [ERP]


def test_a_planned_vm_whose_work_is_not_known_is_left_alone() -> None:
    host = ImportHost()
    host.planned[ERP] = exported()
    host.refuse_jobs = True
    outcome = run(host)
    assert ids(outcome, "blocking") == ["vm_arriving"]
    assert list(host.planned) == [ERP]


@pytest.mark.parametrize(
    ("versions", "ending", "version", "helps"),
    [
        (["8.0", "9.0", "10.0"], ".vmcx", "5.0", "2016 or 2019"),
        (["8.0", "9.0", "10.0"], ".xml", None, "2016 or 2019"),
        (["5.0"], ".vmcx", None, "2016 or later"),
        (["5.0", "8.0", "9.0"], ".vmcx", "10.0", "2022 or 2025"),
    ],
)
def test_a_version_that_the_host_does_not_run_is_explained(
    versions: list[str], ending: str, version: str | None, helps: str
) -> None:
    host = ImportHost()
    host.versions = versions
    host.files = {path.replace(".vmcx", ending): size for path, size in host.files.items()}
    if version:
        host.texts["D:\\In\\manifest.json"] = replace(MANIFEST, version=version).as_text()
    outcome = run(host)
    assert ids(outcome, "blocking") == ["configuration_version_unsupported"]
    assert helps in outcome.failure.findings[0].remedy  # type: ignore[union-attr]
    assert not host.session.sent("Compare-VM")


@pytest.mark.parametrize(
    ("message", "finding"),
    [("Échec. Code d’erreur '32784'.", "configuration_version_unsupported"), ("Échec (0x80070057).", "import_refused")],
)
def test_a_refused_comparison_names_what_the_host_runs(message: str, finding: str) -> None:
    host = ImportHost()
    host.refuse_compare = Refused("Unspecified,Microsoft.HyperV.PowerShell.Commands.CompareVM", message)
    outcome = run(host)
    assert ids(outcome, "blocking") == [finding]
    assert "5.0, 8.0, 9.0" in str(outcome.values["findings"])


def test_an_export_of_2008_gets_the_way_by_hand() -> None:
    host = ImportHost()
    host.files = {FILE.replace(".vmcx", ".exp"): 1}
    outcome = run(host)
    assert ids(outcome, "blocking") == ["export_of_2008"]
    assert "2012" in outcome.failure.findings[0].remedy  # type: ignore[union-attr]


def test_an_unfinished_export_is_not_imported() -> None:
    host = ImportHost()
    host.texts["D:\\In\\manifest.json"] = replace(MANIFEST, state=EXPORTING, configuration_file="", files=()).as_text()
    assert ids(run(host), "blocking") == ["export_incomplete"]


def test_an_unfinished_transfer_is_not_imported() -> None:
    host = ImportHost()
    host.files[f"{DISK}.f00.part"] = 1
    assert ids(run(host), "blocking") == ["export_incomplete"]


def test_room_and_names_in_the_folder_of_disks() -> None:
    host = ImportHost()
    host.free["C:"] = 2**30
    host.files["C:\\Disks\\ERP.vhdx"] = 1
    outcome = run(host, mode="restore")
    assert set(ids(outcome, "blocking")) == {"space_insufficient", "file_exists"}
    assert "vhd_destination_path" in str(outcome.values["findings"])
    assert ids(run(ImportHost(), mode="restore", vhd_destination_path="Q:\\x"), "blocking") == ["drive_missing"]


def test_disks_that_are_not_there_block() -> None:
    host = ImportHost()
    del host.files[DISK]
    assert ids(run(host), "blocking") == ["disk_file_missing"]
    host.files["E:\\Elsewhere\\erp.vhdx"] = 2**30
    assert run(host, mode="restore", vhd_source_path="E:\\Elsewhere").failure is None
    assert host.session.sent("Compare-VM")[-1]["VhdSourcePath"] == "E:\\Elsewhere"


def test_disks_in_another_folder_are_used_there() -> None:
    host = ImportHost()
    host.files["E:\\Elsewhere\\ERP.vhdx"] = host.files.pop(DISK)
    outcome = run(host, vhd_source_path="E:\\Elsewhere")
    assert (outcome.failure, outcome.values["disks"]) == (None, ["E:\\Elsewhere\\ERP.vhdx"])
    assert [(one["fix"], one["from"]) for one in outcome.values["fixes"]] == [("disk_found_elsewhere", DISK)]
    assert "VhdSourcePath" not in host.session.sent("Compare-VM")[0]


def test_what_only_matters_for_the_start_is_a_warning() -> None:
    host = ImportHost(vm=exported(MemoryStartup=2**40, tpm=True, NetworkAdapters=[adapter("LAN", "00155D990001")]))
    outcome = run(host)
    assert outcome.failure is None
    assert set(ids(outcome, "warning")) == {
        "memory_short_for_start", "tpm_certificates_needed", "mac_address_will_change",
    }  # fmt: skip


def test_a_refused_import_leaves_no_planned_vm() -> None:
    host = ImportHost()
    host.refuse_import = Refused("OperationFailed,Microsoft.HyperV.PowerShell.Commands.ImportVM", "non")
    outcome = run(host)
    assert isinstance(outcome.failure, RemoteError)
    assert (outcome.values["outcome"], host.vms, host.planned) == ("failed", {}, {})


def test_a_lost_link_during_the_import_leaves_the_decision_to_the_next_run() -> None:
    host = ImportHost()
    session = FakeSession(host="hv02", machine=host.session.machine)
    session.machine.on("Import-VM", _lost)
    outcome = import_task.operate(request(session, path=ROOT))
    assert isinstance(outcome.failure, ConnectionLost)
    assert outcome.changed
    assert "run again" in outcome.failure.msg
    assert list(host.planned) == [ERP], "it may be the one that the import makes real"


def _lost(parameters: Any, piped: Any) -> Any:
    raise ConnectionLost("the link to hv02 failed")


def test_a_refused_comparison_touches_neither_earlier_reports_nor_others_planned_vms() -> None:
    host = ImportHost()
    assert importing.import_vm(host.session, parse({"path": ROOT})).id == ERP
    host.vms[ERP]["VirtualMachineType"] = "PlannedVirtualMachine"  # a report may show its VM as it was
    host.register(path="C:\\elsewhere", vm_id=OTHER)
    other = f"D:\\In\\b\\Virtual Machines\\{NEW}.vmcx"
    host.files[other] = 1
    host.session.machine.on("Compare-VM", _arrives_meanwhile(host))
    with pytest.raises(NotPossible, match="0x80071392"):
        importing.import_vm(host.session, parse({"path": other}))
    assert (sorted(host.vms), list(host.planned)) == ([ERP, OTHER], [NEW])


def _arrives_meanwhile(host: ImportHost) -> Any:
    def compare(parameters: Any, piped: Any) -> Any:
        host.planned[NEW] = exported(Id=NEW)
        raise Refused("OperationFailed,Microsoft.HyperV.PowerShell.Commands.CompareVM", "existe (0x80071392)")

    return compare


def test_check_and_import_as_other_tasks_call_them() -> None:
    host = ImportHost(vm=exported(unknown=[7]))
    order = importing.ImportOrder(path=ROOT)
    assert order == parse({"path": ROOT})
    assert [one.id for one in importing.check(host.session, order)] == ["compare_vm_7"]
    assert host.planned == {}
    with pytest.raises(NotPossible):
        importing.import_vm(host.session, order)
    host.inside = exported()
    assert importing.import_vm(host.session, order).id == ERP
    assert importing.import_vm(host.session, order).id == ERP
    assert importing.check(host.session, order) == ()


def test_a_host_whose_vms_can_not_be_read_is_not_asked_to_import() -> None:
    host = ImportHost()
    host.session.machine.on("Get-Service", lambda p, o: [{"Name": "vmms", "Status": "Stopped"}])
    with pytest.raises(RemoteError, match="vmms"):
        run(host)
