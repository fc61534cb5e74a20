# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves of others are attached to and counted, slots and backups are waited for, and a failure stays with its VM."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from integration.harness import Lab
from integration.moving import by_name, everywhere, finding_ids, ready, residents, show
from integration.scenario import sent, task

pytestmark = pytest.mark.exhaustive

PATIENCE_SECONDS = 60


def await_moves(lab: Lab, number: int) -> None:
    """Return when that many moves run."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while lab.state()["moves_running"] < number:
        assert time.monotonic() < deadline, "the move did not begin"
        time.sleep(0.3)


def most_at_once(moves: list[dict[str, Any]], host: str) -> int:
    """Return how many moves ran at a host at the same time at most."""
    mine = [move for move in moves if host in (move["source"], move["destination"])]
    return max(sum(1 for other in mine if other["started"] <= m["started"] < other["finished"]) for m in mine)


def test_a_move_that_runs_is_attached_to(start_lab: Callable[..., Lab]) -> None:
    """One play moves a machine, another comes by; a move that takes too long goes on, and the next run attaches."""
    big = {"state": "Running", "disks": [{"size_gb": 100, "file_size_gb": 24}]}
    bigger = {"state": "Running", "disks": [{"size_gb": 100, "file_size_gb": 48}]}
    lab = start_lab(
        ready(
            [{"name": "HV01"}, {"name": "HV02"}],
            [{"name": "shared", "host": "HV01", **big}, {"name": "slow", "host": "HV01", **bigger}],
            speed=2,
            # "joined" meets a move that only its planned VM shows.
            migration={"unseen_seconds": 10},
        )
    )
    first = lab.start(
        lab.playbook(
            [
                {
                    "hosts": "hv01",
                    "gather_facts": False,
                    "tasks": [task("first", "vm_migration", names=["shared"], destination_host="hv02")],
                }
            ]
        )
    )
    await_moves(lab, 1)
    run = lab.tasks(
        "hv01",
        task("joined", "vm_migration", names=["shared"], destination_host="hv02"),
        task("limited", "vm_migration", names=["slow"], destination_host="hv02", timeout_seconds=9),
        task("second", "vm_migration", names=["shared", "slow"], destination_host="hv02"),
        task("third", "vm_migration", names=["shared", "slow"], destination_host="hv02"),
    )
    output, _ = first.communicate(timeout=PATIENCE_SECONDS)
    assert first.returncode == 0, output
    limited = by_name(run.one("limited"))["slow"]
    assert limited["error"]["kind"] == "timed_out", show(run)
    assert "goes on" in limited["error"]["msg"]
    assert run.one("limited")["changed"] is True, "a move was begun"
    assert by_name(run.one("joined"))["shared"]["outcome"] == "attached", show(run)
    outcomes = {name: row["outcome"] for name, row in by_name(run.one("second")).items()}
    assert outcomes == {"shared": "already_there", "slow": "attached"}, show(run)
    assert run.one("second")["changed"] is True
    assert run.one("third")["changed"] is False
    state = lab.state()
    assert {vm["moves"] for vm in residents(state, "HV02").values()} == {1}
    assert len(state["moves"]) == 2, "a second move was begun"
    recorded = [json.loads(line) for line in (lab.workdir / "run-1.jsonl").read_text(encoding="utf-8").splitlines()]
    assert recorded[0]["result"]["vms"][0]["outcome"] == "moved"


def test_a_move_survives_the_loss_of_every_connection(start_lab: Callable[..., Lab]) -> None:
    """The session that carries the move is left alone, not deleted: deleting it would cancel the move."""
    vm = {"name": "long", "host": "HV01", "state": "Running", "disks": [{"size_gb": 100, "file_size_gb": 24}]}
    lab = start_lab(ready([{"name": "HV01"}, {"name": "HV02"}], [vm], speed=4))
    move = task("move", "vm_migration", names=["long"], destination_host="hv02")
    run = lab.start(lab.playbook([{"hosts": "hv01", "gather_facts": False, "tasks": [move]}]))
    await_moves(lab, 1)
    lab.control("drop", "HV01")
    output, _ = run.communicate(timeout=PATIENCE_SECONDS)
    assert run.returncode == 0, output
    assert [one["outcome"] for one in lab.state()["moves"]] == ["moved"], output


def test_slots_of_both_hosts_and_backups_are_waited_for(start_lab: Callable[..., Lab]) -> None:
    """Two sources, one destination with two slots; a backup that ends and one that does not; all at the same time."""
    vm = {"state": "Running", "disks": [{"size_gb": 100, "file_size_gb": 10}]}
    narrow = {"migration": {"enabled": True, "authentication": "CredSSP", "slots": 2, "storage_slots": 2,
                            "networks": ["10.0.0.0/8"]}}  # fmt: skip
    lab = start_lab(
        ready(
            [{"name": "HV01"}, {"name": "HV02", **narrow}, {"name": "HV03"}, {"name": "HV04"}, {"name": "HV05"}],
            [
                {"count": 3, "name": "a{n}", "host": "HV01", **vm},
                {"count": 3, "name": "b{n}", "host": "HV03", **vm},
                {"name": "saved at night", "host": "HV04", "state": "Running", "backup": {"seconds": 1000}},
                {"name": "never saved", "host": "HV04", "state": "Running", "backup": {"seconds": 1000000}},
            ],
            defaults={"network": {"rate_mb": 250, "addresses": ["10.20.0.1/16"]}},
            speed=20,
        )
    )
    before = lab.state()
    wanted = {
        "hv01": {"names": ["a1", "a2", "a3"], "to": "hv02"},
        "hv03": {"names": ["b1", "b2", "b3"], "to": "hv02"},
        "hv04": {"names": ["saved at night", "never saved"], "to": "hv05"},
    }
    run = lab.tasks(
        "hv01,hv03,hv04",
        task(
            "move",
            "vm_migration",
            names="{{ wanted[inventory_hostname].names }}",
            destination_host="{{ wanted[inventory_hostname].to }}",
            wait_for_backup_seconds=75,  # 1000 of the lab's are 50; the play's beginning takes its share of them
            retries=0,
        ),
        wanted=wanted,
    )
    after = lab.state()
    for host in ("hv01", "hv03"):
        rows = by_name(run.one("move", host))
        assert {row["outcome"] for row in rows.values()} == {"moved"}, show(run)
    assert most_at_once(after["moves"], "HV02") == 2, "as many as there are slots, not more and not fewer"
    assert all(move["outcome"] == "moved" for move in after["moves"]), "nothing was tried that had to fail"
    rows = by_name(run.one("move", "hv04"))
    assert rows["saved at night"]["outcome"] == "moved", show(run)
    assert finding_ids(rows["saved at night"]) == {"backup_running"}
    assert rows["never saved"]["outcome"] == "failed"
    assert rows["never saved"]["error"]["kind"] == "timed_out"
    assert residents(after, "HV04")["never saved"]["moves"] == 0
    assert everywhere(before) == everywhere(after)


def faulty(phase: str, error: int, times: int = 1, state: str = "Running") -> dict[str, Any]:
    """Return a machine whose move fails in a phase."""
    return {"name": f"{phase} {error:x}", "host": "HV01", "state": state,
            "faults": [{"phase": phase, "error": error, "times": times}]}  # fmt: skip


RESET, TIMED_OUT, FULL = 0x80072746, 0x800705B4, 0x80070070
BROKEN = [faulty(phase, code) for phase in ("storage", "memory", "handover") for code in (RESET, FULL)]
FAULTS = ready(
    [{"name": "HV01"}, {"name": "HV02"}],
    [
        *BROKEN,
        faulty("cleanup", RESET),
        faulty("storage", TIMED_OUT, 2),
        {"name": "sound", "host": "HV01", "state": "Running"},
        {"name": "sound off", "host": "HV01"},
    ],
)


def test_a_failure_in_any_phase_stays_with_its_machine_and_the_next_run_cures_it(start_lab: Callable[..., Lab]) -> None:
    lab = start_lab(FAULTS)
    before = lab.state()
    names = sorted(vm["name"] for vm in BROKEN)
    first = lab.tasks(
        "hv01",
        task("retried", "vm_migration", names=["storage 800705b4"], destination_host="hv02", retries=2),
        task("first", "vm_migration", select="[*]", destination_host="hv02", retries=0),
    )
    between = lab.state()
    assert by_name(first.one("retried"))["storage 800705b4"]["outcome"] == "moved", show(first)
    rows = by_name(first.one("first"))
    assert {name: rows[name]["outcome"] for name in names} == dict.fromkeys(names, "failed"), show(first)
    for name in names:
        assert rows[name]["error"]["hresult"].lower() == f"0x{name.rpartition(' ')[2]}"
        assert rows[name]["error"]["remedy"]
        vm = residents(between, "HV01")[name]
        assert (vm["state"], vm["moves"]) == ("Running", 0), "a failed move leaves the machine running at the source"
    assert {rows["sound"]["outcome"], rows["sound off"]["outcome"]} == {"moved"}
    untidy = rows["cleanup 80072746"]
    assert untidy["outcome"] == "moved"
    assert finding_ids(untidy) == {"source_cleanup_failed"}
    assert first.one("first")["changed"] is True
    assert first.one("first")["_status"] == "ignored", "a failed machine fails the task"
    assert {planned["name"] for planned in between["hosts"]["HV02"]["planned"]} == {
        name for name in names if name.endswith("80072746")
    }, "a broken connection leaves its planned machine"

    mark = len(lab.journal())
    second = lab.tasks("hv01", task("second", "vm_migration", names=names, destination_host="hv02"))
    assert {row["outcome"] for row in second.one("second")["vms"]} == {"moved"}, show(second)
    after = lab.state()
    assert everywhere(before) == everywhere(after)
    assert not after["hosts"]["HV02"]["planned"]
    assert not residents(after, "HV01")
    assert all(vm["moves"] == 1 for vm in residents(after, "HV02").values())
    assert sent(lab, mark)["Move-VM"] == len(names)
