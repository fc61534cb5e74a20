# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the audit reads of replication: a host as a Replica server, each machine's settings, what its guest tells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from .. import model_enums as enums
from ..wire_values import flag, guid, many, moment, named, seconds, text, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_AUTHENTICATION = {1: "Kerberos", 2: "Certificate"}
_SERVER_AUTHENTICATION = {1: "Kerberos", 2: "Certificate", 3: "CertificateAndKerberos"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationServer:
    """Settings of the host as a Replica server."""

    PROPERTIES: ClassVar = (
        "ReplicationEnabled", "AllowedAuthenticationType", "ReplicationAllowedFromAnyServer", "CertificateThumbprint",
    )  # fmt: skip

    enabled: bool
    authentication: str = ""
    from_any_server: bool = False
    thumbprint: str = ""

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> ReplicationServer:
        """Return the settings that a projected Get-VMReplicationServer object describes."""
        return cls(
            enabled=bool(flag(raw.get("ReplicationEnabled"))),
            authentication=named(raw.get("AllowedAuthenticationType"), _SERVER_AUTHENTICATION),
            from_any_server=bool(flag(raw.get("ReplicationAllowedFromAnyServer"))),
            thumbprint=text(raw.get("CertificateThumbprint")).replace(" ", "").upper(),
        )

    @property
    def uses_certificates(self) -> bool:
        """Whether replication over HTTPS is allowed."""
        return "Certificate" in self.authentication


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationEntry:
    """A primary server, or a pattern of names, that a Replica server accepts."""

    PROPERTIES: ClassVar = ("AllowedPrimaryServer", "TrustGroup")

    server: str
    trust_group: str = ""

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> AuthorizationEntry:
        """Return the entry that a projected Get-VMReplicationAuthorizationEntry object describes."""
        return cls(server=text(raw.get("AllowedPrimaryServer")), trust_group=text(raw.get("TrustGroup")))

    @property
    def is_anybody(self) -> bool:
        """Whether it accepts every server."""
        return self.server.strip() == "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationSettings:
    """A machine's replication as Get-VMReplication shows it; the interval is seconds since midnight."""

    PROPERTIES: ClassVar = (
        "VMId", "ReplicationState", "ReplicationMode", "PrimaryServerName", "ReplicaServerName", "ReplicaServerPort",
        "State", "Mode", "PrimaryServer", "ReplicaServer", "AuthenticationType", "CompressionEnabled",
        "AutoResynchronizeEnabled", "AutoResynchronizeIntervalStart", "AutoResynchronizeIntervalEnd",
    )  # fmt: skip

    vm_id: str
    state: str = ""
    mode: str = ""
    primary_server: str = ""
    replica_server: str = ""
    port: int | None = None
    authentication: str = ""
    compressed: bool | None = None
    resynchronizes: bool | None = None
    interval_start: float | None = None
    interval_end: float | None = None

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> ReplicationSettings:
        """Return the replication that a projected Get-VMReplication object describes."""

        def either(long: str, short: str) -> Any:
            value = raw.get(long)
            return raw.get(short) if value is None else value

        return cls(
            vm_id=guid(raw.get("VMId")) or "",
            state=named(either("ReplicationState", "State"), enums.REPLICATION_STATES),
            mode=named(either("ReplicationMode", "Mode"), enums.REPLICATION_MODES),
            primary_server=text(either("PrimaryServerName", "PrimaryServer")),
            replica_server=text(either("ReplicaServerName", "ReplicaServer")),
            port=whole(raw.get("ReplicaServerPort")),
            authentication=named(raw.get("AuthenticationType"), _AUTHENTICATION),
            compressed=flag(raw.get("CompressionEnabled")),
            resynchronizes=flag(raw.get("AutoResynchronizeEnabled")),
            interval_start=seconds(raw.get("AutoResynchronizeIntervalStart")),
            interval_end=seconds(raw.get("AutoResynchronizeIntervalEnd")),
        )

    @property
    def is_replica(self) -> bool:
        """Whether this is the receiving side."""
        return self.mode in ("Replica", "ExtendedReplica")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationHealth:
    """When a test failover of a machine was started last (Measure-VMReplication); None for never."""

    PROPERTIES: ClassVar = ("VMId", "LastTestFailoverInitiatedTime")

    vm_id: str
    last_test: str | None = None

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> ReplicationHealth:
        """Return what a projected Measure-VMReplication object says."""
        return cls(vm_id=guid(raw.get("VMId")) or "", last_test=moment(raw.get("LastTestFailoverInitiatedTime")))


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestAddresses:
    """Whether an adapter in a guest has its address from DHCP; None where the guest doesn't tell."""

    PROPERTIES: ClassVar = ("InstanceID", "DHCPEnabled", "IPAddresses")

    vm_id: str
    device: str = ""
    """The adapter's own GUID, which ends its Id too."""
    dhcp: bool | None = None
    addresses: tuple[str, ...] = ()

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> GuestAddresses:
        """Return what a projected Msvm_GuestNetworkAdapterConfiguration says; its id begins with the machine's."""
        key = text(raw.get("InstanceID"))
        found = _GUID.search(key)
        return cls(
            vm_id=found[0].lower() if found else "",
            device=key.rpartition("\\")[2].lower(),
            dhcp=flag(raw.get("DHCPEnabled")),
            addresses=tuple(text(item) for item in many(raw.get("IPAddresses"))),
        )
