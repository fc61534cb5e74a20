# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why nothing is done about a VM, as a finding with its remedy. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ....errors import NotFound, NotPossible
from ....findings import Finding, Severity
from .decide import Verdict

if TYPE_CHECKING:
    from ....errors import MobilityError
    from .reading import Case


def _moving(case: Case, source: str, destination: str) -> Finding:
    return _finding(
        case, "move_running", f"a live migration of it runs on {source} or {destination}",
        "Wait for its end, then run again.",
    )  # fmt: skip


def _unproven(case: Case, source: str, destination: str) -> Finding:
    return _finding(
        case,
        "inventory_unread",
        f"the virtual machines of {source} and {destination} could not all be read ({'; '.join(case.doubts)})",
        "Check the account's rights on both hosts and their Virtual Machine Management service.",
    )


def _both_run(case: Case, source: str, destination: str) -> Finding:
    return _finding(
        case,
        "both_running",
        f"it runs on {source} and on {destination}",
        "Find out which one people use (uptime, addresses), and shut the other down at once; nothing was touched.",
    )


def _source_runs(case: Case, source: str, destination: str) -> Finding:
    return _finding(
        case,
        "source_started_again",
        f"it runs on {source}, and {destination} has a copy of it",
        "To go on with the source: rollback: true, remove_destination: true. To go on with the copy: shut the source "
        "down; what was written to it since is on the source only.",
    )


def _source_changed(case: Case, source: str, destination: str) -> Finding:
    return _finding(
        case,
        "source_changed",
        f"the source on {source} was started or edited after its export, and the copy on {destination} is older",
        "Remove the copy (rollback: true, remove_destination: true) and migrate again.",
    )


def _rolled_back(case: Case, source: str, destination: str) -> Finding:
    return _finding(
        case,
        "rolled_back_copy",
        f"{destination} has a copy that a rollback to {source} left there",
        "Remove it with rollback: true and remove_destination: true, then migrate again.",
    )


def _conflict(case: Case, source: str, destination: str) -> Finding:
    return _finding(
        case,
        "id_taken",
        f"the Id {case.id} is on {source} and on {destination}, and no cold migration between them says why",
        "Compare both with hyperv.mobility.vm_info and remove the one that is not in use.",
    )


def _elsewhere(case: Case, source: str, destination: str) -> Finding:
    del source, destination
    sides = (case.standing.source, case.standing.destination)
    marks = [side.mark for side in sides if side is not None and side.mark is not None]
    here = case.standing.destination_name.lower()
    onward = next((mark.host for mark in marks if mark.host.lower() != here), "another host")
    return _finding(
        case,
        "migrates_elsewhere",
        f"its notes say that a cold migration to {onward} has begun or is done",
        f"Go on with {onward} as destination_host, or roll back with that host. An old copy that is in the way goes by "
        "remove_source, on the host that has it.",
    )


def _gone_on(case: Case, source: str, destination: str) -> Finding:
    return _finding(
        case,
        "copy_gone",
        f"it was migrated from {source} to {destination} and is not there any more; it may run on another host",
        "Look for its Id on your hosts with hyperv.mobility.vm_info. Only if it is nowhere: start the source by hand, "
        "and take the line out of its notes.",
    )


def _being_removed(case: Case, source: str, destination: str) -> Finding:
    return _finding(
        case,
        "source_removal_begun",
        f"its removal from {source} has begun, so there may be nothing left to go back to",
        f"The VM is the one on {destination}. Finish the removal with remove_source: true; to move it back, migrate it "
        f"from {destination}.",
    )


def _no_way_back(case: Case, source: str, destination: str) -> Finding:
    return _finding(
        case,
        "source_gone",
        f"{source} does not have it, so there is nothing to go back to",
        f"Migrate it from {destination} to {source}.",
    )


_REFUSALS: Final = {
    Verdict.MOVING: _moving,
    Verdict.UNPROVEN: _unproven,
    Verdict.BOTH_RUN: _both_run,
    Verdict.SOURCE_RUNS: _source_runs,
    Verdict.SOURCE_CHANGED: _source_changed,
    Verdict.ROLLED_BACK: _rolled_back,
    Verdict.CONFLICT: _conflict,
    Verdict.ELSEWHERE: _elsewhere,
    Verdict.GONE_ON: _gone_on,
    Verdict.BEING_REMOVED: _being_removed,
    Verdict.NO_WAY_BACK: _no_way_back,
}


def refusal(case: Case, verdict: Verdict, *, source: str, destination: str) -> Finding | None:
    """Return the finding for a verdict under which a VM is not touched, None for another one.

    Hosts are given by their inventory names.
    """
    known = _REFUSALS.get(verdict)
    return None if known is None else known(case, source, destination)


def _finding(case: Case, identifier: str, evidence: str, remedy: str) -> Finding:
    return Finding(id=identifier, severity=Severity.BLOCKING, subject=case.name, evidence=evidence, remedy=remedy)


def error_of(case: Case, verdict: Verdict, *, source: str, destination: str, changed: bool = False) -> MobilityError:
    """Return the failure for such a verdict."""
    found = refusal(case, verdict, source=source, destination=destination)
    if found is None:
        return NotFound(f"{case.name} ({case.id}) is neither on {source} nor on {destination}", changed=changed)
    return NotPossible(f"{case.name}: {found.evidence}; {found.remedy}", findings=(found,), changed=changed)
