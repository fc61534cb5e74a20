# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of replicated machines, and failovers as an administrator's own commands make them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any

import pytest
import yaml
from integration.commanding import shell_on
from integration.harness import ROOT, Lab
from integration.scenario import changes, fleet

HOSTILE = 'O\'Brien – "prod" $x [a-z]'
GUEST = {"boot_seconds": 20, "shutdown_seconds": 10}
WITHOUT_PAIRS = ["heartbeat", "shutdown", "time", "vss"]
PATIENCE_SECONDS = 20


def vm(name: str, number: int, *, legacy: bool = False, copy: Any = None, **more: Any) -> dict[str, Any]:
    """A machine on HV1 with a copy on HV2, in another network; ``copy`` is what its adapter there has besides."""
    own = {"switch": "LAN", "addresses": [f"10.1.0.{number}"], "gateways": ["10.1.0.1"]}
    return {
        "name": name,
        "host": "HV1",
        "state": "Running",
        "adapters": [own | ({"legacy": True} if legacy else {})],
        "replication": {"replica_server": "HV2", "replica": {"adapters": [{"switch": "DR", **(copy or {})}]}},
        **more,
        "guest": {**GUEST, **more.get("guest", {})},
    }


def kept(number: int) -> dict[str, Any]:
    """What somebody has set on the replica's adapter already."""
    return {"failover": {"ipv4": {"address": f"10.2.0.{number}", "subnet": "255.255.255.0"}}}


FLEET = fleet(
    [
        {
            "name": "HV1",
            "language": "fr",
            "switches": ["LAN"],
            "replica_server": {"enabled": True, "any_server": True},
        },
        {
            "name": "HV2",
            "switches": ["LAN", "DR", "Test"],
            "replica_server": {"enabled": True, "any_server": True},
        },
        {"name": "OLD1", "edition": "2012R2", "bpa": {"installed": False}},
    ],
    [
        vm("web01", 11),
        vm(HOSTILE, 12, copy=kept(12), integration_services=WITHOUT_PAIRS),
        vm("linux01", 13, guest={"system": "linux", "version": "Ubuntu 22.04"}),
        vm("mute01", 14, guest={"services": {"kvp": "stopped"}}, copy=kept(14)),
        vm("outdated01", 15, guest={"services": {"kvp": "outdated"}, "update_service": "off"}),
        vm("legacy01", 16, legacy=True),
        vm("off01", 17, state="Off"),
        vm("unasked01", 18),
        vm("stale01", 19, copy=kept(99)),
        {
            "name": "old01",
            "host": "OLD1",
            "state": "Running",
            "dvd": True,
            "guest": {**GUEST, "services": {"kvp": "missing"}, "installs_disc": "on", "version": "2012R2"},
        },
    ],
    network={"base": "127.86.1.1"},
    windows_machines=[{"name": "MUTE01-GUEST", "os": "2022", "services": {"wuauserv": "Disabled"}}],
)
SUMMARY = "How each VM would come up after a failover"
NUMBERS = {HOSTILE: 12, "linux01": 13, "mute01": 14, "outdated01": 15, "legacy01": 16, "off01": 17, "stale01": 19}


def guide(heading: str) -> list[Any]:
    """The YAML blocks of a section of the guide, in order."""
    page = (ROOT / "docs" / "guest-networks.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [yaml.safe_load(part.partition("```")[0]) for part in section.split("```yaml\n")[1:]]


def ids(lab: Lab, host: str = "HV2") -> dict[str, str]:
    """The Ids of a host's machines by their names."""
    return {vm["name"]: vm["id"] for vm in lab.state()["hosts"][host]["vms"].values()}


def came_up(lab: Lab, names: Iterable[str], host: str = "HV2") -> dict[str, tuple[str, list[str]]]:
    """Wait until guests of machines on a host are up after a failover; return which addresses they have, by name."""
    deadline, wanted = time.monotonic() + PATIENCE_SECONDS, set(names)
    while time.monotonic() < deadline:
        vms = [vm for vm in lab.state()["hosts"][host]["vms"].values() if vm["name"] in wanted]
        found = {
            vm["name"].removesuffix(" - Test"): (vm["replication"]["came_up_with"], vm["adapters"][0]["addresses"])
            for vm in vms
        }
        if len(found) == len(wanted) and all(outcome for outcome, _addresses in found.values()):
            return found
        time.sleep(0.2)
    pytest.fail(f"not up: {found}")


def by_test(lab: Lab, names: Iterable[str]) -> dict[str, tuple[str, list[str]]]:
    """Make test failovers, and take them back."""
    known, chosen = ids(lab), list(names)
    with shell_on(lab, "hv2") as there:
        for name in chosen:
            (test,) = there.run(known[name], "Start-VMFailover", AsTest=True, Passthru=True, Confirm=False)
            there.run(str(test.adapted_properties["Id"]), "Start-VM")
        found = came_up(lab, [f"{name} - Test" for name in chosen])
        for name in chosen:
            there.run(known[name], "Stop-VMFailover", Confirm=False)
    return found


def three(lab: Lab) -> dict[str, tuple[str, list[str]]]:
    """Make a test failover, a planned and an unplanned one, and take them back; which addresses come up."""
    known = ids(lab)
    planned, unplanned = known[HOSTILE], known["linux01"]
    found = by_test(lab, ["web01"])
    with shell_on(lab, "hv1") as here, shell_on(lab, "hv2") as there:
        for vm_id in (planned, unplanned):
            here.run(vm_id, "Stop-VM", TurnOff=True, Force=True)
        here.run(planned, "Start-VMFailover", Prepare=True, Confirm=False)
        for vm_id in (planned, unplanned):
            there.run(vm_id, "Start-VMFailover", Confirm=False)
            there.run(vm_id, "Start-VM")
        found |= came_up(lab, [HOSTILE, "linux01"])
        for vm_id in (planned, unplanned):
            there.run(vm_id, "Stop-VMFailover", Confirm=False)
        here.run(planned, "Stop-VMFailover", Confirm=False)
        for vm_id in (planned, unplanned):
            here.run(vm_id, "Start-VM")
    return found


def there_and_back(lab: Lab, name: str) -> dict[str, tuple[str, list[str]]]:
    """Make a planned failover, reverse, and do the same the other way; which address comes up on either host."""
    vm_id, found = ids(lab)[name], {}
    with shell_on(lab, "hv1") as hv1, shell_on(lab, "hv2") as hv2:
        for primary, replica, host in ((hv1, hv2, "HV2"), (hv2, hv1, "HV1")):
            primary.run(vm_id, "Stop-VM", TurnOff=True, Force=True)
            primary.run(vm_id, "Start-VMFailover", Prepare=True, Confirm=False)
            replica.run(vm_id, "Start-VMFailover", Confirm=False)
            replica.run(vm_id, "Set-VMReplication", Reverse=True)
            replica.run(vm_id, "Start-VM")
            found[host] = came_up(lab, [name], host)[name]
    return found


def ready(lab: Lab, *arguments: str, **extra: Any) -> dict[str, Any]:
    """Run the collection's playbook; return the run, what it changed, and its report."""
    start, report = len(lab.journal()), lab.workdir / "failover.json"
    report.unlink(missing_ok=True)
    run = lab.play("failover_ready.yml", *arguments, extra={"failover_ready_hosts": "hv1,hv2", **extra})
    return {
        "run": run,
        "changes": changes(lab, start),
        "report": json.loads(report.read_text(encoding="utf-8")) if report.exists() else None,
    }
