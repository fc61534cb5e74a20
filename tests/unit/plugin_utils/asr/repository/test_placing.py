# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installers in the push repository of a server: which are placed, how, and when the service is restarted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent.folders import PREFIX
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.repository import placing
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.repository.placing_plan import (
    DIRECTORY,
    SERVICE,
    parse_request,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    InvalidRequest,
    NotFound,
    NotPossible,
    RemoteError,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Outcome
from unit.fake_programs import FakePrograms, FakeShell, MachineSessions, Run, machine_request
from unit.fake_session import FakeSession, Refused

PARENT = DIRECTORY.rpartition("\\")[0]
CONTENT = b"a package"
SUM = hashlib.sha256(CONTENT).hexdigest()


def name(os_id: str, version: str = "9.55.6765.1") -> str:
    kind = "exe" if os_id == "Windows" else "tar.gz"
    return f"Microsoft-ASR_UA_{version}_{os_id}_GA_15Aug2023_release.{kind}"


RHEL5, RHEL7 = name("RHEL5-64"), name("RHEL7-64")


class Server:
    """A configuration server with files, a push repository and its service."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {f"D:\\asr\\{RHEL5}": CONTENT, f"\\\\fs\\asr\\{RHEL5}": CONTENT}
        self.folders = {PARENT.lower(), DIRECTORY.lower()}
        self.restarts = 0
        self.fails_at: str | None = None
        self.has_service = True
        self.status = "Running"
        names = ("Get-ItemProperty", "Get-Service", "Test-Path", "Get-ChildItem", "Get-Date", "New-Item", "Copy-Item",
                 "Move-Item", "Remove-Item", "Restart-Service")  # fmt: skip
        handlers = {each: self.handler(each) for each in names}
        self.session = FakeSession(handlers, host="cs01")
        self.programs = FakePrograms(host="cs01").on("certutil", self.certutil)

    def handler(self, cmdlet: str) -> Any:
        def answer(given: Mapping[str, Any], _piped: list[Any]) -> Any:
            if cmdlet == self.fails_at:
                raise Refused(f"Broken,{cmdlet}", "non", terminating=True)
            return getattr(self, cmdlet.lower().replace("-", "_"))(given)

        return answer

    def get_itemproperty(self, _given: Mapping[str, Any]) -> Any:
        return {"CurrentVersion": "6.3", "CurrentMajorVersionNumber": 10, "CurrentMinorVersionNumber": 0}

    def get_service(self, _given: Mapping[str, Any]) -> Any:
        return {"Name": SERVICE, "Status": self.status} if self.has_service else []

    def test_path(self, given: Mapping[str, Any]) -> bool:
        path = str(given["LiteralPath"]).lower()
        return path in self.folders or path in {each.lower() for each in self.files}

    def get_childitem(self, given: Mapping[str, Any]) -> Any:
        if "Path" in given:
            start = str(given["Path"]).rstrip("*").lower()
            found = [each for each in self.folders if each.startswith(start)]
            return [{"Name": each.rpartition("\\")[2], "LastWriteTimeUtc": "2026-01-01T00:00:00Z"} for each in found]
        start = str(given["LiteralPath"]).lower() + "\\"
        return [{"Name": each.rpartition("\\")[2]} for each in self.files if each.lower().startswith(start)]

    def get_date(self, _given: Mapping[str, Any]) -> str:
        return "2026-01-01T01:00:00Z"

    def new_item(self, given: Mapping[str, Any]) -> Any:
        self.folders.add(str(given["Path"]).lower())
        return []

    def copy_item(self, given: Mapping[str, Any]) -> Any:
        if given["LiteralPath"] not in self.files:
            raise Refused("PathNotFound,Microsoft.PowerShell.Commands.CopyItemCommand", "introuvable", terminating=True)
        self.files[str(given["Destination"])] = self.files[str(given["LiteralPath"])]
        return []

    def move_item(self, given: Mapping[str, Any]) -> Any:
        self.files[str(given["Destination"])] = self.files.pop(str(given["LiteralPath"]))
        return []

    def remove_item(self, given: Mapping[str, Any]) -> Any:
        gone = str(given["LiteralPath"]).lower()
        self.folders.discard(gone)
        self.files = {path: data for path, data in self.files.items() if not path.lower().startswith(gone + "\\")}
        return []

    def restart_service(self, given: Mapping[str, Any]) -> Any:
        assert given["Name"] == SERVICE
        self.restarts += 1
        return []

    def certutil(self, run: Run) -> str:
        assert run.arguments[0] == "-hashfile"
        return f"SHA256:\r\n{hashlib.sha256(self.files[run.arguments[1]]).hexdigest()}\r\n"

    @property
    def repository(self) -> dict[str, bytes]:
        start = DIRECTORY + "\\"
        return {path[len(start) :]: data for path, data in self.files.items() if path.startswith(start)}

    @property
    def ours(self) -> list[str]:
        return [path for path in (*self.folders, *self.files) if PREFIX in path]

    def operate(self, *files: Mapping[str, str], check_mode: bool = False, **more: Any) -> Outcome:
        sessions = MachineSessions(windows=self.programs, session=self.session)
        return placing.operate(machine_request(sessions, check_mode=check_mode, **arguments(*files, **more)))


def arguments(*files: Mapping[str, str], **more: Any) -> dict[str, Any]:
    given = [dict(each) for each in files]
    return {"files": given, "directory": DIRECTORY, "all_systems": False, "timeout_seconds": 60, **more}


def wanted(path: str = f"D:\\asr\\{RHEL5}", sha256: str = SUM) -> dict[str, str]:
    return {"source": path, "sha256": sha256}


@pytest.mark.parametrize("path", [f"D:\\asr\\{RHEL5}", f"\\\\fs\\asr\\{RHEL5}"])
def test_a_missing_file_is_brought_verified_and_moved_and_the_service_restarted(path: str) -> None:
    server = Server()
    check = server.operate(wanted(path), check_mode=True)
    assert (server.repository, server.restarts, server.ours) == ({}, 0, [])
    done = server.operate(wanted(path))
    assert (done.changed, dict(done.values), done.diff) == (True, dict(check.values), check.diff)
    assert done.values["placed"] == [RHEL5]
    assert (server.repository, server.restarts, server.ours) == ({RHEL5: CONTENT}, 1, [])
    again = server.operate(wanted(path))
    assert (again.changed, again.values["restarted"], server.restarts) == (False, False, 1)
    assert again.diff is not None
    assert again.diff.before == again.diff.after


def test_a_file_with_another_content_is_replaced() -> None:
    server = Server()
    server.files[f"{DIRECTORY}\\{RHEL5}"] = b"damaged"
    assert server.operate(wanted()).values["placed"] == [RHEL5]
    assert server.repository == {RHEL5: CONTENT}


def test_files_that_servers_bring_are_left_out_unless_asked_for() -> None:
    server = Server()
    server.files[f"D:\\asr\\{RHEL7}"] = CONTENT
    both = (wanted(), wanted(f"D:\\asr\\{RHEL7}"))
    outcome = server.operate(*both)
    assert (outcome.values["placed"], outcome.values["left_out"]) == ([RHEL5], [RHEL7])
    assert server.operate(*both, all_systems=True).values["placed"] == [RHEL7]


def test_a_file_that_is_not_what_was_meant_never_reaches_the_repository() -> None:
    server = Server()
    with pytest.raises(NotPossible) as caught:
        server.operate(wanted(sha256="0" * 64))
    assert [each.id for each in caught.value.findings] == ["installer_checksum"]
    assert caught.value.changed is False
    assert (server.repository, server.restarts, server.ours) == ({}, 0, [])


def test_a_source_that_is_not_there_leaves_the_server_as_it_was() -> None:
    server = Server()
    with pytest.raises(NotFound):
        server.operate(wanted(f"E:\\{RHEL5}"))
    assert (server.ours, server.restarts) == ([], 0)


def test_a_restart_that_fails_is_told_and_done_by_the_next_run() -> None:
    server = Server()
    server.fails_at = "Restart-Service"
    with pytest.raises(RemoteError) as caught:
        server.operate(wanted())
    assert caught.value.changed is True
    assert server.repository == {RHEL5: CONTENT}
    server.fails_at = None
    done = server.operate(wanted())
    assert (done.changed, done.values["placed"], done.values["restarted"]) == (True, [], True)
    assert (server.restarts, server.ours) == (1, [])
    assert server.operate(wanted()).changed is False


def test_a_machine_that_is_no_server_is_told() -> None:
    server = Server()
    server.has_service = False
    with pytest.raises(NotPossible) as caught:
        server.operate(wanted())
    assert [each.id for each in caught.value.findings] == ["no_push_server"]
    with pytest.raises(NotFound, match="give directory"):
        Server().operate(wanted(), directory="D:\\elsewhere")
    with pytest.raises(InvalidRequest, match="run Windows"):
        placing.operate(machine_request(MachineSessions(shell=FakeShell()), **arguments(wanted())))


@pytest.mark.parametrize(
    ("files", "more", "message"),
    [
        ([], {}, "at least one"),
        ([wanted("D:\\asr\\setup.exe")], {}, "no installer file"),
        ([wanted(sha256="12")], {}, "no SHA-256"),
        ([wanted(), wanted(f"E:\\{RHEL5}")], {}, "given twice"),
        ([wanted("asr\\" + RHEL5)], {}, "no absolute path"),
        ([wanted()], {"directory": "repository"}, "no absolute path"),
        ([wanted()], {"source_username": "x"}, "belong together"),
    ],
)
def test_what_makes_no_sense_is_refused(files: list[dict[str, str]], more: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        parse_request(arguments(*files, **more))
