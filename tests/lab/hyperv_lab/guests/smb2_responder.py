# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An SMB 2.1 server that takes one sign-in and answers it with a given NTSTATUS.

For the answers that no stand-alone Samba gives: broken trust, no logon server, Netlogon stopped. It plays NEGOTIATE and
SESSION_SETUP (MS-SMB2 2.2.3 to 2.2.6, NTLM's challenge by MS-NLMP 2.2.1.2) and refuses everything else.
"""

from __future__ import annotations

import asyncio
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

NEGOTIATE: Final = 0
SESSION_SETUP: Final = 1
MORE_PROCESSING_REQUIRED: Final = 0xC0000016
NOT_SUPPORTED: Final = 0xC00000BB
DIALECT: Final = 0x0210
SIGNATURE: Final = b"NTLMSSP\0"
FLAGS: Final = 0x628A8215
"""Unicode, request target, signing, NTLM, always sign, target is a domain, extended session security, target
information, version, 128 bits, key exchange."""
HEADER: Final = struct.Struct("<4sHHIHHIIQIIQ16s")
"""Protocol, size, credit charge, status, command, credits, flags, next, message, process, tree, session, signature."""


class Smb2Responder:
    """Answers each sign-in with ``status``; ``sign_ins`` counts those that brought an answer to the challenge."""

    def __init__(self, status: int, *, domain: str = "LAB") -> None:
        self.status = status
        self.sign_ins = 0
        self._domain = domain
        self._server: asyncio.Server | None = None

    async def start(self, address: str, port: int) -> None:
        """Listen from now on."""
        self._server = await asyncio.start_server(self._serve, address, port)

    async def stop(self) -> None:
        """Listen no longer."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(4), "big")
                answer = self.answer(await reader.readexactly(size))
                writer.write(len(answer).to_bytes(4, "big") + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def answer(self, message: bytes) -> bytes:
        """Return the response to one SMB message, both without the frame of four bytes."""
        if message[:4] == b"\xffSMB":
            # The old negotiation that offers SMB 2; answered as the new one (MS-SMB2 3.3.5.3.1).
            return _response(NEGOTIATE, 0, 0, _negotiated())
        _, _, _, _, command, _, _, _, message_id, _, _, _, _ = HEADER.unpack_from(message)
        if command == NEGOTIATE:
            return _response(NEGOTIATE, 0, message_id, _negotiated())
        if command == SESSION_SETUP:
            return self._session_setup(message, message_id)
        return _response(command, NOT_SUPPORTED, message_id, _error())

    def _session_setup(self, message: bytes, message_id: int) -> bytes:
        offset, length = struct.unpack_from("<HH", message, 64 + 12)
        token = message[offset : offset + length]
        start = token.find(SIGNATURE)  # it may stand inside SPNEGO
        kind = int.from_bytes(token[start + 8 : start + 12], "little") if start >= 0 else 0
        if kind == 1:
            challenge = _challenge(self._domain)
            body = struct.pack("<HHHH", 9, 0, 72, len(challenge)) + challenge
            return _response(SESSION_SETUP, MORE_PROCESSING_REQUIRED, message_id, body)
        self.sign_ins += kind == 3
        return _response(SESSION_SETUP, self.status, message_id, _error())


def _response(command: int, status: int, message_id: int, body: bytes) -> bytes:
    session = 0x4000_0001 if command == SESSION_SETUP else 0
    return HEADER.pack(b"\xfeSMB", 64, 1, status, command, 64, 1, 0, message_id, 0, 0, session, b"") + body


def _negotiated() -> bytes:
    # Size, signing enabled, dialect, contexts, server, capabilities, three sizes, two times, no token.
    head = struct.pack("<HHHH16sIIIIQQHHI", 65, 1, DIALECT, 0, os.urandom(16), 0, 65536, 65536, 65536, 0, 0, 128, 0, 0)
    return head + b"\0"


def _error() -> bytes:
    return struct.pack("<HBBIB", 9, 0, 0, 0, 0)


def _challenge(domain: str) -> bytes:
    name = domain.encode("utf-16-le")
    pairs = struct.pack("<HH", 2, len(name)) + name + struct.pack("<HH", 1, len(name)) + name + bytes(4)
    fields = struct.pack("<HHI", len(name), len(name), 56)
    information = struct.pack("<HHI", len(pairs), len(pairs), 56 + len(name))
    version = bytes((6, 3, 0x80, 0x25, 0, 0, 0, 15))
    head = SIGNATURE + struct.pack("<I", 2) + fields + struct.pack("<I", FLAGS) + os.urandom(8) + bytes(8)
    return head + information + version + name + pairs


@contextmanager
def responding(status: int, address: str, port: int) -> Iterator[Smb2Responder]:
    """Yield a responder that listens, in a loop of its own; it is stopped afterwards."""
    responder = Smb2Responder(status)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name=f"smb2-{port}", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(responder.start(address, port), loop).result(10)
        yield responder
    finally:
        asyncio.run_coroutine_threadsafe(responder.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
