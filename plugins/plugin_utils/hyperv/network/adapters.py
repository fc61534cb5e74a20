# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adapters of VMs: what differs from what is wanted. Decided over frozen data; nothing is sent here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ...errors import Ambiguous, InvalidRequest, NotFound
from ...operation import Diff
from .guest_configuration import GuestConfiguration, Order, key_of, order_for
from .wishes import ACCESS, TRUNK, AdapterWish, VlanWish, reported_vlan_ids

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..gateway import VmDetails
    from ..model import Adapter, Vlan, Vm

DYNAMIC = "dynamic"
"""How a dynamic MAC address is called in results and diffs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterTarget:
    """One adapter and what of it is to be changed; None and False are what stays."""

    vm: Vm
    adapter: Adapter
    wish: AdapterWish
    vlan_now: VlanWish | None = None
    guest_now: GuestConfiguration | None = None
    mac: str | None = None
    """The new static address, or DYNAMIC."""
    switch: str | None = None
    disconnect: bool = False
    vlan: VlanWish | None = None
    order: Order | None = None

    @property
    def is_due(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.changes_port or self.order is not None)

    @property
    def changes_port(self) -> bool:
        """Whether the host's side of the adapter changes."""
        return self.mac is not None or self.switch is not None or self.disconnect or self.vlan is not None

    @property
    def switch_then(self) -> str | None:
        """The switch it is at afterwards."""
        return None if self.disconnect else self.switch or self.adapter.switch_name

    @property
    def is_placed(self) -> bool:
        """Whether its VLAN afterwards is known; not where it could not be read, nor in a private mode."""
        vlan = self.vlan or self.vlan_now
        return vlan is not None and vlan.is_place

    @property
    def vlan_then(self) -> int | None:
        """The VLAN of the guest's untagged frames afterwards; None for untagged, and for what is not known."""
        vlan = self.vlan or self.vlan_now
        return vlan.carried_id if vlan is not None else None

    @property
    def subject(self) -> str:
        """How findings name it."""
        return f"{self.vm.name} ({self.vm.id}), adapter {self.adapter.name}"

    def differences(self) -> dict[str, tuple[Any, Any]]:
        """Return (before, after) by the name of the option."""
        found: dict[str, tuple[Any, Any]] = {}
        if self.mac is not None:
            found["mac_address"] = (DYNAMIC if self.adapter.dynamic_mac_address else self.adapter.mac_address, self.mac)
        if self.disconnect or self.switch is not None:
            found["switch"] = (self.adapter.switch_name, self.switch_then)
        if self.vlan is not None:
            found["vlan"] = (self.vlan_now.as_text if self.vlan_now else None, self.vlan.as_text)
        if self.order is not None:
            found["guest"] = (_reported(self.guest_now, self.order), self.order.described())
        return found

    def described(self, *, changed: bool, addresses: Sequence[str] | None = None) -> dict[str, Any]:
        """Return the documented value of this adapter."""
        differences = self.differences()
        return {
            "id": self.adapter.id,
            "name": self.adapter.name,
            "changed": changed,
            "before": {name: before for name, (before, _after) in differences.items()},
            "after": {name: after for name, (_before, after) in differences.items()},
            "ip_addresses": list(self.adapter.ip_addresses if addresses is None else addresses),
        }


def _reported(now: GuestConfiguration | None, order: Order) -> dict[str, Any] | None:
    """Return what the guest reports of the families that an order is about; None where it reports nothing."""
    if now is None:
        return None
    parts = [now.only(version) for version in order.versions]
    return {
        "dhcp": now.dhcp,
        "addresses": [one for part in parts for one in part.addresses],
        "gateways": [one for part in parts for one in part.gateways],
        "dns": [one for part in parts for one in part.dns],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterPlan:
    """What to change, adapter by adapter."""

    targets: tuple[AdapterTarget, ...] = ()

    @property
    def due(self) -> tuple[AdapterTarget, ...]:
        """The adapters that differ."""
        return tuple(target for target in self.targets if target.is_due)

    @property
    def changed(self) -> bool:
        """Whether any adapter differs."""
        return bool(self.due)

    def without_silent_guests(self) -> AdapterPlan:
        """Return the plan without orders for guests whose machine does not run."""
        kept = (one if one.vm.state == "Running" else replace(one, order=None) for one in self.targets)
        return AdapterPlan(targets=tuple(kept))

    def with_orders_for(self, vm_ids: Sequence[str]) -> AdapterPlan:
        """Return the plan with orders for the guests of these machines alone."""
        kept = (one if one.vm.id in vm_ids else replace(one, order=None) for one in self.targets)
        return AdapterPlan(targets=tuple(kept))

    def diff(self) -> Diff:
        """Return the differing settings before and after, by machine and adapter."""
        before: dict[str, Any] = {}
        after: dict[str, Any] = {}
        for target in self.due:
            vm = f"{target.vm.name} ({target.vm.id})"
            name = f"{target.adapter.name} ({target.adapter.adapter_id})"
            found = target.differences()
            before.setdefault(vm, {})[name] = {key: pair[0] for key, pair in found.items()}
            after.setdefault(vm, {})[name] = {key: pair[1] for key, pair in found.items()}
        return Diff(before=before, after=after)


def plan_adapters(
    details: Sequence[VmDetails],
    wishes: Mapping[str, Sequence[AdapterWish]],
    configurations: Mapping[str, GuestConfiguration],
) -> AdapterPlan:
    """Return what differs from the wishes of each machine (by Id).

    ``configurations`` are what guests report, by lower-case key. Raises NotFound and Ambiguous for an adapter that a
    wish does not tell from the others, InvalidRequest for two wishes that mean the same one.
    """
    targets: list[AdapterTarget] = []
    for item in details:
        taken: dict[str, AdapterWish] = {}
        for wish in wishes.get(item.vm.id, ()):
            adapter = find_adapter(item, wish)
            if adapter.id in taken:
                raise InvalidRequest(f"{item.vm.name} ({item.vm.id}): two entries mean adapter {adapter.name!r}")
            taken[adapter.id] = wish
            vlan = next((one for one in item.vlans if one.adapter == adapter.id), None)
            now = configurations.get(key_of(adapter.id).lower())
            targets.append(_target(item.vm, adapter, wish, vlan_of(vlan), now))
    return AdapterPlan(targets=tuple(targets))


def find_adapter(item: VmDetails, wish: AdapterWish) -> Adapter:
    """Return the adapter that a wish means, by all it says of it. A MAC address that is to be set matches, too."""
    found = [adapter for adapter in item.adapters if _means(wish, adapter)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"{one.name!r} ({one.mac_address}, {one.id})" for one in item.adapters) or "none"
    vm = f"{item.vm.name} ({item.vm.id})"
    if not found:
        raise NotFound(f"{vm}: no adapter is {wish.label!r}; it has: {known}", name=wish.label)
    raise Ambiguous(
        f"{vm}: {len(found)} adapters are {wish.label!r}; choose one by id or match_mac_address: {known}",
        name=wish.label,
        candidates=[{"id": one.id, "name": one.name, "mac_address": one.mac_address} for one in found],
    )


def _means(wish: AdapterWish, adapter: Adapter) -> bool:
    return means(wish, name=adapter.name, identifier=adapter.id, mac=adapter.mac_address)


def means(wish: AdapterWish, *, name: str, identifier: str, mac: str) -> bool:
    """Whether a wish fits an adapter of this name, this whole Id and this MAC address."""
    identifiers = {identifier.lower(), identifier.rpartition("\\")[2].lower()}
    return (
        (wish.name is None or wish.name.lower() == name.lower())
        and (wish.id is None or wish.id.strip("{}").lower() in identifiers)
        and (wish.match_mac is None or mac.upper() in (wish.match_mac, wish.static_mac))
    )


def vlan_of(vlan: Vlan | None) -> VlanWish | None:
    """Return a VLAN setting as it was read; None for one that could not be read, or has a private mode."""
    if vlan is None or not vlan.operation_mode:
        return None
    if vlan.operation_mode == ACCESS:
        return VlanWish(mode=ACCESS, vlan_id=vlan.access_vlan_id or 0)
    if vlan.operation_mode == TRUNK:
        allowed = reported_vlan_ids(vlan.allowed_vlan_ids)
        return VlanWish(
            mode=TRUNK,
            native_vlan_id=vlan.native_vlan_id or 0,
            allowed=allowed or frozenset(),
            unread=vlan.allowed_vlan_ids if allowed is None else "",
        )
    return VlanWish(mode=vlan.operation_mode)


def _target(
    vm: Vm, adapter: Adapter, wish: AdapterWish, vlan_now: VlanWish | None, now: GuestConfiguration | None
) -> AdapterTarget:
    mac = None
    if wish.dynamic_mac and not adapter.dynamic_mac_address:
        mac = DYNAMIC
    elif wish.static_mac and (adapter.dynamic_mac_address or adapter.mac_address.upper() != wish.static_mac):
        mac = wish.static_mac
    at = (adapter.switch_name or "").lower()
    moved = wish.switch is not None and (at != wish.switch.lower() or not adapter.connected)
    reports = now is not None and (now.dhcp or bool(now.addresses))
    vlan = wish.vlan if wish.vlan != vlan_now else None
    return AdapterTarget(
        vm=vm,
        adapter=adapter,
        wish=wish,
        vlan_now=vlan_now,
        guest_now=now if reports else None,
        mac=mac,
        switch=wish.switch if moved else None,
        disconnect=wish.connected is False and bool(at or adapter.connected),
        vlan=vlan,
        order=order_for(adapter.id, wish, now if reports else None, moved=moved or vlan is not None),
    )
