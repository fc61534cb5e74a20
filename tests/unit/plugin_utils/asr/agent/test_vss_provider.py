# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The VSS provider's scripts: which are run in which order, and what is made of how they end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent import vss_provider
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent.machine import VendorFailed
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent.vss_provider import Provider, plan
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import InvalidRequest, NotPossible
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Outcome
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.programs import ProgramResult
from unit.fake_programs import FakePrograms, FakeShell, MachineSessions, Run, machine_request
from unit.fake_session import FakeSession, Refused

SERVICE = "Azure Site Recovery VSS Provider"
FOLDER = "C:\\ASR\\agent"
LOCKED = "InMageVSSProvider_Install.cmd: OpenSCManager [0x8007041F]"
STARTS = {"automatic": 2, "manual": 3, "disabled": 4}


@dataclass
class Machine:
    """A Windows machine with the agent; ``codes`` are how the installing script ends, one after the other."""

    provider: bool = False
    listed: bool | None = None
    start: str = "automatic"
    installed: bool = True
    codes: list[int] = field(default_factory=list)
    output: str = ""
    vacp: list[str] = field(default_factory=list)
    sessions: list[FakeSession] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    forgets: bool = False

    def request(self, state: str, *, check_mode: bool = False) -> Any:
        session = FakeSession(
            {
                "Get-ItemProperty": self.values,
                "Get-Service": self.services,
                "Test-Path": lambda given, _piped: [False for _ in given["LiteralPath"]],
                "Get-ChildItem": lambda _given, _piped: [],
                "Get-Date": lambda _given, _piped: "2026-01-01T00:00:00",
                "Get-CimInstance": lambda _given, _piped: {"SMBIOSAssetTag": ""},
                "Get-Content": self.content,
                "Set-Service": self.set_service,
            },
            host="win01",
        )
        self.sessions.append(session)
        programs = FakePrograms()
        programs.on("vssadmin", lambda _run: self.providers())
        programs.on("InMageVSSProvider_Install.cmd", self.install)
        programs.on("InMageVSSProvider_Uninstall.cmd", self.uninstall)
        sessions = MachineSessions(windows=programs, session=session)
        return machine_request(sessions, check_mode=check_mode, state=state, timeout_seconds=600)

    def operate(self, state: str = "present", **more: Any) -> Outcome:
        return vss_provider.operate(self.request(state, **more))

    def values(self, given: Mapping[str, Any], _piped: list[Any]) -> Any:
        path = given["LiteralPath"]
        if isinstance(path, list):
            return {"PSChildName": SERVICE, "Start": STARTS[self.start]} if self.provider else []
        if "Uninstall" in path:
            return {"DisplayName": "agent", "DisplayVersion": "9.55.6765.1"} if self.installed else []
        if "Installed Products" in path:
            return {"InstallDirectory": "C:\\ASR", "PostInstallActions": "Succeeded"} if self.installed else []
        return {"CurrentVersion": "6.3", "CurrentMajorVersionNumber": 10, "CurrentMinorVersionNumber": 0}

    def services(self, _given: Mapping[str, Any], _piped: list[Any]) -> Any:
        return {"Name": SERVICE, "Status": "Running"} if self.provider else []

    def content(self, given: Mapping[str, Any], _piped: list[Any]) -> Any:
        if str(given["LiteralPath"]).endswith("vacp.log") and self.vacp:
            return self.vacp
        raise Refused("PathNotFound,Microsoft.PowerShell.Commands.GetContentCommand", "introuvable")

    def set_service(self, given: Mapping[str, Any], _piped: list[Any]) -> Any:
        self.start = str(given["StartupType"]).lower()
        return []

    def providers(self) -> str:
        listed = self.provider if self.listed is None else self.listed
        own = f"Nom du fournisseur : '{SERVICE}'\r\n" if listed else ""
        return f"Nom du fournisseur : 'Microsoft Software Shadow Copy provider 1.0'\r\n{own}"

    def install(self, run: Run) -> ProgramResult:
        assert run.program.startswith(FOLDER)
        self.scripts.append("install")
        code = self.codes.pop(0) if self.codes else 0
        self.provider = self.provider or (code == 0 and not self.forgets)
        return ProgramResult(exit_code=code, stdout=self.output if code else "")

    def uninstall(self, _run: Run) -> int:
        self.scripts.append("uninstall")
        self.provider = False
        return 0


THERE = Provider(service="running", start="automatic", listed=True)


@pytest.mark.parametrize(
    ("provider", "state", "steps"),
    [
        (THERE, "present", ()),
        (Provider(), "present", ("install",)),
        (Provider(service="running", start="automatic"), "present", ("install",)),
        (Provider(listed=True), "present", ("install",)),
        (Provider(service="stopped", start="disabled", listed=True), "present", ("enable",)),
        (THERE, "repaired", ("install",)),
        (THERE, "absent", ("uninstall",)),
        (Provider(), "absent", ()),
        (Provider(service="stopped"), "absent", ("uninstall",)),
    ],
)
def test_what_is_planned(provider: Provider, state: str, steps: tuple[str, ...]) -> None:
    planned = plan(provider, state)
    assert planned.steps == steps
    assert planned.changed is bool(steps)
    assert (planned.diff().before != planned.diff().after) is bool(steps)


def test_a_missing_provider_is_installed_once() -> None:
    machine = Machine()
    check = machine.operate(check_mode=True)
    assert (check.changed, machine.scripts) == (True, [])
    done = machine.operate()
    assert (done.changed, done.diff) == (True, check.diff)
    assert done.values["provider"] == {"service": "running", "start": "automatic", "listed": True}
    assert machine.operate().changed is False
    assert machine.scripts == ["install"]


def test_removing_and_installing_again_only_where_installing_fails() -> None:
    machine = Machine(provider=True, codes=[516, 0])
    done = machine.operate("repaired")
    assert machine.scripts == ["install", "uninstall", "install"]
    assert [each["exit_code"] for each in done.values["attempts"]] == [516, 0, 0]
    whole = Machine(provider=True)
    assert whole.operate("repaired").changed is True
    assert whole.scripts == ["install"]


@pytest.mark.parametrize(
    ("codes", "output", "error_id"),
    [([515, 515], "", "vss:exit-515"), ([515, 511], LOCKED, "vss:0x8007041F"), ([806, 806], "", "vss:exit-806")],
)
def test_a_script_that_fails_twice_is_named_by_its_error(codes: list[int], output: str, error_id: str) -> None:
    machine = Machine(codes=list(codes), output=output)
    with pytest.raises(VendorFailed) as caught:
        machine.operate()
    assert [each.id for each in caught.value.findings] == [error_id]
    assert caught.value.details["exit_code"] == codes[-1]
    assert caught.value.changed is True
    assert machine.scripts == ["install", "uninstall", "install"]


def test_an_unknown_code_is_carried() -> None:
    with pytest.raises(VendorFailed, match="exit code 77, which is no known code"):
        Machine(codes=[77, 77]).operate()


def test_success_is_believed_only_where_it_shows() -> None:
    with pytest.raises(VendorFailed, match="not there"):
        Machine(forgets=True).operate()
    with pytest.raises(VendorFailed, match="list of providers: False"):
        Machine(listed=False).operate()


def test_a_disabled_service_gets_its_start_type_back() -> None:
    machine = Machine(provider=True, start="disabled")
    assert machine.operate().changed is True
    assert (machine.start, machine.scripts) == ("automatic", [])
    assert machine.operate().changed is False


def test_removal() -> None:
    machine = Machine(provider=True)
    assert machine.operate("absent").changed is True
    assert machine.operate("absent").changed is False
    assert machine.scripts == ["uninstall"]


def test_the_log_of_snapshots_is_read_under_its_ids() -> None:
    machine = Machine(provider=True, vacp=["ok", "vacpError: 2147943458"])
    assert [each["id"] for each in machine.operate().values["findings"]] == ["78144", "vss:0x80070422"]
    ((asked,),) = [sent for sent in machine.sessions[-1].invocations if "vacp.log" in str(sent)]
    assert asked.commands[1].parameters == (("Last", 100),), "a log of months stays where it is"


def test_without_an_agent_there_are_no_scripts() -> None:
    with pytest.raises(NotPossible) as caught:
        Machine(installed=False).operate()
    assert [each.id for each in caught.value.findings] == ["agent_missing"]
    assert Machine(installed=False).operate("absent").changed is False
    with pytest.raises(InvalidRequest, match="only the agent for Windows"):
        vss_provider.operate(machine_request(MachineSessions(shell=FakeShell()), state="present", timeout_seconds=9))
