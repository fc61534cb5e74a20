# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_network_adapter: adapters and addresses in guests, with everything found before the first change."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from integration.harness import ROOT, Lab
from integration.scenario import assert_cycle, changes, cycle, fleet, task

HOSTILE = 'O\'Brien – "prod" $x [a-z] 测试'
LAN = [
    {"vlan": 10, "subnet": "10.1.0.0/24", "dhcp": True, "gateway": "10.1.0.1", "dns": ["10.1.0.2"]},
    {"vlan": 20, "subnet": "10.2.0.0/24"},
]
SWITCHES = [{"name": "LAN", "networks": LAN}, {"name": "Dark", "uplink": "down"}, {"name": "Backup", "type": "Private"}]
GUIDE = (ROOT / "docs" / "guest-networks.md").read_text(encoding="utf-8")


def guide(heading: str) -> Any:
    """Return the first YAML block of a section of the guide."""
    section = GUIDE.partition(f"\n## {heading}\n")[2]
    return yaml.safe_load(section.partition("```yaml\n")[2].partition("```")[0])


HERE = {"switch": "LAN", "vlan": 10}
UP = {"boot_seconds": 5}
FLEET = fleet(
    [
        {"name": "HV01", "switches": SWITCHES},
        {"name": "HV02", "language": "fr", "switches": SWITCHES, "edition": "2019"},
        {"name": "OLD1", "edition": "2012R2", "switches": ["LAN"]},
    ],
    [
        {"name": "off01", "host": "HV01", "adapters": [{**HERE, "name": HOSTILE}, {"name": "Other"}]},
        {"name": "run01", "host": "HV01", "state": "Running", "guest": UP,
         "adapters": [{**HERE, "addresses": ["10.1.0.5", "fd00::5"], "gateways": ["10.1.0.1"], "dns": ["10.1.0.2"]}]},
        {"name": "web01", "host": "HV01", "state": "Running", "guest": UP,
         "adapters": [{"switch": "Backup", "addresses": ["10.9.0.5"]}]},
        {"name": "run02", "host": "HV01", "state": "Running", "guest": UP,
         "adapters": [{**HERE, "addresses": ["10.1.0.6"]}]},
        {"name": "dhcp01", "host": "HV01", "state": "Running", "guest": UP,
         "adapters": [{**HERE, "addresses": ["10.1.0.8"]}]},
        {"name": "deaf01", "host": "HV01", "state": "Running", "guest": {**UP, "services": {"kvp": "stopped"}},
         "adapters": [{**HERE, "addresses": ["10.1.0.9"]}]},
        {"name": "late01", "host": "HV01", "state": "Running", "guest": UP,
         "adapters": [{**HERE, "addresses": ["10.1.0.11"]}]},
        {"name": "legacy01", "host": "HV01", "state": "Running", "guest": UP,
         "adapters": [{**HERE, "legacy": True, "addresses": ["10.1.0.10"]}]},
        {"name": HOSTILE, "host": "HV02", "state": "Running", "guest": {**UP, "system": "linux"},
         "adapters": [{"switch": "LAN", "name": HOSTILE, "addresses": ["10.9.0.5"]}]},
        {"name": "there01", "host": "HV02", "adapters": [{**HERE, "mac": "02155D000077"}]},
        {"name": "old01", "host": "OLD1", "adapters": [{"switch": "LAN"}]},
    ],
    network={"base": "127.84.0.0"},
)  # fmt: skip
NETWORKS = {
    "lan": {"switch": "LAN", "vlan": 10, "subnet": "10.1.0.0/24", "gateway": "10.1.0.1", "dns": ["10.1.0.2"]},
    "office": {"switch": "LAN", "vlan": 20, "subnet": "10.2.0.0/24", "gateway": "10.2.0.1"},
    "dark": {"switch": "Dark", "subnet": "10.3.0.0/24"},
}
MODULE = "vm_network_adapter"


def adapters(lab: Lab, vm: str, host: str = "HV01") -> list[dict[str, Any]]:
    """Return the adapters of a machine as the lab has them."""
    machines = lab.state()["hosts"][host]["vms"].values()
    found: list[dict[str, Any]] = next(one["adapters"] for one in machines if one["name"] == vm)
    return found


def asked(name: str, vm: str, *wishes: Any, check: bool = False, **more: Any) -> Any:
    return task(name, MODULE, check=check, names=[vm], adapters=list(wishes), **more)


MAC, IP = "mac_address", "ipv4"
REFUSED: dict[str, tuple[Any, str, list[str]]] = {
    "no switch": (("off01", {"name": "Other", "switch": "WAN"}), "not_possible", ["switch_missing"]),
    "dead uplink": (("off01", {"name": "Other", "network": "dark"}), "not_possible", ["switch_uplink_down"]),
    "mac while running": (("run01", {MAC: "02155D000001"}), "not_possible", ["mac_change_needs_off"]),
    "mac of a group": (("off01", {"name": "Other", MAC: "010000000001"}), "not_possible", ["mac_address_invalid"]),
    "mac taken": (("off01", {"name": "Other", MAC: "02155D000077"}), "not_possible", ["mac_address_taken"]),
    "ip taken": (("run01", {IP: {"address": "10.1.0.6/24"}}), "not_possible", ["ip_address_taken"]),
    "other network": (("run01", {IP: {"address": "10.2.0.6/24"}}), "not_possible", ["vlan_differs_from_network"]),
    "broadcast": (("run01", {IP: {"address": "10.1.0.255/24"}}), "not_possible", ["ip_address_not_usable"]),
    "guest off": (("off01", {"name": HOSTILE, IP: {"dhcp": True}}), "not_possible", ["guest_not_running"]),
    "guest deaf": (("deaf01", {IP: {"address": "10.1.0.19/24"}}), "not_possible", ["key_value_exchange_silent"]),
    "legacy": (("legacy01", {IP: {"address": "10.1.0.20/24"}}), "not_possible", ["legacy_adapter_takes_no_address"]),
    "no such adapter": (("run01", {"name": "Net", "vlan_id": 3}), "not_found", []),
    "which adapter": (("off01", {"vlan_id": 3}), "ambiguous", []),
    "no such network": (("run01", {"network": "wan"}), "invalid_request", []),
}


@pytest.fixture(scope="module")
def ran(module_lab: Lab) -> dict[str, Any]:
    """Everything that is refused, then everything that is done, in one run."""
    before, start = module_lab.state(), len(module_lab.journal())
    refusals = [
        asked(name, *given, wait_seconds=0, conflict_hosts=["hv02"]) for name, (given, _k, _i) in REFUSED.items()
    ]
    several = task("several", MODULE, names=["run01", "run02"], adapters=[{"ipv4": {"address": "10.1.0.7/24"}}])
    variables = {"hyperv_networks": NETWORKS}
    first = module_lab.play(
        [{"hosts": "hv01", "gather_facts": False, "vars": variables, "tasks": [*refusals, several]}]
    )
    middle = module_lab.state()
    refused = changes(module_lab, start)
    plays = [
        (
            "hv01",
            [
                *cycle("off", MODULE, names=["off01"], adapters=[
                    {"name": HOSTILE, MAC: "02-15-5d-00-00-01", "allowed_vlan_ids": "5,1-3", "native_vlan_id": 5},
                    {"name": "Other", "network": "office"},
                ]),
                *cycle("re-ip", MODULE, names=["run01"], adapters=[{"network": "office", IP: {"address": "10.2.0.5"}}]),
                *cycle("dhcp", MODULE, names=["dhcp01"], adapters=[{"ipv4": {"dhcp": True}}]),
                {**guide("Adapters and addresses")[0], "vars": guide("Networks by name"), "diff": True},
                *cycle("both", MODULE, names=["run02"], adapters=[
                    {"ipv4": {"address": "10.1.0.66/24"}, "ipv6": {"address": "fd00::66/64", "dns": ["fd00::1"]}},
                ]),
                *cycle("away", MODULE, names=["late01"], adapters=[{"connected": False}]),
                asked("told, not reported", "late01", {"ipv4": {"address": "10.1.0.12/24"}}, wait_seconds=4),
            ],
        ),
        ("hv02", cycle("french", MODULE, names=[HOSTILE], adapters=[
            {"name": HOSTILE, "vlan_id": 20, "ipv4": {"address": "10.2.0.77/24", "gateway": "10.2.0.1"}},
        ])),
        ("old1", cycle("old", MODULE, names=["old01"], adapters=[{"vlan_mode": "access", "vlan_id": 7}])),
    ]  # fmt: skip
    second = module_lab.play(
        [{"hosts": hosts, "gather_facts": False, "vars": variables, "tasks": tasks} for hosts, tasks in plays]
    )
    return {"refused": first, "done": second, "before": before, "middle": middle, "changes": refused}


@pytest.mark.parametrize("name", list(REFUSED))
def test_refused_before_the_first_change(ran: dict[str, Any], name: str) -> None:
    _given, kind, ids = REFUSED[name]
    result = ran["refused"].one(name)
    assert result["_status"] == "ignored"
    assert result["changed"] is False
    assert result["error"]["kind"] == kind, result
    assert sorted({one["id"] for one in result.get("findings", []) if one["severity"] == "blocking"}) == ids
    assert "\n" not in result["msg"]


def test_refusals_changed_nothing(ran: dict[str, Any]) -> None:
    assert ran["changes"] == []
    for host in ("HV01", "HV02"):
        for vm_id, vm in ran["before"]["hosts"][host]["vms"].items():
            assert ran["middle"]["hosts"][host]["vms"][vm_id]["adapters"] == vm["adapters"]
    assert "one VM" not in ran["refused"].one("several")["msg"]
    assert ran["refused"].one("several")["error"]["kind"] == "invalid_request"


def test_adapters_of_a_machine_that_is_off(ran: dict[str, Any], module_lab: Lab) -> None:
    done = assert_cycle(ran["done"], "off", "hv01")
    first, second = adapters(module_lab, "off01")
    assert (first["mac"], first["dynamic_mac"]) == ("02155D000001", False)
    assert first["trunk"] == {"native": 5, "allowed": "1-3,5"}
    assert (second["switch"], second["vlan"], second["connected"]) == ("LAN", 20, True)
    changed = done["vms"][0]["adapters"][0]
    assert changed["name"] == HOSTILE
    assert changed["before"]["vlan"] == "access 10"
    assert changed["after"] == {"mac_address": "02155D000001", "vlan": "trunk 1-3,5 native 5"}


def test_another_network_and_an_address_in_it(ran: dict[str, Any], module_lab: Lab) -> None:
    done = assert_cycle(ran["done"], "re-ip", "hv01", but=("vms",))
    (adapter,) = adapters(module_lab, "run01")
    assert (adapter["vlan"], adapter["addresses"]) == (20, ["10.2.0.5", "fd00::5"])
    assert (adapter["gateways"], adapter["dns"]) == (["10.2.0.1"], ["10.1.0.2"]), "DNS servers stay where nobody says"
    assert "10.2.0.5" in done["vms"][0]["adapters"][0]["ip_addresses"]
    assert done["vms"][0]["adapters"][0]["after"]["guest"]["addresses"] == ["10.2.0.5/24"]


def test_dhcp_and_both_families(ran: dict[str, Any], module_lab: Lab) -> None:
    assert_cycle(ran["done"], "dhcp", "hv01", but=("vms",))
    assert adapters(module_lab, "dhcp01")[0]["addresses"] == ["10.1.0.100"]
    assert_cycle(ran["done"], "both", "hv01", but=("vms",))
    assert adapters(module_lab, "run02")[0]["addresses"] == ["10.1.0.66", "fd00::66"]


def test_a_guest_that_does_not_report_what_it_was_told(ran: dict[str, Any], module_lab: Lab) -> None:
    assert_cycle(ran["done"], "away", "hv01")
    result = ran["done"].one("told, not reported", "hv01")
    assert result["error"]["kind"] == "timed_out", result
    assert result["changed"] is True, "the guest was told"
    assert "10.1.0.12" in result["msg"]
    assert "no address" in result["msg"]
    assert adapters(module_lab, "late01")[0]["switch"] == ""


def test_the_guide_s_task_over_the_guide_s_networks(ran: dict[str, Any], module_lab: Lab) -> None:
    result = ran["done"].one(guide("Adapters and addresses")[0]["name"], "hv01")
    assert result["changed"] is True, result
    (adapter,) = adapters(module_lab, "web01")
    assert (adapter["switch"], adapter["vlan"], adapter["addresses"]) == ("LAN", 10, ["10.1.0.5"])
    assert (adapter["gateways"], adapter["dns"]) == (["10.1.0.1"], ["10.1.0.2", "10.1.0.3"])


def test_a_french_host_with_hostile_names(ran: dict[str, Any], module_lab: Lab) -> None:
    done = assert_cycle(ran["done"], "french", "hv02", but=("vms",))
    (adapter,) = adapters(module_lab, HOSTILE, "HV02")
    assert (adapter["vlan"], adapter["addresses"]) == (20, ["10.2.0.77"])
    assert done["vms"][0]["name"] == HOSTILE


def test_the_oldest_host(ran: dict[str, Any], module_lab: Lab) -> None:
    assert_cycle(ran["done"], "old", "old1")
    assert adapters(module_lab, "old01", "OLD1")[0]["vlan"] == 7
