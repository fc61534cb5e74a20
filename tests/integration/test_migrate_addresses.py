# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The migrate role between hosts whose networks differ: no move without an address, and the address after the move."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from integration.harness import ROOT, Lab
from integration.moving import ready, residents
from integration.scenario import changes, sent

HOSTILE = 'O\'Brien – "prod" $x [a-z]'
UP = {"boot_seconds": 5}


def at(vlan: int, *addresses: str, **more: Any) -> list[dict[str, Any]]:
    """Return one adapter."""
    return [{"switch": "LAN", "vlan": vlan, "addresses": list(addresses), **more}]


FLEET = ready(
    [{"name": "HV01", "switches": ["LAN"]}, {"name": "HV02", "language": "fr", "switches": ["Prod"]}],
    [
        {"name": HOSTILE, "host": "HV01", "state": "Running", "guest": UP, "adapters": at(10, "10.1.0.5", "fd00::5")},
        {"name": "web01", "host": "HV01", "state": "Running", "guest": UP, "adapters": at(10, "10.1.0.7")},
        {"name": "same01", "host": "HV01", "state": "Running", "guest": UP, "adapters": at(30, "10.9.0.5")},
        {"name": "off01", "host": "HV01", "adapters": at(10, "10.1.0.6")},
        {
            "name": "fails01",
            "host": "HV01",
            "state": "Running",
            "guest": UP,
            "adapters": at(30, "10.9.0.6"),
            "faults": [{"phase": "memory", "error": 0x8007000E}],
        },
    ],
    network={"base": "127.84.64.0"},
)
NETWORKS = {
    "hv01": {
        "lan": {"switch": "LAN", "vlan": 10, "subnet": "10.1.0.0/24", "gateway": "10.1.0.1"},
        "backup": {"switch": "LAN", "vlan": 30, "subnet": "10.9.0.0/24"},
    },
    "hv02": {
        "lan": {"switch": "Prod", "vlan": 20, "subnet": "10.2.0.0/24", "gateway": "10.2.0.1", "dns": ["10.2.0.2"]},
        "backup": {"switch": "Prod", "vlan": 30, "subnet": "10.9.0.0/24"},
    },
}
GUIDE = (ROOT / "docs" / "guest-networks.md").read_text(encoding="utf-8").partition("## A move into another network")[2]
ADDRESSES = {
    HOSTILE: [{"network": "lan", "ipv4": {"address": "10.2.0.15"}}],
    "off01": [{"network": "lan", "ipv4": {"address": "10.2.0.6"}}],
    **yaml.safe_load(GUIDE.partition("```yaml\n")[2].partition("```")[0])["migrate_addresses"],
}
NAMES = [HOSTILE, "same01", "off01", "web01", "fails01"]


def migrate(lab: Lab, *arguments: str, **extra: Any) -> Any:
    """Run the playbook on the source with both hosts' networks."""
    networks = "{{ networks[inventory_hostname] | default({}) }}"
    (lab.workdir / "group_vars").mkdir(exist_ok=True)
    moves = [{"destination_host": "hv02", "names": NAMES}]
    variables = {"migrate_hosts": "hv01", "migrate_moves": moves, "networks": NETWORKS, **extra}
    (lab.workdir / "group_vars" / "all.yml").write_text(f"hyperv_networks: {networks!r}\n", encoding="utf-8")
    return lab.play("migrate.yml", *arguments, extra=variables)


def adapter(lab: Lab, name: str) -> dict[str, Any]:
    """Return the adapter of a VM on the destination."""
    machines = lab.state()["hosts"]["HV02"]["vms"].values()
    found: dict[str, Any] = next(one["adapters"][0] for one in machines if one["name"] == name)
    return found


@pytest.fixture(scope="module")
def runs(module_lab: Lab) -> dict[str, Any]:
    """Without addresses, with them, and again."""
    without = migrate(module_lab)
    stayed, mark = residents(module_lab.state(), "HV01"), len(module_lab.journal())
    moved = migrate(module_lab, migrate_addresses=ADDRESSES)
    between = module_lab.state()
    again = migrate(module_lab, migrate_addresses=json.dumps(ADDRESSES))
    return {
        "without": without,
        "stayed": stayed,
        "moved": moved,
        "between": between,
        "again": again,
        "sent": sent(module_lab, mark),
    }


def test_nothing_moves_without_the_address(runs: dict[str, Any]) -> None:
    assert runs["without"].code != 0
    assert len(runs["stayed"]) == 5
    results = runs["without"].one("Check every move before the first one", "hv01")["results"][0]["vms"]
    found = {vm["name"]: [one["id"] for one in vm["findings"] if one["severity"] == "blocking"] for vm in results}
    needed = ["address_needed"]
    assert found == {HOSTILE: needed, "off01": needed, "web01": needed, "same01": [], "fails01": []}
    remedy = next(one["remedy"] for vm in results for one in vm["findings"] if one["id"] == "address_needed")
    assert "10.2.0.0/24 (VLAN 20)" in remedy
    assert "portable subnet that is routed to VLAN 20" in remedy


def test_the_address_comes_after_the_move(runs: dict[str, Any], module_lab: Lab) -> None:
    assert runs["moved"].code != 0, "one VM fails at first"
    assert list(residents(runs["between"], "HV01")) == ["fails01"]
    assert runs["moved"].one("Set adapters at the destination, and addresses in guests", "hv01")["changed"] is True
    there = adapter(module_lab, HOSTILE)
    assert (there["vlan"], there["addresses"]) == (20, ["10.2.0.15", "fd00::5"])
    assert (there["gateways"], there["dns"]) == (["10.2.0.1"], ["10.2.0.2"])
    assert adapter(module_lab, "web01")["addresses"] == ["10.2.0.5"], "as the guide says"
    same = adapter(module_lab, "same01")
    assert (same["switch"], same["vlan"], same["addresses"]) == ("Prod", 30, ["10.9.0.5"]), (
        "its name leads to the switch"
    )
    off = adapter(module_lab, "off01")
    assert (off["vlan"], off["addresses"]) == (20, ["10.1.0.6"]), "a guest that does not run is told nothing"


def test_a_second_run_moves_what_is_left_and_tells_nobody_again(runs: dict[str, Any]) -> None:
    assert runs["again"].code == 0
    assert runs["sent"]["Move-VM"] == 6
    assert runs["sent"]["Set-VMNetworkAdapterVlan"] == 3
    assert runs["sent"]["ForEach-Object"] == 2, "each guest was told once"


def test_check_mode_foretells_the_address_of_a_vm_that_is_there(runs: dict[str, Any], module_lab: Lab) -> None:
    mark = len(module_lab.journal())
    left = {**ADDRESSES, "same01": [{"network": "backup", "ipv4": {"address": "10.9.0.15"}}]}
    run = migrate(module_lab, "--check", migrate_addresses=left)
    assert run.code == 0, run.output
    told = run.one("Set adapters at the destination, and addresses in guests", "hv01")["results"]
    assert {one["item"]["name"]: one["changed"] for one in told}["same01"] is True
    assert sum(one["changed"] for one in told) == 1
    assert changes(module_lab, mark) == []
