# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine that answers as a recording says: canned replies of pipelines and programs."""

from __future__ import annotations

import base64
import re
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from ..psrp import wire
from ..psrp.codec import Clixml
from ..world import Account, Identity, WinRMLimits
from ..wsman import names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .winrm_structure import Exchange

ADMINISTRATOR = Identity(
    account=Account(username="vagrant", password="", domain=None, sid="S-1-5-21-0-1000"),
    method="basic",
    delegable=False,
    groups=(),
)
_RSP = f"{{{names.SHELL}}}"
_WAIT_SECONDS = 20.0
_PROTOCOLS = {"2.1": "2008R2", "2.2": "2012R2", "2.3": "2016"}
_STATES = {"3": "Stopped", "4": "Completed", "5": "Failed"}


class Gates:
    """Where a canned reply waits for the conversation to go on, by command."""

    def __init__(self) -> None:
        self._gates: dict[str, threading.Semaphore] = {}
        self._lock = threading.Lock()
        self.open = threading.Event()
        """Set at the end of the replay: nothing waits any more."""

    def of(self, command: str) -> threading.Semaphore:
        """Return the gate of a command."""
        with self._lock:
            return self._gates.setdefault(command.upper(), threading.Semaphore(0))

    def release(self, command: str) -> None:
        """Let a command's reply go on to its next gate."""
        self.of(command).release()

    def stop(self) -> None:
        """Let everything go on."""
        self.open.set()
        for gate in list(self._gates.values()):
            gate.release(1000)


@dataclass
class Reply:
    """What a recorded command sent back: steps in order, "wait" where the conversation had to go on first."""

    command: str
    steps: list[Any] = field(default_factory=list)
    exit_code: int = 0
    ended: bool = False


class RecordedMachine:
    """The host of a recording (world.Machine)."""

    name = "RECORDED"
    fqdn = "recorded"
    address = "127.0.0.1"
    authentication: Sequence[str] = ("basic", "negotiate", "credssp")
    listeners: Mapping[str, int] = {}  # never changed

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        text = "".join(one.response for one in exchanges)
        size = re.search(r"MaxEnvelopeSizekb>(\d+)<", text)
        self.limits = WinRMLimits(envelope_bytes=int(size.group(1)) * 1024 if size else 512_000)
        self.gates = Gates()
        self.replies = deque(_replies(exchanges))
        self.edition = _PROTOCOLS[_protocol(exchanges)]

    def stop(self) -> None:
        """End all replies."""
        self.gates.stop()

    def local_accounts(self) -> Sequence[Account]:
        """Return nobody: replays don't sign in."""
        return ()

    def sign_in(self, account: Account, method: str) -> Identity | None:
        """Return the one identity of a replay."""
        return ADMINISTRATOR

    def up(self) -> bool:
        """Return that it runs."""
        return True

    def on_request(self, operation: str, shell: str | None) -> str | None:
        """Play no fault."""
        return None

    def open_runspace(self, identity: Identity, configuration: str) -> RecordedRunspace:
        """Return a runspace that plays the recorded pipelines in order."""
        return RecordedRunspace(self)

    def run_program(
        self,
        identity: Identity,
        command_line: str,
        environment: Mapping[str, str],
        *,
        write: Callable[[str, bytes], None] = lambda _stream, _data: None,
    ) -> tuple[int, bytes, bytes]:
        """Play the next recorded program."""
        reply = self.replies.popleft()
        rest: dict[str, bytes] = {"stdout": b"", "stderr": b""}
        for step in reply.steps:
            if step == "wait":
                for name, data in rest.items():
                    write(name, data)
                rest = dict.fromkeys(rest, b"")
                self.gates.of(reply.command).acquire(timeout=_WAIT_SECONDS)
            else:
                rest[step[0]] += step[1]
        return reply.exit_code, rest["stdout"], rest["stderr"]


class RecordedRunspace:
    """Plays recorded pipelines (world.Runspace)."""

    def __init__(self, machine: RecordedMachine) -> None:
        self._machine = machine

    def invoke(self, statements: Sequence[Any], sink: Any, *, inputs: Sequence[Any] = (), stopping: Any = None) -> str:
        """Send the recorded messages; return the recorded state, or wait for the stop of one that had none."""
        reply = self._machine.replies.popleft()
        for step in reply.steps:
            if step == "wait":
                self._machine.gates.of(reply.command).acquire(timeout=_WAIT_SECONDS)
                continue
            kind, text = step
            if kind == wire.PIPELINE_STATE:
                return self._state(text, sink)
            _play(kind, text, sink)
        stopping.wait(_WAIT_SECONDS)
        return "Stopped"

    @staticmethod
    def _state(text: str, sink: Any) -> str:
        root = ET.fromstring(text)
        state = root.findtext(".//I32[@N='PipelineState']") or ""
        error = root.find(".//Obj[@N='ExceptionAsErrorRecord']")
        if error is not None:
            error.attrib.pop("N")
            sink.ended(Clixml(ET.tostring(error, encoding="unicode")), "")
        return _STATES[state]


def _play(kind: int, text: str, sink: Any) -> None:
    if kind == wire.PIPELINE_OUTPUT:
        sink.output(Clixml(text))
    elif kind == wire.ERROR_RECORD:
        sink.error(Clixml(text), "")
    else:
        sink.raw(kind, text)


def _protocol(exchanges: Sequence[Exchange]) -> str:
    for exchange in exchanges:
        for stream in ET.fromstring(exchange.response).iter(f"{_RSP}Stream"):
            found = re.search(rb'protocolversion">([\d.]+)<', base64.b64decode(stream.text or ""))
            if found:
                return found.group(1).decode()
    return "2.3"


def _replies(exchanges: Sequence[Exchange]) -> list[Reply]:
    """Return the replies in the order in which the commands were started."""
    replies: list[Reply] = []
    current: dict[str, Reply] = {}
    parts: dict[str, bytes] = {}
    for exchange in exchanges:
        if exchange.operation == "Command" and not exchange.is_fault:
            started = ET.fromstring(exchange.response).findtext(f".//{_RSP}CommandId") or ""
            current[started.upper()] = Reply(started)
            replies.append(current[started.upper()])
            continue
        reply = current.get(exchange.command_id.upper())
        if reply is None:
            continue
        if exchange.opens_gate and not reply.ended:
            reply.steps.append("wait")
        for element in ET.fromstring(exchange.response).iterfind(f".//{_RSP}ReceiveResponse/*"):
            _add(reply, element, parts)
    return replies


def _add(reply: Reply, element: ET.Element, parts: dict[str, bytes]) -> None:
    if element.tag == f"{_RSP}CommandState":
        reply.exit_code = int(element.findtext(f"{_RSP}ExitCode") or 0)
        reply.ended = str(element.get("State")).endswith("Done")
        return
    data = base64.b64decode(element.text or "")
    if element.get("Name") != "stdout" or data[:4] != b"\0\0\0\0":
        reply.steps.append((element.get("Name"), data))
        return
    at = 0
    while at < len(data):
        number, _fragment, flags, size = wire.HEADER.unpack_from(data, at)
        key = f"{reply.command} {number}"
        parts[key] = (b"" if flags & 1 else parts.get(key, b"")) + data[at + 21 : at + 21 + size]
        at += 21 + size
        if flags & 2:
            message = parts.pop(key)
            kind = int.from_bytes(message[4:8], "little")
            reply.steps.append((kind, message[40:].removeprefix(wire.BOM).decode()))
