# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The README's first command: six simulated hosts whose VMs move, and ten machines that get the Mobility service."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "lab")]

from integration import packages  # noqa: E402 - found by the line above
from integration.harness import BIN, Lab, ansible_environment, serve  # noqa: E402

FLEET = ROOT / "tests" / "lab" / "hyperv_lab" / "fleets" / "demo.yml"
MOVES = ROOT / "tests" / "demo" / "moves.yml"
MACHINES = ROOT / "tests" / "demo" / "machines.yml"
WEB = "127.99.0.2"
INSTALLABLE = 9
"""All machines but the one whose drive is full."""
WORKDIR = ROOT / ".cache" / "demo"


def headline(text: str) -> None:
    """Print a line that stands out between the playbooks' outputs."""
    print(f"\n\033[1m━━ {text} {'━' * max(0, 96 - len(text))}\033[0m", flush=True)


def play(lab: Lab, name: str, *arguments: str) -> int:
    """Run one of the collection's playbooks with its output on this terminal; return its exit code."""
    headline(f"ansible-playbook hyperv.mobility.{name}")
    environment = ansible_environment(lab.workdir)
    environment.pop("ANSIBLE_NOCOLOR")
    environment.pop("ANSIBLE_CALLBACKS_ENABLED")
    environment["ANSIBLE_CALLBACK_RESULT_FORMAT"] = "yaml"
    command = [str(BIN / "ansible-playbook"), "-i", str(lab.inventory), f"hyperv.mobility.{name}"]
    return subprocess.run([*command, *arguments], env=environment, cwd=lab.workdir, check=False).returncode


def residents(state: dict[str, Any]) -> dict[str, list[str]]:
    """Return which VMs are on which host."""
    return {name: sorted(vm["name"] for vm in host["vms"].values()) for name, host in state["hosts"].items()}


def show(title: str, found: dict[str, list[str]]) -> None:
    """Print the fleet: a line per host with its VMs."""
    headline(title)
    for name, vms in found.items():
        print(f"  {name:<8} {len(vms):>2} VMs  {'  '.join(vms)}")


@contextmanager
def repository(lab: Lab) -> Iterator[None]:
    """Put installers where machines find them: on the web for Windows, on the controller for Linux."""
    folder = lab.workdir / "installers"
    sums = packages.write(folder)
    with packages.served(folder, WEB) as web:
        windows = {
            "push_install_repository": [f"{web}/{name}" for name in sums if "_Windows_" in name],
            "push_install_checksums": sums,
        }
        linux = {"push_install_repository": [str(folder)], "push_install_repository_on": "controller"}
        for name, values in (("windows", windows), ("linux", linux)):
            path = lab.workdir / "group_vars" / f"{name}_machines.yml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(yaml.safe_dump(values), encoding="utf-8")
        yield


def machines(state: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the agent of each machine that may get one."""
    found = {**state["windows_machines"], **state["linux_machines"]}
    return {name: machine["agent"] for name, machine in found.items()}


def move(lab: Lab) -> tuple[int, bool]:
    """Prepare the hosts and move their VMs; return how many moved, and whether each exists exactly once."""
    before = residents(lab.state())
    show("Before", before)
    moves = ("-e", f"@{MOVES}")
    play(lab, "prepare", *moves)
    play(lab, "preflight", *moves)
    print("As it should: erp01 would meet another processor generation, so preflight says no. The others may move.")
    play(lab, "migrate", "-e", "migrate_skip_blocked=true", *moves)
    after = residents(lab.state())
    show("After", after)
    once = Counter(vm for vms in after.values() for vm in vms) == Counter(vm for vms in before.values() for vm in vms)
    return sum(len(set(after[host]) - set(vms)) for host, vms in before.items()), once


def install(lab: Lab) -> int:
    """Install and register the Mobility service on the machines; return how many have it, once each."""
    with repository(lab):
        play(lab, "push_preflight", "-e", f"@{MACHINES}")
        print("As it should: defects that can be cured are; the full drive of srv2022 is for its owner to clear.")
        play(lab, "push_install", "-e", f"@{MACHINES}")
    found = machines(lab.state())
    headline("Mobility service")
    for name, agent in found.items():
        server = f"registered with {agent['registered_with']}" if agent["registered_with"] else "not registered"
        print(f"  {name:<10} {agent['version'] or 'no agent':<12} {server}")
    return sum(agent["times_installed"] == agent["times_registered"] == 1 for agent in found.values())


def main() -> int:
    """Run the demo; the exit code says whether every VM is there once, and as many machines registered as can be."""
    shutil.rmtree(WORKDIR, ignore_errors=True)
    began = time.monotonic()
    os.environ.setdefault("COLUMNS", "120")
    with contextmanager(serve)(FLEET, WORKDIR) as lab:
        moved, once = move(lab)
        installed = install(lab)
    seconds = time.monotonic() - began
    print(f"\n{moved} VMs moved; every VM exists exactly once: {'yes' if once else 'NO'}.")
    print(f"{installed} of 10 machines have the Mobility service and are registered. All in {seconds:.0f} s.")
    print(f"The lab's inventory, journal and state are in {WORKDIR.relative_to(ROOT)}/.")
    return 0 if once and moved and installed == INSTALLABLE else 1


if __name__ == "__main__":
    sys.exit(main())
