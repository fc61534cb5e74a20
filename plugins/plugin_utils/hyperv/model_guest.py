# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host says about guests' services, protection and replication, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from . import model_enums as enums
from .wire_values import flag, guid, moment, named, text, whole

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """An integration service; ``service_id`` is the GUID that is the same in every language (facts, 7.1)."""

    PROPERTIES: ClassVar = ("VMId", "Id", "Name", "Enabled", "PrimaryOperationalStatus", "SecondaryOperationalStatus")

    vm_id: str
    service_id: str
    name: str = ""
    """As the host's language has it: for people only."""
    enabled: bool = False
    primary_operational_status: str | None = None
    secondary_operational_status: str | None = None

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Service:
        """Return the service that a projected Get-VMIntegrationService object describes."""
        first, second = raw.get("PrimaryOperationalStatus"), raw.get("SecondaryOperationalStatus")
        return cls(
            vm_id=guid(raw.get("VMId")) or "",
            service_id=text(raw.get("Id")).rpartition("\\")[2].lower(),
            name=text(raw.get("Name")),
            enabled=bool(flag(raw.get("Enabled"))),
            primary_operational_status=named(first, enums.COMPONENT_STATUSES) or None,
            secondary_operational_status=named(second, enums.COMPONENT_STATUSES) or None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """Protection of a machine: virtual TPM, shielding, encryption of its migration traffic."""

    PROPERTIES: ClassVar = ("VMId", "TpmEnabled", "Shielded", "EncryptStateAndVmMigrationTraffic", "BindToHostTpm")

    vm_id: str
    tpm_enabled: bool = False
    shielded: bool = False
    encrypt_state_and_vm_migration_traffic: bool = False
    bind_to_host_tpm: bool | None = None

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Security:
        """Return the settings that a projected Get-VMSecurity object describes."""
        return cls(
            vm_id=guid(raw.get("VMId")) or "",
            tpm_enabled=bool(flag(raw.get("TpmEnabled"))),
            shielded=bool(flag(raw.get("Shielded"))),
            encrypt_state_and_vm_migration_traffic=bool(flag(raw.get("EncryptStateAndVmMigrationTraffic"))),
            bind_to_host_tpm=flag(raw.get("BindToHostTpm")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Replication:
    """A replication relationship of a machine. Get-VM's own ReplicationState is wrong on 2016 and 2019 (facts, 5)."""

    PROPERTIES: ClassVar = (
        "VMId", "ReplicationState", "ReplicationHealth", "ReplicationMode", "PrimaryServerName", "ReplicaServerName",
        "ReplicationFrequencySec", "LastReplicationTime", "State", "Health", "Mode", "PrimaryServer", "ReplicaServer",
        "FrequencySec",
    )  # fmt: skip
    """Members exist under two names, and not every build shows both."""

    vm_id: str
    state: str = ""
    health: str = ""
    mode: str = ""
    primary_server: str = ""
    replica_server: str = ""
    frequency_seconds: int | None = None
    last_replication_time: str | None = None

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Replication:
        """Return the relationship that a projected Get-VMReplication object describes."""

        def either(long: str, short: str) -> Any:
            value = raw.get(long)
            return raw.get(short) if value is None else value

        return cls(
            vm_id=guid(raw.get("VMId")) or "",
            state=named(either("ReplicationState", "State"), enums.REPLICATION_STATES),
            health=named(either("ReplicationHealth", "Health"), enums.REPLICATION_HEALTHS),
            mode=named(either("ReplicationMode", "Mode"), enums.REPLICATION_MODES),
            primary_server=text(either("PrimaryServerName", "PrimaryServer")),
            replica_server=text(either("ReplicaServerName", "ReplicaServer")),
            frequency_seconds=whole(either("ReplicationFrequencySec", "FrequencySec")),
            last_replication_time=moment(raw.get("LastReplicationTime")),
        )
