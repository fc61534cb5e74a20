# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host whose guests take addresses, and machines with adapters for it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.network import operation
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.network.guest_configuration import key_of
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.network.telling import METHOD
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Outcome
from unit.fake_session import FakeClock, FakeSession, Refused, request
from unit.plugin_utils.hyperv.fake_host import WEB, FakeHost, vm

FIRST, SECOND = "AAAAAAAA-0000-0000-0000-000000000001", "AAAAAAAA-0000-0000-0000-000000000002"
KVP = "2A34B1C2-FD73-4043-8A5B-DD2159BC743F"
LAN = {"switch": "LAN", "vlan": 10, "subnet": "10.1.0.0/24", "gateway": "10.1.0.1", "dns": ["10.1.0.2"]}
JOB = '\\\\HV01\\root\\virtualization\\v2:Msvm_ConcreteJob.InstanceID="{}"'
JOB_ID = "CCCCCCCC-0000-0000-0000-000000000001"


def adapter(owner: str, device: str = FIRST, name: str = "Network Adapter", **more: Any) -> dict[str, Any]:
    return {
        "VMId": owner, "VMName": "web01", "Id": f"Microsoft:{owner.upper()}\\{device}", "AdapterId": device,
        "Name": name, "SwitchName": "LAN", "Connected": True, "MacAddress": "00155D000101", "IsLegacy": False,
        "DynamicMacAddressEnabled": False, "IPAddresses": [],
        "VlanSetting": {"OperationMode": "Untagged", "AccessVlanId": 0}, **more,
    }  # fmt: skip


def machine(*adapters: dict[str, Any], vm_id: str = WEB, name: str = "web01", state: str = "Running") -> dict[str, Any]:
    kvp = {"VMId": vm_id, "Id": f"Microsoft:{vm_id.upper()}\\{KVP}", "Enabled": True, "PrimaryOperationalStatus": "Ok"}
    return vm(vm_id, name, state, adapters=list(adapters) or [adapter(vm_id)], services=[kvp])


class Network(FakeHost):
    """A host with a switch, whose guests take addresses; what they report is in their adapters."""

    def __init__(self, *vms: dict[str, Any]) -> None:
        super().__init__(*vms, MacAddressMinimum="00155D000100", MacAddressMaximum="00155D0001FF")
        self.configurations: dict[str, dict[str, Any]] = {}
        self.silent: set[str] = set()
        self.returns: dict[str, Any] = {"ReturnValue": 4096, "Job": JOB.format(JOB_ID)}
        self.job_states = [7]
        self.job_error = 0
        """ErrorCode of a job that says it is completed."""
        self.told: list[str] = []
        self.reports = True
        self.unreadable = False

    def handlers(self) -> dict[str, Any]:
        return {
            **super().handlers(),
            "Get-VMSwitch": lambda p, o: [
                {"Name": "LAN", "NetAdapterInterfaceDescription": "X710"},
                {"Name": "Dark", "NetAdapterInterfaceDescriptions": ["X710 #2"]},
            ],
            "Get-NetAdapter": lambda p, o: [
                {"InterfaceDescription": "X710", "InterfaceOperationalStatus": 1},
                {"InterfaceDescription": "X710 #2", "InterfaceOperationalStatus": 2},
            ],
            "Get-WmiObject": self._wmi,
            "ForEach-Object": self._tell,
            "Set-VMNetworkAdapter": self._set,
            "Set-VMNetworkAdapterVlan": self._vlan,
            "Connect-VMNetworkAdapter": lambda p, o: [
                one.update(SwitchName=p["SwitchName"], Connected=True) for one in o
            ] and None,
            "Disconnect-VMNetworkAdapter": lambda p, o: [
                one.update(SwitchName="", Connected=False) for one in o
            ] and None,
        }  # fmt: skip

    def _cim(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        if parameters["ClassName"] == "Msvm_GuestNetworkAdapterConfiguration":
            if self.unreadable:
                raise Refused("HRESULT 0x80041003", category=18)
            return list(self.configurations.values())
        if parameters["ClassName"] == "Msvm_ConcreteJob":
            state = self.job_states.pop(0) if len(self.job_states) > 1 else self.job_states[0]
            code = self.job_error if state == 7 else 32775
            return [{"JobState": state, "ErrorCode": code}] if state else []
        if parameters["ClassName"] == "Msvm_KvpExchangeComponent":
            item = (
                '<INSTANCE CLASSNAME="x"><PROPERTY NAME="Name"><VALUE>OSName</VALUE></PROPERTY><PROPERTY NAME="Data">'
                "<VALUE>Windows Server 2022</VALUE></PROPERTY></INSTANCE>"
            )
            return [
                {"SystemName": one["Id"].upper(), "GuestIntrinsicExchangeItems": [item]}
                for one in self.vms
                if one["Id"] not in self.silent
            ]
        return super()._cim(parameters, piped)

    def _wmi(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        if parameters["Class"] == "Msvm_ComputerSystem":
            return [{"__PATH": f"\\\\HV01:{parameters['Filter']}"}]
        return [{"Name": "vmms"}]

    def _tell(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        assert parameters["MemberName"] == METHOD
        path, text = parameters["ArgumentList"]
        assert path.startswith("\\\\HV01:Name = ")
        self.told.append(text)
        if self.returns["ReturnValue"] in (0, 4096):
            self._learn(text)
        return [self.returns]

    def _learn(self, text: str) -> None:
        values = properties(text)
        parts = zip(values["IPAddresses"], values["Subnets"], strict=True)
        found = [address for address, _subnet in parts] or ["10.1.0.100"]
        self.configurations[values["InstanceID"]] = {
            "InstanceID": values["InstanceID"], "ProtocolIFType": 4096, "DHCPEnabled": values["DHCPEnabled"] == "TRUE",
            "IPAddresses": found, "Subnets": values["Subnets"] or ["255.255.255.0"],
            "DefaultGateways": values["DefaultGateways"], "DNSServers": values["DNSServers"],
        }  # fmt: skip
        for one in self.vms:
            for card in one["adapters"]:
                if self.reports and key_of(card["Id"]) == values["InstanceID"]:
                    card["IPAddresses"] = found

    def _set(self, parameters: Mapping[str, Any], piped: list[Any]) -> None:
        for one in piped:
            if self.refuse_set:
                raise self.refuse_set
            static = parameters.get("StaticMacAddress")
            one.update(MacAddress=static or "000000000000", DynamicMacAddressEnabled=static is None)

    def _vlan(self, parameters: Mapping[str, Any], piped: list[Any]) -> None:
        mode = next(mode for mode in ("Access", "Trunk", "Untagged") if parameters.get(mode))
        for one in piped:
            one["VlanSetting"] = {
                "OperationMode": mode, "AccessVlanId": parameters.get("VlanId", 0),
                "NativeVlanId": parameters.get("NativeVlanId", 0),
                "AllowedVlanIdListString": parameters.get("AllowedVlanIdList", ""),
            }  # fmt: skip

    def run(self, *wishes: Any, check: bool = False, clock: FakeClock | None = None, **more: Any) -> Outcome:
        """Run the task, with one named network, on the machine web01."""
        arguments = {"names": ["web01"], "adapters": list(wishes), "wait_seconds": 30, **more}
        asked = request(self.session, FakeSession(host="hv02"), check_mode=check, **arguments)
        asked = replace(asked, variable=lambda host, _name: {"lan": LAN} if host == "hv01" else None)
        return operation.operate(asked, clock=clock or FakeClock())


def properties(text: str) -> dict[str, Any]:
    """Return the values of an embedded instance."""
    root = ET.fromstring(text)
    assert (root.tag, root.get("CLASSNAME")) == ("INSTANCE", "Msvm_GuestNetworkAdapterConfiguration")
    found: dict[str, Any] = {}
    for part in root:
        name = str(part.get("NAME"))
        values = [value.text for value in part.iter("VALUE")]
        found[name] = values if part.tag == "PROPERTY.ARRAY" else values[0]
    return found
