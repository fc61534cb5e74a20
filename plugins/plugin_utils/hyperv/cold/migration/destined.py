# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which network of the destination an adapter comes to, and what can't be said about it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ....findings import Finding, Severity
from ...network.findings import address_form, address_needed
from ...network.named import Change, Network, change_of, network_at, same, switches_by_name
from ...network.wishes import ACCESS, UNTAGGED, AdapterWish, FamilyWish, VlanWish, with_defaults

if TYPE_CHECKING:
    from ...model import Adapter, Vlan


@dataclass(frozen=True, kw_only=True)
class Networks:
    """The named networks of both hosts, and the switches that people map."""

    source: Mapping[str, Network]
    destination: Mapping[str, Network]
    switch_map: Mapping[str, str]

    @property
    def switches(self) -> dict[str, str]:
        """Where switches of the source lead, by lower-case name: people's word before that of the names."""
        by_name = switches_by_name(self.source, self.destination)
        return {name.lower(): target for name, target in (*by_name.items(), *self.switch_map.items())}


@dataclass(frozen=True, kw_only=True)
class Way:
    """Where one adapter comes to."""

    adapter: Adapter
    lane: VlanWish | None
    wish: AdapterWish
    changes: tuple[Change, ...] = ()
    """What it meets: one for each network that it may come from."""
    unclear: bool = False
    """Whether these lead to different networks."""
    derived: bool = False
    """Whether its network was found here; nobody has compared the wish with it yet."""


def lane_of(vlan: Vlan | None) -> VlanWish | None:
    """Return the one VLAN of an adapter; None for a trunk, a private VLAN, and a setting that could not be read."""
    if vlan is not None and vlan.operation_mode == UNTAGGED:
        return VlanWish(mode=UNTAGGED)
    if vlan is not None and vlan.operation_mode == ACCESS and vlan.access_vlan_id:
        return VlanWish(mode=ACCESS, vlan_id=vlan.access_vlan_id)
    return None


def way_of(adapter: Adapter, vlan: Vlan | None, wish: AdapterWish, networks: Networks) -> Way:
    """Return where an adapter comes to. What the wish says goes before names, and names before the map.

    An adapter that is in no single VLAN comes to a switch alone, and keeps its VLAN setting.
    """
    lane = lane_of(vlan)
    way = Way(adapter=adapter, lane=lane, wish=wish)
    if wish.connected is False or (adapter.switch_name is None and wish.switch is None):
        return way
    changes, told = _changes(adapter, lane, wish, networks)
    if wish.network is not None:
        return replace(way, changes=(_met(adapter, changes, wish.network),))
    network = changes[0].destination if changes and changes[0].source is not None else None
    name = adapter.switch_name or ""
    switch = wish.switch or (network.switch if network is not None else networks.switches.get(name.lower(), name))
    placed = replace(way, wish=replace(wish, switch=switch), changes=changes)
    if wish.switch is not None or wish.vlan is not None:
        there = _at(networks.destination, switch, wish.vlan or lane, _given(wish))
        return replace(placed, changes=(_met(adapter, changes, there),))
    if len({_outcome(one, told=told) for one in changes}) > 1:
        return replace(placed, unclear=True)
    if network is None:
        return placed
    met = changes if told else changes[:1]
    return replace(way, wish=_attached(wish, network, networks), changes=met, derived=True)


def _met(adapter: Adapter, changes: Sequence[Change], network: Network | None) -> Change:
    """Return the change into a network that people say, or that is at the place they say."""
    sources = [one.source for one in changes if one.source is not None]
    here = next(iter(sources), None) if network is None else _source_of(network, sources)
    return Change(adapter=adapter.name, source=here, destination=network)


def _given(wish: AdapterWish) -> tuple[str, ...]:
    return tuple(family.address for family in wish.families if family.address)


def _changes(
    adapter: Adapter, lane: VlanWish | None, wish: AdapterWish, networks: Networks
) -> tuple[tuple[Change, ...], bool]:
    """Return what the adapter may meet, and whether addresses that the guest reports tell so.

    Subnets of one VLAN are told apart by what the guest reports, and by the address that it is to get.
    """
    if lane is None or adapter.switch_name is None:
        return (), False
    here = [one for one in networks.source.values() if one.carries(adapter.switch_name, lane.access_id)]
    telling = [one for one in here if any(map(one.holds, adapter.ip_addresses))]
    sources: Sequence[Mapping[str, Network]] = [{one.name: one} for one in telling or here] or [{}]
    given = _given(wish)
    changes = [
        _nearest(
            change_of(
                adapter.name, adapter.switch_name, lane.access_id, source, networks.destination,
                switch_map=networks.switches, addresses=adapter.ip_addresses,
            ),
            networks.destination,
            given,
        )
        for source in sources
    ]  # fmt: skip
    if telling:
        changes = [one for one in changes if one.destination is not None] or changes
    meant = [one for one in changes if one.destination is not None and any(map(one.destination.holds, given))]
    return tuple(meant or changes), bool(telling)


def _nearest(change: Change, destination: Mapping[str, Network], given: Sequence[str]) -> Change:
    """Return the change with that subnet of the VLAN there that the new address is of, or that it comes from."""
    there, here = change.destination, change.source
    if there is None:
        return change
    beside = [one for one in destination.values() if one.carries(there.switch, there.vlan)]
    fitting = [one for one in beside if any(map(one.holds, given))]
    if not fitting and here is not None and here.name != there.name:
        fitting = [one for one in beside if same(one, here)]
    return replace(change, destination=fitting[0]) if fitting else change


def _source_of(network: Network, sources: Sequence[Network]) -> Network | None:
    """Return which of the networks it may come from is meant by somebody who names the destination's."""
    fitting = [one for one in sources if same(one, network)] or [one for one in sources if one.name == network.name]
    return next(iter(fitting or sources), None)


def _outcome(change: Change, *, told: bool) -> tuple[object, ...]:
    """Return what differs for the VM between networks it may come from: the port, and without a word the address."""
    there = change.destination
    if there is None:
        return ()
    place = (there.switch.lower(), there.vlan)
    return place if told or not change.needs_address else (*place, there.subnet)


def _at(
    destination: Mapping[str, Network], switch: str, vlan: VlanWish | None, addresses: Sequence[str]
) -> Network | None:
    if vlan is None or not vlan.is_place:
        return None
    return network_at(destination, switch, vlan.carried_id, addresses=addresses)


def _attached(wish: AdapterWish, network: Network, networks: Networks) -> AdapterWish:
    """Return the wish with its network: the switch, the VLAN, and gateway and DNS servers for what it addresses."""
    vlan = VlanWish(mode=ACCESS, vlan_id=network.vlan) if network.vlan else VlanWish(mode=UNTAGGED)

    beside = [one for one in networks.destination.values() if one.carries(network.switch, network.vlan)]

    def owner(family: FamilyWish | None) -> Network:
        return next((one for one in beside if family is not None and one.holds(family.address)), network)

    return replace(
        wish,
        network=network,
        switch=network.switch,
        vlan=vlan,
        ipv4=with_defaults(wish, owner(wish.ipv4)).ipv4,
        ipv6=with_defaults(wish, owner(wish.ipv6)).ipv6,
    )


def judge_way(vm: str, way: Way) -> Iterator[Finding]:
    """Yield what speaks against a way: the network is unclear, the address can't stay, or nobody can say."""
    if way.unclear:
        yield _ambiguous(vm, way)
        return
    for change in way.changes:
        yield from address_needed(vm, change, way.wish.families)
    if way.derived:
        for family in way.wish.families:
            yield from address_form(vm, family, way.wish.network)
    if not any(change.is_known for change in way.changes):
        yield from _unknown(vm, way)


def _ambiguous(vm: str, way: Way) -> Finding:
    here = sorted({one.source.name for one in way.changes if one.source is not None})
    there = sorted({one.destination.name for one in way.changes if one.destination is not None})
    return Finding(
        id="network_ambiguous",
        severity=Severity.BLOCKING,
        subject=vm,
        evidence=f"adapter {way.adapter.name} is at {_place(way.adapter.switch_name, way.lane)}, which is "
        f"{', '.join(here)} there; they don't lead to the same network, and no address says which it is "
        f"(the guest reports {', '.join(way.adapter.ip_addresses) or 'none'})",
        remedy=f"Give the adapter an entry in adapters that says which: network: {' or '.join(there)}.",
    )


def _unknown(vm: str, way: Way) -> Iterator[Finding]:
    """Yield a warning where switch or VLAN change and no names tell whether the guest's address works there."""
    wish, switch = way.wish, way.adapter.switch_name
    if switch is None or wish.connected is False or wish.addresses_guest:
        return
    there = wish.switch or switch
    if there.lower() == switch.lower() and wish.vlan in (None, way.lane):
        return
    yield Finding(
        id="network_unknown",
        severity=Severity.WARNING,
        subject=vm,
        evidence=f"adapter {way.adapter.name} comes from {_place(switch, way.lane)}, to "
        f"{_place(there, wish.vlan or way.lane)}: whether the guest's address works there can't be judged, since its "
        "networks on both hosts are not known",
        remedy="Describe them in hyperv_networks of both hosts, or give the adapter an address in adapters. Nothing is "
        "to be done where you know that it is the same network.",
    )


def _place(switch: str | None, vlan: VlanWish | None) -> str:
    return f"switch {switch}, VLAN setting {'trunk, private or not read' if vlan is None else vlan.as_text}"
