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
        {"name": "HV04"},
        {"name": "HV05", "volumes": {"C": {"size_gb": 100, "free_gb": 1.5}}},
        {"name": "GONE", "faults": [{"probability": 1.0, "action": "drop", "times": 100000}]},
    ],
    [
        *({"name": f"a{n}", "host": "HV01", "state": "Running"} for n in range(1, 5)),
        {"name": "b1", "host": "HV03", "state": "Running"},
        {"name": "fails", "host": "HV03", "state": "Running", "faults": [{"phase": "memory", "error": 0x8007000E}]},
        {"name": "d1", "host": "HV04", "state": "Running"},
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
    return {vm: host for host in ("HV01", "HV02", "HV03", "HV04", "HV05") for vm in residents(state, host)}


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


@pytest.mark.parametrize(
    ("entry", "told"),
    [({"destination_path": "D:\\VMs"}, "migrate_moves.destination_path"), ({"power": "force"}, "power")],
)
def test_a_misspelt_option_of_an_entry_is_refused(module_lab: Lab, entry: dict[str, Any], told: str) -> None:
    mark = len(module_lab.journal())
    run = migrate(module_lab, {"hv01": [{**to("hv02", "a1")[0], **entry}]})
    assert run.code != 0
    assert told in run.output, show(run)
    assert module_lab.journal()[mark:] == [], "no host was asked anything"


def test_a_lost_host_stops_everything(module_lab: Lab, at_first: dict[str, str]) -> None:
    mark = len(module_lab.journal())
    run = migrate(module_lab, {"hv01": to("hv02", "a1"), "gone": to("hv02", "x")}, migrate_hosts="all_sources")
    assert run.code != 0
    assert "gone" in run.output
    nothing_changed(module_lab, mark)
    assert where(module_lab) == at_first


TOGETHER = {"hv01": to("hv05", "a1"), "hv03": to("hv05", "b1")}


def test_what_fits_alone_but_not_together_moves_nothing(module_lab: Lab, at_first: dict[str, str]) -> None:
    mark = len(module_lab.journal())
    run = migrate(module_lab, TOGETHER, playbook="preflight.yml")
    assert run.code != 0
    stops = run.of("Nothing stands in the way, on any host", "hv01")[0]["msg"]
    assert len(stops) == 2, show(run)
    assert stops[1].startswith(
        "hv05: space_insufficient: 2 VMs of hv01, hv03 together need 2048 MB on C:; hv05 has 1536 MB free there. "
    )
    assert migrate(module_lab, {"hv01": TOGETHER["hv01"]}, playbook="preflight.yml").code == 0
    run = migrate(module_lab, TOGETHER, "--tags", "preflight", migrate_skip_blocked=True)
    assert run.code == 0, show(run)
    assert run.one("Tell what does not fit together")["msg"] == stops[1:], "who skips is told"
    nothing_changed(module_lab, mark)
    assert where(module_lab) == at_first


def test_a_check_can_not_be_turned_into_the_move(module_lab: Lab) -> None:
    mark = len(module_lab.journal())
    run = migrate(module_lab, {"hv01": to("hv02", "a1")}, playbook="preflight.yml", migrate_preflight_only=False)
    assert run.code != 0
    assert "migrate_preflight_only is the role's own variable" in run.output, show(run)
    assert module_lab.journal()[mark:] == []


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


def test_what_a_host_skips_stops_no_other_one(module_lab: Lab, at_first: dict[str, str]) -> None:
    moves = {"hv01": to("hv02", "a4"), "hv03": to("hv02", "blocked")}
    mine = "{{ inventory_hostname == '%s' }}"
    run = migrate(module_lab, moves, "--check", migrate_skip_blocked=mine % "hv03")
    assert run.code == 0, show(run)
    run = migrate(module_lab, moves, "--check", migrate_skip_blocked=mine % "hv01")
    (moved,) = run.of(MOVE)
    assert moved["_host"] == "hv01", "what a host asked for, it gets"
    refused = [
        result["_host"] for result in run.of("Nothing stands in the way, on any host") if result["_status"] == "failed"
    ]
    assert refused == ["hv03"]
    assert run.code != 0
    assert where(module_lab)["blocked"] == at_first["blocked"]


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


def test_a_move_that_fails_does_not_stop_the_next_batch(module_lab: Lab) -> None:
    play = [
        {
            "hosts": "hv01,hv03,hv04",
            "gather_facts": False,
            "serial": 2,
            "roles": ["hyperv.mobility.migrate"],
            "vars": {
                "moves": {"hv03": to("hv02", "fails"), "hv04": to("hv02", "d1")},
                "migrate_moves": "{{ moves[inventory_hostname] | default([]) }}",
                "migrate_retries": 0,
            },
        }
    ]
    run = module_lab.play(play)
    assert run.code != 0
    assert (where(module_lab)["fails"], where(module_lab)["d1"]) == ("HV03", "HV02"), show(run)
