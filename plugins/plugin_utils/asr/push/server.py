# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
r"""The same look from a Windows server: Test-NetConnection for ports, one PowerShell drive for the sign-in.

``New-PSDrive`` on ``\\machine\C$`` makes the connection that ``New-SmbMapping`` makes, but takes a PSCredential on
every Windows; New-SmbMapping below Windows Server 2025 takes the password as plain text, which module logging would
write down. Its exception carries the Win32 code of the system's call. The drive is removed again, and with it the
connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...session.command import Credential, command, select
from .codes import CREDENTIAL_CONFLICT, PATH_CODES
from .observations import NOT_ASKED, NOT_AVAILABLE, NOT_REACHED, Code, Port, PortState, Problem, SignIn, Step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...session.protocol import Session
    from ...session.reply import ErrorRecord

DRIVE: Final = "HypervMobilityProbe"
PORT_SECONDS: Final = 60.0
"""How long Test-NetConnection may take for one port: a ping and Windows' own 21 seconds of connecting."""


def look(session: Session, address: str, ports: Mapping[str, int]) -> tuple[Port, ...]:
    """Return the state of each port as the server sees it; one invocation."""
    replies = session.invoke(
        *(
            command("Test-NetConnection", ComputerName=address, Port=number)
            | select("TcpTestSucceeded", "NameResolutionSucceeded", "RemoteAddress")
            for number in ports.values()
        ),
        timeout_seconds=PORT_SECONDS * max(len(ports), 1),
    )
    return tuple(
        Port(name=name, number=number, state=_state(reply.one()))
        for (name, number), reply in zip(ports.items(), replies, strict=True)
    )


def _state(found: Mapping[str, object]) -> PortState:
    if found.get("TcpTestSucceeded") is True:
        return PortState.OPEN
    # 2012 R2 has no NameResolutionSucceeded; a name that did not resolve has no address there.
    unresolved = found.get("NameResolutionSucceeded") is False or not found.get("RemoteAddress")
    return PortState.NO_NAME if unresolved else PortState.CLOSED


def sign_in(session: Session, address: str, share: str, account: Credential | None, ports: tuple[Port, ...]) -> SignIn:
    """Return how one sign-in from the server ended; the drive is gone afterwards."""
    if account is None:
        return SignIn(login=NOT_ASKED, share=NOT_ASKED)
    if not any(port.is_open for port in ports if port.name in ("smb", "netbios")):
        return SignIn(login=NOT_REACHED, share=NOT_REACHED)
    root = rf"\\{address}\{share}"
    drive = command("New-PSDrive", Name=DRIVE, PSProvider="FileSystem", Root=root, Credential=account, Scope="Global")
    reply = session.invoke(drive | select("Name"))[0]
    if not reply.errors:
        session.invoke(command("Remove-PSDrive", Name=DRIVE, PSProvider="FileSystem", Scope="Global"))[0].check()
        return SignIn(attempts=1, login=Step(done=True), share=Step(done=True))
    return _refused(reply.errors[0])


def _refused(error: ErrorRecord) -> SignIn:
    """Sort the Win32 code under the step that it belongs to. Raises RemoteError where there is none."""
    if error.native_code is None:
        raise error.as_error()
    if error.native_code == CREDENTIAL_CONFLICT:
        return SignIn(login=Step(problem=Problem.OTHER_CREDENTIALS_IN_USE), share=NOT_REACHED)
    step = Step(code=Code(kind="win32", number=error.native_code))
    if error.native_code in SHARE_CODES:
        return SignIn(attempts=1, login=Step(done=True), share=step)
    attempts = 0 if error.native_code in PATH_CODES else 1
    return SignIn(attempts=attempts, login=step, share=NOT_REACHED)


SHARE_CODES: Final = (5, 67)
"""Codes of the share behind a sign-in that was accepted (denied, no such share)."""


def cannot_sign_in() -> SignIn:
    """Return the sign-in to a Linux machine: a Windows server has no SSH client that could be counted on."""
    return SignIn(login=NOT_AVAILABLE, sftp=NOT_AVAILABLE)
