# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret in a file of a Windows machine: locked before it is filled, and removed in every outcome."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ...errors import InvalidRequest, MobilityError, RemoteError
from ...session.command import ON, command, select

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...session.command import Secret
    from ...session.programs import Programs
    from ...session.protocol import Session

ADMINISTRATORS, SYSTEM = "*S-1-5-32-544", "*S-1-5-18"
_REST = 65_000
"""``sort`` takes lines of up to 65,535 characters."""


def lock(programs: Programs, path: str, *, folder: bool) -> None:
    """Leave a file or folder to administrators and the system only; RemoteError where that was refused."""
    rights = "(OI)(CI)F" if folder else "F"
    done = programs.run(
        "icacls", path, "/inheritance:r", "/grant:r", f"{ADMINISTRATORS}:{rights}", f"{SYSTEM}:{rights}",
        timeout_seconds=60,
    )  # fmt: skip
    if done.exit_code != 0:
        raise RemoteError(
            f"{programs.host}: icacls could not lock {path} (exit code {done.exit_code})",
            command="icacls",
            exit_code=done.exit_code,
        )


def make_folder(session: Session, programs: Programs, path: str) -> None:
    """Make a folder that only administrators and the system can look into."""
    session.invoke(
        command("New-Item", Path=path, ItemType="Directory", ErrorAction="Stop") | command("Out-Null"),
        timeout_seconds=60,
    ).check()
    lock(programs, path, folder=True)


def remove_folder(session: Session, path: str) -> bool:
    """Remove a folder with everything in it; return whether it is gone. The next run removes what stays."""
    session.invoke(
        command("Remove-Item", LiteralPath=path, Recurse=ON, Force=ON, ErrorAction="SilentlyContinue"),
        timeout_seconds=120,
    )
    left = session.invoke(command("Test-Path", LiteralPath=path), timeout_seconds=60)[0].objects
    return left == (False,)


@contextmanager
def secret_file(session: Session, programs: Programs, path: str, secret: Secret) -> Iterator[None]:
    """Keep a file with one line of secret text while the body runs.

    ``sort /O`` writes what it reads: a native program that needs no command shell around it, so that the secret is in
    no command line and in no parameter that PowerShell could log.
    """
    began, text = False, secret.text.rstrip("\r\n")
    if not text or "\n" in text or "\r" in text or len(text) > _REST:
        raise InvalidRequest("the secret must be one line of text that is not empty")
    try:
        session.invoke(
            command("New-Item", Path=path, ItemType="File", ErrorAction="Stop") | command("Out-Null"),
            timeout_seconds=60,
        ).check()
        lock(programs, path, folder=False)
        done = programs.run("sort", "/REC", "65535", "/O", path, stdin=type(secret)(text + "\r\n"), timeout_seconds=60)
        written = session.invoke(
            command("Get-Item", LiteralPath=path, ErrorAction="SilentlyContinue") | select("Length"),
            timeout_seconds=60,
        )[0].objects
        if done.exit_code != 0 or not written or int(written[0].get("Length") or 0) < len(text):
            raise RemoteError(
                f"{programs.host}: {path} could not be written (exit code {done.exit_code}); is the disk full?",
                command="sort",
                exit_code=done.exit_code,
            )
        began = True
        yield
    finally:
        try:
            _remove(session, path)
        except MobilityError as problem:
            problem.changed = problem.changed or began  # the body did its work, whatever became of the file
            raise


def _remove(session: Session, path: str) -> None:
    """Remove the file; RemoteError where it is still there, since nobody else would know of it."""
    session.invoke(
        command("Remove-Item", LiteralPath=path, Force=ON, ErrorAction="SilentlyContinue"), timeout_seconds=60
    )
    left = session.invoke(command("Test-Path", LiteralPath=path), timeout_seconds=60)[0].objects
    if left != (False,):
        raise RemoteError(
            f"{session.host}: {path} holds a secret and could not be removed; remove it by hand", command="Remove-Item"
        )
