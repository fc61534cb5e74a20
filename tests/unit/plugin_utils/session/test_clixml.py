# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of the wire as plain values."""

from __future__ import annotations

from typing import Any, cast

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.clixml import plain
from hypothesis import given
from hypothesis import strategies as st
from psrpcore.types import serialize
from pypsrp.serializer import Serializer


@pytest.mark.parametrize(
    ("document", "value"),
    [
        ("<S>a_x000A_b_x005F_x000A_</S>", "a\nb_x000A_"),
        ("<S>_xD83D__xDE00_</S>", "😀"),
        ("<S></S>", ""),
        ("<Nil />", None),
        ("<B>true</B>", True),
        ("<U64>18446744073709551615</U64>", 2**64 - 1),
        ("<Db>1.5</Db>", 1.5),
        ("<G>0D2B8F70-0000-4000-8000-0000000000AB</G>", "0d2b8f70-0000-4000-8000-0000000000ab"),
        ("<TS>P1DT2H</TS>", "P1DT2H"),
        ("<Version>9.0</Version>", "9.0"),
    ],
)
def test_primitives(document: str, value: Any) -> None:
    assert plain(document) == value


VM = """<Obj RefId="0"><TN RefId="0"><T>Deserialized.Microsoft.HyperV.PowerShell.VirtualMachine</T>
<T>Deserialized.System.Object</T></TN><ToString>VirtualMachine (Name = 'a')</ToString>
<Props><S N="Name">a</S><S N="State">Running</S>
<Obj N="Disks" RefId="1"><TN RefId="1"><T>Deserialized.System.Collections.Generic.List`1[[X.Disk, X]]</T></TN>
<LST><Obj RefId="2"><TN RefId="2"><T>X.Disk</T></TN><Props><S N="Path">C:\\</S></Props></Obj>
<Obj RefId="3"><TNRef RefId="2" /><Props><S N="Path">D:\\</S></Props></Obj></LST></Obj>
<Obj N="Kind" RefId="4"><TN RefId="3"><T>X.Kind</T><T>System.Enum</T></TN><ToString>Fast</ToString><I32>2</I32></Obj>
<Obj N="Empty" RefId="5"><TN RefId="4"><T>System.Object[]</T></TN><LST /></Obj>
<Ref N="Self" RefId="4" /></Props>
<MS><I32 N="Added">1</I32></MS></Obj>"""


def test_an_object_with_lists_enumerations_and_references() -> None:
    assert plain(VM) == {
        "Name": "a",
        "State": "Running",
        "Disks": [{"Path": "C:\\"}, {"Path": "D:\\"}],
        "Kind": "Fast",
        "Empty": [],
        "Self": "Fast",
        "Added": 1,
    }


def test_the_trap_a_list_of_unknown_type_stays_xml_in_the_library() -> None:
    disks = Serializer().deserialize(VM.replace("\n", "")).adapted_properties["Disks"]
    assert not isinstance(disks, list)


def test_hashtables_and_bags() -> None:
    table = (
        '<Obj RefId="0"><TN RefId="0"><T>System.Collections.Hashtable</T></TN>'
        '<DCT><En><S N="Key">a</S><I32 N="Value">1</I32></En></DCT></Obj>'
    )
    bag = '<Obj RefId="0"><TN RefId="0"><T>X.PSCustomObject</T></TN><ToString /></Obj>'
    assert plain(table) == {"a": 1}
    assert plain(bag) == {}


@pytest.mark.parametrize("document", ["<S>a", "<What />", ""])
def test_no_clixml(document: str) -> None:
    with pytest.raises(ValueError, match="wire"):
        plain(document)


WIRE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31 - 1) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc_x00", min_size=1), inner),
    max_leaves=8,
)


@given(WIRE)
def test_reads_what_another_implementation_writes(value: Any) -> None:
    assert plain(serialize(value, cast(Any, None))) == value
