# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NetSecurity on a Windows machine: rules of the firewall by name, group resource or display name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ...hyperv import enums, messages
from ...hyperv.base import as_list, fits, has_wildcards
from ...hyperv.cmdlets_around import CIM_JOB
from ...hyperv.cmdlets_system import only
from ...powershell.commands import ErrorRecord
from ...powershell.values import OBJECT, LiveObject, PropertyBag
from . import firewall
from .wmi import WmiCmdlet

if TYPE_CHECKING:
    from .state import WindowsMachine

_CIM = "Microsoft.Management.Infrastructure.CimInstance"
_RULE = f"{_CIM}#root/standardcimv2/MSFT_NetFirewallRule"


class FirewallRule(LiveObject):
    """MSFT_NetFirewallRule of a machine."""

    TYPE_NAMES: ClassVar = (_RULE, _CIM, OBJECT)
    PROPERTIES: ClassVar = {
        "Name": "name",
        "DisplayName": "display_name",
        "DisplayGroup": "display_group",
        "Group": "group",
        "Enabled": "enabled",
        "Profile": "profile",
        "Direction": "direction",
        "Action": "action",
        "InstanceID": "name",
        "RuleGroup": "group",
        "PolicyStoreSource": "store",
        "PolicyStoreSourceType": "store_type",
        "Status": "status",
    }
    direction = enums.value("Direction", "Inbound")
    action = enums.value("Action", "Allow")
    store_type = enums.value("PolicyStoreType", "Local")
    store = "PersistentStore"
    status = "OK"

    def __init__(self, machine: WindowsMachine, rule: firewall.GuestRule) -> None:
        self.machine, self.rule = machine, rule
        self.name, self.group = rule.name, rule.resource
        self.display_name = rule.display[machine.french]
        self.display_group = rule.group[machine.french]

    @property
    def enabled(self) -> Any:
        """Return whether it is enabled, as the module's own enumeration."""
        return enums.value("Enabled", "True" if self.machine.firewall[self.name] else "False")

    @property
    def profile(self) -> Any:
        """Return the profiles: one flag, several, or any."""
        numbers = {"Domain": 1, "Private": 2, "Public": 4}
        if not self.rule.profiles:
            return enums.value("Profile", "Any")
        known = enums.value("Profile", self.rule.profiles[0])
        total = sum(numbers[name] for name in self.rule.profiles)
        return type(known)(known.type_name, ", ".join(self.rule.profiles), total)

    def ps_text(self) -> str:
        """Return the text of the CIM object."""
        return f'MSFT_NetFirewallRule (InstanceID = "{self.name}")'


class RuleCmdlet(WmiCmdlet):
    """A cmdlet of NetSecurity on rules."""

    KNOWN: ClassVar[tuple[str, ...]] = (
        "Name", "DisplayName", "DisplayGroup", "Group", "InputObject", "All", "PolicyStore", "Enabled", "Direction"
    )  # fmt: skip
    BY: ClassVar = (
        ("Name", "name", "InstanceID"),
        ("DisplayName", "display_name", "DisplayName"),
        ("DisplayGroup", "display_group", "DisplayGroup"),
        ("Group", "group", "RuleGroup"),
    )

    def rules(self) -> list[FirewallRule]:
        """Return the rules meant; an error for one that isn't there."""
        only(self, *self.KNOWN)
        if self.bound_to("InputObject"):
            return as_list(self.given("InputObject"))
        table = firewall.rules(self.machine.windows.os)
        known = [FirewallRule(self.machine, table[name]) for name in self.machine.firewall if name in table]
        for parameter, attribute, field in self.BY:
            if self.bound_to(parameter):
                return self._matching(known, [str(n) for n in as_list(self.given(parameter))], attribute, field)
        return known

    def _matching(self, known: list[FirewallRule], names: list[str], attribute: str, field: str) -> list[FirewallRule]:
        found: list[FirewallRule] = []
        for name in names:
            fitting = [rule for rule in known if fits(getattr(rule, attribute), [name])]
            if not fitting and not has_wildcards(name):
                text = messages.text(self.machine.language, "rule_missing", field=field, name=name)
                self.fail(ErrorRecord(error_id=f"CmdletizationQuery_NotFound_{field}", category="ObjectNotFound",
                                      message=text, exception=CIM_JOB, target=name, class_name=self.NAME))  # fmt: skip
            found += fitting
        return found

    def switch(self, enabled: bool) -> None:
        """Enable or disable the rules meant."""
        for rule in self.rules():
            if self.admitted() and self.call.should_process(rule.name):
                with self.machine.fleet.lock:
                    self.machine.firewall[rule.name] = enabled
                if self.switched("PassThru"):
                    self.call.write(rule)


class GetNetFirewallRule(RuleCmdlet):
    """Get-NetFirewallRule."""

    NAME = "Get-NetFirewallRule"

    def run(self) -> None:
        """Write the rules."""
        wanted = self.given("Enabled")
        for rule in self.rules():
            if wanted is None or str(rule.enabled) == str(wanted):
                self.call.write(rule)


class EnableNetFirewallRule(RuleCmdlet):
    """Enable-NetFirewallRule."""

    NAME = "Enable-NetFirewallRule"

    def run(self) -> None:
        """Enable the rules."""
        self.switch(True)


class DisableNetFirewallRule(RuleCmdlet):
    """Disable-NetFirewallRule."""

    NAME = "Disable-NetFirewallRule"

    def run(self) -> None:
        """Disable the rules."""
        self.switch(False)


class SetNetFirewallRule(RuleCmdlet):
    """Set-NetFirewallRule -Enabled; other settings are not simulated."""

    NAME = "Set-NetFirewallRule"

    def run(self) -> None:
        """Set the rules."""
        self.switch(str(self.given("Enabled", "True")).lower() in ("true", "1"))


class GetNetFirewallProfile(WmiCmdlet):
    """Get-NetFirewallProfile."""

    NAME = "Get-NetFirewallProfile"

    def run(self) -> None:
        """Write the three profiles."""
        only(self, "Name", "All", "PolicyStore")
        wanted = [str(name) for name in as_list(self.given("Name"))]
        for name in ("Domain", "Private", "Public"):
            if not wanted or fits(name, wanted):
                values = {
                    "Name": name,
                    "Enabled": enums.value("Enabled", "True"),
                    "AllowLocalFirewallRules": "NotConfigured",
                }
                kind = f"{_CIM}#root/standardcimv2/MSFT_NetFirewallProfile"
                self.call.write(PropertyBag(values, (kind, _CIM, OBJECT)))


COMMANDS = (
    GetNetFirewallRule,
    EnableNetFirewallRule,
    DisableNetFirewallRule,
    SetNetFirewallRule,
    GetNetFirewallProfile,
)
