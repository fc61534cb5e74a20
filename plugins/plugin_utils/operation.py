# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape every operation has: a request in, a plan decided over facts, an outcome out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from .errors import MobilityError
    from .session.protocol import Sessions


@dataclass(frozen=True, kw_only=True)
class Diff:
    """What would change or has changed, as Ansible shows it: two plain values of the same shape."""

    before: Any
    after: Any


class Reporter(Protocol):
    """Where long work says how far it is."""

    @property
    def interactive(self) -> bool:
        """Whether a person watches on a terminal; the shorter form is used otherwise."""

    def say(self, line: str) -> None:
        """Show one line now. Called from the task's main thread only."""


def _no_variable(_host: str, _name: str) -> Any:
    return None


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a task was asked: validated plain arguments and the surroundings an operation may need."""

    arguments: Mapping[str, Any]
    host: str
    """The inventory name of the host the task runs on."""
    check_mode: bool
    sessions: Sessions
    reporter: Reporter
    inventory_hosts: tuple[str, ...] = ()
    variable: Callable[[str, str], Any] = _no_variable
    """The value of a variable (templated, plain types) of an inventory host; None where it has none."""
    run_id: str = ""
    """The same for all tasks of one run of a playbook, and another for each run; letters and digits."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an operation gives back; ``values`` become the task's documented return values."""

    changed: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)
    diff: Diff | None = None
    warnings: tuple[str, ...] = ()
    failure: MobilityError | None = None
    """A failure that still has values to report (one of several VMs failed)."""


class Plan(Protocol):
    """What ``plan()`` returns: frozen, complete, and empty when nothing is to be done."""

    @property
    def changed(self) -> bool:
        """Whether applying the plan changes anything."""

    def diff(self) -> Diff:
        """Return before and after."""


P = TypeVar("P", bound=Plan)


def carry_out(plan: P, apply: Callable[[P], Mapping[str, Any]], request: Request, values: Mapping[str, Any]) -> Outcome:
    """Apply the plan unless it is empty or the task only checks; the one place that knows check mode.

    ``values`` are returned in every case; what ``apply`` returns is laid over them.
    """
    done = {} if request.check_mode or not plan.changed else apply(plan)
    return Outcome(changed=plan.changed, values={**values, **done}, diff=plan.diff())
