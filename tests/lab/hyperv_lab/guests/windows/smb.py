# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which names a Windows machine resolves, and which ports of other machines it gets through to."""

from __future__ import annotations

import socket

from ...hyperv.sharing import door_open
from .state import WindowsMachine

SECONDS = 2.0
"""How long a real connection to a loopback address may take."""


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
