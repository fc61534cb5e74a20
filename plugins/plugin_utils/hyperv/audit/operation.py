# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Audits one host: each published rule judged from evidence read there, the analyzer's answer beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import InvalidRequest, MobilityError, NotPossible
from ...findings import Finding, Severity
from ...operation import Outcome
from . import bpa, compare, own, rules_host, rules_machines, rules_replication
from .judged import Verdict
from .published import BY_ID, BY_SLUG, ERROR, RULES
from .read import read_evidence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...operation import Request
    from ...session.protocol import Session
    from .evidence import Evidence
    from .judged import Judged

PREDICATES = (*rules_host.PREDICATES, *rules_machines.PREDICATES, *rules_replication.PREDICATES)


def operate(request: Request) -> Outcome:
    """Return the audit of the host; nothing is changed. In check mode the analyzer's last scan is read."""
    wanted = request.arguments
    excluded, numbers = parse_exclusions(wanted["exclude"] or ()), parse_numbers(wanted["rule_ids"] or {})
    session = request.sessions.here()
    seen = read_evidence(session)
    analyzer, results = _analyzer(session, request, numbers)
    rules = [compare.beside(judged, results, excluded) for judged in judge(seen)]
    findings = [finding for predicate in own.PREDICATES for finding in predicate(seen)]
    values = {
        "rules": rules,
        "counts": count(rules),
        "findings": [finding.as_plain() for finding in findings],
        "best_practices": analyzer,
        "replicating": _replicating(seen),
        "host": _host(seen),
    }
    return Outcome(values=values, failure=_failure(request.host, rules, wanted["fail_on"]))


def parse_exclusions(given: Sequence[str]) -> frozenset[str]:
    """Return the ids and slugs (lower case) to leave out; InvalidRequest for one that is no rule."""
    keys = frozenset(str(key).lower() for key in given)
    strange = sorted(key for key in keys if key not in BY_ID and key not in BY_SLUG)
    if strange:
        raise InvalidRequest(f"exclude: there is no rule {strange[0]!r}; rules are: {', '.join(sorted(BY_ID))}")
    return keys


def judge(seen: Evidence) -> tuple[Judged, ...]:
    """Return the verdict of each published rule, in the order in which they are listed."""
    found = {judged.rule.id: judged for judged in (predicate(seen) for predicate in PREDICATES)}
    return tuple(found[rule.id] for rule in RULES)


def count(rules: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many rules have each verdict, those excluded apart, and on how many the analyzer disagrees."""
    standing = [rule for rule in rules if not rule["excluded"]]
    found = {verdict.value: sum(rule["verdict"] == verdict.value for rule in standing) for verdict in Verdict}
    return {
        **found,
        "excluded": len(rules) - len(standing),
        "disagreements": sum(rule["agreement"] == compare.DISAGREE for rule in standing),
    }


def parse_numbers(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the analyzer's RuleId by our rule's id; InvalidRequest for an id that is no rule, or a number twice."""
    strange = sorted(set(given) - set(BY_ID))
    if strange:
        raise InvalidRequest(f"rule_ids: there is no rule {strange[0]!r}; rules are: {', '.join(sorted(BY_ID))}")
    numbers = {name: str(number) for name, number in given.items()}
    if len(set(numbers.values())) < len(numbers):
        raise InvalidRequest("rule_ids: two rules have the same RuleId")
    return numbers


def _analyzer(
    session: Session, request: Request, numbers: Mapping[str, str]
) -> tuple[dict[str, Any], tuple[bpa.Result, ...] | None]:
    """Return what is known of the analyzer, and its results; None where there are none to compare with.

    A host without the analyzer, or one whose scan fails, is audited all the same: the reason is returned.
    """
    mode = request.arguments["best_practices"]
    told: dict[str, Any] = {"source": "none", "last_scan": None, "reason": None, "unmatched": 0}
    if mode == "none":
        return {**told, "reason": "not asked for"}, None
    scanned = mode == "scan" and not request.check_mode
    try:
        model = bpa.get_model(session, bpa.HYPER_V)
        if scanned:
            request.reporter.say(f"{request.host}: scanning {bpa.HYPER_V}; this takes minutes")
            bpa.scan(session, bpa.HYPER_V, timeout_seconds=float(request.arguments["timeout_seconds"]))
            model = bpa.get_model(session, bpa.HYPER_V)
        results = compare.known_by_number(bpa.read_results(session, bpa.HYPER_V), numbers)
    except MobilityError as problem:
        if problem.kind in ("connection_lost", "authentication_failed"):
            raise
        return {**told, "reason": problem.msg}, None
    if not results:
        return {**told, "reason": f"{bpa.HYPER_V} was never scanned on this host"}, None
    source = "scan" if scanned else "last_scan"
    return {**told, "source": source, "last_scan": model.last_scan, "unmatched": compare.unmatched(results)}, results


def _replicating(seen: Evidence) -> list[dict[str, Any]]:
    """Return the machines that replicate, with what another host needs to judge the other side."""
    return [
        {
            "id": item.vm_id,
            "name": seen.name_of(item.vm_id),
            "mode": item.mode,
            "state": item.state,
            "primary_server": item.primary_server,
            "replica_server": item.replica_server,
            "static_addresses": seen.static_adapters(item.vm_id),
        }
        for item in seen.replications or ()
    ]


def _host(seen: Evidence) -> dict[str, Any]:
    settings, versions = seen.facts.settings, seen.facts.supported_versions
    return {
        "name": settings.name if settings else seen.facts.computer.name if seen.facts.computer else None,
        "migration_enabled": settings.virtual_machine_migration_enabled if settings else None,
        "authentication_type": settings.authentication_type if settings else None,
        "default_version": next((item.version for item in versions or () if item.is_default), None),
        "unread": [f"{name}: {why}" for name, why in sorted(seen.unread.items())],
    }


def _failure(host: str, rules: Sequence[Mapping[str, Any]], fail_on: str | None) -> NotPossible | None:
    bad = [
        rule
        for rule in rules
        if fail_on
        and rule["verdict"] == Verdict.NONCOMPLIANT.value
        and not rule["excluded"]
        and (fail_on != ERROR or rule["severity"] == ERROR)
    ]
    if not bad:
        return None
    first = f"{bad[0]['id']}: {bad[0]['evidence']}"
    return NotPossible(
        f"{host}: {len(bad)} published rules are broken, first {first}", findings=[_finding(rule) for rule in bad]
    )


def _finding(rule: Mapping[str, Any]) -> Finding:
    return Finding(
        id="audit_rule_broken",
        severity=Severity.BLOCKING if rule["severity"] == ERROR else Severity.WARNING,
        subject=rule["id"],
        evidence=rule["evidence"],
        remedy=rule["remedy"],
    )
