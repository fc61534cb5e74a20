# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of the PowerShell remoting protocol in the order in which a host sent them (MS-PSRP 2.2.1, 2.2.4).

The library's own reading gives outputs and errors as two lists and so loses which came first; statements can be told
apart only where the order is kept.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from .clixml import plain
from .reply import ErrorRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

_FRAGMENT = struct.Struct(">QQBI")
_KIND = struct.Struct("<II")
_HEADER = 40
_TO_SERVER = 2
CREATE_PIPELINE = 0x00021006
_BOM = b"\xef\xbb\xbf"
_WEB_ERROR = "WebCmdletWebResponseException"
_STATUS = re.compile(r"\(([1-5]\d\d)\)")


@dataclass(frozen=True)
class Message:
    """One message: its type (MS-PSRP 2.2.1), its CLIXML, and all of its bytes."""

    kind: int
    document: bytes
    raw: bytes

    def value(self) -> Any:
        """Return the message's content as a plain value."""
        return plain(self.document)


@dataclass
class Assembler:
    """Puts fragments together; keeps what is incomplete for the next call."""

    _parts: dict[int, list[bytes]] = field(default_factory=dict)

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the messages that the bytes of one Receive complete. Raises ValueError on truncated bytes."""
        offset = 0
        while offset < len(data):
            if offset + _FRAGMENT.size > len(data):
                raise ValueError("a fragment of the wire is cut short")
            key, _number, flags, length = _FRAGMENT.unpack_from(data, offset)
            offset += _FRAGMENT.size
            self._parts.setdefault(key, []).append(data[offset : offset + length])
            offset += length
            if flags & 2:
                yield _message(b"".join(self._parts.pop(key)))


def fragmented(document: bytes, pool: Any, pipeline: str) -> Iterator[bytes]:
    """Yield the message that creates a pipeline in the fragments that the pool may send, each in a request of its own.

    Messages of a pool are numbered by the library, which sends others of the same pool.
    """
    data = _KIND.pack(_TO_SERVER, CREATE_PIPELINE) + UUID(pool.id).bytes_le + UUID(pipeline).bytes_le + document
    fragmenter = pool._fragmenter  # noqa: SLF001
    number, room = fragmenter.outgoing_counter, fragmenter.max_size
    fragmenter.outgoing_counter += 1
    for place, at in enumerate(range(0, len(data), room)):
        part = data[at : at + room]
        flags = (1 if at == 0 else 0) | (2 if at + room >= len(data) else 0)
        yield _FRAGMENT.pack(number, place, flags, len(part)) + part


def _message(raw: bytes) -> Message:
    _destination, kind = _KIND.unpack_from(raw)
    document = raw[_HEADER:]
    return Message(kind, document[len(_BOM) :] if document.startswith(_BOM) else document, raw)


def _text(bag: dict[str, Any], *names: str) -> str:
    for name in names:
        value = bag.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def error_record(content: Any) -> ErrorRecord:
    """Return the record that an error message, or the end of a failed invocation, carries."""
    bag = content if isinstance(content, dict) else {"ErrorCategory_Message": str(content)}
    raised = bag.get("Exception")
    exception = raised if isinstance(raised, dict) else {}
    category = bag.get("ErrorCategory_Category")
    native = exception.get("NativeErrorCode")
    return ErrorRecord(
        error_id=_text(bag, "FullyQualifiedErrorId"),
        category=category if isinstance(category, int) else 0,
        command=_text(bag, "ErrorCategory_Activity"),
        reason=_text(bag, "ErrorCategory_Reason"),
        target=_text(bag, "ErrorCategory_TargetName"),
        message=_text(bag, "ErrorDetails_Message")
        or _text(exception, "Message")
        or _text(bag, "ErrorCategory_Message"),
        identifier=_text(exception, "ErrorIdentifier"),
        native_code=native if isinstance(native, int) else None,
        http_status=_http_status(bag, exception),
    )


def _http_status(bag: dict[str, Any], exception: dict[str, Any]) -> int | None:
    """Return the status that a refused Invoke-WebRequest met; the error's details are the server's page, not it."""
    if not _text(bag, "FullyQualifiedErrorId").startswith(_WEB_ERROR):
        return None
    found = _STATUS.search(_text(exception, "Message"))
    return int(found[1]) if found else None
