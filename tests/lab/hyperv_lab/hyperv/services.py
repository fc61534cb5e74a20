# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows services of a host that matter here."""

from __future__ import annotations

from functools import partial

from .host import Service

_ROWS = (
    ("vmms", "Hyper-V Virtual Machine Management", "Gestion d’ordinateurs virtuels Hyper-V", "Running", "Automatic"),
    ("vmcompute", "Hyper-V Host Compute Service", "Service de calcul hôte Hyper-V", "Running", "Manual"),
    ("WinRM", "Windows Remote Management (WS-Management)", "Gestion à distance de Windows (Gestion WSM)", "Running",
     "Automatic"),
    ("LanmanServer", "Server", "Serveur", "Running", "Automatic"),
    ("LanmanWorkstation", "Workstation", "Station de travail", "Running", "Automatic"),
    ("MSiSCSI", "Microsoft iSCSI Initiator Service", "Service Initiateur iSCSI de Microsoft", "Stopped", "Manual"),
    ("W32Time", "Windows Time", "Temps Windows", "Running", "Automatic"),
    ("mpssvc", "Windows Defender Firewall", "Pare-feu Windows Defender", "Running", "Automatic"),
)  # fmt: skip
SERVICES = {
    name: partial(Service, name=name, display=(english, french), status=status, start=start)
    for name, english, french, status, start in _ROWS
}
