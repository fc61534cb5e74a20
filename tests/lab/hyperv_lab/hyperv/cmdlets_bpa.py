# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-BpaModel, Invoke-BpaModel, Get-BpaResult, Set-BpaResult.

No real result was seen (field objects); members are those that people's scripts read. That Severity, Category and
Compliance are texts in the host's language follows from the neutral members beside them and from translated pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..powershell.commands import ErrorRecord
from ..powershell.values import OBJECT, LiveObject, TypedArray
from . import bpa, failures, messages
from .base import HostCmdlet, as_list, fits
from .bpa_texts import describe
from .cmdlets_system import is_administrator, only

if TYPE_CHECKING:
    from .bpa import BpaFinding, BpaScan
    from .host import Host

CORE = "Microsoft.BestPractices.CoreInterface."
CLASSES = "Microsoft.BestPractices.Cmdlets."
messages.add(
    {
        "bpa_model_missing": ("There is no model '{name}'.", "Il n’existe aucun modèle « {name} »."),
        "bpa_access": ("Access is denied.", "Accès refusé."),
        "bpa_never": ("Never", "Jamais"),
        "bpa_compliant": ("Compliant", "Conforme"),
        "bpa_noncompliant": ("Noncompliant", "Non conforme"),
    }
)


class BpaModel(LiveObject):
    """A model that can be scanned."""

    TYPE_NAMES: ClassVar = (CORE + "Model", OBJECT)
    PROPERTIES: ClassVar = {
        "Id": "id",
        "Company": "company",
        "Name": "name",
        "Version": "version",
        "LastScanTime": "last_scan_time",
        "LastScanTimeUtcOffset": "offset",
        "SubModels": "nothing",
        "Parameters": "nothing",
        "ModelType": "kind",
        "SupportedConfiguration": "supported",
    }
    id = bpa.MODEL
    company = "Microsoft Corporation"
    name = "Hyper-V"
    version = "2.0"
    offset = "00:00:00"
    nothing = None
    kind = "SingleMachine"
    supported = ""

    def __init__(self, host: Host) -> None:
        self.host = host

    @property
    def last_scan_time(self) -> Any:
        """Return when it was scanned; a text where it never was (field objects)."""
        last = self.host.bpa.last
        return messages.text(self.host.language, "bpa_never") if last is None else last.at


class BpaOutput(LiveObject):
    """What a scan says of itself."""

    TYPE_NAMES: ClassVar = (CORE + "InvokeBpaModelOutput", OBJECT)
    PROPERTIES: ClassVar = {
        "ModelId": "model_id",
        "SubModelId": "nothing",
        "Success": "success",
        "ScanTime": "scan_time",
        "ScanTimeUtcOffset": "offset",
        "Detail": "detail",
    }
    model_id = bpa.MODEL
    nothing = None
    success = True
    offset = "00:00:00"

    def __init__(self, scan: BpaScan) -> None:
        self.scan_time = scan.at
        self.detail = TypedArray(CORE + "Detail", [])


class BpaResult(LiveObject):
    """One result of a scan."""

    TYPE_NAMES: ClassVar = (CORE + "Result", OBJECT)
    PROPERTIES: ClassVar = {
        "ResultNumber": "number",
        "ResultId": "id",
        "ModelId": "model_id",
        "SubModelId": "nothing",
        "RuleId": "rule_id",
        "ComputerName": "computer_name",
        "Context": "nothing",
        "Source": "source",
        "Severity": "severity",
        "Category": "category",
        "Title": "title",
        "Problem": "problem",
        "Impact": "impact",
        "Resolution": "resolution",
        "Compliance": "compliance",
        "Help": "help",
        "Excluded": "excluded",
        "NeutralSeverity": "neutral_severity",
        "NeutralCategory": "neutral_category",
    }
    NEUTRAL = ("NeutralSeverity", "NeutralCategory")
    model_id = bpa.MODEL
    nothing = None

    def __init__(self, host: Host, finding: BpaFinding) -> None:
        rule = finding.rule
        self.host, self.finding = host, finding
        self.number, self.id, self.rule_id = finding.number, finding.id, str(rule.number)
        self.computer_name = self.source = host.name
        self.help = bpa.HELP + rule.slug.lower()
        self.neutral_severity = "Information" if finding.compliant else rule.severity
        self.neutral_category = rule.category
        texts = describe(host.language, rule.slug, self.neutral_severity, rule.category, finding.subject)
        self.severity, self.category, self.title = texts.severity, texts.category, texts.title
        self.problem, self.impact, self.resolution = texts.problem, texts.impact, texts.resolution
        key = "bpa_compliant" if finding.compliant else "bpa_noncompliant"
        self.compliance = messages.text(host.language, key)

    @property
    def excluded(self) -> bool:
        """Return whether somebody excluded it."""
        return self.id in self.host.bpa.excluded

    def ps_names(self) -> list[str]:
        """Return the members that this build has."""
        neutral = self.host.bpa.neutral_members
        shown = self.host.is_new("2016") if neutral is None else neutral
        return [name for name in self.PROPERTIES if shown or name not in self.NEUTRAL]

    def ps_get(self, name: str) -> Any:
        """Return a member; raise KeyError for one that this build lacks."""
        if name not in self.ps_names():
            raise KeyError(name)
        return super().ps_get(name)


class BpaCmdlet(HostCmdlet):
    """A cmdlet of the module."""

    def has_model(self, name: str) -> bool:
        """Return whether the host has the model; write the error of a missing one otherwise."""
        host = self.host
        if name.lower() == bpa.MODEL.lower() and host.bpa.model and host.hyperv_ready:
            return True
        text = messages.text(host.language, "bpa_model_missing", name=name)
        self.fail(ErrorRecord(error_id="ModelNotFound", category="ObjectNotFound", message=text, target=name))
        return False

    def may_write(self) -> bool:
        """Return whether the caller may change the analyzer's files; write the error otherwise."""
        if is_administrator(self):
            return True
        self.fail(
            ErrorRecord(
                error_id="UnauthorizedAccess",
                category="PermissionDenied",
                message=messages.text(self.host.language, "bpa_access"),
                exception=("System.UnauthorizedAccessException", "System.SystemException", *failures.EXCEPTION),
            )
        )
        return False


class GetBpaModel(BpaCmdlet):
    """Get-BpaModel."""

    NAME = "Get-BpaModel"
    CLASS = CLASSES + "GetBpaModelCommand"

    def process(self) -> None:
        """Write the models."""
        only(self, "ModelId")
        names = [str(name) for name in as_list(self.given("ModelId"))]
        if names and not any(fits(bpa.MODEL, [name]) for name in names):
            self.has_model(names[0])
        elif self.host.bpa.model and self.host.hyperv_ready:
            self.call.write(BpaModel(self.host))


class InvokeBpaModel(BpaCmdlet):
    """Invoke-BpaModel: runs to its end, whoever waits for it (documented: a scan can't be cancelled)."""

    NAME = "Invoke-BpaModel"
    CLASS = CLASSES + "InvokeBpaModelCommand"

    def process(self) -> None:
        """Scan, and keep the results."""
        only(self, "ModelId")
        if not (self.has_model(str(self.given("ModelId"))) and self.may_write()):
            return
        host = self.host
        host.fleet.clock.sleep(host.bpa.scan_seconds)
        with host.fleet.lock:
            found = bpa.scan(host)
            host.bpa.last = found
            host.bpa.scans += 1
        self.call.write(BpaOutput(found))


class GetBpaResult(BpaCmdlet):
    """Get-BpaResult: the last scan's; nothing where there was none (not verified)."""

    NAME = "Get-BpaResult"
    CLASS = CLASSES + "GetBpaResultCommand"

    def process(self) -> None:
        """Write the results asked for."""
        only(self, "ModelId", "Filter", "All")
        if not self.has_model(str(self.given("ModelId"))):
            return
        last = self.host.bpa.last
        wanted = str(self.given("Filter", "All")).lower()
        for finding in last.findings if last else ():
            if wanted == "all" or finding.compliant == (wanted == "compliant"):
                self.call.write(BpaResult(self.host, finding))


class SetBpaResult(BpaCmdlet):
    """Set-BpaResult: excludes results, or takes them in again."""

    NAME = "Set-BpaResult"
    CLASS = CLASSES + "SetBpaResultCommand"

    def process(self) -> None:
        """Change the results given."""
        only(self, "Results", "Exclude")
        if not self.may_write():
            return
        ids = {result.id for result in as_list(self.given("Results"))}
        with self.host.fleet.lock:
            if self.given("Exclude", False):
                self.host.bpa.excluded |= ids
            else:
                self.host.bpa.excluded -= ids


COMMANDS = (GetBpaModel, InvokeBpaModel, GetBpaResult, SetBpaResult)
