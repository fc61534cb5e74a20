# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The winrm/config resource: what a client reads to learn the service's limits (structure as recorded)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from . import names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..world import Machine

    Tree = Mapping[str, str | "Tree"]

_UNLIMITED = "4294967295"
_MAXIMUM = "2147483647"
_PORTS = {"HTTP": "5985", "HTTPS": "5986"}
_DESCRIPTOR = "O:NSG:BAD:P(A;;GA;;;BA)(A;;GR;;;IU)S:P(AU;FA;GA;;;WD)(AU;SA;GXGW;;;WD)"
_CLIENT: Tree = {
    "NetworkDelayms": "5000",
    "URLPrefix": "wsman",
    "AllowUnencrypted": "false",
    "Auth": {
        "Basic": "true",
        "Digest": "true",
        "Kerberos": "true",
        "Negotiate": "true",
        "Certificate": "true",
        "CredSSP": "false",
    },
    "DefaultPorts": _PORTS,
    "TrustedHosts": "",
}


def configuration(machine: Machine) -> str:
    """Return the Config element of a machine."""
    tree: Tree = {
        "MaxEnvelopeSizekb": str(machine.limits.envelope_bytes // 1024),
        "MaxTimeoutms": "60000",
        "MaxBatchItems": "32000",
        "MaxProviderRequests": _UNLIMITED,
        "Client": _CLIENT,
        "Service": _service(machine),
        "Winrs": _winrs(machine),
    }
    return f'<cfg:Config xmlns:cfg="{names.CONFIG}">{_render(tree)}</cfg:Config>'


def _service(machine: Machine) -> Tree:
    methods = machine.authentication
    return {
        "RootSDDL": _DESCRIPTOR,
        "MaxConcurrentOperations": _UNLIMITED,
        "MaxConcurrentOperationsPerUser": str(machine.limits.operations_per_user),
        "EnumerationTimeoutms": "240000",
        "MaxConnections": "300",
        "MaxPacketRetrievalTimeSeconds": "120",
        "AllowUnencrypted": _boolean(bool(getattr(machine, "allow_unencrypted", False))),
        "Auth": {
            "Basic": _boolean("basic" in methods),
            "Kerberos": "true",
            "Negotiate": _boolean("negotiate" in methods),
            "Certificate": _boolean("certificate" in methods),
            "CredSSP": _boolean("credssp" in methods),
            "CbtHardeningLevel": "Relaxed",
        },
        "DefaultPorts": _PORTS,
        "IPv4Filter": "*",
        "IPv6Filter": "*",
        "EnableCompatibilityHttpListener": "false",
        "EnableCompatibilityHttpsListener": "false",
        "CertificateThumbprint": "",
        "AllowRemoteAccess": "true",
    }


def _winrs(machine: Machine) -> Tree:
    return {
        "AllowRemoteShellAccess": "true",
        "IdleTimeout": str(int(machine.limits.idle_seconds * 1000)),
        "MaxConcurrentUsers": str(machine.limits.shell_users),
        "MaxShellRunTime": _MAXIMUM,
        "MaxProcessesPerShell": "25",
        "MaxMemoryPerShellMB": "1024",
        "MaxShellsPerUser": str(machine.limits.shells_per_user),
    }


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def _render(tree: Tree) -> str:
    return "".join(
        f"<cfg:{name}>{escape(value) if isinstance(value, str) else _render(value)}</cfg:{name}>"
        for name, value in tree.items()
    )
