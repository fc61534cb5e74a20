# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that turn what the tasks that move VMs return into lines for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.preflight.together import lacking


def lacking_together(results: Sequence[Mapping[str, Any]], destinations: Sequence[str] | None = None) -> list[str]:
    """Return a line per thing that the VMs of several tasks lack at their destination together.

    With ``destinations`` only these are told of.
    """
    found = [finding.as_plain() for finding in lacking([one for each in results for one in _tasks(each)])]
    wanted = None if destinations is None else frozenset(destinations)
    return [_line(one["subject"], one) for one in found if wanted is None or one["subject"] in wanted]


def _tasks(result: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield what tasks that move VMs returned, of a loop each turn; nothing of one that was skipped or failed."""
    if "results" in result:
        for turn in result["results"]:
            yield from _tasks(turn)
    elif "vms" in result:
        yield result
    elif not (result.get("skipped") or result.get("failed") or result.get("unreachable")):
        raise AnsibleFilterError(
            "lacking_together: give what vm_migration or vm_cold_migration returned; this has no vms: "
            f"{', '.join(sorted(map(str, result))) or 'nothing'}"
        )


def findings(vms: Sequence[Mapping[str, Any]], severity: str = "blocking") -> list[str]:
    """Return a line per finding of a severity: VM, hosts, id, evidence, remedy. A finding about a host comes once."""
    lines: dict[str, None] = {}
    for vm in vms:
        for finding in vm.get("findings") or ():
            if finding["severity"] == severity:
                lines[_finding(vm, finding)] = None
    return list(lines)


def _finding(vm: Mapping[str, Any], finding: Mapping[str, Any]) -> str:
    subject = str(finding["subject"])
    head = f"{vm['name']} ({vm['source']} to {vm['destination']})" if subject == vm["name"] else subject
    return _line(head, finding)


def _line(head: str, finding: Mapping[str, Any]) -> str:
    return f"{head}: {finding['id']}: {str(finding['evidence']).rstrip('.')}. Remedy: {finding['remedy']}"


def move_summary(vms: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line per VM, in columns: outcome, name, hosts, seconds, size, and the reason where it did not move."""
    rows = [_row(vm) for vm in vms]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(5)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    ]


def _row(vm: Mapping[str, Any]) -> list[str]:
    seconds, size = vm.get("seconds"), vm.get("bytes")
    reason = str((vm.get("error") or {}).get("msg") or "")
    if vm["outcome"] == "waiting_for_tree":
        reason = f"bring {vm['folders']['share']} to {vm['folders']['tree']} on {vm['destination']}"
    if not reason and vm["outcome"] == "skipped":
        reason = next((f["id"] for f in vm.get("findings") or () if f["severity"] == "blocking"), "")
    return [
        str(vm["outcome"]),
        str(vm["name"]),
        f"{vm['source']} to {vm['destination']}",
        "" if seconds is None else f"{seconds:.0f} s",
        "" if size is None else f"{size / 1e9:.1f} GB",
        reason,
    ]


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"findings": findings, "lacking_together": lacking_together, "move_summary": move_summary}
