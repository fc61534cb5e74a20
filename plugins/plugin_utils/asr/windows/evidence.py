# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a Windows machine before an installation, whichever channel read it. Frozen data, no decisions.

None is what could not be read or was not asked for: rules say nothing about it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

OLD = (6, 1)
"""Windows Server 2008 R2 and 7: this version and older ones are read and cured by the system's own programs."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """Which Windows it is, by the registry: numbers and names that are the same in every language."""

    version: tuple[int, int]
    """(6, 1), (6, 3), (10, 0)."""
    build: int = 0
    service_pack: int = 0
    product: str = ""
    """ProductName, for people."""
    installation_type: str = ""
    """Server, Server Core or Client."""
    architecture: str = "AMD64"

    @property
    def is_old(self) -> bool:
        """Whether it lacks the cmdlets that everything is read by."""
        return self.version <= OLD

    @property
    def is_client(self) -> bool:
        """Whether it is no server."""
        return self.installation_type.lower() == "client"


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service. ``state`` and ``start`` in WMI's words: Running, Stopped, Start Pending; Auto, Manual, Disabled."""

    name: str
    state: str = "Running"
    start: str = "Auto"

    @property
    def runs(self) -> bool:
        """Whether it is running."""
        return self.state == "Running"

    @property
    def is_disabled(self) -> bool:
        """Whether it can't be started."""
        return self.start == "Disabled"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule of the firewall by its stable name; ``by_policy`` where Group Policy owns it."""

    name: str
    enabled: bool
    by_policy: bool = False
    blocks: bool = False


@dataclass(frozen=True, kw_only=True)
class Account:
    """The local account that the portal would push with."""

    name: str
    sid: str = ""
    disabled: bool = False
    locked: bool = False
    is_administrator: bool | None = None

    @property
    def is_built_in(self) -> bool:
        """Whether it is the machine's first account (RID 500), to which remote UAC doesn't apply by default."""
        return self.sid.startswith("S-1-5-21-") and self.sid.endswith("-500")


@dataclass(frozen=True, kw_only=True)
class Disk:
    """A disk. ``initialised`` is whether it has a partition table."""

    number: int
    size: int = 0
    sector_bytes: int = 512
    partitions: int = 1
    initialised: bool = True


@dataclass(frozen=True, kw_only=True)
class Partition:
    """A partition: ``boots`` is marked active or is an EFI system partition, ``windows`` holds Windows."""

    disk: int
    number: int
    boots: bool = False
    windows: bool = False


@dataclass(frozen=True, kw_only=True)
class ServiceKey:
    """A service's or driver's key in one control set."""

    control_set: str
    name: str
    start: int | None = None
    image: str | None = None


@dataclass(frozen=True, kw_only=True)
class Reached:
    """Whether a TCP port of a server opens from the machine."""

    address: str
    port: int
    opens: bool


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who the machine is on the network; None is not known."""

    name: str = ""
    domain: str = ""
    part_of_domain: bool | None = None
    secure_channel: bool | None = None
    """Whether the domain accepts the machine's password; None in a workgroup."""
    logon_server: bool | None = None
    """Whether a domain controller was found; None in a workgroup."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """Addresses, names and ports."""

    addresses: tuple[str, ...] | None = None
    """IPv4 addresses of its adapters, without loopback and link-local ones."""
    unresolved: tuple[str, ...] = ()
    """Those of the wanted names that don't resolve on it."""
    own_addresses: tuple[str, ...] | None = None
    """What its own name resolves to there; empty where it doesn't."""
    reached: tuple[Reached, ...] = ()
    ports_used: int | None = None
    """TCP connections and listeners on ephemeral ports."""
    ports_there: int = 16384
    """How many ephemeral ports it has."""


@dataclass(frozen=True, kw_only=True)
class Guard:
    """Firewall, remote UAC and sharing, as they decide about a push."""

    rules: tuple[Rule, ...] | None = None
    policy_only: tuple[str, ...] = ()
    """Firewall profiles in which Group Policy has local rules ignored."""
    token_filter_policy: int | None = None
    filter_administrator_token: int | None = None
    no_inplace_sharing: bool = False
    admin_shares_off: bool = False
    winmgmt_start: int | None = None
    """Start of Winmgmt by the registry: known although WMI doesn't answer."""


@dataclass(frozen=True, kw_only=True)
class Storage:
    """Disks, partitions and free space; sizes in bytes."""

    disks: tuple[Disk, ...] | None = None
    partitions: tuple[Partition, ...] | None = None
    free: Mapping[str, int] = field(default_factory=dict)
    """Free bytes by drive, ``C:``."""
    system_drive: str = "C:"
    uefi: bool | None = None
    secure_boot: bool = False


@dataclass(frozen=True, kw_only=True)
class Software:
    """What is installed, pending or missing."""

    services: Mapping[str, Service] | None = None
    """By lower-case name: those that were asked for and are there."""
    start_pending: tuple[str, ...] = ()
    control_sets: tuple[str, ...] = ()
    keys: tuple[ServiceKey, ...] = ()
    """Keys of the drivers and services that every control set needs; one that lacks isn't here."""
    missing_files: tuple[str, ...] = ()
    """Those files that were looked for and aren't there."""
    dotnet: bool | None = None
    hotfixes: frozenset[str] | None = None
    cscript_off: bool = False
    cluster_configured: bool = False
    involflt: bool = False
    restart_pending: tuple[str, ...] = ()
    """Registry keys and values that say a restart is pending."""
    renames_pending: bool = False
    delete_flags: tuple[str, ...] = ()
    """Services marked for deletion."""
    tls10_client_off: bool = False
    defender_on: bool | None = None
    exclusions: tuple[str, ...] | None = None
    """Folders that Defender leaves out."""
    proxy_file: str = ""
    """The text of the agent's proxy settings, which may stand without an agent."""


@dataclass(frozen=True, kw_only=True)
class Agent:
    """The Mobility service where it is installed."""

    version: str = ""
    directory: str = ""
    """The installation folder; the programs lie in ``agent`` below it."""
    missing_files: tuple[str, ...] = ()
    vacp_log: str = ""
    """The end of the log of application-consistent points."""


@dataclass(frozen=True, kw_only=True)
class WindowsEvidence:
    """Everything that the rules look at."""

    release: Release
    identity: Identity = Identity()
    network: Network = Network()
    guard: Guard = Guard()
    storage: Storage = Storage()
    software: Software = Software()
    account: Account | None = None
    """The push account where it is one of the machine's own and was found."""
    missing_account: str | None = None
    """The push account's name where it would be one of the machine's own, and WMI answered that there is none."""
    agent: Agent | None = None
    memory_bytes: int | None = None
    memory_free_bytes: int | None = None
    wmi_answers: bool = True
    unread: tuple[str, ...] = ()
    """What could not be read, and why, for people."""
