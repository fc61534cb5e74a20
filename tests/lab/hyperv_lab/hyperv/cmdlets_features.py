# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Features of a host and its restart."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ..powershell.commands import ErrorRecord
from ..powershell.values import OBJECT, EnumValue, LiveObject, PropertyBag, TypedArray
from . import enums, messages
from .base import POWERSHELL_CLASS, HostCmdlet, as_list, fits, has_wildcards
from .cmdlets_system import INVALID_OPERATION, is_administrator, only
from .faults import HostFault
from .features import FEATURES

if TYPE_CHECKING:
    from .features import Feature
    from .host import Host

REBOOT_SECONDS = 90.0


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


COMMANDS = (GetWindowsFeature, InstallWindowsFeature, RestartComputer)
