# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders to a running lab: its state, its traffic, its clock, faults. JSON lines over a loopback socket."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import secrets
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .wire import Wire
    from .world import World

_FILE = "control.json"
_SECONDS = 30.0
_LONGEST_LINE = 1 << 20
ORDERS = (
    "state",
    "traffic: requests, bytes and shells so far, connections and bytes by SSH",
    "shells: the open shells by host",
    "advance SECONDS: move the fleet's clock",
    'fault HOST {"action": "drop", "request": 3}: add a fault as in a fleet file',
    "file HOST PATH: size, SHA-256 and the bytes (base64) of a file",
    "damage HOST PATH: turn over a bit of a file",
    "cut HOST PATH PART: leave a part (0 to 1) of a file",
    "fill HOST VOLUME LEAVE_GB: fill a volume",
    "save HOST FOLDER DIRECTORY: write the files of a folder into a real directory",
    "bring HOST DIRECTORY FOLDER: put the files of a real directory into a folder",
    "restart HOST: restart the WinRM service of a host",
    "drop HOST: drop the connections of a host",
)


class Refused(Exception):
    """An order that can't be carried out."""


class Desk:
    """Takes orders."""

    def __init__(self, world: World, wire: Wire) -> None:
        self._world, self._wire = world, wire
        self._token = secrets.token_hex(16)
        self._path: Path | None = None
        self._server: asyncio.Server | None = None

    async def open(self, workdir: Path) -> Desk:
        """Listen, and say in the work directory where; only this user can read it."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_LONGEST_LINE)
        port = self._server.sockets[0].getsockname()[1]
        self._path = workdir / _FILE
        self._path.touch(mode=0o600)
        self._path.write_text(json.dumps({"port": port, "token": self._token, "pid": os.getpid()}))
        return self

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            try:
                order = json.loads(await asyncio.wait_for(reader.readline(), _SECONDS))
                if not secrets.compare_digest(str(order["token"]), self._token):
                    raise Refused("wrong token")
                words = [str(word) for word in order["words"]]
                answer: dict[str, Any] = {"result": await asyncio.to_thread(self._decide, words)}
            except (Refused, ValueError, KeyError, TypeError, LookupError) as problem:
                answer = {"error": f"{type(problem).__name__}: {problem}"}
            writer.write(json.dumps(answer, ensure_ascii=False, default=str).encode() + b"\n")
            await writer.drain()
            writer.close()

    def _decide(self, words: list[str]) -> Any:
        name, *rest = words
        order = getattr(self, f"_do_{name}", None)
        if order is None:
            raise Refused(f"there is no order {name!r}; there are: {', '.join(ORDERS)}")
        return order(*rest)

    def _do_state(self) -> Any:
        from .hyperv.state import describe  # noqa: PLC0415  # the model's own view of itself

        fleet: Any = self._world
        return describe(fleet)

    def _do_traffic(self) -> Any:
        linux = [machine.traffic for machine in getattr(self._world, "linux_machines", ())]
        ssh = {"ssh_sessions": sum(one.sessions for one in linux), "ssh_bytes": sum(one.bytes for one in linux)}
        return {**self._wire.server.traffic.as_dict(), **ssh}

    def _do_shells(self) -> Any:
        hosts = self._wire.server.hosts.values()
        return {
            host.machine.name: [
                {"shell": shell.shell_id, "owner": shell.owner, "commands": shell.command_ids()}
                for shell in host.service.shells
            ]
            for host in hosts
            if len(host.service.shells)
        }

    def _do_advance(self, seconds: str) -> Any:
        clock: Any = getattr(self._world, "clock", None)
        if clock is None:
            raise Refused("this world has no clock")
        clock.advance(float(seconds))
        return clock.now()

    def _do_fault(self, name: str, text: str) -> Any:
        from .hyperv.faults import HostFault  # noqa: PLC0415  # the model's

        machine: Any = self._host(name).machine
        machine.faults.planned.append(HostFault(**json.loads(text)))
        return len(machine.faults.planned)

    def _do_file(self, name: str, path: str) -> Any:
        from .hyperv import contents  # noqa: PLC0415  # the model's

        machine: Any = self._host(name).machine
        data = contents.read(machine, path)
        size = machine.storage.file(path).size
        digest = hashlib.sha256(data).hexdigest()
        return {"size": size, "sha256": digest, "content": base64.b64encode(data).decode()}

    def _do_damage(self, name: str, path: str) -> Any:
        from .hyperv.faults import spoil  # noqa: PLC0415

        spoil(self._host(name).machine, path)
        return True

    def _do_cut(self, name: str, path: str, part: str) -> Any:
        from .hyperv.faults import spoil  # noqa: PLC0415

        spoil(self._host(name).machine, path, cut=float(part))
        return True

    def _do_fill(self, name: str, volume: str, leave_gb: str) -> Any:
        from .hyperv.faults import fill  # noqa: PLC0415

        fill(self._host(name).machine, volume, float(leave_gb))
        return True

    def _do_save(self, name: str, folder: str, directory: str) -> Any:
        from .hyperv import carrying  # noqa: PLC0415

        return carrying.save(self._host(name).machine, folder, Path(directory))

    def _do_bring(self, name: str, directory: str, folder: str) -> Any:
        from .hyperv import carrying  # noqa: PLC0415

        return carrying.bring(self._host(name).machine, Path(directory), folder)

    def _do_restart(self, name: str) -> Any:
        host = self._host(name)
        host.loop_call(host.restart)
        return True

    def _do_drop(self, name: str) -> Any:
        host = self._host(name)
        host.loop_call(host.cut)
        return True

    def _host(self, name: str) -> Any:
        for host in self._wire.server.hosts.values():
            if name.lower() in (host.machine.name.lower(), host.machine.fqdn.lower(), host.machine.address):
                return host
        raise Refused(f"there is no host {name!r}")


def ask(workdir: Path, words: Sequence[str]) -> dict[str, Any]:
    """Send an order to the lab of a work directory; OSError or ValueError where none runs there."""
    where = json.loads((workdir / _FILE).read_text(encoding="utf-8"))
    with socket.create_connection(("127.0.0.1", int(where["port"])), timeout=_SECONDS) as connection:
        connection.sendall(json.dumps({"token": where["token"], "words": list(words)}).encode() + b"\n")
        with connection.makefile("rb") as lines:
            answer: dict[str, Any] = json.loads(lines.readline())
    return answer
