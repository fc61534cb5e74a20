# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of the directory as the ActiveDirectory module shows them: a few properties, more when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..powershell.values import OBJECT, LiveObject, TypedArray
from .directory import (
    DELEGATE_TO,
    DISABLED,
    MULTI_VALUED,
    NOT_DELEGATED,
    ON_BEHALF,
    TRUSTED_FOR_DELEGATION,
    TRUSTED_TO_AUTH,
    Directory,
    DirectoryObject,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..world import Account

SPACE = "Microsoft.ActiveDirectory.Management."
CHAINS = {
    "ADComputer": ("ADComputer", "ADAccount", "ADPrincipal", "ADObject", "ADEntity"),
    "ADUser": ("ADUser", "ADAccount", "ADPrincipal", "ADObject", "ADEntity"),
    "ADObject": ("ADObject", "ADEntity"),
    "ADDomain": ("ADDomain", "ADPartition", "ADObject", "ADEntity"),
}
DEFAULTS = {
    "ADComputer": "DistinguishedName DNSHostName Enabled Name ObjectClass ObjectGUID SamAccountName SID "
    "UserPrincipalName",
    "ADUser": "DistinguishedName Enabled GivenName Name ObjectClass ObjectGUID SamAccountName SID Surname "
    "UserPrincipalName",
    "ADObject": "DistinguishedName Name ObjectClass ObjectGUID",
}
_LDAP = {
    "name": "name",
    "dnshostname": "dNSHostName",
    "samaccountname": "sAMAccountName",
    "userprincipalname": "userPrincipalName",
    "sid": "objectSid",
    "serviceprincipalnames": "servicePrincipalName",
    "operatingsystem": "operatingSystem",
    "memberof": "memberOf",
    "givenname": "givenName",
    "surname": "sn",
}
_FLAGS = {
    "trustedfordelegation": TRUSTED_FOR_DELEGATION,
    "trustedtoauthfordelegation": TRUSTED_TO_AUTH,
    "accountnotdelegated": NOT_DELEGATED,
}
KNOWN = (
    "AccountNotDelegated allowedAttributesEffective cn Description DisplayName DistinguishedName DNSHostName Enabled "
    "GivenName MemberOf Name ObjectClass ObjectGUID objectSid OperatingSystem primaryGroupID "
    "PrincipalsAllowedToDelegateToAccount SamAccountName servicePrincipalName ServicePrincipalNames SID Surname "
    f"TrustedForDelegation TrustedToAuthForDelegation userAccountControl UserPrincipalName {DELEGATE_TO} {ON_BEHALF}"
).split()
"""Properties that can be asked for; others are refused as the module refuses what the schema lacks."""


class Entity(LiveObject):
    """An ADComputer, ADUser, ADObject or ADDomain with the properties that were asked for."""

    def __init__(self, kind: str, values: dict[str, Any], subject: DirectoryObject | None = None) -> None:
        self.kind = kind
        self.subject = subject
        self.values = dict(sorted(values.items(), key=lambda item: item[0].lower()))
        self.__dict__["TYPE_NAMES"] = (*(SPACE + name for name in CHAINS[kind]), OBJECT)

    def ps_names(self) -> list[str]:
        """Return the names of the properties it was read with."""
        return list(self.values)

    def ps_get(self, name: str) -> Any:
        """Return a property's value."""
        return self.values[name]

    def ps_text(self) -> str:
        """Return the distinguished name."""
        return str(self.values.get("DistinguishedName", ""))


def known(name: str) -> str | None:
    """Return the spelling of a property that can be asked for, or None."""
    return next((each for each in KNOWN if each.lower() == name.lower()), None)


def view(
    directory: Directory, kind: str, found: DirectoryObject, wanted: Sequence[str], reader: Account | None
) -> Entity:
    """Return an object with its default properties and those wanted; raise KeyError for an unknown one."""
    names = DEFAULTS[kind].split()
    for name in wanted:
        if name == "*":
            held = {key.lower() for key in found.attributes}
            names += [each for each in KNOWN if each.lower() in held and each != "allowedAttributesEffective"]
            continue
        spelled = known(name)
        if spelled is None:
            raise KeyError(name)
        names.append(name if kind == "ADObject" else spelled)
    return Entity(kind, {name: read(directory, found, name, reader) for name in names}, found)


def read(directory: Directory, found: DirectoryObject, name: str, reader: Account | None) -> Any:
    """Return one property: attributes, parts of userAccountControl, what the reader may write."""
    plain = name.lower()
    if plain in _FLAGS:
        return bool(found.control & _FLAGS[plain])
    if plain == "allowedattributeseffective":
        return TypedArray("System.String", directory.writable(reader))
    if plain == "principalsallowedtodelegatetoaccount":
        return TypedArray("System.String", [])
    own = {
        "distinguishedname": found.dn,
        "objectclass": found.object_class,
        "objectguid": found.guid,
        "enabled": not found.control & DISABLED,
    }
    if plain in own:
        return own[plain]
    value = found.get(_LDAP.get(plain, name))
    if isinstance(value, list) or _LDAP.get(plain, plain).lower() in MULTI_VALUED:
        return TypedArray("System.String", value or [])
    return value
