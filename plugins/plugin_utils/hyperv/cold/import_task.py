# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task vm_import: one VM, imported on the host of the task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import MobilityError
from ...findings import Severity
from ...operation import Outcome, carry_out
from ...waiting import SYSTEM_CLOCK
from . import importing
from .import_order import parse
from .importing import IMPORTED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ...operation import Request
    from ...waiting import Clock
    from .importing import Prepared


def operate(request: Request, *, clock: Clock = SYSTEM_CLOCK) -> Outcome:
    """Return what was imported; check mode compares, corrects the report and takes the planned VM away again."""
    order = parse(request.arguments)
    seconds = float(request.arguments.get("timeout_seconds") or 0) or None
    session = request.sessions.here()
    prepared = importing.prepare(session, order)
    begun: list[Prepared] = []
    failure: MobilityError | None = None

    def apply(found: Prepared) -> Mapping[str, Any]:
        begun.append(found)
        done = importing.complete(session, found, timeout_seconds=seconds, clock=clock, tell=request.reporter.say)
        return {**done.described(), "outcome": IMPORTED}

    values = prepared.described()
    try:
        importing.require(prepared)
        if not request.check_mode:
            importing.settle(session, prepared)
        outcome = carry_out(prepared, apply, request, values)
    except MobilityError as problem:
        failure = problem
        outcome = Outcome(changed=problem.changed, values={**values, "outcome": importing.FAILED})
    finally:
        if not begun:
            importing.abandon(session, prepared)
    found = outcome.values["findings"]
    warnings = tuple(f"{one['subject']}: {one['evidence']}" for one in found if one["severity"] == Severity.WARNING)
    return Outcome(
        changed=outcome.changed, values=outcome.values, diff=outcome.diff, warnings=warnings, failure=failure
    )
