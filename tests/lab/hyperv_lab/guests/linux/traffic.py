# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What went over SSH to a machine: connections, and bytes as the kernel counts them (TCP_INFO, Linux 4.1 and later)."""

from __future__ import annotations

import socket
import struct
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ACKED_AND_RECEIVED = 120
"""Where tcpi_bytes_acked and tcpi_bytes_received stand in struct tcp_info (linux/tcp.h)."""
_TWO = struct.Struct("=QQ")


@dataclass
class SshTraffic:
    """Counts of one machine; connections that are still open count with what they have carried so far."""

    sessions: int = 0
    _closed: int = 0
    _open: set[socket.socket] = field(default_factory=set)

    @property
    def bytes(self) -> int:
        """Return the bytes of both directions, without TCP's own."""
        return self._closed + sum(_carried(one) for one in self._open)

    @contextmanager
    def counting(self, connection: socket.socket) -> Iterator[None]:
        """Count a connection from now to its end."""
        self.sessions += 1
        self._open.add(connection)
        try:
            yield
        finally:
            self._open.discard(connection)
            self._closed += _carried(connection)


def _carried(connection: socket.socket) -> int:
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _ACKED_AND_RECEIVED + _TWO.size)
        return sum(_TWO.unpack_from(info, _ACKED_AND_RECEIVED))
    except (OSError, struct.error):
        return 0
