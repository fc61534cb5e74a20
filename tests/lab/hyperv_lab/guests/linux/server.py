# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SSH service of one machine: a listener of the lab that runs the machine's own sshd for each connection.

The listener is the lab's; what answers is the real sshd in inetd mode inside of the machine's namespaces, by the
configuration that was there when its service was (re)started last.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import socket
import time
from typing import TYPE_CHECKING

from .namespace import Namespace

if TYPE_CHECKING:
    from pathlib import Path

    from ...journal import Journal
    from ..servers import AsrServers
    from .machine import LinuxMachine

_FORCED = ("UsePAM=no", "UseDNS=no", "PidFile=none", "LogLevel=ERROR", "LoginGraceTime=60", "PrintLastLog=no")
_IN_EFFECT = ".lab/ssh"
STOPPED = ".lab/ssh-stopped"
_RECORD = 4096
_TRIES = 4


class Server:
    """Listens for one machine."""

    def __init__(self, machine: LinuxMachine, journal: Journal, asr: AsrServers, base: Path, logs: Path) -> None:
        assert machine.tree is not None
        self.machine, self._tree, self._journal, self._logs = machine, machine.tree, journal, logs
        self._base, self._asr = base, asr
        self._namespace: Namespace | None = None
        self._making = asyncio.Lock()
        self._changed = asyncio.Event()
        """The machine's SSH service was stopped or started."""
        self._listening: asyncio.Task[None] | None = None
        self._sessions: set[asyncio.Task[None]] = set()
        self._connections: dict[int, socket.socket] = {}
        """By the client's port."""
        self._records = -1
        self._left = [[fault.command, fault.times] for fault in machine.faults]

    async def start(self) -> Server:
        """Listen; OSError where the address is taken."""
        take_effect(self._tree)
        self._records = os.open(self._tree / ".lab/journal", os.O_RDWR | os.O_NONBLOCK)
        asyncio.get_running_loop().add_reader(self._records, self._read_records)
        listener = self._listen() if not self._is_stopped() else None
        self._listening = asyncio.create_task(self._serve(listener))
        return self

    def _listen(self) -> socket.socket:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        try:
            listener.bind((self.machine.address, self.machine.port))
            listener.listen(128)
        except OSError as problem:
            listener.close()
            raise OSError(f"{self.machine.name}: {self.machine.address}:{self.machine.port}: {problem}") from problem
        return listener

    def _is_stopped(self) -> bool:
        return (self._tree / STOPPED).exists()

    async def _serve(self, listener: socket.socket | None) -> None:
        """Accept connections while the machine's service runs; a stopped service refuses them."""
        accepting: asyncio.Task[None] | None = None
        try:
            while True:
                self._changed.clear()
                if self._is_stopped() and listener is not None:
                    listener.close()
                    listener = None
                elif not self._is_stopped() and listener is None:
                    listener = self._listen()
                accepting = asyncio.create_task(self._accept(listener)) if listener is not None else None
                await self._changed.wait()
                if accepting is not None:
                    accepting.cancel()
                    await asyncio.gather(accepting, return_exceptions=True)
        finally:
            if accepting is not None:
                accepting.cancel()
            if listener is not None:
                listener.close()

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, peer = await loop.sock_accept(listener)
            task = asyncio.create_task(self._session(connection, peer[1]))
            self._sessions.add(task)
            task.add_done_callback(self._sessions.discard)

    async def _session(self, connection: socket.socket, port: int) -> None:
        self._connections[port] = connection
        try:
            space = await self._running()
            connection.setblocking(True)  # sshd shares the open file and wants it so
            end = connection.fileno()
            options = [word for value in _FORCED for word in ("-o", value)]
            command = ("/.lab/base/bin/sshd", "-i", "-e", "-f", f"/{_IN_EFFECT}/sshd_config", *options)
            with (self._logs / f"{self.machine.name}.log").open("ab") as log:
                process = await asyncio.create_subprocess_exec(
                    *space.enter(*command), stdin=end, stdout=end, stderr=log, env=_ENVIRONMENT
                )
            with self.machine.traffic.counting(connection):
                await process.wait()
        except OSError as problem:
            self._journal.write({"host": self.machine.name, "event": "problem", "text": str(problem)})
        finally:
            self._connections.pop(port, None)
            connection.close()

    async def _running(self) -> Namespace:
        async with self._making:
            name = (self._tree / "etc/hostname").read_text(encoding="utf-8").strip()
            if self._namespace is None or not self._namespace.alive():
                self._namespace = await self._new_namespace(name)
            return self._namespace

    async def _new_namespace(self, name: str) -> Namespace:
        """Make the namespaces; a bind mount of the set-up is refused once in a while under load (cause unknown)."""
        for _ in range(_TRIES - 1):
            with contextlib.suppress(OSError):
                return await Namespace.start(self._tree, self._base, name)
            await asyncio.sleep(0.2)
        return await Namespace.start(self._tree, self._base, name)

    def _read_records(self) -> None:
        with contextlib.suppress(BlockingIOError):
            for line in os.read(self._records, 16 * _RECORD).decode(errors="replace").splitlines():
                self._note(line)

    def _note(self, record: str) -> None:
        """Write a journal line for a command, and play the fault that waits for it."""
        user, port, length, text = [*record.split("\t", 3), "", "", ""][:4]
        if user == "@":
            if port == "ssh":
                self._changed.set()
            else:
                self._registration(port, length, text)
            return
        self.machine.commands += 1
        entry = {
            "host": self.machine.name,
            "user": user,
            "event": "command",
            "command": text,
            "length": int(length or 0),
        }
        self._journal.write(entry)
        for fault in self._left:
            if fault[1] and self.machine.commands >= fault[0]:
                fault[1] -= 1
                connection = self._connections.get(int(port)) if port.isdigit() else None
                if connection is not None:
                    connection.shutdown(socket.SHUT_RDWR)

    def _registration(self, what: str, server: str, host_id: str) -> None:
        """Tell the servers what the machine's configurator or uninstall.sh did."""
        name = self.machine.name
        if what == "register":
            found = self._asr.find(server)
            if found is not None:
                found.register(name, host_id, at=time.time())
        else:
            for each in self._asr:
                each.unregister(name)
        self._journal.write({"host": name, "event": what, "server": server})

    async def stop(self) -> None:
        """End the listener, every session and everything that runs in the machine."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        if self._namespace is not None:
            await self._namespace.stop()
        if self._sessions:
            _done, late = await asyncio.wait(self._sessions, timeout=10)
            for task in late:
                task.cancel()
        if self._records >= 0:
            asyncio.get_running_loop().remove_reader(self._records)
            os.close(self._records)
            self._records = -1


_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C"}


def take_effect(tree: Path) -> None:
    """Put the machine's sshd configuration into effect, as a start of its service does."""
    place = tree / _IN_EFFECT
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(tree / "etc/ssh", place)
    for path in (place / "sshd_config", *place.glob("sshd_config.d/*")):
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        text = re.sub(r"(?im)^(\s*include\s+)(?:/etc/ssh/)?(?!/)", rf"\1/{_IN_EFFECT}/", text)
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
