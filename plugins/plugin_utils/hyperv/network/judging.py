# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that speaks against a plan for adapters, before the first change. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...findings import Finding, Severity, blocking
from ..guest.copies import Copy, FailoverAdapter
from ..guest.exchange import Exchange
from ..guest.judging import adapter_findings, exchange_findings, subject_of
from ..model_enums import IntegrationService
from . import findings
from .adapters import DYNAMIC, AdapterPlan, AdapterTarget
from .guest_configuration import without_gateway

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..gateway import VmDetails
    from ..model import Adapter
    from .findings import Neighbour
    from .named import Network
    from .reading import HostNetworks
    from .wishes import AdapterWish


def judge_wishes(wishes: Iterable[AdapterWish]) -> tuple[Finding, ...]:
    """Return what is wrong with the wishes by themselves, before anything is read."""
    return tuple(
        finding
        for wish in wishes
        for finding in (
            *(findings.mac_invalid(f"adapter {wish.label}", wish.static_mac) if wish.static_mac else ()),
            *(one for f in wish.families for one in findings.address_form(f"adapter {wish.label}", f, wish.network)),
        )
    )


def judge(
    plan: AdapterPlan, around: HostNetworks, *, elsewhere: Sequence[Neighbour] = (), networks: Iterable[Network] = ()
) -> tuple[Finding, ...]:
    """Return what speaks against the host's side of a plan, and for which addresses.

    ``elsewhere`` are adapters on other hosts that were looked at, ``networks`` the named networks of this host.
    """
    others = (*around.neighbours, *elsewhere)
    named = tuple(networks)
    found = [finding for target in plan.targets for finding in _target(target, around, others, named)]
    needed = sum(target.mac == DYNAMIC for target in plan.due)
    if needed or any(target.adapter.dynamic_mac_address and target.mac is None for target in plan.targets):
        found += findings.mac_pool(around.host, around.pool, around.dynamic_macs, needed=needed)
    found += _within(plan)
    return tuple(found)


def _target(
    target: AdapterTarget, around: HostNetworks, others: Sequence[Neighbour], networks: Sequence[Network]
) -> Iterator[Finding]:
    vm, adapter, subject = target.vm, target.adapter, target.subject
    if target.mac is not None:
        yield from findings.mac_change_needs_off(subject, vm.state, target.mac)
    if target.mac not in (None, DYNAMIC):
        yield from findings.mac_conflicts(subject, vm.id, adapter.id, str(target.mac), others)
    elif adapter.dynamic_mac_address and target.mac is None:
        yield from findings.mac_will_change(subject, around.host, adapter.mac_address, around.pool)
    yield from _switch(target, around)
    for family in target.wish.families:
        if family.address and target.order is not None:
            yield from findings.address_conflicts(subject, vm.id, adapter.id, family.address, others)
        if family.address and target.switch_then and target.is_placed:
            yield from findings.vlan_of_other_network(
                subject, family.address, target.switch_then, target.vlan_then, networks
            )


def kept_conflicts(target: AdapterTarget, others: Sequence[Neighbour]) -> Iterator[Finding]:
    """Yield a warning for each VM on another host that has what an adapter brings along: its MAC address, its guest's.

    Ranges of MAC addresses overlap where nobody set them apart. Both may be meant so: networks can be separate.
    """
    adapter, who = target.adapter, (target.subject, target.vm.id, target.adapter.id)
    if target.mac is None and adapter.mac_address not in ("", findings.NO_MAC):
        yield from findings.mac_conflicts(*who, adapter.mac_address.upper(), others, severity=Severity.WARNING)
    if not target.wish.addresses_guest:
        for address in adapter.ip_addresses:
            if not findings.is_link_local(address):
                yield from findings.address_conflicts(*who, address, others, severity=Severity.WARNING)


def _switch(target: AdapterTarget, around: HostNetworks) -> Iterator[Finding]:
    """Yield findings about the switch it is at afterwards. A dead uplink blocks only one that would come to it."""
    name = target.switch_then
    if target.switch is not None:
        yield from findings.switch_missing(
            target.subject, around.host, target.switch, [one.name for one in around.switches.values()]
        )
    port = around.switches.get((name or "").lower())
    if port is not None:
        severity = Severity.BLOCKING if target.switch is not None else Severity.WARNING
        yield from findings.uplink_down(target.subject, around.host, port, around.uplinks_up, severity=severity)


def _within(plan: AdapterPlan) -> Iterator[Finding]:
    """Yield findings for the same MAC or IP address wanted of two adapters of the plan."""
    seen: dict[str, AdapterTarget] = {}
    for target in plan.targets:
        for family in target.wish.families:
            address = findings.plain_address(family.address)
            first = seen.setdefault(address, target) if address else target
            if first is not target:
                yield findings.address_twice(target.subject, address, first.subject)
        mac = target.wish.static_mac
        if mac and seen.setdefault(mac, target) is not target:
            yield findings.mac_twice(target.subject, mac, seen[mac].subject)


def judge_guests(
    plan: AdapterPlan, details: Mapping[str, VmDetails], exchanges: Mapping[str, Exchange] | None, *, host: str
) -> tuple[Finding, ...]:
    """Return why guests can't be told what the plan wants to tell them."""
    found: list[Finding] = []
    judged: set[str] = set()
    for target in plan.due:
        if target.order is None:
            continue
        found += findings.guest_not_running(target.subject, target.vm.state)
        copy = copy_of(details[target.vm.id], host)
        found += adapter_findings(copy, _card(target.adapter))
        if target.vm.state == "Running" and target.vm.id not in judged:
            judged.add(target.vm.id)
            exchange = None if exchanges is None else exchanges.get(target.vm.id, Exchange(vm_id=target.vm.id))
            found += exchange_findings(copy, exchange)
    silent = {one.subject for one in blocking(found)}
    for target in plan.due:
        # Why a guest reports nothing is said above, where it is known.
        causes = {target.subject, subject_of(copy_of(details[target.vm.id], host))}
        if target.order is not None and (target.guest_now is not None or not causes & silent):
            found += _gateways(target)
    return tuple(found)


def _gateways(target: AdapterTarget) -> Iterator[Finding]:
    for family, dropped in without_gateway(target.wish, target.guest_now):
        yield findings.gateway_unknown(target.subject, target.adapter.name, family.address, dropped)


def copy_of(details: VmDetails, host: str) -> Copy:
    """Return the machine as those see it who judge whether a guest takes addresses."""
    wanted = IntegrationService.KEY_VALUE_PAIR_EXCHANGE.value
    service = next((one for one in details.services if one.service_id == wanted), None)
    return Copy(host=host, vm=details.vm, exchange_service=service)


def _card(adapter: Adapter) -> FailoverAdapter:
    return FailoverAdapter(vm_id=adapter.vm_id, id=adapter.id, name=adapter.name, is_legacy=adapter.is_legacy)
