# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of every action: arguments in, one operation, a plain result out. Actions name a spec and an operation."""

from __future__ import annotations

import gc
import hashlib
import platform
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, final

from ansible import constants
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ..errors import ConnectionLost, InvalidRequest, MobilityError, TimedOut
from ..operation import Diff, Outcome, Plan, Request, carry_out
from .masking import Masker, announce
from .options import Spec, for_validator, secrets_of, too_small
from .plain import arguments_in, result_out
from .reporting import DisplayReporter
from .sessions import TaskSessions

__all__ = ["Diff", "HostAction", "Outcome", "Plan", "Request", "carry_out"]


class HostAction(ActionBase):  # type: ignore[misc] # ansible has no types
    """An action of this collection. Subclasses give ``SPEC`` (and ``RULES`` between options) and ``operate``."""

    SPEC: ClassVar[Spec] = {}
    RULES: ClassVar[Mapping[str, Any]] = {}
    """mutually_exclusive, required_one_of, required_together, required_if, required_by: as in an argument spec."""

    _supports_check_mode = True
    _supports_async = False
    TRANSFERS_FILES = False

    @abstractmethod
    def operate(self, request: Request) -> Outcome:
        """Do what the task asks; MobilityError becomes a failed task, anything else is a bug and flies."""

    @final
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the task: validated plain arguments in; a plain, masked result out; sessions closed whatever happens."""
        # A worker is forked for the task: what it shares with its parent lives on, so the collector need not walk it.
        gc.freeze()
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            given = arguments_in(self._task.args)
        except InvalidRequest as refused:
            return {**result, **failure_of(refused, changed=False)}
        secrets = secrets_of(self.SPEC, given)
        announce(secrets)
        masker = Masker(secrets)
        sessions = TaskSessions(self, task_vars or {})
        try:
            outcome = self._outcome(given, sessions, masker, task_vars or {})
        finally:
            sessions.close()
        for warning in outcome.warnings:
            self._display.warning(masker.text(warning))
        result.update(masker.value(result_out(_as_result(outcome, diff=bool(self._task.diff)))))
        return result

    def _outcome(
        self, given: dict[str, Any], sessions: TaskSessions, masker: Masker, task_vars: Mapping[str, Any]
    ) -> Outcome:
        try:
            request = Request(
                arguments=self._validated(given),
                host=sessions.host,
                check_mode=bool(self._task.check_mode),
                sessions=sessions,
                reporter=DisplayReporter(sessions.host, masker),
                inventory_hosts=tuple(str(host) for host in task_vars.get("hostvars", ())),
                variable=lambda host, name: self._variable(host, name, task_vars),
                run_id=_run_id(),
            )
            warning = sessions.become_warning()
            if warning is not None:
                self._display.warning(warning)
            return self.operate(request)
        except (ConnectionLost, TimedOut) as lost:
            return Outcome(changed=lost.changed or sessions.may_have_changed, failure=lost)
        except MobilityError as error:
            return Outcome(changed=error.changed, failure=error)

    def _variable(self, host: str, name: str, task_vars: Mapping[str, Any]) -> Any:
        """Return a host's variable as plain types: that of this very task where it is the task's own host."""
        if host == task_vars.get("inventory_hostname"):
            value = self._templar.template(task_vars.get(name))
        else:
            others = task_vars.get("hostvars") or {}
            value = others[host].get(name) if host in others else None
        return arguments_in({name: value})[name]

    def _validated(self, given: dict[str, Any]) -> dict[str, Any]:
        checked = ArgumentSpecValidator(for_validator(self.SPEC), **self.RULES).validate(given)
        problems = list(checked.error_messages) or too_small(self.SPEC, checked.validated_parameters)
        if problems:
            raise InvalidRequest("; ".join(problems))
        return arguments_in(checked.validated_parameters)


def run(
    plan: Callable[[Request], tuple[Any, Mapping[str, Any]]],
    apply: Callable[[Any, Request], Mapping[str, Any]],
    request: Request,
) -> Outcome:
    """Plan, then apply unless the task only checks; ``plan`` returns the plan and the values to return in any case."""
    planned, values = plan(request)
    return carry_out(planned, lambda found: apply(found, request), request, values)


def _as_result(outcome: Outcome, *, diff: bool) -> dict[str, Any]:
    found: dict[str, Any] = {**outcome.values, "changed": outcome.changed}
    if diff and outcome.diff is not None:
        found["diff"] = {"before": outcome.diff.before, "after": outcome.diff.after}
    return found if outcome.failure is None else {**found, **failure_of(outcome.failure, outcome.changed)}


def _run_id() -> str:
    """Return what all tasks of one run of a playbook have in common, and no other run: 12 digits and letters.

    Ansible makes a temporary folder anew for each run, and its workers inherit the name. It is hashed, since the Id
    ends up in notes of VMs.
    """
    return hashlib.sha256(f"{platform.node()} {constants.DEFAULT_LOCAL_TMP}".encode()).hexdigest()[:12]


def failure_of(failure: MobilityError, changed: bool) -> dict[str, Any]:
    """Return the keys of a failed task; only a link lost before anything changed makes its host unreachable.

    An unreachable host is dropped from the play and no ``rescue`` sees it, so it is kept for the case where nothing
    at all can be said about the machine and nothing was begun.
    """
    changed = changed or failure.changed
    findings = [finding.as_plain() for finding in getattr(failure, "findings", ())]
    found: dict[str, Any] = {
        "failed": True,
        "changed": changed,
        "msg": failure.msg,
        "error": {**failure.details, "kind": failure.kind},
    }
    if findings:
        found["findings"] = findings
    if isinstance(failure, ConnectionLost) and not changed and failure.details.get("unreachable"):
        del found["failed"]  # ansible-core looks at it first, and would not count the host as unreachable
        found["unreachable"] = True
    return found
