# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time

from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration.mover import Attempt
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration.threads import Threads


def ended(threads: Threads) -> list[tuple[str, Attempt]]:
    for _ in range(500):
        found = threads.finished()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("no attempt ended")


def test_an_attempt_that_ends_in_a_bug_is_reported_and_counts_as_begun() -> None:
    def work() -> Attempt:
        raise LookupError("nobody thought of this")

    threads = Threads()
    threads.start("one", work)
    ((vm_id, attempt),) = ended(threads)
    assert (vm_id, attempt.began) == ("one", True)
    assert attempt.error is not None
    assert "LookupError: nobody thought of this" in attempt.error.msg


def test_attempts_are_given_once() -> None:
    threads = Threads()
    threads.start("one", lambda: Attempt(began=True))
    assert ended(threads) == [("one", Attempt(began=True))]
    assert threads.finished() == []
