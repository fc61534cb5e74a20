# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the audit, called as templates call them; what they decide is tested beside the audit."""

from __future__ import annotations

from typing import Any

from ansible_collections.hyperv.mobility.plugins.filter.audits import FilterModule

FILTERS = FilterModule().filters()


def audit(verdict: str, *, excluded: bool = False) -> dict[str, Any]:
    """The result of a host on one rule."""
    rule = {"id": "vm_paused", "slug": "s", "page": "p", "severity": "warning", "remedy": "r", "verdict": verdict}
    return {
        "rules": [rule | {"evidence": "e", "subjects": [], "excluded": excluded, "best_practices": None}],
        "findings": [],
        "best_practices": {"source": "none", "last_scan": None},
        "replicating": [],
        "host": {"authentication_type": "Kerberos", "default_version": "10.0", "migration_enabled": True},
    }


def test_a_report_goes_from_filter_to_filter() -> None:
    audits = {"a": audit("noncompliant"), "b": audit("compliant"), "c": audit("noncompliant", excluded=True)}
    made = FILTERS["audit_report"](audits, {"d": "gone"})
    assert FILTERS["audit_broken"](made, "warning") == {"a": ["vm_paused"]}
    assert FILTERS["audit_broken"](made, "error") == {}
    lines = FILTERS["audit_summary"](made)
    assert "a: warning: vm_paused: e" in lines
    assert "d: not audited: gone" in lines
    assert made["counts"]["excluded"] == 1


def test_no_audit_at_all_is_a_report_too() -> None:
    made = FILTERS["audit_report"]({}, {"d": "gone"})
    assert made["rules"] == []
    assert FILTERS["audit_summary"](made)[-1] == "d: not audited: gone"
