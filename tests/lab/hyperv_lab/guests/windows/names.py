# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which names resolve on a Windows machine: the fleet's machines and servers, unless the fleet file says otherwise."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .state import WindowsMachine


def resolve(machine: WindowsMachine, name: str) -> str | None:
    """Return the address of a name as the machine sees it; None where it doesn't resolve. An address is its own."""
    plain = name.strip().rstrip(".").lower()
    try:
        return str(ipaddress.ip_address(plain))
    except ValueError:
        pass
    windows = machine.windows
    if plain in windows.names:
        return windows.names[plain]
    if plain == "localhost":
        return "127.0.0.1"
    host = machine.fleet.host(plain)
    if host is machine:
        return machine.address
    if plain in windows.unresolved or "*" in windows.unresolved:
        return None
    if host is not None:
        return host.address
    server = machine.fleet.asr.find(plain)
    return server.address if server else None


def reverse(machine: WindowsMachine, address: str) -> str | None:
    """Return the name that an address means; None where it has none."""
    if "*" in machine.windows.unresolved:
        return None
    host = machine.fleet.host(address)
    if host is not None:
        return host.fqdn
    server = machine.fleet.asr.find(address)
    return server.name if server else None
