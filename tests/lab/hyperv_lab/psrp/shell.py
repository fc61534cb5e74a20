# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PowerShell shell: PSRP over WSMan, by psrpcore's server side."""

from __future__ import annotations

import base64
import threading
import uuid
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import psrpcore
from psrpcore import types as ps

from ..wsman import faults, names
from ..wsman.envelope import new_id
from ..wsman.shells import RSP, Shell
from . import wire
from .editions import engine_of
from .invocation import Invocation
from .runspaces import RunspaceSet

if TYPE_CHECKING:
    from collections.abc import Callable
    from xml.etree import ElementTree as ET

    from ..world import Identity, Machine
    from ..wsman.envelope import Request
    from .codec import Codec
    from .runspaces import Workers

    Note = Callable[[dict[str, Any]], None]

_POWERSHELL = f"{{{names.POWERSHELL}}}"
_ENVELOPE_OVERHEAD = 2048
_STREAM_OVERHEAD = 160
_CALL_ID = (b'N="CI"', b'N="ci"')
"""pypsrp writes the name of this property in capitals; PowerShell doesn't mind, psrpcore does."""


class PowerShellShell(Shell):
    """One runspace pool."""

    def __init__(
        self,
        machine: Machine,
        request: Request,
        identity: Identity,
        client: str,
        *,
        codec: Codec,
        workers: Workers,
        note: Note,
    ) -> None:
        super().__init__(request, identity, client, machine.limits)
        self.machine, self.codec, self.workers, self.note = machine, codec, workers, note
        self.configuration = request.resource.removeprefix(names.POWERSHELL_PREFIX)
        self.engine = engine_of(str(getattr(machine, "edition", "2025")))
        self.outbox = wire.Outbox()
        self.lock = threading.RLock()
        self.invocations: dict[uuid.UUID, Invocation] = {}
        """By command id."""
        self._by_pipeline: dict[uuid.UUID, Invocation] = {}
        self.pool = psrpcore.ServerRunspacePool(application_private_data=self.engine.private_data())
        self.pool.our_capability.protocolversion = ps.PSVersion(self.engine.protocol)
        self.runspaces = RunspaceSet(self._open, self._first_runspace(), 1)
        self._receive(base64.b64decode(self._creation(request.body)), None)
        note({"event": "shell_opened", "endpoint": self.configuration, "shell": self.shell_id})

    def _open(self) -> Any:
        return self.machine.open_runspace(self.identity, self.configuration)

    def _first_runspace(self) -> Any:
        try:
            return self._open()
        except LookupError as error:
            raise faults.unknown_configuration(self.configuration, self.machine.name) from error
        except PermissionError as error:
            raise faults.access_denied() from error

    # --- messages in ---

    @staticmethod
    def _creation(body: ET.Element | None) -> str:
        text = None if body is None else body.findtext(f"{_POWERSHELL}creationXml")
        if not text:
            raise faults.schema_violation()
        return text

    def _receive(self, data: bytes, pipeline: uuid.UUID | None) -> None:
        with self.lock:
            if data:
                if pipeline is None:
                    data = data.replace(*_CALL_ID)
                self.pool.receive_data(psrpcore.PSRPPayload(data, psrpcore.StreamType.default, pipeline))
            while (event := self.pool.next_event()) is not None:
                self._on_event(event)
            self.flush()
        self.wake()

    def _on_event(self, event: Any) -> None:
        if isinstance(event, psrpcore.InitRunspacePoolEvent):
            self.runspaces.resize(max(self.pool.max_runspaces, 1))
        elif isinstance(event, psrpcore.CreatePipelineEvent):
            self._by_pipeline[event.pipeline_id].created(event.pipeline)
        elif isinstance(event, psrpcore.PipelineInputEvent):
            self._by_pipeline[event.pipeline_id].add_input(event.data)
        elif isinstance(event, psrpcore.EndOfPipelineInputEvent):
            self._by_pipeline[event.pipeline_id].end_of_input()
        elif isinstance(event, psrpcore.GetCommandMetadataEvent):
            self._by_pipeline[event.pipeline_id].finish_empty()
        else:
            self._on_pool_question(event)

    def _on_pool_question(self, event: Any) -> None:
        if isinstance(event, psrpcore.GetAvailableRunspacesEvent):
            self.pool.runspace_availability_response(event.ci, self.runspaces.available)
        elif isinstance(event, psrpcore.SetMaxRunspacesEvent):
            allowed = event.count >= max(self.pool.min_runspaces, 1)
            self.pool.runspace_availability_response(event.ci, allowed)
            if allowed:
                self.runspaces.resize(event.count)
        elif isinstance(event, psrpcore.SetMinRunspacesEvent):
            allowed = 1 <= event.count <= self.pool.max_runspaces
            self.pool.runspace_availability_response(event.ci, allowed)
        elif isinstance(event, psrpcore.ResetRunspaceStateEvent):
            self.pool.runspace_availability_response(event.ci, self.runspaces.reset())

    # --- messages out ---

    def flush(self) -> None:
        """Move what psrpcore has to send to the outbox; call with the lock held."""
        while (payload := self.pool.data_to_send()) is not None:
            for message in wire.split(payload.data):
                self.outbox.add(wire.with_bom(message), payload.pipeline_id)

    def flush_and_wake(self) -> None:
        """Send what psrpcore has made; call with the lock held, from any thread."""
        self.flush()
        self.wake()

    def send_raw(self, message: bytes, pipeline: uuid.UUID) -> None:
        """Queue a finished message of a pipeline; from any thread."""
        self.outbox.add(message, pipeline)
        self.wake()

    # --- operations of the shell ---

    def create_response(self) -> str:
        """Return the shell as it stands in the CreateResponse."""
        return f"<rsp:Shell>{self.describe()}</rsp:Shell>" if self.engine.describes_shells else ""

    def _first(self) -> str:
        return f"<rsp:ProcessId>{self.process_id}</rsp:ProcessId>"

    def _last(self) -> str:
        return (
            f"<rsp:MaxIdleTimeOut>PT2147483.647S</rsp:MaxIdleTimeOut><rsp:Locale>{escape(self.locale)}</rsp:Locale>"
            f"<rsp:DataLocale>{escape(self.data_locale)}</rsp:DataLocale>"
            "<rsp:CompressionMode>NoCompression</rsp:CompressionMode><rsp:ProfileLoaded>Yes</rsp:ProfileLoaded>"
            "<rsp:Encoding>UTF8</rsp:Encoding><rsp:BufferMode>Block</rsp:BufferMode>"
            f"<rsp:State>{'Connected' if self.connected else 'Disconnected'}</rsp:State>"
        )

    def command_ids(self) -> list[str]:
        """Return the commands that the client has not ended."""
        return [str(one).upper() for one in self.invocations]

    def command(self, request: Request) -> str:
        """Start a pipeline from its first fragment."""
        self.outbox.acknowledge()
        if len(self.invocations) >= self.limits.commands_per_shell:
            raise faults.commands_exceeded(self.limits.commands_per_shell)
        body = request.body
        if body is None:
            raise faults.schema_violation()
        command_id = _guid(body.get("CommandId") or new_id())
        data = base64.b64decode(body.findtext(f"{RSP}Arguments") or "")
        pipeline_id = wire.owner_of(data) or command_id  # hosts of 2008 R2 give commands ids of their own
        with self.lock:
            invocation = Invocation(self, psrpcore.ServerPipeline(self.pool, pipeline_id), command_id)
            self.invocations[command_id] = self._by_pipeline[pipeline_id] = invocation
        self._receive(data, pipeline_id)
        return f"<rsp:CommandResponse><rsp:CommandId>{str(command_id).upper()}</rsp:CommandId></rsp:CommandResponse>"

    def send(self, request: Request) -> str:
        """Take messages of the client: more of a pipeline, its input, questions to the pool."""
        self.outbox.acknowledge()
        for stream in request.body if request.body is not None else ():
            command_id = stream.get("CommandId")
            invocation = self.invocations.get(_guid(command_id)) if command_id else None
            if command_id and invocation is None:
                raise faults.command_not_found()
            pipeline = invocation.pipeline_id if invocation is not None else None
            self._receive(base64.b64decode(stream.text or ""), pipeline)
        return "<rsp:SendResponse></rsp:SendResponse>"

    async def receive(self, request: Request, alive: Callable[[], bool]) -> str:
        """Return the next messages of the pool or of a pipeline."""
        self.outbox.acknowledge()
        desired = None if request.body is None else request.body.find(f"{RSP}DesiredStream")
        text = desired.get("CommandId") if desired is not None else None
        invocation = self.invocations.get(_guid(text)) if text else None
        if text and (invocation is None or invocation.delivered):
            raise faults.command_not_found()
        owner = invocation.pipeline_id if invocation is not None else None
        await self._until_output(owner, request.timeout)
        room = (min(request.max_envelope, self.limits.envelope_bytes) - _ENVELOPE_OVERHEAD) * 3 // 4 - _STREAM_OVERHEAD
        fragments, question = self.outbox.take(owner, max(room, 512)) if alive() else ([], False)
        return self._receive_response(fragments, invocation, question=question)

    async def _until_output(self, owner: uuid.UUID | None, seconds: float) -> None:
        def ready() -> bool:
            return self.closed or not self.connected or self.outbox.waiting(owner)

        in_time = await self.wait(ready, seconds)
        if self.closed or not self.connected:
            raise faults.aborted()
        if not in_time:
            raise faults.timed_out()

    def _receive_response(self, fragments: list[bytes], invocation: Invocation | None, *, question: bool) -> str:
        attribute = f' CommandId="{str(invocation.command_id).upper()}"' if invocation else ""
        streams = "".join(
            f'<rsp:Stream Name="stdout"{attribute}>{base64.b64encode(one).decode()}</rsp:Stream>' for one in fragments
        )
        state = f'<rsp:CommandState{attribute} State="{names.STATE_PENDING}"></rsp:CommandState>' if question else ""
        if invocation is not None and invocation.finished and not self.outbox.waiting(invocation.pipeline_id):
            invocation.delivered = True
            state = (
                f'<rsp:CommandState{attribute} State="{names.STATE_DONE}"><rsp:ExitCode>0</rsp:ExitCode>'
                "</rsp:CommandState>"
            )
        return f"<rsp:ReceiveResponse>{streams}{state}</rsp:ReceiveResponse>"

    def signal(self, request: Request) -> str:
        """Stop a pipeline, or forget it after a terminate signal."""
        body = request.body
        if body is None:
            raise faults.schema_violation()
        command_id = _guid(body.get("CommandId", ""))
        invocation = self.invocations.get(command_id)
        if invocation is None:
            raise faults.command_not_found()
        code = (body.findtext(f"{RSP}Code") or "").lower()
        invocation.stop()
        if code == names.SIGNAL_TERMINATE:
            del self.invocations[command_id]
            self._by_pipeline.pop(invocation.pipeline_id, None)
            self.outbox.drop(invocation.pipeline_id)
            with self.lock:
                self.pool.pipeline_table.pop(invocation.pipeline_id, None)
        return "<rsp:SignalResponse></rsp:SignalResponse>"

    def connect(self, request: Request) -> str:
        """Attach a new client to the pool, or to one of its pipelines."""
        body = request.body
        command_id = body.get("CommandId") if body is not None else None
        if command_id:
            if _guid(command_id) not in self.invocations:
                raise faults.command_not_found()
            return "<rsp:ConnectResponse></rsp:ConnectResponse>"
        if self.connected:
            raise faults.not_disconnected()
        self.connected = True
        self.outbox.resend()
        return (
            f"<rsp:ConnectResponse><rsp:InputStreams>{escape(self.input_streams)}</rsp:InputStreams>"
            f"<rsp:OutputStreams>{escape(self.output_streams)}</rsp:OutputStreams>"
            f'<connectResponseXml xmlns="{names.POWERSHELL}">{self._introduction()}</connectResponseXml>'
            "</rsp:ConnectResponse>"
        )

    def _introduction(self) -> str:
        """Return the pool's answer to a new client: who it is and its size; private data follow by Receive."""
        box = self.outbox
        size = ps.RunspacePoolInitData(MinRunspaces=self.pool.min_runspaces, MaxRunspaces=self.pool.max_runspaces)
        with self.lock:
            self.flush()
            greeting = uuid.UUID(self.shell_id)
            for one in (self.pool.our_capability, size):
                self.pool.prepare_message(one)
            while (payload := self.pool.data_to_send()) is not None:
                for message in wire.split(payload.data):
                    box.add(wire.with_bom(message), greeting)
            data = b"".join(box.take(greeting, 1 << 20)[0])
            self.pool.prepare_message(
                ps.ApplicationPrivateData(ApplicationPrivateData=self.pool.application_private_data)
            )
            self.flush()
        return base64.b64encode(data).decode()

    def close(self, *, abandoned: bool = False) -> None:
        """End the pool: its pipelines are stopped, or abandoned where no client asked for it."""
        if self.closed:
            return
        self.closed = True
        for invocation in list(self.invocations.values()):
            invocation.stop(abandoned=abandoned)
        self.note({"event": "shell_closed", "endpoint": self.configuration, "shell": self.shell_id})
        self.wake()


def _guid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text.removeprefix("uuid:"))
    except ValueError as error:
        raise faults.schema_violation() from error
