# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of cold migrations share: hosts that trust each other in nothing, the role's playbook, proofs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import yaml
from integration.harness import ROOT, Lab, Run
from integration.moving import residents
from integration.scenario import changes

PASSWORD = "Lab-{}-1!"
DISKS = {"size_gb": 40, "file_size_gb": 1}
UP = {"system": "windows", "boot_seconds": 5, "shutdown_seconds": 10}
WORKGROUP: dict[str, Any] = {
    "domain_joined": False,
    "memory_gb": 256,
    "volumes": {"C": {"size_gb": 200, "free_gb": 120}, "D": {"size_gb": 8000, "free_gb": 6000, "rate_mb": 2000}},
    "network": {"rate_mb": 2500},
    "switches": ["LAN"],
    "settings": {"virtual_machine_path": "D:\\VMs"},
    "winrm": {"connection": "psrp", "scheme": "http", "auth": "ntlm", "user": "Administrator", "https": False},
}
"""A host of no domain, with an administrator and a password of its own."""
TASK = "Migrate the virtual machines"
CHECK = "Check every virtual machine before the first one is stopped"
CHECK_ALONE = "Check every virtual machine, change nothing"


def workgroup(hosts: list[dict[str, Any]], vms: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return a fleet of hosts that know nothing of each other."""
    local = [
        {**host, "accounts": [{"name": "Administrator", "password": PASSWORD.format(host["name"])}]} for host in hosts
    ]
    return {
        "clock": {"speed": more.pop("speed", 3000)},
        "defaults": WORKGROUP | more.pop("defaults", {}),
        "hosts": local,
        "vm_defaults": {"disks": [DISKS], "memory_mb": 1024, "adapters": [{"switch": "LAN"}], "guest": UP},
        "vms": vms,
        **more,
    }


def keep(lab: Lab, **variables: Mapping[str, Any]) -> None:
    """Write host variables beside the inventory, as people do; passwords stand there and nowhere else."""
    folder = lab.workdir / "host_vars"
    folder.mkdir(exist_ok=True)
    for host, values in variables.items():
        (folder / f"{host}.yml").write_text(yaml.safe_dump(dict(values), sort_keys=False), encoding="utf-8")


def account(host: str) -> dict[str, str]:
    """Return the account with which others open a host's share."""
    return {
        "cold_migrate_transfer_username": f"{host}\\Administrator",
        "cold_migrate_transfer_password": PASSWORD.format(host),
    }


def go(lab: Lab, *arguments: str, playbook: str = "cold_migrate.yml", hosts: str = "hv01", **extra: Any) -> Run:
    """Run the playbook."""
    return lab.play(playbook, *arguments, extra={"cold_migrate_hosts": hosts, **extra})


def guide(kind: str) -> list[str]:
    """Return the code blocks of a kind ("yaml", "sh") of the guide's own part, which ends where single tasks begin."""
    text = (ROOT / "docs/cold-migration.md").read_text(encoding="utf-8").partition("\n## Exporting")[0]
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def guide_values(key: str, part: int = 0) -> Any:
    """Return a variable of the guide: that of the ``part``-th block file (``# host_vars/…``) that has it."""
    found = []
    for block in guide("yaml"):
        for file in re.split(r"^# host_vars/.*\n", block, flags=re.MULTILINE):
            values = yaml.safe_load(file) or {}
            if key in values:
                found.append(values[key])
    return found[part]


def go_by_guide(lab: Lab, what: str, *more: str, hosts: str = "hv01", **extra: Any) -> Run:
    """Run the guide's command line that ends in these words; the inventory is the lab's."""
    lines = [line for block in guide("sh") for line in block.splitlines()]
    (line,) = [line for line in lines if line.endswith(what)]
    words = line.split()
    assert words[:3] == ["ansible-playbook", "-i", "inventory.yml"], line
    return go(lab, *words[4:], *more, playbook=f"{words[3].rpartition('.')[2]}.yml", hosts=hosts, **extra)


def rows(run: Run, task: str = TASK) -> dict[str, dict[str, Any]]:
    """Return what the task says of each VM, by name."""
    return {row["name"]: row for result in run.of(task) for e in result["results"] for row in e.get("vms", ())}


def outcomes(run: Run, task: str = TASK) -> dict[str, str]:
    """Return the outcome of each VM."""
    return {name: row["outcome"] for name, row in rows(run, task).items()}


def findings(run: Run, vm: str, task: str = CHECK, severity: str = "blocking") -> set[str]:
    """Return the ids of a VM's findings."""
    return {one["id"] for one in rows(run, task)[vm]["findings"] if one["severity"] == severity}


def machine(lab: Lab, host: str, name: str) -> dict[str, Any]:
    """Return a machine as the lab has it."""
    return residents(lab.state(), host)[name]


def touched(lab: Lab, since: int) -> list[str]:
    """Return the commands that changed a host or a VM; opening a share for a look changes nothing."""
    names = [one["command"].rpartition("\\")[2] for one in changes(lab, since)]
    return [name for name in names if not name.endswith("-PSDrive")]


def never_two(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Assert from the lab's states and events that no VM ever was on on two hosts at once."""
    on: dict[str, Counter[str]] = {}
    for name, host in before["hosts"].items():
        for vm_id, vm in host["vms"].items():
            on.setdefault(vm_id, Counter())[name] += vm["state"] == "Running"
    known = len(before["events"])
    for event in after["events"][known:]:
        if event["kind"] in {"power_on", "power_off"}:
            counts = on.setdefault(event["vm"], Counter())
            counts[event["host"]] += 1 if event["kind"] == "power_on" else -1
            assert sum(number > 0 for number in counts.values()) <= 1, f"two copies were on: {event}"
    for vm_id, counts in on.items():
        for name, host in after["hosts"].items():
            if vm_id in host["vms"]:
                assert (host["vms"][vm_id]["state"] == "Running") == (counts[name] > 0), (vm_id, name)
