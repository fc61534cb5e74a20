# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small stateful Hyper-V host behind FakeSession: what the operations of hosts and machines ask and change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unit.fake_session import FakeSession, Refused

WEB, DB = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
HOSTILE = 'O\'Brien – "prod" $x 测试 [a-z];\n' + "y" * 60


def vm(vm_id: str, name: str, state: str = "Off", **more: Any) -> dict[str, Any]:
    """A machine as Get-VM shows it, with the parts that other cmdlets show."""
    on = state == "Running"
    return {
        "Id": vm_id,
        "VMId": vm_id,
        "Name": name,
        "State": state,
        "OperationalStatus": ["Ok"],
        "PrimaryOperationalStatus": "Ok",
        "Heartbeat": "OkApplicationsHealthy" if on else None,
        "Generation": 2,
        "Version": "9.0",
        "processor": {"VMId": vm_id, **dict(PROCESSOR)},
        "disks": [],
        "vhds": [],
        "adapters": [],
        "checkpoints": [],
        "services": [
            {"VMId": vm_id, "Id": f"Microsoft:{vm_id.upper()}\\9F8233AC-BE49-4C79-8EE3-E7E1985B2077", "Enabled": True}
        ],
        **more,
    }


PROCESSOR = {
    "Count": 2,
    "CompatibilityForMigrationEnabled": False,
    "CompatibilityForOlderOperatingSystemsEnabled": False,
    "HwThreadCountPerCore": 0,
    "ExposeVirtualizationExtensions": False,
    "EnableHostResourceProtection": False,
    "Maximum": 100,
    "Reserve": 0,
    "RelativeWeight": 100,
    "MaximumCountPerNumaNode": 8,
    "MaximumCountPerNumaSocket": 1,
    "ResourcePoolName": "Primordial",
}


class FakeHost:
    """State of a host, and the handlers that read and change it."""

    def __init__(self, *vms: dict[str, Any], **settings: Any) -> None:
        self.vms = list(vms)
        self.settings: dict[str, Any] = {
            "Name": "HV01",
            "ComputerName": "HV01",
            "VirtualMachineMigrationEnabled": False,
            "VirtualMachineMigrationAuthenticationType": "CredSSP",
            "VirtualMachineMigrationPerformanceOption": "Compression",
            "MaximumVirtualMachineMigrations": 2,
            "MaximumStorageMigrations": 2,
            "UseAnyNetworkForMigration": False,
            **settings,
        }
        self.networks: list[dict[str, Any]] = []
        self.addresses = ["192.168.10.5"]
        self.service = {"Name": "vmms", "Status": "Running", "StartType": "Automatic"}
        self.rule: dict[str, Any] | None = {"Name": "VIRT-MIGL-In-TCP-NoScope", "DisplayName": "x", "Enabled": "True"}
        self.guest_goes_down = True
        self.guest_locked = False
        self.guest_comes_up = True
        self.listens = True
        self.refuse_set: Refused | None = None
        self.session = FakeSession(self.handlers())

    def handlers(self) -> dict[str, Any]:
        parts = {"Get-VMProcessor": "processor", "Get-VMHardDiskDrive": "disks", "Get-VMNetworkAdapter": "adapters"}
        parts |= {"Get-VMSnapshot": "checkpoints", "Get-VMIntegrationService": "services", "Get-VMDvdDrive": "dvds"}
        parts |= {"Get-VMSecurity": "security", "Get-VMReplication": "replication", "Get-VHD": "vhds"}
        return {
            **{name: self._part(key) for name, key in parts.items()},
            "Get-VM": self._get_vm,
            "Get-VMHost": self._settings,
            "Get-VMMigrationNetwork": lambda p, o: self.networks,
            "Get-CimInstance": self._cim,
            "Get-Service": lambda p, o: [self.service],
            "Get-NetFirewallRule": lambda p, o: [self.rule] if self.rule else [],
            "Get-Command": lambda p, o: [],
            "Set-VMHost": self._set_host,
            "Enable-VMMigration": lambda p, o: self.settings.update(VirtualMachineMigrationEnabled=True),
            "Disable-VMMigration": lambda p, o: self.settings.update(VirtualMachineMigrationEnabled=False),
            "Add-VMMigrationNetwork": self._add_network,
            "Set-VMMigrationNetwork": self._set_network,
            "Remove-VMMigrationNetwork": self._remove_network,
            "Enable-NetFirewallRule": lambda p, o: self.rule.update(Enabled="True") if self.rule else None,
            "Set-Service": lambda p, o: self.service.update(StartType=p["StartupType"]),
            "Start-Service": lambda p, o: self.service.update(Status="Running"),
            "Set-VM": lambda p, o: [one.update(Notes=p["Notes"]) for one in o] and None,
            "Set-VMProcessor": self._set_processor,
            "Stop-VM": self._stop,
            "Start-VM": self._start,
        }

    def _get_vm(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        if "Id" in parameters:
            return [one for one in self.vms if one["Id"] == parameters["Id"]]
        return self.vms

    def _part(self, key: str) -> Any:
        def read(parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
            found: list[Any] = []
            ids = [one.get("VMId") for one in piped] if piped else [one["Id"] for one in self.vms]
            for one in self.vms:
                value = one.get(key, []) if one["Id"] in ids else []
                found += value if isinstance(value, list) else [value]
            if "Path" in parameters:
                found = [item for item in found if item["Path"] in parameters["Path"]]
            return found

        return read

    def _settings(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        if self.service["Status"] != "Running":
            raise Refused("OperationFailed,Microsoft.HyperV.PowerShell.Commands.GetVMHost", "VMMS")
        return [self.settings]

    def _cim(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        on = self.settings["VirtualMachineMigrationEnabled"] and self.listens and self.service["Status"] == "Running"
        any_network = self.settings["UseAnyNetworkForMigration"]
        return [
            {"MigrationServiceListenerIPAddressList": self.addresses if on and (any_network or self.networks) else []}
        ]

    def _set_host(self, parameters: Mapping[str, Any], piped: list[Any]) -> None:
        if self.refuse_set:
            raise self.refuse_set
        self.settings.update({key: value for key, value in parameters.items() if key in self.settings})

    def _find_network(self, subnet: str) -> dict[str, Any]:
        for network in self.networks:
            if network["Subnet"] == subnet:
                return network
        raise Refused("ObjectNotFound,Microsoft.HyperV.PowerShell.Commands.SetVMMigrationNetwork", category=13)

    def _add_network(self, parameters: Mapping[str, Any], piped: list[Any]) -> None:
        self.networks.append({"Subnet": parameters["Subnet"], "Priority": parameters.get("Priority")})

    def _set_network(self, parameters: Mapping[str, Any], piped: list[Any]) -> None:
        self._find_network(parameters["Subnet"])["Priority"] = parameters["NewPriority"]

    def _remove_network(self, parameters: Mapping[str, Any], piped: list[Any]) -> None:
        self.networks.remove(self._find_network(parameters["Subnet"]))

    def _set_processor(self, parameters: Mapping[str, Any], piped: list[Any]) -> None:
        for one in piped:
            if self.refuse_set:
                raise self.refuse_set
            if one["State"] != "Off" and set(parameters) & {"Count", "CompatibilityForMigrationEnabled"}:
                raise Refused("InvalidState,Microsoft.HyperV.PowerShell.Commands.SetVMProcessor", "pas possible")
            one["processor"].update({key: value for key, value in parameters.items() if key in PROCESSOR})

    def _stop(self, parameters: Mapping[str, Any], piped: list[Any]) -> None:
        for one in piped:
            if self.guest_locked and not parameters.get("Force"):
                raise Refused("Unspecified,Microsoft.HyperV.PowerShell.Commands.StopVMCommand", "verrouillée")
            if not (self.guest_goes_down or parameters.get("TurnOff")):
                raise Refused("InvalidOperation,Microsoft.HyperV.PowerShell.Commands.StopVM", "NonInteractive")
            one.update(State="Off", Heartbeat=None)

    def _start(self, parameters: Mapping[str, Any], piped: list[Any]) -> None:
        for one in piped:
            one.update(State="Running", Heartbeat="OkApplicationsHealthy" if self.guest_comes_up else "NoContact")
