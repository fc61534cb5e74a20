# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tree that another host runs in place is nobody's to remove, and nobody's to write."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import NotPossible
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold import in_use
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.export_look import look
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.export_tree import remove_export
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.exporting import Order, make
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.route import route_of
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.transferring import fetch
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.gateway import get_vm
from ansible_collections.hyperv.mobility.plugins.plugin_utils.owner import controller
from ansible_collections.hyperv.mobility.plugins.plugin_utils.waiting import Deadline
from unit.fake_session import FakeClock, Lines
from unit.plugin_utils.hyperv import fake_transfers
from unit.plugin_utils.hyperv.fake_exports import DEAD, FOLDER, PATH, host, run, written
from unit.plugin_utils.hyperv.fake_files import FakeDisk, FakeFiles
from unit.plugin_utils.hyperv.fake_host import WEB

MINE = f"{controller()}-4194305-0123456789abcdef"
"""A token of this controller, of a process that is gone: Linux gives no number above 4194304."""
MARK = f"{FOLDER}\\{in_use.MARK}"
OTHERS = json.dumps({"host": "HV09", "vm_id": WEB})


def marked(content: str = OTHERS) -> FakeFiles:
    """A host whose export another one has imported in place."""
    here = host()
    run(here)
    here.disk.put(MARK, content)
    return here


def found(outcome: Any) -> list[str]:
    return [item["id"] for item in outcome.values["vms"][0]["findings"]]


@pytest.mark.parametrize("content", [OTHERS, "", "[]", "{}"])
@pytest.mark.parametrize("arguments", [{"state": "absent"}, {"force_new": True}])
@pytest.mark.parametrize("check_mode", [True, False])
def test_an_export_that_another_host_runs_stays(content: str, arguments: dict[str, Any], check_mode: bool) -> None:
    here = marked(content)
    before = dict(here.disk.files)
    outcome = run(here, check_mode=check_mode, **arguments)
    assert (outcome.changed, found(outcome), outcome.values["vms"][0]["outcome"]) == (
        False,
        ["tree_imported"],
        "failed",
    )
    assert here.disk.files == before
    if content == OTHERS:
        assert "HV09" in outcome.values["vms"][0]["findings"][0]["evidence"]


def test_the_library_neither_removes_nor_replaces_it() -> None:
    here, clock = marked(), FakeClock()
    export = look(here.session, PATH, [WEB])[WEB]
    with pytest.raises(NotPossible, match="HV09"):
        remove_export(here.session, export)
    order = Order(
        vm=get_vm(here.session, WEB), path=PATH, capture="off", clock=clock, deadline=Deadline(None, clock),
        tell=Lines().say, force_new=True,
    )  # fmt: skip
    with pytest.raises(NotPossible, match="HV09") as caught:
        make(here.session, order)
    assert not caught.value.changed
    assert written(here).complete


def test_a_complete_export_still_holds_though_it_runs_elsewhere() -> None:
    assert run(marked()).values["vms"][0]["outcome"] == "already_exported"


def test_the_hosts_own_mark_says_less_than_the_host_itself() -> None:
    here = marked(json.dumps({"host": "hv01", "vm_id": WEB}))
    outcome = run(here, state="absent")
    assert (outcome.changed, outcome.failure) == (True, None)


@pytest.mark.parametrize("folder", ["\\\\nas\\exports\\x", "C:\\ClusterStorage\\Volume1\\x"])
def test_from_a_share_the_vm_may_have_moved_on(folder: str) -> None:
    here = host()
    here.disk.shares["\\\\nas\\exports\\"] = FakeDisk()
    where = here.disk.shares["\\\\nas\\exports\\"] if folder.startswith("\\") else here.disk
    where.put(f"{folder}\\{in_use.MARK}", json.dumps({"host": "HV01", "vm_id": WEB}))
    (finding,) = in_use.imported_elsewhere(here.session, [folder])[folder]
    assert finding.id == "tree_imported"
    assert f"{folder}\\{in_use.MARK}" in finding.remedy


@pytest.mark.parametrize(
    ("host_name", "token", "machines", "planned", "runs", "blocks"),
    [
        ("HV01", MINE, (), (), None, False),
        ("HV01", MINE, (), (WEB,), False, False),
        ("HV01", MINE, (), (WEB,), True, True),
        ("HV01", MINE, (), (WEB,), None, True),
        ("HV01", MINE, (WEB,), (), False, True),
        ("HV01", DEAD, (), (), False, True),
        ("HV09", MINE, (), (), False, True),
        ("HV01", "", (), (), False, True),
    ],
)
def test_an_import_that_only_began_and_came_to_nothing_is_nobodys_vm(
    monkeypatch: pytest.MonkeyPatch, host_name: str, token: str, machines: Any, planned: Any, runs: Any, blocks: bool
) -> None:
    here, folder = host(), "C:\\ClusterStorage\\Volume1\\x"
    here.disk.put(f"{folder}\\{in_use.MARK}", json.dumps({"host": host_name, "vm_id": WEB, "importing": token}))
    seen = SimpleNamespace(whole=True, machines=machines, planned=planned)
    monkeypatch.setattr(in_use, "look_at", lambda session: seen)
    monkeypatch.setattr(in_use, "imports_run", lambda session: runs)
    assert bool(in_use.imported_elsewhere(here.session, [folder])) is blocks
    seen.whole = False
    assert in_use.imported_elsewhere(here.session, [folder])


def test_a_mark_of_an_import_that_began_is_settled_once_its_vm_was_seen() -> None:
    here = host()
    in_use.settle(here.session, FOLDER, WEB, MINE)
    assert MARK.lower() not in here.disk.files, "a tree without a mark was imported by other means"
    in_use.mark(here.session, FOLDER, WEB, MINE, importing=True)
    assert json.loads(here.disk.read(MARK))["importing"] == MINE
    in_use.settle(here.session, FOLDER, WEB, MINE)
    assert json.loads(here.disk.read(MARK)) == {"host": "HV01", "vm_id": WEB}


def test_a_mark_is_written_read_and_taken_out() -> None:
    here = host()
    run(here)
    in_use.mark(here.session, FOLDER, WEB, "00000000-1-0123456789abcdef")
    assert json.loads(here.disk.read(MARK)) == {"host": "HV01", "vm_id": WEB}
    assert run(here).changed is False, "it is no file of the tree"
    in_use.unmark(here.session, FOLDER)
    in_use.unmark(here.session, FOLDER)
    assert MARK.lower() not in here.disk.files


def test_a_tree_that_another_host_runs_is_not_written_by_a_transfer() -> None:
    here, clock = fake_transfers.lab(), FakeClock()
    fake_transfers.run(here)
    here.disk.put(f"{fake_transfers.HOME}\\{in_use.MARK}", OTHERS)
    here.disk.put(f"{fake_transfers.HOME}\\{fake_transfers.DISK}", b"it runs")
    outcome = fake_transfers.run(here)
    assert (outcome.changed, found(outcome)) == (False, ["tree_imported"])
    route = route_of("smb", fake_transfers.SOURCE, *fake_transfers.SIGNED.values())
    with pytest.raises(NotPossible, match="HV09"):
        fetch(
            here.session, fake_transfers.manifest_of(here), route, fake_transfers.PATH, tell=Lines().say, clock=clock,
            deadline=Deadline(None, clock),
        )  # fmt: skip
    assert here.disk.read(f"{fake_transfers.HOME}\\{fake_transfers.DISK}") == b"it runs"


def test_a_tree_that_becomes_a_vm_while_a_file_is_fetched_is_not_written_over() -> None:
    here = fake_transfers.lab()
    fake_transfers.run(here)
    disk = f"{fake_transfers.HOME}\\{fake_transfers.DISK}"
    here.disk.put(disk, b"wrong")

    def imported_meanwhile(target: str, content: bytes) -> bytes:
        here.disk.put(disk, b"it runs")
        here.disk.put(f"{fake_transfers.HOME}\\{in_use.MARK}", OTHERS)
        return content

    here.spoils = imported_meanwhile
    outcome = fake_transfers.run(here)
    assert (outcome.values["vms"][0]["outcome"], found(outcome)) == ("failed", ["tree_imported"])
    assert here.disk.read(disk) == b"it runs"
    assert not [path for path in here.disk.files if path.endswith(".part")]
