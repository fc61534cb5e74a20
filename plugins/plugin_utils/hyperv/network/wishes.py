# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wanted of a VM's network adapters, read from options and checked before anything is sent. Pure."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from ...errors import InvalidRequest
from .named import LAST_VLAN, checked_address

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .named import Network

UNTAGGED, ACCESS, TRUNK = "Untagged", "Access", "Trunk"
_MODES = {"untagged": UNTAGGED, "access": ACCESS, "trunk": TRUNK}
_MATCH = ("name", "id", "match_mac_address")
_SET = (
    "connected", "switch", "network", "vlan_mode", "vlan_id", "native_vlan_id", "allowed_vlan_ids", "mac_address",
    "dynamic_mac_address", "ipv4", "ipv6",
)  # fmt: skip
KEYS: Final = (*_MATCH, *_SET)
_FAMILY_KEYS = ("dhcp", "address", "gateway", "dns")
_MAC = re.compile(r"[0-9A-F]{12}")
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
_RANGE = re.compile(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class VlanWish:
    """A VLAN setting: mode as Windows names it, with the ids that belong to the mode."""

    mode: str
    vlan_id: int = 0
    native_vlan_id: int = 0
    allowed: frozenset[int] = frozenset()
    unread: str = ""
    """The list of allowed VLANs as a host wrote it, where it is no list that we can read."""

    @property
    def as_text(self) -> str:
        """Return it for people and diffs."""
        if self.mode == ACCESS:
            return f"access {self.vlan_id}"
        if self.mode == TRUNK:
            return f"trunk {self.unread or ranges(self.allowed)} native {self.native_vlan_id}"
        return self.mode.lower()

    @property
    def access_id(self) -> int | None:
        """The VLAN of access mode; None in every other."""
        return self.vlan_id if self.mode == ACCESS else None

    @property
    def is_place(self) -> bool:
        """Whether it says in which VLAN the guest's untagged frames are; a private mode does not."""
        return self.mode in (UNTAGGED, ACCESS, TRUNK)

    @property
    def carried_id(self) -> int | None:
        """The VLAN of the guest's untagged frames: that of access mode, the native one of a trunk; None: untagged."""
        return (self.native_vlan_id if self.mode == TRUNK else self.access_id) or None


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyWish:
    """Addresses of one family in the guest. ``address`` has its prefix length ("10.1.0.5/24"), "" with DHCP.

    None for ``gateway`` and ``dns`` is what nobody said: what the guest has stays, as far as it still fits. A gateway
    of "" is none.
    """

    dhcp: bool = False
    address: str = ""
    gateway: str | None = None
    dns: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterWish:
    """What is wanted of one adapter; None is what nobody asked for. An adapter is matched by all that is given."""

    name: str | None = None
    id: str | None = None
    match_mac: str | None = None
    connected: bool | None = None
    switch: str | None = None
    network: Network | None = None
    vlan: VlanWish | None = None
    static_mac: str | None = None
    dynamic_mac: bool = False
    ipv4: FamilyWish | None = None
    ipv6: FamilyWish | None = None

    @property
    def addresses_guest(self) -> bool:
        """Whether the guest is to be told something."""
        return self.ipv4 is not None or self.ipv6 is not None

    @property
    def families(self) -> tuple[FamilyWish, ...]:
        """What is wanted of the families, IPv4 first."""
        return tuple(one for one in (self.ipv4, self.ipv6) if one is not None)

    @property
    def label(self) -> str:
        """How messages call the adapter that it is about."""
        return self.name or self.id or self.match_mac or "the only adapter"


def parse_wishes(given: Sequence[Any], networks: Mapping[str, Network], *, where: str) -> tuple[AdapterWish, ...]:
    """Return the wishes; InvalidRequest names ``where``, the number and the value of what can't be.

    ``networks`` are the named networks of the host that the VM is on.
    """
    if not given:
        raise InvalidRequest(f"{where}: no adapter is given")
    return tuple(_wish(one, networks, f"{where}[{number}]") for number, one in enumerate(given))


def _wish(given: Any, networks: Mapping[str, Network], where: str) -> AdapterWish:
    values = _plain(given, KEYS, where)
    if not any(values.get(key) is not None for key in _SET):
        raise InvalidRequest(f"{where}: nothing is asked of the adapter; give one of {', '.join(_SET)}")
    static = _mac(values.get("mac_address"), f"{where}.mac_address")
    values = {**values, "connected": _truth(values, "connected", where)}
    dynamic = bool(_truth(values, "dynamic_mac_address", where))
    network = _network(values, networks, where)
    if static and dynamic:
        raise InvalidRequest(f"{where}: mac_address and dynamic_mac_address contradict each other")
    families = {name: _family(values.get(name), network, name, f"{where}.{name}") for name in ("ipv4", "ipv6")}
    if len({family.dhcp for family in families.values() if family}) > 1:
        raise InvalidRequest(
            f"{where}: ipv4 and ipv6 must both be DHCP or both static: Hyper-V has one DHCP setting per adapter"
        )
    switch = _switch(values, network, where)
    return AdapterWish(
        name=_text(values, "name", where),
        id=_text(values, "id", where),
        match_mac=_mac(values.get("match_mac_address"), f"{where}.match_mac_address"),
        connected=values.get("connected"),
        switch=switch,
        network=network,
        vlan=_vlan(values, network, where),
        static_mac=static,
        dynamic_mac=dynamic,
        **families,
    )


def _plain(given: Any, known: Sequence[str], where: str) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise InvalidRequest(f"{where}: {given!r} is no mapping; give {', '.join(known)}")
    unknown = sorted(str(key) for key in given if key not in known)
    if unknown:
        raise InvalidRequest(f"{where}: unknown key {unknown[0]!r} (known: {', '.join(known)})")
    return given


def _truth(values: Mapping[str, Any], key: str, where: str) -> bool | None:
    """Return a boolean as people write it, None where nothing is said; a text like "no" is not simply true."""
    value = values.get(key)
    if value is None or isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word not in (*_TRUE, *_FALSE):
        raise InvalidRequest(f"{where}.{key}: {value!r} is neither true nor false")
    return word in _TRUE


def _text(values: Mapping[str, Any], key: str, where: str) -> str | None:
    value = values.get(key)
    if value is not None and str(value) == "":
        raise InvalidRequest(f"{where}.{key} is empty")
    return None if value is None else str(value)


def _network(values: Mapping[str, Any], networks: Mapping[str, Network], where: str) -> Network | None:
    name = _text(values, "network", where)
    if name is None:
        return None
    if name not in networks:
        known = ", ".join(sorted(networks)) or "none"
        raise InvalidRequest(f"{where}.network: the host's hyperv_networks have no {name!r} (known: {known})")
    if values.get("connected") is False:
        raise InvalidRequest(f"{where}: network {name} and connected: false contradict each other")
    return networks[name]


def _switch(values: Mapping[str, Any], network: Network | None, where: str) -> str | None:
    switch = values.get("switch")
    if values.get("connected") and switch is None and network is None:
        raise InvalidRequest(f"{where}: connected: true does not say where to; give switch or network")
    if switch == "":
        raise InvalidRequest(f"{where}.switch is empty; say connected: false to disconnect the adapter")
    if switch is not None and values.get("connected") is False:
        raise InvalidRequest(f"{where}: switch {switch} and connected: false contradict each other")
    if network is None:
        return None if switch is None else str(switch)
    if switch is not None and str(switch).lower() != network.switch.lower():
        raise InvalidRequest(
            f"{where}: network {network.name} is switch {network.switch}, but switch says {switch}; leave switch out"
        )
    return network.switch


def _vlan(values: Mapping[str, Any], network: Network | None, where: str) -> VlanWish | None:
    wish = _given_vlan(values, where)
    if network is None:
        return wish
    wanted = VlanWish(mode=ACCESS, vlan_id=network.vlan) if network.vlan else VlanWish(mode=UNTAGGED)
    if wish is not None and wish != wanted:
        raise InvalidRequest(
            f"{where}: network {network.name} is {wanted.as_text}, but the options say {wish.as_text}; leave them out"
        )
    return wanted


def _given_vlan(values: Mapping[str, Any], where: str) -> VlanWish | None:
    mode, vlan_id = values.get("vlan_mode"), values.get("vlan_id")
    native, allowed = values.get("native_vlan_id"), values.get("allowed_vlan_ids")
    if mode is None:
        mode = "access" if vlan_id is not None else "trunk" if (native is not None or allowed) else None
    if mode is None:
        return None
    if str(mode).lower() not in _MODES:
        raise InvalidRequest(f"{where}.vlan_mode: {mode!r} is none of {', '.join(_MODES)}")
    kind = _MODES[str(mode).lower()]
    foreign = {UNTAGGED: (vlan_id, native, allowed), ACCESS: (native, allowed), TRUNK: (vlan_id,)}[kind]
    if any(value is not None for value in foreign):
        needed = {UNTAGGED: "no id", ACCESS: "vlan_id alone", TRUNK: "native_vlan_id and allowed_vlan_ids"}[kind]
        raise InvalidRequest(f"{where}: vlan_mode {mode} takes {needed}")
    if kind == ACCESS:
        return VlanWish(mode=ACCESS, vlan_id=_number(vlan_id, 1, f"{where}.vlan_id"))
    if kind == TRUNK:
        lists = vlan_ids(str(allowed or ""), f"{where}.allowed_vlan_ids")
        return VlanWish(mode=TRUNK, native_vlan_id=_number(native, 0, f"{where}.native_vlan_id"), allowed=lists)
    return VlanWish(mode=UNTAGGED)


def _number(value: Any, least: int, where: str) -> int:
    try:
        number = -1 if value is None or isinstance(value, bool) else int(value)
    except (TypeError, ValueError):
        number = -1
    if not least <= number <= LAST_VLAN:
        raise InvalidRequest(f"{where}: {value!r} is no VLAN; give {least} to {LAST_VLAN}")
    return number


def vlan_ids(text: str, where: str) -> frozenset[int]:
    """Return the ids of a list like "1-100,200"; InvalidRequest for another form or an empty one."""
    found: set[int] = set()
    for part in text.split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            raise InvalidRequest(f"{where}: {text!r} is no list of VLANs like 10,20-29")
        first, last = int(match[1]), int(match[2] or match[1])
        if not 1 <= first <= last <= LAST_VLAN:
            raise InvalidRequest(f"{where}: {part.strip()!r} is no range within 1 to {LAST_VLAN}")
        found.update(range(first, last + 1))
    return frozenset(found)


def reported_vlan_ids(text: str) -> frozenset[int] | None:
    """Return the ids of a list that a host reports, None for one that can't be read.

    Hosts may count 0 and 4095 in ("0-4094"): neither is a VLAN that can be asked for, so they are left out.
    """
    found: set[int] = set()
    for part in text.split(",") if text.strip() else ():
        match = _RANGE.fullmatch(part)
        if match is None or int(match[2] or match[1]) > LAST_VLAN + 1:
            return None
        found.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    return frozenset(found - {0, LAST_VLAN + 1})


def ranges(ids: frozenset[int]) -> str:
    """Return ids as Set-VMNetworkAdapterVlan takes them: "1-100,200"."""
    parts: list[list[int]] = []
    for number in sorted(ids):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def _mac(value: Any, where: str) -> str | None:
    """Return a MAC address as Hyper-V writes it: 12 upper-case hexadecimal digits."""
    if value is None:
        return None
    plain = re.sub(r"[-:.\s]", "", str(value)).upper()
    if not _MAC.fullmatch(plain):
        raise InvalidRequest(f"{where}: {value!r} is no MAC address; give 12 hexadecimal digits")
    return plain


def _family(given: Any, network: Network | None, name: str, where: str) -> FamilyWish | None:
    if given is None:
        return None
    values = _plain(given, _FAMILY_KEYS, where)
    address, dhcp = values.get("address"), bool(_truth(values, "dhcp", where))
    if dhcp == bool(address):
        raise InvalidRequest(f"{where}: give dhcp: true, or an address with its prefix length like 10.1.0.5/24")
    version = 4 if name == "ipv4" else 6
    dns = values.get("dns")
    servers = None if dns is None else tuple(_one(part, version, f"{where}.dns") for part in _listed(dns))
    if dhcp:
        if values.get("gateway") or servers:
            raise InvalidRequest(f"{where}: with dhcp: true the gateway and DNS servers come by DHCP; leave them out")
        return FamilyWish(dhcp=True)
    interface = _interface(str(address), version, network, f"{where}.address")
    gateway = values.get("gateway")
    wish = FamilyWish(
        address=str(interface), gateway=_one(gateway, version, f"{where}.gateway") if gateway else gateway,
        dns=servers,
    )  # fmt: skip
    return wish if network is None else _with_defaults(wish, network, version)


def with_defaults(wish: AdapterWish, network: Network) -> AdapterWish:
    """Return the wish with the gateway and the DNS servers of a network that it comes into, where it says none itself.

    ``parse_wishes`` does it for a network that an entry names; this is for one that is found out later.
    """
    ipv4, ipv6 = (
        family if family is None or family.dhcp else _with_defaults(family, network, version)
        for version, family in ((4, wish.ipv4), (6, wish.ipv6))
    )
    return replace(wish, ipv4=ipv4, ipv6=ipv6)


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(part) for part in value]


def _one(value: Any, version: int, where: str) -> str:
    address = checked_address(str(value), where)
    if address.version != version:
        raise InvalidRequest(f"{where}: {value} is no IPv{version} address")
    return str(address)


def _interface(text: str, version: int, network: Network | None, where: str) -> Any:
    """Return the address with its prefix length, which a named network can give."""
    if "/" not in text:
        subnet = ipaddress.ip_network(network.subnet) if network is not None and network.subnet else None
        if subnet is None or subnet.version != version:
            raise InvalidRequest(f"{where}: {text!r} has no prefix length; write it like 10.1.0.5/24")
        text = f"{text}/{subnet.prefixlen}"
    try:
        found = ipaddress.ip_interface(text)
    except ValueError as problem:
        raise InvalidRequest(f"{where}: {text!r} is no address with a prefix length") from problem
    if found.version != version:
        raise InvalidRequest(f"{where}: {text} is no IPv{version} address")
    return found


def _with_defaults(wish: FamilyWish, network: Network, version: int) -> FamilyWish:
    """Return the wish with the network's gateway and DNS servers where it says nothing itself."""

    def fits(address: str) -> bool:
        return bool(address) and ipaddress.ip_address(address).version == version

    gateway = network.gateway if wish.gateway is None and fits(network.gateway) else wish.gateway
    servers = tuple(one for one in network.dns if fits(one))
    return FamilyWish(address=wish.address, gateway=gateway, dns=wish.dns if wish.dns is not None else servers or None)
