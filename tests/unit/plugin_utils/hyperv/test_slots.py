# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Live slots of two hosts."""

from __future__ import annotations

from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.slots import (
    Job,
    Load,
    free_slots,
    moving_ids,
    moving_storage_ids,
)
from hypothesis import given
from hypothesis import strategies as st


def load(moves: int = 2, storage: int = 2, moving: str = "", moving_storage: str = "") -> Load:
    return Load(
        moves_limit=moves,
        storage_limit=storage,
        moving=frozenset(moving),
        moving_storage=frozenset(moving_storage),
    )


def free(
    source: Load, destination: Load, started: str = "", concurrency: int | None = None, storage: bool = True
) -> int:
    return free_slots(source, destination, started=frozenset(started), with_storage=storage, concurrency=concurrency)


def test_the_smaller_limit_counts() -> None:
    assert free(load(8, 8), load(3, 8)) == 3
    assert free(load(8, 8), load(8, 1)) == 1
    assert free(load(8, 1), load(8, 8), storage=False) == 8


def test_others_moves_on_either_end_take_slots() -> None:
    assert free(load(moving="ab"), load()) == 0
    assert free(load(4, 4), load(4, 4, moving="xyz", moving_storage="xyz")) == 1


def test_an_own_move_that_shows_as_a_job_counts_once() -> None:
    assert free(load(4, 4, moving="a", moving_storage="a"), load(4, 4, moving="a"), started="a") == 3


def test_concurrency_is_a_limit_of_its_own() -> None:
    assert free(load(8, 8), load(8, 8), started="a", concurrency=2) == 1


def test_only_jobs_that_run_and_move_take_slots() -> None:
    jobs = (
        Job(vm_id="a", job_type=306, state=4),
        Job(vm_id="b", job_type=306, state=7),
        Job(vm_id="c", job_type=301, state=4),
        Job(vm_id="d", job_type=307, state=4),
        Job(vm_id="e", job_type=305, state=10),
        Job(vm_id="f", job_type=305, state=3),
    )
    assert moving_ids(jobs) == {"a", "f"}
    assert moving_storage_ids(jobs) == {"a", "d"}


ids = st.frozensets(st.sampled_from("abcdefgh"))
loads = st.builds(Load, moves_limit=st.integers(0, 6), storage_limit=st.integers(0, 6), moving=ids, moving_storage=ids)


@given(loads, loads, ids, st.booleans(), st.none() | st.integers(1, 6))
def test_starting_what_is_free_never_exceeds_a_limit(
    source: Load, destination: Load, started: frozenset[str], with_storage: bool, concurrency: int | None
) -> None:
    count = free_slots(source, destination, started=started, with_storage=with_storage, concurrency=concurrency)
    assert count >= 0
    for end in (source, destination):
        if count:
            assert len(end.moving | started) + count <= end.moves_limit
            assert not with_storage or len(end.moving_storage | started) + count <= end.storage_limit
