# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is decided about a VM from one look at both hosts."""

from __future__ import annotations

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration.decide import (
    INTERRUPTING,
    MIGRATING,
    TRANSITIONAL,
    Presence,
    Seen,
    Step,
    decide,
)
from hypothesis import given
from hypothesis import strategies as st

IDLE = Seen(state="Running")
MOVING = Seen(state="Running", statuses=frozenset({"InService", "MigratingVirtualMachine"}))
BACKUP = Seen(state="Running", statuses=frozenset({"BackingUpVirtualMachine"}))


@pytest.mark.parametrize(
    ("presence", "step"),
    [
        (Presence(on_source=IDLE), Step.MOVE),
        (Presence(on_source=Seen(state="Off")), Step.MOVE),
        (Presence(on_destination=IDLE), Step.ALREADY_THERE),
        (Presence(on_source=MOVING), Step.ATTACH),
        (Presence(on_source=IDLE, job_runs=True), Step.ATTACH),
        (Presence(on_destination=IDLE, job_runs=True), Step.ATTACH),
        (Presence(on_source=IDLE, planned=frozenset()), Step.CLEAR_AND_MOVE),
        (Presence(on_source=MOVING, planned=frozenset()), Step.ATTACH),
        (Presence(on_source=BACKUP, planned=frozenset()), Step.WAIT),
        (Presence(on_source=IDLE, planned=frozenset({"InService", "MigratingPlannedVm"})), Step.ATTACH),
        (Presence(on_destination=IDLE, planned=frozenset({"MigratingPlannedVm"})), Step.ATTACH),
        (Presence(on_source=IDLE, on_destination=IDLE), Step.CONFLICT),
        (Presence(on_source=IDLE, on_destination=IDLE, job_runs=True), Step.ATTACH),
        (Presence(), Step.NOT_FOUND),
        (Presence(planned=frozenset()), Step.NOT_FOUND),
        (Presence(on_source=BACKUP), Step.WAIT),
        (Presence(on_source=Seen(state="Starting")), Step.BUSY),
        (Presence(on_source=Seen(state="Running", statuses=frozenset({"InService"}))), Step.WAIT),
        (Presence(source_whole=False), Step.UNPROVEN),
        (Presence(on_destination=IDLE, source_whole=False), Step.UNPROVEN),
        (Presence(on_source=IDLE, destination_whole=False), Step.UNPROVEN),
    ],
)
def test_decision(presence: Presence, step: Step) -> None:
    assert decide(presence) is step


STATES = ["Running", "Off", "Saved", "Paused", *sorted(TRANSITIONAL)]
STATUSES = ["InService", "Degraded", *sorted(MIGRATING), *sorted(INTERRUPTING)]
seen = st.none() | st.builds(
    Seen, state=st.sampled_from(STATES), statuses=st.frozensets(st.sampled_from(STATUSES), max_size=3)
)
presences = st.builds(
    Presence,
    on_source=seen,
    on_destination=seen,
    planned=st.none() | st.frozensets(st.sampled_from(STATUSES), max_size=2),
    job_runs=st.booleans(),
    source_whole=st.booleans(),
    destination_whole=st.booleans(),
)


@given(presences)
def test_a_move_starts_only_for_a_resting_vm_that_is_on_the_source_alone(presence: Presence) -> None:
    if decide(presence) in {Step.MOVE, Step.CLEAR_AND_MOVE}:
        assert presence.on_source is not None
        assert presence.on_source.is_idle
        assert presence.on_destination is None
        assert not presence.job_runs
        assert not (presence.planned or frozenset()) & MIGRATING
        assert presence.source_whole
        assert presence.destination_whole


@given(presences)
def test_success_is_never_said_without_seeing_the_vm_there_and_missing_here(presence: Presence) -> None:
    if decide(presence) is Step.ALREADY_THERE:
        assert presence.on_destination is not None
        assert presence.on_source is None
        assert presence.source_whole
        assert not presence.job_runs
