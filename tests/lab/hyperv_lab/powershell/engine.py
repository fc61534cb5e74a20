# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens runspaces over what a simulated host gives (hyperv.endpoints.Environment)."""

from __future__ import annotations

from typing import Any

from .cmdlets import BUILT_IN
from .commands import Cmdlet
from .runspace import Runspace, State
from .table import CommandTable

ALIASES = {
    "where": "Where-Object",
    "?": "Where-Object",
    "select": "Select-Object",
    "foreach": "ForEach-Object",
    "%": "ForEach-Object",
    "sort": "Sort-Object",
    "measure": "Measure-Object",
    "group": "Group-Object",
    "echo": "Write-Output",
    "write": "Write-Output",
    "gv": "Get-Variable",
    "sv": "Set-Variable",
    "gcm": "Get-Command",
    "sleep": "Start-Sleep",
    "tee": "Tee-Object",
    "compare": "Compare-Object",
}


def open_runspace(environment: Any) -> Runspace:
    """Return a runspace in full language, as ``Microsoft.PowerShell`` gives it."""

    def find(name: str) -> type[Cmdlet] | None:
        found = BUILT_IN.get(name.lower())
        if found is not None:
            return found
        other: type[Cmdlet] | None = environment.find(name)
        return other

    table = CommandTable(edition=environment.edition, find=find, aliases=ALIASES)
    state = State(
        host=environment.host, identity=environment.identity, language=getattr(environment.host, "language", "en")
    )
    return Runspace(table, state, program=environment.program)
