# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every reason why a machine can't move is found before the first change, and no other machine is held up by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from integration.harness import Lab, Run, serve
from integration.moving import by_name, finding_ids, nothing_changed, one_line, residents, show
from integration.obstacles import BLOCKED, CLEAN, MOVE_ALL, WAYS, obstacles, pairs
from integration.scenario import sent, task

pytestmark = pytest.mark.exhaustive


@pytest.fixture(scope="module")
def all_at_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Run, dict[str, Any], dict[str, Any]]]:
    """Every machine of the fleet in one task: compared, then moved; the lab's state after and before."""
    with contextmanager(serve)(obstacles(), tmp_path_factory.mktemp("obstacles")) as lab:
        compared = lab.tasks("hv01", task("compare", "vm_compatibility", select="[*]", destination_host="hv02"))
        nothing_changed(lab)
        state = lab.state()
        assert not state["moves"]
        assert not state["hosts"]["HV02"]["planned"]
        run = lab.tasks("hv01", task("move", "vm_migration", **MOVE_ALL))
        yield Run(run.code, compared.output + run.output, compared.results + run.results), lab.state(), state


@pytest.mark.parametrize("name", BLOCKED)
def test_a_reason_is_found_and_the_machine_stays(all_at_once: Any, name: str) -> None:
    run, after, _ = all_at_once
    expected = BLOCKED[name][1]
    compared, moved = by_name(run.one("compare"))[name], by_name(run.one("move"))[name]
    assert compared["compatible"] is False
    for row in (compared, moved):
        assert expected in finding_ids(row, "blocking"), row
        strangers = {f for f in finding_ids(row, "blocking") - {expected} if not f.startswith("compare_vm_99000")}
        assert not strangers, f"{strangers} is not the reason"
    assert moved["outcome"] == "failed"
    assert expected in moved["error"]["msg"] or expected == "id_taken", moved["error"]
    one_line(moved["error"]["msg"])
    assert name in residents(after, "HV01")


@pytest.mark.parametrize("name", CLEAN)
def test_no_false_alarm(all_at_once: Any, name: str) -> None:
    run, after, _ = all_at_once
    warned = CLEAN[name][1]
    compared, moved = by_name(run.one("compare"))[name], by_name(run.one("move"))[name]
    assert finding_ids(compared) == warned
    assert compared["compatible"] is True
    assert moved["outcome"] == "moved", moved
    assert finding_ids(moved) == warned
    assert name in residents(after, "HV02")


def test_each_finding_names_evidence_and_remedy(all_at_once: Any) -> None:
    run, _, _ = all_at_once
    for row in run.one("compare")["vms"]:
        for found in row["findings"]:
            assert found["subject"] in {row["name"], "hv01", "hv02"}
            assert found["evidence"]
            assert found["remedy"]
            one_line(found["evidence"])


def test_an_unknown_number_blocks_with_its_number_and_text(all_at_once: Any) -> None:
    run, _, _ = all_at_once
    row = by_name(run.one("compare"))["many processors"]
    (found,) = [f for f in row["findings"] if f["id"] == "compare_vm_990005"]
    assert "990005" in found["evidence"]
    assert "The range is 1 through" in found["evidence"]


def test_nothing_was_left_behind(all_at_once: Any) -> None:
    run, state, before = all_at_once
    assert not state["hosts"]["HV02"]["planned"]
    there = before["hosts"]["HV01"]["vms"]
    same = {vm["id"]: vm for vm in state["hosts"]["HV01"]["vms"].values()}
    assert all(there[vm_id] == vm for vm_id, vm in same.items()), "a blocked machine was changed"
    assert run.one("move")["changed"] is True
    assert run.one("compare")["changed"] is False


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Run, Lab]]:
    """Every pair of hosts compared for a machine."""
    with contextmanager(serve)(pairs(), tmp_path_factory.mktemp("pairs")) as lab:
        plays = [
            {
                "hosts": source,
                "gather_facts": False,
                "tasks": [task(name, "vm_compatibility", names=[vm], destination_host=destination)],
            }
            for name, (source, destination, vm, _) in WAYS.items()
        ]
        yield lab.play(plays), lab


@pytest.mark.parametrize("way", WAYS)
def test_hosts_that_do_not_fit_are_found(ways: Any, way: str) -> None:
    run, _ = ways
    result = run.one(way)
    assert result["_status"] == "ok", result
    assert result["compatible"] is not bool(WAYS[way][3])
    assert finding_ids(result["vms"][0], "blocking") == WAYS[way][3], result


def test_comparing_changed_nothing(ways: Any) -> None:
    run, lab = ways
    assert run.code == 0, show(run)
    assert not sent(lab)["Move-VM"]
    assert not any(host["planned"] for host in lab.state()["hosts"].values())


def test_a_planned_leftover_is_told_and_removed(start_lab: Callable[..., Lab]) -> None:
    """A move whose link broke leaves a planned machine; preflight says so, and the next run clears it."""
    from integration.moving import ready  # noqa: PLC0415 - this test's fleet only

    fault = [{"phase": "memory", "error": 0x80072746}]
    lab = start_lab(ready([{"name": "HV01"}, {"name": "HV02"}], [{"name": "torn", "host": "HV01", "faults": fault}]))
    arguments = {"names": ["torn"], "destination_host": "hv02"}
    run = lab.tasks(
        "hv01",
        task("broken", "vm_migration", retries=0, **arguments),
        task("compare", "vm_compatibility", **arguments),
        task("cure", "vm_migration", **arguments),
    )
    assert by_name(run.one("broken"))["torn"]["error"]["hresult"] == "0x80072746"
    row = by_name(run.one("compare"))["torn"]
    assert finding_ids(row) == {"planned_leftover"}, row
    assert row["compatible"] is True
    assert by_name(run.one("cure"))["torn"]["outcome"] == "moved", show(run)
    assert not lab.state()["hosts"]["HV02"]["planned"]
