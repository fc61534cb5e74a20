# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A roll-out killed at any instant and run again: each machine is installed and registered once, nothing stays."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from integration import packages
from integration.harness import Lab, kill, serve

pytestmark = pytest.mark.soak

SEEDS = range(int(os.environ.get("HYPERV_MOBILITY_SEEDS", "10")))
SECRET = "Killed-Passphrase-1"
UNDISTURBED_SECONDS = 30.0
"""About what a roll-out takes when nobody disturbs it; a kill comes at a random instant of it."""
ENOUGH_RUNS = 4
NOT_OURS = {"/usr/local/InMage/private/connection.passphrase", "/home/admin/.sudo_as_admin_successful"}
"""The copy that the classic agent for Linux keeps for itself; sudo's own mark."""
SYSTEMS = {"windows": ("Windows",), "linux": ("UBUNTU-18.04-64", "SLES12-64")}


def fleet(number: int) -> dict[str, Any]:
    """Return two machines of each kind and their configuration server; numbers keep parallel fleets apart."""
    server = {"name": "cs01", "address": f"127.69.{number}.1", "port": 4443, "data_port": 9443, "passphrase": SECRET}
    return {
        "asr": {"configuration_servers": [server]},
        "windows_machines": [
            {"name": "OLD", "os": "2008R2SP1", "language": "fr", "defects": ["vss_disabled"]},
            {"name": "NEW", "os": "2019"},
        ],
        "linux_machines": [
            {"name": "ubuntu", "os": "ubuntu-18.04", "defects": ["grub_device_names"]},
            {"name": "sles", "os": "sles-12.5", "become": "sudo"},
        ],
    }


@pytest.fixture(scope="module")
def installers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("installers")
    return folder, packages.write(folder, systems=[name for names in SYSTEMS.values() for name in names])


@pytest.fixture
def lab(request: pytest.FixtureRequest, tmp_path: Path, installers: tuple[Path, dict[str, str]]) -> Iterator[Lab]:
    """A fleet with everything in group_vars that the playbook needs."""
    folder, sums = installers
    number = os.getpid() % 250
    address = f"127.69.{number}.2"
    with packages.served(folder, address) as web:
        for found in serve(fleet(number), tmp_path / "lab"):
            windows = [f"{web}/{name}" for name in sums if "_Windows_" in name]
            variables: dict[str, dict[str, Any]] = {
                "all": {
                    "push_install_stack": "classic",
                    "push_install_configuration_server": f"127.69.{number}.1",
                    "push_install_server_port": 4443,
                    "push_install_passphrase": SECRET,
                    "push_install_checksums": sums,
                },
                "windows_machines": {"push_install_repository": windows},
                "linux_machines": {
                    "push_install_repository": [str(folder)],
                    "push_install_repository_on": "controller",
                },
            }
            place = found.workdir / "group_vars"
            place.mkdir()
            for name, values in variables.items():
                (place / f"{name}.json").write_text(json.dumps(values), encoding="utf-8")
            yield found


def run_until_done(lab: Lab) -> None:
    for _number in range(ENOUGH_RUNS):
        run = lab.play("push_install.yml", timeout=300)
        assert SECRET not in run.output
        if run.code == 0:
            return
    pytest.fail(f"after {ENOUGH_RUNS} runs the roll-out was not done:\n{run.output[-8000:]}")


def prove(lab: Lab) -> None:
    """Assert from the lab's state that everything was done once, and that nothing of ours and no secret stays."""
    state = lab.state()
    machines = {**state["windows_machines"], **state["linux_machines"]}
    assert len(machines) == 4
    for name, machine in machines.items():
        agent = machine["agent"]
        assert agent["version"] == packages.VERSION, f"{name}: {agent}"
        assert agent["registered_with"], f"{name}: {agent}"
        assert (agent["times_installed"], agent["times_registered"]) == (1, 1), f"{name}: {agent}"
        left = [*agent.get("passphrase_files", ()), *machine.get("passphrase_files", ()), *machine.get("leftovers", ())]
        left += [path for path in machine.get("files", ()) if "hyperv-mobility" in path]
        assert set(left) <= NOT_OURS, f"{name}: {left}"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_killed_roll_out_is_taken_up_again(lab: Lab, seed: int) -> None:
    process = lab.start(lab.playbook("push_install.yml"))
    time.sleep(random.Random(seed).uniform(0.5, UNDISTURBED_SECONDS))
    kill(process)
    run_until_done(lab)
    prove(lab)
    again = lab.play("push_install.yml", timeout=300)
    assert again.code == 0, again.output
    assert all(f"changed={0}" in line for line in again.output.splitlines() if " unreachable=" in line), again.output
    prove(lab)
