# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import time

import pytest
from hyperv_lab.powershell.binder import BindingFailed, prepare
from hyperv_lab.powershell.providers import provider_of
from hyperv_lab.powershell.signature import command, parameter
from hypothesis import given
from hypothesis import strategies as st
from unit.lab.binding_help import Vm, bind, failure, known

MISSING, AMBIGUOUS_SET = "MissingMandatoryParameter", "AmbiguousParameterSet"
POSITIONS = command("Get-Two", parameter("A", "Int32", position=0), parameter("B", "String", position=1))
FUNCTION = command(
    "Get-Free",
    parameter("First", "String"),
    parameter("Force", "SwitchParameter"),
    parameter("Second", "Int32"),
    kind="function",
)
APART = command(
    "Get-Apart",
    parameter("Name", "String", sets="Name", mandatory=True),
    parameter("Id", "Guid", sets="Id", mandatory=True),
    parameter("All", "SwitchParameter", sets="All"),
)


def test_names_in_any_case_by_beginning_and_by_alias() -> None:
    assert bind("Get-VM", NAME="x").parameters == {"Name": ["x"]}
    assert bind("Get-VM", Na="x").parameters == {"Name": ["x"]}
    assert bind("Get-VM", VMName="x").parameters == {"Name": ["x"]}
    assert bind("Get-VM", ea="Stop").parameters["ErrorAction"].name == "Stop"


def test_a_name_given_twice_is_refused_under_its_alias_too() -> None:
    assert failure("Get-VM", Name="x", VMName="y") == "ParameterAlreadyBound"
    assert failure("Get-VM", Name="x", na="y") == "ParameterAlreadyBound"


def test_a_beginning_of_several_names() -> None:
    assert failure("Get-VM", C="x") == "AmbiguousParameter"
    assert failure("Get-VM", Error="x") == "AmbiguousParameter"
    assert bind("Stop-VM", Name="x", Co="h").parameters["ComputerName"] == ["h"]


def test_unknown_names() -> None:
    assert failure("Get-VM", Nonsense="x") == "NamedParameterNotFound"
    assert failure("Stop-VM", Nonsense="x") == "NamedParameterNotFound", "before the missing mandatory one"
    assert failure("Get-VM", WhatIf=True) == "NamedParameterNotFound", "the command has no should-process"


def test_2012_r2_has_no_cim_session() -> None:
    with pytest.raises(BindingFailed) as failed:
        prepare(known("Get-VM", "2012R2"), [("CimSession", "h")])
    assert (failed.value.error_id, failed.value.parameter) == ("NamedParameterNotFound", "CimSession")


def test_positions_take_the_arguments_in_order() -> None:
    assert bind("Move-VM", "web", "h2").parameters == {"Name": "web", "DestinationHost": "h2"}
    assert bind("Move-VM", "h2", Name="web").parameters == {"Name": "web", "DestinationHost": "h2"}


def test_too_many_positional_arguments() -> None:
    assert failure(POSITIONS, 1, "b", "c") == "PositionalParameterNotFound"


def test_a_refused_argument_is_left_over_and_the_next_position_gets_the_next_one() -> None:
    assert failure(POSITIONS, "x", "b") == "PositionalParameterNotFound", "B took b, so no refusal is left to report"
    assert failure(POSITIONS, "x") == "CannotConvertArgumentNoMessage"


def test_the_first_refused_argument_of_a_function_ends_it() -> None:
    positions = (parameter("A", "Int32", position=0), parameter("B", "String", position=1))
    assert failure(command("Get-Two", *positions, kind="function"), "x", "b") == "ParameterArgumentTransformationError"


def test_a_function_without_positions_numbers_its_parameters_but_switches() -> None:
    assert bind(FUNCTION, "a", "5").parameters == {"First": "a", "Second": 5}
    assert failure(FUNCTION, "a", "x") == "ParameterArgumentTransformationError"
    assert failure(FUNCTION, "a", 5, "c") == "PositionalParameterNotFound"


def test_a_compiled_command_without_positions_takes_none() -> None:
    assert failure(command("Get-None", parameter("First")), "a") == "PositionalParameterNotFound"


def test_a_position_without_conversion_comes_before_one_of_the_default_set() -> None:
    either = command(
        "Get-Either",
        parameter("Number", "Int32", sets="Number", position=0),
        parameter("Text", "String", sets="Text", position=0),
        default="Number",
    )
    assert bind(either, "5").set == "Text"
    assert bind(either, 5).set == "Number"
    assert bind(either, True).set == "Number", "with conversion, the default set first"


def test_sets_that_exclude_each_other() -> None:
    assert failure("Move-VM", Name="x", VM=Vm()) == AMBIGUOUS_SET
    assert failure(APART, Name="x", All=True) == AMBIGUOUS_SET
    assert failure("Get-VM", Name="x", Id="0f8fad5b-d9cb-469f-a165-70867728950e") == AMBIGUOUS_SET


@pytest.mark.parametrize(
    ("arguments", "error_id"),
    [
        ({"Name": "x", "Id": "bad"}, "CannotConvertArgumentNoMessage"),
        ({"Id": "bad", "name": "x", "NAME": "y"}, "CannotConvertArgumentNoMessage"),
        ({"Name": "x", "name": "y", "Id": "bad"}, "ParameterAlreadyBound"),
        ({"Name": "x", "All": True, "Nonsense": 1}, AMBIGUOUS_SET),
    ],
)
def test_which_of_several_errors_is_reported(arguments: dict[str, object], error_id: str) -> None:
    assert failure(APART, **arguments) == error_id


def test_a_live_default_set_wins_over_another_complete_one() -> None:
    assert failure("Stop-VM") == MISSING
    assert failure("Move-VM") == MISSING


def test_without_a_default_the_only_complete_set_is_taken() -> None:
    assert bind(APART).set == "All"
    none_complete = command("Get-X", *(parameter(each, sets=each, mandatory=True) for each in "AB"))
    assert failure(none_complete) == AMBIGUOUS_SET


def test_what_is_missing_is_named() -> None:
    with pytest.raises(BindingFailed) as failed:
        bind("Move-VM", Name="x")
    assert (failed.value.error_id, failed.value.parameter) == (MISSING, "DestinationHost")


def test_a_command_without_named_sets() -> None:
    assert bind(POSITIONS, 1).set == "__AllParameterSets"


def test_values_have_the_types_that_the_signature_says() -> None:
    bound = bind("Set-VMMemory", VMName="x", StartupBytes="4GB", DynamicMemoryEnabled=1).parameters
    assert bound == {"VMName": ["x"], "StartupBytes": 4 << 30, "DynamicMemoryEnabled": True}


def test_storage_move_needs_one_way_to_say_where_to() -> None:
    assert failure("Move-VMStorage", "x", DestinationStoragePath="D:\\", VirtualMachinePath="D:\\") == AMBIGUOUS_SET
    assert bind("Move-VMStorage", "x", DestinationStoragePath="D:\\").set == "NameSingleDestination"


def test_dynamic_parameters_exist_under_their_provider() -> None:
    assert bind("Get-ChildItem", Path="C:\\vm", File=True).parameters["File"] is True
    assert failure("Get-ChildItem", Path="Cert:\\LocalMachine\\My", File=True) == "NamedParameterNotFound"
    assert bind("Get-ChildItem", Path="Cert:\\LocalMachine\\My", CodeSigningCert=True).set == "Items"


@pytest.mark.parametrize(
    ("path", "provider"),
    [
        ("C:\\x", "FileSystem"),
        ("\\\\s\\x", "FileSystem"),
        ("WSMan:\\localhost", "WSMan"),
        ("Microsoft.PowerShell.Core\\Registry::HKLM", "Registry"),
        (["Cert:\\x"], "Certificate"),
        (None, "FileSystem"),
    ],
)
def test_the_provider_of_a_path(path: object, provider: str) -> None:
    assert provider_of(path) == provider


@given(
    st.permutations(
        [("Name", "web"), ("DestinationHost", "h2"), ("IncludeStorage", True), ("DestinationStoragePath", "D:\\")]
    )
)
def test_the_order_of_good_named_arguments_does_not_matter(arguments: list[tuple[str | None, object]]) -> None:
    bound = prepare(known("Move-VM"), arguments).bound()
    assert bound.set == "NameSingleDestination"
    assert bound.parameters == dict(arguments)


ARGUMENTS = st.tuples(st.none() | st.text(max_size=6), st.none() | st.text(max_size=4) | st.integers())


@given(st.lists(ARGUMENTS, max_size=4), st.booleans())
def test_any_command_line_is_bound_or_refused(arguments: list[tuple[str | None, object]], ahead: bool) -> None:
    with contextlib.suppress(BindingFailed):
        bound = prepare(known("Set-VMNetworkAdapter"), arguments, input_ahead=ahead).bound()
        assert len(bound.parameters) == len(arguments)


def test_binding_is_fast() -> None:
    move = known("Move-VM")
    arguments = [("Name", "web"), ("DestinationHost", "h2"), ("IncludeStorage", True), ("ErrorAction", "Stop")]
    best = min(_seconds(lambda: prepare(move, arguments).bound()) for _ in range(5))
    assert best < 0.0003


def _seconds(call: object, times: int = 50) -> float:
    assert callable(call)
    started = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - started) / times
