# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a side of a replication keeps for a failover, and what a Replica server takes."""

from __future__ import annotations

from typing import Any

import pytest
from hyperv_lab.hyperv import fleet as fleets
from unit.lab.cmdlet_runner import get, run

WRONG = ("InvalidParameter", "InvalidArgument")
GET, SET = "Get-VMNetworkAdapterFailoverConfiguration", "Set-VMNetworkAdapterFailoverConfiguration"


def hosts(**server: Any) -> tuple[Any, Any]:
    """Return HV1 with the replicated machine web and the machine alone, and HV2 with the replica."""
    adapters = [{"switch": "External", "name": "one"}, {"switch": "External", "name": "two"}]
    content = {
        "hosts": [{"name": "HV1", "replica_server": server}, {"name": "HV2", "language": "fr"}],
        "vms": [
            {"name": "web", "host": "HV1", "adapters": adapters, "replication": {"replica_server": "HV2"}},
            {"name": "alone", "host": "HV1"},
        ],
    }
    fleet = fleets.parse(content, speed=0)
    return fleet.hosts["HV1"], fleet.hosts["HV2"]


def kept(host: Any, name: str = "one") -> dict[str, Any]:
    setting = run(host, GET, VMName=["web"], VMNetworkAdapterName=name).one()
    return {key: get(setting, key) for key in setting.ps_names() if get(setting, key)}


def test_each_side_keeps_its_own_and_what_isnt_given_stays() -> None:
    primary, replica = hosts()
    change = {"IPv4Address": "10.2.0.7", "IPv4SubnetMask": "255.255.255.0"}
    assert run(replica, SET, VMName="web", VMNetworkAdapterName="one", **change).errors == []
    more = {"IPv4DefaultGateway": "10.2.0.1", "IPv6Address": "fd00::7", "IPv6SubnetPrefixLength": 64}
    shown = run(replica, SET, VMName="web", VMNetworkAdapterName="one", Passthru=True, **more).one()
    assert get(shown, "ProtocolIFType").number == 4098
    found = kept(replica)
    assert found.pop("ProtocolIFType").name == "IPv4v6"
    assert found == {**change, **more, "IPv6SubnetPrefixLength": "64"}
    for host, name in ((primary, "one"), (replica, "two")):
        setting = run(host, GET, VMName=["web"], VMNetworkAdapterName=name).one()
        assert get(setting, "ProtocolIFType").name == "None"
        assert get(setting, "IPv4Address") == ""


def test_adapters_as_objects_and_clearing_one_family() -> None:
    _primary, replica = hosts()
    adapter = run(replica, "Get-VMNetworkAdapter", VMName=["web"], Name="two").one()
    change = {"IPv4Address": "10.2.0.7", "IPv4SubnetMask": "255.255.255.0"}
    assert run(replica, SET, adapter, **change, IPv6Address="fd00::7", IPv6SubnetPrefixLength=64).errors == []
    assert run(replica, SET, adapter, ClearFailoverIPv4Settings=True).errors == []
    setting = run(replica, GET, adapter).one()
    assert (get(setting, "IPv4Address"), get(setting, "IPv6Address")) == ("", "fd00::7")
    assert get(setting, "ProtocolIFType").name == "IPv6"
    assert kept(replica).keys() == {"ProtocolIFType"}


@pytest.mark.parametrize(
    "change",
    [
        {"IPv4Address": "10.2.0.7"},
        {"IPv4SubnetMask": "255.255.255.0"},
        {"IPv6Address": "fd00::7"},
        {"IPv6SubnetPrefixLength": 64},
        {"IPv4Address": "10.2.0", "IPv4SubnetMask": "255.255.255.0"},
        {"IPv4Address": "fd00::7", "IPv4SubnetMask": "255.255.255.0"},
        {"IPv4Address": "10.2.0.7", "IPv4SubnetMask": "255.0.255.0"},
        {"IPv6Address": "fd00::7", "IPv6SubnetPrefixLength": 129},
        {"IPv4DefaultGateway": "gateway"},
        {"IPv4PreferredDNSServer": "fd00::1"},
        {"IPv4Address": "10.2.0.7", "IPv4SubnetMask": "255.0.0.0", "ClearFailoverIPv4Settings": True},
    ],
)
def test_what_cant_be_is_refused_and_nothing_changes(change: dict[str, Any]) -> None:
    _primary, replica = hosts()
    assert run(replica, SET, VMName="web", VMNetworkAdapterName="one", **change).error() == WRONG
    assert kept(replica).keys() == {"ProtocolIFType"}


def test_only_replicated_machines_keep_something() -> None:
    primary, _replica = hosts()
    change = {"IPv4Address": "10.2.0.7", "IPv4SubnetMask": "255.255.255.0"}
    assert run(primary, SET, VMName="alone", **change).error() == ("InvalidOperation", "InvalidOperation")
    assert run(primary, SET, VMName="web", VMNetworkAdapterName="three", **change).error()[0] == "ObjectNotFound"
    assert run(primary, SET, VMName="web", WhatIf=True, **change).errors == []
    assert kept(primary).keys() == {"ProtocolIFType"}


def test_a_fresh_host_takes_no_copies_and_a_named_replica_server_takes_all() -> None:
    primary, replica = hosts()
    server = run(primary, "Get-VMReplicationServer").one()
    assert (get(server, "ReplicationEnabled"), get(server, "AllowedAuthenticationType").number) == (False, 1)
    assert (get(server, "KerberosAuthenticationPort"), get(server, "CertificateAuthenticationPort")) == (80, 443)
    taking = run(replica, "Get-VMReplicationServer").one()
    assert (get(taking, "ReplicationEnabled"), get(taking, "ReplicationAllowedFromAnyServer")) == (True, True)


def test_settings_of_a_replica_server() -> None:
    host, _replica = hosts()
    change = {"ReplicationEnabled": True, "AllowedAuthenticationType": "CertificateAndKerberos"}
    assert run(host, "Set-VMReplicationServer", **change).error() == WRONG
    more = {"CertificateThumbprint": "AB" * 20, "DefaultStorageLocation": "D:\\in"}
    server = run(host, "Set-VMReplicationServer", **change, **more, Passthru=True).one()
    assert get(server, "AllowedAuthenticationType").number == 3
    assert get(server, "CertificateThumbprint") == "AB" * 20
    assert run(host, "Set-VMReplicationServer", KerberosAuthenticationPortMapping={}).error()[0] == "NotSupported"


def test_authorization_entries() -> None:
    entries = [{"primary": "hv2.lab.test", "storage": "D:\\in", "trust_group": "dr"}]
    host, _replica = hosts(enabled=True, entries=entries)
    add, take = "New-VMReplicationAuthorizationEntry", "Remove-VMReplicationAuthorizationEntry"
    other = {"AllowedPrimaryServer": "*.x.test", "ReplicaStorageLocation": "D:\\x", "TrustGroup": "dr"}
    assert get(run(host, add, **other).one(), "TrustGroup") == "dr"
    assert run(host, add, **other).error() == WRONG
    assert len(get(run(host, "Get-VMReplicationServer").one(), "AuthorizationEntries")) == 2
    every = run(host, "Get-VMReplicationAuthorizationEntry", TrustGroup="dr").output
    assert [get(entry, "AllowedPrimaryServer") for entry in every] == ["hv2.lab.test", "*.x.test"]
    unknown = run(host, "Get-VMReplicationAuthorizationEntry", AllowedPrimaryServer="none.x.test")
    assert unknown.error() == ("ObjectNotFound", "ObjectNotFound")
    assert run(host, "Set-VMReplicationAuthorizationEntry", every[1], TrustGroup="x").errors == []
    assert get(every[1], "TrustGroup") == "x"
    assert host.replica_server.accepts("web.x.test")
    assert not host.replica_server.accepts("web.y.test")
    assert run(host, take, TrustGroup="x").errors == []
    assert run(host, take, AllowedPrimaryServer="hv2.lab.test").errors == []
    assert run(host, "Get-VMReplicationAuthorizationEntry").output == []
