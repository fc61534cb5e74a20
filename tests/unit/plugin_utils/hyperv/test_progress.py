# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines on the console."""

from __future__ import annotations

from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.progress import Course, advance, duration


def lines(percents: list[int], *, interactive: bool) -> list[str]:
    course = Course(vm="web01", source="hv01", destination="hv02", total_bytes=10_000_000_000, started=0.0)
    said = []
    for second, percent in enumerate(percents):
        course, line = advance(course, percent, second * 10.0, interactive=interactive)
        if line is not None:
            said.append(line)
    return said


def test_at_most_a_line_per_ten_percent() -> None:
    assert len(lines(list(range(101)), interactive=True)) == 11
    assert len(lines([0, 0, 3, 9, 55, 55, 54, 100, 100], interactive=True)) == 3


def test_a_line_says_vm_from_to_percent_rate_and_estimate() -> None:
    line = lines([0, 25, 50], interactive=True)[-1]
    assert line == "web01: hv01 -> hv02   50 %  250 MB/s  about 20 s left"


def test_a_shorter_line_without_a_terminal() -> None:
    assert lines([0, 50], interactive=False) == ["web01 hv01 > hv02 0%", "web01 hv01 > hv02 50%"]


def test_a_move_that_was_met_half_way_gives_no_wrong_rate() -> None:
    course = Course(vm="v", source="a", destination="b", total_bytes=1_000_000_000, started=0.0, first_percent=50)
    _course, line = advance(course, 60, 10.0, interactive=True)
    assert line == "v: a -> b   60 %  10 MB/s  about 40 s left"


def test_percents_out_of_range_are_kept_in_it() -> None:
    assert lines([-5, 140], interactive=False) == ["web01 hv01 > hv02 0%", "web01 hv01 > hv02 100%"]


def test_durations() -> None:
    assert [duration(s) for s in (-1, 45, 89.6, 720, 12000)] == ["0 s", "45 s", "2 min", "12 min", "3 h 20 min"]
