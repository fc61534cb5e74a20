# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small stateful host that imports: files, a planned VM behind its report, and what makes the report clean."""

from __future__ import annotations

import copy
import ntpath
from collections.abc import Mapping
from typing import Any

from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold import import_task
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.manifest import COMPLETE, Manifest, TreeFile
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Outcome
from unit.fake_session import FakeSession, Refused, request

ERP, OTHER = "aaaaaaaa-1111-1111-1111-111111111111", "bbbbbbbb-2222-2222-2222-222222222222"
NEW = "cccccccc-3333-3333-3333-333333333333"
ROOT = "D:\\In\\erp"
FILE = f"{ROOT}\\Virtual Machines\\{ERP.upper()}.vmcx"
DISK = f"{ROOT}\\Virtual Hard Disks\\erp.vhdx"
PLANNED = "PlannedVirtualMachine"
MANIFEST = Manifest(
    state=COMPLETE,
    vm_id=ERP,
    vm_name="erp",
    version="9.0",
    source_host="HV01",
    capture="off",
    started="2026-01-01T00:00:00Z",
    token="t",
    configuration_file=f"erp\\Virtual Machines\\{ERP.upper()}.vmcx",
    files=(TreeFile(path="erp\\Virtual Hard Disks\\erp.vhdx", size=1, sha256="0" * 64),),
)


def exported(**more: Any) -> dict[str, Any]:
    """A VM as its exported files hold it."""
    return {
        "Id": ERP,
        "Name": "erp",
        "State": "Off",
        "Version": "9.0",
        "ProcessorCount": 2,
        "MemoryStartup": 2**30,
        "VirtualMachineType": PLANNED,
        "NetworkAdapters": [adapter("LAN")],
        "HardDrives": [{"Path": DISK}],
        "DVDDrives": [],
        "tpm": False,
        "unknown": [],
        **more,
    }


def adapter(switch: str, mac: str = "00155D0A0001", **more: Any) -> dict[str, Any]:
    return {
        "Id": f"Microsoft:{ERP}\\{switch}",
        "Name": f"nic {switch}",
        "SwitchName": switch,
        "MacAddress": mac,
        "DynamicMacAddressEnabled": True,
        **more,
    }


class ImportHost:
    """State of a host, and the handlers that read and change it."""

    def __init__(self, edition: str = "2019", vm: dict[str, Any] | None = None) -> None:
        self.edition = edition
        self.inside = vm or exported()
        self.versions = ["5.0", "8.0", "9.0"]
        self.vms: dict[str, dict[str, Any]] = {}
        self.planned: dict[str, dict[str, Any]] = {}
        self.jobs: list[dict[str, Any]] = []
        self.refuse_jobs = False
        self.switches = ["LAN", "Prod"]
        self.processors = 8
        self.free = {"C:": 2**40, "D:": 2**40}
        self.files: dict[str, int] = {FILE: 65536, FILE.replace(".vmcx", ".vmrs"): 4096, DISK: 10 * 2**30}
        self.texts: dict[str, str] = {}
        self.refuse_compare: Refused | None = None
        self.refuse_import: Refused | None = None
        self.shows_kind = True
        self.session = FakeSession(self.handlers(), host="hv02")

    def register(self, vm_id: str = ERP, path: str = ROOT, **more: Any) -> dict[str, Any]:
        """Have a VM on the host already."""
        machine = exported(Id=vm_id, Path=path, ConfigurationLocation=path, VirtualMachineType="Realized", **more)
        self.vms[vm_id] = machine
        return machine

    def handlers(self) -> dict[str, Any]:
        return {
            "Get-VM": self._get_vm,
            "Get-VMHost": lambda p, o: [self._settings()],
            "Get-Service": lambda p, o: [{"Name": "vmms", "Status": "Running"}],
            "Get-CimInstance": self._cim,
            "Get-VMSwitch": lambda p, o: [{"Name": name} for name in self.switches],
            "Get-VMHostSupportedVersion": lambda p, o: [
                {"Name": one, "Version": one, "IsDefault": one == self.versions[-1]} for one in self.versions
            ],
            "Get-VMNetworkAdapter": lambda p, o: [{"VMId": vm["Id"], **one} for vm in o for one in self._adapters(vm)],
            "Get-VMHardDiskDrive": lambda p, o: [{"VMId": vm["Id"], **one} for vm in o for one in vm["HardDrives"]],
            "Get-VMSecurity": lambda p, o: [{"VMId": vm["Id"], "TpmEnabled": vm["tpm"]} for vm in o],
            "Get-ChildItem": self._children,
            "Get-Item": self._items,
            "Get-Content": self._content,
            "Set-Content": self._write,
            "Move-Item": self._move,
            "Remove-Item": lambda p, o: self.texts.pop(p["LiteralPath"], None) and None,
            "Test-Path": lambda p, o: [self._file(path) is not None for path in p["LiteralPath"]],
            "Compare-VM": self._compare,
            "Import-VM": self._import,
            "Repair-VM": self._repair,
            "Connect-VMNetworkAdapter": lambda p, o: [one.update(SwitchName=p["SwitchName"]) for one in o] and None,
            "Disconnect-VMNetworkAdapter": lambda p, o: [one.update(SwitchName=None) for one in o] and None,
            "Set-VMDvdDrive": lambda p, o: [one.update(Path=p["Path"]) for one in o] and None,
            "Set-VMHardDiskDrive": lambda p, o: [one.update(Path=p["Path"]) for one in o] and None,
            "Set-VMProcessor": lambda p, o: [one.update(ProcessorCount=p["Count"]) for one in o] and None,
            "Set-VM": lambda p, o: [one.update(SmartPagingFilePath=p["SmartPagingFilePath"]) for one in o] and None,
            "Remove-VMSavedState": lambda p, o: [one.update(State="Off") for one in o] and None,
            "Remove-VM": self._remove,
            "Get-WmiObject": self._wmi,
            "ForEach-Object": self._destroy,
            **{
                name: lambda p, o: []
                for name in (
                    "Get-VMMigrationNetwork", "Get-NetFirewallRule", "Get-WindowsFeature", "Get-Command", "Get-VHD",
                    "C:\\Windows\\System32\\whoami.exe",
                )
            },
        }  # fmt: skip

    def _settings(self) -> dict[str, Any]:
        return {
            "Name": "HV02",
            "ComputerName": "HV02",
            "LogicalProcessorCount": self.processors,
            "VirtualMachinePath": "C:\\VMs",
            "VirtualHardDiskPath": "C:\\Disks",
            "MacAddressMinimum": "00155D0A0000",
            "MacAddressMaximum": "00155D0A00FF",
        }

    def _adapters(self, vm: dict[str, Any]) -> list[dict[str, Any]]:
        there = {name.lower() for name in self.switches}
        for one in vm["NetworkAdapters"]:
            one["Connected"] = str(one["SwitchName"]).lower() in there
        found: list[dict[str, Any]] = vm["NetworkAdapters"]
        return found

    def _get_vm(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        if "Id" in parameters:
            if parameters["Id"] not in self.vms:
                raise Refused("ObjectNotFound,Microsoft.HyperV.PowerShell.Commands.GetVM", category=13)
            return [self.vms[parameters["Id"]]]
        return list(self.vms.values())

    def _cim(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        kind = parameters["ClassName"]
        if kind == "Win32_Volume":
            return [{"Name": d + "\\", "DriveLetter": d, "FreeSpace": f} for d, f in self.free.items()]
        if kind == "Win32_OperatingSystem":
            return [{"Caption": "x", "Version": "10.0.17763", "FreePhysicalMemory": 2**22}]
        if kind == "Msvm_PlannedComputerSystem":
            return [{"Name": one.upper(), "OperationalStatus": [2]} for one in self.planned]
        if kind == "Msvm_ConcreteJob":
            if self.refuse_jobs:
                raise Refused("HRESULT 0x80041003,Microsoft.Management.Infrastructure.CimCmdlets.GetCimInstanceCommand")
            return self.jobs
        return [{"Name": "service"}] if kind == "Msvm_VirtualSystemManagementService" else []

    def _destroy(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        assert parameters["MemberName"] == "DestroySystem"
        self.planned.pop(parameters["ArgumentList"][0])
        return [{"ReturnValue": 0}]

    def _wmi(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        if parameters["Class"] == "Msvm_VirtualSystemManagementService":
            return [{}]
        return [{"__PATH": key} for key in self.planned if key in parameters["Filter"].lower()]

    def _file(self, path: str) -> str | None:
        return next((one for one in self.files if one.lower() == path.lower()), None)

    def _children(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        folder = str(parameters["LiteralPath"]).rstrip("\\").lower() + "\\"
        deep = parameters.get("Recurse")
        return [
            {"FullName": path, "Length": size, "PSIsContainer": False}
            for path, size in self.files.items()
            if path.lower().startswith(folder) and (deep or "\\" not in path[len(folder) :])
        ]

    def _items(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        found = []
        for path in parameters["LiteralPath"]:
            if (known := self._file(path)) is not None:
                found.append({"FullName": known, "Length": self.files[known], "PSIsContainer": False})
            elif any(one.lower().startswith(path.lower() + "\\") for one in self.files):
                found.append({"FullName": path, "PSIsContainer": True})
        if not found:
            raise Refused("PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand", category=13)
        return found

    def _content(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        text = next((t for p, t in self.texts.items() if p.lower() == parameters["LiteralPath"].lower()), None)
        if text is None:
            raise Refused("PathNotFound,Microsoft.PowerShell.Commands.GetContentCommand", category=13)
        return [text]

    def _write(self, parameters: Mapping[str, Any], piped: list[Any]) -> None:
        self.texts[parameters["LiteralPath"]] = parameters["Value"]

    def _move(self, parameters: Mapping[str, Any], piped: list[Any]) -> None:
        self.texts[parameters["Destination"]] = self.texts.pop(parameters["LiteralPath"])

    def _compare(self, parameters: Mapping[str, Any], piped: list[Any]) -> dict[str, Any]:
        if self.refuse_compare:
            raise self.refuse_compare
        if piped:
            piped[0]["Incompatibilities"] = self._entries(piped[0]["VM"])
            found: dict[str, Any] = piped[0]
            return found
        machine = copy.deepcopy(self.inside)
        if parameters.get("GenerateNewId"):
            machine["Id"] = NEW
        if machine["Id"] in self.planned or machine["Id"] in self.vms:
            raise Refused("OperationFailed,Microsoft.HyperV.PowerShell.Commands.CompareVM", "0x80071392")
        if not self.shows_kind:
            machine["VirtualMachineType"] = None
        root = ntpath.dirname(ntpath.dirname(parameters["Path"]))
        machine["Path"] = parameters.get("VirtualMachinePath") or ("C:\\VMs" if parameters.get("Copy") else root)
        machine["ConfigurationLocation"] = machine["Path"]
        if parameters.get("Copy"):
            folder = parameters.get("VhdDestinationPath") or "C:\\Disks"
            for drive in machine["HardDrives"]:
                drive["Path"] = ntpath.join(folder, ntpath.basename(drive["Path"]))
        self.planned[machine["Id"]] = machine
        return {"VM": machine, "copy": bool(parameters.get("Copy")), "Incompatibilities": self._entries(machine)}

    def _entries(self, machine: dict[str, Any]) -> list[dict[str, Any]]:
        found = [
            {"MessageId": 33012, "Message": f"pas de commutateur « {one['SwitchName']} »", "Source": one}
            for one in self._adapters(machine)
            if one["SwitchName"] and not one["Connected"]
        ]
        found += [
            {"MessageId": 40010, "Message": "pas de fichier", "Source": one}
            for one in machine["DVDDrives"]
            if one["Path"] and self._file(one["Path"]) is None
        ]
        if machine["ProcessorCount"] > self.processors:
            found.append({"MessageId": 990005, "Message": "trop de processeurs", "Source": machine})
        return found + [{"MessageId": one, "Message": "inconnu", "Source": machine} for one in machine["unknown"]]

    def _repair(self, parameters: Mapping[str, Any], piped: list[Any]) -> None:
        for report in piped:
            if "Path" in parameters:
                report["VM"].update(Path=parameters["Path"], ConfigurationLocation=parameters["Path"])
            if "SnapshotFilePath" in parameters:
                report["VM"]["SnapshotFileLocation"] = parameters["SnapshotFilePath"]

    def _remove(self, parameters: Mapping[str, Any], piped: list[Any]) -> None:
        for one in piped:
            (self.planned if one["Id"] in self.planned else self.vms).pop(one["Id"])

    def _import(self, parameters: Mapping[str, Any], piped: list[Any]) -> None:
        (report,) = piped
        if self.refuse_import:
            raise self.refuse_import
        machine = report["VM"]
        assert not self._entries(machine), "a report with entries is refused"
        assert machine["Id"] in self.planned
        self.vms[machine["Id"]] = {**self.planned.pop(machine["Id"]), "VirtualMachineType": "Realized"}
        if report["copy"]:
            self.files |= {drive["Path"]: 1 for drive in machine["HardDrives"]}


def run(host: ImportHost, *, check_mode: bool = False, **arguments: Any) -> Outcome:
    session = FakeSession(host="hv02", machine=host.session.machine)
    return import_task.operate(request(session, check_mode=check_mode, **{"path": ROOT, **arguments}))


def ids(outcome: Outcome, severity: str | None = None) -> list[str]:
    found = [finding.as_plain() for finding in getattr(outcome.failure, "findings", ())] or outcome.values["findings"]
    return [one["id"] for one in found if severity in (None, one["severity"])]
