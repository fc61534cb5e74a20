# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a VM's storage is not in place, and what is asked of Move-VMStorage for it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import InvalidRequest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.gateway import VmDetails
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.model import Disk, Vhd, Vm
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.storage_migration.intent import (
    folders_for,
    intend,
    is_below,
    strangers,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.storage_migration.request import parse
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.storage_migration.track import Track

WEB = "11111111-1111-1111-1111-111111111111"
OTHER = "22222222-2222-2222-2222-222222222222"


def details(*disks: str, folder: str = "D:\\VMs\\web", parents: tuple[str, ...] = (), name: str = "web") -> VmDetails:
    """Return a VM with these disks, whose configuration lies in one folder."""
    vm = Vm.from_wire(
        {
            "Id": WEB,
            "Name": name,
            "State": "Running",
            "Path": folder,
            "SnapshotFileLocation": folder,
            "SmartPagingFilePath": folder,
        }
    )
    files = [Vhd.from_wire({"Path": path, "FileSize": 100}) for path in (*disks, *parents)]
    drives = [Disk.from_wire({"VMId": WEB, "Path": path}) for path in disks]
    return VmDetails(vm=vm, disks=tuple(drives), vhds=tuple(files))


def vhd(source: str, target: str) -> dict[str, str]:
    return {"source_file_path": source, "destination_file_path": target}


def test_everything_goes_by_the_one_folder() -> None:
    request = parse({"destination_storage_path": "E:\\web"})
    found = intend(details("D:\\VMs\\web\\a.vhdx", parents=("D:\\base.vhdx",)), request, "E:\\web")
    assert found.placement.arguments() == {"IncludeStorage": True, "DestinationStoragePath": "E:\\web"}
    assert set(found.moves) == {"D:\\VMs\\web\\a.vhdx", "D:\\base.vhdx"}
    assert found.bytes == 200
    assert not found.in_place


def test_only_the_rest_moves_where_a_part_is_in_place() -> None:
    request = parse({"destination_storage_path": "E:\\web"})
    found = intend(details("e:\\WEB\\deep\\a.vhdx", "D:\\b.vhdx", folder="E:\\web"), request, "E:\\web")
    assert found.placement.arguments() == {
        "Vhds": [
            {"SourceFilePath": "D:\\b.vhdx", "DestinationFilePath": "E:\\web\\Virtual Hard Disks\\b.vhdx"},
        ]
    }
    assert (found.before(), found.bytes) == ({"b.vhdx": "D:\\b.vhdx"}, 100)
    there = intend(details("E:\\web\\Virtual Hard Disks\\b.vhdx", folder="E:\\web\\"), request, "E:\\web")
    assert there.in_place


def test_parts_that_are_not_named_stay() -> None:
    request = parse({"virtual_machine_path": "E:\\c", "vhds": [vhd("D:\\A.vhdx", "E:\\a.vhdx")]})
    found = intend(details("D:\\a.vhdx", "D:\\b.vhdx"), request, None)
    assert found.folders == {"virtual_machine_path": ("D:\\VMs\\web", "E:\\c")}
    assert found.moves == {"D:\\a.vhdx": "E:\\a.vhdx"}
    assert intend(details("E:\\a.vhdx", "D:\\b.vhdx", folder="e:\\C"), request, None).in_place


def test_only_what_lies_elsewhere_now_is_a_change() -> None:
    request = parse({"destination_storage_path": "E:\\web"})
    first = intend(details("D:\\a.vhdx", "D:\\b.vhdx"), request, "E:\\web")
    same = intend(details("D:\\a.vhdx", "D:\\b.vhdx"), request, "E:\\web")
    half = intend(details("E:\\web\\a.vhdx", "D:\\b.vhdx"), request, "E:\\web")
    assert not Track(wanted=first, intent=same, began=True, watched=True).changed
    assert Track(wanted=first, intent=half, began=True).changed
    assert Track(wanted=first, intent=same, began=True, unsure=True).changed


def test_disks_of_nobody() -> None:
    parts = parse({"vhds": [vhd("D:\\a.vhdx", "E:\\a.vhdx"), vhd("D:\\x.vhdx", "E:\\x.vhdx")]}).parts
    assert parts is not None
    assert strangers([details("E:\\a.vhdx")], parts) == ["D:\\x.vhdx"]


def test_a_folder_for_each_vm() -> None:
    request = parse({"destination_storage_path": "E:\\VMs", "folder_per_vm": True})
    one = details("D:\\a.vhdx", name="a:b")
    assert folders_for([one], request, {WEB: "a:b", OTHER: "c"}) == {WEB: "E:\\VMs\\a_b"}
    assert folders_for([one], request, {WEB: "a:b", OTHER: "A:B"}) == {WEB: "E:\\VMs\\a_b-11111111"}
    shared = parse({"destination_storage_path": "E:\\VMs\\"})
    assert folders_for([details("D:\\a.vhdx")], shared, {}) == {WEB: "E:\\VMs"}


@pytest.mark.parametrize(
    ("path", "folder", "below"),
    [
        ("E:\\VMs\\a.vhdx", "E:\\VMs", True),
        ("e:\\vms", "E:\\VMs\\", True),
        ("E:\\VMs2\\a.vhdx", "E:\\VMs", False),
        ("E:\\", "E:\\VMs", False),
        ("E:\\x", "E:\\", True),
    ],
)
def test_what_lies_in_a_folder(path: str, folder: str, below: bool) -> None:
    assert is_below(path, folder) is below


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "say where"),
        ({"destination_storage_path": "E:\\a", "vhds": [vhd("D:\\a", "E:\\a")]}, "contradict"),
        ({"vhds": [vhd("D:\\a", "E:\\a")], "folder_per_vm": True}, "folder_per_vm"),
        ({"vhds": [vhd("D:\\a", "E:\\b")]}, "file name must stay"),
        ({"vhds": [vhd("D:\\a", "E:\\a"), vhd("D:\\A", "F:\\a")]}, "given twice"),
        ({"destination_storage_path": "E:\\a", "concurrency": "0"}, "less than 1"),
        ({"destination_storage_path": "E:\\a", "retries": -1}, "negative"),
        (
            {"destination_storage_path": "E:\\a", "retain_vhd_copies_on_source": True,
             "remove_source_unmanaged_vhds": True},
            "contradict",
        ),
    ],
)  # fmt: skip
def test_what_can_not_be_asked(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        parse(arguments)
