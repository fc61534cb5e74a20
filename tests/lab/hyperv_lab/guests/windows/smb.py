# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares over the network as a machine sees them: reachability, sign-in by Win32 codes, mapped drives.

No SMB is spoken between machines of the lab: what would happen is read from the other machine's state. The codes are
those of Windows' public list; which of Site Recovery's errors they stand for is in the facts (section 10, unverified).
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from ...hyperv import accounts
from . import baseline
from .state import SERVICES_KEY, WindowsMachine

if TYPE_CHECKING:
    from ...hyperv.host import Host
    from ...world import Account

OK = 0
ACCESS_DENIED, BAD_PATH, BAD_NAME = 5, 53, 67
LOGON_FAILURE, ACCOUNT_DISABLED, ACCOUNT_LOCKED = 1326, 1331, 1909
NO_LOGON_SERVERS, TRUST_FAILURE, NETLOGON_STOPPED = 1311, 1789, 1792
SECONDS = 2.0
"""How long a real connection to a loopback address may take."""


def drives(session: Any) -> dict[str, str]:
    """Return the drives that a session mapped, by name."""
    mapped: dict[str, str] = vars(session).setdefault("mapped_drives", {})
    return mapped


def may_use_share(session: Any, path: str) -> bool:
    """Return whether a session may use a path: a local one, or a share it can sign in to.

    Without credentials that can be passed on (CredSSP) only a mapped drive helps: the second hop is refused otherwise.
    """
    if not path.startswith("\\\\"):
        return True
    if session.identity is None or session.identity.delegable:
        return True
    return any(path.lower().startswith(root.lower().rstrip("\\")) for root in drives(session).values())


def resolve(machine: WindowsMachine, name: str) -> list[str]:
    """Return the IPv4 addresses that a name has on a machine; none where it doesn't resolve."""
    plain = name.strip().lower().rstrip(".")
    windows = machine.windows
    if _is_address(plain):
        return [plain]
    own = plain in (machine.name.lower(), machine.fqdn.lower(), "localhost")
    if plain in windows.unresolved or ("*" in windows.unresolved and not own):
        return []
    for known in (plain, plain.partition(".")[0]):
        if known in windows.names and (known == plain or own):
            return [windows.names[known]]
    if plain == "localhost":
        return ["127.0.0.1"]
    server = machine.fleet.asr.find(plain)
    if server is not None:
        return [server.address]
    host = machine.fleet.host(plain)
    if host is None or (isinstance(host, WindowsMachine) and not host.windows.ipv4):
        return []
    return [str(interface.ip) for interface in host.network.addresses]


def _is_address(text: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET, text)
    except OSError:
        return False
    return True


def connects(machine: WindowsMachine, name: str, port: int) -> bool:
    """Return whether a TCP connection from a machine to a name or address would be accepted now.

    Ports of Windows itself are judged by the other machine's firewall and services; others are really connected to,
    where the address is a loopback one of the fleet. Nothing else answers.
    """
    if port in machine.windows.blocked_ports:
        return False
    found = resolve(machine, name)
    if not found:
        return False
    target = machine.fleet.host(found[0])
    if isinstance(target, WindowsMachine) and port in (135, 139, 445):
        return _windows_port(target, port)
    address = target.address if target is not None else found[0]
    if not address.startswith("127."):
        return False
    try:
        with socket.create_connection((address, port), timeout=SECONDS):
            return True
    except OSError:
        return False


def _windows_port(target: WindowsMachine, port: int) -> bool:
    rule, service = {
        135: ("WMI-RPCSS-In-TCP", "rpcss"),
        139: ("FPS-NB_Session-In-TCP", "lanmanserver"),
        445: ("FPS-SMB-In-TCP", "lanmanserver"),
    }[port]
    known = target.services.get(service)
    opened = any(target.firewall.get(name, False) for name in (rule, rule + "-NoScope"))
    return opened and known is not None and known.status == "Running" and not target.booting


def sign_in(machine: WindowsMachine, root: str, user: str, password: str) -> int:
    """Return the Win32 code that mapping a share with an account would end with; each try is counted on the target."""
    server, _slash, rest = root.strip("\\").partition("\\")
    share = rest.partition("\\")[0]
    if not resolve(machine, server):
        known = next((key for key in machine.fleet.shares if key.startswith(f"\\\\{server}\\".lower())), None)
        return _fleet_share(machine, root, user, password) if known else BAD_PATH
    if not (connects(machine, server, 445) or connects(machine, server, 139)):
        return BAD_PATH
    target = machine.fleet.host(resolve(machine, server)[0])
    if not isinstance(target, WindowsMachine):
        return BAD_PATH
    target.counts["smb_sign_ins"] += 1
    code = _log_on(target, user, password)
    return code or _share(target, share, user)


def _fleet_share(machine: WindowsMachine, root: str, user: str, password: str) -> int:
    names = [f"\\\\{part}".lower() for part in ("\\".join(root.strip("\\").split("\\")[:2]),)]
    if names[0] not in machine.fleet.shares:
        return BAD_NAME
    account = _account(machine.fleet.domain_accounts(), user.rpartition("\\")[2].partition("@")[0])
    return OK if account is not None and account.password == password else LOGON_FAILURE


def _log_on(target: WindowsMachine, user: str, password: str) -> int:
    account = _local(target, user)
    if account is None and target.domain_joined:
        netlogon = target.services.get("netlogon")
        for code, broken in (
            (NETLOGON_STOPPED, netlogon is None or netlogon.status != "Running"),
            (NO_LOGON_SERVERS, not target.windows.logon_server),
            (TRUST_FAILURE, not target.windows.trust),
        ):
            if broken:
                return code
        account = _account(target.fleet.domain_accounts(), user.rpartition("\\")[2].partition("@")[0])
    if account is None or account.password != password:
        target.counts["smb_refused"] += 1
        return LOGON_FAILURE
    if account.sid in target.windows.locked:
        return ACCOUNT_LOCKED
    return OK if account.enabled else ACCOUNT_DISABLED


def _local(target: Host, user: str) -> Account | None:
    domain, slash, name = user.rpartition("\\")
    own = (".", "workgroup", target.name.lower())
    if "@" in user or (slash and domain.lower() not in own):
        return None
    return _account(target.local_accounts(), name)


def _account(known: Any, name: str) -> Account | None:
    found: Account | None = next((one for one in known if one.username.lower() == name.lower()), None)
    return found


def _share(target: WindowsMachine, share: str, user: str) -> int:
    parameters = f"{SERVICES_KEY}\\LanmanServer\\Parameters"
    administrative = share.upper() in ("ADMIN$", *(name[0] + "$" for name in target.storage.volumes))
    if not administrative or target.registry.data(parameters, "AutoShareServer") == 0:
        return BAD_NAME
    local = _local(target, user)
    account = local or _account(target.fleet.domain_accounts(), user.rpartition("\\")[2].partition("@")[0])
    if account is None or accounts.ADMINISTRATORS not in accounts.token_groups(target, account):
        return ACCESS_DENIED
    filtered = target.registry.data(baseline.POLICIES, "LocalAccountTokenFilterPolicy") != 1
    if local is not None and filtered and not account.sid.endswith("-500"):
        return ACCESS_DENIED
    return OK
