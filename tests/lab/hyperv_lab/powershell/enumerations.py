# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enumerations by name: their real numbers where they are known, else numbers in the order of the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from operator import or_

from . import contract
from .values import EnumValue


def short_name(type_name: str) -> str:
    """Return a type's name without namespace and outer class, and without the CIM class behind a #."""
    return type_name.partition("#")[0].rpartition(".")[2].rpartition("+")[2]


class Enumeration:
    """An enumeration: full type name, names with numbers, and whether values combine."""

    def __init__(self, type_name: str, numbers: Mapping[str, int], *, flags: bool = False) -> None:
        self.type_name = type_name
        self.flags = flags
        self.members = {name: EnumValue(type_name, name, number) for name, number in numbers.items()}
        self._by_name = {name.lower(): value for name, value in self.members.items()}
        self._by_number: dict[int, EnumValue] = {}
        for value in self.members.values():
            self._by_number.setdefault(value.number, value)
        self._all = reduce(or_, self._by_number, 0)

    def of_number(self, number: int) -> EnumValue | None:
        """Return the value of this number, or None for one that isn't defined."""
        found = self._by_number.get(number)
        if found or not self.flags or number < 0 or number & ~self._all:
            return found
        names = [each.name for bit, each in sorted(self._by_number.items()) if bit and number & bit == bit]
        return EnumValue(self.type_name, ", ".join(names), number)

    def of_text(self, text: str) -> EnumValue | None:
        """Return the value that a text means: a name, a number, a comma list or-ed, or the beginning of one name."""
        number = self._number(text.strip())
        if number is None:
            parts = [self._by_name.get(part.strip().lower()) for part in text.split(",")]
            known = [part.number for part in parts if part is not None]
            number = reduce(or_, known) if len(known) == len(parts) else None
        if number is None:
            beginning = [each for name, each in self._by_name.items() if name.startswith(text.lower())]
            return beginning[0] if len(beginning) == 1 else None
        exact = self._by_name.get(text.strip().lower())
        return exact or self.of_number(number)

    @staticmethod
    def _number(text: str) -> int | None:
        digits = text[1:] if text[:1] in ("+", "-") else text
        return int(text) if digits.isascii() and digits.isdigit() else None


class Enumerations:
    """The enumerations that a simulated machine knows: those registered, and those of the contract."""

    def __init__(self, contract_names: Callable[[], Mapping[str, tuple[str, ...]]] = contract.enumerations) -> None:
        self._registered: dict[str, Enumeration] = {}
        self._found: dict[str, Enumeration] = {}
        self._contract_names = contract_names

    def register(self, type_name: str, numbers: Mapping[str, int], *, flags: bool = False) -> None:
        """Give an enumeration its real numbers. Names that only the contract has get numbers behind them."""
        self._registered[short_name(type_name)] = Enumeration(type_name, numbers, flags=flags)
        self._found.pop(short_name(type_name), None)

    def find(self, name: str, values: tuple[str, ...] | None = None) -> Enumeration | None:
        """Return the enumeration of this short type name, or None. ``values`` name one that nobody else knows."""
        found = self._found.get(name)
        if found is None:
            names = self._contract_names().get(name, values)
            found = self._merge(name, names)
            if found is not None:
                self._found[name] = found
        return found

    def _merge(self, name: str, names: tuple[str, ...] | None) -> Enumeration | None:
        known = self._registered.get(name)
        if known is None:
            return Enumeration(name, {each: number for number, each in enumerate(names)}) if names else None
        have = {each.lower() for each in known.members}
        missing = [each for each in names or () if each.lower() not in have]
        if not missing:
            return known
        first = max((each.number for each in known.members.values()), default=-1) + 1
        numbers = {each.name: each.number for each in known.members.values()}
        numbers.update({each: number for number, each in enumerate(missing, first)})
        return Enumeration(known.type_name, numbers, flags=known.flags)
