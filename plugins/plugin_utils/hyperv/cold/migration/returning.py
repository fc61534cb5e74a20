# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back: each step seen to be safe in the same run, each safe to repeat, and the copy goes last."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ....errors import NotPossible
from ....findings import Finding, Severity
from ...gateway import find_vm, get_vm
from ...migration.read_hosts import read_existing
from ...model_enums import VmState
from ...power import PowerRule, start
from .. import exporting, files, in_use
from ..evidence import disk_files
from ..export_look import State
from ..export_tree import remove_export
from . import marks, verifying
from .decide import OFF, Start, starts
from .marks import NEVER, Kind, Mark
from .ownership import note_left, own_files
from .reading import side_of_vm
from .work import note, require_at_rest, take_down, unregister

if TYPE_CHECKING:
    from ....session.protocol import Session
    from ...gateway import VmDetails
    from ...model import Vm
    from .reading import Case
    from .request import ColdRequest
    from .work import Work

OURS = frozenset({State.COMPLETE, State.TORN})
"""States of trees that carry a manifest of ours."""
_LIVED_IN = frozenset({"tree_imported", "files_in_use", "disk_chain_unread"})
"""Findings about an export that a VM lives in, or may."""


def return_doubts(session: Session, case: Case, request: ColdRequest) -> tuple[Finding, ...]:
    """Return why nothing can go back to the source as it is, before anything was done; ``session`` is one to it."""
    assert case.source is not None
    found = missing_disks(session, case.source.details)
    side, copy = case.standing.source, case.standing.destination
    if found or side is None or side.mark is not None or copy is None or not request.remove_destination:
        return found
    state = side.seen.state
    return () if _is_back(state, copy.mark, request) else (_not_back(case.name, state, session),)


def missing_disks(session: Session, details: VmDetails) -> tuple[Finding, ...]:
    """Return a finding where a file of the source's disks, of its checkpoints' or a parent of these is not there.

    What Get-VHD has read is there, also on a share that the session itself can't open.
    """
    known = {vhd.path.lower() for vhd in details.vhds}
    wanted = [*disk_files(details), *(vhd.parent_path for vhd in details.vhds if vhd.parent_path)]
    unread = list({path.lower(): path for path in wanted if path.lower() not in known}.values())
    there = read_existing(session, unread)
    missing = [path for path in unread if path.lower() not in there]
    if not missing:
        return ()
    return (
        Finding(
            id="source_disks_missing",
            severity=Severity.BLOCKING,
            subject=details.vm.name,
            evidence=f"{', '.join(missing)} can't be found on {session.host}",
            remedy="The copy at the destination may be the only one that is whole: keep it. To have the VM on this "
            "host again, migrate it from there.",
        ),
    )


def _is_back(state: str, copy: Mark | None, request: ColdRequest) -> bool:
    """Whether the source is in use again as it is meant to be, so that its copy is spare."""
    ran = copy is not None and copy.ran
    return state == VmState.RUNNING or not (ran if request.start is Start.AS_BEFORE else request.start is Start.YES)


def _not_back(name: str, state: str, session: Session) -> Finding:
    return Finding(
        id="source_not_running",
        severity=Severity.BLOCKING,
        subject=name,
        evidence=f"it is {state} on {session.host}, and it ran, there or as the copy; the copy is not removed",
        remedy="Start it and see that it works, then run again; or say start: false.",
    )


def _require_whole(work: Work) -> None:
    """Raise NotPossible unless every disk file of the source is there, and nobody is removing it."""
    session = work.ends.source
    details = verifying.details_of(session, work.id)
    if details is None:
        raise NotPossible(f"{work.name}: {session.host} does not have it", findings=(), changed=work.changed)
    mark = marks.find(details.vm.notes)
    if mark is not None and mark.kind is Kind.REMOVING:
        raise NotPossible(f"{work.name}: its removal from {session.host} has begun", findings=(), changed=work.changed)
    found = missing_disks(session, details)
    if found:
        raise NotPossible(f"{work.name}: {found[0].evidence}", findings=found, changed=work.changed)


def stop_destination(work: Work) -> None:
    """Bring the copy at the destination to Off for good, and say on both sides that it is no longer the VM."""
    session = work.ends.destination
    vm = find_vm(session, work.id)
    if vm is None:
        return
    _require_whole(work)
    work.changed = True
    ran = side_of_vm(vm).holds_memory
    if ran:
        take_down(work, session, vm)
        vm = get_vm(session, work.id)
    source = get_vm(work.ends.source, work.id)
    begun = marks.find(source.notes)
    mark = marks.find(vm.notes) or _finished(vm, begun, ran=ran)
    back = replace(mark, host=work.source_name, kind=Kind.ROLLED_BACK)
    note(session, vm, marks.put(vm.notes, back), start_action=NEVER)
    if begun is not None and begun.kind is Kind.DONE:
        note(work.ends.source, source, marks.put(source.notes, replace(begun, kind=Kind.BEGUN)))


def _finished(copy: Vm, source: Mark | None, *, ran: bool) -> Mark:
    """Return what to write on a copy whose own mark went when its migration was done: what its source says.

    One that ran until now has data of its own: its source has to run before it is removed, whatever was before.
    """
    was = "Running" if ran or source is None else source.was
    had = {} if source is None else source.addresses
    return Mark(host="", was=was, start_action=copy.automatic_start_action, addresses=had)


def remove_destination(work: Work) -> None:
    """Remove the copy's disks, the copy, and the tree that it lived in, once the source is seen to be in use again.

    The copy stays registered until its disks are gone, so that a killed run is taken up where it stopped.
    """
    _require_whole(work)
    session = work.ends.destination
    vm = find_vm(session, work.id)
    if vm is not None:
        known = marks.find(vm.notes)
        if vm.state != OFF or known is None or not known.rolled_back:
            raise NotPossible(
                f"{work.name}: it is {vm.state} on {session.host}; it is not removed", findings=(), changed=True
            )
        source = get_vm(work.ends.source, work.id)
        if marks.find(source.notes) is not None or not _is_back(source.state, known, work.request):
            found = _not_back(work.name, source.state, work.ends.source)
            raise NotPossible(f"{work.name}: {found.evidence}", findings=(found,), changed=True)
        homes = (work.places.tree_of(work.id), work.places.restored(work.id, work.name))
        paths = own_files(work, session, work.ends.source, homes=homes)
        work.changed = True
        left = files.remove(session, paths)
        in_use.unmark(session, work.places.tree_of(work.id))
        unregister(session, work.id)
        note_left(work, left)
    remove_tree(work)


def remove_tree(work: Work) -> None:
    """Remove the tree that was brought to the destination; NotPossible where a VM lives in it."""
    session = work.ends.destination
    tree = exporting.look(session, work.places.tree, [work.id])[work.id]
    if tree.state in OURS:
        drop_export(work, session, tree)


def drop_export(work: Work, session: Session, export: exporting.Export) -> None:
    """Remove an export or a tree; one that a VM lives in, or may, stays, and that is said.

    On a share the export may be the very folder that the destination runs the VM from.
    """
    before, work.changed = work.changed, True
    try:
        remove_export(session, export)
    except NotPossible as kept:
        work.changed = before
        if not kept.findings or not {finding.id for finding in kept.findings} <= _LIVED_IN:
            raise
        work.found += [replace(finding, severity=Severity.WARNING) for finding in kept.findings]


def start_source(work: Work, case: Case) -> None:
    """Start the source as it was before, once the destination was seen off, and take the mark out."""
    require_at_rest(work, work.ends.destination)
    session = work.ends.source
    vm = get_vm(session, work.id)
    mark = marks.find(vm.notes)
    if mark is None:
        return
    work.changed = True
    if vm.state == OFF and starts(replace(case.standing, destination=None), work.request.start):
        work.tell(f"{work.name}: starting it on {session.host}")
        start(session, vm, PowerRule(restart=True), clock=work.clock)
    vm = get_vm(session, work.id)
    note(session, vm, marks.without(vm.notes), start_action=mark.start_action)
