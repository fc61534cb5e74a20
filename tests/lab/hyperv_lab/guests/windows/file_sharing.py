# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Windows machine answers to somebody who connects to one of its shares, as Win32 codes (MS-ERREF 2.2).

The order of the answers (door, account, share, right) is general practice. An administrator of the machine itself other
than the built-in one has a filtered token over the network unless LocalAccountTokenFilterPolicy is 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...hyperv import accounts
from .baseline import POLICIES

if TYPE_CHECKING:
    from ...world import Account
    from .state import WindowsMachine

ACCESS_DENIED: Final = 5
BAD_NETPATH: Final = 53
BAD_NET_NAME: Final = 67
NO_LOGON_SERVERS: Final = 1311
LOGON_FAILURE: Final = 1326
ACCOUNT_DISABLED: Final = 1331
TRUSTED_RELATIONSHIP_FAILURE: Final = 1789
NETLOGON_NOT_STARTED: Final = 1792
ACCOUNT_LOCKED_OUT: Final = 1909
PARAMETERS: Final = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\LanmanServer\\Parameters"
DOORS: Final = {135: "WMI-RPCSS-In-TCP", 139: "FPS-NB_Session-In-TCP", 445: "FPS-SMB-In-TCP"}
SERVICES: Final = {135: "rpcss", 139: "lanmanserver", 445: "lanmanserver"}


def door_open(machine: WindowsMachine, port: int) -> bool:
    """Return whether a port of a push is let in by a rule of any profile, and its service runs."""
    rules = (DOORS[port], f"{DOORS[port]}-NoScope")
    service = machine.services.get(SERVICES[port])
    running = service is None or service.status == "Running"
    return running and any(machine.firewall.get(name, False) for name in rules)


def connect(machine: WindowsMachine, user: str, password: str, share: str) -> int:
    """Return the code of one sign-in and tree connect: 0 for success. A wrong password is counted."""
    if not door_open(machine, 445):
        return BAD_NETPATH
    account, code = _sign_in(machine, user, password)
    if account is None:
        return code
    if not _has_share(machine, share):
        return BAD_NET_NAME
    return 0 if _is_administrator(machine, account) else ACCESS_DENIED


def _sign_in(machine: WindowsMachine, user: str, password: str) -> tuple[Account | None, int]:
    spec = machine.fleet.directory_spec
    prefix, _, rest = user.rpartition("\\")
    plain, _, realm = rest.partition("@")
    of_domain = {spec.domain.lower(), spec.netbios.lower()}
    if machine.domain_joined and (prefix.lower() in of_domain or realm.lower() in of_domain):
        code = _domain_answers(machine)
        if code:
            return None, code
        return _checked(machine, list(spec.accounts), plain, password)
    return _checked(machine, list(machine.local), plain, password)


def _domain_answers(machine: WindowsMachine) -> int:
    if machine.services["netlogon"].status != "Running":
        return NETLOGON_NOT_STARTED
    if not machine.windows.logon_server:
        return NO_LOGON_SERVERS
    return 0 if machine.windows.trust else TRUSTED_RELATIONSHIP_FAILURE


def _checked(machine: WindowsMachine, known: list[Account], user: str, password: str) -> tuple[Account | None, int]:
    account = next((each for each in known if each.username.lower() == user.lower()), None)
    if account is not None and account.sid in machine.windows.locked:
        return None, ACCOUNT_LOCKED_OUT
    if account is None or account.password != password:
        machine.counts["wrong_passwords"] += 1
        return None, LOGON_FAILURE
    return (account, 0) if account.enabled else (None, ACCOUNT_DISABLED)


def _has_share(machine: WindowsMachine, share: str) -> bool:
    if machine.registry.data(PARAMETERS, "AutoShareServer", 1) == 0 or not share.endswith("$"):
        return False
    return share.upper() == "ADMIN$" or f"{share.removesuffix('$')}:".upper() in machine.storage.volumes


def _is_administrator(machine: WindowsMachine, account: Account) -> bool:
    if accounts.ADMINISTRATORS not in accounts.token_groups(machine, account):
        return False
    filtered = account.domain is None and not account.sid.endswith("-500")
    return not filtered or machine.registry.data(POLICIES, "LocalAccountTokenFilterPolicy", 0) == 1
