# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The streams of one invocation become PSRP messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import wire

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    import psrpcore

    from ..powershell.commands import ErrorRecord
    from .codec import Codec

_OUTER_REFERENCE = 1_000_000
"""RefId of the state's own object: above all that an embedded error record uses."""
STATES = {"Stopped": 3, "Completed": 4, "Failed": 5}


class PipelineSink:
    """Sends what an invocation writes to its client. Called from the thread that runs the invocation."""

    def __init__(
        self,
        pipeline: psrpcore.ServerPipeline,
        codec: Codec,
        send: Callable[[bytes], None],
        flush: Callable[[], None],
        lock: threading.RLock,
    ) -> None:
        self._pipeline, self._codec, self._send, self._flush, self._lock = pipeline, codec, send, flush, lock
        self._ended_by: str | None = None

    def _post(self, kind: int, text: str) -> None:
        pool = self._pipeline.runspace_pool.runspace_pool_id
        self._send(wire.message(kind, pool, self._pipeline.pipeline_id, text))

    def raw(self, kind: int, text: str) -> None:
        """Send a message of any kind as it is (replays use it for host calls)."""
        self._post(kind, text)

    def output(self, value: Any) -> None:
        """Send an object of the output stream."""
        self._post(wire.PIPELINE_OUTPUT, self._codec.value(value))

    def error(self, record: ErrorRecord, activity: str) -> None:
        """Send an error record."""
        self._post(wire.ERROR_RECORD, self._codec.error(record, activity))

    def ended(self, record: ErrorRecord, activity: str) -> None:
        """Keep the error that ended the invocation: it travels with the state, not in the error stream."""
        self._ended_by = self._codec.error(record, activity)

    def warning(self, text: str) -> None:
        """Send a warning."""
        with self._lock:
            self._pipeline.write_warning(text)
            self._flush()

    def verbose(self, text: str) -> None:
        """Send a verbose text."""
        with self._lock:
            self._pipeline.write_verbose(text)
            self._flush()

    def debug(self, text: str) -> None:
        """Send a debug text."""
        with self._lock:
            self._pipeline.write_debug(text)
            self._flush()

    def information(self, value: Any, tags: tuple[str, ...], source: str) -> None:
        """Send an information record; clients of protocol 2.2 and below know none."""
        capability = self._pipeline.runspace_pool.their_capability
        if capability is None or str(capability.protocolversion) < "2.3":
            return
        with self._lock:
            data = value if isinstance(value, str | int | bool) or value is None else str(value)
            self._pipeline.write_information(data, source, tags=list(tags), computer="", user="", process_id=0)
            self._flush()

    def progress(self, record: dict[str, Any]) -> None:
        """Send a progress record."""
        from psrpcore.types import ProgressRecordType  # noqa: PLC0415  # only invocations with progress need it

        kind = ProgressRecordType.Completed if record.get("completed") else ProgressRecordType.Processing
        with self._lock:
            self._pipeline.write_progress(
                record.get("activity") or "",
                int(record.get("id") or 0),
                record.get("status") or " ",
                current_operation=record.get("operation") or None,
                parent_activity_id=_number(record.get("parent")),
                percent_complete=_number(record.get("percent")),
                record_type=kind,
                seconds_remaining=_number(record.get("seconds")),
            )
            self._flush()

    def finish(self, state: str) -> None:
        """Send the state that ends the invocation: "Completed", "Failed" or "Stopped"."""
        number, error = STATES[state], self._ended_by
        if error is None and state == "Stopped":
            error = self._codec.stopped()
        inner = f'<I32 N="PipelineState">{number}</I32>' + (_as_property(error) if error else "")
        self._post(wire.PIPELINE_STATE, f'<Obj RefId="{_OUTER_REFERENCE}"><MS>{inner}</MS></Obj>')


def _number(value: Any) -> int:
    return -1 if value is None else int(value)


def _as_property(error: str) -> str:
    return error.replace("<Obj ", '<Obj N="ExceptionAsErrorRecord" ', 1)
