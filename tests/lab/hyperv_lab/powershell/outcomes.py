# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a statement ends early, and the records of the engine's own errors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .commands import ErrorRecord

RUNTIME = (
    "System.Management.Automation.RuntimeException",
    "System.SystemException",
    "System.Exception",
    "System.Object",
)
NOT_FOUND = ("System.Management.Automation.CommandNotFoundException", *RUNTIME)
PARSE = ("System.Management.Automation.ParseException", *RUNTIME)
BINDING = ("System.Management.Automation.ParameterBindingException", *RUNTIME)
VALIDATION = ("System.Management.Automation.ParameterBindingValidationException", *BINDING)
TRANSFORMATION = ("System.Management.Automation.ParameterBindingArgumentTransformationException", *BINDING)
PARENT = (
    "System.Management.Automation.ParentContainsErrorRecordException",
    "System.SystemException",
    "System.Exception",
    "System.Object",
)
ACTION_STOP = ("System.Management.Automation.ActionPreferenceStopException", *RUNTIME)


class PipelineStopped(Exception):
    """The client stopped the invocation."""


class StopUpstream(Exception):
    """A command needs no more input: what stands before it in the pipeline stops, it and the rest go on."""

    def __init__(self, call: Any) -> None:
        super().__init__("no more input is needed")
        self.call = call


class Ended(Exception):
    """An error ends the statement: it was terminating, or it met -ErrorAction Stop."""

    def __init__(
        self, record: ErrorRecord, activity: str = "", *, by_action: bool = False, engine: bool = False
    ) -> None:
        super().__init__(record.message)
        self.record = record
        self.activity = activity
        self.by_action = by_action
        """The error itself was non-terminating; -ErrorAction Stop or the preference made it end."""
        self.engine = engine
        """The engine threw it (binding, unknown command …), not a cmdlet."""

    def as_record(self) -> ErrorRecord:
        """Return the record that a swallowed error leaves: of the engine's own exceptions only a stand-in."""
        return replace(self.record, exception=PARENT, hresult=0x80131501) if self.engine else self.record


def engine_error(
    error_id: str,
    category: str,
    message: str,
    exception: tuple[str, ...] = RUNTIME,
    *,
    target: Any = None,
    hresult: int = 0x80131501,
    class_name: str = "",
) -> ErrorRecord:
    """Return a record of the engine itself; without a command it has no class."""
    return ErrorRecord(
        error_id=error_id,
        category=category,
        message=message,
        exception=exception,
        hresult=hresult,
        class_name=class_name,
        target=target,
    )
