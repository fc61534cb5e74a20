# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role push_install knows about a machine, as one record; records as lines and as a report.

A record is made of the results of the role's tasks. Only named keys of them get in, so that nothing that a task
returned besides finds its way into a report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import NotFound
from .catalogue import entry

Results = Mapping[str, Mapping[str, Any]]
REBOOT_PENDING = "95224"
FAILING = ("blocked", "failed", "reboot pending", "unreachable")
"""Outcomes of machines that are not as they were to be."""
FINDING_KEYS = ("id", "ids", "severity", "scope", "subject", "evidence", "remedy", "cure", "cured", "cure_problem")
ERROR_KEYS = ("kind", "exit_code", "reason", "remedy", "log_path", "log_tail", "output_tail")
CHANGING = ("preflight", "reboot", "installer", "agent", "registration", "undo")
"""Steps that a report shows one by one."""
AGENT_KEYS = ("installed", "version", "stack", "registered", "server", "pending_reboot", "services", "vss_provider")


def unresolved(findings: Sequence[Mapping[str, Any]], accepted: Sequence[str] = ()) -> list[Mapping[str, Any]]:
    """Return the blocking findings that are neither cured nor accepted by one of their ids."""
    allowed = {str(each) for each in accepted}
    return [
        found
        for found in findings
        if found.get("severity") == "blocking"
        and not found.get("cured")
        and not allowed & {str(found["id"]), *map(str, found.get("ids") or ())}
    ]


def record(
    host: str, results: Results, *, preflight_only: bool = False, accepted: Sequence[str] = ()
) -> dict[str, Any]:
    """Return what is to be known about a machine.

    ``results`` are the results of tasks by step: ``info``, ``preflight``, ``gate`` (nothing in the way), ``reboot``,
    ``installer``, ``agent``, ``waiting`` (for a restart), ``registration``, ``verify``, ``undo`` (giving back what was
    weakened), and ``failed`` for the one that failed before, whichever it was. A step that was not reached is missing
    or empty. ``undo`` of the record is what is still weakened.
    """
    done = {step: result for step, result in results.items() if result and not result.get("skipped")}
    agent = _agent(done)
    rebooted = any(result.get("rebooted") for result in done.values())
    findings = _findings(done, rebooted=rebooted)
    found: dict[str, Any] = {
        "host": host,
        "system": _system(done.get("preflight", {}).get("facts") or {}),
        "agent": agent,
        "changed": any(bool(result.get("changed")) for result in done.values()),
        "steps": {step: _step(result) for step, result in done.items() if step in CHANGING},
        "findings": findings,
        "cured": list(done.get("preflight", {}).get("cured") or ()),
        "undo": [] if _is_given_back(done) else list(done.get("preflight", {}).get("undo") or ()),
        "warnings": [str(text) for result in done.values() for text in result.get("warnings") or ()],
        "rebooted": rebooted,
        "reboot_pending": not rebooted and _waits_for_reboot(done, agent),
        "error": _error(done),
    }
    left = unresolved(findings, accepted)
    outcome = _outcome(found, left, preflight_only=preflight_only)
    return found | {"outcome": outcome, "reason": _reason(outcome, found["error"], left)}


def unreachable(host: str) -> dict[str, Any]:
    """Return the record of a machine that the play lost."""
    error = {"msg": "the machine was not reached, or was lost on the way; see the play's output", "kind": "unreachable"}
    return {"host": host, "outcome": "unreachable", "findings": [], "error": error, "changed": False}


def _findings(done: Results, *, rebooted: bool) -> list[dict[str, Any]]:
    """Return the findings of every step, each once: what a later step says again about the same thing adds nothing.

    A restart that was pending is no longer, where the machine was restarted.
    """
    kept: dict[tuple[str, str], dict[str, Any]] = {}
    for result in done.values():
        for found in result.get("findings") or ():
            plain = {key: found[key] for key in FINDING_KEYS if key in found}
            if rebooted and str(found["id"]) == REBOOT_PENDING:
                plain["cured"] = True
            kept.setdefault((str(found["id"]), str(found.get("subject"))), plain)
    return list(kept.values())


def _agent(done: Results) -> dict[str, Any]:
    for step in ("verify", "registration", "agent", "info"):
        agent = done.get(step, {}).get("agent")
        if agent:
            return {key: agent.get(key) for key in AGENT_KEYS}
    return {}


def _system(facts: Mapping[str, Any]) -> str:
    return " ".join(str(facts[key]) for key in ("system", "version", "os_id", "kernel") if facts.get(key))


def _step(result: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: result[key] for key in ("action", "exit_code", "log_path", "verified") if result.get(key) is not None}
    installer = result.get("installer")
    if isinstance(installer, Mapping):
        kept["installer"] = {key: installer.get(key) for key in ("name", "version", "os_id", "sha256")}
    return {"changed": bool(result.get("changed")), **kept}


def _waits_for_reboot(done: Results, agent: Mapping[str, Any]) -> bool:
    asked = any(result.get("reboot_required") or result.get("reboot_advised") for result in done.values())
    failed = (done.get("agent", {}).get("error") or {}).get("reboot_required")
    return asked or bool(failed) or bool(agent.get("pending_reboot"))


def _is_given_back(done: Results) -> bool:
    return "undo" in done and not _is_lost(done["undo"])


def _is_lost(result: Mapping[str, Any]) -> bool:
    return bool(result.get("failed") or result.get("unreachable"))


def _error(done: Results) -> dict[str, Any] | None:
    """Return what failed. A setting that stays weakened is told beside it, and fails a machine that is else well."""
    found, undo = _first_error(done), done.get("undo", {})
    if not _is_lost(undo):
        return found
    text = f"what was weakened was not given back: {undo.get('msg') or 'the task failed'}"
    if found is None:
        return {"msg": text, "kind": "not_given_back"}
    kind = "not_given_back" if found.get("kind") in ("preflight", "reboot_pending") else found.get("kind")
    return {**found, "msg": f"{found['msg']}; {text}", **({"kind": kind} if kind else {})}


def _first_error(done: Results) -> dict[str, Any] | None:
    failed = done.get("failed")
    if not failed:
        return None
    if any(result.get("unreachable") for step, result in done.items() if step != "undo"):
        return {"msg": str(failed.get("msg") or "the machine was not reached"), "kind": "unreachable"}
    kinds = {"gate": "preflight", "waiting": "reboot_pending"}
    error = next(({"kind": kinds[step]} for step in kinds if done.get(step, {}).get("failed")), failed.get("error"))
    details = (
        {key: error[key] for key in ERROR_KEYS if error.get(key) is not None} if isinstance(error, Mapping) else {}
    )
    return {"msg": str(failed.get("msg") or "the task failed"), **details}


def _outcome(found: Mapping[str, Any], left: Sequence[Mapping[str, Any]], *, preflight_only: bool) -> str:
    if found["error"] and found["error"].get("kind") == "unreachable":
        return "unreachable"
    only_reboot = bool(left) and all(str(each["id"]) == REBOOT_PENDING for each in left)
    if preflight_only:
        if found["error"]:
            return "failed"
        return "ready" if not left else "reboot pending" if only_reboot else "blocked"
    if found["error"]:
        kind = found["error"].get("kind")
        if kind == "preflight":
            return "reboot pending" if only_reboot else "blocked"
        return "reboot pending" if kind == "reboot_pending" else "failed"
    return "changed" if found["changed"] else "unchanged"


def _reason(outcome: str, error: Mapping[str, Any] | None, left: Sequence[Mapping[str, Any]]) -> str | None:
    """Return in few words why a machine is not as it was to be: ids where errors stand in the way, else the message."""
    if outcome not in FAILING:
        return None
    if left and (error is None or error.get("kind") == "preflight"):
        return f"{outcome} by {', '.join(dict.fromkeys(str(found['id']) for found in left))}"
    return f"{outcome}: {error['msg']}" if error else outcome


def summary(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line per machine, in columns, what failed last; under each that failed its error, log and remedy."""
    ordered = sorted(records, key=lambda each: (each["outcome"] in FAILING, str(each["host"])))
    rows = [_row(each) for each in ordered]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(5)]
    lines = []
    for each, row in zip(ordered, rows, strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append("  ".join([*cells, row[-1]]).rstrip())
        lines += [f"    {line}" for line in details(each)]
    counts: dict[str, int] = {}
    for each in ordered:
        counts[str(each["outcome"])] = counts.get(str(each["outcome"]), 0) + 1
    return [*lines, ", ".join(f"{outcome}: {count}" for outcome, count in counts.items())]


def _row(each: Mapping[str, Any]) -> list[str]:
    agent = each.get("agent") or {}
    server = agent.get("server")
    where = str(server.get("address") or "") if isinstance(server, Mapping) else str(server or "")
    state = f"{agent.get('version') or 'agent'} {agent.get('stack') or ''}".strip() if agent.get("installed") else ""
    registered = f"registered with {where or 'its server'}" if agent.get("registered") else ""
    cells = [str(each["outcome"]), str(each["host"]), str(each.get("system") or ""), state, registered]
    return [*cells, "; ".join(_notes(each))]


def _notes(each: Mapping[str, Any]) -> list[str]:
    """Return what else is worth a word: cures, warnings, restarts."""
    notes = [f"cured {_ids(each['findings'], cured=True)}"] if each.get("cured") else []
    told = [found for found in each["findings"] if found.get("severity") != "blocking" and not found.get("cured")]
    if told:
        notes.append(f"warning {_ids(told, cured=False)}")
    if each.get("reboot_pending") and each["outcome"] != "reboot pending":
        notes.append("restart advised")
    return [*notes, "restarted"] if each.get("rebooted") else notes


def _ids(findings: Sequence[Mapping[str, Any]], *, cured: bool) -> str:
    return ", ".join(dict.fromkeys(str(found["id"]) for found in findings if bool(found.get("cured")) is cured))


def details(each: Mapping[str, Any]) -> list[str]:
    """Return the lines under a machine that is not as it was to be; none for the others."""
    if each["outcome"] not in FAILING:
        return []
    lines = [
        f"{'/'.join(map(str, found.get('ids') or [found['id']]))}: {str(found['subject']).rstrip(':')}: "
        f"{str(found['evidence']).rstrip('.')}. "
        f"Remedy: {found['remedy']}"
        for found in unresolved(each["findings"])
    ]
    error = each.get("error") or {}
    if error.get("kind") != "preflight" and error.get("msg"):
        lines.append(str(error["msg"]))
    if error.get("remedy"):
        lines.append(f"Remedy: {error['remedy']}")
    if error.get("log_path"):
        lines.append(f"Log: {error['log_path']}")
    tail = error.get("log_tail") or ()
    return lines + [f"  | {line}" for line in (tail.splitlines() if isinstance(tail, str) else map(str, tail))]


def by_id(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line per error id that was found: what it is, how it is cured, on how many machines, and which."""
    found: dict[str, dict[str, Any]] = {}
    for each in records:
        for finding in each["findings"]:
            name = "/".join(map(str, finding.get("ids") or [finding["id"]]))
            entry_of = found.setdefault(name, {"finding": finding, "left": [], "cured": []})
            hosts = entry_of["cured" if finding.get("cured") else "left"]
            if each["host"] not in hosts:
                hosts.append(each["host"])
    return [_id_line(name, item) for name, item in sorted(found.items())]


def _id_line(name: str, item: Mapping[str, Any]) -> str:
    finding = item["finding"]
    parts = [f"{len(hosts)} {word}: {', '.join(hosts)}" for word, hosts in
             (("left", item["left"]), ("cured", item["cured"])) if hosts]  # fmt: skip
    kind = "" if finding.get("severity") == "blocking" else " (warning)"
    return f"{name} {title(str(finding['id']))}{kind}; cure: {finding.get('cure') or 'none'}; {'; '.join(parts)}"


def title(error_id: str) -> str:
    """Return the title of an error, or nothing for an id that is not of the catalogue."""
    try:
        return entry(error_id).title
    except NotFound:
        return ""


def report(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return everything as one mapping for a file: counts, machines by name, machines by error id."""
    counts: dict[str, int] = {}
    ids: dict[str, list[str]] = {}
    for each in records:
        counts[str(each["outcome"])] = counts.get(str(each["outcome"]), 0) + 1
        for finding in each["findings"]:
            if not finding.get("cured"):
                hosts = ids.setdefault(str(finding["id"]), [])
                hosts += [] if each["host"] in hosts else [str(each["host"])]
    machines = {str(each["host"]): {key: value for key, value in each.items() if key != "host"} for each in records}
    return {"counts": counts, "ids": ids, "machines": machines}
