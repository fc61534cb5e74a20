# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleet files: what they may say, and what one line says when they say something else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hyperv_lab.hyperv import fleet as fleets
from hyperv_lab.hyperv import state
from hyperv_lab.hyperv.schema import FleetError
from hyperv_lab.hyperv.storage import GB

FLEETS = Path(fleets.__file__).parents[1] / "fleets"


@pytest.mark.parametrize(
    ("name", "hosts", "vms"),
    [("demo", 12, 24), ("small", 3, 5), ("hosts50", 50, 200), ("hosts500", 500, 2000), ("crowd", 4, 80)],
)
def test_the_fleets_that_come_with_the_lab(name: str, hosts: int, vms: int) -> None:
    fleet = fleets.load(FLEETS / f"{name}.yml")
    assert len(fleet.hosts) == hosts
    assert sum(len(host.vms) for host in fleet.hosts.values()) == vms
    assert len({host.address for host in fleet.hosts.values()}) == hosts


def test_a_thousand_hosts_in_a_few_lines_have_addresses_names_and_ids_of_their_own() -> None:
    fleet = fleets.parse(
        {"hosts": [{"count": 1000, "name": "H{n:04}"}], "vms": [{"per_host": 10, "name": "{host}-{n}"}]}
    )
    ids = {vm.id for host in fleet.hosts.values() for vm in host.vms.values()}
    assert len(ids) == 10_000
    assert len({host.address for host in fleet.hosts.values()}) == 1000
    assert fleet.hosts["H1000"].address == "127.20.3.250"
    assert fleet.host("h0007.lab.test") is fleet.hosts["H0007"]


def test_ids_are_the_same_every_time() -> None:
    content = {"hosts": [{"name": "A"}], "vms": [{"name": "x", "host": "A"}, {"name": "x", "host": "A"}]}
    first, second = (list(fleets.parse(content).hosts["A"].vms) for _ in range(2))
    assert first == second
    assert len(set(first)) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], "must be a mapping"),
        ({}, "at least one host"),
        ({"hosts": [{"name": "A", "cpus": 3}]}, "hosts[0]: unknown key 'cpus'"),
        ({"hosts": [{"name": "A"}, {"name": "a"}]}, "is there twice"),
        ({"hosts": [{"name": "A" * 16}]}, "no computer name"),
        ({"hosts": [{"name": "A", "edition": "2008"}]}, "none of 2012R2"),
        ({"hosts": [{"name": "A", "cpu": "pentium"}]}, "'pentium' is none of"),
        ({"hosts": [{"name": "A", "memory_gb": "much"}]}, "memory_gb: must be a number"),
        ({"hosts": [{"name": "A", "volumes": {"D": {"size_gb": 1, "free_gb": 2}}}]}, "more than size_gb"),
        ({"hosts": [{"name": "A", "migration": {"networks": ["10.0.0.0/99"]}}]}, "is no subnet"),
        ({"hosts": [{"name": "A", "groups": {"Administrators": ["nobody"]}}]}, "no account"),
        ({"hosts": [{"name": "A", "faults": [{"action": "drop"}]}]}, "exactly one of"),
        ({"hosts": [{"name": "A", "faults": [{"action": "explode", "request": 1}]}]}, "'explode' is none of"),
        ({"hosts": [{"name": "A"}], "vms": [{"name": "v", "host": "B"}]}, "there is no host 'B'"),
        ({"hosts": [{"name": "A"}], "vms": [{"name": "v", "host": "A", "state": "Asleep"}]}, "'Asleep' is none of"),
        ({"hosts": [{"name": "A"}], "vms": [{"name": "v", "host": "A", "id": "7"}]}, "no GUID"),
        ({"hosts": [{"name": "A"}], "vms": [{"name": "v", "host": "A", "path": "Q:\\x"}]}, "no volume or share"),
        (
            {"hosts": [{"name": "A"}], "vms": [{"name": "v", "host": "A", "disks": [{"file_size_gb": 9999}]}]},
            "does not fit",
        ),
        ({"hosts": [{"name": "A"}], "directory": {"ad_hosts": ["B"]}}, "there is no host 'B'"),
        ({"hosts": [{"name": "A"}], "clocks": {}}, "fleet: unknown key 'clocks'"),
        ({"hosts": [{"name": "A"}], "vms": [{"name": "v", "host": "A", "faults": [{"phase": "lunch"}]}]}, "'lunch'"),
    ],
)
def test_mistakes_are_one_line_that_names_them(content: Any, words: str) -> None:
    with pytest.raises(FleetError) as caught:
        fleets.parse(content)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_broken_file_is_one_line_too(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yml"
    path.write_text("hosts: [\n  {", encoding="utf-8")
    with pytest.raises(FleetError) as caught:
        fleets.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_free_space_is_what_the_file_says_and_files_count() -> None:
    content = {
        "hosts": [{"name": "A", "volumes": {"D": {"size_gb": 100, "free_gb": 60}, "E": {"size_gb": 50}}}],
        "vms": [
            {"name": "v", "host": "A", "disks": [{"file_size_gb": 10}]},
            {"name": "w", "host": "A", "path": "E:\\w", "disks": [{"file_size_gb": 10}]},
        ],
    }
    volumes = fleets.parse(content).hosts["A"].storage.volumes
    assert 59.9 * GB < volumes["D:"].free <= 60 * GB
    assert 39.9 * GB < volumes["E:"].free < 40 * GB


def test_hostile_names_stay_as_they_are() -> None:
    names = ['O\'Brien – "prod" $x 测试 [a-z]', "x" * 100, "line\nbreak", "trailing ", "{n}"]
    content = {"hosts": [{"name": "A"}], "vms": [{"name": name, "host": "A"} for name in names]}
    fleet = fleets.parse(content)
    assert [vm.name for vm in fleet.hosts["A"].vms.values()] == names
    described = state.describe(fleet)["hosts"]["A"]["vms"]
    assert [vm["name"] for vm in described.values()] == names
