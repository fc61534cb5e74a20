# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Live-migration settings of a host: decided, applied once, proven."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    InvalidRequest,
    NotPossible,
    RemoteError,
    TimedOut,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv import host_migration
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Outcome
from unit.fake_session import FakeClock, Refused, failing, request
from unit.plugin_utils.hyperv.fake_host import FakeHost

NETWORK = [{"subnet": "192.168.10.0/24", "priority": 1}]


def run(host: FakeHost, *, check_mode: bool = False, **arguments: Any) -> Outcome:
    asked = request(host.session, check_mode=check_mode, **arguments)
    return host_migration.operate(asked, clock=FakeClock())


FULL: dict[str, Any] = {
    "state": "enabled",
    "authentication_type": "Kerberos",
    "performance_option": "SMB",
    "maximum_virtual_machine_migrations": 8,
    "maximum_storage_migrations": 4,
    "networks": NETWORK,
    "use_any_network": False,
}


def test_enable_then_nothing_more_to_do() -> None:
    host = FakeHost()
    first = run(host, **FULL)
    assert first.changed
    assert first.values["ready"] is True
    assert first.values["listener_addresses"] == ["192.168.10.5"]
    assert first.values["computer_name"] == "HV01"
    assert host.settings["MaximumVirtualMachineMigrations"] == 8
    assert host.networks == [{"Subnet": "192.168.10.0/24", "Priority": 1}]
    invocations = len(host.session.invocations)
    second = run(host, **FULL)
    assert not second.changed
    assert second.values["ready"] is True
    assert len(host.session.invocations) == invocations + 1, "an already prepared host costs one invocation"


def test_first_run_is_one_read_one_write_one_look() -> None:
    host = FakeHost()
    run(host, **FULL)
    assert len(host.session.invocations) == 3


def test_check_mode_says_the_same_and_changes_nothing() -> None:
    checked, real = FakeHost(), FakeHost()
    foreseen, done = run(checked, check_mode=True, **FULL), run(real, **FULL)
    assert foreseen.changed == done.changed
    assert foreseen.diff == done.diff
    assert not checked.settings["VirtualMachineMigrationEnabled"]
    assert foreseen.values["ready"] is None
    after = run(real, check_mode=True, **FULL)
    assert foreseen.diff is not None
    assert after.diff is not None
    assert foreseen.diff.after == after.diff.before, "the diff foretells what is read afterwards"


def test_networks_are_added_edited_and_only_purged_when_asked() -> None:
    host = FakeHost(VirtualMachineMigrationEnabled=True)
    host.networks = [{"Subnet": "192.168.10.0/24", "Priority": 5}, {"Subnet": "10.0.0.1/32", "Priority": None}]
    run(host, networks=[*NETWORK, {"subnet": "10.0.0.1"}, {"subnet": "fd00::/64"}])
    subnets = [network["Subnet"] for network in host.networks]
    assert subnets == ["192.168.10.0/24", "10.0.0.1/32", "fd00::/64"]
    assert host.networks[0]["Priority"] == 1
    assert not host.session.sent("Remove-VMMigrationNetwork")
    run(host, networks=NETWORK, purge_networks=True)
    assert [network["Subnet"] for network in host.networks] == ["192.168.10.0/24"]


def test_a_host_is_closed_only_after_its_networks_are_listed() -> None:
    host = FakeHost(VirtualMachineMigrationEnabled=True, UseAnyNetworkForMigration=True)
    host.session.machine.on(
        "Add-VMMigrationNetwork", failing("OperationFailed,AddVMMigrationNetwork", terminating=True)
    )
    with pytest.raises(RemoteError):
        run(host, networks=NETWORK, use_any_network=False)
    assert host.settings["UseAnyNetworkForMigration"] is True
    fine = FakeHost(VirtualMachineMigrationEnabled=True, UseAnyNetworkForMigration=True)
    run(fine, networks=NETWORK, use_any_network=False)
    assert fine.settings["UseAnyNetworkForMigration"] is False


def test_set_is_never_used_for_a_network_that_is_not_there() -> None:
    host = FakeHost()
    run(host, networks=NETWORK)
    assert not host.session.sent("Set-VMMigrationNetwork")


def test_enabled_without_any_network_is_refused_before_the_first_change() -> None:
    host = FakeHost()
    with pytest.raises(NotPossible) as caught:
        run(host, state="enabled")
    assert [finding.id for finding in caught.value.findings] == ["no_migration_network"]
    assert len(host.session.invocations) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        {"use_any_network": False, "purge_networks": True, "networks": []},
        {"networks": [{"subnet": "192.168.10.5/24"}]},
        {"networks": [{"subnet": "lan"}]},
        {"networks": [{"subnet": "10.0.0.0/8"}, {"subnet": "10.0.0.0/8"}]},
        {"maximum_storage_migrations": -1},
        {"networks": [{"subnet": "10.0.0.0/8", "priority": 2**32}]},
    ],
)
def test_impossible_requests_send_nothing(arguments: dict[str, Any]) -> None:
    host = FakeHost()
    with pytest.raises(InvalidRequest):
        run(host, **arguments)
    assert not host.session.invocations


def test_a_host_that_does_not_listen_fails_and_says_why() -> None:
    host = FakeHost()
    host.addresses = []
    with pytest.raises(TimedOut, match=r"192\.168\.10\.0/24") as caught:
        run(host, networks=NETWORK, ready_timeout_seconds=10)
    assert caught.value.changed is True
    with pytest.raises(TimedOut) as again:
        run(host, networks=NETWORK, ready_timeout_seconds=10)
    assert again.value.changed is False, "nothing was changed the second time, and it is no success either"


def test_stopped_service_is_started_and_the_rest_decided_then() -> None:
    host = FakeHost()
    host.service.update(Status="Stopped", StartType="Manual")
    outcome = run(host, networks=NETWORK)
    assert outcome.changed
    assert host.service == {"Name": "vmms", "Status": "Running", "StartType": "Automatic"}
    assert host.settings["VirtualMachineMigrationEnabled"]
    assert outcome.values["computer_name"] == "HV01"
    assert not run(host, networks=NETWORK).changed


def test_closed_firewall_is_opened_by_stable_name() -> None:
    host = FakeHost(VirtualMachineMigrationEnabled=True)
    host.networks = [{"Subnet": "192.168.10.0/24", "Priority": 1}]
    assert host.rule is not None
    host.rule["Enabled"] = 2
    assert run(host, check_mode=True).changed
    assert not run(host, firewall_rule=False).changed
    assert run(host).changed
    assert host.session.sent("Enable-NetFirewallRule")[0]["Name"] == ["VIRT-MIGL-In-TCP-NoScope"]
    assert not run(host).changed


def test_missing_firewall_rule_is_a_warning() -> None:
    host = FakeHost(VirtualMachineMigrationEnabled=True, UseAnyNetworkForMigration=True)
    host.rule = None
    assert any("6600" in warning for warning in run(host).warnings)


def test_disabling_asks_for_no_network_and_no_proof() -> None:
    host = FakeHost(VirtualMachineMigrationEnabled=True)
    outcome = run(host, state="disabled")
    assert outcome.changed
    assert outcome.values["ready"] is False
    assert not host.settings["VirtualMachineMigrationEnabled"]
    assert not run(host, state="disabled").changed


def test_a_failed_change_tells_whether_something_was_done_before() -> None:
    refusal = Refused("AccessDenied,Microsoft.HyperV.PowerShell.Commands.SetVMHost", "(0x80070005)", category=18)
    host = FakeHost()
    host.refuse_set = refusal
    with pytest.raises(RemoteError) as caught:
        run(host, networks=NETWORK, authentication_type="Kerberos")
    assert caught.value.changed is False
    assert not host.networks, "nothing after the failed change was sent"
    host.service["StartType"] = "Manual"
    with pytest.raises(RemoteError) as later:
        run(host, networks=NETWORK, authentication_type="Kerberos")
    assert later.value.changed is True
