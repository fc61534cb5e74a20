# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts, groups and what a token holds."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ..world import Account, Identity

if TYPE_CHECKING:
    from .host import Host

ADMINISTRATORS = "S-1-5-32-544"
USERS = "S-1-5-32-545"
REMOTE_MANAGEMENT_USERS = "S-1-5-32-580"
HYPERV_ADMINISTRATORS = "S-1-5-32-578"
LOCAL_GROUPS = {
    "Administrators": ADMINISTRATORS,
    "Users": USERS,
    "Hyper-V Administrators": HYPERV_ADMINISTRATORS,
    "Remote Management Users": REMOTE_MANAGEMENT_USERS,
}
DOMAIN_GROUPS = {"Domain Admins": 512, "Domain Users": 513, "Protected Users": 525}
"""Well-known domain groups and their RIDs; further groups get RIDs from their names."""
MAY_USE_WINRM = frozenset({ADMINISTRATORS, REMOTE_MANAGEMENT_USERS})
MAY_USE_HYPERV = frozenset({ADMINISTRATORS, HYPERV_ADMINISTRATORS})


def authority_sid(name: str) -> str:
    """Return the SID of a domain or computer, always the same for a name."""
    digest = hashlib.sha256(name.lower().encode()).digest()
    parts = [int.from_bytes(digest[i : i + 4], "big") for i in (0, 4, 8)]
    return "S-1-5-21-" + "-".join(map(str, parts))


def rid(name: str) -> int:
    """Return a relative id from a name, 1100 upwards."""
    return 1100 + int.from_bytes(hashlib.sha256(name.lower().encode()).digest()[:3], "big")


def group_sid(domain: str, group: str) -> str:
    """Return the SID of a domain group."""
    return f"{authority_sid(domain)}-{DOMAIN_GROUPS.get(group) or rid(group)}"


def token_groups(host: Host, account: Account) -> tuple[str, ...]:
    """Return the SIDs of the groups of an account's token on a host, without the logon type."""
    own = {account.sid}
    if account.domain is not None:
        own.update(host.fleet.domain_groups(account))
    local = [sid for sid, members in host.groups.items() if own & set(members)]
    if account.domain is not None and host.domain_joined and USERS not in local:
        local.append(USERS)
    domain = sorted(own - {account.sid})
    high = ADMINISTRATORS in local
    return ("S-1-1-0", *sorted(local), "S-1-5-2", "S-1-5-11", *domain, "S-1-16-12288" if high else "S-1-16-8192")


def sign_in(host: Host, account: Account, method: str) -> Identity | None:
    """Return the identity of an account on a host, or None where it may not sign in through WinRM."""
    if not account.enabled or (account.domain is not None and not host.domain_joined):
        return None
    groups = token_groups(host, account)
    invited = {user for endpoint in host.endpoints.values() for user in endpoint.users}
    if not (MAY_USE_WINRM | invited) & {*groups, account.sid}:
        return None
    delegable = method == "credssp" and account.domain is not None and not host.fleet.directory.is_protected(account)
    return Identity(account=account, method=method, delegable=delegable, groups=groups)


def may_use_hyperv(identity: Identity | None) -> bool:
    """Return whether a token is in Administrators or Hyper-V Administrators."""
    return identity is None or bool(MAY_USE_HYPERV & set(identity.groups))


FRENCH_GROUPS = {
    "Administrateurs": ADMINISTRATORS,
    "Utilisateurs": USERS,
    "Administrateurs Hyper-V": HYPERV_ADMINISTRATORS,
    "Utilisateurs de gestion à distance": REMOTE_MANAGEMENT_USERS,
}


def group_by_name(language: str, wanted: str) -> str | None:
    """Return the SID of a local group by SID or by its name in the host's language."""
    names = FRENCH_GROUPS if language == "fr" else LOCAL_GROUPS
    for name, sid in names.items():
        if wanted.lower() in (name.lower(), sid.lower()):
            return sid
    return None


def describe(host: Host, sid: str) -> tuple[str, str, str]:
    """Return name, class and source of a member of a local group; an unknown SID is its own name."""
    spec = host.fleet.directory_spec
    user, group = ("Utilisateur", "Groupe") if host.language == "fr" else ("User", "Group")
    for account in host.local:
        if account.sid == sid:
            return f"{host.name}\\{account.username}", user, "Local"
    for account in spec.accounts:
        if account.sid == sid:
            return f"{spec.netbios}\\{account.username}", user, "ActiveDirectory"
    known = {*DOMAIN_GROUPS, *(name for names in spec.groups.values() for name in names)}
    for name in known:
        if group_sid(spec.domain, name) == sid:
            return f"{spec.netbios}\\{name}", group, "ActiveDirectory"
    return sid, user, "Unknown"
