# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether and how the agent is to be installed, upgraded or removed: a decision over its state. No input or output."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from ...errors import NotPossible
from ...findings import Finding, Severity
from ...operation import Diff
from .install_request import ABSENT, PRESENT, Wanted, stack_for
from .state import CLASSIC, MODERNIZED, AgentState
from .versions import TELLS_STACK, compare, shown, too_far

if TYPE_CHECKING:
    from .install_request import Source

NONE, INSTALL, UPGRADE, FINISH, CONVERT, REMOVE = "none", "install", "upgrade", "finish", "convert", "remove"
_MASTER_TARGET: Final = ("mt", "mastertarget")
"""What an agent's settings may call that role: the words of setup, of today and of older pages (facts, section 9)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallPlan:
    """What is to be done; ``action`` is one of the words above. The rest matters only where setup is run."""

    action: str = NONE
    before: AgentState
    source: Source | None = None
    version: tuple[int, ...] = ()
    stack: str = CLASSIC
    platform: str = "VmWare"
    install_directory: str | None = None
    tells_stack: bool = False
    sha256: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything is to be done."""
        return self.action != NONE

    @property
    def is_upgrade(self) -> bool:
        """Whether setup finds an older agent of the same stack."""
        return self.action == UPGRADE

    @property
    def converts(self) -> bool:
        """Whether a classic agent becomes a modernized one."""
        return self.action == CONVERT

    def diff(self) -> Diff:
        """Return the agent before and after."""
        now = self.before
        before: dict[str, Any] = {"installed": now.installed, "version": _text(now.version), "stack": now.stack}
        if not self.changed:
            return Diff(before=before, after=dict(before))
        if self.action == REMOVE:
            return Diff(before=before, after={"installed": False, "version": None, "stack": None})
        after: dict[str, Any] = {"installed": True, "version": shown(self.version), "stack": self.stack}
        if self.action == FINISH:
            before["post_install_finished"], after["post_install_finished"] = now.post_install_finished, True
        return Diff(before=before, after=after)


def _text(version: tuple[int, ...] | None) -> str | None:
    return shown(version) if version else None


def plan(state: AgentState, wanted: Wanted, host: str) -> InstallPlan:
    """Return what to do. Raises NotPossible, which names the obstacle and the way round it."""
    if wanted.state == ABSENT:
        return InstallPlan(action=REMOVE if state.installed else NONE, before=state)
    action = _action(state, wanted, host)
    decided = InstallPlan(action=action, before=state)
    if action == NONE:
        return decided
    if wanted.source is None or wanted.version is None:
        what = "its installation was not finished" if state.installed else "the agent is not installed"
        raise _refused(
            "source_missing", host, what, "give source (or local_path on Linux): where the installer is", host=host
        )
    _check_platform(state, wanted, host)
    _check_system(state, wanted, host)
    stack = _stack(action, state, wanted, host)
    return replace(
        decided,
        source=wanted.source,
        version=wanted.version,
        stack=stack,
        platform=wanted.platform,
        install_directory=None if state.installed else wanted.install_directory,
        # Without its stack setup starts as a classic one (facts, section 8), whatever is installed.
        tells_stack=wanted.version >= TELLS_STACK or wanted.stack is not None or state.stack == MODERNIZED,
        sha256=wanted.sha256,
        warnings=_warnings(state, wanted),
    )


def _action(state: AgentState, wanted: Wanted, host: str) -> str:
    if not state.installed:
        return INSTALL
    _check_unchangeable(state, wanted, host)
    if wanted.stack == MODERNIZED and state.stack == CLASSIC:
        return _conversion(state, wanted, host)
    order = _order(state, wanted, host)
    if order < 0:
        return UPGRADE
    if state.post_install_finished is not False:
        return NONE
    if order > 0:
        raise _downgrade(state, wanted, host)
    return FINISH


def _stack(action: str, state: AgentState, wanted: Wanted, host: str) -> str:
    """Return the stack to install. A machine that does not tell its agent's is taken to have its version's default.

    Raises NotPossible for an upgrade where that would be a guess between two stacks.
    """
    told = wanted.stack or state.stack
    if told is None and action == UPGRADE and (state.version is None or state.version >= TELLS_STACK):
        raise _refused(
            "stack_unknown",
            "agent",
            "the installed agent does not tell whether it is a classic or a modernized one",
            "give stack as it is: setup would take an upgrade of the other one for a change of the stack",
            host=host,
        )
    return told or stack_for(None, None, state.version or wanted.version or ())


def _order(state: AgentState, wanted: Wanted, host: str) -> int:
    """Return how the installed version stands to the wanted one: above 0 where a newer one will do.

    Raises NotPossible for a downgrade and for too long a way.
    """
    if wanted.version is None or (wanted.state == PRESENT and not wanted.version_is_told):
        return 0  # any version will do
    if state.version is None:
        return 0 if wanted.state == PRESENT and not wanted.version_is_told else -1
    order = compare(state.version, wanted.version)
    if order > 0 and wanted.state != PRESENT:
        raise _downgrade(state, wanted, host)
    first = too_far(state.version, wanted.version)
    if first is not None:
        raise _refused(
            "agent_upgrade_too_far",
            "agent",
            f"{shown(state.version)} is installed and {shown(wanted.version)} is asked: more than four versions",
            f"upgrade to {first[0]}.{first[1]} or an earlier one first, restart, then go on (published: N-4)",
            host=host,
        )
    return order


def _downgrade(state: AgentState, wanted: Wanted, host: str) -> NotPossible:
    return _refused(
        "agent_downgrade",
        "agent",
        f"{shown(state.version or ())} is installed and {shown(wanted.version or ())} is asked",
        "setup does not go back (exit code 15): keep the newer agent, or remove it first with state: absent",
        host=host,
    )


def _conversion(state: AgentState, wanted: Wanted, host: str) -> str:
    if wanted.version is None or wanted.version < TELLS_STACK:
        raise _refused(
            "stack_change",
            "agent",
            "a classic agent is installed and stack is modernized",
            "give an installer of 9.55 or later, whose setup can change the stack",
            host=host,
        )
    if _order(state, replace(wanted, version_is_told=True), host) > 0:
        raise _downgrade(state, wanted, host)
    return CONVERT


def _check_unchangeable(state: AgentState, wanted: Wanted, host: str) -> None:
    """Raise for what setup can't change on an installed agent."""
    if wanted.stack == CLASSIC and state.stack == MODERNIZED:
        raise _refused(
            "stack_change",
            "agent",
            "a modernized agent is installed and stack is classic",
            "remove the agent first with state: absent",
            host=host,
        )
    folder = wanted.install_directory
    if folder and state.install_directory and not _same_folder(folder, state.install_directory, state.system):
        raise _refused(
            "install_directory_change",
            "agent",
            f"it is installed in {state.install_directory} and {folder} is asked",
            "setup never moves an agent: leave install_directory out, or remove the agent first",
            host=host,
        )


def _same_folder(asked: str, found: str, system: str) -> bool:
    """Compare folders; machines may tell the agent's own folder below the one that setup was told."""
    tails = ("\\agent",) if system == "windows" else ("/Vx",)
    left, right = asked.rstrip("\\/"), found.rstrip("\\/")
    for tail in tails:
        if right.lower().endswith(tail.lower()):
            right = right[: -len(tail)]
    return left.lower() == right.lower() if system == "windows" else left == right


def _check_platform(state: AgentState, wanted: Wanted, host: str) -> None:
    """Raise for what setup would refuse: another platform than the machine's or the agent's, a master target."""
    if wanted.platform == "Azure" and not state.in_azure:
        raise _refused(
            "platform_mismatch",
            "platform",
            f"platform is Azure, but the chassis asset tag {state.asset_tag!r} is not that of an Azure machine",
            "use platform: VmWare, which physical machines and those of other clouds take too",
            host=host,
        )
    if state.platform and state.platform.lower() != wanted.platform.lower():
        raise _refused(
            "platform_change",
            "agent",
            f"it is installed with platform {state.platform}, asked is {wanted.platform}",
            f"setup can't change it (exit code 76): give platform: {state.platform}, or remove the agent first",
            host=host,
        )
    if (state.role or "").lower() in _MASTER_TARGET:
        raise _refused(
            "role_change",
            "agent",
            f"it is installed with role {state.role}: the machine is a master target",
            "setup can't make it a protected machine (exit code 75): upgrade a master target by hand",
            host=host,
        )


def _check_system(state: AgentState, wanted: Wanted, host: str) -> None:
    """Raise where the file's name says that it is for another system."""
    if wanted.os_id is None:
        return
    mine = "Windows" if state.system == "windows" else state.os_id
    if mine is not None and wanted.os_id.lower() != mine.lower():
        name = wanted.source.file_name if wanted.source else ""
        raise _refused(
            "installer_for_another_system",
            name,
            f"it is for {wanted.os_id} and the machine is {mine}",
            f"give the installer whose name has {mine}",
            host=host,
        )


def _warnings(state: AgentState, wanted: Wanted) -> tuple[str, ...]:
    found = []
    if wanted.platform == "VmWare" and state.in_azure:
        found.append("the machine is in Azure and is installed as a physical one (platform: VmWare)")
    if state.pending_reboot:
        found.append(f"a restart is pending ({', '.join(state.pending_reboot)}): setup may refuse with exit code 62")
    return tuple(found)


def _refused(finding_id: str, subject: str, evidence: str, remedy: str, *, host: str) -> NotPossible:
    finding = Finding(id=finding_id, severity=Severity.BLOCKING, subject=subject, evidence=evidence, remedy=remedy)
    return NotPossible(f"{host}: {evidence}; {remedy}", findings=[finding])
