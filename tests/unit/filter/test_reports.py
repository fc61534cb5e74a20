# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.hyperv.mobility.plugins.filter.reports import findings, lacking_together, move_summary


def vm(name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"id-{name}",
        "name": name,
        "source": "hv1",
        "destination": "hv2",
        "outcome": "moved",
        "findings": [],
        **more,
    }


def finding(finding_id: str, subject: str, severity: str = "blocking") -> dict[str, str]:
    return {"id": finding_id, "severity": severity, "subject": subject, "evidence": "Seen.", "remedy": "Do."}


def test_a_finding_about_a_host_comes_once_and_one_about_a_vm_names_both_hosts() -> None:
    host, own = finding("not_listening", "hv2"), finding("switch_missing", "web")
    assert findings([vm("web", findings=[host, own]), vm("db", findings=[host])]) == [
        "hv2: not_listening: Seen. Remedy: Do.",
        "web (hv1 to hv2): switch_missing: Seen. Remedy: Do.",
    ]


def test_only_findings_of_the_severity_are_shown() -> None:
    vms = [vm("web", findings=[finding("a", "web", "warning"), finding("b", "web")])]
    assert [line.split(": ")[1] for line in findings(vms, "warning")] == ["a"]
    assert findings([]) == []


def test_the_summary_is_in_columns_with_the_error_last() -> None:
    lines = move_summary(
        [vm("web", seconds=12.3, bytes=4_200_000_000), vm("database", outcome="failed", error={"msg": "No room."})]
    )
    assert lines == [
        "moved   web       hv1 to hv2  12 s  4.2 GB",
        "failed  database  hv1 to hv2                No room.",
    ]


def test_the_summary_says_what_a_skipped_vm_was_blocked_by() -> None:
    blocked = vm("erp", outcome="skipped", findings=[finding("a", "erp", "warning"), finding("cpu", "erp")])
    assert move_summary([blocked]) == ["skipped  erp  hv1 to hv2      cpu"]


def test_what_tasks_lack_together_is_a_line_each() -> None:
    needs = {
        "memory_bytes": 2**30, "memory_free_bytes": 2**30, "volumes": [], "files": [], "sole_name": False,
    }  # fmt: skip
    tasks: list[dict[str, Any]] = [
        {"vms": [vm("web", needs=needs)]},
        {"vms": [vm("db", needs=needs)], "changed": False},
    ]
    (line,) = lacking_together(tasks)
    assert line.startswith(
        "hv2: memory_insufficient: 2 VMs of hv1 together need 2048 MB of memory; hv2 has 1024 MB free. Remedy: Free "
    )
    assert lacking_together(tasks[:1]) == lacking_together([]) == []
    looped: list[dict[str, Any]] = [
        {"results": tasks, "changed": False},
        {"skipped": True},
        {"failed": True, "msg": "no"},
    ]
    assert lacking_together(looped) == lacking_together(looped, ["hv2"]) == [line]
    assert lacking_together(looped, ["hv3"]) == []


def test_what_no_task_that_moves_returned_is_named() -> None:
    with pytest.raises(AnsibleFilterError, match="this has no vms: changed, stdout"):
        lacking_together([{"changed": True, "stdout": ""}])
