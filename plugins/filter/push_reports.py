# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that turn the results of the role push_install into a record per machine, lines for people, and a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr import push_report


def push_blocking(findings: Sequence[Mapping[str, Any]], accepted: Sequence[str] = ()) -> list[Mapping[str, Any]]:
    """Return the blocking findings that are neither cured nor accepted."""
    return push_report.unresolved(findings, accepted)


def push_record(
    results: Mapping[str, Mapping[str, Any]], host: str, accepted: Sequence[str] = (), preflight_only: bool = False
) -> dict[str, Any]:
    """Return what the role knows about a machine, from the results of its tasks."""
    return push_report.record(host, results, accepted=accepted, preflight_only=preflight_only)


def push_records(records: Sequence[Mapping[str, Any]], lost: Sequence[str] = ()) -> list[Mapping[str, Any]]:
    """Return the records with one more for each lost machine that has none."""
    known = {each["host"] for each in records}
    return [*records, *(push_report.unreachable(host) for host in lost if host not in known)]


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {
            "push_blocking": push_blocking,
            "push_record": push_record,
            "push_records": push_records,
            "push_summary": push_report.summary,
            "push_by_id": push_report.by_id,
            "push_report": push_report.report,
        }
