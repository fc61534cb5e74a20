# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After the import: disks, adapters and guest compared with what was intended, before the source counts as spare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ....errors import NotPossible
from ....findings import Finding, Severity
from ....waiting import Deadline
from ...gateway import VmDetails, find_vm, read_details
from ...migration.read_hosts import read_existing
from ...model_enums import VmState
from ..evidence import disk_files
from .decide import Start

if TYPE_CHECKING:
    from ....session.protocol import Session
    from ...model import Vm
    from ..transferring import Problem
    from .decide import Standing
    from .request import ColdRequest
    from .work import Work

_POLL_SECONDS = 3.0
_OK = "Ok"


def tree_damaged(name: str, folder: str, problems: Sequence[Problem]) -> Finding:
    """Return the finding about files of a tree that people brought."""
    listed = ", ".join(problem.evidence for problem in problems[:5])
    more = f" and {len(problems) - 5} more" if len(problems) > 5 else ""
    return Finding(
        id="tree_damaged",
        severity=Severity.WARNING,
        subject=name,
        evidence=f"{folder}: {listed}{more}",
        remedy="Bring these files again; those that are right can stay.",
    )


def kept_source(work: Work) -> tuple[Vm, ...]:
    """Return the source VM where the source still has it."""
    vm = find_vm(work.ends.source, work.id)
    return () if vm is None else (vm,)


def destination_details(work: Work) -> VmDetails:
    """Return the imported VM; NotPossible when it is not there."""
    details = details_of(work.ends.destination, work.id)
    if details is not None:
        return details
    raise NotPossible(f"{work.name}: {work.ends.destination.host} does not have it", findings=(), changed=work.changed)


def details_of(session: Session, vm_id: str) -> VmDetails | None:
    """Return a VM with its checkpoints' parts as its host shows it now, None where it is not there."""
    return next(iter(read_details(session, [vm_id], checkpoint_parts=True)), None)


def verify_disks(work: Work) -> None:
    """Prove that the copy at the destination has its disks; raises NotPossible for what is missing."""
    problems = missing_disks(work.ends.destination, destination_details(work))
    if problems:
        raise NotPossible(f"{work.name}: {problems[0].evidence}", findings=problems, changed=work.changed)


def missing_disks(session: Session, details: VmDetails) -> tuple[Finding, ...]:
    """Return a finding for each disk file of the imported VM that is not on its host."""
    paths = disk_files(details)
    there = read_existing(session, list(paths))
    return tuple(
        Finding(
            id="disk_not_as_intended",
            severity=Severity.BLOCKING,
            subject=details.vm.name,
            evidence=f"{path} is not on {session.host}",
            remedy="Look at the VM's disks there; the source is as it was.",
        )
        for path in paths
        if path.lower() not in there
    )


def await_guest(work: Work) -> tuple[Finding, ...]:
    """Return what the guest did not show within its time: its heartbeat, an address on each connected adapter."""
    request = work.request
    if not (request.verify_heartbeat or request.verify_network):
        return ()
    deadline = Deadline(request.verify_seconds, work.clock)
    while True:
        silent = _silent(destination_details(work), heartbeat=request.verify_heartbeat, network=request.verify_network)
        if not silent:
            return ()
        if deadline.passed:
            break
        work.clock.sleep(min(_POLL_SECONDS, deadline.remaining))
    return (
        Finding(
            id="guest_not_verified",
            severity=Severity.WARNING,
            subject=work.name,
            evidence=f"after {request.verify_seconds:g} seconds: {', '.join(silent)}",
            remedy="Look at the guest; in another subnet it may need a new address.",
        ),
    )


def _silent(details: VmDetails, *, heartbeat: bool, network: bool) -> list[str]:
    found = []
    if heartbeat and not str(details.vm.heartbeat or "").startswith(_OK):
        found.append(f"its heartbeat is {details.vm.heartbeat or 'not there'}")
    if network:
        found += [
            f"adapter {adapter.name} shows no address"
            for adapter in details.adapters
            if adapter.connected and not adapter.ip_addresses
        ]
    return found


def removal_doubts(
    session: Session, details: VmDetails, standing: Standing, request: ColdRequest
) -> tuple[Finding, ...]:
    """Return why the source must not be removed yet: a disk is missing at the destination, or it is not as it was.

    A running guest must show what ``verify`` asks for, at this one look.

    ``session`` is one to the destination, ``details`` what it shows of the VM now.
    """
    found = [*missing_disks(session, details)]
    side = standing.source
    ran = side is not None and side.mark is not None and side.mark.ran
    should_run = ran if request.start is Start.AS_BEFORE else request.start is Start.YES
    says = ""
    if details.vm.state == VmState.RUNNING:
        silent = _silent(details, heartbeat=request.verify_heartbeat, network=request.verify_network)
        says = f"on {session.host} {', '.join(silent)}" if silent else ""
    elif should_run:
        says = f"it is {details.vm.state} on {session.host}, and should run there"
    if says:
        found.append(
            Finding(
                id="destination_not_verified",
                severity=Severity.BLOCKING,
                subject=details.vm.name,
                evidence=says,
                remedy="Start it there and see that it works; then run again with remove_source: true.",
            )
        )
    return tuple(found)
