# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about virtual machines: paused ones, checkpoints, integration services, addresses after a failover."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...findings import blocking
from ..guest.judging import exchange_findings
from ..guest.sides import GuestSide
from .judged import BY_DHCP, BY_HAND, Judged, Subject, Verdict, of_subjects, unknown
from .published import BY_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..gateway import VmDetails
    from ..guest.copies import FailoverSetting
    from .evidence import Evidence
    from .models_replication import ReplicationSettings

_RECOVERY_POINTS = frozenset({"Replica", "AppConsistentReplica", "SyncedReplica", "Planned"})
"""Types of checkpoints that replication makes by itself."""
_UNDECIDED = frozenset({"guest_not_judged", "key_value_exchange_unknown"})
"""Findings which say that nothing can be said."""


def _about(machine: VmDetails, verdict: Verdict, evidence: str, *, elsewhere: str = "") -> Subject:
    return Subject(name=machine.vm.name, id=machine.vm.id, verdict=verdict, evidence=evidence, elsewhere=elsewhere)


def _each(seen: Evidence, rule_id: str, look: Callable[[Evidence, VmDetails], Subject]) -> Judged:
    rule = BY_ID[rule_id]
    if seen.machines is None:
        return unknown(rule, seen.why("machines"))
    return of_subjects(rule, (look(seen, machine) for machine in seen.machines), nothing="the host has no VM")


def vm_paused(seen: Evidence) -> Judged:
    """Judge whether a VM is paused, by a person or by a lack of space."""

    def look(_seen: Evidence, machine: VmDetails) -> Subject:
        paused = machine.vm.state in ("Paused", "PausedCritical")
        verdict = Verdict.NONCOMPLIANT if paused else Verdict.COMPLIANT
        return _about(machine, verdict, f"its state is {machine.vm.state}")

    return _each(seen, "vm_paused", look)


def vm_has_checkpoints(seen: Evidence) -> Judged:
    """Judge whether a VM has checkpoints that somebody made. Whether its work is production nothing says."""

    def look(_seen: Evidence, machine: VmDetails) -> Subject:
        names = [item.name for item in machine.checkpoints if item.type not in _RECOVERY_POINTS]
        verdict = Verdict.NONCOMPLIANT if names else Verdict.COMPLIANT
        return _about(machine, verdict, f"checkpoints: {', '.join(names) or 'none'}")

    return _each(seen, "vm_has_checkpoints", look)


def integration_service_not_offered(seen: Evidence) -> Judged:
    """Judge whether the host offers every integration service. One of them, the guest service, is off by default."""

    def look(seen: Evidence, machine: VmDetails) -> Subject:
        if not machine.services:
            return _about(machine, Verdict.UNKNOWN, "the host did not list its integration services")
        off = [side.name for side in seen.sides(machine) if not side.service.enabled]
        verdict = Verdict.NONCOMPLIANT if off else Verdict.COMPLIANT
        return _about(machine, verdict, f"not offered: {', '.join(off) or 'none'}")

    return _each(seen, "integration_service_not_offered", look)


def integration_service_not_working(seen: Evidence) -> Judged:
    """Judge whether the guest answers every integration service that it is offered."""

    def look(seen: Evidence, machine: VmDetails) -> Subject:
        offered = [side for side in seen.sides(machine) if side.service.enabled]
        if machine.vm.state != "Running":
            return _about(machine, Verdict.NOT_APPLICABLE, f"its state is {machine.vm.state}")
        silent = [side for side in offered if side.guest in (GuestSide.NO_CONTACT, GuestSide.OUTDATED)]
        unclear = [side for side in offered if side.guest is GuestSide.UNKNOWN]
        if silent:
            told = ", ".join(f"{side.name} {side.guest.value}" for side in silent)
            return _about(machine, Verdict.NONCOMPLIANT, told)
        if unclear:
            return _about(machine, Verdict.UNKNOWN, ", ".join(f"{side.name}: {side.evidence}" for side in unclear))
        return _about(machine, Verdict.COMPLIANT, "the guest answers every service that is offered")

    return _each(seen, "integration_service_not_working", look)


def failover_ip_not_applicable(seen: Evidence) -> Judged:
    """Judge whether the guest of a replicating VM could take another address after a failover.

    That is decided by both sides of the key-value exchange, as vm_failover_ip decides it. A VM that does not run
    answers nothing; a Replica's guest runs at its primary server.
    """
    return _replicating(seen, "failover_ip_not_applicable", _can_take_address)


def _can_take_address(seen: Evidence, machine: VmDetails, replication: ReplicationSettings) -> Subject:
    findings = tuple(exchange_findings(seen.copy_of(machine), seen.exchange(machine.vm.id)))
    told = "; ".join(finding.evidence for finding in findings) or "its guest answers the key-value exchange"
    if any(finding.id in _UNDECIDED for finding in findings):
        elsewhere = replication.primary_server if replication.is_replica else ""
        where = f"; its guest runs at {elsewhere}" if elsewhere else ""
        return _about(machine, Verdict.UNKNOWN, f"{told}{where}", elsewhere=elsewhere)
    return _about(machine, Verdict.NONCOMPLIANT if blocking(findings) else Verdict.COMPLIANT, told)


def failover_ip_not_configured(seen: Evidence) -> Judged:
    """Judge whether each adapter of a Replica that its guest gave an address by hand gets its own after a failover."""
    return _replicating(seen, "failover_ip_not_configured", _has_address)


def _has_address(seen: Evidence, machine: VmDetails, replication: ReplicationSettings) -> Subject:
    if not replication.is_replica:
        return _about(machine, Verdict.NOT_APPLICABLE, "it is the primary side; the address is the Replica's")
    static, alone = seen.static_adapters(machine.vm.id), len(machine.adapters) == 1
    told: dict[Verdict, list[str]] = {}
    unclear = []
    for adapter in machine.adapters:
        device = adapter.id.rpartition("\\")[2].lower()
        # That both copies of an adapter share their GUID is not verified on a host: a single one needs none.
        by_hand = any(static.values()) if alone and static else static.get(device)
        verdict, evidence = _of_adapter(seen.failover_settings.get(adapter.id), by_hand)
        told.setdefault(verdict, []).append(f"{adapter.name}: {evidence}")
        if verdict is Verdict.UNKNOWN and adapter.id in seen.failover_settings:
            unclear.append(device)
    worst = next((one for one in Verdict if one in told), Verdict.NOT_APPLICABLE)
    evidence = "; ".join(told.get(worst, ["it has no network adapter"]))
    only_guest = worst is Verdict.UNKNOWN and len(unclear) == len(told[worst])
    if not only_guest:
        return _about(machine, worst, evidence)
    elsewhere = replication.primary_server
    return replace(
        _about(machine, worst, f"{evidence}; that is seen at {elsewhere}", elsewhere=elsewhere),
        adapters=() if alone else tuple(unclear),
    )


def _of_adapter(setting: FailoverSetting | None, static: bool | None) -> tuple[Verdict, str]:
    if setting is None:
        return Verdict.UNKNOWN, "the host did not say its addresses for a failover"
    families = [family.address for family in (setting.ipv4, setting.ipv6) if family is not None]
    if families:
        return Verdict.COMPLIANT, f"after a failover it gets {', '.join(families)}"
    if static is None:
        return Verdict.UNKNOWN, "no address is set, and nothing here says whether its guest has one by hand"
    verdict = Verdict.NONCOMPLIANT if static else Verdict.COMPLIANT
    return verdict, BY_HAND if static else BY_DHCP


def _replicating(
    seen: Evidence, rule_id: str, look: Callable[[Evidence, VmDetails, ReplicationSettings], Subject]
) -> Judged:
    rule = BY_ID[rule_id]
    for name in ("machines", "replications"):
        if getattr(seen, name) is None:
            return unknown(rule, seen.why(name))

    def every() -> Iterator[Subject]:
        for replication in seen.replications or ():
            machine = seen.machine(replication.vm_id)
            if machine is not None and replication.mode not in ("None", "TestReplica"):
                yield look(seen, machine, replication)

    return of_subjects(rule, every(), nothing="no VM replicates here")


PREDICATES = (
    vm_paused,
    vm_has_checkpoints,
    integration_service_not_offered,
    integration_service_not_working,
    failover_ip_not_applicable,
    failover_ip_not_configured,
)
