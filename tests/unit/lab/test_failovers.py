# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failovers in the lab: which addresses a machine comes up with follows from its guest, and from nothing else."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import pytest
from hyperv_lab.hyperv import fleet as fleets
from hyperv_lab.hyperv import power
from hyperv_lab.hyperv.failures import Refused
from hyperv_lab.hyperv.migration_plan import EVERYTHING, MoveRequest
from hyperv_lab.hyperv.schema import FleetError
from hyperv_lab.hyperv.state import describe
from unit.lab import migration_bench
from unit.lab.cmdlet_runner import get, run

ALTERNATE = {"address": "10.2.0.7", "subnet": "255.255.255.0", "gateway": "10.2.0.1", "dns": ["10.2.0.2"]}
REFUSED = ("InvalidOperation", "InvalidOperation")


class Pair:
    """A machine on HV1 that replicates to HV2, in a fleet whose clock stands."""

    def __init__(self, *, state: str = "Running", edition: str = "2022", language: str = "en", **more: Any) -> None:
        replica = {"adapters": [{"switch": "DR", "failover": {"ipv4": ALTERNATE}, "test_switch": "Sandbox"}]}
        replication = {"replica_server": "HV2", "replica": {**replica, **more.pop("replica", {})}}
        adapter = {"switch": "LAN", "addresses": ["10.1.0.7", "fe80::7"], "gateways": ["10.1.0.1"]}
        vm = {"name": "web", "host": "HV1", "state": state, "adapters": [adapter], "replication": replication, **more}
        hosts = [
            {"name": "HV1", "switches": ["LAN"]},
            {"name": "HV2", "switches": ["LAN", "DR", "Sandbox"]},
        ]
        server = {"enabled": True, "any_server": True}
        entries = [{"edition": edition, "language": language, "replica_server": server, **host} for host in hosts]
        self.fleet = fleets.parse({"hosts": entries, "vms": [vm]}, speed=0)
        self.hv1, self.hv2 = self.fleet.hosts["HV1"], self.fleet.hosts["HV2"]
        self.primary: Any = next(iter(self.hv1.vms.values()))
        self.replica: Any = next(iter(self.hv2.vms.values()))

    def on(self, host: Any, command: str, **parameters: Any) -> Any:
        return run(host, command, VMName=parameters.pop("VMName", ["web"]), **parameters)

    def off(self, vm: Any) -> None:
        if vm.is_on:
            power.turn_off(vm)
            self.fleet.clock.advance(5)

    def boot(self, vm: Any) -> Any:
        """Start a machine and let its guest come up; return what ``state`` shows of it."""
        power.start(vm)
        self.fleet.clock.advance(120)
        return self.shown(vm)

    def shown(self, vm: Any) -> Any:
        return describe(self.fleet)["hosts"][vm.host.name]["vms"][str(vm.id)]

    def planned(self) -> Any:
        """Fail over as planned, and return what ``state`` shows of the machine that came up."""
        self.off(self.primary)
        assert self.on(self.hv1, "Start-VMFailover", Prepare=True).errors == []
        assert self.on(self.hv2, "Start-VMFailover").errors == []
        assert self.on(self.hv2, "Set-VMReplication", Reverse=True).errors == []
        return self.boot(self.replica)

    def unplanned(self) -> Any:
        self.off(self.primary)
        assert self.on(self.hv2, "Start-VMFailover").errors == []
        assert self.on(self.hv2, "Complete-VMFailover").errors == []
        return self.boot(self.replica)

    def test(self) -> Any:
        test = self.on(self.hv2, "Start-VMFailover", AsTest=True, Passthru=True).one()
        return self.boot(test)


KINDS = ("planned", "unplanned", "test")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("guest", "alternate"),
    [
        ({}, True),
        ({"system": "linux", "version": "Debian 12"}, True),
        ({"services": {"kvp": "stopped"}}, False),
        ({"services": {"kvp": "missing"}}, False),
        ({"services": {"kvp": "outdated"}}, False),
        ({"services": {"vss": "outdated", "heartbeat": "stopped"}}, True),
        ({"system": "linux", "services": {"kvp": "stopped"}}, False),
    ],
)
def test_the_guest_decides_which_addresses_it_comes_up_with(kind: str, guest: dict[str, Any], alternate: bool) -> None:
    pair = Pair(guest=guest)
    shown = getattr(pair, kind)()
    (adapter,) = shown["adapters"]
    assert adapter["addresses"] == (["10.2.0.7", "fe80::7"] if alternate else ["10.1.0.7", "fe80::7"])
    assert shown["replication"]["came_up_with"] == ("alternate" if alternate else "primary")
    assert shown["replication"]["failover"] == kind
    (event,) = [event for event in pair.fleet.events if event.kind == "failover"]
    assert event.details["failover"] == kind
    assert list(event.details["addresses"].values()) == [adapter["addresses"]]
    assert pair.shown(pair.primary)["adapters"][0]["addresses"] == ["10.1.0.7", "fe80::7"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_hosts_side_of_the_exchange_decides_too(kind: str) -> None:
    pair = Pair(integration_services=["heartbeat", "shutdown", "time", "vss"])
    (adapter,) = getattr(pair, kind)()["adapters"]
    assert (adapter["addresses"][0], adapter["reported"]) == ("10.1.0.7", [])
    pair = Pair(integration_services=["heartbeat", "shutdown", "time", "vss"])
    for host in (pair.hv1, pair.hv2):
        kvp = next(s for s in pair.on(host, "Get-VMIntegrationService").output if s.key == "kvp")
        assert run(host, "Enable-VMIntegrationService", kvp).errors == []
    (adapter,) = getattr(pair, kind)()["adapters"]
    assert adapter["reported"] == ["10.2.0.7", "fe80::7"]


def test_a_legacy_adapter_keeps_the_primarys_address() -> None:
    pair = Pair()
    pair.replica.adapters[0].is_legacy = True
    assert pair.planned()["replication"]["came_up_with"] == "primary"


def test_without_an_alternate_address_the_primarys_stays_and_says_so() -> None:
    pair = Pair(replica={"adapters": []})
    shown = pair.planned()
    assert shown["replication"]["came_up_with"] == "primary, none kept"
    assert shown["adapters"][0]["switch"] == "LAN"


def test_services_that_reached_the_primary_reach_the_replica_unless_replication_pauses() -> None:
    for paused in (False, True):
        pair = Pair(guest={"services": {"kvp": "missing"}})
        if paused:
            assert pair.on(pair.hv1, "Suspend-VMReplication").errors == []
        pair.fleet.clock.advance(7 * 3600)
        assert pair.primary.exchanges_pairs
        shown = pair.unplanned()
        assert shown["replication"]["came_up_with"] == ("primary" if paused else "alternate")


def test_an_exchange_that_comes_later_is_too_late_for_this_start() -> None:
    pair = Pair(integration_services=["heartbeat"])
    pair.planned()
    pair.fleet.clock.advance(3600)
    kvp = next(s for s in pair.on(pair.hv2, "Get-VMIntegrationService").output if s.key == "kvp")
    run(pair.hv2, "Enable-VMIntegrationService", kvp)
    assert pair.shown(pair.replica)["adapters"][0]["reported"] == ["10.1.0.7", "fe80::7"]


def test_nobody_has_to_look_for_it_to_happen() -> None:
    pair = Pair()
    pair.planned()
    other = Pair()
    other.off(other.primary)
    other.on(other.hv1, "Start-VMFailover", Prepare=True)
    other.on(other.hv2, "Start-VMFailover")
    power.start(other.replica)
    other.fleet.clock.advance(3600)
    kvp = next(s for s in other.replica.services() if s.key == "kvp")
    run(other.hv2, "Disable-VMIntegrationService", kvp)
    assert other.shown(other.replica)["replication"]["came_up_with"] == "alternate"


def test_the_test_machine_is_its_own_and_goes_away() -> None:
    pair = Pair()
    shown = pair.test()
    assert shown["name"] == "web - Test"
    assert shown["adapters"][0]["switch"] == "Sandbox"
    assert shown["replication"]["mode"] == "TestReplica"
    test = get(pair.replica.replication, "TestVirtualMachine")
    assert get(test, "Id") != pair.replica.id
    assert pair.primary.state == "Running"
    assert pair.replica.state == "Off"
    assert pair.on(pair.hv2, "Start-VMFailover", AsTest=True).error() == REFUSED
    assert pair.on(pair.hv2, "Stop-VMFailover").errors == []
    assert list(pair.hv2.vms.values()) == [pair.replica]
    assert not [path for path in pair.hv2.storage.volumes["D:"].files if path.endswith(".avhdx")]
    health = pair.on(pair.hv2, "Measure-VMReplication").one()
    assert get(health, "LastTestFailoverInitiatedTime") is not None
    assert get(pair.on(pair.hv1, "Measure-VMReplication").one(), "LastTestFailoverInitiatedTime") is None


def test_states_of_a_planned_failover_and_failing_back() -> None:
    pair = Pair()
    assert pair.on(pair.hv1, "Start-VMFailover", Prepare=True).error() == ("InvalidState", "InvalidOperation")
    pair.planned()
    states = [(vm.replication.mode.name, vm.replication.state.name) for vm in (pair.primary, pair.replica)]
    assert states == [("Replica", "Replicating"), ("Primary", "Replicating")]
    replication = pair.on(pair.hv1, "Get-VMReplication").one()
    assert get(replication, "PrimaryServerName") == pair.hv2.fqdn
    assert get(replication, "ReplicaServerName") == pair.hv1.fqdn
    assert run(pair.hv1, "Start-VM", Name=["web"]).error() == REFUSED
    pair.off(pair.replica)
    assert pair.on(pair.hv2, "Start-VMFailover", Prepare=True).errors == []
    assert run(pair.hv2, "Start-VM", Name=["web"]).error() == REFUSED
    assert pair.on(pair.hv1, "Start-VMFailover").errors == []
    shown = pair.boot(pair.primary)
    assert shown["adapters"][0]["addresses"] == ["10.2.0.7", "fe80::7"]
    assert shown["replication"]["came_up_with"] == "primary, none kept"


def test_a_failover_is_taken_back() -> None:
    pair = Pair()
    pair.off(pair.primary)
    assert pair.on(pair.hv1, "Start-VMFailover", Prepare=True).errors == []
    assert pair.on(pair.hv1, "Stop-VMFailover").errors == []
    assert pair.primary.replication.state.name == "Replicating"
    assert pair.on(pair.hv2, "Start-VMFailover").errors == []
    assert pair.boot(pair.replica)["adapters"][0]["addresses"][0] == "10.2.0.7"
    assert pair.primary.replication.state.name == "Error"
    assert pair.on(pair.hv2, "Stop-VMFailover").errors == []
    assert pair.replica.state == "Off"
    assert pair.replica.adapters[0].addresses[0] == "10.1.0.7"
    assert {vm.replication.state.name for vm in (pair.primary, pair.replica)} == {"Replicating"}


@pytest.mark.parametrize(
    ("side", "command", "parameters"),
    [
        ("hv1", "Start-VMFailover", {}),
        ("hv2", "Start-VMFailover", {"Prepare": True}),
        ("hv1", "Start-VMFailover", {"AsTest": True}),
        ("hv2", "Complete-VMFailover", {}),
        ("hv1", "Complete-VMFailover", {}),
        ("hv2", "Set-VMReplication", {"Reverse": True}),
        ("hv1", "Set-VMReplication", {"Reverse": True}),
        ("hv1", "Stop-VMFailover", {}),
        ("hv2", "Stop-VMFailover", {}),
        ("hv1", "Resume-VMReplication", {}),
    ],
)
def test_what_comes_in_the_wrong_order_is_refused(side: str, command: str, parameters: dict[str, Any]) -> None:
    pair = Pair(state="Off", language="fr")
    refused = pair.on(getattr(pair, side), command, **parameters)
    assert refused.error() == REFUSED
    assert "état de réplication" in refused.errors[0].message


def test_an_unplanned_failover_needs_the_primary_off_or_gone_and_completion_before_reversing() -> None:
    pair = Pair()
    assert pair.on(pair.hv2, "Start-VMFailover").error() == ("InvalidState", "InvalidOperation")
    pair.hv1.reboot(100_000)
    assert pair.on(pair.hv2, "Start-VMFailover").errors == []
    assert pair.on(pair.hv2, "Set-VMReplication", Reverse=True).error() == REFUSED
    assert pair.on(pair.hv2, "Complete-VMFailover").errors == []
    assert pair.on(pair.hv2, "Set-VMReplication", Reverse=True).error()[0] == "OperationFailed"


def test_reversing_needs_the_other_server_to_accept() -> None:
    pair = Pair(state="Off")
    assert run(pair.hv1, "Set-VMReplicationServer", ReplicationAllowedFromAnyServer=False).errors == []
    pair.on(pair.hv1, "Start-VMFailover", Prepare=True)
    pair.on(pair.hv2, "Start-VMFailover")
    assert pair.on(pair.hv2, "Set-VMReplication", Reverse=True).error()[0] == "OperationFailed"
    entry = {"AllowedPrimaryServer": "*.lab.test", "ReplicaStorageLocation": "D:\\in", "TrustGroup": "dr"}
    assert run(pair.hv1, "New-VMReplicationAuthorizationEntry", **entry).errors == []
    assert pair.on(pair.hv2, "Set-VMReplication", Reverse=True).errors == []


def test_recovery_points_stay_until_the_failover_is_completed() -> None:
    pair = Pair(state="Off", replica={"recovery_points": 3})
    points = pair.on(pair.hv2, "Get-VMSnapshot").output
    assert {get(point, "SnapshotType").name for point in points} == {"Replica"}
    assert run(pair.hv2, "Start-VMFailover", points[0]).errors == []
    assert len(pair.replica.snapshots) == 3
    assert pair.on(pair.hv2, "Complete-VMFailover").errors == []
    assert pair.replica.snapshots == []


def test_pausing_shows_and_the_last_replication_stands_still() -> None:
    pair = Pair()
    pair.fleet.clock.advance(1000)
    first = get(pair.on(pair.hv1, "Get-VMReplication").one(), "LastReplicationTime")
    assert (first - pair.fleet.clock.start).total_seconds() == 900
    paused = pair.on(pair.hv1, "Suspend-VMReplication", Passthru=True).one()
    assert (get(paused, "ReplicationState").name, get(paused, "ReplicationHealth").name) == ("Suspended", "Warning")
    pair.fleet.clock.advance(1000)
    for host in (pair.hv1, pair.hv2):
        assert get(pair.on(host, "Get-VMReplication").one(), "LastReplicationTime") == first
    assert pair.on(pair.hv1, "Resume-VMReplication").errors == []
    assert get(pair.on(pair.hv1, "Get-VMReplication").one(), "LastReplicationTime") > first


def test_members_of_a_replication_under_both_names() -> None:
    pair = Pair(edition="2012R2")
    replication = pair.on(pair.hv2, "Get-VMReplication").one()
    assert "CimSession" not in replication.ps_names()
    assert get(replication, "ReplicationMode").name == "Replica"
    assert replication.ALIASES["Mode"] == "ReplicationMode"
    assert get(replication, "VMId") == pair.primary.id
    assert len(run(pair.hv2, "Get-VMReplication", ReplicationMode="Replica").output) == 1
    assert run(pair.hv2, "Get-VMReplication", ReplicationMode="Primary").output == []


def test_settings_of_a_replication() -> None:
    pair = Pair()
    assert pair.on(pair.hv1, "Set-VMReplication", CompressionEnabled=False, ReplicationFrequencySec=900).errors == []
    replication = pair.on(pair.hv1, "Get-VMReplication").one()
    assert (get(replication, "CompressionEnabled"), get(replication, "ReplicationFrequencySec")) == (False, 900)
    wrong = pair.on(pair.hv1, "Set-VMReplication", ReplicationFrequencySec=60)
    assert wrong.error() == ("InvalidParameter", "InvalidArgument")
    assert pair.on(pair.hv1, "Set-VMReplication", AsReplica=True).error()[0] == "NotSupported"


def test_mistakes_in_a_fleet_file() -> None:
    with pytest.raises(FleetError, match="there is no host 'HV9' for a new copy"):
        Pair(replication={"replica_server": "HV9", "replica": {"recovery_points": 1}})
    with pytest.raises(FleetError, match="can't be"):
        Pair(replica={"adapters": [{"failover": {"ipv4": {"address": "10.2.0.7"}}}]})
    with pytest.raises(FleetError, match="unknown key 'speed'"):
        Pair(replica={"speed": 3})


@pytest.mark.parametrize(
    ("entries", "state"),
    [
        ([{"primary": "*.lab.test", "trust_group": "dr"}], "Replicating"),
        ([{"primary": "hv1.lab.test"}, {"primary": "hv3.lab.test"}], "Replicating"),
        ([{"primary": "hv1.lab.test", "trust_group": "a"}, {"primary": "hv3.lab.test", "trust_group": "b"}], "Error"),
        ([{"primary": "hv1.lab.test"}], "Error"),
    ],
)
def test_a_primary_that_moves_goes_on_in_its_trust_group_only(entries: list[dict[str, Any]], state: str) -> None:
    hosts: list[dict[str, Any]] = [
        {"name": "HV1"},
        {"name": "HV2", "replica_server": {"enabled": True, "entries": entries}},
        {"name": "HV3"},
    ]
    lab = migration_bench.fleet(hosts, [{"name": "web", "host": "HV1", "replication": {"replica_server": "HV2"}}])
    vm: Any = next(iter(lab.hosts["HV1"].vms.values()))
    copy: Any = lab.hosts["HV2"].vms[vm.id]
    driver = migration_bench.Driver(lab)
    places = {"source": vm.host, "destination": lab.hosts["HV3"], "peer": "HV3", "storage": EVERYTHING}
    driver.begin(MoveRequest(vm=vm, folder="D:\\Moved", identity=None, **places))
    driver.finish()
    assert vm.host.name == "HV3"
    assert vm.replication.state.name == state
    assert copy.replication.primary_server == ("hv3.lab.test" if state == "Replicating" else "hv1.lab.test")
    if state == "Error":
        again = run(lab.hosts["HV3"], "Resume-VMReplication", VMName=["web"])
        assert again.error() == ("OperationFailed", "NotSpecified")
        lab.hosts["HV2"].replica_server.any_server = True
        assert run(lab.hosts["HV3"], "Resume-VMReplication", VMName=["web"]).errors == []
        assert vm.replication.state.name == "Replicating"
    assert run(lab.hosts["HV3"], "Start-VMFailover", VMName=["web"], Prepare=True).errors == []
    assert run(lab.hosts["HV2"], "Start-VMFailover", VMName=["web"]).errors == []


STEPS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Start-VMFailover", {"Prepare": True}),
    ("Start-VMFailover", {}),
    ("Start-VMFailover", {"AsTest": True}),
    ("Stop-VMFailover", {}),
    ("Complete-VMFailover", {}),
    ("Set-VMReplication", {"Reverse": True}),
    ("Suspend-VMReplication", {}),
    ("Resume-VMReplication", {}),
)


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_done_in_whatever_order_two_copies_stay_a_pair(seed: int) -> None:
    chance = random.Random(seed)
    pair = Pair(replica={"recovery_points": 1})
    for _step in range(60):
        host, vm = chance.choice([(pair.hv1, pair.primary), (pair.hv2, pair.replica)])
        if chance.random() < 0.3:
            with contextlib.suppress(Refused):
                (power.turn_off if vm.is_on else power.start)(vm)
        else:
            command, parameters = chance.choice(STEPS)
            assert len(pair.on(host, command, **parameters).errors) <= 1
        pair.fleet.clock.advance(chance.choice([1, 10, 200]))
        modes = sorted(vm.replication.mode.name for vm in (pair.primary, pair.replica))
        assert modes == ["Primary", "Replica"]
        replica = pair.primary if pair.primary.replication.mode.name == "Replica" else pair.replica
        assert not replica.is_on or replica.replication.state.name in ("FailedOverWaitingCompletion", "FailedOver")
        tests = [each for host in (pair.hv1, pair.hv2) for each in host.vms.values() if each.name != "web"]
        assert len(tests) == sum(1 for each in (pair.primary, pair.replica) if each.replication.test_vm is not None)
        describe(pair.fleet)
