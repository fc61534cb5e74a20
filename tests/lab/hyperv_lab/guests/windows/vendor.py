# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins of the Mobility service's programs: places, names and numbers that they share.

Where a literal comes from a published page or a vendor enumeration, facts (asr-mobility, sections 1 to 5) say which.
What is the lab's own assumption is listed in the lab's README.
"""

from __future__ import annotations

import contextlib
import enum
import json
import ntpath
import threading
import time
from typing import TYPE_CHECKING, Any

from ...hyperv.storage import DiskFull, NoSuchPath

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .state import WindowsMachine

PRODUCT = "{275197FC-14FD-4560-A5EB-38217F80CBD1}"
DISPLAY_NAME = "Microsoft Azure Site Recovery mobility Service/Master Target Server"
UNINSTALL_KEY = f"HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\{PRODUCT}"
INSTALLED_KEY = "HKLM\\SOFTWARE\\WOW6432Node\\InMage Systems\\Installed Products\\5"
HOST_ID_KEY = "HKLM\\SOFTWARE\\WOW6432Node\\SV Systems"
SERVICES_KEY = "HKLM\\SYSTEM\\CurrentControlSet\\Services"
DISK_CLASS_KEY = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Class\\{4d36e967-e325-11ce-bfc1-08002be10318}"
PROVIDERS_KEY = f"{SERVICES_KEY}\\VSS\\Providers"
PROVIDER_ID = "{3EB85257-E0B0-4788-A4A3-D39AA3D8F8FF}"
"""The provider's id in the lab (the real one isn't in the facts)."""
PROVIDER_SERVICE = "Azure Site Recovery VSS Provider"
AGENT_SERVICE, APPLICATION_SERVICE, DRIVER = "svagents", "InMage Scout Application Service", "InDskFlt"
AZURE_GUEST_AGENT = "WindowsAzureGuestAgent"
DEFAULT_DIRECTORY = "C:\\Program Files (x86)\\Microsoft Azure Site Recovery"
LOGS = "C:\\ProgramData\\ASRSetupLogs"
INSTALL_LOG = f"{LOGS}\\ASRUnifiedAgentInstaller.log"
CONFIGURATOR_LOG = f"{LOGS}\\ASRUnifiedAgentConfigurator.log"
PROXY_FILE = "C:\\ProgramData\\Microsoft Azure Site Recovery\\Config\\ProxyInfo.conf"
AZURE_ASSET_TAG = "7783-7084-3265-9085-8269-3286-77"
STACK_OPTIONS_SINCE = (9, 55)
"""First version whose stand-ins know /CSType and what else belongs to the modernized stack (an assumption)."""
VSS_WARNS_SINCE = (9, 23)
SYSTEM_DISKS_SINCE = (9, 20)
SHA2_SINCE = (9, 30)
SLOWEST = 30.0
"""Simulated seconds per second at which a stand-in works at least: a slow or standing clock doesn't stop it."""


class Exit(enum.IntEnum):
    """Exit codes of setup and configurator that the stand-ins use (facts, 2.1)."""

    SUCCESSFUL = 0
    FAILED = 1
    INVALID_COMMAND_LINE = 2
    INVALID_ARGUMENTS = 3
    INVALID_LOCATION = 10
    UPGRADE_NOT_SUPPORTED = 11
    DIFFERENT_CS = 13
    INVALID_PASSPHRASE_OR_END_POINT = 14
    DOWNGRADE = 15
    DOTNET = 16
    REGISTRATION_FAILED = 17
    INVALID_SOURCE_CONFIG = 19
    ALREADY_RUNNING = 41
    UNSUPPORTED_OS = 42
    STOP_SERVICES = 43
    START_SERVICES = 44
    VSS_FAILED = 45
    VSS_MEMORY = 50
    VSS_DATABASE_LOCKED = 51
    VSS_EXISTS = 52
    VSS_MARKED = 53
    VSS_CSCRIPT = 54
    VSS_PATH = 55
    RESTART_PENDING = 62
    VSS_PREREQUISITE = 63
    BOOT_DRIVERS = 64
    IS_ASR_SERVER = 65
    ROLE_CHANGE = 75
    PLATFORM_CHANGE = 76
    INVALID_PROXY = 78
    OUT_OF_MEMORY = 90
    WITH_ERRORS = 97
    WITH_WARNINGS = 98
    PREREQUISITES = 99
    BIOS_ID = 118
    PROXY_REGISTRATION = 129
    CONFIG_INPUT = 130
    UNCONFIGURE = 131


class Stopped(Exception):
    """The program was ended from outside; what it did so far stays."""


class Ends(Exception):
    """The program ends with a code; ``text`` goes to its log and its error output, ``errors`` to its errors JSON."""

    def __init__(self, code: int, text: str = "", *, errors: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(text)
        self.code, self.text, self.errors = code, text, list(errors)


def version_of(text: str) -> tuple[int, ...]:
    """Return a version's numbers; ValueError for what isn't one."""
    return tuple(int(part) for part in text.split("."))


def error(name: str, text: str, **parameters: Any) -> dict[str, Any]:
    """Return an entry of the errors JSON (facts, 1.4); names without their common beginning."""
    full = name if name.startswith("Configurator") else f"ASRMobilityService{name}"
    return {
        "error_name": full,
        "error_params": {key: str(value) for key, value in parameters.items()},
        "default_message": text,
    }


def write_errors(machine: WindowsMachine, path: str | None, errors: Sequence[dict[str, Any]]) -> None:
    """Write the errors JSON where a path was given; nothing where there is no room for it."""
    if path:
        with contextlib.suppress(DiskFull, NoSuchPath):
            machine.files.write(path, json.dumps({"Errors": list(errors)}, indent=2))


def log(machine: WindowsMachine, path: str, *lines: str) -> None:
    """Add lines to a log, each with the machine's time; nothing where there is no room for them."""
    stamp = machine.fleet.clock.date().strftime("%Y-%m-%d %H:%M:%S")
    with contextlib.suppress(DiskFull, NoSuchPath):
        machine.files.append(path, "".join(f"{stamp} {line}\r\n" for line in lines))


def pace(machine: WindowsMachine, seconds: float, stopping: threading.Event | None) -> None:
    """Let simulated seconds pass, at least as fast as SLOWEST; raise Stopped where the program is ended."""
    real = seconds / max(machine.fleet.clock.speed, SLOWEST)
    if stopping is None:
        time.sleep(real)
    elif stopping.wait(real):
        raise Stopped


def directory(machine: WindowsMachine) -> str | None:
    """Return the folder that the agent was installed to (setup's choice, without ``agent``); None without one."""
    found = machine.registry.data(INSTALLED_KEY, "InstallDirectory")
    return ntpath.dirname(str(found)) if found else None


def installed_version(machine: WindowsMachine) -> str | None:
    """Return the installed agent's version, None where none is installed."""
    found = machine.registry.data(UNINSTALL_KEY, "DisplayVersion")
    return str(found) if found else None


def agent_path(machine: WindowsMachine, name: str) -> str:
    """Return the path of one of the agent's files."""
    return ntpath.join(directory(machine) or DEFAULT_DIRECTORY, "agent", name)


def settings_path(machine: WindowsMachine, name: str) -> str:
    """Return the path of a file beside the agent's drscout.conf."""
    return agent_path(machine, ntpath.join("Application Data", "etc", name))


def settings(machine: WindowsMachine) -> dict[str, str]:
    """Return the ``[vxagent]`` settings of drscout.conf, empty where there is none."""
    path = settings_path(machine, "drscout.conf")
    if not machine.files.is_file(path):
        return {}
    rows = (line.partition("=") for line in machine.files.text(path).splitlines() if "=" in line)
    return {key.strip(): value.strip() for key, _sign, value in rows}


def save_settings(machine: WindowsMachine, values: dict[str, str]) -> None:
    """Write drscout.conf."""
    lines = "".join(f"{key}={value}\r\n" for key, value in values.items())
    machine.files.write(settings_path(machine, "drscout.conf"), f"[vxagent]\r\n{lines}")


def version_of_file(machine: WindowsMachine, path: str) -> str:
    """Return the version that a stand-in's file carries."""
    for line in machine.files.read(path).decode("utf-8", "replace").splitlines()[1:]:
        key, sign, value = line.partition(": ")
        if sign and key == "version":
            return value.strip()
    raise ValueError(f"{path} is no stand-in with a version")
