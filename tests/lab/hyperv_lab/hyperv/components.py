# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of a virtual machine that are no drives: processor, memory, security; others build on ``Component``.

Each part knows its owner: a virtual machine or a checkpoint (``VirtualMachineBase``). Class attributes are the
defaults, so that ten thousand machines stay small.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from ..powershell.values import EnumValue, Int64, TypedArray
from . import enums, messages
from .live import PREFIX, ModelObject, chain

if TYPE_CHECKING:
    from .host import Host
    from .machine import VirtualMachineBase

OWNER_PROPERTIES = {
    "Name": "name",
    "Id": "ps_id",
    "VMId": "vm_id",
    "VMName": "vm_name",
    "VMSnapshotId": "snapshot_id",
    "VMSnapshotName": "snapshot_name",
    "CimSession": "cim_session",
    "ComputerName": "computer_name",
    "IsDeleted": "is_deleted",
}
SNAPSHOT_ALIASES = {"VMCheckpointId": "VMSnapshotId", "VMCheckpointName": "VMSnapshotName"}


class Component(ModelObject):
    """A device or setting of a virtual machine or checkpoint."""

    ALIASES: ClassVar = SNAPSHOT_ALIASES
    DEVICE = ""
    """The part of Id after the machine's GUID."""
    name = ""

    def __init__(self, owner: VirtualMachineBase) -> None:
        self.owner = owner

    @property
    def host(self) -> Host:  # type: ignore[override] # follows the owner, a plain attribute in the base
        """Return the host of the machine."""
        return self.owner.host

    @property
    def vm_id(self) -> uuid.UUID:
        """Return the machine's Id (that of the machine for parts of a checkpoint, too)."""
        return self.owner.machine_id

    @property
    def vm_name(self) -> str:
        """Return the machine's name."""
        return self.owner.machine_name

    @property
    def snapshot_id(self) -> uuid.UUID:
        """Return the checkpoint's Id, or zeros."""
        return self.owner.checkpoint_id

    @property
    def snapshot_name(self) -> str:
        """Return the checkpoint's name, or nothing."""
        return self.owner.checkpoint_name

    @property
    def ps_id(self) -> str:
        """Return Id: Microsoft:<GUID of the machine or checkpoint>\\<device>."""
        return f"Microsoft:{str(self.owner.id).upper()}\\{self.DEVICE}"

    def ps_text(self) -> str:
        """Return the form that field dumps show for integration services."""
        kind = self.TYPE_NAMES[0].removeprefix(PREFIX)
        return f"{kind} (Name = '{self.name}', VMName = '{self.vm_name}') [Id = '{self.ps_id}', VMId = '{self.vm_id}']"


class Processor(Component):
    """VMProcessor: settings of the virtual processors."""

    TYPE_NAMES: ClassVar = chain("VMProcessor", "VMDevice", "VMComponentObject")
    DEVICE = "b637f346-6a0e-4dec-af52-bd70cb80a21d\\0"
    PROPERTIES: ClassVar = {
        "ResourcePoolName": "resource_pool_name",
        "Count": "count",
        "CompatibilityForMigrationEnabled": "compatibility_for_migration_enabled",
        "CompatibilityForMigrationMode": "compatibility_for_migration_mode",
        "CompatibilityForOlderOperatingSystemsEnabled": "compatibility_for_older_operating_systems_enabled",
        "HwThreadCountPerCore": "hw_thread_count_per_core",
        "ExposeVirtualizationExtensions": "expose_virtualization_extensions",
        "EnablePerfmonPmu": "enable_perfmon_pmu",
        "EnablePerfmonLbr": "enable_perfmon_lbr",
        "EnablePerfmonPebs": "enable_perfmon_pebs",
        "EnablePerfmonIpt": "enable_perfmon_ipt",
        "EnableLegacyApicMode": "enable_legacy_apic_mode",
        "ApicMode": "apic_mode",
        "AllowACountMCount": "allow_a_count_m_count",
        "CpuBrandString": "cpu_brand_string",
        "PerfCpuFreqCapMhz": "perf_cpu_freq_cap_mhz",
        "Maximum": "maximum",
        "Reserve": "reserve",
        "RelativeWeight": "relative_weight",
        "MaximumCountPerNumaNode": "maximum_count_per_numa_node",
        "MaximumCountPerNumaSocket": "maximum_count_per_numa_socket",
        "EnableHostResourceProtection": "enable_host_resource_protection",
        "OperationalStatus": "operational_status",
        "StatusDescription": "status_description",
        **OWNER_PROPERTIES,
    }
    SINCE: ClassVar = {
        "CompatibilityForMigrationMode": "2025",
        "ApicMode": "2025",
        "CpuBrandString": "2025",
        "PerfCpuFreqCapMhz": "2025",
        "HwThreadCountPerCore": "2016",
        "ExposeVirtualizationExtensions": "2016",
        "EnableHostResourceProtection": "2016",
        "EnablePerfmonPmu": "2022",
        "EnablePerfmonLbr": "2022",
        "EnablePerfmonPebs": "2022",
        "EnablePerfmonIpt": "2022",
        "EnableLegacyApicMode": "2022",
        "AllowACountMCount": "2022",
    }
    resource_pool_name = "Primordial"
    count: Int64 = Int64(1)
    compatibility_for_migration_enabled = False
    compatibility_for_migration_mode: EnumValue = enums.value("CompatibilityForMigrationMode", "MinimumFeatureSet")
    compatibility_for_older_operating_systems_enabled = False
    hw_thread_count_per_core: Int64 = Int64(0)
    expose_virtualization_extensions = False
    enable_perfmon_pmu = False
    enable_perfmon_lbr = False
    enable_perfmon_pebs = False
    enable_perfmon_ipt = False
    enable_legacy_apic_mode = False
    apic_mode: EnumValue = enums.value("ApicMode", "Default")
    allow_a_count_m_count = True
    cpu_brand_string = ""
    perf_cpu_freq_cap_mhz = 0
    maximum: Int64 = Int64(100)
    reserve: Int64 = Int64(0)
    relative_weight = 100
    maximum_count_per_numa_socket = 1
    enable_host_resource_protection = False

    @property
    def name(self) -> str:  # type: ignore[override]
        """Return the localised name of the device."""
        return messages.text(self.host.language, "device_processor")

    @property
    def maximum_count_per_numa_node(self) -> int:
        """Return the logical processors of a node of the host (field objects)."""
        return int(self.__dict__.get("numa_node", self.host.logical_processors))

    @property
    def operational_status(self) -> TypedArray:
        """Return nothing for a machine that is off, else two values (field objects)."""
        names = ["Ok", "HostResourceProtectionDisabled"] if self.owner.is_on else []
        status = [enums.value("VMProcessorOperationalStatus", name) for name in names]
        return TypedArray(PREFIX + "VMProcessorOperationalStatus", status)

    @property
    def status_description(self) -> TypedArray:
        """Return the localised texts of the status."""
        keys = ["status_component_ok", "status_protection_disabled"] if self.owner.is_on else []
        return TypedArray("System.String", [messages.text(self.host.language, key) for key in keys])


class Memory(Component):
    """VMMemory: a view on the machine's memory settings."""

    TYPE_NAMES: ClassVar = chain("VMMemory", "VMDevice", "VMComponentObject")
    DEVICE = "4764334d-e001-4176-82ee-5594ec9b530e"
    PROPERTIES: ClassVar = {
        "ResourcePoolName": "resource_pool_name",
        "Buffer": "buffer",
        "DynamicMemoryEnabled": "dynamic_memory_enabled",
        "Maximum": "maximum",
        "MaximumPerNumaNode": "maximum_per_numa_node",
        "Minimum": "minimum",
        "Priority": "priority",
        "Startup": "startup",
        "HugePagesEnabled": "huge_pages_enabled",
        "MemoryEncryptionPolicy": "memory_encryption_policy",
        "MemoryEncryptionEnabled": "memory_encryption_enabled",
        **OWNER_PROPERTIES,
    }
    SINCE: ClassVar = {
        "HugePagesEnabled": "2025",
        "MemoryEncryptionPolicy": "2025",
        "MemoryEncryptionEnabled": "2025",
    }
    resource_pool_name = "Primordial"
    buffer = 20
    priority = 50
    huge_pages_enabled = False
    memory_encryption_policy: Any = None
    memory_encryption_enabled: bool | None = None

    @property
    def name(self) -> str:  # type: ignore[override]
        """Return the localised name of the device."""
        return messages.text(self.host.language, "device_memory")

    @property
    def dynamic_memory_enabled(self) -> bool:
        """Return whether memory is dynamic."""
        return self.owner.dynamic_memory

    @property
    def startup(self) -> Int64:
        """Return bytes at start."""
        return Int64(self.owner.memory_startup)

    @property
    def minimum(self) -> Int64:
        """Return the least bytes of dynamic memory."""
        return Int64(self.owner.memory_minimum)

    @property
    def maximum(self) -> Int64:
        """Return the most bytes of dynamic memory."""
        return Int64(self.owner.memory_maximum)

    @property
    def maximum_per_numa_node(self) -> Int64:
        """Return megabytes, unlike the others (field objects)."""
        return Int64(self.__dict__.get("numa_node", self.host.memory // 1024**2))


class Security(Component):
    """VMSecurity: virtual TPM, shielding, encryption."""

    TYPE_NAMES: ClassVar = chain("VMSecurity", "VMComponentObject")
    DEVICE = "Security"
    PROPERTIES: ClassVar = {
        "TpmEnabled": "tpm_enabled",
        "KsdEnabled": "ksd_enabled",
        "Shielded": "shielded",
        "EncryptStateAndVmMigrationTraffic": "encrypt_state_and_vm_migration_traffic",
        "VirtualizationBasedSecurityOptOut": "virtualization_based_security_opt_out",
        "BindToHostTpm": "bind_to_host_tpm",
        **OWNER_PROPERTIES,
    }
    SINCE: ClassVar = {"BindToHostTpm": "2019"}
    tpm_enabled = False
    ksd_enabled = False
    shielded = False
    encrypt_state_and_vm_migration_traffic = False
    virtualization_based_security_opt_out = False
    bind_to_host_tpm = False
