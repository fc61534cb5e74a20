# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small Hyper-V host whose guests have integration services and talk over the key-value exchange."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.guest.sides import SERVICE_GUIDS
from unit.fake_session import Refused
from unit.plugin_utils.hyperv.fake_host import FakeHost, vm

WINDOWS = {"OSName": "Windows Server 2022 Datacenter", "OSVersion": "10.0.20348", "OSPlatformId": "2"}
UBUNTU = {"OSName": "Ubuntu", "OSMajorVersion": "22.04", "OSVersion": "5.15.0", "OSBuildNumber": "5.15.0-91-generic"}
DEBIAN = {"OSName": "Debian GNU/Linux", "OSMajorVersion": "12", "OSVersion": "6.1.0", "OSBuildNumber": "6.1.0-18-amd64"}
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
        self.answers_at_once = True
        super().__init__(*vms, **settings)

    def handlers(self) -> dict[str, Any]:
        return {
            **super().handlers(),
            "Enable-VMIntegrationService": lambda p, o: self._enable(o, on=True),
            "Disable-VMIntegrationService": lambda p, o: self._enable(o, on=False),
            "Set-VMDvdDrive": self._set_drive,
        }

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
