# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Site Recovery servers of a fleet: configuration servers (classic) and replication appliances (modernized).

They listen for real, so that a machine's way to them can be tried, but a connection is only accepted and closed: what
an agent would say to them goes through ``AsrServer.register`` of this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import ipaddress
import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..hyperv.schema import FleetError, Section

if TYPE_CHECKING:
    from collections.abc import Iterator

CLASSIC, MODERNIZED = "CSLegacy", "CSPrime"
CONFIGURATION_SERVER, APPLIANCE = "configuration_server", "appliance"
DEFAULT_PORT, DEFAULT_DATA_PORT = 443, 9443
_CERTIFICATES = ("valid", "expired")


@dataclass(kw_only=True)
class Registered:
    """A machine that registered; ``times`` counts how often."""

    machine: str
    host_id: str
    at: float
    times: int = 1


@dataclass(kw_only=True)
class AsrServer:
    """One server of the fleet file's ``asr``."""

    name: str
    address: str
    port: int
    data_port: int
    kind: str
    """CONFIGURATION_SERVER or APPLIANCE."""
    passphrase: str = ""
    """Of a configuration server; an appliance has none."""
    certificate: str = "valid"
    """"valid" or "expired"."""
    listening: bool = True
    """Whether its ports are open; false: connections are refused."""
    registered: dict[str, Registered] = field(default_factory=dict)
    """By the machine's upper-case name."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def stack(self) -> str:
        """Return the CSType that agents of this server have."""
        return CLASSIC if self.kind == CONFIGURATION_SERVER else MODERNIZED

    def knows(self, passphrase: str) -> bool:
        """Return whether this is the passphrase of a configuration server; an appliance knows none."""
        return bool(self.passphrase) and hmac.compare_digest(self.passphrase.encode(), passphrase.encode())

    def register(self, machine: str, host_id: str, *, at: float = 0.0) -> Registered:
        """Note a machine; one that comes again with the same id is counted, with another id it is a new one."""
        with self._lock:
            known = self.registered.get(machine.upper())
            if known is not None and known.host_id == host_id:
                known.times, known.at = known.times + 1, at
                return known
            fresh = Registered(machine=machine, host_id=host_id, at=at)
            self.registered[machine.upper()] = fresh
            return fresh

    def unregister(self, machine: str) -> bool:
        """Forget a machine; return whether it was known."""
        with self._lock:
            return self.registered.pop(machine.upper(), None) is not None

    def source_config(self) -> dict[str, Any]:
        """Return the content of the appliance's config file.

        The form is the lab's own: the sources on Site Recovery name the file, not its keys. ``fingerprint`` is what the
        stand-in of the configurator holds it against.
        """
        return {
            "StandIn": "hyperv_lab",
            "ApplianceName": self.name,
            "ApplianceAddress": self.address,
            "Port": self.port,
            "DataPort": self.data_port,
            "Fingerprint": self._fingerprint(),
        }

    def _fingerprint(self) -> str:
        return hashlib.sha256(f"{self.name}|{self.address}|{self.port}".lower().encode()).hexdigest()

    def as_plain(self) -> dict[str, Any]:
        """Return the server as JSON types, without its passphrase."""
        plain: dict[str, Any] = {
            "kind": self.kind,
            "address": self.address,
            "port": self.port,
            "data_port": self.data_port,
            "certificate": self.certificate,
            "listening": self.listening,
            "registered": {
                each.machine: {"host_id": each.host_id, "times": each.times} for each in self.registered.values()
            },
        }
        if self.kind == APPLIANCE:
            plain["source_config"] = self.source_config()
        return plain


class AsrServers:
    """All servers of a fleet, and their listeners."""

    def __init__(self, servers: list[AsrServer] | None = None) -> None:
        self.servers = servers or []
        self._listeners: list[asyncio.Server] = []

    def __iter__(self) -> Iterator[AsrServer]:
        return iter(self.servers)

    def __len__(self) -> int:
        return len(self.servers)

    def find(self, wanted: str, kind: str | None = None) -> AsrServer | None:
        """Return the server of a name or address, of one kind if told; None where the fleet has none."""
        plain = wanted.strip().lower()
        for server in self.servers:
            if plain in (server.name.lower(), server.address) and kind in (None, server.kind):
                return server
        return None

    def of_source_config(self, text: str) -> AsrServer | None:
        """Return the appliance whose config file this is; None for a damaged one or one of another fleet."""
        try:
            given = json.loads(text.lstrip("\ufeff"))
        except ValueError:
            return None
        fits = (each for each in self.servers if each.kind == APPLIANCE and each.source_config() == given)
        return next(fits, None)

    async def start(self) -> None:
        """Open every listener; OSError where an address is taken."""
        for server in self.servers:
            for port in (server.port, server.data_port) if server.listening else ():
                self._listeners.append(await asyncio.start_server(_accept, server.address, port))

    async def stop(self) -> None:
        """Close the listeners."""
        for listener in self._listeners:
            listener.close()
            await listener.wait_closed()
        self._listeners.clear()

    def as_plain(self) -> dict[str, Any]:
        """Return every server by name as JSON types."""
        return {server.name: server.as_plain() for server in self.servers}


async def _accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        writer.close()
        await writer.wait_closed()


def parse(section: Section) -> AsrServers:
    """Return the servers of a fleet file's ``asr``; raise FleetError."""
    found = [_server(each, CONFIGURATION_SERVER) for each in section.sections("configuration_servers")]
    found += [_server(each, APPLIANCE) for each in section.sections("appliances")]
    section.close()
    taken: dict[tuple[str, int], str] = {}
    names: set[str] = set()
    for server in found:
        if server.name.lower() in names:
            raise FleetError(f"asr: server {server.name!r} is there twice")
        names.add(server.name.lower())
        for port in (server.port, server.data_port):
            owner = taken.setdefault((server.address, port), server.name)
            if owner != server.name:
                raise FleetError(f"asr: {server.address}:{port} belongs to {owner!r} and {server.name!r}")
    return AsrServers(found)


def _server(entry: Section, kind: str) -> AsrServer:
    server = AsrServer(
        name=entry.text("name"),
        address=entry.text("address"),
        port=entry.whole("port", DEFAULT_PORT, least=1),
        data_port=entry.whole("data_port", DEFAULT_DATA_PORT, least=1),
        kind=kind,
        passphrase=entry.text("passphrase") if kind == CONFIGURATION_SERVER else "",
        certificate=entry.choice("certificate", _CERTIFICATES, "valid"),
        listening=entry.flag("listening", True),
    )
    entry.close()
    try:
        loopback = ipaddress.IPv4Address(server.address).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise FleetError(f"{entry.where}.address: {server.address!r} is no loopback address")
    if server.port == server.data_port:
        raise FleetError(f"{entry.where}.data_port: {server.port} is the port already")
    return server
