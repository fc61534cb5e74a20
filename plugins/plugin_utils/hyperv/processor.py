# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets processor settings of virtual machines, taking a machine down only where that is needed and allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import InvalidRequest, MobilityError, NotFound, NotPossible
from ..operation import Outcome, carry_out
from ..session.command import command
from ..waiting import SYSTEM_CLOCK
from .gateway import has_parameter, processors, read_vms
from .power import PowerRule, powered_off, refusals, rule_of
from .processor_plan import MODE, ProcessorPlan, Target, parse, plan, unsupported
from .selection import Selection, choose, parse_selection
from .vm_info import machines
from .writing import change, send

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..operation import Request
    from ..session.protocol import Session
    from ..waiting import Clock
    from .model import Processor, Vm


def operate(request: Request, *, clock: Clock = SYSTEM_CLOCK) -> Outcome:
    """Return the outcome with one entry per machine under ``vms``; one machine's failure does not stop the others."""
    wanted, selection, rule = parse(request.arguments), parse_selection(request.arguments), rule_of(request.arguments)
    if selection.is_everything:
        raise InvalidRequest("no virtual machine is chosen: give names, ids or select")
    session = request.sessions.here()
    chosen = selected(session, selection, host=request.host, resuming=rule.restart)
    found = processors(session, [vm.id for vm in chosen]) if chosen else {}
    decided = _decide(session, chosen, found, wanted, host=request.host, restart=rule.restart)
    findings = refusals(session, [target.vm for target in decided.due if target.must_stop], rule)
    if findings:
        raise NotPossible(
            f"{request.host}: {findings[0].subject} must be off: {findings[0].evidence}", findings=findings
        )
    problems: list[MobilityError] = []
    values = {"vms": [target.described(changed=target.is_due) for target in decided.targets]}
    outcome = carry_out(decided, lambda due: _apply(session, due, rule, problems, clock), request, values)
    if not problems:
        return outcome
    changed = any(item["changed"] for item in outcome.values["vms"])
    return Outcome(changed=changed, values=outcome.values, diff=outcome.diff, failure=problems[0])


def selected(session: Session, selection: Selection, *, host: str, resuming: bool = False) -> tuple[Vm, ...]:
    """Return the machines that the selection means; raises as ``selection`` says.

    With ``resuming`` an expression meets machines that a killed run left off as they were: running.
    """
    if selection.expression is None:
        return choose(read_vms(session), selection, host=host)
    ids = [item["id"] for item in machines(session, selection, host=host, resuming=resuming)]
    if not ids:
        raise NotFound(f"{host}: select: {selection.expression.expression!r} matches no virtual machine")
    return read_vms(session, ids)


def _decide(
    session: Session,
    vms: tuple[Vm, ...],
    found: Mapping[str, Processor],
    wanted: Mapping[str, Any],
    *,
    host: str,
    restart: bool,
) -> ProcessorPlan:
    findings = unsupported(found, wanted, host)
    if (
        MODE in wanted
        and not findings
        and not has_parameter(session, "Set-VMProcessor", "CompatibilityForMigrationMode")
    ):
        findings = unsupported({vm_id: _without_mode(item) for vm_id, item in found.items()}, {MODE: None}, host)
    if findings:
        raise NotPossible(f"{host} does not know the setting: {findings[0].evidence}", findings=findings)
    return plan(vms, found, wanted, restart=restart)


def _without_mode(processor: Processor) -> Processor:
    from dataclasses import replace  # noqa: PLC0415

    return replace(processor, compatibility_for_migration_mode=None)


def _apply(
    session: Session, decided: ProcessorPlan, rule: PowerRule, problems: list[MobilityError], clock: Clock
) -> dict[str, Any]:
    results = []
    for target in decided.targets:
        result = target.described(changed=False)
        if target.is_due:
            result |= _one(session, target, rule, problems, clock)
        results.append(result)
    return {"vms": results}


def _one(
    session: Session, target: Target, rule: PowerRule, problems: list[MobilityError], clock: Clock
) -> dict[str, Any]:
    """Set one machine; return the parts of its result that tell what was done."""
    was_set = False
    try:
        if not (target.must_stop or target.resume):
            send(session, _setting(target))
            return {"changed": True}
        with powered_off(session, target.vm, rule, clock=clock):
            if target.differences:
                send(session, _setting(target))
            was_set = bool(target.differences)
    except MobilityError as problem:
        problems.append(problem)
        error = {**problem.details, "kind": problem.kind, "msg": problem.msg}
        started = bool(problem.details.get("started_again"))
        return {"changed": was_set or problem.changed, "restarted": started, "error": error}
    return {"changed": True, "restarted": True}


def _setting(target: Target) -> Any:
    return command("Get-VM", Id=target.vm.id) | change("Set-VMProcessor", **target.parameters())
