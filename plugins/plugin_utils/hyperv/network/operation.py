# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets network adapters of VMs and addresses in guests, after looking for everything that speaks against it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ...errors import InvalidRequest, MobilityError, NotPossible, TimedOut
from ...findings import Severity, blocking
from ...operation import Outcome, carry_out
from ...waiting import SYSTEM_CLOCK, Deadline, wait_until
from ..gateway import read_details
from ..guest.exchange import read_exchanges
from ..processor import selected
from ..selection import parse_selection
from .adapters import AdapterPlan, plan_adapters
from .applying import Progress, apply_adapters
from .findings import guest_not_running
from .judging import judge, judge_guests, judge_wishes
from .named import VARIABLE, networks_of
from .reading import read_neighbours, read_networks
from .wishes import parse_wishes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...findings import Finding
    from ...operation import Request
    from ...session.protocol import Session
    from ...waiting import Clock
    from ..gateway import VmDetails
    from .findings import Neighbour
    from .reading import HostNetworks
    from .wishes import AdapterWish

    _Planned = tuple[AdapterPlan, HostNetworks, dict[str, VmDetails]]

_PARTS = ("network_adapters", "integration_services")
_MAY_PASS = frozenset({"key_value_exchange_silent", "key_value_exchange_unknown"})
"""What a guest that is still starting shows."""
_UNREPORTED = "gateway_unknown"
"""It shows this, too, where it reports nothing yet."""
_POLL_SECONDS = 3.0


def operate(request: Request, *, clock: Clock = SYSTEM_CLOCK) -> Outcome:
    """Return the outcome with one entry per VM under ``vms``; one VM's failure does not stop the others.

    Raises InvalidRequest and NotPossible before the first change.
    """
    networks = networks_of(request.variable(request.host, VARIABLE), host=request.host)
    wishes = parse_wishes(request.arguments.get("adapters") or (), networks, where="adapters")
    selection = parse_selection(request.arguments)
    if selection.is_everything:
        raise InvalidRequest("no virtual machine is chosen: give names, ids or select")
    _stop(request.host, judge_wishes(wishes))
    for host in request.arguments.get("conflict_hosts") or ():
        if host not in request.inventory_hosts:
            raise InvalidRequest(f"conflict_hosts: the inventory has no host {host!r}")
    session = request.sessions.here()
    chosen = selected(session, selection, host=request.host)
    _check_several(wishes, [vm.name for vm in chosen])
    deadline = Deadline(float(request.arguments.get("wait_seconds") or 0), clock)
    ids = [vm.id for vm in chosen]
    plan, around, details = _planned(session, ids, wishes)
    findings = judge(plan, around, elsewhere=_elsewhere(request), networks=networks.values())
    _stop(request.host, findings)
    if request.arguments.get("guest_not_running") == "skip":
        findings = (*findings, *_left_out(plan))
        plan = plan.without_silent_guests()
    plan, doubts = _await_guests(
        session, (plan, around, details), lambda: _planned(session, ids, wishes), deadline, request
    )
    findings = (*findings, *doubts)
    _stop(request.host, findings)
    progress = Progress()
    outcome = carry_out(plan, lambda due: _apply(session, due, progress, request, deadline), request, {})
    changed = plan.changed if request.check_mode else bool(progress.changed)
    values = {
        "vms": _described(plan, progress, findings, foreseen=request.check_mode),
        "findings": [one.as_plain() for one in findings if one.subject == session.host],
    }
    failure = next(iter(progress.errors.values()), None)
    return Outcome(changed=changed, values=values, diff=outcome.diff, failure=failure)


def _left_out(plan: AdapterPlan) -> tuple[Finding, ...]:
    """Return a warning for each guest that is not told, since its machine does not run."""
    return tuple(
        finding
        for target in plan.due
        if target.order is not None
        for finding in guest_not_running(target.subject, target.vm.state, severity=Severity.WARNING)
    )


def _stop(host: str, findings: Sequence[Finding]) -> None:
    """Raise NotPossible with the blocking ones among the findings."""
    found = blocking(findings)
    if found:
        raise NotPossible(f"{host}: {found[0].subject}: {found[0].evidence}. {found[0].remedy}", findings=found)


def _check_several(wishes: Sequence[AdapterWish], names: Sequence[str]) -> None:
    """Refuse an address for several VMs at once."""
    fixed = next((w for w in wishes if w.static_mac or any(family.address for family in w.families)), None)
    if fixed is not None and len(names) > 1:
        value = fixed.static_mac or next(family.address for family in fixed.families if family.address)
        raise InvalidRequest(f"{value} can't be that of {len(names)} VMs ({', '.join(names)}); choose one, or loop")


def _planned(session: Session, ids: Sequence[str], wishes: Sequence[AdapterWish]) -> _Planned:
    details = {item.vm.id: item for item in read_details(session, ids, parts=_PARTS)}
    around = read_networks(session, guests=any(wish.addresses_guest for wish in wishes))
    ordered = [details[vm_id] for vm_id in ids if vm_id in details]
    return plan_adapters(ordered, dict.fromkeys(ids, wishes), around.configurations), around, details


def _elsewhere(request: Request) -> tuple[Neighbour, ...]:
    hosts = [host for host in request.arguments.get("conflict_hosts") or () if host != request.host]
    return tuple(one for host in hosts for one in read_neighbours(request.sessions.to(host)))


def _await_guests(
    session: Session,
    planned: _Planned,
    again: Callable[[], _Planned],
    deadline: Deadline,
    request: Request,
) -> tuple[AdapterPlan, tuple[Finding, ...]]:
    """Return the plan and why guests can't be told, after giving those that are still starting the time to answer.

    Each further look plans ``again``: what a guest reports once it answers stays where nothing else is said.
    """
    plan = planned[0]
    due = list(dict.fromkeys(target.vm.id for target in plan.due if target.order is not None))
    if not due:
        return plan, ()

    def look(now: _Planned) -> tuple[AdapterPlan, tuple[Finding, ...]]:
        plan = now[0].with_orders_for(due)
        return plan, judge_guests(plan, now[2], read_exchanges(session, due), host=request.host)

    plan, found = look(planned)
    told = False

    def settled() -> bool:
        nonlocal plan, found, told
        stops = blocking(found)
        if not stops or not all(_may_pass(one, plan) for one in stops):
            return True
        if not told:
            request.reporter.say(f"waiting for guests to answer: {', '.join(sorted({one.subject for one in stops}))}")
            told = True
        plan, found = look(again())
        return False

    with suppress(TimedOut):  # the findings say what is missing
        wait_until(settled, what=f"{request.host}: guests to answer", deadline=deadline, interval=_POLL_SECONDS)
    return plan, found


def _may_pass(finding: Finding, plan: AdapterPlan) -> bool:
    """Whether a guest that is still starting may show it: it does not answer, or reports nothing yet."""
    if finding.id != _UNREPORTED:
        return finding.id in _MAY_PASS
    return any(target.subject == finding.subject and target.guest_now is None for target in plan.due)


def _apply(
    session: Session, plan: AdapterPlan, progress: Progress, request: Request, deadline: Deadline
) -> dict[str, Any]:
    seconds = max(deadline.remaining, _POLL_SECONDS) if deadline.seconds else 0
    done = apply_adapters(session, plan, wait_seconds=seconds, clock=deadline.clock, tell=request.reporter.say)
    progress.changed |= done.changed
    progress.reported |= done.reported
    progress.errors |= done.errors
    return {}


def _described(
    plan: AdapterPlan, progress: Progress, findings: Sequence[Finding], *, foreseen: bool
) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for target in plan.targets:
        error: MobilityError | None = progress.errors.get(target.vm.id)
        entry = found.setdefault(
            target.vm.id,
            {
                "id": target.vm.id,
                "name": target.vm.name,
                "changed": False,
                "adapters": [],
                "findings": [one.as_plain() for one in findings if target.vm.id in one.subject],
                "error": None if error is None else {**error.details, "kind": error.kind, "msg": error.msg},
            },
        )
        changed = target.is_due if foreseen else target.adapter.id in progress.changed
        entry["changed"] = entry["changed"] or changed
        addresses = progress.reported.get(target.adapter.id)
        entry["adapters"].append(target.described(changed=changed, addresses=addresses))
    return list(found.values())
