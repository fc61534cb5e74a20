# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of a fleet file: templates, ranges, and everything a host can have."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any

from ..world import Account, WinRMLimits
from . import accounts, fleet_endpoints
from .cpu import CPU_MODELS
from .faults import COPIES, HostFault
from .firewall import RULES
from .fleet_bpa import read_bpa
from .fleet_guests import read_replica_server
from .fleet_switches import read_mac_range, read_network, read_switches
from .guest import SERVICES_DISC
from .host import Host, HostSettings, Migration, WinRM
from .host_policies import read_policies
from .live import EDITIONS, since
from .schema import FleetError, Section, merged
from .services import SERVICES
from .sharing import AUTHENTICATED, EVERYONE, RIGHTS, Share
from .storage import GB, File, NoSuchPath, Storage, Volume
from .switch import MigrationNetwork, parse_subnet

if TYPE_CHECKING:
    from .fleet import Addresses, Fleet

FAULT_ACTIONS = (
    "drop", "drop_after", "stall", "http", "restart_winrm", "stop_service", "reboot", "fill_disk", "damage_file",
    "cut_file", *COPIES,
)  # fmt: skip
SERVICES_DISC_BYTES = 34 * 1024**2
OPERATIONS = ("create", "command", "send", "receive", "signal", "delete", "connect", "disconnect")
GUESTS = ("windows_machines", "linux_machines")
"""Keys of machines that are no Hyper-V hosts; a fleet may have only these."""
AUTHENTICATION = ("basic", "ntlm", "negotiate", "credssp")


def build_hosts(fleet: Fleet, top: Section, addresses: Addresses) -> None:
    """Add the hosts of the file to the fleet."""
    defaults = top.mapping("defaults")
    templates = top.mapping("templates")
    entries = top.sections("hosts")
    if not entries and not any(top.has(key) for key in GUESTS):
        raise FleetError("hosts: a fleet needs at least one host")
    for entry in entries:
        base = _template(entry, templates)
        for number, name in names(entry):
            values = merged(defaults, base, entry.values)
            for key in ("count", "first", "use", "name"):
                values.pop(key, None)
            _add(fleet, Section(values, entry.where), name, number, addresses)
    fleet.clock.notify()


def _template(entry: Section, templates: dict[str, Any]) -> dict[str, Any]:
    wanted = entry.text("use", None)
    if wanted is None:
        return {}
    if wanted not in templates:
        raise FleetError(f"{entry.where}.use: there is no template {wanted!r}")
    found = templates[wanted]
    if not isinstance(found, dict):
        raise FleetError(f"templates.{wanted}: must be a mapping")
    return found


def names(entry: Section) -> list[tuple[int, str]]:
    """Return the numbers and names an entry stands for: one, or a range of ``count`` with {n} in the name."""
    pattern = entry.text("name")
    count = entry.whole("count", None, least=1)
    first = entry.whole("first", 1)
    if count is None:
        return [(first, pattern)]
    try:
        return [(number, pattern.format(n=number)) for number in range(first, first + count)]
    except (KeyError, IndexError, ValueError) as problem:
        raise FleetError(
            f"{entry.where}.name: {pattern!r} is no pattern for a range, use {{n}} or {{n:03}}"
        ) from problem


def _add(fleet: Fleet, section: Section, name: str, number: int, addresses: Addresses) -> None:
    windows_name = computer_name(fleet, section, name)
    index = len(fleet.hosts)
    host = Host(
        fleet,
        windows_name,
        edition=section.choice("edition", EDITIONS, "2022"),
        language=section.choice("language", ("en", "fr"), "en"),
        address=section.text("address", addresses.of(index)),
    )
    host.alias = section.text("alias", windows_name.lower())
    host.domain_joined = section.flag("domain_joined", True)
    host.guard = section.flag("credential_guard") if section.has("credential_guard") else None
    _hardware(host, section)
    read_volumes(fleet, host, section)
    put_services_disc(host)
    host.replica_server = read_replica_server(host, section)
    host.policies = read_policies(section)
    _network(host, section, index, number)
    _migration(host, section.section("migration"))
    _settings(host, section.section("settings"))
    read_winrm(host, section.section("winrm"), addresses)
    read_accounts(host, section)
    read_shares(host, section)
    host.endpoints = fleet_endpoints.build(section, lambda name: _sid(host, name, section.where))
    _windows(fleet, host, section)
    host.faults.planned = [read_fault(entry, host) for entry in section.sections("faults")]
    host.cluster = section.text("cluster", None)
    read_bpa(host, section.section("bpa"))
    host.tpm_certificates = frozenset({windows_name, *(n.upper() for n in section.texts("tpm_certificates"))})
    section.close()
    fleet.hosts[windows_name] = host


def computer_name(fleet: Fleet, section: Section, name: str) -> str:
    """Return a name as Windows has it; raise FleetError for one that is taken or impossible."""
    windows_name = name.upper()
    if windows_name in fleet.hosts:
        raise FleetError(f"{section.where}: host {name!r} is there twice")
    if not windows_name or len(windows_name) > 15 or any(c in windows_name for c in " .\\/:*?\"<>|'"):
        raise FleetError(f"{section.where}.name: {name!r} is no computer name (1 to 15 characters, no blanks or dots)")
    return windows_name


def _hardware(host: Host, section: Section) -> None:
    cpu = section.any("cpu", "icelake")
    part = Section(cpu if isinstance(cpu, dict) else {"model": cpu}, f"{section.where}.cpu")
    host.cpu = CPU_MODELS[part.choice("model", CPU_MODELS, "icelake")]
    host.cores = part.whole("cores", 16, least=1)
    part.close()
    host.memory = int(section.number("memory_gb", 128, least=4) * GB)


def read_volumes(fleet: Fleet, host: Host, section: Section) -> None:
    """Give a host its volumes."""
    volumes: dict[str, Volume] = {}
    given = section.mapping("volumes") or {"C": {"size_gb": 200, "free_gb": 120}, "D": {"size_gb": 4000}}
    for letter, values in given.items():
        name = str(letter).rstrip(":").upper()
        where = f"{section.where}.volumes.{letter}"
        if len(name) != 1 or not name.isalpha():
            raise FleetError(f"{where}: {letter!r} is no drive letter")
        part = Section(values, where)
        size = part.number("size_gb")
        free = part.number("free_gb", size)
        if free > size:
            raise FleetError(f"{where}: free_gb {free} is more than size_gb {size}")
        volumes[name + ":"] = Volume(
            name=name + ":", size=int(size * GB), other=int((size - free) * GB), rate=part.number("rate_mb", 400.0)
        )
        part.close()
    if "C:" not in volumes:
        volumes["C:"] = Volume(name="C:", size=200 * GB, other=80 * GB)
    host.storage = Storage(dict(sorted(volumes.items())), fleet.shares)


def put_services_disc(host: Host) -> None:
    """Put the services disc where Windows Server 2012 R2 has it; later ones have none (facts on Hyper-V, 7.1)."""
    if not since(host.edition, "2016"):
        volume = host.storage.volume(SERVICES_DISC)
        volume.put(File(SERVICES_DISC, SERVICES_DISC_BYTES), check=False)
        volume.other = max(volume.other - SERVICES_DISC_BYTES, 0)


def _network(host: Host, section: Section, index: int, number: int) -> None:
    read_switches(host, section)
    read_network(host, section.section("network"), index, number)


def _migration(host: Host, part: Section) -> None:
    host.migration = Migration(
        enabled=part.flag("enabled"),
        authentication=part.choice("authentication", ("CredSSP", "Kerberos"), "CredSSP"),
        performance=part.choice("performance", ("TCPIP", "Compression", "SMB"), "Compression"),
        any_network=part.flag("any_network"),
        slots=part.whole("slots", 2, least=0),
        storage_slots=part.whole("storage_slots", 2, least=0),
    )
    for item in part.any("networks", []):
        entry = Section(item if isinstance(item, dict) else {"subnet": item}, f"{part.where}.networks")
        text = entry.text("subnet")
        try:
            subnet = parse_subnet(text)
        except ValueError as problem:
            raise FleetError(f"{entry.where}: {text!r} is no subnet") from problem
        host.migration.networks.append(MigrationNetwork(host, subnet, entry.whole("priority", None)))
        entry.close()
    part.close()


def _settings(host: Host, part: Section) -> None:
    host.settings = HostSettings()
    host.settings.vm_path = part.text("virtual_machine_path", host.settings.vm_path)
    host.settings.disk_path = part.text("virtual_hard_disk_path", host.settings.disk_path)
    host.settings.numa_spanning = part.flag("numa_spanning", True)
    host.settings.enhanced_session = part.flag("enhanced_session_mode")
    read_mac_range(host, part)
    part.close()


def read_winrm(host: Host, part: Section, addresses: Addresses) -> None:
    """Give a host its WinRM service, and say how the inventory reaches it."""
    ports: dict[str, int] = {}
    for scheme, port in (("http", addresses.http), ("https", addresses.https)):
        given = part.any(scheme, True)
        if given is not False:
            ports[scheme] = port if given is True else int(given)
    limits = part.section("limits")
    quotas = WinRMLimits(
        shells_per_user=limits.whole("shells_per_user", 30),
        operations_per_user=limits.whole("operations_per_user", 1500),
        commands_per_shell=limits.whole("commands_per_shell", 1000),
        shell_users=limits.whole("shell_users", 10),
        envelope_bytes=limits.whole("envelope_bytes", 512_000),
        idle_seconds=limits.number("idle_seconds", 7200.0),
    )
    limits.close()
    host.winrm = WinRM(
        connection=part.choice("connection", ("psrp", "winrm"), "psrp"),
        scheme=part.choice("scheme", ("http", "https"), "https"),
        auth=part.choice("auth", AUTHENTICATION, "credssp"),
        user=part.text("user", ""),
        methods=tuple(part.texts("methods", ("basic", "negotiate", "credssp"))),
        listeners=ports,
        limits=quotas,
    )
    part.close()
    if host.winrm.scheme not in ports:
        raise FleetError(f"{part.where}.scheme: there is no {host.winrm.scheme} listener")


def read_accounts(host: Host, section: Section) -> None:
    """Give a host its local accounts and groups."""
    authority = accounts.authority_sid("machine:" + host.name)
    given = section.sections("accounts") or [Section({"name": "Administrator", "password": "Lab-Passw0rd!"}, "")]
    members: dict[str, list[str]] = {sid: [] for sid in accounts.LOCAL_GROUPS.values()}
    for entry in given:
        name = entry.text("name")
        number = 500 if name.lower() == "administrator" else accounts.rid(name)
        account = Account(
            username=name,
            password=entry.text("password"),
            domain=None,
            sid=f"{authority}-{number}",
            enabled=entry.flag("enabled", True),
        )
        groups = entry.texts("groups", ("Administrators",) if number == 500 else ("Users",))
        entry.close()
        host.local.append(account)
        for group in groups:
            members[_group(group, section.where)].append(account.sid)
    for group, names_ in section.mapping("groups").items():
        members[_group(group, section.where)] += [_member(host, str(name), section.where) for name in names_ or []]
    if host.domain_joined:
        members[accounts.ADMINISTRATORS].append(accounts.group_sid(host.fleet.directory_spec.domain, "Domain Admins"))
    host.groups = members


def read_shares(host: Host, section: Section) -> None:
    """Give a host its shares; without ``access`` they are for its administrators."""
    everybody = {"everyone": EVERYONE, "authenticated users": AUTHENTICATED}
    for entry in section.sections("shares"):
        name, path = entry.text("name"), entry.text("path")
        access: list[tuple[str, int]] = []
        for item in entry.any("access", ["Administrators"]):
            part = Section(item if isinstance(item, dict) else {"account": item}, f"{entry.where}.access")
            account = part.text("account")
            sid = everybody.get(account.lower()) or _sid(host, account, part.where)
            access.append((sid, RIGHTS[part.choice("right", RIGHTS, "full")]))
            part.close()
        entry.close()
        try:
            host.storage.volume(path).make_folder(path)
        except NoSuchPath as problem:
            raise FleetError(f"{entry.where}.path: {host.name} has no volume for {path!r}") from problem
        host.shares[name.lower()] = Share(name=name, path=path, access=tuple(access))
    host.local_account_token_filter_policy = section.flag("local_account_token_filter_policy")


def _group(name: str, where: str) -> str:
    for known, sid in accounts.LOCAL_GROUPS.items():
        if name.lower() in (known.lower(), sid.lower()):
            return sid
    raise FleetError(f"{where}.groups: {name!r} is none of {', '.join(accounts.LOCAL_GROUPS)}")


def _sid(host: Host, name: str, where: str) -> str:
    try:
        return _group(name, where)
    except FleetError:
        return _member(host, name, where)


def _member(host: Host, name: str, where: str) -> str:
    spec = host.fleet.directory_spec
    prefix, slash, rest = name.partition("\\")
    if slash and prefix.lower() == spec.netbios.lower():
        for account in spec.accounts:
            if account.username.lower() == rest.lower():
                return account.sid
        return accounts.group_sid(spec.domain, rest)
    for account in host.local:
        if account.username.lower() == name.lower():
            return account.sid
    raise FleetError(f"{where}.groups: {name!r} is no account of the host; domain accounts are {spec.netbios}\\name")


def _windows(fleet: Fleet, host: Host, section: Section) -> None:
    from .features import FEATURES  # noqa: PLC0415

    host.features = {name: feature.state for name, feature in FEATURES.items()}
    with_module = (*fleet.directory_spec.ad_hosts, *fleet.directory_spec.domain_controllers)
    if host.name.lower() in [name.lower() for name in with_module]:
        host.features["RSAT-AD-PowerShell"] = "Installed"
    for name, state in section.mapping("features").items():
        known = next((n for n in FEATURES if n.lower() == str(name).lower()), None)
        if known is None or state not in ("Installed", "Available", "Removed"):
            raise FleetError(f"{section.where}.features: {name}: {state} (known: {', '.join(FEATURES)})")
        host.features[known] = state
    host.services = {name.lower(): service() for name, service in SERVICES.items()}
    for name, status in section.mapping("services").items():
        service = host.services.get(str(name).lower())
        if service is None or status not in ("Running", "Stopped", "Disabled"):
            raise FleetError(f"{section.where}.services: {name}: {status} (known: {', '.join(SERVICES)})")
        service.status = "Stopped" if status == "Disabled" else status
        service.start = "Disabled" if status == "Disabled" else service.start
    host.firewall = {name: rule.enabled for name, rule in RULES.items()}
    for name, enabled in section.mapping("firewall").items():
        known = next((n for n in RULES if fnmatch.fnmatchcase(n.lower(), str(name).lower())), None)
        if known is None or not isinstance(enabled, bool):
            raise FleetError(f"{section.where}.firewall: {name}: {enabled} (known: {', '.join(RULES)})")
        host.firewall[known] = enabled


def read_fault(entry: Section, host: Host) -> HostFault:
    """Return a fault that a host will have."""
    fault = HostFault(
        action=entry.choice("action", FAULT_ACTIONS),
        request=entry.whole("request", None, least=1),
        after_seconds=entry.number("after_seconds", None),
        probability=entry.number("probability", None),
        seed=entry.whole("seed", 0),
        operation=entry.choice("operation", OPERATIONS, None),
        program=entry.text("program", "*"),
        seconds=entry.number("seconds", 5.0),
        status=entry.whole("status", 503),
        service=entry.text("service", "vmms"),
        volume=entry.text("volume", "D:").rstrip(":").upper() + ":",
        leave_gb=entry.number("leave_gb", 0.0),
        path=entry.text("path", "*"),
        part=entry.number("part", 0.5),
        times=entry.whole("times", 1_000_000 if entry.has("probability") else 1),
    )
    entry.close()
    when = sum(value is not None for value in (fault.request, fault.after_seconds, fault.probability))
    if fault.action in COPIES and (fault.request, fault.probability) != (None, None):
        raise FleetError(f"{entry.where}: a fault of copies is met by the next copy, or the next one after_seconds")
    if when != 1 and fault.action not in COPIES:
        raise FleetError(f"{entry.where}: exactly one of request, after_seconds and probability says when")
    if fault.action in ("damage_file", "cut_file") and fault.path == "*":
        raise FleetError(f"{entry.where}.path: {fault.action} needs the path of a file")
    if fault.action == "fill_disk" and fault.volume not in host.storage.volumes:
        raise FleetError(f"{entry.where}.volume: there is no volume {fault.volume!r}")
    return fault
