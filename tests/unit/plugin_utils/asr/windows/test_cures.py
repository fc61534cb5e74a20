# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cures: which steps a finding gives, what the two hands send, and taking back what was weakened."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.catalogue import Cure, entries
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.patient import CureStep
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.windows import cures, hands, read_cmdlets, registry
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.windows.evidence import WindowsEvidence
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.windows.rules import judge
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import InvalidRequest, RemoteError
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.programs import ProgramResult
from unit.fake_programs import FakePrograms
from unit.fake_session import FakeSession
from unit.plugin_utils.asr.windows.healthy import RELEASES, but, wanted
from unit.plugin_utils.asr.windows.test_rules import CASES


def steps(evidence: WindowsEvidence) -> tuple[CureStep, ...]:
    asked = wanted(push_account="asrpush")
    found = [item for item in judge(evidence, asked) if item.cure is not Cure.MANUAL]
    return cures.steps(evidence, found, asked)


@pytest.mark.parametrize("case", CASES)
def test_each_finding_that_is_not_for_people_has_a_step(case: str) -> None:
    evidence, error_id = CASES[case]
    (found,) = judge(evidence, wanted(push_account="asrpush"))
    assert bool(steps(evidence)) is (found.cure is not Cure.MANUAL)
    assert {step.id for step in steps(evidence)} <= {error_id}


def test_every_cure_is_known_to_the_catalogue_as_one() -> None:
    assert [key for key in cures.PLANNERS if entries()[key].cure is Cure.MANUAL] == []


@pytest.mark.parametrize(
    ("case", "line"),
    [
        ("wmi rules", "netsh advfirewall firewall set rule group=@FirewallAPI.dll,-34251 new enable=yes"),
        ("smb rules", "netsh advfirewall firewall set rule group=@FirewallAPI.dll,-28502 new enable=yes"),
        ("server service", "sc start LanmanServer"),
        ("com", "sc config COMSysApp start= demand"),
        ("wmi service", "sc config Winmgmt start= auto; sc start Winmgmt"),
        ("remote uac", f"reg add {registry.POLICIES_SYSTEM} /v {registry.TOKEN_FILTER} /t REG_DWORD /d 1 /f"),
        ("disabled account", "net user asrpush /active:yes"),
        ("netlogon", "sc start Netlogon"),
    ],
)  # fmt: skip
def test_old_systems_are_cured_by_their_programs(case: str, line: str) -> None:
    programs = FakePrograms()
    for name in ("netsh", "sc", "reg", "net"):
        programs.on(name, lambda _run: 0)
    for step in steps(CASES[case][0]):
        hands.carry_out(hands.ProgramHand(programs), step)
    sent = [
        f"{run.program.rpartition(chr(92))[2].removesuffix('.exe')} {' '.join(run.arguments)}" for run in programs.runs
    ]
    assert "; ".join(sent) == line
    assert all(run.program.startswith("C:\\Windows\\System32\\") for run in programs.runs)


def sent_for(case: str) -> list[tuple[str, dict[str | None, Any]]]:
    names = (
        "Enable-NetFirewallRule",
        "Set-Service",
        "Start-Service",
        "New-ItemProperty",
        "Add-MpPreference",
        read_cmdlets.NET,
    )
    session = FakeSession({name: lambda _parameters, _piped: [] for name in (*names, read_cmdlets.NET)})
    for step in steps(CASES[case][0]):
        hands.carry_out(hands.CmdletHand(session), step)
    return [
        (item.name, dict(item.parameters))
        for statements in session.invocations
        for statement in statements
        for item in statement.commands
    ]


def test_new_systems_are_cured_by_cmdlets() -> None:
    ((name, parameters),) = sent_for("wmi rules")
    assert (name, len(parameters["Name"])) == ("Enable-NetFirewallRule", 6)
    assert [name for name, _parameters in sent_for("wmi service")] == ["Set-Service", "Start-Service"]
    ((_name, parameters),) = sent_for("remote uac")
    assert (parameters["Name"], parameters["Value"]) == ("LocalAccountTokenFilterPolicy", 1)
    ((_name, parameters),) = sent_for("antivirus")
    assert parameters["ExclusionPath"] == [
        "C:\\ProgramData\\ASR\\agent",
        "C:\\Program Files (x86)\\Microsoft Azure Site Recovery",
    ]
    ((name, parameters),) = sent_for("disabled account")
    assert (name, len(parameters)) == (read_cmdlets.NET, 1)


def test_netbios_rules_are_opened_on_old_systems() -> None:
    evidence = but(CASES["smb rules"][0], release=RELEASES["2008R2SP1"])
    (step,) = steps(evidence)
    assert step.details["group"] == cures.SHARING_GROUP


def test_a_program_that_fails_is_an_error_with_its_code() -> None:
    programs = FakePrograms().on("sc", lambda _run: ProgramResult(exit_code=5, stdout="Accès refusé.\r\n"))
    with pytest.raises(RemoteError, match=r"sc start LanmanServer: exit code 5: Accès refusé\.") as failed:
        hands.ProgramHand(programs).service("LanmanServer", None, run=True)
    assert failed.value.details["exit_code"] == 5


def test_a_service_that_runs_already_is_started() -> None:
    programs = FakePrograms().on("sc", lambda _run: 1056)
    hands.ProgramHand(programs).service("LanmanServer", None, run=True)
    assert [run.arguments for run in programs.ran("sc")] == [("start", "LanmanServer")]


def back(evidence: WindowsEvidence, *done: CureStep) -> list[tuple[str, Any, Any]]:
    return [(step.subject, step.before, step.after) for step in cures.reversing(evidence, done)]


@pytest.mark.parametrize("before", [None, 0])
def test_remote_uac_gets_its_earlier_value_again_once(before: int | None) -> None:
    (done,) = steps(but(guard={"token_filter_policy": before}))
    assert back(but(guard={"token_filter_policy": 1}), done) == [("LocalAccountTokenFilterPolicy", 1, before)]
    assert back(but(guard={"token_filter_policy": before}), done) == []


def test_an_account_that_was_enabled_is_disabled_again() -> None:
    (done,) = steps(CASES["disabled account"][0])
    assert back(but(), done) == [("account asrpush", "active", "disabled")]
    assert back(CASES["disabled account"][0], done) == []


def test_a_lock_is_not_set_again() -> None:
    (done,) = steps(CASES["locked account"][0])
    assert back(but(), done) == []


@pytest.mark.parametrize(
    "step",
    [
        CureStep(id="95103", subject="firewall", before="disabled", after="enabled"),
        CureStep(id="95107", subject="LocalAccountTokenFilterPolicy", before="0; calc", after=1),
        CureStep(id="95519", subject="account x", before=None, after=None, details={"account": 5}),
    ],
)
def test_what_is_no_weakening_of_ours_is_refused(step: CureStep) -> None:
    with pytest.raises(InvalidRequest, match="undo"):
        cures.reversing(but(), [step])


def test_removing_the_value_is_a_command_of_its_own() -> None:
    session = FakeSession({"Remove-ItemProperty": lambda _parameters, _piped: []})
    hands.CmdletHand(session).token_filter(None)
    assert session.sent("Remove-ItemProperty")[0]["Name"] == "LocalAccountTokenFilterPolicy"
    programs = FakePrograms().on("reg", lambda _run: 0)
    hands.ProgramHand(programs).token_filter(None)
    assert programs.runs[0].arguments[0] == "delete"
