# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A native program that nobody may end half-way: an installer.

A program ends with its shell, and a shell ends by Delete or by its idle time (facts on WinRM; that the idle time takes
a running program along is assumed, not verified). So it gets a shell of its own with a long idle time, which is deleted
only after the program ended.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NoReturn

from pypsrp.shell import CommandState, Process, SignalCode

from ..errors import AuthenticationFailed, ConnectionLost, MobilityError, NotFound, TimedOut
from .opening import opened, patiently
from .translate import best_effort, fault_code, translated

if TYPE_CHECKING:
    from ..waiting import Clock, Deadline
    from .endpoint import EndpointLink

IDLE_SECONDS: Final = 7200
"""The hosts' own default in the field: no host is asked for more than it gives by itself."""
FILE_NOT_FOUND: Final = 2147942402
_PAUSE_SECONDS: Final = 5.0
_REFUSALS: Final = 2
"""A link that breaks while signing in looks like a refusal; more of them in a row would lock an account."""
_PASSING: Final = ("link", "no_connection", "service_starting", "quota")


class UnbrokenRun:
    """One run of a program in a shell of its own."""

    def __init__(self, host: str, link: EndpointLink, program: str, *, clock: Clock, accepted: set[str]) -> None:
        self._host, self._link, self._program = host, link, program
        self._clock, self._accepted = clock, accepted
        self._shell: Any = None

    def finish(self, line: tuple[str, list[str]], deadline: Deadline) -> Process:
        """Start the program, and return it when it has ended. A link that breaks meanwhile is made anew.

        Raises NotFound where there is no such program; TimedOut and ConnectionLost, ``details["goes_on"]`` true where
        the program may still run; AuthenticationFailed.
        """
        process = self._started(line, deadline)
        refusals = 0
        while process.state != CommandState.DONE:
            if deadline.passed:
                self._late(process, deadline)
            try:
                with translated(self._host):
                    process.poll_invoke(timeout=self._patience(deadline))
                refusals = 0
            except (ConnectionLost, AuthenticationFailed) as broken:
                refused = isinstance(broken, AuthenticationFailed)
                refusals += refused
                if refusals > _REFUSALS or not (refused or broken.details.get("reason") in _PASSING):
                    self._give_up(broken)
                self._connect_again(deadline)
        with best_effort():
            process.signal(SignalCode.TERMINATE)
        with best_effort():
            self._link.release_shell(self._shell, lost=False)
        return process

    def _started(self, line: tuple[str, list[str]], deadline: Deadline) -> Process:
        def start() -> Process:
            if self._shell is None:
                self._shell = opened(self._host, lambda: self._link.open_shell(IDLE_SECONDS), self._accepted)
            process = Process(self._shell, line[0], line[1], no_shell=True)
            with translated(self._host):
                process.begin_invoke()
            return process

        try:
            return patiently(start, deadline, self._clock)
        except ConnectionLost as gone:
            if self._shell is None:
                raise
            if gone.details.get("reason") == "link":  # the answer may be what was lost
                self._give_up(gone)
            with best_effort():
                self._link.release_shell(self._shell, lost=True)
            if fault_code(gone) == FILE_NOT_FOUND:
                raise NotFound(f"{self._host} has no program {self._program!r}", program=self._program) from gone
            raise

    def _patience(self, deadline: Deadline) -> int | None:
        usual = int(self._shell.wsman.operation_timeout)
        return max(1, math.ceil(deadline.remaining)) if deadline.remaining < usual else None

    def _connect_again(self, deadline: Deadline) -> None:
        """Ask on by a client of its own: the broken one's encryption belongs to the connection that is gone."""
        self._clock.sleep(min(_PAUSE_SECONDS, deadline.remaining))
        self._let_go()
        self._shell.wsman = self._link.client()

    def _late(self, process: Process, deadline: Deadline) -> NoReturn:
        self._give_up(
            TimedOut(
                f"{self._program} on {self._host} did not end within {deadline.seconds:g} seconds and goes on there",
                last_seen=process.stdout.decode("utf-8", "replace")[-500:],
                program=self._program,
            )
        )

    def _give_up(self, why: MobilityError) -> NoReturn:
        """Leave the shell with its program on the host, where its idle time ends it, and raise."""
        self._let_go()
        gone = why.details.get("reason") == "shell_gone"
        why.changed, why.details = True, {**why.details, "goes_on": not gone}
        raise why

    def _let_go(self) -> None:
        with best_effort():
            self._shell.wsman.close()
