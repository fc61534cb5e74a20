# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real pywinrm and pypsrp's WinRS against the lab's cmd shells."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hyperv_lab.world import WinRMLimits
from pypsrp.exceptions import WSManFaultError
from pypsrp.shell import Process, SignalCode, WinRS
from pypsrp.wsman import WSMan
from unit.lab.wire_world import DOMAIN, LOCAL, Served, serving
from winrm.protocol import Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("lab")) as one:
        yield one


def pywinrm(served: Served, transport: str, scheme: str, **options: Any) -> Protocol:
    local = transport == "basic"
    return Protocol(
        endpoint=f"{scheme}://{served.machine.address}:{5986 if scheme == 'https' else 5985}/wsman",
        transport=transport,
        username=LOCAL.username if local else f"LAB\\{DOMAIN.username}",
        password=LOCAL.password if local else DOMAIN.password,
        ca_trust_path=str(served.ca),
        operation_timeout_sec=options.pop("operation_timeout_sec", 3),
        read_timeout_sec=10,
        **options,
    )


def wsman(served: Served) -> WSMan:
    return WSMan(
        served.machine.address,
        port=5986,
        ssl=True,
        cert_validation=str(served.ca),
        auth="basic",
        username=LOCAL.username,
        password=LOCAL.password,
        operation_timeout=3,
        read_timeout=10,
    )


@pytest.mark.parametrize(
    ("transport", "scheme"), [("basic", "https"), ("ntlm", "http"), ("ntlm", "https"), ("credssp", "http")]
)
def test_pywinrm_runs_a_program(served: Served, transport: str, scheme: str) -> None:
    protocol = pywinrm(served, transport, scheme)
    shell = protocol.open_shell(env_vars={"A": "1 & 2"})
    command = protocol.run_command(shell, "set")
    output, errors, code = protocol.get_command_output(shell, command)
    protocol.cleanup_command(shell, command)
    protocol.close_shell(shell)
    assert (output, errors, code) == (b"A=1 & 2\r\n", b"bad\r\n", 3)
    entry = next(one for one in reversed(served.journal.entries) if one["event"] == "program")
    assert (entry["method"], entry["command_line"]) == (transport, "set")


def test_standard_input(served: Served) -> None:
    with WinRS(wsman(served)) as shell:
        process = Process(shell, "cat")
        process.begin_invoke()
        process.send(b"one\r\n", end=False)
        process.send(b"two", end=True)
        process.end_invoke()
        process.signal(SignalCode.TERMINATE)
    assert process.stdout == b"one\r\ntwo"


def test_long_program_and_big_output(served: Served) -> None:
    protocol = pywinrm(served, "basic", "https", operation_timeout_sec=1)
    shell = protocol.open_shell()
    slow = protocol.run_command(shell, "sleep", ["1.5"])
    assert protocol.get_command_output(shell, slow)[0] == b"slept"
    big = protocol.run_command(shell, "big")
    assert protocol.get_command_output(shell, big)[0] == b"z" * 400_000
    protocol.close_shell(shell)


def test_unknown_program_with_and_without_cmd(served: Served) -> None:
    with WinRS(wsman(served)) as shell:
        process = Process(shell, "nothing")
        process.invoke()
        assert process.rc == 1
        assert b"not recognized" in process.stderr
        process.signal(SignalCode.TERMINATE)
        with pytest.raises(WSManFaultError) as caught:
            Process(shell, "nothing", no_shell=True).invoke()
        assert caught.value.code == 2147942402


def run_often(shell: WinRS, times: int) -> None:
    for _ in range(times):
        process = Process(shell, "set")
        process.invoke()
        process.signal(SignalCode.TERMINATE)


def test_commands_of_a_text_shell_count_until_it_is_closed(tmp_path: Path) -> None:
    with serving(tmp_path, limits=WinRMLimits(operations_per_user=4)) as served:
        shell = WinRS(wsman(served))
        shell.open()
        with pytest.raises(WSManFaultError) as caught:
            run_often(shell, 6)
        assert caught.value.code == 2150859174
        served.loop.call_soon_threadsafe(served.service.restart)
        deadline = time.monotonic() + 5
        while len(served.service.shells) and time.monotonic() < deadline:
            time.sleep(0.02)
        with WinRS(wsman(served)) as fresh:
            Process(fresh, "set").invoke()
