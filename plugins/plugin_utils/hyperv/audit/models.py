# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the audit reads besides what other tasks read: frozen data, ``from_wire`` the only reader of raw names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from .. import model_enums as enums
from ..wire_values import flag, guid, many, moment, named, seconds, text, text_or_none, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_AUTHENTICATION = {1: "Kerberos", 2: "Certificate"}
_SERVER_AUTHENTICATION = {1: "Kerberos", 2: "Certificate", 3: "CertificateAndKerberos"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HostClock:
    """The host's own clock, in UTC (Win32_OperatingSystem)."""

    PROPERTIES: ClassVar = ("LocalDateTime",)

    now: str | None = None

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> HostClock:
        """Return what a projected Win32_OperatingSystem says."""
        return cls(now=moment(raw.get("LocalDateTime")))


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState:
    """A service as WMI has it (Win32_Service): words that no language changes, on every edition."""

    PROPERTIES: ClassVar = ("Name", "State", "StartMode")

    name: str
    state: str = ""
    start_mode: str = ""

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> ServiceState:
        """Return the service that a projected Win32_Service describes."""
        return cls(name=text(raw.get("Name")), state=text(raw.get("State")), start_mode=text(raw.get("StartMode")))


@dataclass(frozen=True, slots=True, kw_only=True)
class NetAdapter:
    """A network adapter of the host; ``speed`` is bits per second, None where the host doesn't say it."""

    PROPERTIES: ClassVar = (
        "Name", "InterfaceDescription", "InterfaceIndex", "Speed", "TransmitLinkSpeed", "InterfaceOperationalStatus",
        "HardwareInterface",
    )  # fmt: skip

    name: str
    description: str = ""
    index: int | None = None
    speed: int | None = None
    up: bool = False
    hardware: bool = False

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> NetAdapter:
        """Return the adapter that a projected Get-NetAdapter object describes; status 1 is up (RFC 2863)."""
        speed = whole(raw.get("TransmitLinkSpeed"))
        return cls(
            name=text(raw.get("Name")),
            description=text(raw.get("InterfaceDescription")),
            index=whole(raw.get("InterfaceIndex")),
            speed=whole(raw.get("Speed")) if speed is None else speed,
            up=whole(raw.get("InterfaceOperationalStatus")) == 1,
            hardware=bool(flag(raw.get("HardwareInterface"))),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IpAddress:
    """An address of the host."""

    PROPERTIES: ClassVar = ("IPAddress", "PrefixLength", "InterfaceIndex")

    address: str
    index: int | None = None

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> IpAddress:
        """Return the address that a projected Get-NetIPAddress object describes, without its zone."""
        return cls(address=text(raw.get("IPAddress")).partition("%")[0], index=whole(raw.get("InterfaceIndex")))


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
    dhcp: bool | None = None
    addresses: tuple[str, ...] = ()

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> GuestAddresses:
        """Return what a projected Msvm_GuestNetworkAdapterConfiguration says; its id begins with the machine's."""
        found = _GUID.search(text(raw.get("InstanceID")))
        return cls(
            vm_id=found[0].lower() if found else "",
            dhcp=flag(raw.get("DHCPEnabled")),
            addresses=tuple(text(item) for item in many(raw.get("IPAddresses"))),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate in the computer's own store."""

    PROPERTIES: ClassVar = ("Thumbprint", "Subject", "NotAfter", "HasPrivateKey")

    thumbprint: str
    subject: str = ""
    not_after: str | None = None
    has_private_key: bool | None = None

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Certificate:
        """Return the certificate that a projected item of the Cert: drive describes."""
        return cls(
            thumbprint=text(raw.get("Thumbprint")).upper(),
            subject=text(raw.get("Subject")),
            not_after=moment(raw.get("NotAfter")),
            has_private_key=flag(raw.get("HasPrivateKey")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """A policy that limits traffic to a port, or to all ports (None)."""

    PROPERTIES: ClassVar = (
        "Name", "ThrottleRateAction", "IPDstPortStartMatchCondition", "IPDstPortEndMatchCondition",
        "IPPortMatchCondition", "IPSrcPortStartMatchCondition", "AppPathNameMatchCondition", "IPProtocolMatchCondition",
    )  # fmt: skip

    name: str
    rate: int = 0
    first_port: int | None = None
    last_port: int | None = None

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Throttle:
        """Return the policy that a projected MSFT_NetQosPolicySettingData describes."""
        first = whole(raw.get("IPDstPortStartMatchCondition")) or whole(raw.get("IPPortMatchCondition")) or None
        return cls(
            name=text(raw.get("Name")),
            rate=whole(raw.get("ThrottleRateAction")) or 0,
            first_port=first,
            last_port=whole(raw.get("IPDstPortEndMatchCondition")) or first,
        )

    def limits(self, port: int) -> bool:
        """Whether it limits traffic to this port."""
        if self.rate <= 0:
            return False
        return self.first_port is None or self.first_port <= port <= (self.last_port or self.first_port)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupThrottle:
    """The same from group policy, as the registry holds it: texts, * for any, -1 for no limit."""

    PROPERTIES: ClassVar = ("PSChildName", "Remote Port", "Throttle Rate")

    name: str
    rate: int = 0
    ports: str = "*"

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> GroupThrottle:
        """Return the policy that the projected values of its key describe."""
        return cls(
            name=text(raw.get("PSChildName")),
            rate=whole(raw.get("Throttle Rate")) or 0,
            ports=text(raw.get("Remote Port")) or "*",
        )

    def limits(self, port: int) -> bool:
        """Whether it limits traffic to this port: any, one, or a range ``first:last``."""
        if self.rate <= 0:
            return False
        first, _colon, last = self.ports.partition(":")
        return self.ports == "*" or (first.isdigit() and int(first) <= port <= int(last if last.isdigit() else first))


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchExtension:
    """An extension as one switch has it."""

    PROPERTIES: ClassVar = ("Id", "Name", "SwitchName", "Enabled", "Running")

    id: str
    name: str = ""
    switch: str = ""
    enabled: bool = False

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> SwitchExtension:
        """Return the extension that a projected Get-VMSwitchExtension object describes."""
        return cls(
            id=text(raw.get("Id")).strip("{}").lower(),
            name=text(raw.get("Name")),
            switch=text(raw.get("SwitchName")),
            enabled=bool(flag(raw.get("Enabled"))),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PortFeature:
    """A feature of ports that an installed extension brings."""

    PROPERTIES: ClassVar = ("Id", "Name", "ExtensionId", "ExtensionName")

    id: str
    name: str = ""
    extension_id: str = ""
    extension_name: str = ""

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> PortFeature:
        """Return the feature that a projected Get-VMSystemSwitchExtensionPortFeature object describes."""
        return cls(
            id=text(raw.get("Id")).strip("{}").lower(),
            name=text(raw.get("Name")),
            extension_id=text(raw.get("ExtensionId")).strip("{}").lower(),
            extension_name=text(raw.get("ExtensionName")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredFeatures:
    """Features of extensions without which an adapter of a machine passes no traffic; None where not said."""

    PROPERTIES: ClassVar = ("VMId", "Name", "SwitchName", "MandatoryFeatureId")

    vm_id: str
    adapter: str = ""
    switch: str | None = None
    features: tuple[str, ...] = ()

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> RequiredFeatures:
        """Return what a projected Get-VMNetworkAdapter object says of its mandatory features."""
        return cls(
            vm_id=guid(raw.get("VMId")) or "",
            adapter=text(raw.get("Name")),
            switch=text_or_none(raw.get("SwitchName")) or None,
            features=tuple(text(item).strip("{}").lower() for item in many(raw.get("MandatoryFeatureId"))),
        )
