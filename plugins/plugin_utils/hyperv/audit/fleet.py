# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audits of several hosts together: what one host can't see of a Replica, differences between hosts, a report.

Works on what ``vm_host_audit`` returns (plain data), so that a report can be made again of results that were kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...findings import Finding, Severity
from .compare import DISAGREE, agreement
from .judged import BY_DHCP, BY_HAND, Verdict

_ORDER = [verdict.value for verdict in Verdict]
NONCOMPLIANT, UNKNOWN, COMPLIANT, NOT_APPLICABLE = _ORDER
_STATIC_RULE = "failover_ip_not_configured"


def report(audits: Mapping[str, Mapping[str, Any]], failed: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the report: a row per rule, findings of hosts and between them, and hosts that could not be audited.

    ``audits`` are results of ``vm_host_audit`` by inventory name, ``failed`` the reasons of hosts without one.
    """
    rows: dict[str, dict[str, Any]] = {}
    for host, audit in audits.items():
        for rule in audit["rules"]:
            row = rows.setdefault(rule["id"], {key: rule[key] for key in ("id", "slug", "page", "severity", "remedy")})
            row.setdefault("hosts", {})[host] = _cell(rule, host, audits)
    findings = [finding for audit in audits.values() for finding in audit["findings"]]
    findings += [finding.as_plain() for finding in differences(audits)]
    return {
        "rules": list(rows.values()),
        "findings": findings,
        "best_practices": {host: audit["best_practices"] for host, audit in audits.items()},
        "failed": dict(failed or {}),
        "counts": _counts(rows, findings, failed or {}),
    }


def _counts(rows: Mapping[str, Any], findings: Sequence[Any], failed: Mapping[str, str]) -> dict[str, int]:
    cells = [cell for row in rows.values() for cell in row["hosts"].values() if not cell["excluded"]]
    verdicts = Counter(cell["verdict"] for cell in cells)
    return {
        **{verdict: verdicts[verdict] for verdict in _ORDER},
        "excluded": sum(cell["excluded"] for row in rows.values() for cell in row["hosts"].values()),
        "disagreements": sum(cell["agreement"] == DISAGREE for cell in cells),
        "findings": len(findings),
        "failed": len(failed),
    }


def _cell(rule: Mapping[str, Any], host: str, audits: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what a rule says on one host, with what is unknown there settled by what other hosts saw."""
    subjects = [_settled(rule["id"], subject, host, audits) for subject in rule["subjects"]]
    verdict, evidence = rule["verdict"], rule["evidence"]
    if subjects != list(rule["subjects"]):
        subjects.sort(key=lambda subject: (_ORDER.index(subject["verdict"]), subject["name"]))
        verdict = subjects[0]["verdict"]
        evidence = "; ".join(f"{each['name']}: {each['evidence']}" for each in subjects if each["verdict"] == verdict)
    theirs = (rule["best_practices"] or {}).get("verdict")
    return {
        "verdict": verdict,
        "evidence": evidence,
        "subjects": [subject["name"] for subject in subjects if subject["verdict"] == verdict],
        "excluded": rule["excluded"],
        "best_practices": theirs,
        "agreement": agreement(verdict, theirs),
    }


def _settled(
    rule_id: str, subject: Mapping[str, Any], host: str, audits: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Any]:
    """Return a subject as it is, or with what the host says on which its guest runs."""
    if subject["verdict"] != UNKNOWN or not subject["id"] or not subject["elsewhere"]:
        return subject
    for other, audit in audits.items():
        if other == host:
            continue
        found = _seen_there(rule_id, subject, audit)
        if found is not None:
            return {**subject, "verdict": found[0], "evidence": f"{found[1]} (seen on {other})", "elsewhere": ""}
    return subject


def _seen_there(rule_id: str, subject: Mapping[str, Any], audit: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return verdict and evidence by what another host saw; each adapter that is unknown here counts."""
    vm_id = subject["id"]
    if rule_id == _STATIC_RULE:
        told = {
            key: static
            for each in audit["replicating"]
            if each["id"] == vm_id
            for key, static in each["static_addresses"].items()
        }
        found = [told.get(device) for device in subject["adapters"] or told]
        if True in found:
            return NONCOMPLIANT, BY_HAND
        return (COMPLIANT, BY_DHCP) if found and None not in found else None
    for rule in audit["rules"]:
        for seen in rule["subjects"] if rule["id"] == rule_id else ():
            if seen["id"] == vm_id and seen["verdict"] in (COMPLIANT, NONCOMPLIANT):
                return seen["verdict"], seen["evidence"]
    return None


def differences(audits: Mapping[str, Mapping[str, Any]]) -> tuple[Finding, ...]:
    """Return findings about what has to be the same on all hosts between which VMs move."""
    found = []
    ways = _by(audits, "authentication_type")
    if len(ways) > 1:
        found.append(
            Finding(
                id="authentication_type_differs",
                severity=Severity.WARNING,
                subject=", ".join(sorted(audits)),
                evidence=_told(ways),
                remedy="Set the same authentication_type on all hosts with hyperv.mobility.vm_host_migration.",
            )
        )
    versions = _by(audits, "default_version")
    if len(versions) > 1:
        found.append(
            Finding(
                id="default_versions_differ",
                severity=Severity.INFO,
                subject=", ".join(sorted(audits)),
                evidence=_told(versions),
                remedy="A VM of a newer host can't go to an older one: make VMs that move both ways in the "
                "version of the older hosts. hyperv.mobility.vm_version shows the hops the other way.",
            )
        )
    return tuple(found)


def _by(audits: Mapping[str, Mapping[str, Any]], key: str) -> dict[str, list[str]]:
    """Return the hosts by what they say of a setting, those that say nothing left out."""
    found: dict[str, list[str]] = {}
    for host, audit in audits.items():
        value = audit["host"][key]
        if value and (key != "authentication_type" or audit["host"]["migration_enabled"]):
            found.setdefault(str(value), []).append(host)
    return found


def _told(groups: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{value}: {', '.join(sorted(hosts))}" for value, hosts in sorted(groups.items()))


def summary(made: Mapping[str, Any]) -> list[str]:
    """Return lines for people: a table of the rules, what is broken (errors first), unknown, seen differently."""
    rows = [_row(row) for row in made["rules"]]
    widths = [max((len(row[column]) for row in (_HEAD, *rows)), default=0) for column in range(len(_HEAD))]
    table = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in (_HEAD, *rows))
    lines = ["  ".join(cells).rstrip() for cells in table]
    lines += [*_broken_lines(made), *_unknown_lines(made), *_differing_lines(made)]
    lines += [f"{each['subject']}: {each['severity']}: {each['id']}: {each['evidence']}" for each in made["findings"]]
    return lines + [f"{host}: not audited: {reason}" for host, reason in made["failed"].items()]


def _standing(made: Mapping[str, Any], verdict: str) -> Iterator[tuple[Mapping[str, Any], str, str]]:
    """Yield rule, host and evidence of each cell with a verdict that is not excluded."""
    for row in made["rules"]:
        for host, cell in row["hosts"].items():
            if cell["verdict"] == verdict and not cell["excluded"]:
                yield row, host, cell["evidence"]


def _broken_lines(made: Mapping[str, Any]) -> list[str]:
    """Return a line per rule and evidence, with the hosts that share it."""
    hosts: dict[tuple[bool, str, str, str], list[str]] = {}
    for row, host, evidence in _standing(made, NONCOMPLIANT):
        hosts.setdefault((row["severity"] != "error", row["severity"], row["id"], evidence), []).append(host)
    ordered = sorted(hosts.items(), key=lambda item: item[0][0])
    return [
        f"{', '.join(names)}: {severity}: {name}: {evidence}" for (_late, severity, name, evidence), names in ordered
    ]


def _unknown_lines(made: Mapping[str, Any]) -> list[str]:
    """Return a line per host and reason, with the rules that can't be judged for it."""
    rules: dict[tuple[str, str], list[str]] = {}
    for row, host, evidence in _standing(made, UNKNOWN):
        rules.setdefault((host, evidence), []).append(row["id"])
    return [f"{host}: unknown: {', '.join(names)}: {evidence}" for (host, evidence), names in rules.items()]


def _differing_lines(made: Mapping[str, Any]) -> list[str]:
    found = []
    for row in made["rules"]:
        for host, cell in row["hosts"].items():
            if cell["agreement"] == DISAGREE:
                scanned = made["best_practices"][host]["last_scan"]
                found.append(
                    f"{host}: the Best Practices Analyzer{f' (scan of {scanned})' if scanned else ''} says "
                    f"{cell['best_practices']} of {row['id']}, the audit {cell['verdict']}"
                )
    return found


_HEAD = ("rule", "severity", "broken", "unknown", "holds", "n/a")


def _row(row: Mapping[str, Any]) -> tuple[str, ...]:
    counted = Counter(cell["verdict"] for cell in row["hosts"].values())
    numbers = (str(counted[verdict] or "-") for verdict in _ORDER)
    return (str(row["id"]), str(row["severity"]), *numbers)


def broken(made: Mapping[str, Any], severity: str) -> dict[str, list[str]]:
    """Return by host the ids of the rules that are broken there, of this severity or worse ("warning" is any)."""
    found: dict[str, list[str]] = {}
    for row in made["rules"]:
        if severity == "error" and row["severity"] != "error":
            continue
        for host, cell in row["hosts"].items():
            if cell["verdict"] == NONCOMPLIANT and not cell["excluded"]:
                found.setdefault(host, []).append(row["id"])
    return found
