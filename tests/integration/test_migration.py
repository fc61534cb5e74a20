# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_migration moves machines in every state with everything they have, once, and a second run changes nothing."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from integration.harness import Lab, Run
from integration.moving import by_name, everywhere, finding_ids, invocations, nothing_changed, ready, residents, show
from integration.scenario import assert_no_secret, sent, shells, task

STATES = {"running": "Running", "off": "Off", "saved": "Saved", "paused": "Paused"}
NAMES = [*STATES, "kept"]
CROWD = 40
FLEET = ready(
    [{"name": "HV01"}, {"name": "HV02"}],
    [
        *({"name": name, "host": "HV01", "state": state} for name, state in STATES.items()),
        {
            "name": "kept",
            "host": "HV01",
            "state": "Running",
            "processors": 4,
            "notes": "everything arrives",
            "disks": [
                {"path": "D:\\kept\\system.vhdx", "size_gb": 40, "file_size_gb": 1},
                {"path": "D:\\kept\\data.vhdx", "size_gb": 80, "file_size_gb": 1},
            ],
            "dvd": True,
            "adapters": [{"switch": "External", "mac": "00155D010203", "vlan": 12}, {"name": "loose"}],
            "checkpoints": [{"name": "before"}, {"name": "with memory", "memory_state": True}],
        },
        {"name": "stays", "host": "HV01"},
        {"count": CROWD, "name": "crowd{n:02}", "host": "HV02", "memory_mb": 64},
    ],
)
MOVE = {"names": NAMES, "destination_host": "hv02"}


class Story(NamedTuple):
    """What happened: the lab's state before and after, the play's results, and where the journal stood between."""

    before: dict[str, Any]
    checked: Run
    run: Run
    after: dict[str, Any]
    again: Run
    marks: tuple[int, int, int]


@pytest.fixture(scope="module")
def story(module_lab: Lab) -> Story:
    """Check mode, the move, and a second run."""
    lab = module_lab
    before = lab.state()
    checked = lab.tasks("hv01", task("check", "vm_migration", check=True, **MOVE))
    marks = [len(lab.journal())]
    unchanged = lab.state()
    assert residents(unchanged, "HV01") == residents(before, "HV01"), "check mode changed a machine"
    assert not unchanged["hosts"]["HV02"]["planned"], "check mode left a planned machine"
    assert not unchanged["moves"]
    run = lab.tasks("hv01", task("move", "vm_migration", keywords={"diff": True}, **MOVE))
    after = lab.state()
    marks.append(len(lab.journal()))
    again = lab.tasks("hv01", task("again", "vm_migration", keywords={"diff": True}, **MOVE))
    marks.append(len(lab.journal()))
    return Story(before, checked, run, after, again, (marks[0], marks[1], marks[2]))


def test_each_moves_with_what_it_has(story: Story) -> None:
    assert story.run.one("move")["_status"] == "ok", show(story.run)
    assert everywhere(story.before) == everywhere(story.after), "a machine was lost or doubled"
    there, was = residents(story.after, "HV02"), residents(story.before, "HV01")
    assert {name for name in there if not name.startswith("crowd")} == set(NAMES)
    assert list(residents(story.after, "HV01")) == ["stays"]
    same = ("id", "state", "adapters", "checkpoints", "processors", "memory", "version", "notes", "power_ons")
    for name in NAMES:
        assert {key: there[name][key] for key in same} == {key: was[name][key] for key in same}
        assert there[name]["moves"] == 1
    assert len(there["kept"]["disks"]) == 2
    volumes = story.after["hosts"]["HV02"]["volumes"]
    files = {path for volume in volumes.values() for path in volume["files"]}
    assert all(disk in files for vm in there.values() for disk in vm["disks"])
    left = [
        path
        for volume in story.after["hosts"]["HV01"]["volumes"].values()
        for path in volume["files"]
        if any(name in path for name in NAMES)
    ]
    assert not left, "files of moved machines are still on the source"
    assert not story.after["hosts"]["HV02"]["planned"]


def test_the_result_says_what_was_done(story: Story) -> None:
    result = story.run.one("move")
    rows = by_name(result)
    assert result["changed"] is True
    assert result["blocked"] is False
    assert result["summary"] == {"moved": 5, "already_there": 0, "attached": 0, "failed": 0, "skipped": 0}
    ids = {vm["name"]: vm["id"] for vm in residents(story.before, "HV01").values()}
    for name in NAMES:
        row = rows[name]
        assert (row["id"], row["source"], row["destination"]) == (ids[name], "hv01", "hv02")
        assert row["outcome"] == "moved"
        assert not finding_ids(row), row
        assert row["error"] is None
        assert row["started"].endswith("Z")
        assert row["seconds"] > 0
    gigabyte = 1024**3
    assert rows["off"]["bytes"] == gigabyte
    assert rows["running"]["bytes"] == 2 * gigabyte, "a file of 1 GB and 1 GB of memory"
    assert result["diff"] == {"before": dict.fromkeys(NAMES, "hv01"), "after": dict.fromkeys(NAMES, "hv02")}


def test_check_mode_foretells_it(story: Story) -> None:
    check, move = story.checked.one("check"), story.run.one("move")
    assert check["_status"] == "ok", show(story.checked)
    assert check["changed"] is True
    assert check["diff"] == move["diff"]
    assert {name: (row["id"], row["outcome"]) for name, row in by_name(check).items()} == {
        name: (row["id"], row["outcome"]) for name, row in by_name(move).items()
    }
    assert not any(finding_ids(row) for row in check["vms"])


def test_check_mode_asks_compare_vm_and_changes_nothing(module_lab: Lab, story: Story) -> None:
    compared = module_lab.commands("Compare-VM")
    assert len(compared) >= len(NAMES)
    checked = module_lab.journal()[: story.marks[0]]
    names = {c["command"].rpartition("\\")[2] for line in checked for s in line.get("statements", []) for c in s}
    assert "Compare-VM" in names
    assert "Move-VM" not in names


def test_a_second_run_changes_nothing_with_a_session_per_host(module_lab: Lab, story: Story) -> None:
    result = story.again.one("again")
    assert result["_status"] == "ok", show(story.again)
    assert result["changed"] is False
    assert {row["outcome"] for row in result["vms"]} == {"already_there"}
    assert result["diff"]["before"] == result["diff"]["after"] == dict.fromkeys(NAMES, "hv02")
    begin, end = story.marks[1:]
    opened = shells(module_lab, begin)
    assert {host: opened[host] for host in ("HV01", "HV02")} == {"HV01": 1, "HV02": 1}
    assert sent(module_lab, begin)["Compare-VM"] == 0
    assert end > begin


def test_reading_does_not_grow_with_the_number_of_machines(module_lab: Lab, story: Story) -> None:
    """A second run over 3 and over 40 machines: as many invocations; and preflight's reading likewise."""
    assert story.again.code == 0
    counts, sessions = [], []
    for most in (3, CROWD):
        mark = len(module_lab.journal())
        run = module_lab.tasks(
            "hv01",
            task("there", "vm_migration", select=f"[?starts_with(name,'crowd')]|[:{most}]", destination_host="hv02"),
        )
        result = run.one("there")
        assert result["summary"]["already_there"] == most, show(run)
        counts.append(invocations(module_lab, mark))
        sessions.append(sum(shells(module_lab, mark).values()))
    assert counts[0] == counts[1] <= 8
    assert sessions == [2, 2]


def test_the_way_back_by_id_and_by_expression(module_lab: Lab, story: Story) -> None:
    """Back to where they came from: into the folders' parents that are free again, by Id and by JMESPath."""
    run = module_lab.tasks(
        "hv02",
        task(
            "by id", "vm_migration", ids=[by_name(story.run.one("move"))["off"]["id"].upper()], destination_host="hv01"
        ),
        task("select", "vm_migration", select="[?name=='running' || name=='saved']", destination_host="hv01"),
        task("select again", "vm_migration", select="[?name=='running' || name=='saved']", destination_host="hv01"),
    )
    assert by_name(run.one("by id"))["off"]["outcome"] == "moved", show(run)
    assert {n: r["outcome"] for n, r in by_name(run.one("select")).items()} == {"running": "moved", "saved": "moved"}
    assert {r["outcome"] for r in run.one("select again")["vms"]} == {"already_there"}
    assert run.one("select again")["changed"] is False
    assert {"off", "running", "saved", "stays"} == set(residents(module_lab.state(), "HV01"))


def test_vm_compatibility_reads_only(module_lab: Lab, story: Story) -> None:
    assert story.run.code == 0
    mark, before = len(module_lab.journal()), module_lab.state()
    arguments = {"names": ["stays"], "destination_host": "hv02"}
    run = module_lab.tasks("hv01", task("compare", "vm_compatibility", **arguments))
    result = run.one("compare")
    assert result["_status"] == "ok", show(run)
    assert result["changed"] is False
    assert result["compatible"] is True
    assert result["vms"][0]["compatible"] is True
    assert sent(module_lab, mark)["Compare-VM"] >= 1
    nothing_changed(module_lab, mark)
    after = module_lab.state()
    assert after["hosts"]["HV02"]["planned"] == []
    assert residents(after, "HV01") == residents(before, "HV01")


def test_no_secret_is_seen(module_lab: Lab, story: Story) -> None:
    assert_no_secret(module_lab, story.checked.output, story.run.output, story.again.output)
