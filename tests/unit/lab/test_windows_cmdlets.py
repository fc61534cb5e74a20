# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cmdlets on the lab's Windows machines: registry, files, services, accounts, firewall, disks, network."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hyperv_lab.guests.windows.state import WindowsMachine
from hyperv_lab.hyperv import fleet as fleets
from hyperv_lab.powershell.values import Credential, SecureString
from unit.lab.cmdlet_runner import identity, run

VERSION = "HKLM:\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"
LAB = "HKLM:\\SOFTWARE\\Lab"


def machine(os: str = "2016", **more: Any) -> WindowsMachine:
    found = fleets.parse({"windows_machines": [{"name": "WIN01", "os": os, **more}]}).hosts["WIN01"]
    assert isinstance(found, WindowsMachine)
    return found


def two(**more: Any) -> tuple[WindowsMachine, WindowsMachine]:
    """Return a process server and the machine that it pushes to."""
    content = {
        "directory": {"accounts": [{"name": "push", "password": "Domain-1"}]},
        "windows_machines": [
            {"name": "PS01", "os": "2016", "role": "process_server"},
            {"name": "WIN01", "os": "2012R2", **more},
        ],
    }
    hosts = fleets.parse(content).hosts
    server, target = hosts["PS01"], hosts["WIN01"]
    assert isinstance(server, WindowsMachine)
    assert isinstance(target, WindowsMachine)
    return server, target


def names(result: Any) -> list[str]:
    return [str(value.ps_get("Name")) for value in result.output]


@pytest.mark.parametrize(
    ("os", "version", "build"),
    [("2008R2SP1", "6.1", "7601"), ("2012", "6.2", "9200"), ("2012R2", "6.3", "9600"), ("2025", "6.3", "26100")],
)
def test_the_registry_tells_which_windows_it_is(os: str, version: str, build: str) -> None:
    found = run(machine(os), "Get-ItemProperty", LiteralPath=[VERSION]).one().notes
    assert (found["CurrentVersion"], found["CurrentBuildNumber"]) == (version, build)
    assert found["PSPath"].startswith("Microsoft.PowerShell.Core\\Registry::HKEY_LOCAL_MACHINE\\SOFTWARE")
    assert found.get("CurrentMajorVersionNumber") == (10 if os == "2025" else None)


def test_values_are_made_changed_read_and_removed() -> None:
    host = machine()
    assert run(host, "New-Item", Path=LAB).one().name == "HKEY_LOCAL_MACHINE\\SOFTWARE\\Lab"
    run(host, "New-ItemProperty", Path=LAB, Name="N", Value=2**32 - 1, PropertyType="DWord").one()
    run(host, "Set-ItemProperty", LiteralPath=LAB, Name="T", Value="text")
    run(host, "Set-ItemProperty", Path=LAB, Name="L", Value=["a", "b"], Type="MultiString")
    found = run(host, "Get-ItemProperty", Path=LAB).one().notes
    assert (found["N"], found["T"], list(found["L"])) == (-1, "text", ["a", "b"])
    assert host.registry.data("HKLM\\SOFTWARE\\Lab", "N") == 2**32 - 1
    again = run(host, "New-ItemProperty", Path=LAB, Name="N", Value=1).error()
    assert again == ("System.IO.IOException", "ResourceExists")
    run(host, "Remove-ItemProperty", Path=LAB, Name=["N"])
    missing = run(host, "Remove-ItemProperty", Path=LAB, Name=["N"]).error()
    assert missing == ("System.Management.Automation.PSArgumentException", "InvalidArgument")
    run(host, "Remove-Item", Path=LAB)
    assert run(host, "Test-Path", LiteralPath=[LAB]).one() is False


def test_what_is_read_through_the_current_control_set_says_so() -> None:
    host = machine("2012R2")
    control = "SYSTEM\\CurrentControlSet\\Control"
    found = run(host, "Get-ItemProperty", LiteralPath=f"HKLM:\\{control}").one().notes
    assert found["PSPath"] == f"Microsoft.PowerShell.Core\\Registry::HKEY_LOCAL_MACHINE\\{control}"
    names = [key.ps_get("PSChildName") for key in run(host, "Get-ChildItem", Path="HKLM:\\SYSTEM").output]
    assert names == ["ControlSet001", "ControlSet002", "CurrentControlSet", "Select"]


def test_a_key_without_values_gives_nothing_and_a_missing_one_an_error() -> None:
    host = machine()
    host.registry.create("HKLM\\SOFTWARE\\Lab")
    assert run(host, "Get-ItemProperty", Path=LAB).output == []
    assert run(host, "Get-ItemProperty", Path=LAB + "\\Below").error() == ("PathNotFound", "ObjectNotFound")


def test_patterns_find_every_control_set_that_has_the_key() -> None:
    host = machine("2012R2", defects=["driver_key_missing"])
    path = ["HKLM:\\SYSTEM\\ControlSet*\\Services\\storvsc", "HKLM:\\SYSTEM\\ControlSet*\\Services\\vmbus"]
    found = run(host, "Get-ItemProperty", Path=path)
    assert not found.errors
    assert [bag.notes["ImagePath"] for bag in found.output] == ["System32\\drivers\\storvsc.sys"] + [
        "System32\\drivers\\vmbus.sys"
    ] * 2
    sets = run(host, "Get-Item", Path="HKLM:\\SYSTEM\\ControlSet*")
    assert [key.ps_get("PSChildName") for key in sets.output] == ["ControlSet001", "ControlSet002"]


def test_without_administrators_rights_nothing_of_the_machine_is_changed() -> None:
    accounts = [
        {"name": "Administrator", "password": "A-1"},
        {"name": "reader", "password": "R-1", "groups": ["Remote Management Users"]},
    ]
    host = machine(accounts=accounts)
    who = identity(host.fleet, "WIN01", "reader", "ntlm")
    assert run(host, "New-Item", Path=LAB, who=who).error() == ("System.Security.SecurityException", "PermissionDenied")
    refused = run(host, "Disable-NetFirewallRule", Name="WMI-RPCSS-In-TCP", who=who).error()
    assert refused == ("Windows System Error 5", "PermissionDenied")
    assert not host.registry.exists("HKLM\\SOFTWARE\\Lab")
    assert host.firewall["WMI-RPCSS-In-TCP"]


def test_files_have_contents() -> None:
    host = machine()
    run(host, "New-Item", Path="C:\\Temp", ItemType="Directory")
    run(host, "Set-Content", Path="C:\\Temp\\a.txt", Value=["one", "two"])
    run(host, "Add-Content", LiteralPath="C:\\Temp\\a.txt", Value="three")
    assert run(host, "Get-Content", LiteralPath="C:\\Temp\\a.txt").output == ["one", "two", "three"]
    assert run(host, "Get-Content", Path="C:\\Temp\\a.txt", Tail=1).output == ["three"]
    assert run(host, "Get-Content", Path="C:\\Temp\\a.txt", Raw=True).one() == "one\r\ntwo\r\nthree\r\n"
    run(host, "Copy-Item", Path="C:\\Temp\\a.txt", Destination="C:\\Temp\\b.txt")
    digest = run(host, "Get-FileHash", LiteralPath="C:\\Temp\\b.txt").one().notes["Hash"]
    assert digest == hashlib.sha256(host.files.read("C:\\Temp\\a.txt")).hexdigest().upper()
    run(host, "Move-Item", Path="C:\\Temp\\b.txt", Destination="C:\\c.txt")
    assert [entry.ps_get("Name") for entry in run(host, "Get-ChildItem", Path="C:\\Temp").output] == ["a.txt"]
    assert [entry.ps_get("Name") for entry in run(host, "Get-ChildItem", Path="C:\\Te*").output] == ["Temp"]
    refused = run(host, "Remove-Item", LiteralPath="C:\\Temp").error()
    assert refused == ("InvalidOperation", "InvalidOperation")
    run(host, "Remove-Item", LiteralPath="C:\\Temp", Recurse=True)
    assert run(host, "Test-Path", LiteralPath=["C:\\Temp", "C:\\c.txt"]).output == [False, True]
    assert run(host, "Get-Content", Path="C:\\Temp\\a.txt").error() == ("PathNotFound", "ObjectNotFound")


def test_a_full_disk_refuses_a_copy_with_its_hresult() -> None:
    host = machine(volumes={"C": {"size_gb": 40, "free_gb": 20}, "D": {"size_gb": 0.000001}})
    host.files.write("C:\\big.bin", b"x" * 5000)
    (error,) = run(host, "Copy-Item", Path="C:\\big.bin", Destination="D:\\big.bin").errors
    assert error.hresult == 0x80070070
    assert not host.files.exists("D:\\big.bin")


def test_a_share_needs_credentials_that_can_be_passed_on() -> None:
    content = {
        "directory": {"accounts": [{"name": "Admin", "password": "D-1", "groups": ["Domain Admins"]}]},
        "shares": [{"path": "\\\\files\\asr", "size_gb": 1, "files": {"setup.exe": "content"}}],
        "windows_machines": [{"name": "WIN01", "os": "2016", "domain_joined": True}],
    }
    fleet = fleets.parse(content)
    host = fleet.hosts["WIN01"]
    source = "\\\\files\\asr\\setup.exe"
    ntlm, credssp = (identity(fleet, "WIN01", "Admin", method) for method in ("ntlm", "credssp"))
    copy = {"LiteralPath": source, "Destination": "C:\\setup.exe"}
    assert run(host, "Copy-Item", who=ntlm, **copy).error()[1] == "PermissionDenied"
    assert not run(host, "Copy-Item", who=credssp, **copy).errors
    assert isinstance(host, WindowsMachine)
    assert host.files.read("C:\\setup.exe") == b"content"


def test_services_start_with_what_they_need_and_the_registry_follows() -> None:
    host = machine(services={"LanmanServer": "Stopped"}, defects=["event_system_disabled"])
    run(host, "Start-Service", Name="LanmanServer")
    assert host.services["lanmanserver"].status == "Running"
    assert run(host, "Start-Service", Name="COMSysApp").error() == ("CouldNotStartService", "OpenError")
    run(host, "Set-Service", Name="EventSystem", StartupType="Automatic")
    assert host.registry.data("HKLM\\SYSTEM\\CurrentControlSet\\Services\\EventSystem", "Start") == 2
    assert not run(host, "Start-Service", Name="COMSysApp").errors
    assert host.services["eventsystem"].status == "Running"


@pytest.mark.parametrize("language", ["en", "fr"])
def test_rules_are_found_by_name_and_by_group_resource_in_every_language(language: str) -> None:
    host = machine("2012", language=language, defects=["wmi_firewall_closed"])
    found = run(host, "Get-NetFirewallRule", Group="@FirewallAPI.dll,-34251")
    assert len(names(found)) == 6
    assert {str(rule.enabled) for rule in found.output} == {"False"}
    run(host, "Enable-NetFirewallRule", Name=["WMI-RPCSS-In-TCP", "WMI-RPCSS-In-TCP-NoScope"])
    assert host.firewall["WMI-RPCSS-In-TCP-NoScope"]
    assert run(host, "Get-NetFirewallRule", Name="None").error()[0] == "CmdletizationQuery_NotFound_InstanceID"
    other = machine("2012R2")
    missing = run(other, "Get-NetFirewallRule", Name=["WMI-RPCSS-In-TCP", "WMI-RPCSS-In-TCP-NoScope"])
    assert (len(missing.output), len(missing.errors)) == (1, 1)


def test_wmi_answers_in_both_ways_and_not_at_all_where_it_is_disabled() -> None:
    host = machine("2012R2", services={"Schedule": "StartPending"})
    service = run(host, "Get-CimInstance", ClassName="Win32_Service", Filter="State='Start Pending'").one()
    assert service.ps_get("Name") == "Schedule"
    old = machine("2008R2SP1")
    system = run(old, "Get-WmiObject", Class="Win32_OperatingSystem").one()
    assert (system.ps_get("Version"), system.ps_get("CSDVersion")) == ("6.1.7601", "Service Pack 1")
    for defect, code in (("winmgmt_disabled", "HRESULT 0x80070422"), ("wmi_damaged", "HRESULT 0x80041010")):
        broken = machine("2012R2", defects=[defect])
        assert run(broken, "Get-CimInstance", ClassName="Win32_OperatingSystem").error()[0] == code
    disabled = machine("2012R2", defects=["winmgmt_disabled"])
    assert run(disabled, "Get-Disk").error()[0] == "HRESULT 0x80070422"
    assert run(disabled, "Get-WmiObject", Class="Win32_OperatingSystem").error()[0] == "GetWMICOMException"


def test_a_stopped_wmi_service_is_started_by_the_first_query() -> None:
    host = machine(services={"Winmgmt": "Stopped"})
    assert run(host, "Get-CimInstance", ClassName="Win32_ComputerSystem").one().ps_get("PartOfDomain") is False
    assert host.services["winmgmt"].status == "Running"


def test_disks_are_told_alike_by_wmi_and_by_the_storage_module() -> None:
    host = machine("2016", defects=["boot_disk_apart"])
    parts = [part.notes for part in run(host, "Get-Partition").output]
    assert [(p["DiskNumber"], p["IsActive"], p["IsBoot"]) for p in parts] == [(0, False, True), (1, True, False)]
    classic = run(host, "Get-CimInstance", ClassName="Win32_DiskPartition", Filter="BootPartition=TRUE").one()
    assert classic.ps_get("DiskIndex") == 1
    uefi = machine("2016", firmware="uefi")
    assert run(uefi, "Get-Disk").one().notes["PartitionStyle"] == "GPT"
    assert [p.notes["GptType"][:9] for p in run(uefi, "Get-Partition").output] == ["{c12a7328", "{ebd0a0a2"]


def test_accounts_can_be_read_and_enabled() -> None:
    host = machine("2019", defects=["push_account_disabled", "push_account_locked"])
    account = run(host, "Get-CimInstance", ClassName="Win32_UserAccount", Filter="Name='asrpush'").one()
    assert (account.ps_get("Disabled"), account.ps_get("Lockout")) == (True, True)
    assert run(host, "Get-LocalUser", Name="asrpush").one().enabled is False
    run(host, "Enable-LocalUser", Name="asrpush")
    assert run(host, "Get-LocalUser", Name="asrpush").one().enabled is True
    assert run(host, "Get-LocalUser", Name="nobody").error() == ("UserNotFound", "ObjectNotFound")


def test_defender_is_there_from_2016_on() -> None:
    host = machine("2022", defects=["antivirus_not_excluded"])
    assert run(host, "Get-MpPreference").one().notes["ExclusionPath"] is None
    run(host, "Add-MpPreference", ExclusionPath=["C:\\ProgramData\\ASR\\agent"])
    assert list(run(host, "Get-MpPreference").one().notes["ExclusionPath"]) == ["C:\\ProgramData\\ASR\\agent"]


def test_names_and_ports_are_those_of_the_fleet() -> None:
    server, target = two()
    assert run(server, "Resolve-DnsName", Name="win01").one().notes["IPAddress"] == str(target.network.addresses[0].ip)
    assert run(server, "Resolve-DnsName", Name="nowhere").error()[0] == "DNS_ERROR_RCODE_NAME_ERROR"
    port = {"ComputerName": "win01", "Port": 445, "InformationLevel": "Quiet"}
    assert run(server, "Test-NetConnection", **port).one() is True
    target.firewall["FPS-SMB-In-TCP"] = False
    assert run(server, "Test-NetConnection", **port).one() is False
    assert (
        run(server, "Test-NetConnection", ComputerName="198.51.100.9", Port=443, InformationLevel="Quiet").one()
        is False
    )
    assert run(server, "Test-Connection", ComputerName="win01", Quiet=True).one() is True


@pytest.mark.parametrize(
    ("defects", "user", "password", "code"),
    [
        ([], "asrpush", "Lab-Push-1!", 0),
        ([], "WORKGROUP\\asrpush", "Lab-Push-1!", 0),
        ([], "asrpush", "wrong", 1326),
        (["push_account_disabled"], "asrpush", "Lab-Push-1!", 1331),
        (["push_account_locked"], "asrpush", "Lab-Push-1!", 1909),
        (["push_account_no_admin"], "asrpush", "Lab-Push-1!", 5),
        (["token_filter_absent"], "asrpush", "Lab-Push-1!", 5),
        (["token_filter_absent"], "Administrator", "Lab-Passw0rd!", 0),
        (["admin_shares_off"], "asrpush", "Lab-Push-1!", 67),
        (["sharing_firewall_closed"], "asrpush", "Lab-Push-1!", 53),
        (["trust_broken"], "LAB\\push", "Domain-1", 1789),
        (["no_logon_server"], "LAB\\push", "Domain-1", 1311),
        (["netlogon_stopped"], "push@lab.test", "Domain-1", 1792),
    ],
)
def test_a_push_meets_the_codes_of_windows(defects: list[str], user: str, password: str, code: int) -> None:
    server, _target = two(defects=defects)
    account = Credential(user, SecureString(password))
    drive = {"Name": "Probe", "PSProvider": "FileSystem", "Root": "\\\\win01\\C$", "Credential": account}
    result = run(server, "New-PSDrive", **drive)
    assert [error.properties["NativeErrorCode"] for error in result.errors] == ([code] if code else [])
    assert bool(result.output) is not bool(code)


def test_features_are_those_of_a_server_without_hyperv() -> None:
    features = {str(f.ps_get("Name")): f for f in run(machine("2012R2"), "Get-WindowsFeature").output}
    assert not features["Hyper-V"].ps_get("Installed")
    assert features["FileAndStorage-Services"].ps_get("Installed")
    left = machine("2016", defects=["cluster_leftover"])
    assert run(left, "Get-WindowsFeature", Name="Failover-Clustering").one().ps_get("Installed")


def test_old_windows_has_only_what_it_had() -> None:
    from hyperv_lab.hyperv import catalogue  # noqa: PLC0415

    old, newer = machine("2008R2SP1"), machine("2012")
    for name in ("Get-CimInstance", "Get-NetFirewallRule", "Get-FileHash", "Get-LocalUser", "Resolve-DnsName"):
        assert catalogue.find(old, name) is None, name
    assert catalogue.find(old, "Get-WmiObject") is not None
    assert catalogue.find(newer, "Get-NetFirewallRule") is not None
    for name in ("Test-NetConnection", "Get-MpPreference", "Get-LocalUser", "Get-FileHash"):
        assert catalogue.find(newer, name) is None, name
