# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task gives back per VM."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from ...errors import MobilityError, NotPossible
from ...findings import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..preflight.needs import Needs


class Result(str, Enum):
    """How it ended for a VM."""

    MOVED = "moved"
    ALREADY_THERE = "already_there"
    ATTACHED = "attached"
    """Somebody else's move brought it there while we waited for it."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """Nothing was tried: the task only checked, or a finding blocks the VM and blocked ones are to be skipped."""


@dataclass(frozen=True, kw_only=True)
class VmResult:
    """The documented return value of one VM; times in seconds."""

    id: str
    name: str
    source: str
    destination: str
    outcome: Result
    started: str | None = None
    """ISO 8601, UTC, by the controller's clock."""
    seconds: float | None = None
    bytes: int | None = None
    """Bytes of the disk files that were to be copied, and of the memory of a running VM."""
    blackout_seconds: float | None = None
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
            "started": self.started,
            "seconds": None if self.seconds is None else round(self.seconds, 1),
            "bytes": self.bytes,
            "blackout_seconds": self.blackout_seconds,
            "needs": None if self.needs is None else self.needs.as_plain(),
            "findings": [finding.as_plain() for finding in self.findings],
            "error": None if self.error is None else error_as_plain(self.error),
        }


def error_as_plain(error: MobilityError) -> dict[str, Any]:
    """Return an error of the family as JSON types."""
    return {"kind": error.kind, "msg": error.msg, **dict(error.details)}


def one_failure(
    errors: Sequence[MobilityError], total: int, said: str, findings: tuple[Finding, ...], *, changed: bool
) -> MobilityError | None:
    """Return the failure of a task: the only VM's own error, or one sentence that names all; None without errors.

    ``said`` has places for the number of failures and the number of VMs.
    """
    if not errors:
        return None
    if total == 1:
        errors[0].changed = changed
        return errors[0]
    reasons = "; ".join(" ".join(error.msg.split()) for error in errors)
    return NotPossible(f"{said.format(len(errors), total)}: {reasons}", findings=findings, changed=changed)
