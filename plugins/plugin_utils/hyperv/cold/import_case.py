# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One import with all that was read about it: the order, the files, the host, the planned VM of the report. Pure."""

from __future__ import annotations

import ntpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ..network.findings import MacPool, Neighbour
from .import_order import root_of

if TYPE_CHECKING:
    from ..model import Adapter, Disk, Vm
    from ..versions import HostVersions
    from .import_order import ImportOrder
    from .import_source import Source

_NO_POOL: Final = MacPool(minimum="", maximum="")


@dataclass(frozen=True, kw_only=True)
class Destination:
    """What was read of the host that imports. None stands for what it does not show."""

    host: str
    versions: HostVersions
    vms: tuple[Vm, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    planned: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Ids of planned VMs with their operational statuses."""
    imports_run: bool | None = False
    """Whether the host imports a VM now, whichever; None where it does not say. Asked for only where a planned VM of
    this Id is there."""
    switches: frozenset[str] | None = None
    processors: int | None = None
    memory_free: int | None = None
    volumes: Mapping[str, int] | None = None
    """Free bytes by drive ("D:")."""
    machine_path: str = ""
    disk_path: str = ""
    """Default folders, for configurations and for virtual hard disks."""
    macs: MacPool = _NO_POOL


@dataclass(frozen=True, kw_only=True)
class Planned:
    """The planned VM of a report, as it stands after the corrections."""

    vm: Vm
    adapters: tuple[Adapter, ...] = ()
    disks: tuple[Disk, ...] = ()
    has_tpm: bool = False


@dataclass(frozen=True, kw_only=True)
class Case:
    """One import with all that was read. ``planned`` is there once the host has compared."""

    order: ImportOrder
    source: Source
    there: Destination
    planned: Planned | None = None
    existing: frozenset[str] = frozenset()
    """Paths in lower case that exist on the host, of those that were asked for."""
    reported: Mapping[str, int] = field(default_factory=dict)
    """Virtual hard disk files of ``vhd_source_path``, in bytes."""

    @property
    def subject(self) -> str:
        """Return what findings call the VM."""
        return self.planned.vm.name if self.planned else self.source.name

    @property
    def disks_to_copy(self) -> dict[str, int]:
        """Return the disk files that are copied, in bytes; none where files stay where they are."""
        return {**self.source.disks, **self.reported} if self.order.copies else {}

    @property
    def disk_folder(self) -> str:
        """Return the folder that copied disks get to."""
        return self.order.vhd_destination_path or self.there.disk_path

    @property
    def disk_targets(self) -> tuple[str, ...]:
        """Return the paths that copied disks get."""
        if not self.disk_folder:
            return ()
        return tuple(ntpath.join(self.disk_folder, ntpath.basename(path)) for path in self.disks_to_copy)

    @property
    def machine_folder(self) -> str:
        """Return the folder that will hold the configuration."""
        if self.order.virtual_machine_path is not None:
            return self.order.virtual_machine_path
        return self.there.machine_path if self.order.copies else root_of(self.source.configuration_file)
