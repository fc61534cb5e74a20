# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Binding the command line: named arguments, then positional ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from .binder_state import Refused, State
from .binder_tables import EVERY, Slot
from .conversion import ConversionRefused

Argument = tuple[str | None, Any]
"""Name as the caller wrote it and value; no name: positional."""


def bind_named(state: State, arguments: Sequence[Argument]) -> dict[int, Argument]:
    """Bind the named arguments in their order; return those left over, by their place in the order."""
    left: dict[int, Argument] = {}
    for number, (name, value) in enumerate(arguments):
        slot = None if name is None else _find(state, name)
        if slot is None:
            left[number] = (name, value)
        else:
            _give(state, slot, value)
    return left


def _find(state: State, name: str) -> Slot | None:
    found = state.tables.find(name)
    if isinstance(found, Slot):
        if found in state.values:
            raise Refused("ParameterAlreadyBound", parameter=found.name)
        return found
    if found:
        raise Refused("AmbiguousParameter", parameter=name)
    return None


def _give(state: State, slot: Slot, value: Any) -> None:
    try:
        state.give(slot, value)
    except ConversionRefused as refused:
        raise Refused(refused.error_id, refused.category, slot.name) from None


def bind_positions(state: State, left: dict[int, Argument]) -> Refused | None:
    """Give the unnamed arguments to the positions, taking those bound out of ``left``.

    Returns the refusal of the last position tried. For a function the first refusal is raised.
    """
    waiting = deque(number for number, (name, _) in left.items() if name is None)
    refusal: Refused | None = None
    for position in state.tables.positions:
        there = [
            (slot, sets) for slot, sets in position if slot not in state.values and (slot.of_all or sets & state.live)
        ]
        if not there:
            continue
        if not waiting:
            break
        number = waiting.popleft()
        bound, refusal = _bind_position(state, there, left[number][1])
        if bound:
            del left[number]
    return refusal


def _bind_position(state: State, there: list[tuple[Slot, int]], value: Any) -> tuple[bool, Refused | None]:
    """Try the default set and then all, first without conversion; the first try that binds anything ends it."""
    refusal: Refused | None = None
    default = state.tables.default & state.live
    for coerce in (False, True):
        for sets in (default, state.live) if default and default != state.live else (state.live,):
            refusal = None
            bound = False
            for slot in [slot for slot, own in there if own == EVERY or own & sets]:
                try:
                    bound |= state.give(slot, value, coerce=coerce)
                except ConversionRefused as refused:
                    refusal = Refused(refused.error_id, refused.category, slot.name)
                    if slot.kind == "function":
                        raise refusal from None
            if bound:
                return True, refusal
    return False, refusal


def refuse_leftover(left: dict[int, Argument], refusal: Refused | None) -> None:
    """Raise Refused for the first argument that nothing took."""
    if not left:
        return
    name, value = left[min(left)]
    if name is not None:
        raise Refused("NamedParameterNotFound", parameter=name)
    raise refusal or Refused("PositionalParameterNotFound", parameter=str(value))
