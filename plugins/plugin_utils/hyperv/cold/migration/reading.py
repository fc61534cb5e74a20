# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading where VMs stand between two hosts: few invocations, whatever their number."""

from __future__ import annotations

import ntpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...gateway import read_details
from ...migration.decide import Seen
from ...migration.look import Look, look_at
from ...migration.read_hosts import read_existing
from .. import exporting
from ..evidence import read_sources
from ..export_tree import OFF, stale
from ..files import read_texts
from ..manifest import FILE_NAME, NoManifest, parse
from . import marks
from .decide import Export, Side, Standing
from .places import candidates, export_root, places

if TYPE_CHECKING:
    from ....session.protocol import Session
    from ...gateway import VmDetails
    from ...migration.look import HostLook
    from ...model import Vm
    from ...preflight.facts import HostFacts
    from ..evidence import Source
    from ..manifest import Manifest
    from .places import Places
    from .request import ColdRequest


@dataclass(frozen=True, kw_only=True)
class Ends:
    """A session to each host; a reader or a worker has its own."""

    source: Session
    destination: Session


@dataclass(frozen=True, kw_only=True)
class Case:
    """One VM: where it stands, and what was read of it on both hosts."""

    id: str
    name: str
    standing: Standing
    places: Places
    source: Source | None = None
    destination: VmDetails | None = None
    export: exporting.Export | None = None
    brought: Manifest | None = None
    """Of the tree at the destination."""
    doubts: tuple[str, ...] = field(default=())
    """Why a host's inventory can't be trusted to be complete."""

    @property
    def manifest(self) -> Manifest | None:
        """The manifest of the finished export, or of the tree where the export is gone."""
        exported = self.export.manifest if self.export is not None else None
        return exported if exported is not None and exported.complete else self.brought

    @property
    def size(self) -> int:
        """Bytes that an export of it takes."""
        if self.manifest is not None and not (self.standing.changed and self.source is not None):
            return self.manifest.size
        return self.source.disk_bytes + self.source.system_bytes if self.source is not None else 0


def computer_name(look: HostLook) -> str:
    """Return the host's own short name, which marks and administrative shares have."""
    return str(look.settings.get("ComputerName") or look.settings.get("Name") or "").partition(".")[0]


def look_at_both(ends: Ends) -> Look:
    """Return one look at both hosts, the destination first."""
    there = look_at(ends.destination)
    return Look(source=look_at(ends.source), destination=there)


def find_places(
    session: Session, vm_ids: Sequence[str], request: ColdRequest, source: HostFacts, destination: HostFacts
) -> dict[str, Places]:
    """Return where each VM's export and tree lie; one invocation on the source at most."""
    found_on: dict[str, str] = {}
    if request.export_path is None:
        names = candidates(vm_ids, source.volumes)
        there = read_existing(session, list(names))
        found_on = {vm_id: drive for name, (vm_id, drive) in names.items() if name.lower() in there}
    return {
        vm_id: places(
            request,
            export=export_root(request, source.volumes, found_on.get(vm_id)),
            source_name=source.computer_name.partition(".")[0],
            destination_default=destination.default_path,
        )
        for vm_id in vm_ids
    }


def read_cases(ends: Ends, look: Look, names: Mapping[str, str], where: Mapping[str, Places]) -> dict[str, Case]:
    """Return where these VMs stand (``names`` by Id), of which ``where`` gives the places.

    Raises RemoteError where a host refuses to say, NotPossible on an endpoint that shows no files.
    """
    here = [vm_id for vm_id in names if vm_id in look.source.machines]
    there = [vm_id for vm_id in names if vm_id in look.destination.machines]
    sources = {one.details.vm.id: one for one in (read_sources(ends.source, here) if here else ())}
    copies = {one.vm.id: one for one in (read_details(ends.destination, there) if there else ())}
    exports = _exports(ends.source, here, where)
    missing = [vm_id for vm_id in names if vm_id not in copies]
    trees = read_trees(ends.destination, missing, where)
    doubts = tuple(doubt for doubt in (look.source.doubt, look.destination.doubt) if doubt)
    return {
        vm_id: _case(
            Case(
                id=vm_id,
                name=name,
                standing=Standing(source=None, destination=None),
                places=where[vm_id],
                source=sources.get(vm_id),
                destination=copies.get(vm_id),
                export=exports.get(vm_id),
                brought=trees.get(vm_id),
                doubts=doubts,
            ),
            look,
        )
        for vm_id, name in names.items()
    }


def read_trees(session: Session, vm_ids: Sequence[str], where: Mapping[str, Places]) -> dict[str, Manifest]:
    """Return the manifests of trees that lie at the destination, by VM Id; somebody else's file counts as none."""
    paths = {ntpath.join(where[vm_id].tree_of(vm_id), FILE_NAME): vm_id for vm_id in vm_ids}
    found: dict[str, Manifest] = {}
    for path, text in read_texts(session, list(paths)).items() if paths else ():
        try:
            manifest = None if text is None else parse(text, where=path)
        except NoManifest:
            continue
        if manifest is not None and manifest.vm_id.lower() == paths[path]:
            found[paths[path]] = manifest
    return found


def _exports(session: Session, vm_ids: Sequence[str], where: Mapping[str, Places]) -> dict[str, exporting.Export]:
    """Return what lies at the places of exports; places of one root are looked at together."""
    roots: dict[str, list[str]] = {}
    for vm_id in vm_ids:
        roots.setdefault(where[vm_id].export, []).append(vm_id)
    found: dict[str, exporting.Export] = {}
    for root, ids in roots.items():
        found |= exporting.look(session, root, ids)
    return found


def _case(read: Case, look: Look) -> Case:
    standing = Standing(
        source=side_of(read.source.details if read.source else None),
        destination=side_of(read.destination),
        destination_name=computer_name(look.destination),
        export=Export(read.export.state.value) if read.export is not None else Export.NONE,
        changed=_changed(read),
        tree=read.brought is not None and read.brought.complete,
        planned=read.id in look.destination.planned,
        whole=look.source.whole and look.destination.whole,
        moving=look.job(read.id) is not None,
    )
    return Case(
        id=read.id,
        name=read.name,
        standing=standing,
        places=read.places,
        source=read.source,
        destination=read.destination,
        export=read.export,
        brought=read.brought,
        doubts=read.doubts,
    )


def _changed(read: Case) -> bool:
    """Whether the source is not any more what was exported; False where there is nothing to compare."""
    if read.source is None or read.manifest is None:
        return False
    return bool(stale(read.manifest, read.source, OFF, by_size=read.destination is not None))


def side_of(details: VmDetails | None) -> Side | None:
    """Return how a host shows a VM, None where it has none."""
    return None if details is None else side_of_vm(details.vm)


def side_of_vm(vm: Vm) -> Side:
    """Return how a host shows this VM."""
    return Side(
        seen=Seen(state=vm.state, statuses=vm.statuses - {"Ok"}),
        mark=marks.find(vm.notes),
        start_action=vm.automatic_start_action,
    )
