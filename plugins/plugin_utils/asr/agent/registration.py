# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registers the agent with its server, or takes it off; the state decides, never the exit code alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...errors import MobilityError, NotFound
from ...operation import Outcome, carry_out
from ...waiting import SYSTEM_CLOCK, Clock, Deadline
from ..recognise import recognise
from .install import machine_of, settled
from .machine import vendor_failed
from .registration_plan import (
    NOTHING_TO_DO_THERE,
    REPLACE,
    UNREGISTER,
    RegistrationPlan,
    WantedRegistration,
    parse_request,
    plan,
)

if TYPE_CHECKING:
    from ...operation import Request
    from .machine import AgentMachine
    from .state import AgentState


def operate(request: Request, *, clock: Clock = SYSTEM_CLOCK) -> Outcome:
    """Bring the registration to the state that is asked."""
    system = "linux" if request.sessions.kind == "posix" else "windows"
    wanted = parse_request(request.arguments, system)
    machine = machine_of(request, clock=clock)
    deadline = Deadline(wanted.timeout_seconds, clock)
    reading = settled(machine, request, deadline)
    config = _files(machine, wanted, reading.state, request.host)
    decided = plan(reading.state, wanted, config, request.host)
    values = {"action": decided.action, "agent": reading.state.as_plain(), "findings": []}
    outcome = carry_out(decided, lambda due: _apply(machine, due, request.host, deadline), request, values)
    warnings: tuple[str, ...] = ()
    if decided.action == NOTHING_TO_DO_THERE:
        warnings = ("the machine was failed over to Azure: its configurator does nothing there, and nothing was run",)
    return Outcome(changed=outcome.changed, values=outcome.values, diff=outcome.diff, warnings=warnings)


def _files(machine: AgentMachine, wanted: WantedRegistration, state: AgentState, host: str) -> str | None:
    """Return the config's text, where one is asked; NotFound for a file that isn't on the machine."""
    if wanted.config is not None:
        return wanted.config.text
    path = wanted.config_file or wanted.passphrase_path
    if path is None or not state.installed:
        return None
    text = machine.read_text(path) if wanted.config_file is not None else None
    if text is None and (wanted.config_file is not None or not machine.has_file(path)):
        hint = "; a session without delegated credentials reaches no share" if path.startswith("\\\\") else ""
        raise NotFound(f"{host}: there is no file {path}, or it can't be read{hint}", path=path)
    return text


def _apply(machine: AgentMachine, decided: RegistrationPlan, host: str, deadline: Deadline) -> dict[str, Any]:
    if decided.action == REPLACE:
        _attempt(machine, replace(decided, action=UNREGISTER), host, deadline)
    return _attempt(machine, decided, host, deadline)


def _attempt(machine: AgentMachine, decided: RegistrationPlan, host: str, deadline: Deadline) -> dict[str, Any]:
    before, removing = decided.before, decided.action == UNREGISTER
    attempt = machine.configure(decided, None if removing else decided.wanted.secret, deadline)
    try:
        after = machine.read().state
    except MobilityError as lost:
        lost.changed = True
        raise
    told = recognise(
        machine.system,
        attempt.program,
        attempt.exit_code,
        attempt.errors_json,
        "\n".join(attempt.log_tail),
        before.version,
    )
    missing = _missing(decided, after)
    if told.outcome == "failed" or missing:
        what = f"{told.summary}, but {missing}" if missing and told.outcome != "failed" else ""
        raise vendor_failed(host, attempt, told, before, after, what=what)
    return {
        "agent": after.as_plain(),
        "exit_code": attempt.exit_code,
        "log_path": attempt.log_path,
        "findings": [item.as_plain() for item in told.findings],
    }


def _missing(decided: RegistrationPlan, after: AgentState) -> str:
    """Return what the state lacks of what was to be reached; empty where nothing does."""
    if decided.action == UNREGISTER:
        return "the agent is still registered" if after.registered else ""
    if not after.registered:
        return f"the agent is not registered (its status: {after.configuration_status or 'none'})"
    if decided.server is not None and after.server is not None and not after.server.is_same(decided.server):
        return f"the agent is registered with {after.server}"
    return ""
