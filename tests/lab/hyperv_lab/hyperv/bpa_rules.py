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

if TYPE_CHECKING:
    from collections.abc import Callable

    from .host import Host
    from .vm import VM

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
    return _named(host, lambda vm: bool(vm.snapshots))


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
    BpaRule("Avoid-using-checkpoints-on-a-virtual-machine-server-workload-production", 106, _WARNING, _OPERATIONS,
            _checkpoints),
)  # fmt: skip
