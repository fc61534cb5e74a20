# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Samba server as the SMB side of a Windows machine: its own configuration, accounts and state in one folder.

Samba wants a system account behind each of its own. Accounts that every Linux has are used for that under other names
(``username map``), so the machine itself is not touched. Needs root and Samba's ``smbd`` and ``pdbedit``.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smbprotocol.connection import Connection
from smbprotocol.exceptions import SMBException
from smbprotocol.session import Session

SYSTEM_ACCOUNTS: Final = ("daemon", "bin", "sys", "games", "man", "lp", "mail", "news")
SECONDS: Final = 20
REALM: Final = "lab.test"
"""Accounts can also be named NAME@REALM; a domain before a backslash is not looked at."""
WRONG_PASSWORDS: Final = 3
"""So many in a row lock an account."""
CONFIGURATION: Final = """\
[global]
    netbios name = {name}
    workgroup = WORKGROUP
    server role = standalone server
    interfaces = {address}/8
    bind interfaces only = yes
    smb ports = {port}
    disable netbios = yes
    map to guest = never
    passdb backend = tdbsam:{folder}/accounts.tdb
    username map = {folder}/names
    private dir = {folder}/private
    state directory = {folder}/state
    cache directory = {folder}/cache
    lock directory = {folder}/lock
    pid directory = {folder}/pid
    ncalrpc dir = {folder}/ncalrpc
    log file = {folder}/smbd.log
    load printers = no
    printing = bsd
    printcap name = /dev/null
    disable spoolss = yes
"""


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account of the server. ``shares`` are those it may use; a locked one has had too many wrong passwords."""

    name: str
    password: str
    shares: tuple[str, ...] = ("C$",)
    enabled: bool = True
    locked: bool = False


class SambaServer:
    """One smbd, started and ended by ``serving``; everything of it is in ``folder``."""

    def __init__(self, folder: Path, address: str, port: int, accounts: Sequence[Account], name: str) -> None:
        if len(accounts) > len(SYSTEM_ACCOUNTS):
            raise ValueError(f"at most {len(SYSTEM_ACCOUNTS)} accounts, not {len(accounts)}")
        self.folder = folder
        self.address = address
        self.port = port
        self._accounts = tuple(accounts)
        self._system = dict(zip((account.name for account in accounts), SYSTEM_ACCOUNTS, strict=False))
        self._name = name
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Write everything, start smbd and return when it answers. Raises RuntimeError with its log."""
        self._write()
        self._pdbedit("--account-policy", "bad lockout attempt", "--value", str(WRONG_PASSWORDS))
        for account in self._accounts:
            self._add(account)
        self._process = subprocess.Popen(
            ["smbd", "--foreground", "--no-process-group", f"--configfile={self._configuration}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # an smbd that ends takes its whole process group along
        )
        self._await_listening()
        for account in self._accounts:
            if account.locked:
                self._lock(account)

    def stop(self) -> None:
        """End smbd, with the processes it has for its clients."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=SECONDS)
        self._process = None

    def wrong_passwords(self, name: str) -> int:
        """Return how many wrong passwords in a row the account has had."""
        for line in self._pdbedit("--list", "--verbose", "--user", self._system[name]).splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "Bad password count":
                return int(value)
        raise RuntimeError(f"pdbedit shows no count of wrong passwords of {name}")

    @property
    def _configuration(self) -> Path:
        return self.folder / "smb.conf"

    def _write(self) -> None:
        for name in ("private", "state", "cache", "lock", "pid", "ncalrpc", "shares"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        text = CONFIGURATION.format(name=self._name, address=self.address, port=self.port, folder=self.folder)
        for share in sorted({share for account in self._accounts for share in account.shares}):
            place = self.folder / "shares" / share
            place.mkdir(exist_ok=True)
            users = " ".join(self._system[account.name] for account in self._accounts if share in account.shares)
            text += f"[{share}]\n    path = {place}\n    read only = no\n    valid users = {users}\n"
            text += "    force user = root\n"  # folders of tests are closed to everybody else
        self._configuration.write_text(text, encoding="utf-8")
        names = "".join(f"!{system} = {name} {name}@{REALM}\n" for name, system in self._system.items())
        (self.folder / "names").write_text(names, encoding="utf-8")

    def _add(self, account: Account) -> None:
        system = self._system[account.name]
        twice = f"{account.password}\n{account.password}\n"
        self._pdbedit("--create", "--password-from-stdin", "--user", system, given=twice)
        if not account.enabled:
            self._pdbedit("--modify", "--account-control", "[D]", "--user", system)

    def _lock(self, account: Account) -> None:
        for _ in range(WRONG_PASSWORDS):
            link = Connection(uuid.uuid4(), self.address, self.port)
            link.connect(timeout=SECONDS)
            try:
                Session(link, account.name, f"not {account.password}", auth_protocol="ntlm").connect()
            except SMBException:
                continue
            finally:
                link.disconnect()

    def _pdbedit(self, *arguments: str, given: str = "") -> str:
        done = subprocess.run(
            ["pdbedit", f"--configfile={self._configuration}", *arguments],
            input=given,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"pdbedit {arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    def _await_listening(self) -> None:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            try:
                socket.create_connection((self.address, self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        log = self.folder / "smbd.log"
        said = log.read_text(errors="replace") if log.exists() else "no log"
        raise RuntimeError(f"smbd did not start on {self.address}:{self.port}:\n{said}")


def why_not() -> str:
    """Return why no Samba server can be started here; empty where one can."""
    if os.geteuid():
        return "smbd needs root"
    missing = [name for name in ("smbd", "pdbedit") if shutil.which(name) is None]
    return f"not installed: {', '.join(missing)} (tests/install_packages.sh)" if missing else ""


@contextmanager
def serving(
    folder: Path, address: str, port: int, accounts: Sequence[Account], *, name: str = "WINSMB"
) -> Iterator[SambaServer]:
    """Yield a running server; it is ended afterwards."""
    server = SambaServer(folder, address, port, accounts, name)
    try:
        server.start()
        yield server
    finally:
        server.stop()
