# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The system programs of the lab's Windows machines: what they do, their exit codes, the numbers that they print."""

from __future__ import annotations

import re

import pytest
from hyperv_lab.guests.windows.console import NOT_PLAYED
from unit.lab.windows_machine import machine, run

LANGUAGES = ("en", "fr")
POLICIES = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System"
VALUE = re.compile(r"^    (\S.*?)    (REG_\w+)    (.*)$", re.MULTILINE)


# --- reg ---
@pytest.mark.parametrize("language", LANGUAGES)
def test_reg_adds_shows_and_deletes_values(language: str) -> None:
    target = machine(language=language)
    key = "HKLM\\SOFTWARE\\Lab Key"
    assert run(target, f'reg add "{key}" /v Two /t REG_DWORD /d 26 /f')[0] == 0
    assert run(target, f'reg add "{key}" /v List /t REG_MULTI_SZ /d a\\0b /f')[0] == 0
    assert run(target, f'reg add "{key}\\Sub" /ve /d text')[0] == 0
    code, out, _err = run(target, f'reg query "{key}"')
    assert code == 0
    assert VALUE.findall(out.replace("\r", "")) == [("Two", "REG_DWORD", "0x1a"), ("List", "REG_MULTI_SZ", "a\\0b")]
    assert out.splitlines()[1] == "HKEY_LOCAL_MACHINE\\SOFTWARE\\Lab Key"
    assert out.splitlines()[-1] == "HKEY_LOCAL_MACHINE\\SOFTWARE\\Lab Key\\Sub"
    assert VALUE.findall(run(target, f'reg query "{key}" /v two')[1].replace("\r", "")) == [
        ("Two", "REG_DWORD", "0x1a")
    ]
    assert run(target, f'reg delete "{key}" /v Two /f')[0] == 0
    assert run(target, f'reg query "{key}" /v Two')[0] == 1
    assert run(target, f'reg delete "{key}" /f')[0] == 0
    assert run(target, f'reg query "{key}"')[0] == 1


def test_reg_asks_before_it_replaces_and_takes_the_answer_from_its_input() -> None:
    target = machine()
    line = f"reg add {POLICIES} /v EnableLUA /t REG_DWORD /d 0"
    assert run(target, line)[0] == 1
    assert run(target, line, stdin=b"Y\r\n")[0] == 0
    assert target.registry.data(POLICIES, "EnableLUA") == 0


def test_reg_shows_the_current_control_set_as_it_was_asked_and_searches_below() -> None:
    target = machine()
    code, out, _err = run(target, "reg query HKLM\\SYSTEM\\CurrentControlSet\\Services\\storvsc /v Start")
    assert (code, out.splitlines()[1]) == (0, "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\storvsc")
    code, out, _err = run(target, "reg query HKLM\\SYSTEM\\CurrentControlSet\\Services /s /v ImagePath")
    assert code == 0
    assert out.count("HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\") > 30
    assert run(target, "reg query HKLM\\SYSTEM\\CurrentControlSet\\Services /s /v Nothing")[0] == 1


@pytest.mark.parametrize(
    "line",
    ["reg export HKLM\\X f", "reg query", "reg query HKLM\\X /f a /k", "reg query HKLM\\X /t X", "reg add HKLM\\X /v"],
)
def test_reg_refuses_what_is_not_played(line: str) -> None:
    code, _out, err = run(machine(), line)
    assert (code, err.startswith("hyperv_lab: not played")) == (NOT_PLAYED, True)


# --- sc, net ---
@pytest.mark.parametrize("language", LANGUAGES)
def test_sc_tells_numbers_in_every_language(language: str) -> None:
    target = machine(language=language, services={"VSS": "Disabled"})
    _code, out, _err = run(target, "sc query Winmgmt")
    assert ": 4  RUNNING" in out
    _code, out, _err = run(target, "sc qc VSS")
    assert ": 4   DISABLED" in out
    assert run(target, "sc config VSS start= demand")[0] == 0
    assert target.services["vss"].start == "Manual"
    assert target.registry.data("HKLM\\SYSTEM\\CurrentControlSet\\Services\\VSS", "Start") == 3
    assert run(target, "sc start VSS")[0] == 0
    assert run(target, "sc start VSS")[0] == 1056
    assert run(target, "sc stop VSS")[0] == 0
    assert run(target, "sc stop VSS")[0] == 1062


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("sc query Nothing", 1060),
        ("sc qc Nothing", 1060),
        ("sc start Nothing", 1060),
        ("sc config VSS start=demand", 1639),
        ("sc start WinDefend", 1058),
        ("sc start Netlogon", 1068),
    ],
)
def test_sc_ends_with_win32_errors(line: str, code: int) -> None:
    target = machine(services={"WinDefend": "Disabled", "LanmanWorkstation": "Disabled"})
    assert run(target, line)[0] == code


def test_sc_knows_drivers_and_lists_services() -> None:
    target = machine()
    assert ": 1  KERNEL_DRIVER" in run(target, "sc query storvsc")[1]
    running, every = (run(target, line)[1].count("STATE") for line in ("sc query", "sc query state= all"))
    assert 0 < running < every == len(target.services)


@pytest.mark.parametrize("language", LANGUAGES)
def test_net_starts_services_by_name_or_display_name(language: str) -> None:
    target = machine(language=language)
    display = target.services["vss"].display[language == "fr"]
    assert run(target, f'net start "{display}"')[0] == 0
    assert target.services["vss"].status == "Running"
    assert run(target, "net start VSS")[0] == 2
    assert "NET HELPMSG 2182" in run(target, "net start VSS")[2]
    assert run(target, "net stop VSS")[0] == 0
    assert "NET HELPMSG 3521" in run(target, "net stop VSS")[2]
    assert run(target, "net start Nothing")[0] == 2


def test_net_user_enables_and_unlocks() -> None:
    target = machine(defects=["push_account_disabled", "push_account_locked"])
    assert run(target, "net user asrpush /active:yes")[0] == 0
    assert all(account.enabled for account in target.local)
    assert not target.windows.locked
    assert run(target, "net user asrpush /active:no")[0] == 0
    assert not next(each for each in target.local if each.username == "asrpush").enabled
    assert "NET HELPMSG 2221" in run(target, "net user nobody /active:yes")[2]


def test_net_localgroup_goes_by_the_name_of_the_language() -> None:
    target = machine(language="fr")
    code, out, _err = run(target, "net localgroup Administrateurs")
    assert code == 0
    assert {"Administrator", "asrpush"} <= set(out.split())
    assert run(target, "net localgroup Administrators")[0] == 2
    assert run(target, "net localgroup Administrateurs asrpush /delete")[0] == 0
    assert run(target, "net localgroup Administrateurs asrpush /add")[0] == 0
    assert "1378" in run(target, "net localgroup Administrateurs asrpush /add")[2]


# --- netsh ---
@pytest.mark.parametrize("language", LANGUAGES)
def test_netsh_enables_rules_by_resource_and_by_the_groups_name(language: str) -> None:
    target = machine(language=language, defects=["wmi_firewall_closed", "sharing_firewall_closed"])
    sharing = {"en": "File and Printer Sharing", "fr": "Partage de fichiers et d’imprimantes"}
    line = "netsh advfirewall firewall set rule group={} new enable=yes"
    assert run(target, line.format("@FirewallAPI.dll,-28502"))[0] == 0
    assert all(on for name, on in target.firewall.items() if name.startswith("FPS-"))
    assert run(target, line.format('"windows management instrumentation (wmi)"'))[0] == 0
    assert all(target.firewall.values())
    assert run(target, line.format(f'"{sharing[language]}"'))[0] == 0
    other = sharing["fr" if language == "en" else "en"]
    assert run(target, line.format(f'"{other}"'))[0] == 1


def test_netsh_shows_rules_and_ephemeral_ports() -> None:
    target = machine("2008R2SP1")
    code, out, _err = run(target, 'netsh advfirewall firewall show rule name="File and Printer Sharing (SMB-In)"')
    assert (code, out.count("445")) == (0, 2)
    assert run(target, "netsh advfirewall firewall show rule name=Nothing")[0] == 1
    out = run(target, "netsh int ipv4 show dynamicport tcp")[1]
    assert re.findall(r": (\d+)", out) == ["49152", "16384"]


# --- wmic ---
def bags(out: str) -> list[dict[str, str]]:
    blocks = out.replace("\r", "").strip("\n").split("\n\n")
    return [dict(line.split("=", 1) for line in block.strip().splitlines()) for block in blocks if block.strip()]


def test_wmic_gives_the_same_rows_as_cim() -> None:
    target = machine("2008R2SP1")
    code, out, _err = run(target, "wmic os get Version,BuildNumber /value")
    assert code == 0
    assert bags(out) == [{"BuildNumber": target.windows.version.rpartition(".")[2], "Version": target.windows.version}]
    assert list(bags(out)[0]) == ["BuildNumber", "Version"]
    assert "\r\r\n" in out
    line = "wmic path Win32_Service where \"Name='VSS' OR Name='winmgmt'\" get Name,State /format:csv"
    rows = run(target, line)[1].replace("\r", "").split()
    assert rows[0] == "Node,Name,State"
    assert sorted(rows[1:]) == ["WIN01,VSS,Stopped", "WIN01,Winmgmt,Running"]


def test_wmic_writes_values_in_its_own_way() -> None:
    target = machine("2008R2SP1")
    line = "wmic path Win32_LogicalDiskToPartition get Antecedent,Dependent /value"
    assert bags(run(target, line)[1]) == [
        {
            "Antecedent": '\\\\WIN01\\root\\cimv2:Win32_DiskPartition.DeviceID="Disk #0, Partition #1"',
            "Dependent": '\\\\WIN01\\root\\cimv2:Win32_LogicalDisk.DeviceID="C:"',
        }
    ]
    found = bags(run(target, "wmic computersystem get PartOfDomain,TotalPhysicalMemory /value")[1])
    assert found == [{"PartOfDomain": "FALSE", "TotalPhysicalMemory": str(target.memory)}]
    (bag,) = bags(run(target, "wmic os get LastBootUpTime,CSDVersion /value")[1])
    assert re.fullmatch(r"\d{14}\.\d{6}\+000", bag["LastBootUpTime"])
    assert re.fullmatch(
        r'\{"[^"]+","[^"]+"\}', bags(run(target, "wmic nicconfig get IPAddress /value")[1])[0]["IPAddress"]
    )


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("wmic path Win32_Nothing get Name /value", -2147217392),
        ("wmic os get Colour /value", -2147217385),
        ("wmic path Win32_Service where Name~1 get Name /value", -2147217385),
        ("wmic path Win32_Service where \"Name='nothing'\" get Name /value", 0),
        ("wmic service call x", NOT_PLAYED),
    ],
)
def test_wmic_ends_with_wbem_errors(line: str, code: int) -> None:
    ended, out, err = run(machine("2008R2SP1"), line)
    assert (ended, out) == (code, "")
    assert err


def test_wmic_without_wmi_and_on_2025() -> None:
    assert run(machine("2008R2SP1", defects=["winmgmt_disabled"]), "wmic os get Version")[0] == -2147023838
    assert run(machine("2008R2SP1", defects=["wmi_damaged"]), "wmic os get Version")[0] == -2147217392
    with pytest.raises(FileNotFoundError):
        run(machine("2025"), "wmic os get Version")


def test_wmic_resolves_names_by_a_ping() -> None:
    target = machine("2008R2SP1", names={"other": "10.1.2.3"})
    wanted = "PrimaryAddressResolutionStatus,ProtocolAddress"
    line = f"wmic path Win32_PingStatus where \"Address='{{}}' AND Timeout=1000\" get {wanted} /value"
    found = [bags(run(target, line.format(name))[1])[0] for name in ("other", "nobody")]
    assert [(each["ProtocolAddress"], each["PrimaryAddressResolutionStatus"]) for each in found] == [
        ("10.1.2.3", "0"),
        ("", "11001"),
    ]


# --- the domain, shadow copies ---
@pytest.mark.parametrize(
    ("defect", "line", "code", "number"),
    [
        ([], "/sc_verify:lab.test", 0, "Status = 0 "),
        (["trust_broken"], "/sc_verify:LAB", 0, "Status = 1789 "),
        (["no_logon_server"], "/sc_verify:lab.test", 0, "Status = 1311 "),
        (["no_logon_server"], "/dsgetdc:lab.test", 1355, "Status = 1355 "),
        (["netlogon_stopped"], "/sc_verify:lab.test", 1792, "Status = 1792 "),
        ([], "/dsgetdc:lab.test", 0, "DC1.lab.test"),
    ],
)
def test_nltest_tells_the_status_of_the_channel(defect: list[str], line: str, code: int, number: str) -> None:
    target = machine(domain_joined=True, defects=defect)
    ended, out, _err = run(target, f"nltest {line}")
    assert (ended, number in out) == (code, True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_vssadmin_lists_the_agents_provider(language: str) -> None:
    identifier = re.compile(r"\{[0-9a-f-]{36}\}")
    target = machine(language=language)
    assert len(identifier.findall(run(target, "vssadmin list providers")[1])) == 1
    target = machine(language=language, agent={"version": "9.55.6765.1"})
    out = run(target, "vssadmin list providers")[1]
    assert len(identifier.findall(out)) == 2
    assert "'Azure Site Recovery VSS Provider'" in out
    assert run(target, "vssadmin list writers")[1].count(": [1] ") == 5
