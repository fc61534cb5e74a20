# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who can sign in where: account look-up, and the NTLM acceptor's view of it."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from spnego._ntlm_raw.crypto import ntowfv1  # the acceptor's file wants the NT hash; pyspnego shows no public name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..world import Account, Machine, World

_VARIABLE = "NTLM_USER_FILE"
_ENVIRONMENT = threading.RLock()


class CredentialSource:
    """The fleet's accounts by the names that clients use for them.

    pyspnego's NTLM acceptor reads its accounts from a file named by an environment variable. The file is written per
    host (hosts have local accounts of the same name), is readable by this user only, and the variable is set only while
    an acceptor steps, under a lock.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._folder = Path(tempfile.mkdtemp(prefix="hyperv-lab-"))
        self._files: dict[str, tuple[Path, str]] = {}

    def close(self) -> None:
        """Remove the files."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def find(self, machine: Machine, principal: str) -> Account | None:
        """Return the account that ``user``, ``DOMAIN\\user`` or ``user@domain`` names on a machine."""
        return self._names(machine).get(principal.casefold())

    def check(self, machine: Machine, username: str, password: str) -> Account | None:
        """Return the local account of a name and password (Basic knows no others)."""
        account = self.find(machine, username)
        if account is None or account.domain is not None or account.password != password:
            return None
        return account

    def _names(self, machine: Machine) -> dict[str, Account]:
        names: dict[str, Account] = {}
        for account in self._world.domain_accounts():
            names.update((name.casefold(), account) for name in _domain_names(account, machine.fqdn.partition(".")[2]))
        for account in machine.local_accounts():
            prefixes = ("", f"{machine.name}\\", ".\\")
            names.update(((prefix + account.username).casefold(), account) for prefix in prefixes)
        return names

    @contextmanager
    def offered(self, machine: Machine) -> Iterator[None]:
        """Let NTLM acceptors see the accounts of a machine while the block runs."""
        path = self._file(machine)
        with _ENVIRONMENT:
            before = os.environ.get(_VARIABLE)
            os.environ[_VARIABLE] = str(path)
            try:
                yield
            finally:
                if before is None:
                    del os.environ[_VARIABLE]
                else:
                    os.environ[_VARIABLE] = before

    def _file(self, machine: Machine) -> Path:
        text = "".join(_line(name, account) for name, account in self._names(machine).items())
        known = self._files.get(machine.name)
        if known is not None and known[1] == text:
            return known[0]
        path = self._folder / f"{len(self._files)}.accounts"
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        self._files[machine.name] = (path, text)
        return path


def _domain_names(account: Account, dns_domain: str) -> Iterator[str]:
    """Yield the names of a domain account: by NetBIOS and DNS name of the domain (the DNS name is the host's)."""
    domain = account.domain or ""
    for name in filter(None, dict.fromkeys((domain, domain.split(".")[0], dns_domain))):
        yield f"{name}\\{account.username}"
        yield f"{account.username}@{name}"


_HASHES: dict[str, str] = {}


def _line(name: str, account: Account) -> str:
    if account.password not in _HASHES:
        _HASHES[account.password] = ntowfv1(account.password).hex().upper()
    return f"{name}:0:{'0' * 32}:{_HASHES[account.password]}:[U]:LCT-0\n"
