# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a probe saw, as frozen data; nothing here decides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class System(str, Enum):
    """The kind of machine that is probed."""

    WINDOWS = "windows"
    LINUX = "linux"


class PortState(str, Enum):
    """How a TCP connection attempt ended."""

    OPEN = "open"
    REFUSED = "refused"
    """Something said no: the machine is there, nothing listens, or a firewall answers for it."""
    SILENT = "silent"
    """No answer until the deadline."""
    NO_ROUTE = "no_route"
    NO_NAME = "no_name"
    """The address is a name that does not resolve."""
    CLOSED = "closed"
    """Not open; who looked can't say more (Test-NetConnection)."""


@dataclass(frozen=True, kw_only=True)
class Port:
    """One probed port; ``name`` is rpc, smb, netbios or ssh."""

    name: str
    number: int
    state: PortState

    @property
    def is_open(self) -> bool:
        """Whether a connection came about."""
        return self.state is PortState.OPEN


class Problem(str, Enum):
    """Why a step did not come to an end, where no code of the machine says it."""

    NOT_ASKED = "not_asked"
    """No user name and password were given."""
    NOT_REACHED = "not_reached"
    """A step before failed."""
    NOT_AVAILABLE = "not_available"
    """The place that probes has no means for it."""
    NO_AGREEMENT = "no_agreement"
    """The two sides found no common protocol version or algorithm."""
    CONNECTION_ENDED = "connection_ended"
    TIMED_OUT = "timed_out"
    HOST_KEY_UNKNOWN = "host_key_unknown"
    HOST_KEY_CHANGED = "host_key_changed"
    GUEST = "guest"
    """Signed in, but as a guest: the machine does not know the account."""
    REFUSED = "refused"
    """The password was refused (SSH has no codes for why)."""
    METHOD_NOT_OFFERED = "method_not_offered"
    """The machine takes no passwords."""
    OTHER_CREDENTIALS_IN_USE = "other_credentials_in_use"
    """The server that probes is already connected to the machine as somebody else."""


@dataclass(frozen=True, kw_only=True)
class Code:
    """What the machine answered: an NTSTATUS or a Win32 code."""

    kind: str
    """"ntstatus" or "win32"."""
    number: int

    def __str__(self) -> str:
        return f"0x{self.number:08X}" if self.kind == "ntstatus" else f"Win32 error {self.number}"


@dataclass(frozen=True, kw_only=True)
class Step:
    """How one step ended: done, or a code, or a problem."""

    done: bool = False
    code: Code | None = None
    problem: Problem | None = None
    detail: str = ""
    """For people: a fingerprint, the methods offered; never a secret."""


NOT_ASKED = Step(problem=Problem.NOT_ASKED)
NOT_REACHED = Step(problem=Problem.NOT_REACHED)
NOT_AVAILABLE = Step(problem=Problem.NOT_AVAILABLE)


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """The one sign-in of a run, and what it opened. ``attempts`` is 0 or 1, never more."""

    attempts: int = 0
    login: Step = NOT_ASKED
    share: Step = NOT_ASKED
    """Windows: the tree connect to the share."""
    free_bytes: int | None = None
    """Windows: free for the account on the share's volume, where that could be read."""
    sftp: Step = NOT_ASKED
    """Linux: whether the SFTP subsystem opened."""
    uid: int | None = None
    """Linux: the account's number, where that could be read."""


@dataclass(frozen=True, kw_only=True)
class Observed:
    """Everything a probe saw of one machine."""

    system: System
    address: str
    probed_from: str
    """"controller", or the inventory name of the server that was asked to look."""
    ports: tuple[Port, ...]
    username: str | None = None
    share_name: str = "C$"
    sign_in: SignIn = SignIn()

    def port(self, name: str) -> Port | None:
        """Return the port of this name, where it was probed."""
        return next((port for port in self.ports if port.name == name), None)
