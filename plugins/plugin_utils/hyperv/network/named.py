# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that people name per host, so that "the same network" is a comparison of data. Pure.

``hyperv_networks: {lan: {switch: LAN, vlan: 10, subnet: 10.1.0.0/24, gateway: 10.1.0.1, dns: [10.1.0.2]}}`` as a
variable of a host says which switch and VLAN of that host is which subnet.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ...errors import InvalidRequest

VARIABLE: Final = "hyperv_networks"
_KEYS = ("switch", "vlan", "subnet", "gateway", "dns")
LAST_VLAN: Final = 4094


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A named network of one host. ``vlan`` None is untagged; "" is what nobody said."""

    name: str
    switch: str
    vlan: int | None = None
    subnet: str = ""
    """Address and prefix length, "10.1.0.0/24"."""
    gateway: str = ""
    dns: tuple[str, ...] = ()

    def holds(self, address: str) -> bool:
        """Whether an address (with or without prefix length) lies in its subnet; False where it has none.

        False for what is no address, too: guests report what they like.
        """
        try:
            found = ipaddress.ip_interface(address).ip
        except ValueError:
            return False
        return bool(self.subnet) and found in ipaddress.ip_network(self.subnet)

    def carries(self, switch: str | None, vlan: int | None) -> bool:
        """Whether an adapter at this switch with this VLAN (None: untagged) is in it. Switches compare without case."""
        return self.switch.lower() == (switch or "").lower() and self.vlan == (vlan or None)

    def as_plain(self) -> dict[str, Any]:
        """Return it as JSON types, as a user writes it, with its name."""
        return {
            "name": self.name,
            "switch": self.switch,
            "vlan": self.vlan,
            "subnet": self.subnet or None,
            "gateway": self.gateway or None,
            "dns": list(self.dns),
        }


def networks_of(value: Any, *, host: str) -> dict[str, Network]:
    """Return the named networks that a host's variable ``hyperv_networks`` says; none for None.

    Raises InvalidRequest, which names the host, the network and the value of what can't be.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidRequest(f"{VARIABLE} of {host}: {value!r} is no mapping of names to networks")
    found = {str(name): _network(str(name), given, f"{VARIABLE} of {host}: {name}") for name, given in value.items()}
    places: dict[tuple[str, int | None, str], str] = {}
    for network in found.values():
        other = places.setdefault((network.switch.lower(), network.vlan, network.subnet), network.name)
        if other != network.name:
            vlan = "untagged" if network.vlan is None else f"VLAN {network.vlan}"
            raise InvalidRequest(
                f"{VARIABLE} of {host}: {other} and {network.name} are both switch {network.switch}, {vlan}, with the "
                "same subnet; leave one out"
            )
    return found


def _network(name: str, given: Any, where: str) -> Network:
    if not isinstance(given, Mapping):
        raise InvalidRequest(f"{where}: {given!r} is no mapping; give {', '.join(_KEYS)}")
    unknown = sorted(str(key) for key in given if key not in _KEYS)
    if unknown:
        raise InvalidRequest(f"{where}: unknown key {unknown[0]!r} (known: {', '.join(_KEYS)})")
    switch = str(given.get("switch") or "").strip()
    if not switch:
        raise InvalidRequest(f"{where}: switch is missing")
    subnet = _subnet(given.get("subnet"), where)
    dns = given.get("dns") or []
    servers = [dns] if isinstance(dns, str) else list(dns)
    gateway = str(given.get("gateway") or "")
    if gateway:
        address = checked_address(gateway, f"{where}: gateway")
        if subnet is not None and address not in subnet and not reaches_everywhere(address):
            raise InvalidRequest(f"{where}: gateway {gateway} is not in subnet {subnet}")
        gateway = str(address)
    return Network(
        name=name,
        switch=switch,
        vlan=_vlan(given.get("vlan"), where),
        subnet="" if subnet is None else str(subnet),
        gateway=gateway,
        dns=tuple(str(checked_address(str(one), f"{where}: dns")) for one in servers),
    )


def _vlan(value: Any, where: str) -> int | None:
    if value in (None, "", 0, "0"):
        return None
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = -1
    if isinstance(value, bool) or not 1 <= number <= LAST_VLAN:
        raise InvalidRequest(f"{where}: vlan {value!r} is no VLAN; give 1 to {LAST_VLAN}, or leave it out for untagged")
    return number


def _subnet(value: Any, where: str) -> Any:
    if value in (None, ""):
        return None
    try:
        if "/" not in str(value):
            raise ValueError(value)
        return ipaddress.ip_network(str(value))
    except ValueError as problem:
        raise InvalidRequest(
            f"{where}: subnet {value!r} is no network with a prefix length, like 10.1.0.0/24"
        ) from problem


def checked_address(value: str, where: str) -> Any:
    """Return the address; InvalidRequest naming the place for what is none."""
    try:
        return ipaddress.ip_address(value)
    except ValueError as problem:
        raise InvalidRequest(f"{where}: {value!r} is no address") from problem


def reaches_everywhere(address: Any) -> bool:
    """Whether a gateway is on every link, whatever the subnet: IPv6 routers announce their link-local address."""
    return bool(address.version == 6 and address.is_link_local)


def same(one: Network, other: Network) -> bool:
    """Whether two hosts' networks are the same one: subnet and VLAN agree. The switch's name is the host's own."""
    return one.subnet == other.subnet and one.vlan == other.vlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a VM's adapter meets at the destination: its network here and there; None where no name says."""

    adapter: str
    source: Network | None
    destination: Network | None

    @property
    def is_known(self) -> bool:
        """Whether both ends have a name for it."""
        return self.source is not None and self.destination is not None

    @property
    def needs_address(self) -> bool:
        """Whether the guest's address can't stay: the networks are known and differ."""
        return self.source is not None and self.destination is not None and not same(self.source, self.destination)


def network_at(
    networks: Mapping[str, Network], switch: str | None, vlan: int | None, *, addresses: Iterable[str] = ()
) -> Network | None:
    """Return the named network that an adapter at this switch with this VLAN is in; None where no name fits.

    Where a VLAN carries several subnets it is the one that holds one of the addresses, or the first.
    """
    there = [network for network in networks.values() if network.carries(switch, vlan)]
    holding = (network for network in there if any(network.holds(address) for address in addresses))
    return next(holding, there[0] if there else None)


def switches_by_name(source: Mapping[str, Network], destination: Mapping[str, Network]) -> dict[str, str]:
    """Return the switches that names lead to: source's -> destination's, where they are called differently.

    A switch whose networks lead to several switches is left out: only people can say.
    """
    found: dict[str, set[str]] = {}
    for name in source.keys() & destination.keys():
        found.setdefault(source[name].switch, set()).add(destination[name].switch)
    return {
        switch: next(iter(there))
        for switch, there in found.items()
        if len(there) == 1 and next(iter(there)).lower() != switch.lower()
    }


def change_of(
    adapter: str,
    switch: str | None,
    vlan: int | None,
    source: Mapping[str, Network],
    destination: Mapping[str, Network],
    *,
    switch_map: Mapping[str, str] | None = None,
    addresses: Iterable[str] = (),
) -> Change:
    """Return what an adapter meets at the destination.

    Its network there is the one of the same name; without one, that of the switch it comes to (after the map, which
    compares without case) with the VLAN that it brings, since the VLAN belongs to the VM's port (facts, 8).
    ``addresses`` are what the guest reports: they tell subnets of one VLAN apart.
    """
    here = network_at(source, switch, vlan, addresses=addresses)
    if here is not None and here.name in destination:
        return Change(adapter=adapter, source=here, destination=destination[here.name])
    mapped = {name.lower(): target for name, target in (switch_map or {}).items()}
    target = mapped.get((switch or "").lower(), switch)
    return Change(adapter=adapter, source=here, destination=network_at(destination, target, vlan))
