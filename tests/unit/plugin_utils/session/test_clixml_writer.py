# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What starts an invocation, read back by the server side of psrpcore, a library that is not ours."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import psrpcore
import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.clixml_writer import create_pipeline, text
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.command import ON, Pipeline, command, select
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.messages import Assembler, fragmented
from hypothesis import given
from hypothesis import strategies as st
from psrpcore.types import PSObject
from pypsrp.complex_objects import ApartmentState, CommandParameter, HostInfo, RemoteStreamOptions
from pypsrp.complex_objects import Command as LibraryCommand
from pypsrp.complex_objects import Pipeline as LibraryPipeline
from pypsrp.messages import CreatePipeline
from pypsrp.serializer import Serializer

HOSTILE = [
    'O\'Brien – "prod" $x; 测试 [a-z]',
    "_x000A_",
    "_X0041_ _x",
    "a\nb\tc\r\x00",
    "<&>]]>",
    "😀",
    "",
    " ",
    "x" * 100,
]

NO_KEY: Any = None


def pool(room: int = 100_000) -> Any:
    fragmenter = SimpleNamespace(outgoing_counter=3, max_size=room)
    return SimpleNamespace(id=str(uuid4()).upper(), _serializer=Serializer(), host=None, _fragmenter=fragmenter)


def read(*statements: Pipeline) -> list[list[tuple[str, list[tuple[str | None, Any]]]]]:
    """Return the statements as psrpcore reads them: names of commands with their parameters."""
    document = create_pipeline(statements, pool()).decode()
    message: Any = psrpcore.types.deserialize(ET.fromstring(document), NO_KEY)
    shell = message.PowerShell
    groups = [one.Cmds for one in shell.ExtraCmds] if shell.ExtraCmds else [shell.Cmds]
    for item in (item for group in groups for item in group):
        assert [int(getattr(item, f"Merge{name}")) for name in ("MyResult", "ToResult", "PreviousResults")] == [0, 0, 0]
    if shell.ExtraCmds:
        assert [item.Cmd for item in shell.Cmds] == [item.Cmd for item in groups[0]]
    return [[(item.Cmd, [(one.N, _plain(one.V)) for one in item.Args]) for item in group] for group in groups]


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, PSObject) and isinstance(value, UUID):
        return UUID(str(value))
    return str(value) if isinstance(value, str) else value


def test_one_statement() -> None:
    sent = command("Get-VM", Name=["a", "b"]) | select("Id")
    assert read(sent) == [
        [
            ("Hyper-V\\Get-VM", [("Name", ["a", "b"])]),
            ("Microsoft.PowerShell.Utility\\Select-Object", [("Property", ["Id"])]),
        ]
    ]


def test_several_statements_and_every_kind_of_value() -> None:
    vm_id = UUID("11111111-2222-3333-4444-555555555555")
    sent = command(
        "Move-VM", "positional", Id=vm_id, IncludeStorage=ON, Count=3, Big=2**40, Ratio=0.1, Vhds=[{"a": "b"}]
    )
    found = read(command("Write-Output", InputObject="m"), sent, command("Get-VM"))
    assert [[name for name, _parameters in group] for group in found] == [
        ["Microsoft.PowerShell.Utility\\Write-Output"],
        ["Hyper-V\\Move-VM"],
        ["Hyper-V\\Get-VM"],
    ]
    parameters = found[1][0][1]
    assert parameters == [
        (None, "positional"),
        ("Id", vm_id),
        ("IncludeStorage", True),
        ("Count", 3),
        ("Big", str(2**40)),
        ("Ratio", 0.1),
        ("Vhds", [{"a": "b"}]),
    ]


def test_numbers_of_objects_are_told_once_and_before_they_are_referred_to() -> None:
    sent = command("Move-VM", Vhds=[{"a": ["b"]}, {"c": 1.5}], Name=["x"])
    document = ET.fromstring(create_pipeline((command("Get-VM"), sent), pool()))
    objects: set[str] = set()
    types: set[str] = set()
    for element in document.iter():
        number = element.get("RefId", "")
        if element.tag in ("Obj", "TN"):
            known = objects if element.tag == "Obj" else types
            assert number not in known
            known.add(number)
        elif element.tag in ("Ref", "TNRef"):
            assert number in (objects if element.tag == "Ref" else types)


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_texts_are_written_as_the_library_writes_them(value: str) -> None:
    expected = ET.tostring(Serializer().serialize(value), encoding="unicode")
    assert ET.fromstring(f"<S>{text(value)}</S>").text == ET.fromstring(expected).text


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back(value: str) -> None:
    ((_get, parameters),) = read(command("Get-VM", Name=value))[0]
    assert parameters == [("Name", value)]


def test_it_is_far_smaller_than_what_the_library_writes() -> None:
    sent = command("Get-VM") | select("Id", "Name") | command("ConvertTo-Json", Compress=ON)
    commands = []
    for item in sent.commands * 8:
        given_ = [
            CommandParameter(name=name, value=value if value is not ON else True) for name, value in item.parameters
        ]
        commands.append(LibraryCommand(cmd=item.name, args=given_, end_of_statement=item is sent.commands[-1]))
    pipeline = LibraryPipeline(is_nested=False, cmds=commands, history=None, redirect_err_to_out=False)
    settings = (ApartmentState(value=2), RemoteStreamOptions(value=0), False, HostInfo(host=None))
    theirs = Serializer().serialize(CreatePipeline(True, *settings, pipeline, False))
    assert theirs is not None
    assert len(create_pipeline((sent,) * 8, pool())) < len(ET.tostring(theirs)) * 0.45


@pytest.mark.parametrize("room", [50, 1000, 100_000])
def test_fragments_join_to_one_message(room: int) -> None:
    one = pool(room)
    document = create_pipeline((command("Get-VM"),), one)
    pipeline = str(uuid4())
    parts = list(fragmented(document, one, pipeline))
    assert all(len(part) <= room + 21 for part in parts)
    assembler = Assembler()
    (message,) = (message for part in parts for message in assembler.feed(part))
    assert (message.document, message.kind) == (document, 0x00021006)
    assert message.raw[8:24] == UUID(one.id).bytes_le
    assert message.raw[24:40] == UUID(pipeline).bytes_le
    assert one._fragmenter.outgoing_counter == 4
