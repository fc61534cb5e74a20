# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs, upgrades and removes the Mobility service agent; shows its state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import MobilityError, NotPossible
from ...operation import Outcome, carry_out
from ...waiting import SYSTEM_CLOCK, Clock, Deadline, wait_until
from ..catalogue import finding
from ..recognise import Recognised, recognise
from .install_plan import REMOVE, InstallPlan, plan
from .install_request import ABSENT, Wanted, parse_request
from .linux_machine import LinuxMachine, local_digest
from .machine import AgentMachine, Attempt, Reading, vendor_failed
from .versions import compare, shown
from .windows_machine import WindowsMachine

if TYPE_CHECKING:
    from ...operation import Request
    from .state import AgentState

_POLL_SECONDS = 10.0


def machine_of(request: Request, *, clock: Clock = SYSTEM_CLOCK) -> AgentMachine:
    """Return the machine of the task, by its connection."""
    if request.sessions.kind == "posix":
        return LinuxMachine(request.sessions.posix())
    return WindowsMachine(request.sessions, clock=clock)


def show(request: Request) -> Outcome:
    """Return the agent's state; nothing is changed, and no agent is no failure."""
    return Outcome(values={"agent": machine_of(request).read().state.as_plain()})


def operate(request: Request, *, clock: Clock = SYSTEM_CLOCK) -> Outcome:
    """Bring the agent to the state that is asked."""
    system = "linux" if request.sessions.kind == "posix" else "windows"
    wanted = parse_request(request.arguments, system)
    if wanted.source is not None and wanted.source.local_path is not None:
        local_digest(wanted.source, wanted.sha256)
    machine = machine_of(request, clock=clock)
    deadline = Deadline(wanted.timeout_seconds, clock)
    reading = settled(machine, request, deadline)
    decided = plan(reading.state, wanted, request.host)
    _check_provider(decided, wanted, request.host)
    values = {
        "action": decided.action,
        "agent": reading.state.as_plain(),
        "reboot_required": False,
        "reboot_advised": False,
        "findings": [],
    }
    outcome = carry_out(decided, lambda due: _apply(machine, due, wanted, request.host, deadline), request, values)
    advice = tuple(item["evidence"] + ": " + item["remedy"] for item in outcome.values["findings"])
    warnings = (*decided.warnings, *advice)
    return Outcome(changed=outcome.changed, values=outcome.values, diff=outcome.diff, warnings=warnings)


def settled(machine: AgentMachine, request: Request, deadline: Deadline) -> Reading:
    """Return the machine's state once no run of ours is at work there; what killed runs left is removed.

    A run whose controller is gone may still be going on there: its program ends and cleans up by itself.
    """
    reading = machine.read()
    if request.check_mode:
        return reading
    if reading.busy:
        last = [reading]

        def idle() -> bool:
            last[0] = machine.read()
            return not last[0].busy

        wait_until(
            idle,
            what=f"{request.host}: another run of this collection is at work there",
            deadline=deadline,
            interval=_POLL_SECONDS,
            last_seen=lambda: ", ".join(last[0].busy),
        )
        reading = last[0]
    machine.sweep(reading.left)
    return reading


def _apply(
    machine: AgentMachine, decided: InstallPlan, wanted: Wanted, host: str, deadline: Deadline
) -> dict[str, Any]:
    before = decided.before
    removing = decided.action == REMOVE
    attempt = machine.uninstall(before, deadline) if removing else machine.install(decided, deadline)
    try:
        after = machine.read().state
    except MobilityError as lost:
        lost.changed = True
        raise
    version = None if removing else decided.version
    told = recognise(
        machine.system, attempt.program, attempt.exit_code, attempt.errors_json, "\n".join(attempt.log_tail), version
    )
    missing = _missing(decided, after)
    if told.outcome == "failed" or missing:
        raise vendor_failed(host, attempt, told, before, after, what=_what(told, missing))
    if wanted.vss == "require" and not removing and _lacks_provider(after):
        raise vendor_failed(host, attempt, told, before, after, what="the agent is installed, its VSS provider is not")
    return _results(attempt, told, after)


def _results(attempt: Attempt, told: Recognised, after: AgentState) -> dict[str, Any]:
    return {
        "agent": after.as_plain(),
        "exit_code": attempt.exit_code,
        "log_path": attempt.log_path,
        "reboot_required": told.restart == "required",
        "reboot_advised": told.restart == "advised",
        "findings": [item.as_plain() for item in told.findings],
    }


def _missing(decided: InstallPlan, after: AgentState) -> str:
    """Return what the state lacks of what was to be reached; empty where nothing does."""
    if decided.action == REMOVE:
        return "the agent is still installed" if after.installed else ""
    if not after.installed:
        return "no agent is installed"
    if after.version is None or compare(after.version, decided.version) != 0:
        return f"the agent's version is {shown(after.version) if after.version else 'not told'}"
    if after.post_install_finished is False:
        return "its last steps are not done"
    if after.stack is not None and after.stack != decided.stack:
        return f"the agent is a {after.stack} one"
    return ""


def _what(told: Recognised, missing: str) -> str:
    return f"{told.summary}, but {missing}" if missing and told.outcome != "failed" else told.summary


def _lacks_provider(state: AgentState) -> bool:
    return state.system == "windows" and state.vss_provider is None


def _check_provider(decided: InstallPlan, wanted: Wanted, host: str) -> None:
    """Refuse where nothing is to be done and the provider that is required is not there."""
    if wanted.state == ABSENT or wanted.vss != "require" or decided.changed or not _lacks_provider(decided.before):
        return
    problem = finding(
        "vss:other", subject="Azure Site Recovery VSS Provider", evidence="its service is not there",
        remedy="install it by asr_vss_provider",
    )  # fmt: skip
    raise NotPossible(f"{host}: the agent's VSS provider is not installed; {problem.remedy}", findings=[problem])
