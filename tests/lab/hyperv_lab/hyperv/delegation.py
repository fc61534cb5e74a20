# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a caller's move may reach the destination: credentials, delegation, rights (facts on Hyper-V, 1.5 and
1.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import accounts
from .directory import DELEGATE_TO, MIGRATION_SERVICE, TRUSTED_TO_AUTH
from .migration_errors import ACCESS_DENIED, DESTINATION, NO_CREDENTIALS, WRONG_PRINCIPAL, MoveFailed

if TYPE_CHECKING:
    from ..world import Identity
    from .directory import Directory, DirectoryObject
    from .host import Host


def require_credentials(
    source: Host, destination: Host, identity: Identity | None, peer: str, *, storage: bool
) -> None:
    """Refuse a move whose caller can't be known at the destination (0x8009030E and its neighbours).

    ``peer`` is the destination's name in the form that was typed: the service name is made of it. Three set-ups work: a
    session with delegable credentials, in either mode (facts, 10.4), but CredSSP not from a source with Credential
    Guard (1.5); hosts in Kerberos mode with constrained delegation (and protocol transition from 2016 on) that isn't
    remembered as missing, or new; a call without an identity (the host itself).
    """
    if identity is None:
        return
    both = {source.migration.authentication, destination.migration.authentication}
    joined = source.domain_joined and destination.domain_joined
    if identity.account.domain is None or len(both) != 1 or not joined:
        raise MoveFailed(NO_CREDENTIALS)
    if both == {"CredSSP"} and (source.credential_guard or not identity.delegable):
        raise MoveFailed(NO_CREDENTIALS)
    if identity.delegable:
        return
    _require_delegation(source, destination, identity, peer, storage=storage)


def _require_delegation(source: Host, destination: Host, identity: Identity, peer: str, *, storage: bool) -> None:
    fleet = source.fleet
    directory: Directory = fleet.directory
    with fleet.lock:
        computer = directory.computer(source)
        if directory.is_sensitive(identity) or computer is None:
            raise MoveFailed(NO_CREDENTIALS)
        wanted = [f"{MIGRATION_SERVICE}/{peer}"] + ([f"cifs/{peer}"] if storage else [])
        missing = [service for service in wanted if directory.cached_missing(source, service)]
        if not missing:
            missing = [service for service in wanted if not may_delegate(source, computer, service)]
            for service in missing:
                directory.remember_missing(source, service)
        if missing:
            raise MoveFailed(NO_CREDENTIALS)
        registered = directory.computer(destination)
        names = registered.get("servicePrincipalName") if registered else []
        if wanted[0].lower() not in [str(name).lower() for name in names]:
            raise MoveFailed(WRONG_PRINCIPAL)


def may_delegate(source: Host, computer: DirectoryObject, service: str) -> bool:
    """Return whether the directory lets a source act for callers of WinRM at a service, caches aside.

    Up to 2012 R2 "Kerberos only" is what works; from 2016 on the management service needs protocol transition.
    """
    allowed = [str(name).lower() for name in computer.get(DELEGATE_TO)]
    transition = bool(computer.control & TRUSTED_TO_AUTH) or source.edition == "2012R2"
    return service.lower() in allowed and transition


def write(directory: Directory, found: DirectoryObject, name: str, value: Any) -> None:
    """Write an attribute (under the fleet's lock); what it newly lets a host delegate to, that host misses for a while.

    Caches have the account as it was before (facts, 1.6: a check that runs at once after the change fails).
    """
    source = next((host for host in directory.fleet.hosts.values() if directory.computer(host) is found), None)
    if source is None:
        found.put(name, value)
        return
    before = _services(source, found)
    found.put(name, value)
    for service in _services(source, found) - before:
        if not directory.cached_missing(source, service):
            directory.remember_missing(source, service)


def _services(source: Host, computer: DirectoryObject) -> set[str]:
    names = {str(name).lower() for name in computer.get(DELEGATE_TO)}
    return {name for name in names if may_delegate(source, computer, name)}


def require_rights(destination: Host, identity: Identity | None) -> None:
    """Refuse a caller who is neither administrator nor Hyper-V administrator at the destination (0x80070005)."""
    if identity is None:
        return
    groups = set(accounts.token_groups(destination, identity.account))
    if not identity.account.enabled or not accounts.MAY_USE_HYPERV & groups:
        raise MoveFailed(ACCESS_DENIED, at=DESTINATION)
