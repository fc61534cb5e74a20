# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Binding one object of the pipeline: four rounds over the unbound parameters that take input."""

from __future__ import annotations

from typing import Any

from .binder_state import Refused, State
from .binder_tables import EVERY, Slot
from .conversion import ConversionRefused, ValidationRefused
from .targets import TRANSFORMATION
from .values import LiveObject, PropertyBag, PropertyFailed

_NOTHING = object()
_ROUNDS = ((True, False), (False, False), (True, True), (False, True))
"""By value or by name; with conversion or without."""
_NAMES: dict[type[LiveObject], dict[str, str]] = {}


def bind_object(state: State, value: Any) -> None:
    """Bind an object into the state; raise Refused if it doesn't bind."""
    bound = False
    if state.first:
        bound = _rounds(state, value, state.first, settle=False)
        if state.sets != state.first:
            bound |= _rounds(state, value, state.sets & ~state.first, settle=True)
    else:
        bound = _rounds(state, value, state.sets, settle=True)
    if not bound:
        raise Refused("InputObjectNotBound")
    state.settle(waiting=False, take=True)
    missing = state.missing(state.sets)
    if missing:
        raise Refused("InputObjectMissingMandatory", parameter=" ".join(slot.name for slot in missing))


def _rounds(state: State, value: Any, sets: int, *, settle: bool) -> bool:
    any_bound = False
    for by_value, coerce in _ROUNDS:
        default = sets & state.tables.default
        bound = bool(default) and _round(state, value, default, by_value=by_value, coerce=coerce)
        if not bound:
            bound = _round(state, value, sets & ~default, by_value=by_value, coerce=coerce)
        if bound:
            any_bound = True
            if settle:
                state.settle(waiting=True, take=True)
                sets = state.sets
    return any_bound


def _round(state: State, value: Any, sets: int, *, by_value: bool, coerce: bool) -> bool:
    bound = False
    for slot in state.unbound(state.tables.with_input):
        taking = slot.sets_taking(value=by_value)
        if taking == EVERY or taking & sets:
            given = value if by_value else _property(value, slot)
            if given is not _NOTHING:
                bound |= _give(state, slot, given, by_value=by_value, coerce=coerce)
    return bound


def _give(state: State, slot: Slot, value: Any, *, by_value: bool, coerce: bool) -> bool:
    try:
        return state.give(slot, value, coerce=coerce)
    except ConversionRefused as refused:
        fatal = isinstance(refused, ValidationRefused) or (not by_value and refused.error_id == TRANSFORMATION)
        if not fatal:
            return False
        raise Refused(refused.error_id, refused.category, slot.name) from None


def _property(value: Any, slot: Slot) -> Any:
    """Return the object's property of the parameter's name, or of its first alias that the object has."""
    if isinstance(value, LiveObject):
        names = _live_names(type(value))
        found = next((names[name] for name in slot.wire_names if name in names), None)
        try:
            return _NOTHING if found is None else value.ps_get(found)
        except PropertyFailed:
            return _NOTHING
    if isinstance(value, PropertyBag):
        notes = {name.lower(): note for name, note in value.notes.items()}
        return next((notes[name] for name in slot.wire_names if name in notes), _NOTHING)
    return _NOTHING


def _live_names(python: type[LiveObject]) -> dict[str, str]:
    names = _NAMES.get(python)
    if names is None:
        names = {name.lower(): name for name in python.PROPERTIES}
        for alias, name in python.ALIASES.items():
            names.setdefault(alias.lower(), name)
        _NAMES[python] = names
    return names
