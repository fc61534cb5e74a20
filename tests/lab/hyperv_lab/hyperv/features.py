# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows features that matter here: names, localised display names, what a fresh host of the fleet has."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Feature:
    """A role or feature of Windows Server."""

    name: str
    display: tuple[str, str]
    kind: str
    parent: str
    depth: int
    state: str
    restart: bool = False
    """Whether installing it needs a restart of the host."""
    services: tuple[str, ...] = ()


_TOOLS = "RSAT-Hyper-V-Tools"
_ROWS = (
    ("Hyper-V", "Hyper-V", "Hyper-V", "Role", "", 1, "Installed"),
    ("FileAndStorage-Services", "File and Storage Services", "Services de fichiers et de stockage", "Role", "", 1,
     "Installed"),
    ("Failover-Clustering", "Failover Clustering", "Clustering de basculement", "Feature", "", 1, "Available"),
    ("RSAT", "Remote Server Administration Tools", "Outils d’administration de serveur distant", "Feature", "", 1,
     "Installed"),
    ("RSAT-Role-Tools", "Role Administration Tools", "Outils d’administration de rôles", "Feature", "RSAT", 2,
     "Installed"),
    (_TOOLS, "Hyper-V Management Tools", "Outils de gestion Hyper-V", "Feature", "RSAT-Role-Tools", 3, "Installed"),
    ("Hyper-V-Tools", "Hyper-V GUI Management Tools", "Outils d’administration GUI Hyper-V", "Feature", _TOOLS, 4,
     "Available"),
    ("Hyper-V-PowerShell", "Hyper-V Module for Windows PowerShell", "Module Hyper-V pour Windows PowerShell",
     "Feature", _TOOLS, 4, "Installed"),
    ("RSAT-AD-PowerShell", "Active Directory module for Windows PowerShell",
     "Module Active Directory pour Windows PowerShell", "Feature", "RSAT-Role-Tools", 4, "Available"),
    ("FS-SMBBW", "SMB Bandwidth Limit", "Limite de bande passante SMB", "Feature", "", 1, "Available"),
)  # fmt: skip
FEATURES = {
    name: Feature(
        name=name,
        display=(english, french),
        kind=kind,
        parent=parent,
        depth=depth,
        state=state,
        restart=name in ("Hyper-V",),
        services=("vmms", "vmcompute") if name == "Hyper-V" else (),
    )
    for name, english, french, kind, parent, depth, state in _ROWS
}
