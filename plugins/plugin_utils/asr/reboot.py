# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarts a machine and waits until it has started anew, with nothing on it but its own commands.

Ansible's own reboot tasks need Python on Linux and send PowerShell script text to Windows.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from ..errors import AuthenticationFailed, ConnectionLost, MobilityError, RemoteError, TimedOut
from ..operation import Outcome
from ..session.command import ON, command, select
from ..session.reply import lacks_command
from ..waiting import SYSTEM_CLOCK, Clock, Deadline, wait_until
from .windows.read_programs import WMIC

if TYPE_CHECKING:
    from ..operation import Request
    from ..session.programs import PosixShell
    from ..session.protocol import Sessions

POLL_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 60.0
"""How long one question may take while the machine goes down or comes up."""
RESTART: Final = "(sleep 2; shutdown -r now || reboot) >/dev/null 2>&1 &"
"""In the background, so that the answer is out before the network goes down."""
BOOT_ID: Final = "cat /proc/sys/kernel/random/boot_id"


class Restartable(Protocol):
    """A machine that can be restarted."""

    def booted(self) -> str:
        """Return what names the present start of the machine: another text after each start."""

    def restart(self) -> None:
        """Ask the machine to restart; returns before it goes down, or with ConnectionLost while it does."""


class WindowsMachine:
    """Restarted by Restart-Computer; its start is the time that the system says, in the system's own words."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def booted(self) -> str:
        """Return when it was started. Windows before 2012 has no CIM cmdlets and is asked by wmic."""
        question = command("Get-CimInstance", ClassName="Win32_OperatingSystem") | select("LastBootUpTime")
        (reply,) = self._sessions.here().invoke(question, timeout_seconds=ANSWER_SECONDS)
        if reply.errors and lacks_command(reply.errors[0].error_id):
            arguments = ("os", "get", "lastbootuptime", "/value")
            done = self._sessions.programs().run(WMIC, *arguments, stdin=b"", timeout_seconds=ANSWER_SECONDS)
            return done.stdout.strip()
        return str(reply.one()["LastBootUpTime"])

    def restart(self) -> None:
        """Send Restart-Computer. Raises RemoteError where that is refused."""
        self._sessions.here().invoke(command("Restart-Computer", Force=ON), timeout_seconds=ANSWER_SECONDS)[0].check()


class LinuxMachine:
    """Restarted by ``shutdown -r now``; the kernel gives each start an id."""

    def __init__(self, shell: PosixShell) -> None:
        self._shell = shell

    def booted(self) -> str:
        """Return the kernel's id of the start. Raises RemoteError where it gives none."""
        done = self._shell.run(BOOT_ID, timeout_seconds=ANSWER_SECONDS)
        if done.exit_code or not done.stdout.strip():
            raise RemoteError(f"{self._shell.host} does not tell when it was started: {done.stderr.strip()}")
        return done.stdout.strip()

    def restart(self) -> None:
        """Ask for the restart."""
        self._shell.run(RESTART, timeout_seconds=ANSWER_SECONDS)


def operate(request: Request, *, clock: Clock = SYSTEM_CLOCK) -> Outcome:
    """Restart the machine; return ``rebooted`` and ``seconds``. Raises TimedOut when it does not come back."""
    windows = request.sessions.kind == "windows"
    machine: Restartable = WindowsMachine(request.sessions) if windows else LinuxMachine(request.sessions.posix())
    before = machine.booted()
    if request.check_mode:
        return Outcome(changed=True, values={"rebooted": False, "seconds": 0})
    deadline = Deadline(float(request.arguments["timeout_seconds"]), clock)
    with suppress(ConnectionLost):  # it may go down before it answers
        machine.restart()
    _await(machine, before, deadline, request.host)
    return Outcome(changed=True, values={"rebooted": True, "seconds": round(deadline.elapsed)})


def _await(machine: Restartable, before: str, deadline: Deadline, host: str) -> None:
    last = "no answer"

    def returned() -> bool:
        nonlocal last
        try:
            now = machine.booted()
        except AuthenticationFailed:
            raise  # never again with the same secret: that locks accounts
        except MobilityError as problem:
            last = problem.msg
            return False
        last = "still up since before" if now == before else "started anew"
        return now != before

    try:
        wait_until(
            returned,
            what=f"{host} back after its restart",
            deadline=deadline,
            interval=POLL_SECONDS,
            last_seen=lambda: last,
        )
    except TimedOut as late:
        raise TimedOut(late.msg, changed=True, **late.details) from late
    except AuthenticationFailed as refused:
        raise AuthenticationFailed(refused.msg, changed=True, **refused.details) from refused
