# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Msvm_GuestNetworkAdapterConfiguration, and the method that gives a guest addresses (facts on Hyper-V, 8).

Documented: the class's members, ``Microsoft:GuestNetwork\\<machine>\\<adapter>`` as its key (seen in public tools),
that DHCPEnabled must be there, masks and prefix lengths as texts, return values. Assumed, since no source says it:
checks before the job give 32773 and 32775, the job ends after a moment, and as failed where the guest did not apply it.
"""

from __future__ import annotations

import ipaddress
import uuid
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..powershell.values import TypedArray, UInt16, UInt32
from .accounts import may_use_hyperv
from .cim import VIRTUALIZATION, CimInstance, method, provide
from .guest import BOTH, IPV4, IPV6, IpConfiguration

if TYPE_CHECKING:
    from .devices import NetworkAdapter
    from .host import Host
    from .vm import VM

NAME = "Msvm_GuestNetworkAdapterConfiguration"
KEY = "Microsoft:GuestNetwork\\"
DONE, STARTED = 0, 4096
ACCESS_DENIED, INVALID_PARAMETER, INVALID_STATE, NOT_AVAILABLE = 32769, 32773, 32775, 32777
RUNNING, COMPLETED, EXCEPTION = 4, 7, 10
JOB_SECONDS = 2.0
_MOST_GATEWAYS = 5


@dataclass(kw_only=True)
class GuestNetworkJob:
    """The job of one call: running for a moment, then completed or failed.

    A failed one ends as an exception, or completed with an error code as moves do: every second one of a host does.
    """

    ends_at: float
    applied: bool
    failed_as: int = EXCEPTION
    identifier: str = field(default_factory=lambda: str(uuid.uuid4()).upper())

    def properties(self, now: float) -> dict[str, Any]:
        """Return the members that callers look at."""
        ended = COMPLETED if self.applied else self.failed_as
        state = RUNNING if now < self.ends_at else ended
        done = state != RUNNING
        return {
            "InstanceID": self.identifier,
            "JobState": UInt16(state),
            "ErrorCode": UInt16(INVALID_STATE if done and not self.applied else 0),
            "ErrorDescription": "",
            "PercentComplete": UInt16(100 if state == COMPLETED else 0),
        }


def guest_network_jobs(host: Host) -> list[CimInstance]:
    """Return the jobs of calls as CIM shows them."""
    now = host.fleet.clock.now()
    jobs = [job for job in list(host.jobs.values()) if isinstance(job, GuestNetworkJob)]
    return [CimInstance(VIRTUALIZATION, "Msvm_ConcreteJob", job.properties(now), subject=job) for job in jobs]


@provide(VIRTUALIZATION, NAME)
def _configurations(host: Host) -> list[CimInstance]:
    return [
        CimInstance(VIRTUALIZATION, NAME, _values(vm, adapter), subject=adapter)
        for vm in list(host.vms.values())
        for adapter in list(vm.adapters)
        if adapter.is_synthetic
    ]


def key_of(vm: VM, adapter: NetworkAdapter) -> str:
    """Return InstanceID."""
    return f"{KEY}{str(vm.id).upper()}\\{adapter.adapter_id}"


def _values(vm: VM, adapter: NetworkAdapter) -> dict[str, Any]:
    told = vm.exchanges_pairs and host_now(vm) >= adapter.settles_at
    shown = adapter.configuration if told else IpConfiguration()
    families = {ipaddress.ip_address(address).version for address in shown.addresses}
    protocol = BOTH if len(families) == 2 else IPV6 if families == {6} else IPV4
    return {
        "InstanceID": key_of(vm, adapter),
        "ProtocolIFType": UInt16(protocol if told else 0),
        "DHCPEnabled": shown.dhcp,
        "IPAddresses": TypedArray("System.String", list(shown.addresses)),
        "Subnets": TypedArray("System.String", list(shown.subnets)),
        "DefaultGateways": TypedArray("System.String", list(shown.gateways)),
        "DNSServers": TypedArray("System.String", list(shown.dns)),
        "IPAddressOrigins": TypedArray("System.UInt16", [UInt16(3 if shown.dhcp else 2) for _one in shown.addresses]),
    }


def host_now(vm: VM) -> float:
    """Return the moment of the clock."""
    return vm.host.fleet.clock.now()


@method(
    "Msvm_VirtualSystemManagementService",
    "SetGuestNetworkAdapterConfiguration",
    (("ComputerSystem", False), ("NetworkConfiguration", True)),
)
def _set(host: Host, _instance: CimInstance, arguments: dict[str, Any], identity: Any) -> dict[str, Any]:
    """Give adapters of a guest addresses: checked at once, done in a job."""
    if not may_use_hyperv(identity):
        return _answer(ACCESS_DENIED)
    vm = _machine(host, arguments.get("ComputerSystem"))
    texts = arguments.get("NetworkConfiguration")
    if vm is None or not isinstance(texts, list) or not texts:
        return _answer(INVALID_PARAMETER)
    wanted = [_parsed(vm, text) for text in texts]
    if any(one is None for one in wanted):
        return _answer(INVALID_PARAMETER)
    if vm.state != "Running":
        return _answer(INVALID_STATE)
    applied = [vm.apply_addresses(*one) for one in wanted if one is not None]
    job = GuestNetworkJob(ends_at=host.fleet.clock.now() + JOB_SECONDS, applied=all(applied))
    with host.fleet.lock:
        earlier = sum(isinstance(one, GuestNetworkJob) and not one.applied for one in host.jobs.values())
        job.failed_as = COMPLETED if earlier % 2 else EXCEPTION
        host.jobs[job.identifier] = job
    host.fleet.record("guest_addresses", vm, applied=all(applied))
    path = f'\\\\{host.name}\\root\\virtualization\\v2:Msvm_ConcreteJob.InstanceID="{job.identifier}"'
    return {"Job": path, **_answer(STARTED)}


def _answer(code: int) -> dict[str, Any]:
    return {"Job": None, "ReturnValue": UInt32(code)} if code != STARTED else {"ReturnValue": UInt32(code)}


def _machine(host: Host, reference: Any) -> VM | None:
    """Return the machine that a path or an instance names."""
    text = str(reference) if isinstance(reference, str) else str(getattr(reference, "values", {}).get("Name", ""))
    return next((vm for vm in list(host.vms.values()) if str(vm.id).lower() in text.lower()), None)


def _parsed(vm: VM, text: Any) -> tuple[NetworkAdapter, IpConfiguration] | None:
    """Return the adapter and the addresses of an embedded instance; None for what can't be."""
    try:
        values = read_instance(str(text))
        adapter = next(one for one in vm.adapters if key_of(vm, one).lower() == str(values["InstanceID"]).lower())
        configuration = IpConfiguration(
            dhcp={"true": True, "false": False}[str(values["DHCPEnabled"]).lower()],
            addresses=tuple(str(ipaddress.ip_address(one)) for one in values.get("IPAddresses", [])),
            subnets=tuple(values.get("Subnets", [])),
            gateways=tuple(str(ipaddress.ip_address(one)) for one in values.get("DefaultGateways", [])),
            dns=tuple(str(ipaddress.ip_address(one)) for one in values.get("DNSServers", [])),
            protocol=int(values.get("ProtocolIFType", BOTH)),
        )
    except (ValueError, KeyError, StopIteration, ET.ParseError):
        return None
    fits = len(configuration.addresses) == len(configuration.subnets) and len(configuration.gateways) <= _MOST_GATEWAYS
    return (adapter, configuration) if fits and configuration.protocol in (IPV4, IPV6, BOTH) else None


def read_instance(text: str) -> dict[str, Any]:
    """Return the properties of a CIM-XML instance of the class; raise ValueError or ParseError for another text."""
    root = ET.fromstring(text)  # what the product sent, in a test's process
    if root.tag != "INSTANCE" or root.get("CLASSNAME") != NAME:
        raise ValueError(text)
    found: dict[str, Any] = {}
    for part in root:
        name = str(part.get("NAME"))
        if part.tag == "PROPERTY":
            value = part.find("VALUE")
            if value is not None:
                found[name] = value.text or ""
        elif part.tag == "PROPERTY.ARRAY":
            found[name] = [value.text or "" for value in part.findall("VALUE.ARRAY/VALUE")]
        else:
            raise ValueError(part.tag)
    return found
