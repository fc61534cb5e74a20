# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cmdlets on a host as a Replica server: its settings and its authorization entries."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from . import enums
from .base import HYPERV_CLASS, HyperVCmdlet, as_list, fits, has_wildcards
from .failures import Refused
from .replica_server import AuthorizationEntry, ReplicaServer

if TYPE_CHECKING:
    from collections.abc import Callable


class GetVMReplicationServer(HyperVCmdlet):
    """Get-VMReplicationServer."""

    NAME = "Get-VMReplicationServer"
    CLASS = HYPERV_CLASS + "GetVMReplicationServer"

    def run(self) -> None:
        """Write the settings."""
        self.call.write(ReplicaServer(self.host))


class SetVMReplicationServer(HyperVCmdlet):
    """Set-VMReplicationServer; mappings of ports (clusters) are not played."""

    NAME = "Set-VMReplicationServer"
    CLASS = HYPERV_CLASS + "SetReplicationServer"
    FIELDS: ClassVar[dict[str, tuple[str, Callable[[Any], Any]]]] = {
        "ReplicationEnabled": ("enabled", bool),
        "AllowedAuthenticationType": (
            "authentication",
            lambda given: enums.named("RecoveryAuthenticationType", given).name,
        ),
        "ReplicationAllowedFromAnyServer": ("any_server", bool),
        "CertificateThumbprint": ("thumbprint", str),
        "DefaultStorageLocation": ("storage", str),
        "KerberosAuthenticationPort": ("kerberos_port", int),
        "CertificateAuthenticationPort": ("certificate_port", int),
        "MonitoringInterval": ("monitoring_interval", lambda given: given),
        "MonitoringStartTime": ("monitoring_start", lambda given: given),
    }

    def run(self) -> None:
        """Change what is given. Certificates are asked for where a thumbprint is needed and there is none."""
        for parameter in ("KerberosAuthenticationPortMapping", "CertificateAuthenticationPortMapping"):
            if self.bound_to(parameter):
                raise Refused("not_supported", what=parameter)
        if not self.call.should_process(self.host.name):
            return
        given = {field: kind(self.given(name)) for name, (field, kind) in self.FIELDS.items() if self.bound_to(name)}
        with self.host.fleet.lock:
            wanted = replace(self.host.replica_server, **given)
            if wanted.enabled and wanted.authentication != "Kerberos" and not wanted.thumbprint:
                raise Refused("parameter", what="CertificateThumbprint")
            if wanted.enabled and wanted.any_server and not wanted.storage:
                raise Refused("parameter", what="DefaultStorageLocation")
            self.host.replica_server = wanted
        self.host.fleet.clock.notify()
        self.passthru(ReplicaServer(self.host))


class GetVMReplicationAuthorizationEntry(HyperVCmdlet):
    """Get-VMReplicationAuthorizationEntry."""

    NAME = "Get-VMReplicationAuthorizationEntry"
    CLASS = HYPERV_CLASS + "GetVMReplicationAuthorizationEntry"

    def run(self) -> None:
        """Write the entries asked for; an error for a server that has none."""
        name = self.given("AllowedPrimaryServer")
        filters = (("ReplicaStorageLocation", "storage"), ("TrustGroup", "trust_group"))
        found = [e for e in self.host.replica_server.entries if name is None or fits(e.primary, [name])]
        if name is not None and not found and not has_wildcards(name):
            self.reject("entry_unknown", name=name)
        for entry in found:
            if all(
                self.given(parameter) is None or fits(getattr(entry, field), [str(self.given(parameter))])
                for parameter, field in filters
            ):
                self.call.write(entry)


class NewVMReplicationAuthorizationEntry(HyperVCmdlet):
    """New-VMReplicationAuthorizationEntry: one for each server or pattern (*.domain)."""

    NAME = "New-VMReplicationAuthorizationEntry"
    CLASS = HYPERV_CLASS + "NewVMReplicationAuthorizationEntry"

    def run(self) -> None:
        """Add the entry."""
        primary = str(self.given("AllowedPrimaryServer"))
        if not self.call.should_process(primary):
            return
        given = (primary, str(self.given("ReplicaStorageLocation")), str(self.given("TrustGroup")))
        with self.host.fleet.lock:
            known = self.host.replica_server.entries
            if any(entry.primary.lower() == primary.lower() for entry in known):
                raise Refused("entry_exists", name=primary)
            entry = AuthorizationEntry(self.host, *given)
            self.host.replica_server.entries = [*known, entry]
        self.host.fleet.clock.notify()
        self.call.write(entry)


class EntryCmdlet(HyperVCmdlet):
    """A change of authorization entries, given as objects, by server, or by trust group."""

    def entries(self, *, by_group: bool) -> list[AuthorizationEntry]:
        """Return the entries that the call means; an error for a server or group without one."""
        if self.bound_to("VMReplicationAuthorizationEntry"):
            return as_list(self.given("VMReplicationAuthorizationEntry"))
        group = by_group and not self.bound_to("AllowedPrimaryServer")
        field, name = ("trust_group", "TrustGroup") if group else ("primary", "AllowedPrimaryServer")
        wanted = str(self.given(name))
        found = [e for e in self.host.replica_server.entries if str(getattr(e, field)).lower() == wanted.lower()]
        if not found:
            self.reject("entry_unknown", name=wanted)
        return found


class RemoveVMReplicationAuthorizationEntry(EntryCmdlet):
    """Remove-VMReplicationAuthorizationEntry."""

    NAME = "Remove-VMReplicationAuthorizationEntry"
    CLASS = HYPERV_CLASS + "RemoveVMReplicationAuthorizationEntry"

    def run(self) -> None:
        """Remove the entries given."""
        for entry in self.entries(by_group=True):
            if not self.call.should_process(entry.primary):
                continue
            with self.host.fleet.lock:
                settings = self.host.replica_server
                settings.entries = [each for each in settings.entries if each is not entry]
                entry.is_deleted = True
            self.host.fleet.clock.notify()
            self.passthru(entry)


class SetVMReplicationAuthorizationEntry(EntryCmdlet):
    """Set-VMReplicationAuthorizationEntry."""

    NAME = "Set-VMReplicationAuthorizationEntry"
    CLASS = HYPERV_CLASS + "SetVMReplicationAuthorizationEntry"

    def run(self) -> None:
        """Change the entries given."""
        for entry in self.entries(by_group=False):
            if not self.call.should_process(entry.primary):
                continue
            with self.host.fleet.lock:
                entry.storage = str(self.given("ReplicaStorageLocation", entry.storage))
                entry.trust_group = str(self.given("TrustGroup", entry.trust_group))
            self.host.fleet.clock.notify()
            self.passthru(entry)


COMMANDS = (
    GetVMReplicationServer,
    SetVMReplicationServer,
    GetVMReplicationAuthorizationEntry,
    NewVMReplicationAuthorizationEntry,
    SetVMReplicationAuthorizationEntry,
    RemoveVMReplicationAuthorizationEntry,
)
