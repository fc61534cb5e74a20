# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replay of recorded invocations: a file is one session, each line one invocation with everything that came back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from samples import COMMANDS, SIGNATURES

from ..powershell import engine
from ..powershell.lists import Deserialized
from ..powershell.restricted import Endpoint, grant
from ..powershell.runspace import Runspace
from ..powershell.values import Credential, Int64, PropertyBag, SecureString
from .report import Report
from .streams import RecordingSink, canonical, difference

BAG = ("Deserialized.System.Management.Automation.PSCustomObject", "Deserialized.System.Object")
SELECT = "Microsoft.PowerShell.Utility\\Select-Object"
WHOLE = (
    "Get-Sample",
    "Set-SampleAdapter",
    "Compare-Sample",
    "Move-Sample",
    "Write-SampleStreams",
    "Show-Credential",
    "Where-Object",
    "Sort-Object",
    "Write-Output",
    SELECT,
)
SET_SAMPLE = grant("Set-Sample", Name=("db", "web", "nope"), Memory=None, VM=None, Passthru=None)
NEED_VALUE = grant("Need-Value", Strings="^[a-z]+$")
RESTRICTED = (SET_SAMPLE, NEED_VALUE, *(grant(name) for name in WHOLE))
ENDPOINTS: dict[str, Endpoint | None] = {
    "open": None,
    "restricted": Endpoint((*RESTRICTED, grant("Get-Variable"), grant("Set-Variable"))),
    "restricted-variables": Endpoint(
        (
            *RESTRICTED,
            grant("Get-Variable", Name=("hm_report",), ValueOnly=None, Scope=("Global",)),
            grant("Set-Variable", Name=("hm_report",), Value=None, Scope=("Global",)),
        )
    ),
    "restricted-default": Endpoint((grant("Get-Sample"),)),
}
"""The endpoints that the recordings were made at."""


@dataclass(frozen=True)
class Call:
    """One command of a statement, as psrp.statements.CommandCall."""

    name: str
    parameters: tuple[tuple[str | None, Any], ...]
    is_script: bool
    merge_error: bool = False


_VALUES: dict[str, Callable[[Any], Any]] = {
    "S": str,
    "I32": int,
    "I64": Int64,
    "D": float,
    "B": bool,
    "G": UUID,
    "Nil": lambda _: None,
    "LST": lambda items: Deserialized("System.Collections.ArrayList", [value_of(item) for item in items]),
    "DCT": dict,
    "OBJ": lambda notes: PropertyBag(notes, BAG),
    "CRED": lambda pair: Credential(pair[0], SecureString(pair[1])),
    "SEC": SecureString,
}


def value_of(wire: list[Any]) -> Any:
    """Return the engine's value for one of the recordings."""
    return _VALUES[wire[0]](wire[1])


def endpoint_of(path: Path) -> str:
    """Return the endpoint that a file's name stands for; "open" where it names none."""
    fitting = [name for name in ENDPOINTS if path.stem.startswith(f"pipelines-{name}")]
    return max(fitting, key=len, default="open")


def session(endpoint: str) -> Runspace:
    """Return a new session of PowerShell 7 with the module Samples, as the recordings had it."""
    return engine.open_session(edition="7", find=COMMANDS.get, by_hand=SIGNATURES, endpoint=ENDPOINTS[endpoint])


def replay_pipelines(path: Path, endpoint: str | None = None) -> Report:
    """Replay a file of recorded invocations as one session."""
    report = Report()
    runspace = session(endpoint or endpoint_of(path))
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                case = json.loads(line)
                found = differing(case, runspace)
                report.add(found and f"{path.name}: {case['case']}: {found}")
    return report


def differing(case: dict[str, Any], runspace: Runspace) -> str | None:
    """Run one invocation; return what differs from the recording, or None."""
    statements = [[_call(command) for command in statement] for statement in case["statements"]]
    sink = RecordingSink()
    state = runspace.invoke(statements, sink)
    found = _stream_difference(case["stream"], sink.stream)
    if found is None and case["state"] != state:
        found = f"state: recorded {case['state']}, lab {state} {sink.ended_by or ''}"
    if found is None and case["ended_by"] != sink.ended_by:
        found = f"ended by: {_fields(case['ended_by'] or {}, sink.ended_by or {})}"
    return found


def _call(command: dict[str, Any]) -> Call:
    parameters = tuple((name, value_of(wire)) for name, wire in command.get("parameters") or ())
    return Call(command["command"], parameters, bool(command.get("script")))


def _stream_difference(wanted: list[dict[str, Any]], got: list[dict[str, Any]]) -> str | None:
    for number, (one, two) in enumerate(zip(wanted, got, strict=False), 1):
        found = _item_difference(one, two)
        if found is not None:
            return f"item {number}: {found}"
    if len(wanted) == len(got):
        return None
    more = wanted[len(got) :] or got[len(wanted) :]
    return f"{len(wanted)} items recorded, {len(got)} in the lab; first extra: {str(more[0])[:300]}"


def _item_difference(wanted: dict[str, Any], got: dict[str, Any]) -> str | None:
    (kind, one), (other, two) = next(iter(wanted.items())), next(iter(got.items()))
    if kind != other:
        return f"recorded {kind} {str(one)[:200]}, lab {other} {str(two)[:200]}"
    if kind == "output":
        return difference(canonical(one), canonical(two))
    if one == two:
        return None
    return _fields(one, two) if isinstance(one, dict) else f"{kind}: recorded {one!r}, lab {two!r}"


def _fields(wanted: dict[str, Any], got: dict[str, Any]) -> str:
    keys = [key for key in (wanted or got) if wanted.get(key) != got.get(key)]
    return "; ".join(f"{key}: recorded {wanted.get(key)!r}, lab {got.get(key)!r}" for key in keys)
