# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of a Windows machine over the wire: their input, an end from outside, what the journal keeps."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from hyperv_lab.certificates import Authority
from hyperv_lab.guests.windows import agent_state
from hyperv_lab.guests.windows.package import stand_in
from hyperv_lab.guests.windows.vendor_setup import RUNNING
from hyperv_lab.hyperv import fleet
from hyperv_lab.journal import Journal
from hyperv_lab.wire import Wire
from pypsrp.exceptions import WSManFaultError
from pypsrp.shell import Process, SignalCode, WinRS
from pypsrp.wsman import WSMan
from unit.lab.windows_machine import ASR
from unit.lab.wire_world import free_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hyperv_lab.guests.windows.state import WindowsMachine

SYSTEM32 = "C:\\Windows\\System32"
SECRET = b"Lab-Passphrase-1"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[WindowsMachine, WSMan, Journal]]:
    values = {"name": "WIN01", "os": "2016", "address": free_address()}
    world = fleet.parse({"asr": ASR, "windows_machines": [values], "clock": {"speed": 60}})
    with _serving(world, tmp_path_factory.mktemp("lab")) as found:
        yield found


@contextmanager
def _serving(world: fleet.Fleet, folder: Path) -> Iterator[tuple[WindowsMachine, WSMan, Journal]]:
    machine = world.hosts["WIN01"]
    authority, journal = Authority(folder), Journal(None)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin() -> Wire:
        made = Wire(world, journal, contexts=authority.contexts([machine]))
        await made.start()
        return made

    wire = asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
    account = machine.local[0]
    wsman = WSMan(
        machine.address,
        port=5986,
        ssl=True,
        cert_validation=str(authority.path),
        auth="basic",
        username=account.username,
        password=account.password,
        operation_timeout=3,
        read_timeout=10,
    )
    try:
        yield machine, wsman, journal  # type: ignore[misc]  # a WindowsMachine by the key of the file
    finally:
        asyncio.run_coroutine_threadsafe(wire.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def _until(condition: Callable[[], bool]) -> None:
    for _turn in range(250):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it didn't become true within 5 s")


def test_input_comes_whole_even_late_and_the_journal_has_none_of_it(
    served: tuple[WindowsMachine, WSMan, Journal],
) -> None:
    machine, wsman, journal = served
    with WinRS(wsman) as shell:
        process = Process(
            shell, f"{SYSTEM32}\\sort.exe", ["/REC", "65535", "/O", "C:\\Windows\\Temp\\s"], no_shell=True
        )
        process.begin_invoke()
        time.sleep(0.5)  # longer than a program waits for its first output to be asked for
        process.send(SECRET[:7], end=False)
        process.send(SECRET[7:], end=True)
        process.end_invoke()
    assert (process.rc, machine.files.read("C:\\Windows\\Temp\\s")) == (0, SECRET + b"\r\n")
    entries = json.dumps(journal.entries)
    assert "sort.exe /REC 65535 /O" in entries
    assert SECRET.decode() not in entries


def test_without_the_option_cmd_lies_between_and_with_it_a_program_is_a_file(
    served: tuple[WindowsMachine, WSMan, Journal],
) -> None:
    _machine, wsman, _journal = served
    with WinRS(wsman) as shell:
        process = Process(shell, "echo one & echo two", no_shell=False)
        process.invoke()
        assert process.stdout == b"one \r\ntwo\r\n"
        process = Process(shell, f"{SYSTEM32}\\nothing.exe", no_shell=True)
        with pytest.raises(WSManFaultError):
            process.invoke()


def test_a_setup_that_is_told_to_end_stops_between_two_steps(served: tuple[WindowsMachine, WSMan, Journal]) -> None:
    machine, wsman, _journal = served
    machine.files.write("C:\\T\\UnifiedAgent.exe", stand_in("unifiedagent", "9.55.6765.1"))
    machine.files.write("C:\\T\\UnifiedAgentMSI.msi", b"")
    words = ["/Role", "MS", "/Platform", "VmWare", "/Silent", "/CSType", "CSLegacy"]
    with WinRS(wsman) as shell:
        process = Process(shell, "C:\\T\\UnifiedAgent.exe", words, no_shell=True)
        process.begin_invoke()
        _until(lambda: bool(machine.notes.get(RUNNING)))
        process.signal(SignalCode.TERMINATE)
    _until(lambda: not machine.notes.get(RUNNING))
    assert agent_state.describe(machine)["post_install"] is None
    with WinRS(wsman) as shell:
        process = Process(shell, "C:\\T\\UnifiedAgent.exe", words, no_shell=True)
        process.invoke()
    assert process.rc == 0
    assert agent_state.describe(machine)["times_installed"] == 1
