# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports that are not wanted any more: found by their manifests, removed only where they are provably ours."""

from __future__ import annotations

import ntpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ...errors import Ambiguous, InvalidRequest, MobilityError, NotPossible
from ...findings import Finding, Severity, blocking
from ...operation import Diff, Outcome, carry_out
from ..migration.outcome import error_as_plain
from . import files
from .export_findings import foreign
from .export_look import Export, State, look
from .in_use import users

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...operation import Request
    from ...session.protocol import Session
    from ..selection import Selection

_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
REMOVED, ABSENT, FAILED = "removed", "already_absent", "failed"


@dataclass(frozen=True, kw_only=True)
class Target:
    """An export that is to go. ``findings`` that block keep it."""

    vm_id: str
    name: str
    export: Export
    findings: tuple[Finding, ...] = ()

    @property
    def is_due(self) -> bool:
        """Whether there is anything that may be removed."""
        return self.export.state is not State.NONE and not blocking(self.findings)


@dataclass(frozen=True, kw_only=True)
class RemovalPlan:
    """Which exports go."""

    targets: tuple[Target, ...]

    @property
    def changed(self) -> bool:
        """Whether any does."""
        return any(target.is_due for target in self.targets)

    def diff(self) -> Diff:
        """Return what lies at each place, before and after."""
        before = {target.export.folder: target.export.state.value for target in self.targets}
        after = {t.export.folder: "none" if t.is_due else t.export.state.value for t in self.targets}
        return Diff(before=before, after=after)


def remove_exports(request: Request, path: str, selection: Selection) -> Outcome:
    """Remove the exports of these VMs below a path; those of VMs that the host does not have any more too."""
    if selection.expression is not None:
        raise InvalidRequest("select chooses VMs of the host; an export that is to be absent is chosen by names or ids")
    if selection.is_everything:
        raise InvalidRequest("no export is chosen: give names or ids")
    session = request.sessions.here()
    plan = RemovalPlan(targets=_targets(session, path, selection))
    done: dict[str, MobilityError | None] = {}
    outcome = carry_out(plan, lambda found: _apply(session, found, done), request, {})
    failures = [error for error in done.values() if error is not None] or _refusals(plan)
    changed = outcome.changed if request.check_mode else any(error is None for error in done.values())
    return Outcome(
        changed=changed,
        values={"vms": [_plain(target, done) for target in plan.targets]},
        diff=outcome.diff,
        failure=failures[0] if failures else None,
    )


def _targets(session: Session, path: str, selection: Selection) -> tuple[Target, ...]:
    known = exports_below(session, path)
    ids = list(selection.ids) + [vm_id for name in selection.names for vm_id in _named(known, name, path)]
    if not ids:
        return ()
    found = look(session, path, list(dict.fromkeys(ids)))
    lived_in = users(session, [one.folder for one in found.values() if one.state is not State.NONE])
    return tuple(_target(vm_id, export, lived_in.get(export.folder, ())) for vm_id, export in found.items())


def exports_below(session: Session, path: str) -> Mapping[str, Export]:
    """Return what lies below a path in folders that are named by an Id, by Id."""
    names = [ntpath.basename(item.path).lower() for item in files.tree(session, path, deep=False) if item.is_folder]
    ids = [name for name in names if _ID.fullmatch(name)]
    return look(session, path, ids) if ids else {}


def _named(known: Mapping[str, Export], name: str, path: str) -> list[str]:
    found = [vm_id for vm_id, one in known.items() if one.manifest and one.manifest.vm_name.lower() == name.lower()]
    if len(found) > 1:
        raise Ambiguous(
            f"{path} has {len(found)} exports of virtual machines named {name!r}: choose by ids: {', '.join(found)}",
            name=name,
            candidates=[{"id": vm_id, "name": name} for vm_id in found],
        )
    return found


def _target(vm_id: str, export: Export, findings: tuple[Finding, ...]) -> Target:
    name = export.manifest.vm_name if export.manifest else vm_id
    if export.state is State.FOREIGN:
        findings = (foreign(name, export), *findings)
    elif export.state is State.RUNNING:
        findings = (
            Finding(
                id="export_running",
                severity=Severity.BLOCKING,
                subject=name,
                evidence=f"an export to {export.folder} runs",
                remedy="Wait for its end, or run again later.",
            ),
            *findings,
        )
    return Target(vm_id=vm_id, name=name, export=export, findings=findings)


def _apply(session: Session, plan: RemovalPlan, done: dict[str, MobilityError | None]) -> Mapping[str, Any]:
    for target in plan.targets:
        if target.is_due:
            try:
                files.remove_folder(session, target.export.folder)
                done[target.vm_id] = None
            except MobilityError as error:
                done[target.vm_id] = error
    return {}


def _refusals(plan: RemovalPlan) -> list[MobilityError]:
    stopped = [(target, blocking(target.findings)) for target in plan.targets]
    return [
        NotPossible(f"{target.name}: {stops[0].id}: {stops[0].evidence}", findings=stops)
        for target, stops in stopped
        if stops
    ]


def _plain(target: Target, done: Mapping[str, MobilityError | None]) -> dict[str, Any]:
    error = done.get(target.vm_id)
    stops = blocking(target.findings)
    outcome = REMOVED if target.is_due else ABSENT
    if error is not None or stops:
        outcome = FAILED
    return {
        "id": target.vm_id,
        "name": target.name,
        "outcome": outcome,
        "path": target.export.folder,
        "findings": [finding.as_plain() for finding in target.findings],
        "error": None if error is None else error_as_plain(error),
    }
