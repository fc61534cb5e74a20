# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Firewall rules, reachability, names, shares, cluster: what lies around Hyper-V on the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..powershell.commands import ErrorRecord
from ..powershell.values import OBJECT, EnumValue, LiveObject, PropertyBag
from . import enums, failures, messages
from .base import HostCmdlet, as_list, fits, has_wildcards
from .cmdlets_system import is_administrator, only
from .firewall import HYPERV, RULES, Rule
from .sharing import DOORS, Share, door_open, shares_of

if TYPE_CHECKING:
    from .host import Host

CIM_JOB = ("Microsoft.PowerShell.Cmdletization.Cim.CimJobException", *failures.EXCEPTION)
CIM_EXCEPTION = ("Microsoft.Management.Infrastructure.CimException", *failures.EXCEPTION)
messages.add(
    {
        "rule_missing": (
            "No MSFT_NetFirewallRule objects found with property '{field}' equal to '{name}'.",
            "Aucun objet MSFT_NetFirewallRule n’a été trouvé avec la propriété « {field} » égale à « {name} ».",
        ),
        "rule_access": ("Access is denied.", "Accès refusé."),
        "dns_missing": ("{name} : DNS name does not exist", "{name} : Le nom DNS n’existe pas"),
        "cluster_missing": (
            "The cluster service is not running on this computer.",
            "Le service de cluster n’est pas en cours d’exécution sur cet ordinateur.",
        ),
    }
)


class FirewallRule(LiveObject):
    """MSFT_NetFirewallRule."""

    TYPE_NAMES: ClassVar = (
        "Microsoft.Management.Infrastructure.CimInstance#root/standardcimv2/MSFT_NetFirewallRule",
        "Microsoft.Management.Infrastructure.CimInstance",
        OBJECT,
    )
    PROPERTIES: ClassVar = {
        "Name": "name",
        "DisplayName": "display_name",
        "DisplayGroup": "display_group",
        "Enabled": "enabled",
        "Profile": "profile",
        "Direction": "direction",
        "Action": "action",
        "InstanceID": "name",
        "PolicyStoreSource": "store",
        "Status": "status",
    }
    profile: EnumValue = enums.value("Profile", "Any")
    direction: EnumValue = enums.value("Direction", "Inbound")
    action: EnumValue = enums.value("Action", "Allow")
    store = "PersistentStore"
    status = "OK"

    def __init__(self, host: Host, rule: Rule) -> None:
        self.host = host
        self.name = rule.name
        self.display_name = rule.display[host.language == "fr"]
        self.display_group = rule.group[host.language == "fr"]

    @property
    def enabled(self) -> EnumValue:
        """Return whether it is enabled, as the module's own enumeration."""
        return enums.value("Enabled", "True" if self.host.firewall[self.name] else "False")

    def ps_text(self) -> str:
        """Return the text of the CIM object."""
        return f'MSFT_NetFirewallRule (InstanceID = "{self.name}")'


class RuleCmdlet(HostCmdlet):
    """A cmdlet of NetSecurity on rules by -Name, -DisplayName, -DisplayGroup or object.

    CDXML: the class part of its error ids is its name.
    """

    KNOWN: ClassVar[tuple[str, ...]] = ("Name", "DisplayName", "DisplayGroup", "InputObject", "All")

    def rules(self) -> list[FirewallRule]:
        """Return the rules meant; an error for one that isn't there."""
        only(self, *self.KNOWN)
        if self.bound_to("InputObject"):
            return as_list(self.given("InputObject"))
        role = self.host.features.get("Hyper-V") == "Installed"  # its rules come with it (facts on Hyper-V, 1.3)
        known = [
            FirewallRule(self.host, rule)
            for name, rule in RULES.items()
            if name in self.host.firewall and (role or rule.group != HYPERV)
        ]
        for parameter, attribute, field in (
            ("Name", "name", "InstanceID"),
            ("DisplayName", "display_name", "DisplayName"),
            ("DisplayGroup", "display_group", "DisplayGroup"),
        ):
            if self.bound_to(parameter):
                return self._matching(known, [str(n) for n in as_list(self.given(parameter))], attribute, field)
        return known

    def _matching(self, known: list[FirewallRule], names: list[str], attribute: str, field: str) -> list[FirewallRule]:
        found: list[FirewallRule] = []
        for name in names:
            fitting = [rule for rule in known if fits(getattr(rule, attribute), [name])]
            if not fitting and not has_wildcards(name):
                text = messages.text(self.host.language, "rule_missing", field=field, name=name)
                self.fail(
                    ErrorRecord(
                        error_id=f"CmdletizationQuery_NotFound_{field}",
                        category="ObjectNotFound",
                        message=text,
                        exception=CIM_JOB,
                        target=name,
                        class_name=self.NAME,
                    )
                )
            found += fitting
        return found

    def switch(self, enabled: bool) -> None:
        """Enable or disable the rules meant."""
        for rule in self.rules():
            if not is_administrator(self):
                self.fail(
                    ErrorRecord(
                        error_id="Windows System Error 5",
                        category="PermissionDenied",
                        message=messages.text(self.host.language, "rule_access"),
                        exception=CIM_EXCEPTION,
                        target=rule,
                        class_name=self.NAME,
                    )
                )
            elif self.call.should_process(rule.name):
                self.host.firewall[rule.name] = enabled
                if self.switched("PassThru"):
                    self.call.write(rule)


class GetNetFirewallRule(RuleCmdlet):
    """Get-NetFirewallRule."""

    NAME = "Get-NetFirewallRule"

    def process(self) -> None:
        """Write the rules."""
        for rule in self.rules():
            self.call.write(rule)


class EnableNetFirewallRule(RuleCmdlet):
    """Enable-NetFirewallRule."""

    NAME = "Enable-NetFirewallRule"

    def process(self) -> None:
        """Enable the rules."""
        self.switch(True)


class DisableNetFirewallRule(RuleCmdlet):
    """Disable-NetFirewallRule."""

    NAME = "Disable-NetFirewallRule"

    def process(self) -> None:
        """Disable the rules."""
        self.switch(False)


class SetNetFirewallRule(RuleCmdlet):
    """Set-NetFirewallRule -Enabled; other settings are not simulated."""

    NAME = "Set-NetFirewallRule"
    KNOWN: ClassVar[tuple[str, ...]] = (*RuleCmdlet.KNOWN, "Enabled")

    def process(self) -> None:
        """Set the rules."""
        self.switch(str(self.given("Enabled", "True")).lower() in ("true", "1"))


def reachable(source: Host, target: Host | None, port: int) -> bool:
    """Return whether a TCP connection from one host to another's port would be accepted now."""
    if target is None or not source.network.addresses:
        return False
    if target is not source and source.fleet.clock.now() < target.down_until:
        return False
    if port == 6600:
        return target.firewall["VIRT-MIGL-In-TCP-NoScope"] and bool(target.listener_addresses())
    if port in DOORS and (port == 445 or DOORS[port] in target.firewall):
        return door_open(target, port)
    if port in target.listeners.values() or port in (5985, 5986):
        return target.up() and target.firewall["WINRM-HTTP-In-TCP"]
    return port in (135, 2179, 3389)


class TestNetConnection(HostCmdlet):
    """Test-NetConnection -ComputerName -Port between hosts of the fleet."""

    NAME = "Test-NetConnection"

    def process(self) -> None:
        """Write the result; a name that doesn't resolve or a refused port is a warning and False."""
        only(self, "ComputerName", "Port", "CommonTCPPort", "InformationLevel")
        name = str(self.given("ComputerName", "internetbeacon.msedge.net"))
        common = {"HTTP": 80, "RDP": 3389, "SMB": 445, "WINRM": 5985}
        port = int(self.given("Port") or common.get(str(self.given("CommonTCPPort", "")).upper(), 0))
        target = self.host.fleet.host(name)
        succeeded = reachable(self.host, target, port) if port else None
        if target is None:
            self.call.warn(f"Name resolution of {name} failed")
        elif succeeded is False:
            self.call.warn(f"TCP connect to ({name} : {port}) failed")
        if str(self.given("InformationLevel", "")) == "Quiet":
            self.call.write(bool(succeeded if port else target is not None))
            return
        address = str(target.network.addresses[0].ip) if target and target.network.addresses else None
        values: dict[str, Any] = {
            "ComputerName": name,
            "RemoteAddress": address,
            "RemotePort": port,
            "NameResolutionSucceeded": target is not None,
            "PingSucceeded": target is not None if not port else False,
            "TcpTestSucceeded": bool(succeeded),
        }
        self.call.write(PropertyBag(values, ("TestNetConnectionResult", OBJECT)))


class ResolveDnsName(HostCmdlet):
    """Resolve-DnsName of the fleet's hosts."""

    NAME = "Resolve-DnsName"
    CLASS = "Microsoft.DnsClient.Commands.ResolveDnsName"

    def process(self) -> None:
        """Write the addresses."""
        only(self, "Name", "Type", "DnsOnly", "QuickTimeout", "NoHostsFile")
        name = str(self.given("Name"))
        target = self.host.fleet.host(name)
        if target is None or not target.network.addresses:
            self.fail(
                ErrorRecord(
                    error_id="DNS_ERROR_RCODE_NAME_ERROR",
                    category="ResourceUnavailable",
                    message=messages.text(self.host.language, "dns_missing", name=name),
                    exception=("System.ComponentModel.Win32Exception", *failures.EXCEPTION),
                    target=name,
                )
            )
            return
        for interface in target.network.addresses:
            values = {
                "Name": target.fqdn,
                "Type": "A" if interface.version == 4 else "AAAA",
                "TTL": 1200,
                "Section": "Answer",
                "IPAddress": str(interface.ip),
            }
            self.call.write(PropertyBag(values, ("Microsoft.DnsClient.Commands.DnsRecord_A", OBJECT)))


class GetSmbShare(HostCmdlet):
    """Get-SmbShare."""

    NAME = "Get-SmbShare"

    def process(self) -> None:
        """Write the shares asked for."""
        only(self, "Name")
        known = [*shares_of(self.host).values(), Share(name="IPC$", path="", special=True)]
        names = [str(name) for name in as_list(self.given("Name"))]
        for share in known:
            if not names or fits(share.name, names):
                values = {"Name": share.name, "ScopeName": "*", "Path": share.path, "Special": share.special}
                self.call.write(PropertyBag(values, ("Microsoft.Management.Infrastructure.CimInstance", OBJECT)))


class GetCluster(HostCmdlet):
    """Get-Cluster: no cluster service runs here."""

    NAME = "Get-Cluster"
    CLASS = "Microsoft.FailoverClusters.PowerShell.GetClusterCommand"

    def process(self) -> None:
        """Refuse."""
        self.fail(
            ErrorRecord(
                error_id="Get-Cluster",
                category="NotSpecified",
                message=messages.text(self.host.language, "cluster_missing"),
                exception=("Microsoft.FailoverClusters.PowerShell.ClusterCmdletException", *failures.EXCEPTION),
            )
        )


COMMANDS = (
    GetNetFirewallRule,
    EnableNetFirewallRule,
    DisableNetFirewallRule,
    SetNetFirewallRule,
    TestNetConnection,
    ResolveDnsName,
    GetSmbShare,
    GetCluster,
)
