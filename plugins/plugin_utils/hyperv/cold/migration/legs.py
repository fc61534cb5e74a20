# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The source's half, the destination's half: each leg of a cold migration, safe to repeat."""

from __future__ import annotations

import ntpath
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from ....errors import MobilityError, NotPossible
from ....owner import new_token
from ...gateway import get_vm
from ...power import PowerRule, start
from .. import exporting, importing, in_use, transferring
from ..export_tree import OFF as NO_CAPTURE
from ..route import Method, Route
from . import marks, verifying
from .decide import OFF
from .marks import NEVER, Kind
from .reading import side_of_vm
from .request import EXTERNAL, RESTORE
from .work import note, require_at_rest

if TYPE_CHECKING:
    from ...model import Vm
    from ..manifest import Manifest
    from .marks import Mark
    from .reading import Case
    from .work import Work

_HELD = frozenset({Kind.BEGUN, Kind.DONE})
"""What the notes of a source say that is kept off for its copy."""


def export(work: Work) -> Manifest:
    """Return the manifest of a finished export of the source as it is now."""
    order = exporting.Order(
        vm=get_vm(work.ends.source, work.id),
        path=work.places.export,
        capture=NO_CAPTURE,
        clock=work.clock,
        deadline=work.deadline,
        tell=work.tell,
        interactive=work.interactive,
    )
    with _counted(work):
        made = exporting.make(work.ends.source, order, watch=work.watch)
    work.changed = work.changed or made.changed
    return made.manifest


@contextmanager
def _counted(work: Work) -> Iterator[None]:
    """Note what a leg has changed before it failed: a lost link is opened again, and its error forgotten."""
    try:
        yield
    except MobilityError as problem:
        work.changed = work.changed or problem.changed
        raise


def bring(work: Work, case: Case) -> Manifest | None:
    """Return the manifest of the tree that lies, verified, at the destination; None while people have yet to bring it.

    What was brought is held against the source's own manifest where that is there.
    """
    if work.request.transfer_method == EXTERNAL:
        return _brought_by_people(work, case)
    if case.manifest is None:
        raise NotPossible(f"{work.name}: its export is gone", findings=(), changed=work.changed)
    with _counted(work):
        fetched = transferring.fetch(
            work.ends.destination,
            case.manifest,
            route_of(work),
            work.places.tree,
            tell=work.tell,
            clock=work.clock,
            deadline=work.deadline,
        )
    work.changed = work.changed or fetched.changed
    return case.manifest


def route_of(work: Work) -> Route:
    """Return the way by which the destination fetches trees."""
    request = work.request
    return Route(method=Method(request.transfer_method), source=work.places.share, credential=request.credential)


def _brought_by_people(work: Work, case: Case) -> Manifest | None:
    if case.brought is None:
        return None
    wanted = case.manifest or case.brought
    problems = transferring.verify(work.ends.destination, wanted, work.places.tree)
    if problems:
        work.found.append(verifying.tree_damaged(work.name, work.places.tree_of(work.id), problems))
        return None
    return wanted


def take_in(work: Work, brought: Manifest, switch_map: Mapping[str, str]) -> None:
    """Import the tree that lies at the destination; the VM keeps its Id and is off."""
    session = work.ends.destination
    order = import_order(work, brought, switch_map)
    work.tell(f"{work.name}: importing it on {session.host}")
    work.imports = True
    limit = None if work.deadline.seconds is None else max(1.0, work.deadline.remaining)
    with _counted(work):
        importing.import_vm(session, order, timeout_seconds=limit, clock=work.clock, tell=work.tell)
    work.changed = True
    label(work)


def label(work: Work) -> None:
    """Have the copy say what its source says while that is held off for it; its host doesn't start it by itself then.

    It has the notes of its export, which may be older than this migration: of another one, or of none.
    """
    copy = get_vm(work.ends.destination, work.id)
    work.imports = False
    mark = marks.find(copy.notes)
    if mark is not None and mark.rolled_back and mark.host.lower() == work.source_name.lower():
        return
    if work.request.import_mode != RESTORE:
        in_use.settle(work.ends.destination, work.places.tree_of(work.id), work.id, new_token())
    for vm in verifying.kept_source(work):
        held = marks.find(vm.notes)
        if held is None or held.kind is not Kind.BEGUN or held.host.lower() != work.destination_name.lower():
            continue
        if mark != held or copy.automatic_start_action != NEVER:
            work.changed = True
            note(work.ends.destination, copy, marks.put(copy.notes, held), start_action=NEVER)


def import_order(work: Work, brought: Manifest, switch_map: Mapping[str, str]) -> importing.ImportOrder:
    """Return the order: in place, or copied into a folder of the VM's own."""
    path = ntpath.join(work.places.tree_of(work.id), brought.configuration_file)
    order = importing.ImportOrder(
        path=path,
        mode=work.request.import_mode,
        switch_map=switch_map,
        eject_iso=work.request.eject_iso,
        limit_processors=work.request.limit_processors,
    )
    if work.request.import_mode != RESTORE:
        return order
    folder = work.places.restored(work.id, work.name)
    return replace(
        order,
        virtual_machine_path=folder,
        snapshot_file_path=folder,
        smart_paging_file_path=folder,
        vhd_destination_path=ntpath.join(folder, "Virtual Hard Disks"),
    )


def start_there(work: Work) -> None:
    """Start the VM at the destination, once the source was seen off; one that runs already is left alone.

    Raises NotPossible where the notes say that another run has turned the migration back meanwhile.
    """
    vm = get_vm(work.ends.destination, work.id)
    if vm.state != OFF:
        return
    _require_ours(work, vm, "not started")
    require_at_rest(work, work.ends.source)
    work.changed = True
    work.tell(f"{work.name}: starting it on {work.ends.destination.host}")
    start(work.ends.destination, vm, PowerRule(restart=True), clock=work.clock)


def _require_ours(work: Work, copy: Vm, kept: str) -> None:
    """Raise NotPossible where the copy was rolled back, or a source that is there is not kept off for it.

    ``kept`` says what is not done then.
    """
    mark = marks.find(copy.notes)
    says = "the copy was rolled back" if mark is not None and mark.rolled_back else ""
    for vm in verifying.kept_source(work):
        held = marks.find(vm.notes)
        if held is None or held.kind not in _HELD or held.host.lower() != work.destination_name.lower():
            says = f"the source on {work.ends.source.host} is not kept off for {work.ends.destination.host} any more"
    if says:
        raise NotPossible(
            f"{work.name}: {says}, so it is {kept}; look which copy people use, then run again",
            findings=(),
            changed=work.changed,
        )


def finish(work: Work) -> None:
    """Write down that it is done: first at the source, then at the destination, whose automatic start comes back.

    Minutes may have gone since the last look, and another run have turned the migration back: nothing is written then,
    and NotPossible says so.
    """
    if _mark_to_take_out(work) is None:
        return
    work.changed = True
    for vm in verifying.kept_source(work):
        if side_of_vm(vm).holds_memory:
            raise NotPossible(
                f"{work.name}: it runs on {work.ends.destination.host}, and was started on {work.ends.source.host} "
                "meanwhile; find out which one people use, and shut the other down at once",
                findings=(),
                changed=True,
            )
        known = marks.find(vm.notes)
        if known is not None and known.kind in _HELD:
            note(work.ends.source, vm, marks.put(vm.notes, replace(known, kind=Kind.DONE, run=work.run_id)))
    found = _mark_to_take_out(work)
    if found is not None:
        copy, mark = found
        note(work.ends.destination, copy, marks.without(copy.notes), start_action=mark.start_action)


def _mark_to_take_out(work: Work) -> tuple[Vm, Mark] | None:
    """Return the copy with its mark; None where another run took it out. NotPossible where it is not ours to finish."""
    copy = get_vm(work.ends.destination, work.id)
    mark = marks.find(copy.notes)
    if mark is None:
        return None
    _require_ours(work, copy, "not finished")
    if mark.kind is not Kind.BEGUN or mark.host.lower() != work.destination_name.lower():
        raise NotPossible(
            f"{work.name}: the notes on {work.ends.destination.host} say {mark.kind.value} {mark.host}, so it is not "
            "finished; look which copy people use, then run again",
            findings=(),
            changed=work.changed,
        )
    return copy, mark
