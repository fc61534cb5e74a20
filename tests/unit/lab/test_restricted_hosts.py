# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restricted endpoints of simulated hosts, and canned answers to scripts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hyperv_lab import canned
from hyperv_lab.hyperv import fleet as fleets
from hyperv_lab.hyperv.schema import FleetError
from unit.lab.engine_help import SELECT, call, run, script

FLEET = """
clock: {speed: 1}
directory:
  domain: lab.test
  netbios: LAB
  accounts:
    - {name: mover, password: a}
    - {name: other, password: a}
    - {name: boss, password: a, groups: [Domain Admins]}
hosts:
  - name: HV01
    endpoints:
      Mobility:
        users: ["LAB\\\\mover"]
        visible:
          - Hyper-V\\Get-VM
          - Microsoft.PowerShell.Utility\\Select-Object
          - {name: Hyper-V\\Set-VM, parameters: [Name, {name: Notes, pattern: "[a-z]+"}]}
vms:
  - {name: web01, host: HV01}
"""


def load(tmp_path: Path, text: str = FLEET) -> Any:
    """Return the host of a fleet file."""
    path = tmp_path / "fleet.yml"
    path.write_text(text, encoding="utf-8")
    return fleets.load(path).hosts["HV01"]


def identity(host: Any, name: str) -> Any:
    """Return who signs in, or None."""
    account = next(each for each in host.fleet.domain_accounts() if each.username == name)
    return host.sign_in(account, "ntlm")


def test_an_invited_account_gets_the_endpoint_and_nothing_else(tmp_path: Path) -> None:
    host = load(tmp_path)
    mover = identity(host, "mover")
    assert identity(host, "other") is None
    with pytest.raises(PermissionError):
        host.open_runspace(mover, "Microsoft.PowerShell")
    with pytest.raises(LookupError):
        host.open_runspace(mover, "nope")
    runspace = host.open_runspace(mover, "mobility")
    assert run(runspace, [call("Hyper-V\\Get-VM"), call(SELECT, Property=["Name", "State"])]).names == ["web01"]
    assert run(runspace, call("Start-VM", Name="web01")).ended_by == "CommandNotFoundException"
    assert run(runspace, call("Set-VM", Name="web01", Notes="A;b")).ended_by.startswith("ParameterArgumentValidation")
    assert run(runspace, call("Set-VM", Name="web01", Notes="abc")).errors == []
    assert next(iter(host.vms.values())).notes == "abc"


def test_administrators_have_both(tmp_path: Path) -> None:
    host = load(tmp_path)
    boss = identity(host, "boss")
    assert run(host.open_runspace(boss, "MOBILITY"), call("Get-Process")).ended_by == "CommandNotFoundException"
    assert run(host.open_runspace(boss, "Microsoft.PowerShell"), call("Hyper-V\\Get-VM")).state == "Completed"


def test_a_module_that_is_not_installed_is_another_error_than_an_unknown_command(tmp_path: Path) -> None:
    host = load(tmp_path)
    runspace = host.open_runspace(identity(host, "boss"), "Microsoft.PowerShell")
    assert run(runspace, call("Hyper-V\\Get-Nope")).ended_by == "CommandNotFoundException"
    host.features["Hyper-V-PowerShell"] = "Available"
    assert run(runspace, call("Hyper-V\\Get-VM")).ended_by == "CouldNotAutoLoadModule"


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("Mobility:", "Microsoft.PowerShell:", "never restricted"),
        ("[a-z]+", "[a-", "is no pattern"),
        ("visible:", "shown:", "unknown key 'shown'"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, shown: str) -> None:
    with pytest.raises(FleetError, match=shown):
        load(tmp_path, FLEET.replace(old, new))


def test_canned_scripts_answer_scripts(tmp_path: Path) -> None:
    path = tmp_path / "canned.json"
    path.write_text(json.dumps([{"contains": "Get-X", "output": ["x"]}, {"contains": "", "output": ["y", "z"]}]))
    host = load(tmp_path)
    host.scripts = canned.load(path)
    runspace = host.open_runspace(identity(host, "boss"), "Microsoft.PowerShell")
    assert run(runspace, script("do Get-X")).outputs == ["x"]
    assert run(runspace, script("anything")).outputs == ["y", "z"]
    assert run(host.open_runspace(identity(host, "boss"), "mobility"), script("x")).ended_by == "ScriptsNotAllowed"


def test_a_wrong_file_of_canned_scripts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "canned.json"
    path.write_text('[{"contains": "a"}]')
    with pytest.raises(ValueError, match="must be"):
        canned.load(path)
