# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench's arithmetic: what holds, what does not, and which runs do not count."""

from __future__ import annotations

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.model import Vm
from bench import peer
from bench.figures import Preparation, Read, compared, growth, per_task, table, tasks_run, unexpected

THEIRS = Read(bytes_sent=390_000, bytes_both=400_000, requests=9, cpu_seconds=0.060)
RECAP = """
PLAY [all] ***
TASK [one] ***
ok: [hv001]
TASK [two] ***
PLAY RECAP ***
hv001                      : ok=3    changed=0    unreachable=0    failed=0    skipped=1    rescued=0    ignored=0
hv002                      : ok=3    changed=0    unreachable=0    failed=0    skipped=1    rescued=0    ignored=0
"""


def test_cost_per_task_is_that_of_the_median_run() -> None:
    assert per_task([14.0, 11.0, 12.0], [2.0, 9.0, 1.0], 100) == pytest.approx(0.1)


@pytest.mark.parametrize(("share", "cpu", "holds"), [(20, 2, [True, True]), (19.9, 1.99, [False, False])])
def test_limits_of_a_comparison(share: float, cpu: float, holds: list[bool]) -> None:
    ours = Read(bytes_sent=10_000, bytes_both=400_000 / share, requests=8, cpu_seconds=0.060 / cpu)
    assert [one.holds for one in compared("x", ours, THEIRS, promised=True) if one.limit] == holds
    assert {one.holds for one in compared("x", ours, THEIRS, promised=False)} == {None}


def preparation(**values: float) -> Preparation:
    given = {"hosts": 50, "cpu_seconds": 0.1, "sessions": 2.0, "tasks": 4, "worker_mb": 90.0, **values}
    return Preparation(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("many", "holds"),
    [
        ({}, [True, True, True, True]),
        ({"tasks": 5}, [False, True, True, True]),
        ({"sessions": 4.1}, [True, False, True, True]),
        ({"cpu_seconds": 0.1101}, [True, True, False, True]),
        ({"worker_mb": 110.5}, [True, True, True, False]),
    ],
)
def test_limits_of_growth(many: dict[str, float], holds: list[bool]) -> None:
    figures = growth(preparation(), preparation(hosts=500, **many))
    assert [one.holds for one in figures] == holds
    assert ("**no**" in table(figures)) is (False in holds)


def test_a_run_that_changed_or_lost_something_does_not_count() -> None:
    assert (unexpected(RECAP, 2), tasks_run(RECAP)) == ("", 2)
    assert "2 hosts" in unexpected(RECAP, 3)
    for word in ("changed", "unreachable", "failed"):
        assert "hv001" in unexpected(RECAP.replace(f"{word}=0", f"{word}=1", 1), 2)
    assert "hv002" in unexpected(RECAP.replace("hv002                      : ok=3", "hv002 : ok=0"), 2)


def test_the_script_reads_what_vm_info_reads() -> None:
    assert set(peer.PROPERTIES) == set(Vm.PROPERTIES)
