# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the VMs of several tasks ask of one destination together."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.preflight.needs import Needs, VolumeNeed
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.preflight.together import lacking

MB = 1024**2


def vm(
    name: str,
    *,
    memory: int = 0,
    memory_free: int | None = 1000,
    space: tuple[str, int, int | None] = ("D:", 0, 1000),
    files: tuple[str, ...] = (),
    sole_name: bool = False,
    **more: Any,
) -> dict[str, Any]:
    """Return a task's row of a VM; sizes in MB."""
    volume, size, free = space
    needs = Needs(
        memory_bytes=memory * MB,
        memory_free_bytes=None if memory_free is None else memory_free * MB,
        volumes=(VolumeNeed(volume=volume, bytes=size * MB, free_bytes=None if free is None else free * MB),),
        files=files,
        sole_name=sole_name,
    )
    row = {"id": f"id-{name}", "name": name, "source": "hv1", "destination": "hv3", "findings": []}
    return {**row, "needs": needs.as_plain(), **more}


def judge(*tasks: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(found.id, found.evidence) for found in lacking([{"vms": vms} for vms in tasks])]


def test_space_of_two_hosts_with_the_smallest_reading_of_what_is_free() -> None:
    here, there = vm("a", space=("D:", 600, 1000)), vm("b", space=("D:", 390, 980), source="hv2")
    assert judge([here], [there]) == [
        ("space_insufficient", "2 VMs of hv1, hv2 together need 990 MB on D:; hv3 has 980 MB free there")
    ]
    assert judge([here], [vm("b", space=("D:", 380, 980))]) == []
    assert judge([here], [vm("b", space=("E:", 600, 1000))]) == []
    assert judge([here], [vm("b", space=("D:", 600, 1000), destination="hv4")]) == []


def test_memory_counts_for_what_runs() -> None:
    running = [vm("a", memory=600)], [vm("b", memory=401, source="hv2"), vm("off", memory_free=1)]
    assert judge(*running) == [
        ("memory_insufficient", "2 VMs of hv1, hv2 together need 1001 MB of memory; hv3 has 1000 MB free")
    ]
    assert judge([vm("a", memory=600)], [vm("b", memory=400)]) == []


def test_what_a_host_does_not_say_is_not_judged() -> None:
    silent: dict[str, Any] = {"memory": 900, "memory_free": None, "space": ("D:", 900, None)}
    assert judge([vm("a", **silent)], [vm("b", **silent)]) == []


@pytest.mark.parametrize(
    "more",
    [{"needs": None}, {"findings": [{"id": "switch_missing", "severity": "blocking"}]}],
)
def test_what_does_not_move_takes_nothing(more: dict[str, Any]) -> None:
    big: dict[str, Any] = {"memory": 900, "space": ("D:", 900, 1000), "files": ("D:\\x.vhdx",)}
    assert judge([vm("a", **big)], [vm("b", **big, **more)]) == []


def test_one_task_has_judged_itself() -> None:
    big: dict[str, Any] = {"memory": 900, "space": ("D:", 900, 1000), "files": ("D:\\x.vhdx",), "sole_name": True}
    assert judge([vm("a", **big), vm("a", **big)]) == []


def test_files_of_two_tasks_that_meet() -> None:
    first = vm("web", files=("D:\\VMs\\web\\Virtual Hard Disks\\OS.vhdx",))
    second = vm("Web", files=("d:\\vms\\web\\virtual hard disks\\os.vhdx",), source="hv2")
    assert judge([first], [second]) == [
        ("target_shared", "d:\\vms\\web\\virtual hard disks\\os.vhdx would be a file of web (hv1) and of Web (hv2)")
    ]


def test_one_name_where_a_vm_was_chosen_by_it() -> None:
    by_id, by_name = vm("web"), vm("WEB", source="hv2", sole_name=True)
    assert judge([by_id], [by_name]) == judge([by_id], [by_name, vm("db")])
    assert judge([by_id], [by_name]) == [("name_taken", "web (hv1) and WEB (hv2) have one name")]
    assert judge([by_id], [vm("web", source="hv2")]) == []


def test_a_vm_that_two_entries_name_counts_once() -> None:
    named = vm("sql01", memory=600, space=("D:", 600, 1000), files=("D:\\sql.vhdx",), sole_name=True)
    assert judge([named], [named, vm("web")]) == []
    assert len(judge([named], [named, vm("web", memory=500)])) == 1
