# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens runspaces over what a simulated host gives (hyperv.endpoints.Environment), or over commands alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .cmdlets import BUILT_IN
from .commands import Cmdlet
from .native import Program
from .restricted import Endpoint
from .runspace import Runspace, Script
from .signature import Signature
from .state import State
from .table import CommandTable, Finder, RestrictedTable

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
    "set": "Set-Variable",
    "nv": "New-Variable",
    "rv": "Remove-Variable",
    "clv": "Clear-Variable",
    "gu": "Get-Unique",
    "gcm": "Get-Command",
    "sleep": "Start-Sleep",
    "tee": "Tee-Object",
    "compare": "Compare-Object",
    "diff": "Compare-Object",
}


def open_session(
    *,
    edition: str,
    find: Finder,
    by_hand: Mapping[str, Signature] | None = None,
    endpoint: Endpoint | None = None,
    state: State | None = None,
    lacks: Any = None,
    program: Program | None = None,
    script: Script | None = None,
) -> Runspace:
    """Return a runspace in full language, or of a restricted endpoint.

    ``find`` gives the implementations beside the engine's own, by name; ``by_hand`` signatures beside the contract's.
    """

    def implementation(name: str) -> type[Cmdlet] | None:
        return BUILT_IN.get(name.lower()) or find(name.lower() if by_hand else name)

    table = CommandTable(
        edition, implementation, by_hand=by_hand, aliases=ALIASES, lacks=lacks or (lambda _name: False)
    )
    state = state or State(edition=edition, restricted=endpoint is not None)
    if endpoint is not None:
        return Runspace(RestrictedTable(table, endpoint), state)
    return Runspace(table, state, program=program, script=script)


def open_runspace(environment: Any) -> Runspace:
    """Return a runspace of a simulated host; its endpoint is restricted if the environment says so."""
    endpoint: Endpoint | None = getattr(environment, "endpoint", None)
    state = State(
        host=environment.host,
        identity=environment.identity,
        language=getattr(environment.host, "language", "en"),
        restricted=endpoint is not None,
        edition=environment.edition,
    )
    return open_session(
        edition=environment.edition,
        find=environment.find,
        endpoint=endpoint,
        state=state,
        lacks=getattr(environment, "lacks", None),
        program=environment.program,
        script=getattr(environment, "script", None),
    )
