# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What asr_installer is asked, and what files have to be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.repository import checksums, request
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import InvalidRequest, NotFound

NAME = "Microsoft-ASR_UA_9.55.6765.1_RHEL7-64_GA_15Aug2023_release.tar.gz"
SUM = "ab" * 32


def arguments(*repository: str, **more: Any) -> dict[str, Any]:
    return {"repository": list(repository), "repository_on": "machine", "verify_signature": True, **more}


@pytest.mark.parametrize("folder", ["/srv/asr", "C:\\ASR", "\\\\fs\\asr", "~/asr"])
def test_one_path_without_an_installers_name_is_a_folder(folder: str) -> None:
    wanted = request.parse_request(arguments(folder))
    assert (wanted.folder, wanted.names, wanted.shown) == (folder, (), folder)


def test_names_paths_and_addresses_are_files() -> None:
    given = (NAME, f"/srv/{NAME}", f"\\\\fs\\asr\\{NAME}", f"https://host/asr/{NAME}?sig=1")
    wanted = request.parse_request(arguments(*given))
    assert (wanted.folder, wanted.names, wanted.shown) == (None, given, "the given list")


@pytest.mark.parametrize(
    ("given", "more", "message"),
    [
        ((), {}, "give a folder"),
        (("",), {}, "give a folder"),
        (("/srv/asr", NAME), {}, "a folder stands alone"),
        (("https://host/asr/",), {}, "no address of an installer"),
        ((NAME,), {"version": "x"}, "no version"),
        ((NAME,), {"checksums": {NAME: "12"}}, "no SHA-256"),
        ((NAME,), {"checksums": {NAME: {"md5": "1"}}}, "not md5"),
        ((NAME,), {"checksums": {NAME: {}}}, "nothing"),
        ((NAME,), {"checksums": {NAME: {"size": "big"}}}, "no number of bytes"),
        ((NAME,), {"checksums": {NAME: {"size": True}}}, "no number of bytes"),
        ((NAME,), {"checksums": {NAME: SUM}, "checksums_file": "x"}, "both given"),
        ((NAME,), {"checksums_file": "/not/there"}, "can't be read"),
    ],
)
def test_what_makes_no_sense_is_refused(given: tuple[str, ...], more: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        request.parse_request(arguments(*given, **more))


def test_checksums_are_sums_or_sums_with_sizes_and_names_have_no_case() -> None:
    found = checksums.from_mapping({NAME.upper(): SUM.upper(), "other": {"sha256": SUM, "size": "12"}})
    assert found[NAME.lower()] == checksums.Expected(sha256=SUM)
    assert found["other"] == checksums.Expected(sha256=SUM, size=12)


def test_a_file_of_sha256sum_is_read_with_its_spellings(tmp_path: Path) -> None:
    path = tmp_path / "sums"
    path.write_text(f"# made today\n{SUM}  {NAME}\n{'cd' * 32} *C:\\asr\\B.exe\n\n", encoding="utf-8")
    wanted = request.parse_request(arguments(NAME, checksums_file=str(path)))
    assert set(wanted.expected) == {NAME.lower(), "b.exe"}
    path.write_text("no sum\n", encoding="utf-8")
    with pytest.raises(InvalidRequest, match="line 1"):
        checksums.from_file(str(path))


def test_a_folder_of_the_controller_is_listed(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"x")
    (tmp_path / "readme.txt").write_bytes(b"x")
    (tmp_path / NAME.replace("RHEL7", "RHEL8")).mkdir()
    wanted = request.parse_request(arguments(str(tmp_path)))
    assert [each.path for each in request.on_controller(wanted)] == [str(tmp_path / NAME)]
    with pytest.raises(NotFound, match="no folder"):
        request.on_controller(request.parse_request(arguments(str(tmp_path / "none"))))


@pytest.mark.parametrize(
    ("path", "expected"),
    [("C:\\a", True), ("D:/a", True), ("\\\\fs\\a", True), ("/srv/a", True), ("a.exe", False), ("https://h/a", False)],
)
def test_what_can_be_looked_at_on_the_machine(path: str, expected: bool) -> None:
    assert request.is_on_machine(path) is expected
