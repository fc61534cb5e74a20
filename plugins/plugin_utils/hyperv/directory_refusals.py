# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an error of the ActiveDirectory module means, by its id: which precondition does not hold, and the remedy."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import NotPossible, RemoteError
from ..findings import Finding, Severity
from ..session.reply import lacks_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .gateway_directory import Directory

_NO_SERVER = ("ActiveDirectoryServer:1355", "ActiveDirectoryServer:0")
"""No domain controller was found, or the one named did not answer. From a member server that is how a session without
credentials for the second hop looks (field errors)."""
_REFUSED = "ActiveDirectoryCmdlet:System.Security.Authentication.AuthenticationException"
_NO_RIGHT = "ActiveDirectoryServer:8344"
"""ERROR_DS_INSUFF_ACCESS_RIGHTS."""


@contextmanager
def explained(host: str, directory: Directory) -> Iterator[None]:
    """Raise NotPossible with a finding instead of an error of the module whose meaning is known; others pass."""
    try:
        yield
    except RemoteError as problem:
        finding = _finding(problem, host, directory)
        if finding is None:
            raise
        summary = f"{host}: {problem.msg.rstrip('.')}; {finding.remedy}"
        raise NotPossible(summary, findings=[finding], changed=problem.changed, **problem.details) from problem


def _finding(problem: RemoteError, host: str, directory: Directory) -> Finding | None:
    error_id = str(problem.details.get("error_id", ""))

    def found(identifier: str, subject: str, remedy: str) -> Finding:
        return Finding(
            id=identifier, severity=Severity.BLOCKING, subject=subject, evidence=f"{error_id}: {problem.msg}",
            remedy=remedy,
        )  # fmt: skip

    if lacks_command(error_id):
        return found(
            "ad_module_missing",
            host,
            "install the ActiveDirectory module there (vm_host_feature with active_directory_tools: true)",
        )
    if error_id.startswith(_NO_SERVER):
        return _unreachable(found, host, directory)
    if error_id.startswith(_REFUSED):
        who = "the account of the session" if directory.credential is None else directory.credential.username
        return found("directory_refused_credentials", who, "correct domain_username and domain_password")
    if error_id.startswith(_NO_RIGHT):
        return found(
            "delegation_right_missing",
            "the session's account" if directory.credential is None else directory.credential.username,
            "use an account with the right to write the computers' accounts and the privilege "
            "SeEnableDelegationPrivilege on the domain controllers, like a domain administrator",
        )
    return None


def _unreachable(found: Callable[[str, str, str], Finding], host: str, directory: Directory) -> Finding:
    server = directory.server or "a domain controller"
    if directory.credential is None:
        return found(
            "directory_unreachable",
            server,
            f"on a member server the directory is a second hop: give domain_username and domain_password, or connect "
            f"to {host} with CredSSP",
        )
    return found(
        "directory_unreachable",
        server,
        f"check that {host} reaches {server} and that Active Directory Web Services run there",
    )
