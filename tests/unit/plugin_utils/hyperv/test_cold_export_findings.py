# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils import owner
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    InvalidRequest,
    MobilityError,
    NotPossible,
    RemoteError,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold import manifest as manifests
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.evidence import (
    UNREAD,
    differences,
    read_sources,
    seen_of,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.export_tree import stale
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.migration.decide import Standing
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.migration.places import Places
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.migration.reading import Case
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.migration.reading import (
    _changed as source_changed,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.gateway import VmDetails
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.model import Adapter, Vlan, Vm
from unit.fake_session import Refused
from unit.plugin_utils.hyperv.fake_exports import DEAD, FOLDER, MANIFEST, PATH, host, run, unfinished, written
from unit.plugin_utils.hyperv.fake_files import disk_of
from unit.plugin_utils.hyperv.fake_host import DB, WEB, vm


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
    (source,) = read_sources(here.session, [WEB])
    exported = written(here)
    assert stale(exported, source, "off")
    assert stale(exported, source, "off", by_size=True) == (), "of a VM that was imported, what is known counts"
    case = Case(
        id=WEB, name="web01", standing=Standing(source=None, destination=None),
        places=Places(export="", share="", tree=""), source=source, brought=exported,
    )  # fmt: skip
    assert (source_changed(case), source_changed(replace(case, destination=source.details))) == (True, False)
    here.vms[0]["vhds"][0]["FileSize"] = 77
    (grown,) = read_sources(here.session, [WEB])
    assert len(stale(exported, grown, "off", by_size=True)) == 1
    here.vms[0]["MemoryStartup"] = 2**31
    (edited,) = read_sources(here.session, [WEB])
    assert len(stale(exported, edited, "off", by_size=True)) == 2
    assert run(here).values["vms"][0]["outcome"] == "exported"
    assert len(here.session.sent("Export-VM")) == 2


def test_vlans_count_by_what_counts_in_their_mode() -> None:
    def seen(**vlan: Any) -> dict[str, str]:
        card = Adapter(vm_id=WEB, id="A", name="n", switch_name="LAN")
        return seen_of(
            VmDetails(vm=Vm(id=WEB, name="web01", state="Off"), adapters=(card,), vlans=(Vlan(adapter="A", **vlan),)),
            {},
        )

    trunk = {"operation_mode": "Trunk", "access_vlan_id": 0, "native_vlan_id": 10, "allowed_vlan_ids": "10-20"}
    assert differences(seen(**trunk), seen(**trunk)) == ()
    assert differences(seen(**trunk), seen(**trunk | {"native_vlan_id": 99}))
    assert differences(seen(**trunk), seen(**trunk | {"allowed_vlan_ids": "1-4000"}))
    private = {"operation_mode": "Private", "primary_vlan_id": 5, "secondary_vlan_ids": "6"}
    assert differences(seen(**private), seen(**private | {"secondary_vlan_ids": "7"}))
    access = {"operation_mode": "Access", "access_vlan_id": 5}
    assert differences(seen(**access), seen(**access, native_vlan_id=7)) == (), "a rest of another mode"


def test_times_that_could_be_read_only_once_count_as_unknown() -> None:
    before, unread = {"file c:\\a": "5 bytes, 2026-01-05T08:00:00Z"}, {"file c:\\a": f"5 bytes{UNREAD}"}
    for first, second in ((before, unread), (unread, before)):
        assert differences(first, second)
        assert differences(first, second, by_size=True) == ()
    assert differences(before, {"file c:\\a": "5 bytes, 2026-01-05T09:00:00Z"}, by_size=True)


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
