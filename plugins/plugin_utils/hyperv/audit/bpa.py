# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Best Practices Analyzer of a host: its models, a scan, the results of the last one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ...errors import NotPossible, RemoteError, TimedOut
from ...findings import Finding, Severity
from ...session.command import command, select
from ...session.reply import lacks_command
from ..gateway_reading import Question, ask
from ..wire_values import flag, moment, text, text_or_none, whole
from .published import BY_SLUG, INFORMATION, slug_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...session.protocol import Session

HYPER_V = "Microsoft/Windows/Hyper-V"
_NEUTRAL = {"error": "error", "warning": "warning", "information": "information", "info": "information"}
_MODEL = ("Id", "Name", "Version", "LastScanTime")
_RESULT = (
    "ResultNumber", "ResultId", "RuleId", "ComputerName", "Context", "Source", "Category", "NeutralCategory",
    "NeutralSeverity", "Title", "Problem", "Impact", "Resolution", "Help", "Excluded",
)  # fmt: skip
"""Severity and Compliance are left out on purpose: they are words in the language of the host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model that can be scanned; ``last_scan`` is None where there was none or the host's text is no date."""

    id: str
    name: str = ""
    version: str = ""
    last_scan: str | None = None

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Model:
        """Return the model that a projected Get-BpaModel object describes."""
        return cls(
            id=text(raw.get("Id")),
            name=text(raw.get("Name")),
            version=text(raw.get("Version")),
            last_scan=moment(raw.get("LastScanTime")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One result of a scan. Texts are in the host's language; ``id``, ``rule_id``, ``slug`` are not."""

    number: int | None
    id: str
    rule_id: str
    slug: str
    compliant: bool
    excluded: bool = False
    severity: str | None = None
    """error, warning or information; None for a broken rule of which neither the build nor a page says it."""
    severity_source: str | None = None
    """neutral (the build's language-neutral member), published (the rule's page), or None."""
    category: str = ""
    title: str = ""
    problem: str = ""
    impact: str = ""
    resolution: str = ""
    help: str = ""
    source: str = ""
    computer_name: str = ""
    context: str | None = None

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any], *, compliant: bool) -> Result:
        """Return the result that a projected Get-BpaResult object describes; compliance comes from the filter."""
        link = text(raw.get("Help"))
        slug = slug_of(link)
        severity, source = _severity(raw, slug, compliant=compliant)
        return cls(
            number=whole(raw.get("ResultNumber")),
            id=text(raw.get("ResultId")),
            rule_id=text(raw.get("RuleId")),
            slug=slug,
            compliant=compliant,
            excluded=bool(flag(raw.get("Excluded"))),
            severity=severity,
            severity_source=source,
            category=text(raw.get("NeutralCategory")) or text(raw.get("Category")),
            title=text(raw.get("Title")),
            problem=text(raw.get("Problem")),
            impact=text(raw.get("Impact")),
            resolution=text(raw.get("Resolution")),
            help=link,
            source=text(raw.get("Source")),
            computer_name=text(raw.get("ComputerName")),
            context=text_or_none(raw.get("Context")),
        )

    def is_named(self, keys: frozenset[str]) -> bool:
        """Return whether it breaks a rule and one of the keys (lower case) is its id, its rule's or its page's slug."""
        return not self.compliant and not keys.isdisjoint({self.id.lower(), self.rule_id.lower(), self.slug})


def _severity(raw: Mapping[str, Any], slug: str, *, compliant: bool) -> tuple[str | None, str | None]:
    """Return a severity and where it comes from.

    The build's neutral member comes first, then the rule's page. The member Severity is never looked at: it is a word
    in the host's language, and the numbers behind it are not published.
    """
    neutral = _NEUTRAL.get(text(raw.get("NeutralSeverity")).strip().lower())
    if neutral is not None:
        return neutral, "neutral"
    if compliant:
        return INFORMATION, "published"
    rule = BY_SLUG.get(slug)
    return (rule.severity, "published") if rule else (None, None)


def get_model(session: Session, model_id: str) -> Model:
    """Return the model of this id; NotPossible where the host has no analyzer, or not this model."""
    (answer,) = ask(session, Question(command("Get-BpaModel") | select(*_MODEL)))
    if any(lacks_command(error.error_id) for error in answer.errors):
        raise _absent(
            session.host,
            Finding(
                id="bpa_missing",
                severity=Severity.BLOCKING,
                subject=session.host,
                evidence="the session has no command Get-BpaModel (module BestPractices of Windows Server)",
                remedy="Run it on a Windows Server that has the module, or let the restricted endpoint show its "
                "commands. hyperv.mobility.vm_host_audit judges the published rules without it.",
            ),
        )
    models = [Model.from_wire(raw) for raw in answer.check()]
    for model in models:
        if model.id.lower() == model_id.lower():
            return model
    there = ", ".join(sorted(model.id for model in models)) or "none"
    raise _absent(
        session.host,
        Finding(
            id="bpa_model_missing",
            severity=Severity.BLOCKING,
            subject=model_id,
            evidence=f"models on {session.host}: {there}",
            remedy="A role's model comes with the role: install it, or name one of the models there (model_id).",
        ),
    )


def _absent(host: str, finding: Finding) -> NotPossible:
    return NotPossible(f"{host}: no best practices can be scanned: {finding.evidence}", findings=[finding])


def scan(session: Session, model_id: str, *, timeout_seconds: float) -> None:
    """Scan a model and return when the host is done: minutes. Changes nothing but the analyzer's own results.

    TimedOut past the time given: the scan can't be cancelled and goes on. RemoteError where it does not succeed.
    """
    statement = command("Invoke-BpaModel", ModelId=model_id) | select("ModelId", "SubModelId", "Success")
    try:
        reply = session.invoke(statement, timeout_seconds=timeout_seconds)[0].check()
    except TimedOut as late:
        raise TimedOut(
            f"{session.host}: the scan of {model_id} did not end within {timeout_seconds:g} seconds; it can't be "
            "cancelled and goes on. Read its results later with scan: false, or give it more time (timeout_seconds)",
            last_seen="scanning",
        ) from late
    failed = [raw for raw in reply.objects if isinstance(raw, dict) and flag(raw.get("Success")) is False]
    if failed:
        raise RemoteError(
            f"{session.host}: the scan of {model_id} did not succeed; look into the analyzer's log on the host",
            error_id="",
            category=0,
            hresult=None,
            command="Invoke-BpaModel",
        )


def read_results(session: Session, model_id: str) -> tuple[Result, ...]:
    """Return the results of the last scan, none where there was none.

    Whether a rule holds is known by the filter that returns its result: the member that says it is localised.
    """
    questions: list[Question[Any]] = [
        Question(command("Get-BpaResult", ModelId=model_id, Filter=name) | select(*_RESULT))
        for name in ("Noncompliant", "Compliant")
    ]
    broken, kept = ask(session, *questions)
    found = [
        *(Result.from_wire(raw, compliant=False) for raw in broken.check()),
        *(Result.from_wire(raw, compliant=True) for raw in kept.check()),
    ]
    return tuple(sorted(found, key=lambda result: (result.number is None, result.number or 0)))


def exclude(results: tuple[Result, ...], keys: frozenset[str]) -> tuple[Result, ...]:
    """Return the results with those excluded that a key names; what the host excludes stays so."""
    return tuple(replace(result, excluded=True) if result.is_named(keys) else result for result in results)
