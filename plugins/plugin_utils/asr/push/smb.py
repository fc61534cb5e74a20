# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One SMB sign-in with the push account, and what it opens: the share, and the room on its volume.

Exactly one: NTLM is named instead of negotiated, because a negotiation that tries Kerberos first is a second attempt
for the domain's count of wrong passwords, and nothing here is ever tried again.
"""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from smbprotocol.connection import Connection
from smbprotocol.exceptions import SMBException, SMBResponseException
from smbprotocol.file_info import FileFsFullSizeInformation, InfoType
from smbprotocol.open import (
    CreateDisposition,
    CreateOptions,
    FilePipePrinterAccessMask,
    ImpersonationLevel,
    Open,
    ShareAccess,
    SMB2QueryInfoRequest,
    SMB2QueryInfoResponse,
)
from smbprotocol.session import Session
from smbprotocol.tree import TreeConnect

from .observations import NOT_REACHED, Code, Problem, SignIn, Step

if TYPE_CHECKING:
    from ...session.command import Credential

FULL_SIZE_BYTES: Final = 32
"""What FileFsFullSizeInformation takes (MS-FSCC 2.5.4)."""
FOREIGN: Final = (SMBException, OSError, ValueError, TypeError, KeyError)
"""What smbprotocol lets through: its own, the socket's, and those of an answer that it can't take apart."""


@dataclass(frozen=True, kw_only=True)
class Door:
    """Where and how long."""

    address: str
    port: int
    share: str
    timeout_seconds: float


def sign_in(door: Door, account: Credential) -> SignIn:
    """Sign in once and try the share; nothing is written. Raises nothing: what went wrong is in the steps."""
    link = Connection(uuid.uuid4(), door.address, door.port)
    late = threading.Event()
    watch = threading.Timer(door.timeout_seconds, _end, (link, late))
    watch.daemon = True
    watch.start()
    try:
        return _attempt(link, door, account, late)
    finally:
        watch.cancel()
        _end(link, threading.Event())


def _end(link: Connection, late: threading.Event) -> None:
    """Shut the socket: whoever waits for an answer in this library waits without a limit otherwise."""
    late.set()
    transport = link.transport
    if transport is not None:
        try:
            transport.close()
        except FOREIGN:
            return


def _attempt(link: Connection, door: Door, account: Credential, late: threading.Event) -> SignIn:
    try:
        link.connect(timeout=2 * door.timeout_seconds)  # the watch is earlier, and knows that it was
    except FOREIGN as error:
        return SignIn(login=_step(error, late, Problem.NO_AGREEMENT), share=NOT_REACHED)
    session = Session(link, account.username, account.password.text, require_encryption=False, auth_protocol="ntlm")
    try:
        session.connect()
    except FOREIGN as error:
        login = _guest(session) or _step(error, late, Problem.CONNECTION_ENDED)
        return SignIn(attempts=1, login=login, share=NOT_REACHED)
    signed_in = SignIn(attempts=1, login=Step(done=True))
    tree = TreeConnect(session, rf"\\{door.address}\{door.share}")
    try:
        tree.connect()
    except FOREIGN as error:
        return replace(signed_in, share=_step(error, late, Problem.CONNECTION_ENDED))
    try:
        free = _free_bytes(tree)
    except FOREIGN:
        free = None  # the share is there, and its size is only a bonus
    return replace(signed_in, share=Step(done=True), free_bytes=free)


def _guest(session: Session) -> Step | None:
    """Return the step of a sign-in that the machine took as a guest's; the library refuses one as unsigned."""
    return Step(problem=Problem.GUEST) if session.session_id is None else None


def _step(error: Exception, late: threading.Event, otherwise: Problem) -> Step:
    if isinstance(error, SMBResponseException):
        return Step(code=Code(kind="ntstatus", number=int(error.status)))
    return Step(problem=Problem.TIMED_OUT if late.is_set() else otherwise)


def _free_bytes(tree: TreeConnect) -> int:
    folder = Open(tree, "")
    folder.create(
        ImpersonationLevel.Impersonation,
        FilePipePrinterAccessMask.FILE_READ_ATTRIBUTES,
        0,
        ShareAccess.FILE_SHARE_READ | ShareAccess.FILE_SHARE_WRITE | ShareAccess.FILE_SHARE_DELETE,
        CreateDisposition.FILE_OPEN,
        CreateOptions.FILE_DIRECTORY_FILE,
    )
    question = SMB2QueryInfoRequest()
    question["info_type"] = InfoType.SMB2_0_INFO_FILESYSTEM
    question["file_info_class"] = FileFsFullSizeInformation.INFO_CLASS
    question["output_buffer_length"] = FULL_SIZE_BYTES
    question["file_id"] = folder.file_id
    link = tree.session.connection
    sent = link.send(question, tree.session.session_id, tree.tree_connect_id)
    answer = SMB2QueryInfoResponse()
    answer.unpack(link.receive(sent)["data"].get_value())
    size: Any = answer.parse_buffer(FileFsFullSizeInformation)
    folder.close()
    unit = size["sectors_per_unit"].get_value() * size["bytes_per_sector"].get_value()
    return int(size["caller_available_units"].get_value() * unit)
