# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as CIM shows them, and their RequestStateChange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..powershell.values import UInt32
from .accounts import may_use_hyperv
from .cim import VIRTUALIZATION, CimInstance, method, provide
from .guest_networks import guest_network_jobs
from .jobs import listed_jobs, migration_jobs, request_state_change

if TYPE_CHECKING:
    from .host import Host

NAME, CONCRETE = "Msvm_MigrationJob", "Msvm_ConcreteJob"
BASES = (CONCRETE, "CIM_ConcreteJob")
ACCESS_DENIED, INVALID_PARAMETER = 32769, 32773


@provide(VIRTUALIZATION, NAME)
def _jobs(host: Host) -> list[CimInstance]:
    return [
        CimInstance(VIRTUALIZATION, NAME, job.properties(), bases=BASES, subject=job) for job in migration_jobs(host)
    ]


@provide(VIRTUALIZATION, CONCRETE)
def _concrete(host: Host) -> list[CimInstance]:
    others = guest_network_jobs(host)
    return others + [
        CimInstance(
            VIRTUALIZATION, job.CLASS, job.properties(), bases=BASES[0 if job.CLASS == NAME else 1 :], subject=job
        )
        for job in listed_jobs(host)
    ]


@method(CONCRETE, "RequestStateChange")
@method(NAME, "RequestStateChange")
def _request(host: Host, instance: CimInstance, arguments: dict[str, Any], identity: Any) -> dict[str, Any]:
    """Terminate (4) or kill (5) a job; return values as in the facts on Hyper-V, 3.2."""
    if not may_use_hyperv(identity):
        return {"ReturnValue": UInt32(ACCESS_DENIED)}
    wanted = arguments.get("RequestedState")
    if not isinstance(wanted, int) or isinstance(wanted, bool):
        return {"ReturnValue": UInt32(INVALID_PARAMETER)}
    identifier = str(instance.values["InstanceID"])
    return {"ReturnValue": UInt32(request_state_change(host, identifier, wanted))}
