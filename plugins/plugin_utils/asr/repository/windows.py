# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The choice of an installer on a Windows machine: cmdlets that every Windows has, hashes by certutil."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ...errors import NotFound, RemoteError
from ...session.command import Pipeline, command, select
from ..agent.windows_source import digest, share, verify
from ..installers import WINDOWS, listed
from ..patient import Wanted as Judged
from ..windows.evidence import OLD, Release, WindowsEvidence
from ..windows.rules_system import unsupported_system
from .machine import Look, Proof

if TYPE_CHECKING:
    from ...session.command import Credential
    from ...session.protocol import Session, Sessions
    from ...session.reply import Reply
    from ..catalogue import AsrFinding
    from ..installers import Installer

WINDOWS_KEY: Final = "HKLM:\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"
_CONTROL_KEY: Final = "HKLM:\\SYSTEM\\CurrentControlSet\\Control\\Windows"
_ENVIRONMENT_KEY: Final = "HKLM:\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment"
_VALUES: Final = (
    "CurrentVersion",
    "CurrentMajorVersionNumber",
    "CurrentMinorVersionNumber",
    "CurrentBuildNumber",
    "ProductName",
    "InstallationType",
)
_NOT_THERE: Final = ("PathNotFound", "DriveNotFound", "ItemNotFound")


class WindowsRepository:
    """Implements ``RepositoryMachine`` for the task's Windows machine."""

    def __init__(self, sessions: Sessions, credential: Credential | None = None) -> None:
        self._sessions = sessions
        self._credential = credential
        self._session: Session = sessions.here()
        self._release = Release(version=(0, 0))

    def look(self, folder: str | None) -> Look:
        """Return the system by its registry, and the installers of a folder.

        In one round trip, unless it signs in to a share, which a Windows has to be new enough for.
        """
        statements = [
            values_of(WINDOWS_KEY, *_VALUES),
            values_of(_CONTROL_KEY, "CSDVersion"),
            values_of(_ENVIRONMENT_KEY, "PROCESSOR_ARCHITECTURE"),
        ]
        listing = command("Get-ChildItem", LiteralPath=folder) | select("FullName")
        credential = self._credential_for(folder)
        if folder is not None and credential is None:
            statements.append(listing)
        replies = self._session.invoke(*statements, timeout_seconds=120)
        windows, pack, environment = (_first(reply) for reply in replies[:3])
        self._release = release_of(windows, pack, environment)
        files: tuple[Installer, ...] = ()
        if folder is not None and credential is None:
            files = listed(self._paths(replies[3], folder))
        elif folder is not None:
            with share(self._session, folder, credential, old=self._is_old):
                files = listed(self._paths(self._session.invoke(listing, timeout_seconds=120)[0], folder))
        return Look(system=self._release.product or "Windows", os_id=WINDOWS, files=files)

    def _credential_for(self, path: str | None) -> Credential | None:
        return self._credential if path is not None and path.startswith("\\\\") else None

    @property
    def _is_old(self) -> bool:
        return self._release.version <= OLD

    def _paths(self, reply: Reply, folder: str) -> list[str]:
        if reply.errors and reply.errors[0].id in _NOT_THERE:
            raise NotFound(f"{self._session.host} has no folder {folder}", path=folder)
        if reply.errors and folder.startswith("\\\\"):
            error = reply.errors[0].as_error()
            advice = (
                "a share needs source_username and source_password, or a connection that delegates credentials: "
                "CredSSP, or Kerberos with delegation"
            )
            raise RemoteError(f"{error.msg}; {advice}", **dict(error.details))
        return [str(item["FullName"]) for item in reply.check().objects if isinstance(item, dict)]

    def unsupported(self, version: tuple[int, ...]) -> AsrFinding | None:
        """Return the preflight's finding about the system, for this version of the agent."""
        judged = Judged(scopes=frozenset(), agent_version=version or None)
        return next(iter(unsupported_system(WindowsEvidence(release=self._release), judged)), None)

    def prove(self, path: str, *, hashed: bool, signed: bool) -> Proof:
        """Return what the file is. Signatures of today can't be verified on Windows 6.1 and older.

        No sum of a file on a share that the session signs in to: certutil runs beside it, in a logon of its own.
        """
        credential = self._credential_for(path)
        with share(self._session, path, credential, old=self._is_old):
            return self._proof(path, hashed=hashed and credential is None, signed=signed and not self._is_old)

    def _proof(self, path: str, *, hashed: bool, signed: bool) -> Proof:
        reply = self._session.invoke(command("Get-Item", LiteralPath=path) | select("Length"), timeout_seconds=60)[0]
        if reply.errors and reply.errors[0].id in _NOT_THERE:
            raise NotFound(f"{self._session.host} has no file {path}", path=path)
        size = int(reply.one().get("Length") or 0)
        programs = self._sessions.programs()
        sha256 = digest(programs, path) if hashed else None
        if signed:
            verify(self._session, programs, path, None, old=False)
        return Proof(size=size, sha256=sha256, signature_verified=signed)


def release_of(windows: dict[str, Any], pack: dict[str, Any], environment: dict[str, Any]) -> Release:
    """Return which Windows it is, by registry values; ``CSDVersion`` has the service pack in its second byte."""
    major, minor = windows.get("CurrentMajorVersionNumber"), windows.get("CurrentMinorVersionNumber")
    version = (int(major), int(minor or 0)) if major is not None else _numbers(str(windows.get("CurrentVersion") or ""))
    return Release(
        version=version,
        build=int(windows.get("CurrentBuildNumber") or 0),
        service_pack=int(pack.get("CSDVersion") or 0) >> 8,
        product=str(windows.get("ProductName") or ""),
        installation_type=str(windows.get("InstallationType") or ""),
        architecture=str(environment.get("PROCESSOR_ARCHITECTURE") or ""),
    )


def _numbers(text: str) -> tuple[int, int]:
    parts = text.split(".")
    return (int(parts[0]), int(parts[1])) if len(parts) == 2 and all(part.isdigit() for part in parts) else (0, 0)


def values_of(path: str, *names: str) -> Pipeline:
    """Return the reading of a key's values; nothing where there is no such key."""
    return command("Get-ItemProperty", LiteralPath=path, ErrorAction="SilentlyContinue") | select(*names)


def _first(reply: Reply) -> dict[str, Any]:
    return next((item for item in reply.objects if isinstance(item, dict)), {})
