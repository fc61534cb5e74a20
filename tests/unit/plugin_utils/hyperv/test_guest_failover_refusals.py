# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses for a failover: guests, adapters, roles and hosts that can't take them, and what is only a doubt."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    Ambiguous,
    ConnectionLost,
    InvalidRequest,
    NotFound,
    NotPossible,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.guest import failover
from unit.fake_session import request
from unit.plugin_utils.hyperv.fake_guests import (
    DEBIAN,
    IPV4,
    IPV6,
    KVP,
    UBUNTU,
    Pair,
    guest_vm,
    ids,
    one,
    replicated,
    switch,
)
from unit.plugin_utils.hyperv.fake_host import HOSTILE, WEB


@pytest.mark.parametrize("asked", [{"ipv4": IPV4}, {"clear": "ipv4"}, {"test_switch": "Test"}])
def test_what_belongs_to_the_replicas_copy_never_goes_to_the_primarys(asked: dict[str, Any]) -> None:
    pair = Pair()
    assert pair.refused(asked, replica_side=False) == ["replica_side_needed"]


def test_one_machine_by_its_name_and_its_id_is_listed_once() -> None:
    pair = Pair()
    vms = [{"name": HOSTILE, "adapters": [{"ipv4": IPV4}]}, {"id": WEB, "adapters": [{"ipv6": IPV6}]}]
    with pytest.raises(InvalidRequest) as caught:
        pair.run(vms=vms)
    assert WEB in caught.value.msg
    assert pair.set_on(pair.replica) == {}


def test_adapters_that_can_not_be_told_are_found() -> None:
    pair = Pair(adapters=2)
    assert pair.refused({"ipv4": IPV4}) == ["failover_adapter_ambiguous"]
    assert pair.refused({"name": "net9", "ipv4": IPV4}) == ["failover_adapter_missing"]
    pair.replica["adapters"].clear()
    assert pair.refused({"name": "net1", "ipv4": IPV4}) == ["failover_adapter_missing"]


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"Enabled": False}, "key_value_exchange_disabled"),
        ({"PrimaryOperationalStatus": "NoContact"}, "key_value_exchange_silent"),
        ({"SecondaryOperationalStatus": "ProtocolMismatch"}, "key_value_exchange_outdated"),
        ({"PrimaryOperationalStatus": None}, "key_value_exchange_unknown"),
    ],
)
def test_a_guest_that_can_not_take_an_address_is_refused(change: dict[str, Any], finding: str) -> None:
    pair = Pair()
    switch(pair.vm, KVP, **change)
    if finding == "key_value_exchange_unknown":
        pair.here.hides_exchange = True
    assert pair.refused({"ipv4": IPV4}) == [finding]
    left_out = one(pair.run({"ipv4": IPV4}, skip_blocked=True))
    assert (left_out["skipped"], left_out["changed"]) == (True, False)
    (shown,) = left_out["adapters"]
    assert shown["keeps_primary_address"] is True
    assert finding in shown["why"]


def test_a_guest_without_pairs_is_silent_whatever_the_status() -> None:
    pair = Pair()
    pair.vm["pairs"] = {}
    assert pair.refused({"ipv4": IPV4}) == ["key_value_exchange_silent"]


def test_the_service_has_to_be_enabled_where_the_guest_comes_up() -> None:
    pair = Pair()
    switch(pair.replica, KVP, Enabled=False)
    assert pair.refused({"ipv4": IPV4}) == ["key_value_exchange_disabled"]


def test_a_legacy_adapter_is_refused() -> None:
    assert Pair(legacy=True).refused({"ipv4": IPV4}) == ["legacy_adapter_takes_no_address"]


def test_a_machine_that_is_off_is_set_with_a_warning() -> None:
    pair = Pair()
    pair.vm["State"] = "Off"
    outcome = pair.run({"ipv4": IPV4})
    assert outcome.changed
    assert ids(one(outcome)) == ["guest_not_judged"]
    assert one(outcome)["adapters"][0]["keeps_primary_address"] is None


def test_an_old_protocol_of_a_linux_guest_that_sends_pairs_is_a_warning() -> None:
    pair = Pair()
    pair.vm["pairs"] = UBUNTU
    switch(pair.vm, KVP, PrimaryOperationalStatus="Degraded", SecondaryOperationalStatus="ProtocolMismatch")
    outcome = pair.run({"ipv4": IPV4})
    assert (outcome.changed, ids(one(outcome))) == (True, ["key_value_exchange_outdated"])
    assert one(outcome)["adapters"][0]["keeps_primary_address"] is False


def test_a_distribution_that_is_published_without_it_is_a_doubt() -> None:
    pair = Pair()
    pair.vm["pairs"] = DEBIAN
    outcome = pair.run({"ipv4": IPV4})
    assert (outcome.changed, ids(one(outcome))) == (True, ["guest_takes_no_addresses"])
    assert one(outcome)["adapters"][0]["keeps_primary_address"] is None


def test_a_machine_without_replication_is_refused() -> None:
    pair = Pair()
    with pytest.raises(NotPossible) as caught:
        pair.run(vms=[{"name": "plain", "adapters": [{"ipv4": IPV4}]}])
    assert [finding.id for finding in caught.value.findings] == ["vm_not_replicating"]


@pytest.mark.parametrize("mode", ["TestReplica", "ExtendedReplica"])
def test_other_roles_are_refused(mode: str) -> None:
    pair = Pair()
    pair.vm["replication"][0]["ReplicationMode"] = mode
    assert pair.refused({"ipv4": IPV4}, replica_side=False) == ["replication_role_differs"]


def test_the_replicas_host_is_not_asked_for_its_other_side() -> None:
    pair = Pair()
    vms = [{"name": HOSTILE, "adapters": [{"ipv4": IPV4}]}]
    with pytest.raises(NotPossible) as caught:
        failover.operate(request(pair.there.session, pair.here.session, vms=vms, replica_side=True))
    assert [finding.id for finding in caught.value.findings] == ["replication_role_differs"]
    assert "HV01.lab.test" in caught.value.findings[0].remedy


def test_two_primaries_are_found() -> None:
    pair = Pair()
    pair.replica["replication"][0]["ReplicationMode"] = "Primary"
    assert pair.refused({"ipv4": IPV4}) == ["replica_missing"]
    pair.there.vms.clear()
    assert pair.refused({"ipv4": IPV4}) == ["replica_missing"]


def test_the_replicas_host_is_found_by_its_computer_name() -> None:
    pair = Pair()
    for machine in (pair.vm, pair.replica):
        replicated(machine, machine["replication"][0]["ReplicationMode"], replica="10.0.0.2")
    assert pair.refused({"ipv4": IPV4}) == ["replica_host_unknown"]
    pair = Pair()
    pair.there.settings["ComputerName"] = "OTHER"
    assert pair.refused({"ipv4": IPV4}) == ["replica_host_differs"]
    pair = Pair()
    pair.there.session.host = "site-b"
    assert pair.refused({"ipv4": IPV4}) == ["replica_host_unknown"]
    assert pair.run({"ipv4": IPV4}, replica_host="site-b").changed
    vms = [{"name": HOSTILE, "replica_host": "site-b", "adapters": [{"ipv4": IPV4}]}]
    assert not pair.run(vms=vms).changed


def test_a_replicas_host_out_of_reach_is_a_finding() -> None:
    pair = Pair()
    pair.there.session.machine.on("Get-VM", _lost)
    assert pair.refused({"ipv4": IPV4}) == ["replica_host_unread"]


def _lost(*_arguments: Any) -> None:
    raise ConnectionLost("the link to hv02 failed")


def test_the_switch_of_a_test_has_to_be_there() -> None:
    pair = Pair()
    pair.there.switches = ["LAN"]
    assert pair.refused({"test_switch": "Test"}) == ["test_switch_missing"]
    pair.there.switches, pair.here.switches = ["LAN", "Test"], ["LAN"]
    assert pair.refused({"failback": {"test_switch": "Test"}}) == ["test_switch_missing"]
    outcome = pair.run({"test_switch": "Test"})
    assert ids(one(outcome)) == []
    assert [machine["adapters"][0]["TestReplicaSwitchName"] for machine in (pair.vm, pair.replica)] == ["", "Test"]
    assert not pair.run({"test_switch": "Test"}).changed


def test_names_that_fit_nothing_or_several() -> None:
    pair = Pair()
    with pytest.raises(NotFound):
        pair.run(vms=[{"name": "none", "adapters": [{"ipv4": IPV4}]}])
    pair.here.vms.append(guest_vm("33333333-3333-3333-3333-333333333333", HOSTILE))
    with pytest.raises(Ambiguous):
        pair.run({"ipv4": IPV4})
