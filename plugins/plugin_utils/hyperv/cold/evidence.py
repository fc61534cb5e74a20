# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an export is of: the state of a VM in a few texts, by which a later run sees whether the export still holds.

A virtual disk that anything wrote to has another length or time of last write once it was closed (Windows keeps that
time exact from then on), and a VM that ran has closed its disks when it is off again. Settings are those that an import
brings along. Notes, automatic start and stop are left out: they change around a migration, and nothing is lost by them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ..gateway import VmDetails, read_details
from ..model_enums import VmState
from .files import Item, visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...session.protocol import Session
    from ..model import Vlan


UNREAD: Final = ", time of last write not readable"
"""How the state of a file ends that the host can use and the caller can't see: one on a share, from a session that
passes no credentials on. Its size is what Get-VHD says."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A VM that is to be exported: its parts, and the files of its disks that could be read, by lower-case path."""

    details: VmDetails
    files: Mapping[str, Item] = field(default_factory=dict)

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the files of its disks, of its checkpoints' disks, and their parents, each once."""
        return disk_files(self.details)

    @property
    def system_bytes(self) -> int:
        """Return the bytes of configuration and saved memory, checkpoints included, as far as the host says them."""
        parts = [self.details.vm.size_of_system_files, *(c.size_of_system_files for c in self.details.checkpoints)]
        return sum(size or 0 for size in parts)

    @property
    def disk_bytes(self) -> int:
        """Return the bytes that its disks' files take: what an export copies."""
        sizes = {vhd.path.lower(): vhd.file_size for vhd in self.details.vhds}
        return sum(sizes.get(path.lower(), 0) for path in self.paths)

    @property
    def unseen(self) -> tuple[str, ...]:
        """Return the files that the host reads and the caller can't see."""
        known = {vhd.path.lower() for vhd in self.details.vhds}
        return tuple(path for path in self.paths if path.lower() in known and path.lower() not in self.files)

    @property
    def seen(self) -> dict[str, str]:
        """Return what is noted of it in a manifest."""
        return seen_of(self.details, self.files)


def disk_files(details: VmDetails) -> tuple[str, ...]:
    """Return the paths of a VM's virtual disks with those of checkpoints and parents, each once."""
    paths = [disk.path for disk in (*details.disks, *details.checkpoint_disks) if not disk.is_pass_through]
    paths += [vhd.path for vhd in details.vhds]
    return tuple({path.lower(): path for path in paths if path}.values())


def read_sources(session: Session, vm_ids: Sequence[str]) -> tuple[Source, ...]:
    """Return these VMs with their disks' files: a constant number of invocations."""
    details = read_details(session, vm_ids, checkpoint_parts=True)
    files = visible(session, [path for one in details for path in disk_files(one)]) if details else {}
    return tuple(
        Source(
            details=one,
            files={path.lower(): files[path.lower()] for path in disk_files(one) if path.lower() in files},
        )
        for one in details
    )


def seen_of(details: VmDetails, files: Mapping[str, Item]) -> dict[str, str]:
    """Return the state of a VM as texts by name of the thing, the same for the same state."""
    vm = details.vm
    found = {
        "name": vm.name,
        "version": vm.version,
        "state": "Off" if vm.state == VmState.OFF else "with memory",
        "processors": str(vm.processor_count),
        "memory": f"{vm.memory_startup} {vm.memory_minimum} {vm.memory_maximum} {vm.dynamic_memory_enabled}",
    }
    vlans = {vlan.adapter: _lane(vlan) for vlan in details.vlans}
    for adapter in details.adapters:
        mac = "dynamic" if adapter.dynamic_mac_address else adapter.mac_address
        found[f"adapter {adapter.id}"] = f"{adapter.name} {adapter.switch_name} {mac} {vlans.get(adapter.id, '')}"
    for drive in details.dvd_drives:
        found[f"DVD drive {drive.id}"] = str(drive.path or "")
    for checkpoint in details.checkpoints:
        found[f"checkpoint {checkpoint.id}"] = checkpoint.name
    for disk in details.disks:
        place = f"{disk.controller_type} {disk.controller_number}:{disk.controller_location}"
        found[f"drive {place}"] = disk.path
    sizes = {vhd.path.lower(): vhd.file_size for vhd in details.vhds}
    for path in disk_files(details):
        item = files.get(path.lower())
        size = sizes.get(path.lower())
        found[f"file {path.lower()}"] = f"{item.size} bytes, {item.modified}" if item else f"{size} bytes{UNREAD}"
    return found


def _lane(vlan: Vlan) -> str:
    """Return an adapter's VLAN setting; of each mode what counts in it, so that settings of the others don't."""
    more = {
        "Trunk": f" native {vlan.native_vlan_id}, allowed {vlan.allowed_vlan_ids}",
        "Private": f" primary {vlan.primary_vlan_id}, secondary {vlan.secondary_vlan_ids}",
    }
    return f"{vlan.operation_mode} {vlan.access_vlan_id}{more.get(vlan.operation_mode, '')}"


def differences(before: Mapping[str, str], now: Mapping[str, str], *, by_size: bool = False) -> tuple[str, ...]:
    """Return what changed, one sentence part each, in a stable order; everything where nothing had been noted.

    ``by_size``: of a file whose time could not be read, then or now, the size alone counts.
    """
    if not before:
        return ("nothing was noted of the VM when the export began",)
    names = sorted({*before, *now})
    return tuple(
        f"{name}: {before.get(name, 'nothing')} -> {now.get(name, 'nothing')}"
        for name in names
        if before.get(name) != now.get(name) and not (by_size and _same_size(before.get(name, ""), now.get(name, "")))
    )


def _same_size(before: str, now: str) -> bool:
    unread = before.endswith(UNREAD) or now.endswith(UNREAD)
    return unread and before.partition(",")[0] == now.partition(",")[0]
