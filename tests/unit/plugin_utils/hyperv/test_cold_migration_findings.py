# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cold migration finds before anything is stopped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.findings import Severity
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.migration import findings
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.migration.decide import FORWARD, Step
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.migration.findings import (
    ColdMove,
    GuestSystem,
    check,
    cmdlets_missing,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.migration.places import Places
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.migration.request import ColdRequest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.migration.room import Lying
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration.decide import Seen
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.model_host import Volume
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.preflight.facts import (
    AdapterFacts,
    DiskFacts,
    HostFacts,
    VmFacts,
)

GB = 1024**3
STEPS = tuple(step for step in FORWARD if step is not Step.ADDRESS)
SOURCE = HostFacts(
    inventory_name="hv01", computer_name="HV01", windows_name="HV01", migration_enabled=False, authentication_type="",
    listeners=(), maximum_moves=0, maximum_storage_moves=0, supported_versions=("9.0",), cpu_vendor="GenuineIntel",
    cpu_family=6, cpu_model=85, memory_free=64 * GB, build=17763, logical_processors=16,
    volumes={"C:": 20 * GB, "D:": 500 * GB}, switches=frozenset({"LAN"}), sids=frozenset({"S-1-5-32-544"}),
    default_path="D:\\VMs",
)  # fmt: skip
MOUNTED = (
    Volume(path="D:\\", drive_letter="D:", free_space=500 * GB), Volume(path="D:\\Mounted\\", free_space=9 * GB)
)  # fmt: skip
DESTINATION = replace(
    SOURCE, inventory_name="hv02", computer_name="HV02", windows_name="HV02", cpu_vendor="AuthenticAMD", build=20348
)
VM = VmFacts(
    id="a", name="web", seen=Seen(state="Running"), version="9.0", memory_bytes=4 * GB, processor_count=2,
    disks=(DiskFacts(path="D:\\VMs\\web\\a.vhdx", file_size=10 * GB),),
    adapters=(AdapterFacts(id="n", name="Network Adapter", switch="LAN"),),
)  # fmt: skip


PLACES = Places(export="D:\\Hyper-V Exports", share="\\\\HV01\\D$\\Hyper-V Exports", tree="D:\\VMs", home="D:\\VMs")


def windows(name: str, version: str) -> GuestSystem:
    return GuestSystem(name=name, version=version, is_windows=True)


SERVER_2019 = windows("Windows Server 2019 Standard", "10.0.17763")


def move(**more: Any) -> ColdMove:
    vm = replace(VM, **more.pop("vm", {}))
    return ColdMove(
        **{
            "vm": vm,
            "source": replace(SOURCE, **more.pop("source", {})),
            "destination": replace(DESTINATION, **more.pop("destination", {})),
            "places": replace(PLACES, **more.pop("folders", {})),
            "request": ColdRequest(destination="hv02", **more.pop("request", {})),
            "steps": STEPS,
            "size": 10 * GB,
            "shutdown_enabled": True,
            "guest": SERVER_2019,
            **more,
        }
    )


def ids(one: ColdMove, severity: Severity | None = None) -> list[str]:
    return [found.id for found in check([one])[one.vm.id] if severity in (None, found.severity)]


def test_intel_to_amd_is_fine_for_a_vm_that_will_be_off() -> None:
    assert ids(move()) == []


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"vm": {"seen": Seen(state="Saved")}, "steps": STEPS[1:]},
         ["cpu_vendor_differs", "vm_state_prevents_power_off"]),
        ({"vm": {"seen": Seen(state="Saved")}, "destination": {"cpu_vendor": "GenuineIntel"}},
         ["vm_state_prevents_power_off"]),
        ({"vm": {"memory_checkpoints": ("before update",)}}, ["cpu_vendor_differs"]),
        ({"vm": {"seen": Seen(state="Paused")}}, ["vm_state_prevents_power_off"]),
        ({"vm": {"seen": Seen(state="Paused")}, "request": {"power": "force"}}, []),
        ({"request": {"power": "require_off"}}, ["vm_not_off"]),
        ({"shutdown_enabled": False}, ["shutdown_service_disabled"]),
        ({"shutdown_enabled": False, "request": {"power": "force"}}, []),
        ({"shutdown_enabled": None}, []),
        ({"vm": {"version": "12.0"}}, ["configuration_version_unsupported"]),
        ({"vm": {"version": "5.0"}}, ["configuration_version_unsupported"]),
        ({"vm": {"processor_count": 17}}, ["processors_insufficient"]),
        ({"vm": {"processor_count": 17}, "request": {"limit_processors": True}}, []),
        ({"vm": {"clustered": True}}, ["vm_clustered"]),
        ({"vm": {"name": 'the "old" one'}}, ["export_name_impossible"]),
        ({"vm": {"name": " . "}}, ["export_name_impossible"]),
        ({"vm": {"name": "ends in a dot."}}, []),
        ({"vm": {"name": "O'Brien – $x 测试 [a-z]"}}, []),
        ({"vm": {"replication_mode": "Replica"}}, ["replication_replica"]),
        ({"vm": {"disks": (DiskFacts(path=None, disk_number=3),)}}, ["pass_through_disk"]),
        ({"vm": {"disks": (DiskFacts(path="D:\\a.vhds", shared=True),)}}, ["shared_disk"]),
        ({"vm": {"adapters": (AdapterFacts(id="n", name="A", switch="DMZ"),)}}, []),
        ({"vm": {"adapters": (AdapterFacts(id="n", name="A", switch="DMZ", checkpoint="old"),)}}, ["switch_missing"]),
        ({"vm": {"adapters": (AdapterFacts(id="n", name="A", switch="DMZ", checkpoint="old"),)},
          "switch_map": {"DMZ": "LAN"}}, []),
        ({"vm": {"isos": ("D:\\iso\\a.iso",)}}, ["iso_missing"]),
        ({"source": {"sids": frozenset({"S-1-5-32-545"})}}, ["caller_lacks_rights"]),
        ({"source": {"volumes": {"D:": 9 * GB}}}, ["export_space_insufficient"]),
        ({"destination": {"volumes": {"D:": 9 * GB}}}, ["space_insufficient"]),
        ({"destination": {"volumes": {"D:": 19 * GB}}, "request": {"import_mode": "restore"}}, ["space_insufficient"]),
        ({"destination": {"volumes": {"D:": 19 * GB, "E:": 11 * GB}}, "request": {"import_mode": "restore"},
          "folders": {"tree": "E:\\trees"}}, []),
        ({"destination": {"volumes": {"D:": 9 * GB, "E:": 99 * GB}}, "request": {"import_mode": "restore"},
          "folders": {"tree": "E:\\trees"}}, ["space_insufficient"]),
        ({"destination": {"volumes": {"D:": 9 * GB}}, "lying": Lying(brought=2 * GB)}, []),
        ({"source": {"volumes": {"D:": 9 * GB}}, "lying": Lying(freed=2 * GB)}, []),
        ({"source": {"volumes": {"D:": 0}}, "lying": Lying(writing=True)}, []),
        ({"source": {"mounted": MOUNTED}, "folders": {"export": "D:\\Mounted\\x"}}, ["export_space_insufficient"]),
        ({"source": {"mounted": MOUNTED}, "folders": {"export": "D:\\Mounted 2"}}, []),
        ({"destination": {"volumes": {"C:": 900 * GB}}}, ["drive_missing"]),
        ({"destination": {"memory_free": 3 * GB}}, ["memory_insufficient"]),
        ({"destination": {"memory_free": 3 * GB}, "steps": STEPS[:6]}, []),
        ({"destination": {"vm_names": {"b": "WEB"}}}, []),
    ],
)  # fmt: skip
def test_what_blocks(more: dict[str, Any], expected: list[str]) -> None:
    assert ids(move(**more), Severity.BLOCKING) == expected


def test_hops_are_named() -> None:
    (found,) = check([move(vm={"version": "5.0"}, destination={"supported_versions": ("8.0", "9.0", "10.0")})])["a"]
    assert "2016 or 2019" in found.remedy
    (found,) = check([move(vm={"version": "12.0"})])["a"]
    assert "2025" in found.remedy


def test_an_adapter_without_a_switch_is_said() -> None:
    alone = (
        AdapterFacts(id="n", name="Backup", switch=None),
        AdapterFacts(id="m", name="old", switch="", checkpoint="c"),
    )
    (found,) = check([move(vm={"adapters": alone})])["a"]
    assert (found.id, found.severity) == ("adapter_not_connected", Severity.INFO)
    assert "'Backup'" in found.evidence
    assert ids(move(vm={"adapters": alone}, steps=STEPS[-1:])) == []


def test_what_only_warns() -> None:
    assert ids(move(destination={"vm_names": {"b": "WEB"}})) == ["name_taken"]
    assert ids(move(vm={"replication_mode": "Primary"})) == ["replication_primary"]
    assert ids(move(vm={"seen": Seen(state="Running", statuses=frozenset({"BackingUpVirtualMachine"}))})) == [
        "backup_running"
    ]


@pytest.mark.parametrize(
    ("guest", "build", "expected"),
    [
        (None, 20348, ["guest_system_unknown"]),
        (GuestSystem(), 20348, ["guest_system_unknown"]),
        (windows("Windows Server 2025 Datacenter", "10.0.26100"), 17763, ["guest_system_unsupported"]),
        (windows("Windows Server 2025 Datacenter", "10.0.26100"), 20348, []),
        (windows("Windows Server 2022 Standard", "10.0.20348"), 14393, ["guest_system_unsupported"]),
        (windows("Windows 11 Pro", "10.0.26100"), 17763, []),
        (windows("Windows Server 2003", "5.2.3790"), 20348, ["guest_system_unsupported"]),
        (GuestSystem(name="Ubuntu", version="6.8.0-41-generic"), 9600, []),
        (windows("Windows Server 2025", "10.0.26100"), None, []),
    ],
)
def test_guests_are_held_against_the_published_list(
    guest: GuestSystem | None, build: int | None, expected: list[str]
) -> None:
    found = move(guest=guest, destination={"build": build})
    assert ids(found) == expected
    assert not ids(found, Severity.BLOCKING)


def test_each_vm_counts_with_those_before_it_and_one_that_does_not_fit_does_not() -> None:
    volumes = {"D:": 25 * GB}
    moves = [
        move(source={"volumes": volumes}, vm={"id": name}, size=size * GB)
        for name, size in (("a", 10), ("b", 20), ("c", 10), ("d", 10))
    ]
    blocked = [name for name, found in check(moves).items() if any(one.severity is Severity.BLOCKING for one in found)]
    assert blocked == ["b", "d"]
    assert "10240 MB" in check(moves)["d"][0].evidence or "20480 MB" in check(moves)["d"][0].evidence


def test_an_export_that_is_there_needs_no_room_on_the_source() -> None:
    left = STEPS[STEPS.index(Step.TRANSFER) :]
    assert ids(move(source={"volumes": {"D:": 1}}, steps=left)) == []


def test_what_other_rooms_found_is_passed_on() -> None:
    other = cmdlets_missing("hv01", "6.1.7601")
    assert "2008 R2" in other.evidence
    assert "2012" in other.remedy
    assert "vm_host_feature" in cmdlets_missing("hv01", "10.0.20348").remedy
    assert check([move(others=(other,))])["a"] == (other,)


def test_a_finding_about_the_vm_names_the_vm() -> None:
    for predicate in findings._OWN:
        for found in predicate(move(guest=None, request={"power": "require_off"}, vm={"processor_count": 99})):
            assert found.subject == "web"


def long_id(name: str = "web", **more: Any) -> ColdMove:
    return move(vm={"id": "aaaaaaaa-1111-1111-1111-111111111111", "name": name}, **more)


def test_names_that_files_can_not_get_are_found_before_anything_is_stopped() -> None:
    far = Places(export="D:\\E", share="\\\\HV01\\D$\\E", tree="D:\\" + "f" * 130)
    assert ids(long_id(places=far)) == ["transfer_path_too_long"]
    assert ids(long_id(places=far, request={"transfer_method": "external"})) == []
    assert ids(long_id(places=replace(far, export=far.tree, tree="D:\\VMs"))) == []
    longer = replace(far, export="D:\\" + "f" * 215, tree="D:\\VMs")
    assert ids(long_id(places=longer)) == ["export_path_too_long"]
    assert ids(long_id(places=longer, steps=(Step.TRANSFER, Step.IMPORT))) == []
    assert ids(long_id(name="web[1]")) == []
    assert ids(long_id(name="web[1]", request={"transfer_method": "http"})) == ["web_name_has_brackets"]
