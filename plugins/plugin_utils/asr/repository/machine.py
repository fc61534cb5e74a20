# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine says for the choice of its installer: which system it is, which files there are, what a file is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ..installers import Installer

if TYPE_CHECKING:
    from ..catalogue import AsrFinding


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A machine's system and the installers of the folder that was asked for."""

    system: str
    """The release, for people."""
    os_id: str | None
    """None where no installer is made for the system."""
    files: tuple[Installer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a file on the machine is."""

    size: int
    sha256: str | None = None
    """None where it was not asked for, or can't be made here."""
    signature_verified: bool = False


class RepositoryMachine(Protocol):
    """A machine that gets an installer."""

    def look(self, folder: str | None) -> Look:
        """Return its system, and the installers of a folder; NotFound where there is no such folder."""

    def unsupported(self, version: tuple[int, ...]) -> AsrFinding | None:
        """Return why this version of the agent doesn't support the machine that was looked at, or None."""

    def prove(self, path: str, *, hashed: bool, signed: bool) -> Proof:
        """Return what a file is; NotFound where it isn't there, RemoteError where its signature is not the vendor's."""
