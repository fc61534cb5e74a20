# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``sh`` over a task's connection: a server that was restarted is given time to take connections again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleAuthenticationFailure, AnsibleConnectionFailure
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.posix import RENEWAL_SECONDS, TaskShell
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import ConnectionLost
from unit.fake_session import FakeClock


class Action:
    """A task's action whose connection fails some times before it works."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.calls = 0
        self.resets = 0
        self.options = {"reconnection_retries": 3}
        self.retries: list[int] = []
        self._connection = SimpleNamespace(
            become=None,
            reset=self._reset,
            has_option=self.options.__contains__,
            get_option=self.options.get,
            set_option=self.options.__setitem__,
        )

    def _reset(self) -> None:
        self.resets += 1

    def _low_level_execute_command(self, line: str, in_data: bytes) -> dict[str, Any]:
        self.calls += 1
        self.retries.append(self.options["reconnection_retries"])
        if self.failures:
            raise self.failures.pop(0)
        return {"rc": 0, "stdout": "", "stderr": ""}


def shell(action: Action, clock: FakeClock) -> TaskShell:
    return TaskShell(action, "lin01", clock)


def test_a_server_that_restarts_is_waited_for() -> None:
    action, clock = Action(*[AnsibleConnectionFailure("reset by peer")] * 3), FakeClock()
    shell(action, clock).renew()
    assert (action.resets, action.calls, clock.now) == (1, 4, 3.0)


def test_one_that_stays_away_is_told_by_the_next_call() -> None:
    action, clock = Action(*[AnsibleConnectionFailure("reset by peer")] * 99), FakeClock()
    here = shell(action, clock)
    here.renew()
    assert clock.now == RENEWAL_SECONDS
    with pytest.raises(ConnectionLost, match="reset by peer"):
        here.run("exit 0")


def test_a_script_is_never_started_again_by_the_plugin() -> None:
    action = Action(AnsibleConnectionFailure("reset by peer"))
    here = shell(action, FakeClock())
    with pytest.raises(ConnectionLost):
        here.run("exit 0")
    here.run("exit 0")
    assert action.retries == [0, 0]
    assert action.options == {"reconnection_retries": 3}


def test_a_refused_secret_is_not_tried_again() -> None:
    action, clock = Action(*[AnsibleAuthenticationFailure("no")] * 9), FakeClock()
    shell(action, clock).renew()
    assert (action.calls, clock.now) == (1, 0.0)
