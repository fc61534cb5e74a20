# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A healthy machine of every published system: nothing is found, and it is installed and registered by one playbook."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hyperv_lab.guests.linux.rows import ROWS
from hyperv_lab.guests.windows.systems import SYSTEMS
from integration import packages
from integration.harness import Lab, Run, serve

pytestmark = pytest.mark.exhaustive

SECRET = "Every-Passphrase-1"
SERVER, WEB = "127.71.9.1", "127.71.9.2"
NOT_YET = "2025"
"""No published table has it for agents of this version."""
WINDOWS = {f"w{number:02}": system for number, system in enumerate(SYSTEMS) if system != NOT_YET}
LINUX = {f"l{number:02}": system for number, system in enumerate(ROWS)}
FLEET: dict[str, Any] = {
    "asr": {
        "configuration_servers": [
            {"name": "cs01", "address": SERVER, "port": 4443, "data_port": 9443, "passphrase": SECRET}
        ]
    },
    "windows_machines": [
        {"name": name, "os": system, "language": ("en", "fr")[number % 2]}
        for number, (name, system) in enumerate(WINDOWS.items())
    ],
    "linux_machines": [
        {"name": name, "os": system, "become": ("none", "sudo")[number % 2]}
        for number, (name, system) in enumerate(LINUX.items())
    ],
}
NAMES = [*WINDOWS, *LINUX]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, Run, dict[str, Any]]]:
    """One roll-out over all machines: the lab after it, the run, and its report."""
    folder = tmp_path_factory.mktemp("installers")
    sums = packages.write(folder)
    variables: dict[str, dict[str, Any]] = {
        "all": {
            "push_install_stack": "classic",
            "push_install_version": packages.VERSION,
            "push_install_configuration_server": SERVER,
            "push_install_server_port": 4443,
            "push_install_passphrase": SECRET,
            "push_install_checksums": sums,
            "push_install_scopes": ["push", "agent", "register"],
            "push_install_remediate": ["none"],
            "push_install_report_path": "{{ inventory_dir }}/report.json",
        },
        "linux_machines": {"push_install_repository": [str(folder)], "push_install_repository_on": "controller"},
    }
    with packages.served(folder, WEB) as web:
        variables["windows_machines"] = {
            "push_install_repository": [f"{web}/{name}" for name in sums if "_Windows_" in name]
        }
        for lab in serve(FLEET, tmp_path_factory.mktemp("lab")):
            place: Path = lab.workdir / "group_vars"
            place.mkdir()
            for name, values in variables.items():
                (place / f"{name}.json").write_text(json.dumps(values), encoding="utf-8")
            run = lab.play("push_install.yml", timeout=500)
            assert SECRET not in run.output
            yield lab, run, json.loads((lab.workdir / "report.json").read_text(encoding="utf-8"))["machines"]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: {**WINDOWS, **LINUX}[name])
def test_a_healthy_machine_of_every_system(done: tuple[Lab, Run, dict[str, Any]], name: str) -> None:
    lab, run, report = done
    found = report[name]
    assert found["findings"] == [], found
    assert found["outcome"] == "changed", run.output
    state = lab.state()
    agent = {key.lower(): value for key, value in {**state["windows_machines"], **state["linux_machines"]}.items()}
    assert agent[name]["agent"]["version"] == packages.VERSION
    assert agent[name]["agent"]["registered_with"]
    assert (agent[name]["agent"]["times_installed"], agent[name]["agent"]["times_registered"]) == (1, 1)
