# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role cold_migrate, end to end: Intel to AMD, between hosts of no domain, into another network, and back."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from integration.cold import (
    CHECK_ALONE,
    PASSWORD,
    TASK,
    UP,
    account,
    findings,
    go,
    go_by_guide,
    guide,
    guide_values,
    keep,
    machine,
    never_two,
    outcomes,
    rows,
    touched,
    workgroup,
)
from integration.harness import ROOT, Lab, Run
from integration.moving import finding_ids, show
from integration.scenario import sent, task

HOSTILE = "O'Brien – $x 测试 [a-z]"
LAN = {"switch": "LAN", "vlan": 10}
BACKUP = {"switch": "Backup"}
FLEET = workgroup(
    [
        {
            "name": "HV01",
            "cpu": "skylake",
            "edition": "2019",
            "switches": [{"name": "LAN", "networks": [{"vlan": 10, "subnet": "10.1.0.0/24"}]}, "Backup"],
        },
        {
            "name": "HV02",
            "cpu": "rome",
            "edition": "2022",
            "language": "fr",
            "switches": [{"name": "Production", "networks": [{"vlan": 20, "subnet": "10.2.0.0/24"}]}, "Save"],
            "faults": [
                {"action": "damage_copy", "path": "*web01*.vhdx.*.part", "times": 1},
                {"action": "cut_copy", "path": "*app01*.vhdx.*.part", "part": 0.5, "times": 1},
            ],
        },
        {"name": "HV03", "cpu": "rome", "edition": "2022", "switches": ["Backup"]},
    ],
    [
        {"name": "web01", "host": "HV01", "state": "Running", "adapters": [{**LAN, "addresses": ["10.1.0.5"]}]},
        {"name": HOSTILE, "host": "HV01", "adapters": [BACKUP], "notes": "owner: nobody"},
        {"name": "app01", "host": "HV01", "state": "Running", "adapters": [BACKUP]},
        {"name": "saved01", "host": "HV01", "state": "Saved", "adapters": [BACKUP]},
        {"name": "ext01", "host": "HV01", "state": "Running", "adapters": [BACKUP]},
        {
            "name": "stuck01",
            "host": "HV01",
            "state": "Running",
            "adapters": [BACKUP],
            "guest": {**UP, "ignores_shutdown": True},
        },
    ],
)
NETWORKS = {
    "hv01": guide_values("hyperv_networks") | {"backup": {"switch": "Backup", "subnet": "10.9.0.0/24"}},
    "hv02": guide_values("hyperv_networks", 1) | {"backup": {"switch": "Save", "subnet": "10.9.0.0/24"}},
}
ADDRESSES = guide_values("cold_migrate_adapters")
ALL = ["web01", HOSTILE, "app01"]
WRONG = "No-Right-1!"
"""A password in an entry."""


def to(host: str, *names: str, **more: Any) -> list[dict[str, Any]]:
    """Return one entry."""
    return [{"destination_host": host, "names": list(names), **more}]


@pytest.fixture(scope="module")
def lab(module_lab: Lab) -> Lab:
    """The lab, with what people keep in host_vars."""
    keep(
        module_lab,
        hv01={"hyperv_networks": NETWORKS["hv01"], **account("HV01"), "cold_migrate_adapters": ADDRESSES},
        hv02={"hyperv_networks": NETWORKS["hv02"]},
    )
    return module_lab


@pytest.fixture(scope="module")
def before(lab: Lab) -> dict[str, Any]:
    """The state at first."""
    return lab.state()


@pytest.fixture(scope="module")
def blocked(lab: Lab, before: dict[str, Any]) -> Run:
    """A run that everything speaks against."""
    mark = len(lab.journal())
    run = go_by_guide(
        lab,
        "cold_preflight",
        "-v",
        cold_migrate_moves=to("hv02", *ALL, "saved01", transfer_password=WRONG),
        cold_migrate_adapters=[],
    )
    assert touched(lab, mark) == []
    return run


def test_everything_that_speaks_against_it_is_said_before_anything_is_stopped(blocked: Run) -> None:
    assert blocked.code != 0
    assert "Nothing was stopped" in blocked.output
    assert findings(blocked, "web01", CHECK_ALONE) == {"address_needed", "route_credentials_refused"}
    assert findings(blocked, "app01", CHECK_ALONE) == {"route_credentials_refused"}
    assert findings(blocked, "saved01", CHECK_ALONE) == {
        "cpu_vendor_differs",
        "vm_state_prevents_power_off",
        "route_credentials_refused",
    }
    assert "guest_system_unknown" in findings(blocked, HOSTILE, CHECK_ALONE, "info")


@pytest.fixture(scope="module")
def foretold(lab: Lab, blocked: Run) -> Run:
    """The run in check mode."""
    mark = len(lab.journal())
    run = go(lab, "--check", "--diff", cold_migrate_moves=to("hv02", *ALL))
    assert run.code == 0, show(run)
    assert touched(lab, mark) == []
    return run


@pytest.fixture(scope="module")
def migrated(lab: Lab, foretold: Run) -> Run:
    """The run itself."""
    run = go_by_guide(lab, "cold_migrate", cold_migrate_moves=to("hv02", *ALL, verify={"heartbeat": True}))
    assert run.code == 0, show(run)
    return run


def test_check_mode_foretells_it(foretold: Run, migrated: Run) -> None:
    told, did = rows(foretold), rows(migrated)
    for name in ALL:
        assert (told[name]["outcome"], told[name]["steps"]) == (did[name]["outcome"], did[name]["steps"])


def test_vms_arrive_as_they_were_and_their_sources_stay_off(migrated: Run, lab: Lab, before: dict[str, Any]) -> None:
    assert outcomes(migrated) == dict.fromkeys(ALL, "migrated")
    steps = ["stop", "hold", "export", "transfer", "import", "network", "start", "address", "verify"]
    assert rows(migrated)["web01"]["steps"] == steps
    state = lab.state()
    never_two(before, state)
    here = {vm["name"]: vm for vm in state["hosts"]["HV01"]["vms"].values()}
    there = {vm["name"]: vm for vm in state["hosts"]["HV02"]["vms"].values()}
    assert sorted(there) == sorted(ALL)
    for name in ALL:
        assert here[name]["id"] == there[name]["id"]
        assert (here[name]["state"], here[name]["start_action"]) == ("Off", "Nothing")
        assert "cold migrated to HV02" in here[name]["notes"]
        assert there[name]["start_action"] == "StartIfRunning"
        assert "hyperv.mobility" not in there[name]["notes"]
    assert [there[name]["state"] for name in ALL] == ["Running", "Off", "Running"]
    assert there[HOSTILE]["notes"] == "owner: nobody"
    assert here["saved01"]["state"] == "Saved"
    assert state["hosts"]["HV02"]["planned"] == []


def test_each_adapter_is_in_its_network_and_the_guest_has_its_new_address(migrated: Run, lab: Lab) -> None:
    (adapter,) = machine(lab, "HV02", "web01")["adapters"]
    assert (adapter["switch"], adapter["vlan"]) == ("Production", 20)
    assert adapter["addresses"] == adapter["reported"] == ["10.2.0.15"]
    assert (adapter["gateways"], adapter["dns"]) == (["10.2.0.1"], ["10.2.0.2"])
    assert "adapter_not_as_intended" not in findings(migrated, "web01", TASK, "warning")
    (other,) = machine(lab, "HV02", "app01")["adapters"]
    assert (other["switch"], other["connected"]) == ("Save", True)


def test_only_the_damaged_and_the_short_file_came_again(migrated: Run, lab: Lab) -> None:
    fetched = [str(one["parameters"].get("Destination")) for one in lab.commands("Copy-Item")]
    counts = {name: sum(f"\\{name}.vhdx." in path for path in fetched) for name in ("web01", "app01")}
    assert counts == {"web01": 2, "app01": 2}
    rest = [path for path in fetched if ".vhdx." not in path]
    assert len(rest) == len({path.rpartition(".part")[0].rpartition(".")[0] for path in rest}), (
        "nothing else came twice"
    )


def test_no_password_is_seen_anywhere(migrated: Run, lab: Lab, blocked: Run) -> None:
    journal = (lab.workdir / "journal.jsonl").read_text(encoding="utf-8")
    for text in (migrated.output, blocked.output, journal):
        assert PASSWORD.format("HV01") not in text
        assert WRONG not in text
    assert "(item=web01, " in blocked.output, "people see of which VMs a line is"


@pytest.fixture(scope="module")
def again(migrated: Run, lab: Lab) -> Run:
    """A second run, with one more VM whose guest does not shut down."""
    mark = len(lab.journal())
    run = go(lab, cold_migrate_moves=to("hv02", *ALL, "stuck01"), cold_migrate_shutdown_timeout_seconds=1)
    assert set(touched(lab, mark)) == {"Set-VM", "Stop-VM"}
    stuck = machine(lab, "HV01", "stuck01")
    assert (stuck["state"], stuck["notes"]) == ("Running", "")
    return run


def test_a_second_run_changes_nothing_and_one_vm_that_fails_stops_no_other(again: Run) -> None:
    assert again.code != 0
    assert outcomes(again) == {**dict.fromkeys(ALL, "already_there"), "stuck01": "failed"}
    assert "power: force" in rows(again)["stuck01"]["error"]["msg"]
    assert again.of("Where each virtual machine is now"), "a sum is most needed where something failed"


def test_the_way_back(again: Run, lab: Lab, before: dict[str, Any]) -> None:
    run = go_by_guide(lab, "cold_migrate_rollback=true", cold_migrate_moves=to("hv02", "app01"))
    assert run.code == 0, show(run)
    assert outcomes(run) == {"app01": "rolled_back"}
    here, there = machine(lab, "HV01", "app01"), machine(lab, "HV02", "app01")
    assert (here["state"], here["notes"], here["start_action"]) == ("Running", "", "StartIfRunning")
    assert (there["state"], there["start_action"]) == ("Off", "Nothing")
    never_two(before, lab.state())
    the_same = {"names": ["app01"], "destination_host": "hv02"}
    run = lab.tasks(
        "hv01",
        task("in the way", "vm_cold_migration", preflight_only=True, **the_same),
        task("removed", "vm_cold_migration", rollback=True, remove_destination=True, **the_same),
    )
    assert finding_ids(run.one("in the way")["vms"][0]) == {"rolled_back_copy"}
    assert run.one("removed")["vms"][0]["outcome"] == "rolled_back", show(run)
    state = lab.state()["hosts"]["HV02"]
    assert "app01" not in {vm["name"] for vm in state["vms"].values()}
    assert not [path for path in state["volumes"]["D:"]["files"] if "app01" in path]


def test_sources_go_when_their_copies_were_seen_to_be_right(again: Run, lab: Lab) -> None:
    run = go_by_guide(lab, "cold_migrate_remove_source=true", cold_migrate_moves=to("hv02", "web01", HOSTILE))
    assert run.code == 0, show(run)
    assert outcomes(run) == {"web01": "source_removed", HOSTILE: "source_removed"}
    state = lab.state()["hosts"]
    left = {vm["name"] for vm in state["HV01"]["vms"].values()}
    assert not left & {"web01", HOSTILE}
    files = [path for volume in state["HV01"]["volumes"].values() for path in volume["files"]]
    assert not [path for path in files if "web01" in path]
    assert machine(lab, "HV02", "web01")["state"] == "Running"
    assert sent(lab)["Remove-VM"] >= 2


def test_people_bring_the_files(again: Run, lab: Lab, tmp_path: Path) -> None:
    moves = to("hv03", "ext01", transfer_method="external", switch_map={})
    first = go(lab, cold_migrate_moves=moves, cold_migrate_adapters=[])
    assert first.code == 0, show(first)
    row = rows(first)["ext01"]
    assert row["outcome"] == "waiting_for_tree"
    assert row["folders"]["share"] in first.output.replace("\\\\", "\\")
    assert machine(lab, "HV01", "ext01")["state"] == "Off"
    lab.control("save", "HV01", row["folders"]["export"], str(tmp_path))
    lab.control("bring", "HV03", str(tmp_path), row["folders"]["tree"])
    disk = next(path for path in lab.state()["hosts"]["HV03"]["volumes"]["D:"]["files"] if path.endswith("ext01.vhdx"))
    lab.control("damage", "HV03", disk)
    spoilt = go(lab, cold_migrate_moves=moves, cold_migrate_adapters=[])
    assert "tree_damaged" in findings(spoilt, "ext01", task=TASK, severity="warning")
    assert outcomes(spoilt) == {"ext01": "waiting_for_tree"}
    lab.control("bring", "HV03", str(tmp_path), row["folders"]["tree"])
    last = go(lab, cold_migrate_moves=moves, cold_migrate_adapters=[])
    assert outcomes(last) == {"ext01": "migrated"}, show(last)
    assert machine(lab, "HV03", "ext01")["state"] == "Running"


def test_the_guides_variables_are_what_the_role_and_the_task_take() -> None:
    specs = yaml.safe_load((ROOT / "roles/cold_migrate/meta/argument_specs.yml").read_text(encoding="utf-8"))
    known = {*specs["argument_specs"]["main"]["options"], "hyperv_networks"}
    options = set(re.findall(r"^  (\w+):$", (ROOT / "plugins/modules/vm_cold_migration.py").read_text("utf-8"), re.M))
    for block in guide("yaml"):
        for file in re.split(r"^# host_vars/.*\n", block, flags=re.MULTILINE):
            values = yaml.safe_load(file) or {}
            assert set(values) <= known
            for entry in values.get("cold_migrate_moves", ()):
                assert set(entry) <= options, entry


VOLUME = {"size_gb": 100, "free_gb": 50}


def test_what_fits_alone_but_not_together_stops_nothing(start_lab: Callable[..., Lab]) -> None:
    small = {"name": "HV03", "switches": ["Backup"], "volumes": {"C": VOLUME, "D": {**VOLUME, "free_gb": 1.6}}}
    twins = [{"name": name, "host": "HV01", "adapters": [BACKUP]} for name in ("one", "two")]
    lab = start_lab(workgroup([{"name": "HV01", "switches": ["Backup"]}, small], twins))
    keep(lab, hv01=account("HV01"))
    mark = len(lab.journal())
    both = [*to("hv03", "one"), *to("hv03", "two")]
    run = lab.play("cold_preflight.yml", extra={"cold_migrate_hosts": "hv01", "cold_migrate_moves": both})
    assert run.code != 0
    (stop,) = run.one("Nothing stands in the way, on any host", "hv01")["msg"][1:]
    assert stop.startswith("hv03: space_insufficient: 2 VMs of hv01 together need "), show(run)
    assert touched(lab, mark) == []
    alone = lab.play("cold_preflight.yml", extra={"cold_migrate_hosts": "hv01", "cold_migrate_moves": both[:1]})
    assert alone.code == 0, show(alone)
