# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An SSH server of one account, for the sign-ins that a probe makes; it runs nothing but what ``id -u`` says.

The real OpenSSH servers of the lab's Linux machines are elsewhere. This one counts passwords and lets its methods, its
host key and SFTP be chosen, without an account on the machine that it runs on.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import paramiko


@dataclass(kw_only=True)
class SshResponder:
    """What the server accepts and offers, and what came."""

    username: str = "root"
    password: str
    uid: int = 0
    methods: str = "password,publickey"
    sftp: bool = True
    shell: bool = True
    speaks: bool = True
    """False: takes the connection and says nothing."""
    key: Any = field(default_factory=lambda: paramiko.RSAKey.generate(2048))
    passwords: list[str] = field(default_factory=list)
    """The users of the passwords that came, in order."""

    def serve(self, listener: socket.socket) -> None:
        """Take connections until the listener is closed."""
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(link,), daemon=True).start()

    def _one(self, link: socket.socket) -> None:
        if not self.speaks:
            link.recv(1)
            return
        transport = paramiko.Transport(link)
        transport.add_server_key(self.key)
        if self.sftp:
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer)
        try:
            transport.start_server(server=_Behaviour(self))
        except (paramiko.SSHException, EOFError, OSError):
            link.close()


class _Behaviour(paramiko.ServerInterface):  # type: ignore[misc] # the library has no types
    def __init__(self, responder: SshResponder) -> None:
        self._responder = responder

    def get_allowed_auths(self, username: str) -> str:
        return self._responder.methods

    def check_auth_password(self, username: str, password: str) -> int:
        self._responder.passwords.append(username)
        if "password" not in self._responder.methods.split(","):
            return int(paramiko.AUTH_FAILED)
        right = (username, password) == (self._responder.username, self._responder.password)
        return int(paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return int(paramiko.OPEN_SUCCEEDED)

    def check_channel_exec_request(self, channel: Any, command: bytes) -> bool:
        if not self._responder.shell or command != b"id -u":
            return False
        threading.Thread(target=self._answer, args=(channel,), daemon=True).start()
        return True

    def _answer(self, channel: Any) -> None:
        """Say the number, and close once the client has: a close that overtakes the request's own answer ends it."""
        channel.settimeout(30)
        try:
            channel.sendall(f"{self._responder.uid}\n".encode())
            channel.send_exit_status(0)
            channel.shutdown_write()
            channel.recv(1)
        except OSError:
            return  # the client has gone
        finally:
            channel.close()


@contextmanager
def responding(responder: SshResponder, address: str, port: int) -> Iterator[SshResponder]:
    """Listen for as long as the block runs."""
    listener = socket.create_server((address, port))
    thread = threading.Thread(target=responder.serve, args=(listener,), name=f"ssh-{port}", daemon=True)
    thread.start()
    try:
        yield responder
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
