# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The README's first command: a fleet of six simulated hosts, prepared, checked, and its VMs moved."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from integration.harness import BIN, Lab, ansible_environment, serve  # noqa: E402 - found by the line above

FLEET = ROOT / "tests" / "lab" / "hyperv_lab" / "fleets" / "demo.yml"
MOVES = ROOT / "tests" / "demo" / "moves.yml"
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
    command = [str(BIN / "ansible-playbook"), "-i", str(lab.inventory), "-e", f"@{MOVES}", f"hyperv.mobility.{name}"]
    return subprocess.run([*command, *arguments], env=environment, cwd=lab.workdir, check=False).returncode


def residents(state: dict[str, Any]) -> dict[str, list[str]]:
    """Return which VMs are on which host."""
    return {name: sorted(vm["name"] for vm in host["vms"].values()) for name, host in state["hosts"].items()}


def show(title: str, found: dict[str, list[str]]) -> None:
    """Print the fleet: a line per host with its VMs."""
    headline(title)
    for name, vms in found.items():
        print(f"  {name:<8} {len(vms):>2} VMs  {'  '.join(vms)}")


def main() -> int:
    """Run the demo; the exit code says whether every VM is where it should be, once."""
    shutil.rmtree(WORKDIR, ignore_errors=True)
    began = time.monotonic()
    os.environ.setdefault("COLUMNS", "120")
    with contextmanager(serve)(FLEET, WORKDIR) as lab:
        before = residents(lab.state())
        show("Before", before)
        play(lab, "prepare")
        play(lab, "preflight")
        print("As it should: erp01 would meet another processor generation, so preflight says no. The others may move.")
        play(lab, "migrate", "-e", "migrate_skip_blocked=true")
        after = residents(lab.state())
        show("After", after)
    once = Counter(vm for vms in after.values() for vm in vms) == Counter(vm for vms in before.values() for vm in vms)
    moved = sum(len(set(after[host]) - set(vms)) for host, vms in before.items())
    seconds = time.monotonic() - began
    print(f"\n{moved} VMs moved in {seconds:.0f} s; every VM exists exactly once: {'yes' if once else 'NO'}.")
    print(f"The lab's inventory, journal and state are in {WORKDIR.relative_to(ROOT)}/.")
    return 0 if once and moved else 1


if __name__ == "__main__":
    sys.exit(main())
