# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts and objects as CLIXML, read back by the client's own deserializer."""

from __future__ import annotations

from typing import Any

import pytest
from hyperv_lab.powershell.clixml import escape, serialize
from hyperv_lab.powershell.extended import extended
from hyperv_lab.powershell.values import EnumValue, Int64, PropertyBag, TypedArray
from hypothesis import given
from hypothesis import strategies as st
from pypsrp.serializer import Serializer
from samples.objects import machines


def read(text: str) -> Any:
    """Return what pypsrp makes of an element."""
    return Serializer().deserialize(text)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_every_text_comes_back_as_it_was(text: str) -> None:
    assert read(serialize(text)) == text


@given(st.text(alphabet="_x0123456789ABCDEFabcdef\n\t\x00\x1f\x7f&<>\"'\U0001f600", max_size=30))
def test_what_looks_like_an_escape_comes_back_as_it_was(text: str) -> None:
    assert read(serialize([text])) == [text]


@pytest.mark.parametrize(
    ("text", "shown"), [("a_x0041_", "a_x005F_x0041_"), ("\n", "_x000A_"), ("a&<>", "a&amp;&lt;&gt;")]
)
def test_escapes(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_a_live_object_is_cut_and_a_projection_is_one_level_deeper() -> None:
    vm = machines()[0]
    whole = read(serialize(vm))
    assert whole.adapted_properties["State"] == "Running"
    assert whole.adapted_properties["NetworkAdapters"] == ["Adapter (Name = 'net1')", "Adapter (Name = 'net2')"]
    assert "Broken" not in whole.adapted_properties
    bag = read(serialize(PropertyBag({"State": vm.state, "NetworkAdapters": vm.adapters, "Memory": vm.memory})))
    assert bag.extended_properties["State"].to_string == "Running"
    assert bag.extended_properties["NetworkAdapters"][0].adapted_properties["SwitchName"] == "LAN"


def test_an_object_met_again_is_a_reference() -> None:
    vm = machines()[0]
    text = serialize(PropertyBag({"All": vm.adapters, "First": vm.first}))
    assert '<Ref N="First" RefId="2" />' in text


def test_notes_stand_beside_the_objects_own_properties() -> None:
    adapter = machines()[0].first
    held = read(serialize(extended(adapter, {"Id": Int64(5)}, "Selected.Sample.VM")))
    assert held.adapted_properties["Name"] == "net1"
    assert held.extended_properties == {"Id": 5}
    assert held.types[0] == "Sample.Adapter"


def test_typed_arrays_and_enumerations_name_their_types() -> None:
    state = EnumValue("Sample.SampleState", "Off", 3)
    assert "<T>Sample.SampleState[]</T>" in serialize(TypedArray("Sample.SampleState", [state]))
    assert "<ToString>Off</ToString><I32>3</I32>" in serialize(state)
    assert serialize(state, depth=0) == "<S>Off</S>"
