# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a session whose link is lost, whose service restarts, or that was idle for too long."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    ConnectionLost,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session import renewal
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.command import (
    command,
    select,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.endpoint import (
    EndpointLink,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.live import keep, kept
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.psrp import PsrpSession
from unit.fake_session import FakeClock
from unit.lab.wire_world import Served, serving
from unit.psrp_machine import act_as_machine, endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    clock = FakeClock()
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
    session = PsrpSession("hv01", EndpointLink("hv01", (endpoint(served),)), clock=FakeClock())
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
    session = PsrpSession("hv01", EndpointLink("hv01", (endpoint(served),)), clock=FakeClock())
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
    session = PsrpSession("hv01", EndpointLink("hv01", (endpoint(served, auth=auth),)), clock=FakeClock())
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
            act_as_machine(one)
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
