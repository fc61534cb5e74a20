# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services of a host, members of its local groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..powershell.commands import ErrorRecord, Terminating
from ..powershell.values import OBJECT, EnumValue, LiveObject, PropertyBag
from . import accounts, enums, failures, messages
from .base import POWERSHELL_CLASS, HostCmdlet, as_list, fits, has_wildcards

if TYPE_CHECKING:
    from .host import Host, Service

SERVICE_EXCEPTION = ("Microsoft.PowerShell.Commands.ServiceCommandException", *failures.EXCEPTION)
WIN32_EXCEPTION = ("System.ComponentModel.Win32Exception", *failures.EXCEPTION)
INVALID_OPERATION = ("System.InvalidOperationException", "System.SystemException", *failures.EXCEPTION)
messages.add(
    {
        "service_missing": (
            "Cannot find any service with service name '{name}'.",
            "Impossible de trouver un service assorti du nom « {name} ».",
        ),
        "service_start": (
            "Service '{name}' cannot be started.",
            "Impossible de démarrer le service « {name} ».",
        ),
        "service_access": (
            "Service '{name}' cannot be changed due to the following error: Access is denied",
            "Impossible de modifier le service « {name} » en raison de l’erreur suivante : Accès refusé",
        ),
        "restart_refused": (
            "Failed to restart the computer {name}: access is denied.",
            "Échec du redémarrage de l’ordinateur {name} : accès refusé.",
        ),
        "feature_missing": (
            "The target of the specified cmdlet cannot be the role or feature '{name}': it was not found.",
            "La cible de l’applet de commande ne peut pas être « {name} » : rôle ou fonctionnalité introuvable.",
        ),
        "feature_source": (
            "The source files of '{name}' could not be found. (0x800F081F)",
            "Les fichiers source de « {name} » sont introuvables. (0x800F081F)",
        ),
        "feature_rights": (
            "The user does not have the required rights to change features.",
            "L’utilisateur n’a pas les droits requis pour modifier les fonctionnalités.",
        ),
        "not_simulated": ("{what} is not supported here.", "{what} n’est pas pris en charge ici."),
        "group_missing": ("Group {name} was not found.", "Le groupe {name} est introuvable."),
    }
)


def is_administrator(cmdlet: HostCmdlet) -> bool:
    """Return whether the caller is in Administrators."""
    identity = cmdlet.call.session.identity
    return identity is None or accounts.ADMINISTRATORS in identity.groups


def only(cmdlet: HostCmdlet, *known: str) -> None:
    """End the statement where a parameter is given that the lab doesn't play."""
    common = {"Confirm", "WhatIf", "Force", "PassThru", "Passthru", "ComputerName"}
    for parameter in cmdlet.call.bound:
        if parameter not in known and parameter not in common:
            raise Terminating(
                ErrorRecord(
                    error_id="NotSupported",
                    category="NotImplemented",
                    message=messages.text(cmdlet.host.language, "not_simulated", what=f"{cmdlet.NAME} -{parameter}"),
                    exception=("System.NotSupportedException", "System.SystemException", *failures.EXCEPTION),
                )
            )


class ServiceController(LiveObject):
    """System.ServiceProcess.ServiceController."""

    TYPE_NAMES: ClassVar = ("System.ServiceProcess.ServiceController", "System.ComponentModel.Component", OBJECT)
    PROPERTIES: ClassVar = {
        "CanPauseAndContinue": "no",
        "CanShutdown": "no",
        "CanStop": "running",
        "DisplayName": "display_name",
        "MachineName": "machine",
        "ServiceName": "name",
        "Status": "status",
        "StartType": "start_type",
    }
    ALIASES: ClassVar = {"Name": "ServiceName"}
    no = False
    machine = "."

    def __init__(self, host: Host, service: Service) -> None:
        self.host = host
        self.service = service
        self.name = service.name

    def ps_names(self) -> list[str]:
        """Return the properties; StartType came with PowerShell 5."""
        return [name for name in self.PROPERTIES if name != "StartType" or self.host.is_new("2016")]

    @property
    def running(self) -> bool:
        """Return whether it runs."""
        return self.service.status == "Running"

    @property
    def display_name(self) -> str:
        """Return the localised display name."""
        return self.service.display[self.host.language == "fr"]

    @property
    def status(self) -> EnumValue:
        """Return the status."""
        return enums.value("ServiceControllerStatus", self.service.status)

    @property
    def start_type(self) -> EnumValue:
        """Return how it starts."""
        return enums.value("ServiceStartMode", self.service.start)

    def ps_text(self) -> str:
        """Return the class name, as ToString() does."""
        return "System.ServiceProcess.ServiceController"


class ServiceCmdlet(HostCmdlet):
    """A cmdlet on services by name or object."""

    def services(self) -> list[Service]:
        """Return the services meant; write an error for an unknown name."""
        self.host.faults.tick()
        known = {
            name: service
            for name, service in self.host.services.items()
            if name not in ("vmms", "vmcompute") or self.host.hyperv_ready
        }
        objects = [item.service for item in as_list(self.given("InputObject"))]
        names = [str(name) for name in as_list(self.given("Name", self.given("ServiceName")))]
        if self.bound_to("DisplayName"):
            patterns = as_list(self.given("DisplayName"))
            return [s for s in known.values() if fits(s.display[self.host.language == "fr"], patterns)]
        if not names and not objects:
            return list(known.values())
        for name in names:
            found = [service for key, service in known.items() if fits(key, [name])]
            if not found and not has_wildcards(name):
                self.wrong("NoServiceFoundForGivenName", "ObjectNotFound", "service_missing", name)
            objects += found
        return objects

    def wrong(self, error_id: str, category: str, key: str, target: Any) -> None:
        """Write an error of the service cmdlets."""
        name = target.name if isinstance(target, ServiceController) else target
        text = messages.text(self.host.language, key, name=name)
        self.fail(
            ErrorRecord(error_id=error_id, category=category, message=text, exception=SERVICE_EXCEPTION, target=target)
        )

    def change(self, service: Service) -> None:
        """Change one service."""

    def process(self) -> None:
        """Change every service given."""
        for service in self.services():
            view = ServiceController(self.host, service)
            if not self.call.should_process(service.name):
                continue
            if not is_administrator(self):
                self.wrong("CouldNotSetService", "PermissionDenied", "service_access", view)
                continue
            self.change(service)
            self.host.fleet.clock.notify()
            if self.switched("PassThru"):
                self.call.write(view)


class GetService(ServiceCmdlet):
    """Get-Service."""

    NAME = "Get-Service"
    CLASS = POWERSHELL_CLASS + "GetServiceCommand"

    def process(self) -> None:
        """Write the services."""
        only(self, "Name", "DisplayName", "InputObject", "ServiceName")
        for service in self.services():
            self.call.write(ServiceController(self.host, service))


class StartService(ServiceCmdlet):
    """Start-Service."""

    NAME = "Start-Service"
    CLASS = POWERSHELL_CLASS + "StartServiceCommand"

    def change(self, service: Service) -> None:
        """Start it unless it is disabled."""
        if service.start == "Disabled":
            self.wrong("CouldNotStartService", "OpenError", "service_start", ServiceController(self.host, service))
        else:
            service.status = "Running"


class StopService(ServiceCmdlet):
    """Stop-Service."""

    NAME = "Stop-Service"
    CLASS = POWERSHELL_CLASS + "StopServiceCommand"

    def change(self, service: Service) -> None:
        """Stop it."""
        service.status = "Stopped"


class RestartService(StartService):
    """Restart-Service."""

    NAME = "Restart-Service"
    CLASS = POWERSHELL_CLASS + "RestartServiceCommand"


class SetService(ServiceCmdlet):
    """Set-Service: start type and status."""

    NAME = "Set-Service"
    CLASS = POWERSHELL_CLASS + "SetServiceCommand"

    def change(self, service: Service) -> None:
        """Set what is given."""
        only(self, "Name", "ServiceName", "InputObject", "StartupType", "Status")
        if self.bound_to("StartupType"):
            given = str(self.given("StartupType"))
            service.start = "Automatic" if given == "AutomaticDelayedStart" else given
        if self.bound_to("Status"):
            service.status = str(self.given("Status"))


class GetLocalGroupMember(HostCmdlet):
    """Get-LocalGroupMember by -SID or -Group/-Name (English names of the well-known groups, or SIDs)."""

    NAME = "Get-LocalGroupMember"
    CLASS = POWERSHELL_CLASS + "GetLocalGroupMemberCommand"

    def process(self) -> None:
        """Write the members."""
        only(self, "SID", "Name", "Group", "Member")
        wanted = str(self.given("SID") or self.given("Name") or self.given("Group") or "")
        sid = accounts.group_by_name(self.host.language, wanted)
        if sid is None:
            text = messages.text(self.host.language, "group_missing", name=wanted)
            self.fail(ErrorRecord(error_id="GroupNotFound", category="ObjectNotFound", message=text, target=wanted))
            return
        for member in self.host.groups.get(sid, []):
            name, kind, source = accounts.describe(self.host, member)
            values = {
                "Name": name,
                "SID": PropertyBag({"Value": member}, ("System.Security.Principal.SecurityIdentifier", OBJECT), member),
                "PrincipalSource": enums.value("PrincipalSource", source),
                "ObjectClass": kind,
            }
            self.call.write(PropertyBag(values, (POWERSHELL_CLASS + "LocalPrincipal", OBJECT), name))


COMMANDS = (
    GetService,
    StartService,
    StopService,
    RestartService,
    SetService,
    GetLocalGroupMember,
)
