# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe as an operation: options, the look from a Windows server, and what a run sends there."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.push import probe
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.push.observations import Port, PortState, System
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import InvalidRequest, RemoteError
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Outcome
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.command import Credential
from unit.fake_session import FakeSession, Refused, request

DEFAULTS: dict[str, Any] = {"share": "C$", "host_key": "known", "timeout_seconds": 2, "os": "windows", "from": "ps01"}
PASSWORD = "Lab-Push-1!"
ACCOUNT = {"username": "CONTOSO\\push", "password": PASSWORD}


def server(*open_ports: int, code: int | None = None) -> FakeSession:
    """A process server from which these ports are open, and where a mapping ends with a Win32 code."""

    def test_connection(parameters: Any, piped: Any) -> Any:
        up = parameters["Port"] in open_ports
        return {"TcpTestSucceeded": up, "NameResolutionSucceeded": True, "RemoteAddress": "192.0.2.7"}

    def new_drive(parameters: Any, piped: Any) -> Any:
        if code is not None:
            raise Refused("CouldNotMapNetworkDrive", category=7, terminating=True, native_code=code)
        return {"Name": parameters["Name"]}

    handlers = {"Test-NetConnection": test_connection, "New-PSDrive": new_drive, "Remove-PSDrive": lambda p, i: None}
    return FakeSession(handlers, host="ps01")


def look(session: FakeSession, **arguments: Any) -> Outcome:
    return probe.operate(request(session, **{**DEFAULTS, **arguments}), "192.0.2.7")


def test_a_healthy_machine_from_a_server() -> None:
    session = server(135, 445)
    outcome = look(session, **ACCOUNT)
    assert outcome.changed is False
    assert outcome.values["findings"] == []
    assert outcome.values["login_attempts"] == 1
    assert outcome.values["probed_from"] == "ps01"
    (drive,) = session.sent("New-PSDrive")
    assert drive["Root"] == "\\\\192.0.2.7\\C$"
    assert isinstance(drive["Credential"], Credential)
    assert len(session.sent("Remove-PSDrive")) == 1


@pytest.mark.parametrize(
    ("code", "expected", "attempts"),
    [(1326, "95107", 1), (5, "95517", 1), (1789, "95518", 1), (1909, "95520", 1), (53, "95523", 0), (67, "95105", 1)],
)
def test_a_refused_mapping_from_a_server(code: int, expected: str, attempts: int) -> None:
    session = server(135, 445, code=code)
    outcome = look(session, **ACCOUNT)
    assert [found["id"] for found in outcome.values["findings"]] == [expected]
    assert outcome.values["login_attempts"] == attempts
    assert len(session.sent("New-PSDrive")) == 1
    assert session.sent("Remove-PSDrive") == []


def test_a_server_with_another_connection_can_not_say() -> None:
    outcome = look(server(135, 445, code=1219), **ACCOUNT)
    assert outcome.values["findings"] == []
    assert "as somebody else" in outcome.values["undetermined"][0]


def test_an_error_without_a_code_is_an_error() -> None:
    session = server(135, 445)

    def broken(parameters: Any, piped: Any) -> Any:
        raise Refused("Unexpected,X", terminating=True)

    session.machine.on("New-PSDrive", broken)
    with pytest.raises(RemoteError):
        look(session, **ACCOUNT)


def test_no_sign_in_where_no_door_is_open_or_none_is_asked() -> None:
    for session, arguments in ((server(135), ACCOUNT), (server(135, 445), {})):
        assert look(session, **arguments).values["login_attempts"] == 0
        assert session.sent("New-PSDrive") == []


def test_a_name_that_does_not_resolve_at_the_server() -> None:
    session = server()
    session.machine.on("Test-NetConnection", lambda p, i: {"TcpTestSucceeded": False, "RemoteAddress": None})
    outcome = look(session)
    assert {port["state"] for port in outcome.values["ports"]} == {"no_name"}
    assert [found["id"] for found in outcome.values["findings"]] == ["95117"]


def test_a_server_looks_at_the_port_of_a_linux_machine_only() -> None:
    session = server(22)
    outcome = look(session, os="linux", username="root", password=PASSWORD)
    assert [port["port"] for port in outcome.values["ports"]] == [22]
    assert "no means" in outcome.values["undetermined"][0]
    assert session.sent("New-PSDrive") == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"share": "C$\\Windows"},
        {"share": ""},
        {"username": "push", "password": ""},
        {**ACCOUNT, "ports": {"smb": 4445}},
        {"from": "nobody"},
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(arguments: dict[str, Any]) -> None:
    session = server(135, 445)
    with pytest.raises(InvalidRequest):
        look(session, **arguments)
    assert session.invocations == []


@pytest.mark.parametrize(
    ("answering", "kind", "expected"),
    [
        ("rpc smb ssh", "posix", System.WINDOWS),
        ("ssh", "windows", System.LINUX),
        ("ssh smb", "posix", System.LINUX),
        ("ssh smb", "windows", System.WINDOWS),
        ("smb", "posix", System.WINDOWS),
        ("", "posix", System.LINUX),
        ("", "windows", System.WINDOWS),
    ],
)
def test_the_system_by_what_answers(answering: str, kind: str, expected: System) -> None:
    ports = tuple(
        Port(name=name, number=number, state=PortState.OPEN if name in answering.split() else PortState.SILENT)
        for name, number in probe.PORTS.items()
    )
    assert probe.system_of(ports, kind) is expected


def test_a_missing_library_is_named_before_anything_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "paramiko", None)
    arguments = {**DEFAULTS, "os": "linux", "from": None, "username": "root", "password": PASSWORD}
    with pytest.raises(InvalidRequest, match="paramiko"):
        probe.parse(arguments, "192.0.2.7")
