# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-WmiObject, Get-HotFix, services, accounts, domain: what asks the system about itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from ...hyperv import cmdlets_system, enums, failures, messages
from ...hyperv.base import POWERSHELL_CLASS, HostCmdlet, as_list, fits
from ...hyperv.cim import BadQuery, CimInstance, matcher, normal
from ...hyperv.cmdlets_system import ServiceController, is_administrator, only
from ...hyperv.wmi import ManagementObject
from ...powershell.commands import ErrorRecord
from ...powershell.values import OBJECT, LiveObject, PropertyBag
from .cim_classes import CLASSES
from .state import DISABLED, WindowsMachine

if TYPE_CHECKING:
    from ...hyperv.host import Service
    from ...world import Account

MANAGEMENT = ("System.Management.ManagementException", "System.SystemException", *failures.EXCEPTION)
COM = ("System.Runtime.InteropServices.COMException", "System.SystemException", *failures.EXCEPTION)
ACCOUNT_CLASS = "Microsoft.PowerShell.Commands."
messages.add(
    {
        "wmi_class": ("Invalid class", "Classe incorrecte"),
        "wmi_query": ("Invalid query", "Requête non valide"),
        "wmi_disabled": (
            "The service cannot be started, because it is disabled. (Exception from HRESULT: 0x80070422)",
            "Le service ne peut pas être démarré, car il est désactivé. (Exception de HRESULT : 0x80070422)",
        ),
        "user_missing": ("User {name} was not found.", "L’utilisateur {name} est introuvable."),
        "hotfix_missing": (
            "Cannot find the requested hotfix on the 'localhost' computer.",
            "Le correctif demandé est introuvable sur l’ordinateur « localhost ».",
        ),
        "not_joined": (
            "Cannot verify the secure channel: the computer is not part of a domain.",
            "Impossible de vérifier le canal sécurisé : l’ordinateur n’appartient à aucun domaine.",
        ),
    }
)


class GetWmiObject(HostCmdlet):
    """Get-WmiObject by class with a filter, or by a query."""

    NAME = "Get-WmiObject"
    CLASS = POWERSHELL_CLASS + "GetWmiObjectCommand"

    def process(self) -> None:
        """Write the instances."""
        only(self, "Class", "Filter", "Query", "Namespace", "Property")
        name, condition = str(self.given("Class", "")), self.given("Filter")
        if self.bound_to("Query"):
            pattern = r"\s*select\s+[\w*, ]+\s+from\s+(\w+)(?:\s+where\s+(.*))?"
            found = re.fullmatch(pattern, str(self.given("Query")), re.I | re.S)
            if found is None:
                self._wrong("wmi_query", "InvalidArgument")
                return
            name, condition = found[1], found[2]
        refusal = self.host.cim_refusal()
        provider = CLASSES.get((normal(str(self.given("Namespace", "root/cimv2"))), name.lower()))
        if refusal == DISABLED:
            record_id = "GetWMICOMException"
            text = messages.text(self.host.language, "wmi_disabled")
            self.fail(ErrorRecord(error_id=record_id, category="InvalidOperation", message=text, exception=COM,
                                  hresult=DISABLED))  # fmt: skip
        elif provider is None or refusal is not None:
            self._wrong("wmi_class", "InvalidType")
        else:
            self._write(provider(self.host), condition)

    def _write(self, instances: list[CimInstance], condition: Any) -> None:
        try:
            test = matcher(str(condition).strip()) if condition else None
            chosen = [one for one in instances if test is None or test(one)]
        except BadQuery:
            self._wrong("wmi_query", "InvalidArgument")
            return
        for one in chosen:
            self.call.write(ManagementObject(one, self.host))

    def _wrong(self, key: str, category: str) -> None:
        text = messages.text(self.host.language, key)
        self.fail(
            ErrorRecord(error_id="GetWMIManagementException", category=category, message=text, exception=MANAGEMENT)
        )


class GetHotFix(HostCmdlet):
    """Get-HotFix."""

    NAME = "Get-HotFix"
    CLASS = POWERSHELL_CLASS + "GetHotFixCommand"

    def process(self) -> None:
        """Write the updates asked for; an error for one that isn't there."""
        only(self, "Id")
        wanted = [str(one) for one in as_list(self.given("Id"))]
        for instance in CLASSES["root/cimv2", "win32_quickfixengineering"](self.host):
            if not wanted or fits(instance.values["HotFixID"], wanted):
                self.call.write(ManagementObject(instance))
        known = [update.lower() for update in _machine(self).windows.hotfixes]
        if any(one.lower() not in known for one in wanted):
            text = messages.text(self.host.language, "hotfix_missing")
            record = "GetHotFixNoEntriesFound"
            exception = ("System.ArgumentException", "System.SystemException", *failures.EXCEPTION)
            self.fail(ErrorRecord(error_id=record, category="ObjectNotFound", message=text, exception=exception))


def _machine(cmdlet: HostCmdlet) -> WindowsMachine:
    machine: WindowsMachine = cmdlet.call.session.host
    return machine


class StartService(cmdlets_system.StartService):
    """Start-Service: with what it depends on."""

    def change(self, service: Service) -> None:
        """Start it, unless it or something it needs is disabled."""
        machine = _machine(self)
        needed = [found for name in service.depends if (found := machine.services.get(name.lower()))]
        if service.start == "Disabled" or any(one.start == "Disabled" for one in needed):
            self.wrong("CouldNotStartService", "OpenError", "service_start", ServiceController(self.host, service))
            return
        for one in (*needed, service):
            machine.set_service(one.name, status="Running")


class RestartService(StartService):
    """Restart-Service."""

    NAME = "Restart-Service"
    CLASS = POWERSHELL_CLASS + "RestartServiceCommand"


class StopService(cmdlets_system.StopService):
    """Stop-Service."""


class SetService(cmdlets_system.SetService):
    """Set-Service: the registry follows."""

    def change(self, service: Service) -> None:
        """Set what is given."""
        super().change(service)
        _machine(self).set_service(service.name, start=service.start)


class LocalUser(LiveObject):
    """Microsoft.PowerShell.Commands.LocalUser."""

    TYPE_NAMES: ClassVar = (ACCOUNT_CLASS + "LocalUser", ACCOUNT_CLASS + "LocalPrincipal", OBJECT)
    PROPERTIES: ClassVar = {
        "Enabled": "enabled",
        "Name": "name",
        "SID": "sid",
        "PrincipalSource": "source",
        "ObjectClass": "kind",
    }

    def __init__(self, machine: WindowsMachine, account: Account) -> None:
        self.enabled, self.name = account.enabled, account.username
        self.sid = PropertyBag(
            {"Value": account.sid}, ("System.Security.Principal.SecurityIdentifier", OBJECT), account.sid
        )
        self.source = enums.value("PrincipalSource", "Local")
        self.kind = "Utilisateur" if machine.french else "User"
        self.account = account

    def ps_text(self) -> str:
        """Return the name."""
        return self.name


class UserCmdlet(HostCmdlet):
    """A cmdlet on local accounts by name, SID or object."""

    def users(self) -> list[Account]:
        """Return the accounts meant; an error for one that isn't there."""
        only(self, "Name", "SID", "InputObject")
        machine = _machine(self)
        wanted = [*as_list(self.given("Name")), *as_list(self.given("SID"))]
        wanted += [user.name for user in as_list(self.given("InputObject"))]
        if not wanted:
            return list(machine.local)
        found: list[Account] = []
        for one in wanted:
            text = str(getattr(one, "text", None) or one)
            matching = [a for a in machine.local if fits(a.username, [text]) or a.sid == text]
            if not matching:
                message = messages.text(machine.language, "user_missing", name=text)
                exception = ("Microsoft.PowerShell.Commands.UserNotFoundException", *failures.EXCEPTION)
                self.fail(ErrorRecord(error_id="UserNotFound", category="ObjectNotFound", message=message,
                                      exception=exception, target=text))  # fmt: skip
            found += matching
        return found


class GetLocalUser(UserCmdlet):
    """Get-LocalUser."""

    NAME = "Get-LocalUser"
    CLASS = ACCOUNT_CLASS + "GetLocalUserCommand"

    def process(self) -> None:
        """Write the accounts."""
        for account in self.users():
            self.call.write(LocalUser(_machine(self), account))


class EnableLocalUser(UserCmdlet):
    """Enable-LocalUser."""

    NAME = "Enable-LocalUser"
    CLASS = ACCOUNT_CLASS + "EnableLocalUserCommand"

    def process(self) -> None:
        """Enable the accounts."""
        for account in self.users():
            if not is_administrator(self):
                text = messages.text(self.host.language, "rule_access")
                self.fail(ErrorRecord(error_id="AccessDenied", category="PermissionDenied", message=text))
            elif self.call.should_process(account.username):
                _machine(self).change_account(account.username, enabled=True)


class TestComputerSecureChannel(HostCmdlet):
    """Test-ComputerSecureChannel, with -Repair."""

    NAME = "Test-ComputerSecureChannel"
    CLASS = POWERSHELL_CLASS + "TestComputerSecureChannelCommand"

    def process(self) -> None:
        """Write whether the domain accepts the machine; an error in a workgroup."""
        only(self, "Repair", "Credential", "Server")
        machine = _machine(self)
        if not machine.domain_joined:
            text = messages.text(machine.language, "not_joined")
            record_id = "VerifySecureChannelFailed"
            self.fail(ErrorRecord(error_id=record_id, category="OperationStopped", message=text,
                                  exception=cmdlets_system.INVALID_OPERATION))  # fmt: skip
            return
        netlogon = machine.services.get("netlogon")
        works = machine.windows.logon_server and netlogon is not None and netlogon.status == "Running"
        if self.switched("Repair") and works and self.call.should_process(machine.name):
            machine.windows.trust = True
        self.call.write(machine.windows.trust and works)


COMMANDS = (
    GetWmiObject,
    GetHotFix,
    StartService,
    RestartService,
    StopService,
    SetService,
    GetLocalUser,
    EnableLocalUser,
    TestComputerSecureChannel,
)
