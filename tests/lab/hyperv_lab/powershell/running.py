# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One command of a pipeline while it runs: binding, common parameters, where its output and errors go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from . import binding_errors
from .binder import BindingFailed, Bound, ObjectNotBound, Prepared, prepare
from .commands import Cmdlet, ErrorRecord, Terminating
from .error_objects import ErrorObject, Wrapped
from .extended import Extended, ExtendedScalar, plain
from .outcomes import ACTION_STOP, BINDING, Ended, PipelineStopped, StopUpstream, engine_error
from .signature import Signature
from .table import Entry
from .values import TypedArray

if TYPE_CHECKING:
    from .state import State

__all__ = ["Ended", "PipelineStopped", "RunningCommand", "StopUpstream"]
Arguments = Sequence["tuple[str | None, Any]"]
SILENT = frozenset({"silentlycontinue", "ignore"})
VARIABLES = ("outvariable", "errorvariable", "warningvariable", "informationvariable")


@lru_cache(maxsize=8192)
def _common_names(signature: Signature) -> frozenset[str]:
    return frozenset(each.name for each in signature.parameters if each.common)


@lru_cache(maxsize=8192)
def _only_input(signature: Signature) -> str | None:
    """Return the one parameter that takes pipeline input, if it takes any object as it is; else None."""
    found = {
        each.name: each
        for each in signature.parameters
        for place in each.sets.values()
        if place.by_value or place.by_name
    }
    if len(found) != 1:
        return None
    ((name, parameter),) = found.items()
    free = parameter.type in ("PSObject", "Object") and parameter.allowed is None and parameter.pattern is None
    return name if free and not any(place.by_name for place in parameter.sets.values()) else None


class RunningCommand:
    """The engine's side of one command (commands.Call). A proxy function binds first, then the command behind it."""

    def __init__(
        self, entry: Entry, arguments: Arguments, state: State, *, input_ahead: bool, merge: bool = False
    ) -> None:
        self.entry = entry
        self.command = entry.name
        self.session = state
        self.stopping: threading.Event = state.stopping
        self.bound: dict[str, Any] = {}
        self.parameter_set = ""
        self.downstream: Callable[[Any], None] = lambda _value: None
        self.lost_scope = entry.inner is not None
        """Behind a proxy function variables are set in that function's own scope and lost, unless Scope says more."""
        self._arguments = arguments
        self._input_ahead = input_ahead
        self._merge = merge
        self._layers: list[tuple[Entry, Prepared, Arguments]] = []
        self._input: str | None = None
        self._cmdlet: Cmdlet | None = None
        self._process: Callable[[], None] = lambda: None
        self._common: dict[str, Any] = {}

    # --- the engine's calls ---
    def begin(self) -> None:
        """Bind the command line and start the cmdlet."""
        self._take(self._bind_line(self.entry, self._arguments))
        self._refuse_variables()
        if self.entry.inner is not None:
            arguments: Arguments = [*self.bound.items(), *((k, v) for k, v in self._common_given.items())]
            self._take(self._bind_line(self.entry.inner, arguments))
        if self.entry.cmdlet is None:
            raise Ended(self._not_simulated(), self.command)
        self._cmdlet = self.entry.cmdlet(self)  # type: ignore[arg-type] # State offers more than SessionState asks
        self._process = self._cmdlet.process
        self._clear_variables()
        self._guarded(self._cmdlet.begin)

    def process(self, value: Any = None, *, has_input: bool = False) -> None:
        """Run for one input object, or once without input."""
        if self.stopping.is_set():
            raise PipelineStopped
        if has_input and not self._bind_object(value):
            return
        self._guarded(self._process)

    def end(self) -> None:
        """Run after the last input object."""
        assert self._cmdlet is not None
        self._guarded(self._cmdlet.end)

    # --- the cmdlet's calls ---
    def write(self, value: Any) -> None:
        """Pass an object on."""
        if self.stopping.is_set():
            raise PipelineStopped
        if self._common:
            out = self._common.get("outvariable")
            if out:
                self.session.append(str(out), value)
        self.downstream(value)

    def error(self, record: ErrorRecord) -> None:
        """Write a non-terminating error as the error action says."""
        record = self._named(record)
        action = self._action("erroraction", "erroractionpreference")
        if action != "ignore":
            self._keep("errorvariable", ErrorObject(record, self.command, self.session.edition))
        if action == "stop":
            raise Ended(record, self.command, by_action=True)
        if action in SILENT:
            return
        if self._merge:
            self.downstream(ErrorObject(record, self.command, self.session.edition))
        else:
            self.session.sink.error(record, self.command)

    def warn(self, text: str) -> None:
        """Write a warning as the warning action says."""
        action = self._action("warningaction", "warningpreference")
        if action != "ignore":
            self._keep("warningvariable", text)
        if action not in SILENT:
            self.session.sink.warning(text)
        if action == "stop":
            raise Ended(self._stopped(text), self.command, by_action=True)

    def verbose(self, text: str) -> None:
        """Write a verbose text if asked to."""
        if self._wants("verbose", "verbosepreference"):
            self.session.sink.verbose(text)

    def debug(self, text: str) -> None:
        """Write a debug text if asked to."""
        if self._wants("debug", "debugpreference"):
            self.session.sink.debug(text)

    def inform(self, value: Any, tags: tuple[str, ...] = ()) -> None:
        """Write an information record: it travels even where the preference is silent, unless it is Ignore."""
        action = self._action("informationaction", "informationpreference")
        if action != "ignore":
            self._keep("informationvariable", value)
            self.session.sink.information(value, tags, self.command)

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
        if self._action("progressaction", "progresspreference") in SILENT:
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
        """Return False under -WhatIf, given or by preference."""
        del target
        if "whatif" in self._common:
            return not self._common["whatif"]
        return not self.session.variables.get("whatifpreference")

    def missing(self, name: str) -> None:
        """Refuse to run without a parameter that is mandatory in spite of its signature."""
        entry = self.entry.inner or self.entry
        message = self.session.text("binding", command=self.command, error="MissingMandatoryParameter", name=name)
        record = engine_error(
            "MissingMandatoryParameter", "InvalidArgument", message, BINDING, class_name=entry.class_name
        )
        raise Ended(record, self.command, engine=True)

    def needs_no_more(self) -> StopUpstream:
        """Return what a cmdlet raises when it has enough input."""
        return StopUpstream(self)

    # --- inside ---
    def _bind_line(self, entry: Entry, arguments: Arguments) -> Bound:
        arguments = self.session.with_defaults(entry, arguments)
        try:
            prepared = prepare(entry.signature, arguments, input_ahead=self._input_ahead)
        except BindingFailed as failed:
            message = self.session.text("binding", command=self.command, error=failed.error_id, name=failed.parameter)
            record = binding_errors.record_of(failed, entry.signature, entry.class_name, arguments, message)
            raise Ended(record, self.command, engine=True) from None
        self._layers.append((entry, prepared, arguments))
        return prepared.bound()

    def _bind_object(self, value: Any) -> bool:
        if self._input is not None and value is not None:
            self.bound[self._input] = value
            return True
        bound: Bound | None = None
        for entry, prepared, arguments in self._layers:
            try:
                bound = prepared.bind_object(value)
            except ObjectNotBound as refused:
                message = self.session.text("input", command=self.command, error=refused.error_id)
                self.error(
                    binding_errors.record_of(
                        refused, entry.signature, entry.class_name, arguments, message, Wrapped(value)
                    )
                )
                return False
        assert bound is not None
        self._take(bound)
        if isinstance(value, (Extended, ExtendedScalar)):
            self._without_notes(value)
        if len(self._layers) == 1 and value is not None:
            # Its one pipeline parameter takes anything: the next objects bind as this one did.
            self._input = _only_input(self._layers[0][0].signature)
        return True

    def _without_notes(self, value: Extended | ExtendedScalar) -> None:
        """Give typed parameters the object itself; those that take anything keep its notes."""
        for name, item in self.bound.items():
            parameter = (self.entry.inner or self.entry).signature.parameter(name)
            if parameter is not None and parameter.type in ("PSObject", "Object", "PSObject[]", "Object[]"):
                continue
            if item is value:
                self.bound[name] = plain(value)
            elif isinstance(item, TypedArray):
                item[:] = [plain(each) for each in item]

    def _take(self, bound: Bound) -> None:
        entry = self._layers[-1][0]
        common = _common_names(entry.signature)
        self.bound = bound.parameters
        self.parameter_set = bound.set
        if common.isdisjoint(bound.parameters):
            self._common_given: dict[str, Any] = {}
            self._common = {}
            return
        self._common_given = {name: self.bound[name] for name in self.bound if name in common}
        self._common = {name.lower(): value for name, value in self._common_given.items()}
        self.bound = {name: value for name, value in bound.parameters.items() if name not in common}

    def _refuse_variables(self) -> None:
        if not self.session.restricted:
            return
        if any(self._common.get(name) for name in (*VARIABLES, "pipelinevariable")):
            record = engine_error(
                "VariableReferenceNotSupportedInDataSection", "InvalidOperation", self.session.text("variable")
            )
            raise Ended(record, engine=True)

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Terminating as problem:
            record = self._named(problem.record)
            self._keep("errorvariable", ErrorObject(record, self.command, self.session.edition))
            raise Ended(record, self.command) from None

    def _named(self, record: ErrorRecord) -> ErrorRecord:
        if record.class_name is not None:
            return record
        own = (self.entry.inner or self.entry).class_name
        return replace(record, class_name="" if record.error_id == own else own)

    def _action(self, parameter: str, preference: str) -> str:
        value = self._common.get(parameter) if self._common else None
        return str(value).lower() if value is not None else self.session.preference(preference)

    def _wants(self, switch: str, preference: str) -> bool:
        if switch in self._common:
            return bool(self._common[switch])
        return self.session.preference(preference) not in SILENT

    def _keep(self, parameter: str, value: Any) -> None:
        name = self._common.get(parameter) if self._common else None
        if name:
            self.session.append(str(name), value)

    def _clear_variables(self) -> None:
        for parameter in VARIABLES:
            name = self._common.get(parameter)
            if name and not str(name).startswith("+"):
                self.session.start_list(str(name))

    def _stopped(self, text: str) -> ErrorRecord:
        class_name = (self.entry.inner or self.entry).class_name
        return engine_error("ActionPreferenceStop", "OperationStopped", text, ACTION_STOP, class_name=class_name)

    def _not_simulated(self) -> ErrorRecord:
        return ErrorRecord(
            error_id="LabNotSimulated",
            category="NotImplemented",
            message=f"The lab knows {self.command} from its contract, but does not simulate it.",
            exception=("System.NotImplementedException", "System.SystemException", "System.Exception", "System.Object"),
            class_name=self.entry.class_name,
        )
