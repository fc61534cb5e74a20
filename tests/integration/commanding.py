# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that an administrator runs on a host of the lab by himself, past the collection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml
from integration.harness import Lab
from integration.scenario import PASSWORDS
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan


class Shell:
    """An open runspace on a host."""

    def __init__(self, pool: RunspacePool) -> None:
        self._pool = pool

    def run(self, vm_id: str, name: str, **parameters: Any) -> list[Any]:
        """Run a cmdlet on the machine with an Id, ``True`` for a switch; fail with what the host says against it."""
        shell = PowerShell(self._pool)
        shell.add_cmdlet("Get-VM").add_parameter("Id", vm_id).add_cmdlet(name)
        for key, value in parameters.items():
            shell.add_parameter(key, None if value is True else value)
        output = shell.invoke()
        assert not shell.streams.error, [str(error) for error in shell.streams.error]
        return list(output)


@contextmanager
def shell_on(lab: Lab, host: str) -> Iterator[Shell]:
    """Open a runspace on an inventory host as the domain's administrator."""
    variables = yaml.safe_load(lab.inventory.read_text(encoding="utf-8"))["all"]["hosts"][host]
    client = WSMan(
        variables["ansible_host"], port=variables["ansible_port"], ssl=False, auth="ntlm",
        username="LAB\\admin", password=PASSWORDS["admin"],
    )  # fmt: skip
    with client, RunspacePool(client) as pool:
        yield Shell(pool)
