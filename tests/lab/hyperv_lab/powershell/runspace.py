# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A runspace: variables that live on, and invocations of one or several statements."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from .native import NativeCommand, Program
from .outcomes import NOT_FOUND, PARSE, Ended, PipelineStopped, StopUpstream, engine_error
from .running import RunningCommand
from .state import State
from .streams import Sink
from .table import CommandTable, RestrictedTable

Script = Callable[[str], "Sequence[Any] | None"]
"""Returns the outputs of a script text, or None for one that nothing is known of."""
_ENDINGS = (".exe", ".com", ".cmd", ".bat")

NO_MODULE_LOADING = ("2008R2SP1",)
"""PowerShell 2.0 loads no module by itself, so that a name with an unknown one is just an unknown name."""


class Runspace:
    """Runs invocations, one at a time (world.Runspace)."""

    def __init__(
        self,
        table: CommandTable | RestrictedTable,
        state: State,
        *,
        program: Program | None = None,
        script: Script | None = None,
    ) -> None:
        self._table, self._state = table, state
        self._program, self._script = program, script
        state.resolver = table.resolve
        state.lister = table.entries
        state.finder = table.every

    def invoke(
        self,
        statements: Sequence[Sequence[Any]],
        sink: Sink,
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
                    sink.error(end.as_record(), end.activity)
                    swallowed = True
                    continue
                sink.ended(end.record, end.activity)
                return "Failed"
        return "Completed"

    def _statement(self, statement: Sequence[Any], inputs: Sequence[Any]) -> None:
        if any(call.is_script for call in statement):
            self._scripted(next(call.name for call in statement if call.is_script))
            return
        running = [self._command(call, ahead=number > 0 or bool(inputs)) for number, call in enumerate(statement)]
        for command, following in pairwise(running):
            command.downstream = lambda value, to=following: to.process(value, has_input=True)
        running[-1].downstream = self._state.sink.output
        for command in running:
            command.begin()
        self._run(running, inputs)

    @staticmethod
    def _run(running: list[Any], inputs: Sequence[Any]) -> None:
        first = 0
        try:
            if inputs:
                for value in inputs:
                    running[0].process(value, has_input=True)
            else:
                running[0].process()
        except StopUpstream as enough:
            first = running.index(enough.call)
        while first < len(running):
            try:
                running[first].end()
            except StopUpstream as enough:
                first = running.index(enough.call)
                continue
            first += 1

    def _command(self, call: Any, *, ahead: bool) -> Any:
        entry = self._table.resolve(call.name)
        if entry is not None:
            merge = bool(getattr(call, "merge_error", False))
            return RunningCommand(entry, list(call.parameters), self._state, input_ahead=ahead, merge=merge)
        if self._program is not None and not self._state.restricted and call.name.lower().endswith(_ENDINGS):
            return NativeCommand(self._program, call, self._state)
        raise Ended(self._unknown(call.name), engine=True)

    def _scripted(self, text: str) -> None:
        if self._state.restricted:
            record = engine_error("ScriptsNotAllowed", "ParserError", self._state.text("script"), PARSE, target=text)
            raise Ended(record, engine=True)
        outputs = self._script(text) if self._script else None
        if outputs is None:
            message = "The lab runs commands, and no script text."
            raise Ended(engine_error("LabScriptNotSupported", "NotImplemented", message), engine=True)
        for value in outputs:
            self._state.sink.output(value)

    def _unknown(self, name: str) -> Any:
        error_id, target = "CommandNotFoundException", name
        module, _, plain = name.rpartition("\\")
        if module and "\\" not in module and ":" not in module:
            if self._table.knows_module(module):
                target = plain
            elif not self._state.restricted and self._table.edition not in NO_MODULE_LOADING:
                error_id = "CouldNotAutoLoadModule"
        message = self._state.text("unknown", name=name)
        return engine_error(error_id, "ObjectNotFound", message, NOT_FOUND, target=target)
