# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the SSH side of the probe says of a server that does not answer."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.push import ssh
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.push.observations import Problem
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.command import Credential, Secret

LIMIT_SECONDS = 0.5


def test_a_watch_that_comes_late_still_tells_a_time_limit_from_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(seconds: float, *arguments: Any, timer: Any = threading.Timer) -> threading.Timer:
        started: threading.Timer = timer(1.5 * seconds, *arguments)
        return started

    monkeypatch.setattr(threading, "Timer", late)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        door = ssh.Door(
            address="127.0.0.1", port=silent.getsockname()[1], timeout_seconds=LIMIT_SECONDS, any_host_key=True
        )
        found = ssh.sign_in(door, Credential("root", Secret("secret")))
    assert (found.login.problem, found.attempts) == (Problem.TIMED_OUT, 0)
