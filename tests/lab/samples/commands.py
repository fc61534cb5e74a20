# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cmdlets of the module, and how they bind."""

from __future__ import annotations

from typing import Any

from hyperv_lab.powershell.cmdlets.writing import joined
from hyperv_lab.powershell.commands import Cmdlet, ErrorRecord, Terminating
from hyperv_lab.powershell.outcomes import PipelineStopped
from hyperv_lab.powershell.signature import Parameter, Signature, command, parameter
from hyperv_lab.powershell.values import Credential, EnumValue, Int64, PropertyBag, TypedArray
from hyperv_lab.powershell.wildcards import fits

from .objects import VM, Report, machines

MODULE = "Samples"
INVALID = ("System.InvalidOperationException", "System.SystemException", "System.Exception", "System.Object")
ARGUMENT = ("System.ArgumentException", "System.SystemException", "System.Exception", "System.Object")
WIN32 = (
    "System.ComponentModel.Win32Exception",
    "System.Runtime.InteropServices.ExternalException",
    "System.SystemException",
    "System.Exception",
    "System.Object",
)


def failure(error_id: str, category: str, message: str, hresult: int, target: Any = None) -> ErrorRecord:
    """Return a record whose exception is of this module."""
    return ErrorRecord(
        error_id=error_id,
        category=category,
        message=message,
        exception=("Sample.SampleException", *INVALID),
        hresult=hresult,
        properties={"Identifier": error_id},
        target=target,
    )


class GetSample(Cmdlet):
    """Write machines by name or Id, or fail in one of several ways."""

    NAME = "Get-Sample"
    CLASS = "Sample.GetSample"

    def process(self) -> None:
        bound = self.call.bound
        if bound.get("Throw"):
            raise Terminating(
                failure("Sample.SampleException", "NotSpecified", "sample thrown", 0x8009030E),
            )
        if bound.get("Terminate"):
            raise Terminating(failure("OperationFailed", "NotSpecified", "sample terminating", 0x80041001))
        if int(bound.get("Count") or 0) > 0:
            for number in range(1, int(bound["Count"]) + 1):
                self.call.write(number)
        elif self.call.parameter_set == "Id":
            self._by_id(bound["Id"])
        else:
            self._by_names(bound.get("Name") or ["*"])

    def _by_id(self, wanted: Any) -> None:
        found = next((vm for vm in machines() if vm.id == wanted), None)
        if found is None:
            self.call.error(failure("ObjectNotFound", "ObjectNotFound", f"no id {wanted}", 0x80004005))
        else:
            self.call.write(found)

    def _by_names(self, names: list[str]) -> None:
        everyone = machines()
        for name in names:
            found = [vm for vm in everyone if fits(vm.name, name)]
            for vm in found:
                self.call.write(vm)
            if not found:
                self.call.error(
                    ErrorRecord(
                        error_id="InvalidParameter",
                        category="InvalidArgument",
                        message=f"no sample '{name}'",
                        exception=ARGUMENT,
                        hresult=0x80070057,
                        properties={"ParamName": None},
                        target=name,
                    )
                )
        if self.call.bound.get("Fail"):
            self.call.error(
                ErrorRecord(
                    error_id="AccessDenied",
                    category="PermissionDenied",
                    message="Access is denied.",
                    exception=WIN32,
                    hresult=0x80004005,
                    properties={"NativeErrorCode": 5},
                    target=everyone[0],
                )
            )


class SetSample(Cmdlet):
    """Change machines, or say which names were given."""

    NAME = "Set-Sample"
    CLASS = "Sample.SetSample"

    def process(self) -> None:
        bound = self.call.bound
        if self.call.parameter_set != "VM":
            if self.call.should_process(str(bound["Name"][0])):
                self.call.write("name:" + ",".join(bound["Name"]))
            return
        for vm in bound["VM"]:
            if self.call.should_process(vm.name):
                self._change(vm)

    def _change(self, vm: VM) -> None:
        bound = self.call.bound
        if bound.get("Memory") is not None:
            vm.memory = Int64(bound["Memory"])
        if "State" in bound:
            vm.state = bound["State"]
        if bound.get("Passthru"):
            self.call.write(vm)


class SetSampleAdapter(Cmdlet):
    """Connect an adapter."""

    NAME = "Set-SampleAdapter"
    CLASS = "Sample.SetSampleAdapter"

    def process(self) -> None:
        adapter = self.call.bound["Adapter"]
        adapter.switch = self.call.bound.get("SwitchName")
        adapter.connected = True


class CompareSample(Cmdlet):
    """Write a report of a machine, or compare again for a report."""

    NAME = "Compare-Sample"
    CLASS = "Sample.CompareSample"

    def process(self) -> None:
        report = self.call.bound.get("CompatibilityReport")
        if report is None:
            found = next((vm for vm in machines() if vm.name == self.call.bound.get("Name")), None)
            if found is None:
                raise Terminating(
                    ErrorRecord(
                        error_id="System.InvalidOperationException",
                        category="NotSpecified",
                        message="Sequence contains no matching element",
                        exception=INVALID,
                        hresult=0x80131509,
                    )
                )
            report = Report(found)
        report.compare()
        self.call.write(report)


class MoveSample(Cmdlet):
    """Show progress, then move unless the report has findings."""

    NAME = "Move-Sample"
    CLASS = "Sample.MoveSample"

    def process(self) -> None:
        bound = self.call.bound
        report, name = bound.get("CompatibilityReport"), bound.get("Name")
        pause = int(bound.get("Milliseconds", 300)) // 3 / 1000
        for percent in (10, 50, 90):
            self.call.progress(  # type: ignore[call-arg] # the engine's own call takes the parent too
                "Moving", name or "report", percent=percent, activity_id=7, seconds=9, operation="copy", parent=3
            )
            if self.call.stopping.wait(pause):
                raise PipelineStopped
        if report is not None and report.findings:
            raise Terminating(failure("OperationFailed", "NotSpecified", "incompatible", 0x80041001))
        self.call.write(f"moved:{name if report is None else report.vm.name}")


class WriteSampleStreams(Cmdlet):
    """Write one record to each stream."""

    NAME = "Write-SampleStreams"
    CLASS = "Sample.WriteSampleStreams"

    def process(self) -> None:
        call: Any = self.call
        call.progress("Moving", "step 1", percent=30, activity_id=7, seconds=9, operation="copy", parent=3)
        call.progress("Moving", "step 1", activity_id=7, completed=True)
        call.warn("careful")
        call.verbose("detail")
        call.debug("dbg")
        call.inform("info", ("t1",))
        call.write("done")


class ShowCredential(Cmdlet):
    """Write a credential and a secret in the clear."""

    NAME = "Show-Credential"
    CLASS = "Sample.ShowCredential"

    def process(self) -> None:
        held, secret = self.call.bound.get("Credential"), self.call.bound.get("Secret")
        if isinstance(held, Credential):
            domain, slash, user = held.username.partition("\\")
            user, domain = (user, domain) if slash else (held.username, "")
            self.call.write(f"{held.username}/{user}/{domain}/{held.password.text}")
        if secret is not None:
            self.call.write(secret.text)


class NeedOne(Cmdlet):
    """Write the one text that it needs."""

    NAME = "Need-One"
    CLASS = "Sample.NeedOne"

    def process(self) -> None:
        self.call.write(self.call.bound["Name"])


class NeedValue(Cmdlet):
    """Write the type and text of each bound parameter."""

    NAME = "Need-Value"
    CLASS = "Sample.NeedValue"

    def process(self) -> None:
        for name in sorted(self.call.bound, key=str.lower):
            value = self.call.bound[name]
            shown = "<null>" if value is None else f"{self._type(name, value)}:{joined(value)}"
            self.call.write(f"{name}={shown}")

    @staticmethod
    def _type(name: str, value: Any) -> str:
        declared = _NEED_VALUE[name].removeprefix("Nullable<").removesuffix(">")
        if declared != "Object":
            return declared
        if isinstance(value, (list, dict, PropertyBag)):
            return "PSObject"
        if isinstance(value, EnumValue):
            return value.type_name.rpartition(".")[2]
        return {str: "String", bool: "Boolean", int: "Int32", float: "Double"}.get(type(value), type(value).__name__)


class ShowNested(Cmdlet):
    """Write property bags within property bags, and a table."""

    NAME = "Show-Nested"
    CLASS = "Sample.ShowNested"

    def process(self) -> None:
        deep = PropertyBag({"b": PropertyBag({"c": PropertyBag({"d": PropertyBag({"e": "deep"})})})})
        several = [PropertyBag({"m": 1}), PropertyBag({"m": TypedArray("Int32", [1, 2])})]
        self.call.write(PropertyBag({"a": deep, "l": several}))
        self.call.write({"a": 1})


_NEED_VALUE = {
    "Long": "Int64",
    "Int": "Int32",
    "UInt": "UInt32",
    "Date": "DateTime",
    "Span": "TimeSpan",
    "Guid": "Guid",
    "Bool": "Boolean",
    "Version": "Version",
    "Strings": "String[]",
    "Maybe": "Nullable<Int32>",
    "Vhds": "Hashtable[]",
    "State": "SampleState",
    "Switch": "SwitchParameter",
    "Any": "Object",
}


def _switches(*names: str) -> list[Parameter]:
    return [parameter(name, "SwitchParameter") for name in names]


def _by_report() -> list[Parameter]:
    return [
        parameter("Name", sets="Name", mandatory=True, position=0),
        parameter("CompatibilityReport", "Report", sets="Report", mandatory=True, by_value=True),
    ]


def _signature(name: str, *parameters: Parameter, default: str | None = None, changes: bool = False) -> Signature:
    return command(name, *parameters, default=default, module=MODULE, should_process=changes, edition="7")


SIGNATURES: dict[str, Signature] = {
    signature.name.lower(): signature
    for signature in (
        _signature(
            "Get-Sample",
            parameter("Name", "String[]", sets="Name", position=0),
            parameter("Id", "Nullable<Guid>", sets="Id", position=0, mandatory=True),
            *_switches("Fail", "Terminate", "Throw"),
            parameter("Count", "Int32"),
            default="Name",
        ),
        _signature(
            "Set-Sample",
            parameter("VM", "VM[]", sets="VM", position=0, mandatory=True, by_value=True),
            parameter("Name", "String[]", sets="Name", position=0, mandatory=True, by_name=True),
            parameter("Memory", "Nullable<Int64>"),
            parameter("State", "SampleState"),
            *_switches("Passthru"),
            default="Name",
            changes=True,
        ),
        _signature(
            "Set-SampleAdapter",
            parameter("Adapter", "Adapter", mandatory=True, by_value=True),
            parameter("SwitchName"),
        ),
        _signature("Compare-Sample", *_by_report(), default="Name"),
        _signature("Move-Sample", *_by_report(), parameter("Milliseconds", "Int32"), default="Name"),
        _signature("Write-SampleStreams"),
        _signature("Show-Credential", parameter("Credential", "PSCredential"), parameter("Secret", "SecureString")),
        _signature("Need-One", parameter("Name", mandatory=True, position=0)),
        _signature("Need-Value", *(parameter(name, type_name) for name, type_name in _NEED_VALUE.items())),
        _signature("Show-Nested"),
    )
}
COMMANDS: dict[str, type[Cmdlet]] = {
    cmdlet.NAME.lower(): cmdlet
    for cmdlet in (
        GetSample,
        SetSample,
        SetSampleAdapter,
        CompareSample,
        MoveSample,
        WriteSampleStreams,
        ShowCredential,
        NeedOne,
        NeedValue,
        ShowNested,
    )
}
