# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at both hosts while moves run: who is where, which jobs run, how many slots are taken."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...session.command import command, select
from ..slots import MOVES, STORAGE_MOVES, Job, Load, moving_ids, moving_storage_ids
from .decide import MIGRATING, Presence, Seen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...session.command import Pipeline
    from ...session.protocol import Session
    from ...session.reply import Reply

VIRTUALIZATION = "root/virtualization/v2"
_VM = ("Id", "Name", "State", "PrimaryOperationalStatus", "SecondaryOperationalStatus", "OperationalStatus")
_JOB = ("VirtualSystemName", "JobType", "JobState", "PercentComplete", "DestinationHost", "Owner", "ErrorCode")
_HOST = (
    "Name", "ComputerName", "FullyQualifiedDomainName", "VirtualMachineMigrationEnabled",
    "VirtualMachineMigrationAuthenticationType", "MaximumVirtualMachineMigrations", "MaximumStorageMigrations",
    "VirtualMachinePath", "VirtualHardDiskPath", "SupportedVmVersions",
)  # fmt: skip
_OPERATIONAL = {
    2: "Ok", 11: "InService", 32768: "CreatingSnapshot", 32769: "ApplyingSnapshot", 32770: "DeletingSnapshot",
    32772: "MergingDisks", 32773: "ExportingVirtualMachine", 32774: "MigratingVirtualMachine",
    32776: "BackingUpVirtualMachine", 32778: "StorageMigrationPhaseOne", 32779: "StorageMigrationPhaseTwo",
    32780: "MigratingPlannedVm", 32781: "CheckingCompatibility",
}  # fmt: skip
"""Numbers of operational statuses in CIM (facts, 5.1)."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A VM as an inventory shows it."""

    id: str
    name: str
    seen: Seen


@dataclass(frozen=True, kw_only=True)
class HostLook:
    """What one host says at one moment. ``whole`` is False when its inventory can't be trusted to be complete."""

    machines: Mapping[str, Machine] = field(default_factory=dict)
    planned: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Id of a planned VM -> its operational statuses."""
    jobs: tuple[Job, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The members of Get-VMHost, as they came."""
    whole: bool = True
    doubt: str = ""
    """Why the inventory is not trusted."""
    service: str | None = None
    """Status of the Virtual Machine Management service; None where it could not be read."""

    @property
    def service_stopped(self) -> bool:
        """Whether the service that knows the VMs does not run: a host then shows none, or errors."""
        return self.service not in {None, "Running"}

    @property
    def load(self) -> Load:
        """Return what takes this host's slots: jobs, VMs that show a move, and planned VMs that are moved to."""
        shown = {m.id for m in self.machines.values() if m.seen.is_migrating}
        arriving = {vm_id for vm_id, statuses in self.planned.items() if statuses & MIGRATING}
        return Load(
            moves_limit=int(self.settings.get("MaximumVirtualMachineMigrations") or 0),
            storage_limit=int(self.settings.get("MaximumStorageMigrations") or 0),
            moving=moving_ids(self.jobs) | shown | arriving,
            moving_storage=moving_storage_ids(self.jobs),
        )

    def others_move(self, ours: Collection[str]) -> bool:
        """Whether VMs that are not ours are moved here, or were within minutes: their jobs stay listed (facts, 3.9)."""
        listed = {job.vm_id for job in self.jobs if job.job_type in MOVES | STORAGE_MOVES}
        return not (self.load.moving | listed) <= set(ours)

    @property
    def windows_name(self) -> str:
        """Return the host's name as Windows knows it: fully qualified where it is in a domain.

        FullyQualifiedDomainName is the domain alone on some builds, and the host's whole name on others.
        """
        domain = str(self.settings.get("FullyQualifiedDomainName") or "")
        name = str(self.settings.get("ComputerName") or self.settings.get("Name") or "")
        if "." not in domain or "." in name:
            return name or domain
        return domain if domain.lower().startswith(name.lower() + ".") else f"{name}.{domain}"


@dataclass(frozen=True, kw_only=True)
class Look:
    """Both hosts, read one after the other: the destination first, so that a VM at hand-over is not lost from sight."""

    source: HostLook
    destination: HostLook

    def presence(self, vm_id: str) -> Presence:
        """Return where the VM is."""
        here, there = self.source.machines.get(vm_id), self.destination.machines.get(vm_id)
        return Presence(
            on_source=here.seen if here else None,
            on_destination=there.seen if there else None,
            planned=self.destination.planned.get(vm_id),
            job_runs=self.job(vm_id) is not None,
            source_whole=self.source.whole,
            destination_whole=self.destination.whole,
        )

    def job(self, vm_id: str) -> Job | None:
        """Return the running job of the VM, on whichever host it is listed: one that moves it goes before a check."""
        jobs = [job for job in (*self.source.jobs, *self.destination.jobs) if job.vm_id == vm_id and job.runs]
        return next((job for job in jobs if job.job_type in MOVES), jobs[0] if jobs else None)


def cim(class_name: str) -> Pipeline:
    """Return the question for all instances of a class of the virtualization provider."""
    return command("Get-CimInstance", Namespace=VIRTUALIZATION, ClassName=class_name)


def look_at(session: Session, *, timeout_seconds: float | None = None) -> HostLook:
    """Return what a host says, in one invocation. Errors of single questions make the look less than whole."""
    machines, host, service, jobs, planned = session.invoke(
        command("Get-VM") | select(*_VM),
        command("Get-VMHost") | select(*_HOST),
        command("Get-Service", Name="vmms") | select("Name", "Status"),
        cim("Msvm_MigrationJob") | select(*_JOB),
        cim("Msvm_PlannedComputerSystem") | select("Name", "OperationalStatus"),
        timeout_seconds=timeout_seconds,
    )
    status = service.objects[0].get("Status") if service.objects else None
    doubt = _doubt(machines, host, status, jobs, planned)
    found = [_machine(raw) for raw in machines.objects]
    return HostLook(
        machines={machine.id: machine for machine in found},
        planned={str(raw["Name"]).lower(): _statuses(raw.get("OperationalStatus")) for raw in planned.objects},
        jobs=tuple(_job(raw) for raw in jobs.objects),
        settings=host.objects[0] if host.objects else {},
        whole=not doubt,
        doubt=doubt,
        service=None if status is None else str(status),
    )


def _doubt(machines: Reply, host: Reply, status: Any, jobs: Reply, planned: Reply) -> str:
    if status not in {None, "Running"}:
        return f"the Virtual Machine Management service (vmms) is {status}"
    for reply in (machines, host, jobs, planned):
        if reply.errors:
            return reply.errors[0].error_id or f"{reply.command} failed"
        if not reply.ran:
            return f"{reply.command} did not run"
    return "" if host.objects else "Get-VMHost returned nothing"


def _machine(raw: Mapping[str, Any]) -> Machine:
    return Machine(id=str(raw["Id"]).lower(), name=str(raw["Name"]), seen=seen(raw))


def seen(raw: Mapping[str, Any]) -> Seen:
    """Return state and operational statuses from the members of a VM."""
    names = [raw.get("PrimaryOperationalStatus"), raw.get("SecondaryOperationalStatus")]
    listed = raw.get("OperationalStatus")
    names += listed if isinstance(listed, list) else [listed]
    return Seen(state=str(raw.get("State") or ""), statuses=_statuses(names))


def _statuses(values: Sequence[Any] | Any) -> frozenset[str]:
    listed = values if isinstance(values, (list, tuple)) else [values]
    return frozenset(_status(value) for value in listed if value not in {None, "", "Ok", 2})


def _status(value: Any) -> str:
    text = str(value)
    return _OPERATIONAL.get(int(text), text) if text.isdigit() else text


def _job(raw: Mapping[str, Any]) -> Job:
    return Job(
        vm_id=str(raw.get("VirtualSystemName") or "").lower(),
        job_type=int(raw.get("JobType") or 0),
        state=int(raw.get("JobState") or 0),
        percent=int(raw.get("PercentComplete") or 0),
        destination=raw.get("DestinationHost"),
        owner=str(raw.get("Owner") or ""),
        error_code=int(raw.get("ErrorCode") or 0),
    )
