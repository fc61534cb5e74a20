# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One command of a pipeline while it runs: binding, common parameters, where its output and errors go."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .binder import BindingFailed, ObjectNotBound, Prepared, prepare
from .commands import Cmdlet, ErrorRecord, Terminating
from .table import Entry
from .texts import text_of

if TYPE_CHECKING:
    from .runspace import State

BINDING = (
    "System.Management.Automation.ParameterBindingException",
    "System.Management.Automation.RuntimeException",
    "System.SystemException",
    "System.Exception",
    "System.Object",
)
VALIDATION = ("System.Management.Automation.ParameterBindingValidationException", *BINDING)
TRANSFORMATION = ("System.Management.Automation.ParameterBindingArgumentTransformationException", *BINDING)
STOPPING = "stop"
SILENT = frozenset({"silentlycontinue", "ignore"})


class PipelineStopped(Exception):
    """The client stopped the invocation."""


class Ended(Exception):
    """An error ends the statement: it was terminating, or it met -ErrorAction Stop."""

    def __init__(self, record: ErrorRecord, activity: str, *, by_action: bool = False) -> None:
        super().__init__(record.message)
        self.record = record
        self.activity = activity
        self.by_action = by_action
        """The error itself was non-terminating; -ErrorAction Stop or the preference made it end."""


def binding_record(entry: Entry, error_id: str, category: str, message: str, target: Any = None) -> ErrorRecord:
    """Return the record of a refused binding."""
    exception: tuple[str, ...] = BINDING
    if error_id.startswith("ParameterArgumentValidation"):
        exception = VALIDATION
    elif error_id == "ParameterArgumentTransformationError":
        exception = TRANSFORMATION
    return ErrorRecord(
        error_id=error_id,
        category=category,
        message=message,
        exception=exception,
        class_name=entry.class_name,
        target=target,
    )


class RunningCommand:
    """The engine's side of one command (commands.Call)."""

    def __init__(
        self, entry: Entry, arguments: list[tuple[str | None, Any]], state: State, *, input_ahead: bool
    ) -> None:
        self.entry = entry
        self.command = entry.name
        self.session = state
        self.stopping: threading.Event = state.stopping
        self.bound: dict[str, Any] = {}
        self.parameter_set = ""
        self.downstream: Callable[[Any], None] = lambda _value: None
        self._arguments = arguments
        self._input_ahead = input_ahead
        self._prepared: Prepared | None = None
        self._cmdlet: Cmdlet | None = None
        self._common: dict[str, Any] = {}
        self.lost_scope = entry.inner is not None
        """Behind a proxy function variables are set in that function's own scope and lost, unless Scope is Global."""

    # --- the engine's calls ---
    def begin(self) -> None:
        """Bind the command line and start the cmdlet."""
        try:
            self._prepared = prepare(self.entry.signature, self._arguments, input_ahead=self._input_ahead)
        except BindingFailed as failed:
            message = self.session.text("binding", command=self.command, error=failed.error_id, name=failed.parameter)
            raise Ended(binding_record(self.entry, failed.error_id, failed.category, message), self.command) from None
        self._take(self._prepared.bound())
        self._refuse_variables()
        if self.entry.cmdlet is None:
            raise Ended(self._not_simulated(), self.command)
        self._cmdlet = self.entry.cmdlet(self)  # type: ignore[arg-type] # State offers more than SessionState asks
        self._clear_variables()
        self._guarded(self._cmdlet.begin)

    def process(self, value: Any = None, *, has_input: bool = False) -> None:
        """Run for one input object, or once without input."""
        if self.stopping.is_set():
            raise PipelineStopped
        assert self._prepared is not None
        assert self._cmdlet is not None
        if has_input:
            try:
                self._take(self._prepared.bind_object(value))
            except ObjectNotBound as refused:
                message = self.session.text("input", command=self.command, error=refused.error_id)
                self.error(binding_record(self.entry, refused.error_id, refused.category, message, value))
                return
        self._guarded(self._cmdlet.process)

    def end(self) -> None:
        """Run after the last input object."""
        assert self._cmdlet is not None
        self._guarded(self._cmdlet.end)
        self._close_variables()

    # --- the cmdlet's calls ---
    def write(self, value: Any) -> None:
        """Pass an object on."""
        if self.stopping.is_set():
            raise PipelineStopped
        out = self._common.get("outvariable")
        if out:
            self.session.append(out, value)
        self.downstream(value)

    def error(self, record: ErrorRecord) -> None:
        """Write a non-terminating error as the error action says."""
        record = self._named(record)
        action = self._action("erroraction", "erroractionpreference")
        if action != "ignore" and self._common.get("errorvariable"):
            self.session.append(self._common["errorvariable"], record)
        if action == STOPPING:
            raise Ended(record, self.command, by_action=True)
        if action not in SILENT:
            self.session.sink.error(record, self.command)

    def warn(self, text: str) -> None:
        """Write a warning as the warning action says."""
        action = self._action("warningaction", "warningpreference")
        if action not in SILENT:
            self.session.sink.warning(text)

    def progress(
        self,
        activity: str,
        status: str,
        *,
        percent: int = -1,
        activity_id: int = 0,
        seconds: int = -1,
        operation: str = "",
        parent: int = -1,
        completed: bool = False,
    ) -> None:
        """Write a progress record unless the preference forbids it."""
        if self.stopping.is_set():
            raise PipelineStopped
        if self.session.preference("progresspreference") in SILENT:
            return
        self.session.sink.progress(
            {
                "activity": activity,
                "id": activity_id,
                "parent": parent,
                "status": status,
                "operation": operation or None,
                "percent": percent,
                "seconds": seconds,
                "completed": completed,
            }
        )

    def should_process(self, target: str) -> bool:
        """Return False under -WhatIf."""
        del target
        return not self._common.get("whatif")

    # --- inside ---
    def _take(self, bound: Any) -> None:
        common = {parameter.name for parameter in self.entry.signature.parameters if parameter.common}
        self.bound = {name: value for name, value in bound.parameters.items() if name not in common}
        self._common = {name.lower(): value for name, value in bound.parameters.items() if name in common}
        self.parameter_set = bound.set

    def _refuse_variables(self) -> None:
        names = ("outvariable", "errorvariable", "warningvariable", "informationvariable", "pipelinevariable")
        if self.entry.is_function and self.session.restricted and any(self._common.get(name) for name in names):
            raise Ended(self.session.data_section(), "")

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Terminating as problem:
            raise Ended(self._named(problem.record), self.command) from None

    def _named(self, record: ErrorRecord) -> ErrorRecord:
        if record.class_name is not None:
            return record
        own = "" if record.error_id == self.entry.class_name else self.entry.class_name
        return replace(record, class_name=own)

    def _action(self, parameter: str, preference: str) -> str:
        value = self._common.get(parameter)
        return str(value).lower() if value is not None else self.session.preference(preference)

    def _clear_variables(self) -> None:
        for name in ("outvariable", "errorvariable"):
            variable = self._common.get(name)
            if variable and not str(variable).startswith("+"):
                self.session.start_list(str(variable))

    def _close_variables(self) -> None:
        """Nothing to close: lists of -OutVariable are filled while objects pass."""

    def _not_simulated(self) -> ErrorRecord:
        return ErrorRecord(
            error_id="LabNotSimulated",
            category="NotImplemented",
            message=f"The lab knows {self.command} from its contract, but does not simulate it.",
            exception=("System.NotImplementedException", "System.SystemException", "System.Exception", "System.Object"),
            class_name=self.entry.class_name,
        )


class NativeCommand:
    """A native program in a pipeline: lines of its output as texts, lines of its error stream as records."""

    def __init__(self, program: Any, call: Any, state: State) -> None:
        self._program, self._name, self.session = program, call.name, state
        self._arguments = [text_of(value) for name, value in call.parameters if name is None]
        self.downstream: Callable[[Any], None] = lambda _value: None

    def begin(self) -> None:
        """Nothing is bound for a program."""

    def process(self, _value: Any = None, *, has_input: bool = False) -> None:
        """Programs of the lab read no input."""

    def end(self) -> None:
        """Run it, and keep its exit code."""
        answer = self._program(self._name, self._arguments)
        if answer is None:
            raise Ended(native_missing(self.session, self._name), "")
        code, output, errors = answer
        for line in output.splitlines():
            self.downstream(line)
        for line in errors.splitlines():
            self.session.sink.error(native_error(line, self._name), self._name)
        self.session.variables["lastexitcode"] = code


def native_missing(state: State, name: str) -> ErrorRecord:
    """Return the error of a program that is not there."""
    exception = ("System.Management.Automation.CommandNotFoundException", *BINDING[1:])
    return ErrorRecord(
        error_id="CommandNotFoundException",
        category="ObjectNotFound",
        exception=exception,
        class_name="",
        message=state.text("unknown", name=name),
        target=name,
    )


def native_error(line: str, name: str) -> ErrorRecord:
    """Return a line of a program's error stream as the engine records it."""
    return ErrorRecord(
        error_id="NativeCommandError",
        category="NotSpecified",
        message=line,
        target=line,
        exception=("System.Management.Automation.RemoteException", *BINDING[1:]),
        class_name="",
    )
