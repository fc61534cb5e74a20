# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Computer accounts in the directory as frozen data, and how they are read and found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import Ambiguous, NotFound
from ..session.command import Credential, Pipeline, Secret, command
from .gateway_reading import Question, ask
from .wire_values import many, text, whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..session.protocol import Session

DELEGATE_TO = "msDS-AllowedToDelegateTo"
ACCOUNT_CONTROL = "userAccountControl"
_TRUSTED_TO_AUTH = 0x1000000
"""The bit TRUSTED_TO_AUTH_FOR_DELEGATION of userAccountControl: protocol transition."""
_BATCH = 100
"""Computers in one filter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Computer:
    """A computer account. ``delegates_to`` are the values of msDS-AllowedToDelegateTo as they are spelt there."""

    PROPERTIES: ClassVar = (
        "DistinguishedName", "sAMAccountName", "DNSHostName", DELEGATE_TO, ACCOUNT_CONTROL,
        "allowedAttributesEffective",
    )  # fmt: skip

    distinguished_name: str
    name: str
    """The short name, without the dollar sign."""
    dns_host_name: str = ""
    delegates_to: tuple[str, ...] = ()
    protocol_transition: bool = False
    writable: frozenset[str] = frozenset()
    """Lower-case names of the attributes that the caller may write."""

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Computer:
        """Return the account that a projected Get-ADComputer object describes.

        Attributes come in the object's own spelling (``SamAccountName``), whatever the case asked for.
        """
        spelt = {str(key).lower(): value for key, value in raw.items()}
        return cls(
            distinguished_name=text(spelt.get("distinguishedname")),
            name=text(spelt.get("samaccountname")).rstrip("$"),
            dns_host_name=text(spelt.get("dnshostname")),
            delegates_to=tuple(text(item) for item in many(spelt.get(DELEGATE_TO.lower()))),
            protocol_transition=bool((whole(spelt.get(ACCOUNT_CONTROL.lower())) or 0) & _TRUSTED_TO_AUTH),
            writable=frozenset(text(item).lower() for item in many(spelt.get("allowedattributeseffective"))),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Which directory to ask, as whom: parameters of every command of the ActiveDirectory module."""

    server: str | None = None
    credential: Credential | None = None

    def command(self, name: str, /, **parameters: Any) -> Pipeline:
        """Return a command of the module."""
        return command(name, **parameters, Server=self.server, Credential=self.credential)


def directory_of(arguments: Mapping[str, Any]) -> Directory:
    """Return the directory of validated arguments ``domain_server``, ``domain_username``, ``domain_password``."""
    user, password = arguments.get("domain_username"), arguments.get("domain_password")
    credential = Credential(str(user), Secret(str(password))) if user is not None and password is not None else None
    return Directory(server=arguments.get("domain_server"), credential=credential)


def read_computers(session: Session, directory: Directory, names: Sequence[str]) -> dict[str, Computer]:
    """Return the account of each name, given as short name, with a dollar sign, or fully qualified.

    Raises NotFound naming every computer that the directory does not have, RemoteError where it can't be asked.
    """
    batches = [names[start : start + _BATCH] for start in range(0, len(names), _BATCH)]
    attributes = ["DNSHostName", DELEGATE_TO, ACCOUNT_CONTROL, "allowedAttributesEffective"]
    questions = [
        Question(directory.command("Get-ADComputer", LDAPFilter=ldap_filter(batch), Properties=attributes), Computer)
        for batch in batches
    ]
    computers = [computer for answer in ask(session, *questions) for computer in answer.check()]
    found = {name: _matching(name, computers) for name in names}
    missing = [name for name, computer in found.items() if computer is None]
    if missing:
        raise NotFound(f"the directory has no computer {', '.join(missing)}", names=missing)
    return {name: computer for name, computer in found.items() if computer is not None}


def ldap_filter(names: Sequence[str]) -> str:
    """Return the filter for accounts of these names; characters with a meaning in filters are escaped (RFC 4515)."""
    terms = []
    for name in names:
        short = short_name(name)
        terms.append(f"(sAMAccountName={_escaped(short)}$)")
        if "." in name:
            terms.append(f"(dNSHostName={_escaped(name)})")
    return f"(|{''.join(terms)})"


def short_name(name: str) -> str:
    """Return the part of a computer's name before the domain, without a dollar sign."""
    return name.partition(".")[0].rstrip("$")


def _escaped(value: str) -> str:
    return "".join(f"\\{ord(char):02x}" if char in "\\*()\0" else char for char in value)


def _matching(name: str, computers: Sequence[Computer]) -> Computer | None:
    if "." in name:
        found = [item for item in computers if item.dns_host_name.lower() == name.lower()]
    else:
        found = [item for item in computers if item.name.lower() == short_name(name).lower()]
    if len(found) > 1:
        listed = ", ".join(item.distinguished_name for item in found)
        raise Ambiguous(
            f"several computers are named {name}: {listed}", candidates=[i.distinguished_name for i in found]
        )
    return found[0] if found else None
