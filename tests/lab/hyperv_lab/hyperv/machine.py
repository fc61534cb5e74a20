# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a virtual machine and a checkpoint of it have in common."""

from __future__ import annotations

import ntpath
import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from ..powershell.values import Int64, TypedArray, Version
from .components import Memory, Processor, Security
from .guest import MISSING
from .integration import INTEGRATION_SERVICES, IntegrationService
from .live import NO_ID, PREFIX, ModelObject

if TYPE_CHECKING:
    from .cpu import CpuFeatures
    from .devices import DvdDrive, HardDrive, NetworkAdapter
    from .host import Host

GB = 1024**3
MB = 1024**2
DEFAULT_SERVICES = frozenset({"heartbeat", "kvp", "shutdown", "time", "vss"})


class VirtualMachineBase(ModelObject):
    """What a machine and a checkpoint of it have in common. Class attributes are defaults."""

    name = ""
    generation = 2
    version: Version = Version("9.0")
    notes = ""
    memory_startup = 1 * GB
    memory_minimum = 512 * MB
    memory_maximum = 1024 * GB
    dynamic_memory = False
    services_enabled: frozenset[str] = DEFAULT_SERVICES
    is_clustered = False
    path = ""
    """The folder of the configuration: ``Virtual Machines`` lies below it."""
    flat_at = ""
    """The folder of a configuration file that was registered where it lay, outside a folder ``Virtual Machines``."""
    snapshot_path = ""
    paging_path = ""
    cpu: CpuFeatures | None = None
    """The features its memory state depends on: of a machine that is on or saved, of a checkpoint with memory."""

    def __init__(self, host: Host, name: str, identifier: uuid.UUID) -> None:
        self.host = host
        self.name = name
        self.id = identifier
        self.processor = Processor(self)
        self.memory = Memory(self)
        self.security = Security(self)
        self.hard_drives: list[HardDrive] = []
        self.dvd_drives: list[DvdDrive] = []
        self.adapters: list[NetworkAdapter] = []
        self.created: datetime = host.fleet.clock.start

    machine_id: uuid.UUID
    machine_name: str
    checkpoint_id: uuid.UUID = NO_ID
    checkpoint_name = ""
    is_on = False
    guest_answers = False
    exchanges_pairs = False

    def services(self, *, member: bool = False) -> list[IntegrationService]:
        """Return the integration services, in the module's order; ``member``: as the machine's own member has them."""
        return [IntegrationService(self, key, member=member) for key in INTEGRATION_SERVICES]

    def settle_guest(self) -> None:
        """Do nothing: a checkpoint has no guest."""

    def service_state(self, key: str) -> str:
        """Return what the guest's service does now; a checkpoint has no guest."""
        del key
        return MISSING

    def copy_settings(self, other: VirtualMachineBase) -> None:
        """Take over the settings and devices of another machine or checkpoint."""
        for key in _SETTINGS:
            self.__dict__.pop(key, None)
            if key in other.__dict__:
                setattr(self, key, other.__dict__[key])
        for part in ("processor", "memory", "security"):
            getattr(self, part).__dict__.update(getattr(other, part).__dict__, owner=self)
        self.hard_drives = [drive.copy_to(self) for drive in other.hard_drives]  # type: ignore[misc]
        self.dvd_drives = [drive.copy_to(self) for drive in other.dvd_drives]  # type: ignore[misc]
        self.adapters = [adapter.copy_to(self) for adapter in other.adapters]

    # What PROPERTIES of both classes name.
    @property
    def processor_count(self) -> Int64:
        """Return the number of virtual processors."""
        return Int64(self.processor.count)

    @property
    def memory_startup_bytes(self) -> Int64:
        """Return MemoryStartup."""
        return Int64(self.memory_startup)

    @property
    def memory_minimum_bytes(self) -> Int64:
        """Return MemoryMinimum."""
        return Int64(self.memory_minimum)

    @property
    def memory_maximum_bytes(self) -> Int64:
        """Return MemoryMaximum."""
        return Int64(self.memory_maximum)

    @property
    def version_text(self) -> str:
        """Return the configuration version as text."""
        return str(self.version)

    @property
    def folder(self) -> str:
        """Return the folder of the configuration files, ``<path>\\Virtual Machines``."""
        if self.flat_at and self.flat_at.lower() == self.path.lower():
            return self.path
        return ntpath.join(self.path, "Virtual Machines")

    @property
    def drives_array(self) -> TypedArray:
        """Return HardDrives."""
        return TypedArray(PREFIX + "HardDiskDrive", self.hard_drives)

    @property
    def dvds_array(self) -> TypedArray:
        """Return DVDDrives."""
        return TypedArray(PREFIX + "DvdDrive", self.dvd_drives)

    @property
    def adapters_array(self) -> TypedArray:
        """Return NetworkAdapters."""
        return TypedArray(PREFIX + "VMNetworkAdapter", self.adapters)

    @property
    def size_of_system_files(self) -> Int64:
        """Return the bytes of configuration and state files."""
        files = (self.host.storage.file(path) for path in self.configuration_files())
        return Int64(sum(file.size for file in files if file))

    def configuration_files(self) -> list[str]:
        """Return the paths of the configuration files: .vmcx and .vmrs, .xml for versions before 6."""
        ends = (".xml",) if float(self.version) < 6 else (".vmcx", ".vmrs")
        return [ntpath.join(self.folder, str(self.id).upper() + end) for end in ends]


_SETTINGS = [
    "generation",
    "version",
    "notes",
    "memory_startup",
    "memory_minimum",
    "memory_maximum",
    "dynamic_memory",
    "services_enabled",
    "is_clustered",
    "path",
    "snapshot_path",
    "paging_path",
    "cpu",
]
