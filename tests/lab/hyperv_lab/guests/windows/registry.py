# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of a machine: keys and values, compared without case, kept as written.

Many machines share one set of keys (``shared``); a machine has only what differs from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Data: TypeAlias = "str | int | bytes | tuple[str, ...]"
KINDS = ("String", "ExpandString", "DWord", "QWord", "MultiString", "Binary")
"""As PowerShell's RegistryValueKind has them: REG_SZ, REG_EXPAND_SZ, REG_DWORD, REG_QWORD, REG_MULTI_SZ, REG_BINARY."""
_HIVES = {
    "HKEY_LOCAL_MACHINE": "HKLM",
    "HKEY_CURRENT_USER": "HKCU",
    "HKEY_USERS": "HKU",
    "HKEY_CLASSES_ROOT": "HKCR",
}
_PROVIDERS = ("microsoft.powershell.core\\registry::", "registry::")
_CURRENT = "CurrentControlSet"
_CURRENT_IS = "ControlSet001"
_SYSTEM = "hklm\\system\\"


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a key; the key's default value has the empty name."""

    name: str
    data: Data
    kind: str = "String"


@dataclass(slots=True)
class Key:
    """A key: its canonical path as it was first written, its values by lower-case name."""

    path: str
    values: dict[str, Value] = field(default_factory=dict)


def spelled(path: str) -> str:
    """Return a key's path as ``HKLM\\SOFTWARE\\…``: short hive, no colon, else as written.

    Takes what PowerShell, reg.exe and people write: ``HKLM:\\…``, ``HKEY_LOCAL_MACHINE\\…``, ``Registry::HKEY_…\\…``.
    """
    for prefix in _PROVIDERS:
        if path.lower().startswith(prefix):
            path = path[len(prefix) :]
    parts = [part for part in path.replace("/", "\\").split("\\") if part]
    if not parts:
        return ""
    hive = parts[0].rstrip(":").upper()
    parts[0] = _HIVES.get(hive, hive)
    return "\\".join(parts)


def canonical(path: str) -> str:
    """Return a key's path as ``spelled`` does, with the name of the control set that the current one is a link to."""
    parts = spelled(path).split("\\")
    if [part.lower() for part in parts[1:3]] == ["system", _CURRENT.lower()]:
        parts[2] = _CURRENT_IS
    return "\\".join(parts)


def parent(path: str) -> str:
    """Return the canonical path of the key above; the empty text above a hive."""
    return path.rpartition("\\")[0]


class Registry:
    """Keys and values. Paths may be written in any way that ``canonical`` takes."""

    def __init__(self, shared: Mapping[str, Key] | None = None) -> None:
        self._shared: Mapping[str, Key] = shared or {}
        self._own: dict[str, Key | None] = {}

    def as_shared(self) -> Mapping[str, Key]:
        """Return every key by its lower-case path, to be the ``shared`` part of others; don't change it afterwards."""
        return {key: found for key in self._all() if (found := self._key(key)) is not None}

    # --- reading ---
    def exists(self, path: str) -> bool:
        """Return whether there is such a key."""
        return self._key(canonical(path).lower()) is not None

    def get(self, path: str, name: str) -> Value | None:
        """Return a value, or None where the key or the value isn't there."""
        key = self._key(canonical(path).lower())
        return key.values.get(name.lower()) if key else None

    def data(self, path: str, name: str, default: Data | None = None) -> Data | None:
        """Return the data of a value, or the default."""
        found = self.get(path, name)
        return default if found is None else found.data

    def values(self, path: str) -> list[Value]:
        """Return the values of a key, in the order they were made; none where there is no such key."""
        key = self._key(canonical(path).lower())
        return list(key.values.values()) if key else []

    def keys(self, path: str) -> list[str]:
        """Return the names of the keys below one, sorted, as they were written."""
        below = canonical(path).lower() + "\\"
        found = [self._key(key) for key in self._all() if key.startswith(below) and "\\" not in key[len(below) :]]
        names = [key.path.rpartition("\\")[2] for key in found if key]
        if below == _SYSTEM and _CURRENT_IS in names:
            names.append(_CURRENT)
        return sorted(names, key=str.lower)

    def written(self, path: str) -> str:
        """Return the path of a key as it was first written; what was given where there is no such key.

        A path through the link to the current control set stays one.
        """
        key = self._key(canonical(path).lower())
        if key is None:
            return spelled(path)
        linked = spelled(path).split("\\")[1:3]
        if [part.lower() for part in linked] == ["system", _CURRENT.lower()]:
            return key.path.replace(f"\\{_CURRENT_IS}", f"\\{_CURRENT}", 1)
        return key.path

    def changes(self) -> dict[str, dict[str, Data] | None]:
        """Return what differs from the shared keys, by path: the values of a key, None for a removed one."""
        found: dict[str, dict[str, Data] | None] = {}
        for path, key in list(self._own.items()):
            shared = self._shared.get(path)
            if key is not None and (shared is None or key.values != shared.values):
                found[key.path] = {value.name: value.data for value in key.values.values()}
            elif key is None and shared is not None:
                found[shared.path] = None
        return found

    # --- changing ---
    def create(self, path: str) -> None:
        """Make a key and those above it."""
        self._change(canonical(path))

    def set(self, path: str, name: str, data: Data | Sequence[str], kind: str | None = None) -> None:
        """Set a value; the key is made. The kind follows from the data unless given: text, number, list, bytes."""
        plain: Data = data if isinstance(data, str | int | bytes) else tuple(data)
        value = Value(name, plain, kind or _kind(plain))
        if value.kind not in KINDS:
            raise ValueError(f"{value.kind!r} is no kind of registry value: {', '.join(KINDS)}")
        self._change(canonical(path)).values[name.lower()] = value

    def delete_value(self, path: str, name: str) -> bool:
        """Remove a value; return whether it was there."""
        if self.get(path, name) is None:
            return False
        del self._change(canonical(path)).values[name.lower()]
        return True

    def delete_key(self, path: str) -> bool:
        """Remove a key with everything below; return whether it was there."""
        top = canonical(path).lower()
        if self._key(top) is None:
            return False
        for key in [key for key in self._all() if key == top or key.startswith(top + "\\")]:
            self._own[key] = None
        return True

    # --- inside ---
    def _all(self) -> Iterator[str]:
        yield from list(self._own)
        yield from (key for key in self._shared if key not in self._own)

    def _key(self, key: str) -> Key | None:
        return self._own[key] if key in self._own else self._shared.get(key)

    def _change(self, path: str) -> Key:
        """Return this machine's own copy of a key, made where it isn't there."""
        key = path.lower()
        own = self._own.get(key)
        if own is not None:
            return own
        known = self._key(key)
        if known is None and parent(path):
            self._change(parent(path))
        made = Key(known.path, dict(known.values)) if known else Key(self._spelled(path))
        self._own[key] = made
        return made

    def _spelled(self, path: str) -> str:
        above = self._key(parent(path).lower())
        return f"{above.path}\\{path.rpartition(chr(92))[2]}" if above else path


def _kind(data: Data) -> str:
    if isinstance(data, int):
        return "DWord" if 0 <= data < 2**32 else "QWord"
    if isinstance(data, bytes):
        return "Binary"
    return "String" if isinstance(data, str) else "MultiString"
