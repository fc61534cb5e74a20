# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DHCP in the networks behind switches: what a guest gets that asks, by switch and VLAN.

A guest asks when it starts, when its adapter is connected to a switch, and when it is told to. A move alone does not
make it ask (assumed; Microsoft's article on moves suggests ``ipconfig /renew``), nor does another VLAN of the port,
since its link does not go down for that (assumed).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .guest import BOTH

if TYPE_CHECKING:
    import ipaddress

    from .devices import NetworkAdapter
    from .fleet import Fleet
    from .switch import WiredNetwork
    from .vm import VM

_FIRST_LEASE = 100
"""Leases begin at the subnet's hundredth address where it has as many, else at its second."""


def network_of(adapter: NetworkAdapter) -> WiredNetwork | None:
    """Return the wired network that an adapter is in; None where the fleet file says none or nothing leaves."""
    switch = adapter.host.switch(adapter.switch) if adapter.switch else None
    if switch is None or not switch.carries:
        return None
    vlan = adapter.trunk.native or None if adapter.trunk else adapter.vlan
    return next((network for network in switch.wired if network.vlan == vlan), None)


def ask(vm: VM) -> None:
    """Let every adapter's guest side that uses DHCP ask for an address."""
    for adapter in vm.adapters:
        renew(adapter)


def renew(adapter: NetworkAdapter) -> None:
    """Give the guest's side of an adapter what DHCP gives it; nothing changes where the file has no wired networks."""
    configuration = adapter.configuration
    switch = adapter.host.switch(adapter.switch) if adapter.switch else None
    if not configuration.dhcp or switch is None or not switch.wired:
        return
    static = configuration.only(6)
    network = network_of(adapter)
    if network is None or not network.dhcp:
        adapter.configuration = replace(static, protocol=BOTH)
        return
    address = _lease(adapter.host.fleet, network.subnet, adapter)
    adapter.configuration = replace(
        static,
        addresses=(address, *static.addresses),
        subnets=(str(network.subnet.netmask), *static.subnets),
        gateways=(*((network.gateway,) if network.gateway else ()), *static.gateways),
        dns=(*network.dns, *static.dns),
        protocol=BOTH,
    )


def _lease(fleet: Fleet, subnet: ipaddress.IPv4Network, adapter: NetworkAdapter) -> str:
    """Return the address that a MAC address gets in a subnet: the one it had there, else the next free one."""
    key = (str(subnet), adapter.mac_address)
    if key not in fleet.leases:
        used = {address for (where, _mac), address in fleet.leases.items() if where == str(subnet)}
        used |= {
            address
            for host in fleet.hosts.values()
            for vm in list(host.vms.values())
            for other in vm.adapters
            if other is not adapter
            for address in other.addresses
        }
        first = _FIRST_LEASE if subnet.num_addresses > 2 * _FIRST_LEASE else 2
        free = (str(subnet[number]) for number in range(first, subnet.num_addresses - 1))
        fleet.leases[key] = next(address for address in free if address not in used)
    return fleet.leases[key]
