# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the wire (wsman, psrp, winrs) needs to know of the simulated world: the seam between server and model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account that can sign in: local (domain None, known to one host) or of the domain."""

    username: str
    password: str
    domain: str | None
    sid: str
    enabled: bool = True


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who is signed in, and how: what a session can do elsewhere follows from it."""

    account: Account
    method: str
    """"basic", "ntlm", "credssp", later "kerberos" and "certificate"."""
    delegable: bool
    """Whether the session holds credentials that it can use for a second hop (CredSSP)."""
    groups: tuple[str, ...]
    """SIDs of the groups in the token on this host (S-1-5-32-544 …)."""


@dataclass(frozen=True, kw_only=True)
class WinRMLimits:
    """Quotas of a host's WinRM service; the defaults are today's (facts on WinRM)."""

    shells_per_user: int = 30
    operations_per_user: int = 1500
    commands_per_shell: int = 1000
    shell_users: int = 10
    envelope_bytes: int = 512_000
    idle_seconds: float = 7200.0


class Runspace(Protocol):
    """One runspace of a pool, served by the engine."""

    def invoke(self, statements: Sequence[Any], sink: Any, *, inputs: Sequence[Any] = (), stopping: Any = None) -> str:
        """Run statements (engine form) to the end; return "Completed", "Failed" or "Stopped"."""


class Machine(Protocol):
    """A host as its WinRM service sees it."""

    name: str
    fqdn: str
    address: str
    """The loopback address it listens on."""
    limits: WinRMLimits
    listeners: Mapping[str, int]
    """"http" and/or "https" -> port."""
    authentication: Sequence[str]
    """Accepted methods: "basic", "negotiate", "credssp"."""

    def local_accounts(self) -> Sequence[Account]:
        """Return the host's own accounts."""

    def sign_in(self, account: Account, method: str) -> Identity | None:
        """Return the identity, or None where the account is disabled or may not use WinRM here."""

    def open_runspace(self, identity: Identity, configuration: str) -> Runspace:
        """Return a new runspace of a configuration; LookupError: unknown; PermissionError: refused."""

    def up(self) -> bool:
        """Return whether the host and its WinRM service are running now."""

    def on_request(self, operation: str, shell: str | None) -> str | None:
        """Count a request and return a fault to play: "drop", "stall:SECONDS", "restart_winrm", "http:503" or None."""

    def run_program(
        self, identity: Identity, command_line: str, environment: Mapping[str, str]
    ) -> tuple[int, bytes, bytes]:
        """Run a native program (WinRS); return exit code, output, error output."""


class World(Protocol):
    """A fleet."""

    def machines(self) -> Sequence[Machine]:
        """Return every machine that listens."""

    def domain_accounts(self) -> Sequence[Account]:
        """Return the accounts of the directory."""
