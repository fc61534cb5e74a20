# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the task vm_version decides: the way of each VM, and the upgrade that is due here. No input or output here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import InvalidRequest
from ..findings import Finding, Severity
from ..operation import Diff
from .power import left_off
from .versions import UPGRADE, Step, editions_between, editions_running, key, way

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .gateway import VmDetails
    from .model import Vm
    from .versions import HostVersions

NO_WAY_BACK = "an upgrade can't be taken back: hosts that don't run {version} can't take the VM any more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was asked for: where the VM has to come to, the version it is to have there, and who may help."""

    destination: str | None = None
    target: str | None = None
    via: tuple[str, ...] = ()
    upgrade: bool = False
    restart: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A VM, its way (None: there is none), and the version it is to be upgraded to here ("": none is due)."""

    vm: Vm
    steps: tuple[Step, ...] | None
    upgrade_to: str = ""
    to_newest: bool = True
    """Whether that is where an upgrade without a target leads."""
    findings: tuple[Finding, ...] = ()
    resume: bool = False
    """A killed run left it off; it is to be started again."""

    @property
    def is_due(self) -> bool:
        """Whether anything is to be done about the VM."""
        return bool(self.upgrade_to) or self.resume

    @property
    def must_stop(self) -> bool:
        """Whether it has to be taken down for it."""
        return bool(self.upgrade_to) and not self.vm.is_off

    def described(self, *, changed: bool) -> dict[str, Any]:
        """Return the result of this VM."""
        return {
            "id": self.vm.id,
            "name": self.vm.name,
            "version": self.vm.version,
            "target_version": self.steps[-1].version if self.steps else self.vm.version if self.possible else None,
            "possible": self.possible,
            "hops": [step.as_plain() for step in self.steps or ()],
            "upgraded_to": self.upgrade_to or None,
            "changed": changed,
            "restarted": False,
            "findings": [finding.as_plain() for finding in self.findings],
            "error": None,
        }

    @property
    def possible(self) -> bool:
        """Whether there is a way."""
        return self.steps is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionPlan:
    """What to upgrade, VM by VM."""

    targets: tuple[Target, ...] = ()

    @property
    def due(self) -> tuple[Target, ...]:
        """The VMs to upgrade here, or to start again."""
        return tuple(target for target in self.targets if target.is_due)

    @property
    def changed(self) -> bool:
        """Whether any VM is to be upgraded here."""
        return bool(self.due)

    def diff(self) -> Diff:
        """Return the versions before and after, by VM; what has no way back says so."""
        before: dict[str, Any] = {}
        after: dict[str, Any] = {}
        for target in self.due:
            name = f"{target.vm.name} ({target.vm.id})"
            before[name], after[name] = {}, {}
            if target.upgrade_to:
                before[name] |= {"version": target.vm.version}
                after[name] |= {"version": target.upgrade_to, "one_way": NO_WAY_BACK.format(version=target.upgrade_to)}
            if target.resume:
                before[name] |= {"state": "Off"}
                after[name] |= {"state": "Running"}
        return Diff(before=before, after=after)


def parse(arguments: Mapping[str, Any], *, host: str, inventory_hosts: Sequence[str]) -> Wish:
    """Return the wish of validated arguments; InvalidRequest for unknown hosts and texts that are no version."""
    target = arguments.get("target_version")
    parts = key(str(target)) if target is not None else ()
    if target is not None and len(parts) != _PARTS:
        raise InvalidRequest(f"target_version: {target!r} is no configuration version, such as 9.0")
    destination = arguments.get("destination_host")
    via = tuple(dict.fromkeys(str(name) for name in arguments.get("via") or ()))
    for option, name in (("destination_host", destination), *(("via", name) for name in via)):
        if name is not None and name not in inventory_hosts:
            raise InvalidRequest(f"{option}: the inventory has no host {name!r}")
    if destination == host:
        raise InvalidRequest(f"destination_host: {destination!r} is the host that the task runs on")
    return Wish(
        destination=destination,
        target=".".join(map(str, parts)) or None,
        via=tuple(name for name in via if name not in (host, destination)),
        upgrade=bool(arguments.get("upgrade")),
        restart=arguments.get("power") == "restart",
    )


_PARTS = 2


def plan(vms: Sequence[VmDetails], hosts: Sequence[HostVersions], wish: Wish) -> VersionPlan:
    """Return each VM's way and what is due here. The first of ``hosts`` is the one they are on."""
    return VersionPlan(targets=tuple(_target(details, hosts, wish) for details in vms))


def _target(details: VmDetails, hosts: Sequence[HostVersions], wish: Wish) -> Target:
    vm, here = details.vm, hosts[0]
    wanted = wish.target
    if wanted is None and wish.destination is None:
        wanted = max(here.newest or vm.version, vm.version, key=key)
    steps = way(vm.version, hosts, destination=wish.destination, target=wanted)
    if steps is None:
        return Target(vm=vm, steps=None, findings=(no_way(vm.name, vm.version, hosts, wish.destination, wanted),))
    upgrade_to = steps[0].version if wish.upgrade and steps and _upgrades_here(steps[0], here) else ""
    elsewhere = wish.upgrade and wish.destination is None and bool(steps) and not upgrade_to
    return Target(
        vm=vm,
        steps=steps,
        upgrade_to=upgrade_to,
        to_newest=upgrade_to == here.newest,
        findings=(
            *((_elsewhere(vm, steps),) if elsewhere else ()),
            *(_consequences(details, upgrade_to) if upgrade_to else ()),
        ),
        resume=wish.upgrade and wish.restart and left_off(vm),
    )


def _upgrades_here(step: Step, here: HostVersions) -> bool:
    return step.action == UPGRADE and step.host == here.host


def no_way(
    vm: str, version: str, hosts: Sequence[HostVersions], destination: str | None, target: str | None
) -> Finding:
    """Return why no way leads there, and which editions of Windows Server would open one."""
    end = next((one for one in hosts if one.host == destination), None)
    wanted = (target,) if target else end.runs if end else ()
    if all(key(one) < key(version) for one in wanted):
        remedy = f"Nothing takes a version back; {version} runs on Windows Server {_named(editions_running(version))}."
    else:
        between = editions_between(version, wanted)
        remedy = f"Name a host of Windows Server {_named(between)} in via." if between else "Choose another version."
    runs = "; ".join(f"{one.host} runs {', '.join(one.runs)}" for one in hosts)
    goal = " ".join(
        part for part in (f"to {destination}" if destination else "", f"at {target}" if target else "") if part
    )
    return Finding(
        id="no_version_hops",
        severity=Severity.BLOCKING,
        subject=vm,
        evidence=f"configuration version {version} finds no way {goal}: {runs}",
        remedy=remedy,
    )


def _named(editions: Sequence[str]) -> str:
    return " or ".join(editions) or "(none that is known)"


def _elsewhere(vm: Vm, steps: tuple[Step, ...]) -> Finding:
    step = next(step for step in steps if step.action == UPGRADE)
    return Finding(
        id="upgrade_elsewhere",
        severity=Severity.BLOCKING,
        subject=vm.name,
        evidence=f"this host can't bring configuration version {vm.version} to {steps[-1].version}; {step.host} can",
        remedy="Move the VM along its hops first, and upgrade it there.",
    )


def _consequences(details: VmDetails, version: str) -> tuple[Finding, ...]:
    """Return what an upgrade means for the VM's checkpoints and its replica."""
    found = []
    if details.checkpoints:
        names = ", ".join(checkpoint.name for checkpoint in details.checkpoints)
        found.append(
            Finding(
                id="checkpoints_keep_version",
                severity=Severity.WARNING,
                subject=details.vm.name,
                evidence=f"it has checkpoints of version {details.vm.version}: {names}",
                remedy="Delete those that are not needed before the upgrade; what becomes of them is not documented.",
            )
        )
    mode = details.replications[0].mode if details.replications else ""
    if mode not in ("", "None"):
        found.append(
            Finding(
                id="replica_needs_version",
                severity=Severity.WARNING,
                subject=details.vm.name,
                evidence=f"it is replicated (mode {mode}), and will have version {version}",
                remedy="Make sure that the other side of the replication runs this version.",
            )
        )
    return tuple(found)
