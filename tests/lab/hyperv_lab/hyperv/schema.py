# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading sections of a fleet file strictly: every mistake is one line that names the place and the value."""

from __future__ import annotations

from typing import Any

_NOTHING: Any = object()


class FleetError(Exception):
    """A fleet file that says something impossible; the text is one line."""


class Section:
    """A mapping of the file with its place. Keys are taken one by one; ``close`` refuses those that nobody knows."""

    def __init__(self, values: Any, where: str) -> None:
        if values is None:
            values = {}
        if not isinstance(values, dict):
            raise FleetError(f"{where}: must be a mapping, not {values!r}")
        self.values: dict[str, Any] = values
        self.where = where
        self._known: list[str] = []

    def has(self, key: str) -> bool:
        """Return whether the key is given."""
        return self.values.get(key) is not None

    def _take(self, key: str, default: Any, kind: str, *types: type) -> Any:
        self._known.append(key)
        value = self.values.get(key)
        if value is None:
            if default is _NOTHING:
                raise FleetError(f"{self.where}: {key} is missing")
            return default
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise FleetError(f"{self.where}.{key}: must be {kind}, not {value!r}")
        return value

    def text(self, key: str, default: Any = _NOTHING) -> Any:
        """Return a text; numbers that YAML made of one become text again."""
        value = self._take(key, default, "a text", str, int, float)
        return value if value is default else str(value)

    def number(self, key: str, default: Any = _NOTHING, least: float = 0) -> Any:
        """Return a number, not below ``least``."""
        value = self._take(key, default, "a number", int, float)
        if value is not default and value < least:
            raise FleetError(f"{self.where}.{key}: {value} is below {least}")
        return value

    def whole(self, key: str, default: Any = _NOTHING, least: int = 0) -> Any:
        """Return a whole number, not below ``least``."""
        value = self._take(key, default, "a whole number", int)
        if value is not default and value < least:
            raise FleetError(f"{self.where}.{key}: {value} is below {least}")
        return value

    def flag(self, key: str, default: bool = False) -> bool:
        """Return true or false."""
        return bool(self._take(key, default, "true or false", bool))

    def choice(self, key: str, known: Any, default: Any = _NOTHING) -> Any:
        """Return one of the known values, compared without case, in its known spelling."""
        value = self.text(key, default)
        if value is default:
            return value
        for name in known:
            if str(name).lower() == value.lower():
                return name
        raise FleetError(f"{self.where}.{key}: {value!r} is none of {', '.join(map(str, known))}")

    def texts(self, key: str, default: tuple[str, ...] = ()) -> list[str]:
        """Return a list of texts."""
        value = self._take(key, list(default), "a list", list)
        for item in value:
            if not isinstance(item, str | int | float):
                raise FleetError(f"{self.where}.{key}: {item!r} must be a text")
        return [str(item) for item in value]

    def section(self, key: str) -> Section:
        """Return a mapping, empty where not given."""
        return Section(self._take(key, {}, "a mapping", dict), f"{self.where}.{key}".lstrip("."))

    def sections(self, key: str) -> list[Section]:
        """Return a list of mappings."""
        value = self._take(key, [], "a list", list)
        place = f"{self.where}.{key}".lstrip(".")
        return [Section(item, f"{place}[{number}]") for number, item in enumerate(value)]

    def mapping(self, key: str) -> dict[str, Any]:
        """Return a mapping whose keys are names, unchecked."""
        return dict(self._take(key, {}, "a mapping", dict))

    def any(self, key: str, default: Any = None) -> Any:
        """Return whatever is there."""
        self._known.append(key)
        value = self.values.get(key)
        return default if value is None else value

    def close(self) -> None:
        """Refuse keys that nobody asked for."""
        for key in self.values:
            if key not in self._known:
                known = ", ".join(sorted(set(self._known)))
                raise FleetError(f"{self.where or 'fleet'}: unknown key {key!r} (known: {known})")


def merged(*layers: dict[str, Any]) -> dict[str, Any]:
    """Return mappings laid over each other: later ones win, mappings in them are merged, lists replaced."""
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            if isinstance(value, dict) and isinstance(result.get(key), dict):
                result[key] = merged(result[key], value)
            else:
                result[key] = value
    return result
