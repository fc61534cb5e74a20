# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services, features and restarts of a host, members of its local groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..powershell.commands import ErrorRecord, Terminating
from ..powershell.values import OBJECT, EnumValue, LiveObject, PropertyBag, TypedArray
from . import accounts, enums, failures, messages
from .base import POWERSHELL_CLASS, HostCmdlet, as_list, fits, has_wildcards
from .faults import HostFault
from .features import FEATURES

if TYPE_CHECKING:
    from .features import Feature
    from .host import Host, Service

REBOOT_SECONDS = 90.0
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


class WindowsFeature(LiveObject):
    """A row of Get-WindowsFeature."""

    TYPE_NAMES: ClassVar = ("Microsoft.Windows.ServerManager.Commands.Feature", OBJECT)
    PROPERTIES: ClassVar = {
        "Name": "name",
        "DisplayName": "display_name",
        "Description": "display_name",
        "Installed": "installed",
        "InstallState": "install_state",
        "FeatureType": "kind",
        "Path": "path",
        "Depth": "depth",
        "DependsOn": "none",
        "Parent": "parent",
        "SubFeatures": "children",
        "SystemService": "services",
        "PostConfigurationNeeded": "no",
    }
    no = False

    def __init__(self, host: Host, feature: Feature) -> None:
        self.host = host
        self.name = feature.name
        self.display_name = feature.display[host.language == "fr"]
        self.kind, self.depth, self.parent = feature.kind, feature.depth, feature.parent
        self.path = self.display_name
        self.services = TypedArray("System.String", feature.services)
        self.none = TypedArray("System.String", [])
        self.children = TypedArray("System.String", [f.name for f in FEATURES.values() if f.parent == feature.name])

    @property
    def installed(self) -> bool:
        """Return whether it is there and works."""
        return self.host.features[self.name] == "Installed"

    @property
    def install_state(self) -> EnumValue:
        """Return the state; a feature that waits for a restart is pending."""
        state = self.host.features[self.name]
        return enums.value("InstallState", "InstallPending" if state == "Pending" else state)


class FeatureCmdlet(HostCmdlet):
    """A cmdlet of Server Manager."""

    def wrong(self, key: str, error_id: str, category: str, name: str) -> None:
        """Write an error."""
        text = messages.text(self.host.language, key, name=name)
        self.fail(ErrorRecord(error_id=error_id, category=category, message=text, target=name))

    def features(self) -> list[Feature]:
        """Return the features of the names given, all without."""
        names = as_list(self.given("Name"))
        found: list[Feature] = []
        for name in names:
            fitting = [feature for feature in FEATURES.values() if fits(feature.name, [str(name)])]
            if not fitting and not has_wildcards(str(name)) and self.NAME != "Get-WindowsFeature":
                self.wrong("feature_missing", "NameDoesNotExist", "InvalidArgument", str(name))
            found += fitting
        return found if names else list(FEATURES.values())


class GetWindowsFeature(FeatureCmdlet):
    """Get-WindowsFeature: an unknown name finds nothing."""

    NAME = "Get-WindowsFeature"
    CLASS = "Microsoft.Windows.ServerManager.Commands.GetWindowsFeatureCommand"

    def process(self) -> None:
        """Write the features."""
        only(self, "Name")
        for feature in self.features():
            self.call.write(WindowsFeature(self.host, feature))


class InstallWindowsFeature(FeatureCmdlet):
    """Install-WindowsFeature."""

    NAME = "Install-WindowsFeature"
    CLASS = "Microsoft.Windows.ServerManager.Commands.AddWindowsFeatureCommand"

    def process(self) -> None:
        """Install what is given; some of it works after the next restart only."""
        only(self, "Name", "IncludeManagementTools", "IncludeAllSubFeature", "Restart", "Source")
        if not is_administrator(self):
            self.wrong("feature_rights", "DISMAPI_Error__AccessDenied", "PermissionDenied", self.host.name)
            return
        wanted = self.features()
        if self.switched("IncludeManagementTools") and any(f.name == "Hyper-V" for f in wanted):
            names = ("RSAT-Hyper-V-Tools", "Hyper-V-Tools", "Hyper-V-PowerShell")
            wanted += [FEATURES[name] for name in names]
        changed = [f for f in wanted if self.call.should_process(f.name) and self._install(f)]
        restart = any(self.host.features[f.name] == "Pending" for f in changed)
        self.call.write(self._result(changed, restart))
        if restart and self.switched("Restart"):
            soon(self.host)

    def _install(self, feature: Feature) -> bool:
        state = self.host.features[feature.name]
        if state == "Removed" and not self.bound_to("Source"):
            self.wrong("feature_source", "DISMAPI_Error__Failed_To_Enable_Updates", "InvalidOperation", feature.name)
            return False
        if state in ("Installed", "Pending"):
            return False
        self.host.features[feature.name] = "Pending" if feature.restart else "Installed"
        return True

    def _result(self, changed: list[Feature], restart: bool) -> PropertyBag:
        code = "NoChangeNeeded" if not changed else "SuccessRestartRequired" if restart else "Success"
        rows = TypedArray(OBJECT, [WindowsFeature(self.host, feature) for feature in changed])
        return PropertyBag(
            {
                "Success": True,
                "RestartNeeded": enums.value("RestartState", "Yes" if restart else "No"),
                "FeatureResult": rows,
                "ExitCode": enums.value("OperationExitCode", code),
            },
            ("Microsoft.Windows.ServerManager.Commands.FeatureOperationResult", OBJECT),
        )


def soon(host: Host, after: float = 2.0) -> None:
    """Restart a host a moment from now, so that the command's answer still goes out."""
    fault = HostFault(action="reboot", after_seconds=host.fleet.clock.now() + after, seconds=REBOOT_SECONDS)
    with host.fleet.lock:
        host.faults.planned = [*host.faults.planned, fault]


class RestartComputer(HostCmdlet):
    """Restart-Computer of this host: it is unreachable for a while."""

    NAME = "Restart-Computer"
    CLASS = POWERSHELL_CLASS + "RestartComputerCommand"

    def process(self) -> None:
        """Restart."""
        only(self, "Delay", "Timeout")
        if self.remote_elsewhere() or not is_administrator(self):
            text = messages.text(self.host.language, "restart_refused", name=self.host.name)
            self.fail(
                ErrorRecord(
                    error_id="RestartcomputerFailed",
                    category="OperationStopped",
                    message=text,
                    exception=INVALID_OPERATION,
                    target=self.host.name,
                )
            )
        elif self.call.should_process(self.host.name):
            soon(self.host)


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
    GetWindowsFeature,
    InstallWindowsFeature,
    RestartComputer,
    GetLocalGroupMember,
)
