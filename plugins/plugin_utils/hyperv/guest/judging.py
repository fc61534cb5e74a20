# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a guest will take an address at a failover, and whether the copies of its machine have the roles they need.

A failover address is applied by the guest through its key-value exchange (facts, 7.2): the component has to be enabled
on the host where the machine comes up, the guest's side has to answer, and the adapter has to be a synthetic one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...findings import Finding, Severity
from .copies import PRIMARY, REPLICA
from .exchange import GuestSystem
from .linux import address_doubts
from .sides import GuestSide, sides

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .copies import Copies, Copy, FailoverAdapter
    from .exchange import Exchange
    from .sides import Sides

_ENABLE = "enable it with vm_integration_service (services: {key_value_pair_exchange: true}) on that host"
_LOOK = "vm_integration_service tells the remedy for this guest; run again afterwards"


def subject_of(copy: Copy) -> str:
    """Return how findings name a machine."""
    return f"{copy.vm.name} ({copy.vm.id})"


def _finding(identifier: str, severity: Severity, subject: str, evidence: str, remedy: str) -> Finding:
    return Finding(id=identifier, severity=severity, subject=subject, evidence=evidence, remedy=remedy)


def _offered(copy: Copy, subject: str) -> Iterator[Finding]:
    if copy.exchange_service is None or not copy.exchange_service.enabled:
        state = "is not listed" if copy.exchange_service is None else "is disabled"
        yield _finding(
            "key_value_exchange_disabled",
            Severity.BLOCKING,
            subject,
            f"the key-value exchange {state} for it on {copy.host}",
            _ENABLE,
        )


def exchange_findings(copy: Copy, exchange: Exchange | None) -> Iterator[Finding]:
    """Yield why the guest of a copy can't take an address; ``exchange`` is what it tells, None where unread."""
    subject = subject_of(copy)
    offered = list(_offered(copy, subject))
    yield from offered
    if offered or copy.exchange_service is None:
        return
    both = sides(copy.vm, copy.exchange_service, exchange)
    yield from _by_side(subject, both, exchange)
    doubt = address_doubts(exchange)
    if doubt is not None and both.guest in (GuestSide.OK, GuestSide.OUTDATED):
        yield _finding(
            "guest_takes_no_addresses",
            Severity.WARNING,
            subject,
            doubt,
            "test it with a test failover; or have the guest get its address otherwise there (DHCP)",
        )


def _by_side(subject: str, both: Sides, exchange: Exchange | None) -> Iterator[Finding]:
    """Yield what the guest's side alone says.

    A Linux guest that speaks an old protocol and sends its pairs all the same is only a warning: a mismatch is often
    harmless there (facts, 7.1).
    """
    if both.guest is GuestSide.OFF:
        yield _finding(
            "guest_not_judged",
            Severity.WARNING,
            subject,
            f"{both.evidence}; only a running guest shows whether it takes addresses",
            "start it and run again before you rely on the address",
        )
    elif both.guest is GuestSide.NO_CONTACT:
        said = f"the guest does not answer the key-value exchange: {both.evidence}"
        yield _finding("key_value_exchange_silent", Severity.BLOCKING, subject, said, _LOOK)
    elif both.guest is GuestSide.OUTDATED:
        harmless = exchange is not None and exchange.answers and exchange.system is GuestSystem.LINUX
        severity = Severity.WARNING if harmless else Severity.BLOCKING
        also = ", and it is Linux and sends its pairs all the same" if harmless else ""
        said = f"the guest's key-value exchange speaks an old protocol{also}: {both.evidence}"
        yield _finding("key_value_exchange_outdated", severity, subject, said, _LOOK)
    elif both.guest is GuestSide.UNKNOWN:
        said = f"the host does not show whether the guest answers the key-value exchange: {both.evidence}"
        yield _finding("key_value_exchange_unknown", Severity.BLOCKING, subject, said, _LOOK)


def replica_findings(replica: Copy) -> Iterator[Finding]:
    """Yield what the replica's own settings lack: the guest comes up there, with that host's components."""
    yield from _offered(replica, subject_of(replica))


def adapter_findings(copy: Copy, adapter: FailoverAdapter) -> Iterator[Finding]:
    """Yield why an adapter takes no address: a legacy one doesn't (not verified on a host; facts, 7.2)."""
    if adapter.is_legacy:
        yield _finding(
            "legacy_adapter_takes_no_address",
            Severity.BLOCKING,
            subject_of(copy),
            f"adapter {adapter.name!r} is a legacy adapter",
            "give the VM a synthetic adapter, and the address to that one",
        )


def role_findings(copy: Copy, *, replica_side: bool) -> Iterator[Finding]:
    """Yield why this copy can't be configured here: it is not replicated, or has another role than was assumed."""
    subject = subject_of(copy)
    if not copy.mode:
        yield _finding(
            "vm_not_replicating",
            Severity.BLOCKING,
            subject,
            f"Get-VMReplication on {copy.host} shows no replication of it",
            "enable replication first; without it there is nothing to fail over",
        )
    elif copy.mode not in (PRIMARY, REPLICA) or (copy.mode == REPLICA and replica_side):
        told = "replica_side is set, and " if copy.mode == REPLICA else ""
        primary = copy.replication.primary_server if copy.replication is not None else ""
        yield _finding(
            "replication_role_differs",
            Severity.BLOCKING,
            subject,
            f"{told}its role on {copy.host} is {copy.mode}",
            f"run this on the host of the primary{f' ({primary})' if primary else ''}, or without replica_side here",
        )


def share_findings(copy: Copy, *, failover: bool, failback: bool, replica_side: bool) -> Iterator[Finding]:
    """Yield that something is asked for a copy which this task does not set.

    What a failover gives the guest is the replica's; ``failback`` is the primary's. A primary's copy that bore the
    replica site's address would give it to the guest at home, once the roles are reversed and reversed again.
    """
    subject = subject_of(copy)
    if failover and copy.mode == PRIMARY and not replica_side:
        server = copy.replication.replica_server if copy.replication is not None else ""
        yield _finding(
            "replica_side_needed",
            Severity.BLOCKING,
            subject,
            f"{copy.host} holds the primary, and what a failover gives the guest is set on the replica's copy on "
            f"{server or 'the other host'}",
            "set replica_side, or run this on that host; what the primary's own copy is to have is given as failback",
        )
    if failback and copy.mode == REPLICA and not replica_side:
        yield _finding(
            "replication_role_differs",
            Severity.BLOCKING,
            subject,
            f"failback is for the primary's copy, and its role on {copy.host} is {copy.mode}",
            "give failback on the primary's host, or leave it out here",
        )


def there_findings(copy: Copy, there: Copies) -> Iterator[Finding]:
    """Yield why the replica's copy can't be set: the host is another one, or does not hold the replica."""
    subject = subject_of(copy)
    wanted = copy.replication.replica_server if copy.replication is not None else ""
    if there.computer and short(there.computer) != short(wanted):
        yield _finding(
            "replica_host_differs",
            Severity.BLOCKING,
            subject,
            f"its replica server is {wanted}, and {there.host} is {there.computer}",
            "name the inventory host of that server with replica_host",
        )
        return
    replica = there.by_id.get(copy.vm.id)
    if replica is None or replica.mode != REPLICA:
        shown = "has no such VM" if replica is None else f"shows its role as {replica.mode or 'none'}"
        yield _finding(
            "replica_missing",
            Severity.BLOCKING,
            subject,
            f"{there.host} {shown}, and {copy.host} calls itself the primary of it",
            "look at the replication of the VM on both hosts: after a failover the roles have to be settled first",
        )


def short(name: str) -> str:
    """Return a computer's name without its domain, in lower case."""
    return name.partition(".")[0].lower()


def unknown_host(copy: Copy, evidence: str) -> Finding:
    """Return the finding that the replica server is no known host of the inventory."""
    return _finding(
        "replica_host_unknown",
        Severity.BLOCKING,
        subject_of(copy),
        evidence,
        "name the inventory host of that server with replica_host",
    )


def unread_host(copy: Copy, evidence: str) -> Finding:
    """Return the finding that the replica's host could not be read."""
    return _finding(
        "replica_host_unread", Severity.BLOCKING, subject_of(copy), evidence, "look at that host and its connection"
    )


def adapter_unclear(copy: Copy, label: str, found: int) -> Finding:
    """Return the finding that a wish fits no adapter, or several."""
    names = ", ".join(repr(adapter.name) for adapter in copy.adapters) or "none"
    if found:
        return _finding(
            "failover_adapter_ambiguous",
            Severity.BLOCKING,
            subject_of(copy),
            f"{label} fits {found} adapters on {copy.host}; it has {names}",
            "name the adapter by mac_address or id",
        )
    return _finding(
        "failover_adapter_missing",
        Severity.BLOCKING,
        subject_of(copy),
        f"{label} fits no adapter on {copy.host}; it has {names}",
        "name one of its adapters",
    )


def switch_findings(copy: Copy, copies: Copies, switch: str) -> Iterator[Finding]:
    """Yield that the switch of a test failover is not on this host."""
    if copies.switches is None or switch.lower() in copies.switches:
        return
    yield _finding(
        "test_switch_missing",
        Severity.BLOCKING,
        subject_of(copy),
        f"{copies.host} has no switch {switch!r}",
        "create the switch there, or name another one",
    )


def address_of_other_site(copy: Copy, adapter: FailoverAdapter, address: str) -> Finding:
    """Return the finding that the primary's copy has the address that the guest is to have on the replica's site."""
    return _finding(
        "failback_address_of_other_site",
        Severity.WARNING,
        subject_of(copy),
        f"adapter {adapter.name!r} has {address} for a failover on {copy.host} too, the address of the replica's "
        "site: after a reversal and a failback the guest comes up at home with it",
        "give the primary's copy its home address with failback, or remove it there (failback: {clear: both})",
    )


def address_missing(copy: Copy, adapter: FailoverAdapter) -> Finding:
    """Return the finding that nothing is set for a failover, so that the primary's address stays."""
    return _finding(
        "failover_address_missing",
        Severity.WARNING,
        subject_of(copy),
        f"adapter {adapter.name!r} has no address for a failover on {copy.host}",
        "set one with vm_failover_ip, unless the network there is the same, or gives addresses itself",
    )
