# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that the stand-ins bring and take away, with their keys in the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...hyperv.host import Service
from .state import START_NUMBERS
from .vendor import (
    AGENT_SERVICE,
    APPLICATION_SERVICE,
    AZURE_GUEST_AGENT,
    DISK_CLASS_KEY,
    DRIVER,
    SERVICES_KEY,
    agent_path,
)

if TYPE_CHECKING:
    from .state import WindowsMachine

AGENT_SERVICES = (AGENT_SERVICE, APPLICATION_SERVICE)
_DISPLAYS = {AGENT_SERVICE: "InMage Scout VX Agent - Sentinel/Outpost", APPLICATION_SERVICE: APPLICATION_SERVICE}
_IMAGES = {AGENT_SERVICE: "svagents.exe", APPLICATION_SERVICE: "appservice.exe"}


def add_service(
    machine: WindowsMachine, name: str, *, display: str, image: str, status: str, start: str = "Automatic"
) -> None:
    """Make a service, or give an existing one this state."""
    machine.services[name.lower()] = Service(
        name=name, display=(display, display), status=status, start=start, path=f'"{image}"'
    )
    key = f"{SERVICES_KEY}\\{name}"
    machine.registry.set(key, "DisplayName", display)
    machine.registry.set(key, "ImagePath", f'"{image}"', "ExpandString")
    machine.registry.set(key, "Start", START_NUMBERS[start])
    machine.registry.set(key, "Type", 0x10)
    machine.fleet.clock.notify()


def remove_service(machine: WindowsMachine, name: str) -> None:
    """Take a service and its key away."""
    machine.services.pop(name.lower(), None)
    machine.registry.delete_key(f"{SERVICES_KEY}\\{name}")
    machine.fleet.clock.notify()


def add_agent_services(machine: WindowsMachine, *, running: bool) -> None:
    """Make the agent's services; an existing one keeps its way of starting."""
    for name in AGENT_SERVICES:
        known = machine.services.get(name.lower())
        add_service(
            machine,
            name,
            display=_DISPLAYS[name],
            image=agent_path(machine, _IMAGES[name]),
            status="Running" if running else "Stopped",
            start=known.start if known else "Automatic",
        )
    guest = agent_path(machine, "WindowsAzureGuestAgent.exe")
    add_service(machine, AZURE_GUEST_AGENT, display="Windows Azure Guest Agent", image=guest, status="Stopped")


def set_agent_services(machine: WindowsMachine, status: str) -> bool:
    """Start or stop the agent's services; False where one is missing or disabled."""
    whole = True
    for name in AGENT_SERVICES:
        service = machine.services.get(name.lower())
        if service is None or (status == "Running" and service.start == "Disabled"):
            whole = False
        else:
            machine.set_service(name, status=status)
    return whole


def add_driver(machine: WindowsMachine) -> None:
    """Make the filter driver's key and put it among the upper filters of disks."""
    key = f"{SERVICES_KEY}\\{DRIVER}"
    machine.registry.set(key, "ImagePath", "system32\\drivers\\InDskFlt.sys", "ExpandString")
    machine.registry.set(key, "Start", 0)
    machine.registry.set(key, "Type", 1)
    filters = upper_filters(machine)
    if DRIVER.lower() not in [each.lower() for each in filters]:
        machine.registry.set(DISK_CLASS_KEY, "UpperFilters", [*filters, DRIVER])


def remove_driver(machine: WindowsMachine) -> None:
    """Take the filter driver away."""
    machine.registry.delete_key(f"{SERVICES_KEY}\\{DRIVER}")
    filters = upper_filters(machine)
    if filters:
        machine.registry.set(DISK_CLASS_KEY, "UpperFilters", [each for each in filters if each != DRIVER])


def upper_filters(machine: WindowsMachine) -> list[str]:
    """Return the upper filters of disks."""
    found = machine.registry.data(DISK_CLASS_KEY, "UpperFilters", ())
    return list(found) if isinstance(found, tuple) else [str(found)]
