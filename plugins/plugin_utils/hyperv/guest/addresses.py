# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses for a failover as they are asked for: parsed and judged by themselves, before anything is sent."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ...errors import InvalidRequest
from ..selection import parse_selection

if TYPE_CHECKING:
    from collections.abc import Mapping

_DNS_SERVERS = 2
"""A failover configuration has a preferred and an alternate DNS server, no more (facts, 7.2)."""
_LONGEST_IPV4, _LONGEST_IPV6 = 31, 127
_FAMILIES = {"ipv4": ("ipv4",), "ipv6": ("ipv6",), "both": ("ipv4", "ipv6")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address of one family; ``gateway`` None and missing DNS servers leave what is there."""

    family: str
    address: str
    prefix: int
    gateway: str | None = None
    dns: tuple[str, ...] = ()

    @property
    def subnet_mask(self) -> str:
        """The prefix as an IPv4 mask."""
        return str(ipaddress.ip_network(f"0.0.0.0/{self.prefix}").netmask)

    def parameters(self, dns: tuple[str | None, ...] | None = None) -> dict[str, Any]:
        """Return the parameters of Set-VMNetworkAdapterFailoverConfiguration; ``dns`` stands for the servers asked for.

        A server that is None is not sent.
        """
        name = "IPv4" if self.family == "ipv4" else "IPv6"
        mask = {"IPv4SubnetMask": self.subnet_mask} if name == "IPv4" else {"IPv6SubnetPrefixLength": self.prefix}
        found = {f"{name}Address": self.address, **mask, f"{name}DefaultGateway": self.gateway}
        servers = self.dns if dns is None else dns
        for parameter, server in zip(("PreferredDNSServer", "AlternateDNSServer"), servers, strict=False):
            found[f"{name}{parameter}"] = server
        return {parameter: value for parameter, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterWish:
    """What is asked for one adapter; without a name, an address or an Id it is the machine's only one."""

    name: str | None = None
    mac_address: str | None = None
    id: str | None = None
    addresses: tuple[Address, ...] = ()
    clear: tuple[str, ...] = ()
    test_switch: str | None = None
    failback: AdapterWish | None = None
    """What is asked for the primary's own copy, which is started on the way back."""

    @property
    def is_asked(self) -> bool:
        """Whether anything is asked for the replica's copy, which is started by the failover."""
        return bool(self.addresses or self.clear or self.test_switch)

    @property
    def label(self) -> str:
        """How the request names the adapter."""
        named = {"name": self.name, "mac_address": self.mac_address, "id": self.id}
        return next((f"{key} {value!r}" for key, value in named.items() if value is not None), "its only adapter")


@dataclass(frozen=True, slots=True, kw_only=True)
class VmWish:
    """What is asked for one machine, by its name or its Id."""

    name: str | None = None
    id: str | None = None
    adapters: tuple[AdapterWish, ...] = ()
    replica_host: str | None = None

    @property
    def label(self) -> str:
        """How the request names the machine."""
        return self.name or self.id or ""


def parse_wishes(arguments: Mapping[str, Any]) -> tuple[VmWish, ...]:
    """Return what is asked for; InvalidRequest for what contradicts itself or can be no address."""
    switch = arguments.get("test_switch")
    wishes = tuple(_vm(item, switch) for item in arguments.get("vms") or ())
    labels = [wish.label.lower() for wish in wishes]
    for label in labels:
        if labels.count(label) > 1:
            raise InvalidRequest(
                f"vms: {label!r} is listed {labels.count(label)} times; list it once, with all adapters"
            )
    _one_owner(wishes)
    return wishes


def _one_owner(wishes: tuple[VmWish, ...]) -> None:
    """Refuse an address that two adapters are to have on the same site."""
    owners: dict[tuple[bool, str], str] = {}
    for vm in wishes:
        for adapter in vm.adapters:
            owner = f"{vm.label!r} ({adapter.label})"
            for is_home, one in ((False, adapter), (True, adapter.failback)):
                for address in one.addresses if one is not None else ():
                    first = owners.setdefault((is_home, address.address), owner)
                    if first != owner:
                        raise InvalidRequest(f"vms: {address.address} is given to {first} and to {owner}")


def _vm(item: Mapping[str, Any], switch: str | None) -> VmWish:
    name, vm_id = item.get("name"), item.get("id")
    if bool(name) == bool(vm_id):
        raise InvalidRequest(f"vms: give each VM either a name or an id, not {name!r} and {vm_id!r}")
    if vm_id:
        (vm_id,) = parse_selection({"ids": [vm_id]}).ids
    label = name or vm_id
    adapters = tuple(_adapter(str(label), adapter, switch) for adapter in item.get("adapters") or ())
    if not adapters:
        raise InvalidRequest(f"{label}: adapters is empty; leave vms out to see what is set")
    labels = [adapter.label.lower() for adapter in adapters]
    if len(set(labels)) < len(labels) or ("its only adapter" in labels and len(labels) > 1):
        raise InvalidRequest(f"{label}: adapters have to be told apart, each by its own name, mac_address or id")
    return VmWish(name=name or None, id=vm_id or None, adapters=adapters, replica_host=item.get("replica_host"))


def _adapter(vm: str, item: Mapping[str, Any], switch: str | None) -> AdapterWish:
    given = [key for key in ("name", "mac_address", "id") if item.get(key)]
    if len(given) > 1:
        raise InvalidRequest(f"{vm}: an adapter is named by one of {', '.join(given)}, not by several")
    where = f"{vm}, {item[given[0]]!r}" if given else vm
    mac = item.get("mac_address")
    main = _content(where, item, switch)
    failback = _content(f"{where}, failback", item["failback"], None) if item.get("failback") is not None else None
    if failback is not None and not failback.is_asked:
        raise InvalidRequest(f"{where}, failback: nothing is asked for; give ipv4, ipv6, clear or test_switch")
    if not (main.is_asked or failback):
        raise InvalidRequest(f"{where}: nothing is asked for; give ipv4, ipv6, clear, test_switch or failback")
    return replace(
        main,
        name=item.get("name") or None,
        mac_address=_mac(where, mac) if mac else None,
        id=item.get("id") or None,
        failback=failback,
    )


def _content(where: str, item: Mapping[str, Any], switch: str | None) -> AdapterWish:
    """Return what is asked for one copy of an adapter, whichever adapter it is."""
    clear = _FAMILIES[item["clear"]] if item.get("clear") else ()
    addresses = []
    for family in ("ipv4", "ipv6"):
        if item.get(family) is None:
            continue
        if family in clear:
            raise InvalidRequest(f"{where}: {family} is given, and clear: {item['clear']} would remove it")
        addresses.append(_ipv4(where, item[family]) if family == "ipv4" else _ipv6(where, item[family]))
    test_switch = item["test_switch"] if item.get("test_switch") is not None else switch
    if test_switch is not None and not test_switch.strip():
        raise InvalidRequest(f"{where}: test_switch is empty; give the name of a switch, or leave it out")
    return AdapterWish(addresses=tuple(addresses), clear=clear, test_switch=test_switch)


def _mac(where: str, value: str) -> str:
    plain = value.replace(":", "").replace("-", "").replace(".", "").upper()
    if len(plain) != 12 or set(plain) - set("0123456789ABCDEF"):  # six bytes
        raise InvalidRequest(f"{where}: mac_address {value!r} is no MAC address")
    return plain


def _ipv4(where: str, item: Mapping[str, Any]) -> Address:
    mask: str | None = item.get("subnet_mask")
    prefix: Any = item.get("prefix")
    if (mask is None) == (prefix is None):
        raise InvalidRequest(f"{where}: ipv4 needs subnet_mask or prefix, and only one of them")
    if mask is not None:
        prefix = _length_of(where, mask)
    return _address(where, "ipv4", item, int(prefix), longest=_LONGEST_IPV4)


def _length_of(where: str, mask: str) -> int:
    try:
        bits = int(ipaddress.IPv4Address(mask))
    except ValueError:
        bits = 0
    length = bin(bits).count("1")
    if not length or bits != (0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF:
        raise InvalidRequest(f"{where}: subnet_mask {mask!r} is no mask; one of leading ones, like 255.255.255.0")
    return length


def _ipv6(where: str, item: Mapping[str, Any]) -> Address:
    return _address(where, "ipv6", item, int(item["prefix"]), longest=_LONGEST_IPV6)


def _address(where: str, family: str, item: Mapping[str, Any], prefix: int, *, longest: int) -> Address:
    if not 1 <= prefix <= longest:
        raise InvalidRequest(f"{where}: {family} prefix {prefix} is out of range; it must be 1 to {longest}")
    address = _host(where, family, "address", item["address"])
    network = ipaddress.ip_network(f"{address}/{prefix}", strict=False)
    _in_use(where, "address", address, network)
    if address.is_link_local:
        raise InvalidRequest(f"{where}: address {address} is link-local; every machine makes its own of these")
    gateway = None
    if item.get("gateway"):
        gateway = _host(where, family, "gateway", item["gateway"])
        if not (family == "ipv6" and gateway.is_link_local):
            if gateway not in network:
                raise InvalidRequest(f"{where}: gateway {gateway} is not in {network}, the subnet of {address}")
            _in_use(where, "gateway", gateway, network)
        if gateway == address:
            raise InvalidRequest(f"{where}: gateway {gateway} is the address itself")
    servers = [str(_host(where, family, "dns", server)) for server in item.get("dns") or ()]
    if len(servers) > _DNS_SERVERS or len(set(servers)) < len(servers):
        raise InvalidRequest(f"{where}: dns {servers} must be a preferred and an alternate server, two at most")
    return Address(
        family=family,
        address=str(address),
        prefix=prefix,
        gateway=None if gateway is None else str(gateway),
        dns=tuple(servers),
    )


def _host(where: str, family: str, key: str, value: Any) -> Any:
    kind = ipaddress.IPv4Address if family == "ipv4" else ipaddress.IPv6Address
    try:
        found = kind(str(value).strip())
    except ValueError:
        raise InvalidRequest(f"{where}: {key} {value!r} is no {family} address") from None
    if "%" in str(value) or found.is_unspecified or found.is_loopback or found.is_multicast:
        raise InvalidRequest(f"{where}: {key} {value!r} is no address of a machine")
    return found


def _in_use(where: str, key: str, address: Any, network: Any) -> None:
    """Refuse the first address of a subnet, and IPv4's last; a subnet of two (/31, /127) uses both (RFC 3021, 6164)."""
    if network.num_addresses <= 2:  # two addresses
        return
    if address == network.network_address or (address.version == 4 and address == network.broadcast_address):
        kind = "the network's own" if address == network.network_address else "the broadcast"
        raise InvalidRequest(f"{where}: {key} {address} is {kind} address of {network}")
