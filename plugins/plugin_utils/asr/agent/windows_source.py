# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings an installer to a Windows machine and verifies it: hash on every Windows, signature where it can be read."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from ...errors import InvalidRequest, NotFound, RemoteError
from ...session.command import ON, command, select
from ..installers import parse_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...session.command import Credential
    from ...session.programs import Programs
    from ...session.protocol import Session
    from ...waiting import Deadline
    from .install_plan import InstallPlan
    from .install_request import Source

_DRIVE: Final = "hm_asr_source"
_DIGEST: Final = re.compile(r"(?im)^((?:[0-9a-f]{2} ?){31}[0-9a-f]{2})\s*$")
_FULL_BELOW: Final = 200 * 1024**2
"""A package and what is in it take more."""


def require_usable(plan: InstallPlan, host: str, *, old: bool) -> None:
    """Refuse, before anything is brought, an installer that nothing there could fetch or verify."""
    if old and plan.sha256 is None:
        raise InvalidRequest(
            f"{host} runs Windows 6.1 or older, which can't verify today's signatures: give sha256 of the installer"
        )
    if old and plan.source is not None and re.search(r'[%"]', plan.source.url or ""):
        raise InvalidRequest(
            f"source: {plan.source.url!r} has characters that certutil's command line can't carry; Windows 6.1 and "
            "older need an address without percent signs and quotes"
        )


def bring(session: Session, programs: Programs, source: Source, folder: str, deadline: Deadline, *, old: bool) -> str:
    """Return the installer's path on the machine: where it lies already, or in the folder after it was brought."""
    if source.path is not None:
        there = session.invoke(command("Test-Path", LiteralPath=source.path), timeout_seconds=60)[0].objects
        if there != (True,):
            raise NotFound(f"{session.host}: there is no file {source.path}", path=source.path)
        return source.path
    target = f"{folder}\\{source.file_name if parse_name(source.file_name) else 'package.exe'}"
    if source.unc is not None:
        _copy(session, source, target, deadline, old=old)
    elif old:
        _run_download(programs, source.url or "", target, deadline)
    else:
        _download(session, source.url or "", target, deadline)
    there = session.invoke(command("Test-Path", LiteralPath=target), timeout_seconds=60)[0].objects
    if there != (True,):
        raise RemoteError(f"{session.host}: {source.shown} could not be brought to {target}", command="Test-Path")
    return target


def _copy(session: Session, source: Source, target: str, deadline: Deadline, *, old: bool) -> None:
    with share(session, source.unc or "", source.credential, old=old):
        reply = session.invoke(
            command("Copy-Item", LiteralPath=source.unc, Destination=target, ErrorAction="Stop"),
            timeout_seconds=max(60.0, deadline.remaining),
        )[0]
    if reply.errors:
        raise _not_brought(session.host, source.shown, reply.errors[0], "the share needs source_username and "
                           "source_password, or a connection that delegates credentials")  # fmt: skip


@contextmanager
def share(session: Session, unc: str, credential: Credential | None, *, old: bool) -> Iterator[None]:
    """Be signed in to the share while the body runs; this session is, not the programs that run beside it.

    Raises InvalidRequest on a Windows that can't, RemoteError where the share refuses.

    By New-PSDrive, since New-SmbMapping takes a PSCredential on Windows Server 2025 only, and a password as plain text
    before, which PowerShell's logging records.
    """
    if credential is None:
        yield
        return
    if old:
        raise InvalidRequest(
            f"{session.host} runs Windows 6.1 or older, whose cmdlets sign in to no share: "
            "put the installer on the machine, or on a web server"
        )
    root = "\\\\" + "\\".join([part for part in unc.split("\\") if part][:2])
    session.invoke(
        command("New-PSDrive", Name=_DRIVE, PSProvider="FileSystem", Root=root, Credential=credential, Scope="Global",
                ErrorAction="Stop")
        | command("Out-Null"),
        timeout_seconds=120,
    ).check()  # fmt: skip
    try:
        yield
    finally:
        session.invoke(
            command("Remove-PSDrive", Name=_DRIVE, Scope="Global", Force=ON, ErrorAction="SilentlyContinue"),
            timeout_seconds=60,
        )


def _download(session: Session, url: str, target: str, deadline: Deadline) -> None:
    seconds = max(60, int(min(deadline.remaining, 36_000)))
    reply = session.invoke(
        command(
            "Invoke-WebRequest", Uri=url, OutFile=target, UseBasicParsing=ON, TimeoutSec=seconds, ErrorAction="Stop"
        ),
        timeout_seconds=seconds + 60.0,
    )[0]
    if reply.errors:
        raise _not_brought(session.host, url, reply.errors[0], "check the address and the machine's way to it")


def _run_download(programs: Programs, url: str, target: str, deadline: Deadline) -> None:
    """Download by certutil, which every Windows has; it keeps a copy in its cache, which is dropped again."""
    done = programs.run(
        "certutil", "-urlcache", "-split", "-f", url, target, timeout_seconds=max(60, deadline.remaining)
    )
    programs.run("certutil", "-urlcache", url, "delete", timeout_seconds=60)
    if done.exit_code != 0:
        raise RemoteError(
            f"{programs.host}: {url} could not be downloaded (certutil: exit code {done.exit_code})",
            command="certutil",
            exit_code=done.exit_code,
        )


def disk_is_full(session: Session, path: str) -> bool:
    """Whether the drive of a path has no room for an installation; what a full disk says is in the host's language."""
    reply = session.invoke(
        command("Get-PSDrive", Name=path[:1], ErrorAction="SilentlyContinue") | select("Free"), timeout_seconds=60
    )[0]
    free = reply.objects[0].get("Free") if reply.objects and isinstance(reply.objects[0], dict) else None
    return free is not None and int(free) < _FULL_BELOW


def require_space(session: Session, path: str) -> None:
    """Raise RemoteError where the drive of a path is full: the self-extractor would not say so."""
    if disk_is_full(session, path):
        raise RemoteError(
            f"{session.host}: drive {path[:2]} has less than {_FULL_BELOW // 1024**2} MB free: free space there",
            reason="disk_full",
            command="Get-PSDrive",
        )


def _not_brought(host: str, what: str, record: Any, remedy: str) -> RemoteError:
    return RemoteError(
        f"{host}: {what} could not be brought: {record.message or record.error_id}; {remedy}",
        error_id=record.error_id,
        category=record.category,
        hresult=record.hresult,
        command=record.command,
        reason="not_brought",
    )


def verify(session: Session, programs: Programs, path: str, sha256: str | None, *, old: bool) -> None:
    """Raise RemoteError unless the file is the one that was meant, by hash where told, by signature where readable."""
    if sha256 is not None:
        found = digest(programs, path)
        if found != sha256:
            raise RemoteError(
                f"{programs.host}: {path} has SHA-256 {found}, asked is {sha256}: it is damaged, or not the file "
                "that was meant",
                command="certutil",
                reason="other_digest",
            )
    if not old:
        _verify_signature(session, path)


def digest(programs: Programs, path: str) -> str:
    """Return a file's SHA-256; older certutil prints it in pairs with blanks between."""
    done = programs.run("certutil", "-hashfile", path, "SHA256", timeout_seconds=300)
    found = _DIGEST.search(done.stdout.replace("\r", ""))
    if done.exit_code != 0 or found is None:
        raise RemoteError(
            f"{programs.host}: certutil could not read {path} (exit code {done.exit_code})",
            command="certutil",
            exit_code=done.exit_code,
        )
    return found[1].replace(" ", "").lower()


def _verify_signature(session: Session, path: str) -> None:
    signature = session.invoke(
        command("Get-AuthenticodeSignature", LiteralPath=path, ErrorAction="Stop")
        | select("Status", "SignerCertificate"),
        timeout_seconds=120,
    )[0].one()
    status, signer = str(signature.get("Status")), signature.get("SignerCertificate")
    subject = str(signer.get("Subject", "")) if isinstance(signer, dict) else str(signer or "")
    if status != "Valid":
        raise RemoteError(
            f"{session.host}: the signature of {path} is not valid ({status}): it is damaged, or not the vendor's",
            command="Get-AuthenticodeSignature",
            reason="signature",
            status=status,
        )
    if re.search(r"(^|[,\s])O=Microsoft Corporation(,|$|\s)", subject) is None:
        raise RemoteError(
            f"{session.host}: {path} is signed by {subject or 'nobody'}, not by Microsoft Corporation",
            command="Get-AuthenticodeSignature",
            reason="signer",
        )
