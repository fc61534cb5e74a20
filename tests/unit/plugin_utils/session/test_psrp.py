# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our session with real pypsrp over the lab's real wire; the machine behind it acts by command name."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    AuthenticationFailed,
    ConnectionLost,
    InvalidRequest,
    RemoteError,
    TimedOut,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session import renewal
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.command import (
    ON,
    Credential,
    Secret,
    command,
    select,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.endpoint import (
    IDLE_SECONDS,
    Endpoint,
    EndpointLink,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.live import keep, kept
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.psrp import PsrpSession
from hyperv_lab.powershell.commands import ErrorRecord
from hyperv_lab.world import WinRMLimits
from unit.lab.wire_world import DOMAIN, LOCAL, Script, Served, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

BIG = 5 * 2**30


class Machine(Script):
    """Cmdlets of a machine that refuses one thing, and the rule of the swallowed first error."""

    def invoke(self, statements: Any, sink: Any, *, inputs: Any = (), stopping: Any = None) -> str:
        self.machine.invoked.append(statements)
        for place, statement in enumerate(statements):
            state = "Completed"
            for call in statement:
                action = getattr(self, "do_" + call.name.split("\\")[-1].replace("-", "_").lower())
                state = action(sink, dict(call.parameters), inputs, stopping) or state
            if state == "Failed" and place == 0:
                sink.error(HARD, "Move-VM")  # measured: the first statement's end is swallowed
            elif state != "Completed":
                if state == "Failed":
                    sink.ended(HARD, "Move-VM")
                return state
        return "Completed"

    def do_write_output(self, sink: Any, parameters: Any, _inputs: Any, _stopping: Any) -> None:
        sink.output(parameters["InputObject"])

    def do_get_vm(self, sink: Any, parameters: Any, _inputs: Any, _stopping: Any) -> None:
        sink.output(f"vm {parameters.get('Name')}")

    def do_get_vhd(self, sink: Any, _parameters: Any, _inputs: Any, _stopping: Any) -> None:
        sink.output("before")
        sink.error(ErrorRecord(error_id="Soft,X", category="ObjectNotFound", message="pas là (0x8009030E)"), "Get-VHD")
        sink.warning("careful")
        sink.output("after")

    def do_move_vm(self, sink: Any, _parameters: Any, _inputs: Any, _stopping: Any) -> str:
        return "Failed"

    def do_start_sleep(self, sink: Any, parameters: Any, _inputs: Any, stopping: threading.Event) -> str | None:
        return self.do_sleep(sink, parameters, (), stopping)

    def do_test_path(self, sink: Any, _parameters: Any, _inputs: Any, stopping: threading.Event) -> str | None:
        return self.do_sleep(sink, {"Seconds": 20}, (), stopping)

    def do_set_variable(self, *_arguments: Any) -> None:
        pass

    def do_select_object(self, *_arguments: Any) -> None:
        pass


HARD = ErrorRecord(error_id="Hard,X", category="ObjectNotFound", message="hard")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("lab")) as one:
        _act_as_machine(one)
        yield one


def _act_as_machine(one: Served) -> None:
    def open_runspace(identity: Any, _configuration: str) -> Machine:
        one.machine.identities.append(identity)
        return Machine(one.machine)

    one.machine.open_runspace = open_runspace  # type: ignore[method-assign, assignment]


def endpoint(served: Served, **options: Any) -> Endpoint:
    given = {
        "server": served.machine.address,
        "port": 5985,
        "ssl": False,
        "auth": "ntlm",
        "username": f"LAB\\{DOMAIN.username}",
        "password": DOMAIN.password,
        "operation_timeout": 2,
        "read_timeout": 8,
    }
    return Endpoint(wsman={**given, **options})


@pytest.fixture
def session(served: Served) -> Iterator[PsrpSession]:
    one = PsrpSession("hv01", EndpointLink("hv01", (endpoint(served),)))
    yield one
    one.close()


def test_one_statement_goes_without_markers_and_module_qualified(session: PsrpSession, served: Served) -> None:
    replies = session.invoke(command("Get-VM", Name='O\'Brien – "prod" $x 测试 [a-z]\n') | select("Name"))
    assert replies[0].objects == ('vm O\'Brien – "prod" $x 测试 [a-z]\n',)
    sent = [call.name for statement in served.machine.invoked[-1] for call in statement]
    assert sent == ["Hyper-V\\Get-VM", "Microsoft.PowerShell.Utility\\Select-Object"]


def test_a_failing_first_statement_ends_the_invocation_thanks_to_the_marker(
    session: PsrpSession, served: Served
) -> None:
    replies = session.invoke(command("Move-VM", Name="a"), command("Get-VM", Name="b"))
    assert replies.ended_by is not None
    assert replies.ended_by.error_id == "Hard,X"
    assert [reply.ran for reply in replies] == [True, False]
    assert replies[0].errors == (replies.ended_by,)
    with pytest.raises(RemoteError, match="hard"):
        replies.check()


def test_the_trap_itself_without_a_marker_the_second_statement_runs(session: PsrpSession, served: Served) -> None:
    from pypsrp.powershell import PowerShell  # noqa: PLC0415

    session.invoke(command("Get-VM"))
    raw = PowerShell(session._pool)
    raw.add_cmdlet("Move-VM").add_statement().add_cmdlet("Get-VM").add_parameter("Name", "b")
    assert raw.invoke() == ["vm b"]


def test_answers_are_told_apart_by_the_order_of_the_wire(session: PsrpSession) -> None:
    replies = session.invoke(command("Get-VM", Name="a"), command("Get-VHD"), command("Get-VM", Name="c"))
    assert [reply.objects for reply in replies] == [("vm a",), ("before", "after"), ("vm c",)]
    assert [len(reply.errors) for reply in replies] == [0, 1, 0]
    assert replies[1].errors[0].hresult == "0x8009030E"
    assert replies[1].errors[0].command == "Get-VHD"
    assert replies[1].warnings == ("careful",)


def test_values_arrive_as_sent(session: PsrpSession, served: Served) -> None:
    session.invoke(command("Get-VM", Name="a", Size=BIG, AsJob=ON, Off=None, List=(1, "b")))
    sent = dict(served.machine.invoked[-1][0][0].parameters)
    assert sent == {"Name": "a", "Size": str(BIG), "AsJob": True, "List": [1, "b"]}


def test_a_credential_arrives_whole(session: PsrpSession, served: Served) -> None:
    session.invoke(command("Get-VM", Credential=Credential("LAB\\é", Secret("p'\"$ä😀"))))
    sent = dict(served.machine.invoked[-1][0][0].parameters)["Credential"]
    assert "p'\"$ä😀" in str(vars(sent) if hasattr(sent, "__dict__") else sent) or sent.password is not None


def test_a_refused_exchange_of_keys_is_tried_again(served: Served) -> None:
    clock = Quick(lambda: None)
    session = PsrpSession("hv01", EndpointLink("hv01", (endpoint(served),)), clock=clock)
    session.invoke(command("Get-VM"))
    served.machine.faults.append(("Send", "http:503"))
    sent = command("Get-VM", Name="a", Credential=Credential("x", Secret("y")))
    assert session.invoke(sent)[0].objects == ("vm a",)
    assert clock.now > 0
    session.close()


def test_past_the_deadline_the_host_is_asked_to_stop(served: Served) -> None:
    session = PsrpSession("hv01", EndpointLink("hv01", (endpoint(served),)))
    finished = served.machine.finished
    with pytest.raises(TimedOut, match="hv01 gave no answer to Start-Sleep within 1 seconds") as late:
        session.invoke(command("Start-Sleep", Seconds=30), timeout_seconds=1)
    assert late.value.changed
    assert served.machine.finished == finished
    assert session.invoke(command("Get-VM", Name="again"))[0].objects == ("vm again",)
    session.close()


def test_longer_than_the_operation_timeout_is_asked_again(served: Served) -> None:
    session = PsrpSession("hv01", EndpointLink("hv01", (endpoint(served, operation_timeout=1),)))
    assert session.invoke(command("Start-Sleep", Seconds=2.5))[0].objects == ("begun", "over")
    session.close()


def test_shells_are_ended_and_short_lived(served: Served) -> None:
    session = PsrpSession("hv01", EndpointLink("hv01", (endpoint(served),)))
    session.invoke(command("Get-VM"))
    assert str(IDLE_SECONDS) in session._pool.shell.idle_time_out
    assert len(served.service.shells) == 1
    session.close()
    session.close()
    assert len(served.service.shells) == 0


def test_a_wrong_password_is_an_authentication_failure(served: Served) -> None:
    wrong = EndpointLink("hv01", (endpoint(served, password="nope"),))
    with pytest.raises(AuthenticationFailed, match="hv01"):
        PsrpSession("hv01", wrong).invoke(command("Get-VM"))


def test_transports_are_tried_in_order(served: Served) -> None:
    basic = endpoint(served, auth="basic", username="nobody", password="x", encryption="never")
    link = EndpointLink("hv01", (basic, endpoint(served, auth="credssp")))
    session = PsrpSession("hv01", link)
    assert session.delegates_credentials is False
    assert session.invoke(command("Get-VM", Name="a"))[0].objects == ("vm a",)
    assert session.delegates_credentials is True
    session.close()


class Quick:
    """A clock on which waiting takes no time; ``then`` happens while it waits."""

    def __init__(self, then: Any) -> None:
        self.now = 0.0
        self.then = then

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.then()


def test_a_full_quota_is_waited_for_and_then_explained(tmp_path: Path) -> None:
    with serving(tmp_path, limits=WinRMLimits(shells_per_user=1)) as one:
        _act_as_machine(one)
        first = PsrpSession("hv01", EndpointLink("hv01", (endpoint(one),)))
        first.invoke(command("Get-VM"))
        link = EndpointLink("hv01", (endpoint(one),))
        with pytest.raises(ConnectionLost, match="Get-WSManInstance -ResourceURI Shell -Enumerate"):
            PsrpSession("hv01", link, clock=Quick(lambda: None)).invoke(command("Get-VM"))
        second = PsrpSession("hv01", link, clock=Quick(first.close))
        assert second.invoke(command("Get-VM", Name="b"))[0].objects == ("vm b",)
        second.close()


def test_a_starting_service_is_waited_for(served: Served) -> None:
    served.machine.faults.append(("Command", "http:503"))
    clock = Quick(lambda: None)
    session = PsrpSession("hv01", EndpointLink("hv01", (endpoint(served),)), clock=clock)
    assert session.invoke(command("Get-VM", Name="a"))[0].objects == ("vm a",)
    assert clock.now > 0
    session.close()


def test_a_restarted_service_ends_the_session_and_the_next_call_has_a_new_one(served: Served) -> None:
    session = PsrpSession("hv01", EndpointLink("hv01", (endpoint(served),)))
    session.invoke(command("Get-VM"))
    served.machine.faults.append(("Command", "restart_winrm"))
    with pytest.raises(ConnectionLost):
        session.invoke(command("Start-Sleep", Seconds=0))
    assert session.invoke(command("Get-VM", Name="a"))[0].objects == ("vm a",)
    session.close()


@pytest.mark.parametrize("auth", ["ntlm", "credssp"])
@pytest.mark.parametrize("fault", [("Create", "drop"), ("Command", "restart_winrm"), ("Receive", "drop")])
def test_what_only_reads_is_asked_again(served: Served, auth: str, fault: tuple[str, str]) -> None:
    clock = Quick(lambda: None)
    session = PsrpSession("hv01", EndpointLink("hv01", (endpoint(served, auth=auth),)), clock=clock)
    session.invoke(command("Get-VM"))
    if fault[0] == "Create":
        session.close()
    served.machine.faults.append(fault)
    assert session.invoke(command("Get-VM", Name="a"))[0].objects == ("vm a",)
    assert served.machine.faults == []
    assert clock.now > 0
    session.close()


@pytest.mark.parametrize("operation", ["Create", "Receive"])
def test_an_opening_that_breaks_off_is_tried_again_and_leaves_nothing(served: Served, operation: str) -> None:
    shells = len(served.service.shells)
    session = PsrpSession("hv01", EndpointLink("hv01", (endpoint(served),)), clock=Quick(lambda: None))
    served.machine.faults += [(operation, "drop")] * 2
    assert session.invoke(command("Start-Sleep", Seconds=0))[0].objects == ("begun", "over")
    assert len(served.service.shells) == shells + 1
    session.close()
    served.machine.faults += [(operation, "drop")] * 9
    with pytest.raises(ConnectionLost) as lost:
        session.invoke(command("Start-Sleep", Seconds=0))
    assert (lost.value.changed, len(served.machine.faults)) == (False, 5)
    served.machine.faults.clear()
    assert len(served.service.shells) == shells


@pytest.mark.parametrize("fault", [("Command", "restart_winrm"), ("Receive", "drop")])
def test_what_builds_upon_a_lost_runspace_is_not_asked_again(served: Served, fault: tuple[str, str]) -> None:
    session = PsrpSession("hv01", EndpointLink("hv01", (endpoint(served),)), clock=Quick(lambda: None))
    session.invoke(command("Get-VM", Name="a") | keep("vm"))
    served.machine.faults.append(fault)
    with pytest.raises(ConnectionLost):
        session.invoke(kept("vm"))
    assert session.invoke(command("Get-VM", Name="a"))[0].objects == ("vm a",)
    session.close()


def test_a_runspace_with_something_in_it_that_the_host_ended_is_not_just_replaced(served: Served) -> None:
    session = PsrpSession("hv01", EndpointLink("hv01", (endpoint(served),)))
    session.invoke(command("Get-VM", Name="a") | keep("vm"))
    session._pool.connection.delete(session._pool.shell.resource_uri, selector_set=session._pool.shell._selector_set)
    with pytest.raises(ConnectionLost, match="has ended the session"):
        session.invoke(kept("vm"))


@pytest.mark.parametrize(("auth", "fault"), [("ntlm", "http:502"), ("credssp", "drop")])
def test_what_changes_something_goes_on_after_a_lost_link(served: Served, auth: str, fault: str) -> None:
    session = PsrpSession("hv01", EndpointLink("hv01", (endpoint(served, auth=auth),)))
    session.invoke(command("Get-VM", Name="a"))
    shells, finished = len(served.service.shells), served.machine.finished
    served.machine.faults.append(("Receive", fault))
    with pytest.raises(ConnectionLost) as lost:
        session.invoke(command("Get-VM", Name="a"), command("Start-Sleep", Seconds=0.6))
    assert lost.value.changed
    assert session.may_have_changed
    assert len(served.service.shells) == shells
    wait_for(lambda: served.machine.finished == finished + 1)
    session.close()
    served.service.restart()


def test_what_is_abandoned_goes_on(served: Served) -> None:
    session = PsrpSession("hv01", EndpointLink("hv01", (endpoint(served),)))
    finished, running = served.machine.finished, served.machine.running
    worker = threading.Thread(target=lambda: session.invoke(command("Start-Sleep", Seconds=1.2)), daemon=True)
    worker.start()
    wait_for(lambda: served.machine.running == running + 1)
    session.abandon()
    session.close()
    wait_for(lambda: served.machine.finished == finished + 1)
    worker.join(10)
    served.service.restart()


def wait_for(done: Any) -> None:
    deadline = time.monotonic() + 10
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("auth", ["ntlm", "credssp"])
def test_what_reads_ends_with_its_lost_link(served: Served, auth: str) -> None:
    session = PsrpSession("hv01", EndpointLink("hv01", (endpoint(served, auth=auth),)), clock=Quick(lambda: None))
    session.invoke(command("Get-VM", Name="a"))
    shells, running = len(served.service.shells), served.machine.running
    served.machine.faults += [("Receive", "drop")] * 9
    with pytest.raises(ConnectionLost) as lost:
        session.invoke(command("Get-VM", Name="a"), command("Test-Path", Path="C:\\") | select("Name"))
    assert not lost.value.changed
    assert not session.may_have_changed
    served.machine.faults.clear()
    assert len(served.service.shells) == shells - 1
    wait_for(lambda: served.machine.running == running)


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A host that drops idle connections soon."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hyperv_lab.wsman.http._KEEP_ALIVE_SECONDS", 0.4)
        with serving(tmp_path_factory.mktemp("lab")) as one:
            _act_as_machine(one)
            yield one


@pytest.mark.parametrize("quiet", [0.2, 60.0])
@pytest.mark.parametrize("auth", ["ntlm", "credssp"])
def test_an_idle_connection_that_the_host_dropped_is_signed_in_anew(
    forgetful: Served, auth: str, quiet: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewal, "QUIET_SECONDS", quiet)
    session = PsrpSession("hv01", EndpointLink("hv01", (endpoint(forgetful, auth=auth),)))
    assert session.invoke(command("Get-VM", Name="a"))[0].objects == ("vm a",)
    opened = forgetful.wire.server.traffic.shells
    time.sleep(1.0)
    assert session.invoke(command("Get-VM", Name="b"))[0].objects == ("vm b",)
    assert forgetful.wire.server.traffic.shells == opened
    time.sleep(1.0)
    session.close()
    assert len(forgetful.service.shells) == 0


def test_an_idle_session_that_the_host_ended_is_opened_again(served: Served) -> None:
    session = PsrpSession("hv01", EndpointLink("hv01", (endpoint(served),)))
    session.invoke(command("Get-VM"))
    session._pool.connection.delete(session._pool.shell.resource_uri, selector_set=session._pool.shell._selector_set)
    assert session.invoke(command("Get-VM", Name="a"))[0].objects == ("vm a",)
    session.close()


def test_nobody_there(served: Served) -> None:
    with pytest.raises(ConnectionLost) as caught:
        PsrpSession("hv01", EndpointLink("hv01", (endpoint(served, port=1, connection_timeout=2),))).invoke(
            command("Move-VM")
        )
    assert not caught.value.changed
    assert caught.value.details["reason"] in ("no_connection", "link")


def test_a_missing_password_is_named(served: Served) -> None:
    bare = endpoint(served, ssl=True, port=5986, auth="basic", password=None)
    with pytest.raises(InvalidRequest, match=r"hv01: .* basic, .*the password must be specified.* ansible_password"):
        PsrpSession("hv01", EndpointLink("hv01", (bare,))).invoke(command("Get-VM"))


def test_a_missing_library_is_named(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_library(_self: Any, *_arguments: Any, **_options: Any) -> None:
        raise ImportError("GSSAPIProxy requires the Python gssapi library")

    monkeypatch.setattr("pypsrp.powershell.RunspacePool.open", no_library)
    kerberos = EndpointLink("hv01", (endpoint(served, auth="kerberos"),))
    with pytest.raises(InvalidRequest, match=r"signing in by kerberos needs a library .*gssapi.*pypsrp\[kerberos\]"):
        PsrpSession("hv01", kerberos).invoke(command("Get-VM"))


def test_basic_over_https_with_the_given_authority(served: Served) -> None:
    secure = endpoint(
        served,
        ssl=True,
        port=5986,
        auth="basic",
        username=LOCAL.username,
        password=LOCAL.password,
        cert_validation=str(served.ca),
    )
    session = PsrpSession("hv01", EndpointLink("hv01", (secure,)))
    assert session.invoke(command("Get-VM", Name="a"))[0].objects == ("vm a",)
    session.close()
