# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the PowerShell of each Windows edition says about itself when a pool opens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psrpcore.types import PSVersion


@dataclass(frozen=True)
class Engine:
    """Versions of a Windows edition's PowerShell."""

    powershell: str
    build: str
    protocol: str = "2.3"
    compatible: tuple[str, ...] = ("1.0", "2.0", "3.0", "4.0", "5.0")
    edition: str | None = "Desktop"
    clr: str = "4.0.30319.42000"
    stack: str = "3.0"

    @property
    def describes_shells(self) -> bool:
        """Whether a CreateResponse for PowerShell holds the shell itself: not with the stack of 2008 R2 (recorded)."""
        return self.stack != "2.0"

    def private_data(self) -> dict[str, Any]:
        """Return the application private data (structure as recorded of these versions)."""
        table: dict[str, Any] = {"PSVersion": PSVersion(self.powershell)}
        if self.edition:
            table["PSEdition"] = self.edition
        versions = [*self.compatible] if self.edition is None else [*self.compatible, self.powershell]
        table |= {
            "PSCompatibleVersions": [PSVersion(one) for one in versions],
            "CLRVersion": PSVersion(self.clr),
            "BuildVersion": PSVersion(self.build),
            "WSManStackVersion": PSVersion(self.stack),
            "PSRemotingProtocolVersion": PSVersion(self.protocol),
            "SerializationVersion": PSVersion("1.1.0.1"),
        }
        data: dict[str, Any] = {"PSVersionTable": table}
        if self.protocol == "2.2":
            data = {"DebugMode": 1, "DebugStop": False, **data, "DebugBreakpointCount": 0}
        return data


ENGINES = {
    "2008R2": Engine("2.0", "6.1.7601.17514", "2.1", ("1.0", "2.0"), None, "2.0.50727.5420", "2.0"),
    "2012": Engine("3.0", "6.2.9200.22198", "2.2", ("1.0", "2.0", "3.0"), None),
    "2012R2": Engine("4.0", "6.3.9600.18968", "2.2", ("1.0", "2.0", "3.0", "4.0"), None),
    "2016": Engine("5.1.14393.2248", "10.0.14393.2248"),
    "2019": Engine("5.1.17763.1007", "10.0.17763.1007"),
    "2022": Engine("5.1.20348.558", "10.0.20348.558"),
    "2025": Engine("5.1.26100.1591", "10.0.26100.1591"),
}
ENGINES["2008R2SP1"] = ENGINES["2008R2"]


def engine_of(edition: str) -> Engine:
    """Return the versions of an edition ("2016", "2012 R2"); an unknown one is taken for the newest."""
    return ENGINES.get(edition.replace(" ", "").upper(), ENGINES["2025"])
