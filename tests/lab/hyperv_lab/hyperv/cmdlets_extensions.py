# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extensions of virtual switches, and the features of ports that they bring."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .base import HYPERV_CLASS, HyperVCmdlet, as_list, fits, has_wildcards
from .live import ModelObject, chain

if TYPE_CHECKING:
    from .host import Host
    from .host_policies import Extension
    from .switch import Switch


class SwitchExtension(ModelObject):
    """VMSwitchExtension: an installed extension as one switch has it."""

    TYPE_NAMES: ClassVar = chain("VMSwitchExtension")
    PROPERTIES: ClassVar = {
        "Id": "identifier",
        "Name": "name",
        "Enabled": "enabled",
        "Running": "enabled",
        "SwitchId": "switch_id",
        "SwitchName": "switch_name",
        "CimSession": "cim_session",
        "ComputerName": "computer_name",
        "IsDeleted": "is_deleted",
    }
    SINCE: ClassVar = {"CimSession": "2016"}

    def __init__(self, switch: Switch, extension: Extension) -> None:
        self.host = switch.host
        self.identifier, self.name = extension.identifier, extension.name
        self.switch_id, self.switch_name = switch.id, switch.name
        self.enabled = fits(switch.name, extension.enabled_on)


class PortFeature(ModelObject):
    """A feature of ports of an installed extension (members other than these are not played)."""

    TYPE_NAMES: ClassVar = chain("VMSystemSwitchExtensionPortFeature")
    PROPERTIES: ClassVar = {
        "Id": "identifier",
        "Name": "name",
        "ExtensionId": "extension_id",
        "ExtensionName": "extension_name",
        "CimSession": "cim_session",
        "ComputerName": "computer_name",
        "IsDeleted": "is_deleted",
    }
    SINCE: ClassVar = {"CimSession": "2016"}

    def __init__(self, host: Host, extension: Extension, feature: tuple[str, str]) -> None:
        self.host = host
        self.identifier, self.name = feature
        self.extension_id, self.extension_name = extension.identifier, extension.name


class GetVMSwitchExtension(HyperVCmdlet):
    """Get-VMSwitchExtension."""

    NAME = "Get-VMSwitchExtension"
    CLASS = HYPERV_CLASS + "GetVMSwitchExtension"

    def run(self) -> None:
        """Write every extension of every switch given."""
        names = as_list(self.given("Name"))
        for switch in self._switches():
            for extension in self.host.policies.extensions:
                if not names or fits(extension.name, names):
                    self.call.write(SwitchExtension(switch, extension))

    def _switches(self) -> list[Switch]:
        if self.bound_to("VMSwitch"):
            return as_list(self.given("VMSwitch"))
        found: list[Switch] = []
        for name in as_list(self.given("VMSwitchName")):
            fitting = [switch for switch in self.host.switches.values() if fits(switch.name, [name])]
            if not fitting and not has_wildcards(name):
                self.reject("switch_unknown", name=name)
            found += [switch for switch in fitting if switch not in found]
        return found


class GetVMSystemSwitchExtensionPortFeature(HyperVCmdlet):
    """Get-VMSystemSwitchExtensionPortFeature of extensions that the fleet file installs."""

    NAME = "Get-VMSystemSwitchExtensionPortFeature"
    CLASS = HYPERV_CLASS + "GetVMSystemSwitchExtensionPortFeature"

    def run(self) -> None:
        """Write the features asked for."""
        wanted = {str(each).strip("{}").upper() for each in as_list(self.given("FeatureId"))}
        names, extensions = as_list(self.given("FeatureName")), as_list(self.given("ExtensionName"))
        for extension in self.host.policies.extensions:
            for feature in extension.features:
                fitting = (not wanted or feature[0] in wanted) and (not names or fits(feature[1], names))
                if fitting and (not extensions or fits(extension.name, extensions)):
                    self.call.write(PortFeature(self.host, extension, feature))


COMMANDS = (GetVMSwitchExtension, GetVMSystemSwitchExtensionPortFeature)
