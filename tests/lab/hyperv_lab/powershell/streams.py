# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an invocation sends back while it runs, in order. The wire turns each call into one PSRP message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .commands import ErrorRecord


class Sink(Protocol):
    """Receives the streams of one invocation. Values are engine values (see values.py); the wire serialises them."""

    def output(self, value: Any) -> None:
        """One object of the output stream."""

    def error(self, record: ErrorRecord, activity: str) -> None:
        """One error record (class_name filled in), with the command it came from."""

    def ended(self, record: ErrorRecord, activity: str) -> None:
        """The error that ends the invocation: it travels with the state."""

    def warning(self, text: str) -> None:
        """One warning."""

    def verbose(self, text: str) -> None:
        """One verbose text."""

    def debug(self, text: str) -> None:
        """One debug text."""

    def information(self, value: Any, tags: tuple[str, ...], source: str) -> None:
        """One information record."""

    def progress(self, record: dict[str, Any]) -> None:
        """One progress record: activity, id, parent, status, operation, percent, seconds, completed."""
