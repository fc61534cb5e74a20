# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wherever a cold migration is killed, every VM arrives once, whole, and never runs twice; its source stays, off."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from integration.cold import PASSWORD, keep, never_two, touched, workgroup
from integration.harness import Lab, kill

pytestmark = pytest.mark.soak

SEEDS = range(int(os.environ.get("HYPERV_MOBILITY_SEEDS", "10")) // 2 or 1)
"""Half as many as of moves: 50 in ``make soak``, 5 in ``make test``."""
MACHINES = 10
SOURCE, DESTINATION = "HV01", "HV02"
INVOCATIONS = (40, 850)
"""A run sends about 900; it is killed at a random one of these, however fast the machine is."""
ENOUGH_RUNS = 4
MIGRATE = {
    "name": "Migrate",
    "hyperv.mobility.vm_cold_migration": {
        "names": [f"vm{number:02}" for number in range(1, MACHINES + 1)],
        "destination_host": DESTINATION.lower(),
        "transfer_username": f"{SOURCE}\\Administrator",
        "transfer_password": PASSWORD.format(SOURCE),
        "concurrency": 4,
    },
}
OFFICE, VOICE = "10.1.0.0/24", "10.7.0.0/24"
NETWORKS = {
    "hv01": {"office": {"switch": "LAN", "subnet": OFFICE}, "voice": {"switch": "LAN", "subnet": VOICE}},
    "hv02": {"office": {"switch": "LAN", "subnet": OFFICE}, "voice": {"switch": "Voice", "subnet": VOICE}},
}
"""Two subnets of one switch that lie at two switches there: only what a guest reported tells where its VM goes."""
PLAY = [{"hosts": SOURCE.lower(), "gather_facts": False, "tasks": [MIGRATE]}]


def fleet(here: list[dict[str, Any]] | None = None, there: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return two hosts that know nothing of each other, with ten machines on the first; every second is off.

    Those that run are in one of two subnets. ``here`` and ``there`` are the hosts' faults.
    """
    switches = ["LAN", "Backup", "Voice"]
    return workgroup(
        [
            {"name": SOURCE, "cpu": "skylake", "edition": "2019", "switches": switches[:2], "faults": here or []},
            {"name": DESTINATION, "cpu": "rome", "edition": "2022", "language": "fr", "switches": switches,
             "faults": there or []},
        ],
        [machine(number) for number in range(1, MACHINES + 1)],
        speed=3000,
    )  # fmt: skip


def machine(number: int) -> dict[str, Any]:
    """Return one of the machines."""
    name = f"vm{number:02}"
    if number % 2 == 0:
        return {"name": name, "host": SOURCE, "state": "Off", "adapters": [{"switch": "Backup"}]}
    subnet = VOICE if number % 4 == 1 else OFFICE
    adapter = {"switch": "LAN", "addresses": [subnet.replace("0/24", str(number))]}
    return {"name": name, "host": SOURCE, "state": "Running", "adapters": [adapter]}


def begin(start_lab: Callable[..., Lab], described: dict[str, Any]) -> Lab:
    """Return the lab, with the named networks of both hosts beside its inventory."""
    lab = start_lab(described)
    keep(lab, **{host: {"hyperv_networks": networks} for host, networks in NETWORKS.items()})
    return lab


def await_invocations(lab: Lab, process: subprocess.Popen[str], number: int) -> None:
    """Return when the hosts have received so many invocations, or the run has ended."""
    journal = lab.workdir / "journal.jsonl"
    deadline = time.monotonic() + 300
    while process.poll() is None and time.monotonic() < deadline:
        if journal.exists() and journal.read_bytes().count(b'"event": "pipeline"') >= number:
            return
        time.sleep(0.02)
    assert process.poll() is not None, "the run took too long"


def run_until_done(lab: Lab) -> int:
    """Run the play until it succeeds; return how many runs it took."""
    for number in range(1, ENOUGH_RUNS + 1):
        run = lab.play(PLAY, timeout=300)
        if run.code == 0:
            return number
    pytest.fail(f"after {ENOUGH_RUNS} runs the migrations were not done:\n{run.output[-6000:]}")


def prove(lab: Lab, before: dict[str, Any]) -> None:
    """Assert from the lab's state, events and files that each VM is there once, as it was, and its source is kept."""
    after = lab.state()
    never_two(before, after)
    was = before["hosts"][SOURCE]["vms"]
    here, there = after["hosts"][SOURCE]["vms"], after["hosts"][DESTINATION]["vms"]
    assert set(here) == set(there) == set(was), "a VM was lost, or is there that nobody asked for"
    assert after["hosts"][DESTINATION]["planned"] == []
    started = Counter(event["vm"] for event in after["events"] if event["kind"] == "power_on")
    for vm_id, vm in was.items():
        assert there[vm_id]["state"] == vm["state"], f"{vm['name']} is not as it was"
        assert there[vm_id]["start_action"] == vm["start_action"]
        assert "hyperv.mobility" not in there[vm_id]["notes"]
        assert (here[vm_id]["state"], here[vm_id]["start_action"]) == ("Off", "Nothing")
        assert "cold migrated to HV02" in here[vm_id]["notes"]
        assert started[vm_id] == (vm["state"] == "Running"), f"{vm['name']} was started {started[vm_id]} times"
        (had,), (has,) = vm["adapters"], there[vm_id]["adapters"]
        voice = any(address.startswith(VOICE[:5]) for address in had["addresses"])
        assert has["switch"] == ("Voice" if voice else had["switch"]), f"{vm['name']} is in another network"
    imports = Counter(one["vm"] for one in after["imports"] if one["outcome"] == "imported")
    assert imports == {vm["name"]: 1 for vm in was.values()}, "imported twice"
    volume = after["hosts"][DESTINATION]["volumes"]["D:"]
    assert not [path for path in volume["files"] if path.endswith(".part")], "parts of killed transfers are left"


def whole(lab: Lab, before: dict[str, Any]) -> None:
    """Assert that what was imported has the bytes that the source has: nothing wrote to a source since its export."""
    after = lab.state()["hosts"]
    for vm_id, vm in before["hosts"][SOURCE]["vms"].items():
        if vm["state"] == "Off":  # the disks of those that run have been written to since
            hashes = {
                lab.control("file", host, after[host]["vms"][vm_id]["disks"][0])["sha256"]
                for host in (SOURCE, DESTINATION)
            }
            assert len(hashes) == 1, f"{vm['name']} has other bytes at the destination"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_killed_run_is_taken_up_again(start_lab: Callable[..., Lab], seed: int) -> None:
    lab = begin(start_lab, fleet())
    before = lab.state()
    process = lab.start(lab.playbook(PLAY))
    await_invocations(lab, process, random.Random(seed).randint(*INVOCATIONS))
    kill(process)
    run_until_done(lab)
    prove(lab, before)
    whole(lab, before)
    mark = len(lab.journal())
    again = lab.play(PLAY)
    assert again.code == 0
    assert not again.one("Migrate")["changed"]
    assert touched(lab, mark) == []


@pytest.mark.parametrize("seed", range(len(SEEDS) // 5 or 1))
def test_links_that_break_and_services_that_restart(start_lab: Callable[..., Lab], seed: int) -> None:
    """A link that breaks at any request, and a WinRM service that restarts in the middle of it, on both hosts."""
    drop = {"probability": 0.01, "action": "drop", "times": 4}
    instant = random.Random(seed).uniform(10000, 40000)
    restart = {"after_seconds": instant, "action": "restart_winrm", "seconds": 6000}
    lab = begin(start_lab, fleet([{**drop, "seed": seed}, restart], [{**drop, "seed": seed + 1000}]))
    before = lab.state()
    run_until_done(lab)
    prove(lab, before)
    whole(lab, before)
