# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many moves may run: the live slots of two hosts. Pure; what is read from the hosts comes in."""

from __future__ import annotations

from dataclasses import dataclass

MOVES = frozenset({305, 306})
"""Job types that use a migration slot: moving a VM, moving a VM and its storage."""
STORAGE_MOVES = frozenset({306, 307})
"""Job types that use a storage slot: moving a VM and its storage, moving storage."""
RUNNING_STATES = frozenset({2, 3, 4, 5, 6})
"""JobState of a job that has not ended: new, starting, running, suspended, shutting down."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A migration job as any session can read it (``Msvm_MigrationJob``)."""

    vm_id: str
    job_type: int
    state: int
    percent: int = 0
    destination: str | None = None
    owner: str = ""
    error_code: int = 0

    @property
    def runs(self) -> bool:
        """Whether the job has not ended."""
        return self.state in RUNNING_STATES


@dataclass(frozen=True, kw_only=True)
class Load:
    """What one host may do and does: its limits, and the Ids of the VMs that are being moved there or from there."""

    moves_limit: int
    storage_limit: int
    moving: frozenset[str] = frozenset()
    moving_storage: frozenset[str] = frozenset()


def moving_ids(jobs: tuple[Job, ...]) -> frozenset[str]:
    """Return the Ids that running jobs of a host move, which take its migration slots."""
    return frozenset(job.vm_id for job in jobs if job.runs and job.job_type in MOVES)


def moving_storage_ids(jobs: tuple[Job, ...]) -> frozenset[str]:
    """Return the Ids whose storage running jobs of a host move, which take its storage slots."""
    return frozenset(job.vm_id for job in jobs if job.runs and job.job_type in STORAGE_MOVES)


def free_slots(
    source: Load, destination: Load, *, started: frozenset[str], with_storage: bool, concurrency: int | None
) -> int:
    """Return how many more moves may start now, never less than zero.

    ``started`` are the Ids of our own moves that run or are about to, visible as jobs or not yet. A move takes a slot
    on both ends, so each end's limit counts all moves there, whoever started them (facts, 3.5). A move with its storage
    takes a storage slot as well. ``concurrency`` is the user's own limit for this task, None for "auto".
    """
    free = [host.moves_limit - len(host.moving | started) for host in (source, destination)]
    if with_storage:
        free += [host.storage_limit - len(host.moving_storage | started) for host in (source, destination)]
    if concurrency is not None:
        free.append(concurrency - len(started))
    return max(min(free), 0)
