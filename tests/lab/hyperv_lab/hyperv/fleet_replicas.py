# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The copies that replicated machines of a fleet file have on their Replica servers."""

from __future__ import annotations

import ntpath
import re
import uuid
from typing import TYPE_CHECKING, Any

from . import enums, mac_pool
from .checkpoint import Snapshot
from .failover_settings import NO_ADDRESSES
from .fleet_guests import STORAGE, read_failover
from .fleet_vms import put_file
from .replica_server import ReplicaSettings
from .replication import Replication
from .schema import FleetError, Section
from .storage import GB, File, VirtualDisk
from .vm import VM

if TYPE_CHECKING:
    from .fleet import Fleet
    from .host import Host


def build_replicas(fleet: Fleet) -> None:
    """Put the copy of each primary machine on its Replica server, where that is a host of the fleet."""
    for host in list(fleet.hosts.values()):
        for vm in list(host.vms.values()):
            replication = vm.replication
            if replication is None or replication.mode.name != "Primary":
                continue
            server = fleet.host(replication.replica_server)
            wishes = replication.__dict__.pop("copy", None) or Section({}, vm.name)
            if server is not None and vm.id not in server.vms:
                _copy(vm, server, replication, wishes)
            elif wishes.values:
                raise FleetError(f"{wishes.where}: there is no host {replication.replica_server!r} for a new copy")


def _copy(vm: VM, server: Host, replication: Replication, section: Section) -> None:
    """Make the replica of a machine: the same Id, files of its own, off."""
    copy = VM(server, vm.name, vm.id)
    copy.copy_settings(vm)
    copy.guest = vm.guest
    if server.replica_server == ReplicaSettings():
        server.replica_server = ReplicaSettings(enabled=True, any_server=True, storage=STORAGE)
    root = server.replica_server.storage or STORAGE
    copy.path = copy.snapshot_path = copy.paging_path = ntpath.join(root, "Hyper-V Replica", str(vm.id).upper())
    copy.cpu = None
    copy.replication = _mirrored(copy, vm, replication)
    _place_files(copy, vm.host, section)
    _adapters(copy, section)
    _recovery_points(copy, section.whole("recovery_points", 0))
    tested = section.number("tested_days_ago", None)
    copy.replication.last_test = None if tested is None else -tested * 86_400.0
    section.close()
    server.vms[copy.id] = copy


def _mirrored(copy: VM, vm: VM, replication: Replication) -> Replication:
    mine = Replication(copy)
    mine.__dict__.update(replication.__dict__, owner=copy)
    mine.mode = enums.value("VMReplicationMode", "Replica")
    mine.primary_server, mine.replica_server = vm.host.fqdn, copy.host.fqdn
    mine.allowed_primary = vm.host.fqdn
    return mine


def _place_files(copy: VM, source: Host, section: Section) -> None:
    for path in copy.configuration_files():
        put_file(copy.host, File(path, 64 * 1024), section.where)
    for drive in copy.hard_drives:
        if drive.disk_number is not None:
            continue
        file = source.storage.file(drive.path)
        stem = re.sub(r"_[0-9A-F-]{36}$", "", ntpath.splitext(ntpath.basename(drive.path))[0])
        drive.path = ntpath.join(copy.path, "Virtual hard disks", f"{stem}.vhdx")
        disk = VirtualDisk(size=file.disk.size if file and file.disk else 40 * GB)
        put_file(copy.host, File(drive.path, file.size if file else 8 * GB, disk), section.where)


def _adapters(copy: VM, section: Section) -> None:
    """Give the copy's adapters their own side's settings; a switch of the same name is taken where there is one."""
    given: list[Any] = section.sections("adapters")
    for number, adapter in enumerate(copy.adapters):
        adapter.failover, adapter.test_replica_switch = NO_ADDRESSES, ""
        adapter.switch = adapter.switch if copy.host.switch(adapter.switch) else ""
        if adapter.dynamic_mac:
            adapter.mac_address = mac_pool.NEVER
        if number < len(given):
            entry = given[number]
            adapter.switch = entry.text("switch", adapter.switch)
            adapter.failover, adapter.test_replica_switch = read_failover(entry), entry.text("test_switch", "")
            entry.close()


def _recovery_points(copy: VM, count: int) -> None:
    for number in range(count):
        identifier = uuid.uuid5(copy.id, f"recovery{number}")
        snapshot = Snapshot(copy, f"{copy.name} - {number + 1}", identifier, copy.snapshot)
        snapshot.copy_settings(copy)
        snapshot.snapshot_type = enums.value("SnapshotType", "Replica")
        snapshot.cpu = None
        copy.snapshots.append(snapshot)
