# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit of hosts: what the Best Practices Analyzer says, what we judge ourselves, and where both differ."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.audit.published import RULES
from integration.harness import ROOT, Lab, Run
from integration.scenario import PASSWORDS, assert_no_secret, changes, fleet, task

PAUSED = "avoid-pausing-a-virtual-machine"
ALL = ["guest", "heartbeat", "kvp", "shutdown", "time", "vss"]
PRINT = "AB" * 20
EXTENSION, FEATURE = "11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-AAAAAAAAAAAA"


def guide(kind: str, number: int) -> str:
    """The number-th block of a kind in the guide."""
    page = (ROOT / "docs/audit.md").read_text(encoding="utf-8")
    return page.split(f"```{kind}\n")[1:][number].partition("```")[0]


def follow(lab: Lab, number: int, *, extra: Any = None, **names: str) -> Run:
    """Run the number-th command of the guide, with the names of this lab for those of the guide."""
    program, _i, _inventory, playbook, *arguments = shlex.split(guide("sh", number))
    assert program == "ansible-playbook"
    for theirs, ours in names.items():
        assert any(THEIRS[theirs] in argument for argument in arguments), f"the guide has another {theirs}"
        arguments = [argument.replace(THEIRS[theirs], ours) for argument in arguments]
    return lab.play(Path(playbook), *arguments, extra=extra)


THEIRS = {"hosts": "hv1.contoso.com,hv2.contoso.com", "report": "/srv/reports/audit.json"}


def good(name: str, number: int, peer: str, **more: Any) -> dict[str, Any]:
    """A host that follows every published rule."""
    return {
        "name": name,
        "network": {"addresses": [f"10.20.0.{number}/16", {"address": f"10.99.0.{number}/24", "link_gb": 10}]},
        "migration": {"enabled": True, "authentication": "Kerberos", "networks": ["10.99.0.0/24"]},
        "replica_server": {
            "authentication": "Certificate",
            "certificate": PRINT,
            "entries": [{"primary": f"{peer}.lab.test", "trust_group": peer}],
        },
        "certificates": [{"thumbprint": PRINT}],
        "throttles": [{"name": "Replica", "port": 443, "mbit": 200}],
        **more,
    }


def replicated(name: str, host: str, server: str, **more: Any) -> dict[str, Any]:
    """A VM whose replication follows every rule, and whose copy has an address of its own."""
    replica = {
        "tested_days_ago": 3,
        "adapters": [{"failover": {"ipv4": {"address": "10.2.0.7", "subnet": "255.255.255.0"}}}],
    }
    return {
        "name": name,
        "host": host,
        "state": "Running",
        "integration_services": ALL,
        "adapters": [{"switch": "External", "addresses": ["10.1.0.7"]}],
        "replication": {"replica_server": server, "authentication": "Certificate"}
        | {"replica": replica, **more.pop("replication", {})},
        **more,
    }


GROUP_POLICY = {"name": "Replica", "port": 443, "from_group": True}
WORKGROUP = {"connection": "psrp", "scheme": "http", "auth": "ntlm", "user": "Administrator"}
FLEET = fleet(
    [
        good("EN", 1, "fr"),
        good("FR", 2, "en", language="fr", edition="2019", throttles=[GROUP_POLICY]),
        {
            "name": "BAD",
            "language": "fr",
            "switches": [{"name": "External", "link_gb": 0.1}],
            "migration": {"enabled": True, "any_network": True},
            "settings": {"mac_minimum": "00155D010000", "mac_maximum": "00155D010003"},
            "replica_server": {"authentication": "Certificate", "certificate": PRINT, "any_server": True}
            | {"entries": [{"primary": f"hv{one}.lab.test", "trust_group": "same"} for one in (1, 2)]},
            "extensions": [{"id": EXTENSION, "name": "Contoso Filter", "features": [{"id": FEATURE, "name": "Rules"}]}],
        },
        {"name": "WORSE", "edition": "2012R2", "replica_server": {"enabled": True}},
        {"name": "STOPPED", "services": {"vmms": "Disabled"}},
        {"name": "GROUP", "domain_joined": False, "winrm": WORKGROUP},
        {"name": "LIAR", "bpa": {"answers": {PAUSED: "noncompliant"}}},
        {"name": "STALE", "bpa": {"scanned": {"hours_ago": 700, "noncompliant": [PAUSED]}}},
        {"name": "NOBPA", "bpa": {"installed": False}},
        {"name": "LOST", "winrm": {"connection": "psrp", "scheme": "http", "auth": "ntlm", "user": "LAB\\leaver"}},
    ],
    [
        replicated("web01", "EN", "FR"),
        replicated("fest", "EN", "WORSE", replication={"replica": {"tested_days_ago": 3}}),
        replicated("halt", "BAD", "WORSE", guest={"services": {"kvp": "stopped"}})
        | {
            "replication": {
                "replica_server": "WORSE",
                "state": "Suspended",
                "compression": False,
                "auto_resynchronize": False,
            }
        },
        {"name": "fertig", "host": "WORSE", "replication": {"mode": "Replica", "state": "FailedOverWaitingCompletion"}},
        {"name": "held", "host": "BAD", "state": "Paused", "checkpoints": [{"name": "before"}]},
        {"name": "needy", "host": "BAD", "adapters": [{"switch": "External", "mandatory_features": [FEATURE]}]},
        {"name": "O'Brien – $x [a-z]", "host": "BAD", "adapters": [{"switch": "External"}]},
        {"name": "held", "host": "STALE"},
        {"name": "free", "host": "LIAR"},
    ],
    speed=3000,
)
ON_BAD = {
    "single_network_adapter",
    "no_fast_migration_network",
    "slow_migration_network",
    "mac_pool_low",
    "switch_extension_missing",
    "vm_paused",
    "vm_has_checkpoints",
    "integration_service_not_offered",
    "integration_service_not_working",
    "failover_ip_not_applicable",
    "replica_server_accepts_anybody",
    "trust_group_shared",
    "replica_certificate_missing",
    "replication_not_encrypted",
    "replication_not_compressed",
    "replication_not_throttled",
    "replication_paused",
    "resynchronization_not_scheduled",
}
ON_WORSE = {
    "replica_server_accepts_nobody",
    "failover_ip_not_applicable",
    "failover_ip_not_configured",
    "recovery_points_left",
    "test_failover_never",
    "test_failover_overdue",
}


@pytest.fixture(scope="module")
def scanned(module_lab: Lab) -> Run:
    """Scans in every way, before the audit: the analyzer's results are kept on the host."""
    return module_lab.tasks(
        "en,bad,worse,nobpa",
        task("never", "best_practices", scan=False),
        task("check", "best_practices", check=True),
        task("scan", "best_practices"),
        task("again", "best_practices", scan=False, filter="noncompliant"),
        task("fail", "best_practices", scan=False, fail_on="warning"),
        task("store", "best_practices", scan=False, exclude=[PAUSED], store_exclusions=True),
        task("stored", "best_practices", scan=False, exclude=[PAUSED], store_exclusions=True),
        *({**one, "name": "guide", "ignore_errors": True} for one in yaml.safe_load(guide("yaml", 1))),
    )


def test_results_mean_the_same_in_every_language(scanned: Run) -> None:
    for host, source in (("bad", "neutral"), ("worse", "published")):
        found = scanned.one("scan", host)
        assert (found["changed"], found["scanned"]) == (False, True)
        assert found["last_scan"]
        assert {one["severity_source"] for one in found["results"] if not one["compliant"]} == {source}
        assert scanned.one("again", host)["results"] == [one for one in found["results"] if not one["compliant"]]
        assert scanned.one("fail", host)["error"]["kind"] == "not_possible"
    paused = next(one for one in scanned.one("scan", "bad")["results"] if one["slug"] == PAUSED)
    assert (paused["compliant"], paused["severity"], paused["title"]) == (
        False, "warning", "Évitez de suspendre un ordinateur virtuel"
    )  # fmt: skip
    assert scanned.one("fail", "en")["_status"] == "ok"


def test_nothing_is_scanned_or_changed_unless_asked(scanned: Run) -> None:
    assert scanned.one("never", "en")["error"]["kind"] == "not_found"
    assert scanned.one("check", "en")["results"] == []
    assert scanned.one("store", "bad")["changed"] is True
    assert scanned.one("stored", "bad")["changed"] is False
    assert scanned.one("store", "en")["changed"] is False
    assert [one["id"] for one in scanned.one("scan", "nobpa")["findings"]] == ["bpa_missing"]


@pytest.fixture(scope="module")
def report(module_lab: Lab, scanned: Run) -> dict[str, Any]:
    """The whole audit by its playbook, as the guide runs it, with what it printed."""
    path = module_lab.workdir / "audit.json"
    scan = follow(module_lab, 1, report=str(path))
    made: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    made["run"], made["mode"] = scan, path.stat().st_mode & 0o777
    return made


def cells(report: dict[str, Any], host: str) -> dict[str, dict[str, Any]]:
    return {row["id"]: row["hosts"][host] for row in report["rules"]}


def broken(report: dict[str, Any], host: str) -> set[str]:
    return {name for name, cell in cells(report, host).items() if cell["verdict"] == "noncompliant"}


@pytest.mark.parametrize("host", ["en", "fr"])
def test_a_host_that_follows_every_rule_has_none_broken(report: dict[str, Any], host: str) -> None:
    found = cells(report, host)
    assert broken(report, host) == set(), found
    assert {name for name, cell in found.items() if cell["verdict"] == "unknown"} == set(), found
    assert len(found) == 26
    assert found["failover_ip_not_applicable"]["verdict"] == "compliant"


def test_each_rule_s_defect_is_found(report: dict[str, Any]) -> None:
    assert broken(report, "bad") == ON_BAD
    assert broken(report, "worse") >= ON_WORSE
    assert {"management_service_not_running", "management_service_not_automatic"} <= broken(report, "stopped")
    assert "host_outside_domain" in broken(report, "group")
    every = set().union(*(broken(report, host) for host in ("bad", "worse", "stopped", "group")))
    assert every == {row["id"] for row in report["rules"]}


def test_evidence_names_what_is_wrong(report: dict[str, Any]) -> None:
    found = cells(report, "bad")
    assert found["vm_paused"]["subjects"] == ["held"]
    assert found["switch_extension_missing"]["subjects"] == ["needy, Network Adapter"]
    assert found["trust_group_shared"]["subjects"] == ["same"]
    assert "O'Brien – $x [a-z]" in found["integration_service_not_offered"]["subjects"]
    copy = cells(report, "worse")["failover_ip_not_applicable"]
    assert copy["subjects"] == ["halt"]
    assert "(seen on bad)" in copy["evidence"], "the Replica is off: its guest is seen at the primary's host"


def test_both_answers_agree_where_both_can_say(module_lab: Lab, report: dict[str, Any]) -> None:
    """The analyzer of the lab computes its answers apart from our predicates."""
    run = follow(module_lab, 0)
    for host in ("en", "fr", "bad", "worse", "group", "stale"):
        found = run.one("Judge the host", host)
        assert found["changed"] is False
        assert found["best_practices"]["source"] == "scan"
        apart = [one["id"] for one in found["rules"] if one["agreement"] == "disagree"]
        assert apart == [], (host, apart)
        compared = [one["id"] for one in found["rules"] if one["agreement"] == "agree"]
        assert len(compared) >= 22, (host, set(compared))
    liar = run.one("Judge the host", "liar")
    assert [one["id"] for one in liar["rules"] if one["agreement"] == "disagree"] == ["vm_paused"]
    assert "BestPractices" in run.one("Judge the host", "nobpa")["best_practices"]["reason"]


def test_a_disagreement_is_shown_and_not_settled(report: dict[str, Any]) -> None:
    stale = cells(report, "stale")["vm_paused"]
    assert (stale["verdict"], stale["best_practices"], stale["agreement"]) == ("compliant", "noncompliant", "disagree")
    scanned = report["best_practices"]["stale"]["last_scan"]
    line = f"stale: the Best Practices Analyzer (scan of {scanned}) says noncompliant of vm_paused, the audit compliant"
    assert line in report["run"].output
    assert report["best_practices"]["fr"]["reason"].endswith("was never scanned on this host")
    assert cells(report, "fr")["vm_paused"]["agreement"] == "not_compared"


def test_what_can_t_be_audited_is_in_the_report_and_fails(report: dict[str, Any]) -> None:
    run: Run = report["run"]
    assert set(report["failed"]) == {"lost"}
    assert run.code != 0
    last = run.of("nothing forbidden is broken there")
    assert {one["_host"] for one in last if one["_status"] == "failed"} <= {"lost"}
    assert "lost: not audited: " in run.output
    assert report["mode"] == 0o600
    stopped = cells(report, "stopped")
    assert stopped["vm_paused"]["verdict"] == "unknown"
    assert {"authentication_type_differs", "default_versions_differ"} <= {one["id"] for one in report["findings"]}


def test_fail_on_and_exclude(module_lab: Lab, scanned: Run, report: dict[str, Any]) -> None:
    variables = yaml.safe_load(guide("yaml", 0))
    variables["audit_exclude"] += ["replica_certificate_missing"]
    run = follow(module_lab, 2, extra=variables, hosts="en,bad")
    assert run.code != 0
    judged = {one["_host"]: one for one in run.of("nothing forbidden is broken there")}
    assert judged["en"]["_status"] == "ok"
    assert judged["bad"]["_status"] == "failed"
    assert "no_fast_migration_network" in judged["bad"]["msg"]
    assert "replica_certificate_missing" not in judged["bad"]["msg"]
    assert "vm_paused" not in judged["bad"]["msg"], "a warning"
    excluded = [one["id"] for one in run.one("Judge the host", "bad")["rules"] if one["excluded"]]
    assert excluded == ["integration_service_not_offered", "replica_certificate_missing", "replication_not_encrypted"]
    gate = {host: scanned.one("guide", host) for host in ("en", "bad")}
    assert gate["en"]["_status"] == "ok"
    subjects = " ".join(one["subject"] for one in gate["bad"]["findings"])
    assert "more-than-one-network-adapter" in subjects
    assert "certificate" not in subjects, "it is excluded"


def test_every_rule_is_in_the_guide() -> None:
    page = (ROOT / "docs/audit.md").read_text(encoding="utf-8").partition("## The rules")[2]
    for rule in RULES:
        assert f"| `{rule.id}` | {rule.severity} | `{rule.slug}` |" in page


def test_nothing_was_changed_and_no_secret_shown(module_lab: Lab, report: dict[str, Any]) -> None:
    sent = {command["command"].rpartition("\\")[2] for command in changes(module_lab)}
    assert sent == {"Set-BpaResult"}
    assert PASSWORDS["Administrator"] not in report["run"].output
    assert_no_secret(module_lab, report["run"].output)
