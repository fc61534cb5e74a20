# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of the preflight's bench."""

from __future__ import annotations

from bench import mobility

TRAFFIC = {"shells": 10, "bytes": 1_000_000, "ssh_sessions": 20, "ssh_bytes": 500_000}


def test_each_kind_is_counted_by_its_own_protocol() -> None:
    windows = mobility.survey(1, 10, 2.0, TRAFFIC, "windows")
    linux = mobility.survey(1, 10, 2.0, TRAFFIC, "linux")
    assert (windows.sessions, windows.bytes, windows.cpu_seconds) == (1.0, 100_000, 0.2)
    assert (linux.sessions, linux.bytes) == (2.0, 50_000)


def test_limits_are_on_tasks_and_sessions() -> None:
    ours = mobility.Survey(tasks=1, sessions=2.5, bytes=1000, cpu_seconds=0.1)
    single = mobility.Survey(tasks=70, sessions=70, bytes=100_000, cpu_seconds=7)
    found = mobility.figures("windows", ours, single)
    assert [figure.holds for figure in found] == [True, False, None, None]
    assert found[2].value == "1 kB / 100 kB = 1/100"


def test_as_many_questions_as_the_preflight_asks() -> None:
    assert len(mobility.windows_questions()) > 50
    assert len(mobility.linux_questions()) >= 30
