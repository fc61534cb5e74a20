# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the predicates look at: frozen facts of two hosts and one VM. How they are read is another file's business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..migration.decide import Seen
from ..migration.placement import Placement, volume_of
from ..model_host import Volume, volume_at
from ..network.findings import Neighbour
from ..network.named import Network
from ..network.wishes import AdapterWish

if TYPE_CHECKING:
    from ..gateway import VmDetails
    from ..guest.exchange import Exchange
    from ..network.guest_configuration import GuestConfiguration
    from ..network.reading import HostNetworks

RUNNING_STATES = frozenset({"Running", "Paused", "RunningCritical", "PausedCritical"})
"""States in which a VM holds memory and a processor of its host."""
SAVED_STATES = frozenset({"Saved", "FastSaved", "SavedCritical", "FastSavedCritical"})


BUILD_2016 = 14393


@dataclass(frozen=True, kw_only=True)
class HostFacts:
    """One end of a move. None where the host or the endpoint doesn't say."""

    inventory_name: str
    computer_name: str
    windows_name: str
    """The name Move-VM is told: fully qualified where the host has one."""
    migration_enabled: bool
    authentication_type: str
    listeners: tuple[str, ...] | None
    maximum_moves: int
    maximum_storage_moves: int
    supported_versions: tuple[str, ...]
    """Empty for a host that can't be asked (2012 R2)."""
    cpu_vendor: str | None = None
    cpu_family: int | None = None
    cpu_model: int | None = None
    cpu_name: str = ""
    memory_free: int | None = None
    """Bytes."""
    build: int | None = None
    """Build of Windows (20348 is Windows Server 2022)."""
    logical_processors: int | None = None
    volumes: Mapping[str, int] = field(default_factory=dict)
    """Drive ("D:") -> free bytes."""
    mounted: tuple[Volume, ...] = ()
    """Every local volume, those in folders too."""
    switches: frozenset[str] = frozenset()
    sids: frozenset[str] | None = None
    """SIDs of the caller's token; None where they could not be read."""
    default_path: str = ""
    vm_names: Mapping[str, str] = field(default_factory=dict)
    """Id -> name of every VM there."""
    existing: frozenset[str] = frozenset()
    """Those of the asked paths that exist there, in lower case."""
    credential_guard: bool | None = None
    """Whether Credential Guard runs; None where it was not asked for or could not be read."""
    unseen: frozenset[str] = frozenset()
    """Those of them of which it can't be told: on a share that the caller's session can't open."""
    certificates: frozenset[str] | None = None
    """Thumbprints of the certificates for virtual TPMs; None where the store could not be read."""

    def volume_at(self, path: str) -> tuple[str, int | None]:
        """Return what a path is on (a drive, a share, or the folder where a volume is mounted) and its free bytes.

        None where the host does not say.
        """
        mounted = volume_at(self.mounted, path)
        if mounted is not None and mounted.drive_letter is None:
            return mounted.path.rstrip("\\"), mounted.free_space
        drive = volume_of(path)
        return drive, self.volumes.get(drive)

    @property
    def is_2012_r2(self) -> bool:
        """Whether it is older than Windows Server 2016, as far as it says."""
        return not self.supported_versions if self.build is None else self.build < BUILD_2016


@dataclass(frozen=True, kw_only=True)
class DiskFacts:
    """A hard disk of a VM or of one of its checkpoints; ``path`` is None for a pass-through disk."""

    path: str | None
    file_size: int = 0
    disk_number: int | None = None
    shared: bool = False


@dataclass(frozen=True, kw_only=True)
class AdapterFacts:
    """A network adapter; ``checkpoint`` names the checkpoint it belongs to, None for the VM's own."""

    id: str
    name: str
    switch: str | None
    checkpoint: str | None = None
    vlan: int | None = None
    """The VLAN of its guest's untagged frames; None for untagged."""
    is_placed: bool = True
    """Whether ``vlan`` is known; not where it could not be read, nor in a private mode."""
    mac: str = ""
    addresses: tuple[str, ...] = ()
    """What the guest reports."""


@dataclass(frozen=True, kw_only=True)
class Readdressing:
    """The named networks of both ends, and what the adapters of one VM are to get at the destination."""

    source: Mapping[str, Network] = field(default_factory=dict)
    destination: Mapping[str, Network] = field(default_factory=dict)
    wishes: tuple[AdapterWish, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    """The adapters of all VMs at the destination; none where nothing is said of networks or addresses."""
    around: HostNetworks | None = None
    """The destination's switches and adapters; None where nothing is said of networks or addresses."""
    configurations: Mapping[str, GuestConfiguration] = field(default_factory=dict)
    """What guests of the source report, by lower-case key."""
    exchanges: Mapping[str, Exchange] | None = None
    """What they tell of themselves; None where the source does not show it."""


@dataclass(frozen=True, kw_only=True)
class VmFacts:
    """A VM on its source host."""

    id: str
    name: str
    seen: Seen
    version: str
    memory_bytes: int
    """What it needs at the destination: assigned now where it runs, at start-up otherwise."""
    compatibility_enabled: bool | None = None
    processor_count: int = 1
    memory_checkpoints: tuple[str, ...] = ()
    """Names of the checkpoints that hold memory state."""
    unlimited_checkpoints: tuple[str, ...] | None = None
    """Those of them taken with processor compatibility off, which they keep (facts, 2.2); None where not known."""
    disks: tuple[DiskFacts, ...] = ()
    isos: tuple[str, ...] = ()
    adapters: tuple[AdapterFacts, ...] = ()
    tpm: bool = False
    shielded: bool = False
    clustered: bool = False
    replication_mode: str | None = None
    folders: tuple[str, ...] = ()
    """Folders of its configuration, checkpoints and paging."""
    heartbeat: str | None = None
    machine: VmDetails | None = None
    """All that was read of it."""

    @property
    def runs(self) -> bool:
        """Whether it holds memory and a processor."""
        return self.seen.state in RUNNING_STATES

    @property
    def has_cpu_state(self) -> bool:
        """Whether processor features matter: it runs or is saved."""
        return self.runs or self.seen.state in SAVED_STATES

    @property
    def bound_checkpoints(self) -> tuple[str, ...]:
        """Names of the checkpoints whose memory runs on this generation of processors only."""
        if self.unlimited_checkpoints is not None:
            return self.unlimited_checkpoints
        return () if self.compatibility_enabled else self.memory_checkpoints

    @property
    def copied_bytes(self) -> int:
        """Bytes of its disks' files."""
        return sum(disk.file_size for disk in self.disks)


@dataclass(frozen=True, kw_only=True)
class MoveFacts:
    """Everything the predicates of one move look at."""

    vm: VmFacts
    source: HostFacts
    destination: HostFacts
    placement: Placement
    switch_map: Mapping[str, str]
    eject_iso: bool
    enable_compatibility: bool
    may_power_off: bool
    delegates_credentials: bool
    """Whether the session to the source holds credentials it can use on the destination."""
    planned_at_destination: bool = False
    chosen_by_name: bool = False
    """Whether the task was given the VM's name."""
    readdressing: Readdressing = field(default_factory=Readdressing)
