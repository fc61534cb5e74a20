# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The analyzer's own rules, computed from the simulated host.

They are written apart from the collection's predicates and see the model itself, not what cmdlets show of it.
Severities and categories are those of the published pages; the numbers are those published for Windows Server 2012, and
for rules not listed there a number of the lab's own (from 900 on). No later build's numbers are verified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .base import fits
from .failover_settings import NO_ADDRESSES
from .replication import BEFORE_THE_FIRST

if TYPE_CHECKING:
    from collections.abc import Callable

    from .host import Host
    from .vm import VM

GIGABIT = 1_000_000_000
LOW_ON_ADDRESSES = 0.1
"""Part of the range of MAC addresses that has to be free. The real threshold is not published."""


@dataclass(frozen=True)
class BpaRule:
    """A rule: ``affected`` names what breaks it."""

    slug: str
    number: int
    severity: str
    category: str
    affected: Callable[[Host], list[str]]


def _vms(host: Host) -> list[VM]:
    return list(host.vms.values())


def _named(host: Host, breaks: Callable[[VM], bool]) -> list[str]:
    return [vm.name for vm in _vms(host) if breaks(vm)]


def _replicating(host: Host, breaks: Callable[[VM], bool]) -> list[str]:
    return _named(host, lambda vm: vm.replication is not None and breaks(vm))


def _service_stopped(host: Host) -> list[str]:
    return [] if host.services["vmms"].status == "Running" else [host.name]


def _service_by_hand(host: Host) -> list[str]:
    return [] if host.services["vmms"].start == "Automatic" else [host.name]


def _workgroup(host: Host) -> list[str]:
    return [] if host.domain_joined else [host.name]


def _paused(host: Host) -> list[str]:
    return _named(host, lambda vm: vm.state == "Paused")


def _checkpoints(host: Host) -> list[str]:
    """Return machines with checkpoints that somebody made; recovery points of a replica are its own."""
    return _named(host, lambda vm: any(one.snapshot_type.name == "Standard" for one in vm.snapshots))


def _not_offered(host: Host) -> list[str]:
    return _named(host, lambda vm: any(not service.enabled for service in vm.services()))


def _paused_replication(host: Host) -> list[str]:
    states = ("Suspended", "ResynchronizeSuspended")
    return _replicating(host, lambda vm: vm.replication is not None and vm.replication.state.name in states)


def _uncompressed(host: Host) -> list[str]:
    return _replicating(host, lambda vm: vm.replication is not None and not vm.replication.compression_enabled)


def _unencrypted(host: Host) -> list[str]:
    return _replicating(
        host, lambda vm: vm.replication is not None and vm.replication.authentication.name == "Kerberos"
    )


def _few_addresses(host: Host) -> list[str]:
    first, last = (int(text, 16) for text in (host.settings.mac_minimum, host.settings.mac_maximum))
    used = {
        int(adapter.mac_address, 16)
        for vm in _vms(host)
        for adapter in vm.adapters
        if adapter.dynamic_mac and first <= int(adapter.mac_address or "0", 16) <= last
    }
    size = last - first + 1
    return [host.name] if size - len(used) < size * LOW_ON_ADDRESSES else []


def _one_adapter(host: Host) -> list[str]:
    count = sum(len(switch.uplinks) for switch in host.switches.values()) + len(host.network.links)
    return [host.name] if count < 2 else []


def _migration_speeds(host: Host) -> dict[str, int]:
    """Return the speed of each network for migrations in which the host has an address; nothing while they are off.

    An address is on a link of its own, else on the first switch.
    """
    if not host.migration.enabled:
        return {}
    shared = [uplink for switch in list(host.switches.values())[:1] for uplink in switch.uplinks]
    found: dict[str, int] = {}
    for address in host.network.addresses:
        link = host.network.links.get(str(address.ip))
        bits = sum(uplink.bits for uplink in ([link] if link else shared) if uplink.up)
        subnets = [str(one.subnet) for one in host.migration.networks if address.ip in one.subnet]
        for name in [str(address.ip)] if host.migration.any_network else subnets:
            found[name] = max(found.get(name, 0), bits)
    return {name: bits for name, bits in found.items() if bits}


def _no_fast_network(host: Host) -> list[str]:
    speeds = _migration_speeds(host)
    return [host.name] if speeds and max(speeds.values()) < GIGABIT else []


def _slow_networks(host: Host) -> list[str]:
    return [name for name, speed in _migration_speeds(host).items() if speed < GIGABIT]


def _missing_extensions(host: Host) -> list[str]:
    brought = {feature: one for one in host.policies.extensions for feature, _name in one.features}

    def lacks(vm: VM) -> bool:
        for adapter in vm.adapters:
            for feature in adapter.mandatory:
                extension = brought.get(feature)
                if extension is None or (adapter.connected and not fits(adapter.switch, extension.enabled_on)):
                    return True
        return False

    return _named(host, lacks)


def _silent_services(host: Host) -> list[str]:
    return _named(
        host,
        lambda vm: vm.guest_answers and any(vm.guest.state_of(key) != "running" for key in vm.services_enabled),
    )


def _cannot_take_address(host: Host) -> list[str]:
    """Return replicating machines whose guest lacks the exchange: by what is in the guest, on or off."""

    def lacks(vm: VM) -> bool:
        state = vm.guest.state_of("kvp")
        outdated = state == "outdated" and vm.guest.system == "windows"
        return "kvp" not in vm.services_enabled or state in ("stopped", "missing") or outdated

    return _replicating(host, lacks)


def _replicas(host: Host) -> list[VM]:
    return [vm for vm in _vms(host) if vm.replication is not None and vm.replication.mode.name == "Replica"]


def _keep_primary_address(host: Host) -> list[str]:
    return [
        vm.name
        for vm in _replicas(host)
        if any(
            one.configuration.addresses and not one.configuration.dhcp and one.failover == NO_ADDRESSES
            for one in vm.adapters
        )
    ]


def _accepts_nobody(host: Host) -> list[str]:
    server = host.replica_server
    if server.enabled:
        return [] if server.any_server or server.entries else [host.name]
    return [host.name] if _replicas(host) else []


def _accepts_anybody(host: Host) -> list[str]:
    server = host.replica_server
    return [host.name] if server.enabled and server.any_server else []


def _shared_groups(host: Host) -> list[str]:
    groups = [entry.trust_group.lower() for entry in host.replica_server.entries if entry.primary != "*"]
    return sorted({group for group in groups if groups.count(group) > 1}) if host.replica_server.enabled else []


def _no_certificate(host: Host) -> list[str]:
    server = host.replica_server
    wanted = server.enabled and "Certificate" in server.authentication
    there = {one.thumbprint for one in host.policies.certificates}
    return [host.name] if wanted and server.thumbprint.upper() not in there else []


def _primaries(host: Host) -> list[VM]:
    return [vm for vm in _vms(host) if vm.replication is not None and vm.replication.mode.name == "Primary"]


def _unthrottled(host: Host) -> list[str]:
    ports = {policy.port for policy in host.policies.throttles if policy.bits}
    return [
        vm.name for vm in _primaries(host) if 0 not in ports and vm.replication and vm.replication.port not in ports
    ]


def _not_scheduled(host: Host) -> list[str]:
    """Return primaries that don't resynchronize by themselves, or at any hour."""
    return [
        vm.name
        for vm in _primaries(host)
        if vm.replication
        and not (
            vm.replication.auto_resynchronize_enabled
            and vm.replication.resynchronize_from != vm.replication.resynchronize_until
        )
    ]


def _uncompleted(host: Host) -> list[str]:
    return _replicating(
        host, lambda vm: vm.replication is not None and vm.replication.state.name == "FailedOverWaitingCompletion"
    )


def _tested_before(host: Host, days: float) -> list[str]:
    oldest = host.fleet.clock.now() - days * 86_400
    found = []
    for vm in _replicas(host):
        replication = vm.replication
        if replication is None or replication.state.name in BEFORE_THE_FIRST:
            continue
        if replication.last_test is None or replication.last_test < oldest:
            found.append(vm.name)
    return found


def _never_tested(host: Host) -> list[str]:
    return _tested_before(host, 1_000_000)


def _tested_long_ago(host: Host) -> list[str]:
    return _tested_before(host, 31)


_ERROR, _WARNING = "Error", "Warning"
_CONFIGURATION, _OPERATIONS = "Configuration", "Operations"
RULES: tuple[BpaRule, ...] = (
    BpaRule("The-Hyper-V-Virtual-Machine-Management-service-must-be-running", 902, _ERROR, "Prerequisites",
            _service_stopped),
    BpaRule("The-Hyper-V-Virtual-Machine-Management-service-should-be-configured-to-start", 3, _WARNING,
            _CONFIGURATION, _service_by_hand),
    BpaRule("Domain-membership-is-recommended-for-servers-running-Hyper-V", 6, _WARNING, _CONFIGURATION, _workgroup),
    BpaRule("Avoid-pausing-a-virtual-machine", 7, _WARNING, _CONFIGURATION, _paused),
    BpaRule("Offer-all-available-integration-services-to-virtual-machines", 8, _WARNING, _CONFIGURATION,
            _not_offered),
    BpaRule("Compression-is-recommended-for-replication-traffic", 39, _WARNING, _CONFIGURATION, _uncompressed),
    BpaRule("Certificate-based-authentication-is-recommended-for-replication", 44, _WARNING, _CONFIGURATION,
            _unencrypted),
    BpaRule("Replication-is-paused-for-one-or-more-virtual-machines-on-this-server", 50, _WARNING, _OPERATIONS,
            _paused_replication),
    BpaRule("Configure-the-server-with-a-sufficient-amount-of-dynamic-MAC-addresses", 67, _WARNING, _CONFIGURATION,
            _few_addresses),
    BpaRule("Enable-all-integration-services-in-virtual-machines", 12, _WARNING, _CONFIGURATION, _silent_services),
    BpaRule("A-Replica-server-must-be-configured-to-accept-replication-requests", 37, _ERROR, _CONFIGURATION,
            _accepts_nobody),
    BpaRule("Replica-servers-should-be-configured-to-identify-specific-primary-servers", 38, _WARNING,
            _CONFIGURATION, _accepts_anybody),
    BpaRule("Integration-services-must-be-installed-before-primary-or-Replica-virtual-machine", 41, _ERROR,
            _CONFIGURATION, _cannot_take_address),
    BpaRule("Authorization-entries-should-have-distinct-trust-group-names-for-primary-servers", 42, _WARNING,
            _CONFIGURATION, _shared_groups),
    BpaRule("Configure-a-policy-to-throttle-the-replication-traffic-on-the-network", 46, _WARNING, _CONFIGURATION,
            _unthrottled),
    BpaRule("Configure-the-Failover-TCPIP-settings-that-you-want-the-Replica-virtual-machine", 47, _WARNING,
            _CONFIGURATION, _keep_primary_address),
    BpaRule("Resynchronization-of-replication-should-be-scheduled-for-off-peak-hours", 48, _WARNING, _OPERATIONS,
            _not_scheduled),
    BpaRule("Certificate-based-authentication-configured-but-certificate-not-installed", 49, _ERROR,
            _CONFIGURATION, _no_certificate),
    BpaRule("Test-failover-should-be-attempted-after-initial-replication-is-complete", 51, _WARNING, _OPERATIONS,
            _never_tested),
    BpaRule("Test-failovers-should-be-carried-out-at-least-monthly-to-verify-that-failover", 52, _WARNING,
            _OPERATIONS, _tested_long_ago),
    BpaRule("Recovery-snapshots-should-be-removed-after-failover", 54, _WARNING, _OPERATIONS, _uncompleted),
    BpaRule("At-least-one-network-for-live-migration-traffic-should-have-a-link-speed-at-least", 55, _ERROR,
            _CONFIGURATION, _no_fast_network),
    BpaRule("All-networks-for-live-migration-traffic-should-have-a-link-speed-of-at-least-1-G", 56, _WARNING,
            _CONFIGURATION, _slow_networks),
    BpaRule("More-than-one-network-adapter-should-be-available", 68, _ERROR, _CONFIGURATION, _one_adapter),
    BpaRule("Ensure-that-all-mandatory-virtual-switch-extensions-are-available", 73, _WARNING, _CONFIGURATION,
            _missing_extensions),
    BpaRule("Avoid-using-checkpoints-on-a-virtual-machine-server-workload-production", 106, _WARNING, _OPERATIONS,
            _checkpoints),
)  # fmt: skip
