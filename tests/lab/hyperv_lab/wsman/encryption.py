# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Message encryption of WinRM over HTTP: the multipart/encrypted body (MS-WSMV 2.2.9.1)."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import spnego

SPNEGO = "application/HTTP-SPNEGO-session-encrypted"
CREDSSP = "application/HTTP-CredSSP-session-encrypted"
_BOUNDARY = b"--Encrypted Boundary"
_OCTETS = b"\tContent-Type: application/octet-stream\r\n"
_LENGTH = re.compile(rb"Length=(\d+)")
_CREDSSP_CHUNK = 16384
"""CredSSP's TLS records hold no more; longer messages are sent in several parts."""


class NotEncrypted(ValueError):
    """The body is no well-formed encrypted message, or it was changed on the way."""


def is_encrypted(content_type: str) -> bool:
    """Return whether a Content-Type says that the body is encrypted."""
    return content_type.startswith(("multipart/encrypted", "multipart/x-multi-encrypted"))


def unwrap(context: spnego.ContextProxy, body: bytes) -> bytes:
    """Return the message in an encrypted body; raise NotEncrypted where it can't be read."""
    sections = body.split(_BOUNDARY)
    if len(sections) < 4 or sections[0].strip() or not sections[-1].startswith(b"--"):
        raise NotEncrypted("no multipart body")
    parts = sections[1:-1]
    return b"".join(_open(context, parts[at], parts[at + 1]) for at in range(0, len(parts) - 1, 2))


def _open(context: spnego.ContextProxy, header: bytes, payload: bytes) -> bytes:
    length = _LENGTH.search(header)
    start = payload.find(_OCTETS)
    if length is None or start < 0:
        raise NotEncrypted("part without a length or without data")
    data = payload[start + len(_OCTETS) :]
    if len(data) < 4:
        raise NotEncrypted("part too short")
    (size,) = struct.unpack_from("<i", data)
    message = context.unwrap_winrm(data[4 : 4 + size], data[4 + size :])
    if len(message) != int(length.group(1)):
        raise NotEncrypted("length of the part differs from what it says")
    return message


def wrap(context: spnego.ContextProxy, protocol: str, message: bytes) -> tuple[str, bytes]:
    """Return Content-Type and encrypted body of a message."""
    kind, chunks = "multipart/encrypted", [message]
    if protocol == CREDSSP and len(message) > _CREDSSP_CHUNK:
        kind = "multipart/x-multi-encrypted"
        chunks = [message[at : at + _CREDSSP_CHUNK] for at in range(0, len(message), _CREDSSP_CHUNK)]
    body = b"".join(_seal(context, protocol, chunk) for chunk in chunks) + _BOUNDARY + b"--\r\n"
    return f'{kind};protocol="{protocol}";boundary="Encrypted Boundary"', body


def _seal(context: spnego.ContextProxy, protocol: str, chunk: bytes) -> bytes:
    header, data, padding = context.wrap_winrm(chunk)
    return b"".join(
        (
            _BOUNDARY,
            f"\r\n\tContent-Type: {protocol}\r\n".encode(),
            f"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length={len(chunk) + padding}\r\n".encode(),
            _BOUNDARY,
            b"\r\n",
            _OCTETS,
            struct.pack("<i", len(header)),
            header,
            data,
        )
    )
