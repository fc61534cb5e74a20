# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PSRP messages and fragments as bytes (MS-PSRP 2.2.1, 2.2.4), and the queues they wait in."""

from __future__ import annotations

import struct
import threading
import uuid
from collections import deque
from dataclasses import dataclass

HEADER = struct.Struct(">QQBI")
_START, _END = 1, 2
_TO_CLIENT = 1
BOM = b"\xef\xbb\xbf"
"""Real hosts begin each message's text with it."""
EMPTY_ID = bytes(16)
FRAGMENT_BYTES = 32_768
"""What the server side of PowerShell cuts its messages to."""

_HOST_CALL = (0x00041100).to_bytes(4, "little")
_VOID_CALL = b'N="ci">-100<'
PIPELINE_OUTPUT = 0x00041004
ERROR_RECORD = 0x00041005
PIPELINE_STATE = 0x00041006


def message(kind: int, pool: uuid.UUID, pipeline: uuid.UUID | None, text: str) -> bytes:
    """Return a message from server to client."""
    owner = pipeline.bytes_le if pipeline is not None else EMPTY_ID
    return b"".join((struct.pack("<II", _TO_CLIENT, kind), pool.bytes_le, owner, BOM, text.encode("utf-8", "replace")))


def owner_of(data: bytes) -> uuid.UUID | None:
    """Return the pipeline that the first message in a run of fragments is for."""
    start = HEADER.size + 24
    owner = data[start : start + 16]
    return uuid.UUID(bytes_le=owner) if len(owner) == 16 and owner != EMPTY_ID else None


def with_bom(data: bytes) -> bytes:
    """Return a message with the byte order mark that its text lacks (psrpcore writes none)."""
    return data[:40] + BOM + data[40:] if len(data) > 40 and not data.startswith(BOM, 40) else data


def split(data: bytes) -> list[bytes]:
    """Return the whole messages in a run of fragments, each message complete."""
    messages, parts, at = [], [], 0
    while at < len(data):
        _number, _fragment, flags, size = HEADER.unpack_from(data, at)
        at += HEADER.size
        parts.append(data[at : at + size])
        at += size
        if flags & _END:
            messages.append(b"".join(parts))
            parts = []
    return messages


@dataclass
class _Waiting:
    """A message on its way out."""

    number: int
    data: bytes
    awaits: bool = False
    """A host call that the client has to answer: nothing follows it in the same response (as recorded)."""
    sent: int = 0
    fragment: int = 0

    def next(self, room: int) -> bytes:
        """Return the next fragment, at most ``room`` bytes of data in it."""
        piece = self.data[self.sent : self.sent + room]
        flags = (_START if self.sent == 0 else 0) | (_END if self.sent + len(piece) >= len(self.data) else 0)
        header = HEADER.pack(self.number, self.fragment, flags, len(piece))
        self.sent += len(piece)
        self.fragment += 1
        return header + piece

    @property
    def done(self) -> bool:
        return self.sent >= len(self.data)


class Outbox:
    """What a pool has to send: one queue for the pool itself and one per pipeline; numbers run over all of them."""

    def __init__(self) -> None:
        self._queues: dict[uuid.UUID | None, deque[_Waiting]] = {}
        self._numbers = 0
        self._unacknowledged: list[_Waiting] = []
        self._lock = threading.Lock()

    def add(self, data: bytes, owner: uuid.UUID | None) -> None:
        """Queue a message for the pool (None) or a pipeline; may be called from any thread."""
        awaits = data[4:8] == _HOST_CALL and _VOID_CALL not in data
        with self._lock:
            self._numbers += 1
            self._queues.setdefault(owner, deque()).append(_Waiting(self._numbers, data, awaits))

    def waiting(self, owner: uuid.UUID | None) -> bool:
        """Return whether there is something to send."""
        return bool(self._queues.get(owner))

    def take(self, owner: uuid.UUID | None, room: int) -> tuple[list[bytes], bool]:
        """Return fragments of up to ``room`` bytes in all (at least one), and whether they end with a question."""
        fragments: list[bytes] = []
        with self._lock:
            queue = self._queues.get(owner, deque())
            while queue and (not fragments or room > HEADER.size + 64):
                fragment = queue[0].next(max(min(room, FRAGMENT_BYTES) - HEADER.size, 64))
                fragments.append(fragment)
                room -= len(fragment)
                if queue[0].done:
                    done = queue.popleft()
                    if owner is None:
                        self._unacknowledged = [done]
                    if done.awaits:
                        return fragments, True
        return fragments, False

    def acknowledge(self) -> None:
        """Note that the client went on: the last message of the pool arrived."""
        self._unacknowledged = []

    def resend(self) -> None:
        """Put back the pool's last message, which nobody acknowledged before the client went away (as recorded)."""
        with self._lock:
            for one in self._unacknowledged:
                self._queues.setdefault(None, deque()).appendleft(_Waiting(one.number, one.data))
            self._unacknowledged = []

    def drop(self, owner: uuid.UUID | None) -> None:
        """Forget what waits for a pipeline that is no more."""
        with self._lock:
            self._queues.pop(owner, None)
