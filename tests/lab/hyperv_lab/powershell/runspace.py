# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A runspace: variables that live on, and invocations of one or several statements."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from . import messages
from .commands import ErrorRecord
from .running import Ended, NativeCommand, PipelineStopped, RunningCommand
from .streams import Sink
from .table import CommandTable, Entry, Grant, granted
from .values import LiveObject

RUNTIME = (
    "System.Management.Automation.RuntimeException",
    "System.SystemException",
    "System.Exception",
    "System.Object",
)
NOT_FOUND = ("System.Management.Automation.CommandNotFoundException", *RUNTIME)
PARSE = ("System.Management.Automation.ParseException", *RUNTIME)
Program = Callable[[str, Sequence[str]], "tuple[int, str, str] | None"]
Script = Callable[[str], "Callable[[Sink], str] | None"]


class ArrayList(list[Any]):
    """A System.Collections.ArrayList: what -OutVariable keeps. It passes a pipeline as one object."""

    type_names = ("System.Collections.ArrayList", "System.Object")


class PSVariable(LiveObject):
    """What Get-Variable gives without -ValueOnly."""

    TYPE_NAMES = ("System.Management.Automation.PSVariable", "System.Object")
    PROPERTIES = {"Name": "name", "Value": "value"}  # noqa: RUF012 - a table shared by all, never changed

    def __init__(self, name: str, value: Any) -> None:
        self.name, self.value = name, value


class State:
    """What the commands of a runspace share (commands.SessionState)."""

    def __init__(
        self, *, host: Any = None, identity: Any = None, language: str = "en", restricted: bool = False
    ) -> None:
        self.host, self.identity, self.language, self.restricted = host, identity, language, restricted
        self.variables: dict[str, Any] = {}
        self.stopping = threading.Event()
        self.sink: Sink
        self.resolver: Callable[[str], Entry | None] = lambda _name: None
        self.listed: list[str] = []

    def text(self, key: str, **values: Any) -> str:
        """Return one of the engine's own messages in the language of the host."""
        return messages.text(self.language, key, **values)

    def preference(self, name: str) -> str:
        """Return a preference variable in lower case ("continue" unless it was set)."""
        return str(self.variables.get(name, "Continue")).lower()

    def variable(self, name: str, value: Any) -> Any:
        """Return a variable as the object that Get-Variable gives."""
        return PSVariable(name, value)

    def resolve(self, name: str) -> Entry | None:
        """Return the command that a name means here, or None."""
        return self.resolver(name)

    def visible(self) -> list[str]:
        """Return the names of the commands that Get-Command lists by itself."""
        return self.listed

    def start_list(self, name: str) -> None:
        """Begin the list that -OutVariable or -ErrorVariable fills."""
        self.variables[name.lower()] = ArrayList()

    def append(self, name: str, value: Any) -> None:
        """Add to such a list; a + before the name adds to what is there."""
        plain = name.lstrip("+").lower()
        held = self.variables.get(plain)
        if not isinstance(held, ArrayList):
            held = self.variables[plain] = ArrayList([] if held is None else [held])
        held.append(value)

    def data_section(self) -> ErrorRecord:
        """Return the error of a variable parameter in a restricted endpoint."""
        return ErrorRecord(
            error_id="VariableReferenceNotSupportedInDataSection",
            category="InvalidOperation",
            message=self.text("variable"),
            exception=RUNTIME,
            class_name="",
        )


class Runspace:
    """Runs invocations, one at a time (world.Runspace)."""

    def __init__(
        self,
        table: CommandTable,
        state: State,
        *,
        grants: Mapping[str, Grant] | None = None,
        program: Program | None = None,
        script: Script | None = None,
    ) -> None:
        self._table, self._state, self._grants = table, state, grants
        self._program, self._script = program, script
        state.resolver = self._resolve
        state.listed = sorted(grants) if grants else []

    def invoke(
        self,
        statements: Sequence[Sequence[Any]],
        sink: Any,
        *,
        inputs: Sequence[Any] = (),
        stopping: threading.Event | None = None,
    ) -> str:
        """Run statements of commands; return "Completed", "Failed" or "Stopped". The ending error goes to sink.ended.

        A terminating error of the first of several statements becomes a record, the second statement still runs, later
        ones don't; of a later statement, it ends the invocation (measured; facts on the engine, section 1).
        """
        self._state.stopping = stopping or threading.Event()
        self._state.sink = sink
        swallowed = False
        for number, statement in enumerate(statements):
            if swallowed and number > 1:
                break
            try:
                self._statement(statement, inputs if number == 0 else ())
            except PipelineStopped:
                return "Stopped"
            except Ended as end:
                if number == 0 and len(statements) > 1 and not end.by_action:
                    sink.error(end.record, end.activity)
                    swallowed = True
                    continue
                sink.ended(end.record, end.activity)
                return "Failed"
        return "Completed"

    def _statement(self, statement: Sequence[Any], inputs: Sequence[Any]) -> None:
        running = [self._command(call, ahead=number > 0 or bool(inputs)) for number, call in enumerate(statement)]
        if len(running) == 1 and callable(running[0]):
            running[0]()
            return
        for command, following in pairwise(running):
            command.downstream = lambda value, to=following: to.process(value, has_input=True)
        running[-1].downstream = self._state.sink.output
        for command in running:
            command.begin()
        if inputs:
            for value in inputs:
                running[0].process(value, has_input=True)
        else:
            running[0].process()
        for command in running:
            command.end()

    def _command(self, call: Any, *, ahead: bool) -> Any:
        if call.is_script:
            return self._scripted(call.name)
        entry = self._resolve(call.name)
        if entry is None:
            if self._program is not None and self._grants is None and call.name.lower().endswith(".exe"):
                return NativeCommand(self._program, call, self._state)
            raise Ended(self._unknown(call.name), "")
        arguments = self._defaults(entry, list(call.parameters))
        return RunningCommand(entry, arguments, self._state, input_ahead=ahead)

    def _resolve(self, name: str) -> Entry | None:
        if self._grants is None:
            return self._table.resolve(name)
        grant = self._grants.get(name.lower())
        if grant is None and "\\" in name:
            plain = self._grants.get(name.rpartition("\\")[2].lower())
            grant = plain if plain is not None and plain.parameters is None else None
        entry = self._table.resolve(name) if grant is not None else None
        return granted(entry, grant) if entry is not None and grant is not None else None

    def _defaults(self, entry: Entry, arguments: list[tuple[str | None, Any]]) -> list[tuple[str | None, Any]]:
        """Add what $PSDefaultParameterValues has for the command: it reaches even the command behind a proxy."""
        held = self._state.variables.get("psdefaultparametervalues")
        if not isinstance(held, dict):
            return arguments
        given = {str(name).lower() for name, _ in arguments if name is not None}
        for key, value in held.items():
            command, _, parameter = str(key).partition(":")
            if command.lower() == entry.name.lower() and parameter.lower() not in given:
                arguments.append((parameter, value))
        return arguments

    def _scripted(self, text: str) -> Callable[[], None]:
        if self._state.restricted:
            raise Ended(
                ErrorRecord(
                    error_id="ScriptsNotAllowed",
                    category="ParserError",
                    message=self._state.text("script"),
                    exception=PARSE,
                    class_name="",
                    target=text,
                ),
                "",
            )
        reply = self._script(text) if self._script else None
        if reply is None:
            raise Ended(
                ErrorRecord(
                    error_id="LabScriptNotSupported",
                    category="NotImplemented",
                    message="The lab runs commands, and no script text.",
                    exception=RUNTIME,
                    class_name="",
                ),
                "",
            )
        return lambda: self._replay(reply)

    def _replay(self, reply: Callable[[Sink], str]) -> None:
        reply(self._state.sink)

    def _unknown(self, name: str) -> ErrorRecord:
        qualified = "\\" in name and not name.lower().endswith(".exe")
        return ErrorRecord(
            error_id="CouldNotAutoLoadModule" if qualified and self._grants is None else "CommandNotFoundException",
            category="ObjectNotFound",
            message=self._state.text("unknown", name=name),
            exception=NOT_FOUND,
            class_name="",
            target=name,
        )
