# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to a VM before its move, where it was asked for: processor compatibility under the power rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ...errors import MobilityError, NotPossible, RemoteError
from ...findings import Finding, blocking
from ...session.command import command
from .. import compatibility, power
from ..gateway import get_vm, processors
from ..power import PowerRule, left_off, powered_off
from ..writing import change, send
from .mover import Attempt, Order, compared

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ...session.protocol import Session
    from ...waiting import Clock
    from ..preflight.facts import VmFacts
    from .request import MoveRequest
    from .track import Track

Preparation = Callable[["Session", "Track", Order], "Attempt | None"]
"""What is done in a move's own session before it compares; what it returns ends the attempt."""

NEEDS_FLAG = "cpu_model_differs"


def rule_of(request: MoveRequest) -> PowerRule:
    """Return what may be done to the power of the VMs of a migration."""
    return PowerRule(
        restart=request.power == "restart",
        force=request.force,
        shutdown_seconds=float(request.shutdown_timeout_seconds),
    )


def starts_left_off(request: MoveRequest) -> bool:
    """Whether the task starts VMs that a killed one left off."""
    return request.enable_processor_compatibility and request.power == "restart"


def preparation(request: MoveRequest, clock: Clock) -> Preparation | None:
    """Return what to run in a move's own session before it compares, or None when nothing was asked for."""
    if not request.enable_processor_compatibility:
        return None
    rule = rule_of(request)
    return lambda session, track, order: _prepared(session, track, order, rule, clock)


def changes_processor(request: MoveRequest, track: Track) -> bool:
    """Return whether the VM will get the flag first: until then a comparison meets what the flag cures."""
    return request.enable_processor_compatibility and _needs_flag(track.findings)


def power_refusals(
    session: Session, vms: Sequence[VmFacts], found: Mapping[str, Sequence[Finding]], request: MoveRequest
) -> dict[str, Finding]:
    """Return why VMs that need the flag can't be taken down for it, by VM Id, where the task may do that."""
    if not starts_left_off(request):
        return {}
    needy = [vm.machine.vm for vm in vms if vm.machine is not None and _needs_flag(found[vm.id])]
    return power.refusals_by_id(session, needy, rule_of(request))


def _needs_flag(found: Sequence[Finding]) -> bool:
    return any(finding.id == NEEDS_FLAG for finding in found)


def _prepared(session: Session, track: Track, order: Order, rule: PowerRule, clock: Clock) -> Attempt | None:
    """Turn the compatibility flag on where a check found that it is needed; the VM is off while it is set.

    A VM that a killed run left off for this is set and started again, so that it moves as it was. A comparison comes
    first: what the flag does not cure must not cost a restart. Errors of the family come back in the attempt.
    """
    if track.vm.runs and not _needs_flag(track.findings):
        return None
    try:
        vm = get_vm(session, track.vm.id)
        processor = processors(session, [vm.id]).get(vm.id)
        is_on = processor is not None and bool(processor.compatibility_for_migration_enabled)
        if rule.restart and left_off(vm):
            _enable(session, track, powered_off(session, vm, rule, clock=clock), is_on=is_on)
        elif is_on or not _needs_flag(track.findings):
            power.forget_restart(session, vm.id)
        else:
            try:
                found = () if vm.is_off else _hindrances(session, track, order)
            except RemoteError as passing:  # nothing was done to the guest yet: one more try costs no restart
                return Attempt(error=passing)
            if blocking(found):
                return Attempt(findings=found, preparing=True)
            _enable(session, track, powered_off(session, vm, rule, clock=clock), is_on=False)
    except MobilityError as error:
        track.prepared = track.prepared or error.changed
        return Attempt(error=error, preparing=True)
    return None


def _hindrances(session: Session, track: Track, order: Order) -> tuple[Finding, ...]:
    """Return what stands in the move's way apart from what the flag may cure; NotPossible after a restart in vain."""
    if track.restarted:
        raise NotPossible(
            f"{track.vm.name}: it was restarted to turn its processor compatibility on, which is off all the same; it "
            "is not restarted again. Set it with hyperv.mobility.vm_processor",
            findings=(),
            changed=True,
        )
    found = compared(session, order, flag_to_come=True)
    compatibility.discard(session)
    return found


def _enable(session: Session, track: Track, off: AbstractContextManager[bool], *, is_on: bool) -> None:
    with off as starts:
        track.prepared = track.restarted = starts
        if not is_on:
            setting = change("Set-VMProcessor", CompatibilityForMigrationEnabled=True)
            send(session, command("Get-VM", Id=track.vm.id) | setting)
            track.prepared = True
