# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``sh`` on a machine, by a task's own connection plugin and its ``become``; needs no Python and no folder there."""

from __future__ import annotations

import contextlib
import shlex
import threading
from typing import TYPE_CHECKING, Any, Final

from ansible.errors import (
    AnsibleAuthenticationFailure,
    AnsibleConnectionFailure,
    AnsibleError,
    AnsibleFileNotFound,
)

from ..errors import AuthenticationFailed, ConnectionLost, InvalidRequest, TimedOut
from ..session.command import Secret
from ..session.programs import ProgramResult
from ..waiting import SYSTEM_CLOCK, Deadline, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ansible.plugins.action import ActionBase

    from ..waiting import Clock

DEFAULT_TIMEOUT_SECONDS: Final = 600.0
RENEWAL_SECONDS: Final = 30.0
"""How long a restarted server may take until it accepts connections."""
_RETRIES: Final = "reconnection_retries"


class TaskShell:
    """Implements ``PosixShell`` over the connection of a task."""

    def __init__(self, action: ActionBase, host: str, clock: Clock = SYSTEM_CLOCK) -> None:
        self.host = host
        self._clock = clock
        self._action: Any = action
        self._connection: Any = action._connection  # noqa: SLF001
        self._answered = False

    def run(
        self,
        script: str,
        *arguments: str,
        stdin: bytes | Secret | None = None,
        timeout_seconds: float | None = None,
    ) -> ProgramResult:
        """Run a script text by ``sh``; see ``PosixShell.run``.

        Data is always sent, so that the plugin asks for no terminal: one would mangle the output. At the deadline the
        program is left to itself.
        """
        self._refuse_terminals()
        data = stdin.text.encode() if isinstance(stdin, Secret) else stdin
        line = " ".join(["sh", "-c", *map(shlex.quote, (script, "sh", *arguments))])
        if data is None:
            line += " </dev/null"

        def execute() -> dict[str, Any]:
            with self._without_retries():
                found: dict[str, Any] = self._action._low_level_execute_command(line, in_data=data or b"\n")  # noqa: SLF001
            return found

        limit = DEFAULT_TIMEOUT_SECONDS if timeout_seconds is None else timeout_seconds
        result = self._within(execute, limit, "a script")
        return ProgramResult(exit_code=int(result["rc"]), stdout=str(result["stdout"]), stderr=str(result["stderr"]))

    @contextlib.contextmanager
    def _without_retries(self) -> Iterator[None]:
        """Keep the ssh plugin from starting a script again after a lost link: the first one may still be at work."""
        if not self._connection.has_option(_RETRIES):
            yield
            return
        usual = self._connection.get_option(_RETRIES)
        self._connection.set_option(_RETRIES, 0)
        try:
            yield
        finally:
            self._connection.set_option(_RETRIES, usual)

    def put(self, local_path: str, remote_path: str) -> None:
        """Copy a file of the controller to the machine; see ``PosixShell.put``."""
        try:
            self._within(lambda: self._connection.put_file(local_path, remote_path), None, "a copy")
        except AnsibleFileNotFound as missing:
            raise InvalidRequest(f"the controller has no file {local_path!r}", path=local_path) from missing

    def renew(self) -> None:
        """Close the connection that the plugin keeps open beyond a task, and wait until the server takes a new one.

        A server that has just been restarted may turn the first connections away. One that stays away is told by the
        next call.
        """
        reset = getattr(self._connection, "reset", None)
        if reset is not None:
            with contextlib.suppress(AnsibleError):
                reset()
        deadline = Deadline(RENEWAL_SECONDS, self._clock)
        with contextlib.suppress(TimedOut):
            wait_until(self._takes_connections, what="a new connection", deadline=deadline, interval=1.0)

    def _takes_connections(self) -> bool:
        try:
            self.run("exit 0", timeout_seconds=RENEWAL_SECONDS)
        except AuthenticationFailed:
            return True  # never tried again with the same secret
        except (ConnectionLost, TimedOut):
            return False
        return True

    def _refuse_terminals(self) -> None:
        become = self._connection.become
        if become is not None and not getattr(become, "pipelining", True):
            raise InvalidRequest(
                f"{self.host}: become_method {become.name!r} needs a terminal, which garbles what is read; "
                "use sudo, or sign in as root",
                become_method=str(become.name),
            )

    def _within(self, work: Callable[[], Any], seconds: float | None, what: str) -> Any:
        """Return what ``work`` gives, or raise the family's error for what it raised.

        The plugin can't be interrupted: it works in a thread, left alone at the deadline, which ends with the task.
        """
        answers: list[Any] = []
        failures: list[BaseException] = []

        def body() -> None:
            try:
                answers.append(work())
            except BaseException as failure:  # noqa: BLE001  # raised again in the thread that waits
                failures.append(failure)

        thread = threading.Thread(target=body, name=f"sh on {self.host}", daemon=True)
        thread.start()
        thread.join(seconds)
        if thread.is_alive():
            raise TimedOut(f"{self.host} did not end {what} within {seconds:g} seconds; it may still be at work")
        if failures:
            raise self._known(failures[0]) from failures[0]
        self._answered = True
        return answers[0]

    def _known(self, failure: BaseException) -> BaseException:
        said = " ".join(str(failure).split())
        if isinstance(failure, AnsibleFileNotFound) or not isinstance(failure, AnsibleError):
            return failure
        if isinstance(failure, AnsibleAuthenticationFailure):
            return AuthenticationFailed(
                f"{self.host} refused the credentials: {said}", reason="authentication", unreachable=not self._answered
            )
        if isinstance(failure, AnsibleConnectionFailure):
            return ConnectionLost(
                f"the link to {self.host} failed: {said}", reason="link", unreachable=not self._answered
            )
        become = self._connection.become
        if become is not None and become.name in said:
            return AuthenticationFailed(f"{self.host}: {said}; set ansible_become_password", reason="become")
        return ConnectionLost(f"{self.host}: {said}", reason="connection", unreachable=not self._answered)
