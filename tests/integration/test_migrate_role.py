# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The migrate role: everything is checked first, one blocking finding anywhere moves nothing unless it is skipped."""

from __future__ import annotations

from typing import Any

import pytest
from integration.harness import Lab, Run
from integration.moving import nothing_changed, ready, residents, show
from integration.scenario import sent

PREFLIGHT = "Check every move before the first one"
MOVE = "Move the virtual machines"
FLEET = ready(
    [
        {"name": "HV01"},
        {"name": "HV02"},
        {"name": "HV03", "switches": ["External", "Backup"]},
        {"name": "GONE", "faults": [{"probability": 1.0, "action": "drop", "times": 100000}]},
    ],
    [
        *({"name": f"a{n}", "host": "HV01", "state": "Running"} for n in range(1, 5)),
        {"name": "b1", "host": "HV03", "state": "Running"},
        {"name": "blocked", "host": "HV03", "state": "Running", "adapters": [{"switch": "Backup"}]},
    ],
    groups={"sources": ["HV01", "HV03"], "all_sources": ["HV01", "HV03", "GONE"]},
)


def migrate(lab: Lab, moves: dict[str, Any], *arguments: str, playbook: str = "migrate.yml", **extra: Any) -> Run:
    """Run the playbook; ``moves`` are entries by source host."""
    found = {"migrate_moves": "{{ moves[inventory_hostname] | default([]) }}", "moves": moves}
    return lab.play(playbook, *arguments, extra={"migrate_hosts": "sources", **found, **extra})


def to(host: str, *names: str) -> list[dict[str, Any]]:
    """Return one entry."""
    return [{"destination_host": host, "names": list(names)}]


BLOCKED = {"hv01": to("hv02", "a1"), "hv03": to("hv02", "b1", "blocked")}


def where(lab: Lab) -> dict[str, str]:
    """Return the host of each machine."""
    state = lab.state()
    return {vm: host for host in ("HV01", "HV02", "HV03") for vm in residents(state, host)}


@pytest.fixture(scope="module")
def at_first(module_lab: Lab) -> dict[str, str]:
    """Where everything is before the first test."""
    return where(module_lab)


def test_one_blocking_finding_anywhere_moves_nothing(module_lab: Lab, at_first: dict[str, str]) -> None:
    mark = len(module_lab.journal())
    run = migrate(module_lab, BLOCKED)
    assert run.code != 0
    assert "blocked: switch_missing" in run.output.replace("\n", " ") or "switch_missing" in run.output, show(run)
    assert not run.of(MOVE), "the move was reached"
    nothing_changed(module_lab, mark)
    assert where(module_lab) == at_first


def test_preflight_alone_says_the_same(module_lab: Lab, at_first: dict[str, str]) -> None:
    mark = len(module_lab.journal())
    run = migrate(module_lab, BLOCKED, playbook="preflight.yml")
    assert run.code != 0
    assert "switch_missing" in run.output
    fine = migrate(module_lab, {"hv01": to("hv02", "a1", "a2")}, playbook="preflight.yml")
    assert fine.code == 0, show(fine)
    nothing_changed(module_lab, mark)
    assert where(module_lab) == at_first


def test_a_lost_host_stops_everything(module_lab: Lab, at_first: dict[str, str]) -> None:
    mark = len(module_lab.journal())
    run = migrate(module_lab, {"hv01": to("hv02", "a1"), "gone": to("hv02", "x")}, migrate_hosts="all_sources")
    assert run.code != 0
    assert "gone" in run.output
    nothing_changed(module_lab, mark)
    assert where(module_lab) == at_first


def test_check_mode_moves_nothing(module_lab: Lab, at_first: dict[str, str]) -> None:
    mark = len(module_lab.journal())
    run = migrate(module_lab, {"hv01": to("hv02", "a1"), "hv03": to("hv02", "b1")}, "--check", "--diff")
    assert run.code == 0, show(run)
    outcomes = {row["name"]: row["outcome"] for r in run.of(MOVE) for e in r["results"] for row in e["vms"]}
    assert outcomes == {"a1": "moved", "b1": "moved"}
    nothing_changed(module_lab, mark)
    assert where(module_lab) == at_first


def test_tags_reach_the_halves(module_lab: Lab, at_first: dict[str, str]) -> None:
    run = migrate(module_lab, {"hv01": to("hv02", "a1")}, "--tags", "preflight")
    assert run.code == 0, show(run)
    assert run.of(PREFLIGHT)
    assert not run.of(MOVE)
    assert where(module_lab) == at_first


def test_skipping_moves_the_others_with_a_summary(module_lab: Lab, at_first: dict[str, str]) -> None:
    run = migrate(module_lab, BLOCKED, migrate_skip_blocked=True)
    assert run.code == 0, show(run)
    assert where(module_lab) == at_first | {"a1": "HV02", "b1": "HV02"}
    for name in ("a1", "b1", "blocked"):
        assert name in run.output
    assert "switch_missing" in run.output
    again = migrate(module_lab, BLOCKED, migrate_skip_blocked=True)
    assert again.code == 0, show(again)
    assert not any(e["changed"] for r in again.of(MOVE) for e in r["results"])
    assert sent(module_lab)["Move-VM"] == 2


def test_limit_and_serial(module_lab: Lab) -> None:
    moves = {"hv01": to("hv02", "a2"), "hv03": to("hv02", "blocked")}
    limited = migrate(module_lab, moves, "--limit", "hv01")
    assert limited.code == 0, show(limited)
    assert where(module_lab)["a2"] == "HV02"
    play = [
        {
            "hosts": "hv01,hv03",
            "gather_facts": False,
            "serial": 1,
            "roles": ["hyperv.mobility.migrate"],
            "vars": {
                "moves": {"hv01": to("hv02", "a3"), "hv03": [*to("hv02", "blocked")]},
                "migrate_moves": "{{ moves[inventory_hostname] | default([]) }}",
                "migrate_switch_map": {"Backup": "External"},
            },
        }
    ]
    serial = module_lab.play(play)
    assert serial.code == 0, show(serial)
    assert {"a3", "blocked"} <= set(residents(module_lab.state(), "HV02"))
    vm = residents(module_lab.state(), "HV02")["blocked"]
    assert vm["adapters"][0]["switch"] == "External"
