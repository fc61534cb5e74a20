# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One invocation on an open runspace pool: start, receive until the end or the deadline, close."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pypsrp.complex_objects import PSInvocationState
from pypsrp.messages import Message as LibraryMessage
from pypsrp.messages import MessageType, PipelineHostResponse
from pypsrp.powershell import PowerShell
from pypsrp.shell import SignalCode
from pypsrp.wsman import NAMESPACES, OptionSet, SelectorSet, WSManAction, WSManFaultError
from requests.exceptions import ReadTimeout

from ..errors import ConnectionLost, TimedOut
from .clixml_writer import create_pipeline
from .messages import Assembler, Message, error_record, fragmented
from .translate import OPERATION_TIMED_OUT, best_effort
from .values import holds_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..waiting import Deadline
    from .command import Pipeline
    from .reply import ErrorRecord

_STOPPED: Final = 3
_COMPLETED: Final = 4
_FAILED: Final = 5
_LAST_WAIT_SECONDS: Final = 5


@dataclass
class Course:
    """What came back, in the order of the wire: ("output" | "error" | "warning", value), and how it ended."""

    events: list[tuple[str, Any]] = field(default_factory=list)
    state: int | None = None
    ended_by: ErrorRecord | None = None

    @property
    def over(self) -> bool:
        """Whether the invocation has ended, one way or another."""
        return self.state in (_STOPPED, _COMPLETED, _FAILED)


class Invocation:
    """Statements on their way through one pool. ``run`` may be called once."""

    def __init__(self, pool: Any, statements: Sequence[Pipeline], host: str) -> None:
        self._pool = pool
        self._host = host
        self._statements = statements
        self._shell = PowerShell(pool)
        self._assembler = Assembler()
        self._course = Course()

    def start(self) -> None:
        """Send the statements; until this returns, nothing has been started."""
        _close_ended(self._pool)
        if any(_needs_key(statement) for statement in self._statements):
            _exchange_keys(self._pool)
        shell, host = self._shell, self._pool.shell
        fragments = fragmented(create_pipeline(self._statements, self._pool), self._pool, shell.id)
        self._pool.pipelines[shell.id] = shell
        answer = host.command("", arguments=[b64encode(next(fragments)).decode()], command_id=shell.id)
        shell._command_id = answer.findtext("rsp:CommandResponse/rsp:CommandId", shell.id, NAMESPACES)  # noqa: SLF001
        shell.state = PSInvocationState.RUNNING
        for fragment in fragments:
            host.send("stdin", fragment, command_id=self._command_id)

    def finish(self, deadline: Deadline) -> Course:
        """Return the course once the host says that it is over.

        Raises TimedOut at the deadline, after asking the host to stop, and ConnectionLost when the host stopped it.
        """
        while not self._course.over:
            if deadline.passed:
                raise self._timed_out(deadline)
            for message in self._receive(deadline):
                self._take(message)
        # Most sessions end now, and with them what is left of the invocation: it is closed before the next one only.
        self._shell.state = PSInvocationState.COMPLETED
        if self._course.state == _STOPPED:
            raise ConnectionLost(f"{self._host} stopped the invocation", reason="stopped", retry=False)
        return self._course

    def _receive(self, deadline: Deadline) -> Iterator[Message]:
        usual = int(self._pool.connection.operation_timeout)
        hurried = deadline.remaining < usual
        try:
            body = self._pool.connection.invoke(
                WSManAction.RECEIVE,
                self._pool.shell.resource_uri,
                _receive_element(self._command_id),
                _keep_alive(),
                _selectors(self._pool),
                max(1, math.ceil(deadline.remaining)) if hurried else None,
                # The same request again gets the same data; never beyond the deadline.
                retries_on_read_timeout=0 if deadline.remaining < 4 * usual else 1,
            )
        except WSManFaultError as fault:
            if fault.code == OPERATION_TIMED_OUT:
                return iter(())
            raise
        except ReadTimeout:
            if hurried:
                return iter(())
            raise
        return self._assembler.feed(_stream(body))

    def _take(self, message: Message) -> None:
        events = self._course.events
        if message.kind == MessageType.PIPELINE_OUTPUT:
            events.append(("output", message.value()))
        elif message.kind == MessageType.ERROR_RECORD:
            events.append(("error", error_record(message.value())))
        elif message.kind == MessageType.WARNING_RECORD:
            events.append(("warning", _record_text(message.value())))
        elif message.kind == MessageType.PIPELINE_STATE:
            self._end(message.value())
        elif message.kind == MessageType.PIPELINE_HOST_CALL:
            self._answer(message)

    def _end(self, content: Any) -> None:
        self._course.state = content.get("PipelineState")
        raised = content.get("ExceptionAsErrorRecord")
        if raised is not None:
            record = error_record(raised)
            self._course.events.append(("error", record))
            self._course.ended_by = record

    def _answer(self, message: Message) -> None:
        # Only a pool with a host (the psrp plugin's) is called; its answers are the plugin's own.
        pool = self._pool
        call = LibraryMessage.unpack(message.raw, pool._serializer)  # noqa: SLF001
        pool._process_host_call(call, PipelineHostResponse, self._shell)  # noqa: SLF001

    def _timed_out(self, deadline: Deadline) -> TimedOut:
        with best_effort():
            _signal(self._pool, self._command_id, SignalCode.PS_CTRL_C)
            _signal(self._pool, self._command_id, SignalCode.TERMINATE)
        names = ", ".join(statement.last for statement in self._statements)
        return TimedOut(
            f"{self._host} gave no answer to {names} within {deadline.seconds:g} seconds; it may still be at work",
            last_seen=f"{len(self._course.events)} answers",
            command=names,
        )

    @property
    def _command_id(self) -> str:
        return str(self._shell._command_id or self._shell.id)  # noqa: SLF001


def _selectors(pool: Any) -> SelectorSet:
    selectors = SelectorSet()
    selectors.add_option("ShellId", pool.shell.id)
    return selectors


def _signal(pool: Any, command_id: str, code: str) -> None:
    element = ET.Element(f"{{{NAMESPACES['rsp']}}}Signal", attrib={"CommandId": command_id})
    ET.SubElement(element, f"{{{NAMESPACES['rsp']}}}Code").text = code
    pool.connection.signal(pool.shell.resource_uri, element, selector_set=_selectors(pool), timeout=_LAST_WAIT_SECONDS)


def _close_ended(pool: Any) -> None:
    """Close the invocations of a pool that have ended: until then they count against the limits of its shell."""
    for key, shell in list(pool.pipelines.items()):
        if shell.state == PSInvocationState.COMPLETED:
            del pool.pipelines[key]
            with best_effort():
                _signal(pool, shell._command_id or shell.id, SignalCode.TERMINATE)  # noqa: SLF001


def _exchange_keys(pool: Any) -> None:
    """Agree with the host on a key. A library that was refused counts the exchange as begun, and never tries again."""
    try:
        pool.exchange_keys()
    finally:
        if not pool._key_exchanged:  # noqa: SLF001
            pool._exchange_key = None  # noqa: SLF001


def _needs_key(statement: Pipeline) -> bool:
    return any(holds_secret(value) for item in statement.commands for _name, value in item.parameters)


def _receive_element(command_id: str) -> ET.Element:
    element = ET.Element(f"{{{NAMESPACES['rsp']}}}Receive")
    ET.SubElement(element, f"{{{NAMESPACES['rsp']}}}DesiredStream", CommandId=command_id).text = "stdout"
    return element


def _keep_alive() -> OptionSet:
    options = OptionSet()
    options.add_option("WSMAN_CMDSHELL_OPTION_KEEPALIVE", "True")
    return options


def _stream(envelope: ET.Element) -> bytes:
    found = envelope.iterfind("s:Body/rsp:ReceiveResponse/rsp:Stream", NAMESPACES)
    return b"".join(b64decode(stream.text) for stream in found if stream.text)


def _record_text(content: Any) -> str:
    return str(content.get("InformationalRecord_Message", "")) if isinstance(content, dict) else str(content)
