# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and folders of a host by its FileSystem provider: read, listed, hashed, written in one step, removed.

Paths are always literal. ``Move-Item -Destination`` reads brackets as a pattern, ``Rename-Item -NewName`` does not, so
only paths that are ours alone are moved over.
"""

from __future__ import annotations

import ntpath
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, ClassVar, Final

from ...errors import AuthenticationFailed, ConnectionLost, NotPossible, RemoteError
from ...findings import Finding, Severity
from ...session.command import ON, command, select
from ...session.reply import lacks_command
from ...waiting import SYSTEM_CLOCK
from ..gateway_reading import Question, ask
from ..wire_values import flag, moment, text, whole
from ..writing import change, send

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ...session.protocol import Session
    from ...session.reply import ErrorRecord, Reply
    from ...waiting import Clock

MISSING: Final = frozenset({"PathNotFound", "ItemNotFound", "DriveNotFound"})
"""Ids of errors about something that is not there."""
_HIDDEN: Final = "ProviderNotFound"
_AT_ONCE: Final = 100
"""Paths in one command: a request stays small whatever their number."""
_READ_SECONDS: Final = 300.0
_LOST_LINKS: Final = 5
_PAUSE_SECONDS: Final = 3.0
SLOWEST: Final = 10_000_000
"""Bytes a second below which a disk or a line counts as stuck, for limits on single commands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A file or folder as it lies there. Times are ISO 8601, UTC, in whole seconds; "" where they were not shown."""

    PROPERTIES: ClassVar = ("FullName", "Length", "LastWriteTimeUtc", "CreationTimeUtc", "PSIsContainer")

    path: str
    size: int = 0
    modified: str = ""
    created: str = ""
    is_folder: bool = False

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Item:
        """Return the item that a projected FileInfo or DirectoryInfo describes."""
        return cls(
            path=text(raw.get("FullName")),
            size=whole(raw.get("Length")) or 0,
            modified=moment(raw.get("LastWriteTimeUtc")) or "",
            created=moment(raw.get("CreationTimeUtc")) or "",
            is_folder=bool(flag(raw.get("PSIsContainer"))),
        )


def check_visible(session: Session, errors: Iterable[ErrorRecord]) -> None:
    """Raise NotPossible where an error says that the endpoint shows no file system (a restricted endpoint)."""
    for error in errors:
        hidden = error.error_id.split(",")[0] == _HIDDEN
        if lacks_command(error.error_id) or hidden:
            what = "the FileSystem provider" if hidden else error.target or error.command
            finding = Finding(
                id="file_commands_hidden",
                severity=Severity.BLOCKING,
                subject=session.host,
                evidence=f"the session does not show {what} ({error.error_id})",
                remedy="Exports and transfers work on files: use an ordinary endpoint for them, or one that shows "
                "the FileSystem provider and the commands of docs/restricted-endpoints.md.",
            )
            raise NotPossible(f"{session.host}: {finding.evidence}", findings=(finding,))


def stat(session: Session, paths: Sequence[str]) -> dict[str, Item]:
    """Return what lies at these paths, by path in lower case; what is not there is left out.

    Raises RemoteError for a path that the caller may not see, NotPossible on an endpoint without files.
    """
    items, errors = _look(session, paths)
    raise_others(session, errors)
    return items


def visible(session: Session, paths: Sequence[str]) -> dict[str, Item]:
    """Return what the caller can see at these paths, as ``stat`` does; a share may be closed to a session."""
    return _look(session, paths)[0]


def _look(session: Session, paths: Sequence[str]) -> tuple[dict[str, Item], tuple[ErrorRecord, ...]]:
    found: dict[str, Item] = {}
    errors: list[ErrorRecord] = []
    wanted = list(dict.fromkeys(paths))
    for first in range(0, len(wanted), _AT_ONCE):
        source = command("Get-Item", LiteralPath=wanted[first : first + _AT_ONCE], Force=ON)
        (answer,) = ask(session, Question(source, Item), timeout_seconds=_READ_SECONDS)
        check_visible(session, answer.errors)
        errors += answer.errors
        found |= {item.path.rstrip("\\").lower(): item for item in answer.items}
    return found, tuple(errors)


def raise_others(session: Session, errors: Iterable[ErrorRecord]) -> None:
    """Raise the first error that says something else than that a path is not there."""
    listed = tuple(errors)
    check_visible(session, listed)
    for error in listed:
        if error.id not in MISSING:
            raise error.as_error()


def tree(session: Session, folder: str, *, deep: bool = True) -> tuple[Item, ...]:
    """Return the files and folders below a folder, at any depth or only its own; none where it is not there."""
    source = command("Get-ChildItem", LiteralPath=folder, Recurse=ON if deep else None, Force=ON)
    (answer,) = ask(session, Question(source, Item), timeout_seconds=_READ_SECONDS)
    raise_others(session, answer.errors)
    return answer.items


def read_texts(session: Session, paths: Sequence[str]) -> dict[str, str | None]:
    """Return the texts of these small files by path as given; None for one that is not there."""
    found: dict[str, str | None] = {}
    for first in range(0, len(paths), _AT_ONCE):
        part = paths[first : first + _AT_ONCE]
        replies = session.invoke(
            *(command("Get-Content", LiteralPath=path, Raw=ON) for path in part), timeout_seconds=_READ_SECONDS
        )
        check_visible(session, [replies.ended_by] if replies.ended_by else [])
        found |= {path: text_of(session, reply) for path, reply in zip(part, replies, strict=True)}
    return found


def text_of(session: Session, reply: Reply) -> str | None:
    """Return the text that a reply of Get-Content -Raw holds; None where the file is not there."""
    raise_others(session, reply.errors)
    if reply.errors:
        return None
    return "".join(str(item) for item in reply.objects)


def clock_of(session: Session) -> datetime:
    """Return the host's own time, to which times of its files are compared."""
    reply = session.invoke(command("Get-Date"), timeout_seconds=_READ_SECONDS)[0]
    return time_of(str(reply.one()))


def time_of(stamp: str) -> datetime:
    """Return a time of the wire or of an Item; the beginning of time for one that can't be read."""
    found = moment(stamp)
    if not found:
        return datetime(1, 1, 1, tzinfo=timezone.utc)
    when = datetime.fromisoformat(found.replace("Z", "+00:00"))
    return when if when.tzinfo else when.replace(tzinfo=timezone.utc)


def patience(size: int) -> float:
    """Return the seconds after which a command on so many bytes is not waited for any longer."""
    return 600.0 + size / SLOWEST


def digest(session: Session, path: str, size: int, *, clock: Clock = SYSTEM_CLOCK) -> str:
    """Return a file's SHA-256, 64 lower-case digits, computed by the host; RemoteError where it can't be read.

    A lost link is opened again a few times: hours of hashes before this one would be lost with it.
    """
    sent = command("Get-FileHash", LiteralPath=path, Algorithm="SHA256") | select("Hash")
    for lost in range(_LOST_LINKS + 1):
        try:
            reply = session.invoke(sent, timeout_seconds=patience(size))[0]
            break
        except AuthenticationFailed:
            raise
        except ConnectionLost:
            if lost == _LOST_LINKS:
                raise
            clock.sleep(_PAUSE_SECONDS)
    check_visible(session, reply.errors)
    bag = reply.check().objects[0] if reply.objects else None
    if not isinstance(bag, dict) or not bag.get("Hash"):
        raise RemoteError(f"{session.host}: Get-FileHash gave nothing for {path}", command="Get-FileHash", path=path)
    return str(bag["Hash"]).lower()


def make_folders(session: Session, folders: Iterable[str]) -> None:
    """Make these folders, with those above them; one that is there stays as it is."""
    wanted = list(dict.fromkeys(folders))
    for first in range(0, len(wanted), _AT_ONCE):
        part = wanted[first : first + _AT_ONCE]
        reply = session.invoke(
            change("New-Item", ItemType="Directory", Path=part, Force=ON) | command("Out-Null"),
            timeout_seconds=_READ_SECONDS,
        )[0]
        check_visible(session, reply.errors)
        reply.check(changed=first > 0)


def write_text(session: Session, path: str, content: str, token: str) -> None:
    """Write a small ASCII file in one step: whoever reads it meets the old text or the new one, never half of it."""
    part = part_of(path, token)
    send(
        session,
        change("Set-Content", LiteralPath=part, Value=content, Encoding="ASCII", Force=ON),
        change("Move-Item", LiteralPath=part, Destination=path, Force=ON),
        timeout_seconds=_READ_SECONDS,
    )


def part_of(path: str, token: str) -> str:
    """Return the name under which a run writes a file before it gets its own."""
    return f"{path}.{token}.part"


def put_in_place(session: Session, part: str, path: str, *, replaces: bool) -> None:
    """Give a finished file its name; ``replaces`` says that a wrong one has it and goes first."""
    gone = [change("Remove-Item", LiteralPath=path, Force=ON)] if replaces else []
    send(
        session,
        *gone,
        change("Rename-Item", LiteralPath=part, NewName=ntpath.basename(path), Force=ON),
        timeout_seconds=_READ_SECONDS,
    )


def remove(session: Session, paths: Sequence[str]) -> tuple[str, ...]:
    """Remove files; return those that could not be (somebody still writes them)."""
    left = []
    for path in paths:
        reply = session.invoke(
            command("Remove-Item", LiteralPath=path, Force=ON, ErrorAction="SilentlyContinue"),
            command("Test-Path", LiteralPath=path),
            timeout_seconds=_READ_SECONDS,
        )
        if reply[1].objects == (True,):
            left.append(path)
    return tuple(left)


def remove_folder(session: Session, folder: str) -> None:
    """Remove a folder with all that is in it; one that is not there is fine. RemoteError where something stays."""
    reply = session.invoke(
        change("Remove-Item", LiteralPath=folder, Recurse=ON, Force=ON), timeout_seconds=_READ_SECONDS
    )[0]
    raise_others(session, reply.errors)
