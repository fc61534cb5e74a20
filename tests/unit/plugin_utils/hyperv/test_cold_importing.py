# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports: which files are found, that they become the VM once, and how a VM that is there already is known."""

from __future__ import annotations

import json
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
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold import import_task, importing
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.import_order import parse
from unit.fake_session import FakeSession, Refused, request
from unit.plugin_utils.hyperv.fake_import import (
    DISK,
    ERP,
    FILE,
    MANIFEST,
    NEW,
    OTHER,
    ROOT,
    ImportHost,
    exported,
    ids,
    run,
)


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


def test_a_refused_import_leaves_no_mark_and_one_whose_end_nobody_saw_is_settled_by_the_next_run() -> None:
    host, path, mark = ours(), f"D:\\In\\{ERP}", f"D:\\In\\{ERP}\\manifest.json.imported"
    host.refuse_import = Refused("OperationFailed,Microsoft.HyperV.PowerShell.Commands.ImportVM", "(0x80070005)")
    assert run(host, path=path).failure is not None
    assert mark not in host.texts
    host.refuse_import = None
    original = host.session.machine.handlers["import-vm"]

    def lost(parameters: Any, piped: Any) -> Any:
        original(parameters, piped)
        raise ConnectionLost("the link failed")

    host.session.machine.on("Import-VM", lost)
    assert run(host, path=path).failure is not None
    assert json.loads(host.texts[mark])["importing"]
    assert not run(host, check_mode=True, path=path).changed
    assert json.loads(host.texts[mark])["importing"]
    assert not run(host, path=path).changed
    assert json.loads(host.texts[mark]) == {"host": "hv02", "vm_id": ERP}


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


@pytest.mark.parametrize("given", [0, 900])
def test_an_import_is_given_all_the_time_there_is(given: int) -> None:
    host, limits = ImportHost(), list[float | None]()

    class Timed(FakeSession):
        def invoke(self, *statements: Any, timeout_seconds: float | None = None) -> Any:
            if any(item.name == "Import-VM" for one in statements for item in one.commands):
                limits.append(timeout_seconds)
            return super().invoke(*statements, timeout_seconds=timeout_seconds)

    session = Timed(host="hv02", machine=host.session.machine)
    import_task.operate(request(session, path=ROOT, mode="restore", timeout_seconds=given))
    assert limits == [30 * 86400], "one that is broken off leaves half of its disks"


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
        ({"switch_map": {"LAN": "a", "lan": "b"}}, "one switch"),
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
    assert host.session.sent("ForEach-Object")


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
