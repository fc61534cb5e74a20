# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP side: listeners of all hosts in one process, authenticated connections, faults of the network."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web
from spnego.exceptions import SpnegoError

from . import encryption, envelope, names
from .authentication import Authenticator, Connection
from .credentials import CredentialSource
from .faults import WSManFault, access_denied, schema_violation

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from ..world import Identity, Machine, World
    from .service import WinRMService

_SOAP = "application/soap+xml;charset=UTF-8"
_KEEP_ALIVE_SECONDS = 120.0
"""After that http.sys drops an idle connection."""
_WATCH_SECONDS = 0.25
_SERVER = "Microsoft-HTTPAPI/2.0"


@dataclass
class Traffic:
    """What went over the wire: HTTP headers and bodies, without what TLS adds."""

    requests: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    shells: int = 0
    """Shells opened."""

    def as_dict(self) -> dict[str, int]:
        """Return the counters; ``bytes`` is both ways."""
        return {
            "requests": self.requests,
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "bytes": self.bytes_in + self.bytes_out,
            "shells": self.shells,
        }


@dataclass
class Host:
    """A machine with its service and its open connections."""

    machine: Machine
    service: WinRMService
    connections: dict[asyncio.BaseTransport, Connection] = field(default_factory=dict)
    loop: asyncio.AbstractEventLoop | None = None

    def loop_call(self, work: Callable[[], object]) -> None:
        """Run something in the server's loop, from any thread."""
        assert self.loop is not None
        self.loop.call_soon_threadsafe(work)

    def restart(self) -> None:
        """Lose shells and connections, as when the service restarts."""
        self.service.restart()
        self.cut()

    def cut(self) -> None:
        """Drop every connection."""
        for transport in list(self.connections):
            _abort(transport)
        self.connections.clear()


class _Refuser(asyncio.Protocol):
    """Answers a connection to a host that is down: reset."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        _abort(transport)


class WinRMServer:
    """Serves the WinRM listeners of a fleet."""

    def __init__(
        self,
        world: World,
        make_service: Callable[[Machine], WinRMService],
        contexts: Mapping[str, ssl.SSLContext] | None = None,
    ) -> None:
        self.hosts = {machine.address: Host(machine, make_service(machine)) for machine in world.machines()}
        self.traffic = Traffic()
        self._contexts = contexts or {}
        self._credentials = CredentialSource(world)
        self._authenticator = Authenticator(self._credentials)
        self._listeners: list[asyncio.Server] = []
        self._watcher: asyncio.Task[None] | None = None
        self._http = web.Server(
            self._handle,
            keepalive_timeout=_KEEP_ALIVE_SECONDS,
            access_log=None,
        )

    async def start(self) -> None:
        """Listen everywhere; OSError where an address is in use."""
        loop = asyncio.get_running_loop()
        for host in self.hosts.values():
            host.loop = loop
            for kind, port in host.machine.listeners.items():
                context = self._contexts[host.machine.name] if kind == "https" else None
                listener = await loop.create_server(
                    self._factory(host), host.machine.address, port, ssl=context, backlog=64
                )
                self._listeners.append(listener)
        self._watcher = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Close listeners, connections and shells."""
        if self._watcher is not None:
            self._watcher.cancel()
        for listener in self._listeners:
            listener.close()
        for host in self.hosts.values():
            host.restart()
        await self._http.shutdown(0.1)
        self._credentials.close()

    def _factory(self, host: Host) -> Callable[[], asyncio.Protocol]:
        return lambda: self._http() if host.machine.up() else _Refuser()

    async def _watch(self) -> None:
        """Keep hosts that go down from holding connections and shells, and end shells whose idle time is over."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            for host in self.hosts.values():
                if not host.connections and not len(host.service.shells):
                    continue
                host.service.shells.sweep()
                if not host.machine.up():
                    host.restart()
                for transport in [one for one in host.connections if one.is_closing()]:
                    del host.connections[transport]

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        transport = request.transport
        if transport is None:
            return web.Response(status=400)
        host = self.hosts[transport.get_extra_info("sockname")[0]]
        if not host.machine.up():
            return _dropped(transport)
        if request.path.rstrip("/") != "/wsman" or request.method != "POST":
            return web.Response(status=404 if request.method == "POST" else 405, headers={"Server": _SERVER})
        connection = host.connections.get(transport)
        if connection is None:
            secure = transport.get_extra_info("ssl_object") is not None
            connection = host.connections[transport] = Connection(host.machine, secure, self._authenticator)
        response = await self._authenticated(request, host, connection, transport)
        self._count(request, response)
        return response

    def _count(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        line = len(request.method) + len(request.path) + len(" HTTP/1.1\r\n\r\n") + 1
        headers = sum(len(name) + len(value) + 4 for name, value in request.raw_headers)
        self.traffic.requests += 1
        self.traffic.bytes_in += line + headers + int(request.headers.get("Content-Length", 0))
        answered = sum(len(name) + len(value) + 4 for name, value in response.headers.items())
        self.traffic.bytes_out += len("HTTP/1.1 200 OK\r\n\r\n") + answered
        if isinstance(response, web.Response) and isinstance(response.body, bytes):
            self.traffic.bytes_out += len(response.body)

    async def _authenticated(
        self, request: web.BaseRequest, host: Host, connection: Connection, transport: asyncio.BaseTransport
    ) -> web.StreamResponse:
        body = await request.read()
        answer = connection.authenticate(request.headers.get("Authorization"))
        if answer.identity is None and not answer.denied:
            return _respond(401, challenges=answer.challenges)
        if not body:
            return _respond(200, challenges=answer.challenges)
        wrapped = encryption.is_encrypted(request.headers.get("Content-Type", ""))
        if not wrapped and not connection.secure and not connection.allows_plain:
            return _respond(500, challenges=answer.challenges)
        if wrapped:
            try:
                body = encryption.unwrap(connection.wrapper(), body)
            except (encryption.NotEncrypted, SpnegoError):
                return _respond(400)
        response = await self._answer(request, host, answer.identity, body, transport)
        if isinstance(response, web.StreamResponse):
            return response
        return _sealed(response, connection if wrapped else None, answer.challenges)

    async def _answer(
        self,
        request: web.BaseRequest,
        host: Host,
        identity: Identity | None,
        body: bytes,
        transport: asyncio.BaseTransport,
    ) -> tuple[int, str] | web.StreamResponse:
        """Return status and envelope, or the response that a fault of the network calls for."""
        parsed: envelope.Request | None = None
        try:
            parsed = envelope.parse(body)
            after, played = await self._play(parsed, host, transport)
            if played is not None:
                return played
            if identity is None:
                raise access_denied()
            client = str(request.remote or "")
            self.traffic.shells += parsed.action == names.CREATE
            text = await host.service.handle(parsed, identity, client, lambda: not transport.is_closing())
            return _dropped(transport) if after else (200, text)
        except WSManFault as fault:
            return 500, self._fault(fault, host, parsed)
        except PermissionError:
            return 500, self._fault(access_denied(), host, parsed)
        except ValueError:
            return 500, self._fault(schema_violation(), host, parsed)

    @staticmethod
    def _fault(fault: WSManFault, host: Host, parsed: envelope.Request | None) -> str:
        return envelope.fault_envelope(fault, host.machine.fqdn, parsed.message_id if parsed else "")

    async def _play(
        self, parsed: envelope.Request, host: Host, transport: asyncio.BaseTransport
    ) -> tuple[bool, web.StreamResponse | None]:
        """Play the fault of this request; return whether to drop its answer, and what to answer in its place."""
        fault = host.machine.on_request(parsed.operation, parsed.shell_id) or ""
        kind, _, value = fault.partition(":")
        if kind == "drop":
            return False, _dropped(transport)
        if kind == "restart_winrm":
            host.restart()
            return False, _dropped(transport)
        if kind == "http":
            return False, _respond(int(value))
        if kind == "stall":
            await asyncio.sleep(float(value))
        return kind == "drop_after", None


def _abort(transport: asyncio.BaseTransport) -> None:
    abort: Any = getattr(transport, "abort", transport.close)
    with suppress(AttributeError):  # what the first Pythons of 3.11 raise for a TLS connection that is lost already
        abort()


def _dropped(transport: asyncio.BaseTransport) -> web.StreamResponse:
    _abort(transport)
    return web.Response(status=500)


def _respond(status: int, *, challenges: tuple[str, ...] = ()) -> web.Response:
    response = web.Response(status=status, headers={"Server": _SERVER})
    for challenge in challenges:
        response.headers.add("WWW-Authenticate", challenge)
    return response


def _sealed(answer: tuple[int, str], connection: Connection | None, challenges: tuple[str, ...]) -> web.Response:
    status, text = answer
    kind, body = _SOAP, text.encode()
    if connection is not None:
        kind, body = encryption.wrap(connection.wrapper(), connection.protocol, body)
    response = web.Response(status=status, body=body, headers={"Server": _SERVER, "Content-Type": kind})
    for challenge in challenges:
        response.headers.add("WWW-Authenticate", challenge)
    return response
