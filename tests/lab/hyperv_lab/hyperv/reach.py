# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files somebody on a machine reaches: its own, those on shares of the fleet, those on shares of other machines.

A session comes to another machine as who it signed in as only if its credentials can be passed on (CredSSP); else as
nobody, unless it made a connection with a PSCredential (New-PSDrive, New-SmbMapping). Services of the machine come with
its computer account.
"""

from __future__ import annotations

import ntpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import sharing
from .sharing import ACCESS_DENIED, BAD_NET_NAME, BAD_NETPATH, CREDENTIAL_CONFLICT, FULL, LOGON_FAILURE, ShareRefused
from .storage import NoSuchPath

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..world import Account
    from .host import Host
    from .storage import File, Volume


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a path leads: the machine whose disks it is on, the path there, and what may be done."""

    host: Host
    path: str
    right: int = FULL

    @property
    def volume(self) -> Volume:
        """Return the volume; raises NoSuchPath."""
        return self.host.storage.volume(self.path)

    @property
    def file(self) -> File | None:
        """Return the file, None where there is none."""
        return self.host.storage.file(self.path)

    @property
    def is_folder(self) -> bool:
        """Return whether it is a folder."""
        return self.host.storage.folder_exists(self.path)

    def below(self, name: str) -> Place:
        """Return an entry of this folder."""
        return Place(host=self.host, path=ntpath.join(self.path, name), right=self.right)


def drives(session: Any) -> dict[str, str]:
    """Return the drives that a session mapped: name in lower case -> root."""
    mapped: dict[str, str] = vars(session).setdefault("mapped_drives", {})
    return mapped


def connections(session: Any) -> dict[str, Account]:
    """Return with whose credentials a session is connected: name of the machine -> account."""
    known: dict[str, Account] = vars(session).setdefault("connections", {})
    return known


def unrolled(session: Any, path: str) -> str:
    """Return a path whose drive is a mapped one with the drive's root in its place."""
    name, colon, rest = path.partition(":")
    root = drives(session).get(name.lower()) or drives(session).get(name.lower() + ":") if colon else None
    return path if root is None else ntpath.join(root, rest.lstrip("\\")) if rest.strip("\\") else root


def place(session: Any, path: str) -> Place:
    """Return where a path leads for a session; raises ShareRefused, or NoSuchPath for a drive that isn't there."""
    here: Host = session.host
    path = unrolled(session, path)
    if not path.startswith("\\\\"):
        here.storage.volume(path)
        return Place(host=here, path=path)
    server, share, below = sharing.split(path)
    if is_fleet_server(here, server):
        here.storage.volume(path)
        if session.identity is None or session.identity.delegable or _mapped(session, path):
            return Place(host=here, path=path)
        raise ShareRefused(ACCESS_DENIED)
    target = _target(here, server)
    found, right = sharing.enter(target, share, _token(session, target))
    return Place(host=target, path=sharing.inside(found, below), right=right)


def place_of_service(here: Host, path: str) -> Place:
    """Return where a path leads for a service of a machine (SYSTEM); raises ShareRefused or NoSuchPath."""
    if not path.startswith("\\\\"):
        here.storage.volume(path)
        return Place(host=here, path=path)
    server, share, below = sharing.split(path)
    if is_fleet_server(here, server):
        here.storage.volume(path)
        return Place(host=here, path=path)
    target = _target(here, server)
    found, right = sharing.enter(target, share, sharing.computer_token(here, target))
    return Place(host=target, path=sharing.inside(found, below), right=right)


def opens(here: Host, path: str) -> bool:
    """Return whether a service of a machine finds a file at a path and gets at it."""
    try:
        return place_of_service(here, path).file is not None
    except (ShareRefused, NoSuchPath):
        return False


def is_fleet_server(here: Host, server: str) -> bool:
    """Return whether a name is a file server of the fleet file (``shares`` at its top)."""
    return any(key.startswith(f"\\\\{server}\\".lower()) for key in here.storage.shares)


def _target(here: Host, server: str) -> Host:
    target = here.find_computer(server)
    if target is None:
        raise ShareRefused(BAD_NETPATH)
    return target


def _mapped(session: Any, path: str) -> bool:
    return any(path.lower().startswith(root.lower().rstrip("\\")) for root in drives(session).values())


def _token(session: Any, target: Host) -> frozenset[str]:
    connected = connections(session).get(target.name)
    if connected is not None:
        return sharing.token(target, connected)
    identity = session.identity
    if identity is None:  # tests that ask as nobody in particular may do everything
        return frozenset(sid for share in sharing.shares_of(target).values() for sid, _right in share.access)
    if target is session.host:
        return frozenset({identity.account.sid, *identity.groups})
    account = identity.account
    if identity.delegable and target.domain_joined:
        return sharing.token(target, account)
    if identity.method == "credssp" and account.domain is None:
        return sharing.token(target, sharing.sign_in(target, account.username, account.password))
    raise ShareRefused(ACCESS_DENIED)


def open_connection(session: Any, root: str, user: str, password: str) -> int:
    """Connect a session to a share with an account; return the Win32 code, 0 for success."""
    here: Host = session.host
    server, share, _below = sharing.split(root)
    if is_fleet_server(here, server):
        return _fleet_share(here, f"\\\\{server}\\{share}", user, password)
    try:
        target = _target(here, server)
        account = sharing.sign_in(target, user, password)
        known = connections(session).get(target.name)
        if known is not None and known.sid != account.sid:
            return CREDENTIAL_CONFLICT
        sharing.enter(target, share, sharing.token(target, account))
    except ShareRefused as refused:
        return refused.code
    connections(session)[target.name] = account
    return 0


def close_connection(session: Any, root: str) -> None:
    """Forget the account of a connection when no drive of the session needs it any more."""
    server = sharing.split(root)[0]
    here: Host = session.host
    target = here.find_computer(server)
    if target is None:
        return
    used = [here.find_computer(sharing.split(each)[0]) for each in drives(session).values() if each.startswith("\\\\")]
    if target not in used:
        connections(session).pop(target.name, None)


def _fleet_share(here: Host, share: str, user: str, password: str) -> int:
    if share.lower() not in here.storage.shares:
        return BAD_NET_NAME
    name = user.rpartition("\\")[2].partition("@")[0].lower()
    known = [each for each in here.fleet.domain_accounts() if each.username.lower() == name]
    return 0 if known and known[0].password == password and known[0].enabled else LOGON_FAILURE


class Reach:
    """The files of a session, by paths as its commands write them. What can't be reached isn't there."""

    def __init__(self, session: Any) -> None:
        self.session = session

    def place(self, path: str) -> Place | None:
        """Return where a path leads, None where it can't be reached."""
        try:
            return place(self.session, path)
        except (ShareRefused, NoSuchPath):
            return None

    def refused(self, path: str) -> int:
        """Return the Win32 code with which a share refuses, 0 where it doesn't."""
        try:
            place(self.session, path)
        except ShareRefused as refused:
            return refused.code
        except NoSuchPath:
            return 0
        return 0

    def file(self, path: str) -> File | None:
        """Return the file at a path, or None."""
        found = self.place(path)
        return found.file if found else None

    def is_folder(self, path: str) -> bool:
        """Return whether a path is a folder."""
        found = self.place(path)
        return found is not None and found.is_folder

    def exists(self, path: str) -> bool:
        """Return whether a path is a file or a folder."""
        found = self.place(path)
        return found is not None and found.host.storage.exists(found.path)

    def children(self, path: str) -> Iterator[tuple[str, File | None]]:
        """Yield the entries of a folder by paths in the caller's form: (path, file or None for a folder)."""
        found = self.place(path)
        if found is None:
            return
        for child, file in list(found.volume.children(found.path)):
            yield ntpath.join(path, ntpath.basename(child)), file
