# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration versions: ways between hosts, and the upgrade that has no way back."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import InvalidRequest, NotPossible, RemoteError
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv import version
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.power import RESTART_MARK
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.versions import (
    EDITIONS,
    HostVersions,
    editions_between,
    key,
    read_versions,
    way,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Outcome
from hypothesis import given
from hypothesis import strategies as st
from unit.fake_session import FakeClock, Refused, failing, request
from unit.plugin_utils.hyperv.fake_host import DB, HOSTILE, WEB, FakeHost, vm

SYSTEMS = {"2012 R2": "6.3.9600", "2016": "10.0.14393", "2019": "10.0.17763", "2022": "10.0.20348"}


def edition(name: str, host: str = "") -> HostVersions:
    """A host of an edition, as it is read."""
    runs = EDITIONS[name]
    newest = "" if name == "2012 R2" else runs[-1]
    return HostVersions(host=host or name, runs=runs, newest=newest, chooses=name in ("2022", "2025"))


def fake(name: str, host: str, *vms: dict[str, Any]) -> FakeHost:
    """A fake host of an edition with its machines; upgrades work as they do there."""
    found = FakeHost(*vms)
    found.session.host = host
    versions = edition(name)
    listed = [{"Name": one, "Version": one, "IsDefault": one == versions.newest} for one in versions.runs]
    listed += [{"Name": "Prerelease", "Version": "254.0"}, {"Name": "Experimental", "Version": "255.0"}]

    def update(parameters: Any, piped: list[Any]) -> None:
        if not parameters.get("Force"):
            raise Refused("InvalidOperation,Microsoft.HyperV.PowerShell.Commands.UpdateVMVersion", "NonInteractive")
        for one in piped:
            if one["State"] != "Off" or found.refuse_set:
                raise found.refuse_set or Refused("InvalidState,Microsoft.HyperV.PowerShell.Commands.UpdateVMVersion")
            one["Version"] = parameters.get("TargetVersion", versions.newest)

    machine = found.session.machine
    machine.on("Get-CimInstance", lambda p, o: [{"Caption": "x", "Version": SYSTEMS.get(name, "10.0.26100")}])
    machine.on("Get-Command", lambda p, o: [{"Name": "Update-VMVersion"}] if versions.chooses else [])
    if versions.newest:
        machine.on("Get-VMHostSupportedVersion", lambda p, o: listed)
        machine.on("Update-VMVersion", update)
    return found


def run(*hosts: FakeHost, check_mode: bool = False, **arguments: Any) -> Outcome:
    asked = request(*(host.session for host in hosts), check_mode=check_mode, **arguments)
    return version.operate(asked, clock=FakeClock())


def steps(found: Any) -> list[tuple[str, str, str]] | None:
    return None if found is None else [(step.action, step.host, step.version) for step in found]


@pytest.mark.parametrize(
    ("start", "at", "via", "destination", "expected"),
    [
        ("2012 R2", "5.0", [], "2019", [("move", "2019", "5.0")]),
        ("2012 R2", "5.0", [], "2025", None),
        ("2012 R2", "5.0", ["2022"], "2025", None),
        (
            "2012 R2", "5.0", ["2022", "2019"], "2025",
            [("move", "2019", "5.0"), ("upgrade", "2019", "9.0"), ("move", "2025", "9.0")],
        ),
        (
            "2012 R2", "5.0", ["2016", "2019"], "2022",
            [("move", "2016", "5.0"), ("upgrade", "2016", "8.0"), ("move", "2022", "8.0")],
        ),
        ("2019", "5.0", [], "2025", [("upgrade", "2019", "9.0"), ("move", "2025", "9.0")]),
        ("2022", "8.0", [], "2025", [("move", "2025", "8.0")]),
        ("2025", "12.0", ["2022"], "2019", None),
        ("2025", "8.0", ["2022"], "2019", [("move", "2019", "8.0")]),
    ],
)  # fmt: skip
def test_ways_between_editions(start: str, at: str, via: list[str], destination: str, expected: Any) -> None:
    hosts = [edition(name) for name in (start, destination, *via)]
    assert steps(way(at, hosts, destination=destination)) == expected


@pytest.mark.parametrize(
    ("start", "at", "via", "target", "expected"),
    [
        ("2019", "5.0", [], "9.0", [("upgrade", "2019", "9.0")]),
        ("2019", "5.0", [], "8.0", None),
        ("2019", "5.0", ["2016"], "8.0", [("move", "2016", "5.0"), ("upgrade", "2016", "8.0")]),
        ("2025", "8.0", [], "10.0", [("upgrade", "2025", "10.0")]),
        ("2025", "10.0", [], "9.0", None),
        ("2019", "9.0", [], "9.0", []),
    ],
)
def test_ways_to_a_version(start: str, at: str, via: list[str], target: str, expected: Any) -> None:
    assert steps(way(at, [edition(name) for name in (start, *via)], target=target)) == expected


@given(
    names=st.lists(st.sampled_from(sorted(EDITIONS)), min_size=2, max_size=6),
    data=st.data(),
)
def test_every_step_of_a_way_is_one_that_hosts_allow(names: list[str], data: st.DataObject) -> None:
    hosts = [edition(name, f"{name}-{number}") for number, name in enumerate(names)]
    at = data.draw(st.sampled_from(hosts[0].runs))
    place, found = hosts[0], way(at, hosts, destination=hosts[-1].host)
    for step in found or ():
        assert step.from_version == at
        assert step.reason
        if step.action == "move":
            place = next(host for host in hosts if host.host == step.host)
            assert at in place.runs
        else:
            assert (step.host, step.version in place.upgrades(at)) == (place.host, True)
            assert key(step.version) > key(at)
        at = step.version
    assert found is None or place is hosts[-1]


def test_which_editions_lie_between() -> None:
    assert editions_between("5.0", EDITIONS["2025"]) == ("2016", "2019")
    assert editions_between("5.0", ("9.0",)) == ("2019",)
    assert editions_between("9.0", ("8.0",)) == ()


def test_what_hosts_run_is_read_without_the_unreleased() -> None:
    assert read_versions(fake("2019", "hv").session) == edition("2019", "hv")
    assert read_versions(fake("2025", "hv").session) == edition("2025", "hv")
    assert read_versions(fake("2012 R2", "hv").session) == edition("2012 R2", "hv")


def test_a_host_that_hides_its_versions_is_no_2012_r2() -> None:
    host = fake("2012 R2", "hv")
    host.session.machine.on("Get-CimInstance", lambda p, o: [{"Caption": "x", "Version": "10.0.17763"}])
    with pytest.raises(RemoteError, match="Get-VMHostSupportedVersion"):
        read_versions(host.session)


def test_the_hops_of_a_vm_and_their_reasons() -> None:
    old = fake("2012 R2", "old", vm(WEB, HOSTILE, Version="5.0"))
    outcome = run(
        old, fake("2025", "new"), fake("2022", "late"), fake("2019", "mid"),
        destination_host="new", via=["old", "new", "late", "mid"],
    )  # fmt: skip
    (found,) = outcome.values["vms"]
    assert not outcome.changed
    assert (found["possible"], found["target_version"], found["upgraded_to"]) == (True, "9.0", None)
    assert [(hop["action"], hop["host"], hop["one_way"]) for hop in found["hops"]] == [
        ("move", "mid", False), ("upgrade", "mid", True), ("move", "new", False),
    ]  # fmt: skip
    assert [hop["reason"] for hop in found["hops"]] == [
        "mid runs 5.0 and can upgrade it to 9.0", "new does not run 5.0, but 9.0", "new runs 9.0",
    ]  # fmt: skip
    assert [host["host"] for host in outcome.values["hosts"]] == ["old", "new", "late", "mid"]


def test_no_way_is_data_that_names_editions_which_would_help() -> None:
    old = fake("2012 R2", "old", vm(WEB, "erp", Version="5.0"))
    (found,) = run(old, fake("2025", "new"), destination_host="new").values["vms"]
    assert (found["possible"], found["hops"], found["target_version"]) == (False, [], None)
    (finding,) = found["findings"]
    assert finding["id"] == "no_version_hops"
    assert "2016 or 2019" in finding["remedy"]
    (found,) = run(fake("2025", "new", vm(WEB, "erp", Version="12.0")), old, destination_host="old").values["vms"]
    assert "Nothing takes a version back" in found["findings"][0]["remedy"]
    assert "2025" in found["findings"][0]["remedy"]


def test_a_candidate_that_does_not_answer_is_left_out() -> None:
    old, silent = fake("2012 R2", "old", vm(WEB, "erp", Version="5.0")), fake("2016", "silent")
    silent.session.machine.on("Get-VMHostSupportedVersion", failing("Unspecified,X", "non"))
    outcome = run(old, fake("2025", "new"), silent, fake("2019", "mid"), destination_host="new", via=["silent", "mid"])
    assert [(one["id"], one["subject"]) for one in outcome.values["findings"]] == [("candidate_unread", "silent")]
    assert [hop["host"] for hop in outcome.values["vms"][0]["hops"]] == ["mid", "mid", "new"]


def test_an_upgrade_is_done_once_with_a_warning() -> None:
    host = fake("2019", "hv", vm(WEB, HOSTILE, Version="5.0"), vm(DB, "db", Version="9.0"))
    first = run(host, names=[HOSTILE, "db"], upgrade=True)
    assert first.changed
    assert host.vms[0]["Version"] == "9.0"
    assert [(one["changed"], one["upgraded_to"]) for one in first.values["vms"]] == [(True, "9.0"), (False, None)]
    assert "taken back" in first.warnings[0]
    assert first.diff is not None
    assert first.diff.after[f"{HOSTILE} ({WEB})"]["version"] == "9.0"
    assert "taken back" in first.diff.after[f"{HOSTILE} ({WEB})"]["one_way"]
    again = run(host, names=[HOSTILE, "db"], upgrade=True)
    assert (again.changed, again.warnings) == (False, ())
    assert len(host.session.sent("Update-VMVersion")) == 1


def test_planning_alone_changes_nothing_and_check_mode_foretells() -> None:
    planned, checked, real = (fake("2019", "hv", vm(WEB, "web", Version="5.0")) for _ in range(3))
    assert not run(planned, names=["web"]).changed
    foreseen, done = run(checked, check_mode=True, names=["web"], upgrade=True), run(real, names=["web"], upgrade=True)
    assert (foreseen.changed, foreseen.diff, foreseen.values) == (done.changed, done.diff, done.values)
    assert not checked.session.sent("Update-VMVersion")
    assert not planned.session.sent("Update-VMVersion")


def test_a_version_in_between_only_where_the_host_can_choose() -> None:
    new = fake("2025", "new", vm(WEB, "web", Version="8.0"))
    assert run(new, names=["web"], upgrade=True, target_version="10.0").changed
    assert new.vms[0]["Version"] == "10.0"
    old = fake("2019", "hv", vm(WEB, "web", Version="5.0"))
    with pytest.raises(NotPossible) as caught:
        run(old, names=["web"], upgrade=True, target_version="8.0")
    assert caught.value.findings[0].id == "no_version_hops"
    assert old.vms[0]["Version"] == "5.0"


def test_what_is_due_elsewhere_is_not_done_here() -> None:
    old, mid = fake("2012 R2", "old", vm(WEB, "web", Version="5.0")), fake("2019", "mid")
    asked: dict[str, Any] = {"names": ["web"], "upgrade": True, "via": ["mid"]}
    assert not run(old, mid, fake("2025", "new"), destination_host="new", **asked).changed
    with pytest.raises(NotPossible) as caught:
        run(old, mid, target_version="9.0", **asked)
    assert caught.value.findings[0].id == "upgrade_elsewhere"
    assert "mid can" in caught.value.findings[0].evidence


@pytest.mark.parametrize(
    ("state", "power", "finding"),
    [
        ("Running", "require_off", "vm_not_off"),
        ("Saved", "restart", "vm_state_prevents_power_off"),
        ("Paused", "restart", "vm_state_prevents_power_off"),
    ],
)
def test_what_is_not_off_is_refused_before_the_first_upgrade(state: str, power: str, finding: str) -> None:
    for check in (False, True):
        host = fake("2019", "hv", vm(WEB, "web", Version="5.0"), vm(DB, "db", state, Version="5.0"))
        with pytest.raises(NotPossible) as caught:
            run(host, check_mode=check, names=["web", "db"], upgrade=True, power=power)
        assert [one.id for one in caught.value.findings] == [finding]
        assert not host.session.sent("Update-VMVersion")


def test_restart_shuts_down_upgrades_and_starts() -> None:
    host = fake("2019", "hv", vm(DB, "db", "Running", Version="5.0"))
    (found,) = run(host, names=["db"], upgrade=True, power="restart").values["vms"]
    assert (found["changed"], found["restarted"], found["error"]) == (True, True, None)
    assert (host.vms[0]["State"], host.vms[0]["Version"]) == ("Running", "9.0")


def test_what_a_killed_run_left_off_is_started_again() -> None:
    host = fake("2019", "hv", vm(DB, "db", Version="9.0", Notes=f"mine\n{RESTART_MARK}"))
    assert run(host, names=["db"], upgrade=True, power="restart").changed
    assert (host.vms[0]["State"], host.vms[0]["Notes"]) == ("Running", "mine")
    assert not host.session.sent("Update-VMVersion")


def test_a_refused_upgrade_starts_the_machine_again_and_others_go_on() -> None:
    host = fake("2019", "hv", vm(DB, "db", "Running", Version="5.0"), vm(WEB, "web", Version="5.0"))
    host.refuse_set = Refused("OperationFailed,Microsoft.HyperV.PowerShell.Commands.UpdateVMVersion", "non")
    outcome = run(host, names=["db", "web"], upgrade=True, power="restart")
    assert outcome.failure is not None
    assert [bool(one["error"]) for one in outcome.values["vms"]] == [True, True]
    assert host.vms[0]["State"] == "Running"


def test_checkpoints_and_replicas_are_named() -> None:
    point = {"VMId": WEB, "Id": DB, "Name": "before", "State": "Off"}
    replica = {"VMId": WEB, "ReplicationMode": "Primary", "ReplicationState": "Replicating"}
    host = fake("2019", "hv", vm(WEB, "web", Version="5.0", checkpoints=[point], replication=[replica]))
    (found,) = run(host, names=["web"], upgrade=True).values["vms"]
    assert [one["id"] for one in found["findings"]] == ["checkpoints_keep_version", "replica_needs_version"]
    assert host.vms[0]["Version"] == "9.0"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"upgrade": True}, "names, ids or select"),
        ({"target_version": "newest"}, "newest"),
        ({"target_version": "9"}, "9"),
        ({"destination_host": "hv"}, "runs on"),
        ({"destination_host": "hv9"}, "hv9"),
        ({"via": ["hv9"]}, "via"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(arguments: dict[str, Any], words: str) -> None:
    host = fake("2019", "hv", vm(WEB, "web"))
    with pytest.raises(InvalidRequest, match=words):
        run(host, **arguments)
    assert not host.session.invocations
