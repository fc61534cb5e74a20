# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes over SSH are those that the kernel counted, of open connections too."""

from __future__ import annotations

import socket

from hyperv_lab.guests.linux.traffic import SshTraffic


def test_bytes_of_both_directions_count_while_and_after_a_connection_is_open() -> None:
    traffic = SshTraffic()
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    server, _peer = listener.accept()
    with server, client, listener:
        with traffic.counting(server):
            client.sendall(b"x" * 1000)
            assert len(server.recv(2000)) == 1000
            server.sendall(b"y" * 500)
            assert len(client.recv(2000)) == 500
            assert 1000 <= traffic.bytes <= 1502
        assert (traffic.sessions, 1000 <= traffic.bytes <= 1502) == (1, True)
    assert traffic.bytes >= 1000
