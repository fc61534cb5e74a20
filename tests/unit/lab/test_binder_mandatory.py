# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which set the input may complete: the mandatory check before input, by commands made for one rule each."""

from __future__ import annotations

from hyperv_lab.powershell.signature import command, parameter
from hyperv_lab.powershell.values import PropertyBag
from unit.lab.binding_help import Switch, Vm, pipe, pipe_failure, record

MISSING, AMBIGUOUS_SET = "MissingMandatoryParameter", "AmbiguousParameterSet"
VM = Vm()
BAG = PropertyBag({"Other": 1})


def test_sets_that_take_no_input_go() -> None:
    taker = command(
        "Get-X",
        parameter("Name", sets=["A", "B"]),
        parameter("Value", "Int32", sets="A", by_value=True),
        parameter("Path", sets="B", mandatory=True),
        parameter("Other", sets="C"),
    )
    assert pipe(5, taker, Name="x").set == "A"


def test_sets_that_take_no_input_stay_if_a_parameter_of_all_sets_takes_it() -> None:
    taker = command(
        "Get-X",
        parameter("VM", "VirtualMachine", by_value=True),
        parameter("Name", sets=["A", "B"]),
        parameter("Switch", "VMSwitch", sets="A", by_value=True),
        parameter("Path", sets="B"),
        parameter("Other", sets="C"),
    )
    assert record(VM, taker, Name="x") == AMBIGUOUS_SET


def test_a_complete_default_outlives_sets_that_input_can_not_complete() -> None:
    taker = command(
        "Get-X",
        parameter("Name", sets="Name", by_name=True),
        parameter("Path", sets="Path", mandatory=True),
        parameter("Text", sets="Path", by_value=True),
        default="Name",
    )
    assert pipe(VM, taker).set == "Name"


def test_the_default_is_taken_if_it_alone_waits_for_a_name() -> None:
    taker = command(
        "Get-X",
        parameter("Name", sets="Name", mandatory=True, by_name=True),
        parameter("Thing", "Object", sets="Thing", mandatory=True, by_value=True),
        default="Name",
    )
    assert record(BAG, taker) == "InputObjectNotBound"
    assert pipe(VM, taker).set == "Name"


def test_the_default_is_taken_if_no_other_set_could_be_completed_by_input() -> None:
    taker = command(
        "Get-X",
        parameter("Name", sets="Name", mandatory=True),
        parameter("VM", "VirtualMachine", sets="VM", mandatory=True, by_value=True),
        parameter("Path", sets="VM", mandatory=True),
        default="Name",
    )
    assert pipe_failure(taker) == MISSING
    assert pipe(VM, taker, Path="p").set == "VM"


def test_the_default_is_taken_if_something_of_all_sets_is_stuck() -> None:
    taker = command(
        "Get-X",
        parameter("Both", mandatory=True),
        parameter("Name", sets="Name", mandatory=True),
        parameter("VM", "VirtualMachine", sets="VM", mandatory=True, by_value=True),
        default="Name",
    )
    assert pipe_failure(taker) == MISSING
    assert pipe(VM, taker, Both="x").set == "VM"


def test_the_set_that_was_chosen_gets_the_object_before_those_that_lack_nothing() -> None:
    taker = command(
        "Get-X",
        parameter("Wanted", "Object", sets="Chosen", mandatory=True, by_value=True),
        parameter("Welcome", "Object", sets="Content", by_value=True),
        parameter("Path", sets="Stuck", mandatory=True),
        parameter("Thing", "Object", sets="Stuck", by_value=True),
    )
    bound = pipe(5, taker)
    assert bound.set == "Chosen"
    assert bound.parameters == {"Wanted": 5}


def test_of_several_sets_that_wait_for_a_value_those_with_something_stuck_go() -> None:
    vm = parameter("VM", "VirtualMachine", sets="VM", mandatory=True, by_value=True)
    path = parameter("Path", sets="VM", mandatory=True)
    switch = parameter("Switch", "VMSwitch", sets="Switch", mandatory=True, by_value=True)
    taker = command("Get-X", vm, path, switch)
    assert record(VM, taker) == "InputObjectNotBound"
    assert pipe(Switch(), taker).set == "Switch"
    all_stuck = command("Get-X", vm, path, switch, parameter("Port", sets="Switch", mandatory=True))
    assert pipe_failure(all_stuck) == AMBIGUOUS_SET


def test_one_set_by_value_and_another_by_name_stay_open() -> None:
    taker = command(
        "Get-X",
        parameter("VM", "VirtualMachine", sets="VM", mandatory=True, by_value=True),
        parameter("Name", sets="Name", mandatory=True, by_name=True),
    )
    assert pipe(PropertyBag({"Name": "x"}), taker).set == "Name"
    assert pipe(VM, taker).set == "VM"


def test_nobody_chosen_and_something_stuck_without_input_is_ambiguous() -> None:
    taker = command(
        "Get-X",
        parameter("A", sets="A", mandatory=True),
        parameter("B", sets="B", mandatory=True),
        parameter("VM", "VirtualMachine", by_value=True),
    )
    assert pipe_failure(taker) == AMBIGUOUS_SET
    assert pipe(VM, taker, A="x").set == "A"
