# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two hosts of dictionaries with VMs that can move between them, for tests of migrations."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration import operation
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration.mover import Attempt
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Outcome, Request
from unit.fake_session import FakeClock, FakeMachine, FakeSession, Refused, request

ADMINISTRATOR = '"BUILTIN\\Administrators","Alias","S-1-5-32-544","Mandatory group"'


def vm_id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def outcomes(outcome: Outcome) -> dict[str, str]:
    """Return what became of each VM, by name; the values have to have a form in JSON."""
    json.dumps(outcome.values)
    return {row["name"]: row["outcome"] for row in outcome.values["vms"]}


def finding_ids(outcome: Outcome, number: int = 0) -> list[str]:
    return [finding["id"] for finding in outcome.values["vms"][number]["findings"]]


@dataclass
class Inline:
    """A runner that works at once."""

    ended: list[tuple[str, Attempt]] = field(default_factory=list)

    def start(self, vm_id: str, work: Callable[[], Attempt]) -> None:
        self.ended.append((vm_id, work()))

    def finished(self) -> list[tuple[str, Attempt]]:
        found, self.ended = self.ended, []
        return found


class Fleet:
    """VMs by host; moves take place when Move-VM comes, unless told to fail."""

    def __init__(self, *hosts: str) -> None:
        names = hosts or ("hv01", "hv02")
        self.vms: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in names}
        self.planned: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in names}
        self.jobs: list[dict[str, Any]] = []
        self.switches = {name: ["LAN"] for name in names}
        self.settings: dict[str, dict[str, Any]] = {name: _settings(name) for name in names}
        self.guards: dict[str, list[int]] = {}
        """What runs on virtualization-based security; a host that isn't here doesn't say."""
        self.cpu = dict.fromkeys(names, (6, 85))
        self.groups = {name: [ADMINISTRATOR] for name in names}
        self.files: dict[str, set[str]] = {name: set() for name in names}
        self.free = dict.fromkeys(names, 2**40)
        self.move_errors: list[Refused] = []
        self.compare_errors: list[Refused] = []
        self.moves: list[str] = []
        self.at_once = 0
        self.clock = FakeClock()
        self.machines = {name: self._machine(name) for name in names}

    def add(self, name: str, host: str = "hv01", **members: Any) -> dict[str, Any]:
        identifier = members.pop("Id", vm_id(name))
        machine = {
            "Id": identifier, "Name": name, "State": "Running", "PrimaryOperationalStatus": "Ok",
            "SecondaryOperationalStatus": None, "OperationalStatus": ["Ok"], "Version": "10.0", "MemoryAssigned": 2**30,
            "MemoryStartup": 2**30, "ProcessorCount": 2, "VirtualMachineType": "RealizedVirtualMachine",
            "Path": f"C:\\VMs\\{name}", "flag": False, "isos": [], "checkpoints": [],
            "disks": [{"Path": f"C:\\VMs\\{name}\\disk.vhdx", "size": 2**30}],
            "NetworkAdapters": [{"Id": f"Microsoft:{identifier}\\A", "Name": "Network Adapter", "SwitchName": "LAN"}],
            **members,
        }  # fmt: skip
        self.vms[host][identifier] = machine
        return machine

    def where(self, name: str) -> list[str]:
        return [host for host, vms in self.vms.items() for vm in vms.values() if vm["Name"] == name]

    def run(self, *, check_mode: bool = False, delegates: bool = True, **arguments: Any) -> Outcome:
        return operation.operate(
            self.request(check_mode=check_mode, delegates=delegates, **arguments), clock=self.clock, runner=Inline()
        )

    def request(self, *, check_mode: bool = False, delegates: bool = True, **arguments: Any) -> Request:
        sessions = [
            FakeSession(host=name, machine=machine, delegates_credentials=delegates)
            for name, machine in self.machines.items()
        ]
        return request(*sessions, check_mode=check_mode, **{"destination_host": "hv02", **arguments})

    def _machine(self, host: str) -> FakeMachine:
        machine = FakeMachine()
        answers: dict[str, Any] = {
            "Get-VMHost": lambda p, i: [self.settings[host]],
            "Get-Service": lambda p, i: [{"Name": "vmms", "Status": "Running"}],
            "Get-VMSwitch": lambda p, i: [{"Name": name} for name in self.switches[host]],
            "Get-VMHostSupportedVersion": lambda p, i: [{"Version": "9.0"}, {"Version": "10.0"}],
            "C:\\Windows\\System32\\whoami.exe": lambda p, i: list(self.groups[host]),
            "Get-VHD": lambda p, i: self._vhds(host, p, i),
            "Get-VM": lambda p, i: self._get_vm(host, p),
            "Get-CimInstance": lambda p, i: self._cim(host, p),
            "Test-Path": lambda p, i: [path.lower() in self.files[host] for path in p["LiteralPath"]],
            "Get-ChildItem": lambda p, i: self._children(host, p),
            "Compare-VM": self._compare,
            "Move-VM": self._move,
            "Connect-VMNetworkAdapter": lambda p, i: [one.update(SwitchName=p["SwitchName"]) for one in i] and [],
            "Set-VMDvdDrive": lambda p, i: [one.update(Path=p["Path"]) for one in i] and [],
            "Remove-VM": lambda p, i: self._remove(i),
            "Get-WmiObject": lambda p, i: self._wmi(host, p),
            "ForEach-Object": lambda p, i: self._invoke(host, p),
            "Stop-VM": lambda p, i: [one.update(State="Off") for one in i] and [],
            "Start-VM": lambda p, i: [one.update(State="Running") for one in i] and [],
            "Set-VM": lambda p, i: [one.update(Notes=p["Notes"]) for one in i] and [],
            "Set-VMProcessor": _set_flag,
        }
        for name in ("Get-VMMigrationNetwork", "Get-NetFirewallRule", "Get-WindowsFeature", "Get-VMReplication",
                     "Get-VMIntegrationService", "Get-VMSecurity"):  # fmt: skip
            answers[name] = lambda p, i: []
        answers["Get-VMProcessor"] = lambda p, i: [
            {"VMId": vm["Id"], "Count": 2, "CompatibilityForMigrationEnabled": vm["flag"]} for vm in i if "flag" in vm
        ]
        answers["Get-VMHardDiskDrive"] = lambda p, i: [{"VMId": vm["Id"], **d} for vm in i for d in vm.get("disks", [])]
        answers["Get-VMDvdDrive"] = lambda p, i: [
            {"VMId": vm["Id"], "Path": iso} for vm in i for iso in vm.get("isos", [])
        ]
        answers["Get-VMNetworkAdapter"] = lambda p, i: [
            {"VMId": vm["Id"], **adapter} for vm in i for adapter in vm.get("NetworkAdapters", [])
        ]
        answers["Get-VMSnapshot"] = lambda p, i: [{"VMId": vm["Id"], **c} for vm in i for c in vm["checkpoints"]]
        for name, handler in answers.items():
            machine.on(name, handler)
        return machine

    def _get_vm(self, host: str, parameters: Mapping[str, Any]) -> list[Any]:
        if "Id" in parameters:
            found = self.vms[host].get(parameters["Id"])
            if found is None:
                raise Refused("ObjectNotFound,Microsoft.HyperV.PowerShell.Commands.GetVM", category=13)
            return [found]
        return list(self.vms[host].values())

    def _vhds(self, host: str, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        wanted = {str(one.get("VMId") or one.get("Id")) for one in piped}
        return [
            {"Path": disk["Path"], "FileSize": disk["size"]}
            for vm in self.vms[host].values()
            for disk in vm["disks"]
            if not piped or vm["Id"] in wanted or wanted == {"None"}
        ]

    def _children(self, host: str, parameters: Mapping[str, Any]) -> list[Any]:
        folders = [path.lower() for path in parameters["LiteralPath"]]
        return [
            {"FullName": path, "PSIsContainer": False}
            for path in self.files[host]
            if any(path.startswith(folder + "\\") for folder in folders)
        ]

    def _cim(self, host: str, parameters: Mapping[str, Any]) -> list[Any]:
        family, model = self.cpu[host]
        answers: dict[str, list[Any]] = {
            "Msvm_MigrationJob": self.jobs if host == "hv01" else [],
            "Msvm_PlannedComputerSystem": [
                {"Name": key.upper(), "OperationalStatus": one.get("statuses", [2])}
                for key, one in self.planned[host].items()
            ],
            "Msvm_VirtualSystemMigrationService": [{"MigrationServiceListenerIPAddressList": ["10.0.0.1"]}],
            "Win32_Processor": [
                {
                    "Name": f"CPU {model}",
                    "Manufacturer": "GenuineIntel",
                    "Description": f"Intel64 Family {family} Model {model} Stepping 4",
                }
            ],
            "Win32_OperatingSystem": [{"FreePhysicalMemory": 64 * 2**20}],
            "Win32_Volume": [{"Name": "C:\\", "DriveLetter": "C:", "FreeSpace": self.free[host], "DriveType": 3}],
            "Msvm_VirtualSystemManagementService": [{"Name": "vmms"}],
            "Win32_DeviceGuard": [{"SecurityServicesRunning": self.guards[host]}] if host in self.guards else [],
        }
        return answers.get(parameters["ClassName"], [])

    def _compare(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        subject = piped[0]
        if "VM" in subject:
            subject["Incompatibilities"] = self._missing(subject["VM"])
            return [subject]
        if self.compare_errors:
            raise self.compare_errors.pop(0)
        if subject["Id"] in self.planned["hv02"]:
            raise Refused("OperationFailed,CompareVM", "exists (0x80071392)")
        planned = {
            **subject,
            "VirtualMachineType": "PlannedVirtualMachine",
            "NetworkAdapters": [dict(adapter) for adapter in subject["NetworkAdapters"]],
            "parameters": dict(parameters),
        }
        self.planned["hv02"][subject["Id"]] = planned
        return [{"VM": planned, "Incompatibilities": self._missing(planned)}]

    def _missing(self, planned: dict[str, Any]) -> list[dict[str, Any]]:
        missing: list[dict[str, Any]] = [
            {"MessageId": 33012, "Message": "Switch introuvable", "Source": adapter}
            for adapter in planned["NetworkAdapters"]
            if adapter["SwitchName"] not in self.switches["hv02"]
        ]
        return missing + list(planned.get("odd", []))

    def _move(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        planned = piped[0]["VM"]
        identifier = planned["Id"]
        self.moves.append(planned["Name"])
        if self.move_errors:
            raise self.move_errors.pop(0)
        assert identifier in self.vms["hv01"]
        assert identifier not in self.vms["hv02"]
        del self.planned["hv02"][identifier]
        moved = self.vms["hv01"].pop(identifier)
        self.vms["hv02"][identifier] = {**moved, "NetworkAdapters": planned["NetworkAdapters"]}
        return []

    def _remove(self, piped: list[Any]) -> list[Any]:
        for one in piped:
            assert one["VirtualMachineType"] == "PlannedVirtualMachine"
            self.planned["hv02"].pop(one["Id"], None)
        return []

    def _wmi(self, host: str, parameters: Mapping[str, Any]) -> list[Any]:
        if parameters["Class"] == "Msvm_VirtualSystemManagementService":
            return [{}]
        return [{"__PATH": key} for key in self.planned[host] if key in parameters["Filter"].lower()]

    def _invoke(self, host: str, parameters: Mapping[str, Any]) -> list[Any]:
        assert parameters["MemberName"] == "DestroySystem"
        text = str(parameters["ArgumentList"]).lower()
        gone = [key for key in self.planned[host] if key in text]
        for key in gone:
            del self.planned[host][key]
        return [{"ReturnValue": 0 if gone else 32777}]


def _set_flag(parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
    for one in piped:
        if one["State"] != "Off":
            raise Refused("InvalidState,SetVMProcessor")
        one["flag"] = parameters["CompatibilityForMigrationEnabled"]
    return []


def _settings(host: str) -> dict[str, Any]:
    return {
        "Name": host.upper(), "ComputerName": host.upper(), "FullyQualifiedDomainName": f"{host}.lab.test",
        "VirtualMachineMigrationEnabled": True, "VirtualMachineMigrationAuthenticationType": "CredSSP",
        "MaximumVirtualMachineMigrations": 2, "MaximumStorageMigrations": 2, "VirtualMachinePath": "C:\\Hyper-V",
        "VirtualHardDiskPath": "C:\\Hyper-V\\Disks",
    }  # fmt: skip
