# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Firewall rules of a Windows machine: stable names, group resources, profiles (facts on the Mobility service, 10).

Where a system has two rules for one purpose, the one with the suffix ``-NoScope`` is for the domain profile and has no
restriction of addresses, the other is for the private and public ones. Which systems have two is an approximation.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from .systems import SYSTEMS

if TYPE_CHECKING:
    from .registry import Registry

KEY = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\SharedAccess\\Parameters\\FirewallPolicy\\FirewallRules"
"""Where Windows keeps its rules: a value for each, its parts between bars (the protocol's published form)."""

FILE_SHARING = "@FirewallAPI.dll,-28502"
WMI = "@FirewallAPI.dll,-34251"
REMOTE_MANAGEMENT = "@FirewallAPI.dll,-30267"
DISPLAY_GROUPS = {
    FILE_SHARING: ("File and Printer Sharing", "Partage de fichiers et d’imprimantes"),
    WMI: ("Windows Management Instrumentation (WMI)", "Windows Management Instrumentation (WMI)"),
    REMOTE_MANAGEMENT: ("Windows Remote Management", "Gestion à distance de Windows"),
}
"""What netsh and Get-NetFirewallRule -DisplayGroup call the groups, English and French."""


@dataclass(frozen=True, kw_only=True)
class GuestRule:
    """A rule of a fresh machine."""

    name: str
    display: tuple[str, str]
    resource: str
    """The group as a resource string, the same in every language."""
    port: str
    protocol: str = "TCP"
    profiles: tuple[str, ...] = ()
    """Of Domain, Private, Public; empty for any."""
    program: str = "System"
    outbound: bool = False

    def line(self, *, enabled: bool) -> str:
        """Return the rule as the registry has it."""
        number = {"TCP": 6, "UDP": 17, "ICMPv4": 1}[self.protocol]
        parts = ["v2.10", "Action=Allow", f"Active={'TRUE' if enabled else 'FALSE'}", "Dir=In", f"Protocol={number}"]
        parts += [f"Profile={profile}" for profile in self.profiles]
        parts += [f"LPort={self.port}"] if self.port != "Any" else []
        parts += [f"App={self.program}"] if self.program != "Any" else []
        return "|".join([*parts, f"Name={self.resource}", f"EmbedCtxt={self.resource}", ""])

    @property
    def group(self) -> tuple[str, str]:
        """Return the group's display name, English and French."""
        return DISPLAY_GROUPS[self.resource]


_ROWS = (
    ("FPS-SMB-In-TCP", "File and Printer Sharing (SMB-In)", "Partage de fichiers et d’imprimantes (SMB-Entrée)",
     FILE_SHARING, "445", "TCP", "System"),
    ("FPS-NB_Session-In-TCP", "File and Printer Sharing (NB-Session-In)",
     "Partage de fichiers et d’imprimantes (NB-Session-Entrée)", FILE_SHARING, "139", "TCP", "System"),
    ("FPS-NB_Name-In-UDP", "File and Printer Sharing (NB-Name-In)",
     "Partage de fichiers et d’imprimantes (NB-Nom-Entrée)", FILE_SHARING, "137", "UDP", "System"),
    ("FPS-ICMP4-ERQ-In", "File and Printer Sharing (Echo Request - ICMPv4-In)",
     "Partage de fichiers et d’imprimantes (Demande d’écho - ICMPv4-Entrée)", FILE_SHARING, "Any", "ICMPv4", "Any"),
    ("WMI-RPCSS-In-TCP", "Windows Management Instrumentation (DCOM-In)",
     "Windows Management Instrumentation (DCOM-Entrée)", WMI, "135", "TCP", "%SystemRoot%\\system32\\svchost.exe"),
    ("WMI-WINMGMT-In-TCP", "Windows Management Instrumentation (WMI-In)",
     "Windows Management Instrumentation (WMI-Entrée)", WMI, "Any", "TCP", "%SystemRoot%\\system32\\svchost.exe"),
    ("WMI-ASYNC-In-TCP", "Windows Management Instrumentation (ASync-In)",
     "Windows Management Instrumentation (ASync-Entrée)", WMI, "Any", "TCP",
     "%systemroot%\\system32\\wbem\\unsecapp.exe"),
    ("WINRM-HTTP-In-TCP", "Windows Remote Management (HTTP-In)", "Gestion à distance de Windows (HTTP-Entrée)",
     REMOTE_MANAGEMENT, "5985", "TCP", "System"),
)  # fmt: skip


@cache
def rules(os: str) -> dict[str, GuestRule]:
    """Return the rules of a system by their names; do not change the table."""
    found: dict[str, GuestRule] = {}
    for name, english, french, resource, port, protocol, program in _ROWS:
        scoped = SYSTEMS[os].scoped_rules
        variants = [(name, ("Private", "Public")), (name + "-NoScope", ("Domain",))] if scoped else [(name, ())]
        for variant, profiles in variants:
            found[variant] = GuestRule(
                name=variant,
                display=(english, french),
                resource=resource,
                port=port,
                protocol=protocol,
                profiles=profiles,
                program=program,
            )
    return found


class Firewall(MutableMapping[str, bool]):
    """The rules of a machine: name -> enabled. They are in its registry, and nowhere else."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def _text(self, name: str) -> str:
        found = self._registry.data(KEY, name)
        if not isinstance(found, str):
            raise KeyError(name)
        return found

    def __getitem__(self, name: str) -> bool:
        return "|Active=TRUE|" in self._text(name)

    def __setitem__(self, name: str, enabled: bool) -> None:
        old, new = ("FALSE", "TRUE") if enabled else ("TRUE", "FALSE")
        text = self._text(name)
        if f"|Active={old}|" in text:
            self._registry.set(KEY, name, text.replace(f"|Active={old}|", f"|Active={new}|"))

    def __delitem__(self, name: str) -> None:
        if not self._registry.delete_value(KEY, name):
            raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter([value.name for value in self._registry.values(KEY)])

    def __len__(self) -> int:
        return len(self._registry.values(KEY))
