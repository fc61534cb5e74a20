# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Room on volumes, files that meet, and parent disks that would be removed with a VM."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.chains import Chains, read_all_chains
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration.decide import Seen
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration.placement import Parts, Placement
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.model import Disk, Vhd
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.model_host import Volume
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.preflight.capacity import lacking_room
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.preflight.checks import shared_targets
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.preflight.facts import (
    DiskFacts,
    HostFacts,
    MoveFacts,
    VmFacts,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.preflight.parents import (
    judge_parents,
    removed_parents,
)
from unit.fake_session import FakeSession

GOLDEN = "D:\\golden.vhdx"
FOLDER = Placement(folder="E:\\VMs")


def chains(*disks: tuple[str, str], **parents: str) -> Chains:
    """Return drives (VM, path), where the parents are given by the child's name without drive and suffix."""
    files = {path: Vhd(path=path, parent_path=parents.get(path[3:-5])) for _vm, path in disks}
    files |= {parent.lower(): Vhd(path=parent) for parent in parents.values() if parent.lower() not in files}
    return Chains(disks=tuple(Disk(vm_id=vm, path=path) for vm, path in disks), files=files)


def host() -> HostFacts:
    return HostFacts(
        inventory_name="hv01", computer_name="HV01", windows_name="HV01", migration_enabled=True,
        authentication_type="Kerberos", listeners=(), maximum_moves=2, maximum_storage_moves=2, supported_versions=(),
        vm_names={"b": "beta"},
    )  # fmt: skip


def move(vm_id: str, *disks: str, placement: Placement = FOLDER) -> MoveFacts:
    vm = VmFacts(
        id=vm_id, name=vm_id.upper(), seen=Seen(state="Off"), version="9.0", memory_bytes=1,
        disks=tuple(DiskFacts(path=disk) for disk in disks),
    )  # fmt: skip
    return MoveFacts(
        vm=vm, source=host(), destination=host(), placement=placement, switch_map={}, eject_iso=False,
        enable_compatibility=False, may_power_off=False, delegates_credentials=True,
    )  # fmt: skip


def evidence(found: dict[str, Any], vm_id: str) -> list[tuple[str, str]]:
    return [(finding.id, finding.evidence) for finding in found.get(vm_id, ())]


def test_a_parent_that_another_vm_is_based_on_stays() -> None:
    linked = chains(("a", "d:\\a.vhdx"), ("b", "d:\\b.vhdx"), a=GOLDEN.upper(), b=GOLDEN)
    found = judge_parents([move("a", "D:\\A.vhdx")], linked)
    assert evidence(found, "a") == [
        ("parent_shared", "D:\\golden.vhdx would be removed from hv01, but is also used by beta")
    ]


def test_two_that_move_together_are_no_exception() -> None:
    linked = chains(("a", "d:\\a.vhdx"), ("b", "d:\\b.vhdx"), a=GOLDEN, b=GOLDEN)
    found = judge_parents([move("a", "d:\\a.vhdx"), move("b", "d:\\b.vhdx")], linked)
    assert [len(found[vm_id]) for vm_id in "ab"] == [1, 1]


def test_a_master_that_is_a_vm_itself() -> None:
    found = judge_parents([move("a", "d:\\a.vhdx")], chains(("a", "d:\\a.vhdx"), ("b", "d:\\b.vhdx"), b="d:\\a.vhdx"))
    assert [one for one, _ in evidence(found, "a")] == ["parent_shared"]


def test_parents_of_its_own_alone_go() -> None:
    own = chains(("a", "d:\\a.vhdx"), ("a", "d:\\c.vhdx"), ("b", "d:\\b.vhdx"), a=GOLDEN, c=GOLDEN, b="d:\\other.vhdx")
    assert judge_parents([move("a", "d:\\a.vhdx", "d:\\c.vhdx")], own) == {}
    assert judge_parents([move("a", "d:\\a.vhdx", placement=Placement())], own) == {}, "nothing of it moves"


def test_a_disk_of_its_own_that_stays_keeps_its_parent() -> None:
    own = chains(("a", "d:\\a.vhdx"), ("a", "d:\\c.vhdx"), a=GOLDEN, c=GOLDEN)
    half = Placement(parts=Parts(vhds=(("d:\\a.vhdx", "e:\\a.vhdx"),)))
    ((_id, said),) = evidence(judge_parents([move("a", "d:\\a.vhdx", "d:\\c.vhdx", placement=half)], own), "a")
    assert "a disk of it that stays" in said


def test_who_uses_a_parent_on_a_share_is_not_known() -> None:
    shared = chains(("a", "d:\\a.vhdx"), a="\\\\fs\\golden.vhdx")
    found = judge_parents([move("a", "d:\\a.vhdx")], shared)
    assert [one for one, _ in evidence(found, "a")] == ["parent_users_unknown"]


def test_chains_that_cannot_be_read_block() -> None:
    session = FakeSession(
        {
            "Get-VM": lambda _p, _piped: [{"Id": "b"}],
            "Get-VMSnapshot": lambda _p, _piped: [],
            "Get-VMHardDiskDrive": lambda _p, piped: [{"VMId": "b", "Path": "d:\\b.vhdx"} for _one in piped],
            "Get-VHD": lambda _p, _piped: [],
            "Test-Path": lambda p, _piped: [True for _one in p["LiteralPath"]],
        }
    )
    found = removed_parents(session, [move("a", "d:\\a.vhdx"), move("c", placement=Placement())])
    assert [one for one, _ in evidence(found, "a")] == ["parent_users_unknown"]
    assert "c" not in found
    session.machine.on("Get-VHD", lambda p, _piped: [{"Path": path} for path in p["Path"]])
    assert read_all_chains(session).reached("D:\\B.vhdx") == ("d:\\b.vhdx",)


def test_a_volume_in_a_folder_has_room_of_its_own() -> None:
    mounts = (
        Volume(path="C:\\", drive_letter="C:", free_space=10),
        Volume(path="C:\\Mounts\\V1\\", free_space=1000),
        Volume(path="C:\\Mounts\\V10\\", free_space=10),
    )
    there = replace(host(), volumes={"C:": 10}, mounted=mounts)

    def lacking(*folders: str) -> list[str]:
        moves = []
        for number, folder in enumerate(folders):
            one = move(str(number), placement=Placement(folder=folder))
            disk = DiskFacts(path=f"D:\\{number}.vhdx", file_size=600)
            moves.append(replace(one, destination=there, vm=replace(one.vm, disks=(disk,))))
        return [finding.evidence for findings in lacking_room(moves).values() for finding in findings]

    assert lacking("c:\\mounts\\v1\\VMs") == []
    assert [evidence.split()[4] for evidence in lacking("C:\\VMs", "C:\\Mounts\\V10")] == ["C:;", "C:\\Mounts\\V10;"]
    (second,) = lacking("C:\\Mounts\\V1\\a", "C:\\Mounts\\V1\\b")
    assert "VMs before it" in second


def test_two_disks_of_one_vm_never_meet() -> None:
    found = shared_targets([move("a", "D:\\1\\disk.vhdx", "D:\\2\\DISK.vhdx"), move("b", "D:\\3\\other.vhdx")])
    assert [one for one, _ in evidence(found, "a")] == ["target_shared"]
    assert "D:\\1\\disk.vhdx" in evidence(found, "a")[0][1]
    assert "b" not in found
