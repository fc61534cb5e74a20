# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cmdlets on replicated machines: what each side shows, and what it keeps for the time after a failover."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from . import enums, replica
from .base import HYPERV_CLASS, HyperVCmdlet, as_list, has_wildcards
from .cmdlets_failover import ReplicationCmdlet
from .cmdlets_network import adapters_named
from .failover_settings import FailoverAddresses, FailoverSetting, FamilyAddress, wrong
from .failures import Refused
from .replication import ReplicationHealth

if TYPE_CHECKING:
    from .devices import NetworkAdapter
    from .replication import Replication
    from .vm import VM


class GetVMReplication(HyperVCmdlet):
    """Get-VMReplication: machines that replicate."""

    NAME = "Get-VMReplication"
    CLASS = HYPERV_CLASS + "GetVMReplication"
    FILTERS: ClassVar = {
        "ReplicationState": "state",
        "ReplicationHealth": "health",
        "ReplicationMode": "mode",
        "ReplicationRelationshipType": "relationship",
        "PrimaryServerName": "primary_server",
        "ReplicaServerName": "replica_server",
        "TrustGroup": "trust_group",
    }

    def run(self) -> None:
        """Write the replication of each machine that has one; an error for one asked by name without."""
        named = self.bound_to("VMName") or self.bound_to("VM")
        for vm in self.vms() if named else list(self.host.vms.values()):
            if vm.replication is None:
                if self.bound_to("VM") or (named and not has_wildcards("".join(as_list(self.given("VMName"))))):
                    self.reject("replication_off", vm=vm.name)
                continue
            if self._wanted(vm.replication):
                self.call.write(self.shown(vm.replication))

    def shown(self, replication: Replication) -> Any:
        """Return what is written for a replication."""
        return replication

    def _wanted(self, replication: Any) -> bool:
        return all(
            str(self.given(parameter)).lower() == str(getattr(replication, field)).lower()
            for parameter, field in self.FILTERS.items()
            if self.given(parameter) is not None
        )


class MeasureVMReplication(GetVMReplication):
    """Measure-VMReplication: how replication goes, with the time of the last test failover."""

    NAME = "Measure-VMReplication"
    CLASS = HYPERV_CLASS + "MeasureVMReplication"

    def shown(self, replication: Replication) -> Any:
        """Return the health of a replication."""
        return ReplicationHealth(replication)


class GetVMNetworkAdapterFailoverConfiguration(HyperVCmdlet):
    """Get-VMNetworkAdapterFailoverConfiguration: an object for each adapter, with empty texts where nothing is kept."""

    NAME = "Get-VMNetworkAdapterFailoverConfiguration"
    CLASS = HYPERV_CLASS + "GetVMNetworkAdapterFailoverConfiguration"

    def run(self) -> None:
        """Write the setting of every adapter asked for."""
        for adapter in adapters_meant(self):
            self.call.write(FailoverSetting(adapter))


def adapters_meant(cmdlet: HyperVCmdlet) -> list[NetworkAdapter]:
    """Return the adapters given as objects, or those of machines by name."""
    if cmdlet.bound_to("VMNetworkAdapter"):
        return as_list(cmdlet.given("VMNetworkAdapter"))
    machines = cmdlet.vms() if cmdlet.bound_to("VM") else cmdlet.named(as_list(cmdlet.given("VMName")))
    return [adapter for vm in machines for adapter in adapters_named(cmdlet, vm, "VMNetworkAdapterName")]


class SetVMNetworkAdapterFailoverConfiguration(HyperVCmdlet):
    """Set-VMNetworkAdapterFailoverConfiguration, on either side of a replication; what isn't given stays."""

    NAME = "Set-VMNetworkAdapterFailoverConfiguration"
    CLASS = HYPERV_CLASS + "SetVMNetworkAdapterFailoverConfiguration"

    def run(self) -> None:
        """Change what is kept for every adapter given."""
        for adapter in adapters_meant(self):
            if not self.call.should_process(adapter.name):
                continue
            try:
                wanted = self._wanted(adapter)
            except Refused as refused:
                self.refuse(refused)
                continue
            with self.host.fleet.lock:
                adapter.failover = wanted
            self.host.fleet.clock.notify()
            self.passthru(FailoverSetting(adapter))

    def _wanted(self, adapter: NetworkAdapter) -> FailoverAddresses:
        vm: Any = adapter.owner
        if getattr(vm, "replication", None) is None:
            raise Refused("replication_off", vm)
        if vm.replication.mode.name == "TestReplica":
            raise Refused("replication_state", vm, state=vm.replication.mode.name)
        parts = {}
        for family, version in (("ipv4", 4), ("ipv6", 6)):
            parts[family] = self._family(vm, getattr(adapter.failover, family), family, version)
        return FailoverAddresses(**parts)

    def _family(self, vm: Any, old: FamilyAddress, family: str, version: int) -> FamilyAddress:
        fields = {name: field for name, (of, field) in FailoverSetting.FIELDS.items() if of == family}
        given = {field: str(self.given(name)) for name, field in fields.items() if self.bound_to(name)}
        if self.switched(f"ClearFailoverIPv{version}Settings"):
            if given:
                raise Refused("parameter", vm, what=f"ClearFailoverIPv{version}Settings")
            return FamilyAddress()
        if ("address" in given) != ("subnet" in given):
            raise Refused("parameter", vm, what=", ".join(f"{key} {value}" for key, value in given.items()))
        wanted = replace(old, **given)
        mistake = wrong(wanted, version)
        if mistake is not None:
            raise Refused("parameter", vm, what=mistake)
        return wanted


class SetVMReplication(ReplicationCmdlet):
    """Set-VMReplication: -Reverse after a failover, and plain settings."""

    NAME = "Set-VMReplication"
    CLASS = HYPERV_CLASS + "SetVMReplication"
    FIELDS: ClassVar[dict[str, tuple[str, type]]] = {
        "AllowedPrimaryServer": ("allowed_primary", str),
        "AutoResynchronizeEnabled": ("auto_resynchronize_enabled", bool),
        "BypassProxyServer": ("bypass_proxy", bool),
        "CertificateThumbprint": ("thumbprint", str),
        "CompressionEnabled": ("compression_enabled", bool),
        "EnableWriteOrderPreservationAcrossDisks": ("write_order", bool),
        "RecoveryHistory": ("recovery_history", int),
        "ReplicaServerPort": ("port", int),
        "ReplicateHostKvpItems": ("host_pairs", bool),
        "VSSSnapshotFrequencyHour": ("vss_hours", int),
    }
    NOT_PLAYED = ("AsReplica", "UseBackup", "InitialReplicationStartTime", "ReplicatedDisks", "ReplicatedDiskPaths")
    FREQUENCIES = (30, 300, 900)

    def change(self, vm: VM) -> VM:
        """Set what is given, then reverse where asked."""
        for parameter in (*self.NOT_PLAYED, *(["ReplicaServerName"] if not self.switched("Reverse") else [])):
            if self.bound_to(parameter):
                raise Refused("not_supported", vm, what=parameter)
        mine = replica.side(vm)
        frequency, history = int(self.given("ReplicationFrequencySec", 30)), int(self.given("RecoveryHistory", 0))
        if frequency not in self.FREQUENCIES or not 0 <= history <= 24:
            raise Refused("parameter", vm, what=f"ReplicationFrequencySec {frequency}, RecoveryHistory {history}")
        if self.switched("Reverse"):
            replica.reverse(vm)
        with self.host.fleet.lock:
            mine.frequency = int(self.given("ReplicationFrequencySec", mine.frequency))
            if self.bound_to("AuthenticationType"):
                mine.authentication = enums.named("ReplicationAuthenticationType", self.given("AuthenticationType"))
            if self.switched("DisableVSSSnapshotReplication"):
                mine.vss_hours = 0
            for parameter, (field, kind) in self.FIELDS.items():
                if self.bound_to(parameter):
                    setattr(mine, field, kind(self.given(parameter)))
            for parameter, field in (("Start", "resynchronize_from"), ("End", "resynchronize_until")):
                if self.bound_to(f"AutoResynchronizeInterval{parameter}"):
                    setattr(mine, field, self.given(f"AutoResynchronizeInterval{parameter}"))
            mine.vss_enabled = mine.vss_hours > 0
        self.host.fleet.clock.notify()
        return vm


COMMANDS = (
    GetVMReplication,
    SetVMReplication,
    GetVMNetworkAdapterFailoverConfiguration,
    SetVMNetworkAdapterFailoverConfiguration,
    MeasureVMReplication,
)
