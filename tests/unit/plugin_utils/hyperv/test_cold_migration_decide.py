# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is decided about a VM in a cold migration, from what both hosts say; and the line in its notes."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import InvalidRequest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.migration import marks
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.migration.decide import (
    FORWARD,
    Export,
    Side,
    Standing,
    Start,
    Step,
    Verdict,
    judge,
    starts,
    steps_back,
    steps_left,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.migration.marks import Kind, Mark
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.migration.places import (
    candidates,
    export_root,
    places,
    where_to_bring,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.migration.request import ColdRequest, parse
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration.decide import Seen
from hypothesis import given
from hypothesis import strategies as st

MARK = Mark(host="HV02", was="Running", start_action="StartIfRunning")


def side(state: str = "Off", mark: Mark | None = None, start: str = "Nothing", *statuses: str) -> Side:
    return Side(seen=Seen(state=state, statuses=frozenset(statuses)), mark=mark, start_action=start)


def standing(source: Side | None, destination: Side | None = None, **more: Any) -> Standing:
    return Standing(source=source, destination=destination, destination_name="HV02", **more)


FRESH = standing(side("Running", None, "StartIfRunning"))
HELD = standing(side("Off", MARK))
EXPORTED = replace(HELD, export=Export.COMPLETE)
IMPORTED = replace(EXPORTED, destination=side("Off", MARK))
STARTED = replace(EXPORTED, destination=side("Running", MARK))
FINISHED = replace(
    EXPORTED,
    source=side("Off", replace(MARK, kind=Kind.DONE)),
    destination=side("Running", None, "StartIfRunning"),
)


@pytest.mark.parametrize(
    ("now", "left"),
    [
        (FRESH, "stop hold export transfer import network start verify"),
        (replace(FRESH, export=Export.COMPLETE), "stop hold export transfer import network start verify"),
        (standing(side("Off", Mark(host="HV02", was="Running", start_action="Start"), "Start")),
         "hold export transfer import network start verify"),
        (HELD, "export transfer import network start verify"),
        (replace(HELD, export=Export.TORN), "export transfer import network start verify"),
        (replace(HELD, export=Export.COMPLETE, changed=True),
         "export transfer import network start verify"),
        (EXPORTED, "transfer import network start verify"),
        (replace(EXPORTED, tree=True), "transfer import network start verify"),
        (IMPORTED, "network start verify"),
        (STARTED, "network verify"),
        (standing(None, side("Off", MARK)), "network start verify"),
        (standing(side("Off", None, "Start")), "hold export transfer import network verify"),
    ],
)  # fmt: skip
def test_what_is_left_follows_from_what_is_there(now: Standing, left: str) -> None:
    assert judge(now) is Verdict.GO
    assert " ".join(step.value for step in steps_left(now, start=Start.AS_BEFORE)) == left


def test_addresses_come_after_the_start_and_only_when_asked() -> None:
    assert steps_left(FRESH, start=Start.AS_BEFORE, readdress=True) == FORWARD
    assert Step.ADDRESS in steps_left(STARTED, start=Start.AS_BEFORE, readdress=True)
    assert Step.ADDRESS not in steps_left(FRESH, start=Start.NO, readdress=True)


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        (FINISHED, Verdict.DONE),
        (replace(FINISHED, destination=side("Off", None)), Verdict.DONE),
        (standing(None, side("Running")), Verdict.DONE),
        (standing(None, None), Verdict.NOT_FOUND),
        (replace(FRESH, whole=False), Verdict.UNPROVEN),
        (replace(FRESH, moving=True), Verdict.MOVING),
        (standing(side("Running", None, "Start", "MigratingVirtualMachine")), Verdict.MOVING),
        (standing(side("Running", None, "Start", "BackingUpVirtualMachine")), Verdict.WAIT),
        (standing(side("Off", MARK, "Nothing", "ExportingVirtualMachine")), Verdict.WAIT),
        (standing(side("Stopping", MARK)), Verdict.BUSY),
        (standing(side("Running"), side("Running")), Verdict.BOTH_RUN),
        (standing(side("Running", MARK), side("Starting", MARK)), Verdict.BOTH_RUN),
        (standing(side("Running", MARK), side("Off", MARK)), Verdict.SOURCE_RUNS),
        (standing(side("Running", MARK), side("Off")), Verdict.SOURCE_RUNS),
        (standing(side("Off"), side("Off")), Verdict.CONFLICT),
        (standing(side("Off"), side("Off", MARK)), Verdict.CONFLICT),
        (standing(side("Off"), side("Off", replace(MARK, kind=Kind.ROLLED_BACK))), Verdict.ROLLED_BACK),
        (standing(side("Off", MARK), side("Off", MARK), changed=True), Verdict.SOURCE_CHANGED),
        (standing(side("Off", replace(MARK, host="HV03"))), Verdict.ELSEWHERE),
        (standing(side("Off", MARK), side("Off", replace(MARK, host="HV03"))), Verdict.ELSEWHERE),
        (standing(side("Off", replace(MARK, kind=Kind.DONE))), Verdict.GONE_ON),
        (standing(side("Off", replace(MARK, kind=Kind.DONE)), side("Running")), Verdict.DONE),
        (standing(side("Off", replace(MARK, kind=Kind.REMOVING))), Verdict.GONE_ON),
        (standing(side("Off", replace(MARK, kind=Kind.REMOVING)), side("Running")), Verdict.DONE),
    ],
)  # fmt: skip
def test_what_keeps_a_vm_from_being_touched(now: Standing, verdict: Verdict) -> None:
    assert judge(now) is verdict


def test_an_export_of_ours_that_runs_is_gone_on_with() -> None:
    exporting = side("Off", MARK, "Nothing", "ExportingVirtualMachine")
    now = standing(exporting, export=Export.RUNNING)
    assert judge(now) is Verdict.GO
    assert steps_left(now, start=Start.AS_BEFORE)[0] is Step.EXPORT


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        (FINISHED, Verdict.GO),
        (HELD, Verdict.GO),
        (standing(side("Running"), side("Off", replace(MARK, host="HV01", kind=Kind.ROLLED_BACK))), Verdict.DONE),
        (standing(side("Running")), Verdict.DONE),
        (standing(None, side("Running")), Verdict.NO_WAY_BACK),
        (standing(side("Running", MARK), side("Running")), Verdict.BOTH_RUN),
        (standing(side("Off"), side("Running")), Verdict.CONFLICT),
        (standing(side("Off", replace(MARK, host="HV03"))), Verdict.ELSEWHERE),
        (standing(side("Off", MARK), side("Off", replace(MARK, host="HV03"))), Verdict.ELSEWHERE),
        (standing(side("Off", replace(MARK, kind=Kind.DONE))), Verdict.GONE_ON),
        (standing(side("Running", MARK), side("Off", replace(MARK, host="HV01", kind=Kind.ROLLED_BACK))), Verdict.GO),
        (standing(side("Off", replace(MARK, kind=Kind.REMOVING)), side("Running")), Verdict.BEING_REMOVED),
        (standing(side("Off", replace(MARK, kind=Kind.REMOVING))), Verdict.BEING_REMOVED),
    ],
)
def test_rollback(now: Standing, verdict: Verdict) -> None:
    assert judge(now, back=True) is verdict


def test_a_rollback_stops_the_destination_before_it_starts_the_source() -> None:
    assert steps_back(FINISHED, remove=False) == (Step.STOP_DESTINATION, Step.START_SOURCE)
    assert steps_back(FINISHED, remove=True) == (Step.STOP_DESTINATION, Step.START_SOURCE, Step.REMOVE_DESTINATION)
    assert steps_back(standing(side("Off"), tree=True), remove=True) == (Step.REMOVE_DESTINATION,)
    assert steps_back(HELD, remove=True) == (Step.START_SOURCE,)


STATES = ("Off", "Saved", "Running", "Paused", "Starting", "Stopping")
SIDES = [
    None,
    *(side(state, mark) for state, mark in product(STATES, (None, *(replace(MARK, kind=kind) for kind in Kind)))),
]


@given(st.sampled_from(SIDES), st.sampled_from(SIDES), st.sampled_from(list(Export)), st.booleans())
def test_a_start_is_never_decided_while_the_other_side_may_run(
    source: Side | None, destination: Side | None, export: Export, fresh: bool
) -> None:
    now = standing(source, destination, export=export)
    if judge(now) is Verdict.GO and destination is not None and source is not None:
        assert not source.holds_memory
    if judge(now, back=True) is Verdict.GO and destination is not None:
        assert steps_back(now, remove=False)[0] is Step.STOP_DESTINATION
    if judge(now) is Verdict.GO and source is not None and source.holds_memory:
        assert steps_left(now, start=Start.YES)[:3] == (Step.STOP, Step.HOLD, Step.EXPORT)


@pytest.mark.parametrize(
    ("start", "now", "answer"),
    [
        (Start.AS_BEFORE, FRESH, True),
        (Start.AS_BEFORE, standing(side("Off")), False),
        (Start.AS_BEFORE, standing(side("Saved")), False),
        (Start.AS_BEFORE, standing(side("Off", replace(MARK, was="Off"))), False),
        (Start.AS_BEFORE, IMPORTED, True),
        (Start.NO, FRESH, False),
        (Start.YES, standing(side("Off")), True),
    ],
)
def test_as_before_is_what_it_was_before_it_was_stopped(start: Start, now: Standing, answer: bool) -> None:
    assert starts(now, start) is answer


@pytest.mark.parametrize(
    "own", ["", "owner: O'Brien", "two\nlines", "ends in a blank line\n", "[hyperv.mobility: else]"]
)
def test_notes_keep_what_people_wrote(own: str) -> None:
    once = marks.put(own, MARK)
    assert marks.find(once) == MARK
    assert marks.put(once, MARK) == once
    assert marks.without(once) == own.rstrip()
    done = replace(MARK, kind=Kind.DONE, run="0a1b2c")
    assert marks.find(marks.put(once, done)) == done
    addressed = replace(done, addresses={"5f0c-A": ("10.1.0.5", "2001:db8::5"), "5f0c-B": ("10.2.0.5",)})
    assert marks.find(marks.put(once, addressed)) == addressed
    other = replace(MARK, host="HV01", kind=Kind.ROLLED_BACK)
    assert marks.find(marks.put(once, other)) == other
    assert marks.put(once, other).count("rolled back to HV01") == 1


@given(st.text(max_size=40), st.sampled_from(["Running", "Off", "Saved"]))
def test_any_notes_and_any_host_survive(own: str, was: str) -> None:
    mark = Mark(host="HV 0]2;", was=was, start_action="Start")
    found = marks.find(marks.put(own, mark))
    assert found is not None
    assert (found.was, found.start_action) == (was, "Start")
    assert marks.find(own) is None or "[hyperv.mobility" in own


def request(**more: Any) -> ColdRequest:
    return parse({"destination_host": "hv02", **more}, host="hv01", inventory_hosts=("hv01", "hv02"))


def test_an_export_is_found_again_though_another_drive_is_emptier_now() -> None:
    volumes = {"C:": 10, "D:": 30, "E:": 20}
    assert export_root(request(), volumes, None) == "D:\\Hyper-V Exports"
    assert export_root(request(), volumes, "E:") == "E:\\Hyper-V Exports"
    assert export_root(request(export_path="E:\\x\\"), volumes, "D:") == "E:\\x"
    assert candidates(["a"], ["D:", "C:"]) == {
        "C:\\Hyper-V Exports\\a\\manifest.json": ("a", "C:"),
        "D:\\Hyper-V Exports\\a\\manifest.json": ("a", "D:"),
    }


def test_a_share_alone_is_fine_where_nothing_is_fetched() -> None:
    for more in ({"transfer_method": "external"}, {"rollback": True}):
        assert request(source_share="\\\\HV01\\Exports", **more).export_path is None


def test_the_destination_sees_the_export_by_the_administrative_share() -> None:
    found = places(request(), export="D:\\Hyper-V Exports", source_name="HV01", destination_default="D:\\VMs\\")
    assert found.share == "\\\\HV01\\D$\\Hyper-V Exports"
    assert where_to_bring(request(), found, "a") == {
        "export": "D:\\Hyper-V Exports\\a", "share": "\\\\HV01\\D$\\Hyper-V Exports\\a", "tree": "D:\\VMs\\a"
    }  # fmt: skip
    root = places(request(), export="D:\\x", source_name="HV01", destination_default="E:\\")
    assert (root.home, root.tree_of("a")) == ("E:\\", "E:\\a"), "a drive without its separator is no folder"
    http = request(transfer_method="http", source_share="http://hv01/exports/", export_path="D:\\x")
    found = places(http, export="D:\\x", source_name="HV01", destination_default="D:\\VMs")
    assert where_to_bring(http, found, "a")["share"] == "http://hv01/exports/a"


@pytest.mark.parametrize(
    ("given_", "word"),
    [
        ({"destination_host": "hv01"}, "itself"),
        ({"destination_host": "hv09"}, "'hv09'"),
        ({"export_path": "exports"}, "export_path"),
        ({"export_path": "D:\\x[1]"}, "brackets"),
        ({"destination_path": "D:\\a\\..\\b"}, "destination_path"),
        ({"source_share": "D:\\x"}, "source_share"),
        ({"transfer_method": "http"}, "source_share"),
        ({"transfer_method": "http", "source_share": "\\\\a\\b"}, "source_share"),
        ({"transfer_method": "http", "source_share": "http://me:x@hv01/"}, "source_share"),
        ({"source_share": "\\\\HV01\\Exports"}, "export_path"),
        ({"transfer_method": "http", "source_share": "http://hv01/exports"}, "export_path"),
        ({"transfer_username": "x"}, "transfer_password"),
        ({"transfer_password": "x"}, "transfer_username"),
        ({"rollback": True, "remove_source": True}, "contradict"),
        ({"remove_destination": True}, "rollback"),
        ({"timeout_seconds": -1}, "timeout_seconds"),
        ({"switch_map": {"LAN": 4}}, "switch_map"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(given_: dict[str, Any], word: str) -> None:
    with pytest.raises(InvalidRequest, match=word.replace("$", "\\$")):
        request(**given_)


def test_what_can_not_be_read_of_the_addresses_costs_them_and_not_the_line() -> None:
    line = MARK.line().replace("]", "; addresses {0A-1B}=10.1.0.5 2C-3D=10.1.0.6,fe80::1 ?]")
    found = marks.find(f"mine\n{line}")
    assert found == replace(MARK, addresses={"2C-3D": ("10.1.0.6", "fe80::1")})
    assert marks.without(f"mine\n{line}") == "mine"


@pytest.mark.parametrize("said", [None, Mark(host="HV02", was="Off", start_action="Start")])
def test_a_copy_beside_a_source_that_is_held_off_for_it_is_not_done_whatever_it_says_itself(said: Mark | None) -> None:
    now = replace(EXPORTED, destination=side("Off", said, "Start"))
    assert judge(now) is Verdict.GO
    assert steps_left(now, start=Start.AS_BEFORE)[0] is Step.NETWORK
    assert starts(now, Start.AS_BEFORE), "the source says what it was"
