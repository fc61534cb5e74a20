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
from ..network.adapters import means
from ..network.named import Change, change_of, network_at

if TYPE_CHECKING:
    from ..network.wishes import AdapterWish
    from .facts import AdapterFacts, MoveFacts


def _own(move: MoveFacts) -> tuple[AdapterFacts, ...]:
    return tuple(adapter for adapter in move.vm.adapters if adapter.checkpoint is None)


def _meant(wish: AdapterWish, adapter: AdapterFacts) -> bool:
    return means(wish, name=adapter.name, identifier=adapter.id, mac=adapter.mac)


def address_needed(move: MoveFacts) -> Iterator[Finding]:
    """Yield a finding for each connected adapter that comes into another network and gets no address for it."""
    for adapter in _own(move):
        wishes = [wish for wish in move.readdressing.wishes if _meant(wish, adapter)]
        if adapter.switch and not any(wish.connected is False for wish in wishes):
            families = [family for wish in wishes for family in wish.families]
            yield from findings.address_needed(move.vm.name, _change(move, adapter, wishes), families)


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
    return switch, wish.vlan.access_id if wish.vlan is not None else adapter.vlan


def addresses(move: MoveFacts) -> Iterator[Finding]:
    """Yield what is wrong with the addresses that are given, and why the guest could not be told them."""
    wishes = move.readdressing.wishes
    for wish in wishes:
        fitting = [adapter for adapter in _own(move) if _meant(wish, adapter)]
        if len(fitting) != 1:
            yield Finding(
                id="adapter_unclear",
                severity=Severity.BLOCKING,
                subject=move.vm.name,
                evidence=f"{wish.label} means {len(fitting)} of its adapters: "
                f"{', '.join(adapter.name for adapter in _own(move)) or 'it has none'}",
                remedy="Name one adapter of the VM, by name, id or match_mac_address.",
            )
        for family in wish.families:
            yield from findings.address_form(move.vm.name, family, wish.network)
            if family.address:
                yield from findings.address_conflicts(
                    move.vm.name, move.vm.id, "", family.address, move.readdressing.neighbours
                )
                for adapter in fitting:
                    yield from findings.vlan_of_other_network(
                        move.vm.name,
                        family.address,
                        *_place(move, adapter, wish),
                        move.readdressing.destination.values(),
                    )
    if any(wish.addresses_guest for wish in wishes):
        yield from move.vm.address_doubts
        yield from findings.guest_not_running(move.vm.name, move.vm.seen.state, severity=Severity.WARNING)


def mac_taken(move: MoveFacts) -> Iterator[Finding]:
    """Yield a warning for each adapter whose MAC address another VM at the destination has: ranges may overlap."""
    for adapter in _own(move):
        if adapter.mac and adapter.mac != findings.NO_MAC:
            yield from findings.mac_conflicts(
                move.vm.name, move.vm.id, "", adapter.mac.upper(), move.readdressing.neighbours,
                severity=Severity.WARNING,
            )  # fmt: skip


PREDICATES = (address_needed, addresses, mac_taken)
