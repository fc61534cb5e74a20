# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of VMs that are to move, read all at once: the number of invocations does not grow with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..gateway import VmDetails, read_details
from ..network.adapters import vlan_of
from ..preflight.facts import AdapterFacts, DiskFacts, VmFacts
from .decide import Seen

if TYPE_CHECKING:
    from ...session.protocol import Session
    from ..model import Disk


def read_vms(session: Session, vm_ids: Sequence[str]) -> dict[str, VmFacts]:
    """Return the facts of the VMs by Id; RemoteError when the host refuses a question that matters."""
    return {details.vm.id: facts_of(details) for details in read_details(session, vm_ids, checkpoint_parts=True)}


def facts_of(details: VmDetails) -> VmFacts:
    """Return a machine's facts; parts of its checkpoints count like its own."""
    vm, processor = details.vm, details.processor
    names = {checkpoint.id: checkpoint.name for checkpoint in details.checkpoints}
    folders = (vm.path, vm.configuration_location, vm.snapshot_file_location, vm.smart_paging_file_path)
    drives = (*details.dvd_drives, *details.checkpoint_dvd_drives)
    return VmFacts(
        id=vm.id,
        name=vm.name,
        seen=Seen(state=vm.state, statuses=vm.statuses - {"Ok"}),
        version=vm.version,
        memory_bytes=vm.memory_assigned or vm.memory_startup,
        compatibility_enabled=processor.compatibility_for_migration_enabled if processor else None,
        processor_count=vm.processor_count or 1,
        memory_checkpoints=tuple(checkpoint.name for checkpoint in details.checkpoints if checkpoint.has_memory),
        unlimited_checkpoints=_unlimited(details),
        disks=_disks(details),
        isos=tuple(sorted({drive.path for drive in drives if drive.path})),
        adapters=_adapters(details, names),
        tpm=bool(details.security and details.security.tpm_enabled),
        shielded=bool(details.security and details.security.shielded),
        clustered=vm.is_clustered,
        replication_mode=next((r.mode for r in details.replications), None),
        folders=tuple(sorted({folder for folder in folders if folder})),
        heartbeat=vm.heartbeat,
        machine=details,
    )


def _adapters(details: VmDetails, checkpoints: Mapping[str, str]) -> tuple[AdapterFacts, ...]:
    """Return the adapters of the VM and of its checkpoints, whose names are given by Id."""
    read = ((vlan.adapter, vlan_of(vlan)) for vlan in details.vlans)
    vlans = {adapter: vlan.carried_id for adapter, vlan in read if vlan is not None and vlan.is_place}
    return tuple(
        AdapterFacts(
            id=adapter.id,
            name=adapter.name,
            switch=adapter.switch_name,
            checkpoint=checkpoints.get(adapter.checkpoint_id or ""),
            vlan=vlans.get(adapter.id),
            is_placed=adapter.id in vlans,
            mac=adapter.mac_address,
            addresses=adapter.ip_addresses,
        )
        for adapter in (*details.adapters, *details.checkpoint_adapters)
    )


def _unlimited(details: VmDetails) -> tuple[str, ...] | None:
    """Return the names of checkpoints with memory state and with the flag off; None where a flag could not be read."""
    flags = {p.checkpoint_id: p.compatibility_for_migration_enabled for p in details.checkpoint_processors}
    holding = [checkpoint for checkpoint in details.checkpoints if checkpoint.has_memory]
    if any(flags.get(checkpoint.id) is None for checkpoint in holding):
        return None
    return tuple(checkpoint.name for checkpoint in holding if not flags[checkpoint.id])


def _disks(details: VmDetails) -> tuple[DiskFacts, ...]:
    """Return each file once: disks of the VM, of its checkpoints, and their parents."""
    sizes = {vhd.path.lower(): vhd.file_size for vhd in details.vhds}
    found: dict[str, DiskFacts] = {}
    for disk in (*details.disks, *details.checkpoint_disks):
        found.setdefault(_key(disk), _disk(disk, sizes.get(disk.path.lower(), 0)))
    for vhd in details.vhds:
        found.setdefault(vhd.path.lower(), DiskFacts(path=vhd.path, file_size=vhd.file_size))
    return tuple(disk for disk in found.values() if disk.path or disk.disk_number is not None)


def _key(disk: Disk) -> str:
    return f"#{disk.disk_number}" if disk.is_pass_through else disk.path.lower()


def _disk(disk: Disk, size: int) -> DiskFacts:
    path = None if disk.is_pass_through else disk.path or None
    return DiskFacts(path=path, file_size=size, disk_number=disk.disk_number, shared=disk.shared)
