# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One invocation of a pipeline, from its first fragment to its last state."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ..powershell.commands import ErrorRecord, StopSignal
from . import statements
from .incoming import to_engine
from .sink import PipelineSink

if TYPE_CHECKING:
    import uuid

    import psrpcore

    from ..world import Runspace
    from .shell import PowerShellShell


_LOG = logging.getLogger(__name__)


class Invocation:
    """Waits for its command and input, runs in a thread, and keeps the state that the wire shows."""

    def __init__(self, shell: PowerShellShell, pipeline: psrpcore.ServerPipeline, command_id: uuid.UUID) -> None:
        self._shell, self._pipeline, self.command_id = shell, pipeline, command_id
        self.stopping = StopSignal()
        self.finished = False
        """The last state is queued."""
        self.delivered = False
        """The client has been told that the command is done."""
        self._call: statements.PipelineCall | None = None
        self._inputs: list[Any] = []
        self._started = False

    @property
    def pipeline_id(self) -> uuid.UUID:
        """The pipeline's id: with today's hosts it is the command's id too."""
        return self._pipeline.pipeline_id

    def created(self, powershell: psrpcore.PowerShell) -> None:
        """Take the commands; without input they start now."""
        self._call = statements.read(powershell)
        if self._call.no_input:
            self._start()

    def add_input(self, value: Any) -> None:
        """Keep one input object."""
        self._inputs.append(to_engine(value))

    def end_of_input(self) -> None:
        """Start, now that all input is here."""
        self._start()

    def finish_empty(self) -> None:
        """Answer a question for command metadata: there are none to be had this way."""
        self._pipeline.start()
        self._end(self._sink(), "Completed")

    def stop(self, *, abandoned: bool = False) -> None:
        """Stop what runs; an invocation that waits ends at once."""
        self.stopping.abandoned = abandoned
        self.stopping.set()
        if not self._started and not self.finished:
            self._pipeline.start()
            self._started = True
            self._end(self._sink(), "Stopped")

    def _start(self) -> None:
        if self._started or self._call is None:
            return
        self._started = True
        self._pipeline.state = type(self._pipeline.state).Running
        call = self._call
        self._shell.note(_entry(self._shell, call, len(self._inputs)))
        if call.is_nested:
            self._shell.workers.start(lambda: self._run(self._shell.runspaces.current, lend=False))
        else:
            self._shell.runspaces.lend(lambda runspace: self._shell.workers.start(lambda: self._run(runspace)))

    def _sink(self) -> PipelineSink:
        shell = self._shell
        return PipelineSink(
            self._pipeline,
            shell.codec,
            lambda message: shell.send_raw(message, self.pipeline_id),
            shell.flush_and_wake,
            shell.lock,
        )

    def _run(self, runspace: Runspace, *, lend: bool = True) -> None:
        sink, state, call = self._sink(), "Failed", self._call
        try:
            if self.stopping.is_set():
                state = "Stopped"
            elif call is not None:
                state = runspace.invoke(call.statements, sink, inputs=self._inputs, stopping=self.stopping)
        except Exception as problem:  # noqa: BLE001 # a bug of the lab must show itself at the client too
            _LOG.exception(
                "invocation failed: %s", [one.name for part in call.statements for one in part] if call else ""
            )
            sink.ended(_bug(problem), "")
        finally:
            self._shell.in_loop(lambda: self._end(sink, state))
            if lend:
                self._shell.runspaces.give_back(runspace)

    def _end(self, sink: PipelineSink, state: str) -> None:
        """Send the last state; in the loop's thread, so that no Receive sees one without the other."""
        sink.finish(state)
        self.finished = True
        self._shell.wake()


def _entry(shell: PowerShellShell, call: statements.PipelineCall, inputs: int) -> dict[str, Any]:
    return {
        "event": "pipeline",
        "endpoint": shell.configuration,
        "shell": shell.shell_id,
        "statements": [[_shown(command) for command in statement] for statement in call.statements],
        "inputs": inputs,
    }


def _shown(command: statements.CommandCall) -> dict[str, Any]:
    named = {name: value for name, value in command.parameters if name is not None}
    shown: dict[str, Any] = {"command": command.name, "parameters": named}
    arguments = [value for name, value in command.parameters if name is None]
    if arguments:
        shown["arguments"] = arguments
    if command.is_script:
        shown["script"] = True
    return shown


def _bug(problem: Exception) -> ErrorRecord:
    return ErrorRecord(
        error_id="LabFailure",
        category="NotSpecified",
        message=f"The lab itself failed: {type(problem).__name__}: {problem}",
        class_name="",
    )
