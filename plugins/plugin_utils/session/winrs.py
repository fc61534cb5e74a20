# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Native programs of a Windows machine over WinRS.

Programs are asked to be started without cmd.exe between. Hosts from 2012 R2 on may put it there all the same (pypsrp's
documentation; not verified), so a line is built that means the same with and without it.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

from pypsrp.shell import CommandState, Process, SignalCode
from requests.exceptions import ReadTimeout

from ..errors import ConnectionLost, NotFound, TimedOut
from ..waiting import SYSTEM_CLOCK, Clock, Deadline
from .command import Secret
from .opening import opened, patiently
from .programs import ProgramResult
from .translate import best_effort, fault_code, translated
from .unbroken import FILE_NOT_FOUND, UnbrokenRun

if TYPE_CHECKING:
    from .endpoint import EndpointLink

DEFAULT_TIMEOUT_SECONDS: Final = 600.0
SYSTEM_FOLDER: Final = "C:\\Windows\\System32"
_PIECE_BYTES: Final = 32_768
_UNANSWERED: Final = 1
"""So many requests for output in a row may stay without any answer."""
_SPECIAL: Final = re.compile(r"[\s&|<>^()!,;=@'`\[\]{}~+]")
_FORBIDDEN: Final = re.compile(r'["\r\n\0]|%[^%]+%')


def quoted(argument: str) -> str:
    """Return an argument as one word of a command line, for programs and for cmd.exe alike.

    A trailing backslash is doubled inside quotes (the C runtime's rule). Raises ValueError for what no quoting makes
    safe in both: a quote, a line end, or a variable's name between percent signs.
    """
    if _FORBIDDEN.search(argument):
        raise ValueError(
            f"{argument!r} can't stand on a command line: quotes, line ends and %NAME% mean something there"
        )
    if argument and not _SPECIAL.search(argument):
        return argument
    slashes = len(argument) - len(argument.rstrip("\\"))
    return f'"{argument}{chr(92) * slashes}"'


def command_line(program: str, arguments: tuple[str, ...]) -> tuple[str, list[str]]:
    """Return the program's full path and its words. A bare name is one of the system's own programs.

    An argument of the form ``/x:value`` keeps its switch outside the quotes, as self-extractors want it. A path with
    blanks is started by cmd.exe, which takes a quoted one.
    """
    path = program if "\\" in program else f"{SYSTEM_FOLDER}\\{program}{'' if '.' in program else '.exe'}"
    words = [_word(argument) for argument in arguments]
    if not _SPECIAL.search(path) and path.lower().endswith((".exe", ".com")):
        return path, words
    line = " ".join([quoted(path), *words])
    return f"{SYSTEM_FOLDER}\\cmd.exe", ["/d", "/s", "/c", f'"{line}"']


def _word(argument: str) -> str:
    switch = re.match(r"(/[A-Za-z]+:)(.+)", argument, re.DOTALL)
    if switch and _SPECIAL.search(switch.group(2)):
        return switch.group(1) + quoted(switch.group(2))
    return quoted(argument)


class WinrsPrograms:
    """Implements ``Programs`` over one cmd shell, opened when first needed and again after it was lost."""

    def __init__(
        self, host: str, link: EndpointLink, *, clock: Clock = SYSTEM_CLOCK, accepted: set[str] | None = None
    ) -> None:
        self.host = host
        self._link = link
        self._clock = clock
        self._accepted = set() if accepted is None else accepted
        self._shell: Any = None

    def run(
        self,
        program: str,
        *arguments: str,
        stdin: bytes | Secret | None = None,
        timeout_seconds: float | None = None,
    ) -> ProgramResult:
        """Run a program to its end; see ``Programs.run``. ValueError for an argument that no quoting makes safe."""
        line = command_line(program, arguments)
        limit = DEFAULT_TIMEOUT_SECONDS if timeout_seconds is None else timeout_seconds
        deadline = Deadline(limit, self._clock)
        given = stdin.text.encode() if isinstance(stdin, Secret) else stdin
        try:
            process = self._started(line, deadline, program)
            with translated(self.host):
                _feed(process, given)
                self._finish(process, deadline, program)
        except (ConnectionLost, TimedOut):
            self._release(lost=True)
            raise
        with best_effort():
            process.signal(SignalCode.TERMINATE)  # until then it counts against the limits of the shell
        return _result(process)

    def run_unbroken(self, program: str, *arguments: str, timeout_seconds: float) -> ProgramResult:
        """Run a program that must not end half-way; see ``Programs.run_unbroken``."""
        line = command_line(program, arguments)
        run = UnbrokenRun(self.host, self._link, program, clock=self._clock, accepted=self._accepted)
        return _result(run.finish(line, Deadline(timeout_seconds, self._clock)))

    def close(self) -> None:
        """End the shell; safe to call twice, and quiet when the link is gone."""
        self._release(lost=False)

    def _started(self, line: tuple[str, list[str]], deadline: Deadline, program: str) -> Any:
        def start() -> Any:
            if self._shell is None:
                self._shell = opened(self.host, self._link.open_shell, self._accepted)
            process = Process(self._shell, line[0], line[1], no_shell=True)
            with translated(self.host):
                process.begin_invoke()
            return process

        try:
            return patiently(start, deadline, self._clock)
        except ConnectionLost as gone:
            if fault_code(gone) == FILE_NOT_FOUND:
                raise NotFound(f"{self.host} has no program {program!r}", program=program) from gone
            # An idle shell may have been ended by the host meanwhile; nothing was started, so a new one can do it.
            if gone.details.get("reason") != "shell_gone":
                raise
            self._release(lost=True)
        return patiently(start, deadline, self._clock)  # outside, or its errors would be taken for this one

    def _finish(self, process: Any, deadline: Deadline, program: str) -> None:
        unanswered = 0
        while process.state != CommandState.DONE:
            if deadline.passed:
                with best_effort():
                    process.signal(SignalCode.CTRL_C)
                    process.signal(SignalCode.TERMINATE)
                raise TimedOut(
                    f"{program} on {self.host} did not end within {deadline.seconds:g} seconds",
                    last_seen=_text(process.stdout)[-500:],
                    program=program,
                )
            usual = int(self._shell.wsman.operation_timeout)
            hurried = deadline.remaining < usual
            try:
                process.poll_invoke(timeout=max(1, math.ceil(deadline.remaining)) if hurried else None)
                unanswered = 0
            except ReadTimeout:  # the same request again gets the same data
                unanswered += 1
                if unanswered > _UNANSWERED and not hurried:
                    raise

    def _release(self, *, lost: bool) -> None:
        shell, self._shell = self._shell, None
        if shell is not None:
            with best_effort():
                self._link.release_shell(shell, lost=lost)


def _feed(process: Any, data: bytes | None) -> None:
    if data is None:
        return
    pieces = [data[start : start + _PIECE_BYTES] for start in range(0, len(data), _PIECE_BYTES)] or [b""]
    for number, piece in enumerate(pieces, 1):
        process.send(piece, end=number == len(pieces))


def _result(process: Any) -> ProgramResult:
    return ProgramResult(exit_code=_signed(process.rc), stdout=_text(process.stdout), stderr=_text(process.stderr))


def _signed(code: int | None) -> int:
    """Return an exit code as programs mean it: the wire has it unsigned or signed, as the host likes."""
    value = int(code or 0)
    return value - 2**32 if value >= 2**31 else value


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
