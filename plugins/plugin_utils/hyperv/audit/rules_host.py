# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about the host itself: its management service, its domain, its adapters, networks and switches."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from ..network.findings import MacPool, mac_pool
from .judged import Judged, Subject, Verdict, not_applicable, of_host, of_subjects, unknown
from .published import BY_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .evidence import Evidence
    from .models import NetAdapter

GIGABIT = 1_000_000_000


def management_service_not_running(seen: Evidence) -> Judged:
    """Judge whether the Virtual Machine Management service runs."""
    rule = BY_ID["management_service_not_running"]
    if seen.service is None:
        return unknown(rule, seen.why("service"))
    return of_host(rule, seen.host, seen.service.state == "Running", f"the state of vmms is {seen.service.state}")


def management_service_not_automatic(seen: Evidence) -> Judged:
    """Judge whether it starts by itself."""
    rule = BY_ID["management_service_not_automatic"]
    if seen.service is None:
        return unknown(rule, seen.why("service"))
    mode = seen.service.start_mode
    return of_host(rule, seen.host, mode == "Auto", f"the start mode of vmms is {mode}")


def host_outside_domain(seen: Evidence) -> Judged:
    """Judge whether the host is in a domain."""
    rule, computer = BY_ID["host_outside_domain"], seen.facts.computer
    if computer is None or computer.part_of_domain is None:
        return unknown(rule, "the host did not show Win32_ComputerSystem")
    where = computer.domain if computer.part_of_domain else f"workgroup {computer.domain}"
    return of_host(rule, seen.host, computer.part_of_domain, f"the host is in {where}")


def single_network_adapter(seen: Evidence) -> Judged:
    """Judge whether the host has more than one network adapter of its own."""
    rule = BY_ID["single_network_adapter"]
    if seen.adapters is None:
        return unknown(rule, seen.why("adapters"))
    names = [adapter.name for adapter in seen.adapters if adapter.hardware]
    return of_host(rule, seen.host, len(names) > 1, f"physical adapters: {', '.join(names) or 'none'}")


def _speeds(seen: Evidence) -> dict[str, list[NetAdapter]]:
    """Return the adapters that are up with an address in each migration network; by address where any may be used."""
    adapters = {adapter.index: adapter for adapter in seen.adapters or () if adapter.up}
    settings = seen.facts.settings
    found: dict[str, list[NetAdapter]] = {}
    subnets = {} if settings and settings.use_any_network_for_migration else _subnets(seen)
    found.update({name: [] for name in subnets})
    for item in seen.addresses or ():
        try:
            address = ipaddress.ip_address(item.address)
        except ValueError:
            continue
        if address.is_loopback or address.is_link_local or item.index not in adapters:
            continue
        names = [name for name, subnet in subnets.items() if address in subnet] if subnets else [str(address)]
        for name in names:
            found.setdefault(name, []).append(adapters[item.index])
    return found


def _subnets(seen: Evidence) -> dict[str, ipaddress.IPv4Network | ipaddress.IPv6Network]:
    found = {}
    for network in seen.facts.migration_networks or ():
        try:
            found[network.subnet] = ipaddress.ip_network(network.subnet, strict=False)
        except ValueError:
            continue
    return found


def _networks(seen: Evidence) -> Iterator[Subject]:
    """Yield each network for migration traffic with whether its fastest adapter makes 1 Gbps."""
    for name, adapters in _speeds(seen).items():
        known = [adapter.speed for adapter in adapters if adapter.speed is not None]
        if not adapters:
            yield Subject(name=name, verdict=Verdict.NOT_APPLICABLE, evidence="no adapter that is up has an address")
        elif not known:
            yield Subject(name=name, verdict=Verdict.UNKNOWN, evidence="its adapter does not say its speed")
        else:
            fast = max(known) >= GIGABIT
            yield Subject(
                name=name,
                verdict=Verdict.COMPLIANT if fast else Verdict.NONCOMPLIANT,
                evidence=f"{adapters[0].name} makes {max(known) / GIGABIT:g} Gbps",
            )


def _no_networks(seen: Evidence, rule_id: str) -> Judged | None:
    """Return why the rules on migration networks can't be judged or have nothing to look at, None where they can."""
    rule, settings = BY_ID[rule_id], seen.facts.settings
    if settings is None or seen.facts.migration_networks is None:
        return unknown(rule, seen.why("settings"))
    if not settings.virtual_machine_migration_enabled:
        return not_applicable(rule, "live migration is off")
    for name in ("adapters", "addresses"):
        if getattr(seen, name) is None:
            return unknown(rule, seen.why(name))
    return None


def no_fast_migration_network(seen: Evidence) -> Judged:
    """Judge whether one network for migrations makes 1 Gbps."""
    rule = BY_ID["no_fast_migration_network"]
    stopped = _no_networks(seen, rule.id)
    if stopped is not None:
        return stopped
    networks = tuple(_networks(seen))
    verdicts = {network.verdict for network in networks}
    first = (Verdict.COMPLIANT, Verdict.UNKNOWN, Verdict.NONCOMPLIANT)
    verdict = next((each for each in first if each in verdicts), None)
    if verdict is None:
        return not_applicable(rule, "the host has no address in a network for migrations")
    told = "; ".join(f"{network.name}: {network.evidence}" for network in networks)
    return Judged(rule=rule, verdict=verdict, evidence=told, subjects=networks)


def slow_migration_network(seen: Evidence) -> Judged:
    """Judge whether all networks for migrations make 1 Gbps."""
    rule = BY_ID["slow_migration_network"]
    return _no_networks(seen, rule.id) or of_subjects(
        rule, _networks(seen), nothing="the host has no network for migrations"
    )


def mac_pool_low(seen: Evidence) -> Judged:
    """Judge whether a tenth of the pool of dynamic MAC addresses is free (the real threshold is not published)."""
    rule, settings = BY_ID["mac_pool_low"], seen.facts.settings
    if settings is None or seen.machines is None:
        return unknown(rule, seen.why("settings" if settings is None else "machines"))
    pool = MacPool(minimum=settings.mac_address_minimum, maximum=settings.mac_address_maximum)
    if not pool.is_known:
        return unknown(rule, "the host did not say its range of MAC addresses")
    used = {
        adapter.mac_address
        for machine in seen.machines
        for adapter in machine.adapters
        if adapter.dynamic_mac_address and adapter.mac_address and pool.holds(adapter.mac_address)
    }
    low = any(True for _finding in mac_pool(seen.host, pool, used))
    evidence = f"{len(used)} of {pool.size} addresses from {pool.minimum} to {pool.maximum} are taken"
    return of_host(rule, seen.host, not low, evidence)


def switch_extension_missing(seen: Evidence) -> Judged:
    """Judge whether what adapters need of switch extensions is installed, and enabled on their switch."""
    rule = BY_ID["switch_extension_missing"]
    for name in ("required_features", "port_features", "extensions"):
        if getattr(seen, name) is None:
            return unknown(rule, seen.why(name))
    return of_subjects(rule, _required(seen), nothing="no adapter needs an extension")


def _required(seen: Evidence) -> Iterator[Subject]:
    installed = {feature.id: feature for feature in seen.port_features or ()}
    enabled = {(item.switch, item.id) for item in seen.extensions or () if item.enabled}
    for item in seen.required_features or ():
        for wanted in item.features:
            feature = installed.get(wanted)
            name = f"{seen.name_of(item.vm_id)}, {item.adapter}"
            if feature is None:
                told, verdict = f"feature {wanted} is not installed on the host", Verdict.NONCOMPLIANT
            elif item.switch is None:
                told, verdict = "the adapter is connected to no switch", Verdict.NOT_APPLICABLE
            else:
                on = (item.switch, feature.extension_id) in enabled
                told = f"{feature.extension_name} is {'enabled' if on else 'not enabled'} on switch {item.switch}"
                verdict = Verdict.COMPLIANT if on else Verdict.NONCOMPLIANT
            yield Subject(name=name, id=item.vm_id, verdict=verdict, evidence=told)


PREDICATES = (
    management_service_not_running,
    management_service_not_automatic,
    host_outside_domain,
    single_network_adapter,
    no_fast_migration_network,
    slow_migration_network,
    mac_pool_low,
    switch_extension_missing,
)
