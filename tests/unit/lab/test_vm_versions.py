# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration versions on simulated hosts: what is listed, and the upgrade that has no way back."""

from __future__ import annotations

import ntpath
from typing import Any

import pytest
from hyperv_lab.hyperv import catalogue
from hyperv_lab.hyperv import fleet as fleets
from hyperv_lab.powershell import contract
from hyperv_lab.powershell.binder import BindingFailed
from unit.lab.cmdlet_runner import get, run


def host_with(edition: str, **vm: Any) -> Any:
    """A host of an edition with one machine."""
    content = {"hosts": [{"name": "A", "edition": edition}], "vms": [{"host": "A", "name": "old", **vm}]}
    return fleets.parse(content, speed=100_000).hosts["A"]


def machine(host: Any) -> Any:
    return next(iter(host.vms.values()))


def configuration(host: Any) -> dict[str, int]:
    """The configuration files there are, by ending, with their sizes."""
    folder = machine(host).folder.lower()
    files = [f for v in host.storage.volumes.values() for f in v.files.values() if f.path.lower().startswith(folder)]
    return {ntpath.splitext(file.path)[1]: file.size for file in files}


def test_unreleased_versions_are_listed_and_never_the_default() -> None:
    listed = [str(get(one, "Version")) for one in run(host_with("2019"), "Get-VMHostSupportedVersion").output]
    assert listed[-3:] == ["9.0", "254.0", "255.0"]
    (default,) = run(host_with("2019"), "Get-VMHostSupportedVersion", Default=True).output
    assert (str(get(default, "Version")), get(default, "IsDefault")) == ("9.0", True)
    newest = run(host_with("2025"), "Get-VMHostSupportedVersion").output
    assert str(get(newest[-1], "Version")) == "12.0"


def test_an_upgrade_changes_the_files_once_and_for_all() -> None:
    host = host_with("2019", version="5.0")
    assert configuration(host) == {".xml": 65536}
    vm = run(host, "Update-VMVersion", machine(host), Force=True, Passthru=True).one()
    assert (str(vm.version), configuration(host)) == ("9.0", {".vmcx": 65536, ".vmrs": 65536})
    assert run(host, "Update-VMVersion", Name=["old"], Force=True).errors == []
    assert configuration(host) == {".vmcx": 65536, ".vmrs": 65536}


def test_between_binary_versions_the_files_stay() -> None:
    host = host_with("2025", version="8.0")
    before = configuration(host)
    assert run(host, "Update-VMVersion", machine(host), Force=True, TargetVersion="10.0").errors == []
    assert (str(machine(host).version), configuration(host)) == ("10.0", before)
    for impossible in ("9.0", "13.0", "255.0"):
        refused = run(host, "Update-VMVersion", machine(host), Force=True, TargetVersion=impossible)
        assert refused.error()[0] == "InvalidParameter"


@pytest.mark.parametrize("state", ["Running", "Saved", "Paused"])
def test_only_what_is_off_is_upgraded(state: str) -> None:
    host = host_with("2019", version="5.0", state=state)
    assert run(host, "Update-VMVersion", machine(host), Force=True).error() == ("InvalidState", "InvalidOperation")
    assert str(machine(host).version) == "5.0"


def test_checkpoints_keep_the_version_of_their_day() -> None:
    host = host_with("2019", version="5.0", checkpoints=[{"name": "before"}])
    assert run(host, "Update-VMVersion", machine(host), Force=True).errors == []
    assert (str(machine(host).version), str(machine(host).snapshots[0].version)) == ("9.0", "5.0")


def test_it_asks_and_nobody_is_there_to_answer() -> None:
    host = host_with("2019", version="5.0")
    assert run(host, "Update-VMVersion", machine(host)).error() == ("InvalidOperation", "InvalidOperation")
    assert run(host, "Update-VMVersion", machine(host), WhatIf=True).errors == []
    assert str(machine(host).version) == "5.0"
    assert run(host, "Update-VMVersion", machine(host), Confirm=False).errors == []
    assert str(machine(host).version) == "9.0"


def test_old_editions_have_less_of_it() -> None:
    assert contract.signature("Update-VMVersion", "2012R2") is None
    assert catalogue.find(host_with("2012R2"), "Update-VMVersion") is None
    with pytest.raises(BindingFailed):
        run(host_with("2019", version="5.0"), "Update-VMVersion", Name=["old"], TargetVersion="8.0", Force=True)
