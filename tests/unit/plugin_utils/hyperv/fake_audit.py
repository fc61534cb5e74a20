# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host behind FakeSession that shows everything the audit asks for; a test breaks one thing of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unit.fake_session import FakeSession, Refused
from unit.plugin_utils.hyperv.fake_host import vm

WEB, COPY = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
THUMBPRINT = "AB" * 20
SERVICES = (
    "6C09BB55-D683-4DA0-8931-C9BF705F6480",
    "84EAAE65-2F2E-45F5-9BB5-0E857DC8EB47",
    "2A34B1C2-FD73-4043-8A5B-DD2159BC743F",
    "9F8233AC-BE49-4C79-8EE3-E7E1985B2077",
    "2497F4DE-E9FA-4204-80E4-4B75C46419C0",
    "5CED1297-4598-4915-A5FC-AD21BB4D02A4",
)
KVP = 2
EXTENSION, FEATURE = "EA24CD6C-D17A-4348-9190-09F0D5BE83DD", "776E0BA7-94A1-41C8-8F28-951F524251B5"


def services(vm_id: str, *, on: bool) -> list[dict[str, Any]]:
    """Integration services as the host shows them, all offered and, where the machine runs, all answered."""
    return [
        {
            "VMId": vm_id,
            "Id": f"Microsoft:{vm_id.upper()}\\{guid}",
            "Enabled": True,
            "PrimaryOperationalStatus": "Ok" if on else None,
        }
        for guid in SERVICES
    ]


def replication(vm_id: str, mode: str, **more: Any) -> dict[str, Any]:
    """A replication that follows every rule."""
    return {
        "VMId": vm_id,
        "ReplicationState": "Replicating",
        "ReplicationMode": mode,
        "PrimaryServerName": "hv01.lab.test" if mode == "Primary" else "hv02.lab.test",
        "ReplicaServerName": "hv02.lab.test" if mode == "Primary" else "hv01.lab.test",
        "ReplicaServerPort": 443,
        "AuthenticationType": "Certificate",
        "CompressionEnabled": True,
        "AutoResynchronizeEnabled": True,
        "AutoResynchronizeIntervalStart": "PT18H30M",
        "AutoResynchronizeIntervalEnd": "PT6H",
        **more,
    }


class AuditHost:
    """A primary VM (web) that runs, a Replica (copy) that is off, and a host that follows every published rule."""

    def __init__(self) -> None:
        web = vm(WEB, "web", "Running", services=services(WEB, on=True))
        copy = vm(COPY, "copy", "Off", services=services(COPY, on=False))
        for number, one in enumerate((web, copy)):
            one["adapters"] = [
                {"VMId": one["Id"], "Id": f"A{number}", "Name": "LAN", "SwitchName": "External", "Connected": True}
                | {"MacAddress": f"00155D00000{number}", "DynamicMacAddressEnabled": True, "MandatoryFeatureId": []}
            ]
        self.vms = [web, copy]
        self.tables: dict[str, list[dict[str, Any]]] = {
            "Get-VMHost": [
                {
                    "ComputerName": "HV01",
                    "VirtualMachineMigrationEnabled": True,
                    "VirtualMachineMigrationAuthenticationType": "Kerberos",
                    "MaximumVirtualMachineMigrations": 2,
                    "UseAnyNetworkForMigration": False,
                    "MacAddressMinimum": "00155D000000",
                    "MacAddressMaximum": "00155D0000FF",
                }
            ],
            "Get-VMMigrationNetwork": [{"Subnet": "10.1.0.0/16"}],
            "Get-VMHostSupportedVersion": [{"Version": "10.0", "IsDefault": True}],
            "Get-NetFirewallRule": [{"Name": "VIRT-MIGL-In-TCP-NoScope", "Enabled": "True"}],
            "Get-Service": [{"Name": "vmms", "Status": "Running"}],
            "Get-WindowsFeature": [],
            "Get-NetAdapter": [
                {"Name": "Ethernet", "InterfaceIndex": 4, "Speed": 10**10, "InterfaceOperationalStatus": 1}
                | {"HardwareInterface": True},
                {"Name": "Ethernet 2", "InterfaceIndex": 5, "Speed": 10**9, "InterfaceOperationalStatus": 1}
                | {"HardwareInterface": True},
            ],
            "Get-NetIPAddress": [
                {"IPAddress": "10.1.0.1", "PrefixLength": 16, "InterfaceIndex": 4},
                {"IPAddress": "fe80::1%5", "PrefixLength": 64, "InterfaceIndex": 5},
                {"IPAddress": "127.0.0.1", "PrefixLength": 8, "InterfaceIndex": 1},
            ],
            "Get-VMReplicationServer": [
                {
                    "ReplicationEnabled": True,
                    "AllowedAuthenticationType": "Certificate",
                    "ReplicationAllowedFromAnyServer": False,
                    "CertificateThumbprint": THUMBPRINT.lower(),
                }
            ],
            "Get-VMReplicationAuthorizationEntry": [
                {"AllowedPrimaryServer": "hv02.lab.test", "TrustGroup": "two"},
                {"AllowedPrimaryServer": "hv03.lab.test", "TrustGroup": "three"},
            ],
            "Get-VMReplication": [replication(WEB, "Primary"), replication(COPY, "Replica")],
            "Measure-VMReplication": [
                {"VMId": WEB, "LastTestFailoverInitiatedTime": None},
                {"VMId": COPY, "LastTestFailoverInitiatedTime": "2026-11-01T10:00:00Z"},
            ],
            "Get-VMNetworkAdapterFailoverConfiguration": [
                {"IPv4Address": "10.2.0.7", "IPv4SubnetMask": "255.255.0.0", "IPv6Address": ""}
            ],
            "Get-VMSwitch": [{"Name": "External"}],
            "Get-VMSwitchExtension": [{"Id": EXTENSION, "Name": "Filter", "SwitchName": "External", "Enabled": True}],
            "Get-VMSystemSwitchExtensionPortFeature": [
                {"Id": FEATURE, "Name": "Rules", "ExtensionId": EXTENSION, "ExtensionName": "Filter"}
            ],
            "Get-ChildItem": [{"Thumbprint": THUMBPRINT, "NotAfter": "2028-01-01T00:00:00Z"}],
            "Get-ItemProperty": [],
            "Win32_OperatingSystem": [{"LocalDateTime": "2026-11-21T10:00:00Z", "BuildNumber": "20348"}],
            "Win32_ComputerSystem": [{"Name": "HV01", "PartOfDomain": True, "Domain": "lab.test"}],
            "Win32_Service": [{"Name": "vmms", "State": "Running", "StartMode": "Auto"}],
            "Msvm_VirtualSystemMigrationService": [{"MigrationServiceListenerIPAddressList": ["10.1.0.1"]}],
            "MSFT_NetQosPolicySettingData": [
                {"Name": "Replica", "ThrottleRateAction": 10**8, "IPDstPortStartMatchCondition": 443}
                | {"IPDstPortEndMatchCondition": 443}
            ],
            "Msvm_KvpExchangeComponent": [
                {"SystemName": WEB, "GuestIntrinsicExchangeItems": [pair("OSName", "Windows Server 2022")]}
            ],
            "Msvm_GuestNetworkAdapterConfiguration": [
                {"InstanceID": f"Microsoft:GuestNetwork\\{WEB}\\A0", "DHCPEnabled": False, "IPAddresses": ["10.1.0.7"]}
            ],
        }
        self.refused: dict[str, str] = {}
        """Command or class -> error id."""
        parts = {"Get-VMSnapshot": "checkpoints", "Get-VMIntegrationService": "services"}
        handlers = {name: self._part(key) for name, key in {**parts, "Get-VMNetworkAdapter": "adapters"}.items()}
        handlers["Get-VMNetworkAdapterFailoverConfiguration"] = self._failover
        tables = {name: self._table(name) for name in self.tables if name.startswith(("Get-", "Measure-"))}
        groups = {"C:\\Windows\\System32\\whoami.exe": lambda p, o: ['"x","Alias","S-1-5-32-544","x"']}
        self.session = FakeSession(
            {"Get-VM": self._get_vm, **tables, **handlers, **groups, "Get-CimInstance": self._cim}
        )

    def one(self, name: str) -> dict[str, Any]:
        """The first row of a table."""
        return self.tables[name][0]

    def _get_vm(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        self._refuse("Get-VM")
        return [one for one in self.vms if parameters.get("Id") in (None, one["Id"])]

    def _part(self, key: str) -> Any:
        def read(parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
            ids = [one["VMId"] for one in piped]
            return [item for one in self.vms if one["Id"] in ids for item in one.get(key, [])]

        return read

    def _failover(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        """A setting of ``of`` belongs to that adapter alone."""
        self._refuse("Get-VMNetworkAdapterFailoverConfiguration")
        rows = self.tables["Get-VMNetworkAdapterFailoverConfiguration"]
        return [row for adapter in piped for row in rows if row.get("of", adapter["Id"]) == adapter["Id"]]

    def _table(self, name: str) -> Any:
        def read(parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
            self._refuse(name)
            return self.tables[name]

        return read

    def _cim(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        name = parameters["ClassName"]
        self._refuse(name)
        return self.tables.get(name, [])

    def _refuse(self, name: str) -> None:
        if name in self.refused:
            raise Refused(self.refused[name], "Accès refusé")


def pair(name: str, data: str) -> str:
    """One pair of a guest as the host keeps it."""
    return (
        '<INSTANCE CLASSNAME="Msvm_KvpExchangeDataItem">'
        f'<PROPERTY NAME="Name" TYPE="string"><VALUE>{name}</VALUE></PROPERTY>'
        f'<PROPERTY NAME="Data" TYPE="string"><VALUE>{data}</VALUE></PROPERTY></INSTANCE>'
    )
