# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The WinRM service of one host: shells, their operations, configuration reads."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from . import faults, names
from .configuration import configuration
from .envelope import Request, respond
from .shells import Shell, ShellTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..world import Identity, Machine

    ShellFactory = Callable[[Machine, Request, Identity, str], Shell]

_ITEM_EXTRA = "<rsp:MemoryUsed>46MB</rsp:MemoryUsed><rsp:ChildProcesses>0</rsp:ChildProcesses>"


class WinRMService:
    """Answers the requests of one host's users."""

    def __init__(self, machine: Machine, open_powershell: ShellFactory, open_cmd: ShellFactory) -> None:
        self.machine = machine
        self.shells = ShellTable(machine.limits)
        self._open_powershell, self._open_cmd = open_powershell, open_cmd
        self._running: dict[str, int] = {}

    async def handle(self, request: Request, identity: Identity, client: str, alive: Callable[[], bool]) -> str:
        """Return the response envelope; raise WSManFault. ``alive`` says whether the client is still there."""
        user = identity.account.sid
        if self._operations(user) >= self.machine.limits.operations_per_user:
            raise faults.operations_exceeded(self.machine.limits.operations_per_user)
        self._running[user] = self._running.get(user, 0) + 1
        try:
            return await self._dispatch(request, identity, client, alive)
        finally:
            self._running[user] -= 1

    def _operations(self, user: str) -> int:
        """Count a user's operations: requests now, and commands of text shells, which Windows never counts down."""
        held = sum(shell.held_operations for shell in self.shells if shell.identity.account.sid == user)
        return held + self._running.get(user, 0)

    async def _dispatch(self, request: Request, identity: Identity, client: str, alive: Callable[[], bool]) -> str:
        if request.action == names.CREATE:
            return self._create(request, identity, client)
        if request.action == names.ENUMERATE:
            return self._enumerate(request, identity)
        if request.action == names.GET and request.resource.startswith(names.CONFIG):
            return respond(request, configuration(self.machine))
        shell = self.shells.get(request.shell_id, identity)
        shell.touch()
        if request.action == names.RECEIVE:
            return respond(request, await shell.receive(request, alive))
        return self._on_shell(request, shell)

    def _on_shell(self, request: Request, shell: Shell) -> str:
        if request.action == names.GET:
            return respond(request, f"<rsp:Shell>{shell.describe(live=True, extra=_ITEM_EXTRA)}</rsp:Shell>")
        if request.action == names.DELETE:
            self.shells.remove(shell)
            return respond(request, "")
        operations: dict[str, Callable[[Request], str]] = {
            names.COMMAND: shell.command,
            names.SEND: shell.send,
            names.SIGNAL: shell.signal,
            names.CONNECT: shell.connect,
            names.DISCONNECT: shell.disconnect,
            names.RECONNECT: shell.reconnect,
        }
        if request.action not in operations:
            raise faults.unsupported_action()
        return respond(request, operations[request.action](request))

    def _create(self, request: Request, identity: Identity, client: str) -> str:
        if request.resource == names.CMD_RESOURCE:
            factory = self._open_cmd
        elif request.resource.startswith(names.POWERSHELL_PREFIX):
            factory = self._open_powershell
        else:
            raise faults.unknown_resource(request.resource)
        self.shells.admit(identity)
        shell = factory(self.machine, request, identity, client)
        self.shells.add(shell)
        reference = (
            f"<x:ResourceCreated><a:Address>{escape(request.to)}</a:Address><a:ReferenceParameters>"
            f'<w:ResourceURI>{escape(request.resource)}</w:ResourceURI><w:SelectorSet><w:Selector Name="ShellId">'
            f"{shell.shell_id}</w:Selector></w:SelectorSet></a:ReferenceParameters></x:ResourceCreated>"
        )
        return respond(request, reference + shell.create_response())

    def _enumerate(self, request: Request, identity: Identity) -> str:
        """List the user's shells, or the commands of one of them."""
        if not request.resource.startswith((names.SHELL, names.POWERSHELL)):
            raise faults.unknown_resource(request.resource)
        if request.resource == names.COMMAND:
            shell = self.shells.get(_filtered_shell(request), identity)
            items = "".join(_command_item(one) for one in shell.command_ids())
        elif _filtered_shell(request) is not None:
            items = ""
        else:
            own = [one for one in self.shells if one.identity.account.sid == identity.account.sid]
            items = "".join(f"<rsp:Shell>{one.describe(live=True, extra=_ITEM_EXTRA)}</rsp:Shell>" for one in own)
        listed = f"<w:Items>{items}</w:Items>" if items else ""
        return respond(
            request,
            f"<n:EnumerateResponse><n:EnumerationContext></n:EnumerationContext>{listed}"
            "<w:EndOfSequence></w:EndOfSequence></n:EnumerateResponse>",
        )

    def restart(self) -> None:
        """Lose every shell, as when the service or the host restarts."""
        self.shells.clear()


def _filtered_shell(request: Request) -> str | None:
    body = request.body
    if body is None:
        return None
    path = f"{{{names.WSMAN}}}Filter/{{{names.WSMAN}}}SelectorSet/{{{names.WSMAN}}}Selector[@Name='ShellId']"
    found = body.findtext(path)
    return found.upper() if found is not None else None


def _command_item(command_id: str) -> str:
    return (
        f"<rsp:Command><rsp:CommandId>{command_id}</rsp:CommandId><rsp:CommandLine></rsp:CommandLine>"
        "<rsp:CommandState>Running</rsp:CommandState></rsp:Command>"
    )
