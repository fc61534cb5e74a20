# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cmdlets of the ActiveDirectory module on a host that has it (a member server, or a domain controller).

On a member server the directory is a second hop: without -Credential only a session with delegable credentials gets
there. Error ids and types are those of field errors; which codes the directory gives for values that are there
already, or aren't there, is from Windows' error tables (README).
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from ..powershell.commands import ErrorRecord, Terminating
from ..powershell.values import OBJECT, Credential, TypedArray
from . import delegation
from .base import HostCmdlet, as_list
from .directory import (
    DISABLED,
    MULTI_VALUED,
    NOT_DELEGATED,
    PRIVILEGED,
    TRUSTED_FOR_DELEGATION,
    TRUSTED_TO_AUTH,
    Directory,
    DirectoryObject,
)
from .directory_filter import BadFilter, ldap, powershell
from .directory_objects import SPACE, Entity, known, view

if TYPE_CHECKING:
    from ..world import Account

CLASS = SPACE + "Commands."
AD_EXCEPTION = (SPACE + "ADException", "System.Exception", OBJECT)
SERVER_DOWN = (SPACE + "ADServerDownException", *AD_EXCEPTION)
NOT_FOUND = (SPACE + "ADIdentityNotFoundException", SPACE + "ADIdentityResolutionException", *AD_EXCEPTION)
ARGUMENT = ("System.ArgumentException", "System.SystemException", "System.Exception", OBJECT)
AUTHENTICATION = (
    "System.Security.Authentication.AuthenticationException",
    "System.SystemException",
    "System.Exception",
    OBJECT,
)
NO_RIGHTS, NO_VALUE, VALUE_EXISTS = 8344, 8202, 8205
_TEXTS = {
    "identity": (
        "Cannot find an object with identity: '{name}' under: '{base}'.",
        "Impossible de trouver un objet avec l’identité « {name} » sous « {base} ».",
    ),
    "no_server": (
        "Unable to find a default server with Active Directory Web Services running.",
        "Impossible de trouver un serveur par défaut exécutant les services Web Active Directory.",
    ),
    "server": (
        (
            "Unable to contact the server. This may be because this server does not exist, it is currently down, or "
            "it does "
            "not have the Active Directory Web Services running."
        ),
        (
            "Impossible de contacter le serveur. Il n’existe pas, il est arrêté ou les services Web Active "
            "Directory n’y sont "
            "pas exécutés."
        ),
    ),
    "rejected": (
        "The server has rejected the client credentials.",
        "Le serveur a rejeté les informations d’identification du client.",
    ),
    "properties": (
        "One or more properties are invalid.\nParameter name: {name}",
        "Une ou plusieurs propriétés ne sont pas valides.\nNom du paramètre : {name}",
    ),
    "rights": (
        "Insufficient access rights to perform the operation",
        "Droits d’accès insuffisants pour effectuer cette opération",
    ),
    "exists": (
        "The specified directory service attribute or value already exists",
        "L’attribut ou la valeur de service d’annuaire spécifié existe déjà",
    ),
    "missing": (
        "The specified directory service attribute or value does not exist",
        "L’attribut ou la valeur de service d’annuaire spécifié n’existe pas",
    ),
}


class DirectoryCmdlet(HostCmdlet):
    """A cmdlet that asks the directory. All its errors end the statement."""

    KIND = "ADObject"

    @property
    def directory(self) -> Directory:
        """Return the directory."""
        found: Directory = self.host.fleet.directory
        return found

    def stop(
        self,
        error_id: str,
        category: str,
        text: str,
        exception: tuple[str, ...] = AD_EXCEPTION,
        *,
        target: Any = None,
        **values: Any,
    ) -> NoReturn:
        """End the statement with an error."""
        if text in _TEXTS:
            text = _TEXTS[text][self.host.language == "fr"].format(**values)
        raise Terminating(
            ErrorRecord(error_id=error_id, category=category, message=text, exception=exception, target=target)
        )

    def caller(self) -> Account | None:
        """Return the account that the directory sees (None: the host itself), or end with the error of the hop."""
        server = self.given("Server")
        if server is not None and str(server).lower().partition(":")[0] not in self.directory.controller_names():
            self.stop("ActiveDirectoryServer:0", "ResourceUnavailable", "server", SERVER_DOWN)
        credential = self.given("Credential")
        if isinstance(credential, Credential):
            account = self.directory.account(credential.username, credential.password.text)
            if account is None:
                error_id = "ActiveDirectoryCmdlet:" + AUTHENTICATION[0]
                self.stop(error_id, "SecurityError", "rejected", AUTHENTICATION)
            return account
        identity = self.call.session.identity
        if identity is None:
            return None
        near = self.directory.is_controller(self.host)
        if identity.account.domain is None or not self.host.domain_joined or not (near or identity.delegable):
            if server is None:
                self.stop("ActiveDirectoryServer:1355", "ResourceUnavailable", "no_server", SERVER_DOWN)
            self.stop("ActiveDirectoryServer:0", "ResourceUnavailable", "server", SERVER_DOWN)
        found: Account = identity.account
        return found

    def find(self, given: Any, kind: str | None = None) -> DirectoryObject:
        """Return the object of an -Identity: object, DN, GUID, SID or account name (objects: DN or GUID only)."""
        if isinstance(given, Entity) and given.subject is not None:
            return given.subject
        kind = kind or self.KIND
        name = str(given)
        for found in self.candidates(kind):
            if name.lower() in identities(found, kind):
                return found
        error_id = "ActiveDirectoryCmdlet:" + NOT_FOUND[0]
        self.stop(error_id, "ObjectNotFound", "identity", NOT_FOUND, target=name, name=name, base=self.directory.base)
        return None

    def candidates(self, kind: str) -> list[DirectoryObject]:
        """Return the objects that a cmdlet of this kind sees."""
        everything = list(self.directory.objects.values())
        wanted = {"ADComputer": "computer", "ADUser": "user"}.get(kind)
        return [found for found in everything if wanted is None or found.object_class == wanted]


def identities(found: DirectoryObject, kind: str) -> set[str]:
    """Return what names an object, in lower case. A computer's account name is also accepted without its $."""
    names = {found.dn.lower(), str(found.guid)}
    if kind != "ADObject":
        account = str(found.get("sAMAccountName") or "").lower()
        names |= {account, str(found.get("objectSid")).lower()}
        if kind == "ADComputer":
            names.add(account.rstrip("$"))
    return names


class Getter(DirectoryCmdlet):
    """Get-ADComputer, Get-ADUser, Get-ADObject."""

    def process(self) -> None:
        """Write what is found with the properties asked for."""
        reader = self.caller()
        wanted = [str(name) for name in as_list(self.given("Properties"))]
        for name in wanted:
            if name != "*" and known(name) is None:
                error_id = "ActiveDirectoryCmdlet:System.ArgumentException"
                target = self.given("Identity")
                self.stop(error_id, "InvalidArgument", "properties", ARGUMENT, target=target, name=name)
        for found in self._chosen():
            self.call.write(view(self.directory, self.KIND, found, wanted, reader))

    def _chosen(self) -> list[DirectoryObject]:
        if self.bound_to("Identity"):
            return [self.find(self.given("Identity"))]
        try:
            if self.bound_to("LDAPFilter"):
                test = ldap(str(self.given("LDAPFilter")))
            else:
                test = powershell(str(self.given("Filter")))
        except BadFilter as problem:
            error_id = "ActiveDirectoryCmdlet:System.ArgumentException"
            self.stop(error_id, "InvalidArgument", str(problem), ARGUMENT)
        base = str(self.given("SearchBase") or "").lower()
        found = [each for each in self.candidates(self.KIND) if test(each) and each.dn.lower().endswith(base)]
        size = self.given("ResultSetSize")
        return found[: int(size)] if size else found


class GetADComputer(Getter):
    """Get-ADComputer."""

    NAME = "Get-ADComputer"
    CLASS = CLASS + "GetADComputer"
    KIND = "ADComputer"


class GetADUser(Getter):
    """Get-ADUser."""

    NAME = "Get-ADUser"
    CLASS = CLASS + "GetADUser"
    KIND = "ADUser"


class GetADObject(Getter):
    """Get-ADObject."""

    NAME = "Get-ADObject"
    CLASS = CLASS + "GetADObject"


class Setter(DirectoryCmdlet):
    """A cmdlet that writes to an object."""

    def may_write(self, caller: Account | None, found: DirectoryObject, attributes: list[str]) -> None:
        """End with the directory's refusal where the right, or the privilege for delegation, is missing."""
        directory = self.directory
        for name in attributes:
            granted = directory.may_write(caller, name)
            if not granted or (name.lower() in PRIVILEGED and not directory.may_delegate(caller)):
                self.refuse(NO_RIGHTS, "rights", found)

    def refuse(self, code: int, text: str, found: DirectoryObject) -> NoReturn:
        """End with an error of the directory itself."""
        self.stop(f"ActiveDirectoryServer:{code}", "NotSpecified", text, target=found.dn)


class SetADObject(Setter):
    """Set-ADObject: -Remove, then -Add, -Replace and -Clear, all or nothing."""

    NAME = "Set-ADObject"
    CLASS = CLASS + "SetADObject"

    def process(self) -> None:
        """Write the attributes given."""
        caller = self.caller()
        found = self.find(self.given("Identity") if self.bound_to("Identity") else self.given("Instance"))
        changes = {key: dict(self.given(key) or {}) for key in ("Remove", "Add", "Replace")}
        cleared = [str(name) for name in as_list(self.given("Clear"))]
        for parameter, attribute in (("Description", "description"), ("DisplayName", "displayName")):
            if self.bound_to(parameter):
                changes["Replace"][attribute] = self.given(parameter)
        names = [str(name) for part in changes.values() for name in part] + cleared
        self.may_write(caller, found, names)
        if not self.call.should_process(found.dn):
            return
        with self.host.fleet.lock:
            values = self._result(found, changes, cleared)
            for name, value in values.items():
                delegation.write(self.directory, found, name, value)
        if self.switched("PassThru"):
            self.call.write(view(self.directory, self.KIND, found, [], caller))

    def _result(self, found: DirectoryObject, changes: dict[str, Any], cleared: list[str]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, given in changes["Remove"].items():
            held = list(found.get(name) or [])
            for item in map(str, as_list(given)):
                same = [each for each in held if each.lower() == item.lower()]
                if not same:
                    self.refuse(NO_VALUE, "missing", found)
                held.remove(same[0])
            values[name] = held
        for name, given in changes["Add"].items():
            held = list(values.get(name, found.get(name)) or [])
            for item in map(str, as_list(given)):
                if item.lower() in [each.lower() for each in held]:
                    self.refuse(VALUE_EXISTS, "exists", found)
                held.append(item)
            values[name] = held
        for name, given in changes["Replace"].items():
            items = [str(item) for item in as_list(given)]
            plain = int(given) if name.lower() == "useraccountcontrol" else items[0] if items else None
            values[name] = items if name.lower() in MULTI_VALUED else plain
        return values | dict.fromkeys(cleared)


class SetADAccountControl(Setter):
    """Set-ADAccountControl: the bits of userAccountControl that concern delegation."""

    NAME = "Set-ADAccountControl"
    CLASS = CLASS + "SetADAccountControl"
    FLAGS: ClassVar = {
        "TrustedToAuthForDelegation": TRUSTED_TO_AUTH,
        "TrustedForDelegation": TRUSTED_FOR_DELEGATION,
        "AccountNotDelegated": NOT_DELEGATED,
    }

    def process(self) -> None:
        """Set or clear the bits given."""
        caller = self.caller()
        found = self.find(self.given("Identity"), "ADAccount")
        self.may_write(caller, found, ["userAccountControl"])
        if not self.call.should_process(found.dn):
            return
        with self.host.fleet.lock:
            control = found.control
            wanted = {self.FLAGS[name]: self.given(name) for name in self.FLAGS if self.bound_to(name)}
            if self.bound_to("Enabled"):
                wanted[DISABLED] = not self.given("Enabled")
            for bit, on in wanted.items():
                control = control | bit if on else control & ~bit
            delegation.write(self.directory, found, "userAccountControl", control)
        if self.switched("PassThru"):
            self.call.write(view(self.directory, self.KIND, found, [], caller))


class GetADDomain(DirectoryCmdlet):
    """Get-ADDomain."""

    NAME = "Get-ADDomain"
    CLASS = CLASS + "GetADDomain"

    def process(self) -> None:
        """Write the domain."""
        self.caller()
        directory = self.directory
        given = self.given("Identity")
        if given is not None and str(given).lower() not in (
            directory.domain.lower(),
            directory.netbios.lower(),
            directory.base.lower(),
        ):
            error_id = "ActiveDirectoryCmdlet:" + NOT_FOUND[0]
            self.stop(error_id, "ObjectNotFound", "identity", NOT_FOUND, target=given, name=given, base=directory.base)
        controllers = [name for name in directory.controller_names()[2:] if "." in name]
        values = {
            "DistinguishedName": directory.base,
            "DNSRoot": directory.domain,
            "DomainMode": "Windows2016Domain",
            "Forest": directory.domain,
            "Name": directory.domain.partition(".")[0],
            "NetBIOSName": directory.netbios,
            "ObjectClass": "domainDNS",
            "ObjectGUID": uuid.uuid5(uuid.NAMESPACE_X500, directory.base.lower()),
            "PDCEmulator": controllers[0],
            "ComputersContainer": f"CN=Computers,{directory.base}",
            "ReplicaDirectoryServers": TypedArray("System.String", controllers),
        }
        self.call.write(Entity("ADDomain", values))


COMMANDS = (GetADComputer, GetADUser, GetADObject, SetADObject, SetADAccountControl, GetADDomain)
