# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an attempt of one of the vendor's programs ended with: by exit code, errors JSON, log and HRESULT.

The exit code decides between good and bad; names of the errors JSON, HRESULTs and log lines say why. What no table
knows is a failure. Log lines are the product's own, in English on every machine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from ..findings import Severity
from .catalogue import AsrFinding, entries, finding
from .exit_codes import MSI_INSIDE_SETUP, VSS_SCRIPTS, WINDOWS_SETUP, Exit, OutcomeWord, RestartWord, exit_of
from .setup_errors import SetupError, UnreadableErrors, read_setup_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

VSS_FATAL_BELOW = (9, 23)
"""Agents before this one don't install when the VSS provider fails; since then it is a warning (published)."""

NAMES: dict[str, str] = {
    "ASRMobilityServiceBootAndSystemDiskOnSeparateDisks": "95309",
    "ASRMobilityServiceNoBootDiskFound": "95310",
    "ASRMobilityServiceBootDiskNotFound": "95310",
    "ASRMobilityServiceMultipleBootDisks": "95311",
    "ASRMobilityServiceGrubDeviceNameChange": "95320",
    "ASRMobilityServiceDeviceNotExist": "151124",
    "ASRMobilityServiceBootDriversMissing": "drivers-missing",
    "ASRMobilityServiceInstallerSuccessfulRecommendedReboot": "95265",
    "ASRMobilityServiceInstallerSuccessfulMandatoryReboot": "95266",
    "ConfiguratorConfigurationFailedWithDNSissue": "ConfiguratorConfigurationFailedWithDNSissue",
}
"""Names of the errors JSON that have a better known id; others are catalogued as ``name:<name>``. The pairing of
names with numbers is by meaning: no published table has it (unverified)."""

RESTARTS: dict[str, RestartWord] = {"95265": "advised", "95266": "required"}
VSS_NAME = "ASRMobilityServiceInstallerVSSProviderRegistrationFailed"
MSI_NAME = "ASRMobilityServiceInstallerMSIInstallationFailure"
SYSTEM_DISK_NAME = "ASRMobilityServiceSystemDiskNotFound"

HRESULTS: dict[int, str] = {
    0x800706BE: "vss:0x800706BE",
    0x7: "vss:0x7",
    0x80070430: "vss:0x80070430",
    0x8007041F: "vss:0x8007041F",
    0x8004E00F: "vss:0x8004E00F",
}
"""HRESULTs of the provider's installation, as the installer's log shows them."""

VACP: dict[int, str] = {
    0x80040154: "vss:0x80040154",
    0x80070422: "vss:0x80070422",
    0x80042304: "vss:0x80042304",
    0x800423F2: "vss:0x800423F2",
}
"""HRESULTs of failed application-consistent points in ``vacp.log``, there as decimal numbers: the published ones are
unsigned, save that of 0x80040154, which is its negative value without the sign."""

LOG_LINES: tuple[tuple[str, str], ...] = (
    (r"request: \(7\)", "register:curl-7"),
    (r"request: \(60\)", "register:curl-60"),
    (r"No Valid IP Address found", "register:no-valid-ip"),
    (r"Aborting configuration as VM_PLATFORM value is either null", "register:platform-null"),
)
"""Faults of registration, by lines of the agent's and the configuration server's own logs (published)."""

_HRESULT = re.compile(r"0x[0-9a-f]{1,8}\b|(?<![\w.-])-21\d{8}\b", re.IGNORECASE)
_VACP_NUMBER = re.compile(r"vacpError\D{0,40}(\d{10})", re.IGNORECASE)
_SYSTEM_ERROR = re.compile(r"System error (1018|1450)\b")


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """How an attempt ended. ``ok`` and ``warning`` mean that the program did what it was told."""

    outcome: OutcomeWord
    restart: RestartWord | None
    findings: tuple[AsrFinding, ...]
    summary: str
    """One sentence: the program, its code and what that means."""
    program: str
    exit_code: int
    reason: str
    """The vendor's name of the exit code, the first unknown name of the errors JSON, or ``unknown``."""
    remedy: str
    names: tuple[str, ...] = ()
    """Every name of the errors JSON."""

    def as_plain(self) -> dict[str, Any]:
        """Return what a task returns of it, as JSON types."""
        return {
            "outcome": self.outcome,
            "restart": self.restart,
            "summary": self.summary,
            "program": self.program,
            "exit_code": self.exit_code,
            "reason": self.reason,
            "remedy": self.remedy,
            "names": list(self.names),
            "findings": [each.as_plain() for each in self.findings],
        }


class _Rank(IntEnum):
    """How exactly a sign names the provider's fault; only the most exact one is told."""

    HRESULT_IN_LOG = 1
    CODE_IN_JSON = 2
    EXIT_CODE = 3
    NAME_ALONE = 4


@dataclass(frozen=True, kw_only=True)
class _Cause:
    """One sign, before it is judged. ``vss`` is its rank where it is about the provider, else None."""

    id: str
    evidence: str
    remedy: str | None = None
    vss: _Rank | None = None


@dataclass(frozen=True, kw_only=True)
class _Attempt:
    """What is known of an attempt."""

    program: str
    code: int
    exit: Exit | None
    errors: tuple[SetupError, ...]
    unreadable: str | None
    log: str
    version: tuple[int, ...] | None

    @property
    def shown(self) -> str:
        """The code with its name, for messages."""
        return f"exit code {self.code}" + (f" ({self.exit.name})" if self.exit else "")

    @property
    def about_vss(self) -> bool:
        """Whether the provider is what failed."""
        return bool(self.exit and self.exit.vss) or any(error.name == VSS_NAME for error in self.errors)

    @property
    def unknown_names(self) -> tuple[str, ...]:
        """Names of the errors JSON that the catalogue does not have."""
        return tuple(error.name for error in self.errors if _id_of(error.name, self.version) is None)


def recognise(
    os: str,
    program: str,
    exit_code: int,
    errors_json: str | None = None,
    log_tail: str = "",
    agent_version: tuple[int, ...] | None = None,
) -> Recognised:
    """Return how an attempt ended and why.

    ``os`` is "windows" or "linux"; ``program`` the name or path that was run; ``errors_json`` the text of the file
    that the program was told to write, None where there is none; ``log_tail`` the end of its log, of this attempt
    only; ``agent_version`` the version of the package, which decides whether a failed VSS provider is fatal
    (not told: as since 9.23).
    """
    errors, unreadable = _errors(errors_json)
    attempt = _Attempt(
        program=re.split(r"[\\/]", program)[-1],
        code=exit_code,
        exit=exit_of(os, program, exit_code),
        errors=errors,
        unreadable=unreadable,
        log=log_tail,
        version=agent_version,
    )
    causes = _causes(attempt)
    outcome = _outcome(attempt, causes)
    return Recognised(
        outcome=outcome,
        restart=_restart(attempt, causes),
        findings=tuple(_finding(attempt, cause, outcome) for cause in causes),
        summary=_summary(attempt, causes, outcome),
        program=attempt.program,
        exit_code=exit_code,
        reason=(*attempt.unknown_names, attempt.exit.name if attempt.exit else "unknown")[0],
        remedy=_remedy(attempt, causes),
        names=tuple(error.name for error in errors),
    )


def recognise_vacp(log_tail: str, *, subject: str = "vacp.log") -> tuple[AsrFinding, ...]:
    """Return the findings of ``vacp.log``: 78144 and the last number it gives, where the catalogue has that.

    An empty log, or one without ``vacpError``, has none.
    """
    numbers = [int(found) for found in _VACP_NUMBER.findall(log_tail)]
    if not numbers:
        return ()
    last = numbers[-1]
    evidence = f"vacp.log: vacpError {last}"
    known = VACP.get(last) or VACP.get(-last & 0xFFFFFFFF)
    ids = ["78144", *([known] if known else [])]
    return tuple(finding(each, subject=subject, evidence=evidence) for each in ids)


def _errors(text: str | None) -> tuple[tuple[SetupError, ...], str | None]:
    if text is None:
        return (), None
    try:
        return read_setup_errors(text), None
    except UnreadableErrors as problem:
        return (), str(problem)


def _causes(attempt: _Attempt) -> tuple[_Cause, ...]:
    """Return one cause per id; of those about the provider the most exact one only."""
    found = [*_from_errors(attempt), *_from_log(attempt), *_from_exit(attempt)]
    about_vss = sorted((cause for cause in found if cause.vss), key=lambda cause: cause.vss or 0)
    kept = [cause for cause in found if not cause.vss] + about_vss[:1]
    by_id: dict[str, _Cause] = {}
    for cause in kept:
        by_id.setdefault(cause.id, cause)
    return tuple(by_id.values())


def _from_errors(attempt: _Attempt) -> Iterator[_Cause]:
    for error in attempt.errors:
        known = _id_of(error.name, attempt.version)
        if error.name == VSS_NAME:
            yield _vss_by_error(error)
        elif error.name.startswith(MSI_NAME):
            yield _msi(error, attempt.log)
        elif known:
            yield _Cause(id=known, evidence=f"errors JSON: {error.shown}")


def _id_of(name: str, version: tuple[int, ...] | None) -> str | None:
    """Return the catalogue's id of a name, or None."""
    if name == SYSTEM_DISK_NAME and (version or ())[:2] == (9, 35):
        return "151137"  # that agent's own fault with encrypted disks, published
    if name.startswith(MSI_NAME):
        return f"name:{MSI_NAME}"
    found = NAMES.get(name, f"name:{name}")
    return found if found in entries() else None


def _vss_by_error(error: SetupError) -> _Cause:
    """The name alone says nothing of the cause; a code beside it does."""
    evidence = f"errors JSON: {error.shown}"
    for number in error.numbers:
        code = VSS_SCRIPTS.get(number) or WINDOWS_SETUP.get(number)
        known = HRESULTS.get(number & 0xFFFFFFFF) or (code.id if code and code.vss else None)
        if known:
            return _Cause(id=known, evidence=evidence, vss=_Rank.CODE_IN_JSON)
    return _Cause(id=f"name:{VSS_NAME}", evidence=evidence, vss=_Rank.NAME_ALONE)


def _msi(error: SetupError, log: str) -> _Cause:
    """Setup appends the MSI's code to the name, or gives it as a parameter."""
    suffix = re.search(r"-?\d+$", error.name)
    numbers = (*((int(suffix[0]),) if suffix else ()), *error.numbers)
    code = next((number for number in numbers if number in MSI_INSIDE_SETUP), None)
    system = _SYSTEM_ERROR.search(log) if code == 1603 else None
    evidence = f"errors JSON: {error.shown}" + (f"; log: {system[0]}" if system else "")
    return _Cause(id=f"name:{MSI_NAME}", evidence=evidence, remedy=MSI_INSIDE_SETUP.get(code) if code else None)


def _from_log(attempt: _Attempt) -> Iterator[_Cause]:
    """Lines count only where the program did not simply succeed: logs are appended to."""
    if attempt.exit and attempt.exit.outcome == "ok" and not attempt.errors:
        return
    last = _last_hresult(attempt)
    if last is not None:
        cluster = last == 0x8004E00F and "MSDTC" in attempt.log
        known = HRESULTS[last] + ("-cluster" if cluster else "")
        yield _Cause(id=known, evidence=f"log: {_shown_hresult(last)}", vss=_Rank.HRESULT_IN_LOG)
    for pattern, error_id in LOG_LINES:
        found = re.search(pattern, attempt.log, re.IGNORECASE)
        if found:
            yield _Cause(id=error_id, evidence=f"log: {found[0]}")


def _last_hresult(attempt: _Attempt) -> int | None:
    """Return the last known HRESULT; where something else failed, only lines that speak of the provider count."""
    lines = attempt.log.splitlines()
    if not attempt.about_vss:
        lines = [line for line in lines if "VSSProvider" in line or "VSS Provider" in line]
    numbers = [int(text, 0) & 0xFFFFFFFF for line in lines for text in _HRESULT.findall(line)]
    known = [number for number in numbers if number in HRESULTS]
    return known[-1] if known else None


def _shown_hresult(value: int) -> str:
    return f"0x{value:08X}" if value > 0xFFFF else f"0x{value:X}"


def _from_exit(attempt: _Attempt) -> Iterator[_Cause]:
    if attempt.exit and attempt.exit.id:
        yield _Cause(
            id=attempt.exit.id,
            evidence=f"{attempt.program} ended with {attempt.shown}",
            remedy=attempt.exit.remedy or None,
            vss=_Rank.EXIT_CODE if attempt.exit.vss else None,
        )


def _outcome(attempt: _Attempt, causes: Sequence[_Cause]) -> OutcomeWord:
    """The code decides; what is not known, and a provider that an old agent can't do without, are failures."""
    code = attempt.exit
    if code is None or attempt.unreadable or attempt.unknown_names:
        return "failed"
    if any(cause.vss for cause in causes) and attempt.version and attempt.version[:2] < VSS_FATAL_BELOW:
        return "failed"
    if code.vss:
        return "failed" if attempt.program.lower().startswith("inmagevssprovider") else "warning"
    return "warning" if code.outcome == "ok" and causes else code.outcome


def _restart(attempt: _Attempt, causes: Sequence[_Cause]) -> RestartWord | None:
    """Return the stronger of what the code and the names ask for."""
    asked = {RESTARTS.get(cause.id) for cause in causes} | {attempt.exit.restart if attempt.exit else None}
    if "required" in asked:
        return "required"
    return "advised" if "advised" in asked else None


def _finding(attempt: _Attempt, cause: _Cause, outcome: OutcomeWord) -> AsrFinding:
    return finding(
        cause.id,
        subject=attempt.program,
        evidence=cause.evidence,
        remedy=cause.remedy,
        severity=Severity.BLOCKING if outcome == "failed" else Severity.WARNING,
    )


def _summary(attempt: _Attempt, causes: Sequence[_Cause], outcome: OutcomeWord) -> str:
    parts = [f"{attempt.program} ended with {attempt.shown}"]
    if attempt.exit is None:
        parts.append("which is no known code of it")
    if causes:
        known = ", ".join(cause.id for cause in causes)
        parts.append(f"because of {known}" if outcome == "failed" else f"with {known}")
    if attempt.unknown_names:
        parts.append("with errors that are not known: " + ", ".join(attempt.unknown_names))
    if attempt.unreadable:
        parts.append(f"and its errors JSON can't be read: {attempt.unreadable}")
    return ", ".join(parts)


def _remedy(attempt: _Attempt, causes: Sequence[_Cause]) -> str:
    said = [cause.remedy or finding(cause.id, subject="", evidence="").remedy for cause in causes]
    if not said and attempt.exit and attempt.exit.remedy:
        said = [attempt.exit.remedy]
    return "; ".join(dict.fromkeys(said)) or "read the log of the attempt"
