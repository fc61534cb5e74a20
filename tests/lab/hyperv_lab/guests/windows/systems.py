# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Windows systems that machines can have: versions as Windows itself tells them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class System:
    """One Windows Server. Its key in SYSTEMS is also the edition of its cmdlets."""

    version: str
    current_version: str
    """``CurrentVersion`` of the registry: 6.3 for good since 2012 R2."""
    title: str
    release: str = ""
    """``DisplayVersion`` or ``ReleaseId`` of the registry, where there is one."""
    service_pack: int = 0
    dotnet: int = 0
    """``Release`` of .NET Framework 4 as the system brings it; 2008 R2 has what was added to it."""
    powershell: str = "5.1.14393.0"
    hotfixes: tuple[str, ...] = ()
    scoped_rules: bool = False
    """Whether the firewall has a second rule (``-NoScope``) for the domain profile."""
    second_control_set: bool = False

    @property
    def build(self) -> str:
        """Return the build number as text."""
        return self.version.rpartition(".")[2]

    @property
    def major(self) -> int:
        """Return the major version."""
        return int(self.version.partition(".")[0])

    @property
    def caption(self) -> str:
        """Return Win32_OperatingSystem.Caption; that of 2008 R2 ends with a blank."""
        return f"Microsoft Windows Server {self.title} Standard" + (" " if self.version.startswith("6.1") else "")


SYSTEMS = {
    "2008R2SP1": System(
        version="6.1.7601",
        current_version="6.1",
        title="2008 R2",
        service_pack=1,
        dotnet=379893,
        powershell="2.0",
        hotfixes=("KB976902", "KB4474419", "KB4490628"),
        scoped_rules=True,
        second_control_set=True,
    ),
    "2012": System(
        version="6.2.9200",
        current_version="6.2",
        title="2012",
        dotnet=378389,
        powershell="3.0",
        hotfixes=("KB4566425",),
        scoped_rules=True,
        second_control_set=True,
    ),
    "2012R2": System(
        version="6.3.9600",
        current_version="6.3",
        title="2012 R2",
        dotnet=378675,
        powershell="4.0",
        hotfixes=("KB2919355", "KB4566425"),
        second_control_set=True,
    ),
    "2016": System(
        version="10.0.14393",
        current_version="6.3",
        title="2016",
        release="1607",
        dotnet=394802,
        hotfixes=("KB4132216",),
    ),
    "2019": System(
        version="10.0.17763",
        current_version="6.3",
        title="2019",
        release="1809",
        dotnet=461814,
        powershell="5.1.17763.1",
        hotfixes=("KB4512577",),
    ),
    "2022": System(
        version="10.0.20348",
        current_version="6.3",
        title="2022",
        release="21H2",
        dotnet=528449,
        powershell="5.1.20348.1",
        hotfixes=("KB5008882",),
    ),
    "2025": System(
        version="10.0.26100",
        current_version="6.3",
        title="2025",
        release="24H2",
        dotnet=533325,
        powershell="5.1.26100.1",
        hotfixes=("KB5042098",),
        scoped_rules=True,
    ),
}
NEWER = ("2016", "2019", "2022", "2025")
"""Those with Microsoft Defender."""
