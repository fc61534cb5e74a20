# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Hyper-V role, its management tools and, where asked, the ActiveDirectory module; restarts only where allowed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import AuthenticationFailed, ConnectionLost, MobilityError, NotFound, NotPossible, RemoteError, TimedOut
from ..findings import Finding, Severity
from ..operation import Diff, Outcome, carry_out
from ..session.command import select, switch
from ..waiting import SYSTEM_CLOCK, Clock, Deadline, wait_until
from .gateway_host import cim, read_features
from .gateway_reading import ask
from .model_host import Feature, OperatingSystem
from .writing import change

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..operation import Request
    from ..session.protocol import Session

ROLE, MODULE, DIRECTORY_MODULE = "Hyper-V", "Hyper-V-PowerShell", "RSAT-AD-PowerShell"
_PENDING = "InstallPending"
_INSTALL_SECONDS = 1800.0
_POLL_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FeaturePlan:
    """Which features to install; ``pending`` ones wait for a restart only."""

    install: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    states: tuple[tuple[str, str], ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything is missing."""
        return bool(self.install or self.pending)

    def diff(self) -> Diff:
        """Return the install states before and after."""
        after = {name: "Installed" for name, _state in self.states}
        return Diff(before=dict(self.states), after=after)


def wanted_features(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the features that validated arguments ask for."""
    names = [ROLE] if arguments.get("hyper_v", True) else []
    if arguments.get("management_tools", True):
        names.append(MODULE)
    if arguments.get("active_directory_tools"):
        names.append(DIRECTORY_MODULE)
    return tuple(names)


def plan(found: Mapping[str, Feature], names: Sequence[str], *, host: str) -> FeaturePlan:
    """Return what is missing. NotFound for a feature that the host's edition does not have."""
    unknown = [name for name in names if name not in found]
    if unknown:
        raise NotFound(f"{host} has no Windows feature {', '.join(unknown)}", names=unknown)
    return FeaturePlan(
        install=tuple(name for name in names if not found[name].installed and found[name].install_state != _PENDING),
        pending=tuple(name for name in names if found[name].install_state == _PENDING),
        states=tuple((name, found[name].install_state) for name in names),
    )


def operate(request: Request, *, clock: Clock = SYSTEM_CLOCK) -> Outcome:
    """Return the outcome with ``installed``, ``reboot_required`` and ``rebooted``.

    A restart that is needed and not allowed is a failure that says so, with ``changed`` as it is.
    """
    session = request.sessions.here()
    names = wanted_features(request.arguments)
    allowed = bool(request.arguments.get("reboot"))
    decided = plan(_read(session, names), names, host=request.host)
    if decided.pending and not decided.install and not allowed:
        raise _needs_restart(request.host, decided.pending, changed=False)
    restarts = bool(decided.pending) or ROLE in decided.install  # the hypervisor starts with the machine only
    values = {
        "installed": list(decided.install),
        "reboot_required": restarts and not allowed,
        "rebooted": restarts and allowed,
    }

    def apply(due: FeaturePlan) -> dict[str, Any]:
        needed = _install(session, due.install) if due.install else False
        needed = needed or bool(due.pending)
        if needed and not allowed:
            raise _needs_restart(request.host, (*due.pending, *due.install), changed=bool(due.install))
        if needed:
            patience = float(request.arguments.get("reboot_timeout_seconds") or 900)
            _restart(session, names, Deadline(patience, clock))
        return {"reboot_required": False, "rebooted": needed}

    return carry_out(decided, apply, request, values)


def _read(session: Session, names: Sequence[str]) -> dict[str, Feature]:
    try:
        return read_features(session, names)
    except RemoteError as problem:
        finding = Finding(
            id="features_unreadable",
            severity=Severity.BLOCKING,
            subject=session.host,
            evidence=problem.msg,
            remedy="connect as an administrator to an endpoint of a Windows Server that shows Get-WindowsFeature; "
            "client editions of Windows have no ServerManager module",
        )
        raise NotPossible(f"{session.host} does not say which features it has", findings=[finding]) from problem


def _install(session: Session, names: Sequence[str]) -> bool:
    """Install and return whether a restart is needed."""
    statement = change("Install-WindowsFeature", Name=list(names), IncludeManagementTools=switch(True))
    projected = statement | select("Success", "RestartNeeded", "ExitCode")
    result = session.invoke(projected, timeout_seconds=_INSTALL_SECONDS)[0].check().one()
    if result.get("Success") is not True:
        code = result.get("ExitCode")
        raise RemoteError(f"{session.host}: installing {', '.join(names)} failed with {code}", exit_code=str(code))
    return str(result.get("RestartNeeded")).lower() in ("yes", "maybe", "true", "1", "2")


def _needs_restart(host: str, names: Sequence[str], *, changed: bool) -> NotPossible:
    finding = Finding(
        id="reboot_required",
        severity=Severity.BLOCKING,
        subject=host,
        evidence=f"{', '.join(names)} is installed and waits for a restart",
        remedy="restart the host, or set reboot: true to let this task do it",
    )
    return NotPossible(f"{host} needs a restart, which is not allowed", findings=[finding], changed=changed)


def _restart(session: Session, names: Sequence[str], deadline: Deadline) -> None:
    """Restart the host and wait until it has started anew and shows the features installed. Raises TimedOut.

    A session opens a link that was lost again by itself when it is next used.
    """
    before = _booted(session)
    with suppress(ConnectionLost):  # the host may go down before it answers
        session.invoke(change("Restart-Computer", Force=switch(True)))[0].check(changed=True)
    last = "no answer"

    def returned() -> bool:
        nonlocal last
        try:
            if _booted(session) == before:
                last = "still up since before"
                return False
            states = read_features(session, names)
        except AuthenticationFailed:
            raise  # never again with the same secret: that locks accounts
        except MobilityError as problem:
            last = problem.msg
            return False
        missing = [name for name in names if name not in states or not states[name].installed]
        last = f"started anew, without {', '.join(missing)}" if missing else "started anew"
        return not missing

    try:
        wait_until(
            returned,
            what=f"{session.host} back after its restart",
            deadline=deadline,
            interval=_POLL_SECONDS,
            last_seen=lambda: last,
        )
    except TimedOut as late:
        raise TimedOut(late.msg, changed=True, **late.details) from late


def _booted(session: Session) -> str | None:
    """Return when the host was started, as text."""
    (answer,) = ask(session, cim("Win32_OperatingSystem", OperatingSystem))
    system = answer.one()
    started: str | None = system.last_boot_up_time
    return started
