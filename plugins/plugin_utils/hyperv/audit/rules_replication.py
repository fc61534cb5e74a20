# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about replication: the host as a Replica server, and what each VM's replication is set to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .judged import Judged, Subject, Verdict, not_applicable, of_host, of_subjects, unknown
from .published import BY_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .evidence import Evidence
    from .models import GroupThrottle, Throttle
    from .models_replication import ReplicationSettings

_BEFORE_COPY = frozenset(
    {"Disabled", "ReadyForInitialReplication", "InitialReplicationInProgress", "WaitingForInitialReplication"}
)
_DAY = 86_400.0
MONTH = timedelta(days=31)


def replica_server_accepts_nobody(seen: Evidence) -> Judged:
    """Judge whether a Replica server accepts somebody."""
    rule = BY_ID["replica_server_accepts_nobody"]
    for name in ("entries", "replications"):
        if getattr(seen, name) is None:
            return unknown(rule, seen.why(name))
    if seen.server is None:
        return unknown(rule, seen.why("server"))
    names = [item.server for item in seen.entries or ()]
    if seen.server.enabled:
        accepted = "any server" if seen.server.from_any_server else ", ".join(names) or "nobody"
        holds = seen.server.from_any_server or bool(names)
        return of_host(rule, seen.host, holds, f"it is a Replica server and accepts {accepted}")
    replicas = [seen.name_of(item.vm_id) for item in seen.replications or () if item.is_replica]
    if replicas:
        return of_host(rule, seen.host, False, f"it holds Replicas ({', '.join(replicas)}) and accepts no replication")
    return not_applicable(rule, "the host is no Replica server")


def _as_server(seen: Evidence, rule_id: str, *needed: str) -> Judged | None:
    """Return why a rule about Replica servers can't be judged or has nothing to look at, None where it can."""
    rule = BY_ID[rule_id]
    for name in ("server", *needed):
        if getattr(seen, name) is None:
            return unknown(rule, seen.why(name))
    if seen.server is not None and not seen.server.enabled:
        return not_applicable(rule, "the host is no Replica server")
    return None


def replica_server_accepts_anybody(seen: Evidence) -> Judged:
    """Judge whether a Replica server names the primary servers it accepts."""
    rule = BY_ID["replica_server_accepts_anybody"]
    stopped = _as_server(seen, rule.id, "entries")
    if stopped is not None or seen.server is None:
        return stopped or unknown(rule, seen.why("server"))
    anybody = seen.server.from_any_server or any(item.is_anybody for item in seen.entries or ())
    named = ", ".join(item.server for item in seen.entries or ()) or "nobody"
    return of_host(rule, seen.host, not anybody, f"it accepts {'any server' if anybody else named}")


def trust_group_shared(seen: Evidence) -> Judged:
    """Judge whether each accepted server has a trust group of its own. Whether sharing is meant nothing says."""
    rule = BY_ID["trust_group_shared"]
    stopped = _as_server(seen, rule.id, "entries")
    if stopped is not None:
        return stopped
    groups: dict[str, list[str]] = {}
    for item in seen.entries or ():
        if not item.is_anybody:
            groups.setdefault(item.trust_group.lower(), []).append(item.server)

    def each() -> Iterator[Subject]:
        for name, servers in groups.items():
            verdict = Verdict.NONCOMPLIANT if len(servers) > 1 else Verdict.COMPLIANT
            yield Subject(name=name, verdict=verdict, evidence=f"it has {', '.join(servers)}")

    return of_subjects(rule, each(), nothing="the Replica server names no primary server")


def replica_certificate_missing(seen: Evidence) -> Judged:
    """Judge whether the certificate that a Replica server is set to is in the computer's store."""
    rule = BY_ID["replica_certificate_missing"]
    stopped = _as_server(seen, rule.id)
    if stopped is not None or seen.server is None:
        return stopped or unknown(rule, seen.why("server"))
    if not seen.server.uses_certificates:
        return not_applicable(rule, f"the Replica server allows {seen.server.authentication} only")
    if seen.certificates is None:
        return unknown(rule, seen.why("certificates"))
    thumbprint = seen.server.thumbprint
    there = thumbprint in {item.thumbprint for item in seen.certificates}
    told = f"certificate {thumbprint or '(none named)'} is {'' if there else 'not '}in Cert:\\LocalMachine\\My"
    return of_host(rule, seen.host, there, told)


def _each(
    seen: Evidence,
    rule_id: str,
    look: Callable[[ReplicationSettings], tuple[Verdict, str] | None],
) -> Judged:
    """Judge every VM that replicates; None leaves one out."""
    rule = BY_ID[rule_id]
    if seen.replications is None:
        return unknown(rule, seen.why("replications"))

    def subjects() -> Iterator[Subject]:
        for item in seen.replications or ():
            found = look(item) if item.mode not in ("None", "TestReplica") else None
            if found is not None:
                yield Subject(name=seen.name_of(item.vm_id), id=item.vm_id, verdict=found[0], evidence=found[1])

    return of_subjects(rule, subjects(), nothing="no VM replicates here that the rule is about")


def _by(holds: bool) -> Verdict:
    return Verdict.COMPLIANT if holds else Verdict.NONCOMPLIANT


def replication_not_encrypted(seen: Evidence) -> Judged:
    """Judge whether replication proves itself by certificates; over Kerberos it travels in plain HTTP."""

    def look(item: ReplicationSettings) -> tuple[Verdict, str]:
        if not item.authentication:
            return Verdict.UNKNOWN, "the host did not say its authentication"
        return _by(item.authentication == "Certificate"), f"its authentication is {item.authentication}"

    return _each(seen, "replication_not_encrypted", look)


def replication_not_compressed(seen: Evidence) -> Judged:
    """Judge whether replication is compressed."""

    def look(item: ReplicationSettings) -> tuple[Verdict, str]:
        if item.compressed is None:
            return Verdict.UNKNOWN, "the host did not say whether it is compressed"
        return _by(item.compressed), f"CompressionEnabled is {item.compressed}"

    return _each(seen, "replication_not_compressed", look)


def replication_not_throttled(seen: Evidence) -> Judged:
    """Judge whether a policy limits what this host sends to the port of a Replica server."""
    rule = BY_ID["replication_not_throttled"]
    policies: list[Throttle | GroupThrottle] = [*(seen.throttles or ()), *(seen.group_throttles or ())]

    def look(item: ReplicationSettings) -> tuple[Verdict, str] | None:
        if item.mode != "Primary":
            return None
        port = item.port
        if port is None:
            return Verdict.UNKNOWN, "the host did not say the port of the Replica server"
        named = [policy.name for policy in policies if policy.limits(port)]
        if named:
            return Verdict.COMPLIANT, f"port {port} is limited by {', '.join(named)}"
        if seen.throttles is None or seen.group_throttles is None:
            return Verdict.UNKNOWN, seen.why("throttles" if seen.throttles is None else "group_throttles")
        return Verdict.NONCOMPLIANT, f"no policy of this host limits port {port}"

    return _each(seen, rule.id, look)


def replication_paused(seen: Evidence) -> Judged:
    """Judge whether somebody paused a VM's replication."""

    def look(item: ReplicationSettings) -> tuple[Verdict, str]:
        return _by(item.state not in ("Suspended", "ResynchronizeSuspended")), f"its replication is {item.state}"

    return _each(seen, "replication_paused", look)


def resynchronization_not_scheduled(seen: Evidence) -> Judged:
    """Judge whether a primary VM resynchronizes by itself, in a part of the day only. Which part is yours to know."""

    def look(item: ReplicationSettings) -> tuple[Verdict, str] | None:
        if item.mode != "Primary":
            return None
        if item.resynchronizes is None:
            return Verdict.UNKNOWN, "the host did not say whether it resynchronizes by itself"
        if not item.resynchronizes:
            return Verdict.NONCOMPLIANT, "it does not resynchronize by itself"
        start, end = item.interval_start, item.interval_end
        if start is None or end is None:
            return Verdict.UNKNOWN, "the host did not say at which hours it resynchronizes"
        hours = (end - start) % _DAY or _DAY
        told = f"it resynchronizes from {_time(start)} to {_time(end)}"
        return _by(hours < _DAY - 60), told

    return _each(seen, "resynchronization_not_scheduled", look)


def _time(seconds: float) -> str:
    minutes = int(seconds // 60)
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}"


def recovery_points_left(seen: Evidence) -> Judged:
    """Judge whether a failover waits for its completion, which is what removes its recovery points."""

    def look(item: ReplicationSettings) -> tuple[Verdict, str]:
        return _by(item.state != "FailedOverWaitingCompletion"), f"its replication is {item.state}"

    return _each(seen, "recovery_points_left", look)


def never_tested(seen: Evidence) -> Judged:
    """Judge whether a Replica was ever tested, once its first copy is complete."""
    return _tests(seen, "test_failover_never", lambda last: (last is not None, last or "it was never tested"))


def tested_long_ago(seen: Evidence) -> Judged:
    """Judge whether a Replica was tested within the last 31 days, by the host's own clock."""
    rule = BY_ID["test_failover_overdue"]
    if seen.now is None:
        return unknown(rule, seen.why("clock"))
    now = _moment(seen.now)

    def judge(last: str | None) -> tuple[bool, str]:
        if last is None:
            return False, "it was never tested"
        return now - _moment(last) <= MONTH, f"it was tested last at {last}"

    return _tests(seen, rule.id, judge)


def _tests(seen: Evidence, rule_id: str, judge: Callable[[str | None], tuple[bool, str]]) -> Judged:
    known = None if seen.healths is None else {item.vm_id: item.last_test for item in seen.healths}

    def look(item: ReplicationSettings) -> tuple[Verdict, str] | None:
        if not item.is_replica or item.state in _BEFORE_COPY:
            return None
        if known is None or item.vm_id not in known:
            return Verdict.UNKNOWN, seen.why("healths")
        holds, told = judge(known[item.vm_id])
        return _by(holds), told

    return _each(seen, rule_id, look)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).replace(tzinfo=None)


PREDICATES = (
    replica_server_accepts_nobody,
    replica_server_accepts_anybody,
    trust_group_shared,
    replica_certificate_missing,
    replication_not_encrypted,
    replication_not_compressed,
    replication_not_throttled,
    replication_paused,
    resynchronization_not_scheduled,
    recovery_points_left,
    never_tested,
    tested_long_ago,
)
