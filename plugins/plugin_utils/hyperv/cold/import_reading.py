# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading what an import needs to know: the host, and the planned VM of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ...errors import RemoteError
from ...session.command import command, expand, select
from ..compatibility import report_vm
from ..gateway import read_details
from ..gateway_host import read_host_facts
from ..gateway_reading import Question, ask
from ..migration.look import VIRTUALIZATION, look_at
from ..model import Adapter, Disk, Vm
from ..model_guest import Security
from ..network.findings import MacPool, Neighbour
from ..slots import RUNNING_STATES
from ..versions import read_versions
from ..wire_values import whole
from .import_case import Destination, Planned

if TYPE_CHECKING:
    from ...session.protocol import Session
    from ..gateway import VmDetails

_IMPORTING: Final = (61, 140, 141)
"""Types of jobs: import, validation and realisation of a planned VM (facts, 3.9)."""


def read_destination(session: Session) -> Destination:
    """Return what the host shows. RemoteError where its VMs can't all be read: then none is known to be absent."""
    look = look_at(session)
    if not look.whole:
        raise RemoteError(
            f"{session.host}: its virtual machines could not all be read ({look.doubt}); an import decides by them",
            error_id=look.doubt,
        )
    facts, details = read_host_facts(session), read_details(session, parts=("network_adapters",))
    settings, system = facts.settings, facts.operating_system
    return Destination(
        host=session.host,
        versions=read_versions(session),
        vms=tuple(one.vm for one in details),
        neighbours=tuple(_neighbours(session.host, details)),
        planned=look.planned,
        switches=None if facts.switches is None else frozenset(switch.name for switch in facts.switches),
        processors=settings.logical_processor_count if settings else None,
        memory_free=system.free_memory if system else None,
        volumes=None
        if facts.volumes is None
        else {volume.drive_letter.upper(): volume.free_space for volume in facts.volumes if volume.drive_letter},
        machine_path=settings.virtual_machine_path if settings else "",
        disk_path=settings.virtual_hard_disk_path if settings else "",
        macs=MacPool(
            minimum=settings.mac_address_minimum if settings else "",
            maximum=settings.mac_address_maximum if settings else "",
        ),
    )


def _neighbours(host: str, details: tuple[VmDetails, ...]) -> list[Neighbour]:
    return [
        Neighbour(
            host=host,
            vm_id=one.vm.id,
            vm_name=one.vm.name,
            adapter_id=adapter.id,
            mac=adapter.mac_address,
            dynamic_mac=adapter.dynamic_mac_address,
            addresses=adapter.ip_addresses,
        )
        for one in details
        for adapter in one.adapters
    ]


def imports_run(session: Session) -> bool | None:
    """Return whether the host imports a VM now, whichever; None where its jobs can't be read.

    A planned VM that an import is making real looks like one that a killed run left behind.
    """
    (reply,) = session.invoke(
        command("Get-CimInstance", Namespace=VIRTUALIZATION, ClassName="Msvm_ConcreteJob")
        | select("JobType", "JobState")
    )
    if reply.errors or not reply.ran:
        return None
    jobs = [(whole(job.get("JobType")), whole(job.get("JobState"))) for job in reply.objects]
    return any(kind in _IMPORTING and state in RUNNING_STATES for kind, state in jobs)


def read_planned(session: Session) -> Planned:
    """Return the VM of the session's report, with its adapters and disks. Raises RemoteError where there is none."""
    machine, adapters, disks, security = ask(
        session,
        Question(report_vm(), Vm),
        Question(report_vm() | expand("NetworkAdapters"), Adapter),
        Question(report_vm() | expand("HardDrives"), Disk),
        # Last: a host without this command ends the invocation there.
        Question(report_vm() | command("Get-VMSecurity"), Security),
    )
    protection: Any = security.first
    return Planned(
        vm=machine.one(),
        adapters=adapters.check(),
        disks=disks.check(),
        has_tpm=bool(protection and protection.tpm_enabled),
    )
