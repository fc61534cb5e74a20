# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task vm_transfer, on the destination: find the exports, verify what is there, fetch what is not right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import InvalidRequest, MobilityError, NotPossible
from ...findings import Finding
from ...operation import Diff, Outcome, carry_out
from ...waiting import SYSTEM_CLOCK, Deadline
from ..migration.outcome import error_as_plain
from ..migration.placement import check_path
from ..selection import parse_selection
from .export_checking import free_bytes
from .export_look import folder_of
from .in_use import imported_elsewhere, in_use, read_residents
from .manifest import FILE_NAME, Manifest, NoManifest
from .route import Method, Route, route_of, sends_password_in_clear
from .transfer_sources import find_manifests, wrong_file
from .transferring import Fetched, fetch, leftovers, names_refused
from .verifying import Problem, find, lacking_room, verify

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...operation import Request
    from ...session.protocol import Session
    from ...waiting import Clock
    from ..selection import Selection
    from .in_use import Resident

TRANSFERRED, ALREADY_THERE, IMPORTED, FAILED = "transferred", "already_there", "already_imported", "failed"


@dataclass(frozen=True, kw_only=True)
class TransferRequest:
    """What is asked, checked before anything is sent."""

    route: Route
    path: str
    selection: Selection
    timeout_seconds: int


@dataclass(frozen=True, kw_only=True)
class Item:
    """One VM's tree: its manifest, what is wrong with it here, and how that stands."""

    vm_id: str
    name: str
    manifest: Manifest | None = None
    problems: tuple[Problem, ...] = ()
    leftovers: tuple[str, ...] = ()
    """Parts that killed runs have left in it."""
    outcome: str = TRANSFERRED
    findings: tuple[Finding, ...] = ()
    error: MobilityError | None = None

    @property
    def is_due(self) -> bool:
        """Whether anything is to be fetched or written."""
        return self.outcome == TRANSFERRED


@dataclass(frozen=True, kw_only=True)
class TransferPlan:
    """What is to be fetched, VM by VM."""

    items: tuple[Item, ...]
    path: str

    @property
    def changed(self) -> bool:
        """Whether anything is."""
        return any(item.is_due for item in self.items)

    def diff(self) -> Diff:
        """Return what is wrong in each tree, before and after."""
        before = {folder_of(self.path, item.vm_id): _wrong(item) for item in self.items}
        after = {folder_of(self.path, item.vm_id): [] if item.is_due else _wrong(item) for item in self.items}
        return Diff(before=before, after=after)


def _wrong(item: Item) -> list[str]:
    wrong = [problem.evidence for problem in item.problems] + [f"{path} was left over" for path in item.leftovers]
    return wrong or ([f"{FILE_NAME} is not that of the export"] if item.is_due else [])


def parse(arguments: Mapping[str, Any]) -> TransferRequest:
    """Return the request; InvalidRequest for options that contradict each other."""
    path = check_path("path", str(arguments["path"]))
    if set(path) & set("[]"):
        raise InvalidRequest(f"path: {path!r} has brackets, which PowerShell reads as a pattern: choose another folder")
    route = route_of(
        str(arguments.get("method") or Method.SMB.value),
        arguments.get("source"),
        arguments.get("username"),
        arguments.get("password"),
    )
    selection = parse_selection(arguments)
    if route.method is Method.HTTP and (selection.names or not selection.ids):
        raise InvalidRequest("method: http shows no folders: choose by ids (vm_export returns them), not by names")
    return TransferRequest(
        route=route, path=path, selection=selection, timeout_seconds=int(arguments.get("timeout_seconds") or 0)
    )


def operate(request: Request, *, clock: Clock = SYSTEM_CLOCK) -> Outcome:
    """Return the outcome with one entry per VM under ``vms``; one VM's failure does not stop the others."""
    asked = parse(request.arguments)
    session = request.sessions.here()
    plan = TransferPlan(items=_items(session, asked, request), path=asked.path)
    done: dict[str, tuple[Fetched | None, float, MobilityError | None]] = {}
    outcome = carry_out(plan, lambda found: _apply(session, found, asked, request, clock, done), request, {})
    values = {"vms": [_plain(item, done, asked.path) for item in plan.items]}
    failures = [item.error for item in plan.items if item.error] + [end[2] for end in done.values() if end[2]]
    changed = outcome.changed if request.check_mode else any(_changed(*end) for end in done.values())
    warnings: tuple[str, ...] = ()
    if sends_password_in_clear(asked.route):
        warnings = (f"{asked.route.source} is plain http: a server that asks for the password gets it unprotected",)
    failure = failures[0] if failures else None
    return Outcome(changed=changed, values=values, diff=outcome.diff, warnings=warnings, failure=failure)


def _changed(fetched: Fetched | None, _seconds: float, error: MobilityError | None) -> bool:
    return fetched.changed if fetched is not None else bool(error and error.changed)


def _items(session: Session, asked: TransferRequest, request: Request) -> tuple[Item, ...]:
    found = find_manifests(session, asked.route, asked.path, asked.selection)
    residents = read_residents(session)
    items = [_item(session, asked, one, residents, request) for one in found.manifests]
    items += [
        Item(vm_id=vm_id, name=vm_id, outcome=FAILED, findings=(finding,), error=_refused(finding))
        for vm_id, finding in found.refusals.items()
    ]
    return _with_room(items, free_bytes(session, asked.path) if any(item.problems for item in items) else None, asked)


def _refused(*findings: Finding) -> NotPossible:
    return NotPossible.blocked(findings[0].subject, findings)


def _item(
    session: Session, asked: TransferRequest, manifest: Manifest, residents: Sequence[Resident], request: Request
) -> Item:
    """Judge one VM's tree at the destination; its hashes are taken here, check mode or not."""
    vm_id, name, folder = manifest.vm_id, manifest.vm_name, folder_of(asked.path, manifest.vm_id)
    if any(one.id == vm_id and one.lives_in(folder) for one in residents):
        return Item(vm_id=vm_id, name=name, manifest=manifest, outcome=IMPORTED)
    names = () if asked.route.method is Method.EXTERNAL else names_refused(manifest, asked.route, folder)
    stops = (*names, *in_use(residents, folder), *imported_elsewhere(session, [folder]).get(folder, ()))
    if stops:
        return Item(vm_id=vm_id, name=name, manifest=manifest, outcome=FAILED, findings=stops, error=_refused(*stops))
    problems = verify(session, manifest, asked.path, tell=request.reporter.say)
    if asked.route.method is Method.EXTERNAL and problems:
        findings = tuple(wrong_file(problem, name, folder) for problem in problems)
        return Item(
            vm_id=vm_id, name=name, manifest=manifest, problems=problems, outcome=FAILED, findings=findings,
            error=_refused(*findings),
        )  # fmt: skip
    left = () if asked.route.method is Method.EXTERNAL else leftovers(session, asked.path, vm_id)
    same = not (problems or left) and (
        asked.route.method is Method.EXTERNAL or _has_manifest(session, asked.path, manifest)
    )
    return Item(
        vm_id=vm_id,
        name=name,
        manifest=manifest,
        problems=problems,
        leftovers=left,
        outcome=ALREADY_THERE if same else TRANSFERRED,
    )


def _has_manifest(session: Session, path: str, manifest: Manifest) -> bool:
    try:
        return find(session, path, manifest.vm_id) == manifest
    except NoManifest:
        return False


def _with_room(items: Sequence[Item], free: int | None, asked: TransferRequest) -> tuple[Item, ...]:
    """Return the items; one that does not fit after those before it is refused, and takes no room."""
    judged, taken = [], 0
    for item in items:
        needed = sum(problem.file.size for problem in item.problems) if item.is_due else 0
        finding = lacking_room(item.name, asked.path, needed, None if free is None else free - taken)
        if finding is None:
            taken += needed
            judged.append(item)
        else:
            judged.append(
                Item(
                    vm_id=item.vm_id,
                    name=item.name,
                    manifest=item.manifest,
                    problems=item.problems,
                    outcome=FAILED,
                    findings=(finding,),
                    error=_refused(finding),
                )
            )
    return tuple(judged)


def _apply(
    session: Session,
    plan: TransferPlan,
    asked: TransferRequest,
    request: Request,
    clock: Clock,
    done: dict[str, tuple[Fetched | None, float, MobilityError | None]],
) -> Mapping[str, Any]:
    for item in plan.items:
        if not item.is_due or item.manifest is None:
            continue
        began = clock.monotonic()
        fetched: Fetched | None = None
        failure: MobilityError | None = None
        try:
            fetched = fetch(
                session,
                item.manifest,
                asked.route,
                asked.path,
                tell=request.reporter.say,
                clock=clock,
                deadline=Deadline(asked.timeout_seconds or None, clock),
                problems=item.problems,
            )
        except MobilityError as error:
            failure = error
        done[item.vm_id] = (fetched, clock.monotonic() - began, failure)
    return {}


def _plain(
    item: Item, done: Mapping[str, tuple[Fetched | None, float, MobilityError | None]], path: str
) -> dict[str, Any]:
    fetched, seconds, error = done.get(item.vm_id, (None, None, None))
    folder, manifest = folder_of(path, item.vm_id), item.manifest
    findings = (*item.findings, *getattr(error, "findings", ()))
    counted = fetched or (None if error is not None else _expected(item))
    error = error or item.error
    return {
        "id": item.vm_id,
        "name": item.name,
        "outcome": FAILED if error is not None else item.outcome,
        "path": folder,
        "manifest": f"{folder}\\{FILE_NAME}",
        "configuration_file": f"{folder}\\{manifest.configuration_file}" if manifest else None,
        "files_fetched": counted.files_fetched if counted else None,
        "files_kept": counted.files_kept if counted else None,
        "bytes": counted.bytes if counted else None,
        "seconds": None if seconds is None else round(seconds, 1),
        "findings": [finding.as_plain() for finding in findings],
        "error": None if error is None else error_as_plain(error),
    }


def _expected(item: Item) -> Fetched:
    """Return what a transfer would do, for check mode; nothing of one that is not done."""
    if item.manifest is None or item.outcome in (FAILED, IMPORTED):
        return Fetched()
    wrong = len(item.problems)
    size = sum(problem.file.size for problem in item.problems)
    return Fetched(files_fetched=wrong, files_kept=len(item.manifest.files) - wrong, bytes=size)
