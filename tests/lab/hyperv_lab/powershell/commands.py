# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a simulated cmdlet is and what it sees of the engine that runs it.

A cmdlet is a class with begin/process/end. The engine binds parameters, then calls begin once, process once per input
object (once without input), end once. Objects written go straight to the next command of the pipeline.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Category:
    """ErrorCategory: name and number as PowerShell has them (NotSpecified 0, ObjectNotFound 13 …)."""

    name: str
    number: int


@dataclass(frozen=True, kw_only=True)
class ErrorRecord:
    """An error record. ``error_id`` is the part before the class; the engine appends ",Namespace.CmdletClass"."""

    error_id: str
    category: str
    """Name of the ErrorCategory, for example "ObjectNotFound"."""
    message: str
    exception: tuple[str, ...] = ("System.Exception", "System.Object")
    """Type names of the exception, most derived first."""
    hresult: int = 0x80131501
    properties: dict[str, Any] = field(default_factory=dict)
    """Further properties of the exception (ErrorIdentifier …)."""
    target: Any = None
    class_name: str | None = None
    """Overrides the class part of FullyQualifiedErrorId; "" leaves it out."""


class Terminating(Exception):
    """ThrowTerminatingError, or an exception that left the cmdlet: ends the statement."""

    def __init__(self, record: ErrorRecord) -> None:
        super().__init__(record.message)
        self.record = record


class StopSignal(threading.Event):
    """Set when an invocation is to end. ``abandoned``: nobody asked for it, the shell around it is gone.

    A client's stop signal cancels what the cmdlet has under way; a lost shell (idle time, a restarted service) doesn't
    reach what other services of the host do for it, such as a migration.
    """

    abandoned = False


class Call(Protocol):
    """The engine's side of one running command."""

    bound: dict[str, Any]
    """Bound parameters by documented spelling, values converted to the parameter's type; defaults are not in it."""
    parameter_set: str
    command: str
    stopping: threading.Event
    """Set when the client stops the pipeline; cmdlets that wait look at it."""
    session: SessionState

    def write(self, value: Any) -> None:
        """Write an object to the next command; a list is enumerated by the caller, not here."""

    def error(self, record: ErrorRecord) -> None:
        """Write a non-terminating error (which ends the invocation under -ErrorAction Stop)."""

    def warn(self, text: str) -> None:
        """Write a warning."""

    def progress(
        self,
        activity: str,
        status: str,
        *,
        percent: int = -1,
        activity_id: int = 0,
        seconds: int = -1,
        operation: str = "",
    ) -> None:
        """Write a progress record."""

    def should_process(self, target: str) -> bool:
        """Return False under -WhatIf (the engine writes the what-if text to the host)."""


class SessionState(Protocol):
    """What a runspace knows about where it runs."""

    host: Any
    """The simulated machine (``hyperv_lab.hyperv``); None in engine tests."""
    identity: Any
    """Who is signed in (``hyperv_lab.hyperv``); None in engine tests."""
    variables: dict[str, Any]
    """Global variables by lower-case name."""


class Cmdlet:
    """Base of simulated cmdlets. The class attributes say which command of the contract it implements."""

    NAME = ""
    """Documented spelling, "Get-VM"."""
    CLASS = ""
    """Full class name for FullyQualifiedErrorId; "" for CDXML functions, whose own name stands there."""

    def __init__(self, call: Call) -> None:
        self.call = call

    def begin(self) -> None:
        """Run once before input."""

    def process(self) -> None:
        """Run once per input object, or once without input."""

    def end(self) -> None:
        """Run once after input."""
