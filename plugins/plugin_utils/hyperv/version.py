# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans the hops that VMs need between configuration versions, and upgrades them where that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import InvalidRequest, MobilityError, NotPossible
from ..findings import Finding, Severity, blocking
from ..operation import Outcome, carry_out
from ..session.command import ON, command
from ..waiting import SYSTEM_CLOCK
from .gateway import read_details
from .power import PowerRule, powered_off, refusals, rule_of
from .processor import selected
from .selection import parse_selection
from .version_plan import NO_WAY_BACK, Target, VersionPlan, Wish, parse, plan
from .versions import read_versions
from .writing import change, send

if TYPE_CHECKING:
    from ..operation import Request
    from ..session.protocol import Session, Sessions
    from ..waiting import Clock
    from .versions import HostVersions

_PARTS = ("checkpoints", "replication")


def operate(request: Request, *, clock: Clock = SYSTEM_CLOCK) -> Outcome:
    """Return each VM's hops under ``vms``, what hosts run under ``hosts``; with ``upgrade``, do what is due here."""
    wish = parse(request.arguments, host=request.host, inventory_hosts=request.inventory_hosts)
    selection, rule = parse_selection(request.arguments), rule_of(request.arguments)
    if wish.upgrade and selection.is_everything:
        raise InvalidRequest("upgrade: no virtual machine is chosen: give names, ids or select")
    session = request.sessions.here()
    chosen = selected(session, selection, host=request.host, resuming=rule.restart)
    hosts, unread = _hosts(session, request.sessions, wish)
    details = read_details(session, [vm.id for vm in chosen], parts=_PARTS) if chosen else ()
    decided = plan(details, hosts, wish)
    if wish.upgrade:
        _require(session, decided, rule, request.host)
    problems: list[MobilityError] = []
    values = {
        "vms": [target.described(changed=target.is_due) for target in decided.targets],
        "hosts": [
            {"host": one.host, "versions": list(one.runs), "newest": one.newest or None, "chooses": one.chooses}
            for one in hosts
        ],
        "findings": [finding.as_plain() for finding in unread],
    }
    outcome = carry_out(decided, lambda due: _apply(session, due, rule, problems, clock), request, values)
    changed = outcome.changed if not problems else any(item["changed"] for item in outcome.values["vms"])
    return Outcome(
        changed=changed,
        values=outcome.values,
        diff=outcome.diff,
        warnings=tuple(_warning(target) for target in decided.due if target.upgrade_to),
        failure=problems[0] if problems else None,
    )


def _warning(target: Target) -> str:
    text = f"{target.vm.name}: configuration version {target.vm.version} to {target.upgrade_to}; "
    return text + NO_WAY_BACK.format(version=target.upgrade_to)


def _hosts(session: Session, sessions: Sessions, wish: Wish) -> tuple[tuple[HostVersions, ...], tuple[Finding, ...]]:
    """Return what the hosts run, this one first; a candidate that does not answer becomes a finding."""
    found = [read_versions(session)]
    if wish.destination is not None:
        found.append(read_versions(sessions.to(wish.destination)))
    unread = []
    for name in wish.via:
        try:
            found.append(read_versions(sessions.to(name)))
        except MobilityError as problem:
            unread.append(
                Finding(
                    id="candidate_unread",
                    severity=Severity.WARNING,
                    subject=name,
                    evidence=" ".join(problem.msg.split()),
                    remedy="Make it reachable, or take it out of via; the hops are planned without it.",
                )
            )
    return tuple(found), tuple(unread)


def _require(session: Session, decided: VersionPlan, rule: PowerRule, host: str) -> None:
    """Raise NotPossible where a VM has no way, or may not be taken down: before anything is changed."""
    findings = [finding for target in decided.targets for finding in blocking(target.findings)]
    findings += refusals(session, [target.vm for target in decided.due if target.must_stop], rule)
    if findings:
        raise NotPossible(f"{host}: {findings[0].subject} can't be upgraded: {findings[0].evidence}", findings=findings)


def _apply(
    session: Session, decided: VersionPlan, rule: PowerRule, problems: list[MobilityError], clock: Clock
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
    """Upgrade one VM; return the parts of its result that tell what was done."""
    upgraded = False
    try:
        with powered_off(session, target.vm, rule, clock=clock) as started:
            if target.upgrade_to:
                _upgrade(session, target)
                upgraded = True
    except MobilityError as problem:
        problems.append(problem)
        error = {**problem.details, "kind": problem.kind, "msg": problem.msg}
        return {
            "changed": upgraded or problem.changed,
            "restarted": bool(problem.details.get("started_again")),
            "error": error,
        }
    return {"changed": True, "restarted": started}


def _upgrade(session: Session, target: Target) -> None:
    """Upgrade a VM that is off. Without -Force the cmdlet asks, which fails where nobody can answer."""
    wanted = None if target.to_newest else target.upgrade_to
    send(
        session,
        command("Get-VM", Id=target.vm.id) | change("Update-VMVersion", TargetVersion=wanted, Force=ON),
    )
