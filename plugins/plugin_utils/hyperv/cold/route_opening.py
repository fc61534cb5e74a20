# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A route opened for real, before anything depends on it, and what is in the way of one that does not open."""

from __future__ import annotations

import ntpath
import secrets
from base64 import b64decode
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from ...errors import NotPossible, RemoteError
from ...findings import Finding, Severity
from ...session.command import ON, command, select
from ...session.translate import best_effort
from . import files
from .route import Method, Route

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ...session.protocol import Session
    from ...session.reply import ErrorRecord

_SIGN_IN_SECONDS: Final = 180.0
_WEB_SECONDS: Final = 60
_ACCESS_DENIED: Final = 5
_PATH_CODES: Final = frozenset({51, 53, 54, 59, 64, 121, 1231, 1232, 1236})
"""Win32 codes of a host that does not answer for a share (ERROR_BAD_NETPATH and its like)."""
_NAME_CODES: Final = frozenset({2, 3, 67, 1203})
"""Win32 codes of a share that is not there (ERROR_BAD_NET_NAME)."""
_CREDENTIAL_CODES: Final = frozenset({86, 1326, 1327, 1328, 1330, 1331, 1385, 1793, 1907, 1909, 2202, 2239, 2242})
"""Win32 codes of refused credentials: wrong, expired, locked out, disabled, not allowed to sign in there."""
_CONFLICT: Final = 1219
_NO_LISTING: Final = frozenset({403, 404, 405, 501})
"""What a web server may say to a question about a folder, though it serves the files in it."""


@contextmanager
def opened(session: Session, route: Route) -> Iterator[None]:
    """Be signed in to the share while the body runs; raises NotPossible with the finding about what is in the way.

    By New-PSDrive, since New-SmbMapping takes a PSCredential on Windows Server 2025 only (decision 0004).
    """
    if route.method is not Method.SMB or route.credential is None:
        yield
        return
    name = f"hm_{secrets.token_hex(4)}"
    reply = session.invoke(
        command(
            "New-PSDrive",
            Name=name,
            PSProvider="FileSystem",
            Root=ntpath.splitdrive(route.source)[0],
            Credential=route.credential,
            Scope="Global",
            ErrorAction="Stop",
        )
        | command("Out-Null"),
        timeout_seconds=_SIGN_IN_SECONDS,
    )[0]
    files.check_visible(session, reply.errors)
    if reply.errors:
        finding = _drive_refused(session, route, reply.errors[0])
        raise NotPossible(f"{session.host}: {finding.evidence}", findings=(finding,))
    try:
        yield
    finally:
        with best_effort():
            session.invoke(
                command("Remove-PSDrive", Name=name, Scope="Global", Force=ON, ErrorAction="SilentlyContinue"),
                timeout_seconds=_SIGN_IN_SECONDS,
            )


def check_route(session: Session, route: Route, probe: str = "") -> tuple[Finding, ...]:
    """Open the route with its real credentials; return what is in the way, nothing for a route that works.

    ``probe`` is what has to be readable below the source, relative to it: a VM's Id, or a file in that folder. Without
    one the source itself is opened; a web server that shows no folders is then a warning, since nothing was read yet.
    """
    if route.method is Method.EXTERNAL:
        return ()
    if route.method is Method.HTTP:
        return _check_web(session, route, probe)
    try:
        with opened(session, route):
            return _check_share(session, route, ntpath.join(route.source, probe) if probe else route.source)
    except NotPossible as refused:
        return tuple(refused.findings)


def _finding(
    route: Route, identifier: str, evidence: str, cure: str, severity: Severity = Severity.BLOCKING
) -> Finding:
    return Finding(id=identifier, severity=severity, subject=route.source, evidence=evidence, remedy=cure)


def _drive_refused(session: Session, route: Route, error: ErrorRecord) -> Finding:
    code = error.native_code
    user = route.credential.username if route.credential else ""
    told = f"{route.source}: {error.message or error.error_id}" + (f" (Win32 error {code})" if code else "")
    if code in _CREDENTIAL_CODES:
        return _finding(
            route, "route_credentials_refused", f"{told}, for {user}",
            "Correct username (DOMAIN\\name, or HOST\\name for a local account) and password, and look whether the "
            "account is locked, disabled or expired. Nothing is tried again with them.",
        )  # fmt: skip
    if code == _ACCESS_DENIED:
        return _denied(route, f"{told}, for {user}")
    if code in _NAME_CODES:
        return _finding(
            route, "route_share_missing", told, "Check the share's name: Get-SmbShare on the source host lists them."
        )  # fmt: skip
    if code in _PATH_CODES:
        return _finding(
            route, "route_unreachable", f"{session.host} does not reach the share's host: {told}",
            "Check the host's name, and TCP 445 from the destination to it (firewall rules for file sharing).",
        )  # fmt: skip
    if code == _CONFLICT:
        return _finding(
            route, "route_session_conflict", told,
            "The account of this connection is signed in to that host already, as somebody else: leave username out, "
            "or name the source host by another name or its address.",
        )  # fmt: skip
    return _finding(
        route, "route_refused", told, "Look the code up (net helpmsg), and open the share by hand on that host."
    )  # fmt: skip


def _denied(route: Route, evidence: str) -> Finding:
    return _finding(
        route, "route_access_denied", evidence,
        "Give the account read rights on the share and on its folder.",
    )  # fmt: skip


def _check_share(session: Session, route: Route, path: str) -> tuple[Finding, ...]:
    try:
        if files.stat(session, [path]):
            return ()
        why = f"{path} is not there, or can't be seen"
    except RemoteError as error:
        why = f"{path} can't be opened: {error.msg}"
        if route.credential is not None or session.delegates_credentials:
            return (_denied(route, why),)
    if route.credential is None and not session.delegates_credentials:
        return (
            _finding(
                route, "second_hop_impossible",
                f"{why}; no username is given, and the connection to {session.host} passes no credentials on",
                "Give username and password, or use a connection that delegates credentials (CredSSP, Kerberos).",
            ),
        )  # fmt: skip
    return (
        _finding(
            route, "route_path_missing", why, "Check source, and that the export is there and complete."
        ),
    )  # fmt: skip


def _check_web(session: Session, route: Route, probe: str) -> tuple[Finding, ...]:
    address = route.of(*probe.split("\\", 1)) if probe else f"{route.source}/"
    reply = session.invoke(
        command(
            "Invoke-WebRequest",
            Uri=address,
            Method="Head",
            UseBasicParsing=ON,
            TimeoutSec=_WEB_SECONDS,
            Credential=route.credential,
            ErrorAction="Stop",
        )
        | command("Out-Null"),
        timeout_seconds=_SIGN_IN_SECONDS,
    )[0]
    files.check_visible(session, reply.errors)
    return (web_finding(session, route, address, reply.errors[0], proves=bool(probe)),) if reply.errors else ()


def web_finding(session: Session, route: Route, address: str, error: ErrorRecord, *, proves: bool = True) -> Finding:
    """Return the finding about a refused request; ``proves`` is False for a folder, which a server need not show."""
    status = error.http_status
    told = f"{address}: {error.message or error.error_id}"
    if status in (401, 407):
        return _finding(route, "route_credentials_refused", told, "Correct username and password.")
    if not proves and status in _NO_LISTING:
        return _finding(
            route, "route_not_proven", f"{told} (status {status})",
            "The server answers, but shows no folders. That a file can be fetched shows once the export is there.",
            Severity.WARNING,
        )  # fmt: skip
    if status == 403:
        return _denied(route, told)
    if status == 404:
        return _finding(
            route, "route_path_missing", told, "Check source, and that the export is there and complete."
        )  # fmt: skip
    if status is not None:
        return _finding(route, "route_refused", f"{told} (status {status})", "Look at the web server's log.")
    return _finding(
        route, "route_unreachable", f"{session.host} does not reach the web server: {told}",
        "Check the address, the destination's way to it (firewall, proxy), and for https the server's certificate.",
    )  # fmt: skip


def read_remote(session: Session, route: Route, vm_ids: Sequence[str], name: str) -> dict[str, str | None]:
    """Return the text of a small file of each VM's export, by Id; None where it is not there. Needs an open route.

    Raises NotPossible with a finding where the source refuses.
    """
    if route.method is Method.SMB:
        paths = {route.of(vm_id, name): vm_id for vm_id in vm_ids}
        return {paths[path]: text for path, text in files.read_texts(session, list(paths)).items()}
    return {vm_id: _web_text(session, route, route.of(vm_id, name)) for vm_id in vm_ids}


def _web_text(session: Session, route: Route, address: str) -> str | None:
    reply = session.invoke(
        command(
            "Invoke-WebRequest",
            Uri=address,
            UseBasicParsing=ON,
            TimeoutSec=_WEB_SECONDS,
            Credential=route.credential,
            ErrorAction="Stop",
        )
        | select("Content"),
        timeout_seconds=_SIGN_IN_SECONDS,
    )[0]
    files.check_visible(session, reply.errors)
    if reply.errors:
        if reply.errors[0].http_status == 404:
            return None
        finding = web_finding(session, route, address, reply.errors[0])
        raise NotPossible(f"{session.host}: {finding.evidence}", findings=(finding,))
    text = str(reply.objects[0].get("Content") or "") if reply.objects else ""
    if "{" in text:
        return text
    # Of a file that the server does not call a text, the bytes come: in base 64 on the wire.
    with suppress(ValueError):
        return b64decode(text, validate=True).decode("ascii", "replace")
    return text
