# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The provider of application-consistent points on a Windows machine: installed, repaired or removed by its scripts.

Published: the script that installs it first; the one that removes it, and then again the first, only where that fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ...errors import InvalidRequest, NotPossible
from ...findings import Finding, Severity
from ...operation import Diff, Outcome, carry_out
from ...session.command import command
from ...waiting import SYSTEM_CLOCK, Clock, Deadline
from ..recognise import Recognised, recognise, recognise_vacp
from ..windows.reading import VACP_LINES, VACP_LOG
from .machine import Attempt, VendorFailed
from .state import VSS_SERVICE
from .windows_machine import WindowsMachine, base_folder

if TYPE_CHECKING:
    from ...operation import Request
    from ...session.protocol import Sessions
    from .state import AgentState

PRESENT, ABSENT, REPAIRED = "present", "absent", "repaired"
INSTALL, UNINSTALL, ENABLE = "install", "uninstall", "enable"
SCRIPTS: Final = {INSTALL: "InMageVSSProvider_Install.cmd", UNINSTALL: "InMageVSSProvider_Uninstall.cmd"}
_DISABLED: Final = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """The provider as the machine has it: its service, and whether the system's list of providers names it."""

    service: str | None = None
    """The service's state, None where there is no such service."""
    start: str | None = None
    listed: bool = False

    @property
    def is_there(self) -> bool:
        """Whether snapshots can be made with it."""
        return self.service is not None and self.listed

    def as_plain(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return {"service": self.service, "start": self.start, "listed": self.listed}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderPlan:
    """Which steps to take."""

    before: Provider
    steps: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether there is a step."""
        return bool(self.steps)

    def diff(self) -> Diff:
        """Return the provider before and after; the scripts that are run again anyway show as such."""
        now = self.before
        before = {"service": now.service is not None, "listed": now.listed, "disabled": now.start == _DISABLED}
        if not self.steps:
            return Diff(before=before, after=before)
        wanted = UNINSTALL not in self.steps
        after = {"service": wanted, "listed": wanted, "disabled": False}
        return Diff(before=before, after=after if after != before else {**after, "repaired": True})


def plan(provider: Provider, state: str) -> ProviderPlan:
    """Return the steps to a state. ``repaired`` runs the scripts whatever the provider looks like."""
    if state == ABSENT:
        is_away = provider.service is None and not provider.listed
        return ProviderPlan(before=provider, steps=() if is_away else (UNINSTALL,))
    if state == REPAIRED or not provider.is_there:
        return ProviderPlan(before=provider, steps=(INSTALL,))
    return ProviderPlan(before=provider, steps=(ENABLE,) if provider.start == _DISABLED else ())


def operate(request: Request, *, clock: Clock = SYSTEM_CLOCK) -> Outcome:
    """Bring the provider to the state that is asked.

    Raises NotPossible (there is no agent), VendorFailed (a script failed; carries its code, its findings and the log),
    InvalidRequest on a machine that is no Windows.
    """
    if request.sessions.kind != "windows":
        raise InvalidRequest(f"{request.host}: only the agent for Windows has a VSS provider")
    deadline = Deadline(float(request.arguments["timeout_seconds"]), clock)
    hands = _Hands(request.sessions, request.host, clock)
    decided = plan(hands.provider, request.arguments["state"])
    if INSTALL in decided.steps and not hands.agent.installed:
        raise _no_agent(request.host)
    values = {"provider": hands.provider.as_plain(), "attempts": [], "findings": hands.consistency_findings()}
    return carry_out(decided, lambda due: hands.apply(due, deadline), request, values)


def _no_agent(host: str) -> NotPossible:
    finding = Finding(
        id="agent_missing",
        severity=Severity.BLOCKING,
        subject=host,
        evidence="the Mobility service is not installed",
        remedy="install it by asr_agent; its scripts come with it",
    )
    return NotPossible(f"{host} has no Mobility service, and so no scripts of its VSS provider", findings=[finding])


class _Hands:
    """Reads the machine and runs the scripts."""

    def __init__(self, sessions: Sessions, host: str, clock: Clock) -> None:
        self._sessions, self._host = sessions, host
        self._session = sessions.here()
        self._machine = WindowsMachine(sessions, clock=clock)
        self._attempts: list[dict[str, Any]] = []
        self.agent: AgentState
        self.provider: Provider
        self._read()
        self._folder = f"{base_folder(self.agent)}\\agent"

    def _read(self) -> None:
        self.agent = self._machine.read().state
        service = next((item for item in self.agent.services if item.name.lower() == VSS_SERVICE.lower()), None)
        self.provider = Provider(
            service=service.state if service else None,
            start=service.start if service else None,
            listed=self._is_listed(),
        )

    def _is_listed(self) -> bool:
        """Ask vssadmin: names of providers are the same in every language, its sentences are not."""
        done = self._sessions.programs().run("vssadmin", "list", "providers", timeout_seconds=120)
        return VSS_SERVICE.lower() in done.stdout.lower()

    def consistency_findings(self) -> list[dict[str, Any]]:
        """Return what the log of application-consistent points says of late."""
        if not self.agent.installed:
            return []
        log = self._machine.read_end(f"{self._folder}\\{VACP_LOG}", VACP_LINES)
        return [each.as_plain() for each in recognise_vacp(log)]

    def apply(self, due: ProviderPlan, deadline: Deadline) -> dict[str, Any]:
        """Take the steps, and see that they did it."""
        for step in due.steps:
            if step == INSTALL:
                self._install(deadline)
            elif step == UNINSTALL:
                self._must(self._run(UNINSTALL, deadline))
        self._enable_if_disabled(due)
        self._read()
        self._verify(due)
        return {"provider": self.provider.as_plain(), "attempts": self._attempts}

    def _install(self, deadline: Deadline) -> None:
        """Install; where that fails, remove and install again. The last attempt's failure is told."""
        if self._run(INSTALL, deadline)[1].outcome == "ok":
            return
        self._run(UNINSTALL, deadline)
        self._must(self._run(INSTALL, deadline))

    def _enable_if_disabled(self, due: ProviderPlan) -> None:
        self._read()
        if UNINSTALL not in due.steps and self.provider.start == _DISABLED:
            self._session.invoke(
                command("Set-Service", Name=VSS_SERVICE, StartupType="Automatic", ErrorAction="Stop"),
                timeout_seconds=60,
            ).check(changed=True)

    def _run(self, step: str, deadline: Deadline) -> tuple[Attempt, Recognised]:
        attempt = self._machine.attempt_script(f"{self._folder}\\{SCRIPTS[step]}", deadline)
        text = "\n".join((*attempt.log_tail, *attempt.output_tail))
        told = recognise("windows", attempt.program, attempt.exit_code, log_tail=text, agent_version=self.agent.version)
        self._attempts.append(
            {"script": SCRIPTS[step], "exit_code": attempt.exit_code, "outcome": told.outcome, "reason": told.reason}
        )
        return attempt, told

    def _must(self, done: tuple[Attempt, Recognised]) -> None:
        attempt, told = done
        if told.outcome == "ok":
            return
        raise VendorFailed(
            f"{self._host}: {told.summary}; {told.remedy}; log: {attempt.log_path}",
            findings=told.findings,
            changed=True,
            **{**attempt.as_plain(), "reason": told.reason, "remedy": told.remedy, "attempts": self._attempts},
        )

    def _verify(self, due: ProviderPlan) -> None:
        wanted = UNINSTALL not in due.steps
        gone = self.provider.service is None and not self.provider.listed
        if wanted == self.provider.is_there and (wanted or gone):
            return
        seen = f"service: {self.provider.service or 'none'}, in the list of providers: {self.provider.listed}"
        expected = "there" if wanted else "gone"
        raise VendorFailed(
            f"{self._host}: the script ended well, but the VSS provider is not {expected} ({seen})",
            changed=True,
            attempts=self._attempts,
            provider=self.provider.as_plain(),
        )
