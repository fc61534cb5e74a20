# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares over the network as a machine sees them: reachability, sign-in by Win32 codes, mapped drives.

No SMB is spoken between machines of the lab: what would happen is read from the other machine's state. The codes are
those of Windows' public list; which of Site Recovery's errors they stand for is in the facts (section 10, unverified).
"""

from __future__ import annotations

import socket
from typing import Any

from .file_sharing import BAD_NET_NAME, BAD_NETPATH, LOGON_FAILURE, connect, door_open
from .state import WindowsMachine

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
        return door_open(target, port) and not target.booting
    address = target.address if target is not None else found[0]
    if not address.startswith("127."):
        return False
    try:
        with socket.create_connection((address, port), timeout=SECONDS):
            return True
    except OSError:
        return False


def sign_in(machine: WindowsMachine, root: str, user: str, password: str) -> int:
    """Return the Win32 code that mapping a share with an account would end with: 0 for success.

    A share of the fleet takes accounts of the domain; a machine's own ones answer as file_sharing.py says.
    """
    server, _slash, rest = root.strip("\\").partition("\\")
    if any(key.startswith(f"\\\\{server}\\".lower()) for key in machine.fleet.shares):
        return _fleet_share(machine, f"\\\\{server}\\{rest.partition(chr(92))[0]}", user, password)
    found = resolve(machine, server)
    target = machine.fleet.host(found[0]) if found else None
    if not isinstance(target, WindowsMachine):
        return BAD_NETPATH
    return connect(target, user, password, rest.partition("\\")[0])


def _fleet_share(machine: WindowsMachine, share: str, user: str, password: str) -> int:
    if share.lower() not in machine.fleet.shares:
        return BAD_NET_NAME
    name = user.rpartition("\\")[2].partition("@")[0].lower()
    known = [each for each in machine.fleet.domain_accounts() if each.username.lower() == name]
    return 0 if known and known[0].password == password and known[0].enabled else LOGON_FAILURE
