# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that the stand-ins bring and take away, with their keys in the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import services
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


def add_agent_services(machine: WindowsMachine, *, running: bool) -> None:
    """Make the agent's services; an existing one keeps its way of starting."""
    for name in AGENT_SERVICES:
        known = machine.services.get(name.lower())
        services.add(
            machine,
            name,
            display=_DISPLAYS[name],
            path=f'"{agent_path(machine, _IMAGES[name])}"',
            status="Running" if running else "Stopped",
            start=known.start if known else "Automatic",
        )
    guest = agent_path(machine, "WindowsAzureGuestAgent.exe")
    services.add(machine, AZURE_GUEST_AGENT, display="Windows Azure Guest Agent", path=f'"{guest}"', status="Stopped")


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
