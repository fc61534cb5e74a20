# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cold migrations that are killed or lose their link anywhere: taken up, and nothing happens twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import ConnectionLost
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold import (
    evidence,
    files,
    importing,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.migration import (
    campaign,
    journey,
    legs,
    operation,
    room,
    work,
)
from unit.plugin_utils.hyperv.fake_cold_migration import (
    DESTINATION,
    SOURCE,
    Inline,
    Killed,
    World,
    arrived,
    changes_of,
    finding_ids,
    migrated,
    row,
    source_gone,
)
from unit.two_hosts import vm_id


def nothing(world: World) -> None:
    """Prepare nothing."""


def killed_everywhere(
    monkeypatch: pytest.MonkeyPatch, prepare: Callable[[World], None], check: Callable[[World], None], **arguments: Any
) -> None:
    """Kill the run right before and right after each of its changes; two more runs must bring it to the same end."""
    total = changes_of(monkeypatch, prepare, **arguments)
    assert total > 3
    for number in range(1, total + 1):
        for moment in ("before", "after"):
            world = World(monkeypatch)
            world.add("web")
            prepare(world)
            world.kill_at = (world.changes + number, moment)
            with pytest.raises(Killed):
                world.go(**arguments)
            outcome = world.go(**arguments)
            assert outcome.failure is None, (number, moment, outcome.failure)
            check(world)
            count = world.changes
            assert not world.go(**arguments).changed, (number, moment)
            assert world.changes == count


def test_killed_at_any_change_a_migration_is_taken_up_and_nothing_happens_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    killed_everywhere(monkeypatch, nothing, arrived)


def went_back(world: World) -> None:
    """Assert the whole end of a rollback."""
    assert world.origin()["State"] == "Running"
    assert world.origin()["Notes"] == "own notes"
    assert world.origin()["AutomaticStartAction"] == "StartIfRunning"
    assert world.copy()["State"] == "Off"
    assert world.copy()["AutomaticStartAction"] == "Nothing"
    assert world.starts.count("web on hv01") == 1


def test_killed_at_any_change_a_rollback_is_taken_up(monkeypatch: pytest.MonkeyPatch) -> None:
    killed_everywhere(monkeypatch, migrated, went_back, rollback=True)


def went_back_alone(world: World) -> None:
    assert world.origin()["State"] == "Running"
    assert not world.vms[DESTINATION]
    assert not world.trees


def test_killed_at_any_change_a_rollback_with_removal_is_taken_up(monkeypatch: pytest.MonkeyPatch) -> None:
    killed_everywhere(monkeypatch, migrated, went_back_alone, rollback=True, remove_destination=True)


def test_killed_at_any_change_a_removal_is_taken_up(monkeypatch: pytest.MonkeyPatch) -> None:
    total = changes_of(monkeypatch, migrated, remove_source=True)
    assert total == 4
    for number in range(1, total + 1):
        world = World(monkeypatch)
        world.add("web")
        world.go()
        world.kill_at = (world.changes + number, "after")
        with pytest.raises(Killed):
            world.go(remove_source=True)
        world.go(remove_source=True)
        source_gone(world)
        again = world.go(remove_source=True)
        assert (again.changed, row(again)["outcome"]) == (False, "already_there")


def test_a_source_that_ran_again_after_its_export_is_exported_again(world: World) -> None:
    world.kill_at = (5, "before")
    with pytest.raises(Killed):
        world.go()
    assert world.exports
    origin = world.origin()
    world._start(SOURCE, origin)
    world.starts.clear()
    assert world.go().failure is None
    arrived(world)
    assert any("on hv01" in one for one in world.copy()["data"]), "what was written meanwhile was left behind"


def test_what_a_killed_run_has_left_is_not_counted_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.kill_at = (4, "after")
    with pytest.raises(Killed):
        world.go()
    assert world.trees or world.exports
    world.free[DESTINATION] = 4
    blocked = world.go()
    assert finding_ids(blocked) == ["guest_system_unknown", "space_insufficient"]
    half = files.Item(path=f"C:\\Hyper-V\\{vm_id('web')}\\web\\disk.vhdx", size=5)
    part = files.Item(path=half.path + ".part", size=3)
    monkeypatch.setattr(files, "tree", lambda session, folder, deep=True: (half, part))
    monkeypatch.setattr(room, "leftovers", lambda session, folder, one: ())
    world.free[DESTINATION] = 0
    assert world.go().failure is None
    arrived(world)


def test_a_stale_export_makes_room_for_the_new_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.kill_at = (5, "before")
    with pytest.raises(Killed):
        world.go()
    world._start(SOURCE, world.origin())
    world.starts.clear()
    world.free[SOURCE] = 2**29
    old = files.Item(path=f"C:\\Hyper-V Exports\\{vm_id('web')}\\web\\disk.vhdx", size=2**29)
    assert finding_ids(world.go()) == ["guest_system_unknown", "export_space_insufficient"]
    monkeypatch.setattr(files, "tree", lambda session, folder, deep=True: (old,) if session.host == SOURCE else ())
    assert world.go().failure is None
    arrived(world)


def test_parts_of_dead_runs_make_room(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.kill_at = (4, "after")
    with pytest.raises(Killed):
        world.go()
    part = files.Item(path=f"C:\\Hyper-V\\{vm_id('web')}\\web\\disk.vhdx.part", size=3)
    monkeypatch.setattr(files, "tree", lambda session, folder, deep=True: (part,))
    world.free[DESTINATION] = 2
    monkeypatch.setattr(room, "leftovers", lambda session, folder, one: ())
    assert "space_insufficient" in finding_ids(world.go())
    monkeypatch.setattr(room, "leftovers", lambda session, folder, one: (part.path,))
    assert world.go().failure is None


def test_a_source_that_ran_while_its_copy_was_not_started_yet_is_said(world: World) -> None:
    world.kill_at = (6, "after")
    with pytest.raises(Killed):
        world.go()
    assert world.vms[DESTINATION]
    origin = world.origin()
    origin["State"] = "Running"
    assert finding_ids(world.go()) == ["source_started_again"]
    origin["State"], origin["data"] = "Off", (*origin["data"], "more")
    assert finding_ids(world.go()) == ["source_changed"]
    assert world.copy()["State"] == "Off"


def test_a_run_that_stops_says_of_which_vms(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    del monkeypatch
    request = world.request(names=["web"], destination_host=DESTINATION)
    world.kill_at = (3, "before")
    with pytest.raises(Killed):
        operation.operate(request, clock=world.clock, runner=Inline())
    assert "web: not finished; run again to go on with it" in request.reporter.lines  # type: ignore[attr-defined]
    assert campaign.POLL_SECONDS > 0


@pytest.mark.parametrize("host", [SOURCE, DESTINATION])
def test_a_link_that_breaks_anywhere_on_the_way_is_opened_again(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """Each invocation after the checks is lost once, before it is carried out; whatever was done before it holds."""
    world = World(monkeypatch)
    world.add("web")
    world.go(check_mode=True)
    checked = len(world.machines[host].invocations)
    world.go()
    total = len(world.machines[host].invocations)
    for lost in range(checked, total - checked, 1):
        world = World(monkeypatch)
        world.add("web")
        world.machines[host].lose_connection_at = lost
        outcome = world.go()
        assert outcome.failure is None, (lost, outcome.failure)
        arrived(world)


def test_a_link_that_breaks_every_time_is_no_accident(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def break_off(given: Any) -> None:
        tries.append(given)
        raise ConnectionLost("the link to hv01 failed")

    monkeypatch.setattr(legs, "export", break_off)
    outcome = world.go()
    assert row(outcome)["error"]["kind"] == "connection_lost"
    assert len(tries) == journey.LOST_LINKS + 1
    assert outcome.changed


def test_disks_that_can_not_be_seen_don_t_stop_a_vm_that_was_imported(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.kill_at = (6, "after")
    with pytest.raises(Killed):
        world.go()
    monkeypatch.setattr(evidence.Source, "unseen", ("\\\\fs01\\vms\\web.vhdx",))
    outcome = world.go()
    assert row(outcome)["outcome"] == "migrated"
    assert "disk_times_unread" in finding_ids(outcome)


OLD_MARKS = [
    "",
    "[hyperv.mobility: cold migration to HV02; was Running; automatic start Start]",
    "[hyperv.mobility: cold migration to HV03; was Off; automatic start Start]",
    "[hyperv.mobility: rolled back to HV09; was Running; automatic start Start]",
]
"""What the notes of a VM may have said when it was exported ahead of its migration."""


def exported_ahead(monkeypatch: pytest.MonkeyPatch, old: str) -> World:
    """Return two hosts with a VM that is off, and that was exported when its notes were others."""
    world = World(monkeypatch)
    origin = world.add("web", State="Off", AutomaticStartAction="Start", Notes=f"own notes\n{old}".strip())
    world.export()
    origin.update(Notes="own notes", AutomaticStartAction="StartIfRunning")
    world.changes = 0
    return world


@pytest.mark.parametrize("old", OLD_MARKS)
def test_the_notes_of_an_older_export_decide_nothing(monkeypatch: pytest.MonkeyPatch, old: str) -> None:
    world = exported_ahead(monkeypatch, old)
    outcome = world.go()
    assert (outcome.failure, row(outcome)["outcome"]) == (None, "migrated")
    assert row(outcome)["steps"][-1] == "verify"
    as_it_was(world)


@pytest.mark.parametrize("old", OLD_MARKS[:2])
def test_killed_between_import_and_notes_they_are_written_by_the_next_run(
    monkeypatch: pytest.MonkeyPatch, old: str
) -> None:
    world = exported_ahead(monkeypatch, old)
    world.kill_at = (3, "after")
    with pytest.raises(Killed):
        world.go()
    assert "HV02; was Off" not in world.copy()["Notes"]
    assert row(world.go())["outcome"] == "migrated"
    as_it_was(world)


def as_it_was(world: World) -> None:
    """Assert the end of a migration of a VM that was off, up to the removal of its source."""
    copy = world.copy()
    assert (copy["State"], copy["Notes"], copy["AutomaticStartAction"]) == ("Off", "own notes", "StartIfRunning")
    assert "cold migrated to HV02; was Off; automatic start StartIfRunning" in world.origin()["Notes"]
    assert row(world.go(remove_source=True))["outcome"] == "source_removed"


@pytest.mark.parametrize("old", OLD_MARKS)
def test_the_link_lost_while_it_is_imported_they_are_written_by_the_same_run(
    monkeypatch: pytest.MonkeyPatch, old: str
) -> None:
    world = exported_ahead(monkeypatch, old)
    import_vm = importing.import_vm

    def and_the_link_is_lost(session: Any, order: Any, **more: Any) -> None:
        import_vm(session, order)
        raise ConnectionLost("the link to hv02 failed")

    monkeypatch.setattr(importing, "import_vm", and_the_link_is_lost)
    assert row(world.go())["outcome"] == "migrated"
    as_it_was(world)


@pytest.mark.parametrize("moment", ["before", "between"])
def test_a_run_that_ends_writes_nothing_over_a_rollback(
    world: World, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    finish, note = legs.finish, work.note

    def after_a_rollback(given: Any) -> None:
        world.go(rollback=True)
        finish(given)

    def and_a_rollback(session: Any, vm: Any, notes: str, **more: Any) -> None:
        note(session, vm, notes, **more)
        if "cold migrated to" in notes:
            world.go(rollback=True)

    monkeypatch.setattr(legs, *(("finish", after_a_rollback) if moment == "before" else ("note", and_a_rollback)))
    outcome = world.go()
    assert outcome.failure is not None
    assert "is not finished" in outcome.failure.msg
    assert (world.copy()["State"], world.copy()["AutomaticStartAction"]) == ("Off", "Nothing")
    assert "rolled back to HV01" in world.copy()["Notes"]
    assert (world.origin()["State"], world.origin()["Notes"]) == ("Running", "own notes")
