# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cmd shell: programs over WinRS."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from ..wsman import faults, names
from ..wsman.envelope import attribute, new_id
from ..wsman.shells import RSP, Shell
from .process import Process

if TYPE_CHECKING:
    from collections.abc import Callable
    from xml.etree import ElementTree as ET

    from ..psrp.runspaces import Workers
    from ..world import Identity, Machine
    from ..wsman.envelope import Request

_ENVELOPE_OVERHEAD = 2048
_START_SECONDS = 0.3
"""A program starts when its output is asked for or its input ends, or after this time: its input comes after it."""


class CmdShell(Shell):
    """One shell that runs programs."""

    def __init__(
        self,
        machine: Machine,
        request: Request,
        identity: Identity,
        client: str,
        *,
        workers: Workers,
        note: Callable[[dict[str, Any]], None],
    ) -> None:
        super().__init__(request, identity, client, machine.limits)
        self.machine, self.workers, self.note = machine, workers, note
        body = request.body
        self.directory = (body.findtext(f"{RSP}WorkingDirectory") or "") if body is not None else ""
        self.environment = _variables(body)
        self.processes: dict[str, Process] = {}
        self._started = 0
        note({"event": "shell_opened", "endpoint": "cmd", "shell": self.shell_id})

    @property
    def held_operations(self) -> int:
        """Windows never counts the operation of a text shell's command down while the shell lives (facts on WinRM)."""
        return self._started

    def command_ids(self) -> list[str]:
        """Return the commands that the client has not ended."""
        return list(self.processes)

    def create_response(self) -> str:
        """Return the shell as it stands in the CreateResponse."""
        return f"<rsp:Shell>{self.describe()}</rsp:Shell>"

    def _first(self) -> str:
        shown = ""
        if self.environment:
            variables = "".join(
                f"<rsp:Variable Name={attribute(name)}>{escape(value)}</rsp:Variable>"
                for name, value in self.environment.items()
            )
            shown += f"<rsp:Environment>{variables}</rsp:Environment>"
        if self.directory:
            shown += f"<rsp:WorkingDirectory>{escape(self.directory)}</rsp:WorkingDirectory>"
        return shown

    def command(self, request: Request) -> str:
        """Start a program; one that is started without cmd.exe has to be named by its path (recorded)."""
        body = request.body
        program = None if body is None else body.findtext(f"{RSP}Command")
        if body is None or program is None:
            raise faults.schema_violation()
        direct = request.options.get("WINRS_SKIP_CMD_SHELL", "").strip().upper() == "TRUE"
        if direct and ("\\" not in program or not self._there(program)):
            raise faults.program_not_found()
        arguments = [one.text or "" for one in body.iterfind(f"{RSP}Arguments")]
        command_id = (body.get("CommandId") or new_id()).upper()
        process = Process(command_id, " ".join([program, *arguments]).rstrip(), self, direct=direct)
        self.processes[command_id] = process
        self._started += 1
        note_start = getattr(self.machine, "program_started", None)
        if note_start is not None:
            note_start(self.shell_id, process.command_line)
        self._loop.call_later(_START_SECONDS, process.start)
        self.note({"event": "program", "endpoint": "cmd", "shell": self.shell_id, "command_line": process.command_line})
        return f"<rsp:CommandResponse><rsp:CommandId>{command_id}</rsp:CommandId></rsp:CommandResponse>"

    def _there(self, program: str) -> bool:
        """Return whether a path is a program; a machine that keeps no files says nothing about it before the start."""
        known = getattr(self.machine, "has_program", None)
        return known is None or bool(known(program))

    def _process(self, command_id: str | None) -> Process:
        process = self.processes.get((command_id or "").upper())
        if process is None:
            raise faults.command_not_found()
        return process

    def send(self, request: Request) -> str:
        """Take standard input."""
        for stream in request.body if request.body is not None else ():
            process = self._process(stream.get("CommandId"))
            end = (stream.get("End") or "").lower() in {"true", "1"}
            process.feed(base64.b64decode(stream.text or ""), end=end)
        return "<rsp:SendResponse></rsp:SendResponse>"

    async def receive(self, request: Request, alive: Callable[[], bool]) -> str:
        """Return output that is there, or the end of the program."""
        desired = None if request.body is None else request.body.find(f"{RSP}DesiredStream")
        if desired is None or desired.get("CommandId") is None:
            raise faults.invalid_parameter()
        process = self._process(desired.get("CommandId"))
        if process.delivered:
            raise faults.command_not_found()
        process.start()
        in_time = await self.wait(lambda: self.closed or process.ready, request.timeout)
        if self.closed:
            raise faults.aborted()
        if not in_time:
            raise faults.timed_out()
        room = (min(request.max_envelope, self.limits.envelope_bytes) - _ENVELOPE_OVERHEAD) * 3 // 4
        return self._receive_response(process, room if alive() else 0)

    @staticmethod
    def _receive_response(process: Process, room: int) -> str:
        owner = f'CommandId="{process.command_id}"'
        streams = "".join(
            f'<rsp:Stream Name="{name}" {owner}>{base64.b64encode(data).decode()}</rsp:Stream>'
            for name, data in process.take(room)
        )
        if room and process.done:
            process.delivered = True
            ends = "".join(f'<rsp:Stream Name="{name}" {owner} End="true"></rsp:Stream>' for name in process.STREAMS)
            state = f"<rsp:ExitCode>{process.exit_code}</rsp:ExitCode>"
            streams += f'{ends}<rsp:CommandState {owner} State="{names.STATE_DONE}">{state}</rsp:CommandState>'
        else:
            streams += f'<rsp:CommandState {owner} State="{names.STATE_RUNNING}"></rsp:CommandState>'
        return f"<rsp:ReceiveResponse>{streams}</rsp:ReceiveResponse>"

    def signal(self, request: Request) -> str:
        """Stop a program; any signal ends the command."""
        body = request.body
        process = self._process(body.get("CommandId") if body is not None else None)
        process.stop()
        del self.processes[process.command_id]
        return "<rsp:SignalResponse></rsp:SignalResponse>"

    def connect(self, request: Request) -> str:
        """Text shells can't be connected to."""
        raise faults.unsupported_action()

    def close(self, *, abandoned: bool = False) -> None:
        """End the shell and its programs: they are its processes, whoever ends it."""
        del abandoned
        if self.closed:
            return
        self.closed = True
        for process in self.processes.values():
            process.stop()
        self.note({"event": "shell_closed", "endpoint": "cmd", "shell": self.shell_id})
        self.wake()


def _variables(body: ET.Element | None) -> dict[str, str]:
    if body is None:
        return {}
    found = body.iterfind(f"{RSP}Environment/{RSP}Variable")
    return {one.get("Name", ""): one.text or "" for one in found}
