# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Storage migrations of the lab: files, slots, failures, cancelling, jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hyperv_lab.hyperv.jobs import migration_jobs
from hyperv_lab.hyperv.migration_errors import CANCELLED, DISK_FULL, FILE_EXISTS, PATH_MISSING, MoveFailed
from hyperv_lab.hyperv.migration_plan import PARTS
from hyperv_lab.hyperv.storage import File
from unit.lab.migration_bench import Driver, fleet, request, vm_of

if TYPE_CHECKING:
    from hyperv_lab.hyperv.fleet import Fleet

GB = 1024**3
VMS: list[dict[str, Any]] = [{"name": "web", "host": "HV1", "state": "Running", "checkpoints": [{"name": "before"}]}]


def two_volumes(vms: list[dict[str, Any]] = VMS, **more: Any) -> Fleet:
    volumes = {"D": {"size_gb": 500}, "E": {"size_gb": 500, **more}}
    return fleet(hosts=[{"name": "HV1", "volumes": volumes}], vms=vms)


def paths(lab: Fleet, volume: str) -> set[str]:
    return set(lab.hosts["HV1"].storage.volumes[volume].files)


def test_everything_of_a_running_machine_lies_under_one_folder_afterwards() -> None:
    lab = two_volumes()
    vm, host = vm_of(lab, "web"), lab.hosts["HV1"]
    before = host.storage.volumes["D:"].used
    driver = Driver(lab)
    move = driver.begin_storage(request(lab, to="HV1", folder="E:\\web"))
    (job,) = migration_jobs(host)
    assert (vm.activity, job.properties()["JobType"], job.properties()["DestinationHost"]) == (
        "StorageMigrationPhaseOne",
        307,
        None,
    )
    assert len(host.storage_moves) == 1
    assert not host.incoming
    driver.finish()
    assert move.failure is None
    assert (vm.state, vm.power_ons, vm.moves, vm.activity) == ("Running", 0, 0, None)
    assert (vm.path, vm.snapshot_path, vm.paging_path) == ("E:\\web", "E:\\web", "E:\\web")
    drives = [drive for body in (vm, *vm.snapshots) for drive in body.hard_drives]
    assert all(drive.path.startswith("E:\\web\\Virtual Hard Disks\\") for drive in drives)
    assert paths(lab, "D:") == set()
    assert host.storage.volumes["E:"].used == before
    assert not host.storage_moves
    assert [m["outcome"] for m in lab.storage_migrations] == ["moved"]


def test_parts_that_are_not_named_stay() -> None:
    lab = two_volumes([{"name": "web", "host": "HV1"}])
    vm = vm_of(lab, "web")
    disk = vm.hard_drives[0].path
    target = "E:\\disks\\" + disk.rpartition("\\")[2]
    driver = Driver(lab)
    driver.begin_storage(request(lab, to="HV1", storage=PARTS, folder="", vhds={disk.lower(): target}))
    driver.finish()
    assert vm.hard_drives[0].path == target
    assert vm.path == "D:\\Hyper-V\\web"
    assert paths(lab, "E:") == {target.lower()}


@pytest.mark.parametrize(("free", "code"), [(1, DISK_FULL), (400, FILE_EXISTS)])
def test_a_failure_leaves_everything_where_it_was(free: int, code: int) -> None:
    lab = two_volumes(free_gb=free)
    host = lab.hosts["HV1"]
    before = paths(lab, "D:")
    if code == FILE_EXISTS:
        name = vm_of(lab, "web").hard_drives[0].path.rpartition("\\")[2]
        host.storage.volumes["E:"].put(File(f"E:\\web\\Virtual Hard Disks\\{name}", 5))
    there = paths(lab, "E:")
    driver = Driver(lab)
    move = driver.begin_storage(request(lab, to="HV1", folder="E:\\web"))
    driver.finish()
    assert move.failure is not None
    assert (move.failure.cause, paths(lab, "D:"), paths(lab, "E:")) == (code, before, there)
    assert vm_of(lab, "web").path == "D:\\Hyper-V\\web"


def test_cancelling_a_job_leaves_everything_where_it_was() -> None:
    lab = two_volumes()
    driver = Driver(lab)
    move = driver.begin_storage(request(lab, to="HV1", folder="E:\\web"))
    driver.step(3)
    assert paths(lab, "E:")
    assert move.job.request_cancel()
    driver.finish()
    assert move.failure is not None
    assert (move.failure.cause, paths(lab, "E:"), move.entry["outcome"]) == (CANCELLED, set(), "cancelled")


def test_refusals() -> None:
    lab = two_volumes([{"name": f"vm{n}", "host": "HV1", "state": "Running"} for n in range(3)])
    driver = Driver(lab)
    with pytest.raises(MoveFailed) as missing:
        driver.begin_storage(request(lab, "vm0", to="HV1", folder="Z:\\x"))
    assert missing.value.cause == PATH_MISSING
    for number in range(2):
        driver.begin_storage(request(lab, f"vm{number}", to="HV1", folder=f"E:\\{number}"))
    with pytest.raises(MoveFailed) as full:
        driver.begin_storage(request(lab, "vm2", to="HV1", folder="E:\\2"))
    assert full.value.cause == "move_storage_slots"
    driver.finish()
    whole = two_volumes([{"name": "raw", "host": "HV1", "disks": [{"pass_through": 3}]}])
    with pytest.raises(MoveFailed) as fixed:
        Driver(whole).begin_storage(request(whole, "raw", to="HV1", folder="E:\\raw"))
    assert fixed.value.cause == "move_state"
