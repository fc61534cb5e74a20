# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host as a Replica server: whether it takes copies, from whom, and how they sign in."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from ..powershell.values import EnumValue, TypedArray
from . import enums, messages
from .live import PREFIX, ModelObject, chain

if TYPE_CHECKING:
    from .host import Host


@dataclass(kw_only=True)
class ReplicaSettings:
    """Replica-server settings of a host; a fresh one takes nothing."""

    enabled: bool = False
    authentication: str = "Kerberos"
    kerberos_port: int = 80
    certificate_port: int = 443
    thumbprint: str = ""
    any_server: bool = False
    storage: str = ""
    monitoring_interval: timedelta = timedelta(hours=12)
    monitoring_start: timedelta = timedelta(hours=9)
    entries: list[AuthorizationEntry] = field(default_factory=list)

    def accepts(self, primary: str) -> bool:
        """Return whether copies from a server of that full name are taken."""
        return self.enabled and (self.any_server or self.group_of(primary) is not None)

    def group_of(self, primary: str) -> str | None:
        """Return the trust group of a server, None where no entry is for it. A name goes before a pattern."""
        fitting = [entry for entry in self.entries if entry.allows(primary)]
        exact = [entry for entry in fitting if entry.primary.lower() == primary.lower()]
        return next((entry.trust_group.lower() for entry in (*exact, *fitting)), None)

    def lets_move(self, before: str, after: str) -> bool:
        """Return whether a machine that was replicated from one server may be from another: of the same trust group."""
        return self.accepts(after) and (self.any_server or self.group_of(before) == self.group_of(after))


class AuthorizationEntry(ModelObject):
    """VMReplicationAuthorizationEntry: servers whose copies are taken, where they lie, and whose trust they share."""

    TYPE_NAMES: ClassVar = chain("VMReplicationAuthorizationEntry")
    PROPERTIES: ClassVar = {
        "AllowedPrimaryServer": "primary",
        "ReplicaStorageLocation": "storage",
        "TrustGroup": "trust_group",
        "CimSession": "cim_session",
        "ComputerName": "computer_name",
        "IsDeleted": "is_deleted",
    }
    SINCE: ClassVar = {"CimSession": "2016"}

    def __init__(self, host: Host, primary: str, storage: str, trust_group: str) -> None:
        self.host = host
        self.primary = primary
        self.storage = storage
        self.trust_group = trust_group

    def allows(self, primary: str) -> bool:
        """Return whether a full name is the one, or fits the pattern (*.domain)."""
        return fnmatch.fnmatchcase(primary.lower(), self.primary.lower())


class ReplicaServer(ModelObject):
    """VMReplicationServer."""

    TYPE_NAMES: ClassVar = chain("VMReplicationServer")
    PROPERTIES: ClassVar = {
        "AllowedAuthenticationType": "authentication",
        "AuthorizationEntries": "entries",
        "CertificateAuthenticationPort": "certificate_port",
        "CertificateAuthenticationPortMapping": "nothing",
        "CertificateThumbprint": "thumbprint",
        "DefaultStorageLocation": "storage",
        "KerberosAuthenticationPort": "kerberos_port",
        "KerberosAuthenticationPortMapping": "nothing",
        "MonitoringInterval": "monitoring_interval",
        "MonitoringStartTime": "monitoring_start",
        "OperationalStatus": "operational_status",
        "ReplicationAllowedFromAnyServer": "any_server",
        "ReplicationEnabled": "enabled",
        "StatusDescriptions": "status_descriptions",
        "CimSession": "cim_session",
        "ComputerName": "computer_name",
        "IsDeleted": "is_deleted",
    }
    SINCE: ClassVar = {"CimSession": "2016"}
    nothing = None

    def __init__(self, host: Host) -> None:
        self.host = host

    def ps_get(self, name: str) -> object:
        """Return a property's value: those of the settings by their own names."""
        settings = self.host.replica_server
        field_name = self.PROPERTIES[name]
        if field_name not in ("authentication", "entries") and hasattr(settings, field_name):
            return getattr(settings, field_name)
        return super().ps_get(name)

    @property
    def authentication(self) -> EnumValue:
        """Return AllowedAuthenticationType."""
        return enums.value("RecoveryAuthenticationType", self.host.replica_server.authentication)

    @property
    def entries(self) -> TypedArray:
        """Return the authorization entries."""
        return TypedArray(PREFIX + "VMReplicationAuthorizationEntry", self.host.replica_server.entries)

    @property
    def operational_status(self) -> TypedArray:
        """Return Ok."""
        status = [enums.value("VMReplicationServerOperationalStatus", "Ok")]
        return TypedArray(PREFIX + "VMReplicationServerOperationalStatus", status)

    @property
    def status_descriptions(self) -> TypedArray:
        """Return the localised status."""
        return TypedArray("System.String", [messages.text(self.host.language, "status_normal")])
