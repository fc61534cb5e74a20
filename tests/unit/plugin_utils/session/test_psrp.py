# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our session with real pypsrp over the lab's real wire; the machine behind it acts by command name."""

from __future__ import annotations

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
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.command import (
    ON,
    Credential,
    Secret,
    command,
    select,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.endpoint import (
    IDLE_SECONDS,
    EndpointLink,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.psrp import PsrpSession
from hyperv_lab.world import WinRMLimits
from unit.fake_session import FakeClock
from unit.lab.wire_world import LOCAL, Served, serving
from unit.psrp_machine import act_as_machine, endpoint

if TYPE_CHECKING:
    pass

BIG = 5 * 2**30


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
    clock = FakeClock()
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


def test_a_full_quota_is_waited_for_and_then_explained(tmp_path: Path) -> None:
    with serving(tmp_path, limits=WinRMLimits(shells_per_user=1)) as one:
        act_as_machine(one)
        first = PsrpSession("hv01", EndpointLink("hv01", (endpoint(one),)))
        first.invoke(command("Get-VM"))
        link = EndpointLink("hv01", (endpoint(one),))
        with pytest.raises(ConnectionLost, match="Get-WSManInstance -ResourceURI Shell -Enumerate"):
            PsrpSession("hv01", link, clock=FakeClock()).invoke(command("Get-VM"))
        second = PsrpSession("hv01", link, clock=FakeClock(on_sleep=lambda _now: first.close()))
        assert second.invoke(command("Get-VM", Name="b"))[0].objects == ("vm b",)
        second.close()


def test_a_starting_service_is_waited_for(served: Served) -> None:
    served.machine.faults.append(("Command", "http:503"))
    clock = FakeClock()
    session = PsrpSession("hv01", EndpointLink("hv01", (endpoint(served),)), clock=clock)
    assert session.invoke(command("Get-VM", Name="a"))[0].objects == ("vm a",)
    assert clock.now > 0
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
