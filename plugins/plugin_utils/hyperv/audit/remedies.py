# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do where a rule is broken, by our id of the rule. A rule that is broken on purpose is excluded instead."""

from __future__ import annotations

from typing import Final

REMEDIES: Final = {
    "management_service_not_running": "Start the service vmms.",
    "management_service_not_automatic": "Set the start type of the service vmms to automatic.",
    "host_outside_domain": "Join the host to a domain. Live migration between stand-alone hosts needs one; without it, "
    "VMs move cold (hyperv.mobility.vm_cold_migration).",
    "single_network_adapter": "Give the host a second network adapter, so that VMs and the host don't share one.",
    "no_fast_migration_network": "Let migrations use a network of 1 Gbps or more (networks of "
    "hyperv.mobility.vm_host_migration).",
    "slow_migration_network": "Take the slow network out of those for migrations, or give it a faster adapter.",
    "mac_pool_low": "Widen the range of dynamic MAC addresses (Set-VMHost), without meeting another host's range.",
    "switch_extension_missing": "Install the extension, and enable it on the switch (Enable-VMSwitchExtension).",
    "vm_paused": "Resume the VM or shut it down. A critical pause needs free space on its volume first.",
    "vm_has_checkpoints": "Delete or apply the checkpoints. Their disks merge while the VM runs.",
    "integration_service_not_offered": "Offer the service (hyperv.mobility.vm_integration_service).",
    "integration_service_not_working": "Look at the service in the guest; hyperv.mobility.vm_integration_service says "
    "what this guest lacks.",
    "failover_ip_not_applicable": "Let the host offer the key-value exchange and the guest run it, in the host's "
    "version; hyperv.mobility.vm_integration_service says what this guest lacks. Until then a failover brings the VM "
    "up with the primary's address.",
    "failover_ip_not_configured": "Set the address on the Replica VM (hyperv.mobility.vm_failover_ip).",
    "replica_server_accepts_nobody": "Add an authorization entry for each primary server "
    "(New-VMReplicationAuthorizationEntry), and enable replication on the host (Set-VMReplicationServer).",
    "replica_server_accepts_anybody": "Replace the entry for any server by one for each primary server, with a folder "
    "of its own.",
    "trust_group_shared": "Give servers whose VMs don't belong together trust groups of their own. Hosts between which "
    "replicated VMs move have to share one.",
    "replica_certificate_missing": "Install the certificate with its key in the computer's store, or name one that is "
    "there (Set-VMReplicationServer -CertificateThumbprint).",
    "replication_not_encrypted": "Change the replication to certificates, unless something else encrypts its traffic.",
    "replication_not_compressed": "Turn compression on (Set-VMReplication -CompressionEnabled).",
    "replication_not_throttled": "Limit the traffic to the Replica server's port by a policy, unless something else "
    "does.",
    "replication_paused": "Resume the replication (Resume-VMReplication) once the reason for the pause is gone.",
    "resynchronization_not_scheduled": "Let it resynchronize by itself in hours of little work (Set-VMReplication "
    "-AutoResynchronizeEnabled, -AutoResynchronizeIntervalStart, -AutoResynchronizeIntervalEnd).",
    "recovery_points_left": "Complete the failover (Complete-VMFailover) once the VM is known to work.",
    "test_failover_never": "Start a test failover on the Replica server (Start-VMFailover -AsTest), look at the test "
    "VM, and stop it (Stop-VMFailover).",
    "test_failover_overdue": "Start a test failover on the Replica server (Start-VMFailover -AsTest) every month.",
}
