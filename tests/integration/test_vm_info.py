# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_info reads machines by name, Id and expression, whatever they are called."""

from __future__ import annotations

from typing import Any

import pytest
from integration.harness import Lab, Run
from integration.scenario import changes, fleet, sent, shells, task

GUID = "6c09bb55-d683-4da0-8931-c9bf705f6480"
HOSTILE = {
    "quotes": 'O\'Brien – “prod” "db"',
    "dollar": "$x $(Stop-Computer) `n ${env:TEMP}",
    "semicolon": "a; Remove-VM *; b | c & d",
    "newlines": "line one\nline two\r\nline three\ttab",
    "brackets": "web[01] [a-z] ?*",
    "chinese": "测试 虚拟机 🚀",
    "long": "x" * 100,
    "blanks": "  trailing   ",
    "guid": GUID,
    "xml": "<vm a='1'>&amp; ]]> _x000A_",
}
TWIN_IDS = ("11111111-0000-4000-8000-000000000001", "11111111-0000-4000-8000-000000000002")
RICH = {
    "name": "rich01",
    "host": "HV01",
    "state": "Running",
    "memory_mb": 4096,
    "processors": 4,
    "compatibility": True,
    "generation": 1,
    "disks": [
        {"size_gb": 40, "file_size_gb": 2},
        {"size_gb": 20, "file_size_gb": 1, "type": "Differencing", "parent": "D:\\base\\golden.vhdx"},
    ],
    "dvd": "D:\\iso\\setup.iso",
    "adapters": [{"switch": "External", "vlan": 42, "addresses": ["10.20.9.9"]}],
    "checkpoints": [{"name": "before", "memory_state": True}, {"name": "config only", "memory_state": False}],
    "security": {"tpm": True},
    "replication": {"mode": "Primary"},
    "notes": "a note",
}

VMS: list[dict[str, Any]] = [
    *({"name": name, "host": "HV01"} for name in HOSTILE.values()),
    {"name": "twin", "host": "HV01", "id": TWIN_IDS[0]},
    {"name": "TWIN", "host": "HV01", "id": TWIN_IDS[1], "state": "Running"},
    {"name": "web1", "host": "HV01", "state": "Saved"},
    {"name": "brackets", "host": "HV01"},
    RICH,
    {**RICH, "host": "HV02"},
    {**{k: v for k, v in RICH.items() if k not in ("security",)}, "host": "OLD1"},
]
FLEET = fleet([{"name": "HV01"}, {"name": "HV02", "language": "fr"}, {"name": "OLD1", "edition": "2012R2"}], VMS)


@pytest.fixture(scope="module")
def read(module_lab: Lab) -> Run:
    """One play with every reading of HV01."""
    return module_lab.tasks(
        "hv01",
        task("everything", "vm_info"),
        *(
            task(f"name {key}", "vm_info", names=["{{ hostile[item] }}"], keywords={"vars": {"item": key}})
            for key in HOSTILE
        ),
        task(
            "several", "vm_info", names=["rich01", "WEB1"], ids=[TWIN_IDS[1].upper(), f"{{{{ '{{' }}}}{TWIN_IDS[0]}}}"]
        ),
        task("running", "vm_info", select="[?state=='Running'].id | sort(@)"),
        task("none", "vm_info", select="[?state=='Paused']"),
        task("narrowed", "vm_info", ids=list(TWIN_IDS), select="[?state=='Off']"),
        task("unknown name", "vm_info", names=["web9"]),
        task("pattern", "vm_info", names=["web*"]),
        task("unknown id", "vm_info", ids=[GUID]),
        task("no id", "vm_info", ids=["web1"]),
        task("ambiguous", "vm_info", names=["twin"]),
        task("wrong expression", "vm_info", select="[?state=='Running'"),
        task("function", "vm_info", select="nosuch(@)"),
        task("something else", "vm_info", select="[].memory_startup"),
        task("empty name", "vm_info", names=[" "]),
        task("unknown option", "vm_info", name="web1"),
        task("after all", "vm_info", names=["web1"], check=True),
        hostile=HOSTILE,
    )


def test_all_machines_as_the_host_has_them(module_lab: Lab, read: Run) -> None:
    found = {vm["id"]: vm for vm in read.one("everything")["vms"]}
    state = module_lab.state()["hosts"]["HV01"]["vms"]
    assert set(found) == set(state)
    for vm_id, vm in state.items():
        got = found[vm_id]
        assert (got["name"], got["state"], got["version"]) == (vm["name"], vm["state"], vm["version"])
        assert [disk["path"] for disk in got["hard_disk_drives"]] == vm["disks"]
        assert got["processor"]["compatibility_for_migration_enabled"] is vm["compatibility"]
        assert got["memory_startup"] == vm["memory"]


@pytest.mark.parametrize("key", HOSTILE)
def test_hostile_names_travel_unharmed(read: Run, key: str) -> None:
    (vm,) = read.one(f"name {key}")["vms"]
    assert vm["name"] == HOSTILE[key]


def test_a_selection_keeps_its_order(read: Run) -> None:
    assert [vm["name"] for vm in read.one("several")["vms"]] == ["TWIN", "twin", "rich01", "web1"]


def test_expressions_choose(read: Run) -> None:
    assert {vm["name"] for vm in read.one("running")["vms"]} == {"rich01", "TWIN"}
    assert read.one("none")["vms"] == []
    assert [vm["name"] for vm in read.one("narrowed")["vms"]] == ["twin"]
    assert read.one("after all")["vms"][0]["name"] == "web1"


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("unknown name", "not_found", ["hv01", "web9"]),
        ("pattern", "not_found", ["web*"]),
        ("unknown id", "not_found", [GUID]),
        ("no id", "invalid_request", ["web1", "GUID"]),
        ("ambiguous", "ambiguous", ["twin", *TWIN_IDS]),
        ("wrong expression", "invalid_request", ["[?state=='Running'", "JMESPath"]),
        ("function", "invalid_request", ["nosuch"]),
        ("something else", "invalid_request", ["[].memory_startup"]),
        ("empty name", "invalid_request", ["names"]),
        ("unknown option", "invalid_request", ["name", "names"]),
    ],
)
def test_what_cannot_be_is_one_line_that_names_it(read: Run, name: str, kind: str, words: list[str]) -> None:
    result = read.one(name)
    assert result["_status"] == "ignored"
    assert result["error"]["kind"] == kind
    assert "\n" not in result["msg"]
    assert not [word for word in words if word not in result["msg"]], result["msg"]


def test_parts_of_a_machine(module_lab: Lab) -> None:
    run = module_lab.tasks("hyperv", task("rich", "vm_info", names=["rich01"]))
    english, french, old = (run.one("rich", host)["vms"][0] for host in ("hv01", "hv02", "old1"))
    assert english["hard_disk_drives"][0]["vhd"]["file_size"] > 0
    assert len(english["checkpoints"]) == 2
    assert sorted(item["has_memory"] for item in english["checkpoints"]) == [False, True]
    assert any("golden" in parent for disk in english["hard_disk_drives"] for parent in disk["parents"])
    assert english["dvd_drives"][0]["path"] == "D:\\iso\\setup.iso"
    assert english["network_adapters"][0]["vlan"]["access_vlan_id"] == 42
    assert english["network_adapters"][0]["ip_addresses"] == ["10.20.9.9"]
    assert english["security"]["tpm_enabled"] is True
    assert english["replication"][0]["mode"] == "Primary"
    assert english["integration_services"]["heartbeat"]["enabled"] is True
    assert set(english["integration_services"]) == set(french["integration_services"])
    assert english["heartbeat"] == french["heartbeat"] == "OkApplicationsHealthy"
    assert english["state"] == french["state"] == old["state"] == "Running"
    assert set(english) == set(french) == set(old)
    assert old["security"] is None
    assert old["version"] == "5.0"


def test_one_session_few_requests_and_no_change(module_lab: Lab, read: Run) -> None:
    start = len(module_lab.journal())
    module_lab.tasks("hv01", task("everything", "vm_info"))
    assert shells(module_lab, start) == {"HV01": 1}
    assert sum(1 for line in module_lab.journal()[start:] if line["event"] == "pipeline") <= 4
    assert sent(module_lab, start)["Get-VM"] < 15
    assert changes(module_lab) == []


def test_a_wrong_request_reaches_no_host(module_lab: Lab) -> None:
    start = len(module_lab.journal())
    module_lab.tasks("hv01", task("wrong", "vm_info", select="[?"), task("no id", "vm_info", ids=["x"]))
    assert sent(module_lab, start) == {}
