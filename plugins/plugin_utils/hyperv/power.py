# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking virtual machines down through their guests and bringing them up again, with nobody's power cut unasked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import AuthenticationFailed, ConnectionLost, MobilityError, NotPossible, RemoteError, TimedOut
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
_ASK_AGAIN_SECONDS = 10.0
_TURN_OFF_SECONDS = 120.0
_ANSWERING = frozenset(
    {Heartbeat.OK_APPLICATIONS_UNKNOWN, Heartbeat.OK_APPLICATIONS_HEALTHY, Heartbeat.OK_APPLICATIONS_CRITICAL}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerRule:
    """What may be done to the power of a machine: nothing (``require_off``), or a graceful restart."""

    restart: bool = False
    force: bool = False
    """Shut it down whatever its guest says, and turn it off when it is not down in time."""
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
    """Return why machines may not be taken down under the rule; asks as ``refusals_by_id``."""
    return list(refusals_by_id(session, vms, rule).values())


def refusals_by_id(session: Session, vms: Sequence[Vm], rule: PowerRule) -> dict[str, Finding]:
    """Return why machines may not be taken down under the rule, by their Ids.

    One question for all of them, none where none may.
    """
    services = read_services(session, vms_source([vm.id for vm in vms])) if vms and rule.restart else ()
    own = {vm.id: tuple(item for item in services if item.vm_id == vm.id) for vm in vms}
    return {vm.id: finding for vm in vms if (finding := refusal(vm, rule, own[vm.id])) is not None}


T = TypeVar("T")


@contextmanager
def powered_off(session: Session, vm: Vm, rule: PowerRule, *, clock: Clock = SYSTEM_CLOCK) -> Iterator[bool]:
    """Have a machine off within the block, and as it was before after it. Gives whether it is started afterwards.

    It is stopped through its guest; its power is cut only where ``rule.force`` says so. After the block it is started
    again, and its heartbeat awaited where it had one. When the block fails, it is started all the same, and the
    failure says so (``details["started_again"]``, ``changed``). Raises NotPossible where the rule forbids it.

    That it is to be started again stands in its notes until it is seen to run: a machine that a killed run left off,
    or one that went down after its link was lost, is started after the block too, where the rule allows restarts.
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
        forget_restart(session, vm.id)
        raise
    start(session, vm, rule, clock=clock)


def forget_restart(session: Session, vm_id: str) -> bool:
    """Take the note that a machine is to be started again away where it is seen to run; return whether it is gone.

    Raises nothing of the family: what can't be read or written keeps its note.
    """
    with suppress(MobilityError):
        now = find_vm(session, vm_id)
        if now is not None and now.state == VmState.RUNNING:
            _drop_note(session, now)
            return True
    return False


def _drop_note(session: Session, vm: Vm, *, changed: bool = False) -> None:
    if RESTART_MARK in vm.notes:
        send(session, _notes(vm, marked=False), changed=changed)


def _take_down(session: Session, vm: Vm, rule: PowerRule, clock: Clock) -> None:
    """Note that the machine is to run, then stop it.

    The note goes only where the machine refused at once and is seen to run. After a lost link or a time-out its guest
    may still go down; so it may where the note of an earlier try stands there already.
    """
    send(session, _notes(vm, marked=True))
    try:
        stop(session, vm, rule, clock=clock)
    except MobilityError as problem:
        refused = isinstance(problem, RemoteError) and not problem.changed and RESTART_MARK not in vm.notes
        if not (refused and forget_restart(session, vm.id)):
            problem.changed = True
            problem.msg += "; a line in its notes has the next run start it, should it go down"
        raise


def _notes(vm: Vm, *, marked: bool) -> Pipeline:
    own = vm.notes.replace(RESTART_MARK, "").rstrip()
    return _live(vm) | change("Set-VM", Notes=f"{own}\n{RESTART_MARK}".lstrip() if marked else own)


def stop(session: Session, vm: Vm, rule: PowerRule, *, clock: Clock = SYSTEM_CLOCK) -> None:
    """Shut a running machine down through its guest and wait until it is off.

    Without ``rule.force`` Stop-VM goes out without -Force: a guest that is locked refuses then, and where a guest does
    not answer the cmdlet asks the user, which fails in a remote session (field errors); that is the refusal wanted
    here. With ``rule.force`` it goes out with -Force, which shuts such guests down in order, again and again until the
    deadline; only then is the power cut.

    Raises RemoteError where the guest refuses, TimedOut where it does not go down in time, ConnectionLost where that
    can't be seen; the last two leave open whether it still goes down.
    """
    deadline = Deadline(rule.shutdown_seconds, clock)
    while True:
        problem = _ask_guest(session, vm, rule, deadline)
        state = _patiently(lambda: _state(session, vm), deadline)
        if not isinstance(problem, RemoteError) or state in (VmState.STOPPING, VmState.OFF):
            state = _await_off(session, vm, deadline)
        if state == VmState.OFF:
            return
        if deadline.passed or not rule.force:
            break
        clock.sleep(min(_ASK_AGAIN_SECONDS, deadline.remaining))
    if rule.force:
        session.invoke(_live(vm) | command("Stop-VM", TurnOff=ON, Force=ON), timeout_seconds=_TURN_OFF_SECONDS)
        state = _await_off(session, vm, Deadline(_TURN_OFF_SECONDS, clock))
        if state == VmState.OFF:
            return
    raise _not_down(vm, rule, state, problem, deadline.elapsed)


def _ask_guest(session: Session, vm: Vm, rule: PowerRule, deadline: Deadline) -> MobilityError | None:
    """Tell the guest to shut down; return what came instead of an end, None where the command ended well."""
    asked = _live(vm) | command("Stop-VM", Force=ON if rule.force else None)
    try:
        reply = session.invoke(asked, timeout_seconds=max(deadline.remaining, _POLL_SECONDS))[0]
    except AuthenticationFailed:
        raise
    except (ConnectionLost, TimedOut) as unknown:
        return unknown
    return reply.errors[0].as_error() if reply.errors else None


def _not_down(vm: Vm, rule: PowerRule, state: str, problem: MobilityError | None, waited: float) -> MobilityError:
    who, last = f"{vm.name} ({vm.id})", f"its state is {state}"
    hint = "" if rule.force else f"; shut it down from inside, or set {rule.force_option} to allow cutting its power"
    going = state == VmState.STOPPING
    if going:
        hint += "; it may still go down by itself: run again then"
    if isinstance(problem, RemoteError) and not going:
        details = {**problem.details, "last_seen": state, "reason": problem.msg}
        return RemoteError(f"{who} could not be shut down ({problem.msg}); {last}{hint}", **details)
    text = f"{who} did not shut down within {waited:.0f} seconds; {last}{hint}"
    if isinstance(problem, ConnectionLost):
        return ConnectionLost(f"{text}; {problem.msg}", changed=True, **problem.details)
    return TimedOut(text, changed=going, last_seen=state, **_reason(problem))


def _reason(problem: MobilityError | None) -> dict[str, str]:
    return {} if problem is None else {"reason": problem.msg}


def _patiently(work: Callable[[], T], deadline: Deadline) -> T:
    """Return what the work gives, over lost links until the deadline. For work that may be done twice."""
    while True:
        try:
            return work()
        except AuthenticationFailed:
            raise
        except ConnectionLost:
            if deadline.passed:
                raise
            deadline.clock.sleep(min(_POLL_SECONDS, deadline.remaining))


def _await_off(session: Session, vm: Vm, deadline: Deadline) -> str:
    """Return the last state seen: Off, or another one at the deadline."""

    def state() -> str:
        return _patiently(lambda: _state(session, vm), deadline)

    try:
        wait_until(lambda: state() == VmState.OFF, what=f"{vm.name} off", deadline=deadline, interval=_POLL_SECONDS)
    except TimedOut:
        return state()
    return VmState.OFF.value


def start(session: Session, vm: Vm, rule: PowerRule, *, clock: Clock = SYSTEM_CLOCK) -> None:
    """Start a machine, wait until it runs, and for its heartbeat where it had one when ``vm`` was read.

    As soon as it is seen to run, the note that it is to be started again goes: from then on its owner decides. Raises
    RemoteError, TimedOut or ConnectionLost, always with ``changed``.
    """
    deadline = Deadline(rule.heartbeat_seconds, clock)
    try:
        for reply in _patiently(lambda: session.invoke(*_start(vm)), deadline):
            reply.check(changed=True)
        _drop_note(session, _await_state(session, vm, deadline, heartbeat=False), changed=True)
        if vm.heartbeat in _ANSWERING:
            _await_state(session, vm, deadline, heartbeat=True)
    except (TimedOut, ConnectionLost) as problem:
        problem.changed = True
        raise


def _await_state(session: Session, vm: Vm, deadline: Deadline, *, heartbeat: bool) -> Vm:
    """Return the machine once it runs, and its guest answers where that is asked for; TimedOut says what it does."""
    seen = ["unknown"]

    def arrived() -> Vm | None:
        now = _patiently(lambda: get_vm(session, vm.id), deadline)
        seen[0] = f"{now.state}, heartbeat {now.heartbeat}"
        there = now.state == VmState.RUNNING and (not heartbeat or now.heartbeat in _ANSWERING)
        return now if there else None

    what = f"{vm.name} ({vm.id}) running{' with a heartbeat' if heartbeat else ''}"
    return wait_until(arrived, what=what, deadline=deadline, interval=_POLL_SECONDS, last_seen=lambda: seen[0])


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
        reason = errors[0].message or errors[0].error_id if errors else ""
        details["started_again"] = not errors
    except MobilityError as second:
        details["started_again"], reason = False, second.msg
    if details["started_again"]:
        forget_restart(session, vm.id)
        outcome = "was started again"
    else:
        outcome = f"is off and could not be started again: {reason}; run again to have it started"
    problem.details, problem.changed = details, True
    problem.msg = f"{problem.msg}; {vm.name} ({vm.id}) {outcome}"
