# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mandatory check before input: what is still missing, and which set the input may complete.

A live set lacks a parameter that is mandatory in it and unbound. With input ahead a lack can be filled by value, by
name, or not at all: then it is stuck.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .binder_state import AMBIGUOUS_SET, Refused, State
from .binder_tables import EVERY, Slot, bits

MISSING = "MissingMandatoryParameter"


@dataclass
class Lack:
    """What one set lacks, or what is lacking in all sets."""

    sets: int
    by_value: bool = False
    by_name: bool = False
    stuck: list[Slot] = field(default_factory=list)

    @property
    def fillable(self) -> bool:
        """Whether input can give some of it."""
        return self.by_value or self.by_name


def refuse_missing(slots: list[Slot]) -> None:
    """Raise Refused if any parameter is missing."""
    if slots:
        raise Refused(MISSING, parameter=" ".join(slot.name for slot in slots))


def check_before_input(state: State) -> None:
    """Choose among the live sets as far as the lacks allow; raise Refused for what can't come any more."""
    lacks = _lacks(state)
    if not lacks:
        return
    of_all = lacks.pop(EVERY, None)
    stuck_of_all = of_all.stuck if of_all else []
    if not state.tables.every:
        refuse_missing(stuck_of_all)
        return
    candidates = state.sets if of_all else sum(lacks)
    if _default_goes_first(state, lacks, candidates):
        return
    if not candidates & (candidates - 1):
        refuse_missing(
            [slot for sets, lack in lacks.items() if sets & candidates for slot in lack.stuck] + stuck_of_all
        )
    elif _default_is_taken(state, lacks, candidates, stuck_of_all):
        state.live = state.tables.default
        own = lacks.get(state.tables.default)
        refuse_missing((own.stuck if own else []) + stuck_of_all)
    else:
        _choose(state, lacks, stuck_of_all)


def _lacks(state: State) -> dict[int, Lack]:
    found: dict[int, Lack] = {}
    for slot in state.unbound(state.tables.mandatory):
        for place in slot.places:
            if not place.flags.mandatory or not place.sets & state.live:
                continue
            lack = found.setdefault(place.sets, Lack(place.sets))
            if place.flags.by_value or place.flags.by_name:
                lack.by_value |= place.flags.by_value
                lack.by_name |= place.flags.by_name
            else:
                lack.stuck.append(slot)
    return found


def _default_goes_first(state: State, lacks: dict[int, Lack], candidates: int) -> bool:
    default = state.tables.default
    several = state.sets & (state.sets - 1)
    if not several or not state.sets & default & ~candidates or any(lack.fillable for lack in lacks.values()):
        return False
    state.live = state.sets & ~candidates
    if state.live != default:
        state.first = default
    return True


def _default_is_taken(state: State, lacks: dict[int, Lack], candidates: int, stuck_of_all: list[Slot]) -> bool:
    default = state.tables.default
    if not candidates & default:
        return False
    others = [lack for sets, lack in lacks.items() if sets != default]
    own = lacks.get(default)
    if own and own.by_name and not any(lack.by_name for lack in others):
        return True
    return bool(stuck_of_all) or not any(lack.fillable and not lack.stuck for lack in others)


def _choose(state: State, lacks: dict[int, Lack], stuck_of_all: list[Slot]) -> None:
    """Choose one set that input completes, if it is clear which; else leave open what may still be completed."""
    by_value = [sets for sets, lack in lacks.items() if lack.by_value]
    by_name = [sets for sets, lack in lacks.items() if lack.by_name]
    chosen = _only(by_value, by_name)
    stuck = [sets for sets, lack in lacks.items() if lack.stuck]
    if not chosen and (stuck or stuck_of_all) and len(by_value) == 1:
        chosen = by_value[0]
    if chosen:
        refuse_missing(lacks[chosen].stuck + stuck_of_all)
        state.live = state.sets & ~(sum(lacks) & ~chosen)
        if state.live != chosen:
            state.first = chosen
    elif stuck or stuck_of_all:
        if len(by_value) < 2 and len(by_name) < 2:
            raise Refused(AMBIGUOUS_SET)
        if stuck:
            state.live = state.sets & ~sum(stuck)
        if not state.sets:
            raise Refused(AMBIGUOUS_SET)


def _only(by_value: list[int], by_name: list[int]) -> int:
    """Return the one set that input can help: by one way only, or the same set by both."""
    if by_value and by_name:
        return by_value[0] if len(by_value) == len(by_name) == 1 and by_value == by_name else 0
    either = by_value or by_name
    return either[0] if len(either) == 1 else 0


__all__ = ["MISSING", "bits", "check_before_input", "refuse_missing"]
