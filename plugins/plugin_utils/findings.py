# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings: named statements about a precondition, with a stable id that playbooks and people can refer to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


class Severity(str, Enum):
    """What a finding means for the run."""

    BLOCKING = "blocking"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One answered question: ``id`` is stable (``switch_missing``), ``subject`` the thing it is about."""

    id: str
    severity: Severity
    subject: str
    evidence: str
    remedy: str

    def as_plain(self) -> dict[str, Any]:
        """Return the finding as JSON types."""
        return {
            "id": self.id,
            "severity": self.severity.value,
            "subject": self.subject,
            "evidence": self.evidence,
            "remedy": self.remedy,
        }


def blocking(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return those findings that stop the operation."""
    return tuple(f for f in findings if f.severity is Severity.BLOCKING)
