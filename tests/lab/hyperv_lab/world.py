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
        """Run statements to the end; return "Completed", "Failed" or "Stopped".

        A statement is a sequence of psrp.statements.CommandCall. ``stopping`` is a threading.Event: set when the client
        stops the pipeline and when the shell goes away. The error that ends a failed invocation is given to
        ``sink.ended``, not to ``sink.error``: it travels with the state.
        """


class Machine(Protocol):
    """A host as its WinRM service sees it."""

    @property
    def name(self) -> str:
        """The computer name as Windows has it."""

    @property
    def fqdn(self) -> str:
        """The name with the domain."""

    @property
    def address(self) -> str:
        """The loopback address it listens on."""

    @property
    def limits(self) -> WinRMLimits:
        """The quotas of its WinRM service."""

    @property
    def listeners(self) -> Mapping[str, int]:
        """ "http" and/or "https" -> port."""

    @property
    def authentication(self) -> Sequence[str]:
        """Accepted methods: "basic", "negotiate", "credssp"."""

    def local_accounts(self) -> Sequence[Account]:
        """Return the host's own accounts."""

    def sign_in(self, account: Account, method: str) -> Identity | None:
        """Return the identity, or None where the account may not use WinRM here.

        A disabled account is refused before (401); None is answered by AccessDenied, as Windows answers a user without
        the right.
        """

    def open_runspace(self, identity: Identity, configuration: str) -> Runspace:
        """Return a new runspace of a configuration; LookupError: unknown; PermissionError: refused.

        Called in any thread. A pool of several runspaces calls it for each when it is needed first.
        """

    def up(self) -> bool:
        """Return whether the host and its WinRM service are running now."""

    def on_request(self, operation: str, shell: str | None) -> str | None:
        """Count a request and return a fault to play, or None.

        "drop" (before anything is done), "drop_after" (done, but the answer is lost), "stall:SECONDS", "restart_winrm"
        (every shell of the host is gone), "http:503".
        """

    def run_program(
        self, identity: Identity, command_line: str, environment: Mapping[str, str]
    ) -> tuple[int, bytes, bytes]:
        """Run a native program (WinRS); return exit code, output, error output; FileNotFoundError: no such program.

        A machine may take more by keyword, each only if its signature names it: ``stdin`` (bytes), ``directory`` (text
        or None), ``write`` (called with "stdout"/"stderr" and bytes while it runs), ``stopping`` (threading.Event),
        ``direct`` (false: WinRM puts cmd.exe between). A machine that has ``reads_input(command_line)`` gets ``stdin``
        whole for the programs that it says yes to; others get what came before the first Receive.
        """


class World(Protocol):
    """A fleet."""

    def machines(self) -> Sequence[Machine]:
        """Return every machine that listens."""

    def domain_accounts(self) -> Sequence[Account]:
        """Return the accounts of the directory."""
