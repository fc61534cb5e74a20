# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rule's verdict on a host, put together from what it says of each thing it looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .published import Rule


class Verdict(str, Enum):
    """What a rule says. The order is that of weight: the first that any subject has is the rule's own."""

    NONCOMPLIANT = "noncompliant"
    UNKNOWN = "unknown"
    COMPLIANT = "compliant"
    NOT_APPLICABLE = "not_applicable"


BY_HAND = "no address is set, and its guest has one by hand"
BY_DHCP = "no address is set, and its guest asks DHCP"
_WEIGHT = {verdict: number for number, verdict in enumerate(Verdict)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One thing that a rule looked at: a machine (with its Id), a network, a trust group, the host itself."""

    name: str
    verdict: Verdict
    evidence: str
    id: str = ""
    elsewhere: str = ""
    """Where what is unknown here can be seen: the name of the server on which the guest runs."""
    adapters: tuple[str, ...] = ()
    """The GUIDs of the adapters that are unknown here; empty where it is about the machine, or it has only one."""

    def as_plain(self) -> dict[str, Any]:
        """Return the documented form."""
        return {"name": self.name, "id": self.id, "verdict": self.verdict.value, "evidence": self.evidence,
                "elsewhere": self.elsewhere, "adapters": list(self.adapters)}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A rule's verdict with its evidence."""

    rule: Rule
    verdict: Verdict
    evidence: str
    subjects: tuple[Subject, ...] = ()

    def named(self, verdict: Verdict) -> tuple[str, ...]:
        """Return the names of the subjects with a verdict."""
        return tuple(subject.name for subject in self.subjects if subject.verdict is verdict)


def not_applicable(rule: Rule, evidence: str) -> Judged:
    """Return that the rule has nothing to look at here."""
    return Judged(rule=rule, verdict=Verdict.NOT_APPLICABLE, evidence=evidence)


def unknown(rule: Rule, evidence: str) -> Judged:
    """Return that the rule can't be judged, and why."""
    return Judged(rule=rule, verdict=Verdict.UNKNOWN, evidence=evidence)


def of_host(rule: Rule, host: str, holds: bool, evidence: str) -> Judged:
    """Return the verdict of a rule about the host as a whole."""
    verdict = Verdict.COMPLIANT if holds else Verdict.NONCOMPLIANT
    subject = Subject(name=host, verdict=verdict, evidence=evidence)
    return Judged(rule=rule, verdict=verdict, evidence=evidence, subjects=(subject,))


def of_subjects(rule: Rule, subjects: Iterable[Subject], *, nothing: str) -> Judged:
    """Return the verdict that follows from the subjects; ``nothing`` is the evidence where there are none."""
    found = tuple(sorted(subjects, key=lambda subject: (_WEIGHT[subject.verdict], subject.name)))
    if not found:
        return not_applicable(rule, nothing)
    verdict = found[0].verdict
    speaking = [subject for subject in found if subject.verdict is verdict]
    evidence = "; ".join(f"{subject.name}: {subject.evidence}" for subject in speaking[:3])
    more = f"; and {len(speaking) - 3} more" if len(speaking) > 3 else ""
    return Judged(rule=rule, verdict=verdict, evidence=evidence + more, subjects=found)
