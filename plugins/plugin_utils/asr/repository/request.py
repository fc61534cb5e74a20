# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``asr_installer`` is asked, read from its arguments and refused where it makes no sense."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ...errors import InvalidRequest, NotFound
from ..agent.install_request import credential_of
from ..installers import Installer, file_name, listed, parse_name, pinned_version
from .checksums import Expected, from_file, from_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...session.command import Credential

MACHINE, CONTROLLER = "machine", "controller"
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked. Either ``folder`` is to be listed, or ``names`` are what there is."""

    on: str
    folder: str | None = None
    names: tuple[str, ...] = ()
    version: tuple[int, ...] | None = None
    expected: Mapping[str, Expected] = field(default_factory=dict)
    """What files have to be, by their name in small letters."""
    verify_signature: bool = True
    credential: Credential | None = None
    """Who signs in to a share."""

    @property
    def shown(self) -> str:
        """The repository, for messages."""
        return self.folder or "the given list"


def parse_request(arguments: Mapping[str, Any]) -> Wanted:
    """Return what the task asks; InvalidRequest for what can't be."""
    given = [str(each).strip() for each in arguments["repository"]]
    if not given or "" in given:
        raise InvalidRequest("repository: give a folder, or the names, paths or addresses of installer files")
    if arguments.get("checksums") and arguments.get("checksums_file"):
        raise InvalidRequest("checksums and checksums_file are both given; one says what the files have to be")
    folders = [each for each in given if _is_folder(each)]
    if folders and len(given) > 1:
        raise InvalidRequest(
            f"repository: {folders[0]!r} is no installer file by the vendor's way of naming, and a folder stands alone"
        )
    table = arguments.get("checksums_file")
    return Wanted(
        on=arguments["repository_on"],
        folder=folders[0] if folders else None,
        names=tuple(given) if not folders else (),
        version=pinned_version(arguments.get("version")),
        expected=from_file(table) if table else from_mapping(arguments.get("checksums") or {}),
        verify_signature=arguments["verify_signature"],
        credential=credential_of(arguments),
    )


def _is_folder(text: str) -> bool:
    if parse_name(file_name(text)) is not None:
        return False
    if _ADDRESS.match(text):
        raise InvalidRequest(
            f"repository: {text!r} is no address of an installer file; list the files of a web server one by one"
        )
    return True


def on_controller(wanted: Wanted) -> tuple[Installer, ...]:
    """Return the installers of a folder of the controller; NotFound where there is no such folder."""
    folder = Path(wanted.folder or "").expanduser()
    if not folder.is_dir():
        raise NotFound(f"the controller has no folder {wanted.folder}", path=wanted.folder)
    return listed(str(path) for path in sorted(folder.iterdir()) if path.is_file())


def is_address(path: str) -> bool:
    """Whether a path is an address of a server."""
    return _ADDRESS.match(path) is not None


def is_on_machine(path: str) -> bool:
    """Whether a path says where on the machine (or on a share) the file is: a bare name or an address does not."""
    return not is_address(path) and re.match(r"/|\\\\|[A-Za-z]:[\\/]", path) is not None
