# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that turn what hyperv.mobility.vm_failover_ip returns into a report: who would keep the primary's address."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

_VERDICTS = {False: "ready", True: "keeps", None: "unknown"}
_NOT_SET = "not_set"
"""What was asked for was refused or failed, so that an address which stands there may be another one."""
_RULES = ("integration-services-must-be-installed-before-primary-or-replica", "configure-the-failover-tcpip-settings")
"""Heads of the pages of the analyzer's rules on failover addresses; names of pages are cut at about 80 characters."""
_OWN_WORDS = {
    "replica_not_read": "the replica's copy was not looked at, and a failover goes by that one",
    "failover_setting_not_read": "what is set for a failover on the replica's copy could not be read",
}


def failover_report(
    vms: Sequence[Mapping[str, Any]],
    guests: Sequence[Mapping[str, Any]] = (),
    analyzer: Sequence[Mapping[str, Any]] = (),
    attempts: Sequence[Mapping[str, Any]] = (),
    analyzer_failures: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return counts, an entry per VM with its adapters and why each would keep its address, and the analyzer's answers.

    ``vms`` come from vm_failover_ip. A replica is left out where its primary is there too. ``guests`` come from
    vm_integration_service and lend their remedies, ``analyzer`` is what best_practices returns under ``results``.
    ``attempts`` are the VMs of the vm_failover_ip that set addresses: no adapter of one that was left out or failed is
    ready. ``analyzer_failures`` are the reasons of hosts whose analyzer gave no answer, by host.
    """
    failed = [vm for vm in attempts if vm["skipped"] or vm["error"]]
    primaries = {vm["id"] for vm in vms if vm["replication"]["mode"] != "Replica"}
    shown = [vm for vm in vms if vm["replication"]["mode"] != "Replica" or vm["id"] not in primaries]
    entries = [_entry(vm, guests, [one for one in failed if one["id"] == vm["id"]]) for vm in shown]
    verdicts = [adapter["verdict"] for entry in entries for adapter in entry["adapters"]]
    counts = {verdict: verdicts.count(verdict) for verdict in (*_VERDICTS.values(), _NOT_SET)}
    return {
        "counts": {"vms": len(entries), "adapters": len(verdicts), **counts},
        "vms": entries,
        "best_practices": [_answer(result) for result in analyzer if str(result["slug"]).startswith(_RULES)],
        "best_practices_failed": dict(analyzer_failures or {}),
    }


def _entry(
    vm: Mapping[str, Any], guests: Sequence[Mapping[str, Any]], failed: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    lent = [finding for guest in guests if guest["id"] == vm["id"] for finding in guest.get("findings") or ()]
    return {
        "name": vm["name"],
        "id": vm["id"],
        "host": vm["host"],
        "replica_host": vm["replica_host"],
        "replication": vm["replication"],
        "adapters": [_adapter(vm, adapter, failed) for adapter in vm["adapters"]],
        "guest": lent,
    }


def _adapter(vm: Mapping[str, Any], adapter: Mapping[str, Any], failed: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    verdict = _VERDICTS[adapter["keeps_primary_address"]]
    why = [_reason(vm, identifier) for identifier in adapter["why"]]
    known = {one["id"] for one in why}
    why += [reason for reason in _failures(failed) if reason["id"] not in known]
    return {
        "name": adapter["name"],
        "verdict": _NOT_SET if failed and verdict != "keeps" else verdict,
        "addresses_now": adapter["addresses"],
        "comes_up_with": [address for address in adapter["comes_up_with"].values() if address],
        "why": why,
    }


def _failures(failed: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return why what was asked for could not be set."""
    found = [
        {"id": one["id"], "evidence": one["evidence"], "remedy": one["remedy"]}
        for vm in failed
        for one in vm["findings"]
        if one["severity"] == "blocking"
    ]
    errors = [vm["error"] for vm in failed if vm["error"]]
    return found + [{"id": one["kind"], "evidence": one["msg"], "remedy": "look at it and run again"} for one in errors]


def _reason(vm: Mapping[str, Any], identifier: str) -> dict[str, Any]:
    found = next((one for one in vm["findings"] if one["id"] == identifier), None)
    if found is None:
        return {"id": identifier, "evidence": _OWN_WORDS.get(identifier, ""), "remedy": "set replica_side"}
    return {"id": identifier, "evidence": found["evidence"], "remedy": found["remedy"]}


def _answer(result: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("computer_name", "slug", "compliant", "excluded", "source", "problem", "impact")
    return {key: result.get(key) for key in keys}


def failover_summary(report: Mapping[str, Any]) -> list[str]:
    """Return a line per adapter, in columns: verdict, VM, adapter, hosts, addresses now and then, and the reasons."""
    rows = [_row(entry, adapter) for entry in report["vms"] for adapter in entry["adapters"]]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(5)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in sorted(rows, key=lambda row: (_ORDER.index(row[0]), row[1].lower(), row[2].lower()))
    ]
    lines = lines or ["no replicated VM"]
    lines += dict.fromkeys(_analyzer(answer) for answer in report["best_practices"])
    return lines + [f"analyzer  {host}  no answer: {why}" for host, why in report["best_practices_failed"].items()]


def _analyzer(answer: Mapping[str, Any]) -> str:
    verdict = "compliant" if answer["compliant"] else "noncompliant"
    return f"analyzer  {answer['computer_name']}  {verdict}  {answer['slug']}"


_ORDER = ("keeps", _NOT_SET, "unknown", "ready")


def _row(entry: Mapping[str, Any], adapter: Mapping[str, Any]) -> list[str]:
    now, then = ", ".join(adapter["addresses_now"]) or "?", ", ".join(adapter["comes_up_with"])
    reasons = "; ".join(f"{one['id']}: {one['evidence']}" for one in adapter["why"])
    return [
        str(adapter["verdict"]),
        str(entry["name"]),
        str(adapter["name"]),
        _way(entry),
        f"{now} to {then}" if then else now,
        reasons,
    ]


def _way(entry: Mapping[str, Any]) -> str:
    """Return from which host to which a failover would lead, by their names in the inventory where those are known."""
    replication = entry["replication"]
    if replication["mode"] == "Replica":
        return f"{replication.get('primary_server') or '?'} to {entry['host']}"
    return f"{entry['host']} to {entry['replica_host'] or replication['replica_server'] or '?'}"


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"failover_report": failover_report, "failover_summary": failover_summary}
