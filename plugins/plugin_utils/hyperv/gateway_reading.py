# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading many kinds of objects in one invocation.

A question is a source of objects, projected on the properties its class reads, and made one JSON text on the host
where the endpoint shows ConvertTo-Json (a third to an eighth of the deserialiser's cost; engine facts, section 7).
Where it does not, the same question goes out without it. A question that the host can't answer (a cmdlet that its
edition lacks ends the invocation) is answered with its error, and the questions after it are sent again.
"""

from __future__ import annotations

import json
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..errors import RemoteError
from ..session.command import as_json, select
from ..session.reply import lacks_command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..session.command import Pipeline
    from ..session.protocol import Session
    from ..session.reply import ErrorRecord, Replies, Reply

_without_json: weakref.WeakSet[Any] = weakref.WeakSet()
"""Sessions whose endpoint hides ConvertTo-Json."""


T = TypeVar("T")


@dataclass(frozen=True)
class Question(Generic[T]):
    """What to read: objects of ``source`` as ``kind``. A bare one sends ``source`` as it stands."""

    source: Pipeline
    kind: type[T] | None = None

    def statement(self, *, json_text: bool) -> Pipeline:
        """Return the statement to send."""
        if self.kind is None:
            return self.source
        projected = self.source | select(*self.kind.PROPERTIES)  # type: ignore[attr-defined] # kinds have it
        return projected | as_json() if json_text else projected


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What came back. ``errors`` may stand beside ``items``: some objects could be read, some not."""

    items: tuple[T, ...] = ()
    errors: tuple[ErrorRecord, ...] = ()
    command: str = ""

    def check(self) -> tuple[T, ...]:
        """Return the items, or raise the first error."""
        if self.errors:
            raise self.errors[0].as_error()
        return self.items

    def one(self) -> T:
        """Return the first item, or raise the first error."""
        if self.items:
            return self.items[0]
        self.check()
        raise RemoteError(
            f"{self.command} returned nothing", error_id="", category=0, hresult=None, command=self.command
        )

    @property
    def first(self) -> T | None:
        """The first item, None where there is none or it could not be read."""
        return self.items[0] if self.items else None

    @property
    def known(self) -> tuple[T, ...] | None:
        """The items, None where the question could not be answered at all."""
        return None if self.errors and not self.items else self.items


def ask(session: Session, *questions: Question[Any], timeout_seconds: float | None = None) -> list[Answer[Any]]:
    """Return one answer per question; errors of single questions are in the answers, link failures are raised."""
    answers: list[Answer[Any]] = []
    while len(answers) < len(questions):
        rest = questions[len(answers) :]
        json_text = session not in _without_json
        statements = [question.statement(json_text=json_text) for question in rest]
        replies = session.invoke(*statements, timeout_seconds=timeout_seconds)
        if json_text and _hides_json(replies):
            _without_json.add(session)
            continue
        answers += _answers(rest, replies)
    return answers


def _hides_json(replies: Replies) -> bool:
    ending = [replies.ended_by] if replies.ended_by else []
    records = [*ending, *(error for reply in replies for error in reply.errors)]
    return any(lacks_command(record.error_id) and "convertto-json" in record.target.lower() for record in records)


def _answers(questions: Sequence[Question[Any]], replies: Replies) -> list[Answer[Any]]:
    """Return the answers up to the first question that was not asked; the one that ended it all has its error."""
    found: list[Answer[Any]] = []
    ran = [reply for reply in replies if reply.ran]
    for number, (question, reply) in enumerate(zip(questions, ran, strict=False)):
        errors = reply.errors
        last = number == len(ran) - 1
        if last and replies.ended_by is not None and replies.ended_by not in errors:
            errors = (*errors, replies.ended_by)
        found.append(Answer(_items(question, reply), errors, reply.command))
    if not found:
        replies.check()
        raise RemoteError(f"{questions[0].source.last} was not run", error_id="", category=0, hresult=None, command="")
    return found


def _items(question: Question[Any], reply: Reply) -> tuple[Any, ...]:
    kind: Any = question.kind
    if kind is None:
        return reply.objects
    return tuple(kind.from_wire(raw) for raw in _raw(reply.objects) if isinstance(raw, dict))


def _raw(objects: Sequence[Any]) -> list[Any]:
    """Return property bags: those of a JSON text (a list, or a single one), or as they came."""
    bags: list[Any] = []
    for item in objects:
        if isinstance(item, str):
            parsed = json.loads(item) if item.strip() else []
            bags += parsed if isinstance(parsed, list) else [parsed]
        else:
            bags.append(item)
    return bags
