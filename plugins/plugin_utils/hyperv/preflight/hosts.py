# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Predicates over the two hosts: settings, rights and credentials that every move between them needs."""

from __future__ import annotations

from collections.abc import Iterator

from ...findings import Finding, Severity
from .facts import HostFacts, MoveFacts

ADMINISTRATORS = "S-1-5-32-544"
HYPERV_ADMINISTRATORS = "S-1-5-32-578"


def _ends(move: MoveFacts) -> tuple[tuple[str, HostFacts], tuple[str, HostFacts]]:
    return ("source", move.source), ("destination", move.destination)


def migration_disabled(move: MoveFacts) -> Iterator[Finding]:
    """Yield a finding for each end on which live migration is off."""
    for end, host in _ends(move):
        if not host.migration_enabled:
            yield Finding(
                id="migration_disabled",
                severity=Severity.BLOCKING,
                subject=host.inventory_name,
                evidence=f"VirtualMachineMigrationEnabled is False on the {end} host",
                remedy="Enable live migration: hyperv.mobility.vm_host_migration, or playbooks/prepare.yml.",
            )


def not_listening(move: MoveFacts) -> Iterator[Finding]:
    """Yield a finding for each enabled end that listens on no address (facts, 1.1: enabled without a network)."""
    for end, host in _ends(move):
        if not host.migration_enabled or host.listeners:
            continue
        unknown = host.listeners is None
        yield Finding(
            id="listeners_unknown" if unknown else "migration_not_listening",
            severity=Severity.WARNING if unknown else Severity.BLOCKING,
            subject=host.inventory_name,
            evidence=f"the {end} host "
            + ("did not show its list of listeners" if unknown else "is enabled but listens on no address"),
            remedy="Add a migration network (networks) or allow any (use_any_network) with "
            "hyperv.mobility.vm_host_migration.",
        )


def authentication_differs(move: MoveFacts) -> Iterator[Finding]:
    """Yield a finding when the ends prove themselves in different ways."""
    source, destination = move.source.authentication_type, move.destination.authentication_type
    if source != destination:
        yield Finding(
            id="authentication_type_differs",
            severity=Severity.BLOCKING,
            subject=f"{move.source.inventory_name}, {move.destination.inventory_name}",
            evidence=f"{move.source.inventory_name} uses {source}, {move.destination.inventory_name} "
            f"uses {destination}",
            remedy="Set the same authentication_type on both hosts with hyperv.mobility.vm_host_migration.",
        )


def caller_lacks_rights(move: MoveFacts) -> Iterator[Finding]:
    """Yield a finding for each end where the caller's token has neither group, by SID (facts, 1.7)."""
    for end, host in _ends(move):
        yield from token_lacks(host.inventory_name, end, host.sids)


def token_lacks(host: str, end: str, sids: frozenset[str] | None) -> Iterator[Finding]:
    """Yield what is wrong with the caller's token on one host; ``sids`` are None where it could not be read."""
    if sids is None:
        yield Finding(
            id="caller_rights_unknown",
            severity=Severity.WARNING,
            subject=host,
            evidence=f"the groups of the caller on the {end} host could not be read",
            remedy="Let the endpoint show C:\\Windows\\System32\\whoami.exe, or check the groups by hand.",
        )
    elif not sids & {ADMINISTRATORS, HYPERV_ADMINISTRATORS}:
        yield Finding(
            id="caller_lacks_rights",
            severity=Severity.BLOCKING,
            subject=host,
            evidence=f"the caller's token on the {end} host has neither {HYPERV_ADMINISTRATORS} nor {ADMINISTRATORS}",
            remedy="Add the account to Hyper-V Administrators (S-1-5-32-578) or Administrators on that host.",
        )


def second_hop_impossible(move: MoveFacts) -> Iterator[Finding]:
    """Yield a finding when the source can't prove itself to the destination, as far as the hosts alone show it.

    In CredSSP mode the session must hold credentials (facts, 1.5). Whether delegation is there for Kerberos mode only
    the directory knows; Compare-VM connects to the destination in the same way as the move and tells.
    """
    if _uses_credssp(move) and not move.delegates_credentials and not move.source.credential_guard:
        yield Finding(
            id="second_hop_impossible",
            severity=Severity.BLOCKING,
            subject=move.source.inventory_name,
            evidence="both hosts use CredSSP, and the session to the source holds no credentials for a second host",
            remedy="Connect to the source with CredSSP (ansible_psrp_auth: credssp or "
            "ansible_winrm_transport: credssp), or "
            "set both hosts to Kerberos with constrained delegation (playbooks/prepare.yml).",
        )


def credential_guard_running(move: MoveFacts) -> Iterator[Finding]:
    """Yield a finding when the ends use CredSSP and the source keeps credentials from it (facts, 1.5).

    Credential Guard is on by default on Windows Server 2025 in a domain. On the destination it does not matter.
    """
    if _uses_credssp(move) and move.source.credential_guard:
        yield Finding(
            id="credential_guard_running",
            severity=Severity.BLOCKING,
            subject=move.source.inventory_name,
            evidence="both hosts use CredSSP, and Credential Guard runs on the source (Win32_DeviceGuard shows "
            "security service 1): it keeps the credentials of any session from CredSSP",
            remedy="Set both hosts to Kerberos with constrained delegation (playbooks/prepare.yml).",
        )


def _uses_credssp(move: MoveFacts) -> bool:
    return {move.source.authentication_type, move.destination.authentication_type} == {"CredSSP"}


def no_slots(move: MoveFacts) -> Iterator[Finding]:
    """Yield a finding for each end that allows no move at all."""
    for end, host in _ends(move):
        limits = {"MaximumVirtualMachineMigrations": host.maximum_moves}
        if move.placement.with_storage:
            limits["MaximumStorageMigrations"] = host.maximum_storage_moves
        for name, limit in limits.items():
            if limit < 1:
                yield Finding(
                    id="no_slots",
                    severity=Severity.BLOCKING,
                    subject=host.inventory_name,
                    evidence=f"{name} is {limit} on the {end} host",
                    remedy="Raise the limit with hyperv.mobility.vm_host_migration.",
                )


PREDICATES = (
    migration_disabled,
    not_listening,
    authentication_differs,
    caller_lacks_rights,
    second_hop_impossible,
    credential_guard_running,
    no_slots,
)
