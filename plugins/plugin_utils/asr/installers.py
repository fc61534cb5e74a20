# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installer files of the Mobility service: what their names say, and which one a machine gets. No input or output."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ..errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WINDOWS: Final = "Windows"
BY_HAND: Final[dict[str, tuple[int, ...]]] = {
    "RHEL5-64": (9, 36),
    "SLES11-SP3-64": (9, 36),
    "DEBIAN7-64": (9, 36),
    "UBUNTU-14.04-64": (9, 42),
    "DEBIAN9-64": (9, 52),
}
"""Systems whose installer the servers don't bring any more, and since which agent; CentOS 5 is RHEL5-64. The first
three are in the oldest published table, the others in later ones."""

BY_HAND_UNDATED: Final = ("SLES11-SP4-64", "DEBIAN8-64", "OL6-64")
"""Newer tables name these too, without saying since when; for OL6-64 it is a heading only (unverified)."""

_NAME: Final = re.compile(
    r"Microsoft-ASR_UA_(?P<version>\d{1,3}(?:\.\d{1,6}){1,3})_(?P<os>[A-Z0-9][A-Z0-9.-]*)"
    r"_GA_(?P<day>\d{1,2})(?P<month>[A-Z]{3})(?P<year>\d{4})_release\.(?P<kind>exe|tar\.gz)",
    re.IGNORECASE,
)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True, slots=True, kw_only=True)
class Installer:
    """One installer file, as its name tells."""

    name: str
    version: tuple[int, ...]
    os_id: str
    """``Windows``, ``RHEL7-64``, ``SLES11-SP3-64``, ``UBUNTU-18.04-64`` …"""
    date: tuple[int, int, int]
    """Year, month, day."""
    path: str
    """Where it is, as it was listed: a name, a path or an address."""
    size: int | None = None

    @property
    def shown_version(self) -> str:
        """The version as text."""
        return ".".join(str(part) for part in self.version)

    def as_plain(self) -> dict[str, Any]:
        """Return the file as JSON types."""
        year, month, day = self.date
        return {
            "name": self.name,
            "path": self.path,
            "version": self.shown_version,
            "os_id": self.os_id,
            "date": f"{year:04}-{month:02}-{day:02}",
            "size": self.size,
        }


def parse_name(name: str, *, path: str | None = None, size: int | None = None) -> Installer | None:
    """Return what a file's name says, by the vendor's grammar and without regard to case; None for another name."""
    found = _NAME.fullmatch(name)
    if found is None or found["month"].lower() not in _MONTHS:
        return None
    os_id = WINDOWS if found["os"].lower() == "windows" else found["os"].upper()
    if (os_id == WINDOWS) != (found["kind"].lower() == "exe"):
        return None
    return Installer(
        name=name,
        version=tuple(int(part) for part in found["version"].split(".")),
        os_id=os_id,
        date=(int(found["year"]), _MONTHS.index(found["month"].lower()) + 1, int(found["day"])),
        path=name if path is None else path,
        size=size,
    )


def file_name(path: str) -> str:
    """Return the last part of a path or an address, without a query."""
    return re.split(r"[\\/]", re.split(r"[?#]", path)[0] if "://" in path else path)[-1]


def listed(paths: Iterable[str]) -> tuple[Installer, ...]:
    """Return the installers among paths, names or addresses; other files are passed over."""
    found = (parse_name(file_name(path), path=path) for path in paths)
    return tuple(each for each in found if each is not None)


def pinned_version(text: str | None) -> tuple[int, ...] | None:
    """Return the numbers of a wanted version, whole or its first parts (``9.55``). Raises InvalidRequest."""
    if not text:
        return None
    if not re.fullmatch(r"\d{1,3}(\.\d{1,6}){1,3}", text.strip()):
        raise InvalidRequest(f"version: {text!r} is no version of the agent; give it like 9.55 or 9.55.6765.1")
    return tuple(int(part) for part in text.strip().split("."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The installer for a machine, and what deserves a look."""

    installer: Installer
    warnings: tuple[str, ...] = ()


def choose(
    installers: Sequence[Installer],
    os_id: str,
    version: tuple[int, ...] | None = None,
    *,
    where: str = "the repository",
) -> Choice:
    """Return the newest installer for a system, or the newest of the wanted version.

    Raises NotFound, with what is there: no installer for that system, or none of that version.
    """
    mine = sorted((each for each in installers if each.os_id == os_id), key=lambda each: (each.version, each.date))
    if not mine:
        there = sorted({each.os_id for each in installers})
        raise NotFound(
            f"{where} has no installer for {os_id}; it has " + (", ".join(there) or "none at all") + _by_hand(os_id),
            os_id=os_id,
            available=there,
        )
    fitting = [each for each in mine if version is None or each.version[: len(version)] == version]
    if not fitting:
        versions = [each.shown_version for each in mine]
        wanted = ".".join(str(part) for part in version or ())
        raise NotFound(
            f"{where} has no installer of version {wanted} for {os_id}; it has {', '.join(versions)}",
            os_id=os_id,
            available=versions,
        )
    chosen = fitting[-1]
    return Choice(installer=chosen, warnings=_left_behind(chosen, installers) if version is None else ())


def _by_hand(os_id: str) -> str:
    if os_id in BY_HAND or os_id in BY_HAND_UNDATED:
        return ". Newer servers don't bring this one: fetch it and have asr_push_repository place it"
    return ""


def _left_behind(chosen: Installer, installers: Sequence[Installer]) -> tuple[str, ...]:
    """Say where the newest file of a system that is placed by hand is older than the others' newest."""
    newest = max(installers, key=lambda each: each.version)
    since = BY_HAND.get(chosen.os_id, (9, 36) if chosen.os_id in BY_HAND_UNDATED else None)
    if since is None or newest.version[:2] < since or newest.version[:2] <= chosen.version[:2]:
        return ()
    told = f"{chosen.name} is of {chosen.shown_version}, other systems have {newest.shown_version}"
    why = f"from {since[0]}.{since[1]} on, servers don't bring the installer for {chosen.os_id}"
    return (f"{told}: {why}; place the newest by hand",)


def placed_by_hand(installer: Installer) -> bool:
    """Whether the servers of this version don't bring the installer by themselves."""
    since = BY_HAND.get(installer.os_id, (9, 36) if installer.os_id in BY_HAND_UNDATED else None)
    return since is not None and installer.version[:2] >= since
