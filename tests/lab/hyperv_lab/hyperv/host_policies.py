# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has besides its role that replication and switches need: certificates, limits of traffic, extensions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..powershell.values import OBJECT, PropertyBag, UInt16, UInt32, UInt64
from .cim import CimInstance, provide

if TYPE_CHECKING:
    from .host import Host
    from .schema import Section

STANDARD = "root/StandardCimv2"
STORE = "cert:\\localmachine\\my"
QOS = "hklm:\\software\\policies\\microsoft\\windows\\qos"
_CERTIFICATE = "System.Security.Cryptography.X509Certificates.X509Certificate2"
_KEY = "Microsoft.Win32.RegistryKey"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate of the computer's own store."""

    thumbprint: str
    subject: str
    days_left: float = 365.0
    private_key: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """A policy that limits what is sent to a port, of the host's own or from a group policy."""

    name: str
    port: int
    bits: int
    from_group: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """An installed switch extension: where it is enabled, and which features of ports it brings."""

    identifier: str
    name: str
    enabled_on: tuple[str, ...] = ()
    features: tuple[tuple[str, str], ...] = ()
    """Id and name of each."""


CAPTURE = Extension(identifier="EA24CD6C-D17A-4348-9190-09F0D5BE83DD", name="Microsoft NDIS Capture")
FILTERING = Extension(
    identifier="E7C3B2F0-F3C5-48DF-AF2B-10FED6D72E7A",
    name="Microsoft Windows Filtering Platform",
    enabled_on=("*",),
)


@dataclass(kw_only=True)
class Policies:
    """All of it."""

    certificates: tuple[Certificate, ...] = ()
    throttles: tuple[Throttle, ...] = ()
    extensions: tuple[Extension, ...] = field(default=(CAPTURE, FILTERING))


def read_policies(section: Section) -> Policies:
    """Return what a host's section says of these; raise FleetError."""
    return Policies(
        certificates=tuple(_certificate(entry) for entry in section.sections("certificates")),
        throttles=tuple(_throttle(entry) for entry in section.sections("throttles")),
        extensions=(CAPTURE, FILTERING, *(_extension(entry) for entry in section.sections("extensions"))),
    )


def _certificate(entry: Section) -> Certificate:
    found = Certificate(
        thumbprint=entry.text("thumbprint").upper(),
        subject=entry.text("subject", "CN=replica"),
        days_left=entry.number("days_left", 365.0, least=-36_500),
        private_key=entry.flag("private_key", True),
    )
    entry.close()
    return found


def _throttle(entry: Section) -> Throttle:
    found = Throttle(
        name=entry.text("name", "Replica"),
        port=entry.whole("port", 0),
        bits=int(entry.number("mbit", 100.0) * 1_000_000),
        from_group=entry.flag("from_group"),
    )
    entry.close()
    return found


def _extension(entry: Section) -> Extension:
    features = []
    for part in entry.sections("features"):
        features.append((part.text("id").upper(), part.text("name", "Feature")))
        part.close()
    found = Extension(
        identifier=entry.text("id").upper(),
        name=entry.text("name"),
        enabled_on=tuple(entry.texts("enabled_on")),
        features=tuple(features),
    )
    entry.close()
    return found


@provide(STANDARD, "MSFT_NetQosPolicySettingData")
def _throttles(host: Host) -> list[CimInstance]:
    """Return the host's own policies; those of group policies are in the registry only."""
    return [
        CimInstance(
            STANDARD,
            "MSFT_NetQosPolicySettingData",
            {
                "Name": policy.name,
                "ThrottleRateAction": UInt64(policy.bits),
                "IPProtocolMatchCondition": UInt32(1 if policy.port else 0),
                "IPPortMatchCondition": UInt16(0),
                "IPSrcPortStartMatchCondition": UInt16(0),
                "IPSrcPortEndMatchCondition": UInt16(0),
                "IPDstPortStartMatchCondition": UInt16(policy.port),
                "IPDstPortEndMatchCondition": UInt16(policy.port),
                "AppPathNameMatchCondition": None,
            },
        )
        for policy in host.policies.throttles
        if not policy.from_group
    ]


def provider_items(host: Host, path: str) -> list[Any] | None:
    """Return the items below a path of the certificate or registry provider; None for one that isn't there."""
    plain = path.replace("/", "\\").rstrip("\\").lower()
    if plain == STORE:
        return [_certificate_item(host, one) for one in host.policies.certificates]
    limits = [policy for policy in host.policies.throttles if policy.from_group]
    if plain == QOS and limits:
        return [_key_item(policy) for policy in limits]
    return None


def _certificate_item(host: Host, one: Certificate) -> PropertyBag:
    end = host.fleet.clock.start + timedelta(days=one.days_left)
    values = {
        "Thumbprint": one.thumbprint,
        "Subject": one.subject,
        "Issuer": one.subject,
        "NotBefore": end - timedelta(days=730),
        "NotAfter": end,
        "HasPrivateKey": one.private_key,
        "PSPath": f"Microsoft.PowerShell.Security\\Certificate::LocalMachine\\My\\{one.thumbprint}",
        "PSChildName": one.thumbprint,
    }
    return PropertyBag(values, (_CERTIFICATE, OBJECT), one.thumbprint)


def _key_item(policy: Throttle) -> PropertyBag:
    path = f"HKEY_LOCAL_MACHINE\\{QOS.partition(chr(92))[2]}\\{policy.name}"
    values = {
        "Name": path,
        "PSChildName": policy.name,
        "PSPath": f"Microsoft.PowerShell.Core\\Registry::{path}",
    }
    return PropertyBag(values, (_KEY, "System.MarshalByRefObject", OBJECT), path)


def policy_values(host: Host, path: str) -> dict[str, Any] | None:
    """Return the values of a policy's key (texts, as group policies write them); None for another path."""
    folder, _slash, name = path.replace("HKEY_LOCAL_MACHINE", "HKLM:").rpartition("\\")
    limits = [policy for policy in host.policies.throttles if policy.from_group]
    policy = next((one for one in limits if one.name.lower() == name.lower()), None)
    if folder.lower() != QOS or policy is None:
        return None
    return {
        "Version": "1.0",
        "Remote Port": str(policy.port) if policy.port else "*",
        "Local Port": "*",
        "Protocol": "TCP",
        "Throttle Rate": str(policy.bits // 8000),
    }
