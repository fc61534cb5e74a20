# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent on Linux: whose folders lie there, runs that go on, and answers that decide nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent import (
    folders,
    install,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent.read_linux import READ
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    NotPossible,
    RemoteError,
)
from unit.fake_programs import FakeShell, MachineSessions, machine_request
from unit.fake_session import FakeClock


def test_whose_folder_it_is() -> None:
    mine = folders.new_name()
    assert folders.is_ours(mine)
    assert not folders.is_ours(mine + "/..")
    assert not folders.is_ours(folders.PREFIX + "x")
    alive = f"{folders.PREFIX}{folders.controller()}-{os.getppid()}-{'a' * 16}"
    assert not folders.is_left(folders.Found(name=alive, is_quiet=True))
    assert not folders.is_left(folders.Found(name=mine, is_quiet=True, is_busy=True))
    assert folders.is_left(folders.Found(name=mine, is_quiet=False))


def test_a_run_of_ours_that_goes_on_is_waited_for() -> None:
    shell = FakeShell()
    answers = ["busy", "busy", ""]
    name = f"{folders.PREFIX}{'0' * 8}-1-{'b' * 16}"

    def read(run: Any) -> str:
        marker, state = run.arguments[0], answers.pop(0)
        folder = f"\n{marker} folder {name}\n{state}\n" if state else ""
        return f"\n{marker} uid\n0\n{folder}\n{marker} end\n"

    shell.on(READ, read)
    clock = FakeClock()
    arguments: dict[str, Any] = {"state": "absent", "timeout_seconds": 60}
    assert not install.operate(machine_request(MachineSessions(shell=shell), **arguments), clock=clock).changed
    assert clock.now == 10


def test_without_root_nothing_is_decided() -> None:
    shell = FakeShell()
    shell.on(READ, lambda run: f"\n{run.arguments[0]} uid\n1000\n\n{run.arguments[0]} end\n")
    with pytest.raises(NotPossible, match="become"):
        install.show(machine_request(MachineSessions(shell=shell)))


def test_a_script_that_is_cut_off_is_no_answer() -> None:
    shell = FakeShell()
    shell.on(READ, lambda run: f"\n{run.arguments[0]} uid\n0\n")
    with pytest.raises(RemoteError, match="did not come to its end"):
        install.show(machine_request(MachineSessions(shell=shell)))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc, to see a process that only waits")
def test_a_killed_process_that_nobody_has_asked_about_is_gone() -> None:
    process = subprocess.Popen(["sleep", "60"])
    name = f"{folders.PREFIX}{folders.controller()}-{process.pid}-{'0' * 16}"
    assert not folders.is_left(folders.Found(name=name, is_quiet=True))
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and stays a zombie
    assert folders.is_left(folders.Found(name=name, is_quiet=False))
    process.wait()
