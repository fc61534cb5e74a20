# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All Linux machines of a lab: their files, their listeners, their end."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
from typing import TYPE_CHECKING, Any

from ..servers import AsrServers
from . import agent, base, keys, memory, tree
from .server import Server

if TYPE_CHECKING:
    from pathlib import Path

    from ...journal import Journal
    from .machine import LinuxMachine


class House:
    """Keeps the machines in ``workdir/linux``; everything there goes away at the end."""

    def __init__(
        self, machines: list[LinuxMachine], workdir: Path, journal: Journal, asr: AsrServers | None = None
    ) -> None:
        self.machines = machines
        self._asr = asr if asr is not None else AsrServers()
        self._names = {server.name: server.address for server in self._asr}
        self._room = (workdir / "linux").absolute()
        self._journal = journal
        self._memory: Path | None = None
        """Where the trees are in truth; None: in the work directory."""
        self._servers: dict[str, Server] = {}

    @property
    def key(self) -> Path:
        """Return the file of the private key that every machine lets in."""
        return self._room / "client_key"

    @property
    def known_hosts(self) -> Path:
        """Return the file with the machines' host keys."""
        return self._room / "known_hosts"

    async def start(self) -> None:
        """Make the trees and listen; OSError where the system lacks something or an address is taken."""
        if not self.machines:
            return
        shutil.rmtree(self._room, ignore_errors=True)
        self._room.mkdir(parents=True, mode=0o700)
        self._memory = memory.folder(len(self.machines))
        if self._memory is not None:
            (self._room / "trees").symlink_to(self._memory)
        try:
            await asyncio.to_thread(self._build)
            for machine in self.machines:
                self._servers[machine.name] = await Server(
                    machine, self._journal, self._asr, self._room / "base", self._room / "logs"
                ).start()
        except BaseException:
            await self.stop()
            raise

    def _build(self) -> None:
        shared = base.build(self._room / "base")
        public = keys.write_key(self.key)
        (self._room / "logs").mkdir()
        known = []
        for number, machine in enumerate(self.machines):
            machine.tree = self._room / "trees" / machine.name
            shape = tree.bent(machine, number, self._names)
            host_key = tree.build(machine, shape, shared, machine.tree, public)
            self._agent(machine, damaged=shape.damaged_platform)
            known.append(f"[{machine.address}]:{machine.port} {host_key}\n")
        self.known_hosts.write_text("".join(known), encoding="ascii")

    def _agent(self, machine: LinuxMachine, *, damaged: bool) -> None:
        """Write what the machine knows of the servers, and the agent that it has from the start."""
        place = machine.tree
        assert place is not None
        tree.write(place, agent.server_table(self._asr), "/.lab/servers")
        tree.write(place, agent.host_id(machine.name) + "\n", "/.lab/host-id")
        if machine.agent is None:
            return
        name = machine.agent.registered_with
        server = self._asr.find(name) if name is not None else None
        agent.put(place, machine.agent, machine=machine.name, osid=machine.row.osid, server=server, damaged=damaged)
        if server is not None:
            server.register(machine.name, agent.host_id(machine.name))

    async def stop(self) -> None:
        """End every session and process, remove every file."""
        await asyncio.gather(*(server.stop() for server in self._servers.values()))
        self._servers.clear()
        await asyncio.to_thread(self._remove)

    def _remove(self) -> None:
        for folder in (self._memory, self._room):
            if folder is not None:
                with contextlib.suppress(FileNotFoundError):
                    shutil.rmtree(folder)

    def inventory(self) -> dict[str, dict[str, Any]]:
        """Return the machines' variables for Ansible by their names there."""
        return {machine.name: self._variables(machine) for machine in self.machines}

    def _variables(self, machine: LinuxMachine) -> dict[str, Any]:
        options = f"-o UserKnownHostsFile={_quoted(self.known_hosts)} -o GlobalKnownHostsFile=/dev/null"
        found: dict[str, Any] = {
            "ansible_host": machine.address,
            "ansible_connection": "ssh",
            "ansible_port": machine.port,
            "ansible_user": machine.user,
            "ansible_ssh_common_args": f"{options} -o StrictHostKeyChecking=yes",
        }
        if machine.sign_in == "key":
            found["ansible_ssh_private_key_file"] = str(self.key)
            found["ansible_ssh_common_args"] += " -o IdentitiesOnly=yes"
        else:
            found["ansible_password"] = machine.passwords[machine.user]
        if machine.become != "none":
            found |= {"ansible_become": True, "ansible_become_method": "sudo"}
            if machine.become == "sudo":
                found["ansible_become_password"] = machine.passwords["admin"]
        return found


def _quoted(path: Path) -> str:
    text = str(path)
    if re.search(r"[\s'\"\\]", text):
        raise OSError(f"SSH's options can't name the work directory {text!r}: choose one without blanks and quotes")
    return text
