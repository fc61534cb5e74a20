# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cmdlets on the host and around it."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hyperv_lab.hyperv import catalogue, programs
from hyperv_lab.hyperv import fleet as fleets
from hyperv_lab.powershell.values import PropertyBag
from unit.lab.cmdlet_runner import get, identity, run


def pair(speed: float = 0, **host: Any) -> Any:
    """Return the first of two hosts."""
    content = {
        "directory": {
            "accounts": [
                {"name": "boss", "password": "x", "groups": ["Domain Admins"]},
                {"name": "op", "password": "x"},
            ]
        },
        "hosts": [
            {"name": "A", "groups": {"Remote Management Users": ["LAB\\op"]}, **host},
            {"name": "B", "migration": {"enabled": True, "any_network": True}},
        ],
        "vms": [{"name": "v", "host": "A"}],
    }
    return fleets.parse(content, speed=speed).hosts["A"]


def test_migration_settings() -> None:
    host = pair()
    assert not get(run(host, "Get-VMHost").one(), "VirtualMachineMigrationEnabled")
    run(host, "Enable-VMMigration")
    run(
        host,
        "Set-VMHost",
        VirtualMachineMigrationAuthenticationType="Kerberos",
        VirtualMachineMigrationPerformanceOption="smb",
        MaximumVirtualMachineMigrations=5,
        UseAnyNetworkForMigration=True,
    )
    view = run(host, "Get-VMHost").one()
    assert get(view, "VirtualMachineMigrationAuthenticationType").number == 1
    assert get(view, "VirtualMachineMigrationPerformanceOption").name == "SMB"
    assert get(view, "MaximumVirtualMachineMigrations") == 5
    assert host.listener_addresses()


def test_migration_networks_exist_or_not() -> None:
    host = pair()
    refused = run(host, "Set-VMMigrationNetwork", Subnet="192.168.10.0/24", NewPriority=1)
    assert refused.error() == ("ObjectNotFound", "ObjectNotFound")
    run(host, "Add-VMMigrationNetwork", Subnet="10.20.0.7/16", Priority=5000)
    assert get(run(host, "Get-VMMigrationNetwork").one(), "Subnet") == "10.20.0.0/16"
    again = run(host, "Add-VMMigrationNetwork", Subnet="10.20.0.0/16")
    assert again.error() == ("InvalidParameter", "InvalidArgument")
    run(host, "Set-VMMigrationNetwork", Subnet="10.20.*", NewPriority=1)
    assert get(run(host, "Get-VMMigrationNetwork").one(), "Priority") == 1
    run(host, "Remove-VMMigrationNetwork", Subnet="10.20.0.0/16")
    assert run(host, "Get-VMMigrationNetwork").output == []


def test_the_listener_list_is_the_sign_of_readiness() -> None:
    host = pair()
    run(host, "Enable-VMMigration")

    def listening() -> list[str]:
        namespace, name = "root/virtualization/v2", "Msvm_VirtualSystemMigrationService"
        service = run(host, "Get-CimInstance", Namespace=namespace, ClassName=name).one()
        return list(get(service, "MigrationServiceListenerIPAddressList"))

    assert listening() == []
    run(host, "Add-VMMigrationNetwork", Subnet="10.20.0.0/16")
    assert listening() == ["10.20.0.1"]


def test_versions_of_editions() -> None:
    assert get(run(pair(edition="2025"), "Get-VMHostSupportedVersion", Default=True).one(), "Version") == "12.0"
    names = [get(v, "Version") for v in run(pair(edition="2022"), "Get-VMHostSupportedVersion").output]
    assert "7.1" not in names
    assert names[-3:] == ["10.0", "254.0", "255.0"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("DriveLetter = 'D:'", 1),
        ("DriveLetter = 'Z:'", 0),
        ("Capacity > 0 AND DriveType = 3", 2),
        ("Name LIKE 'C%' OR DriveLetter = \"D:\"", 2),
    ],
)
def test_filters(query: str, count: int) -> None:
    assert len(run(pair(), "Get-CimInstance", ClassName="Win32_Volume", Filter=query).output) == count


def test_classes_and_filters_that_do_not_exist() -> None:
    host = pair()
    unknown = run(host, "Get-CimInstance", ClassName="Win32_Nothing")
    assert unknown.error() == ("HRESULT 0x80041010", "MetadataError")
    assert run(host, "Get-CimInstance", ClassName="Win32_Volume", Filter="nonsense").error()[0] == "HRESULT 0x80041017"
    assert run(host, "Get-CimInstance", ClassName="Win32_Volume", Filter="Bogus = 1").error()[0] == "HRESULT 0x80041017"


def test_machines_through_cim_are_found_by_id() -> None:
    host = pair()
    vm = next(iter(host.vms))
    namespace = "root\\virtualization\\v2"
    query = f"Name = '{str(vm).upper()}'"
    found = run(host, "Get-CimInstance", Namespace=namespace, ClassName="Msvm_ComputerSystem", Filter=query).one()
    assert get(found, "ElementName") == "v"
    assert get(found, "EnabledState") == 3
    service = run(host, "Get-CimInstance", Namespace=namespace, ClassName="Msvm_VirtualSystemManagementService").one()
    done = run(host, "Invoke-CimMethod", service, MethodName="DestroySystem", Arguments={"AffectedSystem": found}).one()
    assert done.notes["ReturnValue"] == 0
    assert host.vms == {}


def test_a_reference_is_a_live_instance_or_on_a_wmi_object_a_path() -> None:
    host = pair()
    vm = next(iter(host.vms))
    namespace, name = "root\\virtualization\\v2", "Msvm_VirtualSystemManagementService"
    query = f"Name = '{str(vm).upper()}'"
    service = run(host, "Get-CimInstance", Namespace=namespace, ClassName=name).one()
    kind = "Microsoft.Management.Infrastructure.CimInstance"
    sent = PropertyBag({"Name": str(vm).upper()}, (f"{kind}#{namespace}/Msvm_ComputerSystem", kind), kind)
    refused = run(host, "Invoke-CimMethod", service, MethodName="DestroySystem", Arguments={"AffectedSystem": sent})
    assert refused.error()[0] == "HRESULT 0x80041005", "what a client sends stays a property bag"
    found = run(host, "Get-WmiObject", Namespace=namespace, Class="Msvm_ComputerSystem", Filter=query).one()
    service = run(host, "Get-WmiObject", Namespace=namespace, Class=name).one()
    assert service.ps_call("DestroySystem", ["nothing"]).notes["ReturnValue"] == 32773
    assert service.ps_call("DestroySystem", [get(found, "__PATH")]).notes["ReturnValue"] == 0
    assert host.vms == {}


def test_firewall_rules_by_their_stable_names() -> None:
    host = pair(language="fr", firewall={"VIRT-MIGL-In-TCP-NoScope": False})
    rule = run(host, "Get-NetFirewallRule", Name=["VIRT-MIGL-In-TCP-NoScope"]).one()
    assert get(rule, "Enabled").name == "False"
    assert get(rule, "DisplayName") == "Hyper-V (MIG-TCP entrant)"
    run(host, "Enable-NetFirewallRule", Name=["VIRT-MIGL-In-TCP-NoScope"])
    assert get(rule, "Enabled").number == 1
    missing = run(host, "Get-NetFirewallRule", Name=["NONE"])
    assert missing.error() == ("CmdletizationQuery_NotFound_InstanceID", "ObjectNotFound")
    op = identity(host.fleet, "A", "op")
    assert run(host, "Set-NetFirewallRule", rule, Enabled="False", who=op).error() == (
        "Windows System Error 5",
        "PermissionDenied",
    )


def test_a_role_that_needs_a_restart() -> None:
    host = pair(speed=0, features={"Hyper-V": "Available"}, services={"vmms": "Stopped"})
    assert run(host, "Get-Service", Name=["vmms"]).error() == ("NoServiceFoundForGivenName", "ObjectNotFound")
    done = run(host, "Install-WindowsFeature", Name=["Hyper-V"], IncludeManagementTools=True).one()
    assert done.notes["RestartNeeded"].name == "Yes"
    assert not get(run(host, "Get-WindowsFeature", Name=["Hyper-V"]).one(), "Installed")
    run(host, "Restart-Computer", Force=True)
    assert host.up()
    host.fleet.clock.advance(5)
    assert not host.up()
    host.fleet.clock.advance(120)
    assert host.up()
    assert get(run(host, "Get-WindowsFeature", Name=["Hyper-V"]).one(), "Installed")
    assert get(run(host, "Get-Service", Name=["vmms"]).one(), "Status").name == "Running"


def test_services() -> None:
    host = pair()
    assert get(run(host, "Get-Service", Name=["MSiSCSI"]).one(), "Status").name == "Stopped"
    run(host, "Set-Service", Name="MSiSCSI", StartupType="Automatic")
    run(host, "Start-Service", Name=["MSiSCSI"])
    view = run(host, "Get-Service", Name=["msiscsi"]).one()
    assert (get(view, "Status").name, get(view, "StartType").name) == ("Running", "Automatic")


def test_files_and_folders() -> None:
    host = pair()
    assert run(host, "Test-Path", LiteralPath=["D:\\Hyper-V\\v"]).one() is True
    assert run(host, "Test-Path", LiteralPath=["D:\\none"]).one() is False
    children = run(host, "Get-ChildItem", LiteralPath=["D:\\Hyper-V\\v"]).output
    assert [get(child, "Name") for child in children] == ["Virtual Hard Disks", "Virtual Machines"]
    full = run(host, "Remove-Item", LiteralPath=["D:\\Hyper-V\\v"])
    assert full.error() == ("InvalidOperation", "InvalidOperation")
    run(host, "New-Item", Path=["D:\\empty"], ItemType="Directory")
    assert run(host, "Remove-Item", LiteralPath=["D:\\empty"]).errors == []
    assert run(host, "Get-Item", LiteralPath=["D:\\empty"]).error() == ("PathNotFound", "ObjectNotFound")
    assert run(host, "Get-ChildItem", LiteralPath=["Q:\\x"]).error() == ("DriveNotFound", "ObjectNotFound")


def test_volumes_have_real_room() -> None:
    host = pair(volumes={"D": {"size_gb": 100}})
    before = get(run(host, "Get-Volume", DriveLetter="D").one(), "SizeRemaining")
    run(host, "New-VHD", Path=["D:\\new.vhdx"], SizeBytes=str(10 * 1024**3), Fixed=True)
    after = get(run(host, "Get-Volume", DriveLetter="D").one(), "SizeRemaining")
    assert before - after == 10 * 1024**3 + 512
    full = run(host, "New-VHD", Path=["D:\\more.vhdx"], SizeBytes=str(100 * 1024**3), Fixed=True)
    assert full.error() == ("OperationFailed", "NotSpecified")
    assert "(0x80070070)" in full.errors[0].message


def test_reachability_follows_from_listener_and_firewall() -> None:
    host = pair()
    target = host.fleet.hosts["B"]

    def open_(port: int) -> bool:
        return bool(run(host, "Test-NetConnection", ComputerName="B", Port=port).one().notes["TcpTestSucceeded"])

    assert open_(6600)
    target.firewall["VIRT-MIGL-In-TCP-NoScope"] = False
    assert not open_(6600)
    assert run(host, "Resolve-DnsName", Name="nobody").error()[1] == "ResourceUnavailable"
    assert run(host, "Resolve-DnsName", Name="b.lab.test").one().notes["IPAddress"] == "10.20.0.2"


def test_whoami_gives_sids_in_every_language() -> None:
    host = pair(language="fr")
    boss = identity(host.fleet, "A", "boss")
    line = "C:\\Windows\\System32\\whoami.exe /groups /fo csv /nh"
    code, out, _err = host.run_program(boss, line, {})
    rows = list(csv.reader(io.StringIO(out.decode())))
    assert code == 0
    assert "S-1-5-32-544" in [row[2] for row in rows]
    assert "BUILTIN\\Administrateurs" in [row[0] for row in rows]
    assert programs.run(host, boss, "C:\\Windows\\System32\\nothing.exe", []) is None
    assert host.run_program(boss, "nothing", {})[0] == 1


def test_members_of_local_groups() -> None:
    names = [m.notes["Name"] for m in run(pair(), "Get-LocalGroupMember", SID="S-1-5-32-544").output]
    assert names == ["A\\Administrator", "LAB\\Domain Admins"]


def test_modules_come_with_their_features() -> None:
    host = pair()
    assert catalogue.lacks(host, "Get-ADUser")
    assert not catalogue.lacks(host, "Get-VM")
    host.features["Hyper-V-PowerShell"] = "Available"
    assert catalogue.find(host, "Get-VM") is None
    assert catalogue.lacks(host, "Get-VM")
