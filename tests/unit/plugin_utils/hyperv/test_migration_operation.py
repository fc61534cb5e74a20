# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Migrations over two hosts of dictionaries."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    Ambiguous,
    InvalidRequest,
    MobilityError,
    NotFound,
    NotPossible,
    RemoteError,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration import compatibility_task
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration.operation import _has_changed
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration.placement import Placement
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration.track import Track
from unit.fake_session import Refused
from unit.two_hosts import Fleet, finding_ids, outcomes, vm_id

NO_CREDENTIALS = "Pas d'identification (0x8009030E)"


def test_moves_and_then_changes_nothing() -> None:
    fleet = Fleet()
    for name in ("web01", "web02", 'O\'Brien – "prod" $x 测试 [a-z]'):
        fleet.add(name)
    names = [vm["Name"] for vm in fleet.vms["hv01"].values()]
    first = fleet.run(names=names)
    assert first.changed
    assert first.failure is None
    assert set(outcomes(first).values()) == {"moved"}
    assert not fleet.vms["hv01"]
    before = {name: len(machine.invocations) for name, machine in fleet.machines.items()}
    second = fleet.run(names=names)
    assert not second.changed
    assert set(outcomes(second).values()) == {"already_there"}
    assert {name: len(m.invocations) - before[name] for name, m in fleet.machines.items()} == {"hv01": 1, "hv02": 1}
    assert sorted(fleet.moves) == sorted(names)


def test_windows_is_told_its_own_name_and_a_folder_of_the_vms_own() -> None:
    fleet = Fleet()
    fleet.add("web01")
    fleet.run(names=["web01"])
    (sent,) = [p for p in fleet.machines["hv01"].sent("Compare-VM") if "DestinationHost" in p]
    assert sent["DestinationHost"] == "hv02.lab.test"
    assert sent["DestinationStoragePath"] == "C:\\Hyper-V\\web01"


def test_checking_predicts_and_leaves_nothing() -> None:
    fleet = Fleet()
    fleet.add("web01")
    outcome = fleet.run(names=["web01"], check_mode=True)
    assert outcome.changed
    assert outcome.diff is not None
    assert (outcome.diff.before, outcome.diff.after) == ({"web01": "hv01"}, {"web01": "hv02"})
    assert fleet.where("web01") == ["hv01"]
    assert not fleet.planned["hv02"]
    assert not fleet.machines["hv01"].sent("Move-VM")


def test_a_missing_switch_blocks_and_a_map_cures() -> None:
    fleet = Fleet()
    fleet.add("web01", NetworkAdapters=[{"Id": "A", "Name": "n", "SwitchName": "Old"}])
    blocked = fleet.run(names=["web01"])
    assert isinstance(blocked.failure, NotPossible)
    assert not blocked.changed
    assert "switch_missing" in finding_ids(blocked)
    assert fleet.where("web01") == ["hv01"]
    moved = fleet.run(names=["web01"], switch_map={"Old": "LAN"})
    assert outcomes(moved) == {"web01": "moved"}
    assert fleet.vms["hv02"][vm_id("web01")]["NetworkAdapters"][0]["SwitchName"] == "LAN"
    assert fleet.machines["hv01"].sent("Connect-VMNetworkAdapter")


@pytest.mark.parametrize(
    ("switch_map", "expected"),
    [
        ({"LAN": "DMZ", "DMZ": "LAN"}, ["DMZ", "LAN", "LAN", "Prod"]),
        ({"old": "LAN", "lan": "DMZ", "Dmz": "Prod"}, ["DMZ", "Prod", "LAN", "Prod"]),
        ({"OLD": "DMZ", "Prod": "LAN"}, ["LAN", "DMZ", "DMZ", "LAN"]),
    ],
)
def test_all_pairs_of_a_map_hold_at_once(switch_map: dict[str, str], expected: list[str]) -> None:
    fleet = Fleet()
    fleet.switches["hv02"] = ["LAN", "DMZ", "Prod"]
    names = ("LAN", "DMZ", "Old", "Prod")
    fleet.add("web01", NetworkAdapters=[{"Id": f"A\\{name}", "Name": "net", "SwitchName": name} for name in names])
    if "Old" not in {name.title() for name in switch_map}:
        switch_map = {**switch_map, "Old": "LAN"}
    moved = fleet.run(names=["web01"], switch_map=switch_map)
    assert (outcomes(moved), finding_ids(moved)) == ({"web01": "moved"}, [])
    there = fleet.vms["hv02"][vm_id("web01")]["NetworkAdapters"]
    assert [adapter["SwitchName"] for adapter in there] == expected


def test_a_host_that_shows_no_planned_vms_maps_only_what_is_missing() -> None:
    fleet = Fleet()
    fleet.settings["hv01"]["SupportedVmVersions"] = []
    fleet.machines["hv01"].on("Get-VMHostSupportedVersion", lambda _parameters, _piped: [])
    fleet.switches["hv02"] = ["LAN", "DMZ"]
    fleet.add("web01")
    fleet.add("web02", NetworkAdapters=[{"Id": "A", "Name": "n", "SwitchName": "Old"}])
    found = fleet.run(names=["web01", "web02"], switch_map={"lan": "DMZ", "old": "LAN"}, skip_blocked=True)
    assert outcomes(found) == {"web01": "skipped", "web02": "moved"}
    assert finding_ids(found) == ["switch_map_impossible"]


def test_a_comparison_knows_the_networks_that_a_move_knows() -> None:
    fleet = Fleet()
    fleet.switches["hv02"] = ["Prod"]
    fleet.add("web01")
    networks = {"hv01": {"lan": {"switch": "LAN"}}, "hv02": {"lan": {"switch": "Prod"}}}
    asked = replace(fleet.request(names=["web01"]), variable=lambda host, _name: networks[host])
    outcome = compatibility_task.operate(asked, clock=fleet.clock)
    assert outcome.values["compatible"], outcome.values["vms"]
    assert not fleet.planned["hv02"]


def test_a_share_that_the_session_cannot_open_stops_nobody() -> None:
    fleet = Fleet()
    fleet.add("web01", isos=["\\\\nas\\iso\\x.iso"])
    fleet.add("web02", isos=["C:\\gone.iso"])
    files = fleet.machines["hv02"].handlers["test-path"]

    def test_path(parameters: Any, piped: list[Any]) -> Any:
        if any(path.startswith("\\\\") for path in parameters["LiteralPath"]):
            raise Refused("ItemExistsUnauthorizedAccessError,TestPathCommand", "Access is denied")
        return files(parameters, piped)

    fleet.machines["hv02"].on("Test-Path", test_path)
    outcome = fleet.run(names=["web01", "web02"], skip_blocked=True)
    assert outcomes(outcome) == {"web01": "moved", "web02": "skipped"}
    rows = {row["name"]: row["findings"] for row in outcome.values["vms"]}
    assert [(one["id"], one["severity"]) for one in rows["web01"]] == [("iso_unseen", "warning")]
    assert "\\\\nas\\iso\\x.iso" in rows["web01"][0]["evidence"]
    assert [one["id"] for one in rows["web02"]] == ["iso_missing"]


def test_an_unknown_message_blocks_with_number_and_text() -> None:
    fleet = Fleet()
    fleet.add("web01", odd=[{"MessageId": 47110, "Message": "Quelque chose", "Source": None}])
    outcome = fleet.run(names=["web01"])
    assert outcomes(outcome) == {"web01": "failed"}
    (found,) = [f for f in outcome.values["vms"][0]["findings"] if f["id"] == "compare_vm_47110"]
    assert "47110" in found["evidence"]
    assert "Quelque chose" in found["evidence"]
    assert not fleet.planned["hv02"]
    assert fleet.moves == []


def test_one_failure_never_stops_the_others() -> None:
    fleet = Fleet()
    fleet.add("bad", odd=[{"MessageId": 1, "Message": "x", "Source": None}])
    fleet.add("good")
    outcome = fleet.run(names=["bad", "good"])
    assert outcomes(outcome) == {"bad": "failed", "good": "moved"}
    assert outcome.changed
    assert outcome.failure is not None
    assert "1 of 2" in outcome.failure.msg


def test_no_credentials_say_which_set_up_is_missing() -> None:
    fleet = Fleet()
    fleet.add("web01")
    for settings in fleet.settings.values():
        settings["VirtualMachineMigrationAuthenticationType"] = "Kerberos"
    fleet.compare_errors = [Refused("OperationFailed,CompareVM", NO_CREDENTIALS)]
    outcome = fleet.run(names=["web01"], delegates=False)
    (found,) = [f for f in outcome.values["vms"][0]["findings"] if f["id"] == "second_hop_impossible"]
    assert "msDS-AllowedToDelegateTo" in found["remedy"]
    assert "protocol transition" in found["remedy"]


def test_credssp_without_credentials_is_found_before_anything_is_sent_to_move() -> None:
    fleet = Fleet()
    fleet.add("web01")
    outcome = fleet.run(names=["web01"], delegates=False)
    assert "second_hop_impossible" in finding_ids(outcome)
    assert not fleet.machines["hv01"].sent("Compare-VM")


@pytest.mark.parametrize(
    ("guards", "mode", "blocks"),
    [
        ({"hv01": [1, 2]}, "CredSSP", True),
        ({"hv01": [2], "hv02": [1]}, "CredSSP", False),
        ({}, "CredSSP", False),
        ({"hv01": [1]}, "Kerberos", False),
    ],
)
def test_credential_guard_on_the_source_keeps_credentials_from_credssp(
    guards: dict[str, list[int]], mode: str, blocks: bool
) -> None:
    fleet = Fleet()
    fleet.add("web01")
    fleet.guards = guards
    for settings in fleet.settings.values():
        settings["VirtualMachineMigrationAuthenticationType"] = mode
    assert ("credential_guard_running" in finding_ids(fleet.run(names=["web01"]))) == blocks
    without = Fleet()
    without.add("web01")
    without.guards = guards
    both = finding_ids(without.run(names=["web01"], delegates=False))
    assert not {"credential_guard_running", "second_hop_impossible"} <= set(both), "one cause, one remedy"


def test_the_processor_flag_is_asked_for_between_generations() -> None:
    fleet = Fleet()
    fleet.cpu["hv02"] = (6, 106)
    fleet.add("flagged", flag=True)
    fleet.add("plain")
    fleet.add("resting", State="Off")
    fleet.add("remembering", State="Off", checkpoints=[{"Id": vm_id("c"), "Name": "before", "State": "Running"}])
    outcome = fleet.run(names=["flagged", "plain", "resting", "remembering"])
    assert outcomes(outcome) == {"flagged": "moved", "plain": "failed", "resting": "moved", "remembering": "failed"}
    rows = {row["name"]: row for row in outcome.values["vms"]}
    (found,) = [f for f in rows["plain"]["findings"] if f["id"] == "cpu_model_differs"]
    assert "powered off" in found["remedy"]
    assert "compatibility_for_migration_enabled" in found["remedy"]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, False),
        ({"prepared": True}, True),
        ({"began": True}, True),
        ({"error": RemoteError("off", changed=True)}, True),
        ({"error": RemoteError("refused")}, False),
    ],
)
def test_what_was_done_before_a_move_counts_as_changed(members: dict[str, Any], expected: bool) -> None:
    track = Track(vm=SimpleNamespace(id="1", name="a"), placement=Placement())  # type: ignore[arg-type]
    for name, value in members.items():
        setattr(track, name, value)
    assert _has_changed(SimpleNamespace(tracks=(track,))) is expected  # type: ignore[arg-type]


def test_equal_names_are_an_error_that_lists_the_ids() -> None:
    fleet = Fleet()
    fleet.add("web01")
    fleet.add("web01", Id=vm_id("other"))
    with pytest.raises(Ambiguous, match=vm_id("other")):
        fleet.run(names=["web01"])


def test_what_names_and_an_expression_choose_can_be_run_again() -> None:
    fleet = Fleet()
    for name in ("moved", "runs", "rests"):
        fleet.add(name, State="Off" if name == "rests" else "Running")
    asked: dict[str, Any] = {"names": ["runs", "rests", "moved"], "select": "[?state=='Running']"}
    fleet.run(names=["moved"])
    assert outcomes(fleet.run(**asked)) == {"runs": "moved", "moved": "already_there"}
    again = fleet.run(**asked)
    assert (outcomes(again), again.changed) == ({"runs": "already_there", "moved": "already_there"}, False)
    assert fleet.where("rests") == ["hv01"]
    with pytest.raises(NotFound, match="Paused"):
        fleet.run(names=["runs"], select="[?state=='Paused']")


def test_a_name_that_two_vms_would_have_at_the_destination_needs_an_id() -> None:
    fleet = Fleet()
    fleet.add("web01")
    fleet.add("web01", host="hv02", Id=vm_id("twin"))
    fleet.add("other")
    both = fleet.run(names=["WEB01", "other"])
    assert outcomes(both) == {"web01": "failed", "other": "moved"}
    assert both.failure is not None
    assert "name_taken" in both.failure.msg
    assert outcomes(fleet.run(names=["web01"], skip_blocked=True)) == {"web01": "skipped"}
    moved = fleet.run(ids=[vm_id("web01")])
    assert (outcomes(moved), finding_ids(moved)) == ({"web01": "moved"}, ["name_taken"])
    assert outcomes(fleet.run(ids=[vm_id("web01")])) == {"web01": "already_there"}


@pytest.mark.parametrize(
    ("arguments", "kind", "named"),
    [
        ({"names": ["nosuch"]}, NotFound, "nosuch"),
        ({"names": ["web01"], "destination_host": "hv99"}, InvalidRequest, "hv99"),
        ({"names": ["web01"], "destination_host": "hv01"}, InvalidRequest, "hv01"),
        ({"names": ["web01"], "destination_storage_path": "VMs"}, InvalidRequest, "VMs"),
        ({"select": "[?name=='none']"}, NotFound, "none"),
        ({"select": "[?"}, InvalidRequest, "select"),
        ({}, InvalidRequest, "names"),
        (
            {"names": ["web01"], "include_storage": False, "destination_storage_path": "C:\\x"},
            InvalidRequest,
            "include",
        ),
        (
            {"names": ["web01"], "destination_storage_path": "C:\\x", "snapshot_file_path": "C:\\y"},
            InvalidRequest,
            "snap",
        ),
        ({"names": ["web01"], "retries": -1}, InvalidRequest, "-1"),
        ({"names": ["web01"], "concurrency": "-2"}, InvalidRequest, "-2"),
        ({"names": ["web01"], "concurrency": "many"}, InvalidRequest, "many"),
    ],
)
def test_bad_input_is_one_line_that_names_it(arguments: dict[str, Any], kind: type[MobilityError], named: str) -> None:
    fleet = Fleet()
    fleet.add("web01")
    with pytest.raises(kind, match=named) as caught:
        fleet.run(**arguments)
    assert "\n" not in caught.value.msg
    assert not fleet.machines["hv01"].sent("Compare-VM")


def test_a_missing_drive_is_named_before_the_first_change() -> None:
    fleet = Fleet()
    fleet.add("web01")
    outcome = fleet.run(names=["web01"], destination_storage_path="Q:\\VMs")
    assert outcome.failure is not None
    assert "Q:" in outcome.failure.msg
    assert not fleet.machines["hv01"].sent("Compare-VM")


def test_two_names_of_one_machine_are_the_same_host() -> None:
    fleet = Fleet()
    fleet.settings["hv02"] = fleet.settings["hv01"]
    fleet.add("web01")
    with pytest.raises(InvalidRequest, match="itself"):
        fleet.run(names=["web01"])


def test_one_address_is_not_given_to_two_vms() -> None:
    fleet = Fleet()
    fleet.add("web01")
    fleet.add("web02")
    wish = {"ipv4": {"address": "10.2.0.5/24"}}
    with pytest.raises(InvalidRequest, match=r"10\.2\.0\.5 is given to 'web0[12]' and to 'web0[12]'"):
        fleet.run(names=["web01", "web02"], addresses={"web01": [wish], "WEB02": [wish]})
    assert not fleet.machines["hv01"].sent("Move-VM")


def test_what_the_adapters_task_would_refuse_after_the_move_stops_it_before() -> None:
    fleet = Fleet()
    fleet.add("web01")
    wish = {"switch": "Gone", "mac_address": "02005D010203", "ipv4": {"address": "10.2.0.5/24"}}
    outcome = fleet.run(names=["web01"], preflight_only=True, addresses={"web01": [wish]})
    (entry,) = outcome.values["vms"]
    stops = {one["id"] for one in entry["findings"] if one["severity"] == "blocking"}
    assert {"switch_missing", "mac_change_needs_off", "key_value_exchange_disabled"} <= stops
    assert fleet.where("web01") == ["hv01"]
