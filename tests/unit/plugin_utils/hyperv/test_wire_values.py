# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values in every form that hosts send them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv import model_enums as enums
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv import wire_values as wire
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.model import Adapter, Checkpoint, Disk, Vm
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.model_guest import Replication, Service
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.model_host import HostCpu, SupportedVersion


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("/Date(1790000000000)/", "2026-09-21T14:13:20Z"),
        ("/Date(1790000000000+0200)/", "2026-09-21T14:13:20Z"),
        ("2026-11-20T10:00:00.1234567+01:00", "2026-11-20T09:00:00Z"),
        ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z"),
        ("2026-11-20T10:00:00", "2026-11-20T10:00:00"),
        ({"value": "/Date(0)/", "DateTime": "jeudi"}, "1970-01-01T00:00:00Z"),
        ("20.11.2026", None),
        (None, None),
    ],
)
def test_moments(raw: Any, expected: str | None) -> None:
    assert wire.moment(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("P1DT2H3M4.005S", 93784.005),
        ("-PT5S", -5.0),
        ("1.02:03:04.5", 93784.5),
        ("00:00:00", 0.0),
        ({"Ticks": 50_000_000, "Days": 0}, 5.0),
        ({"TotalSeconds": 7}, 7.0),
        ("soon", None),
        (None, None),
    ],
)
def test_spans(raw: Any, expected: float | None) -> None:
    assert wire.seconds(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (None, []),
        ([], []),
        ("one", ["one"]),
        ({"value": [1, 2], "Count": 2}, [1, 2]),
        ({"value": [], "Count": 0}, []),
        ({"Path": "x"}, [{"Path": "x"}]),
    ],
)
def test_lists(raw: Any, expected: list[Any]) -> None:
    assert wire.many(raw) == expected


@pytest.mark.parametrize(("raw", "name"), [(2, "Running"), ("2", "Running"), ("Running", "Running"), (None, "")])
def test_enumerations_by_number_and_by_name(raw: Any, name: str) -> None:
    assert wire.named(raw, enums.VM_STATES) == name


def test_unknown_enumeration_stays_readable() -> None:
    assert wire.named(4711, enums.VM_STATES) == "4711"
    assert wire.named("BrandNew", enums.VM_STATES) == "BrandNew"


def test_numbers_of_critical_states_are_not_trusted() -> None:
    assert not [number for number in enums.VM_STATES if number >= 32783]


def test_vm_from_json_and_from_clixml_is_the_same() -> None:
    common = {"Id": "{ABCDEF00-1111-2222-3333-444444444444}", "Name": "n", "MemoryStartup": 4294967296}
    clixml = {**common, "State": "Running", "Uptime": "PT5S", "Version": "9.0", "OperationalStatus": ["Ok"]}
    json = {**common, "State": 2, "Uptime": {"Ticks": 50000000}, "Version": "9.0", "OperationalStatus": [2]}
    assert Vm.from_wire(clixml) == Vm.from_wire(json)
    assert Vm.from_wire(json).id == "abcdef00-1111-2222-3333-444444444444"
    assert Vm.from_wire(json).memory_startup == 2**32


def test_version_as_object() -> None:
    assert (
        SupportedVersion.from_wire({"Version": {"Major": 10, "Minor": 5, "Build": -1, "Revision": -1}}).version
        == "10.5"
    )
    assert not SupportedVersion.from_wire({"Version": "254.0"}).is_released


def test_parts_know_checkpoints_and_machines_apart() -> None:
    zeros = "00000000-0000-0000-0000-000000000000"
    assert Disk.from_wire({"VMId": "A", "VMSnapshotId": zeros}).checkpoint_id is None
    assert Adapter.from_wire({"VMId": "A", "VMSnapshotId": "B"}).checkpoint_id == "b"


@pytest.mark.parametrize(("state", "memory"), [("Off", False), ("Saved", True), (6, True), (3, False)])
def test_checkpoint_with_memory(state: Any, memory: bool) -> None:
    assert Checkpoint.from_wire({"State": state}).has_memory is memory


def test_service_is_known_by_its_guid_in_any_language() -> None:
    found = Service.from_wire({"Id": "Microsoft:X\\84EAAE65-2F2E-45F5-9BB5-0E857DC8EB47", "Name": "Pulsation"})
    assert found.service_id == enums.IntegrationService.HEARTBEAT


def test_replication_under_either_set_of_names() -> None:
    long = Replication.from_wire({"ReplicationState": 4, "ReplicationMode": 1, "PrimaryServerName": "a"})
    short = Replication.from_wire({"State": "Replicating", "Mode": "Primary", "PrimaryServer": "a"})
    assert long == short


def test_cpu_family_and_model_come_from_the_description() -> None:
    cpu = HostCpu.from_wire({"Name": "X ", "Description": "Intel64 Family 6 Model 85 Stepping 7"})
    assert (cpu.family, cpu.model, cpu.stepping) == (6, 85, 7)
    assert HostCpu.from_wire({"Description": "?"}).family is None
