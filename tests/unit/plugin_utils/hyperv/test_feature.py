# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows features, and restarts only where they are allowed."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    ConnectionLost,
    NotFound,
    NotPossible,
    RemoteError,
    TimedOut,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv import feature
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Outcome
from unit.fake_session import FakeClock, FakeSession, request


class FakeServer:
    """Features of a server that goes down when it is told to, and comes back later."""

    def __init__(self, **states: str) -> None:
        self.states = {"Hyper-V": "Available", "Hyper-V-PowerShell": "Installed", "RSAT-AD-PowerShell": "Available"}
        self.states |= {name.replace("_", "-"): state for name, state in states.items()}
        self.boots = 0
        self.down_for = 0
        self.returns = True
        self.success = True
        self.session = FakeSession(
            {
                "Get-WindowsFeature": self._get,
                "Install-WindowsFeature": self._install,
                "Restart-Computer": self._restart,
                "Get-CimInstance": self._system,
            }
        )

    def _answer(self) -> None:
        if self.down_for:
            self.down_for -= 1
            raise ConnectionLost("no answer")

    def _get(self, parameters: Any, piped: Any) -> list[Any]:
        self._answer()
        return [
            {"Name": name, "Installed": state == "Installed", "InstallState": state}
            for name, state in self.states.items()
            if name in parameters["Name"]
        ]

    def _install(self, parameters: Any, piped: Any) -> list[Any]:
        restart = "Hyper-V" in parameters["Name"]
        if self.success:
            for name in parameters["Name"]:
                self.states[name] = "InstallPending" if name == "Hyper-V" else "Installed"
        code = "SuccessRestartRequired" if restart else "Success"
        return [{"Success": self.success, "RestartNeeded": "Yes" if restart else "No", "ExitCode": code}]

    def _restart(self, parameters: Any, piped: Any) -> None:
        if self.returns:
            self.boots += 1
            self.states = {k: "Installed" if v == "InstallPending" else v for k, v in self.states.items()}
        self.down_for = 3
        raise ConnectionLost("gone")

    def _system(self, parameters: Any, piped: Any) -> list[Any]:
        self._answer()
        return [{"LastBootUpTime": f"2026-11-21T10:0{self.boots}:00Z", "Caption": "Windows"}]


def run(server: FakeServer, *, check_mode: bool = False, **arguments: Any) -> Outcome:
    return feature.operate(request(server.session, check_mode=check_mode, **arguments), clock=FakeClock())


def test_a_restart_that_is_not_allowed_stops_and_says_so() -> None:
    server = FakeServer()
    with pytest.raises(NotPossible) as caught:
        run(server)
    assert caught.value.findings[0].id == "reboot_required"
    assert caught.value.changed is True
    assert not server.session.sent("Restart-Computer")
    with pytest.raises(NotPossible) as again:
        run(server)
    assert again.value.changed is False
    assert len(server.session.sent("Install-WindowsFeature")) == 1


def test_an_allowed_restart_is_waited_for() -> None:
    server = FakeServer()
    outcome = run(server, reboot=True)
    assert outcome.changed
    assert outcome.values == {"installed": ["Hyper-V"], "reboot_required": False, "rebooted": True}
    assert server.boots == 1
    assert not run(server, reboot=True).changed


def test_a_pending_restart_is_made_when_it_is_allowed() -> None:
    server = FakeServer(Hyper_V="InstallPending")
    assert run(server, reboot=True).values["rebooted"]
    assert not server.session.sent("Install-WindowsFeature")


def test_a_host_that_does_not_start_anew_is_a_failure() -> None:
    server = FakeServer()
    server.returns = False
    with pytest.raises(TimedOut, match="still up since before") as caught:
        run(server, reboot=True, reboot_timeout_seconds=60)
    assert caught.value.changed is True


def test_tools_need_no_restart_and_check_mode_foretells_them() -> None:
    asked = {"hyper_v": False, "active_directory_tools": True}
    checked, real = FakeServer(), FakeServer()
    foreseen, done = run(checked, check_mode=True, **asked), run(real, **asked)
    assert (foreseen.changed, foreseen.diff, foreseen.values) == (done.changed, done.diff, done.values)
    assert checked.states["RSAT-AD-PowerShell"] == "Available"
    assert real.states["RSAT-AD-PowerShell"] == "Installed"
    assert not run(real, **asked).changed


def test_failures_are_told_apart() -> None:
    server = FakeServer()
    server.success = False
    with pytest.raises(RemoteError):
        run(server)
    del server.states["Hyper-V"]
    with pytest.raises(NotFound, match="Hyper-V"):
        run(server)
    client = FakeSession({})
    with pytest.raises(NotPossible) as caught:
        feature.operate(request(client), clock=FakeClock())
    assert caught.value.findings[0].id == "features_unreadable"
