# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs in a machine: its system, which integration services it has, and how they come to it.

Host and guest are apart: the host offers a component (``services_enabled``), the guest has a service for it that runs,
is stopped, missing or outdated (facts on Hyper-V, 7.1). What is exchanged needs both.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from .live import since

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .vm import VM

RUNNING, STOPPED, MISSING, OUTDATED = STATES = ("running", "stopped", "missing", "outdated")
IN_CONTACT = frozenset({RUNNING, OUTDATED})
"""States of a guest's service in which it talks to the host, in its own version of the protocol."""
SERVICES_DISC = "C:\\Windows\\System32\\vmguest.iso"
"""On hosts of 2012 R2 only; later ones leave it to the guest's own update service (facts, 7.1)."""
DISC_SECONDS = 600.0
"""Simulated seconds that somebody needs to install from the disc, once it is in and the guest is up."""
UPDATE_SECONDS = 6 * 3600.0
"""Simulated seconds after which the guest's update service has looked and installed."""
SETTLING_SECONDS = 4.0
"""Simulated seconds after a change of addresses in which the guest reports none."""
IPV4, IPV6, BOTH = 4096, 4097, 4098
"""ProtocolIFType (facts, 7.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IpConfiguration:
    """The addresses of one adapter in the guest, in the terms of Msvm_GuestNetworkAdapterConfiguration.

    Masks for IPv4 and prefix lengths for IPv6, both as texts. ``protocol`` says which of the two families it is about.
    """

    dhcp: bool = False
    addresses: tuple[str, ...] = ()
    subnets: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    protocol: int = BOTH

    def over(self, old: IpConfiguration) -> IpConfiguration:
        """Return what a guest has that had ``old`` and applies this: the family that isn't meant stays."""
        if self.protocol not in (IPV4, IPV6):
            return replace(self, protocol=BOTH)
        kept = old.only(6 if self.protocol == IPV4 else 4)
        return IpConfiguration(
            dhcp=self.dhcp,
            addresses=self.addresses + kept.addresses,
            subnets=self.subnets + kept.subnets,
            gateways=self.gateways + kept.gateways,
            dns=self.dns + kept.dns,
        )

    def only(self, family: int) -> IpConfiguration:
        """Return the part of one family (4 or 6)."""
        pairs = list(zip(self.addresses, (*self.subnets, *[""] * len(self.addresses)), strict=False))
        pairs = [pair for pair in pairs if _family(pair[0]) == family]
        return IpConfiguration(
            dhcp=self.dhcp,
            addresses=tuple(address for address, _subnet in pairs),
            subnets=tuple(subnet for _address, subnet in pairs),
            gateways=tuple(one for one in self.gateways if _family(one) == family),
            dns=tuple(one for one in self.dns if _family(one) == family),
            protocol=IPV4 if family == 4 else IPV6,
        )


def _family(address: str) -> int:
    return ipaddress.ip_address(address).version


def usual_subnets(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """Return a mask of 24 bits for each IPv4 address and a prefix length of 64 for each IPv6 one."""
    return tuple("255.255.255.0" if _family(address) == 4 else "64" for address in addresses)


@dataclass(slots=True)
class Guest:
    """How the guest behaves. Times are simulated seconds. Never changed, only replaced: many machines share one."""

    system: str = "windows"
    version: str = ""
    """Of Windows "2012R2", "2019" …; of Linux its distribution, "Ubuntu 22.04"."""
    kernel: str = ""
    shutdown_seconds: float = 8.0
    ignores_shutdown: bool = False
    locked: bool = False
    """Whether somebody's session in it is locked: it refuses a shutdown that is not forced."""
    boot_seconds: float = 15.0
    """From power-on until the guest answers (heartbeat, addresses)."""
    heartbeat: str = "OkApplicationsHealthy"
    dirty_mb_per_second: float = 20.0
    services: Mapping[str, str] = field(default_factory=dict)
    """Key of a service -> its state in the guest; those not named run."""
    update_service: bool = True
    """Whether Windows in it looks for updates by itself."""
    installs_disc: bool = False
    """Whether somebody (or something) in it installs from a services disc that is put in."""

    def state_of(self, key: str) -> str:
        """Return running, stopped, missing or outdated."""
        return self.services.get(key, RUNNING)

    @property
    def lags(self) -> bool:
        """Return whether a service is missing or outdated."""
        return any(state in (MISSING, OUTDATED) for state in self.services.values())


DEFAULT_GUEST = Guest()


def takes_addresses(vm: VM) -> bool:
    """Return whether a guest, as it is, would apply an address given from outside: up, and with an exchange for it.

    Windows with an older exchange tells its pairs and doesn't know this part of the protocol (assumed); for Linux
    a mismatch is harmless (facts, 7.1).
    """
    fit = IN_CONTACT if vm.guest.system == "linux" else {RUNNING}
    return vm.guest_answers and "kvp" in vm.services_enabled and vm.guest.state_of("kvp") in fit


def renew_services(vm: VM) -> None:
    """Give a guest the services that came to it up to now: from the disc in a drive, or by its update service.

    Only Windows gets them so; what a Linux guest lacks comes with its kernel and packages (facts, 7.1).
    """
    guest = vm.guest
    if guest.system != "windows" or not guest.lags or not vm.guest_answers or vm.started_at is None:
        return
    now, up = vm.host.fleet.clock.now(), vm.started_at + guest.boot_seconds
    if not (_from_disc(vm, up, now) or _by_update(vm, up, now)):
        return
    kept = {key: state for key, state in guest.services.items() if state == STOPPED}
    vm.guest = replace(guest, services=kept)
    vm.host.fleet.record("guest_services_renewed", vm)


def _from_disc(vm: VM, up: float, now: float) -> bool:
    """Return whether somebody has installed from the services disc by now."""
    if not vm.guest.installs_disc:
        return False
    discs = [drive for drive in vm.dvd_drives if drive.path.lower() == SERVICES_DISC.lower()]
    there = [drive for drive in discs if vm.host.storage.file(drive.path) is not None]
    return any(now >= max(drive.inserted_at, up) + DISC_SECONDS for drive in there)


def _by_update(vm: VM, up: float, now: float) -> bool:
    """Return whether the update service has brought them: it does on hosts of 2016 and later."""
    if not vm.guest.update_service or not since(vm.host.edition, "2016"):
        return False
    return now >= max(up, vm.arrived_at, 0.0) + UPDATE_SECONDS
