# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The choice of an installer on a Linux machine: two short scripts for its ``sh``."""

from __future__ import annotations

import re
import secrets
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...errors import NotFound, RemoteError
from ..catalogue import AsrFinding, finding
from ..installers import listed
from ..linux.distribution import Distribution, detect, unsupported
from .machine import Look, Proof

if TYPE_CHECKING:
    from ...session.programs import PosixShell

_SCRIPTS: Final = Path(__file__).with_name("scripts")
_NO_FILE, _NO_TOOL = 3, 4
_SUM = re.compile(r"\b[0-9a-f]{64}\b")


class LinuxRepository:
    """Implements ``RepositoryMachine`` for the task's Linux machine."""

    def __init__(self, shell: PosixShell) -> None:
        self._shell = shell
        self._distribution: Distribution | None = None
        self._architecture = ""

    def look(self, folder: str | None) -> Look:
        """Return the system by its release files, and the installers of a folder, in one round trip."""
        marker = f"hm{secrets.token_hex(8)}"
        done = self._shell.run(script("look"), marker, folder or "", timeout_seconds=120)
        sections = _sections(done.stdout, marker)
        if "end" not in sections:
            raise RemoteError(
                f"{self._shell.host}: sh did not answer to the end (exit code {done.exit_code})",
                command="sh",
                exit_code=done.exit_code,
            )
        if "no folder" in sections:
            raise NotFound(f"{self._shell.host} has no folder {folder} that can be read", path=folder)
        files = {head[5:]: body for head, body in sections.items() if head.startswith("file ")}
        self._distribution, self._architecture = detect(files), sections.get("machine", "").strip()
        known = self._distribution
        return Look(
            system=known.release if known else "Linux",
            os_id=known.os_id if known and self._architecture == "x86_64" else None,
            files=listed(sections.get("folder", "").splitlines()),
        )

    def unsupported(self, version: tuple[int, ...]) -> AsrFinding | None:
        """Return why the release, or its architecture, does not get this version of the agent."""
        why = unsupported(self._distribution, version or None)
        if self._architecture != "x86_64":
            why = f"its architecture is {self._architecture or 'not known'}; only x86_64 is supported"
        subject = self._distribution.release if self._distribution else "the system"
        return finding("95213", subject=subject, evidence=why) if why else None

    def prove(self, path: str, *, hashed: bool, signed: bool) -> Proof:  # noqa: ARG002 # of the protocol
        """Return what the file is; installers for Linux carry no signature."""
        done = self._shell.run(script("prove"), path, "hashed" if hashed else "", timeout_seconds=600)
        if done.exit_code == _NO_FILE:
            raise NotFound(f"{self._shell.host} has no file {path} that can be read", path=path)
        if done.exit_code == _NO_TOOL:
            raise RemoteError(f"{self._shell.host} has neither sha256sum nor openssl to verify {path}", command="sh")
        size = re.match(r"\s*(\d+)", done.stdout)
        found = _SUM.findall(done.stdout)[-1:]  # openssl says the path before it
        if done.exit_code != 0 or size is None or (hashed and not found):
            raise RemoteError(
                f"{self._shell.host}: {path} can't be verified (exit code {done.exit_code})",
                command="sh",
                exit_code=done.exit_code,
            )
        return Proof(size=int(size[1]), sha256=found[0] if hashed and found else None)


@cache
def script(name: str) -> str:
    """Return the text of a script."""
    return (_SCRIPTS / f"{name}.sh").read_text(encoding="utf-8")


def _sections(output: str, marker: str) -> dict[str, str]:
    """Return the bodies by their heads; a banner before the first is left out."""
    parts = output.replace("\r\n", "\n").split(f"\n{marker} ")[1:]
    return {head: body for head, _newline, body in (part.partition("\n") for part in parts)}
