# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dynamic MAC addresses: a range per host, an address at the first start, and what a start elsewhere makes of it.

Each host has 256 addresses unless it says otherwise, 00155D and the last two bytes of its IP address (facts on
Hyper-V, 1.1); a full range ends a start with "Attempt to access invalid address" (6.2). Assumed, since no source says
it: a start on a host whose range does not hold the address gives a new one; moving or importing alone keeps it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .failures import Refused

if TYPE_CHECKING:
    from .devices import NetworkAdapter
    from .host import Host
    from .vm import VM

NEVER = "000000000000"
"""What a dynamic adapter shows that was never started (field objects)."""
USUAL = 256


def default_range(host: Host) -> tuple[str, str]:
    """Return the range of a fresh host: 00155D, the last two bytes of its first IPv4 address, 00 to FF."""
    first = next((interface.ip for interface in host.network.addresses if interface.version == 4), None)
    middle = int(first) & 0xFFFF if first is not None else 0
    return f"00155D{middle:04X}00", f"00155D{middle:04X}FF"


def holds(host: Host, mac: str) -> bool:
    """Return whether an address is in a host's range."""
    return int(host.settings.mac_minimum, 16) <= int(mac, 16) <= int(host.settings.mac_maximum, 16)


def taken(host: Host) -> set[str]:
    """Return the addresses that adapters of a host's machines have, static ones included."""
    machines = (*host.vms.values(), *host.planned.values())
    return {adapter.mac_address for vm in machines for adapter in vm.adapters}


def next_free(host: Host, used: set[str]) -> str | None:
    """Return the lowest free address of a host's range; None when it is full."""
    low, high = int(host.settings.mac_minimum, 16), int(host.settings.mac_maximum, 16)
    return next((mac for number in range(low, high + 1) if (mac := f"{number:012X}") not in used), None)


def give_addresses(vm: VM) -> None:
    """Give the dynamic adapters of a machine that starts the addresses they lack. Raises Refused."""
    host = vm.host
    wanting = [
        adapter
        for adapter in vm.adapters
        if adapter.dynamic_mac and (adapter.mac_address == NEVER or not holds(host, adapter.mac_address))
    ]
    used = taken(host) if wanting else set()
    found: list[tuple[NetworkAdapter, str]] = []
    for adapter in wanting:
        mac = next_free(host, used)
        if mac is None:
            raise Refused("mac_pool_exhausted", vm, name=adapter.name)
        used.add(mac)
        found.append((adapter, mac))
    for adapter, mac in found:
        adapter.mac_address = mac
