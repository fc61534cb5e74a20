# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking virtual machines down through their guests and bringing them up again, with nobody's power cut unasked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import MobilityError, NotPossible, RemoteError, TimedOut
from ..findings import Finding, Severity
from ..session.command import ON, command, select
from ..waiting import SYSTEM_CLOCK, Clock, Deadline, wait_until
from .gateway import find_vm, get_vm, vms_source
from .gateway_reading import Question, ask
from .model_enums import Heartbeat, IntegrationService, VmState
from .model_guest import Service
from .writing import change, send

if TYPE_CHECKING:
    from ..session.command import Pipeline
    from ..session.protocol import Session
    from .model import Vm

RESTART_MARK = "[hyperv.mobility: shut down for a change, to be started again]"
"""Stands in the notes of a machine while a task has it down, so that a run after a killed one starts it again."""

_POLL_SECONDS = 2.0
_TURN_OFF_SECONDS = 120.0
_ANSWERING = frozenset(
    {Heartbeat.OK_APPLICATIONS_UNKNOWN, Heartbeat.OK_APPLICATIONS_HEALTHY, Heartbeat.OK_APPLICATIONS_CRITICAL}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerRule:
    """What may be done to the power of a machine: nothing (``require_off``), or a graceful restart."""

    restart: bool = False
    force: bool = False
    """Turn it off when its guest does not shut down in time."""
    force_option: str = "force: true"
    """How the task's user says ``force``."""
    shutdown_seconds: float = 300.0
    heartbeat_seconds: float = 300.0


def rule_of(arguments: Any) -> PowerRule:
    """Return the rule of validated arguments ``power``, ``force`` and the two deadlines."""
    return PowerRule(
        restart=arguments.get("power") == "restart",
        force=bool(arguments.get("force")),
        shutdown_seconds=float(arguments.get("shutdown_timeout_seconds") or 300),
        heartbeat_seconds=float(arguments.get("heartbeat_timeout_seconds") or 300),
    )


def left_off(vm: Vm) -> bool:
    """Whether a task that was killed took this machine down and did not start it again."""
    return vm.is_off and RESTART_MARK in vm.notes


def refusal(vm: Vm, rule: PowerRule, services: tuple[Service, ...] | None = None) -> Finding | None:
    """Return why this machine may not be taken down under the rule, or None where it is off or may be.

    ``services`` are its integration services, where they are known.
    """
    if vm.is_off:
        return None
    if vm.state != VmState.RUNNING:
        return _finding(
            "vm_state_prevents_power_off",
            vm,
            f"its state is {vm.state}",
            "start it, or discard its saved state, with its owner's consent; then run again",
        )
    if not rule.restart:
        return _finding(
            "vm_not_off",
            vm,
            "its state is Running",
            "shut it down and run again, or set power: restart to allow it here",
        )
    shutdown = [item for item in services or () if item.service_id == IntegrationService.SHUTDOWN]
    if shutdown and not shutdown[0].enabled and not rule.force:
        return _finding(
            "shutdown_service_disabled",
            vm,
            "its integration service for shutting down is disabled",
            "enable the service, shut the machine down from inside, or set force: true to allow cutting its power",
        )
    return None


def _finding(identifier: str, vm: Vm, evidence: str, remedy: str) -> Finding:
    return Finding(
        id=identifier, severity=Severity.BLOCKING, subject=f"{vm.name} ({vm.id})", evidence=evidence, remedy=remedy
    )


def read_services(session: Session, source: Pipeline) -> tuple[Service, ...]:
    """Return the integration services of the machines that ``source`` gives; empty where the host can't say."""
    (answer,) = ask(session, Question(source | command("Get-VMIntegrationService"), Service))
    return tuple(answer.items)


def refusals(session: Session, vms: Sequence[Vm], rule: PowerRule) -> list[Finding]:
    """Return why machines may not be taken down under the rule; one question for all of them, none where none may."""
    services = read_services(session, vms_source([vm.id for vm in vms])) if vms and rule.restart else ()
    own = {vm.id: tuple(item for item in services if item.vm_id == vm.id) for vm in vms}
    return [finding for vm in vms if (finding := refusal(vm, rule, own[vm.id])) is not None]


@contextmanager
def powered_off(session: Session, vm: Vm, rule: PowerRule, *, clock: Clock = SYSTEM_CLOCK) -> Iterator[bool]:
    """Have a machine off within the block, and as it was before after it. Gives whether it is started afterwards.

    It is stopped through its guest; its power is cut only where ``rule.force`` says so. After the block it is started
    again, and its heartbeat awaited where it had one. When the block fails, it is started all the same, and the
    failure says so (``details["started_again"]``). Raises NotPossible where the rule forbids it.

    That it is to be started again stands in its notes meanwhile: a machine that a killed run left off is started after
    the block too, where the rule allows restarts.
    """
    if vm.is_off and not (rule.restart and left_off(vm)):
        yield False
        return
    finding = refusal(vm, rule)
    if finding is not None:
        raise NotPossible(f"{vm.name} can't be taken down: {finding.evidence}", findings=[finding])
    if not vm.is_off:
        _take_down(session, vm, rule, clock)
    try:
        yield True
    except MobilityError as problem:
        _start_after_failure(session, vm, problem)
        raise
    except BaseException:
        session.invoke(*_start(vm))
        raise
    start(session, vm, rule, clock=clock)
    send(session, _notes(vm, marked=False), changed=True)


def _take_down(session: Session, vm: Vm, rule: PowerRule, clock: Clock) -> None:
    """Note that the machine is to run, then stop it; the note goes where it did not go down."""
    send(session, _notes(vm, marked=True))
    try:
        stop(session, vm, rule, clock=clock)
    except MobilityError as problem:
        if not problem.changed:
            with suppress(MobilityError):
                send(session, _notes(vm, marked=False))
        raise


def _notes(vm: Vm, *, marked: bool) -> Pipeline:
    own = vm.notes.replace(RESTART_MARK, "").rstrip()
    return _live(vm) | change("Set-VM", Notes=f"{own}\n{RESTART_MARK}".lstrip() if marked else own)


def stop(session: Session, vm: Vm, rule: PowerRule, *, clock: Clock = SYSTEM_CLOCK) -> None:
    """Shut a running machine down through its guest and wait until it is off.

    Stop-VM goes out without -Force: where the guest does not answer it then asks the user, which fails in a remote
    session (field errors), and that is the refusal wanted here. Raises TimedOut or RemoteError where the guest does not
    go down; with ``rule.force`` its power is cut then.
    """
    deadline = Deadline(rule.shutdown_seconds, clock)
    problem: MobilityError | None = None
    try:
        reply = session.invoke(_live(vm) | command("Stop-VM"), timeout_seconds=rule.shutdown_seconds)[0]
        problem = reply.errors[0].as_error() if reply.errors else None
    except TimedOut as late:
        problem = late
    state = _state(session, vm)
    if problem is None or state in (VmState.STOPPING, VmState.OFF):
        state = _await_off(session, vm, deadline)
    if state == VmState.OFF:
        return
    if rule.force:
        session.invoke(_live(vm) | command("Stop-VM", TurnOff=ON, Force=ON), timeout_seconds=_TURN_OFF_SECONDS)
        state = _await_off(session, vm, Deadline(_TURN_OFF_SECONDS, clock))
        if state == VmState.OFF:
            return
    raise _not_down(vm, rule, state, problem)


def _not_down(vm: Vm, rule: PowerRule, state: str, problem: MobilityError | None) -> MobilityError:
    text = f"{vm.name} ({vm.id}) did not shut down within {rule.shutdown_seconds:g} seconds; its state is {state}"
    hint = "" if rule.force else f"; shut it down from inside, or set {rule.force_option} to allow cutting its power"
    going = state == VmState.STOPPING
    if going:
        hint += "; it may still go down by itself, and is not started again then"
    if isinstance(problem, RemoteError):
        return RemoteError(
            f"{text}{hint}", changed=going, **{**problem.details, "last_seen": state, "reason": problem.msg}
        )
    return TimedOut(f"{text}{hint}", changed=going, last_seen=state)


def _await_off(session: Session, vm: Vm, deadline: Deadline) -> str:
    """Return the last state seen: Off, or another one at the deadline."""
    try:
        wait_until(
            lambda: _state(session, vm) == VmState.OFF, what=f"{vm.name} off", deadline=deadline, interval=_POLL_SECONDS
        )
    except TimedOut:
        return _state(session, vm)
    return VmState.OFF.value


def start(session: Session, vm: Vm, rule: PowerRule, *, clock: Clock = SYSTEM_CLOCK) -> None:
    """Start a machine, wait until it runs, and for its heartbeat where it had one when ``vm`` was read.

    Raises RemoteError or TimedOut, always with ``changed``.
    """
    for reply in session.invoke(*_start(vm)):
        reply.check(changed=True)
    deadline = Deadline(rule.heartbeat_seconds, clock)
    expects = vm.heartbeat in _ANSWERING

    def arrived() -> bool:
        now = find_vm(session, vm.id)
        return now is not None and now.state == VmState.RUNNING and (not expects or now.heartbeat in _ANSWERING)

    def seen() -> str:
        now = get_vm(session, vm.id)
        return f"{now.state}, heartbeat {now.heartbeat}"

    try:
        what = f"{vm.name} ({vm.id}) running{' with a heartbeat' if expects else ''}"
        wait_until(arrived, what=what, deadline=deadline, interval=_POLL_SECONDS, last_seen=seen)
    except TimedOut as late:
        raise TimedOut(late.msg, changed=True, **late.details) from late


def _start(vm: Vm) -> tuple[Pipeline, ...]:
    return (_live(vm) | command("Start-VM"),)


def _live(vm: Vm) -> Pipeline:
    return command("Get-VM", Id=vm.id)


def _state(session: Session, vm: Vm) -> str:
    """Return the state by name, whatever the build's numbers are."""
    reply = session.invoke(_live(vm) | select("State"))[0]
    return str(reply.one().get("State"))


def _start_after_failure(session: Session, vm: Vm, problem: MobilityError) -> None:
    """Start the machine and say so in the failure; a failure to start is said too, and hides nothing."""
    details: dict[str, Any] = dict(problem.details)
    try:
        errors = session.invoke(*_start(vm))[0].errors
        details["started_again"] = not errors
        if not errors:
            session.invoke(_notes(vm, marked=False))
        reason = errors[0].message or errors[0].error_id if errors else ""
    except MobilityError as second:
        details["started_again"], reason = False, second.msg
    problem.details = details
    outcome = "was started again" if details["started_again"] else f"is off and could not be started again: {reason}"
    problem.msg = f"{problem.msg}; {vm.name} ({vm.id}) {outcome}"
