# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cmdlets on parts of a machine: processor, memory, security, firmware, integration services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..powershell.values import Int64
from . import enums, power
from .base import HYPERV_CLASS, HyperVCmdlet, as_list, fits, has_wildcards
from .cmdlets_vm import check_memory_change, check_processors
from .failures import Refused
from .firmware import Firmware

if TYPE_CHECKING:
    from .components import Component, Memory, Processor
    from .integration import IntegrationService
    from .vm import VM


class PartOf(HyperVCmdlet):
    """A Get- cmdlet that writes one part of every machine or checkpoint given."""

    PART = ""

    def run(self) -> None:
        """Write the part of each."""
        for owner in self.owners():
            self.call.write(getattr(owner, self.PART))


class GetVMProcessor(PartOf):
    """Get-VMProcessor."""

    NAME = "Get-VMProcessor"
    CLASS = HYPERV_CLASS + "GetVMProcessor"
    PART = "processor"


class GetVMMemory(PartOf):
    """Get-VMMemory."""

    NAME = "Get-VMMemory"
    CLASS = HYPERV_CLASS + "GetVMMemory"
    PART = "memory"


class GetVMSecurity(PartOf):
    """Get-VMSecurity."""

    NAME = "Get-VMSecurity"
    CLASS = HYPERV_CLASS + "GetVMSecurity"
    PART = "security"


class SettingCmdlet(HyperVCmdlet):
    """A Set- cmdlet on one part of machines, given as the machine or as the part itself."""

    OBJECT_PARAMETER = ""
    PART = ""

    def run(self) -> None:
        """Set every part given; a refusal doesn't stop the others."""
        for part in self.parts():
            vm: Any = part.owner
            if not self.call.should_process(vm.name):
                continue
            try:
                with self.host.fleet.lock:
                    self.apply(vm, part)
            except Refused as refused:
                self.refuse(refused)
                continue
            self.host.fleet.clock.notify()
            self.passthru(part)

    def parts(self) -> list[Component]:
        """Return the parts that the call means."""
        if self.OBJECT_PARAMETER and self.bound_to(self.OBJECT_PARAMETER):
            return as_list(self.given(self.OBJECT_PARAMETER))
        return [getattr(vm, self.PART) for vm in self.vms()]

    def apply(self, vm: VM, part: Any) -> None:
        """Set one part. Raises Refused."""
        raise NotImplementedError


_PROCESSOR_OFF: dict[str, tuple[str, Any]] = {
    "CompatibilityForMigrationEnabled": ("compatibility_for_migration_enabled", bool),
    "CompatibilityForOlderOperatingSystemsEnabled": ("compatibility_for_older_operating_systems_enabled", bool),
    "HwThreadCountPerCore": ("hw_thread_count_per_core", Int64),
    "ExposeVirtualizationExtensions": ("expose_virtualization_extensions", bool),
    "EnableLegacyApicMode": ("enable_legacy_apic_mode", bool),
    "AllowACountMCount": ("allow_a_count_m_count", bool),
    "CpuBrandString": ("cpu_brand_string", str),
    "PerfCpuFreqCapMhz": ("perf_cpu_freq_cap_mhz", int),
    "MaximumCountPerNumaNode": ("numa_node", int),
    "MaximumCountPerNumaSocket": ("maximum_count_per_numa_socket", int),
}
_PROCESSOR_ANY: dict[str, tuple[str, Any]] = {
    "Maximum": ("maximum", Int64),
    "Reserve": ("reserve", Int64),
    "RelativeWeight": ("relative_weight", int),
    "EnableHostResourceProtection": ("enable_host_resource_protection", bool),
}
_PERFMON = {
    "pmu": "enable_perfmon_pmu",
    "lbr": "enable_perfmon_lbr",
    "pebs": "enable_perfmon_pebs",
    "ipt": "enable_perfmon_ipt",
}


class SetVMProcessor(SettingCmdlet):
    """Set-VMProcessor: the migration flag and most others only while the machine is off (facts on Hyper-V, 2.2)."""

    NAME = "Set-VMProcessor"
    CLASS = HYPERV_CLASS + "SetVMProcessor"
    OBJECT_PARAMETER = "VMProcessor"
    PART = "processor"

    def apply(self, vm: VM, part: Processor) -> None:
        """Set what is given."""
        self._check(vm)
        for parameter, (field, kind) in {**_PROCESSOR_OFF, **_PROCESSOR_ANY}.items():
            if self.bound_to(parameter):
                setattr(part, field, kind(self.given(parameter)))
        if self.bound_to("Count"):
            part.count = Int64(self.given("Count"))
        for parameter, field, enumeration in (
            ("CompatibilityForMigrationMode", "compatibility_for_migration_mode", "CompatibilityForMigrationMode"),
            ("ApicMode", "apic_mode", "ApicMode"),
        ):
            if self.bound_to(parameter):
                setattr(part, field, enums.named(enumeration, self.given(parameter)))
        if self.bound_to("Perfmon"):
            wanted = {str(name).lower() for name in as_list(self.given("Perfmon"))}
            for name, field in _PERFMON.items():
                setattr(part, field, name in wanted)
        if self.bound_to("ResourcePoolName"):
            part.resource_pool_name = str(self.given("ResourcePoolName"))

    def _check(self, vm: VM) -> None:
        only_off = {*_PROCESSOR_OFF, "Count", "CompatibilityForMigrationMode", "ApicMode", "Perfmon"}
        if only_off & set(self.call.bound):
            power.require_off(vm)
        else:
            power.require_idle(vm)
        if self.bound_to("Count"):
            check_processors(vm, int(self.given("Count")))
        for name in ("Maximum", "Reserve"):
            if self.bound_to(name) and not 0 <= int(self.given(name)) <= 100:
                raise Refused("parameter", vm, what=f"{name} {self.given(name)}")
        if self.bound_to("RelativeWeight") and not 0 <= int(self.given("RelativeWeight")) <= 10_000:
            raise Refused("parameter", vm, what=f"RelativeWeight {self.given('RelativeWeight')}")
        if self.bound_to("CompatibilityForMigrationMode") and float(vm.version) < 10.0:
            raise Refused("not_supported", vm, what="CompatibilityForMigrationMode")
        if self.bound_to("ResourcePoolName") and str(self.given("ResourcePoolName")) != "Primordial":
            raise Refused("parameter", vm, what=f"ResourcePoolName {self.given('ResourcePoolName')}")


class SetVMMemory(SettingCmdlet):
    """Set-VMMemory."""

    NAME = "Set-VMMemory"
    CLASS = HYPERV_CLASS + "SetVMMemory"
    OBJECT_PARAMETER = "VMMemory"
    PART = "memory"

    def apply(self, vm: VM, part: Memory) -> None:
        """Set what is given."""
        off_only = {"DynamicMemoryEnabled", "MaximumAmountPerNumaNodeBytes", "HugePagesEnabled"}
        if off_only & set(self.call.bound):
            power.require_off(vm)
        else:
            power.require_idle(vm)
        startup = int(self.given("StartupBytes", vm.memory_startup))
        minimum = int(self.given("MinimumBytes", vm.memory_minimum))
        maximum = int(self.given("MaximumBytes", vm.memory_maximum))
        if self.bound_to("StartupBytes"):
            check_memory_change(vm, startup)
        dynamic = bool(self.given("DynamicMemoryEnabled", vm.dynamic_memory))
        if dynamic and not minimum <= startup <= maximum:
            raise Refused(
                "parameter", vm, what=f"MinimumBytes {minimum}, StartupBytes {startup}, MaximumBytes {maximum}"
            )
        vm.memory_startup, vm.memory_minimum, vm.memory_maximum, vm.dynamic_memory = startup, minimum, maximum, dynamic
        if self.bound_to("Buffer"):
            part.buffer = int(self.given("Buffer"))
        if self.bound_to("Priority"):
            part.priority = int(self.given("Priority"))
        if self.bound_to("MaximumAmountPerNumaNodeBytes"):
            part.__dict__["numa_node"] = int(self.given("MaximumAmountPerNumaNodeBytes")) // 1024**2
        if self.bound_to("HugePagesEnabled"):
            part.huge_pages_enabled = bool(self.given("HugePagesEnabled"))


class SetVMSecurity(SettingCmdlet):
    """Set-VMSecurity."""

    NAME = "Set-VMSecurity"
    CLASS = HYPERV_CLASS + "SetVMSecurity"
    PART = "security"
    FIELDS: ClassVar = {
        "EncryptStateAndVmMigrationTraffic": "encrypt_state_and_vm_migration_traffic",
        "VirtualizationBasedSecurityOptOut": "virtualization_based_security_opt_out",
    }

    def apply(self, vm: VM, part: Any) -> None:
        """Set what is given; only while off."""
        power.require_off(vm)
        for parameter, field in self.FIELDS.items():
            if self.bound_to(parameter):
                setattr(part, field, bool(self.given(parameter)))


class GetVMFirmware(HyperVCmdlet):
    """Get-VMFirmware: fails on generation 1 (field objects)."""

    NAME = "Get-VMFirmware"
    CLASS = HYPERV_CLASS + "GetVMFirmware"

    def run(self) -> None:
        """Write the firmware of each machine or checkpoint."""
        for owner in self.owners():
            if owner.generation == 1:
                self.reject("not_supported", what="Generation 1")
            else:
                self.call.write(Firmware(owner))


class GetVMKeyProtector(HyperVCmdlet):
    """Get-VMKeyProtector: a blob of bytes, four of them without a protector."""

    NAME = "Get-VMKeyProtector"
    CLASS = HYPERV_CLASS + "GetVMKeyProtector"

    def run(self) -> None:
        """Write the blob of each machine."""
        for vm in self.vms():
            protected = vm.security.tpm_enabled or vm.security.shielded
            self.call.write(vm.id.bytes * 64 if protected else b"\x00\x00\x00\x04")


class GetVMIntegrationService(HyperVCmdlet):
    """Get-VMIntegrationService: names are those of the host's language."""

    NAME = "Get-VMIntegrationService"
    CLASS = HYPERV_CLASS + "GetVMIntegrationService"

    def run(self) -> None:
        """Write the services of each machine or checkpoint."""
        for owner in self.owners():
            for service in services_named(self, owner.services()):
                self.call.write(service)


def services_named(cmdlet: HyperVCmdlet, services: list[IntegrationService]) -> list[IntegrationService]:
    """Return the services that -Name means, all without it; write an error for an unknown (or English) name."""
    if not cmdlet.bound_to("Name"):
        return services
    found: list[IntegrationService] = []
    for name in as_list(cmdlet.given("Name")):
        fitting = [service for service in services if fits(service.name, [name])]
        if not fitting and not has_wildcards(name):
            cmdlet.reject("service_unknown", name=name)
        found += [service for service in fitting if service not in found]
    return found


class ServiceSwitch(HyperVCmdlet):
    """Enable- and Disable-VMIntegrationService."""

    ON = True

    def run(self) -> None:
        """Switch every service given."""
        if self.bound_to("VMIntegrationService"):
            services = as_list(self.given("VMIntegrationService"))
        else:
            services = [s for vm in self.vms() for s in services_named(self, vm.services())]
        for service in services:
            if not self.call.should_process(service.name):
                continue
            with self.host.fleet.lock:
                owner = service.owner
                owner.settle_guest()
                without = owner.services_enabled - {service.key}
                owner.services_enabled = without | {service.key} if self.ON else without
            self.passthru(service)


class EnableVMIntegrationService(ServiceSwitch):
    """Enable-VMIntegrationService."""

    NAME = "Enable-VMIntegrationService"
    CLASS = HYPERV_CLASS + "EnableVMIntegrationService"


class DisableVMIntegrationService(ServiceSwitch):
    """Disable-VMIntegrationService."""

    NAME = "Disable-VMIntegrationService"
    CLASS = HYPERV_CLASS + "DisableVMIntegrationService"
    ON = False


COMMANDS = (
    GetVMProcessor,
    GetVMMemory,
    GetVMSecurity,
    SetVMProcessor,
    SetVMMemory,
    SetVMSecurity,
    GetVMFirmware,
    GetVMKeyProtector,
    GetVMIntegrationService,
    EnableVMIntegrationService,
    DisableVMIntegrationService,
)
