# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs on machines: native ones on Windows (WinRS), ``sh`` on Linux (ssh); tests have fakes of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .command import Secret


@dataclass(frozen=True, kw_only=True)
class ProgramResult:
    """How a program ended. Output is text: undecodable bytes are replaced, line ends are as the program wrote them."""

    exit_code: int
    stdout: str = ""
    stderr: str = ""


class Programs(Protocol):
    """Native programs of a Windows machine, started without a shell between: arguments are data."""

    @property
    def host(self) -> str:
        """The inventory name of the machine, for messages."""

    def run(
        self,
        program: str,
        *arguments: str,
        stdin: bytes | Secret | None = None,
        timeout_seconds: float | None = None,
    ) -> ProgramResult:
        """Run a program to its end (600 seconds unless told).

        ``stdin`` is sent and closed; a Secret never shows. Raises NotFound where the machine has no such program,
        ConnectionLost, AuthenticationFailed, TimedOut (the program has been told to end then).
        """

    def run_unbroken(self, program: str, *arguments: str, timeout_seconds: float) -> ProgramResult:
        """Run a program that must not end half-way: neither the deadline nor a broken link ends it.

        A link that breaks is made anew until the deadline. Raises as ``run`` does; ``details["goes_on"]`` is true where
        the program may still run.
        """

    def close(self) -> None:
        """End the shell on the machine; safe to call twice."""


class PosixShell(Protocol):
    """``sh`` on a Linux machine, over the task's connection and with its ``become``."""

    @property
    def host(self) -> str:
        """The inventory name of the machine, for messages."""

    def run(
        self,
        script: str,
        *arguments: str,
        stdin: bytes | Secret | None = None,
        timeout_seconds: float | None = None,
    ) -> ProgramResult:
        """Run a script text by ``sh`` to its end (600 seconds unless told); ``arguments`` are its $1, $2 and so on.

        Values go in as arguments or by ``stdin``, never into the text; secrets by ``stdin`` only.
        Raises ConnectionLost, AuthenticationFailed (a refused become password too), TimedOut.
        """

    def put(self, local_path: str, remote_path: str) -> None:
        """Copy a file of the controller to the machine by SFTP, as the connection's user; the folder must exist."""

    def renew(self) -> None:
        """Let the next call sign in anew: a changed setting of the SSH server holds for new connections only."""
