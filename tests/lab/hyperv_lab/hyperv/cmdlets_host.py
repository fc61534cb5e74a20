# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cmdlets on the host: settings, migration, networks for it, versions, resource pools."""

from __future__ import annotations

from . import enums, failures
from .base import HYPERV_CLASS, HyperVCmdlet, as_list, fits, has_wildcards
from .failures import Refused
from .host import Host
from .host_objects import ResourcePool, VMHost
from .switch import MigrationNetwork, parse_subnet


class GetVMHost(HyperVCmdlet):
    """Get-VMHost."""

    NAME = "Get-VMHost"
    CLASS = HYPERV_CLASS + "GetVMHost"

    def run(self) -> None:
        """Write the host."""
        self.call.write(VMHost(self.host))


_TEXT_SETTINGS = {
    "VirtualMachinePath": "vm_path",
    "VirtualHardDiskPath": "disk_path",
    "MacAddressMinimum": "mac_minimum",
    "MacAddressMaximum": "mac_maximum",
    "FibreChannelWwnn": "wwnn",
    "FibreChannelWwpnMinimum": "wwpn_minimum",
    "FibreChannelWwpnMaximum": "wwpn_maximum",
}


class SetVMHost(HyperVCmdlet):
    """Set-VMHost."""

    NAME = "Set-VMHost"
    CLASS = HYPERV_CLASS + "SetVMHost"

    def run(self) -> None:
        """Set what is given."""
        host = self.host
        if not self.call.should_process(host.name):
            return
        for parameter in ("VirtualMachinePath", "VirtualHardDiskPath"):
            path = self.given(parameter)
            if (
                path is not None
                and (len(str(path)) < 3 or str(path)[:2].upper() not in host.storage.volumes)
                and not (str(path).startswith("\\\\"))
            ):
                raise Refused("path_missing", path=path)
        with host.fleet.lock:
            for parameter, field in _TEXT_SETTINGS.items():
                if self.bound_to(parameter):
                    setattr(host.settings, field, str(self.given(parameter)))
            self._migration(host)
            self._others(host)
        host.fleet.clock.notify()
        self.passthru(VMHost(host))

    def _migration(self, host: Host) -> None:
        migration = host.migration
        if self.bound_to("MaximumVirtualMachineMigrations"):
            migration.slots = int(self.given("MaximumVirtualMachineMigrations"))
        if self.bound_to("MaximumStorageMigrations"):
            migration.storage_slots = int(self.given("MaximumStorageMigrations"))
        if self.bound_to("UseAnyNetworkForMigration"):
            migration.any_network = bool(self.given("UseAnyNetworkForMigration"))
        if self.bound_to("VirtualMachineMigrationAuthenticationType"):
            given = self.given("VirtualMachineMigrationAuthenticationType")
            migration.authentication = enums.named("MigrationAuthenticationType", given).name
        if self.bound_to("VirtualMachineMigrationPerformanceOption"):
            given = self.given("VirtualMachineMigrationPerformanceOption")
            migration.performance = enums.named("VMMigrationPerformance", given).name

    def _others(self, host: Host) -> None:
        if self.bound_to("NumaSpanningEnabled"):
            host.settings.numa_spanning = bool(self.given("NumaSpanningEnabled"))
        if self.bound_to("EnableEnhancedSessionMode"):
            host.settings.enhanced_session = bool(self.given("EnableEnhancedSessionMode"))
        if self.bound_to("ResourceMeteringSaveInterval"):
            host.settings.metering_hours = self.given("ResourceMeteringSaveInterval").total_seconds() / 3600


class MigrationSwitch(HyperVCmdlet):
    """Enable- and Disable-VMMigration."""

    ON = True

    def run(self) -> None:
        """Switch incoming and outgoing migrations."""
        if not self.call.should_process(self.host.name):
            return
        if self.ON and not self.host.domain_joined:
            raise Refused("not_supported", what="workgroup")
        self.host.migration.enabled = self.ON
        self.host.fleet.clock.notify()
        self.passthru(VMHost(self.host))


class EnableVMMigration(MigrationSwitch):
    """Enable-VMMigration."""

    NAME = "Enable-VMMigration"
    CLASS = HYPERV_CLASS + "EnableVMMigration"


class DisableVMMigration(MigrationSwitch):
    """Disable-VMMigration."""

    NAME = "Disable-VMMigration"
    CLASS = HYPERV_CLASS + "DisableVMMigration"
    ON = False


class NetworkCmdlet(HyperVCmdlet):
    """A cmdlet on migration networks, chosen by subnet."""

    def matching(self, text: str) -> list[MigrationNetwork]:
        """Return the entries of a subnet or pattern, an error where there is none (a pattern may find none)."""
        entries = list(self.host.migration.networks)
        found = [entry for entry in entries if fits(entry.subnet_text, [text])]
        if not found and not has_wildcards(text):
            try:
                subnet = parse_subnet(text)
            except ValueError as problem:
                raise Refused("parameter", what=f"Subnet {text}") from problem
            found = [entry for entry in entries if entry.subnet == subnet]
            if not found:
                raise Refused("network_unknown", name=text)
        return found


class GetVMMigrationNetwork(NetworkCmdlet):
    """Get-VMMigrationNetwork."""

    NAME = "Get-VMMigrationNetwork"
    CLASS = HYPERV_CLASS + "GetVMMigrationNetwork"

    def run(self) -> None:
        """Write the networks, best priority first."""
        wanted = as_list(self.given("Subnet"))
        entries = [e for text in wanted for e in self.matching(str(text))] if wanted else self.host.migration.networks
        priorities = [int(p) for p in as_list(self.given("Priority"))]
        for entry in sorted(entries, key=lambda e: (e.priority is None, e.priority or 0)):
            if not priorities or entry.priority in priorities:
                self.call.write(entry)


class AddVMMigrationNetwork(NetworkCmdlet):
    """Add-VMMigrationNetwork: an existing subnet is an error."""

    NAME = "Add-VMMigrationNetwork"
    CLASS = HYPERV_CLASS + "AddVMMigrationNetwork"

    def run(self) -> None:
        """Add a network."""
        text = str(self.given("Subnet"))
        try:
            subnet = parse_subnet(text)
        except ValueError as problem:
            raise Refused("parameter", what=f"Subnet {text}") from problem
        if not self.call.should_process(text):
            return
        with self.host.fleet.lock:
            if any(entry.subnet == subnet for entry in self.host.migration.networks):
                raise Refused("network_exists", name=text)
            priority = self.given("Priority")
            entry = MigrationNetwork(self.host, subnet, None if priority is None else int(priority))
            self.host.migration.networks.append(entry)
        self.passthru(entry)


class SetVMMigrationNetwork(NetworkCmdlet):
    """Set-VMMigrationNetwork: edits an entry, and fails where there is none (facts on Hyper-V, 1.1)."""

    NAME = "Set-VMMigrationNetwork"
    CLASS = HYPERV_CLASS + "SetVMMigrationNetwork"

    def run(self) -> None:
        """Change the entries of a subnet."""
        for entry in self.matching(str(self.given("Subnet"))):
            if not self.call.should_process(entry.subnet_text):
                continue
            if self.bound_to("NewSubnet"):
                try:
                    entry.subnet = parse_subnet(str(self.given("NewSubnet")))
                except ValueError as problem:
                    raise Refused("parameter", what=f"NewSubnet {self.given('NewSubnet')}") from problem
            if self.bound_to("NewPriority"):
                entry.priority = int(self.given("NewPriority"))
            self.passthru(entry)


class RemoveVMMigrationNetwork(NetworkCmdlet):
    """Remove-VMMigrationNetwork."""

    NAME = "Remove-VMMigrationNetwork"
    CLASS = HYPERV_CLASS + "RemoveVMMigrationNetwork"

    def run(self) -> None:
        """Remove the entries of a subnet."""
        for entry in self.matching(str(self.given("Subnet"))):
            if self.call.should_process(entry.subnet_text):
                with self.host.fleet.lock:
                    self.host.migration.networks.remove(entry)
                self.passthru(entry)


class GetVMResourcePool(HyperVCmdlet):
    """Get-VMResourcePool."""

    NAME = "Get-VMResourcePool"
    CLASS = HYPERV_CLASS + "GetVMResourcePool"

    def run(self) -> None:
        """Write the pools of the names and types given."""
        names = as_list(self.given("Name"))
        for name in names:
            if not has_wildcards(name) and name.lower() != "primordial":
                self.reject("parameter", what=f"Name {name}")
        if names and not fits("Primordial", names):
            return
        kinds = [str(kind).lower() for kind in as_list(self.given("ResourcePoolType"))]
        for name in enums.ENUMERATIONS[enums.full_name("VMResourcePoolType")]:
            if not kinds or name.lower() in kinds:
                self.call.write(ResourcePool(self.host, enums.value("VMResourcePoolType", name)))


class GetVMHostCluster(HyperVCmdlet):
    """Get-VMHostCluster."""

    NAME = "Get-VMHostCluster"
    CLASS = HYPERV_CLASS + "GetVMHostCluster"

    def run(self) -> None:
        """Refuse: no cluster is simulated."""
        self.fail(failures.record(self.host, "not_clustered", command_class=self.CLASS))


COMMANDS = (
    GetVMHost,
    SetVMHost,
    EnableVMMigration,
    DisableVMMigration,
    GetVMMigrationNetwork,
    AddVMMigrationNetwork,
    SetVMMigrationNetwork,
    RemoveVMMigrationNetwork,
    GetVMResourcePool,
    GetVMHostCluster,
)
