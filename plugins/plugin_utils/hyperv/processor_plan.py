# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processor settings of virtual machines: what is wanted, and what has to be changed. No input or output here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import InvalidRequest
from ..findings import Finding, Severity
from ..operation import Diff
from .power import left_off

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .model import Processor, Vm


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A parameter of Set-VMProcessor; ``option`` is also the field of Processor that shows it."""

    option: str
    parameter: str
    needs_off: bool
    minimum: int | None = None
    maximum: int | None = None


SETTINGS = (
    Setting(option="compatibility_for_migration_enabled", parameter="CompatibilityForMigrationEnabled", needs_off=True),
    Setting(option="compatibility_for_migration_mode", parameter="CompatibilityForMigrationMode", needs_off=True),
    Setting(
        option="compatibility_for_older_operating_systems_enabled",
        parameter="CompatibilityForOlderOperatingSystemsEnabled",
        needs_off=True,
    ),
    Setting(option="count", parameter="Count", needs_off=True, minimum=1),
    Setting(option="hw_thread_count_per_core", parameter="HwThreadCountPerCore", needs_off=True, minimum=0),
    Setting(option="expose_virtualization_extensions", parameter="ExposeVirtualizationExtensions", needs_off=True),
    Setting(option="enable_host_resource_protection", parameter="EnableHostResourceProtection", needs_off=True),
    Setting(option="maximum_count_per_numa_node", parameter="MaximumCountPerNumaNode", needs_off=True, minimum=1),
    Setting(option="maximum_count_per_numa_socket", parameter="MaximumCountPerNumaSocket", needs_off=True, minimum=1),
    Setting(option="resource_pool_name", parameter="ResourcePoolName", needs_off=True),
    Setting(option="maximum", parameter="Maximum", needs_off=False, minimum=0, maximum=100),
    Setting(option="reserve", parameter="Reserve", needs_off=False, minimum=0, maximum=100),
    Setting(option="relative_weight", parameter="RelativeWeight", needs_off=False, minimum=1, maximum=10000),
)
"""Which settings need the machine off. The migration flag: Microsoft's page on processor compatibility (facts, 2.2), as
the feature set is fixed when the partition is made; the same holds for what else shapes the guest's processors. Limit,
reservation and weight are scheduling: Hyper-V's own dialogue and WMI's ModifyResourceSettings take them while the
machine runs. A setting that nothing is known of counts as one that needs it."""

MODE = "compatibility_for_migration_mode"
_BY_OPTION = {setting.option: setting for setting in SETTINGS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A machine and the settings of it that differ: (option, value now, value wanted)."""

    vm: Vm
    differences: tuple[tuple[str, Any, Any], ...] = ()
    resume: bool = False
    """A killed run left it off; it is to be started again."""

    @property
    def needs_off(self) -> bool:
        """Whether one of the differences can only be set while the machine is off."""
        return any(_BY_OPTION[option].needs_off for option, _now, _wanted in self.differences)

    @property
    def is_due(self) -> bool:
        """Whether anything is to be done about the machine."""
        return bool(self.differences) or self.resume

    @property
    def must_stop(self) -> bool:
        """Whether the machine has to be taken down for them."""
        return self.needs_off and not self.vm.is_off

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of Set-VMProcessor."""
        return {_BY_OPTION[option].parameter: wanted for option, _now, wanted in self.differences}

    def described(self, *, changed: bool) -> dict[str, Any]:
        """Return the result of this machine."""
        return {
            "id": self.vm.id,
            "name": self.vm.name,
            "changed": changed,
            "needs_off": self.needs_off,
            "restarted": False,
            "before": {option: now for option, now, _wanted in self.differences},
            "after": {option: wanted for option, _now, wanted in self.differences},
            "error": None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorPlan:
    """What to change, machine by machine."""

    targets: tuple[Target, ...] = ()

    @property
    def due(self) -> tuple[Target, ...]:
        """The machines that differ, or are to be started again."""
        return tuple(target for target in self.targets if target.is_due)

    @property
    def changed(self) -> bool:
        """Whether any machine differs."""
        return bool(self.due)

    def diff(self) -> Diff:
        """Return the differing settings before and after, by machine."""
        before, after = {}, {}
        for target in self.due:
            name = f"{target.vm.name} ({target.vm.id})"
            off, on = ({"state": "Off"}, {"state": "Running"}) if target.resume else ({}, {})
            before[name] = {**{option: now for option, now, _wanted in target.differences}, **off}
            after[name] = {**{option: wanted for option, _now, wanted in target.differences}, **on}
        return Diff(before=before, after=after)


def parse(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the wanted settings by option; InvalidRequest for numbers out of range, or where nothing is asked."""
    wanted = {s.option: arguments[s.option] for s in SETTINGS if arguments.get(s.option) is not None}
    if not wanted:
        raise InvalidRequest(f"no processor setting is given; give one of {', '.join(sorted(_BY_OPTION))}")
    for option, value in wanted.items():
        setting = _BY_OPTION[option]
        low, high = setting.minimum, setting.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            limits = f"{low} or more" if high is None else f"{low} to {high}"
            raise InvalidRequest(f"{option}: {value} is out of range; it must be {limits}")
    reserve, maximum = wanted.get("reserve"), wanted.get("maximum")
    if reserve is not None and maximum is not None and reserve > maximum:
        raise InvalidRequest(f"reserve: {reserve} is more than maximum: {maximum}")
    return wanted


def plan(
    vms: Sequence[Vm], processors: Mapping[str, Processor], wanted: Mapping[str, Any], *, restart: bool = False
) -> ProcessorPlan:
    """Return what differs; texts of enumerations and pools compare without case.

    ``restart`` says that machines may be restarted: one that a killed run left off is then to be started again.
    """
    return ProcessorPlan(targets=tuple(_target(vm, processors[vm.id], wanted, restart=restart) for vm in vms))


def _target(vm: Vm, processor: Processor, wanted: Mapping[str, Any], *, restart: bool) -> Target:
    differences = []
    for option, value in wanted.items():
        now = getattr(processor, option)
        if not _same(now, value):
            differences.append((option, now, value))
    return Target(vm=vm, differences=tuple(differences), resume=restart and left_off(vm))


def _same(now: Any, wanted: Any) -> bool:
    if isinstance(now, str) and isinstance(wanted, str):
        return now.lower() == wanted.lower()
    return bool(now == wanted)


def unsupported(processors: Mapping[str, Processor], wanted: Mapping[str, Any], host: str) -> list[Finding]:
    """Return a finding for each wanted setting that this host's edition does not show on any of the machines."""
    return [
        Finding(
            id="setting_not_supported",
            severity=Severity.BLOCKING,
            subject=host,
            evidence=f"Get-VMProcessor shows no {_BY_OPTION[option].parameter} there",
            remedy=f"leave out {option} for hosts of this edition of Windows Server",
        )
        for option in wanted
        if processors and all(getattr(processor, option) is None for processor in processors.values())
    ]
