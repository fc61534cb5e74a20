# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's own job of an export: how far it is, and how it ended.

Msvm_ConcreteJob with JobType 62 (facts, 3.9), found by its association with the VM. That the association can be asked
for by a query is not verified on a host: what can't be read is unknown here, never an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from ...errors import MobilityError
from ...session.command import command
from ..gateway_reading import Question, ask
from ..slots import RUNNING_STATES
from ..wire_values import whole
from .files import time_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...session.protocol import Session

EXPORT: Final = 62
_COMPLETED: Final = 7
_NAMESPACE: Final = "root/virtualization/v2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job of the management service on one VM; it vanishes five minutes after its end."""

    PROPERTIES: ClassVar = ("JobType", "JobState", "PercentComplete", "ErrorCode", "TimeSubmitted")

    type: int
    state: int
    percent: int
    error_code: int
    submitted: datetime

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Job:
        """Return the job that a projected Msvm_ConcreteJob describes."""
        return cls(
            type=whole(raw.get("JobType")) or 0,
            state=whole(raw.get("JobState")) or 0,
            percent=whole(raw.get("PercentComplete")) or 0,
            error_code=whole(raw.get("ErrorCode")) or 0,
            submitted=time_of(str(raw.get("TimeSubmitted") or "")),
        )

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.state in RUNNING_STATES

    @property
    def succeeded(self) -> bool:
        """Whether it ended well: a job can be completed and carry an error (facts, 3.9)."""
        return self.state == _COMPLETED and self.error_code == 0


def export_jobs(session: Session, vm_id: str) -> tuple[Job, ...]:
    """Return the host's jobs that export a VM, ended ones of the last minutes too; none where they can't be read."""
    system = f"Msvm_ComputerSystem.CreationClassName='Msvm_ComputerSystem',Name='{vm_id.upper()}'"
    query = f"ASSOCIATORS OF {{{system}}} WHERE AssocClass=Msvm_AffectedJobElement"
    try:
        (answer,) = ask(session, Question(command("Get-CimInstance", Namespace=_NAMESPACE, Query=query), Job))
    except MobilityError:
        return ()
    return tuple(job for job in answer.items if job.type == EXPORT)
