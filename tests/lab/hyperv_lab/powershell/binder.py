# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the engine binds parameters: the rules of the published recordings as an algorithm.

>>> prepared = prepare(signature, [("Name", "web")], input_ahead=False)
>>> prepared.bound().set
'Name'

With input ahead the whole command line is bound first, and ``bind_object`` binds each object on top of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from . import binder_arguments, binder_mandatory, binder_pipeline
from .binder_arguments import Argument
from .binder_state import BindingFailed, ObjectNotBound, Refused, State
from .binder_tables import tables
from .providers import with_provider
from .signature import Signature
from .types import TYPES, Types

__all__ = ["Argument", "BindingFailed", "Bound", "ObjectNotBound", "Prepared", "prepare"]


@dataclass(frozen=True)
class Bound:
    """What a cmdlet gets: parameters by documented spelling with converted values, and the parameter set's name."""

    parameters: dict[str, Any]
    set: str


class Prepared:
    """A command line that is bound as far as it can be without input."""

    def __init__(self, state: State, *, input_ahead: bool) -> None:
        self._state = state
        self.input_ahead = input_ahead

    def bound(self) -> Bound:
        """Return what the command line alone binds: all there is without input, what ``begin`` sees with it."""
        return _result(self._state)

    def bind_object(self, value: Any) -> Bound:
        """Return what the command line and this object bind; raise ObjectNotBound, and others may still bind."""
        state = self._state.copy()
        try:
            binder_pipeline.bind_object(state, value)
        except Refused as refused:
            raise ObjectNotBound(refused.error_id, refused.category, refused.parameter) from None
        return _result(state)


def prepare(
    signature: Signature, arguments: Sequence[Argument], input_ahead: bool = False, types: Types = TYPES
) -> Prepared:
    """Bind a command line: (name, value) pairs in the caller's order, name None for a positional argument.

    Raises BindingFailed with error id, category and parameter where the engine ends the invocation.
    """
    state = State(tables(with_provider(signature, arguments)), types)
    try:
        _bind_line(state, arguments)
        _settle_line(state, input_ahead=input_ahead)
    except Refused as refused:
        raise BindingFailed(refused.error_id, refused.category, refused.parameter) from None
    return Prepared(state, input_ahead=input_ahead)


def _bind_line(state: State, arguments: Sequence[Argument]) -> None:
    left = binder_arguments.bind_named(state, arguments)
    refusal = binder_arguments.bind_positions(state, left)
    state.settle(waiting=True, take=False)
    binder_arguments.refuse_leftover(left, refusal)


def _settle_line(state: State, *, input_ahead: bool) -> None:
    state.settle(waiting=input_ahead, take=not input_ahead)
    if not input_ahead:
        binder_mandatory.refuse_missing(state.missing(state.sets))
        return
    if state.sets & (state.sets - 1) and state.drop_sets_without_input():
        state.settle(waiting=True, take=False)
    binder_mandatory.check_before_input(state)


def _result(state: State) -> Bound:
    return Bound({slot.name: value for slot, value in state.values.items()}, state.tables.set_name(state.live))
