# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a binding stands: what is bound, which sets are live, and how one set is settled on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .binder_tables import EVERY, Slot, Tables, bits
from .conversion import ConversionRefused, ValidationRefused, convert, validate
from .targets import TRANSFORMATION
from .types import Types

INVALID_ARGUMENT = "InvalidArgument"
AMBIGUOUS_SET = "AmbiguousParameterSet"


class Refused(Exception):
    """The engine's answer to an invocation or an object that doesn't bind."""

    def __init__(self, error_id: str, category: str = INVALID_ARGUMENT, parameter: str = "") -> None:
        super().__init__(f"{error_id} ({category})" + (f": {parameter}" if parameter else ""))
        self.error_id = error_id
        self.category = category
        self.parameter = parameter
        """Name of the parameter or argument that it is about; several are joined by blanks; "" where none is meant."""


class BindingFailed(Refused):
    """The invocation ends with this error."""


class ObjectNotBound(Refused):
    """This object is skipped, with this error as a record."""


class State:
    """What is bound so far. ``live`` is EVERY until a parameter of particular sets is bound: the state is untouched."""

    def __init__(self, tables: Tables, types: Types) -> None:
        self.tables = tables
        self.types = types
        self.live = EVERY
        self.values: dict[Slot, Any] = {}
        self.first = 0
        """The set that gets an object before the others."""

    def copy(self) -> State:
        """Return a state that can go on without changing this one."""
        other = State(self.tables, self.types)
        other.live, other.values, other.first = self.live, dict(self.values), self.first
        return other

    @property
    def sets(self) -> int:
        """The live sets as bits of named ones."""
        return self.live & self.tables.every

    def unbound(self, slots: Iterable[Slot]) -> list[Slot]:
        """Return those of the parameters that are not bound."""
        return [slot for slot in slots if slot not in self.values]

    def give(self, slot: Slot, value: Any, *, coerce: bool = True) -> bool:
        """Bind a value, narrowing the live sets; return False if it would need a conversion that isn't wanted.

        Raises ConversionRefused, with ValidationRefused among them.
        """
        target = self.types.of(slot.parameter)
        if coerce:
            value = convert(target, value, slot.kind)
        elif value is None:
            if not target.takes_null(slot.kind):
                return False
        elif not target.holds(value):
            if target.transforms:
                raise ConversionRefused(TRANSFORMATION, "InvalidData")
            return False
        else:
            value = target.convert(value, slot.kind)
        validate(slot.parameter, value, mandatory=slot.mandatory)
        self.values[slot] = value
        self.live &= slot.sets
        return True

    def takes_input(self, sets: int) -> bool:
        """Return whether an unbound parameter of one of the sets takes input."""
        return any(slot not in self.values and slot.takes_input_in(sets) for slot in self.tables.with_input)

    def missing(self, sets: int) -> list[Slot]:
        """Return the unbound parameters that are mandatory in one of the sets or in all."""
        return [
            slot
            for slot in self.tables.mandatory
            if slot not in self.values
            and any(place.flags.mandatory and (slot.of_all or place.sets & sets) for place in slot.places)
        ]

    def settle(self, *, waiting: bool, take: bool) -> None:
        """Come down to one set where that is possible; raise Refused where it is impossible.

        ``waiting`` leaves sets open that an object may decide between; ``take`` takes the default set.
        """
        tables, sets = self.tables, self.sets
        if not tables.every:
            return
        if not sets:
            raise Refused(AMBIGUOUS_SET)
        if not sets & (sets - 1):
            self.live = sets
        elif sets & tables.default:
            untouched = self.live == EVERY
            if take and not (waiting and untouched and self.takes_input(sets)):
                self.live = tables.default
        elif not (waiting and self.takes_input(sets)):
            self._take_complete(sets)

    def _take_complete(self, sets: int) -> None:
        lacking = 0
        for slot in self.unbound(self.tables.mandatory):
            if not slot.of_all:
                lacking |= sum(place.sets for place in slot.places if place.flags.mandatory)
        complete = bits(sets & ~lacking)
        if len(complete) != 1:
            raise Refused(AMBIGUOUS_SET)
        self.live = complete[0]

    def drop_sets_without_input(self) -> bool:
        """Drop the sets that can't take the object that comes; return whether any went."""
        taking = 0
        for slot in self.unbound(self.tables.with_input):
            if slot.of_all:
                return False
            taking |= slot.sets_taking(value=True) | slot.sets_taking(value=False)
        kept = self.sets & taking
        if not kept or kept == self.sets:
            return False
        self.live = kept
        return True


__all__ = ["AMBIGUOUS_SET", "BindingFailed", "ObjectNotBound", "Refused", "State", "ValidationRefused"]
