# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cold migrations between two hosts of dictionaries: the whole way, its variants, and what is not touched."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import NotPossible
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold import (
    importing,
    transferring,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.migration import (
    legs,
)
from unit.plugin_utils.hyperv.fake_cold_migration import (
    DESTINATION,
    SOURCE,
    World,
    arrived,
    finding_ids,
    row,
    source_gone,
)
from unit.two_hosts import vm_id


def test_the_whole_way_and_a_second_run_changes_nothing(world: World) -> None:
    first = world.go()
    assert first.failure is None
    assert first.changed
    assert row(first)["outcome"] == "migrated"
    assert row(first)["steps"] == ["stop", "hold", "export", "transfer", "import", "network", "start", "verify"]
    assert first.diff is not None
    assert (first.diff.before, first.diff.after) == ({"web": "hv01"}, {"web": "hv02"})
    arrived(world)
    count = world.changes
    again = world.go()
    assert (again.changed, row(again)["outcome"], world.changes) == (False, "already_there", count)


def test_check_mode_foretells_and_changes_nothing(world: World) -> None:
    told = world.go(check_mode=True)
    assert world.changes == 0
    did = world.go()
    assert told.changed is did.changed is True
    assert (row(told)["outcome"], row(told)["steps"]) == (row(did)["outcome"], row(did)["steps"])
    assert told.diff == did.diff


def test_the_run_that_migrates_keeps_the_source_though_told_to_remove_it(world: World) -> None:
    first = world.go(remove_source=True)
    assert "source_kept" in finding_ids(first)
    arrived(world)
    second = world.go(remove_source=True)
    assert row(second)["outcome"] == "source_removed"
    assert row(second)["steps"] == ["remove_source"]
    source_gone(world)


@pytest.mark.parametrize("spoilt", ["State", "disk"])
def test_a_source_is_not_removed_while_its_copy_is_not_as_it_was(world: World, spoilt: str) -> None:
    world.go()
    if spoilt == "State":
        world.copy()["State"] = "Off"
    else:
        world.files[DESTINATION].clear()
    count = world.changes
    for check_mode in (True, False):
        outcome = world.go(remove_source=True, check_mode=check_mode)
        assert outcome.failure is not None
    assert world.changes == count
    assert {"State": "destination_not_verified", "disk": "disk_not_as_intended"}[spoilt] in finding_ids(outcome)
    assert world.vms[SOURCE]
    assert world.exports


def test_a_rolled_back_copy_stands_in_the_way_until_it_is_removed(world: World) -> None:
    world.go()
    world.go(rollback=True)
    again = world.go()
    assert finding_ids(again) == ["rolled_back_copy"]
    assert row(world.go(rollback=True))["outcome"] == "already_back"
    assert row(world.go(rollback=True, remove_destination=True))["outcome"] == "rolled_back"
    world.imports.clear()
    world.starts.clear()
    assert row(world.go())["outcome"] == "migrated"
    arrived(world)


def test_a_password_for_a_plain_web_server_is_warned_of(world: World) -> None:
    way = {"transfer_method": "http", "export_path": "C:\\x", "transfer_username": "me", "transfer_password": "x"}
    for scheme, count in (("http", 1), ("https", 0)):
        told = world.go(check_mode=True, source_share=f"{scheme}://hv01/x", **way)
        assert len(told.warnings) == count
        assert all("plain http" in one for one in told.warnings)
    assert world.go(check_mode=True).warnings == ()


@pytest.mark.parametrize(
    ("here", "there", "expected"),
    [
        ({"State": "Running"}, {"State": "Running"}, "both_running"),
        ({"State": "Off"}, {"State": "Off"}, "id_taken"),
        ({"State": "Off", "Notes": "[hyperv.mobility: cold migration to HV09; was Off; automatic start Start]"}, None,
         "migrates_elsewhere"),
        ({"State": "Off", "Notes": "[hyperv.mobility: cold migrated to HV02; was Off; automatic start Start]"}, None,
         "copy_gone"),
    ],
)  # fmt: skip
def test_what_is_not_touched(world: World, here: dict[str, Any], there: dict[str, Any] | None, expected: str) -> None:
    world.origin().update(here)
    if there is not None:
        world.vms[DESTINATION][vm_id("web")] = {**world.origin(), **there}
    for back in (False, True):
        outcome = world.go(rollback=back)
        if expected in finding_ids(outcome):
            assert outcome.failure is not None
    assert expected in finding_ids(world.go())
    assert world.changes == 0


@pytest.mark.parametrize(
    ("there", "eject", "expected"), [(True, False, []), (False, False, ["iso_missing"]), (False, True, ["iso_missing"])]
)
def test_an_iso_that_the_destination_has_is_no_obstacle(
    world: World, there: bool, eject: bool, expected: list[str]
) -> None:
    world.origin()["isos"] = ["D:\\iso\\tools.iso"]
    if there:
        world.files[DESTINATION].add("d:\\iso\\tools.iso")
    told = world.go(check_mode=True, eject_iso=eject)
    assert [one for one in finding_ids(told) if one == "iso_missing"] == expected
    assert (told.failure is None) == (there or eject)


def test_a_guest_that_goes_down_after_its_time_is_remembered_as_one_that_ran(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world, "_stop", lambda vm: None)
    late = world.go()
    assert "did not shut down within 300 seconds" in row(late)["error"]["msg"]
    assert "run again, or roll back" in row(late)["error"]["msg"]
    assert world.origin()["State"] == "Running"
    world.origin()["State"] = "Off"  # a minute later
    assert world.go().failure is None
    arrived(world)


def test_one_vm_that_fails_stops_no_other(world: World) -> None:
    world.add("db", State="Paused")
    outcome = world.go(names=["web", "db"])
    rows = {one["name"]: one["outcome"] for one in outcome.values["vms"]}
    assert rows == {"web": "migrated", "db": "failed"}
    assert outcome.failure is not None
    assert "db" in outcome.failure.msg
    skipped = world.go(names=["web", "db"], skip_blocked=True)
    assert {one["name"]: one["outcome"] for one in skipped.values["vms"]} == {"web": "already_there", "db": "skipped"}
    assert skipped.failure is None


def test_people_bring_the_tree(world: World) -> None:
    first = world.go(transfer_method="external")
    assert (row(first)["outcome"], first.changed, first.failure) == ("waiting_for_tree", True, None)
    folders = row(first)["folders"]
    assert folders["export"].endswith(vm_id("web"))
    assert folders["tree"].endswith(vm_id("web"))
    count = world.changes
    waiting = world.go(transfer_method="external")
    assert (row(waiting)["outcome"], waiting.changed, world.changes) == ("waiting_for_tree", False, count)
    world.trees = dict(world.exports)
    assert row(world.go(transfer_method="external"))["outcome"] == "migrated"
    arrived(world)


def test_a_damaged_tree_is_said_file_by_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.go(transfer_method="external")
    world.trees = dict(world.exports)
    wrong = transferring.Problem(file=world.exports[vm_id("web")].files[0], kind=transferring.Kind.MISSING)
    monkeypatch.setattr(transferring, "verify", lambda session, manifest, folder: (wrong,))
    outcome = world.go(transfer_method="external")
    assert row(outcome)["outcome"] == "waiting_for_tree"
    (found,) = [one for one in row(outcome)["findings"] if one["id"] == "tree_damaged"]
    assert "disk.vhdx is missing" in found["evidence"]


def test_a_vm_that_was_off_stays_off_unless_told(world: World) -> None:
    world.origin()["State"] = "Off"
    outcome = world.go()
    assert row(outcome)["outcome"] == "migrated"
    assert "start" not in row(outcome)["steps"]
    assert world.copy()["State"] == "Off"
    assert not world.starts


def test_start_false_leaves_a_vm_off_that_ran(world: World) -> None:
    world.go(start="false")
    assert world.copy()["State"] == "Off"
    assert world.copy()["AutomaticStartAction"] == "StartIfRunning"


def test_preflight_only_returns_what_it_finds_and_touches_nothing(world: World) -> None:
    world.switches[DESTINATION] = ["other"]
    outcome = world.go(preflight_only=True)
    assert finding_ids(outcome)[-1] == "switch_missing"
    assert outcome.values["blocked"] is True
    assert outcome.failure is None
    assert world.changes == 0


def test_restored_vms_have_a_folder_of_their_own_and_their_tree_goes_with_the_source(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = []
    import_vm = importing.import_vm

    def keeping(session: Any, order: Any, **more: Any) -> None:
        orders.append(order)
        import_vm(session, order)

    monkeypatch.setattr(importing, "import_vm", keeping)
    world.go(import_mode="restore")
    arrived(world)
    (order,) = orders
    assert order.mode == "restore"
    assert order.virtual_machine_path == f"C:\\Hyper-V\\web-{vm_id('web')[:8]}"
    assert order.vhd_destination_path.startswith(order.virtual_machine_path)
    assert world.trees
    world.go(import_mode="restore", remove_source=True)
    source_gone(world)
    assert not world.trees


def test_a_source_that_somebody_starts_in_the_last_moment_is_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = legs.start_there

    def and_somebody_else(work: Any) -> None:
        start(work)
        world.origin()["State"] = "Running"

    monkeypatch.setattr(legs, "start_there", and_somebody_else)
    outcome = world.go()
    assert outcome.failure is not None
    assert "find out which one people use" in outcome.failure.msg
    assert "cold migration to HV02" in world.copy()["Notes"], "it does not count as done"
    assert finding_ids(world.go()) == ["both_running"]


def test_an_import_gets_the_time_that_is_left_and_a_refused_one_has_changed_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[dict[str, Any]] = []

    def refuse(session: Any, order: Any, **more: Any) -> None:
        given.append(more)
        raise NotPossible("web can't be imported", findings=())

    monkeypatch.setattr(importing, "import_vm", refuse)
    assert world.go().changed is True
    outcome = world.go(timeout_seconds=900)
    assert (outcome.changed, row(outcome)["outcome"]) == (False, "failed")
    assert [one["timeout_seconds"] for one in given] == [None, 900]
    assert given[0]["clock"] is world.clock
    assert given[0]["tell"]
