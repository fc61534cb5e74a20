# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows machines of a fleet file: its key ``windows_machines`` (README, "Windows machines")."""

from __future__ import annotations

import fnmatch
import ipaddress
import uuid
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ...hyperv import fleet_hosts
from ...hyperv.features import FEATURES
from ...hyperv.schema import FleetError, Section, merged
from . import baseline, disks, firewall, services
from .defects import DEFECTS
from .registry import Registry
from .state import MB, SERVICES_KEY, Windows, WindowsMachine
from .systems import NEWER, SYSTEMS

if TYPE_CHECKING:
    from ...hyperv.fleet import Addresses, Fleet

PUSH_ACCOUNT = "asrpush"
"""A local administrator that every machine has unless the file names accounts."""
DEFAULTS: dict[str, Any] = {
    "volumes": {"C": {"size_gb": 127, "free_gb": 80}},
    "winrm": {"connection": "psrp", "auth": "ntlm"},
    "accounts": [
        {"name": "Administrator", "password": "Lab-Passw0rd!", "groups": ["Administrators"]},
        {"name": PUSH_ACCOUNT, "password": "Lab-Push-1!", "groups": ["Administrators"]},
    ],
}
ROLES = ("configuration_server", "process_server")
STACKS = ("classic", "modernized")
STATES = ("Running", "Stopped", "Disabled", "StartPending", "Missing")
OWN_FEATURES = ("FileAndStorage-Services",)
"""Those of the features that a fresh machine has."""
_REPOSITORY = "C:\\ProgramData\\ASR\\home\\svsystems\\pushinstallsvc\\repository"


def build_machines(fleet: Fleet, top: Section, addresses: Addresses) -> None:
    """Add the Windows machines of the file to the fleet, after its hosts; raise FleetError."""
    for entry in top.sections("windows_machines"):
        for _number, name in fleet_hosts.names(entry):
            values = {key: value for key, value in entry.values.items() if key not in ("count", "first", "name")}
            section = Section(merged(DEFAULTS, values), entry.where)
            _add(fleet, section, fleet_hosts.computer_name(fleet, section, name), addresses)


def _defects(section: Section, os: str) -> list[str]:
    """Return the defects named; raise FleetError for an unknown one, or one that this system can't have."""
    defects = section.texts("defects")
    for name in defects:
        if name not in DEFECTS:
            raise FleetError(f"{section.where}.defects: {name!r} is none of {', '.join(DEFECTS)}")
        if DEFECTS[name].os and os not in DEFECTS[name].os:
            raise FleetError(f"{section.where}.defects: {name!r} is only for {', '.join(DEFECTS[name].os)}")
    return defects


def _add(fleet: Fleet, section: Section, name: str, addresses: Addresses) -> None:
    os = section.choice("os", SYSTEMS, "2022")
    defects = _defects(section, os)
    machine = WindowsMachine(
        fleet,
        name,
        edition=os,
        language=section.choice("language", ("en", "fr"), "en"),
        address=section.text("address", addresses.of(len(fleet.hosts))),
        windows=_windows(os, name, section),
    )
    machine.alias = section.text("alias", name.lower())
    needs_domain = any(DEFECTS[defect].domain for defect in defects)
    machine.domain_joined = section.flag("domain_joined", needs_domain)
    if needs_domain and not machine.domain_joined:
        raise FleetError(f"{section.where}.domain_joined: false, but {', '.join(defects)} needs a domain")
    machine.memory = section.whole("memory_mb", 8192, least=128) * MB
    machine.windows.memory_free = section.whole("memory_free_mb", machine.memory // MB // 2) * MB
    row, column = divmod(len(fleet.hosts), 250)
    machine.network.addresses.append(ipaddress.ip_interface(f"10.{120 + row}.0.{column + 1}/16"))
    _contents(fleet, machine, section)
    fleet_hosts.read_winrm(machine, section.section("winrm"), addresses)
    fleet_hosts.read_accounts(machine, section)
    if not machine.winrm.user:
        machine.winrm.user = machine.local[0].username
    _differences(machine, section)
    machine.faults.planned = [fleet_hosts.read_fault(entry, machine) for entry in section.sections("faults")]
    agent = section.section("agent")
    section.close()
    fleet.hosts[name] = machine
    if agent.values:
        _agent(fleet, machine, agent)
    for defect in defects:
        DEFECTS[defect].cause(machine)


def _windows(os: str, name: str, section: Section) -> Windows:
    system = SYSTEMS[os]
    own = uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.windows.lab")
    windows = Windows(
        os=os,
        version=system.version,
        caption=(system.caption, system.caption),
        uuid=own,
        serial=str(own.int)[:12],
        asset_tag=section.text("asset_tag", "No Asset Tag"),
        hotfixes=[*system.hotfixes],
        role=section.choice("role", ROLES, ""),
        defects=tuple(section.texts("defects")),
        names={key.lower(): str(value) for key, value in section.mapping("names").items()},
    )
    windows.defender.present = os in NEWER
    windows.defender.exclusions = [*baseline.AGENT_FOLDERS] if os in NEWER else []
    return windows


def _contents(fleet: Fleet, machine: WindowsMachine, section: Section) -> None:
    """Give the machine what a fresh one has: volumes, disks, files, registry, services, rules."""
    os = machine.windows.os
    fleet_hosts.read_volumes(fleet, machine, section)
    system_drive = machine.storage.volumes["C:"]
    for file in baseline.files(os):
        system_drive.put(file, check=False)
    for folder in baseline.folders():
        system_drive.make_folder(folder)
    machine.windows.disks = disks.fresh({name: volume.size for name, volume in machine.storage.volumes.items()})
    machine.registry = Registry(baseline.registry(os))
    machine.services = {service.name.lower(): service for service in services.fresh(os)}
    machine.firewall = firewall.Firewall(machine.registry)
    machine.features = {name: "Installed" if name in OWN_FEATURES else "Available" for name in FEATURES}
    control = baseline.CONTROL
    for key in ("ComputerName", "ActiveComputerName"):
        machine.registry.set(f"{control}\\ComputerName\\{key}", "ComputerName", machine.name)
    domain = fleet.directory_spec.domain if machine.domain_joined else ""
    machine.registry.set(f"{SERVICES_KEY}\\Tcpip\\Parameters", "Hostname", machine.name.lower())
    machine.registry.set(f"{SERVICES_KEY}\\Tcpip\\Parameters", "Domain", domain)
    if machine.domain_joined:
        machine.set_service("Netlogon", status="Running", start="Automatic")
    if section.choice("firmware", ("bios", "uefi"), "bios") == "uefi":
        disks.make_uefi(machine)
    if machine.windows.role:
        _server(machine)


def _server(machine: WindowsMachine) -> None:
    """Make it a configuration server, or a scale-out process server: the parts that a push installation uses."""
    configuration = machine.windows.role == "configuration_server"
    names = ["InMage PushInstall", "ProcessServer", *(["tmansvc"] if configuration else [])]
    for name in names:
        services.add(machine, name, path=f"C:\\ProgramData\\ASR\\home\\svsystems\\bin\\{name.split()[0]}.exe")
    machine.files.make_folder(_REPOSITORY)
    machine.files.write("C:\\ProgramData\\ASR\\home\\svsystems\\pushinstallsvc\\OS_details.sh", b"#!/bin/sh\n")
    if configuration:
        for program in ("cspsconfigtool", "genpassphrase"):
            machine.files.write(f"C:\\ProgramData\\ASR\\home\\svsystems\\bin\\{program}.exe", b"")


def _registry(machine: WindowsMachine, section: Section) -> None:
    for path, values in section.mapping("registry").items():
        if values is None:
            machine.registry.delete_key(str(path))
            continue
        machine.registry.create(str(path))
        for name, data in Section(values, f"{section.where}.registry").values.items():
            if data is None:
                machine.registry.delete_value(str(path), str(name))
            elif isinstance(data, str | int | list):
                machine.registry.set(str(path), str(name), data)
            else:
                raise FleetError(f"{section.where}.registry: {name}: {data!r} is no text, number or list")


def _differences(machine: WindowsMachine, section: Section) -> None:
    _registry(machine, section)
    for name, state in section.mapping("services").items():
        if state not in STATES or name.lower() not in machine.services:
            known = ", ".join(service.name for service in machine.services.values())
            raise FleetError(f"{section.where}.services: {name}: {state} (states: {', '.join(STATES)}; known: {known})")
        services.put_in_state(machine, name, state)
    for pattern, enabled in section.mapping("firewall").items():
        names = [rule for rule in machine.firewall if fnmatch.fnmatchcase(rule.lower(), str(pattern).lower())]
        if not names or not isinstance(enabled, bool):
            raise FleetError(f"{section.where}.firewall: {pattern}: {enabled} (known: {', '.join(machine.firewall)})")
        machine.firewall.update(dict.fromkeys(names, enabled))
    for path, content in section.mapping("files").items():
        machine.files.write(str(path), str(content))
    for name, there in section.mapping("programs").items():
        path = f"C:\\Windows\\System32\\{name}.exe"
        if there is not False or not machine.files.delete(path):
            raise FleetError(f"{section.where}.programs: {name}: {there} (only ``false``, for a program of System32)")


def _agent(fleet: Fleet, machine: WindowsMachine, part: Section) -> None:
    version = part.text("version")
    stack = part.choice("stack", STACKS, "classic")
    server = part.text("registered_with", None)
    part.close()
    if server is not None and fleet.asr.find(server) is None:
        raise FleetError(f"{part.where}.registered_with: there is no Site Recovery server {server!r}")
    try:
        state = import_module(".agent_state", __package__)
    except ModuleNotFoundError:
        raise FleetError(f"{part.where}: this lab can't place agents yet") from None
    state.place(machine, version=version, stack=stack, registered_with=server)
