# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tiny world to put behind the wire: it needs neither engine nor model."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from hyperv_lab.certificates import Authority
from hyperv_lab.journal import Journal
from hyperv_lab.powershell.commands import ErrorRecord
from hyperv_lab.psrp.codec import Clixml, EngineCodec
from hyperv_lab.wire import Wire
from hyperv_lab.world import Account, Identity, WinRMLimits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

_NUMBERS = itertools.count(1)
LOCAL = Account(username="Administrator", password="Local:P@ss é 1", domain=None, sid="S-1-5-21-1-500")
DISABLED = Account(username="gone", password="x", domain=None, sid="S-1-5-21-1-501", enabled=False)
GUEST = Account(username="guest", password="g", domain="LAB", sid="S-1-5-21-2-1105")
DOMAIN = Account(username="ops", password="Dom:ain é1", domain="LAB", sid="S-1-5-21-2-1104")


def simple(value: Any) -> str:
    """CLIXML of the few types that these tests send."""
    if value is None:
        return "<Nil />"
    if isinstance(value, bool):
        return f"<B>{str(value).lower()}</B>"
    return f"<I32>{value}</I32>" if isinstance(value, int) else f"<S>{escape(str(value))}</S>"


def simple_error(record: ErrorRecord, activity: str) -> str:
    """CLIXML of an error record as psrpcore and pypsrp read it."""
    return (
        '<Obj RefId="0"><TN RefId="0"><T>System.Management.Automation.ErrorRecord</T><T>System.Object</T></TN>'
        f"<ToString>{escape(record.message)}</ToString><MS>"
        '<Obj N="Exception" RefId="1"><TN RefId="1"><T>System.Exception</T><T>System.Object</T></TN>'
        f'<ToString>x</ToString><Props><S N="Message">{escape(record.message)}</S>'
        f'<I32 N="HResult">-2146233087</I32></Props></Obj><Nil N="TargetObject" />'
        f'<S N="FullyQualifiedErrorId">{record.error_id}</S><Nil N="InvocationInfo" />'
        '<I32 N="ErrorCategory_Category">13</I32>'
        f'<S N="ErrorCategory_Activity">{activity}</S><S N="ErrorCategory_Reason">Exception</S>'
        '<S N="ErrorCategory_TargetName"></S><S N="ErrorCategory_TargetType"></S>'
        '<S N="ErrorCategory_Message">m</S><B N="SerializeExtendedInfo">false</B></MS></Obj>'
    )


CODEC = EngineCodec(simple, simple_error)


class Script:
    """A runspace that does what the command's name says."""

    def __init__(self, machine: TinyMachine) -> None:
        self.machine = machine
        self.number = next(_NUMBERS)

    def invoke(
        self,
        statements: Sequence[Any],
        sink: Any,
        *,
        inputs: Sequence[Any] = (),
        stopping: threading.Event | None = None,
    ) -> str:
        self.machine.invoked.append(statements)
        state = "Completed"
        for call in (command for statement in statements for command in statement):
            action: Callable[..., str | None] = getattr(
                self, "do_" + call.name.split("\\")[-1].replace("-", "_").lower()
            )
            state = action(sink, dict(call.parameters), inputs, stopping) or state
        return state

    def do_echo(self, sink: Any, parameters: dict[str | None, Any], _inputs: Any, _stopping: Any) -> None:
        for value in parameters.values():
            for one in value if isinstance(value, list) else [value]:
                sink.output(one)

    def do_input(self, sink: Any, _parameters: Any, inputs: Any, _stopping: Any) -> None:
        for one in inputs:
            sink.output(one)

    def do_many(self, sink: Any, parameters: dict[str | None, Any], _inputs: Any, _stopping: Any) -> None:
        for number in range(int(parameters["Count"])):
            sink.output(f"{number:06}" + "x" * int(parameters["Size"]))

    def do_fail(self, sink: Any, _parameters: Any, _inputs: Any, _stopping: Any) -> str:
        sink.error(ErrorRecord(error_id="Soft,X", category="ObjectNotFound", message="soft"), "Fail")
        sink.ended(ErrorRecord(error_id="Hard,X", category="ObjectNotFound", message="hard"), "Fail")
        return "Failed"

    def do_streams(self, sink: Any, _parameters: Any, _inputs: Any, _stopping: Any) -> None:
        sink.warning("careful")
        sink.verbose("more")
        sink.debug("bug")
        sink.information("told", ("PSHOST",), "here")
        sink.progress({"activity": "Moving", "id": 1, "status": "half", "percent": 50})

    def do_sleep(
        self, sink: Any, parameters: dict[str | None, Any], _inputs: Any, stopping: threading.Event
    ) -> str | None:
        sink.output("begun")
        self.machine.running += 1
        stopped = stopping.wait(float(parameters["Seconds"]))
        self.machine.running -= 1
        if not stopped:
            self.machine.finished += 1
        sink.output("over")
        return "Stopped" if stopped else None

    def do_which(self, sink: Any, _parameters: Any, _inputs: Any, _stopping: Any) -> None:
        sink.output(self.number)

    def do_raw(self, sink: Any, parameters: dict[str | None, Any], _inputs: Any, _stopping: Any) -> None:
        sink.output(Clixml(parameters["Text"]))


@dataclass
class TinyMachine:
    """A host with one local administrator, and faults to play."""

    address: str
    listeners: Mapping[str, int]
    name: str = "HV01"
    fqdn: str = "hv01.lab.example"
    edition: str = "2022"
    limits: WinRMLimits = field(default_factory=WinRMLimits)
    authentication: Sequence[str] = ("basic", "negotiate", "credssp")
    alive: bool = True
    faults: list[tuple[str, str]] = field(default_factory=list)
    invoked: list[Any] = field(default_factory=list)
    identities: list[Identity] = field(default_factory=list)
    running: int = 0
    finished: int = 0

    def local_accounts(self) -> Sequence[Account]:
        return [LOCAL, DISABLED]

    def sign_in(self, account: Account, method: str) -> Identity | None:
        if account is GUEST:
            return None
        return Identity(account=account, method=method, delegable=method == "credssp", groups=("S-1-5-32-544",))

    def open_runspace(self, identity: Identity, configuration: str) -> Script:
        if configuration == "Forbidden":
            raise PermissionError(configuration)
        if configuration not in {"Microsoft.PowerShell", "JEA"}:
            raise LookupError(configuration)
        self.identities.append(identity)
        return Script(self)

    def up(self) -> bool:
        return self.alive

    def on_request(self, operation: str, _shell: str | None) -> str | None:
        if self.faults and self.faults[0][0] == operation:
            return self.faults.pop(0)[1]
        return None

    def run_program(
        self, identity: Identity, command_line: str, environment: Mapping[str, str], *, stdin: bytes = b""
    ) -> tuple[int, bytes, bytes]:
        if command_line.startswith("sleep "):
            time.sleep(float(command_line.split()[1]))
            return 0, b"slept", b""
        if command_line.startswith("cat"):
            return 0, stdin, b""
        if command_line.startswith("C:\\Windows\\System32\\cat"):
            return 0, stdin, command_line.encode()
        if command_line.startswith("set"):
            return 3, "".join(f"{k}={v}\r\n" for k, v in environment.items()).encode(), b"bad\r\n"
        if command_line.startswith("big"):
            return 0, b"z" * 400_000, b""
        raise FileNotFoundError(command_line)


@dataclass
class TinyWorld:
    """Machines and the domain's accounts."""

    hosts: Sequence[TinyMachine]

    def machines(self) -> Sequence[TinyMachine]:
        return self.hosts

    def domain_accounts(self) -> Sequence[Account]:
        return [DOMAIN, GUEST]


@dataclass
class Served:
    """A running wire."""

    machine: TinyMachine
    journal: Journal
    wire: Wire
    ca: Path
    loop: asyncio.AbstractEventLoop

    @property
    def service(self) -> Any:
        return self.wire.server.hosts[self.machine.address].service


def free_address() -> str:
    """A loopback address that no other test of this process uses."""
    import os  # noqa: PLC0415

    number = (os.getpid() * 251 + next(_NUMBERS)) % (250 * 250)
    return f"127.77.{number // 250}.{number % 250 + 1}"


@contextmanager
def serving(tmp_path: Path, **options: Any) -> Iterator[Served]:
    """Serve one machine in a thread with an event loop of its own."""
    machine = TinyMachine(address=free_address(), listeners={"http": 5985, "https": 5986}, **options)
    authority = Authority(tmp_path)
    journal = Journal(None)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin() -> Wire:
        wire = Wire(TinyWorld([machine]), journal, codec=CODEC, contexts=authority.contexts([machine]))
        await wire.start()
        return wire

    started: Future[Wire] = asyncio.run_coroutine_threadsafe(begin(), loop)
    wire = started.result(10)
    try:
        yield Served(machine, journal, wire, authority.path, loop)
    finally:
        asyncio.run_coroutine_threadsafe(_end(wire), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _end(wire: Wire) -> None:
    """Stop serving, and whoever still waits for an answer: a task that is left would complain of it."""
    await wire.stop()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
