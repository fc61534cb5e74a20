# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows Server 2012 R2 to 2025, by a host between, where the configuration version is upgraded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from integration import packages
from integration.cold import PASSWORD, machine, never_two, workgroup
from integration.harness import Lab, Run
from integration.moving import by_name, finding_ids, show
from integration.scenario import task

pytestmark = pytest.mark.exhaustive

FLEET = workgroup(
    [
        {"name": "OLD1", "cpu": "ivybridge", "edition": "2012R2"},
        {"name": "MID1", "cpu": "rome", "edition": "2019", "language": "fr"},
        {"name": "NEW1", "cpu": "turin", "edition": "2025"},
        {"name": "BARE1", "features": {"Hyper-V-PowerShell": "Available"}},
    ],
    [
        {"name": "erp01", "host": "OLD1", "state": "Running"},
        {"name": "http01", "host": "MID1", "state": "Running", "version": "8.0"},
    ],
)


def cold(name: str, source: str, destination: str, **more: Any) -> Any:
    """Return a task that migrates the VM from one host to another."""
    return task(
        name,
        "vm_cold_migration",
        names=["erp01"],
        destination_host=destination,
        transfer_username=f"{source}\\Administrator",
        transfer_password=PASSWORD.format(source),
        **more,
    )


@pytest.fixture(scope="module")
def went(module_lab: Lab) -> Run:
    """All hops in one run, host by host, and what is refused before and after."""
    before = module_lab.state()
    plays = [
        ("old1", [cold("straight", "OLD1", "new1"), cold("bare", "OLD1", "bare1"), cold("first hop", "OLD1", "mid1")]),
        (
            "mid1",
            [
                cold("too early", "MID1", "new1", preflight_only=True),
                task("upgrade", "vm_version", names=["erp01"], destination_host="new1", upgrade=True, power="restart"),
                cold("second hop", "MID1", "new1"),
                cold("twice in one run", "MID1", "new1", remove_source=True),
            ],
        ),
        ("old1", [cold("back over two hops", "OLD1", "mid1", rollback=True), cold("elsewhere", "OLD1", "new1")]),
    ]
    run = module_lab.play([{"hosts": host, "gather_facts": False, "tasks": tasks} for host, tasks in plays])
    never_two(before, module_lab.state())
    return run


def row(run: Run, name: str) -> dict[str, Any]:
    """Return what a task says of the VM."""
    return by_name(run.one(name))["erp01"]


def test_a_straight_way_is_refused_and_the_hop_is_named(went: Run) -> None:
    refused = row(went, "straight")
    assert finding_ids(refused, "blocking") == {"configuration_version_unsupported"}
    assert "2016 or 2019" in next(one["remedy"] for one in refused["findings"] if one["severity"] == "blocking")
    assert finding_ids(row(went, "too early"), "blocking") == {"configuration_version_unsupported"}


def test_a_host_without_the_cmdlets_is_told_so(went: Run) -> None:
    refused = went.one("bare")
    assert [one["id"] for one in refused["findings"]] == ["hyperv_cmdlets_missing"]
    assert refused["error"]["kind"] == "not_possible"


def test_the_vm_goes_by_hops_and_keeps_its_id(went: Run, module_lab: Lab) -> None:
    assert row(went, "first hop")["outcome"] == "migrated", show(went)
    assert went.one("upgrade")["vms"][0]["upgraded_to"] == "9.0"
    assert row(went, "second hop")["outcome"] == "migrated", show(went)
    vms = {host: machine(module_lab, host, "erp01") for host in ("OLD1", "MID1", "NEW1")}
    assert len({vm["id"] for vm in vms.values()}) == 1
    assert [vms[host]["state"] for host in vms] == ["Off", "Off", "Running"]
    assert [vms[host]["version"] for host in vms] == ["5.0", "9.0", "9.0"]
    assert vms["NEW1"]["start_action"] == "StartIfRunning"
    assert "cold migrated to MID1" in vms["OLD1"]["notes"]
    assert "cold migrated to NEW1" in vms["MID1"]["notes"]


def test_a_source_stays_in_the_run_of_the_playbook_that_migrates(went: Run) -> None:
    kept = row(went, "twice in one run")
    assert (kept["outcome"], finding_ids(kept)) == ("already_there", {"source_kept"})


def test_a_rollback_over_two_hops_starts_nothing(went: Run) -> None:
    """The copy on the host between is the source of the next hop: starting the first one would make two."""
    for name in ("back over two hops", "elsewhere"):
        refused = row(went, name)
        assert refused["outcome"] == "failed"
        assert finding_ids(refused, "blocking") == {"migrates_elsewhere"}
        assert went.one(name)["changed"] is False


def test_a_web_server_that_has_the_export_only_later(went: Run, module_lab: Lab, tmp_path: Path) -> None:
    """The first run fails when it fetches; the VM is off then, and the next run goes on from there."""
    del went
    with packages.served(tmp_path, f"127.88.{os.getpid() % 200 + 20}.9") as web:
        move = {"names": ["http01"], "destination_host": "new1", "import_mode": "restore"}
        way = {"transfer_method": "http", "source_share": web, "export_path": "D:\\Exports"}
        early = module_lab.tasks("mid1", task("early", "vm_cold_migration", **move, **way)).one("early")
        row = by_name(early)["http01"]
        assert (row["outcome"], row["error"]["kind"]) == ("failed", "remote_error")
        assert row["error"]["msg"].startswith("http01")
        assert "404" in row["error"]["msg"]
        assert machine(module_lab, "MID1", "http01")["state"] == "Off"
        module_lab.control("save", "MID1", "D:\\Exports", str(tmp_path))
        run = module_lab.tasks("mid1", task("later", "vm_cold_migration", **move, **way))
    row = by_name(run.one("later"))["http01"]
    assert row["outcome"] == "migrated", show(run)
    assert row["steps"] == ["transfer", "import", "network", "start", "verify"]
    there = machine(module_lab, "NEW1", "http01")
    assert there["state"] == "Running"
    assert there["disks"][0].startswith(f"D:\\VMs\\http01-{there['id'][:8]}\\")
