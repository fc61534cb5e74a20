# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each published rule both ways, from what a host shows to the verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.audit.judged import Judged, Verdict
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.audit.operation import judge
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.audit.published import BY_ID, RULES
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.audit.read import read_evidence
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.audit.remedies import REMEDIES
from unit.plugin_utils.hyperv.fake_audit import COPY, FEATURE, KVP, WEB, AuditHost, pair, replication

Break = Callable[[AuditHost], Any]
SEEN_AT_THE_PRIMARY = {"failover_ip_not_applicable"}
"""What a host can't see of a Replica that is off."""


def judged(host: AuditHost) -> dict[str, Judged]:
    return {item.rule.id: item for item in judge(read_evidence(host.session))}


def verdicts(host: AuditHost) -> dict[str, Verdict]:
    return {name: item.verdict for name, item in judged(host).items()}


def test_a_host_that_follows_every_rule_has_none_broken() -> None:
    found = judged(AuditHost())
    assert sorted(found) == sorted(BY_ID)
    bad = {name: item.evidence for name, item in found.items() if item.verdict is Verdict.NONCOMPLIANT}
    assert bad == {}
    unknown = {name for name, item in found.items() if item.verdict is Verdict.UNKNOWN}
    assert unknown == SEEN_AT_THE_PRIMARY
    (copy,) = [one for one in found["failover_ip_not_applicable"].subjects if one.verdict is Verdict.UNKNOWN]
    assert (copy.id, copy.elsewhere) == (COPY, "hv02.lab.test")
    assert [name for name, item in found.items() if item.verdict is Verdict.NOT_APPLICABLE] == [
        "switch_extension_missing"
    ]


def setting(table: str, **values: Any) -> Break:
    return lambda host: host.one(table).update(values)


def of_web(**values: Any) -> Break:
    return lambda host: host.vms[0].update(values)


def of_replication(number: int, **values: Any) -> Break:
    return lambda host: host.tables["Get-VMReplication"][number].update(values)


def service(number: int, **values: Any) -> Break:
    return lambda host: host.vms[0]["services"][number].update(values)


def table(name: str, *rows: dict[str, Any]) -> Break:
    return lambda host: host.tables.update({name: list(rows)})


def both(*breaks: Break) -> Break:
    return lambda host: [each(host) for each in breaks]


def needing_a_feature(host: AuditHost) -> None:
    host.vms[0]["adapters"][0]["MandatoryFeatureId"] = [FEATURE]


def extension_off(host: AuditHost) -> None:
    needing_a_feature(host)
    host.one("Get-VMSwitchExtension")["Enabled"] = False


def not_installed(host: AuditHost) -> None:
    host.vms[0]["adapters"][0]["MandatoryFeatureId"] = ["{11111111-0000-0000-0000-000000000000}"]


def no_failover_address(host: AuditHost, *, dhcp: bool) -> None:
    host.one("Get-VMNetworkAdapterFailoverConfiguration")["IPv4Address"] = ""
    told = {"InstanceID": f"Microsoft:GuestNetwork\\{COPY}\\A1", "DHCPEnabled": dhcp, "IPAddresses": ["10.1.0.8"]}
    host.tables["Msvm_GuestNetworkAdapterConfiguration"].append(told)


def two_adapters(host: AuditHost, **told: bool) -> None:
    """Give the Replica two adapters, of which only the first has an address; ``told`` says which ask DHCP."""
    first = host.vms[1]["adapters"][0]
    host.vms[1]["adapters"].append({**first, "Id": "A2", "Name": "Backup", "MacAddress": "00155D000002"})
    host.one("Get-VMNetworkAdapterFailoverConfiguration")["of"] = "A1"
    host.tables["Get-VMNetworkAdapterFailoverConfiguration"].append({"of": "A2", "IPv4Address": ""})
    host.tables["Msvm_GuestNetworkAdapterConfiguration"] += [
        {"InstanceID": f"Microsoft:GuestNetwork\\{COPY}\\{name}", "DHCPEnabled": dhcp, "IPAddresses": ["10.1.0.8"]}
        for name, dhcp in told.items()
    ]


def full_pool(host: AuditHost) -> None:
    host.one("Get-VMHost")["MacAddressMaximum"] = "00155D000001"


def checkpoint(kind: str) -> Break:
    return of_web(checkpoints=[{"VMId": WEB, "Id": WEB, "Name": "before", "SnapshotType": kind, "State": "Off"}])


SLOW = [
    {
        "Name": "Ethernet",
        "InterfaceIndex": 4,
        "Speed": 10**8,
        "InterfaceOperationalStatus": 1,
        "HardwareInterface": True,
    }
]
BROKEN: list[tuple[str, Break]] = [
    ("management_service_not_running", setting("Win32_Service", State="Stopped")),
    ("management_service_not_automatic", setting("Win32_Service", StartMode="Manual")),
    ("host_outside_domain", setting("Win32_ComputerSystem", PartOfDomain=False, Domain="WORKGROUP")),
    ("single_network_adapter", lambda host: host.tables["Get-NetAdapter"].pop()),
    ("no_fast_migration_network", setting("Get-NetAdapter", Speed=10**8)),
    ("slow_migration_network", setting("Get-NetAdapter", Speed=10**8)),
    ("slow_migration_network", setting("Get-NetAdapter", Speed=10**10, TransmitLinkSpeed=10**8)),
    ("mac_pool_low", full_pool),
    ("switch_extension_missing", extension_off),
    ("switch_extension_missing", not_installed),
    ("vm_paused", of_web(State="Paused")),
    ("vm_paused", of_web(State="PausedCritical")),
    ("vm_has_checkpoints", checkpoint("Standard")),
    ("integration_service_not_offered", service(0, Enabled=False)),
    ("integration_service_not_working", service(1, PrimaryOperationalStatus="NoContact")),
    ("integration_service_not_working", service(5, SecondaryOperationalStatus="ProtocolMismatch")),
    ("failover_ip_not_applicable", service(KVP, Enabled=False)),
    ("failover_ip_not_applicable", service(KVP, PrimaryOperationalStatus="NoContact")),
    ("failover_ip_not_applicable", service(KVP, SecondaryOperationalStatus=32775)),
    ("failover_ip_not_applicable", table("Msvm_KvpExchangeComponent", {"SystemName": WEB})),
    ("failover_ip_not_applicable", lambda host: host.vms[1]["services"][KVP].update(Enabled=False)),
    ("failover_ip_not_configured", lambda host: no_failover_address(host, dhcp=False)),
    ("failover_ip_not_configured", lambda host: two_adapters(host, A1=True, A2=False)),
    ("replica_server_accepts_nobody", table("Get-VMReplicationAuthorizationEntry")),
    ("replica_server_accepts_nobody", setting("Get-VMReplicationServer", ReplicationEnabled=False)),
    ("replica_server_accepts_anybody", setting("Get-VMReplicationServer", ReplicationAllowedFromAnyServer=True)),
    ("replica_server_accepts_anybody", setting("Get-VMReplicationAuthorizationEntry", AllowedPrimaryServer="*")),
    ("trust_group_shared", setting("Get-VMReplicationAuthorizationEntry", TrustGroup="THREE")),
    ("replica_certificate_missing", table("Get-ChildItem")),
    ("replica_certificate_missing", setting("Get-VMReplicationServer", CertificateThumbprint="")),
    ("replication_not_encrypted", of_replication(0, AuthenticationType="Kerberos")),
    ("replication_not_encrypted", of_replication(0, AuthenticationType=1)),
    ("replication_not_compressed", of_replication(0, CompressionEnabled=False)),
    ("replication_not_throttled", table("MSFT_NetQosPolicySettingData")),
    ("replication_not_throttled", setting("MSFT_NetQosPolicySettingData", ThrottleRateAction=0)),
    ("replication_not_throttled", of_replication(0, ReplicaServerPort=8443)),
    ("replication_not_throttled", setting("MSFT_NetQosPolicySettingData", AppPathNameMatchCondition="backup.exe")),
    ("replication_not_throttled", setting("MSFT_NetQosPolicySettingData", IPProtocolMatchCondition=2)),
    ("failover_ip_not_applicable", table("Msvm_KvpExchangeComponent")),
    ("replication_paused", of_replication(0, ReplicationState="Suspended")),
    ("replication_paused", of_replication(1, ReplicationState=12)),
    ("resynchronization_not_scheduled", of_replication(0, AutoResynchronizeEnabled=False)),
    ("resynchronization_not_scheduled", of_replication(0, AutoResynchronizeIntervalEnd="PT18H30M")),
    ("recovery_points_left", of_replication(1, ReplicationState="FailedOverWaitingCompletion")),
    (
        "test_failover_never",
        lambda host: host.tables["Measure-VMReplication"][1].update(LastTestFailoverInitiatedTime=None),
    ),
    ("test_failover_overdue", setting("Win32_OperatingSystem", LocalDateTime="2026-12-03T10:00:00Z")),
]


@pytest.mark.parametrize(
    ("rule", "change"), BROKEN, ids=[f"{number}-{rule}" for number, (rule, _) in enumerate(BROKEN)]
)
def test_each_rule_is_found_broken(rule: str, change: Break) -> None:
    host = AuditHost()
    assert verdicts(host)[rule] is not Verdict.NONCOMPLIANT
    change(host)
    found = judged(host)[rule]
    assert found.verdict is Verdict.NONCOMPLIANT, found.evidence
    assert found.evidence
    assert found.named(Verdict.NONCOMPLIANT)


def test_every_rule_has_a_case_and_a_remedy() -> None:
    assert {rule for rule, _change in BROKEN} == set(BY_ID) == set(REMEDIES)


HOLDING: list[tuple[str, Break]] = [
    ("switch_extension_missing", needing_a_feature),
    ("failover_ip_not_configured", lambda host: no_failover_address(host, dhcp=True)),
    ("failover_ip_not_configured", lambda host: two_adapters(host, A1=False, A2=True)),
    ("vm_has_checkpoints", checkpoint("Replica")),
    ("no_fast_migration_network", setting("Get-VMHost", UseAnyNetworkForMigration=True)),
    ("replication_not_throttled", table("MSFT_NetQosPolicySettingData", {"Name": "all", "ThrottleRateAction": 1})),
    (
        "replication_not_throttled",
        both(
            table("MSFT_NetQosPolicySettingData"),
            table("Get-ItemProperty", {"PSChildName": "gpo", "Remote Port": "440:450", "Throttle Rate": "1024"}),
            table("Get-ChildItem", {"Name": "gpo"}),
        ),
    ),
    ("test_failover_overdue", setting("Win32_OperatingSystem", LocalDateTime="2026-12-02T09:00:00Z")),
]


@pytest.mark.parametrize(("rule", "change"), HOLDING)
def test_each_rule_is_found_kept(rule: str, change: Break) -> None:
    host = AuditHost()
    change(host)
    assert judged(host)[rule].verdict is Verdict.COMPLIANT, judged(host)[rule].evidence


NOT_ABOUT: list[tuple[str, Break]] = [
    ("no_fast_migration_network", setting("Get-VMHost", VirtualMachineMigrationEnabled=False)),
    ("slow_migration_network", table("Get-NetIPAddress")),
    ("replica_certificate_missing", setting("Get-VMReplicationServer", AllowedAuthenticationType="Kerberos")),
    ("trust_group_shared", both(setting("Get-VMReplicationServer", ReplicationEnabled=False))),
    ("replica_server_accepts_nobody", both(
        setting("Get-VMReplicationServer", ReplicationEnabled=False), table("Get-VMReplication"))),
    ("replication_paused", table("Get-VMReplication")),
    ("failover_ip_not_applicable", table("Get-VMReplication", replication(WEB, "TestReplica"))),
    ("test_failover_never", of_replication(1, ReplicationState="InitialReplicationInProgress")),
    ("integration_service_not_working", of_web(State="Off")),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "change"), NOT_ABOUT)
def test_a_rule_that_has_nothing_to_look_at_says_so(rule: str, change: Break) -> None:
    host = AuditHost()
    change(host)
    assert judged(host)[rule].verdict is Verdict.NOT_APPLICABLE, judged(host)[rule].evidence


UNREAD: list[tuple[str, str]] = [
    ("management_service_not_running", "Win32_Service"),
    ("management_service_not_automatic", "Win32_Service"),
    ("single_network_adapter", "Get-NetAdapter"),
    ("no_fast_migration_network", "Get-NetIPAddress"),
    ("slow_migration_network", "Get-NetAdapter"),
    ("mac_pool_low", "Get-VMHost"),
    ("switch_extension_missing", "Get-VMSwitchExtension"),
    ("vm_paused", "Get-VM"),
    ("vm_has_checkpoints", "Get-VM"),
    ("failover_ip_not_applicable", "Get-VMReplication"),
    ("replica_server_accepts_nobody", "Get-VMReplicationServer"),
    ("replica_server_accepts_anybody", "Get-VMReplicationAuthorizationEntry"),
    ("trust_group_shared", "Get-VMReplicationServer"),
    ("replica_certificate_missing", "Get-ChildItem"),
    ("replication_not_compressed", "Get-VMReplication"),
    ("test_failover_never", "Measure-VMReplication"),
    ("test_failover_overdue", "Win32_OperatingSystem"),
]


@pytest.mark.parametrize(("rule", "command"), UNREAD)
def test_what_can_t_be_read_is_unknown_and_says_why(rule: str, command: str) -> None:
    host = AuditHost()
    host.refused[command] = "HRESULT 0x80041003,Refused"
    found = judged(host)[rule]
    assert found.verdict is Verdict.UNKNOWN
    assert found.evidence


@pytest.mark.parametrize(
    "values", [{"Application Name": "backup.exe"}, {"Protocol": "UDP"}, {"Remote Port": "80"}, {"Throttle Rate": "-1"}]
)
def test_a_group_policy_about_something_else_limits_nothing(values: dict[str, str]) -> None:
    host = AuditHost()
    table("MSFT_NetQosPolicySettingData")(host)
    usual = {"PSChildName": "gpo", "Application Name": "*", "Protocol": "TCP", "Local Port": "*"}
    table("Get-ItemProperty", {**usual, "Remote Port": "443", "Throttle Rate": "1024"})(host)
    assert verdicts(host)["replication_not_throttled"] is Verdict.COMPLIANT
    host.one("Get-ItemProperty").update(values)
    assert verdicts(host)["replication_not_throttled"] is Verdict.NONCOMPLIANT


def test_a_policy_that_was_not_found_is_no_proof_while_others_could_not_be_read() -> None:
    host = AuditHost()
    table("MSFT_NetQosPolicySettingData")(host)
    host.refused["Get-ChildItem"] = "DriveNotFound,Microsoft.PowerShell.Commands.GetChildItemCommand"
    assert verdicts(host)["replication_not_throttled"] is Verdict.UNKNOWN


def test_a_guest_that_is_off_is_not_taken_for_one_that_answers() -> None:
    host = AuditHost()
    host.vms[0]["State"] = "Off"
    found = judged(host)["failover_ip_not_applicable"]
    assert {one.name: one.verdict for one in found.subjects} == {"web": Verdict.UNKNOWN, "copy": Verdict.UNKNOWN}


def test_a_replica_is_judged_by_each_of_its_adapters() -> None:
    host = AuditHost()
    two_adapters(host)
    (copy,) = judged(host)["failover_ip_not_configured"].subjects[:1]
    assert (copy.verdict, copy.adapters, copy.elsewhere) == (Verdict.UNKNOWN, ("a2",), "hv02.lab.test")
    assert "Backup" in copy.evidence
    assert "10.2.0.7" not in copy.evidence
    host.tables["Get-VMNetworkAdapterFailoverConfiguration"].pop()
    (copy,) = judged(host)["failover_ip_not_configured"].subjects[:1]
    assert (copy.verdict, copy.elsewhere) == (Verdict.UNKNOWN, ""), "no other host knows what this one did not say"


def test_verdicts_come_in_the_order_of_the_list_and_in_three_invocations() -> None:
    host = AuditHost()
    assert tuple(item.rule for item in judge(read_evidence(host.session))) == RULES
    assert len(host.session.invocations) == 3
    without = AuditHost()
    without.tables["Get-VMReplication"].pop()
    read_evidence(without.session)
    assert len(without.session.invocations) == 2, "the third is about Replicas"


def test_an_old_protocol_of_a_linux_guest_that_sends_pairs_is_no_fault() -> None:
    host = AuditHost()
    service(KVP, SecondaryOperationalStatus="ProtocolMismatch")(host)
    for name, verdict in (("Windows Server 2019", Verdict.NONCOMPLIANT), ("Ubuntu", Verdict.COMPLIANT)):
        host.one("Msvm_KvpExchangeComponent")["GuestIntrinsicExchangeItems"] = [pair("OSName", name)]
        (web,) = [one for one in judged(host)["failover_ip_not_applicable"].subjects if one.id == WEB]
        assert web.verdict is verdict, web.evidence


def test_a_host_without_machines_is_judged_all_the_same() -> None:
    host = AuditHost()
    host.vms = []
    for name in ("Get-VMReplication", "Measure-VMReplication", "Msvm_KvpExchangeComponent"):
        host.tables[name] = []
    found = verdicts(host)
    assert Verdict.UNKNOWN not in found.values(), found
    assert Verdict.NONCOMPLIANT not in found.values(), found
