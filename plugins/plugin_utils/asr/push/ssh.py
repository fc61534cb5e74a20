# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One SSH sign-in by password with the push account, and what it opens: SFTP, and the account's number.

The password goes only to a machine whose host key is known, unless the caller waives that; it goes once, by the method
"password" alone (a fall back on keyboard-interactive would be a second attempt).
"""

from __future__ import annotations

import base64
import hashlib
import logging
import socket
import threading
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ...errors import InvalidRequest
from .observations import NOT_REACHED, Problem, SignIn, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...session.command import Credential

KNOWN_HOSTS: Final = ("~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts")
SSH_PORT: Final = 22
RSA: Final = ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")
"""Names of the signatures that an RSA host key can make; old systems know the last one only."""


@dataclass(frozen=True, kw_only=True)
class Door:
    """Where, how long, and whether an unknown host key is good enough."""

    address: str
    port: int
    timeout_seconds: float
    known_hosts: tuple[str, ...] = KNOWN_HOSTS
    any_host_key: bool = False

    @property
    def name(self) -> str:
        """The machine's name in files of known hosts."""
        return self.address if self.port == SSH_PORT else f"[{self.address}]:{self.port}"


def library() -> Any:
    """Return the SSH library, which only this probe needs; InvalidRequest says how to get it."""
    try:
        found = import_module("paramiko")
    except ImportError as error:
        raise InvalidRequest(
            "the SSH side of the probe needs the Python library paramiko (3.4 or newer, below 5) on the controller: "
            "pip install 'paramiko>=3.4,<5'",
            library="paramiko",
        ) from error
    logging.getLogger("paramiko").addHandler(logging.NullHandler())  # else its threads write to the terminal
    return found


def sign_in(door: Door, account: Credential) -> SignIn:
    """Sign in once and try SFTP; nothing is written. What went wrong is in the steps.

    Raises InvalidRequest without the library, or where known host keys can't be read.
    """
    paramiko = library()
    known = _known(paramiko, door)
    try:
        link = socket.create_connection((door.address, door.port), timeout=door.timeout_seconds)
    except OSError:
        return SignIn(login=Step(problem=Problem.CONNECTION_ENDED), sftp=NOT_REACHED)
    late = threading.Event()
    watch = threading.Timer(door.timeout_seconds, _end, (link, late))
    watch.daemon = True
    watch.start()
    transport = None
    try:
        transport = paramiko.Transport(link)
        return _attempt(paramiko, transport, door, account, known, late)
    except (paramiko.SSHException, OSError, EOFError):
        return SignIn(login=_ended(late, Problem.NO_AGREEMENT), sftp=NOT_REACHED)
    finally:
        watch.cancel()
        if transport is not None:
            transport.close()
        link.close()


def _end(link: socket.socket, late: threading.Event) -> None:
    late.set()
    try:
        link.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def _ended(late: threading.Event, otherwise: Problem, detail: str = "") -> Step:
    return Step(problem=Problem.TIMED_OUT) if late.is_set() else Step(problem=otherwise, detail=detail)


def _attempt(
    paramiko: Any, transport: Any, door: Door, account: Credential, known: dict[str, Any], late: threading.Event
) -> SignIn:
    if known:
        transport.get_security_options().key_types = _preferred(transport, known)
    longer = 2 * door.timeout_seconds  # than the watch, which is to end every wait: it knows that it was the time
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = longer
    transport.start_client(timeout=longer)
    distrust = None if door.any_host_key else _distrust(transport.get_remote_server_key(), known)
    if distrust is not None:
        return SignIn(login=distrust, sftp=NOT_REACHED)
    try:
        further = transport.auth_password(account.username, account.password.text, fallback=False)
    except paramiko.BadAuthenticationType as error:
        step = Step(problem=Problem.METHOD_NOT_OFFERED, detail=_offered(error.allowed_types))
        return SignIn(attempts=1, login=step, sftp=NOT_REACHED)
    except paramiko.AuthenticationException:
        # The library says the same for a refused password and for a server that ended or did not answer.
        refused = Problem.REFUSED if transport.is_active() else Problem.CONNECTION_ENDED
        return SignIn(attempts=1, login=_ended(late, refused), sftp=NOT_REACHED)
    if further:
        step = Step(problem=Problem.METHOD_NOT_OFFERED, detail=_offered(further))
        return SignIn(attempts=1, login=step, sftp=NOT_REACHED)
    signed_in = SignIn(attempts=1, login=Step(done=True), uid=_uid(paramiko, transport, door))
    return replace(signed_in, sftp=_sftp(paramiko, transport, door, late))


def _offered(methods: Sequence[str]) -> str:
    return ", ".join(sorted(methods))


def _known(paramiko: Any, door: Door) -> dict[str, Any]:
    """Return the known host keys of the machine by their type. Raises InvalidRequest for a file that can't be read."""
    keys = paramiko.HostKeys()
    for name in door.known_hosts:
        path = Path(name).expanduser()
        try:
            if path.is_file():
                keys.load(str(path))
        except (OSError, UnicodeError, paramiko.hostkeys.InvalidHostKey) as error:
            raise InvalidRequest(f"the known host keys in {path} can't be read: {error}", path=str(path)) from error
    return dict(keys.lookup(door.name) or {})


def _preferred(transport: Any, known: dict[str, Any]) -> list[str]:
    """Return the algorithms with those of known keys first, so that the machine shows a key that can be compared."""
    wanted = [name for kind in known for name in (RSA if kind == "ssh-rsa" else (kind,))]
    offered = list(transport.get_security_options().key_types)
    return [name for name in wanted if name in offered] + [name for name in offered if name not in wanted]


def _distrust(key: Any, known: dict[str, Any]) -> Step | None:
    """Return why the key can't be trusted, or None where it is a known one."""
    digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
    shown = f"{key.get_name()} SHA256:{digest}"
    if key.get_name() not in known:
        return Step(problem=Problem.HOST_KEY_UNKNOWN, detail=shown)
    return None if known[key.get_name()] == key else Step(problem=Problem.HOST_KEY_CHANGED, detail=shown)


def _uid(paramiko: Any, transport: Any, door: Door) -> int | None:
    try:
        channel = transport.open_session(timeout=door.timeout_seconds)
        channel.settimeout(door.timeout_seconds)
        channel.exec_command("id -u")
        said = channel.makefile("rb").read(20).strip()
        channel.close()
    except (paramiko.SSHException, OSError, EOFError):
        return None  # an account without a shell: its name has to be enough
    return int(said) if said.isdigit() else None


def _sftp(paramiko: Any, transport: Any, door: Door, late: threading.Event) -> Step:
    try:
        channel = transport.open_session(timeout=door.timeout_seconds)
        channel.settimeout(door.timeout_seconds)
        channel.invoke_subsystem("sftp")
        paramiko.SFTPClient(channel).close()
    except (paramiko.SSHException, OSError, EOFError):
        return _ended(late, Problem.REFUSED)
    return Step(done=True)
