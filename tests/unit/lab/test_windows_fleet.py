# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows machines of a fleet file: keys, defaults, defects, inventory, old editions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hyperv_lab import inventory_file
from hyperv_lab.guests.windows import baseline
from hyperv_lab.guests.windows.defects import DEFECTS
from hyperv_lab.guests.windows.state import WindowsMachine
from hyperv_lab.guests.windows.systems import SYSTEMS
from hyperv_lab.hyperv import fleet as fleets
from hyperv_lab.hyperv.schema import FleetError
from hyperv_lab.hyperv.state import describe
from hyperv_lab.powershell import contract
from hyperv_lab.psrp.editions import engine_of

README = Path(__file__).parents[2] / "lab" / "README.md"
NEEDS_AGENT = ("agent_", "vacp_", "vss_provider_missing")


def machine(os: str = "2016", **more: Any) -> WindowsMachine:
    found = fleets.parse({"windows_machines": [{"name": "WIN01", "os": os, **more}]}).hosts["WIN01"]
    assert isinstance(found, WindowsMachine)
    return found


def told(host: WindowsMachine) -> dict[str, Any]:
    """Return everything that a defect can change."""
    windows = {key: value for key, value in vars(host.windows).items() if key != "defects"}
    state = {key: value for key, value in describe(host.fleet)["windows_machines"]["WIN01"].items() if key != "defects"}
    accounts = [(account.username, account.enabled) for account in host.local]
    free = {name: volume.free for name, volume in host.storage.volumes.items()}
    return {
        "windows": str(windows),
        "state": state,
        "accounts": accounts,
        "groups": str(host.groups),
        "free": free,
        "notes": str(host.notes),
    }


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        ({"os": "2003"}, "'2003' is none of 2008R2SP1"),
        ({"defects": ["no_such"]}, "'no_such' is none of"),
        ({"os": "2016", "defects": ["sha2_updates_missing"]}, "is only for 2008R2SP1"),
        ({"colour": "blue"}, "unknown key 'colour'"),
        ({"defects": ["trust_broken"], "domain_joined": False}, "trust_broken needs a domain"),
        ({"services": {"Nothing": "Stopped"}}, "services: Nothing: Stopped"),
        ({"firewall": {"NONE*": False}}, "firewall: NONE*: False"),
        ({"programs": {"nothing": False}}, "programs: nothing: False"),
        ({"agent": {"version": "9.55.6765.1", "registered_with": "cs09"}}, "no Site Recovery server 'cs09'"),
        ({"agent": {"version": "9.55.6765.1", "shape": "round"}}, "unknown key 'shape'"),
        ({"name": "A.B"}, "no computer name"),
    ],
)
def test_mistakes_in_a_machine_name_the_place_and_the_value(entry: dict[str, Any], what: str) -> None:
    with pytest.raises(FleetError) as refused:
        fleets.parse({"windows_machines": [{"name": "WIN01", **entry}]})
    assert what in str(refused.value)
    assert "windows_machines[0]" in str(refused.value)


def test_a_fleet_may_have_only_such_machines_and_ranges_of_them() -> None:
    fleet = fleets.parse({"windows_machines": [{"count": 3, "name": "W{n:03}", "os": "2019"}]})
    assert [host.alias for host in fleet.machines()] == ["w001", "w002", "w003"]
    with pytest.raises(FleetError, match="needs at least one host"):
        fleets.parse({"hosts": []})


def test_they_listen_after_the_hosts_and_have_groups_of_their_own() -> None:
    content = {
        "hosts": [{"name": "HV01"}],
        "windows_machines": [
            {"name": "WIN01", "winrm": {"connection": "winrm", "auth": "basic"}},
            {"name": "CS01", "role": "configuration_server"},
        ],
    }
    fleet = fleets.parse(content)
    assert fleet.hosts["WIN01"].address == "127.20.0.2"
    inventory = inventory_file.inventory(fleet, Path("/ca.pem"))["all"]
    assert {name: list(group["hosts"]) for name, group in inventory["children"].items()} == {
        "hyperv": ["hv01"],
        "windows_machines": ["win01", "cs01"],
        "configuration_servers": ["cs01"],
    }
    variables = inventory["hosts"]["win01"]
    assert (variables["ansible_user"], variables["ansible_winrm_transport"]) == ("Administrator", "basic")
    assert list(describe(fleet)["hosts"]) == ["HV01"]
    assert list(describe(fleet)["windows_machines"]) == ["WIN01", "CS01"]


@pytest.mark.parametrize("os", SYSTEMS)
def test_a_fresh_machine_differs_from_its_system_only_by_its_names(os: str) -> None:
    host = machine(os)
    changed = {path.rpartition("\\")[2] for path in host.registry.changes()}
    assert changed == {"ComputerName", "ActiveComputerName", "Parameters", "Tcpip"}
    state = describe(host.fleet)["windows_machines"]["WIN01"]
    assert (state["files"], state["missing_files"], state["firewall_disabled"]) == ({}, [], [])
    assert all(host.firewall.values())
    for control_set in baseline.control_sets(os):
        for name in baseline.BOOT_DRIVERS:
            assert host.registry.exists(f"HKLM\\SYSTEM\\{control_set}\\Services\\{name}")


def test_what_the_file_says_about_a_machine_is_so() -> None:
    key = "HKLM\\SOFTWARE\\Lab"
    host = machine(
        registry={key: {"Number": 7, "List": ["a", "b"]}, baseline.POLICIES: {"EnableLUA": None}},
        services={"Schedule": "StartPending", "VSS": "Missing"},
        firewall={"WMI-*": False},
        programs={"rundll32": False},
        files={"C:\\Temp\\secret.txt": "text"},
        memory_mb=2048,
        volumes={"C": {"size_gb": 60, "free_gb": 20}, "E": {"size_gb": 10}},
    )
    assert (host.registry.data(key, "Number"), host.registry.data(key, "List")) == (7, ("a", "b"))
    assert host.registry.get(baseline.POLICIES, "EnableLUA") is None
    assert host.services["schedule"].status == "StartPending"
    assert "vss" not in host.services
    assert sorted(name for name, enabled in host.firewall.items() if not enabled) == [
        "WMI-ASYNC-In-TCP",
        "WMI-RPCSS-In-TCP",
        "WMI-WINMGMT-In-TCP",
    ]
    assert not host.has_program("C:\\Windows\\System32\\rundll32.exe")
    assert host.has_program("%SystemRoot%\\System32\\reg.exe")
    assert host.files.read("C:\\Temp\\secret.txt") == b"text"
    assert [disk.number for disk in host.windows.disks] == [0, 1]
    assert host.memory == 2048 * 1024**2


@pytest.mark.parametrize("name", [name for name in DEFECTS if not name.startswith(NEEDS_AGENT)])
def test_each_defect_changes_a_machine(name: str) -> None:
    defect = DEFECTS[name]
    os = defect.os[0] if defect.os else "2016"
    healthy = machine(os, domain_joined=defect.domain)
    assert told(machine(os, defects=[name])) != told(healthy)


def test_every_defect_stands_in_the_readme_and_no_other() -> None:
    text = README.read_text(encoding="utf-8")
    part = text[text.index("## Windows machines") :].split("\n## ")[0]
    rows = [line.split("`")[1] for line in part.splitlines() if line.startswith("| `") and line.count("|") == 4]
    listed = [row for row in rows if row in DEFECTS]
    assert sorted(listed) == sorted(DEFECTS)
    for row in part.splitlines():
        if row.startswith("| `") and row.split("`")[1] in DEFECTS:
            for error_id in DEFECTS[row.split("`")[1]].ids:
                assert error_id.replace("name:ASRMobilityService", "name:…") in row, row


def test_a_restart_does_what_waited_for_one() -> None:
    host = machine(defects=["restart_pending_servicing", "restart_pending_rename", "provider_delete_flag"])
    assert "azure site recovery vss provider" in host.services
    host.set_service("Schedule", status="Stopped")
    host.reboot(0)
    assert not host.registry.exists(f"{baseline.SERVICING}\\RebootPending")
    assert host.registry.get(f"{baseline.CONTROL}\\Session Manager", "PendingFileRenameOperations") is None
    assert "azure site recovery vss provider" not in host.services
    assert host.services["schedule"].status == "Running"


def test_a_machine_may_have_no_room_at_all() -> None:
    host = machine(volumes={"C": {"size_gb": 20, "free_gb": 0}})
    assert host.storage.volumes["C:"].free == 0


def test_many_machines_share_what_they_have_in_common() -> None:
    fleet = fleets.parse({"windows_machines": [{"count": 150, "name": "W{n:03}", "os": "2016"}]})
    one, other = list(fleet.machines())[:2]
    assert isinstance(one, WindowsMachine)
    assert isinstance(other, WindowsMachine)
    path = "C:\\Windows\\System32\\reg.exe"
    assert one.storage.file(path) is other.storage.file(path)
    assert len(one.registry.changes()) < 10


@pytest.mark.parametrize(
    ("edition", "protocol", "powershell"),
    [("2008R2SP1", "2.1", "2.0"), ("2012", "2.2", "3.0"), ("2012R2", "2.2", "4.0")],
)
def test_old_editions_tell_their_versions(edition: str, protocol: str, powershell: str) -> None:
    engine = engine_of(edition)
    assert (engine.protocol, engine.powershell) == (protocol, powershell)


def test_old_editions_lack_parameters_and_sets() -> None:
    def parameters(name: str, edition: str) -> set[str]:
        found = contract.signature(name, edition)
        assert found is not None
        return {each.name for each in found.parameters}

    assert "Raw" not in parameters("Get-Content", "2008R2SP1")
    assert "Raw" in parameters("Get-Content", "2012")
    assert "PipelineVariable" not in parameters("Get-Item", "2012")
    assert "PipelineVariable" in parameters("Get-Item", "2012R2")
    where = contract.signature("Where-Object", "2008R2SP1")
    assert where is not None
    assert where.sets == ("ScriptBlockSet",)
    assert "EQ" not in parameters("Where-Object", "2008R2SP1")
    assert contract.signature("Get-VM", "2012") is None
