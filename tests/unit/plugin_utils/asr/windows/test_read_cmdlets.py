# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading by cmdlets over a fake session: how often it asks, what it makes of the answers, which channel it chooses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.catalogue import Scope
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.patient import Wanted
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.windows import read_cmdlets, reading, registry
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.windows.patient import WindowsPatient
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.windows.rules import judge
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import RemoteError
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.programs import ProgramResult
from unit.fake_programs import FakePrograms, MachineSessions
from unit.fake_session import FakeSession, Refused, failing
from unit.plugin_utils.asr.windows.healthy import wanted

GB = 1024**3
VALUES: dict[str, dict[str, Any]] = {
    registry.CURRENT_VERSION: {
        "CurrentVersion": "6.3", "CurrentMajorVersionNumber": 10, "CurrentMinorVersionNumber": 0,
        "CurrentBuildNumber": "17763", "ProductName": "Windows Server 2019 Standard", "InstallationType": "Server",
    },
    registry.ENVIRONMENT: {"PROCESSOR_ARCHITECTURE": "AMD64"},
    registry.POLICIES_SYSTEM: {"LocalAccountTokenFilterPolicy": 1},
    registry.DOTNET: {"Install": 1},
    registry.COMPUTER_NAME: {"ComputerName": "WIN01"},
    registry.CONTROL: {"PEFirmwareType": 1},
}  # fmt: skip
CIM: dict[str, list[dict[str, Any]]] = {
    "Win32_ComputerSystem": [{"Name": "WIN01", "PartOfDomain": False, "TotalPhysicalMemory": 4 * GB}],
    "Win32_OperatingSystem": [{"FreePhysicalMemory": 2 * 1024 * 1024, "SystemDrive": "C:"}],
    "Win32_Service": [
        {"Name": name, "State": "Running", "StartMode": "Auto"} for name in ("Winmgmt", "LanmanServer", "WinDefend")
    ],
    "Win32_LogicalDisk": [{"DeviceID": "C:", "FreeSpace": 20 * GB}],
    "Win32_NetworkAdapterConfiguration": [{"IPAddress": ["10.1.0.5", "fe80::1"]}, {"IPAddress": ["169.254.1.1"]}],
    "Win32_UserAccount": [{"Name": "asrpush", "SID": "S-1-5-21-1-2-3-1001", "Disabled": False, "Lockout": False}],
}
EXCLUSIONS = ["C:\\ProgramData\\ASR\\agent", "C:\\Program Files (x86)\\Microsoft Azure Site Recovery"]


def _values(parameters: Mapping[str, Any], _piped: list[Any]) -> list[dict[str, Any]]:
    prefix = "Microsoft.PowerShell.Core\\Registry::HKEY_LOCAL_MACHINE"
    if "LiteralPath" in parameters:
        known = {read_cmdlets.provider_path(key): values for key, values in VALUES.items()}
        return [
            {"PSPath": path.replace("HKLM:", prefix), **known[path]}
            for path in parameters["LiteralPath"]
            if path in known
        ]
    return [
        {"PSPath": path.replace("HKLM:", prefix).replace("*", number), "Start": 0,
         "ImagePath": f"System32\\drivers\\{path.rpartition(chr(92))[2]}.sys"}
        for path in parameters["Path"] for number in ("001", "002")
    ]  # fmt: skip


def machine(**handlers: Any) -> FakeSession:
    """A healthy Windows Server 2019; handlers of cmdlets, with _ for -, replace its own."""
    session = FakeSession(host="win01")
    own: dict[str, Any] = {
        "Get-ItemProperty": _values,
        "Get-Item": lambda _p, _o: [{"PSChildName": "ControlSet001"}, {"PSChildName": "ControlSet002"}],
        "Test-Path": lambda p, _o: [not path.startswith("HKLM") for path in p["LiteralPath"]],
        "Get-CimInstance": lambda p, _o: CIM[p["ClassName"]],
        "Get-Disk": lambda _p, _o: [{"Number": 0, "Size": 60 * GB, "LogicalSectorSize": 512, "PartitionStyle": 1}],
        "Get-Partition": lambda _p, _o: [
            {"DiskNumber": 0, "PartitionNumber": 1, "IsActive": True, "IsBoot": False},
            {"DiskNumber": 0, "PartitionNumber": 2, "IsActive": False, "IsBoot": True},
        ],
        "Get-NetFirewallRule": lambda p, _o: [
            {"Name": name, "Enabled": 1, "Action": 2, "PolicyStoreSourceType": 1} for name in p["Name"]
        ],
        "Get-NetTCPConnection": lambda _p, _o: [{"LocalPort": 445}, {"LocalPort": 50000}],
        "Measure-Object": lambda _p, piped: [{"Count": len(piped)}],
        "Where-Object": lambda p, piped: [item for item in piped if item[p["Property"]] >= p["Value"]],
        "Get-LocalGroupMember": lambda _p, _o: [{"SID": {"Value": "S-1-5-21-1-2-3-1001"}}],
        "Resolve-DnsName": lambda _p, _o: [{"IPAddress": "10.1.0.5"}],
        "Test-NetConnection": lambda _p, _o: [True],
        "Get-MpPreference": lambda _p, _o: [{"ExclusionPath": EXCLUSIONS, "DisableRealtimeMonitoring": False}],
        "Get-Content": lambda _p, _o: [],
    }
    for name, handler in (own | {name.replace("_", "-"): handler for name, handler in handlers.items()}).items():
        session.machine.on(name, handler)
    return session


def patient(session: FakeSession, asked: Wanted, programs: FakePrograms | None = None) -> WindowsPatient:
    return WindowsPatient(MachineSessions(windows=programs, session=session), asked)


ASKED = wanted(push_account="asrpush", servers=(("10.1.0.9", 443),), server_names=("cs01.lab.test",))


def test_a_machine_is_read_by_two_invocations() -> None:
    session = machine()
    found = patient(session, ASKED).read()
    assert len(session.invocations) == 2
    assert judge(found, ASKED) == ()
    assert (found.release.build, found.memory_bytes, found.network.addresses) == (17763, 4 * GB, ("10.1.0.5",))
    assert (found.network.ports_used, found.account and found.account.is_administrator) == (1, True)
    assert found.software.exclusions == tuple(EXCLUSIONS)
    assert found.unread == ()


def test_only_what_a_scope_needs_is_asked() -> None:
    session = machine()
    patient(session, wanted(Scope.AGENT, push_account="asrpush", servers=(("10.1.0.9", 443),))).read()
    for name in ("Get-NetFirewallRule", "Get-NetTCPConnection", "Test-NetConnection", "Resolve-DnsName"):
        assert session.sent(name) == []


def test_a_machine_without_defender_costs_one_invocation_more_and_is_fine() -> None:
    def missing(_parameters: Mapping[str, Any], _piped: list[Any]) -> None:
        raise Refused("CommandNotFoundException", "", category=13, terminating=True)

    session = machine(Get_MpPreference=missing)
    found = patient(session, ASKED).read()
    assert (found.software.defender_on, judge(found, ASKED)) == (None, ())
    assert len(session.invocations) <= 3


def test_a_machine_whose_wmi_is_dead_has_unknowns_and_no_false_findings() -> None:
    found = patient(
        machine(Get_CimInstance=failing("HRESULT 0x80041010"), Get_NetFirewallRule=lambda _p, _o: []), ASKED
    ).read()
    assert [item.id for item in judge(found, ASKED)] == ["name:ASRMobilityServiceInstallerWMIQueryFailure"]
    assert (found.software.services, found.network.addresses, found.guard.rules) == (None, None, None)


def test_a_registry_that_says_nothing_is_an_error_and_no_guess() -> None:
    with pytest.raises(RemoteError, match="win01: the registry does not say which Windows it is"):
        patient(machine(Get_ItemProperty=lambda _p, _o: []), ASKED).read()


def test_an_old_machine_is_read_by_programs_after_one_question(monkeypatch: pytest.MonkeyPatch) -> None:
    old = {"CurrentVersion": "6.1", "CurrentBuildNumber": "7601", "CSDVersion": "Service Pack 1"}
    monkeypatch.setitem(VALUES, registry.CURRENT_VERSION, old)
    session, programs = machine(), FakePrograms()
    for name in ("reg", "wmic", "netstat", "where", "findstr", "nslookup"):
        programs.on(name, lambda _run: ProgramResult(exit_code=1))
    one = patient(session, ASKED, programs)
    one.read()
    one.read()
    assert len(session.invocations) == 1
    assert {run.program.rpartition("\\")[2] for run in programs.runs} >= {"reg.exe", "wmic.exe", "where.exe"}


@pytest.mark.parametrize(
    ("output", "succeeded"),
    [
        ("Trusted DC Connection Status Status = 0 0x0 NERR_Success\nTrust Verification Status = 0 0x0 x", True),
        ("Trusted DC Connection Status Status = 1789 0x6fd ERROR\nThe command completed successfully", False),
        ("           DC: \\\\DC1\n     Dom Name: lab.test", True),
        ("Getting DC name failed: Status = 1355 0x54b ERROR_NO_SUCH_DOMAIN", False),
    ],
)
def test_nltest_is_read_by_its_statuses(output: str, succeeded: bool) -> None:
    assert reading.nltest_succeeded(output) is succeeded
