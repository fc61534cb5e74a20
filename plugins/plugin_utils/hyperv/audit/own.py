# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own findings about a host: what keeps it from sending or receiving live migrations, and what soon will."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ...findings import Finding, Severity
from ..gateway_host import MIGRATION_RULE
from ..preflight.hosts import token_lacks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .evidence import Evidence

SOON = timedelta(days=30)


def migration_off(seen: Evidence) -> Iterator[Finding]:
    """Yield a finding for a host on which live migration is off."""
    settings = seen.facts.settings
    if settings is not None and not settings.virtual_machine_migration_enabled:
        yield Finding(
            id="migration_disabled",
            severity=Severity.WARNING,
            subject=seen.host,
            evidence="VirtualMachineMigrationEnabled is False",
            remedy="Enable live migration: hyperv.mobility.vm_host_migration, or playbooks/prepare.yml.",
        )


def not_listening(seen: Evidence) -> Iterator[Finding]:
    """Yield a finding for a host that is enabled and accepts moves at no address."""
    settings = seen.facts.settings
    if settings is not None and settings.virtual_machine_migration_enabled and seen.facts.listener_addresses == ():
        yield Finding(
            id="migration_not_listening",
            severity=Severity.BLOCKING,
            subject=seen.host,
            evidence="live migration is enabled, and the host listens on no address",
            remedy="Add a migration network (networks) or allow any (use_any_network) with "
            "hyperv.mobility.vm_host_migration.",
        )


def firewall_closed(seen: Evidence) -> Iterator[Finding]:
    """Yield a finding where the rule that lets moves in is off while moves are enabled."""
    settings, rules = seen.facts.settings, seen.facts.firewall_rules
    if settings is None or rules is None or not settings.virtual_machine_migration_enabled:
        return
    for rule in rules:
        if rule.name == MIGRATION_RULE and not rule.enabled:
            yield Finding(
                id="migration_firewall_closed",
                severity=Severity.BLOCKING,
                subject=seen.host,
                evidence=f"firewall rule {MIGRATION_RULE} is disabled, and live migration is enabled",
                remedy="hyperv.mobility.vm_host_migration enables the rule.",
            )


def no_slots(seen: Evidence) -> Iterator[Finding]:
    """Yield a finding for a limit that allows no move at all."""
    settings = seen.facts.settings
    if settings is not None and settings.maximum_virtual_machine_migrations < 1:
        yield Finding(
            id="no_slots",
            severity=Severity.BLOCKING,
            subject=seen.host,
            evidence="MaximumVirtualMachineMigrations is 0",
            remedy="Raise the limit with hyperv.mobility.vm_host_migration.",
        )


def rights(seen: Evidence) -> Iterator[Finding]:
    """Yield what the caller's token lacks on the host."""
    found = seen.facts.rights
    yield from token_lacks(seen.host, "audited", frozenset(found.sids) if found else None)


def certificate_expires(seen: Evidence) -> Iterator[Finding]:
    """Yield a finding for a Replica server's certificate that is over, or will be within 30 days."""
    server = seen.server
    if server is None or not (server.enabled and server.uses_certificates) or seen.now is None:
        return
    now = datetime.fromisoformat(seen.now.replace("Z", "+00:00"))
    for item in seen.certificates or ():
        if item.thumbprint != server.thumbprint or item.not_after is None:
            continue
        end = datetime.fromisoformat(item.not_after.replace("Z", "+00:00")).replace(tzinfo=now.tzinfo)
        if end - now < SOON:
            over = end <= now
            yield Finding(
                id="replica_certificate_expires",
                severity=Severity.BLOCKING if over else Severity.WARNING,
                subject=seen.host,
                evidence=f"the Replica server's certificate {item.thumbprint} "
                f"{'expired' if over else 'expires'} at {item.not_after}",
                remedy="Install its successor and name it with Set-VMReplicationServer -CertificateThumbprint.",
            )


PREDICATES = (migration_off, not_listening, firewall_closed, no_slots, rights, certificate_expires)
