# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session over PowerShell remoting: typed statements in, one reply each out.

The engine's rules (measured on a real engine) are built in here, so that no operation has to know them: several
statements begin with a harmless marker, since a terminating error of the first statement would be swallowed and the
second one run; markers are the borders between the statements' answers, which come in one stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import uuid4

from ..errors import ConnectionLost, RemoteError, TimedOut
from ..waiting import SYSTEM_CLOCK, Clock, Deadline
from . import build
from .command import Pipeline, command
from .invocation import Course, Invocation
from .lasting import builds_upon, changes, goes_on, held, never_began, repeatable
from .opening import LINK_PAUSES_SECONDS, opened, patiently, signing_in
from .reply import ErrorRecord, Replies, Reply
from .translate import best_effort

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_TIMEOUT_SECONDS: Final = 600.0


class Link(Protocol):
    """Where a session's runspace pool comes from and goes to."""

    @property
    def delegates_credentials(self) -> bool:
        """Whether the machine will hold credentials for a second hop."""

    def open(self) -> Any:
        """Return an open pypsrp RunspacePool; may raise what the libraries raise."""

    def release(self, pool: Any, *, lost: bool) -> None:
        """Give a pool back; ``lost`` when its link failed or its state is unknown. What runs in it ends."""

    def leave(self, pool: Any) -> None:
        """Forget a pool without a word to the machine: what runs in it goes on."""


class PsrpSession:
    """Implements ``Session`` over one runspace, opened when first needed and again after it was lost."""

    def __init__(self, host: str, link: Link, *, clock: Clock = SYSTEM_CLOCK, accepted: set[str] | None = None) -> None:
        self.host = host
        self._link = link
        self._clock = clock
        self._accepted = set() if accepted is None else accepted
        """Hosts that took our credentials during this task, shared by its sessions."""
        self._pool: Any = None
        self._kept: frozenset[str] = frozenset()
        """What the runspace keeps that later statements may build upon."""
        self.may_have_changed = False
        """Whether anything was sent that changes the machine."""

    @property
    def delegates_credentials(self) -> bool:
        """Whether the machine holds credentials it can use for a second hop."""
        return self._link.delegates_credentials

    def invoke(self, *statements: Pipeline, timeout_seconds: float | None = None) -> Replies:
        """Run the statements in order and return one reply each; see ``Session.invoke``.

        Without ``timeout_seconds`` the deadline is 600 seconds. A link that breaks off is opened again, and statements
        that only read are asked again, three times in some seconds, unless the runspace kept something. After a lost
        link the next call opens a new runspace, in which nothing is kept; what was sent ends with the old one, unless
        it changes something on the machine.
        ConnectionLost and TimedOut say in ``changed`` whether such a change may have begun.
        """
        build.check(statements)
        limit = DEFAULT_TIMEOUT_SECONDS if timeout_seconds is None else timeout_seconds
        deadline = Deadline(limit, self._clock)
        marker = f"hm-{uuid4().hex}" if len(statements) > 1 else None
        course = self._course(statements, marker, deadline)
        self._kept = held(self._kept, statements)
        self.may_have_changed = self.may_have_changed or changes(statements)
        return sorted_by_statement(course, statements, marker, self.host)

    def _course(self, statements: Sequence[Pipeline], marker: str | None, deadline: Deadline) -> Course:
        """Ask, and ask again over a new link where that can do no harm."""
        pauses = iter(LINK_PAUSES_SECONDS)
        while True:
            invocation: Invocation | None = None
            try:
                invocation = self._started(marked(statements, marker), deadline)
                with signing_in(self.host, self._accepted):
                    return invocation.finish(deadline)
            except (ConnectionLost, TimedOut) as lost:
                alone = self._pool is not None and not self._kept
                self._lost(statements, lost, begun=invocation is not None)
                pause = next(pauses, None)
                if pause is None or not (alone and repeatable(statements, lost)):
                    raise
            self._clock.sleep(min(pause, deadline.remaining))

    def _lost(self, statements: Sequence[Pipeline], lost: ConnectionLost | TimedOut, *, begun: bool) -> None:
        """End the runspace or leave it alone, and note what may have been changed."""
        begun = begun or isinstance(lost, TimedOut) or (self._pool is not None and not never_began(lost))
        lost.changed = begun and changes(statements)
        self.may_have_changed = self.may_have_changed or lost.changed
        if isinstance(lost, ConnectionLost) and begun and goes_on(statements, lost):
            self.abandon()
        else:
            self._release(lost=True)

    def abandon(self) -> None:
        """Forget the runspace without closing it: what runs there goes on, and the host ends the shell when idle."""
        pool, self._pool, self._kept = self._pool, None, frozenset()
        if pool is not None:
            with best_effort():
                self._link.leave(pool)

    def close(self) -> None:
        """End the runspace; safe to call twice, and quiet when the link is gone."""
        self._release(lost=False)

    def _release(self, *, lost: bool) -> None:
        pool, self._pool, self._kept = self._pool, None, frozenset()
        if pool is not None:
            with best_effort():
                self._link.release(pool, lost=lost)

    def _started(self, statements: Sequence[Pipeline], deadline: Deadline) -> Invocation:
        def start() -> Invocation:
            if self._pool is None:
                self._pool = opened(self.host, self._link.open, self._accepted, self._clock)
            invocation = Invocation(self._pool, statements, self.host)
            with signing_in(self.host, self._accepted):
                invocation.start()
            return invocation

        try:
            return patiently(start, deadline, self._clock)
        except ConnectionLost as gone:
            # An idle session may have been ended by the host meanwhile; nothing was started, so a new one can do it,
            # unless it builds upon what the old one kept: a path on a drive that is gone would just not be found.
            if gone.details.get("reason") != "shell_gone" or builds_upon(self._kept, statements):
                raise
            self._release(lost=True)
        return patiently(start, deadline, self._clock)  # outside, or its errors would be taken for this one


def marked(statements: Sequence[Pipeline], marker: str | None) -> list[Pipeline]:
    """Return what is sent: each statement behind its marker, or the only statement as it is."""
    if marker is None:
        return list(statements)
    border = command("Write-Output", InputObject=marker)
    return [part for statement in statements for part in (border, statement)]


def sorted_by_statement(course: Course, statements: Sequence[Pipeline], marker: str | None, host: str) -> Replies:
    """Return one reply per statement from the stream of answers.

    Raises RemoteError when the first marker itself was refused: then nothing can be told apart.
    """
    parts: list[list[tuple[str, Any]]] = [[]] if marker is None else []
    for kind, value in course.events:
        if marker is not None and kind == "output" and value == marker:
            parts.append([])
        elif parts:
            parts[-1].append((kind, value))
        elif kind == "error":
            raise _no_marker(value, host)
    replies = [_reply(statement, parts[place]) for place, statement in enumerate(statements[: len(parts)])]
    replies += [Reply(command=statement.last, ran=False) for statement in statements[len(parts) :]]
    return Replies(tuple(replies), course.ended_by)


def _no_marker(record: ErrorRecord, host: str) -> RemoteError:
    return RemoteError(
        f"{host}: the endpoint does not show Write-Output, which every invocation of several commands begins with "
        f"({record.error_id}); make Microsoft.PowerShell.Utility\\Write-Output visible there",
        error_id=record.error_id,
        category=record.category,
        hresult=record.hresult,
        command="Write-Output",
    )


def _reply(statement: Pipeline, events: Sequence[tuple[str, Any]]) -> Reply:
    def of(kind: str) -> tuple[Any, ...]:
        return tuple(value for found, value in events if found == kind)

    return Reply(command=statement.last, objects=of("output"), errors=of("error"), warnings=of("warning"))
