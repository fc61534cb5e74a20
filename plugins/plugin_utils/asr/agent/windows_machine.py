# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent on a Windows machine: files and state by cmdlets, the vendor's programs over WinRS."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ...errors import ConnectionLost, MobilityError, NotFound, RemoteError, TimedOut
from ...session.command import command, select
from ...waiting import SYSTEM_CLOCK, Clock, Deadline, wait_until
from .command_lines import (
    MSI_LOG,
    WINDOWS_CONFIGURATOR_LOG,
    WINDOWS_DIRECTORY,
    WINDOWS_SETUP_LOG,
    WINDOWS_UPLOADED_LOG,
    extract_windows,
    install_windows,
    uninstall_windows,
)
from .folders import WINDOWS_PARENT, is_ours, new_name
from .machine import Attempt, Reading
from .read_windows import read_windows
from .secret_file import make_folder, remove_folder, secret_file
from .windows_source import bring, disk_is_full, require_space, require_usable, verify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...session.command import Pipeline, Secret
    from ...session.programs import ProgramResult
    from ...session.protocol import Sessions
    from .install_plan import InstallPlan
    from .registration_plan import RegistrationPlan
    from .state import AgentState

_BUSY: Final = 41
_MSI_BUSY: Final = 1618
_EXTRACTION_SECONDS: Final = 300
_POLL_SECONDS: Final = 2.0
_LEAST_SECONDS: Final = 600.0
"""How long a program of the vendor is waited for at least, however late others let it begin."""
_TAIL: Final = 30
_FOR_WANT_OF_SPACE: Final = ("not_brought", "not_unpacked")
_SETUPS: Final = ("UnifiedAgent.exe", "UnifiedAgentInstaller.exe")
"""Silent runs are published with the first; the second is what some pages name."""


class WindowsMachine:
    """Implements ``AgentMachine``."""

    system = "windows"

    def __init__(self, sessions: Sessions, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._session = sessions.here()
        self._sessions = sessions
        self._clock = clock

    def read(self) -> Reading:
        """Return the agent's state; the asset tag of an old Windows by its own program."""
        reading = read_windows(self._session)
        if reading.state.is_old_windows and not reading.state.asset_tag:
            tagged = replace(reading.state, asset_tag=self._old_asset_tag())
            return replace(reading, state=tagged)
        return reading

    def install(self, plan: InstallPlan, deadline: Deadline) -> Attempt:
        """Bring, verify, unpack and run the installer; see ``AgentMachine``."""
        old = plan.before.is_old_windows
        require_usable(plan, self._session.host, old=old)
        if plan.source is None:
            raise NotFound("there is no installer to run")
        programs = self._sessions.programs()
        folder, goes_on = f"{WINDOWS_PARENT}\\{new_name()}", False
        try:
            make_folder(self._session, programs, folder)
            require_space(self._session, folder)
            installer = bring(self._session, programs, plan.source, folder, deadline, old=old)
            verify(self._session, programs, installer, plan.sha256, old=old)
            setup = self._extract(installer, f"{folder}\\package", deadline)
            errors = f"{folder}\\errors.json"
            return self._attempt(setup, install_windows(plan, errors), WINDOWS_SETUP_LOG, errors, deadline)
        except MobilityError as problem:
            goes_on = bool(problem.details.get("goes_on"))
            if problem.details.get("reason") in _FOR_WANT_OF_SPACE and disk_is_full(self._session, folder):
                raise RemoteError(
                    f"{problem.msg}; drive {folder[:2]} is full: free space there",
                    **{**problem.details, "reason": "disk_full"},
                ) from problem
            raise
        finally:
            if not goes_on:  # setup still reads its package there; the next run waits for it, and cleans up
                self._clean(folder)

    def uninstall(self, state: AgentState, deadline: Deadline) -> Attempt:  # noqa: ARG002
        """Run MsiExec on the agent's product; another installation at work is waited for."""
        return self._attempt("msiexec", uninstall_windows(), MSI_LOG, None, deadline, busy=_MSI_BUSY)

    def configure(self, plan: RegistrationPlan, secret: Secret | None, deadline: Deadline) -> Attempt:
        """Run the configurator, with the secret in a locked file as long as it runs."""
        programs = self._sessions.programs()
        folder = f"{WINDOWS_PARENT}\\{new_name()}"
        errors = f"{folder}\\errors.json"
        program = f"{base_folder(plan.before)}\\agent\\UnifiedAgentConfigurator.exe"
        words = plan.windows_words(f"{folder}\\secret", errors)
        log = WINDOWS_CONFIGURATOR_LOG
        try:
            make_folder(self._session, programs, folder)
            if secret is None:
                return self._attempt(program, words, log, errors, deadline, also=WINDOWS_UPLOADED_LOG)
            with secret_file(self._session, programs, f"{folder}\\secret", secret):
                return self._attempt(program, words, log, errors, deadline, also=WINDOWS_UPLOADED_LOG)
        finally:
            self._clean(folder)

    def read_text(self, path: str) -> str | None:
        """Return a text file of the machine, or None where there is none or it can't be reached."""
        return self._content(command("Get-Content", LiteralPath=path, ErrorAction="Stop"))

    def read_end(self, path: str, lines: int) -> str:
        """Return the last lines of a text file; "" where there is none. Old systems have no Get-Content -Tail."""
        whole = command("Get-Content", LiteralPath=path, ErrorAction="Stop")
        return self._content(whole | command("Select-Object", Last=lines)) or ""

    def _content(self, asked: Pipeline) -> str | None:
        reply = self._session.invoke(asked, timeout_seconds=60)[0]
        return None if reply.errors else "\n".join(str(line) for line in reply.objects)

    def has_file(self, path: str) -> bool:
        """Return whether a file is there and can be reached."""
        reply = self._session.invoke(command("Test-Path", LiteralPath=path, PathType="Leaf"), timeout_seconds=60)[0]
        return reply.objects == (True,)

    def sweep(self, names: tuple[str, ...]) -> None:
        """Remove folders of ours; one that a program still uses stays for the next run."""
        for name in names:
            if is_ours(name):
                remove_folder(self._session, f"{WINDOWS_PARENT}\\{name}")

    def _clean(self, folder: str) -> None:
        """Remove this run's folder; a file that a program or the antivirus still holds gets a little time."""
        for _turn in range(3):
            try:
                if remove_folder(self._session, folder):
                    return
            except MobilityError:
                return  # the link is gone: what is being raised already says so, and the next run cleans up
            self._clock.sleep(_POLL_SECONDS)

    def _old_asset_tag(self) -> str:
        done = self._sessions.programs().run(
            "C:\\Windows\\System32\\wbem\\wmic.exe",
            "systemenclosure",
            "get",
            "SMBIOSAssetTag",
            "/value",
            stdin=b"",  # it waits for its input to end
            timeout_seconds=60,
        )
        return next((line.partition("=")[2].strip() for line in done.stdout.splitlines() if "=" in line), "")

    def _extract(self, installer: str, folder: str, deadline: Deadline) -> str:
        """Return the path of setup. The self-extractor ends early: wait until its files don't change any more."""
        done = self._sessions.programs().run(installer, *extract_windows(folder), timeout_seconds=_EXTRACTION_SECONDS)
        if done.exit_code != 0:
            raise RemoteError(
                f"{self._session.host}: {installer} could not be unpacked (exit code {done.exit_code}): "
                "it is damaged, or the disk is full",
                command=installer,
                exit_code=done.exit_code,
                reason="not_unpacked",
            )
        seen: list[tuple[tuple[str, int], ...]] = [()]

        def settled() -> str | None:
            listing = self._listing(folder)
            same = bool(listing) and listing == seen[0]
            seen[0] = listing
            names = {name.lower() for name, _size in listing}
            found = next((name for name in _SETUPS if name.lower() in names), None)
            return f"{folder}\\{found}" if same and found else None

        limit = Deadline(min(_EXTRACTION_SECONDS, max(deadline.remaining, _POLL_SECONDS)), self._clock)
        try:
            return wait_until(
                settled,
                what=f"{self._session.host}: unpacking {installer}",
                deadline=limit,
                interval=_POLL_SECONDS,
                last_seen=lambda: f"{len(seen[0])} files" if seen[0] else "no file: damaged, or a full disk",
            )
        except TimedOut as late:
            raise TimedOut(late.msg, **late.details, reason="not_unpacked") from late

    def attempt_script(self, program: str, deadline: Deadline) -> Attempt:
        """Run a script of the agent's folder to its end; setup's log is where it writes."""
        return self._attempt(program, (), WINDOWS_SETUP_LOG, None, deadline)

    def _listing(self, folder: str) -> tuple[tuple[str, int], ...]:
        reply = self._session.invoke(
            command("Get-ChildItem", LiteralPath=folder, ErrorAction="SilentlyContinue") | select("Name", "Length"),
            timeout_seconds=60,
        )[0]
        return tuple(sorted((str(item["Name"]), int(item.get("Length") or 0)) for item in reply.objects))

    def _attempt(
        self,
        program: str,
        words: Sequence[str],
        log: str,
        errors: str | None,
        deadline: Deadline,
        *,
        busy: int = _BUSY,
        also: str | None = None,
    ) -> Attempt:
        """Run a program of the vendor, again while another one is at work, until the deadline.

        ``also`` is a second log, whose new lines come before those of the first.
        """
        logs = (*((also,) if also else ()), log)
        before = {each: self._tail(each) for each in logs}
        done = self._run(program, words, deadline)
        while done.exit_code == busy and not deadline.passed:
            self._clock.sleep(min(10.0, deadline.remaining))
            done = self._run(program, words, deadline)
        return Attempt(
            program=program,
            exit_code=done.exit_code,
            errors_json=self._errors_of(errors) if errors else None,
            log_path=log,
            log_tail=tuple(line for each in logs for line in new_lines(before[each], self._tail(each))[-_TAIL:]),
            output_tail=tuple((done.stdout + done.stderr).splitlines()[-_TAIL:]),
        )

    def _errors_of(self, path: str) -> str | None:
        """Return the errors JSON; None also where it can't be read: the program's own end counts, and the state."""
        for _try in range(2):  # a session whose link broke while the program ran is opened anew by the second
            try:
                return self.read_text(path)
            except MobilityError:
                continue
        return None

    def _run(self, program: str, words: Sequence[str], deadline: Deadline) -> ProgramResult:
        try:
            patience = max(_LEAST_SECONDS, deadline.remaining)
            return self._sessions.programs().run_unbroken(program, *words, timeout_seconds=patience)
        except (ConnectionLost, TimedOut) as lost:
            lost.changed = True  # it may have begun, and may go on
            raise
        except NotFound as missing:
            raise RemoteError(
                f"{self._session.host}: there is no {program}: the agent's installation is incomplete",
                command=program,
                reason="no_program",
            ) from missing

    def _tail(self, log: str) -> tuple[str, ...]:
        """Return the last lines of a log; none where it isn't there."""
        try:
            reply = self._session.invoke(
                command("Get-Content", LiteralPath=log, ErrorAction="SilentlyContinue")
                | command("Select-Object", Last=2 * _TAIL),
                timeout_seconds=120,
            )[0]
        except MobilityError:
            return ()
        return tuple(str(line) for line in reply.objects)


def new_lines(before: Sequence[str], after: Sequence[str]) -> tuple[str, ...]:
    """Return the lines at the end of a log that were not there before; both are the log's last lines."""
    for count in range(min(len(before), len(after)), 0, -1):
        if tuple(after[:count]) == tuple(before[-count:]):
            return tuple(after[count:])
    return tuple(after)


def base_folder(state: AgentState) -> str:
    r"""Return the folder that setup was told; the machine may name the one below it, ``<dir>\agent``."""
    folder = (state.install_directory or WINDOWS_DIRECTORY).rstrip("\\")
    return folder[: -len("\\agent")] if folder.lower().endswith("\\agent") else folder
