# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines of the modernized stack: a config file that the appliance doesn't know, then its own, by the role."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from integration import packages
from integration.harness import Lab, Run

pytestmark = pytest.mark.exhaustive

SERVER, WEB = "127.72.9.1", "127.72.9.2"
FLEET: dict[str, Any] = {
    "asr": {"appliances": [{"name": "app01", "address": SERVER, "port": 4443, "data_port": 9443}]},
    "windows_machines": [{"name": "WIN", "os": "2022"}, {"name": "FRENCH", "os": "2016", "language": "fr"}],
    "linux_machines": [{"name": "ubuntu", "os": "ubuntu-20.04"}, {"name": "rhel", "os": "rhel-8.4", "become": "sudo"}],
}
UNKNOWN = "name:ConfiguratorInternalError"


def test_machines_are_registered_with_their_appliance(start_lab: Callable[..., Lab], tmp_path: Path) -> None:
    lab = start_lab(FLEET)
    sums = packages.write(tmp_path / "installers", systems=["Windows", "UBUNTU-20.04-64", "RHEL8-64"])
    text = json.dumps(lab.state()["asr_servers"]["app01"]["source_config"])

    with packages.served(tmp_path / "installers", WEB) as web:
        windows = [f"{web}/{name}" for name in sums if "_Windows_" in name]
        linux = {"push_install_repository": [str(tmp_path / "installers")], "push_install_repository_on": "controller"}
        place = lab.workdir / "group_vars"
        place.mkdir()
        (place / "windows_machines.json").write_text(json.dumps({"push_install_repository": windows}), encoding="utf-8")
        (place / "linux_machines.json").write_text(json.dumps(linux), encoding="utf-8")

        def install(content: str) -> Run:
            variables = {"push_install_stack": "modernized", "push_install_checksums": sums}
            return lab.play("push_install.yml", extra={**variables, "push_install_config": content}, timeout=300)

        refused, done, again = (install(content) for content in ('{"unknown": true}', text, text))
    for name in ("ubuntu", "rhel"):
        found = refused.one("Register the agent with its server", name)["error"]
        assert found["exit_code"] == 97, refused.output
        assert UNKNOWN in json.dumps(refused.one("Register the agent with its server", name)), refused.output
    for name in ("win", "french"):
        assert refused.one("Register the agent with its server", name)["error"]["exit_code"] == 19, refused.output
    assert done.code == 0, done.output
    assert again.code == 0, again.output
    assert " changed=1" not in again.output, again.output
    state = lab.state()
    for name, machine in {**state["windows_machines"], **state["linux_machines"]}.items():
        agent = machine["agent"]
        assert agent["stack"] in ("modernized", "CSPrime"), name
        assert (agent["times_installed"], agent["times_registered"]) == (1, 1), name
