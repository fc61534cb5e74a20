# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replays recorded WSMan conversations against the lab's WinRM service.

A recording is a YAML file with ``messages: [{request, response, status_code?}]``. Requests are sent as recorded, with
ids mapped; where a pipeline or a program ran, what was recorded comes back as a canned reply. Compared are actions,
elements and attributes, command states, faults and the order of PSRP messages.
"""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import yaml

from ..psrp.codec import EngineCodec
from ..psrp.runspaces import Workers
from ..psrp.shell import PowerShellShell
from ..winrs.shell import CmdShell
from ..wsman import envelope, names
from ..wsman.faults import WSManFault
from ..wsman.service import WinRMService
from .report import Report
from .winrm_machine import ADMINISTRATOR, RecordedMachine
from .winrm_structure import Exchange, difference, exchanges, receive_items

if TYPE_CHECKING:
    from pathlib import Path

    from ..world import Identity
    from ..wsman.envelope import Request

EDITED = (
    "psrp_is_alive_",
    "psrp_receive_failure",
    "psrp_key_exchange_timeout",
    "psrp_reset_runspace_state_fail",
)
"""Recordings that their author shortened or edited to provoke an error: no server answers like them."""
_SHORT_SECONDS = 0.05
_LONG_SECONDS = 5.0
_RECORDING_SECONDS = 60.0


def replay_winrm(path: Path) -> Report:
    """Return how the lab answers a recording, or every recording of a folder; edited ones are left out."""
    report = Report()
    files = sorted(path.glob("*.yml")) if path.is_dir() else [path]
    for file in files:
        if not file.stem.startswith(EDITED):
            report.add(asyncio.run(asyncio.wait_for(_Replay(file).run(), _RECORDING_SECONDS)))
    return report


class _Replay:
    """One recording."""

    def __init__(self, file: Path) -> None:
        self._file = file
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        self._exchanges = exchanges(content["messages"])
        self._machine = RecordedMachine(self._exchanges)
        self._service = WinRMService(self._machine, self._powershell, self._cmd)
        self._workers = Workers()
        self._ids: dict[str, str] = {}
        self._arrived: dict[str, list[str]] = {}
        """What came for a command (or the pool) and was not compared yet."""

    def _powershell(self, machine: object, request: Request, identity: Identity, client: str) -> PowerShellShell:
        codec = EngineCodec(lambda value: f"<S>{value}</S>", lambda record, _: f"<S>{record.message}</S>")
        return PowerShellShell(
            self._machine, request, identity, client, codec=codec, workers=self._workers, note=lambda _: None
        )

    def _cmd(self, machine: object, request: Request, identity: Identity, client: str) -> CmdShell:
        return CmdShell(self._machine, request, identity, client, workers=self._workers, note=lambda _: None)

    async def run(self) -> str | None:
        """Return the first difference, or None."""
        try:
            for number, exchange in enumerate(self._exchanges, 1):
                found = await self._exchange(exchange)
                if found is not None:
                    return f"{self._file.name}, message {number} ({exchange.operation}): {found}"
            return None
        finally:
            self._machine.stop()
            self._service.restart()
            self._workers.stop()

    async def _exchange(self, exchange: Exchange) -> str | None:
        if exchange.operation == "Receive" and not exchange.is_fault:
            found = await self._receive(exchange)
        else:
            answer = await self._ask(exchange.request, _SHORT_SECONDS if exchange.timed_out else _LONG_SECONDS)
            self._learn(exchange.response, answer)
            found = difference(exchange.response, answer)
        if exchange.opens_gate:
            self._machine.gates.release(exchange.command_id)
        return found

    async def _receive(self, exchange: Exchange) -> str | None:
        """Compare what came in order: where one Receive ends and the next begins is a matter of time."""
        owner = exchange.command_id or exchange.shell_id
        arrived = self._arrived.setdefault(owner, [])
        wanted = receive_items(exchange.response)
        while len(arrived) < len(wanted):
            answer = await self._ask(exchange.request, _LONG_SECONDS)
            items = receive_items(answer)
            if not items:
                return f"wanted {wanted[len(arrived)]}, got {difference(exchange.response, answer)}"
            arrived.extend(items)
        got = arrived[: len(wanted)]
        del arrived[: len(wanted)]
        return None if got == wanted else f"wanted {wanted}, got {got}"

    async def _ask(self, request: str, seconds: float) -> str:
        for recorded, ours in self._ids.items():
            request = request.replace(recorded, ours)
        parsed: Request | None = None
        try:
            parsed = envelope.parse(request.encode())
            parsed = dataclasses.replace(parsed, timeout=seconds)
            return await self._service.handle(parsed, ADMINISTRATOR, "127.0.0.1", lambda: True)
        except WSManFault as fault:
            return envelope.fault_envelope(fault, self._machine.fqdn, parsed.message_id if parsed else "")

    def _learn(self, recorded: str, ours: str) -> None:
        """Remember which of our ids stands for a recorded one."""
        for path in (f".//{{{names.WSMAN}}}Selector", f".//{{{names.SHELL}}}CommandId"):
            theirs, mine = _id(recorded, path), _id(ours, path)
            if theirs and mine and theirs != mine:
                self._ids[theirs] = mine


def _id(text: str, path: str) -> str | None:
    return ET.fromstring(text).findtext(path)
