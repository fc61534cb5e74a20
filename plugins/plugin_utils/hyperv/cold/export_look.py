# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies at the places of exports, and whether anybody is at work there: one look at a host."""

from __future__ import annotations

import ntpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from ...owner import is_gone
from ...session.command import ON, command, select
from ..model import Vm
from . import manifest as manifests
from .files import Item, check_visible, raise_others, text_of, time_of, tree
from .manifest import Manifest, NoManifest

if TYPE_CHECKING:
    from ...session.protocol import Session
    from ...session.reply import Reply

EXPORTING_STATUS: Final = "ExportingVirtualMachine"
_ITEM: Final = Item.PROPERTIES
_STATUS: Final = ("Id", "PrimaryOperationalStatus", "SecondaryOperationalStatus", "OperationalStatus")
_LOOK_SECONDS: Final = 300.0
_AT_ONCE: Final = 50
"""VMs per invocation."""


class State(str, Enum):
    """What lies where a VM's export belongs."""

    NONE = "none"
    FOREIGN = "foreign"
    """Something without a manifest of ours: never touched."""
    TORN = "torn"
    """Ours, not finished, and nobody is at work on it."""
    RUNNING = "running"
    """Ours, and being made: by the host, or by another run."""
    COMPLETE = "complete"


@dataclass(frozen=True, kw_only=True)
class Export:
    """One look at the place of one VM's export."""

    state: State
    folder: str
    manifest: Manifest | None = None
    exporting: bool = False
    """The host exports the VM now, to wherever."""
    modified: datetime | None = None
    """When the manifest was written last, by the host's clock."""
    why: str = ""
    """For a foreign folder: what it is."""


def folder_of(path: str, vm_id: str) -> str:
    """Return the folder that holds the export of a VM: named by its Id, so that equal names don't meet."""
    return ntpath.join(path, vm_id)


def look(session: Session, path: str, vm_ids: Sequence[str]) -> Mapping[str, Export]:
    """Return what lies at each VM's place below ``path``, by Id; a VM need not be on the host (any more).

    Raises RemoteError where the host refuses to say, NotPossible on an endpoint that shows no files.
    """
    found: dict[str, Export] = {}
    for first in range(0, len(vm_ids), _AT_ONCE):
        found |= _look(session, path, list(vm_ids[first : first + _AT_ONCE]))
    return found


def _look(session: Session, path: str, vm_ids: list[str]) -> dict[str, Export]:
    folders = {vm_id: folder_of(path, vm_id) for vm_id in vm_ids}
    names = {vm_id: ntpath.join(folder, manifests.FILE_NAME) for vm_id, folder in folders.items()}
    replies = session.invoke(
        command("Get-Date"),
        command("Get-Item", LiteralPath=[*folders.values(), *names.values()], Force=ON) | select(*_ITEM),
        *(command("Get-Content", LiteralPath=name, Raw=ON) for name in names.values()),
        command("Get-VM") | select(*_STATUS),
        timeout_seconds=_LOOK_SECONDS,
    )
    check_visible(session, [replies.ended_by] if replies.ended_by else [])
    raise_others(session, replies[1].errors)
    items = {item.path.lower(): item for item in map(Item.from_wire, replies[1].objects)}
    now = time_of(str(replies[0].one()))
    exporting = _exporting(replies[-1])
    found = {}
    for vm_id, reply in zip(vm_ids, replies[2:-1], strict=True):
        there = items.get(folders[vm_id].lower())
        written = items.get(names[vm_id].lower())
        seen = _Seen(vm_id=vm_id, folder=folders[vm_id], exporting=vm_id in exporting, now=now)
        if there is None:
            found[vm_id] = seen.export(State.NONE)
        elif not there.is_folder:
            found[vm_id] = seen.export(State.FOREIGN, why="it is a file")
        elif written is None:
            found[vm_id] = _without_manifest(session, seen)
        else:
            found[vm_id] = _with_manifest(seen, text_of(session, reply) or "", written)
    return found


def _exporting(reply: Reply) -> frozenset[str]:
    reply.check()
    machines = [Vm.from_wire(raw) for raw in reply.objects if isinstance(raw, dict)]
    return frozenset(vm.id for vm in machines if EXPORTING_STATUS in vm.statuses)


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What a look knows of one place before its manifest is read."""

    vm_id: str
    folder: str
    exporting: bool
    now: datetime

    def export(self, state: State, **more: Any) -> Export:
        return Export(state=state, folder=self.folder, exporting=self.exporting, **more)


def _without_manifest(session: Session, seen: _Seen) -> Export:
    """Judge a folder without a manifest: an empty one is where a run was killed before it wrote any."""
    inside = tree(session, seen.folder, deep=False)
    strange = [ntpath.basename(item.path) for item in inside if not _is_own_part(ntpath.basename(item.path))]
    if strange:
        return seen.export(State.FOREIGN, why=f"it has no {manifests.FILE_NAME}, and holds {strange[0]}")
    return seen.export(State.TORN if inside else State.NONE)


def _is_own_part(name: str) -> bool:
    return name.startswith(f"{manifests.FILE_NAME}.") and name.endswith(".part")


def _with_manifest(seen: _Seen, text: str, written: Item) -> Export:
    try:
        manifest = manifests.parse(text, where=written.path)
    except NoManifest as problem:
        return seen.export(State.FOREIGN, why=problem.msg)
    if manifest.vm_id.lower() != seen.vm_id:
        return seen.export(State.FOREIGN, why=f"its manifest is of another VM ({manifest.vm_id})")
    modified = time_of(written.modified)
    if manifest.complete:
        state = State.COMPLETE
    elif seen.exporting or at_work(manifest, modified, seen.now):
        state = State.RUNNING
    else:
        state = State.TORN
    return seen.export(state, manifest=manifest, modified=modified)


def at_work(manifest: Manifest, modified: datetime, now: datetime) -> bool:
    """Whether the run that makes an export may still be at work, though the host itself does not export the VM.

    A run of this controller that has ended is known. Any other counts until its lease has run out: it can't be asked,
    or the number of its process is another one's now.
    """
    return not is_gone(manifest.token) and (now - modified).total_seconds() <= manifest.waited_for
