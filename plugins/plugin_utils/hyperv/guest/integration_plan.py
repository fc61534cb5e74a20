# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Integration services of virtual machines: what is wanted, and what has to be changed. No input or output here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...errors import InvalidRequest
from ...findings import Finding, Severity
from ...operation import Diff
from .exchange import GuestSystem
from .sides import SERVICE_GUIDS, SERVICE_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..gateway import VmDetails
    from ..model import DvdDrive, Vm
    from ..model_guest import Service
    from ..selection import Selection
    from .remedies import Surroundings

DISC_NAME = "vmguest.iso"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was asked for; empty reads only."""

    services: Mapping[str, bool] = field(default_factory=dict)
    """GUID of the service -> whether the host is to offer it."""
    disc: bool | None = None
    """Whether the services disc is to be in a drive; None leaves drives alone."""

    @property
    def changes_something(self) -> bool:
        """Whether anything is asked for besides reading."""
        return bool(self.services) or self.disc is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscChange:
    """A drive and what is to be in it: the path of the services disc, or None for nothing."""

    drive: DvdDrive
    path: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A machine and what differs on it."""

    vm: Vm
    switched: tuple[Service, ...] = ()
    """Services that are now as they are not wanted."""
    discs: tuple[DiscChange, ...] = ()

    @property
    def is_due(self) -> bool:
        """Whether anything is to be done about the machine."""
        return bool(self.switched or self.discs)

    def to_enable(self, *, enabled: bool) -> tuple[str, ...]:
        """Return the GUIDs of the services to be enabled, or those to be disabled."""
        return tuple(service.service_id for service in self.switched if service.enabled is not enabled)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationPlan:
    """What to change, machine by machine."""

    targets: tuple[Target, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether any machine differs."""
        return any(target.is_due for target in self.targets)

    def diff(self) -> Diff:
        """Return the differing services and drives before and after, by machine."""
        before: dict[str, dict[str, Any]] = {}
        after: dict[str, dict[str, Any]] = {}
        for target in self.targets:
            if not target.is_due:
                continue
            name = f"{target.vm.name} ({target.vm.id})"
            before[name] = {SERVICE_NAMES[service.service_id]: service.enabled for service in target.switched}
            after[name] = {SERVICE_NAMES[service.service_id]: not service.enabled for service in target.switched}
            for change in target.discs:
                before[name]["disc"], after[name]["disc"] = change.drive.path, change.path
        return Diff(before=before, after=after)


def parse(arguments: Mapping[str, Any], selection: Selection) -> Wanted:
    """Return what is wanted; InvalidRequest where something is to be changed and no machine is chosen."""
    asked = arguments.get("services") or {}
    services = {SERVICE_GUIDS[name]: bool(value) for name, value in asked.items() if value is not None}
    wanted = Wanted(services=services, disc=arguments.get("insert_services_disc"))
    if wanted.changes_something and selection.is_everything:
        raise InvalidRequest("no virtual machine is chosen: give names, ids or select")
    return wanted


def plan_target(
    details: VmDetails, wanted: Wanted, around: Surroundings, *, disc_path: str
) -> tuple[Target, tuple[Finding, ...]]:
    """Return what differs on a machine, and why something asked for can't be done there."""
    vm = details.vm
    offered = {service.service_id: service for service in details.services}
    findings = [_not_offered(vm, guid) for guid in wanted.services if guid not in offered]
    switched = tuple(
        offered[guid] for guid, on in wanted.services.items() if guid in offered and offered[guid].enabled is not on
    )
    discs: tuple[DiscChange, ...] = ()
    if wanted.disc is True:
        inserted, problem = _insert(vm, details.dvd_drives, around, disc_path)
        discs = (inserted,) if inserted is not None else ()
        findings += [problem] if problem is not None else []
    elif wanted.disc is False:
        discs = tuple(DiscChange(drive=drive, path=None) for drive in details.dvd_drives if holds_disc(drive))
    return Target(vm=vm, switched=switched, discs=discs), tuple(findings)


def holds_disc(drive: DvdDrive) -> bool:
    """Whether the services disc is in a drive."""
    return (drive.path or "").replace("/", "\\").rpartition("\\")[2].lower() == DISC_NAME


def _not_offered(vm: Vm, guid: str) -> Finding:
    return Finding(
        id="integration_service_not_offered",
        severity=Severity.BLOCKING,
        subject=f"{vm.name} ({vm.id})",
        evidence=f"Get-VMIntegrationService lists no {SERVICE_NAMES[guid]} ({guid}) for it",
        remedy=f"leave out {SERVICE_NAMES[guid]} for this VM",
    )


def _insert(
    vm: Vm, drives: Sequence[DvdDrive], around: Surroundings, disc_path: str
) -> tuple[DiscChange | None, Finding | None]:
    if any(holds_disc(drive) for drive in drives):
        return None, None
    subject = f"{vm.name} ({vm.id})"
    if around.system in (GuestSystem.LINUX, GuestSystem.FREEBSD):
        return None, Finding(
            id="services_disc_not_for_guest",
            severity=Severity.INFO,
            subject=subject,
            evidence=f"the guest is {around.system.value}; the services disc is for Windows only, and was not inserted",
            remedy="the services of this guest come with its kernel and its distribution's daemons",
        )
    if not around.has_disc:
        build = "could not be read" if around.host_build is None else f"is build {around.host_build}"
        return None, Finding(
            id="services_disc_not_on_host",
            severity=Severity.BLOCKING,
            subject=subject,
            evidence=f"the host's Windows {build}; {DISC_NAME} is on hosts before Windows Server 2016 only",
            remedy="leave out insert_services_disc: the guest's update service brings the integration components",
        )
    empty = next((drive for drive in drives if not drive.path), None)
    if empty is not None:
        return DiscChange(drive=empty, path=disc_path), None
    held = ", ".join(str(drive.path) for drive in drives)
    return None, Finding(
        id="services_disc_needs_drive",
        severity=Severity.BLOCKING,
        subject=subject,
        evidence=f"its DVD drives are not empty: {held}" if drives else "it has no DVD drive",
        remedy="take the other disc out first"
        if drives
        else "add a DVD drive to it (Add-VMDvdDrive; off for generation 1)",
    )
