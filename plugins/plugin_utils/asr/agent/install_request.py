# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task asks of the agent: read from its arguments, refused where it makes no sense. No input or output here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ...errors import InvalidRequest
from ...session.command import Credential, Secret
from ..installers import file_name, parse_name
from .state import CLASSIC, MODERNIZED
from .versions import compare, parse, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

PRESENT, LATEST, ABSENT = "present", "latest", "absent"
_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")
_WINDOWS_FORBIDDEN: Final = re.compile(r'["<>|*?%\r\n\0]')
_URL: Final = re.compile(r"https?://[^\s/?#]+/\S+", re.IGNORECASE)
_USERINFO: Final = re.compile(r"https?://[^/?#]*@", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where an installer is. Exactly one way is set: a path on the machine, a UNC path, a URL, a file here."""

    path: str | None = None
    unc: str | None = None
    url: str | None = None
    local_path: str | None = None
    credential: Credential | None = None
    """For a UNC path."""

    @property
    def shown(self) -> str:
        """What messages call it."""
        return self.path or self.unc or self.url or self.local_path or ""

    @property
    def file_name(self) -> str:
        """The name of the file, as the vendor's grammar has it."""
        return file_name(self.shown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked, checked as far as that goes without the machine."""

    state: str = PRESENT
    source: Source | None = None
    version: tuple[int, ...] | None = None
    """Told, or read from the file's name."""
    version_is_told: bool = False
    os_id: str | None = None
    """From the file's name: the system that the installer is for."""
    sha256: str | None = None
    install_directory: str | None = None
    platform: str = "VmWare"
    stack: str | None = None
    vss: str = "warn"
    timeout_seconds: int = 1800


def parse_request(arguments: Mapping[str, Any], system: str) -> Wanted:
    """Return what the task asks of a machine of a system ("windows", "linux"); InvalidRequest for what can't be."""
    state = arguments["state"]
    source = parse_source(arguments, system)
    if state == ABSENT:
        return Wanted(state=state, timeout_seconds=arguments["timeout_seconds"])
    if state == LATEST and source is None:
        raise InvalidRequest("state: latest needs source or local_path: what is newest is what that file holds")
    name = parse_name(source.file_name) if source is not None else None
    told = parse(arguments["version"]) if arguments.get("version") else None
    version = told or (name.version if name else None)
    if name and told and compare(name.version, told):
        raise InvalidRequest(
            f"version is {shown(told)}, but the file's name {source.file_name if source else ''!r} "
            f"says {shown(name.version)}; give the one that is meant"
        )
    if source is not None and version is None:
        raise InvalidRequest(
            f"{source.file_name!r} does not tell its version by the vendor's way of naming: give version"
        )
    stack = arguments.get("stack")
    return Wanted(
        state=state,
        source=source,
        version=version,
        version_is_told=told is not None,
        os_id=name.os_id if name else None,
        sha256=_sha256(arguments.get("sha256")),
        install_directory=_directory(arguments.get("install_directory"), system),
        platform=arguments["platform"],
        stack=stack,
        vss=arguments["vss"],
        timeout_seconds=arguments["timeout_seconds"],
    )


def stack_for(wanted: str | None, installed: str | None, version: tuple[int, ...]) -> str:
    """Return the stack to install: the one asked, else the installed one, else the version's own default."""
    return wanted or installed or (MODERNIZED if compare(version, (9, 55)) >= 0 else CLASSIC)


def parse_source(arguments: Mapping[str, Any], system: str) -> Source | None:
    """Return where the installer is, or None where none is given; InvalidRequest for what this system can't take."""
    given, local = arguments.get("source"), arguments.get("local_path")
    if given and local:
        raise InvalidRequest("source and local_path are both given; one says where the installer is")
    if local:
        if system == "windows":
            raise InvalidRequest("local_path is for Linux; for Windows give source: a path there, UNC, http or https")
        return Source(local_path=local)
    if not given:
        return None
    credential = credential_of(arguments)
    if re.match(r"https?:", given, re.IGNORECASE):
        return _url(given)
    if system == "linux":
        if not given.startswith("/"):
            raise InvalidRequest(f"source: {given!r} is neither an absolute path nor an http(s) address")
        return Source(path=given)
    if _WINDOWS_FORBIDDEN.search(given):
        raise InvalidRequest(f"source: {given!r} has characters that no Windows path has")
    if given.startswith("\\\\"):
        if len([part for part in given.split("\\") if part]) < 3:
            raise InvalidRequest(f"source: {given!r} is no UNC path of a file: \\\\server\\share\\file.exe")
        return Source(unc=given, credential=credential)
    if not re.match(r"[A-Za-z]:\\", given):
        raise InvalidRequest(f"source: {given!r} is no absolute path, UNC path or http(s) address")
    return Source(path=given)


def _url(given: str) -> Source:
    if _USERINFO.match(given):
        raise InvalidRequest("source: an address with a user name in it would show in process lists; use one without")
    if not _URL.fullmatch(given):
        raise InvalidRequest(f"source: {given!r} is no address of a file")
    return Source(url=given)


def credential_of(arguments: Mapping[str, Any]) -> Credential | None:
    """Return who signs in to a share, None where nobody is named; InvalidRequest for a half of the two."""
    user, password = arguments.get("source_username"), arguments.get("source_password")
    if bool(user) != bool(password):
        raise InvalidRequest("source_username and source_password belong together")
    return Credential(user, Secret(password)) if user and password else None


def _sha256(text: str | None) -> str | None:
    if not text:
        return None
    if not _SHA256.fullmatch(text.strip()):
        raise InvalidRequest(f"sha256: {text!r} is no SHA-256 sum: 64 hexadecimal digits")
    return text.strip().lower()


def _directory(text: str | None, system: str) -> str | None:
    """Refuse what setup refuses by its exit code 10; a blank as such is no error (facts, section 9)."""
    if not text:
        return None
    absolute = re.match(r"[A-Za-z]:\\", text) if system == "windows" else text.startswith("/")
    if not absolute or not text.isascii() or _WINDOWS_FORBIDDEN.search(text):
        raise InvalidRequest(f"install_directory: {text!r} must be an absolute path of plain ASCII characters")
    return text.rstrip("\\/")
