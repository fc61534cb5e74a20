# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services of a Windows machine that matter here, as a fresh system has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...hyperv.host import Service
from .systems import NEWER

if TYPE_CHECKING:
    from .state import WindowsMachine

KEY = "HKLM\\SYSTEM\\CurrentControlSet\\Services"
NUMBERS = {"Boot": 0, "System": 1, "Automatic": 2, "Manual": 3, "Disabled": 4}
"""``Start`` in the registry."""

_NETWORK, _LOCAL = "NT AUTHORITY\\NetworkService", "NT AUTHORITY\\LocalService"
_SVCHOST = "C:\\Windows\\System32\\svchost.exe -k "


@dataclass(frozen=True, kw_only=True)
class Row:
    """A service of a fresh system."""

    name: str
    english: str
    french: str
    status: str
    start: str
    program: str
    account: str = "LocalSystem"
    depends: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    """The systems that have it; empty for all."""

    def service(self) -> Service:
        """Return a service of a machine."""
        path = self.program if "." in self.program else _SVCHOST + self.program
        return Service(
            name=self.name,
            display=(self.english, self.french),
            status=self.status,
            start=self.start,
            path=path,
            account=self.account,
            depends=self.depends,
        )


def _row(name: str, english: str, french: str, state: str, program: str = "netsvcs", **more: Any) -> Row:
    """Return a row; ``state`` is status and start type by their letters: R or S, then A, M or D."""
    status = {"R": "Running", "S": "Stopped"}[state[0]]
    start = {"A": "Automatic", "M": "Manual", "D": "Disabled"}[state[1]]
    return Row(name=name, english=english, french=french, status=status, start=start, program=program, **more)


_SYSTEM32 = "C:\\Windows\\System32\\"
ROWS = (
    _row("RpcSs", "Remote Procedure Call (RPC)", "Appel de procédure distante (RPC)", "RA", "rpcss", account=_NETWORK,
         depends=("RpcEptMapper", "DcomLaunch")),
    _row("RpcEptMapper", "RPC Endpoint Mapper", "Mappeur de point de terminaison RPC", "RA", "RPCSS", account=_NETWORK),
    _row("DcomLaunch", "DCOM Server Process Launcher", "Lanceur de processus serveur DCOM", "RA", "DcomLaunch"),
    _row("PlugPlay", "Plug and Play", "Plug-and-Play", "RA", "DcomLaunch"),
    _row("SamSs", "Security Accounts Manager", "Gestionnaire de comptes de sécurité", "RA", _SYSTEM32 + "lsass.exe",
         depends=("RpcSs",)),
    _row("EventLog", "Windows Event Log", "Journal d’événements Windows", "RA", "LocalServiceNetworkRestricted",
         account=_LOCAL),
    _row("EventSystem", "COM+ Event System", "Système d’événement COM+", "RA", "LocalService", account=_LOCAL,
         depends=("RpcSs",)),
    _row("COMSysApp", "COM+ System Application", "Application système COM+", "SM",
         _SYSTEM32 + "dllhost.exe /Processid:{02D4B3F1-FD88-11D1-960D-00805FC79235}",
         depends=("RpcSs", "EventSystem", "SENS")),
    _row("SENS", "System Event Notification Service", "Service de notification d’événements système", "RA",
         depends=("EventSystem",)),
    _row("MSDTC", "Distributed Transaction Coordinator", "Coordinateur de transactions distribuées", "RA",
         _SYSTEM32 + "msdtc.exe", account=_NETWORK, depends=("RpcSs", "SamSs")),
    _row("VSS", "Volume Shadow Copy", "Cliché instantané de volume", "SM", _SYSTEM32 + "vssvc.exe", depends=("RpcSs",)),
    _row("swprv", "Microsoft Software Shadow Copy Provider", "Fournisseur de cliché instantané de logiciel Microsoft",
         "SM", "swprv", depends=("RpcSs",)),
    _row("vds", "Virtual Disk", "Disque virtuel", "SM", _SYSTEM32 + "vds.exe", depends=("RpcSs", "PlugPlay")),
    _row("Winmgmt", "Windows Management Instrumentation", "Infrastructure de gestion Windows", "RA",
         depends=("RpcSs",)),
    _row("LanmanServer", "Server", "Serveur", "RA", depends=("SamSs",)),
    _row("LanmanWorkstation", "Workstation", "Station de travail", "RA", "NetworkService", account=_NETWORK),
    _row("lmhosts", "TCP/IP NetBIOS Helper", "Assistance NetBIOS sur TCP/IP", "RA", "LocalServiceNetworkRestricted",
         account=_LOCAL),
    _row("WinRM", "Windows Remote Management (WS-Management)", "Gestion à distance de Windows (Gestion WSM)", "RA",
         "NetworkService", account=_NETWORK, depends=("RpcSs",)),
    _row("Netlogon", "Netlogon", "Netlogon", "SM", _SYSTEM32 + "lsass.exe", depends=("LanmanWorkstation",)),
    _row("Dnscache", "DNS Client", "Client DNS", "RA", "NetworkService", account=_NETWORK),
    _row("Dhcp", "DHCP Client", "Client DHCP", "RA", "LocalServiceNetworkRestricted", account=_LOCAL),
    _row("BFE", "Base Filtering Engine", "Moteur de filtrage de base", "RA", "LocalServiceNoNetwork", account=_LOCAL),
    _row("MpsSvc", "Windows Firewall", "Pare-feu Windows", "RA", "LocalServiceNoNetwork", account=_LOCAL,
         depends=("BFE",)),
    _row("CryptSvc", "Cryptographic Services", "Services de chiffrement", "RA", "NetworkService", account=_NETWORK),
    _row("gpsvc", "Group Policy Client", "Client de stratégie de groupe", "RA"),
    _row("ProfSvc", "User Profile Service", "Service de profil utilisateur", "RA"),
    _row("Schedule", "Task Scheduler", "Planificateur de tâches", "RA"),
    _row("W32Time", "Windows Time", "Temps Windows", "RA", "LocalService", account=_LOCAL),
    _row("msiserver", "Windows Installer", "Windows Installer", "SM", _SYSTEM32 + "msiexec.exe /V"),
    _row("TrustedInstaller", "Windows Modules Installer", "Programme d’installation pour les modules Windows", "SM",
         "C:\\Windows\\servicing\\TrustedInstaller.exe"),
    _row("wuauserv", "Windows Update", "Windows Update", "SM"),
    _row("BITS", "Background Intelligent Transfer Service", "Service de transfert intelligent en arrière-plan", "SM"),
    _row("RemoteRegistry", "Remote Registry", "Registre à distance", "SM", "localService", account=_LOCAL),
    _row("TermService", "Remote Desktop Services", "Services Bureau à distance", "RM", "NetworkService",
         account=_NETWORK),
    _row("WinDefend", "Windows Defender Service", "Service Windows Defender", "RA",
         "C:\\Program Files\\Windows Defender\\MsMpEng.exe", systems=NEWER),
)  # fmt: skip


def fresh(os: str) -> list[Service]:
    """Return the services of a fresh system of that kind."""
    return [row.service() for row in ROWS if not row.systems or os in row.systems]


def add(
    machine: WindowsMachine,
    name: str,
    *,
    path: str,
    display: str = "",
    status: str = "Running",
    start: str = "Automatic",
) -> Service:
    """Add a service with its key in the registry, as an installer does; one that is there is replaced."""
    service = Service(name=name, display=(display or name, display or name), status=status, start=start, path=path)
    machine.services[name.lower()] = service
    key = f"{KEY}\\{name}"
    machine.registry.set(key, "ImagePath", path, "ExpandString")
    machine.registry.set(key, "DisplayName", display or name)
    machine.registry.set(key, "ObjectName", service.account)
    for value, number in (("Start", NUMBERS[start]), ("Type", 16), ("ErrorControl", 1)):
        machine.registry.set(key, value, number)
    return service


def remove(machine: WindowsMachine, name: str) -> bool:
    """Remove a service and its keys in every control set; return whether it was there."""
    service = machine.services.pop(name.lower(), None)
    for control_set in machine.registry.keys("HKLM\\SYSTEM"):
        if control_set.lower().startswith("controlset"):
            machine.registry.delete_key(f"HKLM\\SYSTEM\\{control_set}\\Services\\{service.name if service else name}")
    return service is not None


def put_in_state(machine: WindowsMachine, name: str, state: str) -> None:
    """Put a service into a state of the fleet file: Running, Stopped, Disabled, StartPending, Missing."""
    if state == "Missing":
        remove(machine, name)
    elif state == "Disabled":
        machine.set_service(name, status="Stopped", start="Disabled")
    else:
        machine.set_service(name, status=state)
