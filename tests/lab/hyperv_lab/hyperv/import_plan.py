# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An import made ready: the configuration file is read, the machine planned, its files are found (facts, 6.2).

Where a disk is looked for: ``-VhdSourcePath``, ``Virtual Hard Disks`` beside the folder of the configuration, the path
that the configuration names. Assumed, like everything about importing that isn't in the facts (README).
"""

from __future__ import annotations

import ntpath
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from . import definition, reach
from .checkpoint import Snapshot
from .contents import opened
from .definition import NoDefinition
from .migration_errors import ACCESS_DENIED
from .migration_files import code_of
from .migration_plan import bodies
from .planned import CONFIGURATION_BYTES, NOT_PLACED, PlannedVM
from .sharing import ShareRefused
from .storage import File, NoSuchPath

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .devices import HardDrive
    from .host import Host
    from .machine import VirtualMachineBase
    from .reach import Place

REGISTER, COPY = "Register", "Copy"
CONFIGURATIONS, SNAPSHOTS, DISKS = "Virtual Machines", "Snapshots", "Virtual Hard Disks"


class ImportFailed(Exception):
    """An import that doesn't take place or breaks off: an HRESULT, or the key of a refusal (``failures.KINDS``)."""

    def __init__(self, cause: int | str, **values: Any) -> None:
        super().__init__(f"0x{cause:08X}" if isinstance(cause, int) else cause)
        self.cause = cause
        self.values = values


class ImportedVM(PlannedVM):
    """A machine that is being imported. Its configuration lies in the host's default folder until it is realised."""

    @property
    def folder(self) -> str:
        """Return the folder of the configuration files."""
        return ntpath.join(self.host.settings.vm_path, "Planned Virtual Machines")


@dataclass(kw_only=True)
class ImportRequest:
    """What the caller asked for."""

    host: Host
    path: str
    mode: str
    owner: str
    new_id: bool = False
    vhd_source: str = ""
    vhd_destination: str = ""
    vm_path: str = ""
    snapshot_path: str = ""
    paging_path: str = ""
    snapshot_source: str = ""
    """Where Repair-VM said that checkpoints are."""

    @property
    def root(self) -> str:
        """Return the folder of the tree that the configuration file belongs to."""
        folder = ntpath.dirname(self.path)
        return ntpath.dirname(folder) if ntpath.basename(folder).lower() == CONFIGURATIONS.lower() else folder


@dataclass
class Placed:
    """A drive of the planned machine, the disk found for it (a path in the caller's form), and where it goes."""

    drive: HardDrive
    source: str | None
    target: str


@dataclass
class ImportPlan:
    """An import with its planned machine."""

    request: ImportRequest
    content: dict[str, Any]
    planned: ImportedVM
    lacking: list[str] = field(default_factory=list)
    """Checkpoints whose files aren't there, by path."""
    placed: list[Placed] = field(default_factory=list)

    @property
    def host(self) -> Host:
        """Return the host."""
        return self.request.host

    def place(self, path: str) -> Place | None:
        """Return where a path leads for the management service, None where it can't go."""
        try:
            return reach.place_of_service(self.host, path)
        except (ShareRefused, NoSuchPath):
            return None

    def disk(self, path: str) -> File | None:
        """Return the file of a virtual disk that can be opened as one, or None."""
        place = self.place(path)
        file = place.file if place else None
        return file if file is not None and file.disk is not None and not file.writing else None

    def beside(self, name: str) -> str:
        """Return where a runtime or checkpoint file is, that belongs to the configuration file."""
        return ntpath.join(ntpath.dirname(self.request.path), name)

    def of_checkpoint(self, name: str) -> Place | None:
        """Return where a file of a checkpoint is: where Repair-VM said, in the tree, or as recorded."""
        recorded = str(self.content["body"]["own"].get("snapshot_path") or "")
        folders = [self.request.snapshot_source, ntpath.join(self.request.root, SNAPSHOTS)]
        for folder in [*folders, ntpath.join(recorded, SNAPSHOTS) if recorded else ""]:
            place = self.place(ntpath.join(folder, name)) if folder else None
            if place is not None and place.file is not None:
                return place
        return None

    def placed_for(self, drive: HardDrive) -> Placed | None:
        """Return what was found for a drive, None where somebody gave it another path since."""
        return next((one for one in self.placed if one.drive is drive and one.target == drive.path), None)

    def drives(self) -> Iterator[HardDrive]:
        """Yield the drives with virtual disks of the machine and its checkpoints."""
        for body in bodies(self.planned):
            yield from (drive for drive in body.hard_drives if drive.disk_number is None)

    def copies(self) -> dict[str, tuple[Place, str]]:
        """Return the disk files to copy with their parents: lower-case path at the source -> (place, target)."""
        found: dict[str, tuple[Place, str]] = {}
        if self.request.mode == REGISTER:
            return found
        for drive in self.drives():
            known = self.placed_for(drive)
            place = self.place(known.source) if known and known.source else None
            if place is None or known is None:
                continue
            for file in place.host.storage.chain(place.path):
                target = ntpath.join(ntpath.dirname(known.target), ntpath.basename(file.path))
                found[f"{place.host.name}:{file.path}".lower()] = (replace(place, path=file.path), target)
        return found


def prepare(request: ImportRequest) -> ImportPlan:
    """Read the configuration and plan the machine (under the fleet's lock). Raises ImportFailed."""
    content = _read(request)
    version, host = str(content["version"]), request.host
    if version not in host.versions:
        raise ImportFailed("import_version")
    identifier = uuid.uuid4() if request.new_id else uuid.UUID(content["id"])
    if identifier in host.vms or identifier in host.planned:
        raise ImportFailed("import_exists", id=str(identifier).upper())
    planned = ImportedVM(host, content["name"], identifier)
    plan = ImportPlan(request, content, planned)
    definition.rebuild(planned, content, _snapshots(plan))
    planned.state = content["state"]
    for body in bodies(planned):
        _locate(plan, body)
    if request.mode == REGISTER and request.root == ntpath.dirname(request.path):
        planned.flat_at = request.root
    _show(planned)
    return plan


def place_of(request: ImportRequest) -> Place:
    """Return where the configuration file is; raises ImportFailed."""
    try:
        place = reach.place_of_service(request.host, request.path)
    except ShareRefused as refused:
        raise ImportFailed(0x80070000 | refused.code, path=request.path) from refused
    except NoSuchPath as problem:
        raise ImportFailed("import_missing", path=request.path) from problem
    if place.host is not request.host and request.mode == REGISTER:
        raise ImportFailed("not_supported", what=f"Register {request.path}")
    if place.host is request.host:
        request.path = place.path  # a share of its own: the disks behind it
    return place


def _read(request: ImportRequest) -> dict[str, Any]:
    place = place_of(request)
    ending = request.path.lower().rpartition(".")[2]
    if place.is_folder or ending not in ("vmcx", "xml") or (ending == "vmcx" and not request.host.is_new("2016")):
        raise ImportFailed("import_parameter", path=request.path)
    file = place.file
    if file is None:
        raise ImportFailed("import_missing", path=request.path)
    if file.writing:
        raise ImportFailed(ACCESS_DENIED, path=request.path)
    try:
        return definition.read(opened(place.host, place.path).content)
    except NoDefinition as damaged:
        raise ImportFailed("import_unreadable", path=request.path) from damaged


def _snapshots(plan: ImportPlan) -> dict[str, dict[str, Any]]:
    """Return the checkpoints' definitions by Id; note those that aren't there."""
    request, found = plan.request, dict[str, dict[str, Any]]()
    ending = ntpath.splitext(request.path)[1]
    plan.lacking = []
    for identifier in plan.content["snapshots"]:
        name = identifier.upper() + ending
        place = plan.of_checkpoint(name)
        try:
            found[identifier] = definition.read(opened(place.host, place.path).content if place else None)
        except NoDefinition:
            plan.lacking.append(ntpath.join(request.root, SNAPSHOTS, name))
    return found


def _locate(plan: ImportPlan, body: VirtualMachineBase) -> None:
    """Give the planned machine or a checkpoint of it its folders, and its drives the disks that are found."""
    request, settings = plan.request, plan.host.settings
    in_place = request.mode == REGISTER
    body.path = request.root if in_place else request.vm_path or settings.vm_path
    body.snapshot_path = body.path if in_place else request.snapshot_path or body.path
    body.paging_path = body.path if in_place else request.paging_path or body.path
    for drive in body.hard_drives:
        if drive.disk_number is not None:
            continue
        name = ntpath.basename(drive.path)
        beside = ntpath.join(request.root, DISKS, name)
        places = [*([ntpath.join(request.vhd_source, name)] if request.vhd_source else []), beside, drive.path]
        source = next((each for each in places if _is_file(plan, each)), None)
        target = (source or beside) if in_place else ntpath.join(request.vhd_destination or settings.disk_path, name)
        drive.path = target
        plan.placed.append(Placed(drive, source, target))


def _is_file(plan: ImportPlan, path: str) -> bool:
    place = plan.place(path)
    return place is not None and place.file is not None


def find_snapshots(plan: ImportPlan, folder: str) -> None:
    """Look for missing checkpoints in another folder, too, and plan those that are there (under the fleet's lock)."""
    planned = plan.planned
    plan.request.snapshot_source = folder
    found = _snapshots(plan)
    known = {str(snapshot.id): snapshot for snapshot in planned.snapshots}
    for identifier, said in found.items():
        if identifier not in known:
            known[identifier] = Snapshot(planned, said["name"], uuid.UUID(identifier), None)
            definition.fill(known[identifier], said["body"])
            _locate(plan, known[identifier])
    planned.snapshots = [known[each] for each in plan.content["snapshots"] if each in known]
    for identifier, snapshot in known.items():
        snapshot.parent = known.get(found[identifier]["parent"] or "") if identifier in found else None
    planned.snapshot = known.get(plan.content["on"] or "")


def _show(planned: ImportedVM) -> None:
    """Put the configuration of the planned machine on the disk and list it; raises ImportFailed."""
    host = planned.host
    made: list[str] = []
    try:
        for path in planned.configuration_files():
            host.storage.volume(path).put(File(path, CONFIGURATION_BYTES))
            made.append(path)
    except NOT_PLACED as problem:
        for path in made:
            host.storage.volume(path).take(path)
        raise ImportFailed(code_of(problem), path=planned.folder) from problem
    host.planned[planned.id] = planned
