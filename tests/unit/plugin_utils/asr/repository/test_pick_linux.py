# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The installer for a Linux machine: the scripts by a real sh, systems by what they print."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.repository import linux, pick
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    InvalidRequest,
    NotFound,
    NotPossible,
    RemoteError,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Outcome
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.programs import ProgramResult
from unit.fake_programs import FakeShell, LocalShell, MachineSessions, Run, machine_request

CENTOS5 = {"/etc/redhat-release": "CentOS release 5.11 (Final)\n"}
RHEL7 = {"/etc/redhat-release": "Red Hat Enterprise Linux Server release 7.9 (Maipo)\n"}
UBUNTU22 = {"/etc/lsb-release": "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\n", "/etc/debian_version": "bookworm/sid\n"}


def name(version: str, os_id: str) -> str:
    return f"Microsoft-ASR_UA_{version}_{os_id}_GA_15Aug2023_release.tar.gz"


ALL = [name("9.55.6765.1", "RHEL7-64"), name("9.35.1.1", "RHEL5-64"), name("9.50.1.1", "UBUNTU-22.04-64")]


def looking(files: dict[str, str], architecture: str = "x86_64", folder: list[str] | None = None) -> Any:
    def answer(run: Run) -> str:
        marker = run.arguments[0]
        sections = [f"\n{marker} file {path}\n{text}" for path, text in files.items()]
        sections.append(f"\n{marker} machine\n{architecture}\n")
        if run.arguments[1]:
            lines = "".join(f"{run.arguments[1]}/{each}\n" for each in folder or [])
            sections.append(f"\n{marker} folder\n{lines}" if folder is not None else f"\n{marker} no folder\n")
        return "Welcome!\n" + "".join(sections) + f"\n{marker} end\n"

    return answer


def shell(files: dict[str, str], **more: Any) -> FakeShell:
    return FakeShell().on(linux.script("look"), looking(files, **more))


def picked(machine: FakeShell | LocalShell, *repository: str, **more: Any) -> Outcome:
    given = {"repository": list(repository), "repository_on": "machine", "verify_signature": True, **more}
    return pick.operate(machine_request(MachineSessions(shell=machine), **given))


def test_the_installer_of_the_machines_system_is_picked_from_a_list() -> None:
    machine = shell(RHEL7)
    outcome = picked(machine, *ALL)
    assert outcome.changed is False
    assert outcome.values["installer"]["name"] == ALL[0]
    assert outcome.values["system"] == {"name": "redhat 7.9", "os_id": "RHEL7-64"}
    assert outcome.values["verified"] == []
    assert len(machine.runs) == 1


def test_centos_5_gets_the_file_of_rhel_5_with_a_warning_where_it_is_old() -> None:
    outcome = picked(shell(CENTOS5), *ALL)
    assert outcome.values["installer"]["os_id"] == "RHEL5-64"
    (warning,) = outcome.warnings
    assert "by hand" in warning


def test_a_folder_of_the_machine_is_listed_in_the_same_run() -> None:
    machine = shell(RHEL7, folder=[*ALL, "readme.txt"])
    assert picked(machine, "/srv/asr").values["installer"]["path"] == f"/srv/asr/{ALL[0]}"
    assert len(machine.runs) == 1
    with pytest.raises(NotFound, match="/srv/none"):
        picked(shell(RHEL7), "/srv/none")


@pytest.mark.parametrize(
    ("files", "architecture", "message"),
    [
        (RHEL7, "i686", "i686"),
        ({}, "x86_64", "none of the release files"),
        ({"/etc/redhat-release": "CentOS release 5.1 (Final)"}, "x86_64", "older than the first supported"),
        (UBUNTU22, "x86_64", r"needs agent 9\.53"),
    ],
)
def test_a_machine_that_gets_no_agent_is_told_with_its_error(
    files: dict[str, str], architecture: str, message: str
) -> None:
    with pytest.raises(NotPossible, match=message) as caught:
        picked(shell(files, architecture=architecture), *ALL)
    assert [each.id for each in caught.value.findings] == ["95213"]


def test_an_answer_without_its_end_is_no_answer() -> None:
    machine = FakeShell().on(linux.script("look"), lambda _run: ProgramResult(exit_code=2, stdout="sh: not found"))
    with pytest.raises(RemoteError, match="exit code 2"):
        picked(machine, *ALL)


def here(tmp_path: Path) -> LocalShell:
    """A shell whose first script says RHEL 7 instead of this machine's system; the rest is real."""

    class Machine(LocalShell):
        def run(self, script: str, *arguments: str, **more: Any) -> ProgramResult:
            done = super().run(script, *arguments, **more)
            if script != linux.script("look"):
                return done
            marker = arguments[0]
            real = done.stdout.partition(f"\n{marker} machine\n")[2].partition("\n")[2]
            head = f"\n{marker} file /etc/redhat-release\n{RHEL7['/etc/redhat-release']}\n{marker} machine\nx86_64\n"
            return ProgramResult(exit_code=done.exit_code, stdout=head + real)

    return Machine(folder=tmp_path)


def test_a_file_on_the_machine_is_verified_by_its_own_tools(tmp_path: Path) -> None:
    folder = tmp_path / "a folder's $HOME"
    folder.mkdir()
    (folder / ALL[0]).write_bytes(b"package")
    (folder / "other").write_bytes(b"")
    sha256 = hashlib.sha256(b"package").hexdigest()
    outcome = picked(here(tmp_path), str(folder), checksums={ALL[0]: {"sha256": sha256, "size": 7}})
    assert outcome.values["verified"] == ["size", "sha256"]
    assert outcome.values["installer"]["sha256"] == sha256
    assert outcome.values["installer"]["size"] == 7
    for wrong in ({"sha256": "0" * 64}, {"size": 8}):
        with pytest.raises(NotPossible, match="not the file that was meant") as caught:
            picked(here(tmp_path), str(folder), checksums={ALL[0]: wrong})
        assert [each.id for each in caught.value.findings] == ["installer_checksum"]
    with pytest.raises(InvalidRequest, match="no sum is given"):
        picked(here(tmp_path), str(folder), checksums={"other": "0" * 64})
    with pytest.raises(NotFound, match="no file"):
        picked(here(tmp_path), f"/not/there/{ALL[0]}", checksums={ALL[0]: sha256})


def test_a_file_of_the_controller_is_verified_here(tmp_path: Path) -> None:
    (tmp_path / ALL[0]).write_bytes(b"package")
    sha256 = hashlib.sha256(b"package").hexdigest()
    outcome = picked(shell(RHEL7), str(tmp_path), repository_on="controller", checksums={ALL[0]: sha256})
    assert outcome.values["verified"] == ["sha256"]
    assert outcome.values["installer"]["path"] == str(tmp_path / ALL[0])


def test_the_sum_of_a_file_behind_an_address_is_handed_on() -> None:
    outcome = picked(shell(RHEL7), f"https://host/{ALL[0]}", checksums={ALL[0]: "ab" * 32})
    assert outcome.values["verified"] == []
    assert outcome.values["installer"]["sha256"] == "ab" * 32
