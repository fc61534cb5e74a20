# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What speaks against a change of a VM's network, as predicates over what was read. Pure.

Each yields findings (none where all is well); callers put them together: ``vm_network_adapter`` before the first
change, migrations before anything is stopped.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ...findings import Finding, Severity
from .named import reaches_everywhere

if TYPE_CHECKING:
    from .named import Change, Network
    from .wishes import FamilyWish

NO_MAC: Final = "000000000000"
"""The MAC address of a dynamic adapter that was never started (field objects)."""

_POOL_SHARE = 0.9
"""A pool is nearly exhausted when nine tenths of it are taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """An adapter of any VM on a host that was looked at."""

    host: str
    vm_id: str
    vm_name: str
    adapter_id: str
    mac: str = ""
    dynamic_mac: bool = True
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MacPool:
    """The range that a host gives dynamic MAC addresses from; 12 hexadecimal digits each, "" where not known."""

    minimum: str = ""
    maximum: str = ""

    def holds(self, mac: str) -> bool:
        """Whether an address is in the range; True where the range is not known."""
        return not self.is_known or int(self.minimum, 16) <= int(mac, 16) <= int(self.maximum, 16)

    @property
    def is_known(self) -> bool:
        """Whether the host said both ends."""
        return bool(self.minimum and self.maximum)

    @property
    def size(self) -> int:
        """How many addresses it has."""
        return int(self.maximum, 16) - int(self.minimum, 16) + 1 if self.is_known else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchPort:
    """A switch of a host with its physical adapters, by their descriptions; none for one that isn't external."""

    name: str
    uplinks: tuple[str, ...] = ()


def switch_missing(subject: str, host: str, wanted: str, known: Iterable[str]) -> Iterator[Finding]:
    """Yield a finding when the host has no switch of this name (compared without case)."""
    names = sorted(known)
    if wanted.lower() not in {name.lower() for name in names}:
        yield Finding(
            id="switch_missing",
            severity=Severity.BLOCKING,
            subject=subject,
            evidence=f"{host} has no switch {wanted}",
            remedy=f"Create the switch there, or name one of: {', '.join(names) or '-'}.",
        )


def uplink_down(
    subject: str, host: str, switch: SwitchPort, up: Mapping[str, bool], *, severity: Severity = Severity.BLOCKING
) -> Iterator[Finding]:
    """Yield a finding when no physical adapter of a switch is up. One that the host doesn't show says nothing.

    ``up`` is the state of the host's physical adapters by their lower-case description.
    """
    states = [up.get(name.lower()) for name in switch.uplinks]
    if states and all(state is False for state in states):
        yield Finding(
            id="switch_uplink_down",
            severity=severity,
            subject=subject,
            evidence=f"switch {switch.name} of {host} has no uplink that is up: {', '.join(switch.uplinks)}",
            remedy="Look at the cable, the port of the physical switch, and the adapter; or name another switch.",
        )


def guest_not_running(subject: str, state: str, *, severity: Severity = Severity.BLOCKING) -> Iterator[Finding]:
    """Yield a finding when a guest can't be told anything, since its VM does not run."""
    if state != "Running":
        first = "Start the VM first" if severity is Severity.BLOCKING else "Run vm_network_adapter again once it runs"
        yield Finding(
            id="guest_not_running",
            severity=severity,
            subject=subject,
            evidence=f"its guest is to be told an address, and the VM is {state}",
            remedy=f"{first}; a guest is told its addresses while it runs.",
        )


def plain_address(address: str) -> str:
    """Return an address without prefix length and zone, in its usual form; as it came where it is none."""
    try:
        return str(ipaddress.ip_address(address.partition("/")[0].partition("%")[0]))
    except ValueError:
        return address


def is_link_local(text: str) -> bool:
    """Whether an address holds on its own link alone, or a text is none."""
    plain = plain_address(text)
    return not is_address(plain) or ipaddress.ip_address(plain).is_link_local


def is_address(text: str) -> bool:
    """Whether a text is an address by itself, without prefix length."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def mac_invalid(subject: str, mac: str) -> Iterator[Finding]:
    """Yield a finding for a static MAC address that Hyper-V refuses: of a group, or all zeros."""
    if int(mac[:2], 16) & 1 or mac == NO_MAC:
        kind = "is all zeros" if mac == NO_MAC else "is that of a group (its first byte is odd)"
        yield Finding(
            id="mac_address_invalid",
            severity=Severity.BLOCKING,
            subject=subject,
            evidence=f"{mac} {kind}",
            remedy="Choose an address of a single machine, such as one that starts with 02 or with 00155D.",
        )


def _is_own(other: Neighbour, vm_id: str, adapter_id: str) -> bool:
    """Whether it is the adapter in question itself, here or on another host: its Id travels with the VM."""
    return other.vm_id == vm_id and (not adapter_id or other.adapter_id == adapter_id)


def mac_conflicts(
    subject: str,
    vm_id: str,
    adapter_id: str,
    mac: str,
    others: Iterable[Neighbour],
    *,
    severity: Severity = Severity.BLOCKING,
) -> Iterator[Finding]:
    """Yield a finding for each other adapter with this MAC address; ``adapter_id`` "" means any of the VM's own."""
    for other in others:
        if other.mac.upper() != mac or _is_own(other, vm_id, adapter_id):
            continue
        yield Finding(
            id="mac_address_taken",
            severity=severity,
            subject=subject,
            evidence=f"{mac} is the MAC address of {other.vm_name} ({other.vm_id}) on {other.host}",
            remedy="Give one of the two another MAC address, or dynamic_mac_address: true.",
        )


def mac_change_needs_off(subject: str, state: str, mac: str) -> Iterator[Finding]:
    """Yield a finding when the MAC address is to change while the VM is not off."""
    if state != "Off":
        yield Finding(
            id="mac_change_needs_off",
            severity=Severity.BLOCKING,
            subject=subject,
            evidence=f"the VM is {state}, and its MAC address is to become {mac}",
            remedy="Shut the VM down first; a MAC address changes only while the VM is off.",
        )


def mac_pool(host: str, pool: MacPool, used: Iterable[str], *, needed: int = 0) -> Iterator[Finding]:
    """Yield a finding when a host's pool of dynamic MAC addresses can't give ``needed`` more, or is nearly taken."""
    if not pool.is_known:
        return
    taken = len({mac.upper() for mac in used if mac and mac != NO_MAC and pool.holds(mac)})
    free = pool.size - taken
    evidence = f"{taken} of {pool.size} addresses from {pool.minimum} to {pool.maximum} are taken"
    remedy = "Widen the range (Set-VMHost -MacAddressMinimum, -MacAddressMaximum), or give static MAC addresses."
    if free < needed:
        yield Finding(
            id="mac_pool_exhausted", severity=Severity.BLOCKING, subject=host,
            evidence=f"{evidence}, and {needed} more are needed", remedy=remedy,
        )  # fmt: skip
    elif taken >= _POOL_SHARE * pool.size:
        yield Finding(
            id="mac_pool_nearly_exhausted",
            severity=Severity.WARNING,
            subject=host,
            evidence=evidence,
            remedy=remedy,
        )


def mac_will_change(subject: str, host: str, mac: str, pool: MacPool) -> Iterator[Finding]:
    """Yield a warning for a dynamic MAC address from another host's pool (that a start replaces it is unverified)."""
    if mac and mac != NO_MAC and not pool.holds(mac):
        yield Finding(
            id="mac_address_will_change",
            severity=Severity.WARNING,
            subject=subject,
            evidence=f"its dynamic MAC address {mac} is outside the pool of {host}, {pool.minimum} to {pool.maximum}; "
            "the next start may give it another one",
            remedy="Where a DHCP reservation or a licence depends on it, give mac_address while the VM is off.",
        )


def address_form(subject: str, wish: FamilyWish, network: Network | None = None) -> Iterator[Finding]:
    """Yield findings for an address that no machine can use, or that doesn't fit its subnet or its gateway."""
    if wish.dhcp:
        return
    interface = ipaddress.ip_interface(wish.address)
    address, subnet = interface.ip, interface.network
    special = address.is_multicast or address.is_loopback or address.is_unspecified
    edge = (
        subnet.version == 4 and subnet.prefixlen < 31 and address in (subnet.network_address, subnet.broadcast_address)
    )
    if special or edge:
        kind = "is no address of a machine" if special else f"is the network or broadcast address of {subnet}"
        yield _address(subject, "ip_address_not_usable", f"{address} {kind}", "Choose an address of a machine.")
    gateway = ipaddress.ip_address(wish.gateway) if wish.gateway else None
    if gateway is not None and gateway not in subnet and not reaches_everywhere(gateway):
        yield _address(
            subject,
            "gateway_outside_subnet",
            f"gateway {wish.gateway} is not in {subnet}, the subnet of {address}",
            "Correct the gateway or the prefix length.",
        )
    if gateway is not None and gateway == address:
        yield _address(
            subject, "ip_address_not_usable", f"{address} is the gateway itself", "Choose an address of a machine."
        )
    if network is not None and network.subnet:
        wanted = ipaddress.ip_network(network.subnet)
        if wanted.version == subnet.version and subnet != wanted:
            yield _address(
                subject,
                "ip_address_outside_subnet",
                f"{wish.address} is not in network {network.name}, which is {wanted}",
                "Give an address of that subnet with its prefix length, or another network.",
            )


def _address(subject: str, identifier: str, evidence: str, remedy: str) -> Finding:
    return Finding(id=identifier, severity=Severity.BLOCKING, subject=subject, evidence=evidence, remedy=remedy)


def gateway_unknown(subject: str, adapter: str, address: str, dropped: Iterable[str]) -> Finding:
    """Return the finding that an address would leave a guest without the gateway it has or may have.

    ``dropped`` are those that it has and that do not fit; none where it has reported nothing yet.
    """
    has = ", ".join(dropped)
    why = f"its gateway {has} does not fit" if has else "the guest does not report whether it has one"
    return _address(
        subject,
        "gateway_unknown",
        f"adapter {adapter} is to get {address} without a gateway, and {why}",
        'Give the gateway, here or in hyperv_networks; gateway: "" says that there is none.',
    )


def address_conflicts(
    subject: str,
    vm_id: str,
    adapter_id: str,
    address: str,
    others: Iterable[Neighbour],
    *,
    severity: Severity = Severity.BLOCKING,
) -> Iterator[Finding]:
    """Yield a finding for each other adapter whose guest reports this address."""
    wanted = plain_address(address)
    for other in others:
        if wanted not in map(plain_address, other.addresses) or _is_own(other, vm_id, adapter_id):
            continue
        taken = _address(
            subject,
            "ip_address_taken",
            f"{wanted} is reported by {other.vm_name} ({other.vm_id}) on {other.host}",
            "Choose another address, or change that VM's first.",
        )
        yield replace(taken, severity=severity)


def address_twice(subject: str, address: str, other: str) -> Finding:
    """Return the finding that one address is wanted of two adapters."""
    evidence = f"{address} is wanted of {other}, too"
    return _address(subject, "ip_address_taken", evidence, "Give each adapter an address of its own.")


def mac_twice(subject: str, mac: str, other: str) -> Finding:
    """Return the finding that one MAC address is wanted of two adapters."""
    evidence = f"{mac} is wanted of {other}, too"
    return _address(subject, "mac_address_taken", evidence, "Give each adapter a MAC address of its own.")


def vlan_of_other_network(
    subject: str, address: str, switch: str | None, vlan: int | None, networks: Iterable[Network]
) -> Iterator[Finding]:
    """Yield a finding for an address of a named network that the adapter isn't in: other switch, or other VLAN."""
    owners = [network for network in networks if network.holds(address)]
    if not owners or any(network.carries(switch, vlan) for network in owners):
        return
    owner = owners[0]
    yield _address(
        subject,
        "vlan_differs_from_network",
        f"{address} belongs to network {owner.name} ({_place(owner.switch, owner.vlan)}), but the adapter is at "
        f"{_place(switch, vlan)}",
        f"Give network: {owner.name}, or an address of the network that the adapter is in.",
    )


def stays_behind(subject: str, adapter: str, network: Network, switch: str | None, vlan: int | None) -> Finding:
    """Return the finding that an adapter does not come into the destination's network of the name of its own."""
    return _address(
        subject,
        "vlan_differs_from_network",
        f"adapter {adapter} is of network {network.name}, at {_place(network.switch, network.vlan)} there, and would "
        f"stay at {_place(switch, vlan)}",
        f"Give network: {network.name}, or say which VLAN it is to be in (vlan_id, or vlan_mode: untagged).",
    )


def _place(switch: str | None, vlan: int | None) -> str:
    return f"{'switch ' + switch if switch else 'no switch'}, {f'VLAN {vlan}' if vlan else 'untagged'}"


def address_needed(subject: str, change: Change, wishes: Iterable[FamilyWish]) -> Iterator[Finding]:
    """Yield a finding for an adapter whose network at the destination is another one, without a new address."""
    here, there = change.source, change.destination
    if here is None or there is None or not change.needs_address or any(True for _wish in wishes):
        return
    vlan = f"VLAN {there.vlan}" if there.vlan else "that network"
    ask = (
        f"Ask the owner of network {there.name} for an address in {there.subnet or 'its subnet'} ({vlan}), or for a "
        f"portable subnet that is routed to {vlan}, and give the VM an address of it; with DHCP there, give dhcp: true."
    )
    yield _address(
        subject,
        "address_needed",
        f"adapter {change.adapter} comes from {_named(here)} into {_named(there)}, where its address can't work",
        ask,
    )


def _named(network: Network) -> str:
    vlan = f"VLAN {network.vlan}" if network.vlan else "untagged"
    return f"network {network.name} ({network.subnet or 'subnet not named'}, {vlan})"
