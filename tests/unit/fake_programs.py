# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs and ``sh`` without a machine, for tests of operations.

``FakePrograms`` answers by program name, ``FakeShell`` by script; both keep every run that came. ``LocalShell`` runs
the script by this machine's own ``sh``: for scripts whose paths are arguments, in a folder of the test.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import InvalidRequest, NotFound, TimedOut
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Request
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.command import Secret
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.programs import (
    PosixShell,
    ProgramResult,
    Programs,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.protocol import Session
from unit.fake_session import Lines

Answer: TypeAlias = ProgramResult | str | int
"""A whole result, only its output (exit code 0), or only its exit code."""
Handler: TypeAlias = Callable[["Run"], Answer]
"""May raise what a real runner raises."""


@dataclass(frozen=True)
class Run:
    """One run. ``stdin`` is what the program reads; ``secret`` says that it came as a Secret."""

    program: str
    arguments: tuple[str, ...] = ()
    stdin: bytes = b""
    secret: bool = False
    timeout_seconds: float | None = None

    @property
    def line(self) -> str:
        """The command line as a log of the machine would show it: never the input."""
        return " ".join((self.program, *self.arguments))


def _run(program: str, arguments: tuple[str, ...], stdin: bytes | Secret | None, timeout: float | None) -> Run:
    given = stdin.text.encode() if isinstance(stdin, Secret) else stdin or b""
    return Run(program, arguments, given, isinstance(stdin, Secret), timeout)


def _result(answer: Answer) -> ProgramResult:
    if isinstance(answer, str):
        return ProgramResult(exit_code=0, stdout=answer)
    return ProgramResult(exit_code=answer) if isinstance(answer, int) else answer


def short_name(program: str) -> str:
    r"""Return "reg" for ``C:\Windows\System32\REG.EXE``, as handlers are registered."""
    return program.replace("/", "\\").rpartition("\\")[2].lower().removesuffix(".exe")


@dataclass
class FakePrograms:
    """Implements ``Programs``: one handler per program name (``on("reg", …)``); a program without one is not there."""

    host: str = "win01"
    handlers: dict[str, Handler] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    closed: bool = False

    def on(self, program: str, handler: Handler) -> FakePrograms:
        self.handlers[short_name(program)] = handler
        return self

    def ran(self, program: str) -> list[Run]:
        """The runs of one program, in order."""
        return [run for run in self.runs if short_name(run.program) == short_name(program)]

    def run(
        self,
        program: str,
        *arguments: str,
        stdin: bytes | Secret | None = None,
        timeout_seconds: float | None = None,
    ) -> ProgramResult:
        run = _run(program, arguments, stdin, timeout_seconds)
        self.runs.append(run)
        handler = self.handlers.get(short_name(program))
        if handler is None:
            raise NotFound(f"{self.host} has no program {program!r}", program=program)
        return _result(handler(run))

    def run_unbroken(self, program: str, *arguments: str, timeout_seconds: float) -> ProgramResult:
        return self.run(program, *arguments, timeout_seconds=timeout_seconds)

    def close(self) -> None:
        self.closed = True


@dataclass
class FakeShell:
    """Implements ``PosixShell``: one handler per script text; files that were put are kept by their remote path."""

    host: str = "lin01"
    handlers: dict[str, Handler] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    renewed: int = 0

    def on(self, script: str, handler: Handler) -> FakeShell:
        self.handlers[script] = handler
        return self

    def ran(self, script: str) -> list[Run]:
        """The runs of one script, in order."""
        return [run for run in self.runs if run.program == script]

    def run(
        self,
        script: str,
        *arguments: str,
        stdin: bytes | Secret | None = None,
        timeout_seconds: float | None = None,
    ) -> ProgramResult:
        run = _run(script, arguments, stdin, timeout_seconds)
        self.runs.append(run)
        if script not in self.handlers:
            raise AssertionError(f"no handler for the script that begins {script.strip()[:60]!r}")
        return _result(self.handlers[script](run))

    def put(self, local_path: str, remote_path: str) -> None:
        self.files[remote_path] = Path(local_path).read_bytes()

    def renew(self) -> None:
        self.renewed += 1


@dataclass
class LocalShell:
    """Implements ``PosixShell`` by this machine's ``sh`` (or busybox's): give it only paths of the test."""

    folder: Path
    host: str = "lin01"
    shell: tuple[str, ...] = ("sh",)
    environment: Mapping[str, str] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)

    def run(
        self,
        script: str,
        *arguments: str,
        stdin: bytes | Secret | None = None,
        timeout_seconds: float | None = None,
    ) -> ProgramResult:
        run = _run(script, arguments, stdin, timeout_seconds)
        self.runs.append(run)
        try:
            done = subprocess.run(
                [*self.shell, "-c", script, "sh", *arguments],
                input=run.stdin,
                capture_output=True,
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], **self.environment},
                timeout=timeout_seconds or 60,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            raise TimedOut(f"sh on {self.host}: not within {late.timeout:g} seconds") from late
        out, err = (text.decode("utf-8", "replace") for text in (done.stdout, done.stderr))
        return ProgramResult(exit_code=done.returncode, stdout=out, stderr=err)

    def put(self, local_path: str, remote_path: str) -> None:
        shutil.copyfile(local_path, remote_path)

    def renew(self) -> None:
        """Nothing is kept open here."""


@dataclass
class MachineSessions:
    """Implements ``Sessions`` for one machine: give what it has, the rest is refused."""

    windows: Programs | None = None
    session: Session | None = None
    shell: PosixShell | None = None
    others: Mapping[str, Programs] = field(default_factory=dict)
    """Programs of other inventory hosts."""
    other_sessions: Mapping[str, Session] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return "posix" if self.shell is not None else "windows"

    def programs(self) -> Programs:
        if self.windows is None:
            raise InvalidRequest("programs: this is no Windows machine")
        return self.windows

    def programs_on(self, inventory_host: str) -> Programs:
        if inventory_host not in self.others:
            raise InvalidRequest(f"the inventory has no host {inventory_host!r}")
        return self.others[inventory_host]

    def posix(self) -> PosixShell:
        if self.shell is None:
            raise InvalidRequest("posix: this is no Linux machine")
        return self.shell

    def here(self) -> Session:
        if self.session is None:
            raise InvalidRequest("here: this machine has no PowerShell session")
        return self.session

    def another_here(self) -> Session:
        return self.here()

    def to(self, inventory_host: str) -> Session:
        if inventory_host not in self.other_sessions:
            raise InvalidRequest(f"the inventory has no host {inventory_host!r}")
        return self.other_sessions[inventory_host]

    def another_to(self, inventory_host: str) -> Session:
        return self.to(inventory_host)


def machine_request(sessions: MachineSessions, *, check_mode: bool = False, **arguments: object) -> Request:
    """A task's request on that machine."""
    runner = sessions.shell or sessions.windows or sessions.session
    host = runner.host if runner is not None else "machine"
    return Request(
        arguments=arguments,
        host=host,
        check_mode=check_mode,
        sessions=sessions,
        reporter=Lines(),
        inventory_hosts=(host, *sessions.others, *sessions.other_sessions),
    )
