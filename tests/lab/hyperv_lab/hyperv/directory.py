# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory: accounts, computers with their service names, and who may delegate to what."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import accounts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..world import Account, Identity
    from .fleet import Delegation, Fleet
    from .host import Host

MIGRATION_SERVICE = "Microsoft Virtual System Migration Service"
SERVICES = (
    MIGRATION_SERVICE,
    "Hyper-V Replica Service",
    "Microsoft Virtual Console Service",
    "HOST",
    "RestrictedKrbHost",
    "WSMAN",
    "TERMSRV",
)
"""Service classes that a Hyper-V host registers, each with both forms of its name (facts on Hyper-V, 1.6)."""
DELEGATE_TO = "msDS-AllowedToDelegateTo"
ON_BEHALF = "msDS-AllowedToActOnBehalfOfOtherIdentity"
DISABLED, WORKSTATION, NORMAL, NOT_DELEGATED = 0x2, 0x1000, 0x200, 0x100000
SERVER_TRUST, TRUSTED_FOR_DELEGATION, TRUSTED_TO_AUTH = 0x2000, 0x80000, 0x1000000
MULTI_VALUED = frozenset(
    name.lower()
    for name in (
        DELEGATE_TO,
        "servicePrincipalName",
        "memberOf",
        "objectClass",
        "allowedAttributesEffective",
        "allowedAttributes",
    )
)
WRITABLE = (
    "description",
    "displayName",
    "servicePrincipalName",
    DELEGATE_TO,
    "userAccountControl",
    ON_BEHALF,
)
PRIVILEGED = {DELEGATE_TO.lower(), "useraccountcontrol"}
"""What changes delegation: SeEnableDelegationPrivilege of the domain controllers is needed besides the access right."""
EDITION_NAMES = {"2012R2": "Windows Server 2012 R2 Standard"}


@dataclass(eq=False, slots=True)
class DirectoryObject:
    """An object of the directory. Attributes by their LDAP names; multi-valued ones are lists."""

    dn: str
    classes: tuple[str, ...]
    guid: uuid.UUID
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def object_class(self) -> str:
        """Return the most specific class."""
        return self.classes[-1]

    def get(self, name: str) -> Any:
        """Return the value of an attribute by its name in any case; None, or an empty list, where it has none."""
        if name in self.attributes:
            return self.attributes[name]
        for key, value in self.attributes.items():
            if key.lower() == name.lower():
                return value
        return [] if name.lower() in MULTI_VALUED else None

    def put(self, name: str, value: Any) -> None:
        """Set or clear (None, []) an attribute."""
        for key in list(self.attributes):
            if key.lower() == name.lower():
                name = key
        if value is None or value == []:
            self.attributes.pop(name, None)
        else:
            self.attributes[name] = value

    @property
    def control(self) -> int:
        """Return userAccountControl."""
        return int(self.attributes.get("userAccountControl", 0))


class Directory:
    """The live directory of a fleet. Changes happen under the fleet's lock."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        spec = fleet.directory_spec
        self.domain = spec.domain
        self.netbios = spec.netbios
        self.base = ",".join(f"DC={part}" for part in spec.domain.split("."))
        self.objects: dict[str, DirectoryObject] = {}
        """By lower-case distinguished name."""
        self._computers: dict[str, DirectoryObject] = {}
        self._missing: dict[tuple[str, str], tuple[float, int]] = {}
        fleet.purge_hooks.append(self.purge)
        for host in fleet.hosts.values():
            if host.domain_joined:
                self._add_computer(host)
        for account in spec.accounts:
            self._add_user(account)
        for entry in spec.delegations:
            self._delegate([fleet.hosts[name.upper()] for name in entry.hosts], entry)

    def _add(self, dn: str, classes: str, key: str, attributes: dict[str, Any]) -> DirectoryObject:
        found = DirectoryObject(
            dn, tuple(classes.split()), uuid.uuid5(uuid.NAMESPACE_X500, dn.lower() + key), attributes
        )
        self.objects[dn.lower()] = found
        return found

    def _add_computer(self, host: Host) -> None:
        name, fqdn = host.name, host.fqdn
        controller = self.is_controller(host)
        container = "OU=Domain Controllers" if controller else "CN=Computers"
        self._computers[name] = self._add(
            f"CN={name},{container},{self.base}",
            "top person organizationalPerson user computer",
            "",
            {
                "name": name,
                "cn": name,
                "sAMAccountName": name + "$",
                "dNSHostName": fqdn,
                "objectSid": f"{accounts.authority_sid(self.domain)}-{accounts.rid('computer:' + name)}",
                "userAccountControl": SERVER_TRUST | TRUSTED_FOR_DELEGATION if controller else WORKSTATION,
                "servicePrincipalName": [f"{service}/{form}" for service in SERVICES for form in (name, fqdn)],
                "operatingSystem": EDITION_NAMES.get(host.edition, f"Windows Server {host.edition} Datacenter"),
                "primaryGroupID": 516 if controller else 515,
            },
        )

    def _add_user(self, account: Account) -> None:
        spec = self.fleet.directory_spec
        control = NORMAL | (0 if account.enabled else DISABLED)
        groups = spec.groups.get(account.sid, ())
        if account.sid in spec.sensitive and "Protected Users" not in groups:
            control |= NOT_DELEGATED
        self._add(
            f"CN={account.username},CN=Users,{self.base}",
            "top person organizationalPerson user",
            "",
            {
                "name": account.username,
                "cn": account.username,
                "sAMAccountName": account.username,
                "userPrincipalName": f"{account.username}@{self.domain}",
                "objectSid": account.sid,
                "userAccountControl": control,
                "memberOf": [f"CN={group},CN=Users,{self.base}" for group in groups],
                "primaryGroupID": 513,
            },
        )

    def _delegate(self, hosts: list[Host], entry: Delegation) -> None:
        for host in hosts:
            computer = self._computers.get(host.name)
            if computer is None:
                continue
            wanted = [name for peer in hosts if peer is not host for name in service_names(peer, cifs=entry.cifs)]
            wanted += entry.entries
            present = list(computer.get(DELEGATE_TO))
            computer.put(DELEGATE_TO, present + [name for name in wanted if name not in present])
            if entry.protocol_transition:
                computer.put("userAccountControl", computer.control | TRUSTED_TO_AUTH)

    # --- questions ---
    def is_controller(self, host: Host) -> bool:
        """Return whether a host is a domain controller."""
        wanted = [name.upper() for name in self.fleet.directory_spec.domain_controllers]
        return host.name in wanted

    def controller_names(self) -> list[str]:
        """Return the names that -Server accepts: the domain, its controllers."""
        names = [name.lower() for name in self.fleet.directory_spec.domain_controllers] or ["dc1"]
        return [self.domain.lower(), self.netbios.lower(), *names, *(f"{name}.{self.domain.lower()}" for name in names)]

    def computer(self, host: Host) -> DirectoryObject | None:
        """Return the computer object of a host; None in a workgroup, or where it was deleted."""
        return self._computers.get(host.name)

    def computers(self) -> Iterable[DirectoryObject]:
        """Return all computer objects."""
        return list(self._computers.values())

    def account(self, name: str, password: str) -> Account | None:
        """Return the account of a user name (DOM\\user, user@domain or plain) if the password is right."""
        plain = name.rpartition("\\")[2]
        prefix = name.rpartition("\\")[0].lower()
        user, at, domain = plain.partition("@")
        if (at and domain.lower() != self.domain.lower()) or prefix not in (
            "",
            self.netbios.lower(),
            self.domain.lower(),
        ):
            return None
        for account in self.fleet.directory_spec.accounts:
            if account.username.lower() == user.lower() and account.password == password and account.enabled:
                return account
        return None

    # --- rights ---
    def may_write(self, account: Account | None, attribute: str) -> bool:
        """Return whether an account has the access right to write an attribute of computers (not the privilege)."""
        if account is None or attribute.lower() not in {name.lower() for name in WRITABLE}:
            return False
        return bool(
            {"Domain Admins", "Enterprise Admins", "Account Operators", "Delegation Operators"} & self._groups(account)
        )

    def may_delegate(self, account: Account | None) -> bool:
        """Return whether an account holds SeEnableDelegationPrivilege on the domain controllers."""
        if account is None:
            return False
        return bool({"Domain Admins", "Enterprise Admins", "Delegation Operators"} & self._groups(account))

    def _groups(self, account: Account) -> set[str]:
        return set(self.fleet.directory_spec.groups.get(account.sid, ()))

    def writable(self, account: Account | None) -> list[str]:
        """Return allowedAttributesEffective: what the account may write to a computer object."""
        return [name for name in WRITABLE if self.may_write(account, name)]

    def is_protected(self, account: Account) -> bool:
        """Return whether an account is in Protected Users: CredSSP then leaves nothing behind (facts, 1.6)."""
        return "Protected Users" in self._groups(account)

    def is_sensitive(self, identity: Identity) -> bool:
        """Return whether an account can't be delegated: Protected Users, or marked as sensitive."""
        account = identity.account
        if account.sid in self.fleet.directory_spec.sensitive or self.is_protected(account):
            return True
        user = self.objects.get(f"cn={account.username},cn=users,{self.base}".lower())
        return user is not None and bool(user.control & NOT_DELEGATED)

    # --- tickets ---
    def cached_missing(self, source: Host, service: str) -> bool:
        """Return whether a source's failed try for a service is still remembered (KDC and ticket caches)."""
        found = self._missing.get((source.name, service.lower()))
        if found is None:
            return False
        at, boots = found
        return source.boots == boots and self.fleet.clock.now() < at + self.fleet.directory_spec.lag_seconds

    def remember_missing(self, source: Host, service: str) -> None:
        """Remember that a source got no ticket for a service."""
        self._missing[source.name, service.lower()] = (self.fleet.clock.now(), source.boots)

    def purge(self, source: Host) -> None:
        """Forget what a source's SYSTEM logon holds: klist purge -li 0x3e7, or a restart."""
        with self.fleet.lock:
            self._missing = {key: value for key, value in self._missing.items() if key[0] != source.name}


def service_names(host: Host, *, cifs: bool) -> list[str]:
    """Return what other hosts have to be allowed to delegate to for moves to a host: both forms of its name."""
    services = ["cifs", MIGRATION_SERVICE] if cifs else [MIGRATION_SERVICE]
    return [f"{service}/{form}" for service in services for form in (host.name, host.fqdn)]
