# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the audit reads of a host besides what other tasks read. ``from_wire`` is the only reader of raw names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..wire_values import flag, guid, many, moment, text, text_or_none, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

_UDP = 2


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
        "IPPortMatchCondition", "IPSrcPortStartMatchCondition", "AppPathNameMatchCondition", "UserMatchCondition",
        "URIMatchCondition", "IPProtocolMatchCondition",
    )  # fmt: skip

    name: str
    rate: int = 0
    first_port: int | None = None
    last_port: int | None = None
    is_narrow: bool = False
    """Whether it is about one program, user, address of the web, port of this host, or UDP: not about replication."""

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Throttle:
        """Return the policy that a projected MSFT_NetQosPolicySettingData describes."""
        first = whole(raw.get("IPDstPortStartMatchCondition")) or whole(raw.get("IPPortMatchCondition")) or None
        others = ("AppPathNameMatchCondition", "UserMatchCondition", "URIMatchCondition")
        return cls(
            name=text(raw.get("Name")),
            rate=whole(raw.get("ThrottleRateAction")) or 0,
            first_port=first,
            last_port=whole(raw.get("IPDstPortEndMatchCondition")) or first,
            is_narrow=any(text(raw.get(other)) for other in others)
            or bool(whole(raw.get("IPSrcPortStartMatchCondition")))
            or whole(raw.get("IPProtocolMatchCondition")) == _UDP,
        )

    def limits(self, port: int) -> bool:
        """Whether it limits traffic to this port."""
        if self.rate <= 0 or self.is_narrow:
            return False
        return self.first_port is None or self.first_port <= port <= (self.last_port or self.first_port)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupThrottle:
    """The same from group policy, as the registry holds it: texts, * for any, -1 for no limit."""

    PROPERTIES: ClassVar = (
        "PSChildName", "Remote Port", "Throttle Rate", "Application Name", "Local Port", "Protocol"
    )  # fmt: skip

    name: str
    rate: int = 0
    ports: str = "*"
    is_narrow: bool = False

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> GroupThrottle:
        """Return the policy that the projected values of its key describe."""
        return cls(
            name=text(raw.get("PSChildName")),
            rate=whole(raw.get("Throttle Rate")) or 0,
            ports=text(raw.get("Remote Port")) or "*",
            is_narrow=any(text(raw.get(name)) not in ("", "*") for name in ("Application Name", "Local Port"))
            or text(raw.get("Protocol")).upper() == "UDP",
        )

    def limits(self, port: int) -> bool:
        """Whether it limits traffic to this port: any, one, or a range ``first:last``."""
        if self.rate <= 0 or self.is_narrow:
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
