# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scans a host with the Best Practices Analyzer and returns the results as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import NotFound, NotPossible
from ...findings import Finding, Severity
from ...operation import Diff, Outcome, carry_out
from ...session.command import ON, command
from ..wire_values import plain
from ..writing import change, send
from . import bpa
from .published import ERROR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...operation import Request
    from ...session.protocol import Session
    from .bpa import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class ExclusionPlan:
    """Ids of results that the host is to leave out from now on; empty unless the task was asked to keep them."""

    model_id: str
    exclude: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether the host does not leave out some of them yet."""
        return bool(self.exclude)

    def diff(self) -> Diff:
        """Return the excluded results before and after."""
        return Diff(before={"excluded": []}, after={"excluded": list(self.exclude)})


def operate(request: Request) -> Outcome:
    """Return the results under ``results``; a scan changes nothing on the host. Check mode reads the last scan."""
    wanted, session = request.arguments, request.sessions.here()
    model = bpa.get_model(session, wanted["model_id"])
    scanned = bool(wanted["scan"]) and not request.check_mode
    if scanned:
        request.reporter.say(f"{request.host}: scanning {model.id}; this takes minutes")
        bpa.scan(session, model.id, timeout_seconds=float(wanted["timeout_seconds"]))
        model = bpa.get_model(session, model.id)
    found = bpa.read_results(session, model.id)
    if not found and not request.check_mode:
        raise NotFound(f"{request.host}: {model.id} has no results: it was never scanned. Scan it (scan: true)")
    keys = frozenset(str(key).lower() for key in wanted["exclude"] or ())
    judged = bpa.exclude(found, keys)
    outcome = carry_out(
        _plan(model.id, found, keys, store=bool(wanted["store_exclusions"])),
        lambda due: _store(session, due),
        request,
        describe(model, judged, scanned=scanned, only=wanted["filter"]),
    )
    return _judged(outcome, judged, wanted["fail_on"], host=request.host)


def describe(model: bpa.Model, results: tuple[Result, ...], *, scanned: bool, only: str) -> dict[str, Any]:
    """Return the documented return values; ``counts`` are of all results, whatever the filter shows."""
    broken = [result for result in results if not result.compliant and not result.excluded]
    shown = [result for result in results if only == "all" or result.compliant == (only == "compliant")]
    return {
        "model_id": model.id,
        "scanned": scanned,
        "last_scan": model.last_scan,
        "results": plain(shown),
        "counts": {
            "compliant": sum(result.compliant for result in results),
            "noncompliant": len(broken),
            "excluded": sum(result.excluded for result in results),
            "errors": sum(_is_error(result) for result in broken),
        },
    }


def _is_error(result: Result) -> bool:
    """Whether a broken rule counts as an error; one of unknown severity does."""
    return result.severity in (ERROR, None)


def _plan(model_id: str, results: tuple[Result, ...], keys: frozenset[str], *, store: bool) -> ExclusionPlan:
    due = [result.id for result in results if store and not result.excluded and result.is_named(keys)]
    return ExclusionPlan(model_id=model_id, exclude=tuple(due))


def _store(session: Session, due: ExclusionPlan) -> Mapping[str, Any]:
    chosen = command("Get-BpaResult", ModelId=due.model_id) | command(
        "Where-Object", Property="ResultId", Value=list(due.exclude), In=ON
    )
    send(session, chosen | change("Set-BpaResult", Exclude=True))
    return {}


def _judged(outcome: Outcome, results: tuple[Result, ...], fail_on: str | None, *, host: str) -> Outcome:
    """Return the outcome, failed where a result is as bad as ``fail_on`` says."""
    bad = [
        result
        for result in results
        if fail_on and not result.compliant and not result.excluded and (fail_on != ERROR or _is_error(result))
    ]
    if not bad:
        return outcome
    failure = NotPossible(
        f"{host}: {len(bad)} results of {outcome.values['model_id']} break a rule, first: "
        f"{bad[0].slug or bad[0].title or bad[0].rule_id}",
        changed=outcome.changed,
        findings=[_finding(result) for result in bad],
    )
    return Outcome(changed=outcome.changed, values=outcome.values, diff=outcome.diff, failure=failure)


def _finding(result: Result) -> Finding:
    return Finding(
        id="best_practice_broken",
        severity=Severity.BLOCKING if _is_error(result) else Severity.WARNING,
        subject=result.slug or result.rule_id,
        evidence=" ".join(part for part in (result.title, result.impact) if part),
        remedy=result.resolution or result.help,
    )
