# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarting a machine: another start is what counts, and who may not sign in any more is not asked again."""

from __future__ import annotations

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr import reboot
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    AuthenticationFailed,
    ConnectionLost,
    TimedOut,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.waiting import Deadline
from unit.fake_session import FakeClock


class Machine:
    """Answers as the list says, then its last answer for ever."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.restarts = 0

    def booted(self) -> str:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def restart(self) -> None:
        self.restarts += 1


def wait(machine: Machine, seconds: float = 300) -> FakeClock:
    clock = FakeClock()
    reboot._await(machine, "one", Deadline(seconds, clock), "win01")
    return clock


def test_the_machine_is_back_when_it_was_started_anew() -> None:
    clock = wait(Machine("one", ConnectionLost("gone"), ConnectionLost("gone"), "two"))
    assert clock.now == 3 * reboot.POLL_SECONDS


def test_a_machine_that_never_went_down() -> None:
    with pytest.raises(TimedOut) as late:
        wait(Machine("one"))
    assert late.value.changed is True
    assert late.value.details["last_seen"] == "still up since before"


def test_a_refused_sign_in_ends_the_wait() -> None:
    with pytest.raises(AuthenticationFailed) as refused:
        wait(Machine("one", AuthenticationFailed("no"), "two"))
    assert refused.value.changed is True
