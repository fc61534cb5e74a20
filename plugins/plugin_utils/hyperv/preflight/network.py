# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Predicates over the networks of both ends: hosts whose networks have no names yield nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ...findings import Finding, Severity
from ..network import findings
from ..network.adapters import means, plan_adapters
from ..network.judging import judge, judge_guests, judge_wishes
from ..network.named import Change, change_of, network_at

if TYPE_CHECKING:
    from ..network.wishes import AdapterWish
    from .facts import AdapterFacts, MoveFacts

_SAID_SOFTER = "guest_not_running"
"""A VM that does not run may move: its guest is told once it runs."""


def _own(move: MoveFacts) -> tuple[AdapterFacts, ...]:
    return tuple(adapter for adapter in move.vm.adapters if adapter.checkpoint is None)


def _meant(wish: AdapterWish, adapter: AdapterFacts) -> bool:
    return means(wish, name=adapter.name, identifier=adapter.id, mac=adapter.mac)


def address_needed(move: MoveFacts) -> Iterator[Finding]:
    """Yield a finding for each connected adapter that comes into another network and gets no address for it."""
    for adapter in _own(move):
        wishes = [wish for wish in move.readdressing.wishes if _meant(wish, adapter)]
        if adapter.switch and adapter.is_placed and not any(wish.connected is False for wish in wishes):
            families = [family for wish in wishes for family in wish.families]
            yield from findings.address_needed(move.vm.name, _change(move, adapter, wishes), families)
            for wish in wishes:
                yield from _stays_behind(move, adapter, wish)


def _stays_behind(move: MoveFacts, adapter: AdapterFacts, wish: AdapterWish) -> Iterator[Finding]:
    """Yield a finding for an address wanted of an adapter that nobody brings into the network of the same name.

    Of an address that a named network holds, ``judge`` says whether the adapter is in that one.
    """
    plan = move.readdressing
    here = network_at(plan.source, adapter.switch, adapter.vlan, addresses=adapter.addresses)
    there = plan.destination.get(here.name) if here is not None else None
    if there is None or wish.network is not None or wish.vlan is not None:
        return
    place = _place(move, adapter, wish)
    if there.carries(*place) or (wish.switch is not None and network_at(plan.destination, *place) is not None):
        return
    held = [any(one.holds(family.address) for one in plan.destination.values()) for family in wish.families]
    if held and not all(held):
        yield findings.stays_behind(move.vm.name, adapter.name, there, *place)


def _change(move: MoveFacts, adapter: AdapterFacts, wishes: Sequence[AdapterWish]) -> Change:
    """Return what the adapter meets: the network that a wish brings it into, else the one it comes into by itself."""
    plan = move.readdressing
    change = change_of(
        adapter.name, adapter.switch, adapter.vlan, plan.source, plan.destination,
        switch_map=move.switch_map, addresses=adapter.addresses,
    )  # fmt: skip
    for wish in wishes:
        if wish.network is not None:
            return replace(change, destination=wish.network)
        if wish.switch is not None or wish.vlan is not None:
            return replace(change, destination=network_at(plan.destination, *_place(move, adapter, wish)))
    return change


def _place(move: MoveFacts, adapter: AdapterFacts, wish: AdapterWish) -> tuple[str | None, int | None]:
    """Return the switch and the VLAN that an adapter has at the destination once the wish is set."""
    mapped = {name.lower(): target for name, target in move.switch_map.items()}
    switch = wish.switch or mapped.get((adapter.switch or "").lower(), adapter.switch)
    return switch, wish.vlan.carried_id if wish.vlan is not None else adapter.vlan


def addresses(move: MoveFacts) -> Iterator[Finding]:
    """Yield what is wrong with what is given, on both hosts' sides, and why the guest could not be told it."""
    clear: dict[str, AdapterWish] = {}
    for wish in move.readdressing.wishes:
        fitting = [adapter for adapter in _own(move) if _meant(wish, adapter)]
        if len(fitting) != 1:
            names = ", ".join(adapter.name for adapter in _own(move)) or "it has none"
            yield _unclear(move, f"{wish.label} means {len(fitting)} of its adapters: {names}")
        elif clear.setdefault(fitting[0].id, wish) is not wish:
            yield _unclear(move, f"two entries mean adapter {fitting[0].name}")
    wishes = tuple(clear.values())
    for finding in (*judge_wishes(move.readdressing.wishes), *_judged(move, wishes)):
        yield finding if finding.subject == move.destination.inventory_name else _of_vm(move, finding)
    if any(wish.addresses_guest for wish in wishes):
        yield from findings.guest_not_running(move.vm.name, move.vm.seen.state, severity=Severity.WARNING)


def _unclear(move: MoveFacts, evidence: str) -> Finding:
    return Finding(
        id="adapter_unclear",
        severity=Severity.BLOCKING,
        subject=move.vm.name,
        evidence=evidence,
        remedy="Name one adapter of the VM in each entry, by name, id or match_mac_address.",
    )


def _of_vm(move: MoveFacts, finding: Finding) -> Finding:
    """Return a finding about an adapter as one about the VM, as those of a move are."""
    _vm, _, adapter = finding.subject.rpartition("adapter ")
    told = f"adapter {adapter}: " if _ and f"adapter {adapter}" not in finding.evidence else ""
    return replace(finding, subject=move.vm.name, evidence=f"{told}{finding.evidence}")


def _judged(move: MoveFacts, wishes: Sequence[AdapterWish]) -> Iterator[Finding]:
    """Yield what vm_network_adapter would refuse after the move, as far as it shows now.

    The adapters are judged as they arrive: at the switches that the map says, and not connected yet, so that a switch
    that is missing or dark blocks. Whether the guest takes an address is judged from what it says now.
    """
    plan, details = move.readdressing, move.vm.machine
    if details is None or plan.around is None or not wishes:
        return
    mapped = {name.lower(): target for name, target in move.switch_map.items()}
    arriving = tuple(
        replace(one, connected=False, switch_name=mapped.get((one.switch_name or "").lower(), one.switch_name))
        for one in details.adapters
    )
    targets = plan_adapters([replace(details, adapters=arriving)], {details.vm.id: wishes}, plan.configurations)
    yield from judge(targets, plan.around, networks=plan.destination.values())
    guests = judge_guests(targets, {details.vm.id: details}, plan.exchanges, host=move.source.inventory_name)
    yield from (one for one in guests if one.id != _SAID_SOFTER)


def mac_taken(move: MoveFacts) -> Iterator[Finding]:
    """Yield a warning for each adapter whose MAC address another VM at the destination has: ranges may overlap."""
    for adapter in _own(move):
        if adapter.mac and adapter.mac != findings.NO_MAC:
            yield from findings.mac_conflicts(
                move.vm.name, move.vm.id, "", adapter.mac.upper(), move.readdressing.neighbours,
                severity=Severity.WARNING,
            )  # fmt: skip


PREDICATES = (address_needed, addresses, mac_taken)
