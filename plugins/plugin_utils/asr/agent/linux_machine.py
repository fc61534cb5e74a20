# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent on a Linux machine: a step is one ``sh`` script, which cleans up by itself, also where the link breaks."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...errors import ConnectionLost, InvalidRequest, MobilityError, NotFound, RemoteError, TimedOut
from .command_lines import LINUX_DIRECTORY, LINUX_LOG, LINUX_UNINSTALL_LOG, install_linux, uninstall_linux
from .folders import LINUX_PARENT, is_ours, new_name
from .machine import Attempt, Reading
from .read_linux import new_marker, read_linux, script, sections

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...session.command import Secret
    from ...session.programs import PosixShell
    from ...waiting import Deadline
    from .install_plan import InstallPlan
    from .install_request import Source
    from .registration_plan import RegistrationPlan
    from .state import AgentState

PREPARE: Final = script("prepare")
INSTALL: Final = script("common") + script("install")
RUN: Final = script("common") + script("run")
SWEEP: Final = script("sweep")
HAS_FILE: Final = '[ -f "$1" ]'
READ_TEXT: Final = 'if [ -f "$1" ]; then cat "$1"; else exit 3; fi'

_REFUSALS: Final = {
    "no_folder": "a folder in /var/tmp could not be made",
    "no_source": "there is no such file",
    "no_downloader": "there is neither curl nor wget to download it; use local_path or a path on the machine",
    "no_download": "it could not be downloaded",
    "no_digest": "there is neither sha256sum nor openssl to verify it",
    "other_digest": "its SHA-256 is another one than asked: it is damaged, or not the file that was meant",
    "not_unpacked": "it could not be unpacked: it is damaged, or the disk is full",
    "not_an_installer": "it holds no program named install, so it is no installer of the agent",
    "no_execution": "programs can't be run from /var/tmp (mounted noexec): mount it with exec for the installation",
    "no_program": "the agent's program is not there: its installation is incomplete",
    "not_written": "a file in /var/tmp could not be written: is the disk full?",
}
_FULL_BELOW_KB: Final = 1024


class LinuxMachine:
    """Implements ``AgentMachine``."""

    system = "linux"

    def __init__(self, shell: PosixShell, *, root: str = "") -> None:
        self._shell = shell
        self._root = root
        """What stands before every path; for tests."""

    def read(self) -> Reading:
        """Return the agent's state, in one round trip."""
        return read_linux(self._shell, root=self._root)

    def install(self, plan: InstallPlan, deadline: Deadline) -> Attempt:
        """Bring, verify, unpack and run the installer; see ``AgentMachine``."""
        source = plan.source
        if source is None:
            raise InvalidRequest("there is no installer to run")
        folder = self._folder()
        kind, place, digest = "path", source.path or "", plan.sha256
        if source.url is not None:
            kind, place = "url", source.url
        elif source.local_path is not None:
            kind, place, digest = "drop", "package.tar.gz", local_digest(source, plan.sha256)
            self._drop(source.local_path, folder, place)
        words = install_linux(plan, f"{folder}/errors.json")
        patience = str(int(deadline.remaining))
        found = self._run(
            INSTALL, folder, kind, place, digest or "", patience, self._root + LINUX_LOG, *words, deadline=deadline
        )
        self._refused(found, source.shown)
        return _attempt("install", found, LINUX_LOG)

    def uninstall(self, state: AgentState, deadline: Deadline) -> Attempt:
        """Run the vendor's uninstall.sh, which lies above the agent's own folder."""
        program = f"{base_folder(state)}/uninstall.sh"
        found = self._agent_program(program, uninstall_linux(LINUX_UNINSTALL_LOG), None, LINUX_UNINSTALL_LOG, deadline)
        self._refused(found, program)
        return _attempt(program, found, LINUX_UNINSTALL_LOG)

    def configure(self, plan: RegistrationPlan, secret: Secret | None, deadline: Deadline) -> Attempt:
        """Run the configurator; the secret comes by standard input into a file that the script removes."""
        program = f"{base_folder(plan.before)}/Vx/bin/UnifiedAgentConfigurator.sh"
        folder = self._folder()
        words = plan.linux_words(f"{folder}/secret", f"{folder}/errors.json")
        found = self._agent_program(program, words, secret, LINUX_LOG, deadline, folder=folder)
        self._refused(found, program)
        return _attempt(program, found, LINUX_LOG)

    def read_text(self, path: str) -> str | None:
        """Return a text file of the machine, or None where there is none."""
        done = self._shell.run(READ_TEXT, path, timeout_seconds=60)
        return done.stdout if done.exit_code == 0 else None

    def has_file(self, path: str) -> bool:
        """Return whether there is such a file."""
        return self._shell.run(HAS_FILE, path, timeout_seconds=60).exit_code == 0

    def sweep(self, names: tuple[str, ...]) -> None:
        """Remove folders of ours."""
        ours = [f"{self._root}{LINUX_PARENT}/{name}" for name in names if is_ours(name)]
        if ours:
            self._shell.run(SWEEP, *ours, timeout_seconds=120)

    def _folder(self) -> str:
        return f"{self._root}{LINUX_PARENT}/{new_name()}"

    def _drop(self, local_path: str, folder: str, name: str) -> None:
        """Put the controller's file into the folder; the connection's user may be another one than root."""
        made = self._shell.run(PREPARE, folder, timeout_seconds=60)
        if made.exit_code != 0:
            raise RemoteError(f"{self._shell.host}: {_REFUSALS['no_folder']}: {made.stderr.strip()}", command="mkdir")
        try:
            self._shell.put(local_path, f"{folder}/drop/{name}")
        except MobilityError:
            self._shell.run(SWEEP, folder, timeout_seconds=120)
            raise

    def _agent_program(
        self,
        program: str,
        words: tuple[str, ...],
        secret: Secret | None,
        log: str,
        deadline: Deadline,
        *,
        folder: str | None = None,
    ) -> Mapping[str, str]:
        kind = "none" if secret is None else "file"
        return self._run(
            RUN,
            folder or self._folder(),
            kind,
            str(int(deadline.remaining)),
            self._root + log,
            self._root + program,
            *words,
            deadline=deadline,
            secret=secret,
        )

    def _run(self, text: str, *arguments: str, deadline: Deadline, secret: Secret | None = None) -> Mapping[str, str]:
        marker = new_marker()
        try:
            done = self._shell.run(text, marker, *arguments, stdin=secret, timeout_seconds=deadline.remaining + 60)
        except (ConnectionLost, TimedOut) as lost:
            lost.changed = True  # the script may have begun, and may go on
            raise
        return sections(done.stdout, marker, self._shell.host)

    def _refused(self, found: Mapping[str, str], subject: str) -> None:
        """Raise what the script itself refused; nothing of the vendor's ran then."""
        why = next((name.partition(" ")[2] for name in found if name.startswith("refused ")), None)
        if why is None:
            return
        said = found[f"refused {why}"].strip()
        free = found.get("free", "").strip()
        full = why in {"not_unpacked", "no_download", "not_written"} and free.isdigit() and int(free) < _FULL_BELOW_KB
        text = "the disk of /var/tmp is full: free space there" if full else _REFUSALS.get(why, why)
        kind = NotFound if why == "no_source" else RemoteError
        raise kind(
            f"{self._shell.host}: {subject}: {text}" + (f" ({said.splitlines()[-1]})" if said else ""),
            reason="disk_full" if full else why,
            command="sh",
            free_kb=int(free) if free.isdigit() else None,
        )


def base_folder(state: AgentState) -> str:
    """Return the folder that setup was told; the machine names the one below it, ``<dir>/Vx``."""
    return (state.install_directory or LINUX_DIRECTORY).rstrip("/").removesuffix("/Vx")


def local_digest(source: Source, told: str | None) -> str:
    """Return the SHA-256 of a file of the controller; InvalidRequest where it isn't there or is another one."""
    path = Path(source.local_path or "")
    if not path.is_file():
        raise InvalidRequest(f"local_path: the controller has no file {source.local_path!r}")
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            digest.update(piece)
    if told is not None and digest.hexdigest() != told:
        raise InvalidRequest(f"local_path: {source.local_path!r} has SHA-256 {digest.hexdigest()}, asked is {told}")
    return digest.hexdigest()


def _attempt(program: str, found: Mapping[str, str], log: str) -> Attempt:
    return Attempt(
        program=program,
        exit_code=int(found["exit"].strip()),
        errors_json=found.get("errors"),
        log_path=log,
        log_tail=tuple(found.get("log", "").splitlines()[-30:]),
        output_tail=tuple(found.get("output", "").splitlines()[-30:]),
    )
