# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""wmic.exe over the CIM classes that Get-CimInstance shows: aliases, ``path``, ``where``, ``get``, three formats.

As the real one does, it sorts properties by name, ends lines with CR CR LF, and answers a query without instances with
a sentence on its error output and exit code 0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ...hyperv.cim import CIMV2, PROVIDERS, BadQuery, CimInstance, matcher, normal
from .console import Result, not_played, say
from .smb import resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...world import Identity
    from .state import WindowsMachine

ALIASES = {
    "bios": "Win32_BIOS",
    "computersystem": "Win32_ComputerSystem",
    "csproduct": "Win32_ComputerSystemProduct",
    "diskdrive": "Win32_DiskDrive",
    "group": "Win32_Group",
    "logicaldisk": "Win32_LogicalDisk",
    "nicconfig": "Win32_NetworkAdapterConfiguration",
    "os": "Win32_OperatingSystem",
    "partition": "Win32_DiskPartition",
    "process": "Win32_Process",
    "qfe": "Win32_QuickFixEngineering",
    "service": "Win32_Service",
    "systemenclosure": "Win32_SystemEnclosure",
    "useraccount": "Win32_UserAccount",
    "volume": "Win32_Volume",
}
_FORMATS = {"/value": "list", "/format:list": "list", "/format:csv": "csv", "/format:table": "table"}
_INVALID_CLASS, _INVALID_QUERY, _DISABLED = -2147217392, -2147217385, -2147023838
_END = "\r\r\n"
_NOT_RESOLVED = 11001
_REFERENCE = re.compile(r'(Win32_\w+) \((\w+) = "(.*)"\)')


@dataclass(frozen=True, kw_only=True)
class _Query:
    class_name: str
    condition: str | None
    properties: tuple[str, ...]
    """Empty for all."""
    style: str


class _Fails(Exception):
    def __init__(self, code: int, english: str, french: str) -> None:
        super().__init__(english)
        self.code, self.english, self.french = code, english, french


def wmic(machine: WindowsMachine, _identity: Identity, arguments: Sequence[str], _stdin: bytes) -> Result:
    """Run wmic.exe."""
    query = _parse(list(arguments))
    if query is None:
        return not_played("wmic", arguments)
    try:
        rows = _rows(machine, query)
    except _Fails as problem:
        text = f"Node - {machine.name}{_END}{say(machine, 'ERROR', 'ERREUR')}:{_END}Description = "
        return problem.code, b"", (text + say(machine, problem.english, problem.french) + _END).encode()
    if not rows:
        return 0, b"", (say(machine, "No Instance(s) Available.", "Aucune instance disponible.") + _END).encode()
    return 0, {"list": _list, "csv": _csv, "table": _table}[query.style](machine, rows).encode(), b""


def _parse(words: list[str]) -> _Query | None:
    while words and words[0].lower().startswith("/namespace:"):
        namespace = words.pop(0).partition(":")[2]
        if normal(namespace.lstrip("\\")) != CIMV2:
            return None
    if len(words) > 1 and words[0].lower() == "path":
        class_name = words[1]
        rest = words[2:]
    elif words and words[0].lower() in ALIASES:
        class_name = ALIASES[words[0].lower()]
        rest = words[1:]
    else:
        return None
    condition = None
    if len(rest) > 1 and rest[0].lower() == "where":
        condition = rest[1].strip()
        if condition.startswith("(") and condition.endswith(")"):
            condition = condition[1:-1]
        rest = rest[2:]
    if not rest or rest.pop(0).lower() != "get":
        return None
    style = "table"
    while rest and rest[-1].lower() in _FORMATS:
        style = _FORMATS[rest.pop().lower()]
    if any(word.startswith("/") for word in rest):
        return None
    properties = [name for name in re.split(r"[,\s]+", ",".join(rest)) if name and name != "*"]
    return _Query(class_name=class_name, condition=condition, properties=tuple(properties), style=style)


def _rows(machine: WindowsMachine, query: _Query) -> list[dict[str, Any]]:
    service = machine.services.get("winmgmt")
    if service is None or service.start == "Disabled":
        raise _Fails(_DISABLED, "The service cannot be started, because it is disabled.", "Le service est désactivé.")
    found = [] if machine.windows.wmi_damaged else _instances(machine, query)
    if found is None or machine.windows.wmi_damaged:
        raise _Fails(_INVALID_CLASS, "Invalid class", "Classe non valide")
    names = {name.lower(): name for instance in found for name in instance.values if name != "PSComputerName"}
    wanted = [name.lower() for name in query.properties] or list(names)
    if found and any(name not in names for name in wanted):
        raise _Fails(_INVALID_QUERY, "Invalid query", "Requête non valide")
    order = sorted(dict.fromkeys(wanted))
    return [{names[name]: instance.values[names[name]] for name in order} for instance in found]


def _instances(machine: WindowsMachine, query: _Query) -> list[CimInstance] | None:
    """Return the instances; None for a class that isn't known."""
    if query.class_name.lower() == "win32_pingstatus":
        return [_ping(machine, query.condition or "")]
    key = (CIMV2, query.class_name.lower())
    provider = machine.own_classes().get(key) or PROVIDERS.get(key)
    if provider is None:
        return None
    instances = provider(machine)
    if query.condition is None:
        return instances
    try:
        fits = matcher(query.condition)
        return [instance for instance in instances if fits(instance)]
    except BadQuery as problem:
        raise _Fails(_INVALID_QUERY, "Invalid query", "Requête non valide") from problem


def _ping(machine: WindowsMachine, condition: str) -> CimInstance:
    """Return the answer of the class that pings: the name is in the condition."""
    wanted = re.search(r"Address\s*=\s*['\"]([^'\"]+)['\"]", condition, re.IGNORECASE)
    if wanted is None:
        raise _Fails(_INVALID_QUERY, "Invalid query", "Requête non valide")
    found = resolve(machine, wanted[1])
    address = found[0] if found else ""
    values = {
        "Address": wanted[1],
        "PrimaryAddressResolutionStatus": 0 if address else _NOT_RESOLVED,
        "ProtocolAddress": address,
        "StatusCode": 0 if address else None,
        "Timeout": 1000,
    }
    return CimInstance(CIMV2, "Win32_PingStatus", values)


def _text(machine: WindowsMachine, value: Any, quote: str = '"', comma: str = ",") -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return value.strftime("%Y%m%d%H%M%S.%f") + "+000"
    reference = _REFERENCE.fullmatch(value.ps_text() if isinstance(value, CimInstance) else str(value))
    if reference:  # as PowerShell shows it; wmic shows the object's path
        return f'\\\\{machine.name}\\root\\cimv2:{reference[1]}.{reference[2]}="{reference[3]}"'
    if isinstance(value, list | tuple):
        return "{" + comma.join(f"{quote}{_text(machine, part)}{quote}" for part in value) + "}"
    return str(value)


def _list(machine: WindowsMachine, rows: list[dict[str, Any]]) -> str:
    blocks = ("".join(f"{name}={_text(machine, value)}{_END}" for name, value in row.items()) for row in rows)
    return "".join(f"{_END}{_END}{block}" for block in blocks) + 3 * _END


def _csv(machine: WindowsMachine, rows: list[dict[str, Any]]) -> str:
    head = ",".join(("Node", *rows[0]))
    body = (",".join((machine.name, *(_text(machine, value, "", ";") for value in row.values()))) for row in rows)
    return _END + "".join(f"{line}{_END}" for line in (head, *body))


def _table(machine: WindowsMachine, rows: list[dict[str, Any]]) -> str:
    texts = [[_text(machine, value) for value in row.values()] for row in rows]
    heads = list(rows[0])
    widths = [max(len(line[column]) for line in (heads, *texts)) + 2 for column in range(len(heads))]
    shown = ("".join(part.ljust(width) for part, width in zip(line, widths, strict=True)) for line in (heads, *texts))
    return "".join(f"{line}{_END}" for line in shown) + _END


PROGRAMS: dict[str, Any] = {"wmic": wmic}
