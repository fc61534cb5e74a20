# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What roles let pass of a failed task: ``failed_when`` replaces the module's own verdict, so it has to ask for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import ChainableUndefined, Environment

ROLES = Path(__file__).parents[2] / "roles"


@pytest.mark.parametrize(
    ("result", "fails"),
    [
        ({"changed": False}, False),
        ({"failed": True, "msg": "late", "error": {"kind": "timed_out"}}, False),
        ({"failed": True, "msg": "wrong", "error": {"kind": "invalid_request"}}, True),
        ({"failed": True, "msg": "Unexpected failure during module execution."}, True),
    ],
    ids=["fine", "late", "refused", "crashed"],
)
def test_only_a_guest_that_is_late_is_let_pass(result: dict[str, Any], fails: bool) -> None:
    (task,) = yaml.safe_load((ROLES / "failover_ready" / "tasks" / "services.yml").read_text(encoding="utf-8"))
    environment = Environment(undefined=ChainableUndefined, autoescape=True)
    environment.tests["failed"] = lambda found: bool(found.get("failed"))
    verdict = environment.compile_expression(task["failed_when"])
    assert bool(verdict(failover_ready_guests=result)) is fails
