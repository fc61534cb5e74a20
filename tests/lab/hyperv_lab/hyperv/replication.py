# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replication of a machine to another host, as each side shows it. What changes it is in replica.py."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from ..powershell.values import EnumValue, TypedArray, UInt32, UInt64
from . import enums
from .components import Component
from .live import PREFIX, ModelObject, chain

if TYPE_CHECKING:
    from .failover import Content
    from .host import Host
    from .vm import VM

BEFORE_THE_FIRST = frozenset(
    {"Disabled", "ReadyForInitialReplication", "InitialReplicationInProgress", "WaitingForInitialReplication"}
)


FAILED_OVER = ("FailedOverWaitingCompletion", "FailedOver")


class Replication(Component):
    """VMReplication: both the long and the short names of its members (field objects; stub of the module)."""

    TYPE_NAMES: ClassVar = chain("VMReplication", "VMComponentObject")
    DEVICE = "Replication"
    PROPERTIES: ClassVar = {
        "AuthenticationType": "authentication",
        "AutoResynchronizeEnabled": "auto_resynchronize_enabled",
        "AutoResynchronizeIntervalEnd": "resynchronize_until",
        "AutoResynchronizeIntervalStart": "resynchronize_from",
        "BypassProxyServer": "bypass_proxy",
        "CertificateThumbprint": "thumbprint",
        "CompressionEnabled": "compression_enabled",
        "EnableWriteOrderPreservationAcrossDisks": "write_order",
        "ExcludedDisks": "no_disks",
        "InitialReplicationStartTime": "nothing",
        "RecoveryHistory": "recovery_history",
        "ReplicaServerPort": "port",
        "ReplicateHostKvpItems": "host_pairs",
        "ReplicationFrequencySec": "frequency",
        "ResynchronizeStartTime": "nothing",
        "VSSSnapshotFrequencyHour": "vss_hours",
        "VSSSnapshotReplicationEnabled": "vss_enabled",
        "AllowedPrimaryServer": "allowed_primary",
        "CurrentReplicaServerName": "replica_server",
        "LastAppliedLogTime": "last_applied_time",
        "LastReplicationTime": "last_replication_time",
        "PrimaryServerName": "primary_server",
        "ReplicaServerName": "replica_server",
        "ReplicatedDisks": "replicated_disks",
        "ReplicationHealth": "health",
        "ReplicationMode": "mode",
        "ReplicationRelationshipType": "relationship",
        "ReplicationState": "state",
        "TestVirtualMachine": "test_vm",
        "VMId": "vm_id",
        "VMName": "vm_name",
        "VMSnapshotId": "snapshot_id",
        "VMSnapshotName": "snapshot_name",
        "CimSession": "cim_session",
        "ComputerName": "computer_name",
        "IsDeleted": "is_deleted",
    }
    SINCE: ClassVar = {"CimSession": "2016"}
    ALIASES: ClassVar = {
        "Name": "VMName",
        "State": "ReplicationState",
        "Health": "ReplicationHealth",
        "Mode": "ReplicationMode",
        "PrimaryServer": "PrimaryServerName",
        "ReplicaServer": "ReplicaServerName",
        "FrequencySec": "ReplicationFrequencySec",
    }
    state: EnumValue = enums.value("VMReplicationState", "Replicating")
    health: EnumValue = enums.value("VMReplicationHealthState", "Normal")
    mode: EnumValue = enums.value("VMReplicationMode", "Primary")
    relationship: EnumValue = enums.value("VMReplicationRelationshipType", "Simple")
    authentication: EnumValue = enums.value("ReplicationAuthenticationType", "Kerberos")
    primary_server = ""
    replica_server = ""
    allowed_primary = ""
    trust_group = "DEFAULT"
    port = 80
    frequency = 300
    recovery_history = 0
    compression_enabled = True
    auto_resynchronize_enabled = True
    resynchronize_from = timedelta(hours=18, minutes=30)
    resynchronize_until = timedelta(hours=6)
    thumbprint = ""
    bypass_proxy = write_order = host_pairs = vss_enabled = False
    vss_hours = 0
    nothing = None
    test_vm: VM | None = None
    """The machine of a test failover that goes on."""
    last_test: float | None = None
    """Moment of the clock at which the last test failover was started."""
    kept: Content | None = None
    """What a replica was sent before replication stopped; None while it follows the primary."""
    before: Content | None = None
    """What a replica's disks held before a failover that can be taken back."""
    stopped_at: float | None = None
    """Moment of the clock at which replication stopped; None while it goes on."""

    @property
    def name(self) -> str:  # type: ignore[override]
        """Return the machine's name, under which field scripts read it (field objects)."""
        return self.vm_name

    def enter(self, state: str, health: str = "Normal") -> None:
        """Set the state and health by name (under the fleet's lock)."""
        now = self.host.fleet.clock.now()
        self.stopped_at = None if state == "Replicating" else now if self.stopped_at is None else self.stopped_at
        self.state = enums.value("VMReplicationState", state)
        self.health = enums.value("VMReplicationHealthState", health)

    @property
    def described(self) -> str:
        """Return mode and state by name, as messages have them."""
        return f"{self.mode.name}, {self.state.name}"

    def is_in(self, *states: str) -> bool:
        """Return whether the state is one of these."""
        return self.state.name in states

    @property
    def lets_start(self) -> bool:
        """Return whether the machine may be started: no replica before a failover, no prepared primary (assumed)."""
        if self.mode.name == "Replica":
            return self.is_in(*FAILED_OVER)
        return not self.is_in("PreparedForFailover")

    @property
    def last_replication_time(self) -> datetime | None:
        """Return when the last changes were sent: at the end of the last whole interval; null before the first."""
        if self.state.name in BEFORE_THE_FIRST:
            return None
        until = self.host.fleet.clock.now() if self.stopped_at is None else self.stopped_at
        return self.host.fleet.clock.date(until - until % self.frequency)

    @property
    def last_applied_time(self) -> datetime | None:
        """Return when the last changes were applied: known on the replica's side."""
        return self.last_replication_time if self.mode.name == "Replica" else None

    @property
    def no_disks(self) -> TypedArray:
        """Return ExcludedDisks: none."""
        return TypedArray(PREFIX + "HardDiskDrive", [])

    @property
    def replicated_disks(self) -> TypedArray:
        """Return the drives that are files."""
        return TypedArray(
            PREFIX + "HardDiskDrive", [drive for drive in self.owner.hard_drives if drive.disk_number is None]
        )


class ReplicationHealth(ModelObject):
    """VMReplicationHealth of Measure-VMReplication; sizes and counts are plausible, not simulated."""

    TYPE_NAMES: ClassVar = chain("VMReplicationHealth", "VMComponentObject")
    OWN: ClassVar = {
        "MonitoringStartTime": "monitored_from",
        "MonitoringEndTime": "monitored_until",
        "LastTestFailoverInitiatedTime": "last_test_time",
        "AverageReplicationSize": "size",
        "MaximumReplicationSize": "size",
        "PendingReplicationSize": "pending",
        "ReplicationErrors": "errors",
        "SuccessfulReplicationCount": "count",
        "MissedReplicationCount": "missed",
    }
    SHARED = (
        "AllowedPrimaryServer", "CurrentReplicaServerName", "LastAppliedLogTime", "LastReplicationTime",
        "PrimaryServerName", "ReplicaServerName", "ReplicatedDisks", "ReplicationHealth", "ReplicationMode",
        "ReplicationRelationshipType", "ReplicationState", "TestVirtualMachine", "VMId", "VMName", "VMSnapshotId",
        "VMSnapshotName", "CimSession", "ComputerName", "IsDeleted",
    )  # fmt: skip
    PROPERTIES: ClassVar = {**OWN, **dict.fromkeys(SHARED, "")}
    SINCE: ClassVar = {"CimSession": "2016"}
    ALIASES: ClassVar = Replication.ALIASES
    size: UInt64 = UInt64(64 * 1024**2)

    def __init__(self, replication: Replication) -> None:
        self.replication = replication

    @property
    def host(self) -> Host:  # type: ignore[override]
        """Return the host of the machine."""
        return self.replication.host

    def ps_get(self, name: str) -> Any:
        """Return a property's value: of its own, or of the replication."""
        return super().ps_get(name) if name in self.OWN else self.replication.ps_get(name)

    @property
    def monitored_from(self) -> datetime:
        """Return the start of the interval: the start of the fleet."""
        return self.host.fleet.clock.start

    @property
    def monitored_until(self) -> datetime:
        """Return now."""
        return self.host.fleet.clock.date()

    @property
    def last_test_time(self) -> datetime | None:
        """Return when the last test failover was started, null without any."""
        last = self.replication.last_test
        return None if last is None else self.host.fleet.clock.date(last)

    @property
    def _stopped_for(self) -> float:
        stopped = self.replication.stopped_at
        return 0.0 if stopped is None else self.host.fleet.clock.now() - stopped

    @property
    def count(self) -> UInt32:
        """Return the intervals in which changes were sent."""
        return UInt32(int(max(self.host.fleet.clock.now() - self._stopped_for, 0) // self.replication.frequency))

    @property
    def missed(self) -> UInt32:
        """Return the intervals in which none were."""
        return UInt32(int(self._stopped_for // self.replication.frequency))

    @property
    def errors(self) -> UInt32:
        """Return 1 in an error state."""
        return UInt32(1 if self.replication.is_in("Error", "UpdateError") else 0)

    @property
    def pending(self) -> UInt64:
        """Return what waits to be sent."""
        return UInt64(int(self.missed) * int(self.size))
