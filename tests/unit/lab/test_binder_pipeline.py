# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from hyperv_lab.powershell.binder import ObjectNotBound, prepare
from hyperv_lab.powershell.signature import command, parameter
from hyperv_lab.powershell.values import PropertyBag
from unit.lab.binding_help import Adapter, CimInstance, Switch, Vm, bind, failure, known, pipe, pipe_failure, record

MISSING, AMBIGUOUS_SET = "MissingMandatoryParameter", "AmbiguousParameterSet"
VM = Vm()
SET_VM = command(
    "Set-X", parameter("VM", "VirtualMachine[]", mandatory=True, by_value=True), parameter("Count", "Int64")
)


def test_an_object_binds_to_the_set_of_its_class() -> None:
    bound = pipe(VM, "Move-VM", DestinationHost="h2", IncludeStorage=True, DestinationStoragePath="D:\\")
    assert bound.set == "VMSingleDestination"
    assert bound.parameters["VM"] is VM


def test_a_derived_object_binds_to_its_base() -> None:
    adapter = Adapter()
    assert pipe(adapter, "Set-VMNetworkAdapter", MacAddressSpoofing="On").parameters["VMNetworkAdapter"] is adapter


def test_an_instance_of_a_cim_class_is_a_cim_instance() -> None:
    assert pipe(CimInstance(), "Invoke-CimMethod", MethodName="RequestStateChange").parameters["InputObject"]


def test_a_host_beside_an_object_binds_its_text_as_a_name() -> None:
    bound = pipe(VM, "Add-VMKeyStorageDrive", ComputerName="h")
    assert bound.set == "VMName"
    assert bound.parameters == {"ComputerName": ["h"], "VMName": ["Vm (Name = 'web')"]}


def test_a_host_beside_an_object_binds_its_name_as_a_pool() -> None:
    bound = pipe(VM, "Disable-VMResourceMetering", ComputerName="h")
    assert bound.parameters["ResourcePoolName"] == "web"


def test_a_forgotten_mandatory_parameter_is_filled_from_the_name() -> None:
    assert pipe(CimInstance("Msvm"), "Invoke-CimMethod").parameters["MethodName"] == "Msvm"


def test_an_object_for_another_set_fails_unseen_if_the_default_is_taken() -> None:
    assert pipe_failure("Add-VMAssignableDevice", ComputerName="h") == MISSING
    assert pipe_failure("Move-VM", IncludeStorage=True) == MISSING


def test_an_object_bound_by_value_also_fills_others_by_name() -> None:
    switch = Switch("LAN", "h7")
    bound = pipe(switch, "Add-VMSwitchTeamMember", NetAdapterInterfaceDescription="nic")
    assert bound.parameters["VMSwitch"] == [switch]
    assert bound.parameters["ComputerName"] == ["h7"]


def test_an_object_of_no_use_is_a_record_and_others_still_bind() -> None:
    prepared = prepare(SET_VM, [("Count", 2)], input_ahead=True)
    for _ in range(2):
        with pytest.raises(ObjectNotBound) as skipped:
            prepared.bind_object(PropertyBag({"Name": "x"}))
        assert (skipped.value.error_id, skipped.value.category) == ("InputObjectNotBound", "InvalidArgument")
    first, second = Vm("a"), Vm("b")
    assert prepared.bind_object(first).parameters == {"Count": 2, "VM": [first]}
    assert prepared.bind_object(second).parameters == {"Count": 2, "VM": [second]}, "nothing stays of the object before"


def test_a_received_copy_does_not_bind_where_the_object_does() -> None:
    copy = PropertyBag({"Name": "web"}, ("Deserialized.Microsoft.HyperV.PowerShell.VirtualMachine",))
    assert record(copy, SET_VM) == "InputObjectNotBound"
    assert failure("Set-VMProcessor", VM=copy) == "CannotConvertArgumentNoMessage"


def test_a_received_copy_binds_by_its_text_where_a_name_is_taken_by_value() -> None:
    copy = PropertyBag({"Name": "web"}, text="VirtualMachine (Name = 'web')")
    assert pipe(copy, "Set-VMProcessor", Count=2).parameters["VMName"] == ["VirtualMachine (Name = 'web')"]


def test_properties_bind_by_name_and_by_alias_in_any_case() -> None:
    taker = command("Get-X", parameter("Name", by_name=True, aliases=["VMName"]), parameter("Id", "Guid", by_name=True))
    assert pipe(PropertyBag({"vmname": "a"}), taker).parameters == {"Name": "a"}
    assert pipe(VM, taker).parameters == {"Name": "web", "Id": VM.identity}
    assert record(PropertyBag({"Other": 1}), taker) == "InputObjectNotBound"


def test_by_name_a_refused_conversion_is_passed_over_except_in_functions() -> None:
    parameters = (parameter("Id", "Guid", by_name=True), parameter("Name", by_name=True))
    bag = PropertyBag({"Id": "bad", "Name": "x"})
    assert pipe(bag, command("Get-X", *parameters)).parameters == {"Name": "x"}
    assert record(bag, command("Get-X", *parameters, kind="function")) == "ParameterArgumentTransformationError"


def test_by_value_a_type_that_fits_comes_before_one_that_needs_conversion() -> None:
    taker = command(
        "Get-X",
        parameter("Text", sets="Text", mandatory=True, by_value=True),
        parameter("VM", "VirtualMachine", sets="VM", mandatory=True, by_value=True),
        default="Text",
    )
    assert pipe(VM, taker).set == "VM"
    assert pipe(5, taker).set == "Text"


def test_an_object_that_fits_several_sets_is_ambiguous() -> None:
    taker = command(
        "Get-X",
        parameter("One", "VirtualMachine", sets="One", mandatory=True, by_value=True),
        parameter("Other", "VirtualMachine", sets="Other", mandatory=True, by_value=True),
    )
    assert record(VM, taker) == AMBIGUOUS_SET


def test_a_mandatory_parameter_that_input_did_not_give() -> None:
    taker = command(
        "Get-X", parameter("VM", "VirtualMachine", by_value=True), parameter("Name", mandatory=True, by_name=True)
    )
    assert record(type("Bare", (Vm,), {"PROPERTIES": {}})(), taker) == "InputObjectMissingMandatory"
    assert pipe(VM, taker).parameters["Name"] == "web"


def test_what_input_can_not_give_ends_the_invocation_before_it() -> None:
    assert pipe_failure("Rename-VMNetworkAdapter", VMName="x", Name="n") == MISSING
    assert pipe_failure(command("Get-X", parameter("A", mandatory=True), parameter("B", by_value=True))) == MISSING


def test_a_command_that_takes_no_input() -> None:
    assert record(5, command("Get-X", parameter("A"))) == "InputObjectNotBound"


def test_a_complete_default_gets_the_object_first() -> None:
    taker = command(
        "Get-X",
        parameter("Name", sets="Name", by_name=True),
        parameter("Path", sets="Path", mandatory=True),
        default="Name",
    )
    assert pipe(VM, taker).set == "Name"


def test_what_begin_sees_with_input_ahead_is_the_command_line() -> None:
    prepared = prepare(known("Set-VMProcessor"), [("Count", 2)], input_ahead=True)
    assert prepared.bound().parameters == {"Count": 2}


def test_the_pipeline_of_our_own_reads_binds() -> None:
    assert bind("Get-VM").set == "Name"
    assert pipe(VM, "Select-Object", Property=["Name", "Id"]).parameters["InputObject"] is VM
    assert pipe(VM, "Where-Object", Property="Name", Value="web", EQ=True).set == "EqualSet"
    assert pipe(VM, "ConvertTo-Json", Compress=True, Depth=3).parameters["Depth"] == 3
    assert pipe(VM, "Set-Variable", Name="hm_report", Scope="Global").parameters["Value"] is VM
