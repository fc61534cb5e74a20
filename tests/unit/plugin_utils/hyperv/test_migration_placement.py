# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths and folders at the destination."""

from __future__ import annotations

import ntpath

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import InvalidRequest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration.placement import (
    Parts,
    Placement,
    check_path,
    check_vhd,
    default_folders,
    folder_name,
    volume_of,
)
from hypothesis import given
from hypothesis import strategies as st

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.mark.parametrize(
    "path",
    ["VMs", "D:VMs", "\\VMs", "..\\VMs", "D:\\a<b", "D:\\a:b", "D:\\a|b", "D:\\con\\x", "D:\\a \\b", "D:\\a.",
     "D:\\..\\b", "D:/VMs", "", "  ", "\\\\server", "D:\\" + "x" * 250, "D:\\a\nb"],
)  # fmt: skip
def test_an_impossible_path_is_refused_with_option_and_path(path: str) -> None:
    with pytest.raises(InvalidRequest, match="destination_storage_path") as caught:
        check_path("destination_storage_path", path)
    assert "\n" not in caught.value.msg


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("D:\\VMs\\", "D:\\VMs"),
        ("d:\\", "d:\\"),
        ("\\\\srv\\share\\VMs", "\\\\srv\\share\\VMs"),
        ("D:\\测试 [a]", "D:\\测试 [a]"),
    ],
)
def test_a_possible_path_is_kept(path: str, kept: str) -> None:
    assert check_path("x", path) == kept


def test_a_disk_keeps_its_file_name() -> None:
    assert check_vhd("C:\\a\\d.vhdx", "D:\\b\\D.VHDX")[1] == "D:\\b\\D.VHDX"
    with pytest.raises(InvalidRequest, match="file name"):
        check_vhd("C:\\a\\d.vhdx", "D:\\b\\e.vhdx")


def test_equal_names_of_one_batch_get_a_part_of_the_id() -> None:
    other = "1" + ID[1:]
    folders = default_folders("D:\\VMs", {ID: "web", other: "WEB"}, [])
    assert folders == {ID: f"D:\\VMs\\web-{ID[:8]}", other: f"D:\\VMs\\WEB-{other[:8]}"}


def test_a_folder_with_files_is_never_used() -> None:
    assert default_folders("D:\\VMs", {ID: "web"}, ["Web"]) == {ID: f"D:\\VMs\\web-{ID[:8]}"}
    taken = ["web", f"web-{ID[:8]}", f"web-{ID}", f"web-{ID}-2"]
    assert default_folders("D:\\VMs", {ID: "web"}, taken) == {ID: f"D:\\VMs\\web-{ID}-3"}


@given(
    st.dictionaries(st.uuids().map(str), st.text(max_size=100), max_size=8), st.lists(st.text(max_size=10), max_size=5)
)
def test_folders_never_collide_and_are_possible(vms: dict[str, str], taken: list[str]) -> None:
    folders = default_folders("D:\\VMs", vms, taken)
    names = [ntpath.basename(folder).lower() for folder in folders.values()]
    assert len(set(names)) == len(vms)
    assert not set(names) & {name.lower() for name in taken}
    for folder in folders.values():
        assert ntpath.dirname(folder) == "D:\\VMs"
        assert check_path("x", folder) == folder


@pytest.mark.parametrize(
    ("name", "folder"), [("a/b:c", "a_b_c"), ("con", "_con"), (" . ", "vm"), ("x" * 100, "x" * 60), ("..\\up", ".._up")]
)
def test_folder_names(name: str, folder: str) -> None:
    assert folder_name(name) == folder


def test_arguments_of_each_kind() -> None:
    assert Placement().arguments() == {}
    assert Placement(folder="D:\\a").arguments() == {"IncludeStorage": True, "DestinationStoragePath": "D:\\a"}
    parts = Parts(virtual_machine_path="D:\\a", vhds=(("C:\\d.vhdx", "E:\\d.vhdx"),))
    assert Placement(parts=parts).arguments() == {
        "VirtualMachinePath": "D:\\a",
        "Vhds": [{"SourceFilePath": "C:\\d.vhdx", "DestinationFilePath": "E:\\d.vhdx"}],
    }
    assert Placement(parts=parts).target_of("c:\\D.vhdx") == "E:\\d.vhdx"


def test_volumes() -> None:
    assert volume_of("d:\\x") == "D:"
    assert volume_of("\\\\Srv\\Share\\x\\y") == "\\\\srv\\share"
