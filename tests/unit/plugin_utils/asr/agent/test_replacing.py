# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A modernized agent that leaves one appliance for another, on a machine that is only a state."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent import registration
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent.machine import Attempt, Reading, VendorFailed
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent.registration_plan import RegistrationPlan
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent.state import (
    AgentState,
    normal_json,
    server_of_config,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import ConnectionLost, NotFound
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Outcome
from unit.fake_programs import FakeShell, MachineSessions, machine_request
from unit.fake_session import FakeClock


def config(name: str) -> str:
    return json.dumps({"ApplianceName": name, "ApplianceAddress": f"{name}.lab", "Port": 443})


class Modernized:
    """Implements ``AgentMachine`` as far as a registration goes."""

    system = "linux"

    def __init__(self, appliance: str) -> None:
        self.state = replace(
            AgentState(system="linux", installed=True, version=(9, 60), stack="modernized", platform="VmWare"),
            registered=True,
            configuration_status="Succeeded",
            server=server_of_config(config(appliance)),
            source_config=normal_json(config(appliance)),
        )
        self.done: list[str] = []
        self.codes: list[int] = []
        self.files: dict[str, str] = {}
        self.lost = False

    def read(self) -> Reading:
        if self.lost and self.done:
            raise ConnectionLost("the link failed")
        return Reading(state=self.state)

    def sweep(self, names: tuple[str, ...]) -> None:
        assert names == ()

    def read_text(self, path: str) -> str | None:
        return self.files.get(path)

    def has_file(self, path: str) -> bool:
        return path in self.files

    def configure(self, plan: RegistrationPlan, secret: Any, deadline: Any) -> Attempt:
        self.done.append(plan.action)
        code = self.codes.pop(0) if self.codes else 0
        if plan.action == "unregister":
            assert secret is None
            self.state = replace(
                self.state, registered=False, configuration_status=None, server=None, source_config=None
            )
        elif code == 0:
            text = secret.text if secret else self.files[plan.wanted.config_file or ""]
            self.state = replace(
                self.state,
                registered=True,
                configuration_status="Succeeded",
                server=server_of_config(text),
                source_config=normal_json(text),
            )
        return Attempt(program="UnifiedAgentConfigurator.sh", exit_code=code, log_path="/var/log/ua_install.log")


def run(machine: Modernized, monkeypatch: pytest.MonkeyPatch, **arguments: Any) -> Outcome:
    monkeypatch.setattr(registration, "machine_of", lambda request, **options: machine)
    given: dict[str, Any] = {"state": "present", "timeout_seconds": 60, **arguments}
    return registration.operate(machine_request(MachineSessions(shell=FakeShell()), **given), clock=FakeClock())


def test_it_leaves_the_one_and_joins_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Modernized("app01")
    outcome = run(machine, monkeypatch, config=config("app02"), replace=True)
    assert (outcome.changed, machine.done) == (True, ["unregister", "replace"])
    assert outcome.diff is not None
    assert (outcome.diff.before["server"], outcome.diff.after["server"]) == ("app01.lab:443", "app02.lab:443")
    assert not run(machine, monkeypatch, config=config("app02"), replace=True).changed


def test_a_failure_in_between_says_where_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Modernized("app01")
    machine.codes = [0, 97]
    with pytest.raises(VendorFailed, match="not registered") as caught:
        run(machine, monkeypatch, config=config("app02"), replace=True)
    assert caught.value.changed is True
    assert caught.value.details["after"]["registered"] is False


def test_a_link_that_breaks_after_the_configurator_counts_as_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Modernized("app01")
    machine.lost = True
    with pytest.raises(ConnectionLost) as caught:
        run(machine, monkeypatch, config=config("app02"), replace=True)
    assert caught.value.changed is True


def test_a_config_file_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Modernized("app01")
    with pytest.raises(NotFound, match=r"/etc/app02\.json"):
        run(machine, monkeypatch, config_file="/etc/app02.json", replace=True)
    machine.files["/etc/app02.json"] = config("app02")
    assert run(machine, monkeypatch, config_file="/etc/app02.json", replace=True).changed
    assert not run(machine, monkeypatch, config_file="/etc/app02.json").changed
