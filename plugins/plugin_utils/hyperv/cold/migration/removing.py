# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of the source: only once it is proven to be spare, and so that a killed removal is taken up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ....errors import NotPossible
from ....findings import Finding, Severity
from ...gateway import get_vm
from .. import exporting, files
from ..evidence import differences
from ..export_tree import OFF as NO_CAPTURE
from ..export_tree import stale
from . import marks, reading, verifying
from .marks import Kind
from .ownership import note_left, own_files
from .request import RESTORE
from .returning import OURS, drop_export, remove_tree
from .work import note, require_at_rest, unregister

if TYPE_CHECKING:
    from ..evidence import Source
    from ..manifest import Manifest
    from .reading import Case, Ends
    from .request import ColdRequest
    from .work import Work

_KINDS = frozenset({Kind.DONE, Kind.REMOVING})


def done_in(case: Case, run_id: str) -> bool:
    """Whether this very run has migrated the VM: its source stays until a later one."""
    side = case.standing.source
    return bool(run_id) and side is not None and side.mark is not None and side.mark.run == run_id


def doubts(ends: Ends, case: Case, request: ColdRequest) -> tuple[Finding, ...]:
    """Return why the source must not be removed now, from what both hosts show now."""
    assert case.source is not None
    found = list(_source_doubts(ends, case, case.source))
    copy = verifying.details_of(ends.destination, case.id)
    if copy is None:
        return (*found, _doubt(case, "destination_not_verified", f"{ends.destination.host} does not have it", ""))
    return (*found, *verifying.removal_doubts(ends.destination, copy, case.standing, request))


def _source_doubts(ends: Ends, case: Case, source: Source) -> tuple[Finding, ...]:
    """Return what the source itself says against its removal: its notes, and what became of its data since."""
    mark = marks.find(source.details.vm.notes)
    if mark is None or mark.kind not in _KINDS:
        evidence = f"the notes on {ends.source.host} do not say that its migration came to its end"
        return (_doubt(case, "destination_not_verified", evidence, "Run again without remove_source."),)
    manifest = case.manifest or reading.read_trees(ends.destination, [case.id], {case.id: case.places}).get(case.id)
    if mark.kind is Kind.REMOVING:
        changed = _changed_rest(manifest, source)
    elif manifest is None:
        changed = ("no manifest of its export is left to compare it with",)
    else:
        changed = stale(manifest, source, NO_CAPTURE)
    if not changed:
        return ()
    evidence = f"the source on {ends.source.host} may have been used since it was exported: {changed[0]}"
    remedy = (
        "Look at it: what was written to it since is nowhere else. If it is not needed, remove it by hand; if it is, "
        "go back with rollback: true. A disk on a share needs a connection that delegates credentials."
    )
    return (_doubt(case, "source_used_again", evidence, remedy),)


def _changed_rest(manifest: Manifest | None, source: Source) -> tuple[str, ...]:
    """Return what was written to those files that a killed removal has left."""
    names = {f"file {path}" for path in source.files}

    def rest(seen: Mapping[str, str]) -> dict[str, str]:
        return {name: text for name, text in seen.items() if name in names}

    if manifest is None or not names:
        return ()
    return differences(rest(manifest.seen), rest(source.seen))


def _doubt(case: Case, identifier: str, evidence: str, remedy: str) -> Finding:
    return Finding(id=identifier, severity=Severity.BLOCKING, subject=case.name, evidence=evidence, remedy=remedy)


def remove_source(work: Work, case: Case) -> None:
    """Remove the source's disks, its export, and the VM last, so that a killed run is taken up where it stopped.

    Raises NotPossible unless the source is unchanged since its export, an earlier run has written that the migration is
    done, and the VM at the destination is verified now: by Id, with its disks, as it was, and as ``verify`` asks.
    Before the first file is deleted, its notes say that it is being removed.
    """
    session = work.ends.source
    if done_in(case, work.run_id):
        raise NotPossible(f"{work.name}: this run has migrated it; remove its source in a later one", findings=())
    verifying.await_guest(work)
    found = doubts(work.ends, case, work.request)
    if found:
        raise NotPossible(f"{work.name}: {found[0].evidence}", findings=found, changed=work.changed)
    require_at_rest(work, session)
    paths = own_files(work, session, work.ends.destination)
    work.changed = True
    work.tell(f"{work.name}: removing its source on {session.host}")
    _mark(work)
    left = files.remove(session, paths)
    export = exporting.look(session, work.places.export, [work.id])[work.id]
    if export.state in OURS:
        drop_export(work, session, export)
    if work.request.import_mode == RESTORE:
        remove_tree(work)  # its files were copied once more; with register they are the VM
    unregister(session, work.id)
    note_left(work, left)


def _mark(work: Work) -> None:
    """Write into the source's notes that its disks go now: from here on nothing goes back to it."""
    vm = get_vm(work.ends.source, work.id)
    mark = marks.find(vm.notes)
    if mark is None or mark.kind not in _KINDS:
        raise NotPossible(f"{work.name}: its notes changed meanwhile; run again", findings=(), changed=work.changed)
    note(work.ends.source, vm, marks.put(vm.notes, replace(mark, kind=Kind.REMOVING)))
