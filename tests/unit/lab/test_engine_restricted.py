# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restricted endpoints: what is visible, proxies and their traps (facts on the engine, section 5)."""

from __future__ import annotations

import pytest
from hyperv_lab.powershell.restricted import Endpoint, grant
from hyperv_lab.powershell.runspace import Runspace
from unit.lab.engine_help import SELECT, call, run, script, session

GRANTS = (
    grant("Get-Sample"),
    grant("Set-Sample", Name=("db", "web"), Memory=None),
    grant("Need-Value", Strings="[a-z]+"),
    grant("Get-Variable"),
    grant("Write-Output"),
    grant(SELECT),
)
KEEP = grant("Set-Variable", Name=("hm",), Value=None, Scope=("Global",))


@pytest.fixture
def runspace() -> Runspace:
    return session(Endpoint((*GRANTS, KEEP)))


@pytest.mark.parametrize("name", ["Get-Process", "Need-One", "where", "Where-Object", "/bin/echo", "cmd.exe"])
def test_what_is_not_granted_is_not_there(runspace: Runspace, name: str) -> None:
    assert run(runspace, call(name)).ended_by == "CommandNotFoundException"


def test_no_script_runs(runspace: Runspace) -> None:
    reply = run(runspace, script("Get-Sample"))
    assert (reply.ended_by, reply.end and reply.end.category) == ("ScriptsNotAllowed", "ParserError")


def test_the_plain_name_is_the_proxy_and_the_qualified_one_the_cmdlet(runspace: Runspace) -> None:
    get = call("Get-Sample", Name="db")
    assert run(runspace, [get, call("Select-Object", First=1)]).ended_by == "NamedParameterNotFound,Select-Object"
    refused = run(runspace, [get, call("Select-Object", Property=["Name", "State"])])
    assert refused.ended_by == "ParameterArgumentValidationError,Select-Object"
    assert run(runspace, [get, call("Select-Object", Property=["Name", "Count"])]).names == ["db"]
    assert run(runspace, [get, call(SELECT, Property=["Name", "State"])]).names == ["db"]


@pytest.mark.parametrize(
    ("command", "error_id"),
    [
        (call("Set-Sample", Name="other"), "ParameterArgumentValidationError,Set-Sample"),
        (call("Set-Sample", Name="db", State="Off"), "NamedParameterNotFound,Set-Sample"),
        (call("Need-Value", Strings="abc;1"), "ParameterArgumentValidationError,Need-Value"),
        (call("Need-Value", Strings="abc\n;1"), "ParameterArgumentValidationError,Need-Value"),
        (call("Get-Sample", OutVariable="x"), "VariableReferenceNotSupportedInDataSection"),
        (call("Set-Sample", Name="db", ErrorVariable="x"), "VariableReferenceNotSupportedInDataSection"),
    ],
)
def test_restrictions_refuse(runspace: Runspace, command: object, error_id: str) -> None:
    assert run(runspace, command).ended_by == error_id  # type: ignore[arg-type]


def test_what_is_granted_works_and_what_if_always_does(runspace: Runspace) -> None:
    assert run(runspace, call("Set-Sample", Name="DB", Memory="1GB")).outputs == ["name:DB"]
    assert run(runspace, call("Set-Sample", Name="db", WhatIf=True)).outputs == []


def test_a_restricted_set_variable_loses_its_value_without_the_global_scope(runspace: Runspace) -> None:
    get, read = call("Get-Sample", Name="db"), call("Get-Variable", Name="hm", ValueOnly=True)
    run(runspace, [get, call("Set-Variable", Name="hm")])
    assert run(runspace, read).ids == ["VariableNotFound,Microsoft.PowerShell.Commands.GetVariableCommand"]
    run(runspace, [get, call("Set-Variable", Name="hm", Scope="Global")])
    assert run(runspace, read).outputs[0].name == "db"


def test_default_values_reach_the_cmdlet_behind_a_proxy() -> None:
    runspace = session(Endpoint((*GRANTS, grant("Set-Variable"))))
    defaults = {"Set-Sample:WhatIf": True, "Need-*:Long": 7}
    run(runspace, call("Set-Variable", Name="PSDefaultParameterValues", Value=defaults))
    assert run(runspace, call("Set-Sample", Name="db")).outputs == []
    assert run(runspace, call("Need-Value", Strings="a")).outputs == ["Long=Int64:7", "Strings=String[]:a"]


def test_commands_are_listed_functions_first(runspace: Runspace) -> None:
    names = run(runspace, [call("Get-Command"), call(SELECT, ExpandProperty="Name")]).outputs
    assert names[:3] == ["Clear-Host", "Exit-PSSession", "Get-Command"]
    assert names.index("Set-Sample") < names.index("Get-Sample")
    assert names.count("Select-Object") == 2
