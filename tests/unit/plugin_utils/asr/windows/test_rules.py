# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules over literals: each defect gives exactly its error, a healthy machine none."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.catalogue import Cure, Scope
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.windows.evidence import (
    Account,
    Agent,
    Disk,
    Partition,
    Reached,
    Release,
    Rule,
    ServiceKey,
    WindowsEvidence,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.windows.reading import FIREWALL_RULES
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.windows.rules import judge
from ansible_collections.hyperv.mobility.plugins.plugin_utils.findings import Severity
from unit.plugin_utils.asr.windows.healthy import GB, HEALTHY, KEYS, MB, RELEASES, but, wanted, with_service

NAME = "name:ASRMobilityService"
DOMAIN = {"part_of_domain": True, "domain": "lab.test", "secure_channel": True, "logon_server": True}
MEMBER = with_service("Netlogon", "Running", "Auto", but(identity=DOMAIN))
WITH_AGENT = with_service(
    "Azure Site Recovery VSS Provider", "Stopped", "Auto",
    with_service("svagents", "Running", "Auto", but(agent=Agent(version="9.55.6765.1"))),
)  # fmt: skip


def rules(*closed: str, **details: Any) -> dict[str, Any]:
    return {
        "rules": tuple(
            Rule(name=name, enabled=not name.startswith(closed), **(details if name.startswith(closed) else {}))
            for name in FIREWALL_RULES
        )
    }


def boots(*partitions: tuple[int, bool, bool]) -> dict[str, Any]:
    return {
        "partitions": tuple(
            Partition(disk=disk, number=number, boots=active, windows=windows)
            for number, (disk, active, windows) in enumerate(partitions)
        )
    }


def without(control_set: str, name: str) -> tuple[ServiceKey, ...]:
    return tuple(key for key in KEYS if (key.control_set, key.name) != (control_set, name))


CASES: dict[str, tuple[WindowsEvidence, str]] = {
    "wmi rules": (but(guard=rules("WMI-")), "95103"),
    "one wmi rule": (but(guard=rules("WMI-ASYNC")), "95103"),
    "wmi service": (with_service("Winmgmt", "Stopped", "Disabled"), "95103"),
    "wmi disabled, nothing answers": (
        but(wmi_answers=False, guard={"winmgmt_start": 4}, software={"services": None}),
        "95103",
    ),
    "smb rules": (but(guard=rules("FPS-SMB")), "95105"),
    "server service": (with_service("LanmanServer", "Stopped", "Auto"), "95105"),
    "sharing policy": (but(guard={"no_inplace_sharing": True}), "95105"),
    "no admin shares": (but(guard={"admin_shares_off": True}), "95105"),
    "remote uac": (but(guard={"token_filter_policy": None}), "95107"),
    "remote uac set to 0": (but(guard={"token_filter_policy": 0}), "95107"),
    "no administrator": (but(account={"is_administrator": False}), "95107"),
    "no account": (but(account=None, missing_account="asrpush"), "95107"),
    "disabled account": (but(account={"disabled": True}), "95519"),
    "locked account": (but(account={"locked": True}), "95520"),
    "trust": (but(MEMBER, identity={"secure_channel": False}), "95518"),
    "no domain controller": (but(MEMBER, identity={"logon_server": False, "secure_channel": False}), "95521"),
    "netlogon": (
        with_service("Netlogon", "Stopped", "Auto", but(MEMBER, identity={"logon_server": False})),
        "95522",
    ),
    "push space": (but(storage={"free": {"C:": 60 * MB}}), "95524"),
    "install space": (but(storage={"free": {"C:": 300 * MB}}), "95524"),
    "own name": (but(network={"own_addresses": ("10.9.9.9",)}), "95117"),
    "ports": (but(network={"ports_used": 16_300}), "95117"),
    "32 bits": (but(release=Release(version=(6, 3), build=9600, architecture="X86")), "95213"),
    "no service pack": (but(release=Release(version=(6, 1), build=7600)), "95213"),
    "Windows 2003": (but(release=Release(version=(5, 2), build=3790, service_pack=2)), "95213"),
    "semi-annual": (but(release=Release(version=(10, 0), build=18363, installation_type="Server Core")), "95213"),
    "memory": (but(memory_bytes=768 * MB), "95572"),
    "free memory": (but(memory_free_bytes=100 * MB), "95572"),
    "restart": (but(software={"restart_pending": ("RebootPending",)}), "95224"),
    "renames": (but(software={"renames_pending": True}), "95224"),
    "driver key": (but(software={"keys": without("controlset002", "storvsc")}), "drivers-missing"),
    "driver file": (
        but(software={"missing_files": ("c:\\windows\\system32\\drivers\\intelide.sys",)}),
        "drivers-missing",
    ),
    "service key": (but(software={"keys": without("controlset002", "vss")}), "151025"),
    "com": (with_service("COMSysApp", "Stopped", "Disabled"), "151025"),
    "vss": (with_service("VSS", "Stopped", "Disabled"), "151025"),
    "events": (with_service("EventSystem", "Stopped", "Disabled"), "vss:0x8004E00F"),
    "msdtc": (with_service("MSDTC", "Stopped", "Disabled"), "vss:0x8004E00F"),
    "cluster": (with_service("ClusSvc", "Stopped", "Disabled"), "vss:0x8004E00F-cluster"),
    "delete flag": (but(software={"delete_flags": ("Azure Site Recovery VSS Provider",)}), "vss:0x80070430"),
    "start pending": (but(software={"start_pending": ("Schedule",)}), "vss:0x8007041F"),
    "cscript": (but(software={"cscript_off": True}), "vss:exit-806"),
    "antivirus": (but(software={"exclusions": ("C:\\ProgramData\\ASRother",)}), "vss:0x800706BE"),
    "provider gone": (
        with_service("svagents", "Running", "Auto", but(agent=Agent(version="9.55.6765.1"))),
        "vss:other",
    ),
    "provider disabled": (
        with_service("Azure Site Recovery VSS Provider", "Stopped", "Disabled", WITH_AGENT),
        "vss:0x80070422",
    ),
    "boot disk apart": (but(storage=boots((1, True, False), (0, False, True))), "95309"),
    "no boot disk": (but(storage=boots((0, False, True))), "95310"),
    "two boot disks": (but(storage=boots((0, True, True), (1, True, False))), "95311"),
    "two active": (but(storage=boots((0, True, True), (0, True, False))), f"{NAME}MultipleActivePartitions"),
    "spanned": (but(storage=boots((0, True, True), (1, False, True))), f"{NAME}MultipleSystemDisks"),
    "no windows": (but(storage=boots((0, True, False))), f"{NAME}NoSystemDiskFound"),
    "secure boot": (but(storage={"uefi": True, "secure_boot": True}), f"{NAME}BootUEFISecureBootNotSupported"),
    "old uefi": (
        but(storage={"uefi": True}, release=RELEASES["2008R2SP1"]),
        f"{NAME}BootUEFIUnsupportedOS",
    ),
    "sectors": (
        but(storage={"uefi": True, "disks": (Disk(number=0, size=GB, sector_bytes=4096),)}),
        f"{NAME}BootUEFIUnsupportedDiskSectorSize",
    ),
    "many partitions": (
        but(storage={"uefi": True, "disks": (Disk(number=0, size=GB, partitions=6),)}),
        f"{NAME}BootUEFIUnsupportedNumberOfPartitions",
    ),
    "raw disk": (but(storage={"disks": (Disk(number=1, size=GB, partitions=0, initialised=False),)}), "150039"),
    "small disk": (but(storage={"disks": (Disk(number=1, size=512 * MB),)}), "150172"),
    "scout": (but(software={"involflt": True}), f"{NAME}InstallerInvolFltDriverError"),
    "rundll32": (
        but(software={"missing_files": ("c:\\windows\\system32\\rundll32.exe",)}),
        f"{NAME}InstallerMandatoryFilesMissing",
    ),
    "wmi damaged": (but(wmi_answers=False, software={"services": None}), f"{NAME}InstallerWMIQueryFailure"),
    "dotnet": (but(software={"dotnet": False}), "exit:16"),
    "a server": (with_service("InMage PushInstall", "Running", "Auto"), "exit:65"),
    "sha2 2008 R2": (
        but(release=RELEASES["2008R2SP1"], software={"hotfixes": frozenset({"KB4474419"})}),
        f"{NAME}InstallerUnsupportedSHA2SigningFailureWindows2008R2",
    ),
    "sha2 2008": (
        but(release=Release(version=(6, 0), service_pack=2), software={"hotfixes": frozenset({"KB4474419"})}),
        f"{NAME}InstallerUnsupportedSHA2SigningFailureWindows2008",
    ),
    "agent file": (
        but(WITH_AGENT, agent={"missing_files": ("UnifiedAgentConfigurator.exe",)}),
        f"{NAME}InstallerUpgradeMandatoryFilesMissing",
    ),
    "agent services": (with_service("svagents", "Stopped", "Auto", WITH_AGENT), "78174"),
    "no address": (but(network={"addresses": ()}), "register:no-valid-ip"),
    "control port": (
        but(network={"reached": (Reached(address="10.1.0.9", port=443, opens=False),)}),
        "register:curl-7",
    ),
    "data port": (but(network={"reached": (Reached(address="10.1.0.9", port=9443, opens=False),)}), "78169"),
    "names": (but(network={"unresolved": ("cs01.lab.test",)}), "ConfiguratorConfigurationFailedWithDNSissue"),
    "tls": (but(software={"tls10_client_off": True}), "register:load-accounts"),
    "proxy": (but(software={"proxy_file": "[proxy]\r\nPort=\r\n"}), "151072"),
}


def ids(evidence: WindowsEvidence, *scopes: Scope, **options: Any) -> list[str]:
    return [item.id for item in judge(evidence, wanted(*scopes, **options))]


@pytest.mark.parametrize("case", CASES)
def test_a_defect_gives_exactly_its_error(case: str) -> None:
    evidence, error_id = CASES[case]
    assert ids(evidence, push_account="asrpush") == [error_id]


@pytest.mark.parametrize("system", RELEASES)
def test_a_healthy_machine_of_every_system_gives_nothing(system: str) -> None:
    assert ids(but(release=RELEASES[system])) == []
    assert ids(but(MEMBER, release=RELEASES[system])) == []
    assert ids(but(WITH_AGENT, release=RELEASES[system])) == []


def test_what_could_not_be_read_gives_nothing() -> None:
    assert ids(WindowsEvidence(release=Release(version=(0, 0)))) == []
    assert ids(WindowsEvidence(release=RELEASES["2022"])) == []


@pytest.mark.parametrize("case", [name for name, (_evidence, error_id) in CASES.items() if error_id.startswith("95")])
def test_what_only_a_push_needs_is_found_only_for_a_push(case: str) -> None:
    evidence, _id = CASES[case]
    found = judge(evidence, wanted(Scope.PUSH, Scope.AGENT, Scope.REGISTER))
    without_push = ids(evidence, Scope.AGENT, Scope.REGISTER)
    if found[0].scope is Scope.PUSH and case not in ("wmi disabled, nothing answers", "push space"):
        assert without_push == []
    else:
        assert without_push


def test_a_disabled_wmi_is_named_once_in_every_scope() -> None:
    evidence, _id = CASES["wmi disabled, nothing answers"]
    (found,) = judge(evidence, wanted(Scope.AGENT))
    assert (found.id, found.cure) == (f"{NAME}InstallerWMIQueryFailure", Cure.SAFE)
    assert ids(evidence, Scope.PUSH) == ["95103"]


@pytest.mark.parametrize(
    ("version", "expected"), [((9, 19, 1, 1), [Severity.BLOCKING]), ((9, 20, 0, 0), []), (None, [Severity.WARNING])]
)
def test_boot_and_system_disk_apart_depend_on_the_version(
    version: tuple[int, ...] | None, expected: list[Severity]
) -> None:
    evidence, _id = CASES["boot disk apart"]
    assert [item.severity for item in judge(evidence, wanted(agent_version=version))] == expected


@pytest.mark.parametrize("case", ["com", "events", "msdtc", "cluster", "cscript", "antivirus", "start pending"])
def test_snapshots_are_fatal_below_9_23(case: str) -> None:
    evidence, _id = CASES[case]
    severities = {
        version: judge(evidence, wanted(agent_version=version))[0].severity
        for version in ((9, 22, 5109, 1), (9, 23, 5163, 1))
    }
    assert list(severities.values()) == [Severity.BLOCKING, Severity.WARNING]


@pytest.mark.parametrize(
    ("system", "version", "supported"),
    [("2019", (9, 21), False), ("2019", (9, 22), True), ("2022", (9, 45), False), ("2022", (9, 46), True),
     ("2016", (9, 10), True)],
)  # fmt: skip
def test_new_systems_need_a_new_agent(system: str, version: tuple[int, ...], supported: bool) -> None:
    assert (ids(but(release=RELEASES[system]), agent_version=version) == []) is supported


def test_windows_11_needs_9_60_and_10_does_not() -> None:
    for build, version, supported in ((22631, (9, 59), False), (22631, (9, 60), True), (19045, (9, 30), True)):
        release = Release(version=(10, 0), build=build, installation_type="Client")
        assert (ids(but(release=release), agent_version=version) == []) is supported


def test_netbios_matters_up_to_2008_r2_only() -> None:
    closed = rules("FPS-NB")
    assert ids(but(guard=closed)) == []
    assert ids(but(guard=closed, release=RELEASES["2008R2SP1"])) == ["95105"]


def test_one_open_variant_of_a_rule_is_enough() -> None:
    rule = tuple(Rule(name=name, enabled=name.endswith("-NoScope")) for name in FIREWALL_RULES)
    assert ids(but(guard={"rules": rule})) == []


def test_rules_of_a_policy_are_for_people() -> None:
    for guard in (rules("WMI-", by_policy=True), {**rules("WMI-"), "policy_only": ("domain",)}):
        (found,) = judge(but(guard=guard), wanted())
        assert (found.id, found.cure) == ("95103", Cure.MANUAL)


def test_a_blocking_rule_closes_though_another_is_open() -> None:
    blocking = Rule(name="FPS-SMB-In-TCP", enabled=True, by_policy=True, blocks=True)
    (found,) = judge(but(guard={"rules": (*(HEALTHY.guard.rules or ()), blocking)}), wanted())
    assert (found.id, found.cure) == ("95105", Cure.MANUAL)


def test_rules_that_are_gone_can_not_be_enabled() -> None:
    (found,) = judge(but(guard={"rules": tuple(r for r in HEALTHY.guard.rules or () if "SMB" not in r.name)}), wanted())
    assert (found.id, found.cure) == ("95105", Cure.MANUAL)


def test_the_built_in_administrator_needs_no_policy_unless_it_is_filtered_too() -> None:
    account = Account(name="Administrator", sid="S-1-5-21-1-2-3-500", is_administrator=True)
    evidence = but(account=account, guard={"token_filter_policy": None})
    assert ids(evidence) == []
    assert ids(but(evidence, guard={"filter_administrator_token": 1})) == ["95107"]


def test_a_domain_account_needs_no_policy() -> None:
    assert ids(but(account=None, guard={"token_filter_policy": None})) == []


def test_the_weakening_ones_are_named_so() -> None:
    for case in ("remote uac", "disabled account", "locked account"):
        (found,) = judge(CASES[case][0], wanted())
        assert found.cure is Cure.WEAKENING


def test_the_log_of_snapshots_gives_the_numbers_error() -> None:
    log = 'vacpError: {"HRESULT":2147754756}'
    assert ids(but(WITH_AGENT, agent={"vacp_log": log})) == ["78144", "vss:0x80042304"]


def test_a_chosen_folder_is_the_one_that_needs_room_and_an_exclusion() -> None:
    evidence = but(storage={"free": {"C:": 20 * GB, "D:": 100 * MB}})
    assert ids(evidence, install_directory="D:\\ASR") == ["95524", "vss:0x800706BE"]
    assert ids(evidence, install_directory="C:\\ASR") == ["vss:0x800706BE"]
