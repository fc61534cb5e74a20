# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The published rules on migration and replication, by the slug of their help page (facts on Hyper-V, 7.3).

Severities and categories are those that the pages state. A slug is the page's file name, cut by its publisher at about
80 characters: a stable key, not a title.
"""

from __future__ import annotations

from dataclasses import dataclass

PAGES = "https://learn.microsoft.com/windows-server/virtualization/hyper-v/best-practices-analyzer/"


@dataclass(frozen=True, slots=True)
class Rule:
    """A published rule. ``id`` is ours, stable, and says what is wrong where the rule is broken."""

    id: str
    slug: str
    severity: str
    category: str

    @property
    def page(self) -> str:
        """Where the rule is published."""
        return PAGES + self.slug.lower()


ERROR, WARNING, INFORMATION = "error", "warning", "information"
_CONFIGURATION, _OPERATIONS, _PREREQUISITES = "configuration", "operations", "prerequisites"
RULES: tuple[Rule, ...] = (
    Rule("management_service_not_running", "The-Hyper-V-Virtual-Machine-Management-service-must-be-running",
         ERROR, _PREREQUISITES),
    Rule("management_service_not_automatic",
         "The-Hyper-V-Virtual-Machine-Management-service-should-be-configured-to-start", WARNING, _CONFIGURATION),
    Rule("host_outside_domain", "Domain-membership-is-recommended-for-servers-running-Hyper-V",
         WARNING, _CONFIGURATION),
    Rule("single_network_adapter", "More-than-one-network-adapter-should-be-available", ERROR, _CONFIGURATION),
    Rule("no_fast_migration_network",
         "At-least-one-network-for-live-migration-traffic-should-have-a-link-speed-at-least", ERROR, _CONFIGURATION),
    Rule("slow_migration_network",
         "All-networks-for-live-migration-traffic-should-have-a-link-speed-of-at-least-1-G", WARNING, _CONFIGURATION),
    Rule("mac_pool_low", "Configure-the-server-with-a-sufficient-amount-of-dynamic-MAC-addresses",
         WARNING, _CONFIGURATION),
    Rule("switch_extension_missing", "Ensure-that-all-mandatory-virtual-switch-extensions-are-available",
         WARNING, _CONFIGURATION),
    Rule("vm_paused", "Avoid-pausing-a-virtual-machine", WARNING, _CONFIGURATION),
    Rule("vm_has_checkpoints", "Avoid-using-checkpoints-on-a-virtual-machine-server-workload-production",
         WARNING, _OPERATIONS),
    Rule("integration_service_not_offered", "Offer-all-available-integration-services-to-virtual-machines",
         WARNING, _CONFIGURATION),
    Rule("integration_service_not_working", "Enable-all-integration-services-in-virtual-machines",
         WARNING, _CONFIGURATION),
    Rule("failover_ip_not_applicable",
         "Integration-services-must-be-installed-before-primary-or-Replica-virtual-machine", ERROR, _CONFIGURATION),
    Rule("failover_ip_not_configured",
         "Configure-the-Failover-TCPIP-settings-that-you-want-the-Replica-virtual-machine", WARNING, _CONFIGURATION),
    Rule("replica_server_accepts_nobody", "A-Replica-server-must-be-configured-to-accept-replication-requests",
         ERROR, _CONFIGURATION),
    Rule("replica_server_accepts_anybody", "Replica-servers-should-be-configured-to-identify-specific-primary-servers",
         WARNING, _CONFIGURATION),
    Rule("trust_group_shared", "Authorization-entries-should-have-distinct-trust-group-names-for-primary-servers",
         WARNING, _CONFIGURATION),
    Rule("replica_certificate_missing", "Certificate-based-authentication-configured-but-certificate-not-installed",
         ERROR, _CONFIGURATION),
    Rule("replication_not_encrypted", "Certificate-based-authentication-is-recommended-for-replication",
         WARNING, _CONFIGURATION),
    Rule("replication_not_compressed", "Compression-is-recommended-for-replication-traffic", WARNING, _CONFIGURATION),
    Rule("replication_not_throttled", "Configure-a-policy-to-throttle-the-replication-traffic-on-the-network",
         WARNING, _CONFIGURATION),
    Rule("replication_paused", "Replication-is-paused-for-one-or-more-virtual-machines-on-this-server",
         WARNING, _OPERATIONS),
    Rule("resynchronization_not_scheduled",
         "Resynchronization-of-replication-should-be-scheduled-for-off-peak-hours", WARNING, _OPERATIONS),
    Rule("recovery_points_left", "Recovery-snapshots-should-be-removed-after-failover", WARNING, _OPERATIONS),
    Rule("test_failover_never", "Test-failover-should-be-attempted-after-initial-replication-is-complete",
         WARNING, _OPERATIONS),
    Rule("test_failover_overdue", "Test-failovers-should-be-carried-out-at-least-monthly-to-verify-that-failover",
         WARNING, _OPERATIONS),
)  # fmt: skip
BY_SLUG = {rule.slug.lower(): rule for rule in RULES}
BY_ID = {rule.id: rule for rule in RULES}


def slug_of(link: str) -> str:
    """Return the last part of a help link, in lower case and without .md; "" where the link has none.

    Links that redirect (``fwlink``) end in no page's name; what they are about can't be told from them.
    """
    plain = link.partition("?")[0].partition("#")[0].rstrip("/")
    return plain.rpartition("/")[2].removesuffix(".md").lower() if "/" in plain else ""
