# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removal and rollback never take the last good copy: not when killed, not when the hosts are not as they were left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import NotPossible
from ansible_collections.hyperv.mobility.plugins.plugin_utils.findings import Finding, Severity
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.migration import legs, marks, returning
from unit.fake_session import Refused
from unit.plugin_utils.hyperv.fake_cold_migration import (
    DESTINATION,
    DISK,
    SOURCE,
    Killed,
    World,
    changes_of,
    finding_ids,
    migrated,
    row,
    source_gone,
)
from unit.two_hosts import vm_id

BASE = "C:\\Images\\base.vhdx"
BACK: dict[str, Any] = {"rollback": True, "remove_destination": True}


def copy_is_safe(world: World) -> None:
    """Assert that the copy at the destination is as a finished migration left it."""
    assert world.copy()["State"] == "Running"
    assert DISK.lower() in world.files[DESTINATION]


def test_a_rollback_after_a_killed_removal_keeps_the_only_good_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever change of the removal was its last one: nothing stops, and nothing goes, at the destination."""
    for number in range(1, changes_of(monkeypatch, migrated, remove_source=True)):
        world = World(monkeypatch)
        world.add("web")
        world.go()
        world.kill_at = (world.changes + number, "after")
        with pytest.raises(Killed):
            world.go(remove_source=True)
        count = world.changes
        for check_mode in (True, False):
            outcome = world.go(check_mode=check_mode, **BACK)
            assert outcome.failure is not None
            assert finding_ids(outcome) == ["source_removal_begun"]
        assert world.changes == count
        copy_is_safe(world)
        assert row(world.go(remove_source=True))["outcome"] == "source_removed"
        source_gone(world)


@pytest.mark.parametrize("check_mode", [True, False])
def test_nothing_goes_back_to_a_source_without_its_disks(world: World, check_mode: bool) -> None:
    world.go()
    world.files[SOURCE].discard(DISK.lower())
    count = world.changes
    outcome = world.go(check_mode=check_mode, **BACK)
    assert outcome.failure is not None
    assert finding_ids(outcome) == ["source_disks_missing"]
    assert world.changes == count
    copy_is_safe(world)


def test_a_parent_that_is_missing_counts_as_a_missing_disk(world: World) -> None:
    world.go()
    world.parents[DISK.lower()] = BASE
    assert finding_ids(world.go(rollback=True)) == ["source_disks_missing"]
    copy_is_safe(world)


def test_the_source_is_looked_at_again_before_the_destination_stops(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.go()
    stop = returning.stop_destination

    def after_a_loss(work: Any) -> None:
        world.files[SOURCE].discard(DISK.lower())
        stop(work)

    monkeypatch.setattr(returning, "stop_destination", after_a_loss)
    outcome = world.go(**BACK)
    assert finding_ids(outcome) == ["source_disks_missing"]
    copy_is_safe(world)


def test_a_source_that_does_not_start_keeps_its_copy(world: World) -> None:
    world.go()

    def refuse(parameters: Any, piped: list[Any]) -> None:
        raise Refused("OperationFailed,StartVM")

    world.machines[SOURCE].on("Start-VM", refuse)
    assert world.go(**BACK).failure is not None
    assert world.copy()["State"] == "Off"
    assert DISK.lower() in world.files[DESTINATION]


def test_a_copy_stays_while_the_source_it_went_back_to_does_not_run(world: World) -> None:
    world.go()
    world.go(rollback=True)
    world.origin()["State"] = "Off"
    for check_mode in (True, False):
        outcome = world.go(check_mode=check_mode, **BACK)
        assert finding_ids(outcome) == ["source_not_running"]
    assert vm_id("web") in world.vms[DESTINATION]
    assert row(world.go(start="false", **BACK))["outcome"] == "rolled_back"
    assert not world.vms[DESTINATION]
    assert DISK.lower() not in world.files[DESTINATION]


def test_files_of_a_copy_that_somebody_has_open_are_said(world: World) -> None:
    world.go()
    world.locked.add(DISK.lower())
    outcome = world.go(**BACK)
    assert outcome.failure is None
    assert finding_ids(outcome) == ["files_left"]


def use(world: World) -> None:
    """Start the source by hand, write to it, and shut it down."""
    world.origin()["data"] = (*world.origin()["data"], "orders of a day")


def forget(world: World) -> None:
    """Take the exports away, so that nothing is left to compare with."""
    world.exports.clear()
    world.trees.clear()


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [(use, "source_used_again"), (forget, "source_used_again")],
)
def test_a_source_stays_unless_it_is_proven_to_be_spare(
    world: World, spoil: Callable[[World], None], expected: str
) -> None:
    world.go()
    spoil(world)
    count = world.changes
    for check_mode in (True, False):
        outcome = world.go(remove_source=True, check_mode=check_mode)
        assert outcome.failure is not None
        assert finding_ids(outcome) == [expected]
    assert world.changes == count
    assert DISK.lower() in world.files[SOURCE]


def test_a_source_whose_notes_say_begun_stays_until_the_migration_is_brought_to_its_end(world: World) -> None:
    world.go()
    world.origin()["Notes"] = world.origin()["Notes"].replace("cold migrated to", "cold migration to")
    outcome = world.go(remove_source=True)
    assert (row(outcome)["outcome"], "source_kept" in finding_ids(outcome)) == ("migrated", True)
    assert DISK.lower() in world.files[SOURCE]
    assert row(world.go(remove_source=True))["outcome"] == "source_removed"


def test_a_removal_that_was_killed_before_its_first_deletion_still_sees_what_was_written_since(world: World) -> None:
    world.go()
    world.kill_at = (world.changes + 1, "after")
    with pytest.raises(Killed):
        world.go(remove_source=True)
    use(world)
    assert finding_ids(world.go(remove_source=True)) == ["source_used_again"]
    assert DISK.lower() in world.files[SOURCE]


def test_a_vm_that_comes_twice_in_one_run_keeps_its_source(world: World) -> None:
    world.go(same_run="play", remove_source=True)
    again = world.go(same_run="play", remove_source=True)
    assert (row(again)["outcome"], again.changed, finding_ids(again)) == ("already_there", False, ["source_kept"])
    assert world.vms[SOURCE]
    assert row(world.go(same_run="other", remove_source=True))["outcome"] == "source_removed"


def test_a_migration_that_was_killed_at_its_end_is_of_the_run_that_finishes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    total = changes_of(monkeypatch, lambda world: None)
    world = World(monkeypatch)
    world.add("web")
    world.kill_at = (total - 1, "after")
    with pytest.raises(Killed):
        world.go()
    assert marks.Kind.DONE.value in world.origin()["Notes"]
    assert row(world.go(same_run="play", remove_source=True))["outcome"] == "migrated"
    assert row(world.go(same_run="play", remove_source=True))["outcome"] == "already_there"
    assert world.vms[SOURCE]


def test_base_images_stay(world: World) -> None:
    for host in (SOURCE, DESTINATION):
        world.files[host].add(BASE.lower())
    world.parents[DISK.lower()] = BASE
    world.go()
    outcome = world.go(remove_source=True)
    assert row(outcome)["outcome"] == "source_removed"
    assert finding_ids(outcome) == ["disk_kept"]
    assert BASE.lower() in world.files[SOURCE]
    assert DISK.lower() not in world.files[SOURCE]


def test_base_images_of_a_copy_stay(world: World) -> None:
    for host in (SOURCE, DESTINATION):
        world.files[host].add(BASE.lower())
    world.parents[DISK.lower()] = BASE
    world.go()
    assert finding_ids(world.go(**BACK)) == ["disk_kept"]
    assert BASE.lower() in world.files[DESTINATION]
    assert DISK.lower() not in world.files[DESTINATION]


def test_a_disk_that_another_vm_is_based_on_stays(world: World) -> None:
    world.go()
    world.add("clone")
    world.parents["c:\\vms\\clone\\disk.vhdx"] = DISK
    outcome = world.go(remove_source=True)
    assert finding_ids(outcome) == ["disk_kept"]
    assert DISK.lower() in world.files[SOURCE]


def test_nothing_is_deleted_while_another_vms_chain_can_not_be_read(world: World) -> None:
    world.go()
    world.add("clone")
    world.unreadable.add("c:\\vms\\clone\\disk.vhdx")
    count = world.changes
    outcome = world.go(remove_source=True)
    assert outcome.failure is not None
    assert "clone" in outcome.failure.msg
    assert world.changes == count
    world.unreadable.clear()
    world.files[SOURCE].discard("c:\\vms\\clone\\disk.vhdx")
    assert row(world.go(remove_source=True))["outcome"] == "source_removed", "a missing file is based on nothing"


def test_nothing_is_deleted_while_a_host_does_not_say_which_disks_its_vms_have(world: World) -> None:
    world.go()

    def refuse(parameters: Any, piped: list[Any]) -> None:
        raise Refused("AccessDenied,GetVMHardDiskDrive")

    disks = world.machines[SOURCE].handlers["get-vmharddiskdrive"]

    def of_the_vm_only(parameters: Any, piped: list[Any]) -> Any:
        return disks(parameters, piped) if all(one["Name"] == "web" for one in piped) else refuse(parameters, piped)

    world.add("clone")
    world.machines[SOURCE].on("Get-VMHardDiskDrive", of_the_vm_only)
    count = world.changes
    assert world.go(remove_source=True).failure is not None
    assert world.changes == count


def test_verify_is_asked_again_before_a_source_goes(world: World) -> None:
    world.go()
    for check_mode in (True, False):
        outcome = world.go(remove_source=True, verify={"heartbeat": True}, check_mode=check_mode)
        assert finding_ids(outcome) == ["destination_not_verified"]
    world.copy()["Heartbeat"] = "OkApplicationsHealthy"
    assert row(world.go(remove_source=True, verify={"heartbeat": True}))["outcome"] == "source_removed"


@pytest.mark.parametrize("turned_back", ["source", "copy"])
def test_a_copy_is_not_started_that_another_run_has_turned_back(
    world: World, monkeypatch: pytest.MonkeyPatch, turned_back: str
) -> None:
    start = legs.start_there

    def after_a_rollback(work: Any) -> None:
        if turned_back == "source":
            world.origin()["Notes"] = "own notes"
        else:
            world.copy()["Notes"] = world.copy()["Notes"].replace("cold migration to", "rolled back to")
        start(work)

    monkeypatch.setattr(legs, "start_there", after_a_rollback)
    outcome = world.go()
    assert isinstance(outcome.failure, NotPossible)
    assert "is not started" in outcome.failure.msg
    assert world.copy()["State"] == "Off"
    assert not world.starts


def test_a_tree_that_another_host_runs_stays_and_the_rollback_ends(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.go()
    kept = Finding(id="tree_imported", severity=Severity.BLOCKING, subject="tree", evidence="hv03 runs it", remedy="")

    def refuse(session: Any, export: Any) -> None:
        raise NotPossible("hv03 runs it", findings=(kept,))

    monkeypatch.setattr(returning, "remove_export", refuse)
    outcome = world.go(**BACK)
    assert (outcome.failure, row(outcome)["outcome"]) == (None, "rolled_back")
    assert finding_ids(outcome) == ["tree_imported"]
    again = world.go(**BACK)
    assert (again.failure, again.changed, row(again)["outcome"]) == (None, False, "already_back")


TREE = f"c:\\hyper-v\\{vm_id('web')}\\web\\virtual hard disks"


def clone_at_the_destination(world: World, *, based_on: str) -> None:
    """Have a VM at the destination, off, whose differencing disk is based on a file."""
    world.add("clone", DESTINATION, State="Off")
    world.parents["c:\\vms\\clone\\disk.vhdx"] = based_on


def test_a_tree_stays_while_another_vms_disk_is_based_on_the_copys(world: World) -> None:
    world.in_place = True
    world.go()
    clone_at_the_destination(world, based_on=f"{TREE}\\disk.vhdx")
    outcome = world.go(**BACK)
    assert (outcome.failure, row(outcome)["outcome"]) == (None, "rolled_back")
    assert finding_ids(outcome) == ["disk_kept", "files_in_use"]
    assert f"{TREE}\\disk.vhdx" in world.files[DESTINATION]
    assert vm_id("web") in world.trees
    again = world.go(**BACK)
    assert (again.failure, again.changed, row(again)["outcome"]) == (None, False, "already_back")


def test_a_tree_stays_while_it_is_not_known_what_another_vms_disk_is_based_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.in_place = True
    world.go()
    remove_tree = returning.remove_tree

    def after_a_drive_went_offline(work: Any) -> None:
        clone_at_the_destination(world, based_on=f"{TREE}\\disk.vhdx")
        world.unreadable.add("c:\\vms\\clone\\disk.vhdx")
        remove_tree(work)

    monkeypatch.setattr(returning, "remove_tree", after_a_drive_went_offline)
    assert finding_ids(world.go(**BACK)) == ["disk_chain_unread"]
    assert vm_id("web") in world.trees


@pytest.mark.parametrize("cloned", [True, False])
def test_base_images_of_a_copys_own_tree_go_with_it_unless_another_vm_is_based_on_them(
    world: World, cloned: bool
) -> None:
    world.in_place = True
    world.files[SOURCE].add(BASE.lower())
    world.parents[DISK.lower()] = BASE
    world.go()
    base = f"{TREE}\\base.vhdx"
    assert base in world.files[DESTINATION]
    if cloned:
        clone_at_the_destination(world, based_on=base)
    assert finding_ids(world.go(**BACK)) == (["disk_kept", "files_in_use"] if cloned else [])
    assert (base in world.files[DESTINATION]) is cloned
    assert f"{TREE}\\disk.vhdx" not in world.files[DESTINATION]
    assert BASE.lower() in world.files[SOURCE]


@pytest.mark.parametrize("used", [False, True])
def test_a_vm_that_was_off_goes_back_with_its_copy_removed_unless_that_ran(world: World, used: bool) -> None:
    world.origin()["State"] = "Off"
    world.go()
    if used:
        world.copy()["State"] = "Running"
    outcome = world.go(**BACK)
    assert finding_ids(outcome) == (["source_not_running"] if used else [])
    assert (vm_id("web") in world.vms[DESTINATION]) is used
    assert row(world.go(start="false", **BACK))["outcome"] == ("rolled_back" if used else "already_back")


def test_base_images_in_the_folder_of_a_restored_copy_go_with_it(world: World) -> None:
    folder = f"c:\\hyper-v\\web-{vm_id('web')[:8]}\\virtual hard disks"
    world.go(import_mode="restore")
    world.copy()["disks"] = [{"Path": f"{folder}\\disk.vhdx", "size": 2**30}]
    world.parents[f"{folder}\\disk.vhdx"] = f"{folder}\\base.vhdx"
    world.files[DESTINATION] |= {folder, f"{folder}\\disk.vhdx", f"{folder}\\base.vhdx"}
    assert finding_ids(world.go(import_mode="restore", **BACK)) == []
    assert not [path for path in world.files[DESTINATION] if path.startswith(f"{folder}\\")]
