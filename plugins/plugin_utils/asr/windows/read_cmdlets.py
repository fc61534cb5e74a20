# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a Windows machine (2012 and later) by cmdlets over PSRP: the registry first, then everything else at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from ...errors import RemoteError
from ...hyperv.gateway_reading import Question, ask
from ...hyperv.wire_values import flag, many, text, whole
from ...session.command import ON, command
from . import reading, registry
from .evidence import Account, Agent, Disk, Identity, Network, Partition, Reached, Rule, Storage, WindowsEvidence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...hyperv.gateway_reading import Answer
    from ...session.command import Pipeline
    from ...session.protocol import Session
    from ..patient import Wanted
    from .evidence import Release
    from .reading import Asking, Bag
    from .registry import Keys

QUIET = "SilentlyContinue"
LIMIT_SECONDS = 600
"""For the whole reading: a port that a firewall swallows costs Test-NetConnection more than 20 seconds."""
ESP = "{c12a7328-f81f-11d2-ba4b-00a0c93ec93b}"
NET = "C:\\Windows\\System32\\net.exe"
NLTEST = "C:\\Windows\\System32\\nltest.exe"
TEST_CONNECTION_SINCE = (6, 3)
DEFENDER_SINCE = MEMBERS_SINCE = (10, 0)
UEFI = 2
SYSTEM_KEY = "HKLM:\\SYSTEM"


def _bags(*properties: str) -> type[Any]:
    """Return a kind of object that stays the property bag it came as."""

    class Projected:
        PROPERTIES: ClassVar = properties

        @staticmethod
        def from_wire(raw: Bag) -> Bag:
            return raw

    return Projected


def _cim(name: str, *properties: str, query: str | None = None) -> Question[Any]:
    return Question(command("Get-CimInstance", ClassName=name, Filter=query, ErrorAction=QUIET), _bags(*properties))


def provider_path(key: str) -> str:
    r"""Return a key's path as the registry provider takes it: ``HKLM:\\SYSTEM``."""
    hive, _slash, rest = key.partition("\\")
    return f"{hive}:\\{rest}"


def read_keys(session: Session) -> Keys:
    """Return the registry values that decide how to go on, and many others: one invocation, also on PowerShell 2.0.

    Raises RemoteError where they don't say which Windows it is: nothing could be decided then.
    """
    paths = [provider_path(key) for key in registry.KEYS]
    source = command("Get-ItemProperty", LiteralPath=paths, ErrorAction=QUIET)
    (answer,) = ask(session, Question(source, _bags("PSPath", *registry.VALUES)))
    keys = _keys(answer.items)
    if registry.release(keys).version == (0, 0):
        answer.check()
        raise RemoteError(
            f"{session.host}: the registry does not say which Windows it is; the session needs to read it"
        )
    return keys


def _keys(bags: Sequence[Bag]) -> dict[str, dict[str, Any]]:
    """Return values by key. Properties that a key hasn't come as null from the projection."""
    return {
        registry.canonical(text(bag.get("PSPath"))): {
            name.lower(): found for name, found in bag.items() if found is not None and not name.startswith("PS")
        }
        for bag in bags
    }


def read(session: Session, wanted: Wanted, keys: Keys) -> WindowsEvidence:
    """Return the evidence. What can't be read is None in it, and named in ``unread``."""
    release = registry.release(keys)
    asked = reading.asking(wanted, keys)
    questions = _questions(release, asked, registry.agent(keys))
    answers = dict(zip(questions, ask(session, *questions.values(), timeout_seconds=LIMIT_SECONDS), strict=True))
    evidence = _evidence(release, keys, asked, answers)
    if evidence.account is not None and release.version < MEMBERS_SINCE:
        evidence = _with_members(session, evidence, evidence.account)
    return _with_domain(session, evidence) if asked.push and evidence.identity.part_of_domain else evidence


def _questions(release: Release, asked: Asking, agent: Agent | None) -> dict[str, Question[Any]]:
    """Return the questions by name. What not every machine can answer stands last: it may cost one more invocation."""
    control = [f"{SYSTEM_KEY}\\ControlSet*\\Services\\{name}" for name in (*registry.DRIVERS, *registry.CRITICAL)]
    there = [*(provider_path(key) for key in registry.KEYS_THERE), *reading.FILES]
    found: dict[str, Question[Any]] = {
        "control_sets": Question(command("Get-Item", Path=f"{SYSTEM_KEY}\\ControlSet*"), _bags("PSChildName")),
        "control": Question(
            command("Get-ItemProperty", Path=control, ErrorAction=QUIET), _bags("PSPath", "Start", "ImagePath")
        ),
        "there": Question(command("Test-Path", LiteralPath=there)),
        "computer": _cim("Win32_ComputerSystem", "Name", "Domain", "PartOfDomain", "TotalPhysicalMemory"),
        "system": _cim("Win32_OperatingSystem", "FreePhysicalMemory", "SystemDrive"),
        "services": _cim("Win32_Service", "Name", "State", "StartMode", query=reading.service_filter()),
        "drives": _cim("Win32_LogicalDisk", "DeviceID", "FreeSpace", query="DriveType=3"),
        "adapters": _cim("Win32_NetworkAdapterConfiguration", "IPAddress", query="IPEnabled=TRUE"),
        "disks": Question(
            command("Get-Disk"), _bags("Number", "Size", "LogicalSectorSize", "PartitionStyle", "NumberOfPartitions")
        ),
        "partitions": Question(
            command("Get-Partition"),
            _bags("DiskNumber", "PartitionNumber", "IsActive", "IsBoot", "IsSystem", "GptType"),
        ),
        "proxy": Question(command("Get-Content", LiteralPath=reading.PROXY_FILE, ErrorAction=QUIET)),
        **(_agent_questions(agent) if agent else {}),
        **(_push_questions(release, asked) if asked.push else {}),
        **_network_questions(release, asked),
    }
    if release.version >= DEFENDER_SINCE:
        found["defender"] = Question(
            command("Get-MpPreference", ErrorAction=QUIET), _bags("ExclusionPath", "DisableRealtimeMonitoring")
        )
    return found


def _agent_questions(agent: Agent) -> dict[str, Question[Any]]:
    folder = registry.agent_folder(agent)
    files = [f"{folder}\\{name}" for name in reading.AGENT_FILES]
    log = command(
        "Get-Content", LiteralPath=f"{folder}\\{reading.VACP_LOG}", Tail=reading.VACP_LINES, ErrorAction=QUIET
    )
    return {"agent_files": Question(command("Test-Path", LiteralPath=files)), "vacp": Question(log)}


def _agent(keys: Keys, answers: Mapping[str, Answer[Any]]) -> Agent | None:
    found = registry.agent(keys)
    if found is None:
        return None
    there = zip(reading.AGENT_FILES, answers["agent_files"].items, strict=False)
    missing = tuple(name for name, exists in there if not flag(exists))
    return replace(found, missing_files=missing, vacp_log=_lines(answers["vacp"]))


def _lines(answer: Answer[Any]) -> str:
    return "\n".join(text(line) for line in answer.items)


def _push_questions(release: Release, asked: Asking) -> dict[str, Question[Any]]:
    rules = command(
        "Get-NetFirewallRule", Name=list(reading.FIREWALL_RULES), PolicyStore="ActiveStore", ErrorAction=QUIET
    )
    ports = (
        command("Get-NetTCPConnection", ErrorAction=QUIET)
        | command("Where-Object", Property="LocalPort", Value=reading.EPHEMERAL, GE=ON)
        | command("Measure-Object")
    )
    found = {
        "rules": Question(rules, _bags("Name", "Enabled", "Action", "PolicyStoreSourceType")),
        "ports": Question(ports, _bags("Count")),
    }
    if asked.account is not None:
        query = reading.account_filter(asked.account)
        found["account"] = _cim("Win32_UserAccount", "Name", "SID", "Disabled", "Lockout", query=query)
        if release.version >= MEMBERS_SINCE:
            members = command("Get-LocalGroupMember", SID=reading.ADMINISTRATORS, ErrorAction=QUIET)
            found["members"] = Question(members, _bags("SID"))
    return found


def _network_questions(release: Release, asked: Asking) -> dict[str, Question[Any]]:
    wanted = asked.wanted
    names = [*(wanted.server_names if asked.register else ()), *([asked.own_name] if asked.push else [])]
    found: dict[str, Question[Any]] = {
        f"name {name}": Question(_resolve(name, own=name == asked.own_name), _bags("IPAddress"))
        for name in names
        if name
    }
    if asked.register and release.version >= TEST_CONNECTION_SINCE:
        for address, port in wanted.servers:
            found[f"port {address}:{port}"] = Question(_connect(address, port))
    return found


def _resolve(name: str, *, own: bool) -> Pipeline:
    """Return the question for a name's addresses; DNS alone is asked for the machine's own."""
    return command("Resolve-DnsName", Name=name, QuickTimeout=ON, DnsOnly=ON if own else None, ErrorAction=QUIET)


def _connect(address: str, port: int) -> Pipeline:
    return command("Test-NetConnection", ComputerName=address, Port=port, InformationLevel="Quiet", WarningAction=QUIET)


def _evidence(release: Release, keys: Keys, asked: Asking, answers: Mapping[str, Answer[Any]]) -> WindowsEvidence:
    def known(name: str) -> Sequence[Bag] | None:
        answer = answers.get(name)
        return None if answer is None else answer.known

    everything = {**keys, **_keys(known("control") or ())}
    computer, system = _first(known("computer")), _first(known("system"))
    paths = (*registry.KEYS_THERE, *reading.FILES)
    there = dict(zip(paths, (bool(flag(item)) for item in answers["there"].items), strict=False))
    sets = [text(bag.get("PSChildName")) for bag in known("control_sets") or ()]
    services, adapters = (known("services"), known("adapters")) if system else (None, None)
    software = reading.software(everything, there, services, sets)
    members, accounts = known("members"), known("account")
    return WindowsEvidence(
        release=release,
        identity=Identity(
            name=text(computer.get("Name")) or registry.computer_name(keys),
            domain=text(computer.get("Domain")),
            part_of_domain=flag(computer.get("PartOfDomain")),
        ),
        network=_network(asked, adapters, known("ports"), answers),
        guard=reading.guard(keys, _rules(known("rules")) if asked.push and system else None),
        storage=_storage(keys, system, known("disks") or None, known("partitions") or None, known("drives")),
        software=replace(
            software, proxy_file=_lines(answers["proxy"]), **_defender(software.services, known("defender"))
        ),
        account=reading.account(accounts or (), None if not members else [text(bag.get("SID")) for bag in members]),
        missing_account=asked.account if system and accounts == () else None,
        agent=_agent(keys, answers),
        memory_bytes=whole(computer.get("TotalPhysicalMemory")),
        memory_free_bytes=(whole(system.get("FreePhysicalMemory")) or 0) * 1024 or None,
        wmi_answers=bool(system),
        unread=_unread(release, asked, answers),
    )


def _first(bags: Sequence[Bag] | None) -> Bag:
    return bags[0] if bags else {}


def _rules(bags: Sequence[Bag] | None) -> tuple[Rule, ...] | None:
    """Return the rules. Enabled is True or 1, Action Block or 4, a policy's source GroupPolicy or 2."""
    if bags is None:
        return None
    return tuple(
        Rule(
            name=text(bag.get("Name")),
            enabled=bool(flag(bag.get("Enabled"))),
            by_policy=text(bag.get("PolicyStoreSourceType")) in ("GroupPolicy", "2"),
            blocks=text(bag.get("Action")) in ("Block", "4"),
        )
        for bag in bags
    )


def _storage(
    keys: Keys, system: Bag, disks: Sequence[Bag] | None, partitions: Sequence[Bag] | None, drives: Sequence[Bag] | None
) -> Storage:
    return Storage(
        disks=None if disks is None else tuple(_disk(bag) for bag in disks),
        partitions=None if partitions is None else tuple(_partition(bag) for bag in partitions),
        free=reading.free_bytes(drives or ()),
        system_drive=text(system.get("SystemDrive")).upper() or "C:",
        uefi=registry.number(keys, registry.CONTROL, "PEFirmwareType") == UEFI,
        secure_boot=registry.number(keys, registry.SECURE_BOOT, "UEFISecureBootEnabled") == 1,
    )


def _disk(bag: Bag) -> Disk:
    return Disk(
        number=whole(bag.get("Number")) or 0,
        size=whole(bag.get("Size")) or 0,
        sector_bytes=whole(bag.get("LogicalSectorSize")) or 512,
        partitions=whole(bag.get("NumberOfPartitions")) or 0,
        initialised=text(bag.get("PartitionStyle")) not in ("RAW", "Unknown", "0"),
    )


def _partition(bag: Bag) -> Partition:
    efi = text(bag.get("GptType")).lower() == ESP
    return Partition(
        disk=whole(bag.get("DiskNumber")) or 0,
        number=whole(bag.get("PartitionNumber")) or 0,
        boots=bool(flag(bag.get("IsActive"))) or efi,
        windows=bool(flag(bag.get("IsBoot"))),
    )


def _network(
    asked: Asking, adapters: Sequence[Bag] | None, ports: Sequence[Bag] | None, answers: Mapping[str, Answer[Any]]
) -> Network:
    resolved = {
        name.removeprefix("name "): tuple(text(bag.get("IPAddress")) for bag in answer.items if bag.get("IPAddress"))
        for name, answer in answers.items()
        if name.startswith("name ")
    }
    reached = [
        Reached(address=address, port=port, opens=bool(flag(answers[name].first)))
        for address, port in asked.wanted.servers
        if (name := f"port {address}:{port}") in answers and answers[name].items
    ]
    return Network(
        addresses=None if adapters is None else reading.addresses(adapters),
        unresolved=tuple(name for name in asked.wanted.server_names if resolved.get(name) == ()),
        own_addresses=resolved.get(asked.own_name) if asked.push else None,
        reached=tuple(reached),
        ports_used=whole(_first(ports).get("Count")),
    )


def _defender(services: Mapping[str, Any] | None, bags: Sequence[Bag] | None) -> dict[str, Any]:
    """Return whether Defender guards files, and what it leaves out; nothing where it isn't there."""
    service = (services or {}).get("windefend")
    if not bags or service is None:
        return {}
    on = service.runs and not flag(bags[0].get("DisableRealtimeMonitoring"))
    return {"defender_on": on, "exclusions": tuple(text(item) for item in many(bags[0].get("ExclusionPath")))}


def _unread(release: Release, asked: Asking, answers: Mapping[str, Answer[Any]]) -> tuple[str, ...]:
    found = [f"{name}: {error.error_id}" for name, item in answers.items() for error in item.errors if not item.items]
    if asked.register and asked.wanted.servers and release.version < TEST_CONNECTION_SINCE:
        found.append("ports of servers: this Windows has no Test-NetConnection")
    return tuple(found)


def _with_members(session: Session, evidence: WindowsEvidence, account: Account) -> WindowsEvidence:
    """Return the evidence with whether the account is an administrator: before 2016 net.exe lists a group's members.

    The group's name, which is in the system's language, comes from its SID.
    """
    (groups,) = ask(session, _cim("Win32_Group", "Name", query=reading.ADMINISTRATORS_FILTER))
    if not groups.items:
        return evidence
    (listed,) = ask(session, Question(command(NET, "localgroup", text(groups.items[0].get("Name")))))
    if not listed.items:
        return evidence
    member = reading.lists_member([text(line) for line in listed.items], account.name)
    return replace(evidence, account=replace(account, is_administrator=member))


def _with_domain(session: Session, evidence: WindowsEvidence) -> WindowsEvidence:
    """Return the evidence with what the domain says: asked only of its members, where alone it makes sense."""
    domain = evidence.identity.domain
    located, channel = ask(
        session,
        Question(command(NLTEST, f"/dsgetdc:{domain}")),
        Question(command("Test-ComputerSecureChannel", ErrorAction=QUIET)),
        timeout_seconds=LIMIT_SECONDS,
    )
    said = "\n".join(text(line) for line in located.items)
    server = reading.nltest_succeeded(said) if said else None
    known = evidence.identity
    trusted = bool(flag(channel.first)) if channel.items else None
    return replace(evidence, identity=replace(known, logon_server=server, secure_channel=trusted))
