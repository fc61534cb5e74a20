# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small Hyper-V host whose guests have integration services and talk over the key-value exchange."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import NotPossible
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.guest import failover
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.guest.sides import SERVICE_GUIDS
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Outcome
from unit.fake_session import Refused, request
from unit.plugin_utils.hyperv.fake_host import DB, HOSTILE, WEB, FakeHost, vm

KVP = "key_value_pair_exchange"
WINDOWS = {"OSName": "Windows Server 2022 Datacenter", "OSVersion": "10.0.20348", "OSPlatformId": "2"}
UBUNTU = {"OSName": "Ubuntu", "OSMajorVersion": "22.04", "OSVersion": "5.15.0", "OSBuildNumber": "5.15.0-91-generic"}
DEBIAN = {"OSName": "Debian GNU/Linux", "OSMajorVersion": "12", "OSVersion": "6.1.0", "OSBuildNumber": "6.1.0-18-amd64"}
IPV4 = {"address": "10.2.0.11", "prefix": 24, "gateway": "10.2.0.1", "dns": ["10.2.0.2", "10.2.0.3"]}
IPV6 = {"address": "2001:db8:2::11", "prefix": 64, "gateway": "fe80::1", "dns": ["2001:db8:2::2"]}
FRENCH = {
    "guest_service_interface": "Interface de services d’invité",
    "heartbeat": "Pulsation",
    "key_value_pair_exchange": "Échange de paires clé-valeur",
    "shutdown": "Arrêt",
    "time_synchronization": "Synchronisation date/heure",
    "vss": "VSS",
}


def service(vm_id: str, name: str, *, enabled: bool = True, status: Any = "Ok", second: Any = None) -> dict[str, Any]:
    """An integration service as a French host shows it."""
    return {
        "VMId": vm_id,
        "Id": f"Microsoft:{vm_id.upper()}\\{SERVICE_GUIDS[name].upper()}",
        "Name": FRENCH[name],
        "Enabled": enabled,
        "PrimaryOperationalStatus": status,
        "SecondaryOperationalStatus": second,
    }


def guest_vm(vm_id: str, name: str, state: str = "Running", **more: Any) -> dict[str, Any]:
    """A machine whose guest answers everything but the guest service interface, which is off by default."""
    status = "Ok" if state == "Running" else None
    services = [service(vm_id, one, enabled=one != "guest_service_interface", status=status) for one in SERVICE_GUIDS]
    return vm(vm_id, name, state, services=services, pairs=dict(WINDOWS), **more)


def adapter(vm_id: str, name: str = "Network Adapter", number: int = 1, **more: Any) -> dict[str, Any]:
    """A network adapter with nothing set for a failover."""
    return {
        "VMId": vm_id,
        "Id": f"Microsoft:{vm_id.upper()}\\{number:08X}-0000-0000-0000-000000000000",
        "Name": name,
        "MacAddress": f"00155D0000{number:02X}",
        "IsLegacy": False,
        "SwitchName": "LAN",
        "IPAddresses": ["10.1.0.11"],
        "TestReplicaSwitchName": "",
        "failover": {},
        **more,
    }


def replicated(
    machine: dict[str, Any], mode: str, primary: str = "HV01.lab.test", replica: str = "HV02.lab.test"
) -> Any:
    """Make a machine a copy of a replicated one."""
    machine["replication"] = [
        {
            "VMId": machine["Id"],
            "ReplicationState": "Replicating",
            "ReplicationHealth": "Normal",
            "ReplicationMode": mode,
            "PrimaryServerName": primary,
            "ReplicaServerName": replica,
        }
    ]
    return machine


def switch(machine: dict[str, Any], name: str, **values: Any) -> None:
    """Change what the host shows of a service."""
    for one in machine["services"]:
        if one["Id"].lower().endswith(SERVICE_GUIDS[name]):
            one.update(values)


def item(name: str, data: str) -> str:
    """An item of the exchange as a host gives it."""
    return (
        '<INSTANCE CLASSNAME="Msvm_KvpExchangeDataItem"><PROPERTY NAME="Caption" TYPE="string"></PROPERTY>'
        f'<PROPERTY NAME="Data" TYPE="string"><VALUE>{escape(data)}</VALUE></PROPERTY>'
        f'<PROPERTY NAME="Name" TYPE="string"><VALUE>{escape(name)}</VALUE></PROPERTY>'
        '<PROPERTY NAME="Source" TYPE="uint16"><VALUE>2</VALUE></PROPERTY></INSTANCE>'
    )


class GuestHost(FakeHost):
    """A FakeHost with guests; ``build`` is that of its Windows."""

    def __init__(self, *vms: dict[str, Any], build: int = 20348, **settings: Any) -> None:
        self.build = build
        self.refused: dict[str, Refused] = {}
        self.hides_exchange = False
        self.switches = ["LAN", "Test"]
        self.answers_at_once = True
        super().__init__(*vms, **settings)

    def handlers(self) -> dict[str, Any]:
        return {
            **super().handlers(),
            "Enable-VMIntegrationService": lambda p, o: self._enable(o, on=True),
            "Disable-VMIntegrationService": lambda p, o: self._enable(o, on=False),
            "Set-VMDvdDrive": self._set_drive,
            "Get-VMSwitch": lambda p, o: [{"Name": name} for name in self.switches],
            "Get-VMNetworkAdapterFailoverConfiguration": lambda p, o: [one["failover"] for one in o],
            "Set-VMNetworkAdapterFailoverConfiguration": self._set_failover,
            "Set-VMNetworkAdapter": lambda p, o: [one.update(p) for one in o] and None,
        }

    def _set_failover(self, parameters: Mapping[str, Any], piped: list[Any]) -> None:
        for one in piped:
            if one["VMId"] in self.refused:
                raise self.refused[one["VMId"]]
            for family in ("IPv4", "IPv6"):
                if parameters.get(f"ClearFailover{family}Settings"):
                    for key in [key for key in one["failover"] if key.startswith(family)]:
                        del one["failover"][key]
            one["failover"].update({key: value for key, value in parameters.items() if key.startswith("IPv")})

    def _enable(self, piped: list[Any], *, on: bool) -> None:
        for one in piped:
            if one["VMId"] in self.refused:
                raise self.refused[one["VMId"]]
            one["Enabled"] = on
            one["PrimaryOperationalStatus"] = ("Ok" if self.answers_at_once else "NoContact") if on else "Disabled"

    def _set_drive(self, parameters: Mapping[str, Any], piped: list[Any]) -> None:
        for one in piped:
            one["Path"] = parameters["Path"]

    def _cim(self, parameters: Mapping[str, Any], piped: list[Any]) -> list[Any]:
        if parameters["ClassName"] == "Win32_OperatingSystem":
            return [{"BuildNumber": str(self.build), "SystemDirectory": "C:\\Windows\\system32"}]
        if parameters["ClassName"] != "Msvm_KvpExchangeComponent":
            return super()._cim(parameters, piped)
        if self.hides_exchange:
            raise Refused("HRESULT 0x80041003", category=8)
        asked = str(parameters.get("Filter", "")).upper()
        return [
            {
                "SystemName": one["Id"].upper(),
                "GuestIntrinsicExchangeItems": [item(*pair) for pair in one.get("pairs", {}).items()],
            }
            for one in self.vms
            if not asked or one["Id"].upper() in asked
        ]


class Pair:
    """A primary's host and its replica's, with one machine between them."""

    def __init__(self, *, legacy: bool = False, adapters: int = 1) -> None:
        self.vm, self.replica = (
            replicated(
                guest_vm(
                    WEB,
                    HOSTILE,
                    state,
                    adapters=[
                        adapter(WEB, f"net{n}", n, IsLegacy=legacy, IPAddresses=["10.1.0.11"] if state != "Off" else [])
                        for n in range(1, adapters + 1)
                    ],
                ),
                mode,
            )
            for state, mode in (("Running", "Primary"), ("Off", "Replica"))
        )
        self.here = GuestHost(self.vm, guest_vm(DB, "plain", adapters=[adapter(DB)]))
        self.there = GuestHost(self.replica, ComputerName="HV02", Name="HV02")
        self.there.session.host = "hv02"

    def run(self, *adapters: dict[str, Any], check_mode: bool = False, **arguments: Any) -> Outcome:
        vms = [{"name": HOSTILE, "adapters": list(adapters)}] if adapters else []
        arguments = {"vms": vms, "replica_side": True, **arguments}
        return failover.operate(request(self.here.session, self.there.session, check_mode=check_mode, **arguments))

    def refused(self, *adapters: dict[str, Any], **arguments: Any) -> list[str]:
        """The blocking findings, in both modes; nothing is changed."""
        found = []
        for check_mode in (True, False):
            with pytest.raises(NotPossible) as caught:
                self.run(*adapters, check_mode=check_mode, **arguments)
            found.append([finding.id for finding in caught.value.findings])
        assert found[0] == found[1]
        for host in (self.here, self.there):
            assert not host.session.sent("Set-VMNetworkAdapterFailoverConfiguration")
            assert not host.session.sent("Set-VMNetworkAdapter")
        return found[1]

    def set_on(self, machine: dict[str, Any], number: int = 0) -> dict[str, Any]:
        return dict(machine["adapters"][number]["failover"])


def one(outcome: Outcome) -> dict[str, Any]:
    (found,) = outcome.values["vms"]
    return dict(found)


def ids(result: dict[str, Any]) -> list[str]:
    return [finding["id"] for finding in result["findings"]]
