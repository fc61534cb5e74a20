# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine of dictionaries behind the session protocol, for tests of operations.

``FakeMachine`` holds state and handlers by cmdlet; ``FakeSession`` runs statements on it the way the engine does:
objects flow live through pipelines (a handler gets the very dictionary that another keeps), projections and filters
work on them, only what leaves is copied. What a real session refuses to send is refused here by the same guards.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from uuid import UUID

from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import ConnectionLost, InvalidRequest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Request
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session import build
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.command import (
    NULL,
    ON,
    Command,
    Credential,
    Pipeline,
    Secret,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.programs import PosixShell, Programs
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.reply import ErrorRecord, Replies, Reply

Handler = Callable[[Mapping[str, Any], list[Any]], Any]


class Refused(Exception):
    """A handler's error record; ``terminating`` ends the invocation, else only this command's output is missing."""

    def __init__(
        self,
        error_id: str,
        message: str = "",
        *,
        category: int = 0,
        terminating: bool = False,
        identifier: str = "",
        native_code: int | None = None,
        http_status: int | None = None,
    ) -> None:
        super().__init__(error_id)
        self.error_id = error_id
        self.message = message
        self.category = category
        self.terminating = terminating
        self.identifier = identifier
        self.native_code = native_code
        self.http_status = http_status


def failing(error_id: str, message: str = "", **details: Any) -> Handler:
    """A handler that always refuses."""

    def refuse(parameters: Mapping[str, Any], piped: list[Any]) -> Any:
        raise Refused(error_id, message, **details)

    return refuse


@dataclass
class FakeMachine:
    """Handlers by cmdlet name, and every invocation that came, in order, whichever session brought it."""

    handlers: dict[str, Handler] = field(default_factory=dict)
    invocations: list[tuple[Pipeline, ...]] = field(default_factory=list)
    lose_connection_at: int | None = None
    """Index of the invocation that is not answered any more."""

    def on(self, name: str, handler: Handler) -> FakeMachine:
        self.handlers[name.lower()] = handler
        return self

    def sent(self, name: str) -> list[dict[str | None, Any]]:
        """Parameters of each command of this name that came, in order."""
        return [
            dict(item.parameters)
            for statements in self.invocations
            for statement in statements
            for item in statement.commands
            if item.name.lower() == name.lower()
        ]


class FakeSession:
    """Implements ``Session`` over a FakeMachine; variables kept with Set-Variable are this session's own."""

    def __init__(
        self,
        handlers: Mapping[str, Handler] | None = None,
        *,
        host: str = "hv01",
        machine: FakeMachine | None = None,
        delegates_credentials: bool = False,
    ) -> None:
        self.machine = machine if machine is not None else FakeMachine()
        for name, handler in (handlers or {}).items():
            self.machine.on(name, handler)
        self.host = host
        self.delegates_credentials = delegates_credentials
        self.closed = False
        self.abandoned = False
        self.variables: dict[str, Any] = {}

    @property
    def invocations(self) -> list[tuple[Pipeline, ...]]:
        return self.machine.invocations

    def sent(self, name: str) -> list[dict[str | None, Any]]:
        return self.machine.sent(name)

    def invoke(self, *statements: Pipeline, timeout_seconds: float | None = None) -> Replies:
        build.check(statements)
        index = len(self.machine.invocations)
        self.machine.invocations.append(statements)
        if self.machine.lose_connection_at == index:
            raise ConnectionLost(f"the link to {self.host} failed")
        replies: list[Reply] = []
        ended: ErrorRecord | None = None
        for statement in statements:
            if ended is not None:
                replies.append(Reply(command=statement.last, ran=False))
                continue
            reply, ended = self._run(statement)
            replies.append(reply)
        return Replies(tuple(replies), ended if len(statements) > 1 else None)

    def abandon(self) -> None:
        self.abandoned = True

    def close(self) -> None:
        self.closed = True

    def _run(self, statement: Pipeline) -> tuple[Reply, ErrorRecord | None]:
        flow: list[Any] = []
        errors: list[ErrorRecord] = []
        for place, item in enumerate(statement.commands):
            parameters = arguments_of(item)
            stops = str(parameters.get("ErrorAction", "")).lower() == "stop"
            try:
                if place and not flow and _takes_objects(item.name):
                    break
                flow = self._command(item, parameters, flow)
            except Refused as refusal:
                record = _record(refusal, item)
                errors.append(record)
                if refusal.terminating or stops:
                    return Reply(command=statement.last, errors=tuple(errors)), record
                flow = []
        objects = tuple(_leaving(value) for value in flow)
        return Reply(command=statement.last, objects=objects, errors=tuple(errors)), None

    def _command(self, item: Command, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        name = item.name.lower()
        own = self.machine.handlers.get(name)
        if own is not None:
            return _as_list(own(parameters, piped))
        if name == "set-variable":
            value = parameters["Value"] if "Value" in parameters else _one_or_all(piped)
            self.variables[parameters["Name"].lower()] = value
            return []
        if name == "get-variable":
            key = parameters["Name"].lower()
            if key not in self.variables:
                raise Refused("VariableNotFound,Microsoft.PowerShell.Commands.GetVariableCommand", category=13)
            return _as_list(self.variables[key])
        if name in ENGINE:
            return _as_list(ENGINE[name](parameters, piped))
        raise Refused("CommandNotFoundException", f"{item.name}: unknown here", category=13, terminating=True)


def arguments_of(item: Command) -> dict[str, Any]:
    """Parameters as a handler wants them: positional ones under "0", "1" …, switches True, nulls None."""
    found: dict[str, Any] = {}
    position = 0
    for name, value in item.parameters:
        if value is None:
            continue
        key = name
        if key is None:
            key, position = str(position), position + 1
        found[key] = None if value is NULL else True if value is ON else value
    return found


def _takes_objects(name: str) -> bool:
    return name.lower() not in {"set-variable", "convertto-json", "measure-object", "out-null"}


def _record(refusal: Refused, item: Command) -> ErrorRecord:
    return ErrorRecord(
        error_id=refusal.error_id,
        category=refusal.category,
        command=item.name,
        message=refusal.message,
        identifier=refusal.identifier,
        native_code=refusal.native_code,
        http_status=refusal.http_status,
    )


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, (Mapping, str)) or not isinstance(value, Iterable):
        return [value]
    return list(value)


def _one_or_all(piped: list[Any]) -> Any:
    return piped[0] if len(piped) == 1 else list(piped)


def _leaving(value: Any) -> Any:
    """A copy in the plain types of replies."""
    if isinstance(value, Mapping):
        return {key: _leaving(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_leaving(item) for item in value]
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, (Secret, Credential)):
        return None
    return copy.deepcopy(value)


def _get(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        for key in value:
            if str(key).lower() == name.lower():
                return value[key]
    return None


def _spelling(value: Any, name: str) -> str:
    return next((key for key in value if key.lower() == name.lower()), name) if isinstance(value, Mapping) else name


def _select(parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
    properties = _as_list(parameters.get("Property"))
    if "ExpandProperty" in parameters:
        chosen = [child for parent in piped for child in _expanded(parent, parameters["ExpandProperty"], properties)]
    elif properties:
        chosen = [{_spelling(one, name): _get(one, name) for name in properties} for one in piped]
    else:
        chosen = list(piped)
    return chosen[: int(parameters["First"])] if "First" in parameters else chosen


def _expanded(parent: Any, name: str, keeping: list[str]) -> list[Any]:
    children = _as_list(_get(parent, name))
    if not keeping:
        return children  # the live children themselves
    return [{**child, **{key: _get(parent, key) for key in keeping}} for child in children]


def _same(left: Any, right: Any) -> bool:
    return str(left).lower() == str(right).lower() if left is not None and right is not None else left is right


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "EQ": _same,
    "NE": lambda left, right: not _same(left, right),
    "In": lambda left, right: any(_same(left, one) for one in _as_list(right)),
    "NotIn": lambda left, right: not any(_same(left, one) for one in _as_list(right)),
    "GT": lambda left, right: left is not None and left > type(left)(right),
    "LT": lambda left, right: left is not None and left < type(left)(right),
    "Like": lambda left, right: fnmatchcase(str(left).lower(), str(right).lower()),
}


def _where(parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
    name = parameters["Property"]
    test = next((compare for operator, compare in COMPARE.items() if parameters.get(operator)), None)
    if test is None:
        return [one for one in piped if _get(one, name)]
    return [one for one in piped if test(_get(one, name), parameters.get("Value"))]


def _json(parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
    return [json.dumps(_leaving(_one_or_all(piped)))] if piped else []


def _sorted(parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
    names = _as_list(parameters.get("Property"))
    ordered = sorted(piped, key=lambda one: [str(_get(one, name)).lower() for name in names])
    return ordered[::-1] if parameters.get("Descending") else ordered


ENGINE: dict[str, Handler] = {
    "select-object": _select,
    "where-object": _where,
    "sort-object": _sorted,
    "convertto-json": _json,
    "measure-object": lambda parameters, piped: [{"Count": len(piped)}],
    "write-output": lambda parameters, piped: _as_list(parameters.get("0", parameters.get("InputObject", piped))),
    "out-null": lambda parameters, piped: [],
}


class FakeSessions:
    """Implements ``Sessions``: one FakeMachine per inventory host; the first one is where the task runs.

    It has cmdlets only; ``fake_programs`` has machines with programs and ``sh``.
    """

    kind = "windows"

    def __init__(self, *sessions: FakeSession) -> None:
        self._here = sessions[0]
        self._by_host = {session.host: session for session in sessions}
        self.opened: list[FakeSession] = []

    def here(self) -> FakeSession:
        return self._here

    def another_here(self) -> FakeSession:
        session = FakeSession(
            host=self._here.host,
            machine=self._here.machine,
            delegates_credentials=self._here.delegates_credentials,
        )
        self.opened.append(session)
        return session

    def to(self, inventory_host: str) -> FakeSession:
        if inventory_host not in self._by_host:
            raise InvalidRequest(f"the inventory has no host {inventory_host!r}")
        return self._by_host[inventory_host]

    def another_to(self, inventory_host: str) -> FakeSession:
        first = self.to(inventory_host)
        session = FakeSession(host=first.host, machine=first.machine, delegates_credentials=first.delegates_credentials)
        self.opened.append(session)
        return session

    def programs(self) -> Programs:
        raise InvalidRequest("this fake has no programs")

    def programs_on(self, inventory_host: str) -> Programs:
        raise InvalidRequest("this fake has no programs")

    def posix(self) -> PosixShell:
        raise InvalidRequest("this fake has no sh")


@dataclass
class Lines:
    """A reporter that keeps its lines."""

    lines: list[str] = field(default_factory=list)
    interactive: bool = False

    def say(self, line: str) -> None:
        self.lines.append(line)


@dataclass
class FakeClock:
    """Time that passes only when somebody sleeps; ``on_sleep`` may change the world meanwhile."""

    now: float = 0.0
    on_sleep: Callable[[float], None] | None = None

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.on_sleep is not None:
            self.on_sleep(self.now)


def request(*sessions: FakeSession, check_mode: bool = False, **arguments: Any) -> Request:
    """A task's request over fake sessions; the first session is the host the task runs on."""
    return Request(
        arguments=arguments,
        host=sessions[0].host,
        check_mode=check_mode,
        sessions=FakeSessions(*sessions),
        reporter=Lines(),
        inventory_hosts=tuple(session.host for session in sessions),
    )
