# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a machine look like one with an agent, and what the lab's ``state`` says about its agent."""

from __future__ import annotations

import json
import ntpath
from typing import TYPE_CHECKING, Any

from .. import servers
from . import services, vendor, vendor_setup, vendor_vss
from .package import stand_in
from .vendor import INSTALLED_KEY
from .vendor_configurator import STATUS
from .vendor_services import add_agent_services, add_driver, remove_driver

if TYPE_CHECKING:
    from .state import WindowsMachine

_LONGEST_SECRET_FILE = 4096


def place(machine: WindowsMachine, *, version: str, stack: str = "classic", registered_with: str | None = None) -> None:
    """Make the machine look as if that agent had been installed, and registered if a server is named.

    ``stack`` is "classic" or "modernized". ValueError for an unknown server or one of the other stack.
    """
    kind = servers.APPLIANCE if stack == "modernized" else servers.CONFIGURATION_SERVER
    server = machine.fleet.asr.find(registered_with, kind) if registered_with else None
    if registered_with and server is None:
        raise ValueError(f"{machine.name}: asr has no {kind} {registered_with!r}")
    location = vendor.DEFAULT_DIRECTORY
    for name, program in vendor_setup.PROGRAM_FILES.items():
        machine.files.write(ntpath.join(location, "agent", name), stand_in(program, version))
    for name, size in vendor_setup.OTHER_FILES.items():
        machine.files.write(ntpath.join(location, "agent", name), b"", size=size)
    vendor_setup.enter(machine, version, location)
    add_driver(machine)
    add_agent_services(machine, running=True)
    vendor_vss.register(machine)
    machine.notes[vendor_setup.LOADED] = (machine.boots, version)
    values = vendor_setup.new_settings(machine, kind_to_cs_type(kind), "VmWare", "MS")
    machine.registry.set(INSTALLED_KEY, "PostInstallActions", "Succeeded")
    if server is not None:
        server.register(machine.name, values["HostId"], at=machine.fleet.clock.now())
        machine.registry.set(INSTALLED_KEY, STATUS, "Succeeded")
        if kind == servers.APPLIANCE:
            values |= {"ApplianceName": server.name, "ResourceId": f"{values['HostId']}-{server.name}".lower()}
            path = vendor.settings_path(machine, "SourceConfig.json")
            machine.files.write(path, json.dumps(server.source_config()))
        else:
            values |= {"Hostname": server.address, "Port": str(server.port)}
    vendor.save_settings(machine, values)


def kind_to_cs_type(kind: str) -> str:
    """Return the CSType of agents of a kind of server."""
    return servers.MODERNIZED if kind == servers.APPLIANCE else servers.CLASSIC


def remove(machine: WindowsMachine) -> None:
    """Take the agent away as its uninstallation does; logs and the proxy's settings stay."""
    location = vendor.directory(machine)
    vendor_vss.remove(machine)
    for name in (vendor.AGENT_SERVICE, vendor.APPLICATION_SERVICE):
        services.remove(machine, name)
    remove_driver(machine)
    if location:
        machine.files.delete(ntpath.join(location, "agent"))
    for key in (vendor.UNINSTALL_KEY, INSTALLED_KEY, vendor.HOST_ID_KEY):
        machine.registry.delete_key(key)
    machine.notes.pop(vendor_setup.LOADED, None)


def describe(machine: WindowsMachine) -> dict[str, Any]:
    """Return what is true of the agent, in JSON types."""
    values = vendor.settings(machine)
    status = machine.registry.data(INSTALLED_KEY, STATUS)
    points_to = machine.fleet.asr.find(values.get("Hostname", ""))
    known = [server.name for server in machine.fleet.asr if machine.name.upper() in server.registered]
    return {
        "installed": vendor.installed_version(machine) is not None,
        "version": vendor.installed_version(machine),
        "directory": vendor.directory(machine),
        "stack": {"CSLegacy": "classic", "CSPrime": "modernized"}.get(values.get("CSType", "")),
        "platform": values.get("VmPlatform"),
        "post_install": machine.registry.data(INSTALLED_KEY, "PostInstallActions"),
        "registered": status == "Succeeded",
        "configuration_status": status,
        "registered_with": values.get("ApplianceName") or (points_to.name if points_to else values.get("Hostname")),
        "known_to": known,
        "vss_provider": vendor_vss.installed(machine),
        "times_installed": machine.counts["times_installed"],
        "times_upgraded": machine.counts["times_upgraded"],
        "times_registered": machine.counts["times_registered"],
        "times_uninstalled": machine.counts["times_uninstalled"],
        "passphrase_files": passphrase_files(machine),
    }


def passphrase_files(machine: WindowsMachine) -> list[str]:
    """Return the files of the machine's own volumes that hold a passphrase of the fleet."""
    secrets = [server.passphrase.encode() for server in machine.fleet.asr if server.passphrase]
    return sorted(
        file.path
        for volume in machine.storage.volumes.values()
        for file in list(volume.files.values())
        if file.content and len(file.content) <= _LONGEST_SECRET_FILE and any(each in file.content for each in secrets)
    )
