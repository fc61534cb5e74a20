# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two hosts of dictionaries between which VMs migrate cold, for tests: any change can be the last one."""

from __future__ import annotations

import ntpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import NotPossible
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold import (
    evidence,
    exporting,
    files,
    importing,
    in_use,
    transferring,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.manifest import Manifest, TreeFile
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.migration import (
    operation,
    planning,
    reading,
    returning,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.migration.journey import Ended
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.gateway import get_vm, read_details
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Outcome
from unit.fake_session import FakeMachine, FakeSession, Refused
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
        self.noted: dict[str, dict[str, Any]] = {}
        """What of a VM lies in its export and is no reason to make it anew: notes, automatic start."""
        self.trees: dict[str, Manifest] = {}
        self.imports: list[str] = []
        self.starts: list[str] = []
        self.brought_by_people = True
        self.parents: dict[str, str] = {}
        self.unreadable: set[str] = set()
        self.locked: set[str] = set()
        self.in_place = False
        """Whether the disks of a registered copy lie in its tree, as they do on a real host."""
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
        monkeypatch.setattr(in_use, "settle", lambda session, folder, vm_id, token: None)
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

        def effect() -> None:
            self.exports[order.vm.id] = made
            self.noted[order.vm.id] = {name: vm[name] for name in ("Notes", "AutomaticStartAction")}

        self.change(effect)
        return exporting.Made(manifest=made, outcome="exported", changed=True)

    def export(self, name: str = "web") -> None:
        """Export a VM as vm_export does, ahead of its migration."""
        session = FakeSession(host=SOURCE, machine=self.machines[SOURCE])
        self._make(session, SimpleNamespace(vm=get_vm(session, vm_id(name))))

    def _fetch(self, session: Any, manifest: Manifest, route: Any, folder: str, **more: Any) -> transferring.Fetched:
        if self.trees.get(manifest.vm_id) != manifest:
            self.change(lambda: self.trees.update({manifest.vm_id: manifest}))
            return transferring.Fetched(files_fetched=1, manifest_written=True)
        return transferring.Fetched()

    def _import(self, session: Any, order: Any, **more: Any) -> None:
        (tree,) = [one for one in self.trees.values() if f"\\{one.vm_id}\\" in order.path]
        source = self.vms[SOURCE][tree.vm_id]
        assert tree.vm_id not in self.vms[DESTINATION]
        copy = {**source, **self.noted[tree.vm_id], "State": "Off", "data": tuple(tree.token.split("  "))}
        if self.in_place:
            self._into(copy, ntpath.join(order.path.rpartition("\\web\\")[0], "web", "Virtual Hard Disks"))

        def effect() -> None:
            self.files[DESTINATION] |= {disk["Path"].lower() for disk in copy["disks"]}
            self.vms[DESTINATION][tree.vm_id] = copy
            self.imports.append(tree.vm_name)

        self.change(effect)

    def _into(self, copy: dict[str, Any], folder: str) -> None:
        """Have the copy's disks, with what they are based on, in a folder of its tree: an export has them all."""
        moved = []
        for disk in copy["disks"]:
            old, new = disk["Path"].lower(), ntpath.join(folder, ntpath.basename(disk["Path"]))
            moved.append({**disk, "Path": new})
            while parent := self.parents.get(old):
                self.parents[new.lower()] = new = ntpath.join(folder, ntpath.basename(parent))
                self.files[DESTINATION].add(new.lower())
                old = parent.lower()
        copy["disks"] = moved
        self.files[DESTINATION] |= {folder.lower()}

    def _remove_export(self, session: Any, found: Any) -> None:
        """Remove a folder as the real one does: with all that is in it, and not while a VM lives in it."""
        residents = in_use.read_residents(session)
        stops = (*in_use.in_use(residents, found.folder), *in_use.unread(residents, found.folder))
        if stops:
            raise NotPossible(f"{found.folder}: {stops[0].evidence}", findings=stops)
        kept, files = self.exports if session.host == SOURCE else self.trees, self.files[session.host]

        def effect() -> None:
            for key in [key for key in kept if key in found.folder]:
                del kept[key]
            files.difference_update([path for path in files if path.startswith(found.folder.lower() + "\\")])

        self.change(effect)

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


def changes_of(monkeypatch: pytest.MonkeyPatch, prepare: Callable[[World], None], **arguments: Any) -> int:
    found = World(monkeypatch)
    found.add("web")
    prepare(found)
    before = found.changes
    found.go(**arguments)
    return found.changes - before


def migrated(world: World) -> None:
    """Bring the VM over first."""
    world.go()


def source_gone(world: World) -> None:
    assert world.copy()["State"] == "Running"
    assert not world.vms[SOURCE]
    assert not world.exports
