# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real pypsrp against the lab's wire: sign-in, pools, pipelines, streams, limits."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hyperv_lab.world import WinRMLimits
from pypsrp.exceptions import AuthenticationError, WinRMTransportError, WSManFaultError
from pypsrp.powershell import PowerShell, PSInvocationState, RunspacePool
from pypsrp.serializer import ObjectMeta
from pypsrp.wsman import WSMan
from unit.lab.wire_world import DISABLED, DOMAIN, LOCAL, Served, serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("lab")) as one:
        yield one


BASIC: dict[str, Any] = {"ssl": True, "auth": "basic", "username": LOCAL.username, "password": LOCAL.password}


def connect(served: Served, *, ssl: bool = False, auth: str = "ntlm", **options: Any) -> WSMan:
    options.setdefault("username", f"LAB\\{DOMAIN.username}")
    options.setdefault("password", DOMAIN.password)
    if ssl:
        options.setdefault("cert_validation", str(served.ca))
    options = {"operation_timeout": 3, "read_timeout": 10, **options}
    return WSMan(served.machine.address, port=5986 if ssl else 5985, ssl=ssl, auth=auth, **options)


@contextmanager
def pool(served: Served, **options: Any) -> Iterator[RunspacePool]:
    arguments = {name: options.pop(name) for name in ("max_runspaces", "configuration_name") if name in options}
    with connect(served, **options) as wsman, RunspacePool(wsman, **arguments) as opened:
        yield opened


def run(opened: RunspacePool, name: str, **parameters: Any) -> PowerShell:
    powershell = PowerShell(opened)
    powershell.add_cmdlet(name)
    powershell.add_parameters(parameters)
    powershell.invoke()
    return powershell


@pytest.mark.parametrize(
    ("ssl", "auth", "username", "password", "method", "delegable"),
    [
        (True, "basic", LOCAL.username, LOCAL.password, "basic", False),
        (False, "ntlm", "LAB\\ops", DOMAIN.password, "ntlm", False),
        (False, "negotiate", LOCAL.username, LOCAL.password, "ntlm", False),
        (False, "credssp", "LAB\\ops", DOMAIN.password, "credssp", True),
        (True, "credssp", "LAB\\ops", DOMAIN.password, "credssp", True),
        (True, "ntlm", "OPS@LAB", DOMAIN.password, "ntlm", False),
    ],
)
def test_signs_in(
    served: Served, ssl: bool, auth: str, username: str, password: str, method: str, delegable: bool
) -> None:
    with pool(served, ssl=ssl, auth=auth, username=username, password=password) as opened:
        assert run(opened, "Echo", A="hé").output == ["hé"]
    identity = served.machine.identities[-1]
    assert (identity.method, identity.delegable) == (method, delegable)


@pytest.mark.parametrize(
    ("ssl", "auth", "username", "password"),
    [
        (True, "basic", LOCAL.username, "wrong"),
        (True, "basic", "LAB\\ops", DOMAIN.password),
        (True, "basic", DISABLED.username, DISABLED.password),
        (False, "basic", LOCAL.username, LOCAL.password),
        (False, "ntlm", "LAB\\ops", "wrong"),
        (False, "ntlm", "LAB\\nobody", "x"),
        (False, "ntlm", DISABLED.username, DISABLED.password),
        (True, "credssp", "LAB\\ops", "wrong"),
    ],
)
def test_refuses_to_sign_in(served: Served, ssl: bool, auth: str, username: str, password: str) -> None:
    options = {"encryption": "never"} if not ssl and auth == "basic" else {}
    before = len(served.machine.identities)
    with (
        pytest.raises((AuthenticationError, WinRMTransportError, Exception)) as caught,
        pool(served, ssl=ssl, auth=auth, username=username, password=password, **options),
    ):
        pass
    assert not isinstance(caught.value, WSManFaultError)
    assert len(served.machine.identities) == before


@pytest.mark.parametrize(("ssl", "auth"), [(False, "ntlm"), (True, "ntlm"), (False, "credssp")])
def test_good_account_without_the_right_is_denied(served: Served, ssl: bool, auth: str) -> None:
    wsman = connect(served, ssl=ssl, auth=auth, username="LAB\\guest", password="g")
    for _ in range(2):
        with pytest.raises(WSManFaultError) as caught:
            RunspacePool(wsman).open()
        assert caught.value.code == 5


def test_refuses_plain_text_over_http(served: Served) -> None:
    with pytest.raises(WinRMTransportError) as caught, pool(served, auth="ntlm", encryption="never"):
        pass
    assert caught.value.code == 500


def test_certificate_is_checked_and_names_the_host(served: Served) -> None:
    bad_trust = pytest.raises(Exception, match=r"CERTIFICATE_VERIFY_FAILED|certificate verify failed")
    with bad_trust, pool(served, ssl=True, auth="basic", username="x", password="y", cert_validation=True):
        pass


def test_values_statements_and_streams(served: Served) -> None:
    with pool(served) as opened:
        powershell = PowerShell(opened)
        powershell.add_cmdlet("Streams")
        powershell.add_statement()
        powershell.add_cmdlet("Hyper-V\\Echo").add_parameter("A", 'O\'Brien – "x" $y 测试 [a-z]\n`').add_argument(
            [1, True, None]
        )
        assert powershell.invoke() == ['O\'Brien – "x" $y 测试 [a-z]\n`', 1, True, None]
        streams = powershell.streams
        assert [one.message for one in streams.warning] == ["careful"]
        assert [one.message for one in streams.verbose] == ["more"]
        assert [one.message for one in streams.debug] == ["bug"]
        assert [one.message_data for one in streams.information] == ["told"]
        assert [(one.activity, one.percent_complete) for one in streams.progress] == [("Moving", 50)]
    calls = served.machine.invoked[-1]
    assert [[call.name for call in statement] for statement in calls] == [["Streams"], ["Hyper-V\\Echo"]]
    assert calls[1][0].parameters[1] == (None, [1, True, None])


def test_errors_and_failed_state(served: Served) -> None:
    with pool(served) as opened:
        powershell = run(opened, "Fail")
    assert powershell.state == PSInvocationState.FAILED
    assert [one.fq_error for one in powershell.streams.error] == ["Soft,X", "Hard,X"]


def test_input_goes_in(served: Served) -> None:
    with pool(served) as opened:
        powershell = PowerShell(opened)
        powershell.add_cmdlet("Input")
        assert powershell.invoke(["a", 2]) == ["a", 2]


def test_secure_string_arrives_in_the_clear_and_is_masked(served: Served) -> None:
    with pool(served) as opened:
        opened.exchange_keys()
        secret = opened.serialize("gehéim", metadata=ObjectMeta(tag="SS"))
        powershell = PowerShell(opened)
        powershell.add_cmdlet("Which").add_parameter("Secret", secret)
        powershell.invoke()
    value = served.machine.invoked[-1][0][0].parameters[0][1]
    assert value.text == "gehéim"
    assert "gehéim" not in str(served.journal.entries)


def test_many_objects_through_a_small_envelope(served: Served) -> None:
    with pool(served, **BASIC) as opened:
        output = run(opened, "Many", Count=300, Size=2000).output
        one = run(opened, "Many", Count=1, Size=700_000).output
    assert [int(text[:6]) for text in output] == list(range(300))
    assert len(one[0]) == 700_006


def test_long_command_outlives_operation_timeouts(served: Served) -> None:
    with pool(served, operation_timeout=1, read_timeout=5) as opened:
        assert run(opened, "Sleep", Seconds=2.5).output == ["begun", "over"]


def test_stop(served: Served) -> None:
    with pool(served) as opened:
        powershell = PowerShell(opened)
        powershell.add_cmdlet("Sleep").add_parameter("Seconds", 60)
        powershell.begin_invoke()
        powershell.poll_invoke()
        powershell.stop()
        assert powershell.state == PSInvocationState.STOPPED
        assert run(opened, "Echo", A=1).output == [1]


def test_pool_of_several_runspaces_runs_them_at_once(served: Served) -> None:
    with pool(served, max_runspaces=3) as opened:
        started = time.monotonic()
        running = []
        for _ in range(3):
            powershell = PowerShell(opened)
            powershell.add_cmdlet("Sleep").add_parameter("Seconds", 0.6)
            powershell.begin_invoke()
            running.append(powershell)
        for powershell in running:
            powershell.end_invoke()
        assert time.monotonic() - started < 1.5
        assert [one.output for one in running] == [["begun", "over"]] * 3


def test_one_runspace_keeps_its_state_and_reset_replaces_it(served: Served) -> None:
    with pool(served) as opened:
        first, second = run(opened, "Which").output, run(opened, "Which").output
        assert first == second
        assert opened.get_available_runspaces() == 1
        opened.max_runspaces = 4
        assert opened.get_available_runspaces() == 4
        opened.reset_runspace_state()
        assert run(opened, "Which").output != first


def test_dead_client_leaves_its_shell_and_its_pipeline(served: Served) -> None:
    wsman = connect(served)
    opened = RunspacePool(wsman)
    opened.open()
    finished, shells = served.machine.finished, len(served.service.shells)
    powershell = PowerShell(opened)
    powershell.add_cmdlet("Sleep").add_parameter("Seconds", 0.8)
    powershell.begin_invoke()
    wsman.transport.session.close()
    deadline = time.monotonic() + 5
    while served.machine.finished == finished and time.monotonic() < deadline:
        time.sleep(0.05)
    assert served.machine.finished == finished + 1
    assert len(served.service.shells) == shells
    served.loop.call_soon_threadsafe(served.service.restart)


def test_disconnect_and_connect_by_another_client(served: Served) -> None:
    with connect(served) as first:
        opened = RunspacePool(first)
        opened.open()
        powershell = PowerShell(opened)
        powershell.add_cmdlet("Sleep").add_parameter("Seconds", 0.3)
        powershell.begin_invoke()
        opened.disconnect()
        with connect(served) as second:
            found = [one for one in RunspacePool.get_runspace_pools(second) if one.id == opened.id]
            assert len(found) == 1
            pipelines = found[0].create_disconnected_power_shells()
            assert len(pipelines) == 1
            found[0].connect()
            pipelines[0].connect()
            pipelines[0].end_invoke()
            assert pipelines[0].output == ["begun", "over"]
            found[0].close()


def test_unknown_and_forbidden_configuration(served: Served) -> None:
    with pytest.raises(WSManFaultError) as unknown, pool(served, configuration_name="Nothing"):
        pass
    assert unknown.value.code == 2150859193
    with pytest.raises(WSManFaultError) as forbidden, pool(served, configuration_name="Forbidden"):
        pass
    assert forbidden.value.code == 5


def test_quotas_of_shells_and_commands(tmp_path: Path) -> None:
    limits = WinRMLimits(shells_per_user=2, commands_per_shell=3)
    with serving(tmp_path, limits=limits) as served:
        first, second = pool(served), pool(served)
        with first as one, second:
            with pytest.raises(WSManFaultError) as full, pool(served):
                pass
            assert full.value.code == 2150859173
            with pool(served, username=LOCAL.username, password=LOCAL.password):
                pass
            kept = [PowerShell(one) for _ in range(3)]
            for powershell in kept:
                powershell.add_cmdlet("Sleep").add_parameter("Seconds", 0)
                powershell.begin_invoke()
            extra = PowerShell(one)
            extra.add_cmdlet("Which")
            with pytest.raises(WSManFaultError) as commands:
                extra.begin_invoke()
            assert "InternalError" in str(commands.value)
            for powershell in kept:
                powershell.end_invoke()


def test_abandoned_shell_counts_until_its_idle_time_is_over(tmp_path: Path) -> None:
    with serving(tmp_path, limits=WinRMLimits(shells_per_user=1, idle_seconds=1)) as served:
        RunspacePool(connect(served)).open()
        with pytest.raises(WSManFaultError) as full, pool(served):
            pass
        assert full.value.code == 2150859173
        time.sleep(1.2)
        with pool(served) as opened:
            assert run(opened, "Echo", A=1).output == [1]


def test_restart_of_the_service_ends_shells(served: Served) -> None:
    opened = RunspacePool(connect(served, **BASIC))
    opened.open()
    served.machine.faults.append(("Command", "restart_winrm"))
    powershell = PowerShell(opened)
    powershell.add_cmdlet("Which")
    with pytest.raises(Exception, match=r"Connection|reset|aborted|Remote"):
        powershell.invoke()
    with pytest.raises(WSManFaultError) as gone:
        PowerShell(opened).add_cmdlet("Which").invoke()
    assert gone.value.code == 2150858843


def test_http_and_stall_faults(served: Served) -> None:
    with pool(served) as opened:
        served.machine.faults.append(("Command", "http:503"))
        with pytest.raises(WinRMTransportError) as caught:
            run(opened, "Which")
        assert caught.value.code == 503
        served.machine.faults.append(("Command", "stall:0.5"))
        started = time.monotonic()
        run(opened, "Which")
        assert time.monotonic() - started >= 0.5


def test_host_that_is_down_resets(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        opened = RunspacePool(connect(served))
        opened.open()
        powershell = PowerShell(opened)
        powershell.add_cmdlet("Sleep").add_parameter("Seconds", 30)
        powershell.begin_invoke()
        powershell.poll_invoke()
        threading.Timer(0.3, lambda: setattr(served.machine, "alive", False)).start()
        with pytest.raises(Exception, match=r"reset|aborted|Connection"):
            powershell.end_invoke()
        with pytest.raises(Exception, match=r"reset|aborted|Connection"), pool(served):
            pass
        assert len(served.service.shells) == 0
        served.machine.alive = True
        with pool(served) as again:
            assert run(again, "Echo", A=1).output == [1]


def test_a_bug_of_the_lab_shows_at_the_client(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    with pool(served) as opened:
        powershell = run(opened, "Undefined")
        assert powershell.state == PSInvocationState.FAILED
        assert [one.fq_error for one in powershell.streams.error] == ["LabFailure"]
        assert run(opened, "Echo", A=1).output == [1]
    assert "invocation failed" in caplog.text
