# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wire against recordings of real hosts, and the comparison against recordings that were changed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hyperv_lab.conform.winrm import EDITED, replay_winrm

ROOT = Path(__file__).resolve().parents[3]


def recordings() -> Path:
    shared = Path(os.environ.get("HYPERV_MOBILITY_SHARED") or ROOT.parent / "shared")
    folder = shared / "data" / "winrm"
    if not folder.is_dir():
        pytest.skip(f"NO RECORDINGS of real WinRM hosts in {folder}: the wire was not held against them")
    return folder


@pytest.mark.recordings
def test_every_recording_that_was_not_edited_agrees() -> None:
    folder = recordings()
    expected = [file for file in folder.glob("*.yml") if not file.stem.startswith(EDITED)]
    report = replay_winrm(folder)
    assert report.differ == []
    assert report.agree == len(expected) >= 41


def changed(name: str, tmp_path: Path, old: str, new: str, *, where: str = "response") -> list[str]:
    content: dict[str, Any] = yaml.safe_load((recordings() / name).read_text(encoding="utf-8"))
    hits = 0
    for message in content["messages"]:
        if old in message[where]:
            message[where] = message[where].replace(old, new)
            hits += 1
    assert hits
    file = tmp_path / name
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return replay_winrm(file).differ


@pytest.mark.recordings
@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("winrs_bad_cmd_id.yml", 'Code="2150858843"', 'Code="2150858844"'),
        ("winrs_bad_cmd_id.yml", "w:InvalidSelectors", "w:InvalidParameter"),
        ("winrs_no_cmd_shell.yml", "Shell cmd plugin", "Another plugin"),
        ("winrs_stderr_rc.yml", "CommandState/Done", "CommandState/Running"),
        ("winrs_standard.yml", "<rsp:ClientIP>", "<rsp:Unknown>x</rsp:Unknown><rsp:ClientIP>"),
        ("psrp_open_runspace.yml", "transfer/DeleteResponse", "transfer/DeletedResponse"),
        ("psrp_set_runspaces.yml", "AAAAAAAAAAQAAAAAAAAAAAM", "AAAAAAAAAAQAAAAAAAAAAAI"),
        ("wsman_update_envelope_size_150.yml", "<cfg:MaxBatchItems>32000</cfg:MaxBatchItems>", ""),
    ],
)
def test_a_changed_recording_differs(tmp_path: Path, name: str, old: str, new: str) -> None:
    assert len(changed(name, tmp_path, old, new)) == 1
