# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting by a clock of one's own."""

from __future__ import annotations

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import TimedOut
from ansible_collections.hyperv.mobility.plugins.plugin_utils.waiting import Deadline, wait_until
from unit.fake_session import FakeClock


def test_asks_until_true() -> None:
    clock = FakeClock()
    answers = iter([None, 0, "yes"])
    found = wait_until(lambda: next(answers), what="x", deadline=Deadline(60, clock), interval=5)
    assert (found, clock.now) == ("yes", 10)


def test_the_last_question_is_asked_at_the_deadline() -> None:
    clock = FakeClock()
    with pytest.raises(TimedOut, match="heartbeat: not within 12 seconds; last seen: Off") as caught:
        wait_until(lambda: None, what="heartbeat", deadline=Deadline(12, clock), interval=5, last_seen=lambda: "Off")
    assert clock.now == 12
    assert caught.value.details["last_seen"] == "Off"


def test_no_limit() -> None:
    deadline = Deadline(None, FakeClock())
    assert deadline.remaining == float("inf")
    assert not deadline.passed
