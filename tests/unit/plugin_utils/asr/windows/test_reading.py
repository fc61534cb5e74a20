# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readers: the same machine by cmdlets and by programs gives the same evidence; what can't be read is None."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.catalogue import Scope
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.windows import read_programs, reading, registry
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.windows.rules_system import driver_file
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.programs import ProgramResult
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.winrs import command_line
from unit.fake_programs import FakePrograms, Run
from unit.plugin_utils.asr.windows.healthy import wanted

REG = """
HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\InDskFlt
    (par défaut)    REG_SZ    (valeur non définie)
    Start    REG_DWORD    0x0
    ImagePath    REG_EXPAND_SZ    \\SystemRoot\\System32\\drivers\\InDskFlt.sys
    Empty    REG_SZ    
    DeleteFlag    REG_DWORD    0x1

HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\InDskFlt\\Parameters
"""  # noqa: W291 # reg.exe ends an empty value so
WMIC = "\n\nName=VSS\nStartMode=Manual\nState=Stopped\n\n\nName=MSDTC\nStartMode=Auto\n".replace("\n", "\r\r\n")


def test_reg_is_read_without_its_words() -> None:
    keys = read_programs.parse_keys(REG)
    assert registry.number(keys, f"{registry.SERVICES}\\indskflt", "DeleteFlag") == 1
    assert registry.value(keys, f"{registry.SERVICES}\\InDskFlt", "start") == 0
    assert registry.text(keys, f"{registry.SERVICES}\\InDskFlt", "Empty") == ""
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("own", "listed", "folder"),
    [
        ({"installdirectory": "D:\\ASR\\agent"}, "", "D:\\ASR"),
        ({"installpath": "D:\\ASR\\"}, "C:\\Elsewhere", "D:\\ASR"),
        ({}, "D:\\ASR\\Agent\\", "D:\\ASR"),
        ({}, "D:\\ASR", "D:\\ASR"),
        ({}, "", registry.DEFAULT_FOLDER),
    ],
)
def test_the_agents_folder_is_that_of_its_own_key_however_it_is_written(
    own: dict[str, Any], listed: str, folder: str
) -> None:
    """An MSI may leave the folder in the list of installed programs empty."""
    keys = {
        registry.canonical(registry.UNINSTALL[0]): {"displayversion": "9.55.6765.1", "installlocation": listed},
        registry.canonical(registry.INMAGE): own,
    }
    found = registry.agent(keys)
    assert found is not None
    assert registry.agent_folder(found) == f"{folder}\\agent"


def test_wmic_is_read_by_its_property_names() -> None:
    assert read_programs.parse_bags(WMIC) == [
        {"Name": "VSS", "StartMode": "Manual", "State": "Stopped"},
        {"Name": "MSDTC", "StartMode": "Auto"},
    ]


@pytest.mark.parametrize(
    "written",
    [
        "HKLM:\\SYSTEM\\Select",
        "Microsoft.PowerShell.Core\\Registry::HKEY_LOCAL_MACHINE\\SYSTEM\\Select",
        "HKEY_LOCAL_MACHINE\\System\\Select\\",
        "hklm\\system\\select",
    ],
)
def test_a_key_is_one_however_it_is_written(written: str) -> None:
    assert registry.canonical(written) == "hklm\\system\\select"


@pytest.mark.parametrize(
    ("values", "version", "pack"),
    [
        ({"currentversion": "6.1", "currentbuildnumber": "7601", "csdversion": "Service Pack 1"}, (6, 1), 1),
        ({"currentversion": "6.3", "currentmajorversionnumber": 10, "currentminorversionnumber": 0}, (10, 0), 0),
        ({"currentversion": "6.3"}, (6, 3), 0),
        ({}, (0, 0), 0),
    ],
)
def test_the_release_is_read_by_numbers(values: dict[str, Any], version: tuple[int, int], pack: int) -> None:
    release = registry.release({registry.canonical(registry.CURRENT_VERSION): values})
    assert (release.version, release.service_pack) == (version, pack)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("asrpush", "asrpush"), (".\\asrpush", "asrpush"), ("WIN01\\asrpush", "asrpush"),
        ("workgroup\\asrpush", "asrpush"), ("LAB\\asrpush", None), ("asrpush@lab.test", None), (None, None),
    ],
)  # fmt: skip
def test_whose_account_it_is(given: str | None, name: str | None) -> None:
    assert reading.local_account(given, "win01") == name


def test_a_hostile_account_name_stays_a_value() -> None:
    assert reading.account_filter("O'Brien\\x") == "LocalAccount=TRUE AND Name='O\\'Brien\\\\x'"


@pytest.mark.parametrize(
    "image",
    [
        "System32\\drivers\\vmbus.sys",
        "\\SystemRoot\\System32\\drivers\\vmbus.sys",
        "%SystemRoot%\\System32\\drivers\\vmbus.sys",
        "\\??\\C:\\Windows\\System32\\drivers\\vmbus.sys",
    ],
)
def test_an_image_path_means_a_file(image: str) -> None:
    assert driver_file(image) == "c:\\windows\\system32\\drivers\\vmbus.sys"


def test_an_old_machine_whose_programs_say_nothing_gives_evidence_without_answers() -> None:
    programs = FakePrograms()
    for name in ("reg", "wmic", "netstat", "where", "findstr"):
        programs.on(name, lambda _run: ProgramResult(exit_code=1, stdout="Erreur : rien trouvé.\r\n"))
    evidence = read_programs.read(programs, wanted(push_account="asrpush"))
    assert (evidence.wmi_answers, evidence.software.services, evidence.storage.partitions) == (False, None, None)
    assert (evidence.network.addresses, evidence.memory_bytes, evidence.account) == (None, None, None)


def test_a_missing_program_is_named() -> None:
    evidence = read_programs.read(FakePrograms(), wanted(Scope.AGENT))
    assert "reg: the machine has no such program" in evidence.unread
    assert evidence.software.missing_files == ()


def test_an_account_that_no_command_line_takes_is_told_as_unread() -> None:
    def refuse(run: Run) -> int:
        command_line(run.program, run.arguments)
        return 1

    programs = FakePrograms()
    for name in ("reg", "wmic", "netstat", "where", "findstr"):
        programs.on(name, refuse)
    evidence = read_programs.read(programs, wanted(push_account="a%b%c"))
    assert (evidence.account, evidence.missing_account) == (None, None)
    assert [line for line in evidence.unread if "can't stand on a command line" in line]


def test_rules_of_the_firewall_are_read_from_the_registry_by_their_names() -> None:
    data = {
        "FPS-SMB-In-TCP": "v2.10|Action=Allow|Active=FALSE|Dir=In|Protocol=6|LPort=445|Name=@FirewallAPI.dll,-28511|",
        "WMI-RPCSS-In-TCP": "v2.10|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=135|",
    }

    def shown(key: str, name: str, text: str) -> ProgramResult:
        path = key.replace("HKLM", "HKEY_LOCAL_MACHINE")
        return ProgramResult(exit_code=0, stdout=f"\r\n{path}\r\n    {name}    REG_SZ    {text}\r\n")

    def reg(run: Run) -> ProgramResult:
        key, name = run.arguments[1], run.arguments[-1]
        if key == registry.FIREWALL_RULES and name in data:
            return shown(key, name, data[name])
        if key == registry.FIREWALL_POLICY:
            return shown(f"{key}\\FirewallRules", "FPS-SMB-In-TCP", "v2.10|Action=Block|Active=TRUE|")
        return ProgramResult(exit_code=1)

    evidence = read_programs.read(FakePrograms().on("reg", reg), wanted(Scope.PUSH))
    found = {(rule.name, rule.enabled, rule.by_policy, rule.blocks) for rule in evidence.guard.rules or ()}
    assert found == {
        ("FPS-SMB-In-TCP", False, False, False),
        ("FPS-SMB-In-TCP", True, True, True),
        ("WMI-RPCSS-In-TCP", True, False, False),
    }
