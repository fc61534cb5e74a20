# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cold migrations between two hosts of dictionaries: wherever one is killed, one copy runs, and it is the right one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import ConnectionLost, NotPossible
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold import (
    evidence,
    exporting,
    files,
    importing,
    transferring,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.manifest import Manifest, TreeFile
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.migration import (
    campaign,
    journey,
    legs,
    operation,
    planning,
    reading,
    returning,
    room,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.migration.journey import Ended
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.gateway import read_details
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Outcome
from unit.fake_session import FakeMachine, Refused
from unit.two_hosts import Fleet, vm_id

SOURCE, DESTINATION = "hv01", "hv02"
DISK = "C:\\VMs\\web\\disk.vhdx"


class Killed(BaseException):
    """The controller died."""


@dataclass
class Inline:
    """A runner that works at once."""

    ended: list[tuple[str, Ended]] = field(default_factory=list)

    def start(self, vm_id: str, work: Callable[[], Ended]) -> None:
        self.ended.append((vm_id, work()))

    def finished(self) -> list[tuple[str, Ended]]:
        found, self.ended = self.ended, []
        return found


class World(Fleet):
    """Two hosts whose VMs start, stop, are written to, exported, fetched and imported; any change can be the last."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.changes = 0
        self.kill_at: tuple[int, str] | None = None
        self.writes = 0
        self.runs = 0
        self.exports: dict[str, Manifest] = {}
        self.trees: dict[str, Manifest] = {}
        self.imports: list[str] = []
        self.starts: list[str] = []
        self.brought_by_people = True
        self.parents: dict[str, str] = {}
        self.unreadable: set[str] = set()
        self.locked: set[str] = set()
        for host in (SOURCE, DESTINATION):
            self._extend(host, self.machines[host])
        self._seams(monkeypatch)

    def change(self, effect: Callable[[], Any]) -> Any:
        """Make a change, or die right before or right after it."""
        self.changes += 1
        if self.kill_at == (self.changes, "before"):
            raise Killed
        done = effect()
        if self.kill_at == (self.changes, "after"):
            raise Killed
        return done

    def _extend(self, host: str, machine: FakeMachine) -> None:
        def each(effect: Callable[[dict[str, Any], Mapping[str, Any]], None]) -> Callable[..., None]:
            def handle(parameters: Mapping[str, Any], piped: list[Any]) -> None:
                def on_all() -> None:
                    for one in piped:
                        effect(one, parameters)

                self.change(on_all)

            return handle

        machine.on("Set-VM", each(lambda vm, parameters: vm.update(parameters)))
        machine.on("Stop-VM", each(lambda vm, parameters: self._stop(vm)))
        machine.on("Start-VM", each(lambda vm, parameters: self._start(host, vm)))
        machine.on("Remove-VM", each(lambda vm, parameters: self._take_out(host, vm)))

    def _stop(self, vm: dict[str, Any]) -> None:
        vm["State"] = "Off"

    def _start(self, host: str, vm: dict[str, Any]) -> None:
        other = self.vms[SOURCE if host == DESTINATION else DESTINATION].get(vm["Id"])
        assert other is None or other["State"] == "Off", "two copies would run"
        if vm["State"] != "Off":
            raise Refused("InvalidState,StartVM")
        vm["State"] = "Running"
        self.starts.append(f"{vm['Name']} on {host}")
        self.writes += 1
        vm["data"] = (*vm["data"], f"run {self.writes} on {host}")

    def _take_out(self, host: str, vm: dict[str, Any]) -> None:
        assert vm["State"] == "Off"
        del self.vms[host][vm["Id"]]

    def _seams(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reading, "read_sources", self._sources)
        monkeypatch.setattr(exporting, "look", self._look)
        monkeypatch.setattr(exporting, "make", self._make)
        monkeypatch.setattr(reading, "read_trees", self._read_trees)
        monkeypatch.setattr(transferring, "fetch", self._fetch)
        monkeypatch.setattr(transferring, "verify", lambda session, manifest, folder: ())
        monkeypatch.setattr(importing, "import_vm", self._import)
        monkeypatch.setattr(planning, "check_route", lambda session, route, probe: ())
        monkeypatch.setattr(planning, "opens", lambda session, path: True)
        monkeypatch.setattr(files, "remove", self._remove_files)
        monkeypatch.setattr(returning, "remove_export", self._remove_export)

    def _sources(self, session: Any, ids: list[str]) -> tuple[evidence.Source, ...]:
        found = []
        for details in read_details(session, ids, checkpoint_parts=True):
            data = " ".join(self.vms[session.host][details.vm.id]["data"])
            item = files.Item(path=DISK, size=2**30, modified=data)
            paths = [path for path in evidence.disk_files(details) if path.lower() in self.files[session.host]]
            found.append(evidence.Source(details=details, files={path.lower(): item for path in paths}))
        return tuple(found)

    def _vhds(self, host: str, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        """Return the disk files that are there and that anybody asked for; one that can't be read is an error."""
        ids = set(self.vms[host]) if piped else set()  # the Ids are not in what is piped
        paths = {str(path).lower() for path in parameters.get("Path") or ()}
        paths |= {d["Path"].lower() for key in ids for d in self.vms[host].get(key, {}).get("disks", [])}
        return [
            {"Path": path, "FileSize": 2**30, "ParentPath": self.parents.get(path)}
            for path in sorted(paths & self.files[host] - self.unreadable)
        ]

    def _remove_files(self, session: Any, paths: Any) -> tuple[str, ...]:
        for path in paths:
            if path.lower() not in self.locked:
                self.change(partial(self.files[session.host].discard, path.lower()))
        return tuple(path for path in paths if path.lower() in self.locked)

    def _read_trees(self, session: Any, ids: list[str], where: Any) -> dict[str, Manifest]:
        return {one: self.trees[one] for one in ids if one in self.trees}

    def _look(self, session: Any, path: str, ids: list[str]) -> dict[str, exporting.Export]:
        kept = self.exports if session.host == SOURCE else self.trees
        return {
            one: exporting.Export(
                state=exporting.State.COMPLETE if one in kept else exporting.State.NONE,
                folder=f"{path}\\{one}",
                manifest=kept.get(one),
            )
            for one in ids
        }

    def _make(self, session: Any, order: Any, *, watch: Any = None) -> exporting.Made:
        (source,) = self._sources(session, [order.vm.id])
        vm = self.vms[SOURCE][order.vm.id]
        assert vm["State"] == "Off"
        made = Manifest(
            state="complete", vm_id=order.vm.id, vm_name=order.vm.name, version="10.0", source_host="HV01",
            capture="off", started="", token=" ".join(vm["data"]), configuration_file="web\\x.vmcx",
            files=(TreeFile(path="web\\disk.vhdx", size=5, sha256="0" * 64),), seen=source.seen,
        )  # fmt: skip
        self.change(lambda: self.exports.update({order.vm.id: made}))
        return exporting.Made(manifest=made, outcome="exported", changed=True)

    def _fetch(self, session: Any, manifest: Manifest, route: Any, folder: str, **more: Any) -> transferring.Fetched:
        if self.trees.get(manifest.vm_id) != manifest:
            self.change(lambda: self.trees.update({manifest.vm_id: manifest}))
            return transferring.Fetched(files_fetched=1, manifest_written=True)
        return transferring.Fetched()

    def _import(self, session: Any, order: Any, **more: Any) -> None:
        (tree,) = [one for one in self.trees.values() if f"\\{one.vm_id}\\" in order.path]
        source = self.vms[SOURCE][tree.vm_id]
        assert tree.vm_id not in self.vms[DESTINATION]
        copy = {**source, "State": "Off", "data": tuple(tree.token.split("  "))}

        def effect() -> None:
            self.files[DESTINATION] |= {disk["Path"].lower() for disk in copy["disks"]}
            self.vms[DESTINATION][tree.vm_id] = copy
            self.imports.append(tree.vm_name)

        self.change(effect)

    def _remove_export(self, session: Any, found: Any) -> None:
        kept = self.exports if session.host == SOURCE else self.trees
        self.change(lambda: [kept.pop(key) for key in [key for key in kept if key in found.folder]])

    def add(self, name: str, host: str = SOURCE, **members: Any) -> dict[str, Any]:
        more = {"AutomaticStartAction": "StartIfRunning", "Notes": "own notes", "data": ("installed",)}
        machine = super().add(name, host, **{**more, **members})
        self.files[host] |= {"c:\\vms", f"c:\\vms\\{name}", *(disk["Path"].lower() for disk in machine["disks"])}
        return machine

    def copy(self, name: str = "web") -> dict[str, Any]:
        return self.vms[DESTINATION][vm_id(name)]

    def origin(self, name: str = "web") -> dict[str, Any]:
        return self.vms[SOURCE][vm_id(name)]

    def go(self, *, check_mode: bool = False, same_run: str | None = None, **arguments: Any) -> Outcome:
        given = {"names": ["web"], "destination_host": DESTINATION, **arguments}
        self.runs += 1
        run_id = f"run{self.runs}" if same_run is None else same_run
        request = replace(self.request(check_mode=check_mode, **given), run_id=run_id)
        return operation.operate(request, clock=self.clock, runner=Inline())


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    found = World(monkeypatch)
    found.add("web")
    return found


def row(outcome: Outcome) -> dict[str, Any]:
    (found,) = outcome.values["vms"]
    return dict(found)


def finding_ids(outcome: Outcome) -> list[str]:
    return [one["id"] for one in row(outcome)["findings"]]


def arrived(world: World) -> None:
    """Assert the whole end of a forward migration."""
    assert world.copy()["State"] == "Running"
    assert world.copy()["Notes"] == "own notes"
    assert world.copy()["AutomaticStartAction"] == "StartIfRunning"
    assert world.origin()["State"] == "Off"
    assert world.origin()["AutomaticStartAction"] == "Nothing"
    assert "cold migrated to HV02; was Running; automatic start StartIfRunning" in world.origin()["Notes"]
    assert world.imports == ["web"]
    assert world.starts == ["web on hv02"]


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


def changes_of(monkeypatch: pytest.MonkeyPatch, prepare: Callable[[World], None], **arguments: Any) -> int:
    found = World(monkeypatch)
    found.add("web")
    prepare(found)
    before = found.changes
    found.go(**arguments)
    return found.changes - before


def nothing(world: World) -> None:
    """Prepare nothing."""


def migrated(world: World) -> None:
    """Bring the VM over first."""
    world.go()


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


def source_gone(world: World) -> None:
    assert world.copy()["State"] == "Running"
    assert not world.vms[SOURCE]
    assert not world.exports


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


def test_a_password_for_a_plain_web_server_is_warned_of(world: World) -> None:
    way = {"transfer_method": "http", "export_path": "C:\\x", "transfer_username": "me", "transfer_password": "x"}
    for scheme, count in (("http", 1), ("https", 0)):
        told = world.go(check_mode=True, source_share=f"{scheme}://hv01/x", **way)
        assert len(told.warnings) == count
        assert all("plain http" in one for one in told.warnings)
    assert world.go(check_mode=True).warnings == ()


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


def test_a_link_that_breaks_every_time_is_no_accident(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def break_off(work: Any) -> None:
        tries.append(work)
        raise ConnectionLost("the link to hv01 failed")

    monkeypatch.setattr(legs, "export", break_off)
    outcome = world.go()
    assert row(outcome)["error"]["kind"] == "connection_lost"
    assert len(tries) == journey.LOST_LINKS + 1
    assert outcome.changed


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
