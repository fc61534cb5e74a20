# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Firewall rules: stable names, localised display names (facts on Hyper-V, 1.3)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule of a fresh host with the role."""

    name: str
    display: tuple[str, str]
    group: tuple[str, str]
    port: str
    enabled: bool = True


HYPERV = ("Hyper-V", "Hyper-V")
"""The group of the rules that come with the role."""
_SHARING = ("File and Printer Sharing", "Partage de fichiers et d’imprimantes")
_REMOTE = ("Windows Remote Management", "Gestion à distance de Windows")
_ROWS = (
    ("VIRT-MIGL-In-TCP-NoScope", "Hyper-V (MIG-TCP-In)", "Hyper-V (MIG-TCP entrant)", HYPERV, "6600", True),
    ("VIRT-VMMS-RPC-EPMAP-In-NoScope", "Hyper-V (RPC-EPMAP)", "Hyper-V (RPC-EPMAP)", HYPERV, "RPCEPMap", True),
    ("VIRT-VMMS-RPC-In-NoScope", "Hyper-V (RPC)", "Hyper-V (RPC)", HYPERV, "RPC", True),
    ("VIRT-WMI-RPCSS-In-TCP-NoScope", "Hyper-V - WMI (DCOM-In)", "Hyper-V - WMI (DCOM-Entrée)", HYPERV, "135", True),
    ("VIRT-WMI-WINMGMT-In-TCP-NoScope", "Hyper-V - WMI (TCP-In)", "Hyper-V - WMI (TCP-Entrée)", HYPERV, "Any", True),
    ("VIRT-WMI-ASYNC-In-TCP-NoScope", "Hyper-V - WMI (Async-In)", "Hyper-V - WMI (Async-Entrée)", HYPERV, "Any", True),
    ("VIRT-REMOTEDESKTOP-In-TCP-NoScope", "Hyper-V (REMOTE_DESKTOP_TCP_IN)", "Hyper-V (REMOTE_DESKTOP_TCP_IN)",
     HYPERV, "2179", True),
    ("FPS-SMB-In-TCP", "File and Printer Sharing (SMB-In)", "Partage de fichiers et d’imprimantes (SMB-Entrée)",
     _SHARING, "445", True),
    ("WINRM-HTTP-In-TCP", "Windows Remote Management (HTTP-In)", "Gestion à distance de Windows (HTTP-Entrée)",
     _REMOTE, "5985", True),
)  # fmt: skip
RULES = {
    name: Rule(name=name, display=(english, french), group=group, port=port, enabled=enabled)
    for name, english, french, group, port, enabled in _ROWS
}
