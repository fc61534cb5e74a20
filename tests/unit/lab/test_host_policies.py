# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an audit looks at on a host besides its machines: links, services, certificates, limits, extensions."""

from __future__ import annotations

from typing import Any

import pytest
from hyperv_lab.hyperv import fleet as fleets
from hyperv_lab.hyperv.schema import FleetError
from unit.lab.cmdlet_runner import get, run

FEATURE = "11111111-2222-3333-4444-555555555555"
ADDRESSES = [
    "10.20.0.1/16",
    {"address": "10.30.0.1/24", "link_gb": 0.1},
    {"address": "10.31.0.1/24", "link_gb": 1, "link": "down"},
]


def made(**more: Any) -> Any:
    """Return a host with one switch of two links, and one machine."""
    switch = {"name": "LAN", "uplinks": 2, "link_gb": 1}
    host = {"name": "A", "switches": [switch, {"name": "Lab", "type": "Private"}], "network": {"addresses": ADDRESSES}}
    adapter = {"switch": "LAN", "mandatory_features": [FEATURE]}
    vms = [{"name": "v", "host": "A", "adapters": [adapter]}]
    return fleets.parse({"hosts": [{**host, **more}], "vms": vms}, speed=0).hosts["A"]


def test_links_of_the_host_and_what_lies_on_them() -> None:
    host = made()
    adapters = {int(get(one, "InterfaceIndex")): one for one in run(host, "Get-NetAdapter").output}
    speeds = {get(one, "Name"): int(get(one, "Speed")) for one in adapters.values()}
    assert speeds == {
        "Ethernet": 10**9,
        "Ethernet 2": 10**9,
        "Ethernet 3": 10**8,
        "Ethernet 4": 0,
        "vEthernet (LAN)": 2 * 10**9,
    }
    addresses = {get(one, "IPAddress"): int(get(one, "InterfaceIndex")) for one in run(host, "Get-NetIPAddress").output}
    names = {address: get(adapters[index], "Name") for address, index in addresses.items() if index in adapters}
    assert names == {"10.20.0.1": "vEthernet (LAN)", "10.30.0.1": "Ethernet 3", "10.31.0.1": "Ethernet 4"}
    assert len(run(host, "Get-NetAdapter", Physical=True).output) == 4
    assert get(run(host, "Get-NetIPAddress", IPAddress="10.30.0.1").one(), "PrefixLength") == 24


def test_services_as_wmi_has_them() -> None:
    host = made(services={"vmms": "Stopped"}, language="fr")
    service = run(host, "Get-CimInstance", ClassName="Win32_Service", Filter="Name='vmms'").one()
    assert (service.values["State"], service.values["StartMode"]) == ("Stopped", "Auto")


def test_certificates_of_the_computer() -> None:
    host = made(certificates=[{"thumbprint": "ab" * 20, "days_left": -3}])
    found = run(host, "Get-ChildItem", Path="Cert:\\LocalMachine\\My").one()
    assert found.notes["Thumbprint"] == "AB" * 20
    assert found.notes["NotAfter"] < host.fleet.clock.date()
    assert run(made(), "Get-ChildItem", Path="Cert:\\LocalMachine\\My").output == []


def test_limits_of_traffic_of_the_host_and_of_group_policies() -> None:
    key = "HKLM:\\SOFTWARE\\Policies\\Microsoft\\Windows\\QoS"
    theirs = {"name": "theirs", "port": 443, "from_group": True}
    host = made(throttles=[{"name": "own", "port": 80, "mbit": 50}, theirs])
    found = run(host, "Get-CimInstance", Namespace="root\\StandardCimv2", ClassName="MSFT_NetQosPolicySettingData")
    values = found.one().values
    assert (values["Name"], values["IPDstPortStartMatchCondition"]) == ("own", 80)
    assert values["ThrottleRateAction"] == 50_000_000
    item = run(host, "Get-ChildItem", Path=key).one()
    values = run(host, "Get-ItemProperty", item).one().notes
    assert (values["PSChildName"], values["Remote Port"], values["Throttle Rate"]) == ("theirs", "443", "12500")
    assert run(made(), "Get-ChildItem", Path=key).error()[1] == "ObjectNotFound"


def test_extensions_of_switches_and_what_adapters_need_of_them() -> None:
    vendor = {"id": "99999999-2222-3333-4444-555555555555", "name": "Vendor", "enabled_on": ["LAN"]}
    host = made(extensions=[{**vendor, "features": [{"id": FEATURE, "name": "Guard"}]}])
    every = run(host, "Get-VMSwitchExtension", VMSwitchName=["*"]).output
    enabled = {(get(one, "SwitchName"), get(one, "Name")) for one in every if get(one, "Enabled")}
    filtering = "Microsoft Windows Filtering Platform"
    assert enabled == {("LAN", filtering), ("Lab", filtering), ("LAN", "Vendor")}
    assert len(every) == 6
    feature = run(host, "Get-VMSystemSwitchExtensionPortFeature").one()
    assert (get(feature, "Id"), get(feature, "ExtensionName")) == (FEATURE, "Vendor")
    adapter = run(host, "Get-VMNetworkAdapter", VMName=["v"]).one()
    assert list(get(adapter, "MandatoryFeatureId")) == [FEATURE]
    assert run(made(), "Get-VMSystemSwitchExtensionPortFeature").output == []
    assert run(host, "Get-VMSwitchExtension", VMSwitchName=["none"]).error() == ("InvalidParameter", "InvalidArgument")


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ({"network": {"addresses": [{"address": "10.30.0.1"}, {"address": "x/24"}]}}, "is no address with a prefix"),
        ({"network": {"addresses": [{"address": "10.30.0.1/24", "speed": 1}]}}, "unknown key 'speed'"),
        ({"certificates": [{"subject": "CN=x"}]}, "thumbprint is missing"),
    ],
)
def test_mistakes_in_a_fleet_file(host: dict[str, Any], place: str) -> None:
    with pytest.raises(FleetError, match=place):
        made(**host)
