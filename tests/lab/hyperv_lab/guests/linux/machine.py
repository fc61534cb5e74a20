# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Linux machine of a fleet: what the fleet file says of it. Read it by ``parse``."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...hyperv.schema import FleetError, Section, merged
from . import agent
from .defects import NEEDS_KEY, NEEDS_SUDO, known
from .rows import ROWS
from .traffic import SshTraffic

if TYPE_CHECKING:
    from pathlib import Path

    from ..servers import AsrServers
    from .agent import Agent
    from .rows import Row

PORT = 2222
PASSWORDS = {"root": "Lab-Root-1!", "admin": "Lab-Sudo-1!"}
BECOME = ("none", "sudo", "sudo_nopasswd")
SIGN_IN = ("password", "key")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """The connection that asks for the n-th command (from 1) is dropped when it starts, ``times`` times."""

    command: int
    times: int = 1


@dataclass(kw_only=True)
class LinuxMachine:
    """One machine. ``tree`` is where its files are while the lab serves it."""

    name: str
    row: Row
    address: str
    port: int = PORT
    become: str = "none"
    """ "none": Ansible signs in as root; "sudo": as admin, whose password sudo asks for; "sudo_nopasswd"."""
    sign_in: str = "password"
    defects: tuple[str, ...] = ()
    agent: Agent | None = None
    faults: tuple[Fault, ...] = ()
    passwords: dict[str, str] = field(default_factory=lambda: dict(PASSWORDS))
    tree: Path | None = None
    commands: int = 0
    """How many commands were asked for so far."""
    traffic: SshTraffic = field(default_factory=SshTraffic)

    @property
    def user(self) -> str:
        """Return the account that Ansible signs in with."""
        return "root" if self.become == "none" else "admin"


def parse(top: Section, base: str, hosts: int, servers: AsrServers) -> list[LinuxMachine]:
    """Return the machines of a fleet file's ``linux_machines``; raise FleetError.

    Addresses are counted up from those of the fleet's hosts, ``hosts`` of them, in the third block after.
    """
    from ...hyperv.fleet_hosts import names  # it needs the model, which needs us  # noqa: PLC0415

    found: list[LinuxMachine] = []
    for entry in top.sections("linux_machines"):
        for _number, name in names(entry):
            values = merged(entry.values)
            for key in ("count", "first", "name"):
                values.pop(key, None)
            machine = _machine(Section(values, entry.where), name, _address(base, hosts + len(found)), servers)
            if any(machine.name == other.name for other in found):
                raise FleetError(f"{entry.where}: machine {name!r} is there twice")
            found.append(machine)
    return found


def _address(base: str, number: int) -> str:
    row, column = divmod(number, 250)
    start = int(ipaddress.IPv4Address(base)) & ~0xFF
    return str(ipaddress.IPv4Address(start + row * 256 + column + 1))


def _machine(section: Section, name: str, address: str, servers: AsrServers) -> LinuxMachine:
    if not name or not name.replace("-", "").replace(".", "").isalnum() or len(name) > 63:
        raise FleetError(f"{section.where}.name: {name!r} is no host name (letters, digits, dots, dashes)")
    defects = known(section.texts("defects"), section.where)
    machine = LinuxMachine(
        name=name,
        row=ROWS[section.choice("os", tuple(ROWS))],
        address=section.text("address", address),
        port=section.whole("port", PORT, least=1),
        become=section.choice("become", BECOME, "sudo" if NEEDS_SUDO & set(defects) else "none"),
        sign_in=section.choice("sign_in", SIGN_IN, "key" if NEEDS_KEY & set(defects) else "password"),
        defects=defects,
        agent=agent.parse(section.section("agent"), servers),
        faults=tuple(_fault(each) for each in section.sections("faults")),
    )
    machine.passwords |= {str(key): str(value) for key, value in section.mapping("passwords").items()}
    section.close()
    return machine


def _fault(section: Section) -> Fault:
    fault = Fault(command=section.whole("command", least=1), times=section.whole("times", 1, least=1))
    section.close()
    return fault
