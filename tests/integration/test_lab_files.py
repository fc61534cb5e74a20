# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's files over the wire: an export outlives its shell, a copy doesn't, another lab imports what was saved."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from integration.harness import Lab
from integration.scenario import PASSWORDS, fleet
from pypsrp.exceptions import WinRMError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan
from requests_credssp.exceptions import AuthenticationException

pytestmark = pytest.mark.exhaustive
SHARE = {"name": "Exports", "path": "D:\\Exports", "access": ["LAB\\admin"]}
BIG = [{"file_size_gb": 100, "size_gb": 400}]
SLOW = {"D": {"size_gb": 1000, "rate_mb": 10}}
HOSTS: list[dict[str, Any]] = [
    {"name": "HV01", "shares": [SHARE]},
    {"name": "HV02", "language": "fr", "volumes": SLOW},
]
VMS = [{"name": "web01", "host": "HV01", "checkpoints": [{"name": "old"}], "disks": BIG, "notes": "kept"}]
SECONDS = 60.0
LOST = (WinRMError, AuthenticationException)
"""What closing a pool can end with when its shell and its connection are gone."""


@contextmanager
def pool_on(lab: Lab, host: str, auth: str = "credssp") -> Iterator[RunspacePool]:
    """Open a runspace pool on a host as the domain's administrator."""
    variables = yaml.safe_load(lab.inventory.read_text(encoding="utf-8"))["all"]["hosts"][host]
    client = WSMan(
        variables["ansible_host"], port=variables["ansible_port"], ssl=False, auth=auth,
        username="LAB\\admin", password=PASSWORDS["admin"],
    )  # fmt: skip
    with client, RunspacePool(client) as pool:
        yield pool


def command(pool: RunspacePool, name: str, **parameters: Any) -> PowerShell:
    """Return a pipeline of one cmdlet; ``True`` is a switch."""
    shell = PowerShell(pool)
    shell.add_cmdlet(name)
    for key, value in parameters.items():
        shell.add_parameter(key, None if value is True else value)
    return shell


def run(pool: RunspacePool, name: str, **parameters: Any) -> list[Any]:
    shell = command(pool, name, **parameters)
    output = list(shell.invoke())
    assert not shell.streams.error, [str(error) for error in shell.streams.error]
    return output


def wait_for(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, "it doesn't come"
        time.sleep(0.1)
    return found


def files(lab: Lab, host: str) -> dict[str, int]:
    return dict(lab.state()["hosts"][host]["volumes"]["D:"]["files"])


def test_an_export_outlives_its_shell_and_a_later_lab_imports_it(start_lab: Callable[..., Lab], tmp_path: Path) -> None:
    lab = start_lab(fleet(HOSTS, VMS, speed=300))
    with suppress(*LOST), pool_on(lab, "hv01") as pool:  # the shell that is to be closed is gone
        command(pool, "Export-VM", Name=["web01"], Path="D:\\Exports").begin_invoke()
        wait_for(lambda: lab.state()["exports"])
        lab.control("restart", "HV01")
    (export,) = wait_for(lambda: [one for one in lab.state()["exports"] if one["finished"] is not None])
    assert export["outcome"] == "exported"
    source, target = "\\\\HV01\\Exports\\web01", "D:\\In"
    with pool_on(lab, "hv02", "ntlm") as pool:
        refused = command(pool, "Get-ChildItem", LiteralPath=source)
        assert not refused.invoke()
        assert refused.streams.error[0].fq_error.startswith("ItemExistsUnauthorizedAccessError,")
    with suppress(*LOST), pool_on(lab, "hv02") as pool:
        copy = {"LiteralPath": [source], "Destination": target, "Recurse": True}
        command(pool, "Copy-Item", **copy).begin_invoke()
        wait_for(lambda: any(size > 1024**3 for size in files(lab, "HV02").values()))
        lab.control("restart", "HV02")
    torn = wait_for(lambda: files(lab, "HV02"))
    time.sleep(0.5)
    assert files(lab, "HV02") == torn
    assert torn[f"{target}\\Virtual Hard Disks\\web01.vhdx"] < 100 * 1024**3
    lab.control("save", "HV01", "D:\\Exports", str(tmp_path / "disk"))
    assert_imported(start_lab(fleet([HOSTS[1]], speed=3000)), tmp_path / "disk")


def assert_imported(lab: Lab, disk: Path) -> None:
    lab.control("bring", "HV02", str(disk), "D:\\In")
    with pool_on(lab, "hv02") as pool:
        (found,) = run(pool, "Get-ChildItem", Path="D:\\In\\web01\\Virtual Machines\\*.vmcx")
        path = found.adapted_properties["FullName"]
        (digest,) = run(pool, "Get-FileHash", LiteralPath=path)
        assert digest.extended_properties["Hash"].lower() == lab.control("file", "HV02", path)["sha256"]
        run(pool, "Import-VM", Path=path)
        twice = command(pool, "Import-VM", Path=path)
        twice.invoke()
        assert twice.streams.error[0].fq_error == "OperationFailed,Microsoft.HyperV.PowerShell.Commands.ImportVM"
    (vm,) = lab.state()["hosts"]["HV02"]["vms"].values()
    assert (vm["name"], vm["notes"], vm["state"]) == ("web01", "kept", "Off")
    assert [one["name"] for one in vm["checkpoints"]] == ["old"]
    assert lab.state()["imports"][0]["outcome"] == "imported"
