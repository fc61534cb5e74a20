# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads old Windows machines (2008 R2 and before) by the system's own programs over WinRS.

Nothing localised is read: registry values, WMI's property names, numbers and exit codes.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...errors import NotFound
from ...hyperv.wire_values import flag, text, whole
from . import reading, registry
from .evidence import Agent, Disk, Identity, Network, Partition, Rule, Storage, WindowsEvidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...session.programs import ProgramResult, Programs
    from ..patient import Wanted
    from .reading import Asking, Bag
    from .registry import Keys

SYSTEM32 = "C:\\Windows\\System32"
WMIC = f"{SYSTEM32}\\wbem\\wmic.exe"
_VALUE = re.compile(r"^    (?P<name>.*?)    (?P<kind>REG_[A-Z_]+)(?:    (?P<data>.*))?$")
_KEY = re.compile(r"^HKEY_[A-Z_]+\\.*$")
_NETSTAT = re.compile(r"^\s*TCP\s+\S+:(\d+)\s")
_PARTITION = re.compile(r"Disk #(\d+), Partition #(\d+)")
_IPV4 = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")
_EFI = "GPT: System"


class Runner:
    """Runs programs and keeps what could not be read."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self.unread: list[str] = []

    def run(self, program: str, *arguments: str) -> ProgramResult | None:
        """Return how a program ended; None where the machine hasn't got it or its words can't be told safely."""
        path = program if "\\" in program else f"{SYSTEM32}\\{program}.exe"
        try:
            return self._programs.run(path, *arguments, stdin=b"")  # wmic waits for its input to end
        except NotFound:
            self.unread.append(f"{program}: the machine has no such program")
        except ValueError as unsafe:  # a push account's name that no command line takes
            self.unread.append(f"{program}: {unsafe}")
        return None

    def query(self, key: str, *options: str) -> dict[str, dict[str, Any]]:
        """Return the keys that reg.exe shows with their values; nothing for a key that isn't there."""
        ended = self.run("reg", "query", key, *options)
        return parse_keys(ended.stdout) if ended and ended.exit_code == 0 else {}

    def has_key(self, key: str) -> bool:
        """Return whether a key is there; reg.exe shows nothing of one without values."""
        ended = self.run("reg", "query", key)
        return ended is not None and ended.exit_code == 0

    def wmi(self, class_name: str, *properties: str, where: str | None = None) -> list[dict[str, str]] | None:
        """Return the instances of a WMI class as property bags; None where WMI doesn't answer."""
        condition = ("where", where) if where else ()
        ended = self.run(WMIC, "path", class_name, *condition, "get", ",".join(properties), "/value")
        if ended is None or ended.exit_code != 0:
            return None
        return parse_bags(ended.stdout)


def parse_keys(output: str) -> dict[str, dict[str, Any]]:
    """Return what ``reg query`` printed: keys, each with its values by lower-case name."""
    found: dict[str, dict[str, Any]] = {}
    current: dict[str, Any] = {}
    for line in output.splitlines():
        value = _VALUE.match(line)
        if value is not None:
            data = value["data"] or ""
            current[value["name"].lower()] = int(data, 16) if value["kind"] in ("REG_DWORD", "REG_QWORD") else data
        elif _KEY.match(line.strip()):
            current = found.setdefault(registry.canonical(line.strip()), {})
    return found


def parse_bags(output: str) -> list[dict[str, str]]:
    """Return what ``wmic … /value`` printed: a bag of properties per instance; a name that comes again begins one."""
    bags: list[dict[str, str]] = []
    for line in output.replace("\r", "\n").splitlines():
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            continue
        if not bags or name.strip() in bags[-1]:
            bags.append({})
        bags[-1][name.strip()] = value.strip()
    return bags


def read(programs: Programs, wanted: Wanted) -> WindowsEvidence:
    """Return the evidence. What can't be read is None in it, and named in ``unread``."""
    runner = Runner(programs)
    keys: dict[str, dict[str, Any]] = {}
    for key in registry.KEYS:
        if not key.startswith(registry.FIREWALL_POLICY):
            keys.update(_exactly(runner.query(key), key))
    keys.update(runner.query(registry.FIREWALL_POLICY, "/s"))
    control_sets = _control_sets(runner, keys)
    asked = reading.asking(wanted, keys)
    computer = _first(runner.wmi("Win32_ComputerSystem", "Name", "Domain", "PartOfDomain", "TotalPhysicalMemory"))
    system = _first(runner.wmi("Win32_OperatingSystem", "FreePhysicalMemory", "SystemDrive"))
    services = runner.wmi("Win32_Service", "Name", "StartMode", "State", where=reading.service_filter())
    there = {path: runner.has_key(path) for path in registry.KEYS_THERE}
    there |= _files_there(runner, reading.FILES)
    hotfixes = runner.wmi("Win32_QuickFixEngineering", "HotFixID")
    software = reading.software(keys, there, services, control_sets)
    accounts = _accounts(runner, asked.account) if asked.account else None
    return WindowsEvidence(
        release=registry.release(keys),
        identity=_identity(runner, asked, computer, keys),
        network=_network(runner, asked),
        guard=reading.guard(keys, _rules(runner, keys) if asked.push else None),
        storage=_storage(runner, keys, system),
        software=replace(
            software,
            hotfixes=None if hotfixes is None else frozenset(bag.get("HotFixID", "") for bag in hotfixes),
            proxy_file=_lines(runner, "=", reading.PROXY_FILE),
        ),
        account=_account(runner, accounts) if accounts else None,
        missing_account=asked.account if system and accounts == [] else None,
        agent=_agent(runner, registry.agent(keys)),
        memory_bytes=whole(computer.get("TotalPhysicalMemory")),
        memory_free_bytes=(whole(system.get("FreePhysicalMemory")) or 0) * 1024 or None,
        wmi_answers=bool(system),
        unread=(
            *dict.fromkeys(runner.unread),
            *(("ports of servers: no program of this Windows tests one",) if wanted.servers else ()),
        ),
    )


def _exactly(found: dict[str, dict[str, Any]], key: str) -> dict[str, dict[str, Any]]:
    """Return the key alone: ``reg query`` also names the keys below it."""
    path = registry.canonical(key)
    return {path: found[path]} if path in found else {}


def _control_sets(runner: Runner, keys: dict[str, dict[str, Any]]) -> list[str]:
    """Return the names of the control sets, after putting the keys of drivers and services in them into ``keys``."""
    names = [path.rpartition("\\")[2] for path in runner.query("HKLM\\SYSTEM")]
    sets = [name for name in names if re.fullmatch(r"controlset\d+", name)]
    for control_set in sets:
        for service in (*registry.DRIVERS, *registry.CRITICAL):
            key = f"HKLM\\SYSTEM\\{control_set}\\Services\\{service}"
            keys.update(_exactly(runner.query(key), key))
    return sets


def _agent(runner: Runner, found: Agent | None) -> Agent | None:
    if found is None:
        return None
    folder = registry.agent_folder(found)
    there = _files_there(runner, [f"{folder}\\{name}" for name in reading.AGENT_FILES])
    missing = tuple(path.rpartition("\\")[2] for path, exists in there.items() if not exists)
    return replace(found, missing_files=missing, vacp_log=_lines(runner, "vacpError", f"{folder}\\{reading.VACP_LOG}"))


def _lines(runner: Runner, pattern: str, path: str) -> str:
    """Return the lines of a file that hold a text; "" where there is none."""
    ended = runner.run("findstr", "/L", f"/C:{pattern}", path)
    return ended.stdout if ended is not None and ended.exit_code == 0 else ""


def _first(bags: Sequence[Bag] | None) -> Bag:
    return bags[0] if bags else {}


def _files_there(runner: Runner, paths: Sequence[str]) -> dict[str, bool]:
    """Return whether files are there: one listing per folder; where.exe fails where it finds nothing."""
    listed: dict[str, set[str] | None] = {}
    for folder in dict.fromkeys(path.rpartition("\\")[0] for path in paths):
        names = [path.rpartition("\\")[2] for path in paths if path.rpartition("\\")[0] == folder]
        kinds = {name.rpartition(".")[2] for name in names}
        wanted = names[0] if len(names) == 1 else f"*.{kinds.pop()}" if len(kinds) == 1 else "*"
        ended = runner.run("where", f"{folder}:{wanted}")
        listed[folder] = None if ended is None else {line.strip().lower() for line in ended.stdout.splitlines()}
    return {path: (known := listed[path.rpartition("\\")[0]]) is None or path.lower() in known for path in paths}


def _identity(runner: Runner, asked: Asking, computer: Bag, keys: Keys) -> Identity:
    domain, member = text(computer.get("Domain")), flag(computer.get("PartOfDomain"))
    found = Identity(name=registry.computer_name(keys), domain=domain, part_of_domain=member)
    if not asked.push or not member:
        return found
    located = runner.run("nltest", f"/dsgetdc:{domain}")
    checked = runner.run("nltest", f"/sc_verify:{domain}")
    return replace(
        found,
        logon_server=None if located is None else reading.nltest_succeeded(located.stdout),
        secure_channel=None if checked is None else reading.nltest_succeeded(checked.stdout),
    )


def _network(runner: Runner, asked: Asking) -> Network:
    adapters = runner.wmi("Win32_NetworkAdapterConfiguration", "IPAddress", where="IPEnabled=TRUE")
    names = asked.wanted.server_names if asked.register else ()
    listed = runner.run("netstat", "-ano", "-p", "TCP") if asked.push else None
    return Network(
        addresses=None if adapters is None else reading.addresses(_lists(adapters)),
        unresolved=tuple(name for name in names if _resolves(runner, name) == ()),
        own_addresses=_in_dns(runner, asked.own_name) if asked.push and asked.own_name else None,
        ports_used=None if listed is None else _ports(listed.stdout),
    )


def _lists(bags: Sequence[Bag]) -> list[dict[str, Any]]:
    r"""Return the bags with wmic's lists, ``{"10.0.0.5","fe80::1"}``, as lists."""
    return [{name: re.findall(r'"([^"]*)"', value) for name, value in bag.items()} for bag in bags]


def _resolves(runner: Runner, name: str) -> tuple[str, ...] | None:
    """Return the address that a name resolves to, by WMI's ping: its resolution has a status of its own."""
    bags = runner.wmi(
        "Win32_PingStatus",
        "PrimaryAddressResolutionStatus",
        "ProtocolAddress",
        where=f"Address='{name}' AND Timeout=1000",
    )
    if not bags:
        return None
    status, address = whole(bags[0].get("PrimaryAddressResolutionStatus")), text(bags[0].get("ProtocolAddress"))
    return (address,) if status in (0, None) and address else ()


def _in_dns(runner: Runner, name: str) -> tuple[str, ...] | None:
    """Return the addresses that DNS has for a name; the machine itself would answer for its own name.

    The first block of nslookup's output is about the DNS server, what follows about the name.
    """
    ended = runner.run("nslookup", name)
    if ended is None:
        return None
    _server, _blank, answer = ended.stdout.replace("\r\n", "\n").partition("\n\n")
    return tuple(_IPV4.findall(answer))


def _ports(output: str) -> int:
    found = [int(line[1]) for line in map(_NETSTAT.match, output.splitlines()) if line]
    return sum(port >= reading.EPHEMERAL for port in found)


def _rules(runner: Runner, keys: Keys) -> tuple[Rule, ...] | None:
    """Return the firewall's rules: in the registry by their stable names, as ``v2.10|Action=Allow|Active=TRUE|…``."""
    found = []
    for name in reading.FIREWALL_RULES:
        local = runner.query(registry.FIREWALL_RULES, "/v", name)
        places = ((local, registry.FIREWALL_RULES), (keys, f"{registry.FIREWALL_POLICY}\\FirewallRules"))
        for by_policy, (known, key) in enumerate(places):
            data = text(registry.value(known, key, name))
            if data:
                parts = {part.partition("=")[0].lower(): part.partition("=")[2].lower() for part in data.split("|")}
                found.append(
                    Rule(
                        name=name,
                        enabled=parts.get("active") == "true",
                        by_policy=bool(by_policy),
                        blocks=parts.get("action") == "block",
                    )
                )
    return tuple(found)


def _storage(runner: Runner, keys: Keys, system: Bag) -> Storage:
    drive = text(system.get("SystemDrive")).upper() or "C:"
    drives = runner.wmi("Win32_LogicalDisk", "DeviceID", "FreeSpace", where="DriveType=3")
    disks = runner.wmi("Win32_DiskDrive", "BytesPerSector", "Index", "Partitions", "Size")
    partitions = runner.wmi("Win32_DiskPartition", "BootPartition", "DiskIndex", "Index", "Type")
    links = runner.wmi("Win32_LogicalDiskToPartition", "Antecedent", "Dependent")
    windows = {
        (int(found[1]), int(found[2]))
        for bag in links or ()
        if f'"{drive}"' in text(bag.get("Dependent")).upper()
        and (found := _PARTITION.search(text(bag.get("Antecedent"))))
    }
    return Storage(
        disks=tuple(_disk(bag) for bag in disks) if disks else None,
        partitions=tuple(_partition(bag, windows) for bag in partitions) if partitions and links is not None else None,
        free=reading.free_bytes(drives or ()),
        system_drive=drive,
        uefi=any(text(bag.get("Type")) == _EFI for bag in partitions or ()),
        secure_boot=registry.number(keys, registry.SECURE_BOOT, "UEFISecureBootEnabled") == 1,
    )


def _disk(bag: Bag) -> Disk:
    partitions = whole(bag.get("Partitions")) or 0
    return Disk(
        number=whole(bag.get("Index")) or 0,
        size=whole(bag.get("Size")) or 0,
        sector_bytes=whole(bag.get("BytesPerSector")) or 512,
        partitions=partitions,
        initialised=partitions > 0,
    )


def _partition(bag: Bag, windows: set[tuple[int, int]]) -> Partition:
    place = whole(bag.get("DiskIndex")) or 0, whole(bag.get("Index")) or 0
    boots = bool(flag(bag.get("BootPartition")))
    return Partition(disk=place[0], number=place[1], boots=boots, windows=place in windows)


def _accounts(runner: Runner, name: str) -> list[dict[str, str]] | None:
    return runner.wmi("Win32_UserAccount", "Disabled", "Lockout", "Name", "SID", where=reading.account_filter(name))


def _account(runner: Runner, bags: list[dict[str, str]]) -> Any:
    groups = runner.wmi("Win32_Group", "Name", where=reading.ADMINISTRATORS_FILTER)
    listed = runner.run("net", "localgroup", groups[0]["Name"]) if groups else None
    members = None
    if listed is not None and listed.exit_code == 0:
        members = (
            [text(bags[0].get("SID"))]
            if reading.lists_member(listed.stdout.splitlines(), bags[0].get("Name", ""))
            else []
        )
    return reading.account(bags, members)
