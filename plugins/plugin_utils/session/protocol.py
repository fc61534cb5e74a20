# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The small protocol through which operations talk to machines; real sessions and the tests' fake implement it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .command import Pipeline
    from .programs import PosixShell, Programs
    from .reply import Replies


class Session(Protocol):
    """A link to one machine, on which typed commands run one invocation at a time."""

    @property
    def host(self) -> str:
        """The inventory name of the machine, for messages."""

    @property
    def delegates_credentials(self) -> bool:
        """Whether the machine holds credentials it can use for a second hop (CredSSP)."""

    def invoke(self, *statements: Pipeline, timeout_seconds: float | None = None) -> Replies:
        """Run the statements in order and return one reply each.

        Remote errors are in the replies; they are not raised. What only reads is asked again for some seconds when a
        link breaks off, unless the session kept something. Raises ConnectionLost when the link fails (what changes
        something goes on there then; what only reads is ended), AuthenticationFailed when the machine refuses the
        credentials, TimedOut past the deadline (what was sent may still be running there then).
        """

    def abandon(self) -> None:
        """Forget the session without a word to the machine: what runs in it goes on, its shell ends when idle."""

    def close(self) -> None:
        """End the session and what it holds on the machine; safe to call twice."""


class Sessions(Protocol):
    """Opens sessions for one task; everything opened is closed by the action base, whatever happens."""

    @property
    def kind(self) -> str:
        """Return "windows" (connections psrp, winrm) or "posix" (ssh and its like); says nothing about the system."""

    def programs(self) -> Programs:
        """Return the runner of native programs on the task's Windows machine; InvalidRequest for a posix one."""

    def programs_on(self, inventory_host: str) -> Programs:
        """Return the same for another inventory host, made from that host's own variables."""

    def posix(self) -> PosixShell:
        """Return ``sh`` on the task's machine; InvalidRequest for a Windows one."""

    def here(self) -> Session:
        """Return the session to the host the task runs on, over the connection of the inventory."""

    def another_here(self) -> Session:
        """Return one more session to the same host (its own runspace), for work that runs beside the first."""

    def to(self, inventory_host: str) -> Session:
        """Return the session to another inventory host, made from that host's own variables; cached per host.

        Raises InvalidRequest when the inventory has no such host.
        """

    def another_to(self, inventory_host: str) -> Session:
        """Return one more session to another inventory host, for work that runs beside the first; raises as ``to``."""
