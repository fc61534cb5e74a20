# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares of a machine and who gets into them, as Win32 codes (MS-ERREF 2.2).

No SMB is spoken between machines of the lab: what would happen is read from the other machine's state. The order of
the answers (door, account, share, right) is general practice. An administrator of the machine itself other than the
built-in one has a filtered token over the network unless LocalAccountTokenFilterPolicy is 1.
"""

from __future__ import annotations

import ntpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from . import accounts

if TYPE_CHECKING:
    from ..world import Account
    from .host import Host

ACCESS_DENIED: Final = 5
BAD_NETPATH: Final = 53
BAD_NET_NAME: Final = 67
CREDENTIAL_CONFLICT: Final = 1219
LOGON_FAILURE: Final = 1326
ACCOUNT_DISABLED: Final = 1331
ACCOUNT_LOCKED_OUT: Final = 1909
DOORS: Final = {135: "WMI-RPCSS-In-TCP", 139: "FPS-NB_Session-In-TCP", 445: "FPS-SMB-In-TCP"}
SERVICES: Final = {135: "rpcss", 139: "lanmanserver", 445: "lanmanserver"}
READ, CHANGE, FULL = 1, 2, 3
RIGHTS: Final = {"read": READ, "change": CHANGE, "full": FULL}
EVERYONE, AUTHENTICATED = "S-1-1-0", "S-1-5-11"


class ShareRefused(Exception):
    """A share that can't be used: the Win32 code."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Share:
    """A share of a machine. The rights of the folder itself (NTFS) aren't played: these are all."""

    name: str
    path: str
    access: tuple[tuple[str, int], ...] = ((accounts.ADMINISTRATORS, FULL),)
    """SIDs and what they may."""
    special: bool = False

    def right(self, groups: frozenset[str]) -> int:
        """Return the most that a token may, 0 for nothing."""
        return max((right for sid, right in self.access if sid in groups), default=0)


def door_open(machine: Host, port: int) -> bool:
    """Return whether a port of a push is let in by a rule of any profile, and its service runs."""
    rules = (DOORS[port], f"{DOORS[port]}-NoScope")
    service = machine.services.get(SERVICES[port])
    running = service is None or service.status == "Running"
    return running and any(machine.firewall.get(name, False) for name in rules)


def shares_of(machine: Host) -> dict[str, Share]:
    """Return every share of a machine by lower-case name, administrative ones too."""
    found: dict[str, Share] = {}
    if machine.has_administrative_shares():
        rows = [("ADMIN$", "C:\\Windows"), *((name[0] + "$", name + "\\") for name in machine.storage.volumes)]
        found = {name.lower(): Share(name=name, path=path, special=True) for name, path in rows}
    return found | machine.shares


def sign_in(machine: Host, user: str, password: str) -> Account:
    """Return the account that a name and a password are on a machine; raises ShareRefused. Wrong ones are counted."""
    if not door_open(machine, 445) or machine.booting:
        raise ShareRefused(BAD_NETPATH)
    spec = machine.fleet.directory_spec
    prefix, _, rest = user.rpartition("\\")
    plain, _, realm = rest.partition("@")
    of_domain = {spec.domain.lower(), spec.netbios.lower()}
    if machine.domain_joined and (prefix.lower() in of_domain or realm.lower() in of_domain):
        code = machine.domain_answers()
        if code:
            raise ShareRefused(code)
        return _checked(machine, list(spec.accounts), plain, password)
    return _checked(machine, list(machine.local), plain, password)


def _checked(machine: Host, known: list[Account], user: str, password: str) -> Account:
    account = next((each for each in known if each.username.lower() == user.lower()), None)
    if account is not None and machine.is_locked_out(account):
        raise ShareRefused(ACCOUNT_LOCKED_OUT)
    if account is None or account.password != password:
        machine.wrong_password()
        raise ShareRefused(LOGON_FAILURE)
    if not account.enabled:
        raise ShareRefused(ACCOUNT_DISABLED)
    return account


def token(machine: Host, account: Account) -> frozenset[str]:
    """Return the SIDs of an account's token over the network: remote UAC takes Administrators from local ones."""
    groups = {account.sid, *accounts.token_groups(machine, account)}
    built_in = account.sid.endswith("-500")
    if account.domain is None and not built_in and machine.filters_local_administrators():
        groups.discard(accounts.ADMINISTRATORS)
    return frozenset(groups)


def computer_sid(machine: Host) -> str:
    """Return the SID of a machine's account in the domain."""
    return accounts.group_sid(machine.fleet.directory_spec.domain, machine.name + "$")


def computer_token(caller: Host, target: Host) -> frozenset[str]:
    """Return the SIDs with which services of one machine (SYSTEM) come to another: its account, none in a workgroup."""
    if caller is target:
        return frozenset({accounts.ADMINISTRATORS, EVERYONE, AUTHENTICATED})
    if not (caller.domain_joined and target.domain_joined):
        return frozenset()
    mine = computer_sid(caller)
    domain = accounts.group_sid(caller.fleet.directory_spec.domain, "Domain Computers")
    local = [sid for sid, members in target.groups.items() if {mine, domain} & set(members)]
    return frozenset({mine, domain, EVERYONE, AUTHENTICATED, *local})


def enter(machine: Host, share: str, groups: frozenset[str]) -> tuple[Share, int]:
    """Return a share and what a token may in it; raises ShareRefused."""
    if not door_open(machine, 445) or machine.booting:
        raise ShareRefused(BAD_NETPATH)
    found = shares_of(machine).get(share.lower())
    if found is None:
        raise ShareRefused(BAD_NET_NAME)
    right = found.right(groups)
    if not right:
        raise ShareRefused(ACCESS_DENIED)
    return found, right


def connect(machine: Host, user: str, password: str, share: str) -> int:
    """Return the code of one sign-in and tree connect: 0 for success. A wrong password is counted."""
    try:
        enter(machine, share, token(machine, sign_in(machine, user, password)))
    except ShareRefused as refused:
        return refused.code
    return 0


def split(path: str) -> tuple[str, str, str]:
    """Return server, share and the rest of a UNC path (texts may be empty)."""
    server, _, rest = path.lstrip("\\").partition("\\")
    share, _, below = rest.partition("\\")
    return server, share, below


def inside(share: Share, below: str) -> str:
    """Return the path on the machine's own disks that a path below a share means."""
    path = ntpath.normpath(ntpath.join(share.path, below)) if below else share.path
    root = ntpath.normpath(share.path).rstrip("\\").lower()
    return path if f"{path.lower()}\\".startswith(root + "\\") else share.path
