# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets the addresses that replicated machines take at a failover, and tells which machines would take them.

An address for a failover belongs to the copy that the failover starts: the replica's. The primary's own copy has one
for the way back, if any (that it is used there after a reversal is practice, not verified; facts, 7.2).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ...errors import InvalidRequest, MobilityError, NotPossible
from ...findings import blocking
from ...operation import Outcome, carry_out
from ..gateway import read_vms
from ..selection import Selection, choose
from ..writing import change, send
from .addresses import AdapterWish, VmWish, parse_wishes
from .copies import PRIMARY, REPLICA, Copies, Copy, FailoverSetting, live_adapter, read_copies
from .exchange import Exchange, read_exchanges
from .failover_plan import (
    AdapterTarget,
    FailoverPlan,
    Side,
    VmTarget,
    counterpart,
    find_adapter,
    outlook,
    side_of,
)
from .judging import (
    adapter_findings,
    adapter_unclear,
    address_missing,
    address_of_other_site,
    exchange_findings,
    replica_findings,
    role_findings,
    share_findings,
    short,
    switch_findings,
    there_findings,
    unknown_host,
    unread_host,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ...findings import Finding
    from ...operation import Request
    from ...session.protocol import Session
    from .copies import FailoverAdapter


@dataclass(frozen=True, kw_only=True)
class Look:
    """What was read: this host's copies, what their guests tell, and the other copies by the host that holds them."""

    here: Copies
    exchanges: Mapping[str, Exchange] | None
    there: Mapping[str, Copies | MobilityError] = field(default_factory=dict)
    places: Mapping[str, str | None] = field(default_factory=dict)
    """Id of the machine -> inventory host of its replica; None where no inventory host can be meant."""

    def exchange(self, vm_id: str) -> Exchange | None:
        """Return what a guest tells, None where that could not be read."""
        return None if self.exchanges is None else self.exchanges.get(vm_id, Exchange(vm_id=vm_id))


@dataclass(kw_only=True)
class Progress:
    """What was done so far; machines by their Ids."""

    sides: set[tuple[str, str]] = field(default_factory=set)
    """Host and Id of each adapter that stands as it was asked for."""
    touched: set[str] = field(default_factory=set)
    errors: dict[str, MobilityError] = field(default_factory=dict)


def operate(request: Request) -> Outcome:
    """Return the outcome with one entry per machine under ``vms``; one machine's failure does not stop the others.

    Without ``vms`` every replicated machine of the host is read, and nothing changed. Raises InvalidRequest before
    anything is sent, NotPossible before the first change unless ``skip_blocked`` leaves the blocked ones out.
    """
    wishes = parse_wishes(request.arguments)
    replica_side = bool(request.arguments.get("replica_side"))
    wanted = _chosen(request, wishes) if wishes else None
    look = _look(request, wanted, replica_side=replica_side)
    ids = list(wanted) if wanted is not None else list(look.here.by_id)
    plan = FailoverPlan(
        targets=tuple(
            _target(look, look.here.by_id[vm_id], wanted[vm_id] if wanted is not None else None, replica_side)
            for vm_id in ids
            if vm_id in look.here.by_id
        )
    )
    blocked = [finding for target in plan.targets if target.is_blocked for finding in blocking(target.findings)]
    if blocked and not request.arguments.get("skip_blocked"):
        first, more = blocked[0], f"; {len(blocked) - 1} more findings" if len(blocked) > 1 else ""
        raise NotPossible(f"{request.host}: {first.subject}: {first.evidence}; {first.remedy}{more}", findings=blocked)
    progress = Progress()
    foreseen = {"vms": [_described(target, None) for target in plan.targets]}
    outcome = carry_out(plan, lambda due: _apply(request, due, progress), request, foreseen)
    changed = any(vm["changed"] for vm in outcome.values["vms"])
    failure = next(iter(progress.errors.values()), None)
    return Outcome(changed=changed, values=outcome.values, diff=outcome.diff, failure=failure)


def _chosen(request: Request, wishes: Sequence[VmWish]) -> dict[str, VmWish]:
    """Return the wishes by the Id of the machine they mean.

    Raises NotFound, Ambiguous as a selection does, and InvalidRequest for a machine that two wishes mean.
    """
    vms = read_vms(request.sessions.here())
    found: dict[str, VmWish] = {}
    for wish in wishes:
        selection = Selection(names=(wish.name,) if wish.name else (), ids=(wish.id,) if wish.id else ())
        (vm,) = choose(vms, selection, host=request.host)
        if vm.id in found:
            raise InvalidRequest(
                f"vms: {found[vm.id].label!r} and {wish.label!r} are the same VM; list it once, with all adapters"
            )
        found[vm.id] = wish
    return found


def _look(request: Request, wanted: Mapping[str, VmWish] | None, *, replica_side: bool) -> Look:
    session = request.sessions.here()
    here = read_copies(session, None if wanted is None else list(wanted))
    exchanges = read_exchanges(session, list(here.by_id)) if here.by_id else {}
    if not replica_side:
        return Look(here=here, exchanges=exchanges)
    asked = request.arguments.get("replica_host")
    places: dict[str, str | None] = {}
    for vm_id, copy in here.by_id.items():
        if copy.mode == PRIMARY:
            named = wanted[vm_id].replica_host if wanted is not None else None
            places[vm_id] = named or asked or _place(copy, request.inventory_hosts)
    there: dict[str, Copies | MobilityError] = {}
    for place in dict.fromkeys(place for place in places.values() if place is not None):
        own = [vm_id for vm_id, one in places.items() if one == place]
        there[place] = _copies_there(request, place, own)
    return Look(here=here, exchanges=exchanges, there=there, places=places)


def _copies_there(request: Request, place: str, own: Sequence[str]) -> Copies | MobilityError:
    try:
        session = request.sessions.to(place)
        present = {vm.id for vm in read_vms(session)}
        return read_copies(session, [vm_id for vm_id in own if vm_id in present])
    except MobilityError as problem:
        return problem


def _place(copy: Copy, hosts: Iterable[str]) -> str | None:
    """Return the inventory host that bears the replica server's name, in full or without its domain."""
    server = copy.replication.replica_server.lower() if copy.replication is not None else ""
    known = list(hosts)
    full = [host for host in known if host.lower() == server]
    near = [host for host in known if short(host) == short(server)]
    return next((found[0] for found in (full, near) if len(found) == 1), None) if server else None


def _target(look: Look, copy: Copy, wish: VmWish | None, replica_side: bool) -> VmTarget:
    findings = list(role_findings(copy, replica_side=replica_side and wish is not None))
    if wish is not None:
        findings += share_findings(
            copy,
            failover=any(one.is_asked for one in wish.adapters),
            failback=any(one.failback is not None for one in wish.adapters),
            replica_side=replica_side,
        )
    replica, place, problems = _replica(look, copy)
    findings += problems
    findings += _exchange_findings(look, copy, replica, wish)
    wishes, unclear = _wishes(copy, wish)
    adapters = tuple(_adapter_target(look, copy, replica, one, wishes.get(one.id), wish) for one in copy.adapters)
    return VmTarget(
        copy=copy,
        replica_host=place if replica is not None else None,
        adapters=adapters,
        machine_findings=(*findings, *unclear),
        reading=wish is None,
    )


def _exchange_findings(look: Look, copy: Copy, replica: Copy | None, wish: VmWish | None) -> list[Finding]:
    """Return why the guest could not take the addresses it is to have on either host."""
    adapters = wish.adapters if wish is not None else ()
    there = wish is None or any(one.addresses for one in adapters)
    back = any(one.failback.addresses for one in adapters if one.failback is not None)
    if not copy.mode or not (there or back):
        return []
    lacking = replica_findings(replica) if there and replica is not None else ()
    return [*exchange_findings(copy, look.exchange(copy.vm.id)), *lacking]


def _replica(look: Look, copy: Copy) -> tuple[Copy | None, str | None, list[Finding]]:
    """Return the other copy, its inventory host, and why it can't be had."""
    if copy.vm.id not in look.places:
        return None, None, []
    place = look.places[copy.vm.id]
    server = copy.replication.replica_server if copy.replication is not None else ""
    if place is None:
        return (
            None,
            None,
            [unknown_host(copy, f"no single host of the inventory is named like its replica server {server}")],
        )
    there = look.there[place]
    if isinstance(there, MobilityError):
        return None, place, [unread_host(copy, f"{place}: {there.msg}")]
    problems = list(there_findings(copy, there))
    return (None if problems else there.by_id[copy.vm.id]), place, problems


def _wishes(copy: Copy, wish: VmWish | None) -> tuple[dict[str, AdapterWish], list[Finding]]:
    """Return the wishes by the Id of their adapter, and findings for those that fit none or several."""
    found: dict[str, AdapterWish] = {}
    unclear: list[Finding] = []
    for one in wish.adapters if wish is not None else ():
        fitting = find_adapter(copy, one)
        if len(fitting) != 1 or fitting[0].id in found:
            unclear.append(adapter_unclear(copy, one.label, len(fitting)))
        else:
            found[fitting[0].id] = one
    return found, unclear


def _adapter_target(
    look: Look,
    copy: Copy,
    replica: Copy | None,
    adapter: FailoverAdapter,
    wish: AdapterWish | None,
    whole: VmWish | None,
) -> AdapterTarget:
    findings: list[Finding] = []
    is_replica = copy.mode == REPLICA
    own = wish if is_replica else wish.failback if wish is not None else None
    other = counterpart(replica, adapter) if replica is not None else None
    if wish is not None and replica is not None and other is None:
        findings.append(adapter_unclear(replica, f"the adapter {adapter.name!r} of the primary", 0))
    here_side = side_of(copy, adapter, own)
    replica_side = side_of(replica, other, wish) if replica is not None and other is not None else None
    findings += _switch_findings(look, copy, replica, own, wish)
    target = AdapterTarget(here=here_side, replica=replica_side, here_is_replica=is_replica)
    if whole is None or any(one.addresses for one in (own, wish) if one is not None):
        findings += adapter_findings(copy, adapter)
    decisive = target.decisive
    if whole is None and decisive is not None and decisive.is_read and decisive.now == FailoverSetting():
        findings.append(address_missing(copy if is_replica or replica is None else replica, adapter))
    findings += [address_of_other_site(copy, adapter, address) for address in target.addresses_on_both]
    return replace(target, findings=tuple(findings))


def _switch_findings(
    look: Look, copy: Copy, replica: Copy | None, own: AdapterWish | None, wish: AdapterWish | None
) -> list[Finding]:
    """Return the switches of test failovers that are missing on the host of the copy which is to have them."""
    found: list[Finding] = []
    if own is not None and own.test_switch is not None:
        found += switch_findings(copy, look.here, own.test_switch)
    there = look.there.get(look.places.get(copy.vm.id) or "")
    if wish is not None and wish.test_switch is not None and replica is not None and isinstance(there, Copies):
        found += switch_findings(replica, there, wish.test_switch)
    return found


def _apply(request: Request, plan: FailoverPlan, progress: Progress) -> dict[str, Any]:
    for target in plan.targets:
        vm_id = target.copy.vm.id
        try:
            for side in (side for one in target.adapters for side in one.sides if target.is_due and side.commands):
                _set(_session_to(request, side, target), side, changed=vm_id in progress.touched)
                progress.touched.add(vm_id)
                progress.sides.add((side.host, side.adapter.id))
        except MobilityError as problem:
            progress.errors[vm_id] = problem
            if problem.changed:
                progress.touched.add(vm_id)
    return {"vms": [_described(target, progress) for target in plan.targets]}


def _session_to(request: Request, side: Side, target: VmTarget) -> Session:
    if side.host == target.copy.host or target.replica_host is None:
        return request.sessions.here()
    return request.sessions.to(target.replica_host)


def _set(session: Session, side: Side, *, changed: bool) -> None:
    statements = [live_adapter(side.adapter) | change(name, **parameters) for name, parameters in side.commands]
    send(session, *statements, changed=changed)


def _described(target: VmTarget, progress: Progress | None) -> dict[str, Any]:
    """Return the result of one machine; without progress, what it will be."""
    copy = target.copy
    error = progress.errors.get(copy.vm.id) if progress is not None else None
    replication = copy.replication
    return {
        "id": copy.vm.id,
        "name": copy.vm.name,
        "host": copy.host,
        "replica_host": target.replica_host,
        "changed": target.is_due if progress is None else copy.vm.id in progress.touched,
        "skipped": target.is_blocked,
        "replication": {
            "mode": copy.mode or None,
            "state": replication.state if replication is not None else None,
            "health": replication.health if replication is not None else None,
            "primary_server": replication.primary_server if replication is not None else None,
            "replica_server": replication.replica_server if replication is not None else None,
        },
        "adapters": [_adapter(target, one, progress) for one in target.adapters],
        "findings": [finding.as_plain() for finding in target.findings],
        "error": None if error is None else {**error.details, "kind": error.kind, "msg": error.msg},
    }


def _stands(target: VmTarget, side: Side, progress: Progress | None) -> bool:
    """Whether a side is as asked for, or will be."""
    if not side.commands:
        return True
    return not target.is_blocked and (progress is None or (side.host, side.adapter.id) in progress.sides)


def _adapter(target: VmTarget, one: AdapterTarget, progress: Progress | None) -> dict[str, Any]:
    adapter = one.here.adapter
    shown = {side.host: side.after if _stands(target, side, progress) else side.before for side in one.sides}
    decisive = one.decisive
    done = decisive is not None and _stands(target, decisive, progress)
    ahead = outlook(one, (*target.machine_findings, *one.findings), done=done)
    return {
        "name": adapter.name,
        "id": adapter.id,
        "mac_address": adapter.mac_address,
        "addresses": list(adapter.ip_addresses),
        "here": shown[one.here.host],
        "replica": None if one.replica is None else shown[one.replica.host],
        "comes_up_with": dict(ahead.addresses),
        "keeps_primary_address": ahead.keeps,
        "why": list(ahead.why),
    }
