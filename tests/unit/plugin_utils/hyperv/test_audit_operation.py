# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An audit as a task: the analyzer's answers beside ours, our own findings, what fails it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import ConnectionLost, InvalidRequest, NotPossible
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.audit import bpa, fleet, operation
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.audit.published import BY_ID, RULES
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Outcome
from unit.fake_session import Refused, request
from unit.plugin_utils.hyperv.fake_audit import COPY, KVP, THUMBPRINT, WEB, AuditHost, replication

PAGE = "https://learn.microsoft.com/windows-server/virtualization/hyper-v/best-practices-analyzer/"


class Analyzed(AuditHost):
    """The host with an analyzer that says the opposite of the truth about the rules named."""

    def __init__(self, *broken: str, excluded: str = "") -> None:
        super().__init__()
        self.broken, self.excluded, self.scans = broken, excluded, 0
        on = self.session.machine.on
        on("Get-BpaModel", lambda p, o: [{"Id": bpa.HYPER_V, "LastScanTime": "2026-11-20T10:00:00Z"}])
        on("Invoke-BpaModel", self._scan)
        on("Get-BpaResult", self._results)

    def _scan(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        self.scans += 1
        return [{"Success": True}]

    def _results(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        wanted = parameters["Filter"] == "Noncompliant"
        found = [
            {"ResultId": str(number), "RuleId": str(number), "Help": PAGE + rule.slug.lower(), "Title": "Un titre"}
            | {"Excluded": rule.id == self.excluded}
            for number, rule in enumerate(RULES)
            if (rule.id in self.broken) == wanted
        ]
        return [*found, {"ResultId": "x", "Help": "http://go.microsoft.com/fwlink/?LinkID=1"}]


def run(host: AuditHost, *, check_mode: bool = False, **given: Any) -> Outcome:
    defaults = {"best_practices": "last", "timeout_seconds": 60, "exclude": None, "rule_ids": None, "fail_on": None}
    arguments: dict[str, Any] = {**defaults, **given}
    return operation.operate(request(host.session, check_mode=check_mode, **arguments))


def rule(outcome: Outcome, name: str) -> dict[str, Any]:
    (found,) = [one for one in outcome.values["rules"] if one["id"] == name]
    return dict(found)


def test_both_answers_stand_side_by_side_and_a_difference_is_shown() -> None:
    outcome = run(Analyzed("vm_paused"))
    assert outcome.changed is False
    paused, checkpoints = rule(outcome, "vm_paused"), rule(outcome, "vm_has_checkpoints")
    assert (paused["verdict"], paused["best_practices"]["verdict"]) == ("compliant", "noncompliant")
    assert paused["agreement"] == "disagree"
    assert checkpoints["agreement"] == "agree"
    assert rule(outcome, "failover_ip_not_applicable")["agreement"] == "not_compared", "ours is unknown"
    assert rule(outcome, "switch_extension_missing")["agreement"] == "agree", "what does not apply is not broken"
    assert outcome.values["counts"]["disagreements"] == 1
    assert outcome.values["best_practices"] == {
        "source": "last_scan", "last_scan": "2026-11-20T10:00:00Z", "reason": None, "unmatched": 2
    }  # fmt: skip
    json.dumps(dict(outcome.values))


def test_what_the_host_excludes_is_not_compared() -> None:
    found = rule(run(Analyzed("vm_paused", excluded="vm_paused")), "vm_paused")
    assert found["best_practices"]["verdict"] == "excluded"
    assert found["agreement"] == "not_compared"


def test_the_alternate_address_is_never_judged_by_the_analyzer() -> None:
    host = Analyzed()
    host.vms[0]["services"][KVP]["PrimaryOperationalStatus"] = "NoContact"
    found = rule(run(host), "failover_ip_not_applicable")
    assert (found["verdict"], found["agreement"]) == ("noncompliant", "disagree")
    assert [one["id"] for one in found["subjects"] if one["verdict"] == "noncompliant"] == [WEB]


def test_a_scan_is_made_only_where_asked_and_not_in_check_mode() -> None:
    for given, check_mode, scans in (("last", False, 0), ("scan", True, 0), ("scan", False, 1), ("none", False, 0)):
        host = Analyzed()
        outcome = run(host, check_mode=check_mode, best_practices=given)
        assert host.scans == scans
        expected = {"none": "none", "scan": "last_scan" if check_mode else "scan"}.get(given, "last_scan")
        assert outcome.values["best_practices"]["source"] == expected


def test_a_host_without_the_analyzer_is_audited_all_the_same() -> None:
    outcome = run(AuditHost())
    assert outcome.values["best_practices"]["source"] == "none"
    assert "BestPractices" in outcome.values["best_practices"]["reason"]
    assert {one["agreement"] for one in outcome.values["rules"]} == {"not_compared"}
    assert outcome.values["counts"]["noncompliant"] == 0
    failing = Analyzed()

    def refuse(parameters: Any, piped: Any) -> Any:
        raise Refused("ScanFailed,X", "Échec")

    failing.session.machine.on("Invoke-BpaModel", refuse)
    assert "Échec" in run(failing, best_practices="scan").values["best_practices"]["reason"]


def test_a_lost_link_is_no_answer() -> None:
    host = Analyzed()
    host.session.machine.lose_connection_at = 2
    with pytest.raises(ConnectionLost):
        run(host)


def test_fail_on_goes_by_our_own_verdicts() -> None:
    host = Analyzed("host_outside_domain")
    assert run(host, fail_on="warning").failure is None
    host.vms[0]["State"] = "Paused"
    assert run(host, fail_on="error").failure is None
    outcome = run(host, fail_on="warning")
    assert isinstance(outcome.failure, NotPossible)
    assert [finding.subject for finding in outcome.failure.findings] == ["vm_paused"]
    for name in ("vm_paused", BY_ID["vm_paused"].slug):
        excused = run(host, fail_on="warning", exclude=[name])
        assert excused.failure is None
        assert rule(excused, "vm_paused")["excluded"] is True
        assert excused.values["counts"]["excluded"] == 1


def test_a_rule_that_is_not_there_can_t_be_excluded() -> None:
    host = Analyzed()
    with pytest.raises(InvalidRequest, match="no rule 'vm_pause'"):
        run(host, exclude=["vm_pause"])
    assert host.session.invocations == []


def test_rules_are_known_by_their_numbers_where_links_name_no_page() -> None:
    host = Analyzed()
    redirected = [
        {"ResultId": "r", "RuleId": "7", "Help": "http://go.microsoft.com/fwlink/?LinkID=1", "Title": "Un titre"}
    ]
    host.session.machine.on("Get-BpaResult", lambda p, o: redirected if p["Filter"] == "Noncompliant" else [])
    blind = run(host)
    assert rule(blind, "vm_paused")["agreement"] == "not_compared"
    assert blind.values["best_practices"]["unmatched"] == 1
    told = run(host, rule_ids={"vm_paused": 7})
    assert rule(told, "vm_paused")["agreement"] == "disagree"
    assert told.values["best_practices"]["unmatched"] == 0
    for wrong in ({"vm_pause": 7}, {"vm_paused": 7, "vm_has_checkpoints": "7"}):
        with pytest.raises(InvalidRequest, match="rule_ids"):
            run(host, rule_ids=wrong)


def own(host: AuditHost) -> set[str]:
    return {one["id"] for one in run(host, best_practices="none").values["findings"]}


def test_our_own_findings() -> None:
    assert own(AuditHost()) == set()
    off, deaf, closed, full, poor, late = (AuditHost() for _number in range(6))
    off.one("Get-VMHost")["VirtualMachineMigrationEnabled"] = False
    deaf.one("Msvm_VirtualSystemMigrationService")["MigrationServiceListenerIPAddressList"] = []
    closed.one("Get-NetFirewallRule")["Enabled"] = "False"
    full.one("Get-VMHost")["MaximumVirtualMachineMigrations"] = 0
    poor.session.machine.on("C:\\Windows\\System32\\whoami.exe", lambda p, o: ['"x","Alias","S-1-5-32-545","x"'])
    late.tables["Get-ChildItem"] = [{"Thumbprint": THUMBPRINT, "NotAfter": "2026-12-01T00:00:00Z"}]
    assert own(off) == {"migration_disabled"}
    assert own(deaf) == {"migration_not_listening"}
    assert own(closed) == {"migration_firewall_closed"}
    assert own(full) == {"no_slots"}
    assert own(poor) == {"caller_lacks_rights"}
    assert own(late) == {"replica_certificate_expires"}


def audits() -> dict[str, dict[str, Any]]:
    """The audits of a primary's host and of its Replica's."""
    primary, replica = AuditHost(), AuditHost()
    primary.vms.pop()
    primary.tables["Get-VMReplication"] = [replication(COPY, "Primary")]
    primary.vms[0].update(Id=COPY, VMId=COPY, Name="copy")
    for part in ("services", "adapters"):
        for item in primary.vms[0][part]:
            item["VMId"] = COPY
    for name in ("Msvm_KvpExchangeComponent", "Msvm_GuestNetworkAdapterConfiguration"):
        key = "SystemName" if name.startswith("Msvm_Kvp") else "InstanceID"
        primary.one(name)[key] = primary.one(name)[key].replace(WEB, COPY)
    replica.one("Get-VMNetworkAdapterFailoverConfiguration")["IPv4Address"] = ""
    hosts = {"hv02": primary, "hv01": replica}
    return {name: dict(run(host, best_practices="none").values) for name, host in hosts.items()}


def cell(made: Mapping[str, Any], name: str, host: str) -> dict[str, Any]:
    (found,) = [row for row in made["rules"] if row["id"] == name]
    return dict(found["hosts"][host])


def test_what_a_replica_s_host_can_t_see_is_settled_by_the_primary_s() -> None:
    found = audits()
    alone = fleet.report({"hv01": found["hv01"]})
    assert cell(alone, "failover_ip_not_applicable", "hv01")["verdict"] == "unknown"
    assert cell(alone, "failover_ip_not_configured", "hv01")["verdict"] == "unknown"
    made = fleet.report(found)
    assert cell(made, "failover_ip_not_applicable", "hv01")["verdict"] == "compliant"
    told = cell(made, "failover_ip_not_configured", "hv01")
    assert (told["verdict"], told["subjects"]) == ("noncompliant", ["copy"])
    assert "seen on hv02" in told["evidence"]
    assert fleet.broken(made, "error") == {}
    assert fleet.broken(made, "warning") == {"hv01": ["failover_ip_not_configured"]}


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        ({"a1": False, "a2": False}, "compliant"),
        ({"a1": False, "a2": True}, "noncompliant"),
        ({"a1": True, "a2": False}, "compliant"),
        ({"a1": True}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_each_adapter_that_is_unknown_here_is_looked_up_there(told: dict[str, bool], verdict: str) -> None:
    found = audits()
    (rule_here,) = [one for one in found["hv01"]["rules"] if one["id"] == "failover_ip_not_configured"]
    (subject,) = [one for one in rule_here["subjects"] if one["verdict"] == "unknown"]
    subject["adapters"] = ["a2"]
    found["hv02"]["replicating"][0]["static_addresses"] = told
    assert cell(fleet.report(found), "failover_ip_not_configured", "hv01")["verdict"] == verdict


def test_a_report_compares_hosts_and_names_those_without_an_audit() -> None:
    found = audits()
    found["hv02"]["host"] = {**found["hv02"]["host"], "authentication_type": "CredSSP", "default_version": "9.0"}
    made = fleet.report(found, {"hv09": "unreachable"})
    assert {one["id"] for one in made["findings"]} == {"authentication_type_differs", "default_versions_differ"}
    assert made["counts"]["failed"] == 1
    json.dumps(made)
    lines = fleet.summary(made)
    assert lines[0].split() == ["rule", "severity", "broken", "unknown", "holds", "n/a"]
    assert "hv09: not audited: unreachable" in lines
    assert any(line.startswith("hv01: warning: failover_ip_not_configured: copy: ") for line in lines)


def test_a_summary_says_once_what_hosts_or_rules_share() -> None:
    stopped, paused = AuditHost(), AuditHost()
    stopped.one("Win32_Service")["State"] = "Stopped"
    stopped.refused = dict.fromkeys(("Get-VM", "Get-VMHost", "Get-VMReplication"), "ObjectNotFound,X")
    paused.vms[0]["State"] = "Paused"
    hosts = {"hv01": stopped, "hv02": paused, "hv03": paused}
    made = fleet.report({name: dict(run(host, best_practices="none").values) for name, host in hosts.items()})
    lines = fleet.summary(made)
    assert "hv02, hv03: warning: vm_paused: web: its state is Paused" in lines
    (unknown,) = [line for line in lines if line.startswith("hv01: unknown: ")]
    assert unknown.endswith(": the Virtual Machine Management service is Stopped")
    assert "vm_paused, vm_has_checkpoints" in unknown
    broken = [
        line.split(": ")[1] for line in lines if line.split(": ")[1:2] and line.split(": ")[1] in ("error", "warning")
    ]
    assert broken == sorted(broken), "errors come first"


def test_a_summary_shows_disagreements() -> None:
    made = fleet.report({"hv01": dict(run(Analyzed("vm_paused")).values)})
    told = "hv01: the Best Practices Analyzer (scan of 2026-11-20T10:00:00Z) says noncompliant of vm_paused, "
    assert f"{told}the audit compliant" in fleet.summary(made)
    assert made["counts"]["disagreements"] == 1
