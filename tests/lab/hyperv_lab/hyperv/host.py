# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated Hyper-V host: what it has, what its VMMS knows, and how its WinRM service sees it (world.Machine).

Lock policy. There is one lock, ``fleet.lock`` (re-entrant), for every change of the model: machines, files, settings,
jobs. It is held for moments only, never while something waits (``clock.wait``), sends, or calls another command. Reads
need no lock: collections are copied before they are walked, single values are replaced whole. After a change that
someone may wait for, ``fleet.clock.notify()``.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..world import Account, Identity, WinRMLimits
from . import accounts
from .bpa import Bpa
from .faults import FaultPlayer
from .host_policies import Policies
from .live import since
from .replica_server import ReplicaSettings
from .switch import MigrationNetwork, Network, Switch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping, Sequence

    from ..powershell.commands import Cmdlet
    from .cim import Provider
    from .cpu import CpuModel
    from .fleet import Fleet
    from .fleet_endpoints import RestrictedEndpoint
    from .sharing import Share
    from .storage import Storage
    from .vm import VM

GB = 1024**3
BUILDS = {
    "2012R2": ("6.3.9600", "9600"),
    "2016": ("10.0.14393", "14393"),
    "2019": ("10.0.17763", "17763"),
    "2022": ("10.0.20348", "20348"),
    "2025": ("10.0.26100", "26100"),
}
SUPPORTED_VERSIONS = {
    "2012R2": ["5.0"],
    "2016": ["5.0", "6.2", "7.0", "7.1", "8.0"],
    "2019": ["5.0", "6.2", "7.0", "7.1", "8.0", "8.1", "8.2", "8.3", "9.0"],
    "2022": ["8.0", "8.1", "8.2", "8.3", "9.0", "9.1", "9.2", "9.3", "10.0"],
    "2025": ["8.0", "8.1", "8.2", "8.3", "9.0", "9.1", "9.2", "9.3", "10.0", "10.5", "11.0", "11.1", "11.2", "12.0"],
}
"""Configuration versions (facts on Hyper-V, 2.1; the list of 2025 from field objects). The last one is the default."""


@dataclass(kw_only=True)
class Migration:
    """Live-migration settings of a host."""

    enabled: bool = False
    authentication: str = "CredSSP"
    performance: str = "Compression"
    any_network: bool = False
    slots: int = 2
    storage_slots: int = 2
    networks: list[MigrationNetwork] = field(default_factory=list)


@dataclass(kw_only=True, slots=True)
class Service:
    """A Windows service."""

    name: str
    display: tuple[str, str]
    """English and French."""
    status: str = "Running"
    """As ServiceControllerStatus has it: Running, Stopped, StartPending, StopPending, Paused …"""
    start: str = "Automatic"
    path: str = "C:\\Windows\\System32\\svchost.exe -k netsvcs"
    """The command line of its program."""
    account: str = "LocalSystem"
    depends: tuple[str, ...] = ()


@dataclass(kw_only=True)
class HostSettings:
    """Settings of Get-VMHost that aren't about migration."""

    vm_path: str = "C:\\ProgramData\\Microsoft\\Windows\\Hyper-V"
    disk_path: str = "C:\\Users\\Public\\Documents\\Hyper-V\\Virtual Hard Disks"
    numa_spanning: bool = True
    enhanced_session: bool = False
    metering_hours: float = 1.0
    mac_minimum: str = "00155D000000"
    mac_maximum: str = "00155D0000FF"
    mac_given: int = 0
    """How many of the range the fleet file's machines have."""
    mac_range_given: bool = False
    """Whether the fleet file said it; otherwise it is that of a fresh host."""
    wwnn: str = "C003FF0000FFFF00"
    wwpn_minimum: str = "C003FFDE91C90000"
    wwpn_maximum: str = "C003FFDE91C9FFFF"


@dataclass(kw_only=True)
class WinRM:
    """How a host can be reached, and how the inventory says it is."""

    connection: str = "psrp"
    scheme: str = "https"
    auth: str = "credssp"
    user: str = ""
    methods: tuple[str, ...] = ("basic", "negotiate", "credssp")
    listeners: Mapping[str, int] = field(default_factory=lambda: {"http": 5985, "https": 5986})
    limits: WinRMLimits = field(default_factory=WinRMLimits)


class Host:
    """One host. ``vms`` and ``planned`` are its realised and planned machines by Id, in the order they came."""

    age_of_files = timedelta(0)
    """How old files are, at the start, that came with the machine."""
    timed_copies = True
    """Whether copies and hashes take simulated time."""
    local_account_token_filter_policy = False
    """The registry value: local administrators keep their rights over the network."""
    cluster: str | None = None
    guard: bool | None = None
    """Whether Credential Guard runs; None: as the edition has it."""

    def __init__(self, fleet: Fleet, name: str, *, edition: str, language: str, address: str) -> None:
        self.fleet = fleet
        self.name = name
        """The computer name as Windows has it, upper case, at most 15 characters."""
        self.edition = edition
        self.language = language
        self.address = address
        self.alias = name
        """The inventory name."""
        self.domain_joined = True
        self.cpu: CpuModel
        self.cores = 16
        self.memory = 128 * GB
        self.storage: Storage
        self.switches: dict[str, Switch] = {}
        """By lower-case name."""
        self.network = Network()
        self.migration = Migration()
        self.settings = HostSettings()
        self.winrm = WinRM()
        self.local: list[Account] = []
        self.groups: dict[str, list[str]] = {}
        """SID of a local group -> SIDs of its members."""
        self.services: dict[str, Service] = {}
        """By lower-case name."""
        self.features: dict[str, str] = {}
        """Feature name -> "Installed", "Available", "Removed" or "Pending" (installed at the next restart)."""
        self.firewall: MutableMapping[str, bool] = {}
        """Rule name -> enabled."""
        self.vms: dict[uuid.UUID, VM] = {}
        self.planned: dict[uuid.UUID, VM] = {}
        self.jobs: dict[str, Any] = {}
        """Msvm_ConcreteJob and Msvm_MigrationJob by InstanceID (owned by the migration files)."""
        self.incoming: set[str] = set()
        """Live migrations that use a slot here, by job: both ends have each."""
        self.storage_moves: set[str] = set()
        self.reserved: dict[str, int] = {}
        """Bytes of memory held for migrations that come in, by job."""
        self.tpm_certificates: frozenset[str] = frozenset()
        """Hosts whose shielded-VM certificates are in this host's store (by name)."""
        self.endpoints: dict[str, RestrictedEndpoint] = {}
        """Restricted session configurations by lower-case name."""
        self.shares: dict[str, Share] = {}  # by lower-case name, without the administrative ones
        self.scripts: Callable[[str], Sequence[Any] | None] | None = None
        """Canned answers to script texts (canned.py)."""
        self.bpa = Bpa()
        self.faults = FaultPlayer(self)
        self.boots = 0
        self.down_until = 0.0
        self.booted_at = 0.0
        """When the last restart of the whole host is over (WinRM alone may be down longer or at other times)."""

    # --- what the WinRM service needs (world.Machine) ---
    @property
    def fqdn(self) -> str:
        """Return the name with the domain, or the plain name in a workgroup."""
        return f"{self.name.lower()}.{self.fleet.directory_spec.domain}" if self.domain_joined else self.name

    @property
    def limits(self) -> WinRMLimits:
        """Return the quotas."""
        return self.winrm.limits

    @property
    def listeners(self) -> Mapping[str, int]:
        """Return scheme -> port."""
        return self.winrm.listeners

    @property
    def authentication(self) -> Sequence[str]:
        """Return the accepted methods."""
        return self.winrm.methods

    def local_accounts(self) -> Sequence[Account]:
        """Return the host's own accounts."""
        return tuple(self.local)

    def sign_in(self, account: Account, method: str) -> Identity | None:
        """Return the identity with its groups here; None where disabled or without the right to use WinRM."""
        return accounts.sign_in(self, account, method)

    def open_runspace(self, identity: Identity, configuration: str) -> Any:
        """Return a new runspace; LookupError for an unknown configuration, PermissionError where refused."""
        from .endpoints import open_runspace  # the engine imports cmdlets, which import this  # noqa: PLC0415

        return open_runspace(self, identity, configuration)

    def up(self) -> bool:
        """Return whether the host and its WinRM service are running now."""
        self.faults.tick()
        service = self.services.get("winrm")
        return self.fleet.clock.now() >= self.down_until and (service is None or service.status == "Running")

    def own_commands(self) -> Mapping[str, type[Cmdlet]]:
        """Return cmdlets that this kind of machine simulates in its own way, by lower-case name."""
        return {}

    def own_classes(self) -> Mapping[tuple[str, str], Provider]:
        """Return CIM classes that this kind of machine has in its own way, by (namespace, lower-case class)."""
        return {}

    # --- what decides who gets into its shares (sharing.py) ---
    def find_computer(self, name: str) -> Host | None:
        """Return the machine that a name means on this one, None where it doesn't resolve."""
        return self.fleet.host(name)

    def has_administrative_shares(self) -> bool:
        """Return whether ADMIN$, C$ … are there."""
        return True

    def filters_local_administrators(self) -> bool:
        """Return whether local administrators but the built-in one lose their rights over the network."""
        return not self.local_account_token_filter_policy

    def is_locked_out(self, _account: Account) -> bool:
        """Return whether an account is locked out."""
        return False

    def domain_answers(self) -> int:
        """Return the code with which a sign-in by the domain ends before a password is looked at; 0: it answers."""
        return 0

    def wrong_password(self) -> None:
        """Count a wrong password."""

    def stamp(self, path: str) -> None:
        """Note that a file or folder was made or changed now, by the clock that Get-Date shows."""
        self.storage.moments[path.lower()] = self.fleet.clock.date()

    def may_connect(self, _port: int) -> bool:
        """Return whether a connection to a port elsewhere gets out."""
        return True

    def cim_refusal(self) -> int | None:
        """Return the HRESULT that every CIM query ends with here; None where WMI answers."""
        return None

    def on_request(self, operation: str, shell: str | None) -> str | None:
        """Count a request and return the fault to play, if any."""
        return self.faults.on_request(operation, shell)

    def program_started(self, shell: str, command_line: str) -> None:
        """Note what a cmd shell runs, for the faults that are ordered for a program."""
        self.faults.command_lines[shell] = command_line

    def run_program(
        self, identity: Identity, command_line: str, environment: Mapping[str, str]
    ) -> tuple[int, bytes, bytes]:
        """Run a native program (WinRS); return exit code, output, error output."""
        from .programs import run_line  # noqa: PLC0415

        return run_line(self, identity, command_line, environment)

    def run_native(self, identity: Identity, name: str, arguments: Sequence[str]) -> tuple[int, str, str] | None:
        """Run a program out of a pipeline; return exit code, output and error output, or None where there is none."""
        from .programs import run  # noqa: PLC0415

        return run(self, identity, name, arguments)

    @cached_property
    def policies(self) -> Policies:
        """Return its certificates, limits of traffic and switch extensions, which may be replaced."""
        return Policies()

    @cached_property
    def replica_server(self) -> ReplicaSettings:
        """Return its settings as a Replica server, which may be replaced."""
        return ReplicaSettings()

    # --- questions ---
    @property
    def versions(self) -> list[str]:
        """Return the configuration versions it can run; the last is the default."""
        return SUPPORTED_VERSIONS[self.edition]

    @property
    def credential_guard(self) -> bool:
        """Return whether Credential Guard runs: by default on 2025 in a domain, but for its controllers."""
        if self.guard is not None:
            return self.guard
        return self.is_new("2025") and self.domain_joined and not self.fleet.directory.is_controller(self)

    @property
    def logical_processors(self) -> int:
        """Return the number of logical processors: two a core."""
        return self.cores * 2

    @property
    def memory_free(self) -> int:
        """Return the bytes left for machines: 2 GB belong to the host."""
        held = sum(vm.memory_assigned for vm in list(self.vms.values()))
        return self.memory - 2 * GB - held - sum(list(self.reserved.values()))

    @property
    def hyperv_ready(self) -> bool:
        """Return whether the role is installed and running."""
        return self.features.get("Hyper-V") == "Installed"

    @property
    def vmms_running(self) -> bool:
        """Return whether the management service runs."""
        service = self.services.get("vmms")
        return self.hyperv_ready and service is not None and service.status == "Running"

    @property
    def booting(self) -> bool:
        """Return whether the whole host is down for a restart."""
        return self.fleet.clock.now() < self.booted_at

    def is_new(self, edition: str) -> bool:
        """Return whether this host's edition is at least that one."""
        return since(self.edition, edition)

    def switch(self, name: str) -> Switch | None:
        """Return the switch of a name, compared without case."""
        return self.switches.get(name.lower())

    def listener_addresses(self) -> list[str]:
        """Return MigrationServiceListenerIPAddressList: empty when disabled, or with no network to listen on."""
        if not (self.migration.enabled and self.vmms_running):
            return []
        addresses = [interface.ip for interface in self.network.addresses]
        if not self.migration.any_network:
            subnets = [network.subnet for network in list(self.migration.networks)]
            addresses = [ip for ip in addresses if any(ip in subnet for subnet in subnets)]
        return [str(ip) for ip in addresses]

    def slots_free(self) -> int:
        """Return the live migrations that could start here now."""
        return self.migration.slots - len(self.incoming)

    # --- power ---
    def reboot(self, seconds: float = 60.0) -> None:
        """Go down for some simulated seconds; machines are saved and come back, shells and jobs end."""
        from .power import host_reboots  # noqa: PLC0415

        with self.fleet.lock:
            self.down_until = self.booted_at = self.fleet.clock.now() + seconds
            self.boots += 1
            self.faults.shells_lost()
            for hook in self.fleet.reboot_hooks:
                hook(self)
            host_reboots(self)
        self.fleet.clock.notify()
