# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's own cmdlets: rules that recordings show, and those of its public source."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from hyperv_lab.powershell.runspace import Runspace
from hyperv_lab.powershell.values import PropertyBag
from unit.lab.engine_help import call, run, session


@pytest.fixture
def runspace() -> Runspace:
    return session()


def numbers(count: int) -> Any:
    """Return a command that writes 1 to count."""
    return call("Get-Sample", Count=count)


@pytest.mark.parametrize(
    ("parameters", "left"),
    [
        ({"First": 2}, [1, 2]),
        ({"Last": 2}, [4, 5]),
        ({"Skip": 2}, [3, 4, 5]),
        ({"Skip": 1, "First": 2}, [2, 3]),
        ({"Last": 2, "Skip": 1}, [3, 4]),
        ({"SkipLast": 2}, [1, 2, 3]),
        ({"First": 1, "Last": 2}, [1, 4, 5]),
        ({"Index": [3, 0]}, [1, 4]),
        ({"SkipIndex": [0, 1]}, [3, 4, 5]),
        ({"First": 0}, []),
    ],
)
def test_select_by_place(runspace: Runspace, parameters: dict[str, Any], left: list[int]) -> None:
    assert run(runspace, [numbers(5), call("Select-Object", **parameters)]).outputs == left


def test_select_properties(runspace: Runspace) -> None:
    def select(**parameters: Any) -> Any:
        return run(runspace, [call("Get-Sample", Name="db"), call("Select-Object", **parameters)])

    assert list(select(Property=["n*", "nope", "zz*"]).outputs[0].notes) == [
        "Name",
        "Nothing",
        "None",
        "NetworkAdapters",
        "nope",
    ]
    assert list(select(Property=["Name", "State"], ExcludeProperty=["st*"]).outputs[0].notes) == ["Name"]
    twice = select(Property=["Name", "name"])
    assert (twice.names, len(twice.errors)) == (["db"], 1)
    unknown = select(ExpandProperty="Nope")
    assert unknown.ids == ["ExpandPropertyNotFound,Microsoft.PowerShell.Commands.SelectObjectCommand"]
    assert select(ExpandProperty="Broken").errors[0].category == "InvalidResult"
    assert select(ExpandProperty="Nothing").outputs == []


def test_expanding_keeps_the_parents_properties_beside_the_live_child(runspace: Runspace) -> None:
    select = call("Select-Object", ExpandProperty="NetworkAdapters", Property=["Id", "Name"])
    reply = run(runspace, [call("Get-Sample", Name="db"), select])
    assert [each.notes for each in reply.outputs] == [{"Id": uuid.UUID(int=0x22222222222222222222222222222222)}] * 2
    assert [error.error_id for error in reply.errors] == ["AlreadyExistingUserSpecifiedPropertyExpand"] * 2
    changed = run(
        runspace,
        [call("Get-Sample", Name="db"), call("Set-Variable", Name="v")],
        [
            call("Get-Variable", Name="v", ValueOnly=True),
            call("Select-Object", ExpandProperty="NetworkAdapters", Property="Id"),
            call("Set-SampleAdapter", SwitchName="new"),
        ],
        [call("Get-Variable", Name="v", ValueOnly=True), call("Select-Object", ExpandProperty="First")],
    )
    assert (changed.outputs[0].switch, changed.errors) == ("new", [])


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({"Property": "Name", "Value": "WEB", "EQ": True}, ["web", "Web"]),
        ({"Property": "Name", "Value": "web", "CNE": True}, ["db", "Web", "O'Brien [x] `$y"]),
        ({"Property": "State", "Value": "Off", "NE": True}, ["web", "Web"]),
        ({"Property": "State", "Value": ["off", "saved"], "In": True}, ["db", "Web", "O'Brien [x] `$y"]),
        ({"Property": "Id", "Value": ["22222222-2222-2222-2222-222222222222"], "In": True}, ["db"]),
        ({"Property": "Tags", "Value": "B", "Contains": True}, ["web", "db", "Web", "O'Brien [x] `$y"]),
        ({"Property": "MemoryAssigned", "Value": "3GB", "GT": True}, ["web", "db"]),
        ({"Property": "Uptime", "Value": "1.00:00:00", "LT": True}, []),
        ({"Property": "Version", "Value": "9.5", "GE": True}, ["web", "db", "Web", "O'Brien [x] `$y"]),
        ({"Property": "Clustered"}, []),
        ({"Property": "Empty", "Not": True}, ["web", "db", "Web", "O'Brien [x] `$y"]),
        ({"Property": "Name", "Value": "*[[]x]*", "Like": True}, ["O'Brien [x] `$y"]),
    ],
)
def test_where(runspace: Runspace, parameters: dict[str, Any], names: list[str]) -> None:
    assert run(runspace, [call("Get-Sample"), call("Where-Object", **parameters)]).names == names


def test_where_refuses_half_a_comparison(runspace: Runspace) -> None:
    def ended(**parameters: Any) -> str:
        return run(runspace, [call("Get-Sample"), call("Where-Object", **parameters)]).ended_by.partition(",")[0]

    assert ended(Property="Name", Value="x") == "OperatorNotSpecified"
    assert ended(Property="Name", GT=True) == "ValueNotSpecifiedForWhereObject"


def test_sort(runspace: Runspace) -> None:
    def sort(**parameters: Any) -> list[str]:
        return run(runspace, [call("Get-Sample"), call("Sort-Object", **parameters)]).names

    assert sort(Property=["Name"]) == ["db", "O'Brien [x] `$y", "web", "Web"]
    assert sort(Property=["MemoryAssigned"], Descending=True)[:2] == ["db", "web"]
    assert sort(Property=["MemoryAssigned"], Top=1) == ["Web"]
    assert sort(Property=["State", "Name"]) == ["web", "db", "O'Brien [x] `$y", "Web"]


def json_of(runspace: Runspace, value: Any, **parameters: Any) -> Any:
    """Return what ConvertTo-Json writes of one piped value."""
    reply = run(runspace, [call("Write-Output", value, NoEnumerate=True), call("ConvertTo-Json", **parameters)])
    assert len(reply.outputs) == 1, reply
    return reply.outputs[0]


def test_json_of_both_editions() -> None:
    vm = [call("Get-Sample", Name="db"), call("Select-Object", Property=["CreationTime", "State", "Name"])]
    to_json = call("ConvertTo-Json", Compress=True)
    new = run(session(), [*vm, to_json]).outputs[0]
    old = run(session(edition="2022"), [*vm, to_json]).outputs[0]
    assert new == '{"CreationTime":"2026-01-02T03:04:05Z","State":3,"Name":"db"}'
    assert old == '{"CreationTime":"\\/Date(1767323045000)\\/","State":3,"Name":"db"}'


def test_json_of_an_array_that_is_one_object() -> None:
    keep = [numbers(2), call("Set-Variable", Name="v")]
    show = [call("Get-Variable", Name="v", ValueOnly=True), call("ConvertTo-Json", Compress=True)]
    assert run(session(), keep, show).outputs == ["[1,2]"]
    assert run(session(edition="2022"), keep, show).outputs == ['{"value":[1,2],"Count":2}']


def test_json_is_cut_at_its_depth_with_a_warning(runspace: Runspace) -> None:
    deep = PropertyBag({"a": PropertyBag({"b": PropertyBag({"c": 1})})})
    reply = run(runspace, [call("Write-Output", deep), call("ConvertTo-Json", Depth=1, Compress=True)])
    assert json.loads(reply.outputs[0]) == {"a": {"b": "@{c=1}"}}
    assert len(reply.warnings) == 1


def test_json_is_indented_and_escapes_what_it_must(runspace: Runspace) -> None:
    assert json_of(runspace, PropertyBag({"a": [], "b": ['"é\n']})) == '{\n  "a": [],\n  "b": [\n    "\\"é\\n"\n  ]\n}'
    assert json_of(runspace, "<é", EscapeHandling="EscapeHtml") == '"\\u003cé"'
    assert json_of(runspace, "é", EscapeHandling="EscapeNonAscii") == '"\\u00e9"'


def test_ranges_are_kept(runspace: Runspace) -> None:
    assert run(runspace, [numbers(1), call("Select-Object", First=-1)]).ended_by.startswith(
        "ParameterArgumentValidationError,"
    )
    assert run(runspace, [numbers(1), call("ConvertTo-Json", Depth=101)]).state == "Failed"


def test_constants_and_scopes(runspace: Runspace) -> None:
    assert run(runspace, call("Set-Variable", Name="true", Value=0)).errors[0].error_id == "VariableNotWritable"
    assert run(runspace, call("Get-Variable", Name="x", Scope="5")).state == "Failed"
    wildcards = run(runspace, [call("Get-Variable", Name="*Preference"), call("Select-Object", ExpandProperty="Name")])
    assert "ErrorActionPreference" in wildcards.outputs
    assert wildcards.errors == []


def test_group_and_measure(runspace: Runspace) -> None:
    groups = run(runspace, [call("Get-Sample"), call("Group-Object", Property=["State"])]).outputs
    assert [(group.name, group.count) for group in groups] == [("Running", 1), ("Off", 2), ("Saved", 1)]
    measured = run(runspace, [numbers(4), call("Measure-Object", Sum=True, Average=True, Minimum=True)]).outputs[0]
    assert (measured.count, measured.sum, measured.average, measured.minimum) == (4, 10, 2.5, 1)
