# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports: what is corrected in the report, what blocks, and what is only said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    NotPossible,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.manifest import (
    EXPORTING,
)
from unit.fake_session import Refused
from unit.plugin_utils.hyperv.fake_import import (
    DISK,
    ERP,
    FILE,
    MANIFEST,
    ImportHost,
    adapter,
    exported,
    ids,
    run,
)


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


def test_a_map_of_switches_holds_at_once_and_without_case() -> None:
    host = ImportHost(vm=exported(NetworkAdapters=[adapter("LAN"), adapter("Prod", "00155D0A0002")]))
    outcome = run(host, switch_map={"lan": "Prod", "PROD": "LAN"})
    assert [one["switch"] for one in outcome.values["adapters"]] == ["Prod", "LAN"]


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


def test_paths_of_a_registered_vm_are_repaired_in_the_report() -> None:
    host, asked = ImportHost(), {"virtual_machine_path": "D:\\VMs\\erp", "smart_paging_file_path": "D:\\P"}
    outcome = run(host, snapshot_source_path="D:\\Snap", **dict[str, Any](asked))
    assert outcome.failure is None
    assert outcome.values["path"] == "D:\\VMs\\erp"
    assert host.vms[ERP]["SnapshotFileLocation"] == "D:\\Snap"
    assert host.vms[ERP]["SmartPagingFilePath"] == "D:\\P"
    assert run(host, virtual_machine_path="D:\\VMs\\erp").values["outcome"] == "already_there"


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
