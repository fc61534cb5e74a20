# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Best Practices Analyzer of a host: what a scan finds, what of it is kept until the next one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .bpa_rules import RULES

if TYPE_CHECKING:
    from datetime import datetime

    from .bpa_rules import BpaRule
    from .host import Host

MODEL = "Microsoft/Windows/Hyper-V"
HELP = "https://learn.microsoft.com/windows-server/virtualization/hyper-v/best-practices-analyzer/"
"""Where the rules' pages are. That a build's links lead there and not through a redirection is not verified."""


@dataclass(frozen=True, kw_only=True)
class BpaFinding:
    """One result: a rule that holds, or one thing for which it doesn't."""

    rule: BpaRule
    number: int
    compliant: bool
    subject: str = ""

    @property
    def id(self) -> str:
        """Return the id of the result, the same at the next scan."""
        return f"{self.rule.number}:{self.subject}" if self.subject else str(self.rule.number)


@dataclass(frozen=True, kw_only=True)
class BpaScan:
    """The scan whose results are kept."""

    at: datetime
    findings: tuple[BpaFinding, ...]


@dataclass(kw_only=True)
class Bpa:
    """What a fleet file says about the analyzer, and the last scan."""

    installed: bool = True
    """Whether the host has the module BestPractices."""
    model: bool = True
    """Whether the model of Hyper-V is there (with the role)."""
    neutral_members: bool | None = None
    """Whether results have NeutralSeverity and NeutralCategory; None: as this edition is taken to do it."""
    scan_seconds: float = 90.0
    answers: dict[str, bool] = field(default_factory=dict)
    """Slug -> what the analyzer answers whatever is true: a wrong or outdated rule."""
    last: BpaScan | None = None
    excluded: set[str] = field(default_factory=set)
    scans: int = 0


def scan(host: Host) -> BpaScan:
    """Return the results of every rule now, one for each thing that breaks it.

    With a stopped management service only the prerequisite is judged, as nothing else can be read.
    """
    rules = [rule for rule in RULES if host.vmms_running or rule.category == "Prerequisites"]
    found: list[BpaFinding] = []
    for rule in rules:
        answer = host.bpa.answers.get(rule.slug)
        affected = rule.affected(host) if answer is None else [] if answer else [host.name]
        for subject in affected or [""]:
            found.append(BpaFinding(rule=rule, number=len(found) + 1, compliant=not affected, subject=subject))
    return BpaScan(at=host.fleet.clock.date(), findings=tuple(found))
