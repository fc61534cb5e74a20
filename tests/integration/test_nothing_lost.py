# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever happens on the way, every VM exists exactly once, is moved once, and is in the end where it belongs."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from integration.harness import Lab, kill

pytestmark = pytest.mark.soak

SEEDS = range(int(os.environ.get("HYPERV_MOBILITY_SEEDS", "10")))
MACHINES = 40
SOURCE, DESTINATION = "HV01", "HV02"
UNDISTURBED_SECONDS = 14.0
"""About what the moves take when nobody disturbs them; a kill comes at a random instant of it."""
ENOUGH_RUNS = 6
"""A run that meets a fault may end with VMs left to move; so many runs must do."""

MOVE = {
    "name": "Move",
    "hyperv.mobility.vm_migration": {
        "select": "[*]",
        "destination_host": DESTINATION.lower(),
        "destination_storage_path": "D:\\Hyper-V",
    },
}


def fleet(faults: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return a fleet of two hosts with 40 machines on the first."""
    return {
        "clock": {"speed": 600},
        "directory": {
            "domain": "lab.test",
            "netbios": "LAB",
            "accounts": [{"name": "admin", "password": "Soak-Admin-1!", "groups": ["Domain Admins"]}],
        },
        "defaults": {
            "edition": "2022",
            "memory_gb": 512,
            "volumes": {"C": {"size_gb": 200, "free_gb": 120}, "D": {"size_gb": 8000, "rate_mb": 2000}},
            "network": {"rate_mb": 2500},
            "migration": {
                "enabled": True,
                "authentication": "CredSSP",
                "slots": 10,
                "storage_slots": 10,
                "networks": ["10.0.0.0/8"],
            },
            "winrm": {"connection": "psrp", "scheme": "http", "auth": "credssp", "user": "LAB\\admin", "https": False},
        },
        "hosts": [{"name": SOURCE, "faults": faults or []}, {"name": DESTINATION}],
        "vms": [
            {
                "per_host": MACHINES,
                "hosts": [SOURCE],
                "name": "{host}-vm{n:02}",
                "state": "Running",
                "memory_mb": 2048,
                "disks": [{"size_gb": 40, "file_size_gb": 4}],
            }
        ],
    }


PLAY = [{"hosts": SOURCE.lower(), "gather_facts": False, "tasks": [MOVE]}]


def run_until_done(lab: Lab) -> int:
    """Run the play until it succeeds; return how many runs it took."""
    for number in range(1, ENOUGH_RUNS + 1):
        run = lab.play(PLAY, timeout=240)
        if run.code == 0:
            return number
    pytest.fail(f"after {ENOUGH_RUNS} runs the moves were not done:\n{run.output[-6000:]}")


def prove(lab: Lab, before: dict[str, Any]) -> None:
    """Assert from the lab's state and journal that nothing was lost, doubled or moved twice."""
    after = lab.state()
    ids = Counter(vm for host in after["hosts"].values() for vm in host["vms"])
    assert ids == Counter(vm for host in before["hosts"].values() for vm in host["vms"]), "a VM was lost or doubled"
    assert len(after["hosts"][DESTINATION]["vms"]) == MACHINES, "a VM is not where it belongs"
    for vm in after["hosts"][DESTINATION]["vms"].values():
        assert vm["state"] == "Running", f"{vm['name']} no longer runs"
        assert vm["moves"] == 1, f"{vm['name']} was moved {vm['moves']} times"
    finished = Counter(move["vm"] for move in after["moves"] if move["outcome"] == "moved")
    assert set(finished.values()) == {1}, f"moved twice: {[vm for vm, n in finished.items() if n > 1]}"
    assert not after["moves_running"]
    started = Counter(event["vm"] for event in after["events"] if event["kind"] == "power_on")
    assert not started, f"started although nobody asked for it: {started}"
    overlapping(after["moves"])


def overlapping(moves: list[dict[str, Any]]) -> None:
    """Assert that no VM had two moves running at the same time."""
    by_vm: dict[str, list[tuple[float, float]]] = {}
    for move in moves:
        by_vm.setdefault(move["vm"], []).append((move["started"], move["finished"]))
    for vm, spans in by_vm.items():
        spans.sort()
        for first, second in pairwise(spans):
            assert first[1] <= second[0], f"{vm} had two moves at once: {first}, {second}"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_killed_run_is_taken_up_again(start_lab: Callable[..., Lab], seed: int) -> None:
    lab = start_lab(fleet())
    before = lab.state()
    process = lab.start(lab.playbook(PLAY))
    time.sleep(random.Random(seed).uniform(0.5, UNDISTURBED_SECONDS))
    kill(process)
    run_until_done(lab)
    prove(lab, before)


@pytest.mark.parametrize("seed", SEEDS)
def test_connections_dropped_at_random_requests(start_lab: Callable[..., Lab], seed: int) -> None:
    lab = start_lab(fleet([{"probability": 0.02, "seed": seed, "action": "drop", "times": 5}]))
    before = lab.state()
    run_until_done(lab)
    prove(lab, before)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_winrm_service_restarts_in_the_middle(start_lab: Callable[..., Lab], seed: int) -> None:
    instant = random.Random(seed).uniform(600, 6000)
    lab = start_lab(fleet([{"after_seconds": instant, "action": "restart_winrm", "seconds": 120}]))
    before = lab.state()
    run_until_done(lab)
    prove(lab, before)
