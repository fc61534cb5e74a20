# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key-value pairs that a guest gives its host: Msvm_KvpExchangeComponent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from ..powershell.values import TypedArray, UInt16
from . import messages
from .cim import VIRTUALIZATION, CimInstance, provide
from .guest import OUTDATED
from .integration import INTEGRATION_SERVICES

if TYPE_CHECKING:
    from ..powershell.values import EnumValue
    from .host import Host
    from .vm import VM

NAME = "Msvm_KvpExchangeComponent"
BUILDS = {
    "2008R2": "6.1.7601",
    "2012": "6.2.9200",
    "2012R2": "6.3.9600",
    "2016": "10.0.14393",
    "2019": "10.0.17763",
    "2022": "10.0.20348",
    "2025": "10.0.26100",
}
"""Version and build of Windows in a guest."""
LINUX_SERVICES = "4.1"
"""What the daemon of a Linux guest calls its version (assumed)."""


def status_of(vm: VM) -> list[EnumValue]:
    """Return the operational status of the component, none while the machine is off."""
    service = next(service for service in vm.services() if service.key == "kvp")
    return list(service.operational_status)


def _item(name: str, data: str) -> str:
    """Return one pair as the embedded Msvm_KvpExchangeDataItem that WMI shows (source 2: the guest's own)."""
    values = {"Caption": "", "Data": data, "Description": "", "ElementName": "", "InstanceID": "", "Name": name}
    inherited = {"Caption", "Description", "ElementName", "InstanceID"}
    parts = []
    for key, value in values.items():
        origin = ' PROPAGATED="true"' if key in inherited else ""
        content = f"<VALUE>{escape(value)}</VALUE>" if value else ""
        parts.append(f'<PROPERTY NAME="{key}"{origin} TYPE="string">{content}</PROPERTY>')
    source = '<PROPERTY NAME="Source" TYPE="uint16"><VALUE>2</VALUE></PROPERTY>'
    return f'<INSTANCE CLASSNAME="Msvm_KvpExchangeDataItem">{"".join(parts)}{source}</INSTANCE>'


def pairs(vm: VM) -> dict[str, str]:
    """Return what the guest tells of itself now; nothing while it exchanges no pairs."""
    if not vm.exchanges_pairs:
        return {}
    known = _windows_pairs(vm) if vm.guest.system == "windows" else _linux_pairs(vm)
    every = [str(address) for adapter in vm.adapters for address in adapter.ip_addresses]
    return {
        "FullyQualifiedDomainName": vm.name,
        **known,
        "NetworkAddressIPv4": ";".join(address for address in every if ":" not in address),
        "NetworkAddressIPv6": ";".join(address for address in every if ":" in address),
    }


def _windows_pairs(vm: VM) -> dict[str, str]:
    edition = vm.guest.version or "2022"
    version = BUILDS.get(edition, BUILDS["2022"])
    title = edition.replace("R2", " R2")
    behind = vm.guest.state_of("kvp") == OUTDATED
    return {
        "OSName": f"Windows Server {title} Standard",
        "OSVersion": version,
        "OSMajorVersion": version.split(".")[0],
        "OSMinorVersion": version.split(".")[1],
        "OSBuildNumber": version.split(".")[2],
        "OSPlatformId": "2",
        "ProductType": "3",
        "ProcessorArchitecture": "9",
        "IntegrationServicesVersion": "6.2.9200.16384" if behind else f"{version}.1",
    }


def _linux_pairs(vm: VM) -> dict[str, str]:
    """Return what the daemon sends: its OSVersion is the kernel's, the distribution's is OSMajorVersion."""
    name, _blank, version = (vm.guest.version or "Ubuntu 22.04").partition(" ")
    kernel = vm.guest.kernel or "5.15.0-100-generic"
    return {
        "OSName": name,
        "OSVersion": kernel.partition("-")[0],
        "OSBuildNumber": kernel,
        "OSMajorVersion": version,
        "OSMinorVersion": "",
        "ProcessorArchitecture": "x86_64",
        "IntegrationServicesVersion": LINUX_SERVICES,
    }


@provide(VIRTUALIZATION, NAME)
def _components(host: Host) -> list[CimInstance]:
    return [_component(host, vm) for vm in list(host.vms.values())]


def _component(host: Host, vm: VM) -> CimInstance:
    """Return the component of one machine; SystemName is the machine's Id, as in every class of a system's devices."""
    identifier = str(vm.id).upper()
    items = [_item(name, data) for name, data in pairs(vm).items()]
    title = messages.text(host.language, "service_kvp")
    values: dict[str, Any] = {
        "DeviceID": f"Microsoft:{identifier}\\{INTEGRATION_SERVICES['kvp']}",
        "SystemName": identifier,
        "SystemCreationClassName": "Msvm_ComputerSystem",
        "CreationClassName": NAME,
        "Caption": title,
        "ElementName": title,
        "EnabledState": UInt16(2 if "kvp" in vm.services_enabled else 3),
        "OperationalStatus": TypedArray("System.UInt16", [UInt16(status.number) for status in status_of(vm)]),
        "GuestExchangeItems": TypedArray("System.String", []),
        "GuestIntrinsicExchangeItems": TypedArray("System.String", items),
    }
    return CimInstance(VIRTUALIZATION, NAME, values, subject=vm)
