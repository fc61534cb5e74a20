# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shells of a host: what PowerShell and cmd shells have in common, and the table that keeps them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from . import faults, names
from .envelope import new_id, seconds_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from xml.etree import ElementTree as ET

    from ..world import Identity, WinRMLimits
    from .envelope import Request

MAX_IDLE_SECONDS = 2_147_483.647
RSP = f"{{{names.SHELL}}}"


class Shell(ABC):
    """One shell: lives until it is deleted, its idle time has run out or the service restarts."""

    def __init__(self, request: Request, identity: Identity, client: str, limits: WinRMLimits) -> None:
        body = request.body
        if body is None or body.tag != f"{RSP}Shell":
            raise faults.schema_violation()
        self.shell_id = (body.get("ShellId") or body.findtext(f"{RSP}ShellId") or new_id()).upper()
        self.name = body.get("Name") or body.findtext(f"{RSP}Name") or ""
        self.resource, self.identity, self.client, self.limits = request.resource, identity, client, limits
        self.input_streams = body.findtext(f"{RSP}InputStreams") or "stdin"
        self.output_streams = body.findtext(f"{RSP}OutputStreams") or "stdout stderr"
        self.idle_timeout = self._idle(body, limits)
        self.locale, self.data_locale = request.locale, request.data_locale
        self.connected, self.closed = True, False
        self.process_id = 1000 + 4 * (int(self.shell_id[:4], 16) % 4000)
        self.created = self.last_used = time.monotonic()
        self.receiving = 0
        self._changed: set[asyncio.Event] = set()
        self._loop = asyncio.get_running_loop()

    @staticmethod
    def _idle(body: ET.Element, limits: WinRMLimits) -> float:
        text = body.findtext(f"{RSP}IdleTimeOut") or body.findtext(f"{RSP}IdleTimeout") or body.get("IdleTimeOut") or ""
        asked = seconds_of(text) if text else None
        return min(asked if asked else limits.idle_seconds, MAX_IDLE_SECONDS)

    @property
    def held_operations(self) -> int:
        """Operations that count against the user's quota although no request is open."""
        return 0

    def command_ids(self) -> list[str]:
        """Return the commands that the client has not ended."""
        return []

    @property
    def owner(self) -> str:
        """The user as the shell's Owner shows it."""
        account = self.identity.account
        return f"{account.domain}\\{account.username}" if account.domain else account.username

    def touch(self) -> None:
        """Note that a client used the shell."""
        self.last_used = time.monotonic()

    def expired(self, now: float) -> bool:
        """Return whether nobody used the shell for its idle time."""
        return not self.receiving and now - self.last_used > self.idle_timeout

    def wake(self) -> None:
        """Tell waiting Receives to look again; may be called from any thread."""
        self.in_loop(self._wake)

    def in_loop(self, work: Callable[[], object]) -> None:
        """Run something in the server's thread; nothing where the server has ended meanwhile."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(work)

    def _wake(self) -> None:
        for event in self._changed:
            event.set()

    async def wait(self, ready: Callable[[], bool], seconds: float) -> bool:
        """Wait until something is ready; return False after the given seconds."""
        event = asyncio.Event()
        self._changed.add(event)
        self.receiving += 1
        deadline = self._loop.time() + seconds
        try:
            while not ready():
                event.clear()
                left = deadline - self._loop.time()
                if left <= 0:
                    return False
                try:
                    await asyncio.wait_for(event.wait(), left)
                except TimeoutError:
                    return ready()
            return True
        finally:
            self._changed.discard(event)
            self.receiving -= 1
            self.touch()

    def describe(self, *, live: bool = False, extra: str = "") -> str:
        """Return the inner XML of the shell resource; ``live`` adds what Get and Enumerate show beyond Create."""
        run, idle = int(time.monotonic() - self.created), int(time.monotonic() - self.last_used) if live else 0
        named = f"<rsp:Name>{escape(self.name)}</rsp:Name>" if self.name and live else ""
        return (
            f"<rsp:ShellId>{self.shell_id}</rsp:ShellId>{named}<rsp:ResourceUri>{escape(self.resource)}</rsp:ResourceUri>"
            f"<rsp:Owner>{escape(self.owner)}</rsp:Owner><rsp:ClientIP>{self.client}</rsp:ClientIP>"
            f"{self._first()}<rsp:IdleTimeOut>PT{self.idle_timeout:.3f}S</rsp:IdleTimeOut>"
            f"<rsp:InputStreams>{escape(self.input_streams)}</rsp:InputStreams>"
            f"<rsp:OutputStreams>{escape(self.output_streams)}</rsp:OutputStreams>{self._last()}"
            f"<rsp:ShellRunTime>{clock(run)}</rsp:ShellRunTime><rsp:ShellInactivity>{clock(idle)}</rsp:ShellInactivity>{extra}"
        )

    def _first(self) -> str:
        return ""

    def _last(self) -> str:
        return ""

    @abstractmethod
    def create_response(self) -> str:
        """Return what stands in the CreateResponse beside the reference."""

    @abstractmethod
    def command(self, request: Request) -> str:
        """Start a command; return the body of the response."""

    @abstractmethod
    def send(self, request: Request) -> str:
        """Take input; return the body of the response."""

    @abstractmethod
    async def receive(self, request: Request, alive: Callable[[], bool]) -> str:
        """Return the body with the next output; TimedOut after the operation time-out. Nothing is taken when dead."""

    @abstractmethod
    def signal(self, request: Request) -> str:
        """Pass a signal on; return the body of the response."""

    @abstractmethod
    def connect(self, request: Request) -> str:
        """Attach a new client to a disconnected shell; return the body of the response."""

    @abstractmethod
    def close(self, *, abandoned: bool = False) -> None:
        """End everything in the shell; ``abandoned`` where no client asked for it."""

    def disconnect(self, request: Request) -> str:
        """Note that the client goes away on purpose."""
        body = request.body
        text = body.findtext(f"{RSP}IdleTimeOut") if body is not None else None
        asked = seconds_of(text) if text else None
        if asked:
            self.idle_timeout = min(asked, MAX_IDLE_SECONDS)
        self.connected = False
        self.wake()
        return ""

    def reconnect(self, _request: Request) -> str:
        """Note that the same client is back."""
        self.connected = True
        return ""


def clock(seconds: int) -> str:
    """Return seconds in the form of ShellRunTime: ``P0DT0H0M5S``."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"P{days}DT{hours}H{minutes}M{seconds}S"


class ShellTable:
    """The shells of one host under its quotas (facts on WinRM)."""

    def __init__(self, limits: WinRMLimits) -> None:
        self._limits = limits
        self._shells: dict[str, Shell] = {}

    def __len__(self) -> int:
        return len(self._shells)

    def __iter__(self) -> Iterator[Shell]:
        return iter(list(self._shells.values()))

    def admit(self, identity: Identity) -> None:
        """Refuse a new shell over the quota; abandoned shells count until their idle time has run out."""
        self.sweep()
        owners = [shell.identity.account.sid for shell in self._shells.values()]
        if owners.count(identity.account.sid) >= self._limits.shells_per_user:
            raise faults.shells_exceeded(self._limits.shells_per_user)
        if identity.account.sid not in owners and len(set(owners)) >= self._limits.shell_users:
            raise faults.users_exceeded(self._limits.shell_users)

    def add(self, shell: Shell) -> None:
        """Keep a shell."""
        self._shells[shell.shell_id] = shell

    def get(self, shell_id: str | None, identity: Identity) -> Shell:
        """Return a shell of this user; another user's is as good as unknown."""
        self.sweep()
        shell = self._shells.get(shell_id or "")
        if shell is None or shell.identity.account.sid != identity.account.sid:
            raise faults.shell_not_found()
        return shell

    def remove(self, shell: Shell, *, abandoned: bool = False) -> None:
        """End and forget a shell; ``abandoned`` where no client asked for it."""
        self._shells.pop(shell.shell_id, None)
        shell.close(abandoned=abandoned)

    def sweep(self) -> None:
        """Delete the shells whose idle time has run out."""
        now = time.monotonic()
        for shell in [one for one in self._shells.values() if one.expired(now)]:
            self.remove(shell, abandoned=True)

    def clear(self) -> None:
        """End all shells: the service or the host restarts."""
        for shell in list(self._shells.values()):
            self.remove(shell, abandoned=True)
