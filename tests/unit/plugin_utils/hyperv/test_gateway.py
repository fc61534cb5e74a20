# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading many things at once: JSON where it is shown, errors of single questions, a constant number of invocations."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import NotFound, RemoteError
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv import gateway
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.gateway_reading import Question, ask
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.model import Vm
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.command import command
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.reply import ErrorRecord, Replies, Reply
from unit.fake_session import FakeMachine, FakeSession, failing
from unit.plugin_utils.hyperv.fake_host import DB, HOSTILE, WEB, FakeHost, vm

MISSING = ErrorRecord(error_id="CommandNotFoundException", category=13, command="x", target="ConvertTo-Json")


class WithoutJson(FakeSession):
    """An endpoint that hides ConvertTo-Json, as the engine reports it: the invocation ends there."""

    def invoke(self, *statements: Any, timeout_seconds: float | None = None) -> Replies:
        if any(item.name == "ConvertTo-Json" for statement in statements for item in statement.commands):
            replies = [Reply(command="ConvertTo-Json", errors=(MISSING,))]
            replies += [Reply(command="x", ran=False) for _statement in statements[1:]]
            return Replies(tuple(replies), MISSING)
        return super().invoke(*statements, timeout_seconds=timeout_seconds)


def test_without_convertto_json_the_same_is_read() -> None:
    host = FakeHost(vm(WEB, "web"), vm(DB, "db", "Running"))
    plain = WithoutJson(machine=host.session.machine)
    assert gateway.read_vms(plain) == gateway.read_vms(host.session)
    before = len(plain.invocations)
    gateway.read_vms(plain)
    assert len(plain.invocations) == before + 1, "it is asked for only once per session"


def test_a_missing_cmdlet_costs_one_invocation_and_nothing_else() -> None:
    session = FakeSession({"Get-VM": lambda p, o: [vm(WEB, "web")], "Get-VMHost": lambda p, o: [{"Name": "H"}]})
    absent = Question(command("Get-VMSecurity"), Vm)
    first, missing, last = ask(session, Question(command("Get-VM"), Vm), absent, Question(command("Get-VM"), Vm))
    assert first.items == last.items
    assert missing.errors[0].error_id == "CommandNotFoundException"
    assert missing.known is None
    assert len(session.invocations) == 2


def test_some_objects_beside_an_error_are_kept() -> None:
    lost = ErrorRecord(error_id="ObjectNotFound,x.GetVHD", category=13, command="Get-VHD")

    class Halfway(FakeSession):
        def invoke(self, *statements: Any, timeout_seconds: float | None = None) -> Replies:
            return Replies((Reply(command="Get-VM", objects=(vm(WEB, "web"),), errors=(lost,)),))

    (answer,) = ask(Halfway(), Question(command("Get-VM"), Vm))
    assert answer.known == answer.items
    assert [found.name for found in answer.items] == ["web"]
    with pytest.raises(RemoteError):
        answer.check()


def test_critical_states_are_read_by_name() -> None:
    machine = FakeMachine()
    numbers = [{**vm(WEB, "web"), "State": 32786}, vm(DB, "db")]
    names = [{**vm(WEB, "web"), "State": "OffCritical"}, vm(DB, "db")]
    calls: list[int] = []

    def get(parameters: Any, piped: Any) -> list[Any]:
        calls.append(1)
        return numbers if len(calls) == 1 else names

    session = FakeSession(machine=machine.on("Get-VM", get))
    assert [found.state for found in gateway.read_vms(session)] == ["OffCritical", "Off"]


@pytest.mark.parametrize("count", [1, 3, 50])
def test_details_take_the_same_number_of_invocations_for_any_number_of_machines(count: int) -> None:
    host = FakeHost(*(vm(f"{number:08d}-0000-0000-0000-000000000001", f"vm{number}") for number in range(count)))
    found = gateway.read_details(host.session)
    assert len(found) == count
    assert len(host.session.invocations) == 1


def test_parts_belong_to_their_machine_and_parents_of_disks_are_found() -> None:
    disk = {"VMId": WEB, "Id": "d", "Path": "D:\\a\\child.avhdx"}
    files = [
        {"Path": "D:\\A\\child.avhdx", "ParentPath": "D:\\a\\base.vhdx", "FileSize": 5},
    ]
    base = {"Path": "D:\\a\\base.vhdx", "FileSize": 7, "ParentPath": ""}
    host = FakeHost(vm(WEB, HOSTILE, disks=[disk], vhds=files), vm(DB, "db"))

    def get_vhd(parameters: Any, piped: Any) -> list[Any]:
        return [base] if parameters.get("Path") == ["D:\\a\\base.vhdx"] else files

    host.session.machine.on("Get-VHD", get_vhd)
    web, db = gateway.read_details(host.session)
    assert web.vm.name == HOSTILE
    assert [vhd.file_size for vhd in web.vhds] == [5, 7]
    assert web.disks[0].path == disk["Path"]
    assert not db.disks
    assert not db.vhds


def test_an_empty_host_is_empty_and_a_refusing_one_is_an_error() -> None:
    assert gateway.read_details(FakeHost().session) == ()
    refusing = FakeSession({"Get-VM": failing("AccessDenied,Microsoft.HyperV.PowerShell.Commands.GetVM", category=18)})
    with pytest.raises(RemoteError):
        gateway.read_details(refusing)
    with pytest.raises(RemoteError):
        gateway.find_vm(refusing, WEB)


def test_a_host_without_the_module_has_not_said_that_a_machine_is_not_there() -> None:
    bare = FakeSession({"Get-VM": failing("CouldNotAutoLoadModule", category=13, terminating=True)})
    for read in (gateway.find_vm, lambda session, one: gateway.read_details(session, [one])):
        with pytest.raises(RemoteError, match="the session has no such command; install its module"):
            read(bare, WEB)


def test_not_there_is_none_or_not_found() -> None:
    gone = FakeSession({"Get-VM": failing("ObjectNotFound,x.GetVM", category=13)})
    assert gateway.find_vm(gone, WEB) is None
    with pytest.raises(NotFound, match=WEB):
        gateway.get_vm(gone, WEB)
