# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-CimInstance and Invoke-CimMethod on the host itself."""

from __future__ import annotations

import re
from typing import Any

from ..powershell.commands import ErrorRecord
from ..powershell.values import OBJECT, PropertyBag
from . import cim_classes, failures, kvp, messages
from .accounts import may_use_hyperv
from .base import HostCmdlet, as_list
from .cim import METHODS, VIRTUALIZATION, BadQuery, CimInstance, has_namespace, matcher, normal, provider_of

CIM_CLASS = "Microsoft.Management.Infrastructure.CimCmdlets."
CIM_EXCEPTION = ("Microsoft.Management.Infrastructure.CimException", *failures.EXCEPTION)
_ = cim_classes, kvp  # register their classes

messages.add(
    {
        "cim_0x80041010": ("Invalid class", "Classe incorrecte"),
        "cim_0x8004100e": ("Invalid namespace", "Espace de noms non valide"),
        "cim_0x80041003": ("Access denied", "Accès refusé"),
        "cim_0x80041017": ("Invalid query", "Requête non valide"),
        "cim_0x80041005": ("Type mismatch", "Type incorrect"),
        "cim_0x80041055": ("Invalid method", "Méthode non valide"),
        "cim_0x80070422": (
            "The service cannot be started, because it is disabled.",
            "Le service ne peut pas être démarré, car il est désactivé.",
        ),
        "cim_0x8004100c": ("Not supported", "Non pris en charge"),
    }
)


class CimCmdlet(HostCmdlet):
    """A CIM cmdlet: errors carry the HRESULT in their id."""

    def wrong(self, code: int, category: str, target: Any = None) -> None:
        """Write a CIM error."""
        self.fail(
            ErrorRecord(
                error_id=f"HRESULT 0x{code:08x}",
                category=category,
                message=messages.text(self.host.language, f"cim_0x{code:08x}"),
                exception=CIM_EXCEPTION,
                properties={"NativeErrorCode": code, "MessageId": f"HRESULT 0x{code:08x}"},
                target=target,
            )
        )

    def instances(self, namespace: str, class_name: str) -> list[CimInstance] | None:
        """Return the instances of a class here; None after an error."""
        plain = normal(namespace)
        refusal = self.host.cim_refusal()
        if refusal is not None:
            self.wrong(refusal, "NotSpecified", f"{namespace}:{class_name}")
            return None
        if plain == VIRTUALIZATION:
            if not self.host.hyperv_ready:
                self.wrong(0x8004100E, "MetadataError", f"{namespace}:{class_name}")
                return None
            if not may_use_hyperv(self.call.session.identity):
                self.wrong(0x80041003, "PermissionDenied", f"{namespace}:{class_name}")
                return None
        provider = provider_of(self.host, plain, class_name)
        if provider is None:
            known = has_namespace(self.host, plain)
            self.wrong(0x80041010 if known else 0x8004100E, "MetadataError", f"{namespace}:{class_name}")
            return None
        if plain == VIRTUALIZATION and not self.host.vmms_running:
            return []
        self.host.faults.tick()
        return provider(self.host)


_JOBS_OF = re.compile(
    r"associators\s+of\s+\{\s*Msvm_ComputerSystem\.(?:CreationClassName='Msvm_ComputerSystem',)?Name='([0-9a-f-]{36})'\s*\}"
    r"\s+where\s+AssocClass\s*=\s*Msvm_AffectedJobElement",
    re.IGNORECASE,
)
"""The one question about associations that is played: the jobs of a machine, ended ones of the last minutes too.

os-win finds jobs by this association; that it can be asked for by such a query isn't verified."""


class GetCimInstance(CimCmdlet):
    """Get-CimInstance by class (with a filter) or by a simple query, on this host."""

    NAME = "Get-CimInstance"
    CLASS = CIM_CLASS + "GetCimInstanceCommand"
    REFUSED = frozenset({"CimSession", "ResourceUri", "Shallow", "QueryDialect"})

    def process(self) -> None:
        """Write the instances."""
        if self.remote_elsewhere() or self.REFUSED & set(self.call.bound):
            self.wrong(0x8004100C, "NotImplemented")
            return
        namespace = str(self.given("Namespace", "root/cimv2"))
        class_name, condition = str(self.given("ClassName", "")), self.given("Filter")
        if self.bound_to("InputObject"):
            given = self.given("InputObject")
            namespace, class_name = given.namespace, given.class_name
            key = next(iter(given.values))
            condition = f"{key} = '{str(given.values[key]).replace(chr(92), chr(92) * 2)}'"
        elif self.bound_to("Query") and (asked := _JOBS_OF.fullmatch(str(self.given("Query")).strip())) is not None:
            for instance in self.instances(namespace, "Msvm_ConcreteJob") or []:
                if instance.subject is not None and str(instance.subject.vm.id).lower() == asked[1].lower():
                    self.call.write(instance)
            return
        elif self.bound_to("Query"):
            found = re.fullmatch(
                r"\s*select\s+[\w*, ]+\s+from\s+(\w+)(?:\s+where\s+(.*))?", str(self.given("Query")), re.I | re.S
            )
            if found is None:
                self.wrong(0x80041017, "InvalidArgument")
                return
            class_name, condition = found[1], found[2]
        self._write(namespace, class_name, condition)

    def _write(self, namespace: str, class_name: str, condition: Any) -> None:
        instances = self.instances(namespace, class_name)
        if instances is None:
            return
        try:
            test = matcher(str(condition).strip()) if condition else None
            chosen = [instance for instance in instances if test is None or test(instance)]
        except BadQuery:
            self.wrong(0x80041017, "InvalidArgument")
            return
        wanted = {str(name).lower() for name in as_list(self.given("Property"))}
        for instance in chosen:
            if wanted:
                for name in instance.values:
                    if name.lower() not in wanted:
                        instance.values[name] = None
            self.call.write(instance)


class InvokeCimMethod(CimCmdlet):
    """Invoke-CimMethod on a piped instance, or on each of a class."""

    NAME = "Invoke-CimMethod"
    CLASS = CIM_CLASS + "InvokeCimMethodCommand"

    def process(self) -> None:
        """Call the method and write its output parameters."""
        if self.remote_elsewhere() or self.bound_to("CimSession"):
            self.wrong(0x8004100C, "NotImplemented")
            return
        instance = self.given("InputObject")
        if instance is None:
            found = self.instances(str(self.given("Namespace", "root/cimv2")), str(self.given("ClassName", "")))
            if not found:
                return
            instance = found[0]
        name = str(self.given("MethodName"))
        function = METHODS.get((instance.class_name.lower(), name.lower()))
        if function is None:
            self.wrong(0x80041055, "InvalidOperation", instance)
            return
        if not self.call.should_process(instance.class_name):
            return
        arguments = {str(key): value for key, value in (self.given("Arguments") or {}).items()}
        if any(isinstance(value, (list, PropertyBag)) for value in arguments.values()):
            # A list from the wire is an ArrayList, which only an object array's conversion would help. An instance from
            # the wire stays a property bag, and is no reference: the engine makes an instance of it again only where
            # its class comes along (__ClassMetadata), which no client of ours sends (public sources of PowerShell's
            # serializer, of CimCmdlets and of the infrastructure beneath; not recorded on a host).
            self.wrong(0x80041005, "InvalidArgument", instance)
            return
        values = function(self.host, instance, arguments, self.call.session.identity)
        kind = "Microsoft.Management.Infrastructure.CimMethodResult"
        self.call.write(PropertyBag({**values, "PSComputerName": None}, (kind, OBJECT), kind))


COMMANDS = (GetCimInstance, InvokeCimMethod)
