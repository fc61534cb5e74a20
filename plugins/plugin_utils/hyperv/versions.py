# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration versions: which a host runs, which editions run one, and the moves and upgrades between two hosts.

A host runs a fixed list of versions; a move never changes a VM's version, and an upgrade has no way back (facts, 2.1).
"""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ..session.command import command, select
from ..session.reply import NO_SUCH_COMMAND
from .gateway_host import cim
from .gateway_reading import Question, ask
from .model_host import OperatingSystem, SupportedVersion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..session.protocol import Session

OLD: Final = ("5.0", "6.2", "7.0", "7.1")
EDITIONS: Final = {
    "2012 R2": ("5.0",),
    "2016": (*OLD, "8.0"),
    "2019": (*OLD, "8.0", "8.1", "8.2", "8.3", "9.0"),
    "2022": ("8.0", "8.1", "8.2", "8.3", "9.0", "9.1", "9.2", "9.3", "10.0"),
    "2025": ("8.0", "8.1", "8.2", "8.3", "9.0", "9.1", "9.2", "9.3", "10.0", "10.5", "11.0", "11.1", "11.2", "12.0"),
}
"""What editions of Windows Server run (facts, 2.1), for naming one that would fit; a host's own list decides."""
MOVE: Final = "move"
UPGRADE: Final = "upgrade"
_CHOOSING: Final = ("2022", "2025")
_2012_R2 = "6.3"


def key(version: str) -> tuple[int, ...]:
    """Return what orders versions; a text that is none comes first."""
    parts = version.split(".")
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostVersions:
    """What a host runs and can upgrade to. Experimental and prerelease versions are not in it."""

    host: str
    """Inventory name."""
    runs: tuple[str, ...]
    newest: str = ""
    """The default version, to which an upgrade leads; "" where the host can't upgrade (2012 R2)."""
    chooses: bool = False
    """Whether an upgrade may stop at an older version (``Update-VMVersion -TargetVersion``, 2022 and later)."""

    def upgrades(self, version: str) -> tuple[str, ...]:
        """Return the versions that a VM of this version can be brought to here, the oldest first."""
        offered = self.runs if self.chooses else (self.newest,) if self.newest else ()
        return tuple(sorted((one for one in offered if key(one) > key(version)), key=key))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a way: a move to ``host``, or an upgrade there. ``version`` is the VM's afterwards."""

    action: str
    host: str
    from_version: str
    version: str
    reason: str = ""

    def as_plain(self) -> dict[str, Any]:
        """Return the step as JSON types."""
        return {
            "action": self.action,
            "host": self.host,
            "from_version": self.from_version,
            "version": self.version,
            "one_way": self.action == UPGRADE,
            "reason": self.reason,
        }


def read_versions(session: Session) -> HostVersions:
    """Return what the session's host runs. Raises RemoteError where it does not say.

    2012 R2 has no Get-VMHostSupportedVersion and runs 5.0 alone; it is known by the system's version.
    """
    chooses = command(
        "Get-Command", Name="Update-VMVersion", Module="Hyper-V", ParameterName="TargetVersion",
        ErrorAction="SilentlyContinue",
    ) | select("Name")  # fmt: skip
    system, choice, supported = ask(
        session,
        cim("Win32_OperatingSystem", OperatingSystem),
        Question(chooses),
        Question(command("Get-VMHostSupportedVersion"), SupportedVersion),
    )
    if supported.errors and not supported.items:
        old = system.first is not None and system.first.version.startswith(_2012_R2 + ".")
        if old and supported.errors[0].error_id == NO_SUCH_COMMAND:
            return HostVersions(host=session.host, runs=EDITIONS["2012 R2"])
        supported.check()
    released = tuple(sorted((one for one in supported.items if one.is_released), key=lambda one: key(one.version)))
    default = next((one.version for one in released if one.is_default), released[-1].version if released else "")
    return HostVersions(
        host=session.host, runs=tuple(one.version for one in released), newest=default, chooses=bool(choice.items)
    )


def editions_running(version: str) -> tuple[str, ...]:
    """Return the editions of Windows Server that run a version, the oldest first."""
    return tuple(edition for edition, runs in EDITIONS.items() if version in runs)


def editions_between(version: str, wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the editions that take a VM of this version and can bring it to one of ``wanted``."""
    return tuple(
        edition
        for edition, runs in EDITIONS.items()
        if version in runs and any(one in wanted for one in _reached(edition, version))
    )


def _reached(edition: str, version: str) -> tuple[str, ...]:
    runs = EDITIONS[edition]
    newest = "" if edition == "2012 R2" else runs[-1]
    return HostVersions(host=edition, runs=runs, newest=newest, chooses=edition in _CHOOSING).upgrades(version)


_Waiting: TypeAlias = "tuple[tuple[Any, ...], int, tuple[str, str], tuple[Step, ...]]"
"""Cost, a number that no other has, (host, version), and the steps that lead there."""


def way(
    version: str, hosts: Sequence[HostVersions], *, destination: str | None = None, target: str | None = None
) -> tuple[Step, ...] | None:
    """Return the steps with the fewest moves, then the fewest upgrades; None where no way leads there.

    The VM is on the first of ``hosts``; the others may be used in between, those named first rather than later ones.
    ``destination`` is where it has to come to (None: anywhere), ``target`` the version it is to have there (None: any).
    """
    by_name = {one.host: one for one in hosts}
    order = {one.host: number for number, one in enumerate(hosts)}
    start = (hosts[0].host, version)
    counter = itertools.count()
    waiting: list[_Waiting] = [((0, 0, 0, key(version)), next(counter), start, ())]
    done: set[tuple[str, str]] = set()
    while waiting:
        cost, _number, place, steps = heapq.heappop(waiting)
        if destination in (None, place[0]) and target in (None, place[1]):
            return _with_reasons(steps, by_name, target)
        if place in done:
            continue
        done.add(place)
        for step in _next(by_name[place[0]], place[1], hosts):
            moves = step.action == MOVE
            further = (cost[0] + moves, cost[1] + (not moves), cost[2] + order[step.host] * moves, key(step.version))
            heapq.heappush(waiting, (further, next(counter), (step.host, step.version), (*steps, step)))
    return None


def _next(here: HostVersions, version: str, hosts: Sequence[HostVersions]) -> Iterator[Step]:
    for target in here.upgrades(version):
        yield Step(action=UPGRADE, host=here.host, from_version=version, version=target)
    for there in hosts:
        if there.host != here.host and version in there.runs:
            yield Step(action=MOVE, host=there.host, from_version=version, version=version)


def _with_reasons(steps: tuple[Step, ...], hosts: dict[str, HostVersions], target: str | None) -> tuple[Step, ...]:
    return tuple(
        Step(
            action=step.action,
            host=step.host,
            from_version=step.from_version,
            version=step.version,
            reason=_reason(step, steps[number + 1 :], hosts, target),
        )
        for number, step in enumerate(steps)
    )


def _reason(step: Step, later: tuple[Step, ...], hosts: dict[str, HostVersions], target: str | None) -> str:
    following = later[0] if later else None
    if step.action == MOVE:
        runs = f"{step.host} runs {step.version}"
        if following is None:
            return runs
        return f"{runs} and can upgrade it to {following.version}"
    there = next((one.host for one in later if one.action == MOVE), None)
    if there is None:
        return f"{target} is asked for" if target else "asked for"
    if step.from_version in hosts[there].runs:
        return f"{target} is asked for, and {there} runs {step.version}"
    return f"{there} does not run {step.from_version}, but {step.version}"
