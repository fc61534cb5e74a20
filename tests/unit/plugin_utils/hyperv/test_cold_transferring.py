# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    Ambiguous,
    NotFound,
    NotPossible,
    RemoteError,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.route import route_of
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.transfer_task import operate
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.transferring import (
    Kind,
    fetch,
    find,
    verify,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.command import Credential
from ansible_collections.hyperv.mobility.plugins.plugin_utils.waiting import Deadline
from unit.fake_session import FakeClock, FakeSession, Lines, request
from unit.plugin_utils.hyperv.fake_exports import run as run_export
from unit.plugin_utils.hyperv.fake_files import FakeFiles
from unit.plugin_utils.hyperv.fake_host import DB, HOSTILE, WEB, vm
from unit.plugin_utils.hyperv.fake_transfers import (
    DISK,
    HOME,
    PATH,
    SECRET,
    SIGNED,
    SOURCE,
    copied,
    destination,
    exported,
    lab,
    manifest_of,
    run,
    share_of,
)


def test_every_file_is_fetched_hashed_and_named_and_the_manifest_comes_last() -> None:
    here = lab()
    outcome = run(here)
    (one,) = outcome.values["vms"]
    assert (outcome.changed, one["outcome"], one["files_fetched"], one["files_kept"]) == (True, "transferred", 2, 0)
    assert (one["bytes"], one["configuration_file"]) == (
        3005,
        f"{HOME}\\web01\\Virtual Machines\\{WEB}.vmcx",
    )
    assert here.disk.read(f"{HOME}\\{DISK}") == b"web" * 1000
    assert find(here.session, PATH, WEB) == manifest_of(here)
    assert not [path for path in here.disk.files if path.endswith(".part")]
    changing = ("Copy-Item", "Rename-Item", "Move-Item")
    order = [
        item.name
        for statements in here.session.invocations
        for statement in statements
        for item in statement.commands
        if item.name in changing
    ]
    assert order == ["Copy-Item", "Rename-Item"] * 2 + ["Move-Item"]


def test_again_is_unchanged_and_fetches_nothing() -> None:
    here = lab()
    run(here)
    here.session.invocations.clear()
    outcome = run(here)
    (one,) = outcome.values["vms"]
    assert (outcome.changed, one["outcome"], one["files_kept"], copied(here)) == (False, "already_there", 2, [])


@pytest.mark.parametrize(
    ("content", "kind"), [(b"wex" + b"web" * 999, Kind.HASH), (b"short", Kind.SIZE), (None, Kind.MISSING)]
)
def test_a_wrong_file_alone_is_fetched_again(content: bytes | None, kind: Kind) -> None:
    here = lab()
    run(here)
    here.session.invocations.clear()
    if content is None:
        here.disk.remove(f"{HOME}\\{DISK}")
    else:
        here.disk.put(f"{HOME}\\{DISK}", content)
    assert [one.kind for one in verify(here.session, manifest_of(here), PATH)] == [kind]
    checked = run(here, check_mode=True)
    assert (checked.changed, copied(here)) == (True, [])
    outcome = run(here)
    (one,) = outcome.values["vms"]
    assert (one["files_fetched"], one["files_kept"], copied(here)) == (1, 1, ["web01.vhdx"])
    assert outcome.diff.after == {HOME: []}
    assert verify(here.session, manifest_of(here), PATH) == ()


def test_what_comes_wrong_once_is_fetched_again() -> None:
    here = lab()
    seen: list[str] = []

    def spoil(target: str, content: bytes) -> bytes:
        seen.append(target)
        return content[:-1] if len(seen) == 1 else content

    here.spoils = spoil
    assert run(here).values["vms"][0]["outcome"] == "transferred"
    assert len(seen) == 3


def test_what_comes_wrong_always_is_a_failure_that_names_the_file_and_both_hashes() -> None:
    here = lab()
    here.spoils = lambda target, content: content.replace(b"webweb", b"wabweb", 1)
    outcome = run(here, ids=[WEB, DB])
    one, other = outcome.values["vms"]
    assert isinstance(outcome.failure, RemoteError)
    assert (one["outcome"], other["outcome"], outcome.changed) == ("failed", "transferred", True)
    assert "web01.vhdx" in one["error"]["msg"]
    assert one["error"]["expected"] in one["error"]["msg"]
    assert one["error"]["found"] in one["error"]["msg"]
    assert len([name for name in copied(here) if name == "web01.vhdx"]) == 3
    assert not [path for path in here.disk.files if path.endswith(".part")]
    assert f"{HOME}\\manifest.json".lower() not in here.disk.files


def test_the_credential_travels_as_one_and_shows_nowhere() -> None:
    here = lab()
    outcome = run(here)
    (drive, *_more) = here.session.sent("New-PSDrive")
    assert isinstance(drive["Credential"], Credential)
    assert drive["Root"] == "\\\\hv01\\D$"
    assert here.signed_in == {}, "every drive is closed again"
    assert SECRET not in repr(outcome)
    assert SECRET not in repr(here.session.invocations)


class TestBrought:
    def bring(self, here: FakeFiles, *, without: str = "") -> None:
        for file in list(share_of(here).files.values()):
            if not without or not file.path.endswith(without):
                here.disk.put(PATH + file.path[len(SOURCE) :], file.content)

    def run(self, here: FakeFiles, **arguments: Any) -> Any:
        return run(here, method="external", source=None, username=None, password=None, **arguments)

    def test_a_right_tree_is_verified_and_nothing_changes(self) -> None:
        here = lab()
        self.bring(here)
        outcome = self.run(here, ids=None)
        assert [one["outcome"] for one in outcome.values["vms"]] == ["already_there"] * 2
        assert (outcome.changed, outcome.failure) == (False, None)
        assert self.run(here, ids=None, names=["WEB01"]).values["vms"][0]["files_kept"] == 2

    def test_nothing_brought_says_where_to(self) -> None:
        for given in ({"ids": [WEB]}, {"ids": None, "names": ["web01"]}, {"ids": None}):
            outcome = self.run(lab(), **given)
            (one,) = outcome.values["vms"]
            assert [finding["id"] for finding in one["findings"]] == ["tree_not_brought"]
            assert isinstance(outcome.failure, NotPossible)

    def test_each_wrong_file_is_named(self) -> None:
        here = lab()
        self.bring(here, without=".vmcx")
        here.disk.put(f"{HOME}\\{DISK}", b"cut")
        outcome = self.run(here)
        found = outcome.values["vms"][0]["findings"]
        assert sorted(one["id"] for one in found) == ["file_missing", "file_size_differs"]
        assert all(HOME in one["remedy"] for one in found)
        here.disk.put(f"{HOME}\\{DISK}", b"wex" + b"web" * 999)
        found = self.run(here).values["vms"][0]["findings"]
        assert "file_hash_differs" in [one["id"] for one in found]
        assert outcome.changed is False


def test_no_room_is_found_before_anything_is_fetched() -> None:
    here = lab()
    here.free = 3006
    outcome = run(here, ids=[WEB, DB])
    assert [one["outcome"] for one in outcome.values["vms"]] == ["transferred", "failed"]
    assert outcome.values["vms"][1]["findings"][0]["id"] == "space_insufficient"
    here.free = 10
    route = route_of("smb", SOURCE, *SIGNED.values())
    here.disk.remove(f"{HOME}\\{DISK}")
    clock = FakeClock()
    with pytest.raises(NotPossible, match="are free at"):
        fetch(
            here.session,
            manifest_of(here),
            route,
            PATH,
            tell=Lines().say,
            clock=clock,
            deadline=Deadline(None, clock),
        )


def test_a_tree_that_became_a_vm_is_never_written_again() -> None:
    here = lab()
    run(here)
    here.vms.append(vm(WEB, "web01", ConfigurationLocation=f"{HOME}\\web01"))
    here.disk.put(f"{HOME}\\{DISK}", b"it has run")
    outcome = run(here)
    assert (outcome.changed, outcome.values["vms"][0]["outcome"]) == (False, "already_imported")
    here.vms[0]["Id"] = here.vms[0]["VMId"] = DB
    outcome = run(here)
    assert [one["id"] for one in outcome.values["vms"][0]["findings"]] == ["files_in_use"]
    assert here.disk.read(f"{HOME}\\{DISK}") == b"it has run"


def test_an_unfinished_export_is_not_fetched() -> None:
    here = lab()
    path = f"{SOURCE}\\{WEB}\\manifest.json"
    share_of(here).put(path, replace(manifest_of(here), state="hashing", files=()).as_text())
    outcome = run(here)
    assert [one["id"] for one in outcome.values["vms"][0]["findings"]] == ["export_unfinished"]
    share_of(here).put(path, "{}")
    assert run(here).values["vms"][0]["findings"][0]["id"] == "export_missing"


def test_a_newer_export_replaces_the_older_tree() -> None:
    source = exported()
    here = destination(source)
    run(here)
    source.disk.later(100)
    source.disk.put("C:\\VMs\\web01.vhdx", b"WEB" * 1000)
    run_export(source)
    newer = destination(source)
    here.disk.shares = newer.disk.shares
    outcome = run(here)
    assert (outcome.values["vms"][0]["files_fetched"], outcome.values["vms"][0]["files_kept"]) == (1, 1)
    assert find(here.session, PATH, WEB) == manifest_of(here)


def test_a_tree_on_its_way_to_a_newer_export_has_no_manifest_of_the_older_one() -> None:
    source = exported()
    here = destination(source)
    run(here)
    source.disk.put("C:\\VMs\\web01.vhdx", b"WEB" * 1000)
    run_export(source, force_new=True)
    here.disk.shares = destination(source).disk.shares
    here.spoils = lambda target, content: b"never right"
    assert run(here).values["vms"][0]["outcome"] == "failed"
    assert find(here.session, PATH, WEB) is None


def test_the_library_refuses_to_write_where_a_vm_lives() -> None:
    here, clock = lab(), FakeClock()
    here.vms.append(vm(DB, "db01", disks=[{"VMId": DB, "Path": f"{HOME}\\{DISK}"}]))
    with pytest.raises(NotPossible, match="db01"):
        fetch(
            here.session,
            manifest_of(here),
            route_of("smb", SOURCE, *SIGNED.values()),
            PATH,
            tell=Lines().say,
            clock=clock,
            deadline=Deadline(None, clock),
        )
    assert copied(here) == []


def test_a_manifest_of_another_vm_is_refused() -> None:
    here = lab()
    other = share_of(here).read(f"{SOURCE}\\{DB}\\manifest.json")
    share_of(here).put(f"{SOURCE}\\{WEB}\\manifest.json", other)
    outcome = run(here)
    assert [one["id"] for one in outcome.values["vms"][0]["findings"]] == ["export_missing"]
    assert copied(here) == []


def test_names_are_looked_up_in_the_manifests() -> None:
    here = lab()
    assert [one["id"] for one in run(here, ids=None, names=["DB01"]).values["vms"]] == [DB]
    assert len(run(here, ids=None).values["vms"]) == 2
    with pytest.raises(NotFound, match="nobody"):
        run(here, ids=None, names=["nobody"])
    twin = share_of(here).read(f"{SOURCE}\\{DB}\\manifest.json").decode()
    share_of(here).put(f"{SOURCE}\\{DB}\\manifest.json", twin.replace('"db01"', '"web01"'))
    with pytest.raises(Ambiguous, match=DB):
        run(here, ids=None, names=["web01"])


@pytest.mark.parametrize("name", [HOSTILE.replace("\n", " "), "[x]", "测试 $(x)"])
def test_hostile_names(name: str) -> None:
    here = destination(exported(name))
    assert run(here).values["vms"][0]["outcome"] == "transferred"
    assert run(here).changed is False


def test_a_manifest_that_names_files_outside_is_refused() -> None:
    here = lab()
    raw = json.loads(share_of(here).read(f"{SOURCE}\\{WEB}\\manifest.json"))
    raw["files"][0]["path"] = "..\\..\\Windows\\x.dll"
    share_of(here).put(f"{SOURCE}\\{WEB}\\manifest.json", json.dumps(raw))
    assert run(here).values["vms"][0]["findings"][0]["id"] == "export_missing"
    assert copied(here) == []


def test_an_endpoint_without_files_is_named() -> None:
    with pytest.raises(NotPossible) as caught:
        operate(request(FakeSession(), method="external", path=PATH))
    assert [one.id for one in caught.value.findings] == ["file_commands_hidden"]
