# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves of the lab: phases, files, failures before and after the hand-over, slots, cancelling."""

from __future__ import annotations

import contextlib
import random
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from hyperv_lab.hyperv import contents, power
from hyperv_lab.hyperv.failures import Refused
from hyperv_lab.hyperv.migration_errors import SHARING_VIOLATION, MoveFailed
from hyperv_lab.hyperv.migration_prepare import Incompatible
from unit.lab.migration_bench import Driver, fleet, request, vm_of

if TYPE_CHECKING:
    from hyperv_lab.hyperv.fleet import Fleet

GB = 1024**3


def used(lab: Fleet) -> dict[str, int]:
    return {f"{h.name}/{v.name}": v.used for h in lab.hosts.values() for v in h.storage.volumes.values()}


def test_a_running_machine_arrives_with_its_files_and_goes_on_running() -> None:
    lab = fleet()
    vm = vm_of(lab, "web")
    before = used(lab)
    driver = Driver(lab)
    move = driver.begin(request(lab))
    assert vm.activity == "MigratingVirtualMachine"
    driver.finish()
    assert move.failure is None
    assert vm.host.name == "HV2"
    assert vm.id in lab.hosts["HV2"].vms
    assert vm.id not in lab.hosts["HV1"].vms
    assert vm.state == "Running"
    assert vm.power_ons == 0
    assert vm.moves == 1
    assert vm.activity is None
    assert vm.hard_drives[0].path == "D:\\Moved\\web\\Virtual Hard Disks\\web.vhdx"
    after = used(lab)
    assert after["HV1/D:"] == 0
    assert after["HV2/D:"] == before["HV1/D:"]
    assert not lab.hosts["HV2"].planned
    assert lab.hosts["HV1"].storage.folder_exists("D:\\Hyper-V\\web\\Virtual Hard Disks")


def test_the_bytes_of_a_disk_go_along() -> None:
    lab = fleet()
    vm = vm_of(lab, "web")
    before = contents.sha256(vm.host, vm.hard_drives[0].path)
    driver = Driver(lab)
    driver.begin(request(lab))
    driver.finish()
    assert contents.sha256(vm.host, vm.hard_drives[0].path) == before


def test_a_move_takes_the_time_of_the_slowest_part() -> None:
    lab = fleet()
    driver = Driver(lab)
    began = lab.clock.now()
    driver.begin(request(lab))
    driver.finish(0.25)
    disk = 8 * 1024 / 400
    memory = 2048 / (1000 * 0.95 * 2.5)
    took = lab.clock.now() - began
    assert 3 + disk + memory < took < 12 + disk + memory


def test_moves_share_disks_and_lines() -> None:
    vms = [{"name": f"vm{n}", "host": "HV1", "state": "Off"} for n in range(2)]
    alone, together = fleet(vms=vms), fleet(vms=vms)
    times = []
    for lab, names in ((alone, ["vm0"]), (together, ["vm0", "vm1"])):
        driver = Driver(lab)
        for name in names:
            driver.begin(request(lab, name))
        began = lab.clock.now()
        driver.finish(0.25)
        times.append(lab.clock.now() - began)
    assert times[1] - times[0] > 0.8 * 8 * 1024 / 400


def test_percents_never_go_back_and_end_at_a_hundred() -> None:
    lab = fleet()
    driver = Driver(lab)
    move = driver.begin(request(lab))
    seen = []
    while driver.running:
        seen.append(move.job.percent)
        driver.step(0.5)
    assert seen == sorted(seen)
    assert len(set(seen)) > 5
    assert max(seen) < 100
    assert move.job.percent == 100


@pytest.mark.parametrize("phase", ["storage", "memory", "handover"])
def test_a_failure_before_the_hand_over_leaves_the_machine_at_the_source(phase: str) -> None:
    lab = fleet(vms=[{"name": "web", "host": "HV1", "state": "Running", "faults": [{"phase": phase}]}])
    vm = vm_of(lab, "web")
    before = used(lab)
    driver = Driver(lab)
    move = driver.begin(request(lab))
    driver.finish()
    assert vm.host.name == "HV1"
    assert vm.state == "Running"
    assert vm.activity is None
    assert "(0x80072746)" in move.job.error_text
    assert move.job.state == 7
    assert move.job.error_code != 0
    there = lab.hosts["HV2"]
    assert vm.id in there.planned
    assert there.storage.volumes["D:"].used > 0
    assert used(lab)["HV1/D:"] == before["HV1/D:"]
    with pytest.raises(MoveFailed, match="0x80071392"):
        driver.begin(request(lab))


def test_a_failed_clean_up_leaves_files_at_the_source_and_the_machine_at_the_destination() -> None:
    lab = fleet(vms=[{"name": "web", "host": "HV1", "state": "Running", "faults": [{"phase": "cleanup"}]}])
    driver = Driver(lab)
    before = used(lab)["HV1/D:"]
    move = driver.begin(request(lab))
    driver.finish()
    assert vm_of(lab, "web").host.name == "HV2"
    assert used(lab)["HV1/D:"] == before
    assert move.job.error_code != 0
    assert not lab.hosts["HV1"].incoming


def test_a_cancelled_move_leaves_nothing_at_the_destination() -> None:
    lab = fleet()
    driver = Driver(lab)
    move = driver.begin(request(lab))
    driver.step(10)
    driver.step(10)
    assert lab.hosts["HV2"].storage.volumes["D:"].used > GB
    assert move.job.request_cancel()
    driver.step(0.1)
    assert not driver.running
    assert vm_of(lab, "web").host.name == "HV1"
    assert lab.hosts["HV2"].storage.volumes["D:"].used == 0
    assert not lab.hosts["HV2"].planned
    assert move.job.state == 8
    driver.begin(request(lab))
    driver.finish()
    assert vm_of(lab, "web").host.name == "HV2"


def test_a_move_is_refused_at_once_when_either_host_has_no_slot_left() -> None:
    vms = [{"name": f"vm{n}", "host": "HV1", "state": "Running"} for n in range(3)]
    lab = fleet(vms=vms)
    driver = Driver(lab)
    driver.begin(request(lab, "vm0"))
    driver.begin(request(lab, "vm1"))
    with pytest.raises(MoveFailed, match="move_slots"):
        driver.begin(request(lab, "vm2"))
    assert not [vm for vm in lab.hosts["HV2"].planned.values() if vm.name == "vm2"]
    driver.finish()
    driver.begin(request(lab, "vm2"))


def test_storage_slots_count_moves_with_storage_only() -> None:
    share = "\\\\files\\vms"
    on_share = {"name": "light", "host": "HV1", "path": share + "\\light", "disks": [{"path": share + "\\light.vhdx"}]}
    vms: list[dict[str, Any]] = [on_share, *({"name": f"vm{n}", "host": "HV1"} for n in range(2))]
    lab = fleet(
        vms=vms,
        shares=[{"path": share, "size_gb": 1000}],
        defaults={
            "edition": "2022",
            "cpu": "skylake",
            "migration": {"enabled": True, "any_network": True, "slots": 4, "storage_slots": 1},
        },
    )
    driver = Driver(lab)
    driver.begin(request(lab, "vm0"))
    with pytest.raises(MoveFailed, match="move_storage_slots"):
        driver.begin(request(lab, "vm1"))
    driver.begin(request(lab, "light", storage="nothing", folder=""))
    driver.finish()
    light = vm_of(lab, "light")
    assert light.host.name == "HV2"
    assert light.hard_drives[0].path == share + "\\light.vhdx"
    assert lab.shares[share.lower()].files[light.hard_drives[0].path.lower()].size == 8 * GB


def test_memory_that_is_gone_when_it_is_needed_fails_the_move_after_the_copy() -> None:
    lab = fleet(vms=[{"name": "web", "host": "HV1", "state": "Running", "memory_mb": 8192}])
    driver = Driver(lab)
    move = driver.begin(request(lab))
    driver.step(5)
    lab.hosts["HV2"].memory = 8 * GB
    driver.finish()
    assert "(0x800705AA)" in move.job.error_text
    assert vm_of(lab, "web").host.name == "HV1"
    assert not lab.hosts["HV2"].planned
    assert lab.hosts["HV2"].storage.volumes["D:"].used == 0


def test_a_disk_that_fills_up_fails_the_move() -> None:
    lab = fleet()
    driver = Driver(lab)
    move = driver.begin(request(lab))
    driver.step(5)
    volume = lab.hosts["HV2"].storage.volumes["D:"]
    volume.other += volume.free - GB // 4
    driver.finish()
    assert "(0x80070070)" in move.job.error_text
    assert vm_of(lab, "web").host.name == "HV1"
    assert volume.used == 0


def test_a_restart_of_the_destination_leaves_ruins_and_one_of_the_source_forgets_the_job() -> None:
    for name in ("HV1", "HV2"):
        lab = fleet()
        driver = Driver(lab)
        move = driver.begin(request(lab))
        driver.step(10)
        lab.hosts[name].reboot(30)
        driver.finish()
        vm = vm_of(lab, "web")
        assert vm.host.name == "HV1"
        assert vm.id in lab.hosts["HV2"].planned
        assert vm.activity is None
        assert (move.job.identifier in lab.hosts["HV1"].jobs) == (name == "HV2")


def test_checkpoints_move_with_their_chain_and_a_foreign_parent_stays() -> None:
    parent = "D:\\Base\\gold.vhdx"
    disks = [{"path": "D:\\Hyper-V\\web\\web.vhdx", "parent": parent}]
    vms = [{"name": "web", "host": "HV1", "disks": disks, "checkpoints": [{"name": "one"}, {"name": "two"}]}]
    lab = fleet(vms=vms)
    driver = Driver(lab)
    driver.begin(request(lab))
    driver.finish()
    vm = vm_of(lab, "web")
    chain = lab.hosts["HV2"].storage.chain(vm.hard_drives[0].path)
    assert len(chain) == 4
    assert all(file.path.startswith("D:\\Moved\\web\\Virtual Hard Disks\\") for file in chain)
    assert lab.hosts["HV1"].storage.file(parent) is not None
    assert lab.hosts["HV1"].storage.file(disks[0]["path"]) is None
    assert [snapshot.host.name for snapshot in vm.snapshots] == ["HV2", "HV2"]
    assert vm.snapshots[0].hard_drives[0].path == "D:\\Moved\\web\\Virtual Hard Disks\\web.vhdx"


def with_one_parent(parent: str, **other: Any) -> Fleet:
    """Return a fleet whose machines "web" and "other" have disks on one parent."""
    vms = [
        {"name": name, "host": "HV1", "disks": [{"path": f"D:\\Hyper-V\\{name}.vhdx", "parent": parent}], **more}
        for name, more in (("web", {}), ("other", other))
    ]
    return fleet(vms=vms)


def test_a_parent_goes_away_when_asked_for_whoever_else_needs_it() -> None:
    parent = "D:\\Base\\gold.vhdx"
    lab = with_one_parent(parent)
    driver = Driver(lab)
    driver.begin(request(lab, "web", remove_parents=True))
    driver.finish()
    assert lab.hosts["HV1"].storage.file(parent) is None
    with pytest.raises(Refused) as caught:
        power.start(vm_of(lab, "other"))
    assert (caught.value.kind, caught.value.values["path"]) == ("disk_missing", parent)


def test_a_parent_that_a_running_machine_holds_stays_and_the_clean_up_fails() -> None:
    parent = "D:\\Base\\gold.vhdx"
    lab = with_one_parent(parent, state="Running")
    driver = Driver(lab)
    move = driver.begin(request(lab, "web", remove_parents=True))
    driver.finish()
    assert move.failure is not None
    assert move.failure.cause == SHARING_VIOLATION
    assert vm_of(lab, "web").host.name == "HV2"
    assert lab.hosts["HV1"].storage.file(parent) is not None
    assert lab.hosts["HV1"].storage.file("D:\\Hyper-V\\web.vhdx") is None


def test_processors_decide_for_running_machines_and_memory_states_only() -> None:
    hosts = [{"name": "HV1", "cpu": "icelake"}, {"name": "HV2", "cpu": "haswell"}]
    vms: list[dict[str, Any]] = [
        {"name": "on", "host": "HV1", "state": "Running"},
        {"name": "limited", "host": "HV1", "state": "Running", "compatibility": True},
        {"name": "off", "host": "HV1", "checkpoints": [{"name": "plain"}]},
        {"name": "kept", "host": "HV1", "checkpoints": [{"name": "memory", "memory_state": True}]},
        {"name": "saved", "host": "HV1", "state": "Saved"},
    ]
    lab = fleet(vms=vms, hosts=hosts)
    driver = Driver(lab)
    for name in ("on", "kept", "saved"):
        with pytest.raises(Incompatible) as refused:
            driver.begin(request(lab, name))
        assert len(refused.value.found) == 3
        assert not lab.hosts["HV2"].planned
    for name in ("limited", "off"):
        driver.begin(request(lab, name))
        driver.finish()


def test_every_machine_exists_once_whatever_happens() -> None:
    for seed in range(25):
        _random_schedule(random.Random(seed))


def _random_schedule(chance: random.Random) -> None:
    phases = ("storage", "memory", "handover", "cleanup")
    vms: list[dict[str, Any]] = [
        {
            "name": f"vm{n}",
            "host": f"HV{n % 3 + 1}",
            "state": chance.choice(["Running", "Off", "Saved"]),
            "faults": [{"phase": chance.choice(phases)}] if chance.random() < 0.3 else [],
        }
        for n in range(9)
    ]
    lab = fleet(3, vms)
    homes = {vm.id: vm.power_ons for host in lab.hosts.values() for vm in host.vms.values()}
    driver = Driver(lab)
    for _ in range(60):
        deed = chance.random()
        if deed < 0.4:
            name, to = f"vm{chance.randrange(9)}", f"HV{chance.randrange(3) + 1}"
            with contextlib.suppress(MoveFailed):
                driver.begin(request(lab, name, to, folder=f"D:\\{uuid.UUID(int=chance.getrandbits(128))}"))
        elif deed < 0.5 and driver.running:
            chance.choice(driver.running)[0].job.request_cancel()
        elif deed < 0.53:
            chance.choice(list(lab.hosts.values())).reboot(5)
        elif deed < 0.6:
            for host in lab.hosts.values():
                for planned in [p for p in host.planned.values() if not p.activity]:
                    host.planned.pop(planned.id)
        else:
            driver.step(chance.uniform(0.1, 30))
        _consistent(lab, homes)
    driver.finish()
    _consistent(lab, homes)
    for host in lab.hosts.values():
        assert not host.incoming
        assert not host.storage_moves
        assert not host.reserved
    done = [entry for entry in lab.moves if entry["outcome"] == "moved"]
    assert sum(vm.moves for host in lab.hosts.values() for vm in host.vms.values()) == len(done)


def _consistent(lab: Fleet, homes: dict[Any, int]) -> None:
    found = [vm for host in lab.hosts.values() for vm in host.vms.values()]
    assert sorted(vm.id for vm in found) == sorted(homes)
    for host in lab.hosts.values():
        for vm in host.vms.values():
            assert vm.host is host
            for drive in vm.hard_drives:
                file = host.storage.file(drive.path)
                assert file is not None
                assert file.size == 8 * GB
        for volume in host.storage.volumes.values():
            assert volume.used == sum(file.size for file in volume.files.values())
