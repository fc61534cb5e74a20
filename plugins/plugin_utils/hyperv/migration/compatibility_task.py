# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task vm_compatibility: what would stop VMs from moving to a host. Reads only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...operation import Outcome
from ...waiting import SYSTEM_CLOCK
from .operation import operate as migrate

if TYPE_CHECKING:
    from ...operation import Request
    from ...waiting import Clock


def operate(request: Request, *, clock: Clock = SYSTEM_CLOCK) -> Outcome:
    """Return findings per VM under ``vms``: all predicates and Compare-VM's own report, whose planned VM is removed."""
    asked = replace(request, arguments={**request.arguments, "preflight_only": True})
    outcome = migrate(asked, clock=clock)
    rows = [
        {
            "id": row["id"],
            "name": row["name"],
            "compatible": not any(finding["severity"] == "blocking" for finding in row["findings"])
            and row["error"] is None,
            "already_there": row["outcome"] == "already_there",
            "findings": row["findings"],
        }
        for row in outcome.values["vms"]
    ]
    return Outcome(values={"vms": rows, "compatible": all(row["compatible"] for row in rows)})
