# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that knows the exceptions of the libraries beneath and turns them into the family's errors.

Fault codes: MS-WSMV and the WinRM client's own (winerror.h); which of them are worth waiting for follows from what they
say: a full quota empties, a starting service starts, a refused password stays refused.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from contextlib import contextmanager
from http.client import HTTPException
from typing import TYPE_CHECKING, Final

from pypsrp.exceptions import AuthenticationError, WinRMError, WinRMTransportError, WSManFaultError
from requests.exceptions import ChunkedEncodingError, ConnectTimeout, RequestException, SSLError, Timeout
from spnego.exceptions import SpnegoError
from urllib3.exceptions import NewConnectionError, ProtocolError

from ..errors import AuthenticationFailed, ConnectionLost, InvalidRequest, MobilityError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterator

OPERATION_TIMED_OUT: Final = 2150858793
SHELLS_OF_USER_FULL: Final = 2150859173
OPERATIONS_OF_USER_FULL: Final = 2150859174
ACCESS_DENIED: Final = (5, "w:AccessDenied", "wsman:AccessDenied")
SHELL_GONE: Final = (2150858843, "w:InvalidSelectors", "wsman:InvalidSelectors")
BAD_REQUEST: Final = ("w:SchemaValidationError", "wsman:SchemaValidationError", 2150858817)
QUOTAS: Final = (SHELLS_OF_USER_FULL, OPERATIONS_OF_USER_FULL, "w:QuotaLimit", "wsman:QuotaLimit")
SERVICE_STARTING: Final = 503

try:
    from requests_credssp.exceptions import AuthenticationException, NTStatusException
except ImportError:  # an extra of pypsrp; without it no connection uses CredSSP
    _CREDSSP: tuple[type[Exception], ...] = ()
else:
    _CREDSSP = (AuthenticationException, NTStatusException)

FOREIGN: Final = (WinRMError, RequestException, SpnegoError, OSError, ET.ParseError, *_CREDSSP)
"""What pypsrp, requests, spnego, requests-credssp and sockets raise when a link fails."""

_NOBODY: Final = (ConnectionRefusedError, ConnectTimeout, NewConnectionError)
"""No connection came about: refused, no way there, no such name."""
_BROKEN: Final = (ConnectionError, HTTPException, ProtocolError, ChunkedEncodingError, ET.ParseError)
"""A connection that was there ended in the middle."""
_GATEWAYS: Final = (502, 504)

_ABANDONED = (
    "Shells that killed runs left behind are the likely cause; they end after their idle time. "
    "List them there with: Get-WSManInstance -ResourceURI Shell -Enumerate"
)


def fault_code(error: BaseException | None) -> int | str | None:
    """Return the code of the WSMan fault behind an exception, looking through what it was raised from."""
    for _depth in range(8):
        if error is None:
            return None
        if isinstance(error, WSManFaultError):
            code: int | str | None = error.code
            return code
        error = error.__cause__ or error.__context__
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    for _depth in range(8):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__ or seen.__context__


def refused(error: BaseException) -> bool:
    """Whether a host did not let us in: the sign-in failed, or the user may not use WinRM there."""
    for one in _chain(error):
        library = type(one).__module__.partition(".")[0]
        if isinstance(one, (AuthenticationError, SpnegoError)) or library == "requests_credssp":
            return True
        if isinstance(one, WSManFaultError) and one.code in ACCESS_DENIED:
            return True
    return False


def _said(error: BaseException) -> str:
    """Return what an exception says on one line: libraries quote whole answers of servers."""
    return " ".join(str(error).split())


def translate(error: BaseException, host: str) -> MobilityError:
    """Return the family's error for a foreign one; ``details["reason"]`` tells the cases apart.

    Reasons: ``authentication``, ``quota``, ``service_starting``, ``shell_gone``, ``certificate``, ``no_connection``,
    ``fault``, ``link``. ``details["retry"]`` is true where waiting helps and nothing had been started.
    """
    if isinstance(error, MobilityError):
        return error
    if refused(error):
        return AuthenticationFailed(
            f"{host} refused the credentials or the way of signing in: {_said(error)}",
            reason="authentication",
            retry=False,
        )
    known = _from_transport(error, host) if fault_code(error) is None else _from_fault(error, host)
    known.__cause__ = error
    return known


def _from_fault(error: BaseException, host: str) -> MobilityError:
    code = fault_code(error)
    if code in QUOTAS:
        return ConnectionLost(
            f"{host} has no room for another remote shell or operation of this user (fault {code}). {_ABANDONED}",
            reason="quota",
            fault=code,
            retry=True,
        )
    if code in SHELL_GONE:
        return ConnectionLost(
            f"{host} has ended the session (its WinRM service or the host restarted, or the session was idle too long)",
            reason="shell_gone",
            fault=code,
            retry=False,
        )
    if code in BAD_REQUEST:
        return RemoteError(f"{host} could not read a request of ours: {_said(error)}", fault=code)
    return ConnectionLost(f"{host} answered with a fault: {_said(error)}", reason="fault", fault=code, retry=False)


def _from_transport(error: BaseException, host: str) -> MobilityError:
    causes = tuple(_chain(error))
    if any(isinstance(one, WinRMTransportError) and one.code == SERVICE_STARTING for one in causes):
        return ConnectionLost(f"the WinRM service of {host} is starting", reason="service_starting", retry=True)
    if any(isinstance(one, SSLError) for one in causes):
        return ConnectionLost(
            f"the certificate of {host} was not accepted: {_said(error)}. "
            "Name its authority in the connection's CA option",
            reason="certificate",
            retry=False,
        )
    if any(isinstance(one, _NOBODY) for one in causes):
        return ConnectionLost(f"{host} can't be reached: {_said(error)}", reason="no_connection", retry=False)
    return ConnectionLost(f"the link to {host} failed: {_said(error)}", reason="link", retry=False)


def broke_off(lost: ConnectionLost) -> bool:
    """Whether a link broke in a conversation, so that a new one may well work.

    Not so where nobody answered: that took its time already. A refused sign-in that was taken for a broken link is
    none either: the same secret would be shown again.
    """
    causes = tuple(_chain(lost))
    if lost.details.get("reason") != "link" or any(isinstance(one, (Timeout, AuthenticationFailed)) for one in causes):
        return False
    return any(
        isinstance(one, _BROKEN) or (isinstance(one, WinRMTransportError) and one.code in _GATEWAYS) for one in causes
    )


@contextmanager
def translated(host: str) -> Iterator[None]:
    """Raise the family's error instead of any foreign one; errors of the family pass unchanged."""
    try:
        yield
    except MobilityError:
        raise
    except FOREIGN as error:
        raise translate(error, host) from error


@contextmanager
def best_effort() -> Iterator[None]:
    """Let nothing out that a failing link raises: for cleaning up, where the outcome is known already."""
    try:
        yield
    except (*FOREIGN, MobilityError):
        pass


def unfit(error: ValueError | ImportError, host: str, way: str) -> InvalidRequest:
    """Return the error for a way of signing in that lacks something on the controller: an option, or a library."""
    said = _said(error)
    if isinstance(error, ImportError):
        return InvalidRequest(
            f"{host}: signing in by {way} needs a library that Ansible's Python does not have: {said}. "
            "Install it there (pip install 'pypsrp[kerberos]' or 'pypsrp[credssp]'), or sign in another way"
        )
    return InvalidRequest(
        f"{host}: the connection's options don't suffice for {way}, or contradict each other: {said}. "
        "Set what it names (ansible_user, ansible_password) for this host"
    )


def unusable(option: str, value: object, why: str) -> InvalidRequest:
    """Return the error for a connection option that can't be honoured."""
    return InvalidRequest(f"the connection option {option} = {value!r} can't be honoured: {why}", option=option)
