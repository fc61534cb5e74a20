# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in of the VSS provider's scripts: what hinders it is the machine's own state (facts, 1.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import services, vendor
from .vendor import PROVIDER_ID, PROVIDER_SERVICE, PROVIDERS_KEY, SERVICES_KEY, Exit

if TYPE_CHECKING:
    from .state import WindowsMachine

MB = 1024**2
_SCRIPT_HOST = "HKLM\\SOFTWARE\\Microsoft\\Windows Script Host\\Settings"
_ENVIRONMENT = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment"
_KEY = f"{SERVICES_KEY}\\{PROVIDER_SERVICE}"
COM_SERVICES = ("comsysapp", "eventsystem", "msdtc", "rpcss")
LEAST_MEMORY = 256 * MB
"""Free memory below which the provider can't be installed (an assumption)."""


@dataclass(frozen=True, kw_only=True)
class VssFailure:
    """Why the provider can't be installed: the script's exit code, setup's, and the HRESULT as the log shows it."""

    code: int
    setup: Exit
    hresult: str
    text: str

    @property
    def line(self) -> str:
        """Return the line of the log."""
        shown = f" [{self.hresult}]" if self.hresult else ""
        return f"InMageVSSProvider_Install.cmd ended with exit code {self.code}{shown}: {self.text}"


_PATH = VssFailure(code=9009, setup=Exit.VSS_PATH, hresult="", text="path not found")
_CSCRIPT = VssFailure(code=806, setup=Exit.VSS_CSCRIPT, hresult="", text="CScript execution denied")
_ANTIVIRUS = VssFailure(
    code=511, setup=Exit.VSS_FAILED, hresult="0x800706BE", text="the registration of the provider's DLL was cut off"
)
_MEMORY = VssFailure(code=514, setup=Exit.VSS_MEMORY, hresult="0x7", text="not enough memory")
_COM = VssFailure(
    code=802, setup=Exit.VSS_PREREQUISITE, hresult="0x8004E00F", text="the COM+ catalogue can't be reached"
)
_CLUSTER = VssFailure(
    code=802, setup=Exit.VSS_PREREQUISITE, hresult="0x8004E00F", text="COM+ can't talk to MSDTC: cluster components"
)
_LOCKED = VssFailure(
    code=515, setup=Exit.VSS_DATABASE_LOCKED, hresult="0x8007041F", text="the service database is locked"
)
_MARKED = VssFailure(code=517, setup=Exit.VSS_MARKED, hresult="0x80070430", text="the service is marked for deletion")
_EXISTS = VssFailure(code=516, setup=Exit.VSS_EXISTS, hresult="0x80070431", text="the service exists")


def find_failure(machine: WindowsMachine) -> VssFailure | None:
    """Return what hinders an installation now, None where nothing does; the first of the table wins."""
    cluster_parts = "clussvc" in machine.services and machine.cluster is None
    causes = (
        (_PATH, not _path_is_whole(machine)),
        (_CSCRIPT, not scripts_allowed(machine)),
        (_ANTIVIRUS, blocked_by_antivirus(machine)),
        (_MEMORY, machine.memory_free < LEAST_MEMORY),
        (_COM, any(_disabled(machine, name) for name in COM_SERVICES)),
        (_CLUSTER, cluster_parts),
        (_LOCKED, any(service.status == "StartPending" for service in list(machine.services.values()))),
        (_MARKED, machine.registry.data(_KEY, "DeleteFlag") == 1),
        (_EXISTS, PROVIDER_SERVICE.lower() in machine.services),
    )
    return next((failure for failure, holds in causes if holds), None)


def install(machine: WindowsMachine) -> VssFailure | None:
    """Install the provider, or return what hindered it.

    A service that is marked for deletion and gone from the list had its last handle open: the next attempt succeeds.
    One that is still listed goes by a restart only.
    """
    failure = find_failure(machine)
    if failure is None:
        register(machine)
    elif failure is _MARKED and PROVIDER_SERVICE.lower() not in machine.services:
        machine.registry.delete_key(_KEY)
    return failure


def register(machine: WindowsMachine) -> None:
    """Make the provider's service and its registration."""
    image = vendor.agent_path(machine, "InMageVssProvider.dll")
    services.add(machine, PROVIDER_SERVICE, path=f'"{image}"')
    key = f"{PROVIDERS_KEY}\\{PROVIDER_ID}"
    machine.registry.set(key, "", PROVIDER_SERVICE)
    machine.registry.set(key, "Type", 3)
    machine.registry.set(key, "Version", "1.0.0.7")


def uninstall(machine: WindowsMachine) -> int:
    """Remove the provider; return the script's exit code. One that isn't there is no failure (an assumption)."""
    if not _path_is_whole(machine):
        return _PATH.code
    if not scripts_allowed(machine):
        return _CSCRIPT.code
    if machine.registry.data(_KEY, "DeleteFlag") == 1 and PROVIDER_SERVICE.lower() in machine.services:
        return _MARKED.code
    remove(machine)
    return 0


def remove(machine: WindowsMachine) -> None:
    """Take the provider's service and registration away."""
    services.remove(machine, PROVIDER_SERVICE)
    machine.registry.delete_key(f"{PROVIDERS_KEY}\\{PROVIDER_ID}")


def installed(machine: WindowsMachine) -> bool:
    """Return whether the provider is there: its service and its registration."""
    return PROVIDER_SERVICE.lower() in machine.services and machine.registry.exists(f"{PROVIDERS_KEY}\\{PROVIDER_ID}")


def blocked_by_antivirus(machine: WindowsMachine) -> bool:
    """Return whether the antivirus watches the agent's folder."""
    defender = machine.windows.defender
    if not (defender.present and defender.enabled):
        return False
    folder = (vendor.directory(machine) or vendor.DEFAULT_DIRECTORY).lower() + "\\"
    return not any(folder.startswith(path.rstrip("\\").lower() + "\\") for path in defender.exclusions)


def scripts_allowed(machine: WindowsMachine) -> bool:
    """Return whether Windows Script Host runs scripts."""
    return str(machine.registry.data(_SCRIPT_HOST, "Enabled", 1)) != "0"


def _path_is_whole(machine: WindowsMachine) -> bool:
    found = machine.registry.data(_ENVIRONMENT, "Path")
    if found is None:
        return True
    folders = {part.strip().rstrip("\\").lower() for part in str(found).split(";")}
    return bool(folders & {"%systemroot%\\system32", "c:\\windows\\system32"})


def _disabled(machine: WindowsMachine, name: str) -> bool:
    service = machine.services.get(name)
    return service is not None and service.start == "Disabled"
