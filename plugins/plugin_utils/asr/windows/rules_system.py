# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about the system itself: which Windows, what it lacks, what stands in the way. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...findings import Severity
from ..catalogue import AsrFinding, Cure, Scope, finding
from .registry import CRITICAL, DRIVERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..patient import Wanted
    from .evidence import Release, ServiceKey, WindowsEvidence

NAME = "name:ASRMobilityService"
SERVERS = {14393: None, 17763: (9, 22), 20348: (9, 46), 26100: None}
"""Builds of Windows Server 2016, 2019, 2022, 2025 and the first agent for each; 2025 is unverified for VMware and
physical machines. Others are no long-term builds, which alone are supported."""
WINDOWS_11_BUILD, WINDOWS_11_SINCE = 22000, (9, 60)
SHA2_SINCE = (9, 30)
"""Agents from here on are signed with SHA-2 alone."""
MEMORY = 1024**3
FREE_MEMORY = 256 * 1024**2
"""A floor of our own (unverified): the documents give none for free memory."""
INSTALL_SPACE = 500 * 1024**2
DISABLED = 4
AGENT_SERVICES = ("svagents", "InMage Scout Application Service")
SERVER_SERVICE = "InMage PushInstall"
"""Runs on configuration servers and process servers only."""


def unsupported_system(evidence: WindowsEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """The Windows isn't in the published table, or is too new for the agent's version."""
    release = evidence.release
    if release.version == (0, 0):
        return
    why = _why_unsupported(release, wanted.agent_version)
    if why:
        yield finding("95213", subject=release.product or f"Windows {_version(release)}", evidence=why)


def _why_unsupported(release: Release, agent: tuple[int, ...] | None) -> str:
    if release.architecture not in ("", "AMD64"):
        return f"its architecture is {release.architecture}; only 64-bit x86 systems are supported"
    shown = f"version {_version(release)}"
    if release.version < (6, 0) or ((6, 3) < release.version < (10, 0)) or release.version > (10, 0):
        return f"{shown} is not in the table of supported systems"
    needed_pack = {(6, 0): 2, (6, 1): 1}.get(release.version, 0)
    if release.service_pack < needed_pack:
        return f"{shown} has service pack {release.service_pack}, {needed_pack} is needed"
    if release.version == (10, 0):
        if not release.is_client and release.build not in SERVERS:
            return f"{shown} is no long-term build of Windows Server"
        since = _since(release)
        if since and agent is not None and agent < since:
            return f"{shown} needs agent {'.'.join(str(part) for part in since)} or newer"
    return ""


def _since(release: Release) -> tuple[int, ...] | None:
    if not release.is_client:
        return SERVERS.get(release.build)
    return WINDOWS_11_SINCE if release.build >= WINDOWS_11_BUILD else None


def _version(release: Release) -> str:
    return ".".join(str(part) for part in (*release.version, release.build))


def sha2_updates(evidence: WindowsEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """Old systems without the updates that let them check SHA-2 signatures."""
    old = evidence.release.version == (6, 0)
    needed = (
        {"KB4474419", "KB4493730" if old else "KB4490628"} if evidence.release.version in ((6, 0), (6, 1)) else None
    )
    installed = evidence.software.hotfixes
    if needed is None or installed is None or (wanted.agent_version or SHA2_SINCE) < SHA2_SINCE:
        return
    lacking = sorted(needed - installed)
    if lacking:
        yield finding(
            f"{NAME}InstallerUnsupportedSHA2SigningFailureWindows2008"
            if old
            else f"{NAME}InstallerUnsupportedSHA2SigningFailureWindows2008R2",
            subject="updates",
            evidence=f"{', '.join(lacking)} not installed",
            cure=Cure.MANUAL,
        )


def memory(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """Too little memory at all, or too little free just now."""
    total, free = evidence.memory_bytes, evidence.memory_free_bytes
    if total is not None and total < MEMORY:
        yield finding("95572", subject="memory", evidence=f"{total >> 20} MB, 1024 MB are needed")
    elif free is not None and free < FREE_MEMORY:
        yield finding(
            "95572",
            subject="free memory",
            evidence=f"{free >> 20} MB free; less than {FREE_MEMORY >> 20} MB may not do (unverified)",
            severity=Severity.WARNING,
        )


def restart_pending(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """A restart is pending. Setup is said to look past pending renames: they are only warned of."""
    software = evidence.software
    if software.restart_pending:
        yield finding("95224", subject="restart", evidence="; ".join(software.restart_pending), cure=Cure.MANUAL)
    elif software.renames_pending:
        yield finding(
            "95224",
            subject="restart",
            evidence="PendingFileRenameOperations is not empty; setup is said to ignore it",
            severity=Severity.WARNING,
            cure=Cure.MANUAL,
        )


def boot_drivers(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """A driver that the machine starts with in Azure is missing in a control set, or its file is."""
    keys = _keys(evidence)
    lacking = []
    for control_set in evidence.software.control_sets:
        for name in DRIVERS:
            key = keys.get((control_set.lower(), name))
            if key is None:
                lacking.append(f"{control_set}: no key {name}")
            elif not key.image:
                lacking.append(f"{control_set}: {name} has no ImagePath")
            elif driver_file(key.image) in evidence.software.missing_files:
                lacking.append(f"{control_set}: no file {key.image}")
    if lacking:
        yield finding("drivers-missing", subject="boot drivers", evidence="; ".join(lacking))


def driver_file(image: str) -> str:
    """Return the full path, in lower case, that an ImagePath of a driver means."""
    path = image.lower().replace("%systemroot%", "c:\\windows").removeprefix("\\??\\")
    path = path.replace("\\systemroot\\", "c:\\windows\\", 1) if path.startswith("\\systemroot\\") else path
    return path if path[1:2] == ":" else f"c:\\windows\\{path}"


def critical_services(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """A service that snapshots need is missing, or disabled in a control set that is not the running one."""
    keys = _keys(evidence)
    services = evidence.software.services
    lacking = []
    for control_set in evidence.software.control_sets:
        for name in CRITICAL:
            key = keys.get((control_set.lower(), name.lower()))
            running = services.get(name.lower()) if services is not None else None
            if key is None:
                lacking.append(f"{control_set}: no key {name}")
            elif key.start == DISABLED and running is not None and not running.is_disabled:
                lacking.append(f"{control_set}: {name} is disabled")
    if lacking:
        yield finding("151025", subject="control sets", evidence="; ".join(lacking), cure=Cure.MANUAL)


def rundll(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """The program that setup starts libraries with is missing."""
    for path in evidence.software.missing_files:
        if path.endswith("\\rundll32.exe"):
            yield finding(
                f"{NAME}InstallerMandatoryFilesMissing", subject=path, evidence="it is not there", cure=Cure.MANUAL
            )


def old_product(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """The driver of the old Scout product is there."""
    if evidence.software.involflt:
        yield finding(
            f"{NAME}InstallerInvolFltDriverError", subject="driver involflt", evidence="its key is in the registry"
        )


def wmi_silent(evidence: WindowsEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """WMI doesn't answer on the machine itself; where the push is looked at, a disabled service is named there."""
    disabled = evidence.guard.winmgmt_start == DISABLED
    if not evidence.wmi_answers and not (disabled and Scope.PUSH in wanted.scopes):
        yield finding(
            f"{NAME}InstallerWMIQueryFailure",
            subject="WMI",
            evidence="Win32_OperatingSystem could not be read" + (", Winmgmt is disabled" if disabled else ""),
            cure=Cure.SAFE if disabled else Cure.MANUAL,
        )


def dotnet(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """.NET Framework 4 is missing: setup ends with 16. Which version it needs is not published."""
    if evidence.software.dotnet is False:
        yield _unnumbered(
            "exit:16", subject=".NET Framework", evidence="version 4 is not installed", remedy="install it"
        )


def server_machine(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """The machine is a configuration or process server: setup ends with 65."""
    if SERVER_SERVICE.lower() in (evidence.software.services or {}):
        yield _unnumbered(
            "exit:65",
            subject=f"service {SERVER_SERVICE}",
            evidence="the machine is a configuration server or process server",
            remedy="leave this machine out: servers of Site Recovery don't get the agent as a source",
        )


def _unnumbered(error_id: str, *, subject: str, evidence: str, remedy: str) -> AsrFinding:
    """Return the finding of what has no id but an exit code of setup (facts, 2.1)."""
    return AsrFinding(
        id=error_id,
        ids=(error_id,),
        severity=Severity.BLOCKING,
        subject=subject,
        evidence=evidence,
        remedy=remedy,
        scope=Scope.AGENT,
        cure=Cure.MANUAL,
    )


def install_space(evidence: WindowsEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """The drive of the installation folder has less than the published 500 MB."""
    if evidence.agent is not None:
        return
    storage = evidence.storage
    chosen = (wanted.install_directory or "")[:2]
    drive = chosen.upper() if chosen[1:] == ":" else storage.system_drive
    free = storage.free.get(drive)
    pushed = (
        Scope.PUSH in wanted.scopes and drive == storage.system_drive and free is not None and free < INSTALL_SPACE / 5
    )
    if free is not None and free < INSTALL_SPACE and not pushed:
        yield finding(
            "95524",
            subject=f"drive {drive}",
            evidence=f"{free >> 20} MB free, the installation needs 500 MB",
            cure=Cure.MANUAL,
            scope=Scope.AGENT,
        )


def agent_files(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """Files of the installed agent are missing, which an upgrade needs."""
    if evidence.agent is not None and evidence.agent.missing_files:
        yield finding(
            f"{NAME}InstallerUpgradeMandatoryFilesMissing",
            subject=f"agent {evidence.agent.version}",
            evidence=f"missing: {', '.join(evidence.agent.missing_files)}",
        )


def _keys(evidence: WindowsEvidence) -> dict[tuple[str, str], ServiceKey]:
    return {(key.control_set.lower(), key.name.lower()): key for key in evidence.software.keys}


RULES = (
    unsupported_system,
    sha2_updates,
    memory,
    restart_pending,
    boot_drivers,
    critical_services,
    rundll,
    old_product,
    wmi_silent,
    dotnet,
    server_machine,
    install_space,
    agent_files,
)
