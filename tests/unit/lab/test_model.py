# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model without cmdlets: clock, files, power, sign-in, faults."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from hyperv_lab.hyperv import accounts, power
from hyperv_lab.hyperv import fleet as fleets
from hyperv_lab.hyperv.clock import Clock
from hyperv_lab.hyperv.cmdlets_cim import GetCimInstance
from hyperv_lab.hyperv.cpu import CPU_MODELS
from hyperv_lab.hyperv.failures import Refused
from hyperv_lab.hyperv.faults import HostFault
from hyperv_lab.hyperv.fleet_vms import features_now
from hyperv_lab.hyperv.storage import GB, DiskFull, File, FileExists, Volume
from unit.lab.migration_bench import run


def still(vm: dict[str, Any] | None = None, **host: Any) -> Any:
    """Return a host whose clock stands, with one machine."""
    content = {
        "hosts": [{"name": "A", **host}],
        "vms": [{"name": "v", "host": "A", **(vm or {})}],
        "directory": {
            "accounts": [
                {"name": "boss", "password": "x", "groups": ["Domain Admins"]},
                {"name": "op", "password": "x"},
                {"name": "gone", "password": "x", "enabled": False},
            ]
        },
    }
    return fleets.parse(content, speed=0).hosts["A"]


def only(host: Any) -> Any:
    return next(iter(host.vms.values()))


def test_a_standing_clock_wakes_who_waits_when_it_is_moved() -> None:
    clock = Clock(0)
    seen: list[bool] = []
    thread = threading.Thread(target=lambda: seen.append(clock.wait(lambda: clock.now() >= 10, seconds=100)))
    thread.start()
    clock.advance(5)
    assert thread.is_alive()
    clock.advance(5)
    thread.join(5)
    assert seen == [True]


def test_waiting_ends_at_the_deadline_and_when_stopped() -> None:
    assert not Clock(1000).wait(lambda: False, seconds=20)
    stopping = threading.Event()
    stopping.set()
    assert not Clock(0).wait(lambda: False, stopping=stopping)


def test_files_take_room_and_names() -> None:
    volume = Volume(name="D:", size=10 * GB, other=4 * GB)
    volume.put(File("D:\\a\\b\\one.vhdx", 5 * GB))
    assert volume.free == 1 * GB
    with pytest.raises(FileExists):
        volume.put(File("d:\\A\\B\\ONE.VHDX", 1))
    with pytest.raises(DiskFull):
        volume.put(File("D:\\two", 2 * GB))
    with pytest.raises(DiskFull):
        volume.resize("D:\\a\\b\\one.vhdx", 7 * GB)
    volume.take("D:\\a\\b\\one.vhdx")
    assert volume.free == 6 * GB
    assert "d:\\a\\b" in volume.folders


def test_processors_differ_by_vendor_and_generation() -> None:
    new, old = CPU_MODELS["icelake"], CPU_MODELS["skylake"]
    host = still({"state": "Running"}, cpu="icelake")
    features = features_now(only(host))
    assert features.runs_on(new)
    assert not features.runs_on(old)
    only(host).processor.compatibility_for_migration_enabled = True
    limited = features_now(only(host))
    assert limited.runs_on(old)
    assert not limited.runs_on(CPU_MODELS["milan"])


def test_starting_takes_time_and_the_guest_answers_later() -> None:
    host = still({"guest": {"boot_seconds": 10}})
    vm, clock = only(host), host.fleet.clock
    assert power.start(vm)
    assert vm.state == "Starting"
    clock.advance(3)
    assert vm.state == "Running"
    assert vm.heartbeat.name == "NoContact"
    clock.advance(10)
    assert vm.heartbeat.name == "OkApplicationsHealthy"
    assert vm.power_ons == 1
    assert [event.kind for event in host.fleet.events] == ["power_on"]


def test_the_flag_is_read_at_power_on_not_at_a_restart() -> None:
    host = still()
    vm = only(host)
    power.start(vm)
    host.fleet.clock.advance(60)
    vm.processor.compatibility_for_migration_enabled = True
    assert not vm.cpu.limited
    power.turn_off(vm)
    host.fleet.clock.advance(60)
    assert vm.state == "Off"
    turned_off = vm.cpu
    assert turned_off is None
    power.start(vm)
    assert vm.cpu.limited


def test_a_guest_shuts_down_in_its_own_time_or_not_at_all() -> None:
    host = still({"state": "Running", "guest": {"shutdown_seconds": 5}})
    assert power.shut_down(only(host)) == 5
    assert only(host).state == "Stopping"
    with pytest.raises(Refused):
        power.start(only(host))
    host.fleet.clock.advance(6)
    assert only(host).state == "Off"
    stubborn = only(still({"state": "Running", "guest": {"ignores_shutdown": True}}))
    assert power.shut_down(stubborn) is None


def test_memory_is_asked_for_at_the_start() -> None:
    host = still({"memory_mb": 20 * 1024}, memory_gb=16)
    with pytest.raises(Refused) as caught:
        power.start(only(host))
    assert caught.value.kind == "out_of_memory"


def chained(*names: str) -> tuple[Any, list[Any], File]:
    """Return a host with machines whose disks lie on one base, the machines, and the base."""
    content = {
        "hosts": [{"name": "A"}],
        "vms": [
            {"name": name, "host": "A", "disks": [{"parent": "D:\\Base\\base.vhdx", "type": "Differencing"}]}
            for name in names
        ],
    }
    host = fleets.parse(content, speed=0).hosts["A"]
    vms = sorted(host.vms.values(), key=lambda vm: vm.name)
    base = host.storage.file("D:\\Base\\base.vhdx")
    assert base is not None
    return host, vms, base


def refused_start(vm: Any) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        power.start(vm)
    assert vm.state == "Off"
    return caught.value.kind, caught.value.values["path"]


def test_a_machine_does_not_start_on_a_broken_or_damaged_chain() -> None:
    host, (vm,), base = chained("v")
    leaf = host.storage.file(vm.hard_drives[0].path)
    host.storage.volume(base.path).take(base.path)
    assert refused_start(vm) == ("disk_missing", base.path)
    host.storage.volume(base.path).put(base)
    base.disk, kept = None, base.disk
    assert refused_start(vm) == ("disk_damaged", base.path)
    base.disk, base.writing = kept, True
    assert refused_start(vm) == ("disk_in_use", base.path)
    base.writing, leaf.disk = False, None
    assert refused_start(vm) == ("disk_damaged", leaf.path)
    host.storage.volume(leaf.path).take(leaf.path)
    assert refused_start(vm) == ("disk_missing", leaf.path)


def test_running_machines_share_a_parent_but_not_what_one_of_them_writes() -> None:
    _host, (one, other, third), base = chained("a", "b", "c")
    assert power.start(one)
    assert power.start(other)
    third.hard_drives[0].path = base.path
    assert refused_start(third) == ("disk_in_use", base.path)
    third.hard_drives[0].path = one.hard_drives[0].path
    assert refused_start(third) == ("disk_in_use", one.hard_drives[0].path)
    power.turn_off(one)
    power.turn_off(other)
    one.host.fleet.clock.advance(60)
    assert power.start(third)
    assert refused_start(one) == ("disk_in_use", one.hard_drives[0].path)


def test_a_saved_machine_keeps_its_features_and_its_file_has_its_memory() -> None:
    host = still({"state": "Running", "memory_mb": 4096})
    vm = only(host)
    before, features = host.storage.volumes["D:"].free, vm.cpu
    power.save(vm)
    host.fleet.clock.advance(60)
    assert vm.state == "Saved"
    assert vm.cpu is features
    assert before - host.storage.volumes["D:"].free > 3.9 * GB
    host.cpu = CPU_MODELS["skylake"]
    with pytest.raises(Refused) as caught:
        power.start(vm)
    assert caught.value.kind == "saved_state_incompatible"


def test_a_restart_of_the_host_saves_and_brings_back() -> None:
    host = still({"state": "Running"})
    host.reboot(60)
    assert not host.up()
    assert only(host).state == "Saved"
    host.fleet.clock.advance(61)
    assert host.up()
    assert only(host).state == "Running"
    assert host.on_request("create", None) == "restart_winrm"
    assert host.on_request("create", None) is None


def test_who_may_sign_in_and_what_the_token_holds() -> None:
    host = still(groups={"Hyper-V Administrators": ["LAB\\op"], "Remote Management Users": ["LAB\\op"]})
    by_name = {account.username: account for account in host.fleet.domain_accounts()}
    boss = host.sign_in(by_name["boss"], "credssp")
    assert accounts.ADMINISTRATORS in boss.groups
    assert boss.delegable
    op = host.sign_in(by_name["op"], "ntlm")
    assert accounts.HYPERV_ADMINISTRATORS in op.groups
    assert accounts.ADMINISTRATORS not in op.groups
    assert not op.delegable
    assert host.sign_in(by_name["gone"], "ntlm") is None
    assert still().sign_in(by_name["op"], "ntlm") is None
    local = host.sign_in(host.local_accounts()[0], "credssp")
    assert not local.delegable


def test_faults_meet_the_requests_they_are_for() -> None:
    host = still(
        faults=[
            {"request": 3, "action": "drop"},
            {"operation": "receive", "request": 1, "action": "http", "status": 503},
        ]
    )
    played = [host.on_request(operation, None) for operation in ("create", "receive", "command", "send")]
    assert played == [None, "http:503", "drop", None]


def test_chance_is_the_same_for_the_same_seed() -> None:
    def play() -> list[str | None]:
        host = still(faults=[{"operation": "receive", "probability": 0.3, "seed": 7, "action": "drop"}])
        return [host.on_request("receive", None) for _ in range(50)]

    first = play()
    assert first == play()
    assert 5 < first.count("drop") < 25


def test_a_disk_fills_at_its_moment() -> None:
    host = still(faults=[{"after_seconds": 30, "action": "fill_disk", "volume": "D", "leave_gb": 1}])
    assert host.up()
    assert host.storage.volumes["D:"].free > 100 * GB
    host.fleet.clock.advance(31)
    assert host.up()
    assert host.storage.volumes["D:"].free == 1 * GB


def test_a_restarting_service_is_away_for_its_seconds() -> None:
    host = still()
    host.reboot(60)
    start = host.fleet.clock.start + timedelta(seconds=60)
    assert booted(host) == start
    host.fleet.clock.advance(61)
    assert host.on_request("create", None) == "restart_winrm"
    host.faults.planned = [HostFault(action="restart_winrm", after_seconds=66, seconds=20)]
    host.fleet.clock.advance(6)
    assert not host.up()
    host.fleet.clock.advance(21)
    assert host.up()
    assert host.on_request("receive", "shell") == "restart_winrm"
    assert booted(host) == start, "the host itself went on"


def booted(host: Any) -> Any:
    """Return LastBootUpTime."""
    (system,) = run(GetCimInstance, host, ClassName="Win32_OperatingSystem").written
    return system.values["LastBootUpTime"]


def test_a_host_listens_only_when_enabled_with_a_network() -> None:
    host = still(migration={"enabled": True})
    assert host.listener_addresses() == []
    host.migration.any_network = True
    assert host.listener_addresses() == ["10.20.0.1"]
    host.migration.enabled = False
    assert host.listener_addresses() == []
