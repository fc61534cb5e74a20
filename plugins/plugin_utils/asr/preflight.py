# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks for everything that would make the Mobility service's installation fail, and cures what it may.

The same for every system: read, judge, plan the cures that are allowed, carry them out, read and judge again. What a
machine is asked and how it is cured stands in its ``Patient``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..errors import ConnectionLost, MobilityError, TimedOut
from ..findings import Severity
from ..operation import Diff, Outcome, carry_out
from .catalogue import AsrFinding, Cure
from .linux.patient import LinuxPatient
from .preflight_options import Asked, parse
from .windows.patient import WindowsPatient

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..operation import Request
    from .patient import CureStep, Patient, Wanted


@dataclass(frozen=True, kw_only=True)
class CurePlan:
    """The steps to be taken, in their order."""

    steps: tuple[CureStep, ...]

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.steps)

    def diff(self) -> Diff:
        """Return the settings before and after."""
        return Diff(
            before={step.subject: step.before for step in self.steps},
            after={step.subject: step.after for step in self.steps},
        )


@dataclass
class Progress:
    """What became of the steps: those begun, those done, and what was in the way of others by the id of their error."""

    begun: list[CureStep] = field(default_factory=list)
    """Those done, and those whose end nobody saw: the link was lost, or a time limit passed."""
    done: list[CureStep] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)


def operate(request: Request, *, patient: Patient[Any] | None = None) -> Outcome:
    """Return the findings, what was cured and what stays; a machine with findings is no failure.

    Raises InvalidRequest before anything is sent. Where the link is lost during the cures, or while the machine is read
    again, the outcome has the failure, and ``undo`` with every weakening that was begun.
    """
    asked = parse(request.arguments)
    machine = patient or patient_of(request, asked.wanted)
    if asked.undo:
        return _undo(request, machine, asked)
    evidence = machine.read()
    found = tuple(machine.judge(evidence, asked.wanted))
    steps = tuple(machine.plan(evidence, curable(found, asked), asked.ids_of(found)))
    predicted = _predicted(found, steps, asked)
    values = {**summary(found, predicted), "facts": dict(machine.facts(evidence)), "undo": _undoable(steps, found)}
    progress = Progress()
    cures = CurePlan(steps=steps)
    try:
        outcome = carry_out(cures, lambda plan: _carry(machine, plan, found, asked, progress), request, values)
    except MobilityError as lost:
        undo = _undoable(progress.begun, found)
        changed = lost.changed or bool(progress.done)
        return Outcome(changed=changed, values={**values, **summary(found, frozenset()), "undo": undo}, failure=lost)
    if request.check_mode:
        return outcome
    warnings = tuple(f"{error_id}: the cure failed: {text}" for error_id, text in progress.problems.items())
    return replace(outcome, changed=bool(progress.begun), warnings=warnings)


def patient_of(request: Request, wanted: Wanted) -> Patient[Any]:
    """Return the machine behind the task's connection."""
    if request.sessions.kind == "windows":
        return WindowsPatient(request.sessions, wanted)
    return LinuxPatient(request.sessions, wanted)


def curable(found: Sequence[AsrFinding], asked: Asked) -> tuple[AsrFinding, ...]:
    """Return the findings that may be cured: safe ones by ``safe`` or by id, weakening ones by id alone."""
    return tuple(item for item in found if asked.allows(item))


def summary(found: Sequence[AsrFinding], cured: frozenset[tuple[str, str]], **notes: str) -> dict[str, Any]:
    """Return the documented values: findings with ``cured``, ids that were cured, ids that stay, ``blocked``."""
    left = [item for item in found if _key(item) not in cured]
    return {
        "findings": [_described(item, cured=_key(item) in cured, notes=notes) for item in found],
        "cured": sorted({item.id for item in found} - {item.id for item in left}),
        "manual": sorted({item.id for item in left}),
        "blocked": any(item.severity is Severity.BLOCKING for item in left),
    }


def _described(item: AsrFinding, *, cured: bool, notes: Mapping[str, str]) -> dict[str, Any]:
    described = {**item.as_plain(), "cured": cured}
    return {**described, "cure_problem": notes[item.id]} if item.id in notes and not cured else described


def _predicted(found: Sequence[AsrFinding], steps: Sequence[CureStep], asked: Asked) -> frozenset[tuple[str, str]]:
    planned = {step.id for step in steps}
    return frozenset(_key(item) for item in curable(found, asked) if item.id in planned)


def _carry(
    machine: Patient[Any], plan: CurePlan, found: Sequence[AsrFinding], asked: Asked, progress: Progress
) -> dict[str, Any]:
    """Take the steps, then look again: cured is what isn't found any more, not what ended well."""
    for step in plan.steps:
        if step.id in progress.problems:
            continue  # the steps of one error build on each other
        progress.begun.append(step)
        try:
            machine.cure(step)
        except ConnectionLost:
            raise
        except MobilityError as problem:
            if not isinstance(problem, TimedOut):  # what was sent may still be running
                progress.begun.remove(step)
            progress.problems[step.id] = problem.msg
        else:
            progress.done.append(step)
    evidence = machine.read()
    left = tuple(machine.judge(evidence, asked.wanted))
    cured = frozenset(_key(item) for item in found) - frozenset(_key(item) for item in left)
    known = frozenset(_key(item) for item in found)
    everything = (*found, *(item for item in left if _key(item) not in known))
    notes = {step.id: "the cure was carried out, and the finding is still there" for step in progress.done}
    return {
        **summary(everything, cured, **{**notes, **progress.problems}),
        "facts": dict(machine.facts(evidence)),
        "undo": _undoable(progress.begun, found),
    }


def _undo(request: Request, machine: Patient[Any], asked: Asked) -> Outcome:
    """Take back what an earlier run weakened; nothing is judged."""
    evidence = machine.read()
    plan = CurePlan(steps=tuple(machine.reverse(evidence, asked.undo)))

    def apply(due: CurePlan) -> dict[str, Any]:
        done = False
        for step in due.steps:
            try:
                machine.cure(step)
            except MobilityError as problem:
                problem.changed = problem.changed or done
                raise
            done = True
        return {}

    values = {"findings": [], "cured": [], "manual": [], "blocked": False, "undo": []}
    return carry_out(plan, apply, request, {**values, "facts": dict(machine.facts(evidence))})


def _undoable(steps: Sequence[CureStep], found: Sequence[AsrFinding]) -> list[dict[str, Any]]:
    weakening = {item.id for item in found if item.cure is Cure.WEAKENING}
    return [step.as_plain() for step in steps if step.id in weakening]


def _key(item: AsrFinding) -> tuple[str, str]:
    return item.id, item.subject
