# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about the VSS provider's surroundings: its failure is a warning from agent 9.23 on, fatal before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...findings import Severity
from ..catalogue import Cure, finding
from ..recognise import recognise_vacp
from .registry import DEFAULT_FOLDER, VSS_PROVIDER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..catalogue import AsrFinding
    from ..patient import Wanted
    from .evidence import Service, WindowsEvidence

NOT_FATAL_SINCE = (9, 23)
DATA_FOLDER = "C:\\ProgramData\\ASR\\agent"
COM_STARTS = {"EventSystem": "Automatic", "MSDTC": "Automatic", "RpcSs": "Automatic"}
"""Services behind COM+ and Windows' default start types of them."""
NEEDED = {"COMSysApp": "Manual", "VSS": "Manual"}


def snapshots_disabled(evidence: WindowsEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """COM+ System Application or Volume Shadow Copy is disabled."""
    for name in NEEDED:
        service = _service(evidence, name)
        if service is not None and service.is_disabled:
            yield finding("151025", subject=f"service {service.name}", evidence="disabled", severity=_severity(wanted))


def com_broken(evidence: WindowsEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """A service behind COM+ is disabled, or the event system doesn't run."""
    for name in COM_STARTS:
        service = _service(evidence, name)
        if service is None:
            continue
        if service.is_disabled or (name != "MSDTC" and service.state == "Stopped"):
            yield finding(
                "vss:0x8004E00F",
                subject=f"service {service.name}",
                evidence=f"{service.state}, start type {service.start}",
                remedy="give the service its default start type and start it; if COM+ stays broken, repair DCOM",
                severity=_severity(wanted),
            )


def cluster_parts(evidence: WindowsEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """Cluster parts sit on a machine that is in no cluster. Taking a feature away is the operator's decision."""
    service = _service(evidence, "ClusSvc")
    if service is not None and not evidence.software.cluster_configured:
        yield finding(
            "vss:0x8004E00F-cluster",
            subject="service ClusSvc",
            evidence="it is installed, and the machine is in no cluster (no key HKLM\\Cluster)",
            severity=_severity(wanted),
            cure=Cure.MANUAL,
        )


def marked_for_deletion(evidence: WindowsEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """The provider's service waits to be deleted."""
    for name in evidence.software.delete_flags:
        yield finding(
            "vss:0x80070430",
            subject=f"service {name}",
            evidence="DeleteFlag is set (unverified key)",
            severity=_severity(wanted),
            cure=Cure.MANUAL,
        )


def database_locked(evidence: WindowsEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """A service that doesn't come up keeps the service database locked."""
    for name in evidence.software.start_pending:
        yield finding(
            "vss:0x8007041F",
            subject=f"service {name}",
            evidence="Start Pending",
            severity=_severity(wanted),
            cure=Cure.MANUAL,
        )


def scripts_forbidden(evidence: WindowsEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """Windows Script Host is off, which the provider's installation needs."""
    if evidence.software.cscript_off:
        yield finding(
            "vss:exit-806",
            subject="Windows Script Host",
            evidence="Enabled is 0 (unverified test)",
            severity=_severity(wanted),
            cure=Cure.MANUAL,
        )


def antivirus(evidence: WindowsEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """Defender is on and doesn't leave the agent's folders out."""
    software = evidence.software
    if not software.defender_on or software.exclusions is None:
        return
    lacking = not_excluded(evidence, wanted)
    if lacking:
        yield finding(
            "vss:0x800706BE",
            subject="Defender exclusions",
            evidence=f"not left out: {', '.join(lacking)}",
            remedy="add the agent's folders to the exclusions (Add-MpPreference -ExclusionPath)",
            severity=_severity(wanted),
        )


def folders(evidence: WindowsEvidence, wanted: Wanted) -> tuple[str, ...]:
    """Return the folders that an antivirus has to leave out: the agent's data and its programs."""
    installed = evidence.agent.directory if evidence.agent else ""
    return tuple(dict.fromkeys((DATA_FOLDER, installed or wanted.install_directory or DEFAULT_FOLDER)))


def not_excluded(evidence: WindowsEvidence, wanted: Wanted) -> tuple[str, ...]:
    """Return those of the folders that are neither left out themselves nor within one that is."""
    known = [path.rstrip("\\").lower() for path in evidence.software.exclusions or ()]
    return tuple(
        folder
        for folder in folders(evidence, wanted)
        if not any((folder.rstrip("\\").lower() + "\\").startswith(path + "\\") for path in known)
    )


def provider_state(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """On a machine with the agent: the provider isn't there, or is disabled."""
    if evidence.agent is None or evidence.software.services is None:
        return
    provider = _service(evidence, VSS_PROVIDER)
    if provider is None:
        if _service(evidence, "svagents") is not None:
            yield finding(
                "vss:other",
                subject=f"service {VSS_PROVIDER}",
                evidence="the agent is installed, its VSS provider is not",
                remedy="hyperv.mobility.asr_vss_provider installs it",
                severity=Severity.WARNING,
                cure=Cure.MANUAL,
            )
    elif provider.is_disabled:
        yield finding("vss:0x80070422", subject=f"service {provider.name}", evidence="disabled")


def _service(evidence: WindowsEvidence, name: str) -> Service | None:
    return (evidence.software.services or {}).get(name.lower())


def _severity(wanted: Wanted) -> Severity:
    fatal = wanted.agent_version is not None and wanted.agent_version < NOT_FATAL_SINCE
    return Severity.BLOCKING if fatal else Severity.WARNING


def points_failed(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """The installed agent's last application-consistent point failed, by the number in its log."""
    if evidence.agent is not None and evidence.agent.vacp_log:
        for item in recognise_vacp(evidence.agent.vacp_log):
            yield replace(item, cure=Cure.MANUAL)


RULES = (
    snapshots_disabled,
    com_broken,
    cluster_parts,
    marked_for_deletion,
    database_locked,
    scripts_forbidden,
    antivirus,
    provider_state,
    points_failed,
)
