# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves that are refused before anything is touched, and those that must not be."""

from __future__ import annotations

from typing import Any

import pytest
from hyperv_lab.hyperv.migration_cmdlets import CompareVM, MoveVM
from hyperv_lab.powershell.values import Credential, SecureString
from unit.lab.migration_bench import Driver, fleet, identity, request, run, vm_of

EVERYTHING: dict[str, Any] = {"Name": "web", "IncludeStorage": True, "DestinationStoragePath": "D:\\In"}


@pytest.mark.parametrize(
    ("machine", "peer", "error_id"),
    [
        ({"backup": {"seconds": 60}}, "HV2", "InvalidState"),
        ({"state": "Saving"}, "HV2", "InvalidState"),
        ({"clustered": True}, "HV2", "OperationFailed"),
        ({}, "hv1.lab.test", "InvalidParameter"),
        ({}, "nowhere", "OperationFailed"),
    ],
)
def test_refused(machine: dict[str, Any], peer: str, error_id: str) -> None:
    lab = fleet(vms=[{"name": "web", "host": "HV1", "state": "Running", **machine}])
    host = lab.hosts["HV1"]
    for command in (MoveVM, CompareVM):
        call = run(command, host, identity(lab, host), DestinationHost=peer, **EVERYTHING)
        assert [record.error_id for record in call.errors] == [error_id]
        assert call.written == []
    assert not host.jobs
    assert not lab.hosts["HV2"].planned
    assert vm_of(lab, "web").activity is None


def test_a_backup_that_is_over_hinders_no_more() -> None:
    lab = fleet(vms=[{"name": "web", "host": "HV1", "state": "Running", "backup": {"seconds": 60}}])
    lab.clock.advance(61)
    driver = Driver(lab)
    driver.begin(request(lab))
    driver.finish()
    assert vm_of(lab, "web").host.name == "HV2"


@pytest.mark.parametrize("state", ["Running", "Paused", "Saved", "Off"])
def test_every_lasting_state_moves_and_stays_as_it_is(state: str) -> None:
    replication = {"mode": "Primary", "replica_server": "replica"}
    lab = fleet(vms=[{"name": "web", "host": "HV1", "state": state, "replication": replication}])
    driver = Driver(lab)
    move = driver.begin(request(lab))
    driver.finish()
    vm = vm_of(lab, "web")
    assert (vm.host.name, vm.state, vm.power_ons) == ("HV2", state, 0)
    assert (move.blackout is not None) == (state in ("Running", "Paused"))


def test_the_same_name_at_the_destination_is_legal() -> None:
    vms = [{"name": "web", "host": name, "state": "Off", "path": f"D:\\{name}"} for name in ("HV1", "HV2")]
    lab = fleet(vms=vms)
    host = lab.hosts["HV1"]
    lab.clock.speed = 2000.0
    call = run(MoveVM, host, identity(lab, host), DestinationHost="HV2", **EVERYTHING)
    assert call.errors == []
    assert [vm.name for vm in lab.hosts["HV2"].vms.values()] == ["web", "web"]


def test_a_slot_refusal_has_no_job_and_a_second_try_succeeds() -> None:
    vms = [{"name": name, "host": "HV1", "state": "Running"} for name in ("one", "two", "web")]
    for language, words in (("en", 'migration limit "2" was reached'), ("fr", "limite « 2 » de migrations")):
        lab = fleet([{"name": "HV1", "language": language}, {"name": "HV2"}], vms)
        driver = Driver(lab)
        driver.begin(request(lab, "one"))
        driver.begin(request(lab, "two"))
        host = lab.hosts["HV1"]
        call = run(MoveVM, host, identity(lab, host), DestinationHost="HV2", **EVERYTHING)
        assert words in call.errors[0].message
        assert len(host.jobs) == 2
        driver.finish()
        driver.begin(request(lab, "web"))


def test_a_destination_credential_must_be_right_but_opens_nothing() -> None:
    lab = fleet()
    host = lab.hosts["HV1"]
    who = identity(lab, host, method="ntlm")
    for password, code in (("wrong", "0x8007052E"), ("Secret-1", "0x8009030E")):
        credential = Credential("LAB\\admin", SecureString(password))
        call = run(MoveVM, host, who, DestinationHost="HV2", DestinationCredential=credential, **EVERYTHING)
        assert f"({code})" in call.errors[0].message


def test_a_machine_of_another_host_is_not_this_hosts_to_move() -> None:
    lab = fleet()
    there = lab.hosts["HV2"]
    call = run(MoveVM, there, identity(lab, there), VM=vm_of(lab, "web"), DestinationHost="HV1")
    assert [record.error_id for record in call.errors] == ["ObjectNotFound"]


def test_two_disks_of_one_file_name_do_not_fit_into_one_folder() -> None:
    disks = [{"path": "D:\\a\\data.vhdx"}, {"path": "D:\\b\\data.vhdx"}]
    lab = fleet(vms=[{"name": "web", "host": "HV1", "disks": disks}])
    host = lab.hosts["HV1"]
    call = run(MoveVM, host, identity(lab, host), DestinationHost="HV2", **EVERYTHING)
    assert "(0x80070050)" in call.errors[0].message
    assert not lab.hosts["HV2"].planned
