# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Msvm_MigrationJob: what other sessions see of a move."""

from __future__ import annotations

import pytest
from hyperv_lab.hyperv import migration_cim
from hyperv_lab.hyperv.cim import METHODS, PROVIDERS, VIRTUALIZATION
from hyperv_lab.hyperv.jobs import migration_jobs
from unit.lab.migration_bench import Driver, fleet, identity, request, vm_of

CLASS = (VIRTUALIZATION, migration_cim.NAME.lower())


@pytest.mark.parametrize("both", [False, True])
def test_a_job_is_listed_while_it_runs_and_five_minutes_longer(both: bool) -> None:
    lab = fleet(migration={"jobs_at_destination": both})
    driver = Driver(lab)
    driver.begin(request(lab, peer="hv2.lab.test"))
    driver.step(5)
    driver.step(10)
    (instance,) = PROVIDERS[CLASS](lab.hosts["HV1"])
    values = instance.values
    assert values["VirtualSystemName"] == str(vm_of(lab, "web").id).upper()
    assert values["DestinationHost"] == "hv2.lab.test"
    assert (values["JobState"], values["JobType"], values["MigrationType"]) == (4, 306, 32771)
    assert 0 < values["PercentComplete"] < 100
    assert values["Owner"] == "NT AUTHORITY\\SYSTEM"
    assert values["ElapsedTime"].total_seconds() >= 15
    assert bool(PROVIDERS[CLASS](lab.hosts["HV2"])) is both
    driver.finish()
    (instance,) = PROVIDERS[CLASS](lab.hosts["HV1"])
    assert (instance.values["JobState"], instance.values["ErrorCode"]) == (7, 0)
    assert instance.values["PercentComplete"] == 100
    lab.clock.advance(299)
    assert len(migration_jobs(lab.hosts["HV1"])) == 1
    lab.clock.advance(2)
    assert migration_jobs(lab.hosts["HV1"]) == []


def test_a_job_can_be_cancelled_from_elsewhere_until_the_hand_over() -> None:
    lab = fleet()
    driver = Driver(lab)
    move = driver.begin(request(lab))
    driver.step(5)
    host = lab.hosts["HV1"]
    change = METHODS[migration_cim.NAME.lower(), "requeststatechange"]
    (instance,) = PROVIDERS[CLASS](host)
    who = identity(lab, host)
    assert change(host, instance, {"RequestedState": 3}, who)["ReturnValue"] == 32773
    assert change(host, instance, {"RequestedState": 5}, who)["ReturnValue"] == 0
    driver.step(0.1)
    assert move.job.done
    assert "(0x800704C7)" in move.job.error_text
    assert change(host, instance, {"RequestedState": 5}, who)["ReturnValue"] == 32775
    lab.clock.advance(400)
    assert change(host, instance, {"RequestedState": 5}, who)["ReturnValue"] == 32779


def test_after_the_hand_over_a_job_is_not_cancellable() -> None:
    lab = fleet()
    driver = Driver(lab)
    move = driver.begin(request(lab))
    while not move.handed_over:
        driver.step(0.25)
    assert driver.running
    assert not move.job.request_cancel()
    driver.finish()
    assert move.job.error_code == 0
