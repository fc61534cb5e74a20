# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a Windows machine of the lab: registry, files, command lines."""

from __future__ import annotations

import pytest
from hyperv_lab.guests.windows.command_line import split
from hyperv_lab.guests.windows.registry import Registry, canonical
from hyperv_lab.hyperv.file_tree import FileTree
from hyperv_lab.hyperv.storage import DiskFull, Storage, Volume


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("HKLM:\\SOFTWARE\\X", "HKLM\\SOFTWARE\\X"),
        ("HKLM:\\\\SOFTWARE\\X\\", "HKLM\\SOFTWARE\\X"),
        ("Registry::HKEY_LOCAL_MACHINE\\SOFTWARE\\X", "HKLM\\SOFTWARE\\X"),
        ("Microsoft.PowerShell.Core\\Registry::hkey_local_machine\\Software", "HKLM\\Software"),
        ("HKLM\\SYSTEM\\CurrentControlSet\\Services", "HKLM\\SYSTEM\\ControlSet001\\Services"),
        ("hkcu:\\Software", "HKCU\\Software"),
        ("", ""),
    ],
)
def test_a_key_has_one_path_however_it_is_written(given: str, expected: str) -> None:
    assert canonical(given) == expected


def test_values_are_found_without_case_and_keep_their_spelling_and_kind() -> None:
    registry = Registry()
    registry.set("HKLM:\\SOFTWARE\\Lab", "Path", "%SystemRoot%", "ExpandString")
    registry.set("hklm\\software\\lab", "Number", 7)
    registry.set("HKLM\\software\\LAB\\Below", "List", ["a", "b"])
    value = registry.get("HKLM\\Software\\LAB", "PATH")
    assert value is not None
    assert (value.name, value.data, value.kind) == ("Path", "%SystemRoot%", "ExpandString")
    assert [v.kind for v in registry.values("HKLM\\SOFTWARE\\Lab")] == ["ExpandString", "DWord"]
    assert registry.keys("HKLM\\SOFTWARE") == ["Lab"]
    assert registry.written("hklm\\software\\lab\\below") == "HKLM\\SOFTWARE\\Lab\\Below"


def test_a_machine_changes_only_its_own_registry() -> None:
    base = Registry()
    base.set("HKLM\\SOFTWARE\\Lab", "A", 1)
    base.create("HKLM\\SOFTWARE\\Lab\\Deep\\Deeper")
    shared = base.as_shared()
    one, other = Registry(shared), Registry(shared)
    one.set("HKLM\\SOFTWARE\\Lab", "A", 2)
    assert one.delete_key("HKLM\\SOFTWARE\\Lab\\Deep")
    assert not one.delete_key("HKLM\\SOFTWARE\\Lab\\Deep")
    assert one.data("HKLM\\SOFTWARE\\Lab", "A") == 2
    assert not one.exists("HKLM\\SOFTWARE\\Lab\\Deep\\Deeper")
    assert other.data("HKLM\\SOFTWARE\\Lab", "A") == 1
    assert other.exists("HKLM\\SOFTWARE\\Lab\\Deep\\Deeper")
    assert one.delete_value("HKLM\\SOFTWARE\\Lab", "a")
    assert one.get("HKLM\\SOFTWARE\\Lab", "A") is None
    one.create("HKLM\\SOFTWARE\\Lab\\Deep")
    assert one.keys("HKLM\\SOFTWARE\\Lab\\Deep") == []


def _tree(size: int = 1000) -> FileTree:
    storage = Storage({"C:": Volume(name="C:", size=size)}, {})
    return FileTree(lambda: storage)


def test_files_have_contents_by_path_without_case() -> None:
    files = _tree()
    files.write("C:/Temp/A.txt", "one")
    files.append("c:\\temp\\a.TXT", b" two")
    assert files.read("C:\\TEMP\\a.txt") == b"one two"
    assert files.list("C:\\temp") == ["C:\\Temp\\A.txt"]
    assert files.is_folder("C:\\Temp")
    assert files.delete("C:\\Temp")
    assert not files.exists("C:\\Temp\\A.txt")
    with pytest.raises(FileNotFoundError):
        files.read("C:\\Temp\\A.txt")


def test_a_full_disk_keeps_the_old_file() -> None:
    files = _tree(100)
    files.write("C:\\a", b"old")
    with pytest.raises(DiskFull):
        files.write("C:\\a", b"x" * 101)
    assert files.read("C:\\a") == b"old"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('"C:\\Program Files\\x.exe" /Role "MS" /Silent', ["C:\\Program Files\\x.exe", "/Role", "MS", "/Silent"]),
        ('a.exe /q /x:"C:\\Temp\\Some where"', ["a.exe", "/q", "/x:C:\\Temp\\Some where"]),
        ('a "b\\\\" c\\"d', ["a", "b\\", 'c"d']),
        ('a "" "x ""y"" z"', ["a", "", 'x "y" z']),
        ("a  b\tc", ["a", "b", "c"]),
        ("", []),
    ],
)
def test_command_lines_are_taken_apart_as_windows_programs_do(line: str, words: list[str]) -> None:
    assert split(line) == words
