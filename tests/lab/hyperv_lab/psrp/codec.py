# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Engine values as CLIXML text for messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from ..powershell.commands import ErrorRecord

if TYPE_CHECKING:
    from collections.abc import Callable


class Clixml(str):
    """A CLIXML element ready to send: replayed recordings put their own text through the sink."""

    __slots__ = ()


class Codec(Protocol):
    """Makes CLIXML elements."""

    def value(self, value: Any) -> str:
        """Return the element of an output object."""

    def error(self, record: ErrorRecord, activity: str) -> str:
        """Return the element of an error record."""

    def stopped(self) -> str:
        """Return the error record of a stopped pipeline."""


STOPPED = ErrorRecord(
    error_id="PipelineStopped",
    category="OperationStopped",
    message="The pipeline has been stopped.",
    exception=(
        "System.Management.Automation.PipelineStoppedException",
        "System.Management.Automation.RuntimeException",
        "System.SystemException",
        "System.Exception",
        "System.Object",
    ),
    class_name="",
)


class EngineCodec:
    """Uses the engine's serializer; its two functions are given so that the wire can be tested without an engine."""

    def __init__(self, value: Callable[[Any], str], error: Callable[[ErrorRecord, str], str]) -> None:
        self._value, self._error = value, error

    def value(self, value: Any) -> str:
        """Return the element of an output object."""
        return value if isinstance(value, Clixml) else self._value(value)

    def error(self, record: ErrorRecord, activity: str) -> str:
        """Return the element of an error record."""
        return record if isinstance(record, Clixml) else self._error(record, activity)

    def stopped(self) -> str:
        """Return the error record of a stopped pipeline."""
        return self._error(STOPPED, "")
