# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which installers a server's push repository gets: ``asr_push_repository``'s decisions. No input or output here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ...errors import InvalidRequest
from ...operation import Diff
from ..agent.install_request import Source, parse_source
from ..installers import Installer, parse_name, placed_by_hand
from .checksums import checked_sha256

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SERVICE: Final = "InMage PushInstall"
"""Pushes the agent, on configuration servers and process servers; it looks at its repository when it starts."""
DIRECTORY: Final = "C:\\ProgramData\\ASR\\home\\svsystems\\pushinstallsvc\\repository"


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedFile:
    """An installer, where it comes from, and what it has to be."""

    installer: Installer
    source: Source
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedRepository:
    """What is asked of a server."""

    directory: str
    files: tuple[WantedFile, ...]
    left_out: tuple[str, ...] = ()
    """Files of systems whose installer the servers bring themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerState:
    """What a server has of what is wanted, and whether a killed run left a restart to be done."""

    sums: Mapping[str, str | None]
    """By the name of each wanted file; None where it isn't there."""
    restart_due: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacingPlan:
    """Which files to place; a file of another content under the same name is replaced."""

    place: tuple[WantedFile, ...] = ()
    before: Mapping[str, str | None]
    wanted: Mapping[str, str]
    restart_due: bool = False

    @property
    def changed(self) -> bool:
        """Whether a file is placed, or the service has to be restarted for files that a killed run placed."""
        return bool(self.place) or self.restart_due

    def diff(self) -> Diff:
        """Return the sums of the wanted files before and after, and the restart."""
        before: dict[str, Any] = {"installers": dict(self.before), "restarted": False}
        after = {"installers": dict(self.wanted), "restarted": True} if self.changed else before
        return Diff(before=before, after=after)


def parse_request(arguments: Mapping[str, Any]) -> WantedRepository:
    """Return what the task asks; InvalidRequest for what can't be, before anything is sent."""
    directory = str(arguments["directory"]).rstrip("\\")
    if not re.fullmatch(r'[A-Za-z]:\\[^"<>|*?%\r\n\0]+', directory):
        raise InvalidRequest(f"directory: {directory!r} is no absolute path of a folder on the server")
    if not arguments["files"]:
        raise InvalidRequest("files: give at least one installer with its source and sha256")
    files: list[WantedFile] = []
    left_out: list[str] = []
    for given in arguments["files"]:
        wanted = _file(given, arguments)
        if wanted.installer.name.lower() in {each.installer.name.lower() for each in files}:
            raise InvalidRequest(f"files: {wanted.installer.name} is given twice")
        if arguments["all_systems"] or placed_by_hand(wanted.installer):
            files.append(wanted)
        else:
            left_out.append(wanted.installer.name)
    return WantedRepository(directory=directory, files=tuple(files), left_out=tuple(left_out))


def _file(given: Mapping[str, Any], arguments: Mapping[str, Any]) -> WantedFile:
    login = {name: arguments.get(name) for name in ("source_username", "source_password")}
    source = parse_source({"source": given["source"], **login}, "windows")
    installer = parse_name(source.file_name) if source is not None else None
    if source is None or installer is None:
        raise InvalidRequest(f"files: {given['source']!r} is no installer file by the vendor's way of naming")
    return WantedFile(installer=installer, source=source, sha256=checked_sha256(given["sha256"], of=installer.name))


def plan(wanted: WantedRepository, state: ServerState) -> PlacingPlan:
    """Return which files are missing or different."""
    place: Sequence[WantedFile] = [each for each in wanted.files if state.sums.get(each.installer.name) != each.sha256]
    return PlacingPlan(
        place=tuple(place),
        before=dict(state.sums),
        wanted={each.installer.name: each.sha256 for each in wanted.files},
        restart_due=state.restart_due,
    )
