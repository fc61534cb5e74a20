# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All rules about a Linux machine, by the scope in which they count."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..catalogue import Scope
from . import rules_boot, rules_layout, rules_push, rules_register, rules_storage, rules_system
from .sections import printable

if TYPE_CHECKING:
    from ..catalogue import AsrFinding
    from ..patient import Wanted
    from .evidence import LinuxEvidence

RULES = {
    Scope.PUSH: rules_push.RULES,
    Scope.AGENT: (*rules_system.RULES, *rules_storage.RULES, *rules_layout.RULES, *rules_boot.RULES),
    Scope.REGISTER: rules_register.RULES,
}


def judge(evidence: LinuxEvidence, wanted: Wanted) -> tuple[AsrFinding, ...]:
    """Return the findings of the wanted scopes."""
    rules = (rule for scope, rules in RULES.items() if scope in wanted.scopes for rule in rules)
    return tuple(_printable(item) for rule in rules for item in rule(evidence, wanted))


def _printable(item: AsrFinding) -> AsrFinding:
    """Return a finding that any output can show: files may hold bytes that are no text."""
    return replace(item, subject=printable(item.subject), evidence=printable(item.evidence))
