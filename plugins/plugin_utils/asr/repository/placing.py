# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Places installers in the push repository of a configuration server or process server: ``asr_push_repository``.

A file is brought into a folder of ours beside the repository, verified there and moved. That folder goes only after
the service was restarted: one that a killed run left says that a restart is due.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ...errors import InvalidRequest, MobilityError, NotFound, NotPossible
from ...findings import Finding, Severity
from ...operation import Outcome, carry_out
from ...session.command import ON, command, select
from ...waiting import SYSTEM_CLOCK, Clock, Deadline, wait_until
from ..agent.folders import PREFIX, is_left, new_name
from ..agent.read_windows import folders_of
from ..agent.secret_file import remove_folder
from ..agent.windows_source import bring, digest, verify
from ..installers import WINDOWS
from ..windows.evidence import OLD
from .placing_plan import SERVICE, PlacingPlan, ServerState, WantedFile, WantedRepository, parse_request, plan
from .windows import WINDOWS_KEY, release_of, values_of

if TYPE_CHECKING:
    from ...operation import Request
    from ...session.protocol import Sessions

_POLL_SECONDS: Final = 2.0
_RUNNING: Final = "running"


def operate(request: Request, *, clock: Clock = SYSTEM_CLOCK) -> Outcome:
    """Place what is missing and restart the service where something was placed.

    Raises NotFound (no such repository or source), NotPossible (no server that pushes; a file that is not what its sum
    tells), RemoteError, TimedOut (the service does not run again).
    """
    if request.sessions.kind != "windows":
        raise InvalidRequest(f"{request.host}: configuration servers and process servers run Windows")
    wanted = parse_request(request.arguments)
    deadline = Deadline(float(request.arguments["timeout_seconds"]), clock)
    server = _Server(request.sessions, wanted)
    decided = plan(wanted, server.read())
    values = {
        "directory": wanted.directory,
        "placed": [each.installer.name for each in decided.place],
        "left_out": list(wanted.left_out),
        "restarted": decided.changed,
    }
    return carry_out(decided, lambda due: server.apply(due, deadline), request, values)


class _Server:
    """The server's repository and its service."""

    def __init__(self, sessions: Sessions, wanted: WantedRepository) -> None:
        self._sessions, self._wanted = sessions, wanted
        self._session = sessions.here()
        self._parent = wanted.directory.rpartition("\\")[0]
        self._left: tuple[str, ...] = ()
        self._old = False

    def read(self) -> ServerState:
        """Return what is there: one round trip, and one run of certutil for each wanted file that is there."""
        replies = self._session.invoke(
            values_of(WINDOWS_KEY, "CurrentVersion", "CurrentMajorVersionNumber", "CurrentMinorVersionNumber"),
            command("Get-Service", Name=SERVICE, ErrorAction="SilentlyContinue") | select("Name", "Status"),
            command("Test-Path", LiteralPath=self._wanted.directory, PathType="Container"),
            command("Get-ChildItem", LiteralPath=self._wanted.directory, ErrorAction="SilentlyContinue")
            | select("Name"),
            command("Get-ChildItem", Path=f"{self._parent}\\{PREFIX}*", ErrorAction="SilentlyContinue")
            | select("Name", "LastWriteTimeUtc"),
            command("Get-Date"),
            timeout_seconds=120,
        )
        windows, service, there, files, folders, now = (reply.objects for reply in replies)
        if not service:
            raise self._no_server()
        if there != (True,):
            raise NotFound(
                f"{self._session.host} has no folder {self._wanted.directory}: give directory, the push repository of "
                "this server",
                path=self._wanted.directory,
            )
        self._old = bool(windows) and release_of(windows[0], {}, {}).version <= OLD
        self._left = tuple(found.name for found in folders_of(folders, now) if is_left(found))
        present = {str(item["Name"]).lower() for item in files}
        return ServerState(
            sums={each.installer.name: self._sum(each, present) for each in self._wanted.files},
            restart_due=bool(self._left),
        )

    def _sum(self, wanted: WantedFile, present: set[str]) -> str | None:
        if wanted.installer.name.lower() not in present:
            return None
        return digest(self._sessions.programs(), f"{self._wanted.directory}\\{wanted.installer.name}")

    def _no_server(self) -> NotPossible:
        finding = Finding(
            id="no_push_server",
            severity=Severity.BLOCKING,
            subject=self._session.host,
            evidence=f"there is no service {SERVICE}",
            remedy="run this on the configuration server and on every scale-out process server",
        )
        return NotPossible(f"{self._session.host} is no server that pushes the agent", findings=[finding])

    def apply(self, due: PlacingPlan, deadline: Deadline) -> dict[str, Any]:
        """Place the files, restart the service, remove what is ours. Says truly whether something was changed."""
        folder = f"{self._parent}\\{new_name()}"
        placed = False
        try:
            if due.place:
                make = command("New-Item", Path=folder, ItemType="Directory", ErrorAction="Stop") | command("Out-Null")
                self._session.invoke(make, timeout_seconds=60).check()
            for each in due.place:
                self._place(each, folder, deadline)
                placed = True
            self._restart(deadline)
        except MobilityError as problem:
            if not placed:
                remove_folder(self._session, folder)
            problem.changed = problem.changed or placed
            raise
        for name in self._left:
            remove_folder(self._session, f"{self._parent}\\{name}")
        if due.place:
            remove_folder(self._session, folder)
        return {}

    def _place(self, wanted: WantedFile, folder: str, deadline: Deadline) -> None:
        """Bring a file into our folder, verify it, and move it into the repository."""
        programs = self._sessions.programs()
        staged = f"{folder}\\{wanted.installer.name}"
        found = bring(self._session, programs, wanted.source, folder, deadline, old=self._old)
        if found.lower() != staged.lower():
            self._session.invoke(
                command("Copy-Item", LiteralPath=found, Destination=staged, ErrorAction="Stop"),
                timeout_seconds=max(60.0, deadline.remaining),
            ).check()
        self._verify(wanted, staged)
        self._session.invoke(
            command(
                "Move-Item",
                LiteralPath=staged,
                Destination=f"{self._wanted.directory}\\{wanted.installer.name}",
                Force=ON,
                ErrorAction="Stop",
            ),
            timeout_seconds=120,
        ).check()

    def _verify(self, wanted: WantedFile, staged: str) -> None:
        programs = self._sessions.programs()
        found = digest(programs, staged)
        if found != wanted.sha256:
            finding = Finding(
                id="installer_checksum",
                severity=Severity.BLOCKING,
                subject=wanted.source.shown,
                evidence=f"its SHA-256 is {found}, expected is {wanted.sha256}",
                remedy="fetch the file again; the repository is left as it was",
            )
            raise NotPossible(f"{wanted.source.shown} is not the file that was meant", findings=[finding])
        if wanted.installer.os_id == WINDOWS and not self._old:
            verify(self._session, programs, staged, None, old=False)

    def _restart(self, deadline: Deadline) -> None:
        """Restart the service and wait until it runs."""
        self._session.invoke(
            command("Restart-Service", Name=SERVICE, Force=ON, ErrorAction="Stop"),
            timeout_seconds=max(120.0, min(600.0, deadline.remaining)),
        ).check(changed=True)
        seen = [""]

        def runs() -> bool:
            reply = self._session.invoke(command("Get-Service", Name=SERVICE) | select("Status"), timeout_seconds=60)[0]
            seen[0] = str(reply.one().get("Status"))
            return seen[0].lower() == _RUNNING

        wait_until(
            runs,
            what=f"{self._session.host}: service {SERVICE} after its restart",
            deadline=deadline,
            interval=_POLL_SECONDS,
            last_seen=lambda: seen[0],
        )
