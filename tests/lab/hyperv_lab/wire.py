# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wire of a fleet put together: server, services, shells, journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .psrp.codec import EngineCodec
from .psrp.runspaces import Workers
from .psrp.shell import PowerShellShell
from .winrs.shell import CmdShell
from .wsman.http import WinRMServer
from .wsman.service import WinRMService

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from .journal import Journal
    from .psrp.codec import Codec
    from .world import Identity, Machine, World
    from .wsman.envelope import Request


class Wire:
    """Everything between the network and a world."""

    def __init__(
        self,
        world: World,
        journal: Journal,
        *,
        codec: Codec | None = None,
        contexts: Mapping[str, ssl.SSLContext] | None = None,
    ) -> None:
        self._journal, self._codec = journal, codec or engine_codec()
        self._workers = Workers()
        self.server = WinRMServer(world, self._service, contexts)

    async def start(self) -> None:
        """Listen; OSError where an address is in use."""
        await self.server.start()

    async def stop(self) -> None:
        """End everything that runs."""
        await self.server.stop()
        self._workers.stop()

    def _service(self, machine: Machine) -> WinRMService:
        return WinRMService(machine, self._powershell, self._cmd)

    def _note(self, machine: Machine, identity: Identity) -> Callable[[dict[str, Any]], None]:
        account = identity.account
        who = {
            "host": machine.name,
            "user": f"{account.domain}\\{account.username}" if account.domain else account.username,
            "method": identity.method,
        }
        return lambda entry: self._journal.write({**who, **entry})

    def _powershell(self, machine: Machine, request: Request, identity: Identity, client: str) -> PowerShellShell:
        note = self._note(machine, identity)
        return PowerShellShell(machine, request, identity, client, codec=self._codec, workers=self._workers, note=note)

    def _cmd(self, machine: Machine, request: Request, identity: Identity, client: str) -> CmdShell:
        note = self._note(machine, identity)
        return CmdShell(machine, request, identity, client, workers=self._workers, note=note)


def engine_codec() -> Codec:
    """Return the codec of the engine."""
    from .powershell import clixml  # noqa: PLC0415  # the wire alone (replays, tests) needs no engine

    return EngineCodec(clixml.serialize, clixml.serialize_error)
