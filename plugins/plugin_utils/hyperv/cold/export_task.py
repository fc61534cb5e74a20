# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task vm_export: choose, check everything, then make what is missing, VM by VM; or remove what is asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ...errors import InvalidRequest, MobilityError, NotPossible
from ...findings import Finding, blocking
from ...operation import Diff, Outcome, carry_out
from ...waiting import SYSTEM_CLOCK, Deadline
from ..migration.outcome import error_as_plain
from ..migration.placement import check_path
from ..processor import selected
from ..selection import parse_selection
from .export_checking import Checked, Step, check_exports
from .export_look import folder_of
from .export_removal import remove_exports
from .exporting import ALREADY_EXPORTED, EXPORTED, Order, make
from .manifest import FILE_NAME, Manifest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...operation import Request
    from ...waiting import Clock

FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """What is asked, checked before anything is sent."""

    path: str
    capture: str
    force_new: bool
    timeout_seconds: int


@dataclass(frozen=True, kw_only=True)
class Result:
    """How it ended for one VM."""

    checked: Checked
    outcome: str
    manifest: Manifest | None = None
    seconds: float | None = None
    changed: bool = False
    error: MobilityError | None = None

    def as_plain(self, folder: str) -> dict[str, Any]:
        """Return the documented return value."""
        manifest = self.manifest
        return {
            "id": self.checked.id,
            "name": self.checked.name,
            "outcome": self.outcome,
            "path": folder,
            "manifest": f"{folder}\\{FILE_NAME}",
            "configuration_file": f"{folder}\\{manifest.configuration_file}" if manifest else None,
            "files": len(manifest.files) if manifest else None,
            "bytes": manifest.size if manifest else None,
            "capture": manifest.capture if manifest else None,
            "seconds": None if self.seconds is None else round(self.seconds, 1),
            "reasons": list(self.checked.why),
            "findings": [finding.as_plain() for finding in self.checked.findings],
            "error": None if self.error is None else error_as_plain(self.error),
        }


@dataclass(frozen=True, kw_only=True)
class ExportPlan:
    """What is to be done, decided before the first change."""

    checked: tuple[Checked, ...]
    path: str

    @property
    def changed(self) -> bool:
        """Whether any export is to be made or waited for."""
        return any(one.step in (Step.EXPORT, Step.WAIT) for one in self.checked)

    def diff(self) -> Diff:
        """Return what lies at each VM's place, before and after."""
        before = {folder_of(self.path, one.id): _shown(one) for one in self.checked}
        after = {
            folder: "complete" if one.step in (Step.EXPORT, Step.WAIT) else before[folder]
            for one in self.checked
            for folder in (folder_of(self.path, one.id),)
        }
        return Diff(before=before, after=after)


def _shown(one: Checked) -> str:
    return one.export.state.value + (f", but {'; '.join(one.why)}" if one.why else "")


def parse(arguments: Mapping[str, Any]) -> ExportRequest:
    """Return the request; InvalidRequest for a path that no host can have, or that a command reads as a pattern."""
    path = check_path("path", str(arguments["path"]))
    if set(path) & set("[]"):
        raise InvalidRequest(f"path: {path!r} has brackets, which PowerShell reads as a pattern: choose another folder")
    return ExportRequest(
        path=path,
        capture=str(arguments.get("capture") or "off"),
        force_new=bool(arguments.get("force_new")),
        timeout_seconds=int(arguments.get("timeout_seconds") or 0),
    )


def operate(request: Request, *, clock: Clock = SYSTEM_CLOCK) -> Outcome:
    """Return the outcome with one entry per VM under ``vms``; one VM's failure does not stop the others."""
    asked, selection = parse(request.arguments), parse_selection(request.arguments)
    if request.arguments.get("state") == "absent":
        return remove_exports(request, asked.path, selection)
    if selection.is_everything:
        raise InvalidRequest("no virtual machine is chosen: give names, ids or select")
    session = request.sessions.here()
    chosen = [vm.id for vm in selected(session, selection, host=request.host)]
    checked = check_exports(session, chosen, path=asked.path, capture=asked.capture, force_new=asked.force_new)
    plan = ExportPlan(checked=checked, path=asked.path)
    results = [_standing(one) for one in checked]
    outcome = carry_out(plan, lambda found: _apply(found, asked, request, clock, results), request, {})
    values = {"vms": [result.as_plain(folder_of(asked.path, result.checked.id)) for result in results]}
    failures = [result.error for result in results if result.error is not None]
    changed = outcome.changed if request.check_mode else _has_changed(results)
    return Outcome(changed=changed, values=values, diff=outcome.diff, failure=failures[0] if failures else None)


def _has_changed(results: list[Result]) -> bool:
    return any(result.changed or (result.error is not None and result.error.changed) for result in results)


def _standing(one: Checked) -> Result:
    """Return what is known of a VM before anything is done: kept, blocked, or what check mode says of it."""
    if one.step is Step.KEEP:
        return Result(checked=one, outcome=ALREADY_EXPORTED, manifest=one.export.manifest)
    if one.step is Step.BLOCKED:
        return Result(checked=one, outcome=FAILED, error=NotPossible.blocked(one.name, blocking(one.findings)))
    return Result(checked=one, outcome=EXPORTED)


def _apply(
    plan: ExportPlan, asked: ExportRequest, request: Request, clock: Clock, results: list[Result]
) -> Mapping[str, Any]:
    watch, session = request.sessions.here(), request.sessions.another_here()
    for number, one in enumerate(plan.checked):
        if one.step not in (Step.EXPORT, Step.WAIT):
            continue
        began = clock.monotonic()
        order = Order(
            vm=one.source.details.vm,
            path=asked.path,
            capture=asked.capture,
            clock=clock,
            deadline=Deadline(asked.timeout_seconds or None, clock),
            tell=request.reporter.say,
            interactive=request.reporter.interactive,
            force_new=asked.force_new and one.step is Step.EXPORT,
        )
        try:
            made = make(session, order, watch=watch)
        except MobilityError as error:
            results[number] = _failed(one, error, clock.monotonic() - began)
            if order.deadline.passed:
                session = request.sessions.another_here()
            continue
        results[number] = Result(
            checked=one,
            outcome=made.outcome,
            manifest=made.manifest,
            seconds=clock.monotonic() - began,
            changed=made.changed,
        )
    return {}


def _failed(one: Checked, error: MobilityError, seconds: float) -> Result:
    found: tuple[Finding, ...] = getattr(error, "findings", ())
    merged = (*one.findings, *(finding for finding in found if finding not in one.findings))
    return Result(checked=replace(one, findings=merged), outcome=FAILED, seconds=seconds, error=error)
