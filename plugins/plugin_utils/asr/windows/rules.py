# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All rules about a Windows machine, by the scope in which they count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..catalogue import Scope
from . import rules_disks, rules_push, rules_register, rules_system, rules_vss

if TYPE_CHECKING:
    from ..catalogue import AsrFinding
    from ..patient import Wanted
    from .evidence import WindowsEvidence

RULES = {
    Scope.PUSH: rules_push.RULES,
    Scope.AGENT: (*rules_system.RULES, *rules_disks.RULES, *rules_vss.RULES),
    Scope.REGISTER: rules_register.RULES,
}


def judge(evidence: WindowsEvidence, wanted: Wanted) -> tuple[AsrFinding, ...]:
    """Return the findings of the wanted scopes."""
    return tuple(
        item
        for scope, rules in RULES.items()
        if scope in wanted.scopes
        for rule in rules
        for item in rule(evidence, wanted)
    )
