# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the binder derives from a signature once: sets as bits, names, positions, who takes input.

A parameter that stands in every set with equal flags is *of all sets* and has no own set. The others make the sets;
besides theirs only the default set exists. Sets are bits of a number; EVERY stands for all sets, named or not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from .signature import ALL_SETS, Kind, Membership, Parameter, Signature

EVERY = -1


@dataclass(frozen=True)
class Place:
    """A parameter's flags in one set (a bit) or in all (EVERY)."""

    sets: int
    flags: Membership


class Slot:
    """A parameter as the binder works with it."""

    def __init__(self, parameter: Parameter, places: list[Place], kind: Kind) -> None:
        self.parameter = parameter
        self.name = parameter.name
        self.places = tuple(places)
        self.of_all = places[0].sets == EVERY
        self.sets = EVERY if self.of_all else sum(place.sets for place in places)
        self.kind: Kind = "compiled" if parameter.common else kind
        self.mandatory = any(place.flags.mandatory for place in places)
        self.by_value = any(place.flags.by_value for place in places)
        self.by_name = any(place.flags.by_name for place in places)
        self.takes_input = self.by_value or self.by_name
        self._value_sets = self._taking(value=True)
        self._name_sets = self._taking(value=False)
        self.wire_names = (parameter.name.lower(), *(alias.lower() for alias in parameter.aliases))

    def sets_taking(self, *, value: bool) -> int:
        """Return the sets in which the parameter takes input by value, or by name."""
        return self._value_sets if value else self._name_sets

    def takes_input_in(self, sets: int) -> bool:
        """Return whether the parameter takes input in one of the sets, or in all."""
        return self.of_all or bool((self._value_sets | self._name_sets) & sets)

    def _taking(self, *, value: bool) -> int:
        found = 0
        for place in self.places:
            if place.flags.by_value if value else place.flags.by_name:
                found |= place.sets
        return found


def bits(sets: int) -> list[int]:
    """Return the single bits of a number that isn't negative."""
    return [1 << number for number in range(sets.bit_length()) if sets >> number & 1]


class Tables:
    """What is derived from one signature."""

    def __init__(self, signature: Signature) -> None:
        self.name = signature.name
        self.kind: Kind = signature.kind
        self._fallback = signature.default or ALL_SETS
        places = _places(signature)
        used = dict.fromkeys(name for each in places.values() if each for name in each)
        if signature.default is not None and signature.default != ALL_SETS:
            used.setdefault(signature.default)
        self.set_names = [name for name in signature.sets if name in used]
        self.bit = {name: 1 << number for number, name in enumerate(self.set_names)}
        self.every = (1 << len(self.set_names)) - 1
        self.default = self.bit.get(signature.default or "", 0)
        self.slots = [self._slot(each, places[each.name]) for each in signature.parameters]
        if signature.kind == "function":
            self.slots = _numbered(self.slots, self.every)
        self.with_input = [slot for slot in self.slots if slot.takes_input]
        self.mandatory = [slot for slot in self.slots if slot.mandatory]
        self.positions = _positions(self.slots)
        self.by_name = _by_name(self.slots)

    def _slot(self, parameter: Parameter, own: dict[str, Membership] | None) -> Slot:
        if own is None:
            flags = next(iter(parameter.sets.values()), Membership())
            return Slot(parameter, [Place(EVERY, flags)], self.kind)
        places = [Place(self.bit[name], flags) for name, flags in own.items()]
        return Slot(parameter, places, self.kind)

    def set_name(self, live: int) -> str:
        """Return the name of the set that was decided on."""
        for name, bit in self.bit.items():
            if live == bit:
                return name
        return self._fallback

    def find(self, text: str) -> Slot | list[Slot]:
        """Return the parameter that a name means: exact, alias, or beginning. A list: none of them, or several."""
        wanted = text.lower()
        exact = self.by_name.get(wanted)
        if exact is not None:
            return exact
        fitting = list(dict.fromkeys(slot for name, slot in self.by_name.items() if name.startswith(wanted)))
        own = [slot for slot in fitting if not slot.parameter.common]
        if len(fitting) == 1 or len(own) == 1:
            return own[0] if own else fitting[0]
        return fitting


def _places(signature: Signature) -> dict[str, dict[str, Membership] | None]:
    """Give each parameter its particular sets, or None for one of all sets."""
    every = set(signature.sets)
    found: dict[str, dict[str, Membership] | None] = {}
    for each in signature.parameters:
        own = dict(each.sets)
        equal = len(set(own.values())) <= 1
        found[each.name] = None if equal and (ALL_SETS in own or not every - own.keys()) else own
    return found


def _numbered(slots: list[Slot], every: int) -> list[Slot]:
    """Number the parameters of a function that declares neither positions nor sets; switches are left out."""
    own = [slot for slot in slots if not slot.parameter.common]
    if every or any(place.flags.position is not None for slot in own for place in slot.places):
        return slots
    found: list[Slot] = []
    position = 0
    for slot in slots:
        if slot.parameter.common or slot.parameter.type == "SwitchParameter":
            found.append(slot)
            continue
        flags = slot.places[0].flags
        numbered = Membership(flags.mandatory, position, flags.by_value, flags.by_name)
        found.append(Slot(slot.parameter, [Place(EVERY, numbered)], slot.kind))
        position += 1
    return found


def _positions(slots: Iterable[Slot]) -> list[list[tuple[Slot, int]]]:
    """Return, in order of position, which parameters stand there and in which sets."""
    found: dict[int, dict[Slot, int]] = {}
    for slot in slots:
        for place in slot.places:
            if place.flags.position is not None:
                there = found.setdefault(place.flags.position, {})
                there[slot] = there.get(slot, 0) | place.sets
    return [list(found[position].items()) for position in sorted(found)]


def _by_name(slots: Iterable[Slot]) -> dict[str, Slot]:
    found = {slot.name.lower(): slot for slot in slots}
    for slot in slots:
        for alias in slot.parameter.aliases:
            found.setdefault(alias.lower(), slot)
    return found


_KEPT: WeakKeyDictionary[Signature, Tables] = WeakKeyDictionary()


def tables(signature: Signature) -> Tables:
    """Return what is derived from the signature, made at its first use and kept as long as the signature."""
    found = _KEPT.get(signature)
    if found is None:
        found = _KEPT[signature] = Tables(signature)
    return found
