# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One program of a cmd shell: its input, output and end."""

from __future__ import annotations

import inspect
import threading
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from .shell import CmdShell

_NOT_FOUND = 1
_INPUT_SECONDS = 60.0
"""How long a program that reads its input waits for the input's end."""
_LOST = -1


class Process:
    """Runs in a thread by the machine's ``run_program``."""

    STREAMS: ClassVar[tuple[str, str]] = ("stdout", "stderr")

    def __init__(self, command_id: str, command_line: str, shell: CmdShell, *, direct: bool = True) -> None:
        self.command_id, self.command_line, self._shell = command_id, command_line, shell
        self._direct = direct
        self._input_ended = threading.Event()
        self.exit_code = 0
        self.delivered = False
        """The client has been told the exit code."""
        self.stopping = threading.Event()
        self._input = bytearray()
        self._output: list[tuple[str, bytes]] = []
        self._lock = threading.Lock()
        self._started = self._ended = False

    @property
    def done(self) -> bool:
        """Return whether it ended and all output was taken."""
        return self._ended and not self._output

    @property
    def ready(self) -> bool:
        """Return whether there is something to tell: output, or the end."""
        return self._ended or bool(self._output)

    def feed(self, data: bytes, *, end: bool = False) -> None:
        """Add standard input. What comes after the start is lost, unless the machine says that the program reads it."""
        self._input += data
        if end:
            self._input_ended.set()
            self.start()

    def start(self) -> None:
        """Run, unless it runs already or was stopped."""
        if self._started or self.stopping.is_set():
            return
        self._started = True
        self._shell.workers.start(self._run)

    def stop(self) -> None:
        """Tell the program to end."""
        self.stopping.set()
        self._input_ended.set()

    def write(self, stream: str, data: bytes) -> None:
        """Add output ("stdout" or "stderr"); from any thread."""
        with self._lock:
            if data:
                self._output.append((stream, data))
        self._shell.wake()

    def take(self, room: int) -> list[tuple[str, bytes]]:
        """Return output of up to ``room`` bytes; what doesn't fit waits."""
        taken: list[tuple[str, bytes]] = []
        with self._lock:
            while self._output and room > 0:
                name, data = self._output.pop(0)
                if len(data) > room:
                    self._output.insert(0, (name, data[room:]))
                    data = data[:room]
                room -= len(data)
                taken.append((name, data))
        return taken

    def _run(self) -> None:
        shell, code, streams = self._shell, _LOST, (b"", b"")
        reads_input = getattr(shell.machine, "reads_input", None)
        if reads_input is not None and reads_input(self.command_line):
            self._input_ended.wait(_INPUT_SECONDS)
        try:
            code, *rest = shell.machine.run_program(
                shell.identity, self.command_line, shell.environment, **self._extras()
            )
            streams = (rest[0], rest[1])
        except FileNotFoundError:
            name = self.command_line.split(" ")[0]
            text = (
                f"'{name}' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n"
            )
            code, streams = _NOT_FOUND, (b"", text.encode())
        finally:
            shell.in_loop(lambda: self._end(code, streams))

    def _end(self, code: int, streams: tuple[bytes, bytes]) -> None:
        """Note the last output and the end; in the loop's thread, so that no Receive sees one without the other."""
        for name, data in zip(self.STREAMS, streams, strict=True):
            self.write(name, data)
        self.exit_code, self._ended = code, True
        self._shell.wake()

    def _extras(self) -> dict[str, Any]:
        """Return what this machine's run_program takes beyond the three parameters of every machine."""
        known = inspect.signature(self._shell.machine.run_program).parameters
        offered = {
            "stdin": bytes(self._input),
            "directory": self._shell.directory or None,
            "write": self.write,
            "stopping": self.stopping,
            "direct": self._direct,
        }
        return {name: value for name, value in offered.items() if name in known}
