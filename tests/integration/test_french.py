# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""French hosts give the same outcomes and findings as English ones; only texts of Windows differ."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from integration.harness import Lab, Run, serve
from integration.moving import by_name, finding_ids, residents, show
from integration.obstacles import BLOCKED, CLEAN, MOVE_ALL, WAYS, obstacles, pairs
from integration.scenario import task

pytestmark = pytest.mark.exhaustive


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Run, Lab]]:
    with contextmanager(serve)(obstacles("fr"), tmp_path_factory.mktemp("french")) as lab:
        yield lab.tasks("hv01", task("move", "vm_migration", **MOVE_ALL)), lab


def test_the_same_machines_move_and_stay_for_the_same_reasons(moved: Any) -> None:
    run, lab = moved
    rows = by_name(run.one("move"))
    assert {name for name, row in rows.items() if row["outcome"] == "moved"} == set(CLEAN), show(run)
    assert {name for name, row in rows.items() if row["outcome"] == "failed"} == set(BLOCKED)
    for name, (_, expected) in BLOCKED.items():
        assert expected in finding_ids(rows[name], "blocking"), rows[name]
    for name, (_, warned) in CLEAN.items():
        assert finding_ids(rows[name]) == warned
    assert set(CLEAN) < set(residents(lab.state(), "HV02"))


def test_what_windows_says_is_shown_in_its_language(moved: Any) -> None:
    run, _ = moved
    evidence = "\n".join(f["evidence"] for f in by_name(run.one("move"))["many processors"]["findings"])
    assert "processeurs" in evidence


def test_the_same_hosts_fit(tmp_path_factory: pytest.TempPathFactory) -> None:
    with contextmanager(serve)(pairs("fr"), tmp_path_factory.mktemp("pairs")) as lab:
        plays = [
            {
                "hosts": source,
                "gather_facts": False,
                "tasks": [task(name, "vm_compatibility", names=[vm], destination_host=destination)],
            }
            for name, (source, destination, vm, _) in WAYS.items()
        ]
        run = lab.play(plays)
        found = {way: finding_ids(run.one(way)["vms"][0], "blocking") for way in WAYS}
    assert found == {way: expected for way, (_, _, _, expected) in WAYS.items()}
