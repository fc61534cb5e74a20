# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""reg.exe: query, add and delete, with the forms of its output."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .console import Result, failed, is_administrator, lines, not_played, ok, say
from .registry import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ...world import Identity
    from .registry import Value
    from .state import WindowsMachine

_KINDS = {
    "REG_SZ": "String",
    "REG_EXPAND_SZ": "ExpandString",
    "REG_DWORD": "DWord",
    "REG_QWORD": "QWord",
    "REG_MULTI_SZ": "MultiString",
    "REG_BINARY": "Binary",
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_HIVES = {
    "HKLM": "HKEY_LOCAL_MACHINE",
    "HKCU": "HKEY_CURRENT_USER",
    "HKU": "HKEY_USERS",
    "HKCR": "HKEY_CLASSES_ROOT",
}
_FLAGS = ("/ve", "/va", "/f", "/s", "/reg:32", "/reg:64")


@dataclass(frozen=True, kw_only=True)
class _Call:
    key: str
    values: dict[str, str]
    flags: frozenset[str]

    @property
    def name(self) -> str | None:
        """Return the value's name; the empty text means the default value."""
        return "" if "/ve" in self.flags else self.values.get("/v")


def reg(machine: WindowsMachine, identity: Identity, arguments: Sequence[str], stdin: bytes) -> Result:
    """Run reg.exe."""
    verb, *rest = [*arguments, ""]
    verbs = {"query": _query, "add": _add, "delete": _delete}
    if verb.lower() not in verbs or not rest[0]:
        return not_played("reg", arguments)
    call = _parse(rest[:-1], takes_pattern=verb.lower() == "query")
    if call is None:
        return not_played("reg", arguments)
    if call.key.split("\\")[0] not in _HIVES:
        return _error(machine, "Invalid key name.", "Nom de clé non valide.")
    if verb.lower() != "query" and not is_administrator(identity):
        return _error(machine, "Access is denied.", "Accès refusé.")
    code, out, err = verbs[verb.lower()](machine, call, stdin)
    if "\\currentcontrolset" in rest[0].lower():
        out = re.sub(
            rb"(?m)^(HKEY_LOCAL_MACHINE\\system)\\controlset001", rb"\1\\CurrentControlSet", out, flags=re.IGNORECASE
        )
    return code, out, err


def _parse(words: list[str], *, takes_pattern: bool) -> _Call | None:
    key, *rest = words
    values: dict[str, str] = {}
    flags: set[str] = set()
    while rest:
        word = rest.pop(0).lower()
        if word in (("/v", "/f") if takes_pattern else ("/v", "/t", "/d", "/s")):
            if not rest:
                return None
            values[word] = rest.pop(0)
        elif word in _FLAGS:
            flags.add(word)
        else:
            return None
    plain = canonical(key)
    parts = plain.split("\\")
    if "/reg:32" in flags and parts[1:2] and parts[1].lower() == "software" and "wow6432node" not in plain.lower():
        plain = "\\".join((*parts[:2], "WOW6432Node", *parts[2:]))
    return _Call(key=plain, values=values, flags=frozenset(flags))


def _error(machine: WindowsMachine, english: str, french: str) -> Result:
    return failed(say(machine, f"ERROR: {english}", f"ERREUR : {french}") + "\r\n")


def _missing(machine: WindowsMachine) -> Result:
    return _error(
        machine,
        "The system was unable to find the specified registry key or value.",
        "Le système n’a pas trouvé la clé ou la valeur de Registre spécifiée.",
    )


def _done(machine: WindowsMachine) -> Result:
    return ok(lines(say(machine, "The operation completed successfully.", "L’opération a réussi.")))


# --- query ---
def _query(machine: WindowsMachine, call: _Call, _stdin: bytes) -> Result:
    registry = machine.registry
    if not registry.exists(call.key):
        return _missing(machine)
    deep = "/s" in call.flags
    pattern = call.values.get("/f")
    text, matches = "", 0
    for key in _below(machine, call.key) if deep else [call.key]:
        found = [each for each in registry.values(key) if _wanted(call, pattern, each)]
        matches += len(found)
        if found:
            rows = [f"    {_shown(machine, each.name)}    {_NAMES[each.kind]}    {_data(each)}" for each in found]
            text += lines("", _long(registry.written(key)), *rows)
        elif deep and call.name is None and pattern is None:
            text += lines("", _long(registry.written(key)))
    if call.name is None and pattern is None and not deep:
        keys = [_long(f"{registry.written(call.key)}\\{name}") for name in registry.keys(call.key)]
        return ok((text + lines("", *keys)) if keys or text else "")
    if pattern is not None or (deep and call.name is not None):
        end = say(
            machine, f"End of search: {matches} match(es) found.", f"Fin de la recherche : {matches} correspondance(s)."
        )
        return ok(text + lines("", end), 0 if matches else 1)
    if call.name is not None and not matches:
        return _missing(machine)
    return ok(text + lines(""))


def _below(machine: WindowsMachine, key: str) -> Iterator[str]:
    yield key
    for name in machine.registry.keys(key):
        yield from _below(machine, f"{key}\\{name}")


def _wanted(call: _Call, pattern: str | None, value: Value) -> bool:
    if call.name is not None and value.name.lower() != call.name.lower():
        return False
    if pattern is None:
        return True
    return fnmatch.fnmatchcase(f"{value.name}\0{_data(value)}".lower(), f"*{pattern.lower()}*")


def _shown(machine: WindowsMachine, name: str) -> str:
    return name or say(machine, "(Default)", "(par défaut)")


def _long(key: str) -> str:
    hive, _slash, rest = key.partition("\\")
    return f"{_HIVES.get(hive, hive)}\\{rest}" if rest else _HIVES.get(hive, hive)


def _data(value: Value) -> str:
    if isinstance(value.data, int):
        return f"0x{value.data:x}"
    if isinstance(value.data, bytes):
        return value.data.hex().upper()
    return value.data if isinstance(value.data, str) else "\\0".join(value.data)


# --- add, delete ---
def _add(machine: WindowsMachine, call: _Call, stdin: bytes) -> Result:
    if call.name is None:
        machine.registry.create(call.key)
        return _done(machine)
    kind = _KINDS.get(call.values.get("/t", "REG_SZ").upper())
    if machine.registry.get(call.key, call.name) is not None and not _agreed(machine, call, stdin):
        return failed(say(machine, "The operation was cancelled by the user.", "Opération annulée.") + "\r\n")
    try:
        if kind is None:
            raise ValueError
        data = _typed(kind, call.values.get("/d", ""), call.values.get("/s", "\\0"))
    except ValueError:
        return _error(machine, "Invalid syntax.", "Syntaxe non valide.")
    machine.registry.set(call.key, call.name, data, kind)
    return _done(machine)


def _agreed(machine: WindowsMachine, call: _Call, stdin: bytes) -> bool:
    yes = b"o" if machine.french else b"y"
    return "/f" in call.flags or stdin.strip().lower().startswith(yes)


def _typed(kind: str, text: str, separator: str) -> Any:
    if kind in ("DWord", "QWord"):
        number = int(text or "0", 0)
        if not 0 <= number < 2 ** (32 if kind == "DWord" else 64):
            raise ValueError(text)
        return number
    if kind == "Binary":
        return bytes.fromhex(text)
    if kind == "MultiString":
        return tuple(text.split(separator)) if text else ()
    return text


def _delete(machine: WindowsMachine, call: _Call, stdin: bytes) -> Result:
    registry = machine.registry
    if not registry.exists(call.key) or (call.name is not None and registry.get(call.key, call.name) is None):
        return _missing(machine)
    if not _agreed(machine, call, stdin):
        return failed(say(machine, "The operation was cancelled by the user.", "Opération annulée.") + "\r\n")
    if "/va" in call.flags:
        for value in registry.values(call.key):
            registry.delete_value(call.key, value.name)
    elif call.name is not None:
        registry.delete_value(call.key, call.name)
    else:
        registry.delete_key(call.key)
    return _done(machine)


PROGRAMS: dict[str, Any] = {"reg": reg}
