# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_host_feature installs the role, and restarts a host only where it may."""

from __future__ import annotations

from typing import Any

import pytest
from integration.harness import Lab, Run
from integration.scenario import changes, cycle, fleet, sent, shells, task

BARE = {"Hyper-V": "Available", "Hyper-V-PowerShell": "Available"}
FLEET = fleet(
    [
        {"name": "REFUSED", "features": BARE},
        {"name": "ALLOWED", "features": BARE, "language": "fr"},
        {"name": "TOOLS", "features": BARE},
        {"name": "READY"},
        {"name": "LOCKED", "features": BARE},
        {
            "name": "NORIGHTS",
            "features": BARE,
            "winrm": {"connection": "psrp", "scheme": "http", "auth": "ntlm", "user": "LAB\\reader", "https": False},
        },
    ]
)


@pytest.fixture(scope="module")
def done(module_lab: Lab) -> dict[str, Any]:
    """Everything that is done to the hosts, in one run; the fleet before and after."""
    before = module_lab.state()["hosts"]
    tools = {"hyper_v": False, "management_tools": False, "active_directory_tools": True}
    plays = [
        (
            "refused",
            [
                task("refused: check", "vm_host_feature", check=True),
                task("refused: apply", "vm_host_feature"),
                task("refused: again", "vm_host_feature"),
                task("refused: again, check", "vm_host_feature", check=True),
            ],
        ),
        ("allowed", cycle("allowed", "vm_host_feature", reboot=True, reboot_timeout_seconds=120)),
        ("allowed", [task("enabled", "vm_host_migration", use_any_network=True)]),
        ("tools", cycle("tools", "vm_host_feature", **tools)),
        ("ready", [task("ready", "vm_host_feature"), task("ready, check", "vm_host_feature", check=True, reboot=True)]),
        ("norights", [task("no rights", "vm_host_feature", reboot=True)]),
        ("ready", [task("impossible", "vm_host_feature", reboot_timeout_seconds=-1)]),
    ]
    run = module_lab.play([{"hosts": hosts, "gather_facts": False, "tasks": tasks} for hosts, tasks in plays])
    return {"run": run, "before": before, "after": module_lab.state()["hosts"]}


def installed(host: dict[str, Any]) -> dict[str, str]:
    return {name: host["features"].get(name, "Available") for name in (*BARE, "RSAT-AD-PowerShell")}


def test_a_restart_that_is_not_allowed_is_refused(done: dict[str, Any]) -> None:
    run: Run = done["run"]
    check, apply, again = (run.one(f"refused: {step}") for step in ("check", "apply", "again"))
    assert check["changed"] is True
    assert check["installed"] == ["Hyper-V", "Hyper-V-PowerShell"]
    assert check["reboot_required"] is True
    assert apply["_status"] == "ignored"
    assert apply["changed"] is True, "the role was installed"
    for result in (apply, again, run.one("refused: again, check")):
        assert result["error"]["kind"] == "not_possible"
        assert [item["id"] for item in result["findings"]] == ["reboot_required"]
        assert "refused" in result["msg"]
    assert again["changed"] is False
    host = done["after"]["REFUSED"]
    assert host["boots"] == done["before"]["REFUSED"]["boots"]
    assert installed(host)["Hyper-V"] == "Pending"


def test_an_allowed_restart_is_awaited(module_lab: Lab, done: dict[str, Any]) -> None:
    run: Run = done["run"]
    check, apply, again = (run.one(f"allowed: {step}") for step in ("check", "apply", "again"))
    for result in (check, apply, again):
        assert result["_status"] == "ok", result
    assert (check["changed"], apply["changed"], again["changed"]) == (True, True, False)
    for key in ("diff", "rebooted", "reboot_required"):
        assert check[key] == apply[key]
    assert check["installed"] == apply["installed"] == ["Hyper-V", "Hyper-V-PowerShell"]
    assert apply["rebooted"] is True
    assert apply["reboot_required"] is again["reboot_required"] is False
    host = done["after"]["ALLOWED"]
    assert host["boots"] == done["before"]["ALLOWED"]["boots"] + 1
    assert installed(host)["Hyper-V"] == installed(host)["Hyper-V-PowerShell"] == "Installed"
    assert run.one("enabled")["ready"] is True, "the role works after the restart"


def test_tools_need_no_restart(done: dict[str, Any]) -> None:
    run: Run = done["run"]
    check, apply, again = (run.one(f"tools: {step}") for step in ("check", "apply", "again"))
    assert (check["changed"], apply["changed"], again["changed"]) == (True, True, False)
    assert apply["installed"] == ["RSAT-AD-PowerShell"]
    assert apply["rebooted"] is False
    host = done["after"]["TOOLS"]
    assert installed(host) == {**BARE, "RSAT-AD-PowerShell": "Installed"}
    assert host["boots"] == done["before"]["TOOLS"]["boots"]


def test_nothing_to_do(done: dict[str, Any]) -> None:
    for name in ("ready", "ready, check"):
        assert done["run"].one(name)["changed"] is False
    assert done["after"]["READY"]["features"] == done["before"]["READY"]["features"]


def test_without_rights_nothing_is_changed(done: dict[str, Any]) -> None:
    result = done["run"].one("no rights")
    assert result["_status"] == "ignored"
    assert result["changed"] is False
    assert "\n" not in result["msg"]
    assert done["after"]["NORIGHTS"]["features"] == done["before"]["NORIGHTS"]["features"]


def test_a_negative_time_is_refused(done: dict[str, Any]) -> None:
    result = done["run"].one("impossible")
    assert result["error"]["kind"] == "invalid_request"
    assert "reboot_timeout_seconds" in result["msg"]


def test_only_what_is_needed_is_sent(module_lab: Lab, done: dict[str, Any]) -> None:
    names = [item["command"].rpartition("\\")[2] for item in changes(module_lab, host="ALLOWED")]
    assert names[:2] == ["Install-WindowsFeature", "Restart-Computer"]
    assert [item["command"].rpartition("\\")[2] for item in changes(module_lab, host="REFUSED")] == [
        "Install-WindowsFeature"
    ]
    assert changes(module_lab, host="READY") == []
    assert shells(module_lab)["REFUSED"] == 4
    assert sent(module_lab)["Restart-Computer"] == 1
