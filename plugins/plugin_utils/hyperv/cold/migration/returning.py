# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back, and the end of the source: each step seen to be safe in the same run, each safe to repeat."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from ....errors import NotPossible
from ....findings import Finding, Severity
from ...gateway import find_vm, get_vm, read_details
from ...power import PowerRule, start
from .. import exporting, files, in_use
from ..evidence import disk_files
from ..export_look import State
from ..export_tree import remove_export
from . import marks, verifying
from .decide import OFF, starts
from .marks import NEVER, Kind, Mark
from .reading import side_of_vm
from .request import RESTORE
from .work import note, require_at_rest, take_down, unregister

if TYPE_CHECKING:
    from ....session.protocol import Session
    from .reading import Case
    from .work import Work

_OURS = frozenset({State.COMPLETE, State.TORN})


def stop_destination(work: Work) -> None:
    """Bring the copy at the destination to Off for good, and say on both sides that it is no longer the VM."""
    session = work.ends.destination
    vm = find_vm(session, work.id)
    if vm is None:
        return
    work.changed = True
    if side_of_vm(vm).holds_memory:
        take_down(work, session, vm)
        vm = get_vm(session, work.id)
    known = marks.find(vm.notes)
    mark = known if known is not None else Mark(host="", was="Running", start_action=vm.automatic_start_action)
    back = replace(mark, host=work.source_name, kind=Kind.ROLLED_BACK)
    note(session, vm, marks.put(vm.notes, back), start_action=NEVER)
    source = get_vm(work.ends.source, work.id)
    begun = marks.find(source.notes)
    if begun is not None and begun.kind is Kind.DONE:
        note(work.ends.source, source, marks.put(source.notes, replace(begun, kind=Kind.BEGUN)))


def remove_destination(work: Work) -> None:
    """Remove the copy at the destination, and the tree that it lived in."""
    session = work.ends.destination
    vm = find_vm(session, work.id)
    if vm is not None:
        known = marks.find(vm.notes)
        if vm.state != OFF or known is None or not known.rolled_back:
            raise NotPossible(
                f"{work.name}: it is {vm.state} on {session.host}; it is not removed", findings=(), changed=True
            )
        paths = _own_files(work, session_side="destination")
        unregister(session, work.id)
        in_use.unmark(session, work.places.tree_of(work.id))
        files.remove(session, paths)
    _remove_tree(work)


def _remove_tree(work: Work) -> None:
    """Remove the tree that was brought to the destination; NotPossible where a VM lives in it."""
    session = work.ends.destination
    tree = exporting.look(session, work.places.tree, [work.id])[work.id]
    if tree.state in _OURS:
        _remove_export(work, session, tree)


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


def remove_source(work: Work, case: Case) -> None:
    """Remove the source's disks, its export, and the VM last, so that a killed run is taken up where it stopped.

    Raises NotPossible unless the VM at the destination is verified now, by Id, with its disks, and as it was.
    """
    session = work.ends.source
    copy = verifying.destination_details(work)
    doubts = verifying.removal_doubts(work.ends.destination, copy, case.standing, work.request.start)
    if doubts:
        raise NotPossible(f"{work.name}: {doubts[0].evidence}", findings=doubts, changed=work.changed)
    require_at_rest(work, session)
    work.changed = True
    work.tell(f"{work.name}: removing its source on {session.host}")
    left = files.remove(session, _own_files(work, session_side="source"))
    export = exporting.look(session, work.places.export, [work.id])[work.id]
    if export.state in _OURS:
        _remove_export(work, session, export)
    if work.request.import_mode == RESTORE:
        _remove_tree(work)  # its files were copied once more; with register they are the VM
    unregister(session, work.id)
    if left:
        work.found.append(_left(work.name, left))


def _remove_export(work: Work, session: Session, export: exporting.Export) -> None:
    """Remove an export or a tree; one that a mark calls a VM stays, and that is said.

    On a share the export may be the very folder that the destination runs the VM from.
    """
    try:
        remove_export(session, export)
    except NotPossible as kept:
        if {finding.id for finding in kept.findings} != {"tree_imported"}:
            raise
        work.found += [replace(finding, severity=Severity.WARNING) for finding in kept.findings]


def _own_files(work: Work, *, session_side: str) -> tuple[str, ...]:
    """Return the disk files that only this VM of the host uses, and no VM of that Id on the other host reaches."""
    here, there = work.ends.source, work.ends.destination
    if session_side == "destination":
        here, there = there, here
    own: tuple[str, ...] = ()
    others: set[str] = set()
    for details in read_details(here, checkpoint_parts=True):
        paths = disk_files(details)
        if details.vm.id == work.id:
            own = paths
        else:
            others |= {path.lower() for path in paths}
    for details in read_details(there, [work.id], checkpoint_parts=True):
        others |= {path.lower() for path in disk_files(details) if path.startswith("\\\\")}
    _tell_kept(work, [path for path in own if path.lower() in others])
    return tuple(path for path in own if path.lower() not in others)


def _tell_kept(work: Work, kept: Collection[str]) -> None:
    if kept:
        work.found.append(
            Finding(
                id="disk_kept",
                severity=Severity.INFO,
                subject=work.name,
                evidence=f"another VM uses {', '.join(sorted(kept))}",
                remedy="It stays.",
            )
        )


def _left(name: str, paths: Collection[str]) -> Finding:
    return Finding(
        id="files_left",
        severity=Severity.WARNING,
        subject=name,
        evidence=f"could not be removed: {', '.join(sorted(paths))}",
        remedy="Remove them by hand, once nothing has them open.",
    )
