# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes back: plain objects and error records, per statement."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, overload

from ..errors import NotFound, RemoteError

NO_SUCH_COMMAND: Final = "CommandNotFoundException"
_NO_SUCH_MODULE: Final = "CouldNotAutoLoadModule"
"""What a module-qualified name gives where the whole module is missing."""
_HRESULT = re.compile(r"\((0x[0-9A-Fa-f]{8})\)")


def lacks_command(error_id: str) -> bool:
    """Whether an error's id says that the session has no such command: its module is missing, or does not show it."""
    return error_id.split(",", maxsplit=1)[0] in (NO_SUCH_COMMAND, _NO_SUCH_MODULE)


@dataclass(frozen=True, kw_only=True)
class ErrorRecord:
    """An error record as the machine sent it. Classify on ids, never on ``message``: it is in the host's language."""

    error_id: str
    """FullyQualifiedErrorId, for example "ObjectNotFound,Microsoft.HyperV.PowerShell.Commands.GetVM"."""
    category: int
    command: str
    reason: str = ""
    target: str = ""
    message: str = ""
    identifier: str = ""
    """Exception.ErrorIdentifier where the exception has one."""
    native_code: int | None = None
    """Exception.NativeErrorCode where the exception is a Win32Exception: the code of the system's own call."""
    http_status: int | None = None
    """The status of a web server's refusal: .NET writes it in parentheses into its message, in every language."""

    @property
    def id(self) -> str:
        """The id before the class name; "" where the FullyQualifiedErrorId is a class name alone."""
        return self.error_id.rpartition(",")[0].split(",")[0]

    @property
    def hresult(self) -> str | None:
        """The last HRESULT of the message, as "0x8009030E", or None.

        The code in parentheses is the same in every language; Exception.HResult is a generic .NET code.
        """
        found = _HRESULT.findall(self.message)
        return f"0x{found[-1][2:].upper()}" if found else None

    def as_error(self, *, changed: bool = False) -> RemoteError:
        """Return the record as an exception of the error family."""
        said = " ".join(self.message.split())  # some messages have several lines
        about = self.command or self.target
        if lacks_command(self.error_id):
            said = "the session has no such command; install its module, or make it visible on a restricted endpoint"
            about = self.target or about
        return RemoteError(
            f"{about}: {said or self.error_id}" if about else said or self.error_id,
            changed=changed,
            error_id=self.error_id,
            category=self.category,
            hresult=self.hresult,
            command=self.command,
        )


@dataclass(frozen=True, kw_only=True)
class Reply:
    """The answer to one statement.

    ``objects`` are plain: dict for property bags and objects, list, str, int, float, bool, None. Enumerations are
    their name, Guids lower-case text, time spans, dates and versions text as it stands on the wire.
    """

    command: str
    objects: tuple[Any, ...] = ()
    errors: tuple[ErrorRecord, ...] = ()
    warnings: tuple[str, ...] = ()
    ran: bool = True
    """False when an earlier statement ended the invocation before this one's turn."""

    def check(self, *, changed: bool = False) -> Reply:
        """Return the reply, or raise its first error as RemoteError."""
        if self.errors:
            raise self.errors[0].as_error(changed=changed)
        if not self.ran:
            raise RemoteError(f"{self.command} was not run: an earlier command ended the invocation", changed=changed)
        return self

    def one(self) -> Any:
        """Return the only object; NotFound when there is none, ValueError when there are several."""
        self.check()
        if not self.objects:
            raise NotFound(f"{self.command} returned nothing")
        if len(self.objects) > 1:
            raise ValueError(f"{self.command} returned {len(self.objects)} objects where one was expected")
        return self.objects[0]


@dataclass(frozen=True)
class Replies(Sequence[Reply]):
    """One reply per statement, in order; ``ended_by`` is the error that ended the invocation early, if one did."""

    replies: tuple[Reply, ...]
    ended_by: ErrorRecord | None = field(default=None)

    @overload
    def __getitem__(self, index: int) -> Reply: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Reply, ...]: ...
    def __getitem__(self, index: int | slice) -> Reply | tuple[Reply, ...]:
        return self.replies[index]

    def __len__(self) -> int:
        return len(self.replies)

    def check(self, *, changed: bool = False) -> Replies:
        """Return the replies, or raise the first error of any of them."""
        if self.ended_by is not None:
            raise self.ended_by.as_error(changed=changed)
        for reply in self.replies:
            reply.check(changed=changed)
        return self
