# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a cold migration ended for each VM."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from ...migration.outcome import error_as_plain

if TYPE_CHECKING:
    from ....errors import MobilityError
    from ....findings import Finding
    from ...preflight.needs import Needs


class Result(str, Enum):
    """How it ended for a VM."""

    MIGRATED = "migrated"
    ALREADY_THERE = "already_there"
    WAITING_FOR_TREE = "waiting_for_tree"
    """Exported; people have to bring the tree to the destination."""
    SOURCE_REMOVED = "source_removed"
    ROLLED_BACK = "rolled_back"
    ALREADY_BACK = "already_back"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class VmResult:
    """The documented return value of one VM; times in seconds."""

    id: str
    name: str
    source: str
    destination: str
    outcome: Result
    steps: tuple[str, ...] = ()
    """What was done, or would be in check mode."""
    started: str | None = None
    seconds: float | None = None
    bytes: int | None = None
    """Size of the exported tree, or of the files that are to be exported."""
    folders: dict[str, str] = field(default_factory=dict)
    """Where the export lies on the source, and where the tree belongs at the destination."""
    needs: Needs | None = None
    findings: tuple[Finding, ...] = ()
    error: MobilityError | None = None

    def as_plain(self) -> dict[str, Any]:
        """Return the result as JSON types."""
        return {
            "id": self.id,
            "name": self.name,
            "source": self.source,
            "destination": self.destination,
            "outcome": self.outcome.value,
            "steps": list(self.steps),
            "started": self.started,
            "seconds": None if self.seconds is None else round(self.seconds, 1),
            "bytes": self.bytes,
            "folders": dict(self.folders),
            "needs": None if self.needs is None else self.needs.as_plain(),
            "findings": [finding.as_plain() for finding in self.findings],
            "error": None if self.error is None else error_as_plain(self.error),
        }
