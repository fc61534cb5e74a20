# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's Windows machines over the real protocols: each connection and authentication, state, a restart, a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from integration.scenario import task

pytestmark = pytest.mark.exhaustive

if TYPE_CHECKING:
    from integration.harness import Lab

WAYS: dict[str, dict[str, Any]] = {
    "A1": {"os": "2016", "winrm": {"connection": "winrm", "auth": "basic"}},
    "A2": {"os": "2008R2SP1", "winrm": {"connection": "winrm", "auth": "ntlm"}},
    "A3": {"os": "2008R2SP1", "winrm": {"connection": "psrp", "auth": "basic"}, "language": "fr"},
    "A4": {"os": "2012R2", "winrm": {"connection": "winrm", "auth": "ntlm", "scheme": "http"}},
    "A5": {"os": "2012", "winrm": {"connection": "psrp", "auth": "ntlm", "scheme": "http"}},
}
CURED: dict[str, Any] = {
    "os": "2019",
    "defects": ["sharing_firewall_closed"],
    "faults": [{"action": "stall", "seconds": 1, "request": 2}],
}
FLEET: dict[str, Any] = {
    "windows_machines": [{"name": name, **entry} for name, entry in {**WAYS, "B1": CURED}.items()],
}
PUSH = {"scopes": ["push", "agent"], "push_account": "asrpush"}


def test_every_way_to_a_machine_reads_the_same(module_lab: Lab) -> None:
    run = module_lab.tasks("windows_machines", task("look", "asr_preflight", **PUSH))
    for name in WAYS:
        found = run.one("look", name.lower())
        assert (found["findings"], found["facts"]["unread"]) == ([], []), name
    assert [item["id"] for item in run.one("look", "b1")["findings"]] == ["95105"]


def test_state_shows_what_a_cure_changed(module_lab: Lab) -> None:
    before = module_lab.state()["windows_machines"]["B1"]
    run = module_lab.tasks("b1", task("cure", "asr_preflight", remediate=["95105"], **PUSH))
    assert run.one("cure", "b1")["cured"] == ["95105"]
    after = module_lab.state()["windows_machines"]["B1"]
    closed = {"FPS-SMB-In-TCP", "FPS-NB_Session-In-TCP", "FPS-NB_Name-In-UDP", "FPS-ICMP4-ERQ-In"}
    assert set(before["firewall_disabled"]) == closed
    assert "FPS-SMB-In-TCP" not in after["firewall_disabled"]
    assert after["defects"] == ["sharing_firewall_closed"], "what the file named stays; what is true changed"


@pytest.mark.parametrize("connection", ["a1", "a3"])
def test_a_machine_that_restarted_is_there_again(module_lab: Lab, connection: str) -> None:
    boots = module_lab.state()["windows_machines"][connection.upper()]["boots"]
    run = module_lab.tasks(connection, task("restart", "asr_reboot"))
    assert run.one("restart", connection)["changed"] is True
    assert module_lab.state()["windows_machines"][connection.upper()]["boots"] == boots + 1
