# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The traps of several statements, live objects, preferences and stopping (facts on the engine, sections 1, 2, 6)."""

from __future__ import annotations

import threading

import pytest
from hyperv_lab.conform.pipelines import Call
from hyperv_lab.powershell.lists import ArrayList
from hyperv_lab.powershell.runspace import Runspace
from unit.lab.engine_help import call, run, script, session

TERMINATING = [
    call("Get-Sample", Terminate=True),
    call("Get-Sample", Throw=True),
    call("Get-Sample", Nope="x"),
    call("Get-Sample", Id="nonsense"),
    call("Get-Nope"),
    call("Need-One"),
]


@pytest.fixture
def runspace() -> Runspace:
    return session()


@pytest.mark.parametrize("bad", TERMINATING)
def test_an_error_of_the_first_statement_is_swallowed_and_only_the_second_runs(runspace: Runspace, bad: Call) -> None:
    reply = run(runspace, bad, call("Write-Output", "two"), call("Write-Output", "three"))
    assert (reply.state, reply.outputs, len(reply.errors)) == ("Completed", ["two"], 1)


@pytest.mark.parametrize("bad", TERMINATING)
def test_a_marker_in_front_makes_every_terminating_error_end_the_invocation(runspace: Runspace, bad: Call) -> None:
    reply = run(runspace, call("Write-Output", "::"), bad, call("Write-Output", "three"))
    assert (reply.state, reply.outputs, reply.errors) == ("Failed", ["::"], [])
    assert reply.ended_by


@pytest.mark.parametrize("bad", TERMINATING)
def test_alone_it_ends_the_invocation(runspace: Runspace, bad: Call) -> None:
    assert run(runspace, bad).state == "Failed"


def test_error_action_stop_ends_even_the_first_statement(runspace: Runspace) -> None:
    reply = run(runspace, call("Get-Sample", Name="nope", ErrorAction="Stop"), call("Write-Output", "two"))
    assert (reply.state, reply.outputs, reply.ended_by) == ("Failed", [], "InvalidParameter,Sample.GetSample")


def test_silence_does_not_reach_terminating_errors(runspace: Runspace) -> None:
    assert run(runspace, call("Get-Sample", Terminate=True, ErrorAction="SilentlyContinue")).state == "Failed"
    assert run(runspace, call("Get-Sample", Name="nope", ErrorAction="SilentlyContinue")).errors == []


def test_the_engines_swallowed_errors_are_stand_ins_those_of_cmdlets_are_not(runspace: Runspace) -> None:
    ours = run(runspace, call("Get-Nope"), call("Out-Null")).errors[0]
    theirs = run(runspace, call("Get-Sample", Terminate=True), call("Out-Null")).errors[0]
    assert ours.exception[0].endswith("ParentContainsErrorRecordException")
    assert theirs.exception[0] == "Sample.SampleException"


def test_a_variable_keeps_one_object_as_itself_and_an_out_variable_a_list(runspace: Runspace) -> None:
    get = call("Get-Sample", Name="db", OutVariable="listed")
    run(runspace, [get, call("Set-Variable", Name="kept", Scope="Global")])
    kept, listed = (run(runspace, call("Get-Variable", Name=n, ValueOnly=True)).outputs[0] for n in ("kept", "listed"))
    assert kept.name == "db"
    assert isinstance(listed, ArrayList)
    read = call("Get-Variable", Name="listed", ValueOnly=True)
    change = call("Set-SampleAdapter", SwitchName="x")
    assert run(runspace, [read, change]).ids == ["InputObjectNotBound,Sample.SetSampleAdapter"]


def test_a_child_of_a_kept_object_is_the_live_one(runspace: Runspace) -> None:
    run(runspace, [call("Get-Sample", Name="db"), call("Set-Variable", Name="vm")])
    read, children = call("Get-Variable", Name="vm", ValueOnly=True), call("Select-Object", ExpandProperty="First")
    run(runspace, [read, children, call("Set-SampleAdapter", SwitchName="WAN")])
    assert run(runspace, [read, children]).outputs[0].switch == "WAN"


def test_preferences_hold_for_later_invocations(runspace: Runspace) -> None:
    run(runspace, call("Set-Variable", Name="ErrorActionPreference", Value="stop", Scope="Global"))
    assert run(runspace, call("Get-Sample", Name="nope"), call("Write-Output", "x")).state == "Failed"
    value = run(runspace, call("Get-Variable", Name="erroractionpreference", ValueOnly=True)).outputs[0]
    assert (value.name, value.number) == ("Stop", 1)
    run(runspace, call("Set-Variable", Name="ProgressPreference", Value="SilentlyContinue", Scope="Global"))
    assert run(runspace, call("Write-SampleStreams")).progressed == []


def test_what_if_changes_nothing(runspace: Runspace) -> None:
    assert run(runspace, call("Set-Sample", Name="a", WhatIf=True)).outputs == []
    run(runspace, call("Set-Variable", Name="WhatIfPreference", Value=True, Scope="Global"))
    assert run(runspace, call("Set-Sample", Name="a", Confirm=False)).outputs == []


def test_selecting_the_first_stops_what_stands_before(runspace: Runspace) -> None:
    reply = run(runspace, [call("Get-Sample", Name=["db", "nope"]), call("Select-Object", First=1)])
    assert (reply.names, reply.ids) == (["db"], [])
    waiting = run(runspace, [call("Get-Sample", Name=["db", "nope"]), call("Select-Object", First=1, Wait=True)])
    assert (waiting.names, waiting.ids) == (["db"], ["InvalidParameter,Sample.GetSample"])


def test_a_stopped_invocation_keeps_what_it_wrote_and_the_session(runspace: Runspace) -> None:
    stopping = threading.Event()
    threading.Timer(0.05, stopping.set).start()
    reply = run(
        runspace,
        call("Write-Output", "before"),
        call("Move-Sample", Name="db", Milliseconds=60_000),
        stopping=stopping,
    )
    assert (reply.state, reply.outputs) == ("Stopped", ["before"])
    assert run(runspace, call("Write-Output", "after")).outputs == ["after"]


def test_scripts_need_a_canned_answer(runspace: Runspace) -> None:
    assert run(runspace, script("Get-Date")).ended_by == "LabScriptNotSupported"


def test_an_unknown_module_is_another_error_than_an_unknown_command(runspace: Runspace) -> None:
    assert run(runspace, call("Nope\\Get-Sample")).ended_by == "CouldNotAutoLoadModule"
    assert run(runspace, call("Samples\\Get-Nope")).ended_by == "CommandNotFoundException"
