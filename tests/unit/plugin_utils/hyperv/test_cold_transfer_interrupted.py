# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transfers that are killed or lose their link: what was done holds, and what was left goes."""

from __future__ import annotations

import os
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils import owner
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    ConnectionLost,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold import files
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.transferring import (
    verify,
)
from unit.fake_session import FakeClock
from unit.plugin_utils.hyperv.fake_host import WEB
from unit.plugin_utils.hyperv.fake_transfers import (
    DISK,
    HOME,
    PATH,
    SOURCE,
    copied,
    lab,
    manifest_of,
    run,
)


def test_what_a_killed_run_left_goes_and_what_another_run_writes_stays() -> None:
    here = lab()
    foreign = "00000000-7-" + "a" * 16
    alive = f"{owner.controller()}-{os.getppid()}-{'b' * 16}"
    dead = f"{owner.controller()}-4194399-{'c' * 16}"
    for token in (foreign, alive, dead):
        here.disk.put(f"{HOME}\\{DISK}.{token}.part", "x")
    here.disk.put(f"{HOME}\\notes.part", "somebody's")
    run(here)
    left = sorted(path.rpartition("\\")[2] for path in here.disk.files if path.endswith(".part"))
    assert left == sorted(["notes.part", f"web01.vhdx.{foreign}.part", f"web01.vhdx.{alive}.part"])
    here.disk.remove(f"{HOME}\\{DISK}.{alive}.part")
    here.disk.later(3600)
    here.disk.locked.add(f"{HOME}\\{DISK}.{foreign}.part".lower())
    locked = run(here)
    assert (locked.changed, f"{HOME}\\{DISK}.{foreign}.part".lower() in here.disk.files) == (False, True)
    here.disk.locked.clear()
    checked = run(here, check_mode=True)
    assert (checked.changed, len(checked.diff.before[HOME])) == (True, 1)
    outcome = run(here)
    assert (outcome.changed, outcome.values["vms"][0]["files_fetched"]) == (True, 0)
    assert f"{HOME}\\{DISK}.{foreign}.part".lower() not in here.disk.files
    assert run(here).changed is False


def test_a_lost_link_is_opened_again_and_only_its_file_begins_anew() -> None:
    here = lab()
    original = here.session.machine.handlers["copy-item"]
    lost: list[str] = []

    def once(parameters: Any, piped: Any) -> Any:
        if parameters["LiteralPath"].endswith(".vmcx") and not lost:
            lost.append("x")
            raise ConnectionLost("weg")
        return original(parameters, piped)

    here.session.machine.on("Copy-Item", once)
    assert run(here).values["vms"][0]["outcome"] == "transferred"
    assert sorted(copied(here)) == sorted(["web01.vhdx", f"{WEB}.vmcx", f"{WEB}.vmcx"])
    assert len(here.session.sent("New-PSDrive")) == 4


def lose_one_answer(here: Any, cmdlet: str) -> None:
    """Have the first of these commands done, and its answer lost."""
    original = here.session.machine.handlers[cmdlet.lower()]
    lost: list[str] = []

    def once(parameters: Any, piped: Any) -> Any:
        done = original(parameters, piped)
        if not lost:
            lost.append("x")
            raise ConnectionLost("weg")
        return done

    here.session.machine.on(cmdlet, once)


def test_what_a_lost_link_left_is_removed_by_the_same_run() -> None:
    here = lab()
    lose_one_answer(here, "Copy-Item")
    assert run(here).values["vms"][0]["outcome"] == "transferred"
    assert not [path for path in here.disk.files if path.endswith(".part")]
    assert run(here).changed is False


def test_a_file_that_got_its_name_though_the_answer_was_lost_is_fetched_over() -> None:
    here = lab()
    lose_one_answer(here, "Rename-Item")
    assert run(here).values["vms"][0]["outcome"] == "transferred"
    assert (len(copied(here)), verify(here.session, manifest_of(here), PATH)) == (3, ())


@pytest.mark.parametrize(("losses", "fetched"), [(2, True), (9, False)])
def test_a_lost_link_in_the_middle_of_hashes_does_not_lose_those_before(losses: int, fetched: bool) -> None:
    here, clock = lab(), FakeClock()
    original = here.session.machine.handlers["get-filehash"]
    lost: list[str] = []

    def often(parameters: Any, piped: Any) -> Any:
        if len(lost) < losses:
            lost.append("x")
            raise ConnectionLost("weg")
        return original(parameters, piped)

    here.session.machine.on("Get-FileHash", often)
    path = f"{SOURCE}\\{WEB}\\{DISK}"
    if fetched:
        assert files.digest(here.session, path, 3000, clock=clock) == manifest_of(here).files[0].sha256
        assert clock.now > 0
    else:
        with pytest.raises(ConnectionLost):
            files.digest(here.session, path, 3000, clock=clock)
