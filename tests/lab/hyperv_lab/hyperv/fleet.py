# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet: hosts, machines, directory, shares and clock, read from a YAML file (README, "Fleet files")."""

from __future__ import annotations

import fnmatch
import ipaddress
import threading
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ..guests import servers
from ..guests.linux import machine as linux
from ..world import Account
from . import accounts
from .clock import Clock
from .schema import FleetError, Section
from .storage import GB, File, Volume

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable, Sequence

    from .host import Host
    from .vm import VM

TIMES_KEPT = 20_000
"""Events that the fleet remembers for its state; enough for a soak, bounded for a day."""


@dataclass(frozen=True, kw_only=True)
class Delegation:
    """Hosts that may delegate to each other from the start."""

    hosts: tuple[str, ...]
    cifs: bool = True
    protocol_transition: bool = True
    entries: tuple[str, ...] = ()
    """Other services that each of the hosts may delegate to."""


@dataclass(kw_only=True)
class DirectorySpec:
    """What the fleet file says about the directory; directory.py makes it live."""

    domain: str = "lab.test"
    netbios: str = "LAB"
    accounts: list[Account] = field(default_factory=list)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """SID of an account -> names of its domain groups."""
    sensitive: frozenset[str] = frozenset()
    """SIDs of accounts that can't be delegated."""
    ad_hosts: tuple[str, ...] = ()
    domain_controllers: tuple[str, ...] = ()
    """Hosts that are domain controllers; without any there is one outside the fleet, named DC1."""
    lag_seconds: float = 900.0
    """How long a missing delegation stays cached after it was written."""
    delegations: list[Delegation] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to a machine: power-on, power-off, move …"""

    at: float
    kind: str
    vm: str
    host: str
    details: dict[str, Any] = field(default_factory=dict)


class Fleet:
    """Everything simulated (world.World). ``lock`` guards changes; see host.py for the policy."""

    def __init__(self, clock: Clock | None = None, directory: DirectorySpec | None = None) -> None:
        self.clock = clock or Clock()
        self.lock = threading.RLock()
        self.directory_spec = directory or DirectorySpec()
        self.hosts: dict[str, Host] = {}
        """By upper-case Windows name."""
        self.shares: dict[str, Volume] = {}
        self.asr = servers.AsrServers()
        """Site Recovery's servers, which the machines' agents register with."""
        self.linux_machines: list[linux.LinuxMachine] = []
        self.groups: dict[str, list[str]] = {}
        """Groups of the inventory: name -> aliases of hosts."""
        self.events: list[Event] = []
        self.jobs_at_destination = False
        """Whether Msvm_MigrationJob is listed at the destination, too (facts on Hyper-V, 3.9: unverified)."""
        self.moves_unseen_seconds = 0.0
        """For how long after its beginning only the planned machine shows a move, no job and not the source's machine
        (facts on Hyper-V, 3.5: a job is seen after up to about ten seconds)."""
        self.memory_reserved_early = False
        """Whether the destination's memory is taken before the storage copy or after it (facts, 9.2: unverified)."""
        self.moves: list[dict[str, Any]] = []
        """Every move that was started: id, vm, source, destination, started, finished, outcome (migration files)."""
        self.storage_migrations: list[dict[str, Any]] = []
        self.leases: dict[tuple[str, str], str] = {}
        """What DHCP servers gave: (subnet, MAC address) -> address."""
        self.exports: list[dict[str, Any]] = []
        self.imports: list[dict[str, Any]] = []
        self.reboot_hooks: list[Callable[[Host], None]] = []
        """Called under the lock when a host goes down (jobs of migrations end)."""
        self.purge_hooks: list[Callable[[Host], None]] = []
        """Called under the lock when the tickets of a host's system logon are purged (klist)."""
        self._directory: Any = None

    def machines(self) -> Sequence[Host]:
        """Return every host."""
        return tuple(self.hosts.values())

    def domain_accounts(self) -> Sequence[Account]:
        """Return the accounts of the directory."""
        return tuple(self.directory_spec.accounts)

    def domain_groups(self, account: Account) -> set[str]:
        """Return the SIDs of the domain groups of a domain account."""
        names = {"Domain Users", *self.directory_spec.groups.get(account.sid, ())}
        return {accounts.group_sid(self.directory_spec.domain, name) for name in names}

    @property
    def directory(self) -> Any:
        """Return the live directory (directory.Directory)."""
        if self._directory is None:
            from .directory import Directory  # noqa: PLC0415

            with self.lock:
                if self._directory is None:
                    self._directory = Directory(self)
        return self._directory

    def host(self, name: str) -> Host | None:
        """Return the host that a computer name, FQDN, address or dot-less name means; None for an unknown one."""
        plain = name.strip().lower()
        found = self.hosts.get(plain.upper())
        if found is not None:
            return found
        short, dot, rest = plain.partition(".")
        if dot and rest == self.directory_spec.domain.lower():
            return self.hosts.get(short.upper())
        for host in self.hosts.values():
            if plain == host.address or any(plain == str(i.ip) for i in host.network.addresses):
                return host
        return None

    def where(self, vm_id: uuid.UUID) -> list[VM]:
        """Return the realised machines of an Id, on any host: more than one is a fault of the simulator or a copy."""
        return [host.vms[vm_id] for host in self.hosts.values() if vm_id in host.vms]

    def record(self, kind: str, vm: VM, **details: Any) -> None:
        """Remember an event."""
        event = Event(at=self.clock.now(), kind=kind, vm=str(vm.id), host=vm.host.name, details=details)
        with self.lock:
            self.events.append(event)
            if len(self.events) > TIMES_KEPT:
                del self.events[: TIMES_KEPT // 10]


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where hosts listen: loopback addresses counted up from one, and the ports."""

    base: str = "127.20.0.1"
    http: int = 5985
    https: int = 5986

    def of(self, number: int) -> str:
        """Return the address of the n-th host (from 0), without .0 and .255 at the end."""
        row, column = divmod(number, 250)
        start = int(ipaddress.IPv4Address(self.base)) & ~0xFF
        return str(ipaddress.IPv4Address(start + row * 256 + column + 1))


def load(path: str | Path, *, speed: float | None = None, addresses: Addresses | None = None) -> Fleet:
    """Return the fleet of a file; raise FleetError with one line about what is wrong.

    ``speed`` and ``addresses`` replace what the file says (several labs on one machine need different addresses).
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as problem:
        raise FleetError(f"{path}: {' '.join(str(problem).split())}") from problem
    try:
        return parse(content, speed=speed, addresses=addresses)
    except FleetError as problem:
        raise FleetError(f"{path}: {problem}") from problem


def parse(content: Any, *, speed: float | None = None, addresses: Addresses | None = None) -> Fleet:
    """Return the fleet that a file's content describes; raise FleetError."""
    from ..guests.windows.fleet import build_machines  # they need Fleet  # noqa: PLC0415
    from .fleet_hosts import build_hosts  # they need Fleet  # noqa: PLC0415
    from .fleet_replicas import build_replicas  # noqa: PLC0415
    from .fleet_vms import build_vms  # noqa: PLC0415

    top = Section(content, "")
    fleet = Fleet(_clock(top.section("clock"), speed), _directory(top.section("directory")))
    part = top.section("migration")
    fleet.jobs_at_destination = part.flag("jobs_at_destination")
    fleet.moves_unseen_seconds = part.number("unseen_seconds", 0.0)
    fleet.memory_reserved_early = part.flag("memory_reserved_early")
    part.close()
    network = top.section("network")
    own = Addresses(
        base=network.text("base", "127.20.0.1"),
        http=network.whole("http", 5985),
        https=network.whole("https", 5986),
    )
    network.close()
    for share in top.sections("shares"):
        volume = _share(share)
        fleet.shares[volume.name.lower()] = volume
    fleet.asr = servers.parse(top.section("asr"))
    build_hosts(fleet, top, addresses or own)
    build_machines(fleet, top, addresses or own)
    build_vms(fleet, top)
    build_replicas(fleet)
    fleet.linux_machines = linux.parse(top, (addresses or own).base, len(fleet.hosts), fleet.asr)
    fleet.groups = _groups(fleet, top.mapping("groups"))
    top.close()
    _check_directory(fleet)
    return fleet


def _groups(fleet: Fleet, given: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, members in given.items():
        patterns = [str(member).upper() for member in members or []]
        hosts = [h.alias for h in fleet.hosts.values() if any(fnmatch.fnmatch(h.name, p) for p in patterns)]
        linux_names = [machine.name for machine in fleet.linux_machines]
        hosts += [each for each in linux_names if any(fnmatch.fnmatch(each.upper(), p) for p in patterns)]
        if not hosts:
            raise FleetError(f"groups.{name}: no host fits {', '.join(patterns)}")
        found[str(name)] = hosts
    return found


def _clock(section: Section, speed: float | None) -> Clock:
    factor = section.number("speed", 60.0)
    start = section.any("start")
    section.close()
    if start is not None and not isinstance(start, datetime):
        raise FleetError(f"clock.start: must be a date and time, not {start!r}")
    if start is not None and start.tzinfo is None:
        start = start.replace(tzinfo=timezone.utc)
    return Clock(factor if speed is None else speed, start)


def _directory(section: Section) -> DirectorySpec:
    spec = DirectorySpec(
        domain=section.text("domain", "lab.test"),
        netbios=section.text("netbios", "LAB"),
        ad_hosts=tuple(section.texts("ad_hosts")),
        domain_controllers=tuple(section.texts("domain_controllers")),
        lag_seconds=section.number("delegation_lag_seconds", 900.0),
    )
    for entry in section.sections("accounts"):
        account, groups, sensitive = _account(entry, spec.domain, spec.netbios)
        spec.accounts.append(account)
        spec.groups[account.sid] = groups
        if sensitive:
            spec.sensitive |= {account.sid}
    for entry in section.sections("delegations"):
        spec.delegations.append(
            Delegation(
                hosts=tuple(entry.texts("hosts")),
                cifs=entry.flag("cifs", True),
                protocol_transition=entry.flag("protocol_transition", True),
                entries=tuple(entry.texts("entries")),
            )
        )
        entry.close()
    section.close()
    return spec


def _account(entry: Section, domain: str, netbios: str) -> tuple[Account, tuple[str, ...], bool]:
    name = entry.text("name")
    number = 500 if name.lower() == "administrator" else accounts.rid(name)
    account = Account(
        username=name,
        password=entry.text("password"),
        domain=netbios,
        sid=f"{accounts.authority_sid(domain)}-{number}",
        enabled=entry.flag("enabled", True),
    )
    groups = tuple(entry.texts("groups"))
    sensitive = entry.flag("sensitive") or "Protected Users" in groups
    entry.close()
    return account, groups, sensitive


def _share(section: Section) -> Volume:
    size = int(section.number("size_gb") * GB)
    volume = Volume(
        name=section.text("path"),
        size=size,
        other=size - int(section.number("free_gb", size / GB) * GB),
        rate=section.number("rate_mb", 400.0),
    )
    for path, content in section.mapping("files").items():
        data = str(content).encode()
        volume.put(File(f"{volume.name}\\{path}", len(data), content=data))
    section.close()
    return volume


def _check_directory(fleet: Fleet) -> None:
    spec = fleet.directory_spec
    named = [*spec.ad_hosts, *spec.domain_controllers, *(name for entry in spec.delegations for name in entry.hosts)]
    for name in named:
        if name.upper() not in fleet.hosts:
            raise FleetError(f"directory: there is no host {name!r}")
