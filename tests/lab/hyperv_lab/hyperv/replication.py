# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replication of a machine to another host, as each side shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ..powershell.values import EnumValue
from . import enums
from .components import Component
from .live import chain

if TYPE_CHECKING:
    from datetime import datetime


class Replication(Component):
    """VMReplication: both the long and the short names of its members (field objects)."""

    TYPE_NAMES: ClassVar = chain("VMReplication", "VMComponentObject")
    DEVICE = "Replication"
    PROPERTIES: ClassVar = {
        "ReplicationState": "state",
        "ReplicationHealth": "health",
        "ReplicationMode": "mode",
        "ReplicationRelationshipType": "relationship",
        "PrimaryServerName": "primary_server",
        "ReplicaServerName": "replica_server",
        "CurrentReplicaServerName": "replica_server",
        "ReplicaServerPort": "port",
        "AuthenticationType": "authentication",
        "ReplicationFrequencySec": "frequency",
        "RecoveryHistory": "recovery_history",
        "LastReplicationTime": "last_replication_time",
        "CompressionEnabled": "compression_enabled",
        "AutoResynchronizeEnabled": "auto_resynchronize_enabled",
        "TrustGroup": "trust_group",
        "VMId": "vm_id",
        "VMName": "vm_name",
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
    trust_group = "DEFAULT"
    port = 80
    frequency = 300
    recovery_history = 0
    last_replication_time: datetime | None = None
    compression_enabled = True
    auto_resynchronize_enabled = True
