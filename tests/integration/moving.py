# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of moves share: fleets ready to move, questions to a lab's state and journal."""

from __future__ import annotations

from typing import Any

from integration.harness import Lab, Run
from integration.scenario import fleet, sent

READY: dict[str, Any] = {
    "memory_gb": 256,
    "volumes": {"C": {"size_gb": 200, "free_gb": 120}, "D": {"size_gb": 8000, "free_gb": 6000, "rate_mb": 2000}},
    "network": {"rate_mb": 2500, "addresses": ["10.20.0.1/16"]},
    "switches": ["External"],
    "migration": {
        "enabled": True,
        "authentication": "CredSSP",
        "slots": 4,
        "storage_slots": 4,
        "networks": ["10.0.0.0/8"],
    },
    "winrm": {"connection": "psrp", "scheme": "http", "auth": "credssp", "user": "LAB\\admin", "https": False},
}
"""A host that can move machines to another one like it; the session to it holds credentials."""
CHANGING = (
    "Move-VM",
    "Set-VMProcessor",
    "Stop-VM",
    "Start-VM",
    "Remove-Item",
    "Set-VMDvdDrive",
    "Invoke-CimMethod",
    "ForEach-Object",
)


def ready(hosts: list[dict[str, Any]], vms: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return a fleet whose hosts are prepared for moves."""
    small = {"disks": [{"size_gb": 40, "file_size_gb": 1}], "memory_mb": 1024}
    vm_defaults = small | more.pop("vm_defaults", {})
    defaults = READY | more.pop("defaults", {})
    return fleet(hosts, vms, speed=more.pop("speed", 1200), defaults=defaults, vm_defaults=vm_defaults, **more)


def residents(state: dict[str, Any], host: str) -> dict[str, dict[str, Any]]:
    """Return the machines of a host by name."""
    return {vm["name"]: vm for vm in state["hosts"][host]["vms"].values()}


def everywhere(state: dict[str, Any]) -> list[str]:
    """Return the Ids of all machines, one entry for each place where one is."""
    return sorted(vm for host in state["hosts"].values() for vm in host["vms"])


def by_name(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return a task's results by name of the VM."""
    assert "vms" in result, result
    return {row["name"]: row for row in result["vms"]}


def finding_ids(row: dict[str, Any], severity: str | None = None) -> set[str]:
    """Return the ids of a VM's findings."""
    return {found["id"] for found in row["findings"] if severity in (None, found["severity"])}


def nothing_changed(lab: Lab, since: int = 0) -> None:
    """Assert from the journal that no command that changes a machine or a host was sent."""
    found = {name: count for name, count in sent(lab, since).items() if name in CHANGING}
    assert not found, found


def invocations(lab: Lab, since: int = 0) -> int:
    """Return how many invocations all hosts received."""
    return sum(1 for line in lab.journal()[since:] if line["event"] in {"pipeline", "program"})


def one_line(text: str) -> None:
    """Assert that a message is one sentence on one line."""
    assert "\n" not in text.strip(), text


def show(run: Run) -> str:
    """Return what to read when a test fails."""
    return run.output[-8000:]
