# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hyperv_lab.powershell.conversion import ConversionRefused, convert, validate
from hyperv_lab.powershell.enumerations import Enumerations
from hyperv_lab.powershell.numbers import WIDTHS, integer
from hyperv_lab.powershell.signature import Kind, parameter
from hyperv_lab.powershell.texts import parse_span, span_text, text_of, ticks_of, time_span
from hyperv_lab.powershell.types import Types
from hyperv_lab.powershell.values import Credential, EnumValue, Int64, LiveObject, PropertyBag, SecureString, TypedArray
from hypothesis import given
from hypothesis import strategies as st

UNCONVERTIBLE = ("CannotConvertArgumentNoMessage", "InvalidArgument")
UNACCEPTABLE = ("CannotConvertArgument", "InvalidArgument")
TRANSFORMATION = ("ParameterArgumentTransformationError", "InvalidData")
TYPES = Types(Enumerations(lambda: {"VMState": ("Running", "Off"), "ControllerType": ("IDE", "SCSI")}))
TYPES.register_enum("Microsoft.HyperV.PowerShell.VMState", {"Other": 1, "Running": 2, "Off": 3, "Saved": 6})
TYPES.register_enum("System.Rights", {"None": 0, "Read": 1, "Write": 2, "Run": 4}, flags=True)
GUID = uuid.UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
BAG = PropertyBag({"Name": "x"})
ALICE = Credential("alice", SecureString("secret"))


class Machine(LiveObject):
    TYPE_NAMES = (
        "Microsoft.HyperV.PowerShell.VirtualMachine",
        "Microsoft.HyperV.PowerShell.VirtualMachineBase",
        "System.Object",
    )


def become(type_name: str, value: Any, kind: Kind = "compiled") -> Any:
    return convert(TYPES.of(parameter("P", type_name)), value, kind)


def refusal(type_name: str, value: Any, kind: Kind = "compiled") -> tuple[str, str]:
    with pytest.raises(ConversionRefused) as refused:
        become(type_name, value, kind)
    return refused.value.error_id, refused.value.category


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5),
        ("4GB", 1 << 32),
        ("0x10", 16),
        ("1e3", 1000),
        ("1.5", 2),
        ("2.5", 2),
        ("", 0),
        (" 7 ", 7),
        ("-3", -3),
        ("1.5kb", 1536),
    ],
)
def test_text_to_a_number(text: str, number: int) -> None:
    found = become("Int64", text)
    assert found == number
    assert type(found) is Int64


@pytest.mark.parametrize("text", ["abc", "1 2", "4XB", "0x", "--1", "1e", "five"])
def test_text_that_is_no_number(text: str) -> None:
    assert refusal("Int32", text) == UNCONVERTIBLE
    assert refusal("Int32", text, "function") == TRANSFORMATION


@pytest.mark.parametrize(("value", "number"), [(0.5, 0), (1.5, 2), (2.5, 2), (-0.5, 0), (Decimal("3.5"), 4), (True, 1)])
def test_a_half_goes_to_the_even_neighbour(value: Any, number: int) -> None:
    assert become("Int32", value) == number


@pytest.mark.parametrize("value", [1 << 31, "4GB", float("inf"), float("nan"), -(1 << 31) - 1])
def test_a_number_out_of_range(value: Any) -> None:
    assert refusal("Int32", value) == UNCONVERTIBLE


def test_hexadecimal_digits_are_bits() -> None:
    assert become("Int32", "0xFFFFFFFF") == -1
    assert become("UInt32", "0xFFFFFFFF") == (1 << 32) - 1
    assert refusal("Int32", "0x1FFFFFFFF") == UNCONVERTIBLE


@given(st.sampled_from(sorted(WIDTHS)), st.integers(-(1 << 70), 1 << 70))
def test_an_integer_is_itself_or_refused(type_name: str, number: int) -> None:
    _, smallest, largest = WIDTHS[type_name]
    wanted = number if smallest <= number <= largest else None
    assert integer(number, type_name) == wanted
    assert integer(str(number), type_name) == wanted


@given(st.floats(-1e9, 1e9))
def test_a_real_number_rounds_as_python_rounds(number: float) -> None:
    assert integer(number, "Int64") == round(number)


@given(st.text(max_size=8))
def test_no_text_makes_the_scanner_fail(text: str) -> None:
    for type_name in ("Int32", "Double", "TimeSpan", "DateTime", "Guid", "Version", "VMState", "Char", "Boolean"):
        with contextlib.suppress(ConversionRefused):
            assert become(type_name, text) is not None


@pytest.mark.parametrize(("value", "truth"), [(True, True), (0, False), (5, True), (0.0, False), (Int64(1), True)])
def test_boolean_takes_numbers(value: Any, truth: bool) -> None:
    assert become("Boolean", value) is truth


@pytest.mark.parametrize("kind", ["compiled", "function"])
def test_boolean_refuses_text_even_true(kind: Kind) -> None:
    assert refusal("Boolean", "true", kind) == (UNACCEPTABLE if kind == "compiled" else TRANSFORMATION)


def test_switches_differ_between_compiled_commands_and_functions() -> None:
    assert become("SwitchParameter", None) is True
    assert become("SwitchParameter", None, "function") is False
    assert become("SwitchParameter", 1) is True
    assert refusal("SwitchParameter", 1, "function") == TRANSFORMATION
    assert refusal("SwitchParameter", "true") == UNACCEPTABLE
    assert refusal("SwitchParameter", "true", "function") == TRANSFORMATION


@pytest.mark.parametrize(
    "value", ["running", "RUN", "2", 2, "Running", EnumValue("Microsoft.HyperV.PowerShell.VMState", "Running", 2)]
)
def test_an_enumeration_by_name_beginning_or_number(value: Any) -> None:
    assert become("VMState", value) == EnumValue("Microsoft.HyperV.PowerShell.VMState", "Running", 2)


@pytest.mark.parametrize("value", ["O", "", "nonsense", 99, "99", 1.5, True, -1])
def test_an_enumeration_refuses_what_is_no_value_of_it(value: Any) -> None:
    assert refusal("VMState", value) == UNCONVERTIBLE
    assert refusal("VMState", value, "function") == TRANSFORMATION


def test_flags_combine() -> None:
    both = EnumValue("System.Rights", "Read, Write", 3)
    assert become("Rights", "read,write") == become("Rights", ["Read", "Write"]) == become("Rights", 3) == both
    assert refusal("Rights", 8) == UNCONVERTIBLE
    assert become("VMState", "Running,Off") == EnumValue("Microsoft.HyperV.PowerShell.VMState", "Off", 3)


def test_an_enumeration_nobody_registered_is_numbered_by_the_contract() -> None:
    assert become("ControllerType", "scsi") == EnumValue("ControllerType", "SCSI", 1)


def test_a_name_that_only_the_contract_has_is_kept() -> None:
    types = Types(Enumerations(lambda: {"VMState": ("Running", "Hibernated")}))
    types.register_enum("X.VMState", {"Running": 2})
    found = convert(types.of(parameter("P", "VMState")), "Hibernated", "compiled")
    assert (found.name, found.number) == ("Hibernated", 3)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "00:00:00.0000005"),
        ("5", "5.00:00:00"),
        ("00:00:05", "00:00:05"),
        ("1.02:03:04.005", "1.02:03:04.0050000"),
        ("1:30", "01:30:00"),
    ],
)
def test_a_time_span_counts_ticks_or_reads_text(value: Any, text: str) -> None:
    assert span_text(become("TimeSpan", value)) == text


@pytest.mark.parametrize("value", ["soon", "24:00", "00:60", 1.5, "", True])
def test_no_time_span(value: Any) -> None:
    assert refusal("TimeSpan", value) == UNCONVERTIBLE


@given(st.integers(-(1 << 60), 1 << 60))
def test_time_spans_survive_their_text(ticks: int) -> None:
    span = time_span(ticks)
    assert ticks_of(span) == ticks
    again = parse_span(span_text(span))
    assert again is not None
    assert ticks_of(again) == ticks


def test_dates_by_the_invariant_culture() -> None:
    assert become("DateTime", "2026-11-20T10:00:00Z") == datetime(2026, 11, 20, 10, tzinfo=timezone.utc)
    assert become("DateTime", "2026-11-20T10:00:00+02:00") == datetime(2026, 11, 20, 8, tzinfo=timezone.utc)
    assert text_of(become("DateTime", "11/20/2026")) == "11/20/2026 00:00:00"
    assert refusal("DateTime", "20.11.2026") == UNCONVERTIBLE


def test_guids() -> None:
    for value in (GUID, str(GUID), f"{{{GUID}}}", GUID.hex.upper()):
        assert become("Guid", value) == GUID
    assert refusal("Guid", "nonsense") == UNCONVERTIBLE
    assert become("Nullable<Guid>", None) is None


def test_a_string_takes_any_scalar() -> None:
    for value, text in (
        (5, "5"),
        (True, "True"),
        (1.5, "1.5"),
        (GUID, str(GUID)),
        (timedelta(minutes=5), "00:05:00"),
        ({}, "System.Collections.Hashtable"),
    ):
        assert become("String", value) == text
    assert become("String", Machine()) == Machine.TYPE_NAMES[0]


def test_a_list_to_one_string() -> None:
    assert refusal("String", ["a", "b"]) == UNACCEPTABLE
    assert become("String", ["a", 5], "function") == "a 5"


def test_arrays_convert_their_elements_and_wrap_one_value() -> None:
    assert become("String[]", ["a", 5]) == ["a", "5"]
    wrapped = become("String[]", "x")
    assert isinstance(wrapped, TypedArray)
    assert (list(wrapped), wrapped.element_type) == (["x"], "String")
    assert become("Byte[]", [1, "2"]) == b"\x01\x02"
    assert become("Hashtable[]", {"a": 1}) == [{"a": 1}]
    assert refusal("Int32[]", [1, "x"]) == UNCONVERTIBLE
    assert refusal("Boolean[]", ["true"]) == UNACCEPTABLE
    assert refusal("Int32", [1]) == UNACCEPTABLE


def test_credentials() -> None:
    assert become("PSCredential", ALICE) is ALICE
    assert refusal("PSCredential", "alice") == TRANSFORMATION
    assert refusal("PSCredential[]", "alice") == UNCONVERTIBLE
    assert refusal("PSCredential[]", "alice", "function") == TRANSFORMATION


def test_hashtables_refuse_property_bags() -> None:
    assert refusal("Hashtable", BAG) == refusal("Hashtable[]", BAG) == UNCONVERTIBLE


def test_classes_take_their_own_objects_and_derived_ones_alone() -> None:
    machine = Machine()
    assert become("VirtualMachine", machine) is machine
    assert become("VirtualMachineBase[]", machine) == [machine]
    for value in ("text", BAG, 5, PropertyBag(type_names=("Deserialized.Microsoft.HyperV.PowerShell.VirtualMachine",))):
        assert refusal("VirtualMachine", value) == UNCONVERTIBLE
    assert refusal("VMSwitch", machine) == UNCONVERTIBLE
    assert become("VirtualMachine", None) is None


@pytest.mark.parametrize(
    "type_name", ["CimSession", "CimSession[]", "SecurityIdentifier", "ADComputer", "LocalPrincipal[]", "Feature[]"]
)
def test_classes_that_windows_makes_from_text(type_name: str) -> None:
    assert become(type_name, "host") in ("host", ["host"])
    assert refusal(type_name, BAG) == UNCONVERTIBLE


@pytest.mark.parametrize("type_name", ["Object", "PSObject"])
@pytest.mark.parametrize("value", [5, "x", ["a"], BAG, None])
def test_objects_are_anything(type_name: str, value: Any) -> None:
    assert become(type_name, value) == value


@pytest.mark.parametrize(
    ("value", "error_id"),
    [
        (None, "ParameterArgumentValidationErrorNullNotAllowed"),
        ("", "ParameterArgumentValidationErrorEmptyStringNotAllowed"),
        ([], "ParameterArgumentValidationErrorEmptyArrayNotAllowed"),
        ([None], "ParameterArgumentValidationErrorNullNotAllowed"),
    ],
)
def test_a_mandatory_parameter_refuses_nothing(value: Any, error_id: str) -> None:
    with pytest.raises(ConversionRefused) as refused:
        validate(parameter("P"), value, mandatory=True)
    assert (refused.value.error_id, refused.value.category) == (error_id, "InvalidData")
    validate(parameter("P"), value, mandatory=False)


def test_text_outside_the_values_is_refused() -> None:
    priority = parameter("Priority", "String", values=["High", "Low"])
    validate(priority, "high", mandatory=False)
    with pytest.raises(ConversionRefused) as refused:
        validate(priority, "5", mandatory=False)
    assert refused.value.error_id == "ParameterArgumentValidationError"
