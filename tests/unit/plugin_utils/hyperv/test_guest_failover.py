# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses for a failover: what is set on either copy, and who would keep the primary's."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    NotPossible,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.guest import failover
from unit.fake_session import Refused, request
from unit.plugin_utils.hyperv.fake_guests import (
    IPV4,
    IPV6,
    KVP,
    GuestHost,
    Pair,
    adapter,
    guest_vm,
    ids,
    one,
    replicated,
    service,
    switch,
)
from unit.plugin_utils.hyperv.fake_host import DB, HOSTILE, WEB


def test_the_replicas_copy_is_set_once_and_the_primarys_left_alone() -> None:
    pair = Pair()
    first = pair.run({"ipv4": IPV4, "ipv6": IPV6, "test_switch": "Test"})
    assert first.changed
    assert first.failure is None
    assert pair.set_on(pair.replica) == {
        "IPv4Address": "10.2.0.11",
        "IPv4SubnetMask": "255.255.255.0",
        "IPv4DefaultGateway": "10.2.0.1",
        "IPv4PreferredDNSServer": "10.2.0.2",
        "IPv4AlternateDNSServer": "10.2.0.3",
        "IPv6Address": "2001:db8:2::11",
        "IPv6SubnetPrefixLength": 64,
        "IPv6DefaultGateway": "fe80::1",
        "IPv6PreferredDNSServer": "2001:db8:2::2",
    }
    assert pair.set_on(pair.vm) == {}, "the primary's copy is started on the way back, on its own site"
    assert [machine["adapters"][0]["TestReplicaSwitchName"] for machine in (pair.vm, pair.replica)] == ["", "Test"]
    (shown,) = one(first)["adapters"]
    assert shown["comes_up_with"] == {"ipv4": "10.2.0.11", "ipv6": "2001:db8:2::11"}
    assert (shown["keeps_primary_address"], shown["why"]) == (False, [])
    assert shown["here"] == {"ipv4": None, "ipv6": None, "test_switch": None}
    assert one(first)["replica_host"] == "hv02"
    again = pair.run({"ipv4": IPV4, "ipv6": IPV6, "test_switch": "test"})
    assert not again.changed
    assert again.diff is not None
    assert again.diff.before == again.diff.after == {}


def test_check_mode_answers_as_the_real_run() -> None:
    pair = Pair()
    foreseen = pair.run({"ipv4": IPV4}, check_mode=True)
    assert pair.set_on(pair.vm) == pair.set_on(pair.replica) == {}
    done = pair.run({"ipv4": IPV4})
    assert (foreseen.changed, foreseen.diff, foreseen.values) == (done.changed, done.diff, done.values)
    assert done.diff is not None
    assert len(done.diff.after) == 1


HOME = {"address": "10.1.0.11", "prefix": 24, "gateway": "10.1.0.1"}


def test_the_primarys_own_copy_gets_what_is_asked_for_the_way_back() -> None:
    pair = Pair()
    asked = {"ipv4": IPV4, "test_switch": "Test", "failback": {"ipv4": HOME, "test_switch": "LAN"}}
    foreseen, outcome = pair.run(asked, check_mode=True), pair.run(asked)
    assert (foreseen.changed, foreseen.diff, foreseen.values) == (outcome.changed, outcome.diff, outcome.values)
    found = [pair.set_on(machine)["IPv4Address"] for machine in (pair.vm, pair.replica)]
    assert found == ["10.1.0.11", "10.2.0.11"]
    assert [machine["adapters"][0]["TestReplicaSwitchName"] for machine in (pair.vm, pair.replica)] == ["LAN", "Test"]
    (shown,) = one(outcome)["adapters"]
    assert (shown["here"]["ipv4"]["address"], shown["comes_up_with"]["ipv4"]) == ("10.1.0.11", "10.2.0.11")
    assert not pair.run(asked).changed
    assert pair.run({"failback": {"clear": "both"}}).changed
    assert (pair.set_on(pair.vm), bool(pair.set_on(pair.replica))) == ({}, True)


def test_the_way_back_alone_needs_no_replica_side() -> None:
    pair = Pair()
    result = one(pair.run({"failback": {"ipv4": HOME}}, replica_side=False))
    assert (pair.set_on(pair.vm)["IPv4Address"], pair.set_on(pair.replica)) == ("10.1.0.11", {})
    (shown,) = result["adapters"]
    assert (shown["keeps_primary_address"], shown["why"], shown["replica"]) == (None, ["replica_not_read"], None)
    switch(pair.vm, KVP, Enabled=False)
    with pytest.raises(NotPossible):
        pair.run({"failback": {"ipv4": {**HOME, "address": "10.1.0.12"}}})


def test_a_replica_site_s_address_on_the_primarys_copy_is_found() -> None:
    pair = Pair()
    pair.run({"ipv4": IPV4, "ipv6": IPV6})
    pair.vm["adapters"][0]["failover"].update({"IPv4Address": "10.2.0.11", "IPv4SubnetMask": "255.255.255.0"})
    result = one(pair.run())
    assert ids(result) == ["failback_address_of_other_site"]
    assert "10.2.0.11" in result["findings"][0]["evidence"]
    assert ids(one(pair.run({"failback": {"clear": "both"}}))) == []


def test_failback_on_the_replicas_host_is_refused() -> None:
    pair = Pair()
    vms = [{"id": WEB, "adapters": [{"ipv4": IPV4, "failback": {"ipv4": HOME}}]}]
    with pytest.raises(NotPossible) as caught:
        failover.operate(request(pair.there.session, vms=vms))
    assert [finding.id for finding in caught.value.findings] == ["replication_role_differs"]
    assert pair.set_on(pair.replica) == {}


def test_the_replicas_own_host_sets_its_copy() -> None:
    pair = Pair()
    asked = request(pair.there.session, vms=[{"id": WEB, "adapters": [{"ipv4": IPV4}]}])
    result = one(failover.operate(asked))
    assert pair.set_on(pair.replica)["IPv4Address"] == "10.2.0.11"
    assert pair.set_on(pair.vm) == {}
    assert ids(result) == ["guest_not_judged"]
    (shown,) = result["adapters"]
    assert (shown["keeps_primary_address"], shown["why"]) == (None, ["guest_not_judged"])


def test_what_is_not_given_stays_and_only_the_difference_is_a_change() -> None:
    pair = Pair()
    pair.run({"ipv4": IPV4})
    assert pair.run({"ipv4": {"address": "10.2.0.12", "prefix": 24}}).changed
    found = pair.set_on(pair.replica)
    assert (found["IPv4Address"], found["IPv4DefaultGateway"], found["IPv4AlternateDNSServer"]) == (
        "10.2.0.12",
        "10.2.0.1",
        "10.2.0.3",
    )
    assert not pair.run({"ipv4": {"address": "10.2.0.12", "subnet_mask": "255.255.255.0", "dns": ["10.2.0.2"]}}).changed


def test_a_gateway_of_another_subnet_does_not_stay() -> None:
    pair = Pair()
    pair.run({"ipv4": IPV4})
    assert pair.run({"ipv4": {"address": "10.3.0.11", "prefix": 24}}).changed
    assert pair.set_on(pair.replica) == {
        "IPv4Address": "10.3.0.11",
        "IPv4SubnetMask": "255.255.255.0",
        "IPv4PreferredDNSServer": "10.2.0.2",
        "IPv4AlternateDNSServer": "10.2.0.3",
    }, "servers that are not asked for stay"
    assert not pair.run({"ipv4": {"address": "10.3.0.11", "prefix": 24}}).changed


def test_a_gateway_of_the_link_itself_stays() -> None:
    pair = Pair()
    pair.run({"ipv6": IPV6})
    assert pair.run({"ipv6": {"address": "2001:db8:3::11", "prefix": 64}}).changed
    assert pair.set_on(pair.replica)["IPv6DefaultGateway"] == "fe80::1"


@pytest.mark.parametrize(("clear", "left"), [("ipv4", ["IPv6"]), ("ipv6", ["IPv4"]), ("both", [])])
def test_clearing_removes_what_is_there_once(clear: str, left: list[str]) -> None:
    pair = Pair()
    pair.run({"ipv4": IPV4, "ipv6": IPV6})
    outcome = pair.run({"clear": clear})
    assert outcome.changed
    assert sorted({key[:4] for key in pair.set_on(pair.replica)}) == left
    assert not pair.run({"clear": clear}).changed
    (shown,) = one(outcome)["adapters"]
    assert shown["keeps_primary_address"] is (clear == "both")


def test_clearing_needs_no_guest() -> None:
    pair = Pair()
    pair.run({"ipv4": IPV4})
    switch(pair.vm, KVP, Enabled=False)
    assert pair.run({"clear": "ipv4"}).changed


@pytest.mark.parametrize("key", ["name", "mac_address", "id"])
def test_one_of_several_adapters_is_named(key: str) -> None:
    pair = Pair(adapters=3)
    named = {"name": "NET2", "mac_address": "00:15:5d:00:00:02", "id": "00000002-0000-0000-0000-000000000000"}
    assert pair.run({key: named[key], "ipv4": IPV4}).changed
    assert [bool(pair.set_on(pair.replica, number)) for number in range(3)] == [False, True, False]


def test_the_other_copys_adapter_is_found_by_its_name_where_its_guid_differs() -> None:
    pair = Pair(adapters=2)
    for number, one_adapter in enumerate(pair.replica["adapters"]):
        one_adapter["Id"] = f"Microsoft:{WEB.upper()}\\{number + 7:08X}-0000-0000-0000-000000000000"
    pair.run({"name": "net2", "ipv4": IPV4})
    assert [bool(pair.set_on(pair.replica, number)) for number in range(2)] == [False, True]


def test_reading_shows_every_replicated_machine_and_changes_nothing() -> None:
    pair = Pair()
    result = one(pair.run())
    assert (result["name"], result["changed"], result["skipped"]) == (HOSTILE, False, False)
    assert ids(result) == ["failover_address_missing"]
    assert result["adapters"][0]["keeps_primary_address"] is True
    assert result["adapters"][0]["why"] == ["failover_address_missing"]
    pair.run({"ipv4": IPV4})
    result = one(pair.run())
    assert ids(result) == []
    assert result["adapters"][0]["comes_up_with"]["ipv4"] == "10.2.0.11"
    switch(pair.vm, KVP, Enabled=False)
    result = one(pair.run())
    assert (result["adapters"][0]["keeps_primary_address"], result["adapters"][0]["why"]) == (
        True,
        ["key_value_exchange_disabled"],
    )


def test_a_host_without_replication_has_nothing_to_read() -> None:
    host = GuestHost(guest_vm(DB, "plain", adapters=[adapter(DB)]))
    assert failover.operate(request(host.session)).values == {"vms": []}


def test_the_machine_of_a_test_failover_is_no_copy() -> None:
    host = GuestHost(replicated(guest_vm(DB, "web - Test", adapters=[adapter(DB)]), "TestReplica"))
    assert failover.operate(request(host.session)).values == {"vms": []}


def test_what_can_not_be_read_is_not_guessed() -> None:
    pair = Pair()
    pair.there.session.machine.on("Get-VMNetworkAdapterFailoverConfiguration", _refused)
    result = one(pair.run())
    assert (result["adapters"][0]["keeps_primary_address"], result["adapters"][0]["why"]) == (
        None,
        ["failover_setting_not_read"],
    )
    assert ids(result) == []


@pytest.mark.parametrize(("clear", "keeps"), [("ipv4", None), ("both", True)])
def test_what_can_not_be_read_is_cleared_all_the_same(clear: str, keeps: bool | None) -> None:
    pair = Pair()
    pair.run({"ipv4": IPV4, "ipv6": IPV6})
    pair.there.session.machine.on("Get-VMNetworkAdapterFailoverConfiguration", _refused)
    outcome = pair.run({"clear": clear})
    assert outcome.changed
    assert "IPv4Address" not in pair.set_on(pair.replica)
    (shown,) = one(outcome)["adapters"]
    assert shown["keeps_primary_address"] is keeps


def _refused(*_arguments: Any) -> None:
    raise Refused("OperationFailed,x", "non")


def test_a_failure_on_the_second_side_tells_that_the_first_was_changed() -> None:
    pair = Pair()
    pair.here.refused[WEB] = Refused("OperationFailed,x", "non")
    outcome = pair.run({"ipv4": IPV4, "failback": {"ipv4": HOME}})
    assert outcome.failure is not None
    assert outcome.changed
    assert pair.set_on(pair.replica)["IPv4Address"] == "10.2.0.11"
    assert pair.set_on(pair.vm) == {}
    assert one(outcome)["error"]["kind"] == "remote_error"
    (shown,) = one(outcome)["adapters"]
    assert (shown["here"]["ipv4"], shown["replica"]["ipv4"]["address"]) == (None, "10.2.0.11")
    assert shown["comes_up_with"]["ipv4"] == "10.2.0.11", "a failover goes by the replica's copy"


def test_services_are_not_named_in_the_hosts_language() -> None:
    pair = Pair()
    assert service(WEB, KVP)["Name"] != "Key-Value Pair Exchange"
    pair.run({"ipv4": IPV4})
    names = [item.name for host in (pair.here, pair.there) for statements in host.session.invocations
             for statement in statements for item in statement.commands if "Name" in dict(item.parameters)]  # fmt: skip
    assert set(names) <= {"Set-Variable", "Get-Variable"}
