# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Constrained delegation between hosts: which entries are ours, and what to change. No input or output here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import InvalidRequest, NotPossible
from ..findings import Finding, Severity
from ..operation import Diff
from .gateway_directory import ACCOUNT_CONTROL, DELEGATE_TO, Computer, short_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MIGRATION_SERVICE = "Microsoft Virtual System Migration Service"
FILE_SERVICE = "cifs"


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedDelegation:
    """Which pairs (source, destination), by the names given, and which services."""

    pairs: tuple[tuple[str, str], ...]
    services: tuple[str, ...]
    present: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """All names, each once, in their order."""
        return tuple(dict.fromkeys(name for pair in self.pairs for name in pair))


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChange:
    """What to change on one account; ``transition`` None leaves protocol transition as it is."""

    computer: Computer
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    transition: bool | None = None

    @property
    def changed(self) -> bool:
        """Whether anything differs."""
        return bool(self.add or self.remove) or self.transition is not None

    def view(self, *, after: bool) -> dict[str, Any]:
        """Return the account's delegation before or after."""
        entries = set(self.computer.delegates_to)
        transition = self.computer.protocol_transition
        if after:
            entries = (entries - set(self.remove)) | set(self.add)
            transition = transition if self.transition is None else self.transition
        return {"delegates_to": sorted(entries), "protocol_transition": transition}


@dataclass(frozen=True, slots=True, kw_only=True)
class DelegationPlan:
    """What to change, account by account."""

    accounts: tuple[AccountChange, ...] = ()

    @property
    def due(self) -> tuple[AccountChange, ...]:
        """The accounts that differ."""
        return tuple(account for account in self.accounts if account.changed)

    @property
    def changed(self) -> bool:
        """Whether any account differs."""
        return bool(self.due)

    def diff(self) -> Diff:
        """Return the delegation of the differing accounts before and after."""
        return Diff(
            before={item.computer.name: item.view(after=False) for item in self.due},
            after={item.computer.name: item.view(after=True) for item in self.due},
        )


def parse(arguments: Mapping[str, Any]) -> WantedDelegation:
    """Return what validated arguments ask for; InvalidRequest for names and pairs that can't be."""
    hosts = [_name(value, "hosts") for value in arguments.get("hosts") or ()]
    pairs = [
        (_name(item["source"], "pairs"), _name(item["destination"], "pairs")) for item in arguments.get("pairs") or ()
    ]
    if hosts and pairs:
        raise InvalidRequest("give either hosts or pairs, not both")
    for source, destination in pairs:
        if source.lower() == destination.lower():
            raise InvalidRequest(f"pairs: {source} is its own destination")
    lowered = [host.lower() for host in hosts]
    doubled = sorted({host for host in lowered if lowered.count(host) > 1})
    if doubled:
        raise InvalidRequest(f"hosts: {', '.join(doubled)} is listed more than once")
    if not pairs and len(hosts) < 2:
        raise InvalidRequest(f"hosts: delegation needs at least two hosts, not {len(hosts)}")
    credential = ("domain_username", "domain_password")
    given = [option for option in credential if arguments.get(option) is not None]
    if len(given) == 1:
        raise InvalidRequest(f"{given[0]} is given alone: give both {' and '.join(credential)}, or neither")
    pairs = pairs or [(one, other) for one in hosts for other in hosts if one != other]
    services = (FILE_SERVICE, MIGRATION_SERVICE) if arguments.get("include_smb", True) else (MIGRATION_SERVICE,)
    return WantedDelegation(
        pairs=tuple(dict.fromkeys(pairs)), services=services, present=arguments.get("state", "present") == "present"
    )


def _name(value: Any, option: str) -> str:
    name = str(value).strip()
    if not short_name(name):
        raise InvalidRequest(f"{option}: {str(value)!r} is no name of a computer")
    return name


def entries(peer: Computer, services: Sequence[str]) -> tuple[str, ...]:
    """Return our entries for a destination: each service by short and by full name; callers use both (facts, 1.6)."""
    names = [name for name in (peer.name, peer.dns_host_name) if name]
    return tuple(f"{service}/{name}" for service in services for name in names)


def plan(computers: Mapping[str, Computer], wanted: WantedDelegation) -> DelegationPlan:
    """Return what differs. NotPossible where an account has no full name, or may not be written by the caller."""
    nameless = [item for item in computers.values() if not item.dns_host_name]
    if nameless and wanted.present:
        raise NotPossible("a computer has no DNS host name", findings=[_nameless(item) for item in nameless])
    # By the account: it may be given under several names, and one plan must know all of its peers.
    sources: dict[str, tuple[Computer, list[Computer]]] = {}
    for source, destination in wanted.pairs:
        computer = computers[source]
        sources.setdefault(computer.distinguished_name.lower(), (computer, []))[1].append(computers[destination])
    decide = _present if wanted.present else _absent
    changes = tuple(decide(computer, others, wanted.services) for computer, others in sources.values())
    decided = DelegationPlan(accounts=changes)
    findings = [finding for change in decided.due if (finding := _no_right(change.computer)) is not None]
    if findings:
        who = ", ".join(finding.subject for finding in findings)
        raise NotPossible(f"the caller may not write delegation of {who}", findings=findings)
    return decided


def _present(computer: Computer, peers: Sequence[Computer], services: Sequence[str]) -> AccountChange:
    have = {entry.lower() for entry in computer.delegates_to}
    wanted = [entry for peer in peers for entry in entries(peer, services)]
    missing = tuple(entry for entry in dict.fromkeys(wanted) if entry.lower() not in have)
    return AccountChange(computer=computer, add=missing, transition=None if computer.protocol_transition else True)


def _absent(computer: Computer, peers: Sequence[Computer], services: Sequence[str]) -> AccountChange:
    ours = {entry.lower() for peer in peers for entry in entries(peer, services)}
    remove = tuple(entry for entry in computer.delegates_to if entry.lower() in ours)
    nothing_stays = len(remove) == len(computer.delegates_to)
    off = False if nothing_stays and computer.protocol_transition else None
    return AccountChange(computer=computer, remove=remove, transition=off)


def _no_right(computer: Computer) -> Finding | None:
    missing = [name for name in (DELEGATE_TO, ACCOUNT_CONTROL) if name.lower() not in computer.writable]
    if not missing:
        return None
    return Finding(
        id="delegation_right_missing",
        severity=Severity.BLOCKING,
        subject=computer.name,
        evidence=f"allowedAttributesEffective of {computer.distinguished_name} lacks {' and '.join(missing)}",
        remedy="give domain_username and domain_password of a domain administrator, or of an account with the right to "
        "write both attributes and the privilege SeEnableDelegationPrivilege on the domain controllers",
    )


def _nameless(computer: Computer) -> Finding:
    return Finding(
        id="dns_host_name_missing",
        severity=Severity.BLOCKING,
        subject=computer.name,
        evidence=f"{computer.distinguished_name} has no dNSHostName",
        remedy="let the computer register its name (it does so at start), then run again",
    )
