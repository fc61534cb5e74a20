# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What installing and registering need of a machine, whatever its system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ...errors import RemoteError
from .folders import Found, is_left

if TYPE_CHECKING:
    from ...session.command import Secret
    from ...waiting import Deadline
    from ..catalogue import AsrFinding
    from ..recognise import Recognised
    from .install_plan import InstallPlan
    from .registration_plan import RegistrationPlan
    from .state import AgentState


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The agent's state, and the folders of ours that lie on the machine."""

    state: AgentState
    folders: tuple[Found, ...] = ()

    @property
    def left(self) -> tuple[str, ...]:
        """Names of folders that killed runs left."""
        return tuple(found.name for found in self.folders if is_left(found))

    @property
    def busy(self) -> tuple[str, ...]:
        """Names of folders that a program runs from."""
        return tuple(found.name for found in self.folders if found.is_busy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How a program of the vendor ended: what is recognised, and what a failure carries."""

    program: str
    exit_code: int
    errors_json: str | None = None
    log_path: str = ""
    log_tail: tuple[str, ...] = ()
    """The last 30 lines that this attempt wrote into the log."""
    output_tail: tuple[str, ...] = ()

    def as_plain(self) -> dict[str, Any]:
        """Return what a result or an error carries, as JSON types."""
        return {
            "program": self.program,
            "exit_code": self.exit_code,
            "log_path": self.log_path,
            "log_tail": list(self.log_tail),
            "output_tail": list(self.output_tail),
        }


class VendorFailed(RemoteError):
    """A program of the vendor failed, or the state is not what it told; ``findings`` name catalogued causes."""

    kind = "vendor_failed"

    def __init__(
        self, msg: str, *, findings: tuple[AsrFinding, ...] = (), changed: bool = False, **details: Any
    ) -> None:
        super().__init__(msg, changed=changed, **details)
        self.findings = findings


def vendor_failed(
    host: str, attempt: Attempt, told: Recognised, before: AgentState, after: AgentState, *, what: str = ""
) -> VendorFailed:
    """Return the failure of an attempt, with its code, log path, last lines, and how the machine was left."""
    changed = _essence(before) != _essence(after)
    left = "the machine is as it was" if not changed else f"the machine now has: {_words(after)}"
    said = what or told.summary
    return VendorFailed(
        f"{host}: {said}; {left}; {told.remedy}; log: {attempt.log_path}",
        findings=told.findings,
        changed=changed,
        **{**attempt.as_plain(), "reason": told.reason, "remedy": told.remedy, "names": list(told.names)},
        reboot_required=told.restart == "required",
        before=before.as_plain(),
        after=after.as_plain(),
    )


def _essence(state: AgentState) -> tuple[Any, ...]:
    return (
        state.installed,
        state.version,
        state.stack,
        state.post_install_finished,
        state.registered,
        state.configuration_status,
        state.server,
    )


def _words(state: AgentState) -> str:
    if not state.installed:
        return "no agent"
    registered = f"registered with {state.server}" if state.registered else "not registered"
    finished = ", its installation not finished" if state.post_install_finished is False else ""
    return f"agent {'.'.join(str(part) for part in state.version or ())}, {registered}{finished}"


class AgentMachine(Protocol):
    """A machine while its agent is looked at or changed."""

    @property
    def system(self) -> str:
        """Return "windows" or "linux"."""

    def read(self) -> Reading:
        """Return the agent's state."""

    def install(self, plan: InstallPlan, deadline: Deadline) -> Attempt:
        """Bring, verify, unpack and run the installer; everything brought is removed again, whatever happens."""

    def uninstall(self, state: AgentState, deadline: Deadline) -> Attempt:
        """Run the vendor's way of removing the agent."""

    def configure(self, plan: RegistrationPlan, secret: Secret | None, deadline: Deadline) -> Attempt:
        """Run the configurator as planned; ``secret`` is in a locked file while it runs, and nowhere after."""

    def read_text(self, path: str) -> str | None:
        """Return a text file of the machine, or None where it isn't there (or can't be reached)."""

    def has_file(self, path: str) -> bool:
        """Return whether a file is there and can be reached; its content stays where it is."""

    def sweep(self, names: tuple[str, ...]) -> None:
        """Remove folders of ours, as far as that goes."""
